//! What is late.

use super::{Ghost, Whom, broken};
use crate::exercises::trace_context::judge::rules::{ENDS, PATH, PERCENTILE, TREE, WORK};
use crate::exercises::trace_context::{REPORTED, Request, TAKES, TIMEOUT, TRIES};
use crate::rule::Check;
use crate::time::{Time, millis};
use std::time::Duration;

/// What a timer that is a little late is forgiven.
const LATE: Duration = millis(10);
/// How often it is looked at what is late.
const LOOKS: Duration = millis(10);

impl Ghost {
    pub(super) fn overdue(&mut self, now: Time) -> Check {
        if now < self.looks_at {
            return Ok(());
        }
        self.looks_at = now + LOOKS;
        self.handled.values().try_for_each(|at| self.must_go_on(*at, now))?;
        for taken in self.open.of.values() {
            let rule = match taken.request {
                Request::Do { .. } => continue,
                Request::Tree(_) => TREE,
                Request::CriticalPath(_) => PATH,
                Request::Percentile { .. } => PERCENTILE,
            };
            if now > taken.since + TAKES + LATE {
                let said = format!("{} was asked {:?}, but had not answered {} ms later", self.me, taken.request, TAKES.as_millis());
                return Err(broken(rule, said, [taken.step]).unanswered());
            }
        }
        self.must_report(now)
    }

    fn must_go_on(&self, at: usize, now: Time) -> Check {
        let (me, work) = (self.me, &self.works[at]);
        if work.blurred {
            return Ok(());
        }
        let (id, takes) = (work.id, TAKES.as_millis());
        let begun = work.came + self.config.works;
        let missing = self.config.calls.iter().find(|to| !work.tries.contains_key(to)).map(|to| ("called", to));
        let missing = missing.or_else(|| self.config.jobs.iter().find(|to| !work.jobs.contains_key(to)).map(|to| ("given a Job to", to)));
        if let Some((what, to)) = missing.filter(|_| now > begun + TAKES + LATE) {
            let said = format!("{me}'s own work for {id:?} was done at {begun}, but {takes} ms later it had not {what} {to}");
            return Err(broken(WORK, said, [work.step]).stuck());
        }
        for to in &self.config.calls {
            let Some((last, tries)) = self.last(work, *to) else { continue };
            let waits = last.answer.is_none() && (tries as u32) < TRIES;
            if waits && now > last.left + TIMEOUT + TAKES + LATE {
                let ms = (TIMEOUT + TAKES).as_millis();
                let said = format!("{me} called {to} for {id:?}, got no answer, and did not try again within {ms} ms");
                return Err(broken(WORK, said, [last.step]).stuck());
            }
        }
        // A try that was answered late may have been given up.
        let late = work.tries.values().flatten().any(|at| self.tries[*at].answer.is_some() && self.tries[*at].may_be_given_up(now));
        let over = self.over_from(work).filter(|_| work.whom != Whom::Nobody && !late);
        if over.is_some_and(|over| now > over + TAKES * 2 + LATE) {
            let said = format!("{me} was handling {id:?}, but had not answered it; of its calls, {}", self.calls_of(work));
            return Err(broken(WORK, said, [work.step]).unanswered());
        }
        Ok(())
    }

    /// Spans that are over, and not reported.
    fn must_report(&mut self, now: Time) -> Check {
        let mut works = std::mem::take(&mut self.owing_works);
        let mut tries = std::mem::take(&mut self.owing_tries);
        let owes = |at: usize| self.works[at].sampled != Some(false) && !self.works[at].blurred;
        works.retain(|at| owes(*at) && self.works[*at].reported.is_none());
        tries.retain(|at| owes(self.tries[*at].work) && self.tries[*at].reported.is_none());
        let sampled = |at: usize| self.works[at].sampled == Some(true);
        let (me, ms) = (self.me, REPORTED.as_millis());
        for at in tries.iter().filter(|at| sampled(self.tries[**at].work)) {
            let attempt = &self.tries[*at];
            let over = match (attempt.answer, attempt.given_up) {
                (Some((at, ..)), _) if at < attempt.left + TIMEOUT => at,
                (_, Some(next)) => next,
                _ => attempt.left + TIMEOUT + TAKES,
            };
            if now > over + REPORTED + LATE {
                let how = match (attempt.answer, attempt.given_up) {
                    (Some((_, ok, _)), None) => format!("was answered ok: {ok}"),
                    _ => "was given up".to_owned(),
                };
                let steps = [attempt.step].into_iter().chain(attempt.answer.map(|(.., step)| step));
                let said = format!(
                    "{me}'s Call {:?} to {} {how}, but its span, {:?}, was not reported within {ms} ms",
                    attempt.id, attempt.to, attempt.span
                );
                return Err(broken(ENDS, said, steps));
            }
        }
        for at in works.iter().filter(|at| sampled(**at)) {
            let work = &self.works[*at];
            let over = match work.whom {
                Whom::Nobody => self.over_from(work).map(|over| over + TAKES * 2),
                _ => work.over.map(|(at, ..)| at),
            };
            if over.is_some_and(|over| now > over + REPORTED + LATE) {
                let how = work.over.map_or_else(|| "is over".to_owned(), |(_, ok, _)| format!("was answered ok: {ok}"));
                let said =
                    format!("{me} handled {:?}, which {how}, in a sampled trace, but its span was not reported within {ms} ms", work.id);
                return Err(broken(ENDS, said, [work.step].into_iter().chain(work.over.map(|(.., step)| step))));
            }
        }
        (self.owing_works, self.owing_tries) = (works, tries);
        Ok(())
    }
}
