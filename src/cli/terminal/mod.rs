//! The terminal while the program has it to itself: keys one by one, the other screen, no cursor. It is put back as it was
//! found on every way out: when the [`Screen`] goes, before a panic says what it has to say, and while the program is
//! suspended. Ctrl-C stays the signal that it is.

mod keys;

pub use keys::{Key, Keys, parse};

use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use std::io::{self, IsTerminal as _, Write as _, stdin, stdout};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// How the terminal was found, while it is ours.
static FOUND: Mutex<Option<Termios>> = Mutex::new(None);

fn found() -> MutexGuard<'static, Option<Termios>> {
    FOUND.lock().unwrap_or_else(PoisonError::into_inner)
}

/// True if there is a terminal for keys and for a screen.
#[must_use]
pub fn is_there() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    stdin().is_terminal() && stdout().is_terminal() && !dumb
}

/// The terminal, ours until this goes.
pub struct Screen(());

impl Screen {
    /// Takes it.
    ///
    /// # Errors
    /// A terminal that does not do as it is told.
    pub fn enter() -> io::Result<Screen> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let previous = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                put_back();
                previous(info);
            }));
        });
        let screen = Screen(());
        screen.take()?;
        Ok(screen)
    }

    /// Takes the terminal (again): after a suspension, and after another program has had it.
    ///
    /// # Errors
    /// A terminal that does not do as it is told.
    pub fn take(&self) -> io::Result<()> {
        self.take_keys()?;
        // The other screen, no cursor.
        write_out("\x1b[?1049h\x1b[?25l")
    }

    /// Takes the keys, and leaves the screen as it is.
    ///
    /// # Errors
    /// A terminal that does not do as it is told.
    pub fn take_keys(&self) -> io::Result<()> {
        let was = {
            let mut found = found();
            let was = match &*found {
                Some(was) => was.clone(),
                None => tcgetattr(stdin())?,
            };
            *found = Some(was.clone());
            was
        };
        let mut ours = was;
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

    /// Gives the terminal back for a while: until [`Screen::take`].
    pub fn give_back(&self) {
        put_back();
    }

    /// Ctrl-Z: gives the terminal back, and stops until the shell goes on with us.
    ///
    /// # Errors
    /// As [`Screen::take`].
    pub fn suspend(&self) -> io::Result<()> {
        put_back();
        // The group, as the terminal would: `cargo run` waits for us in it. Nobody there to continue us? Then the system
        // lets this pass.
        let _ = kill_current_process_group(Signal::TSTP);
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
            text.push_str(row);
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

/// Columns and rows; 80 by 24 if the terminal does not know.
#[must_use]
pub fn size() -> (usize, usize) {
    match tcgetwinsize(stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (usize::from(size.ws_col), usize::from(size.ws_row)),
        _ => (80, 24),
    }
}

/// Puts the terminal back as it was found, if it is not.
fn put_back() {
    if let Some(was) = found().take() {
        // Nothing is left to be done if the terminal is gone.
        let _ = write_out("\x1b[?2026l\x1b[0m\x1b[?25h\x1b[?1049l");
        let _ = tcsetattr(stdin(), OptionalActions::Drain, &was);
    }
}

fn write_out(text: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
