//! Questions that one key answers, on one line of the terminal. What a key means is decided by small machines that know no
//! terminal ([`Entry`]); [`ask`] feeds them, in raw mode, and puts the terminal back however it ends.

use super::{Leave, Reply, are_short, hint};
use crossterm::cursor::MoveToColumn;
use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers, read};
use crossterm::queue;
use crossterm::terminal::{Clear, ClearType, disable_raw_mode, enable_raw_mode, size};
use std::io::{Write as _, stderr};

/// So many labels have a key each.
pub(super) const MOST: usize = 9;

/// One line that keys change until it has a value.
pub(super) trait Entry {
    /// What the keys lead to.
    type Value;
    /// The line as it stands.
    fn line(&self) -> String;
    /// Takes a key; a value ends the question.
    fn key(&mut self, key: KeyCode) -> Option<Self::Value>;
}

/// The terminal without echo and line editing; put back when this goes.
struct Raw;

impl Raw {
    fn enter() -> std::io::Result<Raw> {
        enable_raw_mode()?;
        Ok(Raw)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // Nothing is left to be done if the terminal is gone.
        let _ = disable_raw_mode();
    }
}

/// Asks until there is a value. Esc, Ctrl-D and the end of input leave; Ctrl-C interrupts.
pub(super) fn ask<E: Entry>(mut entry: E) -> Reply<E::Value> {
    let raw = Raw::enter()?;
    let result = loop {
        draw(&entry.line())?;
        let Event::Key(key) = read()? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if control => break Err(Leave::Interrupted),
            KeyCode::Char('d') if control => break Err(Leave::Quit),
            KeyCode::Esc => break Err(Leave::Quit),
            _ if control => {}
            code => {
                if let Some(value) = entry.key(code) {
                    draw(&entry.line())?;
                    break Ok(value);
                }
            }
        }
    };
    drop(raw);
    writeln!(stderr())?;
    result
}

/// The line in the place of the one before. It never reaches the last column: some terminals would begin a new line there.
fn draw(line: &str) -> std::io::Result<()> {
    let columns = size().map_or(80, |(columns, _)| usize::from(columns).max(20));
    let shown = end_of(line, columns - 1);
    let mut err = stderr().lock();
    queue!(err, MoveToColumn(0), Clear(ClearType::CurrentLine))?;
    write!(err, "{shown}")?;
    err.flush()
}

/// As much of the line as there is room for. What was typed stands at its end.
fn end_of(line: &str, room: usize) -> String {
    let count = line.chars().count();
    if count <= room { line.to_owned() } else { std::iter::once('…').chain(line.chars().skip(count + 1 - room)).collect() }
}

/// The index that a digit names.
fn digit(key: KeyCode, count: usize) -> Option<usize> {
    let KeyCode::Char(c) = key else { return None };
    let number = usize::try_from(c.to_digit(10)?).ok()?;
    (1..=count).contains(&number).then(|| number - 1)
}

/// One of several: its number, or the first letter of a short label that no other begins with.
pub(super) struct One {
    message: String,
    hint: String,
    count: usize,
    letters: Vec<Option<char>>,
    /// Enter takes the first.
    enter: bool,
    chosen: Option<usize>,
}

impl One {
    pub(super) fn new(message: &str, labels: &[String]) -> One {
        let short = are_short(labels);
        let first = |label: &String| label.chars().next().map(|c| c.to_ascii_lowercase());
        let unique = |label: &&String| labels.iter().filter(|other| first(other) == first(label)).count() == 1;
        let letters = labels.iter().map(|label| Some(label).filter(|_| short).filter(unique).and_then(first)).collect();
        One { message: message.to_owned(), hint: hint(labels), count: labels.len(), letters, enter: false, chosen: None }
    }

    /// A menu, of which the first is what most want.
    pub(super) fn menu(message: &str, labels: &[String]) -> One {
        let one = One::new(message, labels);
        One { hint: format!("{}, Enter for 1", one.hint), enter: true, ..one }
    }
}

impl Entry for One {
    type Value = usize;

    fn line(&self) -> String {
        let chosen = self.chosen.map(|i| (i + 1).to_string()).unwrap_or_default();
        format!("{} ({}; Esc leaves): {chosen}", self.message, self.hint)
    }

    fn key(&mut self, key: KeyCode) -> Option<usize> {
        let letter = |c: char| self.letters.iter().position(|letter| *letter == Some(c.to_ascii_lowercase()));
        let first = (self.enter && key == KeyCode::Enter).then_some(0);
        self.chosen = digit(key, self.count).or(first).or_else(|| key.as_char().and_then(letter));
        self.chosen
    }
}

/// Any number of them: a number ticks and unticks, Enter is done.
pub(super) struct Many {
    message: String,
    ticked: Vec<bool>,
}

impl Many {
    pub(super) fn new(message: &str, count: usize, ticked: &[usize]) -> Many {
        Many { message: message.to_owned(), ticked: (0..count).map(|i| ticked.contains(&i)).collect() }
    }

    fn chosen(&self) -> Vec<usize> {
        (0..self.ticked.len()).filter(|&i| self.ticked[i]).collect()
    }
}

/// `1 3`, as a learner counts.
fn numbers(indexes: &[usize]) -> String {
    indexes.iter().map(|i| (i + 1).to_string()).collect::<Vec<_>>().join(" ")
}

impl Entry for Many {
    type Value = Vec<usize>;

    fn line(&self) -> String {
        let chosen = self.chosen();
        let shown = if chosen.is_empty() { "none".to_owned() } else { numbers(&chosen) };
        format!("{} (1-{} tick, Enter ends; Esc leaves): {shown}", self.message, self.ticked.len())
    }

    fn key(&mut self, key: KeyCode) -> Option<Vec<usize>> {
        match key {
            KeyCode::Enter => return Some(self.chosen()),
            KeyCode::Char('0') => self.ticked.fill(false),
            _ => {
                if let Some(index) = digit(key, self.ticked.len()) {
                    self.ticked[index] = !self.ticked[index];
                }
            }
        }
        None
    }
}

/// All of them in an order: number after number, Backspace takes the last back, Enter ends.
pub(super) struct Arrange {
    message: String,
    count: usize,
    order: Vec<usize>,
}

impl Arrange {
    pub(super) fn new(message: &str, count: usize) -> Arrange {
        Arrange { message: message.to_owned(), count, order: Vec::new() }
    }
}

impl Entry for Arrange {
    type Value = Vec<usize>;

    fn line(&self) -> String {
        let how = if self.order.len() == self.count { "Enter ends" } else { "one number after another" };
        format!("{} ({how}; Esc leaves): {}", self.message, numbers(&self.order))
    }

    fn key(&mut self, key: KeyCode) -> Option<Vec<usize>> {
        match key {
            KeyCode::Enter if self.order.len() == self.count => return Some(self.order.clone()),
            KeyCode::Backspace => drop(self.order.pop()),
            _ => self.order.extend(digit(key, self.count).filter(|i| !self.order.contains(i))),
        }
        None
    }
}

/// Yes or no; Enter is the default.
pub(super) struct Confirm {
    pub(super) message: String,
    pub(super) default: bool,
    pub(super) said: Option<bool>,
}

impl Entry for Confirm {
    type Value = bool;

    fn line(&self) -> String {
        let said = self.said.map_or("", |yes| if yes { "yes" } else { "no" });
        format!("{} ({}): {said}", self.message, if self.default { "Y/n" } else { "y/N" })
    }

    fn key(&mut self, key: KeyCode) -> Option<bool> {
        self.said = match key {
            KeyCode::Enter => Some(self.default),
            KeyCode::Char('y' | 'Y') => Some(true),
            KeyCode::Char('n' | 'N') => Some(false),
            _ => None,
        };
        self.said
    }
}

/// Enter or the space bar, when somebody has read enough.
pub(super) struct Pause(pub(super) String);

impl Entry for Pause {
    type Value = ();

    fn line(&self) -> String {
        format!("{} (Enter; Esc leaves)", self.0)
    }

    fn key(&mut self, key: KeyCode) -> Option<()> {
        matches!(key, KeyCode::Enter | KeyCode::Char(' ')).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play<E: Entry>(mut entry: E, keys: &str) -> (Option<E::Value>, String) {
        let code = |c| match c {
            '\n' => KeyCode::Enter,
            '<' => KeyCode::Backspace,
            c => KeyCode::Char(c),
        };
        let value = keys.chars().find_map(|c| entry.key(code(c)));
        (value, entry.line())
    }

    fn labels(labels: &[&str]) -> Vec<String> {
        labels.iter().map(|label| (*label).to_owned()).collect()
    }

    #[test]
    fn one_key_chooses() {
        let sure = || One::new("How sure", &labels(&["guess", "think", "sure"]));
        assert_eq!(play(sure(), "3"), (Some(2), "How sure (1 guess · 2 think · 3 sure; Esc leaves): 3".to_owned()));
        assert_eq!(play(sure(), "x\n9T").0, Some(1));
        let long = || One::new("Your answer", &labels(&["Refuse the write", "Accept the write"]));
        assert_eq!(play(long(), "ra2"), (Some(1), "Your answer (1-2; Esc leaves): 2".to_owned()));
        assert_eq!(play(One::new("Which", &labels(&["ten", "two"])), "t\n").0, None, "two begin so");
        let menu = || One::menu("What now?", &labels(&["Go on with it", "Read the problem"]));
        assert_eq!(play(menu(), "\n"), (Some(0), "What now? (1-2, Enter for 1; Esc leaves): 1".to_owned()));
        assert_eq!(play(menu(), "2").0, Some(1));
    }

    #[test]
    fn numbers_tick_and_enter_ends() {
        assert_eq!(play(Many::new("Which", 3, &[1]), "132\n").0, Some(vec![0, 2]));
        assert_eq!(play(Many::new("Which", 3, &[1]), "\n").0, Some(vec![1]));
        assert_eq!(play(Many::new("Which", 3, &[1]), "0\n").0, Some(vec![]));
        assert_eq!(play(Many::new("Which", 3, &[]), "49").1, "Which (1-3 tick, Enter ends; Esc leaves): none");
    }

    #[test]
    fn an_order_is_complete_before_it_ends() {
        assert_eq!(play(Arrange::new("Order", 3), "2\n1\n1<13\n").0, Some(vec![1, 0, 2]));
        assert_eq!(play(Arrange::new("Order", 3), "21").1, "Order (one number after another; Esc leaves): 2 1");
        assert_eq!(play(Arrange::new("Order", 3), "<\n").0, None);
    }

    #[test]
    fn a_line_that_is_too_long_keeps_what_was_typed() {
        assert_eq!([end_of("order: 2 1", 10), end_of("order: 2 1", 5)], ["order: 2 1", "… 2 1"]);
    }

    #[test]
    fn enter_is_the_default() {
        let confirm = |default| Confirm { message: "Go on".to_owned(), default, said: None };
        assert_eq!(
            [play(confirm(true), "x\n").0, play(confirm(false), "\n").0, play(confirm(true), "n").0],
            [Some(true), Some(false), Some(false)]
        );
        assert_eq!(play(Pause("Next".to_owned()), "x ").0, Some(()));
    }
}
