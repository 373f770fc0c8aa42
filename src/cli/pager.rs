//! A text that is longer than the screen, through a pager: `$PAGER`, or `less -FRX` if it is there. On a terminal alone; a pipe or a
//! file gets the text as it is, and so does a screen on which it fits.

use super::runtime::Runtime;
use super::terminal::{Lent, is_there, lend, size};
use crate::trace::columns::width;
use tokio::process::Command;

/// Shows the text, if it is longer than the screen and there is a pager. False if nobody has seen it.
#[must_use]
pub fn shown(text: &str) -> bool {
    let (columns, rows) = size();
    // The shell's prompt needs a row, too.
    if !is_there() || rows_of(text, columns) < rows {
        return false;
    }
    let less = || std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join("less").is_file()));
    let Some(mut pager) = chosen(std::env::var("PAGER").ok().as_deref(), less) else { return false };
    // What git gives to less, too: colours, no screen of its own, an end where all fits. What a user has set stays.
    if std::env::var_os("LESS").is_none() {
        pager.env("LESS", "FRX");
    }
    // On a thread of its own: what has the text may run on a runtime already, and waits.
    let through = || Runtime::new().is_ok_and(|runtime| runtime.block_on_alone(run(pager, text)));
    std::thread::scope(|scope| scope.spawn(through).join()).unwrap_or(false)
}

/// The pager's command: none if the user wants none, or has none.
fn chosen(wanted: Option<&str>, less: impl FnOnce() -> bool) -> Option<Command> {
    match wanted.map(str::trim) {
        Some("" | "cat") => None,
        Some(command) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", command]);
            Some(shell)
        }
        None if less() => {
            let mut pager = Command::new("less");
            pager.arg("-FRX");
            Some(pager)
        }
        None => None,
    }
}

/// What a shell ends with if it cannot run a command, or finds none of that name.
const NOT_RUN: [i32; 2] = [126, 127];

async fn run(mut pager: Command, text: &str) -> bool {
    let Ok(Lent { status, asked }) = lend(&mut pager, Some(text)).await else { return false };
    if let Some(exit) = asked {
        std::process::exit(exit as i32);
    }
    !status.code().is_some_and(|code| NOT_RUN.contains(&code))
}

/// Rows that a text takes on a terminal of so many columns. Escapes that dress it take none.
fn rows_of(text: &str, columns: usize) -> usize {
    let of_line = |line: &str| {
        let mut in_escape = false;
        let mut used = 0;
        for c in line.chars() {
            match (in_escape, c) {
                (true, 'm') => in_escape = false,
                (true, _) => {}
                (false, '\u{1b}') => in_escape = true,
                (false, c) => used += width(c),
            }
        }
        used.div_ceil(columns.max(1)).max(1)
    };
    text.lines().map(of_line).sum()
}

/// A page in pieces of so many rows at most, between paragraphs where that does not waste half a screen.
#[must_use]
pub fn leaves(page: &str, rows: usize) -> Vec<String> {
    let rows = rows.max(5);
    let mut lines: Vec<&str> = page.trim_end().lines().collect();
    let mut leaves = Vec::new();
    while lines.len() > rows {
        let gap = (rows / 2..=rows).rev().find(|at| lines[*at].trim().is_empty());
        let rest = lines.split_off(gap.unwrap_or(rows));
        leaves.push(std::mem::replace(&mut lines, rest));
        lines.drain(..usize::from(gap.is_some()));
    }
    leaves.push(lines);
    leaves.into_iter().map(|lines| lines.join("\n") + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_as_a_terminal_counts_them() {
        assert_eq!(rows_of("one\n\n\u{1b}[1mtwo\u{1b}[0m\n", 3), 3);
        assert_eq!(rows_of("abcd", 3), 2);
        assert_eq!(rows_of("漢字", 3), 2);
    }

    #[test]
    fn the_pager_that_is_wanted() {
        let of = |wanted: Option<&str>, less: bool| {
            let command = chosen(wanted, || less)?;
            let command = command.as_std();
            let words = std::iter::once(command.get_program()).chain(command.get_args());
            Some(words.map(|w| w.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(of(None, true).as_deref(), Some("less -FRX"));
        assert_eq!(of(Some("more -d"), true).as_deref(), Some("sh -c more -d"));
        assert_eq!((of(None, false), of(Some(""), true), of(Some("cat"), true)), (None, None, None));
    }

    #[test]
    fn a_long_page_is_turned_between_its_paragraphs() {
        let page = "a\nb\nc\n\nd\ne\nf\n\ng\n";
        assert_eq!(leaves(page, 6), ["a\nb\nc\n", "d\ne\nf\n\ng\n"]);
        assert_eq!(leaves("a\nb\n", 6), ["a\nb\n"]);
        let long: String = (0..23).map(|n| format!("{n}\n")).collect();
        let all = leaves(&long, 10);
        assert_eq!((all.len(), all.concat()), (3, long), "nothing is lost where there is no gap");
        assert!(all.iter().all(|leaf| leaf.lines().count() <= 10));
    }
}
