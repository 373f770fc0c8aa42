//! A text that is typed or pasted: one line of it, or as many as one likes, which an empty line ends.

use super::entry::{Did, Entry};
use crate::cli::terminal::Key;

/// What a text is read as; the error says what is expected.
type Reading<T> = Box<dyn Fn(&str) -> Result<T, String>>;

/// A text, until it can be read as what is wanted.
pub(super) struct Write<T> {
    message: String,
    /// What is wanted, in a few words.
    wanted: String,
    read: Reading<T>,
    /// More than one line.
    lines: bool,
    text: Vec<char>,
    cursor: usize,
}

impl<T> Write<T> {
    /// One line; Enter ends it.
    pub(super) fn line(message: &str, wanted: &str, read: impl Fn(&str) -> Result<T, String> + 'static) -> Write<T> {
        Write { message: message.to_owned(), wanted: wanted.to_owned(), read: Box::new(read), lines: false, text: Vec::new(), cursor: 0 }
    }

    fn insert(&mut self, c: char) {
        // A line that was pasted has one end.
        let c = if c == '\n' && !self.lines { ' ' } else { c };
        self.text.insert(self.cursor, c);
        self.cursor += 1;
    }

    /// What ends the text: in one line Enter; in several an empty one at the end, unless more is there already, for then it is a
    /// text that was pasted, empty lines and all.
    fn enter(&mut self, more: bool) -> Did<T> {
        if !self.lines && more {
            // Lines that were pasted where one is wanted: the others would answer what is asked next.
            self.insert(' ');
            return Did::Taken;
        }
        let last: String = self.text.iter().rev().take_while(|c| **c != '\n').collect();
        if self.lines && (more || self.cursor < self.text.len() || !last.trim().is_empty()) {
            self.insert('\n');
            return Did::Taken;
        }
        self.done()
    }

    fn done(&self) -> Did<T> {
        let text: String = self.text.iter().collect();
        match (self.read)(&text) {
            Ok(value) => Did::Done(value),
            Err(expected) => Did::Refused(format!("expected {expected}")),
        }
    }

    /// Where the line of the cursor begins, or ends.
    fn end_of_line(&self, forwards: bool) -> usize {
        if forwards {
            self.text[self.cursor..].iter().position(|c| *c == '\n').map_or(self.text.len(), |at| self.cursor + at)
        } else {
            self.text[..self.cursor].iter().rposition(|c| *c == '\n').map_or(0, |at| at + 1)
        }
    }

    fn cut(&mut self, from: usize, to: usize) {
        self.text.drain(from..to);
        self.cursor = from;
    }

    fn word_before(&self) -> usize {
        let spaces = self.text[..self.cursor].iter().rposition(|c| !c.is_whitespace()).map_or(0, |at| at + 1);
        self.text[..spaces].iter().rposition(|c| c.is_whitespace()).map_or(0, |at| at + 1)
    }

    /// The same place in the line above or below.
    fn moved_line(&self, down: bool) -> usize {
        let (start, end) = (self.end_of_line(false), self.end_of_line(true));
        let column = self.cursor - start;
        if down {
            let next = (end + 1).min(self.text.len());
            let length = self.text[next..].iter().take_while(|c| **c != '\n').count();
            if end == self.text.len() { self.cursor } else { next + column.min(length) }
        } else if start == 0 {
            self.cursor
        } else {
            let above = self.text[..start - 1].iter().rposition(|c| *c == '\n').map_or(0, |at| at + 1);
            above + column.min(start - 1 - above)
        }
    }
}

impl Write<String> {
    /// As many lines as one likes, perhaps none.
    pub(super) fn essay(message: &str) -> Write<String> {
        let whole = |text: &str| Ok(if text.trim().is_empty() { String::new() } else { format!("{}\n", text.trim_end()) });
        Write { lines: true, ..Write::line(message, "an empty line ends the answer", whole) }
    }
}

impl<T> Entry for Write<T> {
    type Value = T;

    fn message(&self) -> &str {
        &self.message
    }

    fn hint(&self) -> String {
        format!("{}; Esc leaves", self.wanted)
    }

    fn help(&self) -> String {
        let ends = if self.lines { "Enter on an empty line, or Ctrl-D, ends" } else { "Enter ends" };
        format!("{}; {ends}; the arrows, Home and End move, Ctrl-W and Ctrl-U delete; Esc leaves", self.wanted)
    }

    fn value(&self) -> String {
        self.text.iter().collect()
    }

    fn cursor(&self) -> usize {
        self.cursor
    }

    fn is_text(&self) -> bool {
        true
    }

    fn has_rows(&self) -> bool {
        self.lines
    }

    fn has_text(&self) -> bool {
        self.text.iter().any(|c| !c.is_whitespace())
    }

    fn key(&mut self, key: Key, more: bool) -> Did<T> {
        match key {
            Key::Enter => return self.enter(more),
            Key::Ctrl('d') if self.lines && self.has_text() => return self.done(),
            Key::Char('?') if self.text.is_empty() => return Did::Unknown,
            Key::Char(c) | Key::Pasted(c) => self.insert(c),
            Key::Backspace if self.cursor > 0 => self.cut(self.cursor - 1, self.cursor),
            Key::Delete if self.cursor < self.text.len() => drop(self.text.remove(self.cursor)),
            Key::Left | Key::Ctrl('b') => self.cursor = self.cursor.saturating_sub(1),
            Key::Right | Key::Ctrl('f') => self.cursor = (self.cursor + 1).min(self.text.len()),
            Key::Home | Key::Ctrl('a') => self.cursor = self.end_of_line(false),
            Key::End | Key::Ctrl('e') => self.cursor = self.end_of_line(true),
            Key::Up => self.cursor = self.moved_line(false),
            Key::Down => self.cursor = self.moved_line(true),
            Key::Ctrl('w') => self.cut(self.word_before(), self.cursor),
            Key::Ctrl('u') => self.cut(self.end_of_line(false), self.cursor),
            Key::Ctrl('k') => drop(self.text.drain(self.cursor..self.end_of_line(true))),
            Key::Esc | Key::Ctrl('d') => return Did::Unknown,
            _ => {}
        }
        Did::Taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays keys, each with those behind it waiting or not; the value if there is one, and the text.
    fn play<T>(mut entry: Write<T>, keys: &[Key], at_once: bool) -> (Option<T>, String) {
        for (i, key) in keys.iter().enumerate() {
            if let Did::Done(value) = entry.key(*key, at_once && i + 1 < keys.len()) {
                return (Some(value), entry.value());
            }
        }
        let text = entry.value();
        (None, text)
    }

    fn typed(text: &str) -> Vec<Key> {
        text.chars().map(|c| if c == '\n' { Key::Enter } else { Key::Char(c) }).collect()
    }

    fn pasted(text: &str) -> Vec<Key> {
        text.chars().map(Key::Pasted).collect()
    }

    #[test]
    fn an_empty_line_ends_what_is_typed_and_not_what_is_pasted() {
        let essay = || Write::essay("Write");
        assert_eq!(play(essay(), &typed("one\ntwo\n\nthree"), false).0.as_deref(), Some("one\ntwo\n"));
        assert_eq!(play(essay(), &typed("\n"), false).0.as_deref(), Some(""));
        let text = "one\n\n\ntwo\n\nthree\n";
        let marked = [pasted(text), typed("\n")].concat();
        assert_eq!(play(essay(), &marked, false).0.as_deref(), Some("one\n\n\ntwo\n\nthree\n"));
        // A terminal that does not mark what is pasted sends it all at once.
        assert_eq!(play(essay(), &typed(text), true), (None, text.to_owned()));
        assert_eq!(play(essay(), &typed("one\n\ntwo\n\n"), true).0.as_deref(), Some("one\n\ntwo\n"));
        let line = || Write::line("Which", "a word", |text| Ok(text.to_owned()));
        assert_eq!(play(line(), &typed("two\nlines\n"), true).0.as_deref(), Some("two lines"), "one answer");
        let (value, text) = play(Write::line("Which", "a word", |text| Ok(text.to_owned())), &pasted("two\nlines\n"), false);
        assert_eq!((value, text.as_str()), (None, "two lines "), "pasting answers nothing");
    }

    #[test]
    fn a_line_is_edited_as_everywhere() {
        let line = || Write::line("Which", "a number", |text| text.parse::<u32>().map_err(|_| "a number".to_owned()));
        assert_eq!(play(line(), &typed("x\n"), false), (None, "x".to_owned()));
        let keys = [typed("143"), vec![Key::Left, Key::Backspace, Key::Char('2'), Key::Home, Key::Delete, Key::Enter]].concat();
        assert_eq!(play(line(), &keys, false).0, Some(23));
        let words = || Write::line("Which", "words", |text| Ok(text.to_owned()));
        let keys = [typed("one two three"), vec![Key::Ctrl('w'), Key::Ctrl('w'), Key::Char('!'), Key::Enter]].concat();
        assert_eq!(play(words(), &keys, false).0.as_deref(), Some("one !"));
        let keys = [typed("one two"), vec![Key::Ctrl('u'), Key::Char('?'), Key::Char('x'), Key::Char('?')]].concat();
        assert_eq!(play(words(), &keys, false).1, "x?", "a question mark alone asks for help");
        let keys = [typed("ab\ncdef"), vec![Key::Up, Key::Char('!'), Key::Down, Key::Char('?')]].concat();
        assert_eq!(play(Write::essay("Write"), &keys, false).1, "ab!\ncde?f");
    }
}
