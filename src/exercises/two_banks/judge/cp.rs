//! What is particular to CP: the home of an account decides, one change after the other, and a change has happened when the other server has
//! its entry.

use super::spec::{A_LITTLE, Asked, Due, Ghost, LATE, Work};
use super::{BOTH, HONEST, LINEAR, ONCE, ORDER, SERVES, SUFFICES};
use crate::exercises::two_banks::{AGAIN, ANSWERS, Entry, PATIENCE, Request, RequestId, Response, TAKES, TwoBanks};
use crate::rule::{Broken, Check};
use crate::sim::Seen;
use crate::time::Time;

impl Ghost {
    /// The other server has an entry: from here on it has happened.
    pub fn commits(&mut self, entry: Entry, now: Time) {
        self.count(entry);
        self.met.done += 1;
        let balance = self.balance(entry.account);
        for id in &self.undone {
            if let Some(work) = self.works.get_mut(id).filter(|work| work.request.account() == entry.account) {
                work.balances.push(balance);
            }
        }
        self.idle = now;
    }

    /// A new entry is written.
    pub fn decides(&mut self, id: RequestId, entry: Entry, seen: &Seen<'_, TwoBanks>) -> Check {
        let (me, other, step) = (self.me, self.other, seen.number);
        if !self.is_cp() {
            return self.decides_alone(id, entry, step);
        }
        if let Some((said @ (Response::Refused | Response::Unavailable), when)) = self.works.get(&id).and_then(|work| work.said) {
            let said = format!("{me} answered {id:?} with {said:?}, which means never, and then wrote {entry:?} into its book");
            return Err(Broken::new(HONEST, said).at([when, step]));
        }
        if let Some(own) = self.pending() {
            let said = format!(
                "{me} wrote {entry:?} into its book while {other} had not said Have to {:?}: the next change waits until the last is on both",
                own.entry
            );
            return Err(Broken::new(ORDER, said).at([own.step, step]));
        }
        let balance = self.balance(entry.account);
        if entry.by < 0 && balance + entry.by < 0 {
            let said = format!("{me} wrote {entry:?} into its book, but {:?} has only {balance}", entry.account);
            return Err(Broken::new(SUFFICES, said).at([step]));
        }
        Ok(())
    }

    /// What the home of the account says to a client, or to the other server.
    pub fn says_as_home(&mut self, id: RequestId, work: &Work, response: Response, seen: &Seen<'_, TwoBanks>) -> Check {
        let step = seen.number;
        let own = self.book.get(&id);
        if own.is_some() && matches!(response, Response::Refused | Response::Unavailable) {
            return self.says(work, response, HONEST, "it has that in its book: it may have happened", step);
        }
        match (work.request, response) {
            (Request::Read(_), Response::Balance(balance)) => self.is_true(work, balance, step)?,
            (Request::Read(_), Response::Unavailable) => {
                self.is_patient(id, work, response, seen)?;
                // An Answer may have been on its way when the last Have came.
                let on_its_way = work.is_asked && seen.now <= self.idle + TAKES + LATE;
                if self.pending().is_none() && !on_its_way {
                    return self.says(work, response, SERVES, "it is the home, and has nothing under way: it knows the balance", step);
                }
            }
            (Request::Deposit(..) | Request::Withdraw(..), Response::Done) => match own {
                Some(own) if own.confirmed => {}
                Some(_) => {
                    let why = format!("{} has not said Have to its entry: it is on one server only", self.other);
                    return self.says(work, response, BOTH, &why, step);
                }
                None => return self.says(work, response, BOTH, "it has written no entry for it", step),
            },
            (Request::Withdraw(_, amount), Response::Refused) => {
                if work.balances.iter().all(|balance| *balance >= amount as i64) {
                    let why = format!("the balance suffices: {} while the client waited", listed(&work.balances));
                    return self.says(work, response, SUFFICES, &why, step);
                }
                self.met.refused += 1;
            }
            (Request::Deposit(..) | Request::Withdraw(..), Response::Unavailable) => {
                self.is_patient(id, work, response, seen)?;
                self.met.unavailable += 1;
            }
            (Request::Deposit(..) | Request::Withdraw(..), Response::Unknown) => match own {
                // An Answer may have been on its way when Have came.
                Some(own) if own.confirmed && !(work.is_asked && seen.now <= own.since + TAKES + LATE) => {
                    let why = format!("it had heard that {} has the entry: the answer is Done", self.other);
                    return self.says(work, response, HONEST, &why, step);
                }
                Some(_) => {
                    self.is_patient(id, work, response, seen)?;
                    self.met.unknown += 1;
                }
                // It may have begun it this moment, and be about to send the entry: that is seen to below.
                None if self.pending().is_none() => self.is_patient(id, work, response, seen)?,
                None => {
                    let is_alike = |other: &&Work| matches!(other.said, Some((Response::Unavailable, _))) && other.request.by().is_some();
                    let alike = self.works.values().rfind(is_alike);
                    let alike = alike.map_or(String::new(), |other| format!(", as it said of {:?} in step {}", other.request, other.step));
                    let why = format!("it had not begun it: it never happens, and the answer is Unavailable{alike}");
                    return self.says(work, response, HONEST, &why, step);
                }
            },
            _ => return Err(Broken::new(ONCE, format!("{} answered {:?} with {response:?}", self.me, work.request)).at([step])),
        }
        if let Some(work) = self.works.get_mut(&id) {
            work.said = Some((response, step));
        }
        if response != Response::Unknown || work.is_written {
            self.undone.remove(&id);
        }
        Ok(())
    }

    fn says(&self, work: &Work, response: Response, rule: &'static str, why: &str, step: u64) -> Check {
        let me = self.me;
        Err(Broken::new(rule, format!("{me} answered {:?} with {response:?}, but {why}", work.request)).at([work.step, step]))
    }

    /// A balance that was true at some time since the request came.
    fn is_true(&self, work: &Work, balance: u64, step: u64) -> Check {
        if work.balances.iter().any(|known| u64::try_from(*known) == Ok(balance)) {
            return Ok(());
        }
        let begun = self.pending().filter(|own| u64::try_from(self.balance(own.entry.account) + own.entry.by) == Ok(balance));
        let why = match begun {
            Some(own) => format!(" The difference is {:?}, which {} has not said Have to.", own.entry, self.other),
            None => String::new(),
        };
        let seen = format!(
            "{} answered {:?} with Balance({balance}); what was on both servers then: {}.{why}",
            self.me,
            work.request,
            listed(&work.balances)
        );
        let marks = begun.map(|own| own.step).into_iter().chain([step]);
        Err(Broken::new(LINEAR, seen).at(marks))
    }

    fn is_patient(&self, id: RequestId, work: &Work, response: Response, seen: &Seen<'_, TwoBanks>) -> Check {
        if seen.now + A_LITTLE >= work.since + PATIENCE {
            return Ok(());
        }
        let after = seen.now.since(work.since).as_millis();
        let why = format!("it had taken {id:?} only {after} ms before: it waits for {} ms before it gives up", PATIENCE.as_millis());
        self.says(work, response, SERVES, &why, seen.number)
    }

    /// The home gives the other server an answer for its client.
    pub fn answers_other(&mut self, id: RequestId, response: Response, seen: &Seen<'_, TwoBanks>) -> Check {
        let (me, step) = (self.me, seen.number);
        self.owes.retain(|(due, ..)| *due != Due::Answer(id));
        let Some(work) = self.works.get(&id).filter(|work| work.is_asked).cloned() else {
            return Err(Broken::new(ONCE, format!("{me} gave {} an Answer to {id:?}, which it had not been asked", self.other)).at([step]));
        };
        match work.said {
            None => self.says_as_home(id, &work, response, seen),
            Some((said, _)) if said == response => Ok(()),
            Some((Response::Unknown, _)) if response == Response::Done => self.says_as_home(id, &work, response, seen),
            Some((said, when)) => {
                let said = format!(
                    "{me} gave {} the Answer {response:?} to {id:?}, {:?}, and had given {said:?} before",
                    self.other, work.request
                );
                Err(Broken::new(HONEST, said).at([when, step]))
            }
        }
    }

    /// The server that is not the home tells its client what the home has said, or that it does not know.
    pub fn passes_on(&mut self, id: RequestId, response: Response, seen: &Seen<'_, TwoBanks>) -> Check {
        let (me, other, step) = (self.me, self.other, seen.number);
        let Some(asked) = self.asked.get_mut(&id) else { return Ok(()) };
        asked.answered = true;
        self.unanswered.remove(&id);
        let Asked { request, told, sent, since, .. } = asked.clone();
        let broken = |rule, why: String, mark: u64| {
            Err(Broken::new(rule, format!("{me} answered {request:?} with {response:?}, but {why}")).at([mark, step]))
        };
        if let Some((told, _, when)) = told {
            self.met.passed_on += 1;
            if told == response {
                return Ok(());
            }
            let rule = if response == Response::Unknown || response == Response::Unavailable { HONEST } else { LINEAR };
            return broken(rule, format!("{other}, the home of the account, had said {told:?}"), when);
        }
        let gives_up = if request.by().is_none() { Response::Unavailable } else { Response::Unknown };
        // What was never asked of the home cannot happen.
        if response == gives_up || (response == Response::Unavailable && sent.is_none()) {
            if seen.now + A_LITTLE >= since + PATIENCE {
                self.met.unheard += 1;
                return Ok(());
            }
            let why = format!(
                "it had taken that only {} ms before: it waits for {} ms before it gives up",
                seen.now.since(since).as_millis(),
                PATIENCE.as_millis()
            );
            return broken(SERVES, why, asked.step);
        }
        match response {
            Response::Unavailable => broken(HONEST, format!("{other} was asked and may have made it: the answer is Unknown"), asked.step),
            Response::Balance(_) | Response::Refused if request.by().is_none() || matches!(request, Request::Withdraw(..)) => broken(
                LINEAR,
                format!(
                    "{other}, the home of the account, {}: what {me}'s copy says may be too old or too new",
                    if sent.is_some() { "had not answered" } else { "was not asked" }
                ),
                asked.step,
            ),
            Response::Done if request.by().is_some() => {
                broken(BOTH, format!("{other}, the home of the account, had not said so"), asked.step)
            }
            _ => Err(Broken::new(ONCE, format!("{me} answered {request:?} with {response:?}")).at([step])),
        }
    }

    /// Whether it should have done something by now.
    pub fn stands_still(&self, now: Time) -> Check {
        let Ghost { me, other, .. } = self;
        let (takes, again) = (TAKES.as_millis(), AGAIN.as_millis());
        let undone = || self.undone.iter().filter_map(|id| self.works.get(id));
        let is_open = |work: &&Work| !work.is_written && work.request.by().is_some();
        if let Some(work) = undone().filter(is_open).min_by_key(|work| work.since).filter(|_| self.pending().is_none())
            && now > work.since.max(self.idle) + TAKES + LATE
        {
            let seen = format!("{me} has {:?} to decide and nothing under way, but has not begun it for {takes} ms", work.request);
            return Err(Broken::new(SERVES, seen).at([work.step]).unanswered());
        }
        let is_late = |work: &&Work| work.is_asked && work.said.is_none() && now > work.since + ANSWERS + LATE;
        if let Some(work) = undone().find(is_late) {
            let seen = format!("{other} asked {me} for {:?}, but got no Answer within {} ms", work.request, ANSWERS.as_millis());
            return Err(Broken::new(SERVES, seen).at([work.step]).unanswered());
        }
        for asked in self.unanswered.iter().filter_map(|id| self.asked.get(id)) {
            let since = match (asked.told, asked.sent) {
                (Some((_, when, _)), _) => when + TAKES,
                (None, None) => asked.since + TAKES,
                (None, Some((last, _))) => last + AGAIN,
            };
            if now <= since + LATE {
                continue;
            }
            let Asked { request, step, .. } = asked;
            let (mark, seen) = match (asked.told, asked.sent) {
                (Some((told, _, step)), _) => {
                    (step, format!("{other} gave {me} the Answer {told:?} to {request:?}, but the client did not get it within {takes} ms"))
                }
                (None, None) => {
                    (*step, format!("{me} took {request:?}, but did not ask {other}, the home of the account, within {takes} ms"))
                }
                (None, Some(_)) => {
                    (*step, format!("{me} got no Answer from {other} to {request:?}, but did not ask again within {again} ms"))
                }
            };
            return Err(Broken::new(SERVES, seen).at([mark]).unanswered());
        }
        Ok(())
    }
}

/// `100, then 40`.
fn listed(balances: &[i64]) -> String {
    let all: Vec<String> = balances.iter().map(i64::to_string).collect();
    all.join(", then ")
}
