//! Asks on the terminal of this process: feeds an [`Entry`] with keys, draws it on its own rows, and puts the terminal back however
//! it ends. Here, and nowhere else, is decided what holds at every prompt: Esc leaves, Ctrl-C and the signals end, Ctrl-Z stops,
//! `?` helps, and a wrong key says what keys there are.

use super::entry::{Did, Entry};
use super::{Asides, Deadline, Leave, Reply};
use crate::cli::ascii::to_ascii;
use crate::cli::clock;
use crate::cli::error::Exit;
use crate::cli::runtime::{Ends, Runtime};
use crate::cli::sanitize::{safe, steers};
use crate::cli::terminal::{Key, Keys, Line, size, some_were_dropped};
use crate::cli::wrap::{columns, wrap};
use crate::trace::columns::width;
use rustix::process::Signal;
use std::io::{self, ErrorKind};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// What is said with a question.
#[derive(Clone, Copy, Default)]
pub(super) struct Beside {
    /// What may be said in the place of an answer.
    pub asides: Asides,
    /// Until when there is time.
    pub deadline: Option<Deadline>,
    /// How it is asked whether one means to leave.
    pub leaving: Option<&'static str>,
}

/// Asks until there is a value.
pub(super) fn ask<E: Entry>(runtime: &Runtime, ascii: bool, beside: Beside, entry: E) -> Reply<E::Value> {
    let asked = runtime.block_on_alone(async { Asked::new(entry, ascii, beside)?.run().await });
    match asked {
        // Of a terminal that was closed, the signal may still be on its way.
        Err(Leave::Broken(e)) if e.kind() == ErrorKind::UnexpectedEof || e.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => {
            Err(Leave::Ended(Exit::HungUp))
        }
        asked => asked,
    }
}

/// What stands in the brackets.
enum Brackets {
    Hint,
    Help,
    /// What was wrong, before the help.
    Wrong(String),
    /// Whether to leave, or to throw away what was typed.
    Leaving,
}

struct Asked<E> {
    entry: E,
    ascii: bool,
    asides: Asides,
    deadline: Option<Deadline>,
    leaving: Option<&'static str>,
    brackets: Brackets,
    ends: Ends,
    line: Line,
    keys: Keys,
    /// So many rows stand above the one of the cursor.
    above: usize,
    /// So many stand below it.
    below: usize,
}

impl<E: Entry> Asked<E> {
    fn new(entry: E, ascii: bool, Beside { asides, deadline, leaving }: Beside) -> Reply<Asked<E>> {
        let ends = Ends::new().map_err(|trouble| io::Error::other(trouble.message))?;
        let line = Line::enter(&ends)?;
        let brackets =
            if some_were_dropped() { Brackets::Wrong("text pasted after the last answer was ignored".to_owned()) } else { Brackets::Hint };
        Ok(Asked { entry, ascii, asides, deadline, leaving, brackets, ends, line, keys: Keys::new()?, above: 0, below: 0 })
    }

    async fn run(mut self) -> Reply<E::Value> {
        let mut resized = signal(SignalKind::window_change())?;
        let mut continued = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
        let mut stopped = false;
        let result = loop {
            self.draw()?;
            tokio::select! {
                biased;
                exit = self.ends.next() => break Err(Leave::Ended(exit)),
                _ = continued.recv() => {
                    // Whoever stopped us may have changed the terminal, and the cursor is on a row of its own.
                    self.line.take()?;
                    if !std::mem::take(&mut stopped) {
                        (self.above, self.below) = (0, 0);
                    }
                }
                // Another minute stands there now.
                () = another_minute(self.deadline) => {}
                // The terminal has moved what stood there.
                _ = resized.recv() => (self.above, self.below) = (0, 0),
                key = self.keys.next() => match key? {
                    Key::Suspend => {
                        stopped = true;
                        self.line.suspend()?;
                        (self.above, self.below) = (0, 0);
                    }
                    key => if let Some(result) = self.pressed(key).await {
                        break result;
                    }
                },
            }
        };
        if result.is_ok() {
            self.brackets = Brackets::Hint;
            self.draw()?;
        }
        let down = "\r\n".repeat(self.below + 1);
        self.line.draw(&down)?;
        result
    }

    /// Does what a key says; gives the answer, or why there is none, if that is all.
    async fn pressed(&mut self, key: Key) -> Option<Reply<E::Value>> {
        if matches!(self.brackets, Brackets::Leaving) {
            self.brackets = Brackets::Hint;
            return matches!(key, Key::Char('y' | 'Y')).then_some(Err(Leave::Quit));
        }
        if let Some(leave) = self.aside(key) {
            self.keys.drop_burst().await;
            return Some(Err(leave));
        }
        let more = key == Key::Enter && if self.entry.is_text() { self.keys.more_soon().await } else { self.keys.more() };
        match self.entry.key(key, more) {
            Did::Done(value) => {
                if !self.entry.is_text() {
                    self.keys.drop_burst().await;
                }
                return Some(Ok(value));
            }
            Did::Taken => self.brackets = Brackets::Hint,
            Did::Refused(why) => self.brackets = Brackets::Wrong(why),
            Did::Unknown => match key {
                Key::Esc | Key::Ctrl('d') | Key::Char('q') if self.entry.has_text() || self.leaving.is_some() => {
                    self.brackets = Brackets::Leaving;
                }
                Key::Esc | Key::Ctrl('d') | Key::Char('q') => return Some(Err(Leave::Quit)),
                Key::Char('?') => self.brackets = Brackets::Help,
                Key::Pasted(_) | Key::Ctrl(_) | Key::Save => {}
                key => self.brackets = Brackets::Wrong(format!("{} does nothing here", key.name())),
            },
        }
        None
    }

    /// What a key says in the place of an answer, if that is offered.
    fn aside(&self, key: Key) -> Option<Leave> {
        let Asides { dont_know, back } = self.asides;
        let (entry, untouched) = (&self.entry, self.entry.is_untouched());
        match key {
            Key::Char('d') if dont_know && entry.can_be_unknown() && !entry.is_text() => Some(Leave::DontKnow),
            Key::Enter if dont_know && entry.can_be_unknown() && entry.is_text() && untouched => Some(Leave::DontKnow),
            Key::Backspace if back && untouched => Some(Leave::Back),
            _ => None,
        }
    }

    /// The asides that there are, in a few words, or in more.
    fn asides(&self, at_length: bool) -> String {
        let mut said = String::new();
        if self.asides.dont_know && self.entry.can_be_unknown() {
            said.push_str(if self.entry.is_text() { "Enter alone: don't know; " } else { "d: don't know; " });
        }
        // Where nothing is asked there is room for it.
        if self.asides.back && (at_length || !self.entry.can_be_unknown()) {
            said.push_str("Backspace: answer again; ");
        }
        said
    }

    /// The question, in the place of how it stood before. No row reaches the last column: some terminals would begin a new one there.
    fn draw(&mut self) -> io::Result<()> {
        let brackets = match &self.brackets {
            Brackets::Hint => self.entry.hint().replacen("Esc leaves", &format!("{}Esc leaves", self.asides(false)), 1),
            Brackets::Help => self.asides(true) + &self.entry.help(),
            Brackets::Wrong(why) => format!("{why}: {}{}", self.asides(true), self.entry.help()),
            Brackets::Leaving if self.entry.has_text() => "leave, and discard what you have typed? y/N".to_owned(),
            Brackets::Leaving => format!("{} y/N", self.leaving.unwrap_or("leave?")),
        };
        let (all_columns, all_rows) = size();
        let question = format!("{} ({brackets}):", self.entry.message());
        let question = safe(&question);
        let question = if self.ascii { to_ascii(&question) } else { question.into_owned() };
        let value: String = self.entry.value().chars().map(|c| if steers(c) && c != '\n' { ' ' } else { c }).collect();
        let (mut rows, (mut row, column)) =
            laid_out(&question, &value, self.entry.cursor(), (all_columns.saturating_sub(1), self.entry.has_rows()));
        if let Some(deadline) = self.deadline {
            let above: Vec<String> =
                wrap(&deadline.said(clock::unix_s()), "", all_columns.saturating_sub(1)).lines().map(str::to_owned).collect();
            row += above.len();
            rows.splice(0..0, above);
        }
        // Of what does not fit, that is shown where the cursor stands.
        let fit = all_rows.saturating_sub(1).max(1);
        let first = rows.len().saturating_sub(fit).min(row);
        let (rows, row) = (&rows[first..rows.len().min(first + fit)], row - first);
        let mut text = String::from("\r");
        if self.above > 0 {
            text.push_str(&format!("\x1b[{}A", self.above));
        }
        text.push_str("\x1b[J");
        text.push_str(&rows.join("\r\n"));
        (self.above, self.below) = (row, rows.len() - 1 - row);
        if self.below > 0 {
            text.push_str(&format!("\x1b[{}A", self.below));
        }
        text.push('\r');
        if column > 0 {
            text.push_str(&format!("\x1b[{column}C"));
        }
        self.line.draw(&text)
    }
}

/// Comes when the clock says something else than it says now.
async fn another_minute(deadline: Option<Deadline>) {
    let said = |deadline: Deadline| deadline.said(clock::unix_s());
    let Some((deadline, now)) = deadline.map(|deadline| (deadline, said(deadline))) else { return std::future::pending().await };
    while said(deadline) == now {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// The rows of a question with what was typed behind it, and where the cursor stands: before the character of that index.
fn laid_out(question: &str, value: &str, cursor: usize, (room, below): (usize, bool)) -> (Vec<String>, (usize, usize)) {
    let room = room.max(20);
    let mut rows: Vec<String> = wrap(question, "", room).lines().map(str::to_owned).collect();
    // What may have many lines begins on one of its own.
    if below {
        rows.push(String::new());
    }
    let mut column = rows.last().map_or(0, |row| columns(row));
    let mut put = |c: char, rows: &mut Vec<String>| {
        if c == '\n' || column + width(c) > room {
            rows.push(String::new());
            column = 0;
        }
        if c != '\n' {
            rows.last_mut().expect("a question is never empty").push(c);
            column += width(c);
        }
        (rows.len() - 1, column)
    };
    let mut at = if below { (rows.len() - 1, 0) } else { put(' ', &mut rows) };
    for (i, c) in value.chars().enumerate() {
        let behind = put(c, &mut rows);
        if i < cursor {
            at = behind;
        }
    }
    (rows, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_fits_and_the_cursor_stands_where_one_types() {
        let question = "Your answer (1-4, then Enter; ? helps; Esc leaves):";
        assert_eq!(laid_out(question, "2", 1, (79, false)), (vec![format!("{question} 2")], (0, 53)));
        let (rows, at) = laid_out(question, "2", 1, (39, false));
        assert_eq!((rows, at), (vec!["Your answer (1-4, then Enter; ? helps;".to_owned(), "Esc leaves): 2".to_owned()], (1, 14)));
        let (rows, at) = laid_out("Write (Esc leaves):", "one\ntwo", 7, (79, true));
        assert_eq!((rows, at), (["Write (Esc leaves):", "one", "two"].map(str::to_owned).to_vec(), (2, 3)));
        assert_eq!(laid_out("Write (Esc leaves):", "", 0, (79, true)).1, (1, 0));
        for room in 20..60 {
            let value = "漢字 and words, many of them\n\nand a second line";
            for cursor in 0..=value.chars().count() {
                let (rows, (row, column)) = laid_out(question, value, cursor, (room, room % 2 == 0));
                assert!(rows.iter().all(|row| columns(row) <= room), "{rows:?}");
                assert!(row < rows.len() && column <= room);
            }
        }
    }
}
