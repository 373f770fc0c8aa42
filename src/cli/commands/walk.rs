//! The keys and the screen of `replay` on a terminal. Where one stands, and what one sees there, is the stepper's business.

use crate::cli::error::{Result, Trouble};
use crate::trace::stepper::Stepper;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, read};
use crossterm::terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size};
use crossterm::{cursor, execute, queue};
use std::io::{Write as _, stdout};

const HELP: &str = "→ ← step · n p marked step · v the violation · g G start, end · q quit";
const HELP_ASCII: &str = "right, left: step | n p: marked step | v: the violation | g G: start, end | q: quit";

/// The terminal in raw mode on its other screen; put back when this goes, however it goes.
struct Screen;

impl Screen {
    fn enter() -> std::io::Result<Screen> {
        enable_raw_mode()?;
        let screen = Screen;
        execute!(stdout(), EnterAlternateScreen, cursor::Hide)?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nothing is left to be done if the terminal is gone.
        let _ = execute!(stdout(), cursor::Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
    }
}

/// Walks a run until the user has seen enough.
///
/// # Errors
/// A terminal that does not do as it is told.
pub fn walk(stepper: &mut Stepper, ascii: bool) -> Result<()> {
    let cannot = |e: std::io::Error| Trouble::environment(format!("the terminal does not follow: {e}; `--text` needs none of it"));
    let _screen = Screen::enter().map_err(cannot)?;
    loop {
        draw(stepper, ascii).map_err(cannot)?;
        match read().map_err(cannot)? {
            Event::Key(key) if key.kind != KeyEventKind::Release && !step(stepper, key) => return Ok(()),
            _ => {}
        }
    }
}

fn draw(stepper: &Stepper, ascii: bool) -> std::io::Result<()> {
    let (columns, rows) = size()?;
    let frame = stepper.frame(usize::from(columns), usize::from(rows).saturating_sub(1));
    let mut out = stdout().lock();
    queue!(out, cursor::MoveTo(0, 0), Clear(ClearType::All))?;
    // In raw mode a line feed does not go back to the first column.
    write!(out, "{}", frame.replace('\n', "\r\n"))?;
    queue!(out, cursor::MoveTo(0, rows.saturating_sub(1)))?;
    let help: String = (if ascii { HELP_ASCII } else { HELP }).chars().take(usize::from(columns)).collect();
    write!(out, "{help}")?;
    out.flush()
}

/// Does what a key says; false to leave.
fn step(stepper: &mut Stepper, key: KeyEvent) -> bool {
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return false,
        KeyCode::Char('q') | KeyCode::Esc => return false,
        KeyCode::Right | KeyCode::Down | KeyCode::Char('l' | 'j' | ' ') | KeyCode::Enter => stepper.forward(),
        KeyCode::Left | KeyCode::Up | KeyCode::Char('h' | 'k') | KeyCode::Backspace => stepper.back(),
        KeyCode::Char('v') => stepper.to_violation(),
        KeyCode::Char('n') => stepper.to_next_mark(),
        KeyCode::Char('p') => stepper.to_previous_mark(),
        KeyCode::Home | KeyCode::Char('g') => stepper.to_start(),
        KeyCode::End | KeyCode::Char('G') => stepper.to_end(),
        _ => {}
    }
    true
}
