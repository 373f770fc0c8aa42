//! What is particular to AP: every request is answered at once, by what is known here.

use super::spec::{Ghost, LATE, Work};
use super::{AVAILABLE, BOOK, MERGES, ONCE, OVERDRAWN, SENDS, SUFFICES};
use crate::exercises::two_banks::{Entry, Request, RequestId, Response, TAKES, TwoBanks};
use crate::rule::{Broken, Check};
use crate::sim::{Seen, Ticket};
use crate::time::Time;

impl Ghost {
    /// An entry that it refused is none.
    pub fn decides_alone(&self, id: RequestId, entry: Entry, step: u64) -> Check {
        let refused = self.works.get(&id).and_then(|work| work.said).filter(|(said, _)| *said != Response::Done);
        let Some((said, when)) = refused else { return Ok(()) };
        Err(Broken::new(BOOK, format!("{} answered {id:?} with {said:?}, but wrote {entry:?} into its book", self.me)).at([when, step]))
    }

    pub fn says_alone(&mut self, id: RequestId, work: &Work, response: Response, seen: &Seen<'_, TwoBanks>) -> Check {
        let (me, step) = (self.me, seen.number);
        let account = work.request.account();
        let known = self.balance(account);
        let broken = |rule, why: &str| {
            let said = format!("{me} answered {:?} with {response:?}; by what it knows, {account:?} has {known}{why}", work.request);
            Err(Broken::new(rule, said).at([step]))
        };
        match (work.request, response) {
            (_, Response::Unavailable | Response::Unknown) => return broken(AVAILABLE, ", and under AP that is enough"),
            (Request::Read(_), Response::Balance(n)) if known >= 0 && n == known as u64 => {}
            (Request::Read(_), Response::Overdrawn(n)) if known < 0 && n == known.unsigned_abs() => self.met.overdrawn += 1,
            (Request::Read(_), Response::Balance(_) | Response::Overdrawn(_)) => {
                return broken(if known < 0 { OVERDRAWN } else { MERGES }, "");
            }
            (Request::Withdraw(_, amount), Response::Refused) => {
                if known >= amount as i64 {
                    return broken(SUFFICES, ", which suffices");
                }
                if work.is_written {
                    return broken(BOOK, &format!(", yet {id:?} is in its book"));
                }
                self.met.refused += 1;
            }
            (Request::Withdraw(_, amount), Response::Done) if known < amount as i64 => return broken(SUFFICES, ", which does not suffice"),
            (Request::Withdraw(..) | Request::Deposit(..), Response::Done) => {
                let by = work.request.by().unwrap_or(0);
                self.count(Entry { request: id, account, by });
                self.met.done += 1;
            }
            _ => return Err(Broken::new(ONCE, format!("{me} answered {:?} with {response:?}", work.request)).at([step])),
        }
        if let Some(work) = self.works.get_mut(&id) {
            work.said = Some((response, step));
            if response != Response::Done || work.is_written {
                self.undone.remove(&id);
            }
        }
        Ok(())
    }

    /// A request is answered in the step in which it comes.
    pub fn is_answered(&self, ticket: Ticket, request: &Request, step: u64) -> Check {
        if !self.open.of.contains_key(&ticket) {
            return Ok(());
        }
        let seen =
            format!("{} got {request:?}, and its handler returned without an answer: under AP nobody waits for the other side", self.me);
        Err(Broken::new(AVAILABLE, seen).at([step]).unanswered())
    }

    /// Whether it has made a change, and has not told the other server.
    pub fn keeps_to_itself(&self, now: Time) -> Check {
        let is_kept = |work: &Work| matches!(work.said, Some((Response::Done, _))) && !work.is_written && now > work.since + TAKES + LATE;
        let Some((id, work)) = self.undone.iter().filter_map(|id| Some((id, self.works.get(id)?))).find(|(_, work)| is_kept(work)) else {
            return Ok(());
        };
        let Ghost { me, other, .. } = self;
        let seen = format!(
            "{me} answered {id:?}, {:?}, with Done, but did not send its Entry to {other} within {} ms",
            work.request,
            TAKES.as_millis()
        );
        Err(Broken::new(SENDS, seen).at([work.step]).unanswered())
    }
}
