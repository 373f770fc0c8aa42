//! How the program asks a person: one trait, and three ways to be answered.
//!
//! [`Terminal`] takes keys, [`Lines`] reads one line for each question from whatever standard input is, and
//! [`Scripted`] plays a test's answers. [`for_this_process`] chooses between the first two. A prompter knows nothing of quizzes
//! and prints no question: whoever asks prints the text first, in full and wrapped, and hands over short labels.
//!
//! Every question may be left: Esc or the end of input is [`Leave::Quit`], Ctrl-C and every other signal that
//! asks us to end is [`Leave::Ended`]. Nothing waits for ever off a terminal.

mod ask;
mod deadline;
mod editor;
mod entry;
mod lines;
mod number;
mod scripted;
mod terminal;
mod write;

pub use deadline::Deadline;
pub use lines::Lines;
pub use scripted::{Say, Scripted};
pub use terminal::Terminal;

use super::ascii::Stream;
use super::error::Exit;
use super::terminal::size;
use super::wrap::columns;
use std::io::{self, IsTerminal};

/// Why there is no answer.
#[derive(Debug)]
pub enum Leave {
    /// Esc, `q`, or the end of input: the person has had enough.
    Quit,
    /// A signal asked us to end: so.
    Ended(Exit),
    /// The person does not know. Said only where [`Asides`] offer it.
    DontKnow,
    /// The answer before is to be taken back. Said only where [`Asides`] offer it.
    Back,
    /// The input or output broke.
    Broken(io::Error),
}

impl From<io::Error> for Leave {
    fn from(error: io::Error) -> Self {
        Leave::Broken(error)
    }
}

/// What may be said in the place of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asides {
    /// `d`, or Enter alone where an answer is typed: [`Leave::DontKnow`].
    pub dont_know: bool,
    /// Backspace where nothing is typed or marked: [`Leave::Back`].
    pub back: bool,
}

/// An answer, or why there is none.
pub type Reply<T> = Result<T, Leave>;

/// Someone who answers.
pub trait Prompter {
    /// What may be said in the place of answers from now on; nothing at first.
    fn offer(&mut self, asides: Asides);

    /// Above each question there is from now on a clock, or none, as at first. It goes on while somebody types.
    fn clock(&mut self, deadline: Option<Deadline>) {
        let _ = deadline;
    }

    /// Whoever wants to leave is asked from now on whether they mean it, in these words; or no longer. Only a person at a terminal is.
    fn guard(&mut self, leaving: Option<&'static str>) {
        let _ = leaving;
    }

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

/// The prompter for this process: keys if a person sits there, lines otherwise and on a terminal that cannot move its cursor.
#[must_use]
pub fn for_this_process(ascii: bool) -> Box<dyn Prompter> {
    // Keys are read from standard input, and questions drawn on standard error.
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let keys = io::stdin().is_terminal() && io::stderr().is_terminal() && !dumb;
    match Terminal::new(ascii) {
        Ok(terminal) if keys => Box::new(terminal),
        _ => {
            let lines = Lines::new(io::stdin().lock(), Stream::new(io::stdout(), ascii));
            Box::new(if io::stdout().is_terminal() { lines.on_a_terminal(size().0) } else { lines })
        }
    }
}

/// Labels that can be named beside the question: single words.
fn are_short(labels: &[String]) -> bool {
    labels.iter().all(|label| columns(label) <= 12)
}

/// What may be said: `1 guess · 2 think · 3 sure`, or `1-4` where the labels stand above.
fn labelled(labels: &[String]) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

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
