//! Standard output and standard error. A pipe whose reader has gone away (`splitbrain list | head -1`) ends the program
//! quietly, with exit code 0; `println!` would panic. What else keeps it from writing (`> /dev/full`) is an error, and said.

use super::args::Format;
use super::ascii::{self, Stream, literals_to_ascii, to_ascii, wanted_by_locale};
use super::disk;
use super::error::{Result, Trouble};
use super::pager;
use super::sanitize::safe;
use super::style::{ColorChoice, Style};
use super::wrap::{columns as columns_of, comments, wrap};
use std::io::{ErrorKind, IsTerminal as _, Write};
use std::path::Path;

/// Where a verb writes.
pub struct Out {
    /// The style of standard output.
    pub style: Style,
    /// The style of standard error.
    pub err_style: Style,
    /// In which form.
    pub format: Format,
    /// Pictures in plain ASCII.
    pub ascii: bool,
    /// A text that is longer than the screen goes through a pager.
    pub pager: bool,
}

/// Columns of a picture that goes to a pipe or a file.
const WIDTH_ELSEWHERE: usize = 100;

impl Out {
    /// The streams, dressed as asked for.
    #[must_use]
    pub fn new(choice: ColorChoice, format: Format, ascii: bool) -> Out {
        let ascii = ascii || wanted_by_locale();
        ascii::want(ascii);
        Out { style: Style::stdout(choice), err_style: Style::stderr(choice), format, ascii, pager: true }
    }

    /// Columns of the screen; of something that is no terminal, a width that suits a page.
    #[must_use]
    pub fn width(&self) -> usize {
        match rustix::termios::tcgetwinsize(std::io::stdout()) {
            Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
            _ => WIDTH_ELSEWHERE,
        }
    }

    /// A source as it is shown: set for a terminal's width; a pipe or a file gets it as it is.
    #[must_use]
    pub fn source(&self, text: &str) -> String {
        if std::io::stdout().is_terminal() { comments(text, self.width()) } else { text.to_owned() }
    }

    /// Writes text for people to standard output at once. Here, at the last door, whatever could steer their terminal becomes
    /// visible: texts come from files that others wrote.
    pub fn print(&mut self, text: &str) {
        let text = safe(text);
        self.print_raw(&if self.ascii { to_ascii(&text) } else { text.into_owned() });
    }

    /// As [`Out::print`], but what is longer than the screen goes through a pager. For a verb's one text, which is read from its start.
    pub fn page(&mut self, text: &str) {
        let safe = safe(text);
        let shown = if self.ascii { to_ascii(&safe) } else { safe.into_owned() };
        if !(self.pager && self.format == Format::Human && pager::shown(&shown)) {
            self.print_raw(&shown);
        }
    }

    /// Writes text that is for a program to read, to standard output at once.
    pub fn print_raw(&mut self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        drop(stdout);
        self.or_end(written);
    }

    /// Writes a text where the user said: a file, or standard output (`-`), and then that is all that is written there. True if it
    /// was a file.
    ///
    /// # Errors
    /// As [`disk::write_where_asked`].
    pub fn write_where_asked(&mut self, path: &Path, text: &str) -> Result<bool> {
        if is_standard(path, "/dev/stdout") {
            self.print_raw(text);
            return Ok(false);
        }
        disk::write_where_asked(path, text).map(|()| true)
    }

    /// Writes one JSON object as a line.
    pub fn json(&mut self, value: &serde_json::Value) {
        let text = value.to_string();
        self.print_raw(&format!("{}\n", if self.ascii { literals_to_ascii(&text) } else { text }));
    }

    /// A pipe whose reader has gone away is no error; what else keeps us from writing is said, if that can be.
    fn or_end(&self, written: std::io::Result<()>) {
        let Err(e) = written else { return };
        if e.kind() == ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        let trouble = unwritten(&e);
        let _ = writeln!(self.stderr(), "{} {trouble}", self.err_style.bad("error:"));
        std::process::exit(trouble.exit as i32);
    }

    /// Tells the user something that is not what was asked for.
    pub fn tell(&mut self, text: &str) {
        self.or_end(write!(self.stderr(), "{} {}", self.err_style.warn("note:"), by_words("note:", &safe(text), columns_of_stderr())));
    }

    /// Says what went wrong, if there is something to say.
    pub fn trouble(&mut self, trouble: &Trouble) {
        if trouble.message.is_empty() {
            return;
        }
        let said = by_words("error:", &safe(&trouble.message), columns_of_stderr());
        self.or_end(write!(self.stderr(), "{} {said}", self.err_style.bad("error:")));
    }

    fn stderr(&self) -> impl Write {
        Stream::new(std::io::stderr().lock(), self.ascii)
    }

    /// True for JSON; refuses a form that the verb does not have.
    ///
    /// # Errors
    /// If the form is JUnit's, which only `check` has.
    pub fn wants_json(&self) -> Result<bool> {
        match self.format {
            Format::Human => Ok(false),
            Format::Json => Ok(true),
            Format::Junit => Err(Trouble::usage("`--format junit` is only for `check`; use human or json here")),
        }
    }
}

/// Whether one of our own streams is meant, by `-` or by its device.
#[must_use]
pub fn is_standard(path: &Path, device: &str) -> bool {
    path == Path::new("-") || path == Path::new(device)
}

/// Columns of the terminal behind standard error; nothing wraps elsewhere, so that a program finds its line whole.
fn columns_of_stderr() -> Option<usize> {
    use std::io::IsTerminal as _;
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok()?;
    (size.ws_col > 0 && std::io::stderr().is_terminal()).then_some(usize::from(size.ws_col))
}

/// What follows a label, broken between words where it is too long. Indented lines are somebody else's (a compiler's).
fn by_words(label: &str, text: &str, columns: Option<usize>) -> String {
    let mut out = String::new();
    for (i, line) in text.lines().enumerate() {
        let lead = if i == 0 { columns_of(label) + 1 } else { 0 };
        match columns {
            Some(columns) if lead + columns_of(line) > columns && !line.starts_with(' ') => {
                let wrapped = wrap(line, &" ".repeat(lead), columns);
                out.push_str(&wrapped[lead..]);
            }
            _ => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    if out.is_empty() { "\n".to_owned() } else { out }
}

/// What is said if standard output takes no more.
#[must_use]
pub fn unwritten(error: &std::io::Error) -> Trouble {
    Trouble::file("write", Path::new("to standard output"), error)
}

#[cfg(test)]
mod tests {
    use super::by_words;

    #[test]
    fn errors_break_between_words_on_a_terminal() {
        let text = "there is no exercise `paxos`; did you mean another one?\n  (a line of the compiler that is longer than all)";
        assert_eq!(by_words("error:", text, None), format!("{text}\n"));
        let wrapped = by_words("error:", text, Some(40));
        assert_eq!(
            wrapped,
            "there is no exercise `paxos`; did\n       you mean another one?\n  (a line of the compiler that is longer than all)\n"
        );
    }
}
