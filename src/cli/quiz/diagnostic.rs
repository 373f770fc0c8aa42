//! What is wrong in a topic file, where, and how to mend it. Knows nothing of quizzes.

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

/// One finding, shown as `quizzes/cap.toml:12:1: unknown field 'corect'; did you mean 'correct'?`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
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

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let warning = if self.severity == Severity::Warning { "warning: " } else { "" };
        let (path, message) = (visible(&self.path), visible(&self.message));
        write!(f, "{path}:{}:{}: {warning}{message}", self.place.line, self.place.column)
    }
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

/// The word of `known` that `word` was probably meant to be, if one is near enough.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    known.into_iter().map(|k| (distance(word, k), k)).filter(|&(d, _)| d <= limit).min().map(|(_, k)| k)
}

/// `; did you mean 'correct'?`, or the whole list when nothing is near and the list is short, or nothing.
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(word, known.clone()) {
        Some(near) => format!("; did you mean '{near}'?"),
        None => {
            let all: Vec<&str> = known.into_iter().collect();
            if all.is_empty() || all.len() > 24 { String::new() } else { format!("; it may be {}", all.join(", ")) }
        }
    }
}

/// Edits that turn one word into the other; a swap of neighbours counts once (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
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
        let shown = Diagnostic { path: "a\u{7}".into(), place: Place::START, severity: Severity::Warning, rule: "E01", message };
        assert_eq!(shown.to_string(), "a\\u{7}:1:1: warning: '\\u{1b}[31m\\u{202e}é\\n' is no id");
    }

    #[test]
    fn a_typo_finds_its_word() {
        let known = ["correct", "text", "why"];
        assert_eq!(nearest("corect", known), Some("correct"));
        assert_eq!(nearest("txet", known), Some("text"));
        assert_eq!(nearest("banana", known), None);
        assert_eq!(did_you_mean("banana", known), "; it may be correct, text, why");
    }
}
