//! Answers from lines of standard input: for pipes, screen readers and plain terminals.

use super::{Asides, Deadline, Leave, Prompter, Reply, indexes, labelled, number, order};
use crate::cli::clock;
use crate::cli::wrap::wrap;
use std::io::{BufRead, Read, Write};

/// So many lines in a row that answer nothing mean that nobody is there.
const PATIENCE: usize = 20;
/// Longer lines are no answers.
const MAX_LINE_BYTES: u64 = 64 * 1024;
/// No essay is longer.
const MAX_ESSAY_BYTES: usize = 256 * 1024;

/// Reads answers from `input`, one a line; writes what it asks for to `output`.
pub struct Lines<R, W> {
    input: R,
    output: W,
    /// Of the terminal that questions are written to; nothing wraps elsewhere.
    columns: Option<usize>,
    asides: Asides,
    deadline: Option<Deadline>,
}

impl<R: BufRead, W: Write> Lines<R, W> {
    /// A prompter over any input and output.
    pub fn new(input: R, output: W) -> Self {
        Lines { input, output, columns: None, asides: Asides::default(), deadline: None }
    }

    /// The same, on a terminal of so many columns: its questions break between words.
    pub fn on_a_terminal(self, columns: usize) -> Self {
        Lines { columns: Some(columns), ..self }
    }

    /// The next line, without its end. The end of input is a way to leave.
    fn line(&mut self) -> Reply<String> {
        let mut bytes = Vec::new();
        (&mut self.input).take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes)?;
        if bytes.is_empty() {
            writeln!(self.output)?;
            return Err(Leave::Quit);
        }
        let line = String::from_utf8_lossy(&bytes);
        Ok(line.trim_end_matches(['\n', '\r']).to_owned())
    }

    /// The clock above a question, if there is one.
    fn time(&mut self) -> Reply<()> {
        Ok(self.deadline.map_or(Ok(()), |deadline| writeln!(self.output, "{}", deadline.said(clock::unix_s())))?)
    }

    /// Asks until `read` understands a line.
    fn ask<T>(&mut self, message: &str, hint: &str, read: impl Fn(&str) -> Result<T, String>) -> Reply<T> {
        self.time()?;
        for _ in 0..PATIENCE {
            let aside = if self.asides.dont_know { "; ? for don't know" } else { "" };
            let question = format!("{message} ({hint}{aside}):");
            let question = self.columns.map_or(question.clone(), |columns| wrap(&question, "", columns).trim_end().to_owned());
            write!(self.output, "{question} ")?;
            self.output.flush()?;
            let line = self.line()?;
            let line = line.trim();
            if matches!(line, "q" | "quit" | "\u{1b}") {
                return Err(Leave::Quit);
            }
            let offered = |said: bool, leave| if said { Err(leave) } else { Ok(()) };
            offered(self.asides.dont_know && matches!(line, "?" | "don't know"), Leave::DontKnow)?;
            offered(self.asides.back && matches!(line, "back"), Leave::Back)?;
            match read(line) {
                Ok(value) => {
                    writeln!(self.output)?;
                    return Ok(value);
                }
                Err(expected) => writeln!(self.output, "\nExpected {expected}; q leaves.")?,
            }
        }
        writeln!(self.output, "\nNo answer in {PATIENCE} lines: leaving.")?;
        Err(Leave::Quit)
    }
}

impl<R: BufRead, W: Write> Prompter for Lines<R, W> {
    fn offer(&mut self, asides: Asides) {
        self.asides = asides;
    }

    fn clock(&mut self, deadline: Option<Deadline>) {
        self.deadline = deadline;
    }

    fn one(&mut self, message: &str, labels: &[String]) -> Reply<usize> {
        let count = labels.len();
        self.ask(message, &labelled(labels), |line| {
            // A word that starts exactly one label will do: "sure", "t" for "true".
            let folded = line.to_lowercase();
            let mut named = labels.iter().enumerate().filter(|(_, l)| !line.is_empty() && l.to_lowercase().starts_with(&folded));
            if let (Some((index, _)), None) = (named.next(), named.next()) {
                return Ok(index);
            }
            match indexes(line, count)?.as_slice() {
                [index] => Ok(*index),
                _ => Err(format!("one number from 1 to {count}")),
            }
        })
    }

    fn many(&mut self, message: &str, labels: &[String], ticked: &[usize]) -> Reply<Vec<usize>> {
        let hint = if ticked.is_empty() {
            "numbers such as 1 3; 0 for none".to_owned()
        } else {
            let ticked: Vec<String> = ticked.iter().map(|i| (i + 1).to_string()).collect();
            format!("numbers such as 1 3; 0 for none; Enter for {}", ticked.join(" "))
        };
        self.ask(message, &hint, |line| match line {
            "0" | "none" => Ok(Vec::new()),
            "" if !ticked.is_empty() => Ok(ticked.to_vec()),
            "" => Err("numbers such as 1 3, or 0 for none".to_owned()),
            _ => {
                let mut chosen = indexes(line, labels.len())?;
                chosen.sort_unstable();
                chosen.dedup();
                Ok(chosen)
            }
        })
    }

    fn arrange(&mut self, message: &str, labels: &[String]) -> Reply<Vec<usize>> {
        self.ask(message, "all numbers in order", |line| order(line, labels.len()))
    }

    fn number(&mut self, message: &str, unit: Option<&str>) -> Reply<f64> {
        let read = self.ask(message, unit.unwrap_or("a number"), |line| number::read(line, unit))?;
        if let Some(doubt) = &read.doubt {
            writeln!(self.output, "{doubt}")?;
        }
        Ok(read.value)
    }

    fn text(&mut self, message: &str) -> Reply<String> {
        let read = |line: &str| if line.is_empty() { Err("a word or two".to_owned()) } else { Ok(line.to_owned()) };
        self.ask(message, "a line", read)
    }

    fn essay(&mut self, message: &str, _about: &str) -> Reply<String> {
        self.time()?;
        writeln!(self.output, "{message} (end with a line that holds one dot)")?;
        self.output.flush()?;
        let mut text = String::new();
        loop {
            match self.line() {
                Ok(line) if line == "." => return Ok(text),
                Ok(line) if text.is_empty() && matches!(line.trim(), "q" | "quit" | "\u{1b}") => return Err(Leave::Quit),
                Ok(line) => text.extend([line.as_str(), "\n"]),
                // What was written before the end of input counts; the next question will find the end again.
                Err(Leave::Quit) if !text.is_empty() => return Ok(text),
                Err(leave) => return Err(leave),
            }
            if text.len() > MAX_ESSAY_BYTES {
                return Ok(text);
            }
        }
    }

    fn confirm(&mut self, message: &str, default: bool) -> Reply<bool> {
        self.ask(message, if default { "Y/n" } else { "y/N" }, |line| match line.to_lowercase().as_str() {
            "" => Ok(default),
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => Err("y or n".to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Vec<String> {
        ["guess", "think", "sure"].map(str::to_owned).to_vec()
    }

    fn with<T>(input: &str, ask: impl FnOnce(&mut Lines<&[u8], &mut Vec<u8>>) -> Reply<T>) -> (Reply<T>, String) {
        let mut output = Vec::new();
        let reply = ask(&mut Lines::new(input.as_bytes(), &mut output));
        (reply, String::from_utf8(output).expect("what is written is text"))
    }

    #[test]
    fn a_number_or_the_start_of_a_word_chooses() {
        for (input, index) in [("2\n", 1), ("s\n", 2), ("THINK\n", 1), (" 1 \r\n", 0), ("3", 2)] {
            assert!(matches!(with(input, |p| p.one("How sure", &labels())).0, Ok(i) if i == index), "{input:?}");
        }
    }

    #[test]
    fn garbage_is_answered_with_what_is_expected_and_asked_again() {
        let (reply, output) = with("9\n\nmaybe\n1 2\n2\n", |p| p.one("Answer", &labels()));
        assert!(matches!(reply, Ok(1)));
        assert_eq!(output.matches("Answer (1 guess · 2 think · 3 sure): ").count(), 5);
        assert_eq!(output.matches("Expected a number from 1 to 3; q leaves.").count(), 2, "{output}");
        assert_eq!(output.matches("Expected one number from 1 to 3; q leaves.").count(), 2, "{output}");
    }

    #[test]
    fn the_end_of_input_leaves_and_never_waits() {
        assert!(matches!(with("", |p| p.one("Answer", &labels())).0, Err(Leave::Quit)));
        assert!(matches!(with("nine\n", |p| p.number("Answer", None)).0, Err(Leave::Quit)));
        assert!(matches!(with("q\n", |p| p.text("Answer")).0, Err(Leave::Quit)));
        assert!(matches!(with("", |p| p.essay("Answer", "")).0, Err(Leave::Quit)));
        assert!(matches!(with("", |p| p.confirm("Answer", true)).0, Err(Leave::Quit)));
    }

    #[test]
    fn endless_garbage_ends() {
        let endless = std::io::BufReader::new(std::io::repeat(b'y'));
        let mut output = Vec::new();
        assert!(matches!(Lines::new(endless, &mut output).one("Answer", &labels()), Err(Leave::Quit)));
        let output = String::from_utf8_lossy(&output);
        assert!(output.ends_with("No answer in 20 lines: leaving.\n"), "{output}");
    }

    #[test]
    fn a_question_on_a_terminal_breaks_between_words() {
        let mut output = Vec::new();
        let _ = Lines::new(&b"1\n"[..], &mut output).on_a_terminal(30).one("Which of these words are broken in two?", &labels());
        let said = String::from_utf8(output).unwrap();
        assert!(said.starts_with("Which of these words are\nbroken in two? ("), "{said}");
    }

    #[test]
    fn input_that_is_no_text_is_garbage_and_no_panic() {
        let mut output = Vec::new();
        let mut lines = Lines::new(&b"\xff\xfe\x00\n2\n"[..], &mut output);
        assert!(matches!(lines.one("Answer", &labels()), Ok(1)));
        assert!(!output.contains(&0xff), "and is not echoed");
    }

    #[test]
    fn many_takes_lists_none_and_what_was_ticked() {
        assert_eq!(with("3, 1 1\n", |p| p.many("Which", &labels(), &[])).0.ok(), Some(vec![0, 2]));
        assert_eq!(with("0\n", |p| p.many("Which", &labels(), &[])).0.ok(), Some(vec![]));
        assert_eq!(with("\n", |p| p.many("Which", &labels(), &[1])).0.ok(), Some(vec![1]));
        assert_eq!(with("\n2\n", |p| p.many("Which", &labels(), &[])).0.ok(), Some(vec![1]));
    }

    #[test]
    fn the_other_questions() {
        assert_eq!(with("2 1 3\n", |p| p.arrange("Order", &labels())).0.ok(), Some(vec![1, 0, 2]));
        assert_eq!(with("x\n12 ms\n", |p| p.number("Answer", Some("ms"))).0.ok(), Some(12.0));
        assert!(with("1,234\n", |p| p.number("Answer", None)).1.ends_with("\n1,234 means 1234 here, not 1.234.\n"));
        assert_eq!(with("one\ntwo\n.\nnext\n", |p| p.essay("Write", "")).0.ok().as_deref(), Some("one\ntwo\n"));
        assert_eq!(with("one", |p| p.essay("Write", "")).0.ok().as_deref(), Some("one\n"));
        assert!(matches!(with("q\n.\n", |p| p.essay("Write", "")).0, Err(Leave::Quit)));
        assert_eq!(with("\n", |p| p.confirm("Sure", true)).0.ok(), Some(true));
        assert_eq!(with("N\n", |p| p.confirm("Sure", true)).0.ok(), Some(false));
    }
}
