//! A text written in the editor that the surroundings name: `$VISUAL`, or `$EDITOR`.

use super::{Leave, Reply};
use crate::cli::terminal::{Lent, lend};
use crate::cli::wrap::{columns, wrap};
use std::io;
use tokio::process::Command;

/// An editor.
pub(super) struct Editor {
    /// As it is called, with its options: the shell reads it.
    command: String,
    /// Its bare name, for people.
    pub(super) name: String,
}

/// The editor of this process, if one is named.
pub(super) fn of_this_process() -> Option<Editor> {
    let named = |name| std::env::var(name).ok().filter(|command| !command.trim().is_empty());
    let command = named("VISUAL").or_else(|| named("EDITOR"))?;
    let program = command.split_whitespace().next().unwrap_or_default();
    let name = crate::cli::sanitize::visible(program.rsplit('/').next().unwrap_or(program), false);
    Some(Editor { name, command })
}

impl Editor {
    /// Lets the user write about something, which stands below a line of its own in the file and is taken out again.
    pub(super) async fn write(&self, about: &str) -> Reply<String> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("answer.md");
        // Not every editor breaks lines between words. What is drawn is narrower.
        let quoted: String = about
            .lines()
            .flat_map(|line| {
                if columns(line) > WIDE { wrap(line, "", WIDE) } else { format!("{line}\n") }.lines().map(str::to_owned).collect::<Vec<_>>()
            })
            .map(|line| format!("> {line}").trim_end().to_owned() + "\n")
            .collect();
        std::fs::write(&file, format!("\n\n{BORDER}\n{quoted}"))?;
        // The shell splits the command as it does for other programs: `code --wait`.
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{} \"$1\"", self.command)).arg("sh").arg(&file);
        let Lent { status, asked } = lend(&mut command, None).await?;
        if let Some(exit) = asked {
            return Err(Leave::Ended(exit));
        }
        if !status.success() {
            return Err(io::Error::other(format!("the editor {} ended with {status}", self.name)).into());
        }
        let text = std::fs::read(&file)?;
        Ok(without_question(&String::from_utf8_lossy(&text), &quoted))
    }
}

/// Columns of a line of the question.
const WIDE: usize = 76;
/// Where the answer ends and the question begins: editors begin at the top.
const BORDER: &str = "──── Write above this line: from here on all is left out. ────";

/// What was written, wherever that was: without the border, and each line of the question once.
fn without_question(text: &str, quoted: &str) -> String {
    let mut question: Vec<&str> = std::iter::once(BORDER).chain(quoted.lines()).collect();
    let own = |line: &&str| match question.iter().position(|asked| asked.trim_end() == line.trim_end() && !line.trim().is_empty()) {
        Some(at) => {
            question.remove(at);
            false
        }
        None => true,
    };
    text.lines().filter(own).collect::<Vec<_>>().join("\n").trim_start_matches(['\n', '\r']).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::runtime::Runtime;

    #[test]
    fn an_editor_sees_the_question_and_its_text_comes_back() {
        let write = |command: &str, about: &str| {
            let editor = Editor { command: command.to_owned(), name: "test".to_owned() };
            Runtime::new().unwrap().block_on_alone(editor.write(about))
        };
        let appends = "f() { grep -q '^> Why' \"$1\" && printf 'One.\\n\\nTwo.\\n' >> \"$1\"; }; f";
        assert_eq!(write(appends, "Why?\nHow?").unwrap(), "One.\n\nTwo.");
        assert_eq!(write("true", "Why?").unwrap(), "");
        let Err(Leave::Broken(error)) = write("false", "Why?") else { panic!("it failed") };
        assert!(error.to_string().contains("the editor test ended with"));
        assert_eq!(without_question("rewritten", "> Why\n"), "rewritten");
        assert_eq!(without_question("\n\n   a -> b\n  c\n\n", ""), "   a -> b\n  c", "a drawing");
        let above = "f() { printf 'Mine.\n' | cat - \"$1\" > \"$1.new\" && mv \"$1.new\" \"$1\"; }; f";
        assert_eq!(write(above, "Why?\n\nHow?").unwrap(), "Mine.", "as who types where the editor begins");
        assert_eq!(without_question(&format!("a\n\n> Why\nb\n{BORDER}\n> Why\n"), "> Why\n"), "a\n\nb\n> Why");
    }
}
