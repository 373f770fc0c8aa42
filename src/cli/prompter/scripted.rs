//! Answers from a test, so that a whole session can be played without a terminal.

use super::{Asides, Leave, Prompter, Reply};
use crate::cli::error::Exit;
use std::collections::VecDeque;

/// One answer of a script.
#[derive(Clone, Debug)]
pub enum Say {
    /// The label that starts so. (Labels are shuffled, so a test names them.)
    Pick(&'static str),
    /// The labels that start so, in this order.
    Picks(&'static [&'static str]),
    /// A number.
    Number(f64),
    /// A text.
    Text(&'static str),
    /// Yes or no.
    Confirm(bool),
    /// Esc.
    Leave,
    /// Ctrl-C.
    Interrupt,
    /// The key of who does not know.
    DontKnow,
    /// Backspace, before anything is marked.
    Back,
}

/// Plays answers in order. When they are used up, input has ended. An answer that does not fit its question panics: a script
/// is part of a test.
pub struct Scripted {
    answers: VecDeque<Say>,
    /// Every question that was asked: its message and labels.
    pub asked: Vec<(String, Vec<String>)>,
    asides: Asides,
}

impl Scripted {
    /// A prompter that will say these.
    pub fn new(answers: impl IntoIterator<Item = Say>) -> Self {
        Scripted { answers: answers.into_iter().collect(), asked: Vec::new(), asides: Asides::default() }
    }

    fn next(&mut self, message: &str, labels: &[String]) -> Reply<Say> {
        self.asked.push((message.to_owned(), labels.to_vec()));
        match self.answers.pop_front() {
            None | Some(Say::Leave) => Err(Leave::Quit),
            Some(Say::DontKnow) if self.asides.dont_know => Err(Leave::DontKnow),
            Some(Say::Back) if self.asides.back => Err(Leave::Back),
            Some(Say::Interrupt) => Err(Leave::Ended(Exit::Interrupted)),
            Some(answer) => Ok(answer),
        }
    }
}

fn find(labels: &[String], start: &str) -> usize {
    let found = labels.iter().position(|label| label.starts_with(start));
    found.unwrap_or_else(|| panic!("the script picks {start:?}, which is none of {labels:?}"))
}

fn misfit(message: &str, say: &Say) -> ! {
    panic!("the script says {say:?} to {message:?}")
}

impl Prompter for Scripted {
    fn offer(&mut self, asides: Asides) {
        self.asides = asides;
    }

    fn one(&mut self, message: &str, labels: &[String]) -> Reply<usize> {
        match self.next(message, labels)? {
            Say::Pick(start) => Ok(find(labels, start)),
            other => misfit(message, &other),
        }
    }

    fn many(&mut self, message: &str, labels: &[String], _ticked: &[usize]) -> Reply<Vec<usize>> {
        let mut chosen = self.arrange(message, labels)?;
        chosen.sort_unstable();
        Ok(chosen)
    }

    fn arrange(&mut self, message: &str, labels: &[String]) -> Reply<Vec<usize>> {
        match self.next(message, labels)? {
            Say::Picks(starts) => Ok(starts.iter().map(|start| find(labels, start)).collect()),
            other => misfit(message, &other),
        }
    }

    fn number(&mut self, message: &str, _unit: Option<&str>) -> Reply<f64> {
        match self.next(message, &[])? {
            Say::Number(number) => Ok(number),
            other => misfit(message, &other),
        }
    }

    fn text(&mut self, message: &str) -> Reply<String> {
        match self.next(message, &[])? {
            Say::Text(text) => Ok(text.to_owned()),
            other => misfit(message, &other),
        }
    }

    fn essay(&mut self, message: &str, _about: &str) -> Reply<String> {
        self.text(message)
    }

    fn confirm(&mut self, message: &str, _default: bool) -> Reply<bool> {
        match self.next(message, &[])? {
            Say::Confirm(yes) => Ok(yes),
            other => misfit(message, &other),
        }
    }
}
