//! Questions on a terminal: each is an [`entry`] or a text that is [written](super::write), and [`ask`](super::ask) asks them all.

use super::ask::Beside;
use super::entry::{Arrange, Confirm, Entry, Many, One, Pause};
use super::write::Write;
use super::{Asides, Deadline, Leave, Prompter, Reply, ask, editor, number};
use crate::cli::runtime::Runtime;
use std::io::{self, Write as _};

/// Asks on the terminal of this process.
pub struct Terminal {
    runtime: Runtime,
    ascii: bool,
    asides: Asides,
    deadline: Option<Deadline>,
    leaving: Option<&'static str>,
    /// How the last text was given: most give the next one so, too.
    way: Option<usize>,
}

impl Terminal {
    /// On the terminal of standard input; in plain ASCII, if that is wanted.
    ///
    /// # Errors
    /// If the system refuses what waiting for keys needs.
    pub fn new(ascii: bool) -> Reply<Terminal> {
        let runtime = Runtime::new().map_err(|trouble| io::Error::other(trouble.message))?;
        Ok(Terminal { runtime, ascii, asides: Asides::default(), deadline: None, leaving: None, way: None })
    }

    fn ask<E: Entry>(&self, entry: E) -> Reply<E::Value> {
        ask::ask(&self.runtime, self.ascii, Beside { asides: self.asides, deadline: self.deadline, leaving: self.leaving }, entry)
    }
}

impl Prompter for Terminal {
    fn offer(&mut self, asides: Asides) {
        self.asides = asides;
    }

    fn clock(&mut self, deadline: Option<Deadline>) {
        self.deadline = deadline;
    }

    fn guard(&mut self, leaving: Option<&'static str>) {
        self.leaving = leaving;
    }

    fn one(&mut self, message: &str, labels: &[String]) -> Reply<usize> {
        self.ask(One::new(message, labels))
    }

    fn menu(&mut self, message: &str, labels: &[String]) -> Reply<usize> {
        self.ask(One::menu(message, labels, 0))
    }

    fn many(&mut self, message: &str, labels: &[String], ticked: &[usize]) -> Reply<Vec<usize>> {
        self.ask(Many::new(message, labels.len(), ticked))
    }

    fn arrange(&mut self, message: &str, labels: &[String]) -> Reply<Vec<usize>> {
        self.ask(Arrange::new(message, labels.len()))
    }

    fn number(&mut self, message: &str, unit: Option<&str>) -> Reply<f64> {
        loop {
            let owned = unit.map(str::to_owned);
            let read = self.ask(Write::line(message, unit.unwrap_or("a number"), move |line| number::read(line, owned.as_deref())))?;
            let Some(doubt) = &read.doubt else { return Ok(read.value) };
            if self.confirm(&format!("{doubt} Is that what you mean?"), true)? {
                return Ok(read.value);
            }
        }
    }

    fn text(&mut self, message: &str) -> Reply<String> {
        let wanted = "a word or two";
        self.ask(Write::line(message, wanted, move |line| match line.trim() {
            "" => Err(wanted.to_owned()),
            text => Ok(text.to_owned()),
        }))
    }

    fn essay(&mut self, message: &str, about: &str) -> Reply<String> {
        let editor = editor::of_this_process();
        let mut ways = vec!["write it here".to_owned(), "say it aloud".to_owned()];
        if let Some(editor) = &editor {
            ways.push(format!("write it in {}", editor.name));
        }
        let mut shown = crate::cli::ascii::Stream::new(io::stderr(), self.ascii);
        for (number, way) in (1..).zip(&ways) {
            writeln!(shown, "{number:>3}  {way}")?;
        }
        loop {
            let way = match self.way {
                Some(way) => self.ask(One::menu(message, &ways, way))?,
                None => self.one(message, &ways)?,
            };
            self.way = Some(way);
            let written = match (way, &editor) {
                (0, _) => self.ask(Write::essay("Write"))?,
                (2, Some(editor)) => match self.runtime.block_on_alone(editor.write(about)) {
                    // An editor that is not there, or that one left without keeping the text, ends no quiz.
                    Err(Leave::Broken(e)) => {
                        writeln!(shown, "{e}; choose another way, or try again")?;
                        continue;
                    }
                    written => written?,
                },
                // Nothing to read, but time to speak.
                _ => return self.pause("When you have said it").map(|()| String::new()),
            };
            // One Enter too many, or an editor that was left, is no answer.
            if !written.trim().is_empty() || self.confirm("Nothing is written. Go on without an answer", false)? {
                return Ok(written);
            }
        }
    }

    fn confirm(&mut self, message: &str, default: bool) -> Reply<bool> {
        self.ask(Confirm::new(message, default))
    }

    fn pause(&mut self, message: &str) -> Reply<()> {
        self.ask(Pause(message.to_owned()))
    }
}
