//! An interview that is going on, whatever is asked in it: its clock, and what was kept so far.

use super::part::Part;
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
    /// When it began, in seconds since 1970.
    pub begun_unix_s: u64,
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
        Going { talk, prompter, keep, out, parts: Vec::new(), overtime: false, stood_s: 0, stage_until_s: None }
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

    /// A stage of so many minutes begins, or one is over.
    pub(super) fn stage_of(&mut self, minutes: Option<u32>) {
        self.stage_until_s = minutes.map(|minutes| self.spent_s() + u64::from(minutes) * 60);
        self.wind();
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

    /// Keeps a part; one that waited to be judged is in its place already.
    pub(super) fn keep(&mut self, part: Part) -> Reply<()> {
        self.keep.part(&part)?;
        if self.parts.last().is_some_and(|last| last.more.unjudged && last.is_same(&part)) {
            self.parts.pop();
        }
        self.parts.push(part);
        Ok(())
    }
}
