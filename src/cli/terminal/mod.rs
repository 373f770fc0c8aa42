//! The terminal while the program has it to itself: keys one by one, for a question on its last [`Line`] or for a whole
//! [`Screen`]. It is put back as it was found on every way out: when that goes, before a panic says what it has to say, and while
//! the program is suspended. Ctrl-C stays the signal that it is; whoever takes the terminal listens to signals first, for one that
//! comes a moment later must find somebody who puts it back.

mod keys;
mod lend;

pub use keys::{Key, Keys, some_were_dropped};
pub use lend::{Lent, lend};

use super::ascii::row_to_ascii;
use super::runtime::Ends;
use super::sanitize::safe;
use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, Winsize, tcgetattr, tcgetwinsize, tcsetattr};
use std::io::{self, IsTerminal as _, Write as _, stderr, stdin, stdout};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// How the terminal was found, while it is ours.
static FOUND: Mutex<Option<Found>> = Mutex::new(None);

struct Found {
    settings: Termios,
    /// The other screen is shown.
    screen: bool,
}

fn found() -> MutexGuard<'static, Option<Found>> {
    FOUND.lock().unwrap_or_else(PoisonError::into_inner)
}

/// True if there is a terminal for keys and for a screen.
#[must_use]
pub fn is_there() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    stdin().is_terminal() && stdout().is_terminal() && !dumb
}

/// The terminal, ours until this goes.
pub struct Screen {
    /// Rows are drawn in plain ASCII.
    ascii: bool,
}

impl Screen {
    /// Takes it.
    ///
    /// # Errors
    /// A terminal that does not do as it is told.
    pub fn enter(_listening: &Ends, ascii: bool) -> io::Result<Screen> {
        let screen = Screen { ascii };
        screen.take()?;
        Ok(screen)
    }

    /// Takes the terminal (again): after a suspension, and after another program has had it.
    ///
    /// # Errors
    /// A terminal that does not do as it is told.
    pub fn take(&self) -> io::Result<()> {
        self.take_keys()?;
        let shown = found().as_mut().is_some_and(|found| std::mem::replace(&mut found.screen, true));
        // The other screen, unless it is there: a second time the terminal would forget where the cursor was on the first.
        if !shown {
            write_out("\x1b[?1049h")?;
        }
        // No cursor; what is pasted comes marked as such: it is no row of commands.
        write_out("\x1b[?25l\x1b[?2004h")
    }

    /// Takes the keys, and leaves the screen as it is.
    ///
    /// # Errors
    /// A terminal that does not do as it is told.
    pub fn take_keys(&self) -> io::Result<()> {
        take_keys()
    }

    /// Gives the terminal back for a while: until [`Screen::take`].
    pub fn give_back(&self) {
        put_back();
    }

    /// Ctrl-Z: gives the terminal back, and stops until the shell goes on with us.
    ///
    /// # Errors
    /// As [`Screen::take`].
    pub fn suspend(&self) -> io::Result<()> {
        stop();
        self.take()
    }

    /// Draws the rows from the top, and leaves the rest empty. Rows must fit.
    ///
    /// # Errors
    /// A terminal that is gone.
    pub fn draw(&self, rows: &[String]) -> io::Result<()> {
        // All at once, where the terminal knows how: nothing flickers.
        let mut text = String::from("\x1b[?2026h\x1b[H");
        for (i, row) in rows.iter().enumerate() {
            if i > 0 {
                text.push_str("\r\n");
            }
            let row = safe(row);
            text.push_str(&if self.ascii { row_to_ascii(&row) } else { row.into_owned() });
            text.push_str("\x1b[0m\x1b[K");
        }
        text.push_str("\x1b[J\x1b[?2026l");
        write_out(&text)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        put_back();
    }
}

/// The keys of the terminal, ours until this goes, for a question that is drawn on standard error.
pub struct Line(());

impl Line {
    /// Takes them.
    ///
    /// # Errors
    /// A terminal that does not do as it is told.
    pub fn enter(_listening: &Ends) -> io::Result<Line> {
        let line = Line(());
        line.take()?;
        Ok(line)
    }

    /// Takes them again: after a suspension.
    ///
    /// # Errors
    /// A terminal that does not do as it is told.
    pub fn take(&self) -> io::Result<()> {
        take_keys()?;
        // What is pasted comes marked as such, where the terminal knows how.
        self.draw("\x1b[?2004h")
    }

    /// Ctrl-Z: gives the terminal back, and stops until the shell goes on with us.
    ///
    /// # Errors
    /// As [`Line::take`].
    pub fn suspend(&self) -> io::Result<()> {
        // The shell begins on a line of its own.
        self.draw("\r\n")?;
        stop();
        self.take()
    }

    /// Writes, at once.
    ///
    /// # Errors
    /// A terminal that is gone.
    pub fn draw(&self, text: &str) -> io::Result<()> {
        let mut err = stderr().lock();
        err.write_all(text.as_bytes())?;
        err.flush()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        put_back();
    }
}

/// Keys come one by one, unseen, from now on. How the terminal was found is remembered.
fn take_keys() -> io::Result<()> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            put_back();
            previous(info);
        }));
    });
    let mut ours = {
        let mut found = found();
        match &*found {
            Some(found) => found.settings.clone(),
            None => found.insert(Found { settings: tcgetattr(stdin())?, screen: false }).settings.clone(),
        }
    };
    ours.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::IEXTEN;
    // Ctrl-S is what hands do after typing; here it need not freeze the screen.
    ours.input_modes -= InputModes::IXON;
    // Reading returns at once with what is there. Ctrl-Z and Ctrl-\ come as keys: the screen must be put back first.
    ours.special_codes[SpecialCodeIndex::VMIN] = 0;
    ours.special_codes[SpecialCodeIndex::VTIME] = 0;
    ours.special_codes[SpecialCodeIndex::VSUSP] = 0;
    ours.special_codes[SpecialCodeIndex::VQUIT] = 0;
    Ok(tcsetattr(stdin(), OptionalActions::Now, &ours)?)
}

/// Gives the terminal back and stops, until somebody goes on with us.
fn stop() {
    put_back();
    // The group, as the terminal would: `cargo run` waits for us in it. Nobody there to continue us? Then the system
    // lets this pass.
    let _ = kill_current_process_group(Signal::TSTP);
}

/// Columns and rows; 80 by 24 if the terminal does not know.
#[must_use]
pub fn size() -> (usize, usize) {
    let of = |size: rustix::io::Result<Winsize>| size.ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    let size = of(tcgetwinsize(stdout())).or_else(|| of(tcgetwinsize(stderr())));
    size.map_or((80, 24), |size| (usize::from(size.ws_col), usize::from(size.ws_row)))
}

/// Puts the terminal back as it was found, if it is not.
fn put_back() {
    if let Some(found) = found().take() {
        // Nothing is left to be done if the terminal is gone.
        if found.screen {
            let _ = write_out("\x1b[?2026l\x1b[?2004l\x1b[0m\x1b[?25h\x1b[?1049l");
        } else {
            let _ = stderr().write_all(b"\x1b[?2004l");
        }
        let _ = tcsetattr(stdin(), OptionalActions::Drain, &found.settings);
    }
}

fn write_out(text: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
