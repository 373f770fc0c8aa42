//! An interview that is going on, whatever is asked in it: its clock, and what was kept so far.

use super::part::{More, Part, What};
use crate::cli::prompter::{Deadline, Prompter, Reply};
use crate::cli::quiz::session::{Record, Session};
use std::io::{self, Write};

/// Whoever keeps an interview: answers to questions for the learner's memory, and each part for the scorecard.
pub trait Keep: Record {
    /// Keeps one part. An error ends the interview.
    fn part(&mut self, part: &Part) -> io::Result<()>;
}

/// An interview that is held.
pub struct Talk<'a> {
    /// Shows and asks; has the clock.
    pub session: Session<'a>,
    /// Its length.
    pub minutes: u32,
    /// When it began, in seconds since 1970; of one that was broken off as if it had not been.
    pub begun_unix_s: u64,
    /// What was asked and answered before it was broken off.
    pub earlier: Vec<Part>,
}

/// One that is going on.
pub(super) struct Going<'t, 'a> {
    pub talk: &'t Talk<'a>,
    pub prompter: &'t mut dyn Prompter,
    pub keep: &'t mut dyn Keep,
    pub out: &'t mut dyn Write,
    pub parts: Vec<Part>,
    /// Whether the learner was asked to go on after the time.
    overtime: bool,
    /// Seconds for which the clock stood still.
    stood_s: u64,
    /// When the stage's time is over, by [`Going::spent_s`].
    stage_until_s: Option<u64>,
}

impl<'t, 'a> Going<'t, 'a> {
    /// One that begins.
    pub(super) fn new(talk: &'t Talk<'a>, prompter: &'t mut dyn Prompter, keep: &'t mut dyn Keep, out: &'t mut dyn Write) -> Self {
        Going { talk, prompter, keep, out, parts: talk.earlier.clone(), overtime: false, stood_s: 0, stage_until_s: None }
    }

    /// Seconds that the interview has taken so far, without those in which something was compared.
    pub(super) fn spent_s(&self) -> u64 {
        (self.talk.session.now)().saturating_sub(self.talk.begun_unix_s + self.stood_s)
    }

    /// Sets the clock above the questions that come.
    fn wind(&mut self) {
        let begun = self.talk.begun_unix_s + self.stood_s;
        let all_unix_s = begun + u64::from(self.talk.minutes) * 60;
        self.prompter.clock(Some(Deadline { stage_unix_s: self.stage_until_s.map(|until| begun + until), all_unix_s }));
    }

    /// A stage of so many seconds begins, or one is over.
    pub(super) fn stage_of(&mut self, seconds: Option<u64>) {
        self.stage_until_s = seconds.map(|seconds| self.spent_s() + seconds);
        self.wind();
    }

    /// What was said to the same before the interview was broken off.
    pub(super) fn before(&self, asked: &Part) -> Option<&'t Part> {
        // A quick question may have other numbers by now.
        let is_it = |part: &&Part| {
            part.is_same(asked) || (part.what == What::Quick && (part.what, &part.topic, &part.id) == (asked.what, &asked.topic, &asked.id))
        };
        self.talk.earlier.iter().find(is_it)
    }

    /// Whether it was answered and judged before the interview was broken off.
    pub(super) fn is_judged(&self, asked: &Part) -> bool {
        self.before(asked).is_some_and(|part| !part.more.unjudged)
    }

    /// Seconds that a question, with what was asked after it, took before the interview was broken off.
    pub(super) fn taken_s(&self, id: &str) -> u64 {
        self.talk.earlier.iter().filter(|part| part.id == id).map(|part| part.more.took_s).sum()
    }

    /// Asks for an answer in words, and keeps it at once; it waits to be judged. What was said before the interview was broken off
    /// stands.
    pub(super) fn said(&mut self, asked: Part, message: &str, about: &str) -> Reply<Part> {
        if let Some(before) = self.before(&asked) {
            if before.more.unjudged {
                let note = "[Your answer of before is kept: go on with its points.]";
                writeln!(self.out, "{}", (self.talk.session.look.style.dim)(note))?;
            }
            return Ok(before.clone());
        }
        let (said, took_s) = self.timed(|going| going.prompter.essay(message, about))?;
        let part = Part { said, more: More { unjudged: true, took_s, ..asked.more }, ..asked };
        self.keep(part.clone())?;
        Ok(part)
    }

    /// Does what the clock stands still for.
    pub(super) fn aside<T>(&mut self, what: impl FnOnce(&mut Self) -> Reply<T>) -> Reply<T> {
        let since = (self.talk.session.now)();
        self.prompter.clock(None);
        let result = what(self);
        self.stood_s += (self.talk.session.now)().saturating_sub(since);
        self.wind();
        result
    }

    /// What comes of it, and how many seconds it took.
    pub(super) fn timed<T>(&mut self, what: impl FnOnce(&mut Self) -> Reply<T>) -> Reply<(T, u64)> {
        let since = self.spent_s();
        let value = what(self)?;
        Ok((value, self.spent_s() - since))
    }

    /// When the time is over, asks once whether to go on; false: no.
    pub(super) fn time(&mut self) -> Reply<bool> {
        let is_over = self.spent_s() >= u64::from(self.talk.minutes) * 60;
        if is_over && !self.overtime {
            self.prompter.clock(None);
            writeln!(self.out, "\n{}", (self.talk.session.look.style.strong)("The time is up."))?;
            self.out.flush()?;
            self.overtime = true;
            if !self.prompter.confirm("Go on with what is left all the same", false)? {
                return Ok(false);
            }
        }
        self.wind();
        Ok(true)
    }

    /// Keeps a part, in the place of one that waited to be judged or was judged otherwise.
    pub(super) fn keep(&mut self, part: Part) -> Reply<()> {
        self.keep.part(&part)?;
        if self.parts.last().is_some_and(|last| last.is_same(&part)) {
            self.parts.pop();
        }
        self.parts.push(part);
        Ok(())
    }
}
