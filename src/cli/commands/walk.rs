//! The keys and the screen of `replay` on a terminal. Where one stands, and what one sees there, is the stepper's business.

use crate::cli::error::{Result, Trouble};
use crate::cli::runtime::{Ends, Runtime};
use crate::cli::terminal::{Key, Keys, Screen, size};
use crate::trace::stepper::Stepper;
use tokio::signal::unix::{SignalKind, signal};

const HELP: &str = "→ ← step · n p marked step · v the violation · g G start, end · q quit";
const HELP_ASCII: &str = "right, left: step | n p: marked step | v: the violation | g G: start, end | q: quit";

/// Walks a run until the user has seen enough.
///
/// # Errors
/// A terminal that does not do as it is told; a signal that asks us to end.
pub fn walk(stepper: &mut Stepper, ascii: bool) -> Result<()> {
    let cannot = |e: std::io::Error| Trouble::environment(format!("the terminal does not follow: {e}; `--text` needs none of it"));
    Runtime::new()?.block_on(async {
        let screen = Screen::enter(&Ends::new()?, ascii).map_err(cannot)?;
        let mut keys = Keys::new().map_err(cannot)?;
        let mut resized = signal(SignalKind::window_change()).map_err(cannot)?;
        loop {
            screen.draw(&frame(stepper, ascii)).map_err(cannot)?;
            tokio::select! {
                key = keys.next() => match key.map_err(cannot)? {
                    Key::Suspend => screen.suspend().map_err(cannot)?,
                    Key::Char('q') | Key::Esc => return Ok(()),
                    key => { step(stepper, key); }
                },
                _ = resized.recv() => {}
            }
        }
    })
}

fn frame(stepper: &Stepper, ascii: bool) -> Vec<String> {
    let (columns, rows) = size();
    let room = rows.saturating_sub(1);
    let mut frame: Vec<String> = stepper.frame(columns, room).lines().take(room).map(str::to_owned).collect();
    frame.resize(room, String::new());
    frame.push((if ascii { HELP_ASCII } else { HELP }).chars().take(columns).collect());
    frame
}

/// Does what a key says; false if it says nothing here.
pub fn step(stepper: &mut Stepper, key: Key) -> bool {
    match key {
        Key::Right | Key::Down | Key::Char('l' | 'j' | ' ') | Key::Enter => stepper.forward(),
        Key::Left | Key::Up | Key::Char('h' | 'k') | Key::Backspace => stepper.back(),
        Key::Char('v') => stepper.to_violation(),
        Key::Char('n') => stepper.to_next_mark(),
        Key::Char('p') => stepper.to_previous_mark(),
        Key::Home | Key::Char('g') => stepper.to_start(),
        Key::End | Key::Char('G') => stepper.to_end(),
        _ => return false,
    }
    true
}
