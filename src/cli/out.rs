//! Standard output and standard error. A pipe whose reader has gone away (`splitbrain list | head -1`) ends the program
//! quietly, with exit code 0; `println!` would panic. What else keeps it from writing (`> /dev/full`) is an error, and said.

use super::args::Format;
use super::error::{Result, Trouble};
use super::style::{ColorChoice, Style};
use super::words::safe;
use std::io::{ErrorKind, Write};
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
}

/// Columns of a picture that goes to a pipe or a file.
const WIDTH_ELSEWHERE: usize = 100;

impl Out {
    /// The streams, dressed as asked for.
    #[must_use]
    pub fn new(choice: ColorChoice, format: Format, ascii: bool) -> Out {
        Out { style: Style::stdout(choice), err_style: Style::stderr(choice), format, ascii }
    }

    /// Columns of the screen; of something that is no terminal, a width that suits a page.
    #[must_use]
    pub fn width(&self) -> usize {
        match rustix::termios::tcgetwinsize(std::io::stdout()) {
            Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
            _ => WIDTH_ELSEWHERE,
        }
    }

    /// Writes text for people to standard output at once. Here, at the last door, whatever could steer their terminal becomes
    /// visible: texts come from files that others wrote.
    pub fn print(&mut self, text: &str) {
        self.print_raw(&safe(text));
    }

    /// Writes text that is for a program to read, to standard output at once.
    pub fn print_raw(&mut self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        drop(stdout);
        self.or_end(written);
    }

    /// Writes one JSON object as a line.
    pub fn json(&mut self, value: &serde_json::Value) {
        self.print_raw(&format!("{value}\n"));
    }

    /// A pipe whose reader has gone away is no error; what else keeps us from writing is said, if that can be.
    fn or_end(&self, written: std::io::Result<()>) {
        let Err(e) = written else { return };
        if e.kind() == ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        let trouble = unwritten(&e);
        let _ = writeln!(std::io::stderr().lock(), "{} {trouble}", self.err_style.bad("error:"));
        std::process::exit(trouble.exit as i32);
    }

    /// Tells the user something that is not what was asked for.
    pub fn tell(&mut self, text: &str) {
        self.or_end(writeln!(std::io::stderr().lock(), "{} {}", self.err_style.warn("note:"), safe(text)));
    }

    /// Says what went wrong, if there is something to say.
    pub fn trouble(&mut self, trouble: &Trouble) {
        if trouble.message.is_empty() {
            return;
        }
        self.or_end(writeln!(std::io::stderr().lock(), "{} {}", self.err_style.bad("error:"), safe(&trouble.message)));
    }

    /// True for JSON; refuses a form that the verb does not have.
    ///
    /// # Errors
    /// If the form is JUnit's, which only `check` has.
    pub fn wants_json(&self) -> Result<bool> {
        match self.format {
            Format::Human => Ok(false),
            Format::Json => Ok(true),
            Format::Junit => Err(Trouble::usage("`--format junit` is for `check`; here there are human and json")),
        }
    }
}

/// What is said if standard output takes no more.
#[must_use]
pub fn unwritten(error: &std::io::Error) -> Trouble {
    Trouble::file("write", Path::new("to standard output"), error)
}
