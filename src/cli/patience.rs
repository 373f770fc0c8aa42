//! What a terminal is told while somebody waits: one line on standard error, which is gone before anything else is written. Nothing
//! depends on it.

use super::ascii::passing;
use super::terminal;
use super::wrap::clipped;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

/// Waits for something. From the first second on, a line on a terminal's standard error says what for, as far as that is known at that
/// moment, and for how long; it is gone before anything else is written.
pub async fn patiently<T>(what: impl Future<Output = T>, sentence: impl Fn() -> String) -> T {
    let mut what = std::pin::pin!(what);
    let line = PassingLine(io::stderr().is_terminal());
    for seconds in 1_u64.. {
        tokio::select! {
            result = &mut what => return result,
            () = tokio::time::sleep(Duration::from_secs(1)) => line.show(&format!("{} {seconds} s …", sentence())),
        }
    }
    unreachable!("nobody waits so long")
}

/// A line on standard error that gives way to the next, and is gone when this is.
pub struct PassingLine(pub bool);

impl PassingLine {
    /// Shows a text in the place of what is there. It is cut to one line.
    pub fn show(&self, text: &str) {
        if self.0 {
            // One for the "…", one so that no line is full.
            let most = terminal::size().0.saturating_sub(2);
            let _ = write!(io::stderr(), "\r\x1b[K{}", passing(&clipped(text, most)));
        }
    }

    /// Nothing is there any more.
    pub fn clear(&self) {
        if self.0 {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for PassingLine {
    fn drop(&mut self) {
        self.clear();
    }
}
