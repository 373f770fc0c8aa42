//! Questions as small machines: what a key does to each, and what it shows. They know no terminal ([`super::ask`] does).
//!
//! Wherever there is a list, a number, an arrow, j, k or a first letter *marks* what one means, and Enter takes it: who has typed
//! `2` and Enter has answered one question, and not the next one too, and a slip of the finger costs nothing.

use super::{are_short, labelled};
use crate::cli::terminal::Key;

/// What a key did.
pub(super) enum Did<T> {
    /// The question is answered.
    Done(T),
    /// Something else stands there now.
    Taken,
    /// It would have ended the question, but for this.
    Refused(String),
    /// It is no key here.
    Unknown,
}

/// A question that keys change until it has a value.
pub(super) trait Entry {
    /// What the keys lead to.
    type Value;
    /// What is asked.
    fn message(&self) -> &str;
    /// The keys, in a few words.
    fn hint(&self) -> String;
    /// The keys, all of them.
    fn help(&self) -> String;
    /// What is marked or typed.
    fn value(&self) -> String;
    /// Before which character of the value the cursor stands.
    fn cursor(&self) -> usize {
        usize::MAX
    }
    /// Something was typed that it would be a pity to lose.
    fn has_text(&self) -> bool {
        false
    }
    /// It is answered with a text, which may be pasted.
    fn is_text(&self) -> bool {
        false
    }
    /// What is typed may have many rows.
    fn has_rows(&self) -> bool {
        false
    }
    /// Nothing is marked or typed.
    fn is_untouched(&self) -> bool {
        self.value().is_empty()
    }
    /// Whether who does not know may say so: nobody asks to be told whether to go on.
    fn can_be_unknown(&self) -> bool {
        true
    }
    /// Takes a key. `more` says that the next is there already.
    fn key(&mut self, key: Key, more: bool) -> Did<Self::Value>;
}

const LEAVES: &str = "? helps; Esc leaves";

/// A mark that moves over so many entries.
struct Marker {
    count: usize,
    at: Option<usize>,
    digits: String,
}

impl Marker {
    fn new(count: usize, at: Option<usize>) -> Marker {
        Marker { count, at, digits: String::new() }
    }

    /// Moves the mark; false if the key does not.
    fn key(&mut self, key: Key) -> bool {
        let last = self.count.saturating_sub(1);
        if let Key::Char(c @ '0'..='9') = key {
            return self.digit(c);
        }
        self.digits.clear();
        match key {
            Key::Down | Key::Char('j') => self.at = Some(self.at.map_or(0, |at| (at + 1).min(last))),
            Key::Up | Key::Char('k') => self.at = Some(self.at.map_or(last, |at| at.saturating_sub(1))),
            Key::Home | Key::PageUp => self.at = Some(0),
            Key::End | Key::PageDown => self.at = Some(last),
            Key::Backspace | Key::Delete => self.at = None,
            _ => return false,
        }
        true
    }

    /// `1`, then `2`: the twelfth where there are so many, else the second.
    fn digit(&mut self, c: char) -> bool {
        let of = |digits: &str| digits.parse::<usize>().ok().filter(|number| (1..=self.count).contains(number));
        let longer = format!("{}{c}", self.digits);
        let (digits, number) = match (of(&longer), of(&c.to_string())) {
            (Some(number), _) => (longer, number),
            (None, Some(number)) => (c.to_string(), number),
            (None, None) => return false,
        };
        (self.digits, self.at) = (digits, Some(number - 1));
        true
    }

    fn shown(&self) -> String {
        self.at.map(|at| (at + 1).to_string()).unwrap_or_default()
    }
}

/// One of several.
pub(super) struct One {
    message: String,
    names: String,
    letters: Vec<Option<char>>,
    marker: Marker,
}

impl One {
    pub(super) fn new(message: &str, labels: &[String]) -> One {
        let short = are_short(labels);
        let first = |label: &String| label.chars().next().map(|c| c.to_ascii_lowercase());
        let unique = |label: &&String| labels.iter().filter(|other| first(other) == first(label)).count() == 1;
        let letters = labels.iter().map(|label| Some(label).filter(|_| short).filter(unique).and_then(first)).collect();
        One { message: message.to_owned(), names: labelled(labels), letters, marker: Marker::new(labels.len(), None) }
    }

    /// A menu, of which that one is what is wanted most: Enter takes it.
    pub(super) fn menu(message: &str, labels: &[String], at: usize) -> One {
        One { marker: Marker::new(labels.len(), Some(at)), ..One::new(message, labels) }
    }
}

impl Entry for One {
    type Value = usize;

    fn message(&self) -> &str {
        &self.message
    }

    fn hint(&self) -> String {
        format!("{}, Enter; {LEAVES}", self.names)
    }

    fn help(&self) -> String {
        let letters = if self.letters.iter().any(Option::is_some) { ", a first letter" } else { "" };
        format!("a number from 1 to {}{letters}, the arrows or j and k mark one; Enter takes it; Esc or q leaves", self.marker.count)
    }

    fn value(&self) -> String {
        self.marker.shown()
    }

    fn key(&mut self, key: Key, _more: bool) -> Did<usize> {
        let letter = |c: char| self.letters.iter().position(|letter| *letter == Some(c.to_ascii_lowercase()));
        match (key, self.marker.at) {
            (Key::Enter, Some(at)) => Did::Done(at),
            (Key::Enter, None) => Did::Refused("nothing is marked yet".to_owned()),
            (Key::Char(c), _) if letter(c).is_some() => {
                self.marker.at = letter(c);
                Did::Taken
            }
            _ if self.marker.key(key) => Did::Taken,
            _ => Did::Unknown,
        }
    }
}

/// Any number of them.
pub(super) struct Many {
    message: String,
    ticked: Vec<bool>,
    /// As it stood at first.
    first: Vec<bool>,
    marker: Marker,
}

impl Many {
    pub(super) fn new(message: &str, count: usize, ticked: &[usize]) -> Many {
        let ticked: Vec<bool> = (0..count).map(|i| ticked.contains(&i)).collect();
        Many { message: message.to_owned(), first: ticked.clone(), ticked, marker: Marker::new(count, None) }
    }

    fn chosen(&self) -> Vec<usize> {
        (0..self.ticked.len()).filter(|&i| self.ticked[i]).collect()
    }

    /// A number has one digit, so it needs no second key.
    fn at_once(&self) -> bool {
        self.ticked.len() <= 9
    }
}

/// `1 3`, as a learner counts.
fn numbers(indexes: &[usize]) -> String {
    indexes.iter().map(|i| (i + 1).to_string()).collect::<Vec<_>>().join(" ")
}

/// Where the mark is, where that is of use.
fn marked(marker: &Marker, does: &str) -> String {
    marker.at.map(|at| format!("  [{}: Space {does}]", at + 1)).unwrap_or_default()
}

impl Entry for Many {
    type Value = Vec<usize>;

    fn message(&self) -> &str {
        &self.message
    }

    fn hint(&self) -> String {
        let ticks = if self.ticked.len() == 1 { "1 ticks it".to_owned() } else { format!("1-{} tick", self.ticked.len()) };
        format!("{ticks}, Enter ends; {LEAVES}")
    }

    fn help(&self) -> String {
        let number = if self.at_once() { "ticks or unticks; the arrows or j and k move" } else { "the arrows or j and k move" };
        format!("a number from 1 to {} {number}, Space ticks what is marked; 0 unticks all; Enter ends; Esc or q leaves", self.ticked.len())
    }

    fn is_untouched(&self) -> bool {
        self.ticked == self.first && self.marker.at.is_none()
    }

    fn value(&self) -> String {
        let chosen = self.chosen();
        let shown = if chosen.is_empty() { "none".to_owned() } else { numbers(&chosen) };
        shown + &marked(&self.marker, "ticks")
    }

    fn key(&mut self, key: Key, _more: bool) -> Did<Vec<usize>> {
        match (key, self.marker.at) {
            (Key::Enter, _) => return Did::Done(self.chosen()),
            (Key::Char('0'), _) if self.at_once() || self.marker.digits.is_empty() => self.ticked.fill(false),
            (Key::Char(' '), Some(at)) => self.ticked[at] ^= true,
            (Key::Char('1'..='9'), _) if self.at_once() => {
                if !self.marker.key(key) {
                    return Did::Unknown;
                }
                if let Some(at) = self.marker.at.take() {
                    self.ticked[at] ^= true;
                }
            }
            _ if self.marker.key(key) => {}
            _ => return Did::Unknown,
        }
        Did::Taken
    }
}

/// All of them in an order.
pub(super) struct Arrange {
    message: String,
    order: Vec<usize>,
    marker: Marker,
}

impl Arrange {
    pub(super) fn new(message: &str, count: usize) -> Arrange {
        Arrange { message: message.to_owned(), order: Vec::new(), marker: Marker::new(count, None) }
    }

    fn put(&mut self) -> Did<Vec<usize>> {
        match self.marker.at {
            Some(at) if !self.order.contains(&at) => self.order.push(at),
            Some(at) => return Did::Refused(format!("{} is already in the list", at + 1)),
            None => return Did::Unknown,
        }
        Did::Taken
    }
}

impl Entry for Arrange {
    type Value = Vec<usize>;

    fn message(&self) -> &str {
        &self.message
    }

    fn hint(&self) -> String {
        let how = if self.order.len() == self.marker.count { "Enter ends" } else { "number by number" };
        format!("{how}; {LEAVES}")
    }

    fn help(&self) -> String {
        format!(
            "each number from 1 to {} once, or the arrows, j, k and Space; Backspace removes the last; Enter ends; Esc or q leaves",
            self.marker.count
        )
    }

    fn value(&self) -> String {
        numbers(&self.order) + &marked(&self.marker, "puts it next")
    }

    fn key(&mut self, key: Key, _more: bool) -> Did<Vec<usize>> {
        match key {
            Key::Enter if self.order.len() == self.marker.count => return Did::Done(self.order.clone()),
            Key::Enter => return Did::Refused(format!("{} of {} placed", self.order.len(), self.marker.count)),
            Key::Backspace => drop(self.order.pop()),
            Key::Char(' ') => return self.put(),
            Key::Char('0'..='9') if self.marker.count <= 9 => {
                if !self.marker.key(key) {
                    return Did::Unknown;
                }
                let did = self.put();
                self.marker.at = None;
                return did;
            }
            _ if self.marker.key(key) => {}
            _ => return Did::Unknown,
        }
        Did::Taken
    }
}

/// Yes or no; Enter is the default.
pub(super) struct Confirm {
    message: String,
    default: bool,
    said: Option<bool>,
}

impl Confirm {
    pub(super) fn new(message: &str, default: bool) -> Confirm {
        Confirm { message: message.to_owned(), default, said: None }
    }
}

impl Entry for Confirm {
    type Value = bool;

    fn message(&self) -> &str {
        &self.message
    }

    fn hint(&self) -> String {
        if self.default { "Y/n" } else { "y/N" }.to_owned()
    }

    fn help(&self) -> String {
        format!("y says yes, n says no, Enter says {}; Esc or q leaves", if self.default { "yes" } else { "no" })
    }

    fn can_be_unknown(&self) -> bool {
        false
    }

    fn value(&self) -> String {
        self.said.map_or("", |yes| if yes { "yes" } else { "no" }).to_owned()
    }

    fn key(&mut self, key: Key, _more: bool) -> Did<bool> {
        let said = match key {
            Key::Enter => self.default,
            Key::Char('y' | 'Y') => true,
            Key::Char('n' | 'N') => false,
            _ => return Did::Unknown,
        };
        self.said = Some(said);
        Did::Done(said)
    }
}

/// Enter or the space bar, when somebody has read enough.
pub(super) struct Pause(pub(super) String);

impl Entry for Pause {
    type Value = ();

    fn message(&self) -> &str {
        &self.0
    }

    fn hint(&self) -> String {
        "Enter; Esc leaves".to_owned()
    }

    fn help(&self) -> String {
        "Enter or Space goes on; Esc or q leaves".to_owned()
    }

    fn can_be_unknown(&self) -> bool {
        false
    }

    fn value(&self) -> String {
        String::new()
    }

    fn key(&mut self, key: Key, _more: bool) -> Did<()> {
        if matches!(key, Key::Enter | Key::Char(' ')) { Did::Done(()) } else { Did::Unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays keys (`<` is Backspace, `v` and `^` are arrows) until there is a value; then what is shown.
    fn play<E: Entry>(mut entry: E, keys: &str) -> (Option<E::Value>, String) {
        let key = |c| match c {
            '\n' => Key::Enter,
            '<' => Key::Backspace,
            'v' => Key::Down,
            '^' => Key::Up,
            c => Key::Char(c),
        };
        let value = keys.chars().find_map(|c| match entry.key(key(c), false) {
            Did::Done(value) => Some(value),
            _ => None,
        });
        (value, entry.value())
    }

    fn labels(labels: &[&str]) -> Vec<String> {
        labels.iter().map(|label| (*label).to_owned()).collect()
    }

    #[test]
    fn a_key_marks_and_enter_takes() {
        let sure = || One::new("How sure", &labels(&["guess", "think", "sure"]));
        assert_eq!(sure().hint(), "1 guess · 2 think · 3 sure, Enter; ? helps; Esc leaves");
        assert_eq!(play(sure(), "3"), (None, "3".to_owned()), "a number alone answers nothing");
        assert_eq!([play(sure(), "3\n").0, play(sure(), "x\n9T\n").0, play(sure(), "12\n").0], [Some(2), Some(1), Some(1)]);
        assert_eq!(
            [play(sure(), "v\n").0, play(sure(), "jj^\n").0, play(sure(), "^\n").0, play(sure(), "vvvvv\n").0].map(Option::unwrap),
            [0, 0, 2, 2]
        );
        assert_eq!(play(sure(), "2<\n").0, None);
        let long = || One::new("Your answer", &labels(&["Refuse the write", "Accept the write"]));
        assert_eq!(play(long(), "ra2\n").0, Some(1));
        assert!(long().hint().starts_with("1-2, Enter"));
        assert_eq!(play(One::new("Which", &labels(&["ten", "two"])), "t\n").0, None, "two begin so");
        let menu = || One::menu("What now?", &labels(&["Go on with it", "Read the problem"]), 0);
        assert_eq!([play(menu(), "\n").0, play(menu(), "v\n").0, play(menu(), "2\n").0], [Some(0), Some(1), Some(1)]);
        let dozen = || One::new("Which", &vec!["a long label indeed".to_owned(); 12]);
        assert_eq!([play(dozen(), "12\n").0, play(dozen(), "13\n").0, play(dozen(), "1\n").0], [Some(11), Some(2), Some(0)]);
    }

    #[test]
    fn numbers_tick_and_enter_ends() {
        assert_eq!(play(Many::new("Which", 3, &[1]), "132\n").0, Some(vec![0, 2]));
        assert_eq!(play(Many::new("Which", 3, &[1]), "\n").0, Some(vec![1]));
        assert_eq!(play(Many::new("Which", 3, &[1]), "0\n").0, Some(vec![]));
        assert_eq!(play(Many::new("Which", 3, &[]), "49").1, "none");
        assert_eq!(play(Many::new("Which", 3, &[]), "vv ^ \n").0, Some(vec![0, 1]));
        assert_eq!(play(Many::new("Which", 12, &[]), "12 3 \n").0, Some(vec![2, 11]));
        assert_eq!(play(Many::new("Which", 12, &[]), "12"), (None, "none  [12: Space ticks]".to_owned()));
    }

    #[test]
    fn an_order_is_complete_before_it_ends() {
        assert_eq!(play(Arrange::new("Order", 3), "2\n1\n1<13\n").0, Some(vec![1, 0, 2]));
        assert_eq!(play(Arrange::new("Order", 3), "21").1, "2 1");
        assert_eq!(play(Arrange::new("Order", 3), "<\n").0, None);
        assert_eq!(play(Arrange::new("Order", 3), "v v v \n").0, Some(vec![0, 1, 2]));
        let ten = play(Arrange::new("Order", 10), "10 9 8 7 6 5 4 3 2 1 \n").0;
        assert_eq!(ten, Some((0..10).rev().collect()));
    }

    #[test]
    fn enter_is_the_default() {
        let confirm = |default| Confirm::new("Go on", default);
        assert_eq!(
            [play(confirm(true), "x\n").0, play(confirm(false), "\n").0, play(confirm(true), "n").0],
            [Some(true), Some(false), Some(false)]
        );
        assert_eq!(play(Pause("Next".to_owned()), "x ").0, Some(()));
    }
}
