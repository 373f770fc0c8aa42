//! What is wrong in a file that people write, where, and how to mend it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file must not be shipped.
    Error,
    /// Worth a second look; a warning may be right to stay.
    Warning,
}

/// A line and a column of a file, both from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Place {
    /// The first character of a file, for what concerns all of it.
    pub const START: Place = Place { line: 1, column: 1 };
}

/// One mistake, shown as `quizzes/cap.toml:12:1: unknown field 'corect'; did you mean 'correct'?`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as its caller named it.
    pub path: String,
    /// Where in it.
    pub place: Place,
    /// Error or warning.
    pub severity: Severity,
    /// The rule, a stable short name: `format`, `E03`, `W01` …
    pub rule: &'static str,
    /// What is wrong; how to mend it.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let warning = if self.severity == Severity::Warning { "warning: " } else { "" };
        let (path, message) = (visible(&self.path), visible(&self.message));
        write!(f, "{path}:{}:{}: {warning}{message}", self.place.line, self.place.column)
    }
}

/// Mistakes for people, one a line.
#[must_use]
pub fn lines_of(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Control characters except the line feed, and the invisible ones that turn or join what stands around them.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The same text for a screen: a message quotes a broken file, and must not carry its escape sequences along.
fn visible(text: &str) -> String {
    let show = |c: char| if is_hidden(c) || c == '\n' { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(show).collect()
}

/// Where the fields of one table stand in their file.
#[derive(Clone, Debug)]
pub struct Places {
    /// The table itself, `[[question]]`.
    pub header: Place,
    /// Each field by its path: `prompt`, `option[2].why`.
    pub fields: BTreeMap<String, Place>,
}

impl Places {
    /// Where a field stands; the nearest table around it, if it is missing.
    #[must_use]
    pub fn of(&self, field: &str) -> Place {
        let mut path = field;
        loop {
            if let Some(place) = self.fields.get(path) {
                return *place;
            }
            match path.rfind(['.', '[']) {
                Some(cut) => path = &path[..cut],
                None => return self.header,
            }
        }
    }
}

/// Turns byte offsets of one text into places.
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Finds the lines of a text.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Lines { text, starts }
    }

    /// The place of a span's first byte. An offset beyond the text is its end.
    #[must_use]
    pub fn place(&self, span: &Range<usize>) -> Place {
        let mut offset = span.start.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|&start| start <= offset);
        let column = self.text[self.starts[line - 1]..offset].chars().count() + 1;
        Place { line, column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters() {
        let lines = Lines::new("a\nçx\n\nend");
        let at = |offset| {
            let place = lines.place(&(offset..offset));
            (place.line, place.column)
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(2), (2, 1));
        assert_eq!(at(3), (2, 1), "inside a character is at it");
        assert_eq!(at(4), (2, 2));
        assert_eq!(at(6), (3, 1));
        assert_eq!(at(99), (4, 4));
    }

    #[test]
    fn a_message_carries_no_escape_sequence() {
        let message = "'\u{1b}[31m\u{202e}é\n' is no id".to_owned();
        let shown = Problem { path: "a\u{7}".into(), place: Place::START, severity: Severity::Warning, rule: "E01", message };
        assert_eq!(shown.to_string(), "a\\u{7}:1:1: warning: '\\u{1b}[31m\\u{202e}é\\n' is no id");
    }
}
