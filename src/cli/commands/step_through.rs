//! The keys and the screen of `replay`, and of a lesson's runs, on a terminal. Where one stands, and what one sees there, is the stepper's business.

use crate::cli::error::{Result, Trouble};
use crate::cli::runtime::{Ends, Runtime};
use crate::cli::terminal::{Key, Keys, Screen, size};
use crate::cli::watch::keys::{HELP, RUN_ALONE, RUN_OF_A_LESSON, wrong};
use crate::cli::watch::page;
use crate::trace::Trace;
use crate::trace::stepper::Stepper;
use tokio::signal::unix::{SignalKind, signal};

/// Steps through a run until the user has seen enough.
///
/// # Errors
/// A terminal that does not do as it is told; a signal that asks us to end.
pub fn step_through(stepper: &mut Stepper, ascii: bool) -> Result<()> {
    walk(stepper, &Guide { title: "", notes: &[], ascii })
}

/// Who tells what there is to see.
pub struct Guide<'a> {
    /// What the run is.
    pub title: &'a str,
    /// By step, in order; without any nobody tells.
    pub notes: &'a [(u64, String)],
    pub ascii: bool,
}

/// Steps through a run from its start, with somebody who says what there is to see. At its end a step on is the way out.
///
/// # Errors
/// As [`step_through`].
pub fn guided(trace: &Trace, guide: &Guide<'_>) -> Result<()> {
    let marks: Vec<u64> = guide.notes.iter().map(|(step, _)| *step).collect();
    let mut stepper = Stepper::new(trace, &marks, None, guide.ascii).told_as(guide.title);
    stepper.to_start();
    walk(&mut stepper, guide)
}

fn walk(stepper: &mut Stepper, guide: &Guide<'_>) -> Result<()> {
    let cannot = |e: std::io::Error| Trouble::environment(format!("cannot control the terminal: {e}; `--text` works without it"));
    Runtime::new()?.block_on(async {
        let screen = Screen::enter(&Ends::new()?, guide.ascii).map_err(cannot)?;
        let mut keys = Keys::new().map_err(cannot)?;
        let mut resized = signal(SignalKind::window_change()).map_err(cannot)?;
        let mut shown = Shown::Run;
        loop {
            screen.draw(&frame(stepper, &shown, guide)).map_err(cannot)?;
            tokio::select! {
                key = keys.next() => match key.map_err(cannot)? {
                    Key::Suspend => screen.suspend().map_err(cannot)?,
                    _ if shown == Shown::Help => shown = Shown::Run,
                    Key::Char('?') => shown = Shown::Help,
                    Key::Char('q') | Key::Esc => return Ok(()),
                    key => {
                        let before = stepper.step();
                        shown = match step(stepper, key) {
                            Stepped::There if goes_on(key) && stepper.step() == before && guide.is_there() => {
                                if shown == Shown::AtEnd { return Ok(()) }
                                Shown::AtEnd
                            }
                            Stepped::There => Shown::Run,
                            Stepped::Stays(why) => Shown::Said(why.to_owned()),
                            Stepped::NoKey => Shown::Said(wrong(&key.name())),
                        }
                    }
                },
                _ = resized.recv() => {}
            }
        }
    })
}

/// Whether a key is one that goes a step on.
fn goes_on(key: Key) -> bool {
    matches!(key, Key::Right | Key::Down | Key::Char('l' | 'j' | ' ') | Key::Enter)
}

/// What stands on the screen.
#[derive(PartialEq)]
enum Shown {
    Run,
    /// The run, and why a key did nothing.
    Said(String),
    /// The run, at whose end one wants to go on.
    AtEnd,
    /// What the keys do.
    Help,
}

impl Guide<'_> {
    fn is_there(&self) -> bool {
        !self.notes.is_empty()
    }

    /// What is told at a step, in as many rows as any note takes: so the rows above stay where they are.
    fn rows(&self, step: u64, columns: usize) -> Vec<String> {
        let laid = |note: &str| page::rows(note, columns);
        let most = self.notes.iter().map(|(_, note)| laid(note).len()).max().unwrap_or(0);
        let mut rows = self.notes.iter().find(|(at, _)| *at == step).map(|(_, note)| laid(note)).unwrap_or_default();
        rows.resize(most, String::new());
        // The note is no line of the state above it.
        if most > 0 {
            rows.insert(0, String::new());
        }
        rows
    }
}

fn frame(stepper: &Stepper, shown: &Shown, guide: &Guide<'_>) -> Vec<String> {
    let (columns, rows) = size();
    let keys = if guide.is_there() { RUN_OF_A_LESSON } else { RUN_ALONE };
    let last = match shown {
        Shown::Run => keys.line.to_owned(),
        Shown::Said(why) => format!("{why}\n{}", keys.line),
        Shown::AtEnd => "This is the end of the run: once more, and the lesson goes on.   left: back [?]".to_owned(),
        Shown::Help => HELP.to_owned(),
    };
    let mut last = page::rows(&last, columns);
    if *shown != Shown::Help {
        last.splice(..0, guide.rows(stepper.step(), columns));
    }
    let room = rows.saturating_sub(last.len());
    // A picture has its own least width: on a narrower screen its rows are cut, for broken ones would tear the lanes.
    let mut frame: Vec<String> = if *shown == Shown::Help {
        page::rows(&keys.help(columns), columns)
    } else {
        stepper.frame(columns, room).lines().map(|row| page::cut(row, columns)).collect()
    };
    frame.truncate(room);
    frame.resize(room, String::new());
    frame.extend(last);
    frame
}

/// What came of a key.
pub enum Stepped {
    /// It was done.
    There,
    /// There is nothing to go to.
    Stays(&'static str),
    /// It says nothing here.
    NoKey,
}

/// Does what a key says.
pub fn step(stepper: &mut Stepper, key: Key) -> Stepped {
    let found = |found: bool, why| if found { Stepped::There } else { Stepped::Stays(why) };
    match key {
        Key::Right | Key::Down | Key::Char('l' | 'j' | ' ') | Key::Enter => stepper.forward(),
        Key::Left | Key::Up | Key::Char('h' | 'k') | Key::Backspace => stepper.back(),
        Key::PageDown => stepper.scroll_down(),
        Key::PageUp => stepper.scroll_up(),
        Key::Char('v') => stepper.to_violation(),
        Key::Char('n') => return found(stepper.to_next_mark(), "No later step is marked ► or !"),
        Key::Char('p') => return found(stepper.to_previous_mark(), "No earlier step is marked ► or !"),
        Key::Home | Key::Char('g') => stepper.to_start(),
        Key::End | Key::Char('G') => stepper.to_end(),
        _ => return Stepped::NoKey,
    }
    Stepped::There
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;
    use crate::trace::{Event, Lane, What};

    #[test]
    fn a_key_without_a_mark_to_go_to_says_so() {
        let event = |step| Event { step, at: Time::ZERO, lane: Lane::Node(0), what: What::Fires { timer: "T".to_owned() } };
        let trace = Trace { events: (1..=5).map(event).collect(), ..Trace::default() };
        let mut stepper = Stepper::new(&trace, &[2], Some(5), false);
        let stays = |stepper: &mut Stepper, key| match step(stepper, Key::Char(key)) {
            Stepped::Stays(why) => Some(why),
            Stepped::There => None,
            Stepped::NoKey => panic!("{key} is a key"),
        };
        assert!(stays(&mut stepper, 'n').is_some_and(|why| why.starts_with("No later step")));
        assert_eq!((stays(&mut stepper, 'p'), stepper.step()), (None, 2));
        assert!(stays(&mut stepper, 'p').is_some_and(|why| why.starts_with("No earlier step")));
        assert_eq!(stepper.step(), 2);
        assert!(matches!(step(&mut stepper, Key::Char('z')), Stepped::NoKey));
    }
}
