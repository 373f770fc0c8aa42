//! How the program asks a person: one trait, and three ways to be answered.
//!
//! [`Terminal`] takes keys (and lines, through inquire), [`Lines`] reads one line for each question from whatever standard input is, and
//! [`Scripted`] plays a test's answers. [`for_this_process`] chooses between the first two. A prompter knows nothing of quizzes
//! and prints no question: whoever asks prints the text first, in full and wrapped, and hands over short labels.
//!
//! Every question may be left: Esc or the end of input is [`Leave::Quit`], Ctrl-C is [`Leave::Interrupted`] (exit code
//! [`INTERRUPTED_EXIT_CODE`]). Nothing waits for ever off a terminal.

mod editor;
mod keys;
mod lines;
mod scripted;
mod terminal;

pub use lines::Lines;
pub use scripted::{Say, Scripted};
pub use terminal::Terminal;

use std::io::{self, IsTerminal};

/// What a shell expects of a program that Ctrl-C ended.
pub const INTERRUPTED_EXIT_CODE: u8 = 130;

/// Why there is no answer.
#[derive(Debug)]
pub enum Leave {
    /// Esc, `q`, or the end of input: the person has had enough.
    Quit,
    /// Ctrl-C.
    Interrupted,
    /// The input or output broke.
    Broken(io::Error),
}

impl From<io::Error> for Leave {
    fn from(error: io::Error) -> Self {
        Leave::Broken(error)
    }
}

/// An answer, or why there is none.
pub type Reply<T> = Result<T, Leave>;

/// Someone who answers.
pub trait Prompter {
    /// One of the labels: its index.
    fn one(&mut self, message: &str, labels: &[String]) -> Reply<usize>;

    /// As [`Prompter::one`], where the first is what most want: on a terminal Enter takes it.
    fn menu(&mut self, message: &str, labels: &[String]) -> Reply<usize> {
        self.one(message, labels)
    }

    /// Any number of the labels: their indexes, rising. `ticked` are chosen from the start.
    fn many(&mut self, message: &str, labels: &[String], ticked: &[usize]) -> Reply<Vec<usize>>;

    /// All labels in an order: their indexes.
    fn arrange(&mut self, message: &str, labels: &[String]) -> Reply<Vec<usize>>;

    /// A number; `unit` may be typed behind it.
    fn number(&mut self, message: &str, unit: Option<&str>) -> Reply<f64>;

    /// A line that is not empty.
    fn text(&mut self, message: &str) -> Reply<String>;

    /// Several lines, perhaps none, on what `about` asks: whoever leaves the screen for an editor sees it there. On lines of
    /// input it ends with a line that holds one dot.
    fn essay(&mut self, message: &str, about: &str) -> Reply<String>;

    /// Yes or no; `default` is what Enter means.
    fn confirm(&mut self, message: &str, default: bool) -> Reply<bool>;

    /// Waits until a person has read what stands there. Nobody waits off a terminal.
    fn pause(&mut self, message: &str) -> Reply<()> {
        let _ = message;
        Ok(())
    }
}

/// The prompter for this process: menus if a person sits there, lines otherwise and on a
/// terminal that cannot move its cursor. `color` is what the screen was found to
/// carry; inquire's own guess is not asked.
#[must_use]
pub fn for_this_process(color: bool) -> Box<dyn Prompter> {
    // inquire draws on stderr and reads the terminal even when stdin is a pipe: both must be asked before it is.
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if io::stdin().is_terminal() && io::stderr().is_terminal() && !dumb {
        Box::new(Terminal::new(color))
    } else {
        Box::new(Lines::new(io::stdin().lock(), io::stdout()))
    }
}

/// Labels that can be named beside the question: single words.
fn are_short(labels: &[String]) -> bool {
    labels.iter().all(|label| label.chars().count() <= 12)
}

/// What may be said: `1 guess · 2 think · 3 sure`, or `1-4` where the labels stand above.
fn hint(labels: &[String]) -> String {
    if are_short(labels) {
        labels.iter().enumerate().map(|(i, label)| format!("{} {label}", i + 1)).collect::<Vec<_>>().join(" · ")
    } else {
        format!("1-{}", labels.len())
    }
}

/// Reads `2`, `1 3` or `1,3` as indexes from 0. The error says what is expected.
fn indexes(line: &str, count: usize) -> Result<Vec<usize>, String> {
    let expected = || format!("a number from 1 to {count}");
    line.split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
        .map(|word| match word.trim_end_matches(['.', ')']).parse::<usize>() {
            Ok(number) if (1..=count).contains(&number) => Ok(number - 1),
            _ => Err(expected()),
        })
        .collect()
}

/// Reads an order of all labels.
fn order(line: &str, count: usize) -> Result<Vec<usize>, String> {
    let chosen = indexes(line, count).unwrap_or_default();
    let mut sorted = chosen.clone();
    sorted.sort_unstable();
    if sorted.iter().copied().eq(0..count) {
        Ok(chosen)
    } else {
        let example: Vec<String> = (1..=count).rev().map(|n| n.to_string()).collect();
        Err(format!("each number from 1 to {count} once, as in {}", example.join(" ")))
    }
}

/// Reads a number as people write them: `1,000`, `0,5`, `12 ms`, `2.5e6`; `50%` stays 50 if the unit is `%`, else it is 0.5.
fn number(line: &str, unit: Option<&str>) -> Result<f64, String> {
    let expected = || "a number, as in 12 or 0.5".to_owned();
    let mut text = line.trim().to_lowercase();
    if let Some(unit) = unit.map(str::to_lowercase) {
        // "1 node" for "nodes", but never "m" for "ms".
        let singular = unit.strip_suffix('s').filter(|word| word.len() > 2);
        if let Some(bare) = text.strip_suffix(&unit).or_else(|| singular.and_then(|one| text.strip_suffix(one))) {
            text = bare.trim_end().to_owned();
        }
    }
    let (mut text, scale) = match text.strip_suffix('%') {
        Some(bare) if unit != Some("%") => (bare.trim_end().to_owned(), 0.01),
        _ => (text, 1.0),
    };
    text.retain(|c| c != '_' && c != ' ');
    let groups: Vec<&str> = text.split(',').collect();
    let thousands = groups.len() > 2 || groups.get(1).is_some_and(|g| g.split('.').next().is_some_and(|whole| whole.len() == 3));
    let text = if thousands { text.replace(',', "") } else { text.replace(',', ".") };
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value * scale),
        _ => Err(expected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let read = |line, unit| number(line, unit).ok();
        assert_eq!(read("2", None), Some(2.0));
        assert_eq!(read(" 12 ms", Some("ms")), Some(12.0));
        assert_eq!(read("1 node", Some("nodes")), Some(1.0));
        assert_eq!(read("12 m", Some("ms")), None);
        assert_eq!(read("1,000,000", None), Some(1e6));
        assert_eq!(read("12,288 bytes", Some("bytes")), Some(12_288.0));
        assert_eq!(read("0,5", None), Some(0.5));
        assert_eq!(read("1,234.5", None), Some(1234.5));
        assert_eq!(read("2.5e6", None), Some(2.5e6));
        assert_eq!(read("0.81%", Some("%")), Some(0.81));
        assert_eq!(read("50%", None), Some(0.5));
        assert_eq!(read("many", None), None);
        assert_eq!(read("inf", None), None);
        assert_eq!(read("", None), None);
    }

    #[test]
    fn indexes_and_orders() {
        assert_eq!(indexes("1, 3", 3), Ok(vec![0, 2]));
        assert_eq!(indexes("2)", 3), Ok(vec![1]));
        assert_eq!(indexes("0", 3), Err("a number from 1 to 3".to_owned()));
        assert_eq!(indexes("99999999999999999999999", 3), Err("a number from 1 to 3".to_owned()));
        assert_eq!(order("3 1 2", 3), Ok(vec![2, 0, 1]));
        assert!(order("3 1 1", 3).is_err());
        assert!(order("", 3).is_err());
    }
}
