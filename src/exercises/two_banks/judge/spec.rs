//! What one server of `two_banks` may do: its ghost, kept from what others can observe. It knows both books, and so what each balance is and
//! was; what is particular to a choice is in `cp` and `ap`, what comes in in a storm in `surroundings`.

use super::{BOOK, MERGES, ONCE, SENDS, SERVES};
use crate::exercises::kit::Open;
use crate::exercises::two_banks::{AGAIN, ANSWERS, Account, Choice, Config, Entry, Message, Request, RequestId, Response, TAKES, TwoBanks};
use crate::rule::{Broken, Check};
use crate::sim::{NodeId, Seen, Spec, Ticket};
use crate::time::{Time, millis};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::time::Duration;

/// What a timer that is a little late is forgiven.
pub(super) const LATE: Duration = millis(5);
/// A clock that drifts rounds.
pub(super) const A_LITTLE: Duration = millis(2);

pub(super) const ACCOUNTS: [Account; 2] = [Account::Alice, Account::Bob];

/// An entry of this server's book.
#[derive(Clone)]
pub(super) struct Own {
    pub entry: Entry,
    pub sent: Time,
    pub step: u64,
    pub confirmed: bool,
    /// When that was.
    pub since: Time,
}

/// A request that this server decides: every one under AP, under CP as the home those of its clients and those that the other asks.
#[derive(Clone)]
pub(super) struct Work {
    pub request: Request,
    /// Whether the other server waits for the answer.
    pub is_asked: bool,
    pub since: Time,
    pub step: u64,
    /// CP: what the balance was at each time since.
    pub balances: Vec<i64>,
    /// Whether it is in the book.
    pub is_written: bool,
    pub said: Option<(Response, u64)>,
}

/// A request of a client that the home is to decide.
#[derive(Clone)]
pub(super) struct Asked {
    pub request: Request,
    pub since: Time,
    pub step: u64,
    /// When the home was asked last, and first.
    pub sent: Option<(Time, Time)>,
    /// What the home has said, and when that came.
    pub told: Option<(Response, Time, u64)>,
    pub answered: bool,
}

/// What must be said because of what came in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Have(RequestId),
    Answer(RequestId),
}

#[derive(Clone)]
pub(super) struct Ghost {
    pub me: NodeId,
    pub other: NodeId,
    pub config: Config,
    pub open: Open<TwoBanks>,
    pub book: BTreeMap<RequestId, Own>,
    pub theirs: BTreeMap<RequestId, (Entry, u64)>,
    /// What counts: under AP all that was decided here and all that came, under CP what is on both.
    pub balances: [i64; 2],
    pub works: BTreeMap<RequestId, Work>,
    pub asked: BTreeMap<RequestId, Asked>,
    /// Of these, in the same order: entries that are not confirmed, what is not decided (or not in the book yet), who was not answered.
    pub unconfirmed: BTreeSet<RequestId>,
    pub undone: BTreeSet<RequestId>,
    pub unanswered: BTreeSet<RequestId>,
    pub owes: Vec<(Due, Time, u64)>,
    /// CP: since when nothing is under way.
    pub idle: Time,
    /// What the other server does in a storm.
    pub peer: super::surroundings::Peer,
    pub met: super::surroundings::Met,
}

/// For an exploration: what the rest of a run can depend on.
impl Hash for Ghost {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.book.values().for_each(|own| (own.entry, own.confirmed).hash(state));
        self.theirs.values().for_each(|(entry, _)| entry.hash(state));
        for (id, work) in &self.works {
            (id, work.said.map(|said| said.0), &work.balances).hash(state);
        }
        for (id, asked) in &self.asked {
            (id, asked.told.map(|told| told.0), asked.answered).hash(state);
        }
        self.balances.hash(state);
    }
}

impl Ghost {
    pub fn new(me: NodeId, config: Config) -> Self {
        Ghost {
            me,
            other: NodeId::from_index(1 - me.index()),
            open: Open::new(ONCE, me),
            book: BTreeMap::new(),
            theirs: BTreeMap::new(),
            balances: [config.opening as i64; 2],
            works: BTreeMap::new(),
            asked: BTreeMap::new(),
            unconfirmed: BTreeSet::new(),
            undone: BTreeSet::new(),
            unanswered: BTreeSet::new(),
            owes: Vec::new(),
            idle: Time::ZERO,
            peer: super::surroundings::Peer::default(),
            met: super::surroundings::Met::default(),
            config,
        }
    }

    pub fn is_cp(&self) -> bool {
        self.config.choice == Choice::Cp
    }

    pub fn balance(&self, account: Account) -> i64 {
        self.balances[account as usize]
    }

    pub fn count(&mut self, entry: Entry) {
        self.balances[entry.account as usize] += entry.by;
    }

    /// The entry that the other server has not confirmed.
    pub fn pending(&self) -> Option<&Own> {
        self.book.get(self.unconfirmed.first()?)
    }

    fn comes(&mut self, message: &Message, seen: &Seen<'_, TwoBanks>) {
        let step = seen.number;
        match message {
            Message::Entry(entry) => {
                let id = entry.request;
                self.met.overtaken += u64::from(self.theirs.last_key_value().is_some_and(|(last, _)| *last > id));
                let is_new = self.theirs.insert(id, (*entry, step)).is_none();
                self.met.again += u64::from(!is_new);
                if is_new {
                    self.count(*entry);
                }
                self.owe(Due::Have(id), seen);
            }
            Message::Have(id) => {
                let Some(own) = self.book.get_mut(id).filter(|own| !own.confirmed) else { return };
                (own.confirmed, own.since) = (true, seen.now);
                self.unconfirmed.remove(id);
                let entry = own.entry;
                if self.is_cp() {
                    self.commits(entry, seen.now);
                }
            }
            Message::Ask(id, request) => match self.works.get(id) {
                None => self.takes(*id, *request, true, seen),
                Some(work) if work.said.is_some() => {
                    self.met.asked_again += 1;
                    self.owe(Due::Answer(*id), seen);
                }
                Some(_) => {}
            },
            Message::Answer(id, response) => {
                if let Some(asked) = self.asked.get_mut(id) {
                    asked.told.get_or_insert((*response, seen.now, step));
                }
            }
        }
    }

    pub fn takes(&mut self, id: RequestId, request: Request, is_asked: bool, seen: &Seen<'_, TwoBanks>) {
        let balances = vec![self.balance(request.account())];
        self.undone.insert(id);
        self.works.insert(id, Work { request, is_asked, since: seen.now, step: seen.number, balances, is_written: false, said: None });
    }

    fn owe(&mut self, due: Due, seen: &Seen<'_, TwoBanks>) {
        if !self.owes.iter().any(|(owed, ..)| *owed == due) {
            self.owes.push((due, seen.now, seen.number));
        }
    }

    fn sends(&mut self, message: &Message, seen: &Seen<'_, TwoBanks>) -> Check {
        let step = seen.number;
        match message {
            Message::Entry(entry) => self.sends_entry(*entry, seen),
            Message::Have(id) => {
                self.owes.retain(|(due, ..)| *due != Due::Have(*id));
                if self.theirs.contains_key(id) {
                    self.peer.was_told(*id);
                    return Ok(());
                }
                let Ghost { me, other, .. } = self;
                let said = format!("{me} told {other} that it has the entry of {id:?}, but that entry has not come to {me}");
                Err(Broken::new(MERGES, said).at([step]))
            }
            Message::Ask(id, request) => {
                let Some(asked) = self.asked.get_mut(id).filter(|asked| asked.request == *request) else {
                    let said = format!("{} asked {} for {request:?} as {id:?}, which no client had asked of it", self.me, self.other);
                    return Err(Broken::new(BOOK, said).at([step]));
                };
                let first = asked.sent.map_or(seen.now, |(_, first)| first);
                asked.sent = Some((seen.now, first));
                Ok(())
            }
            Message::Answer(id, response) => self.answers_other(*id, *response, seen),
        }
    }

    fn sends_entry(&mut self, entry: Entry, seen: &Seen<'_, TwoBanks>) -> Check {
        let (me, id, step) = (self.me, entry.request, seen.number);
        let Some(work) = self.works.get(&id) else {
            let why = if self.asked.contains_key(&id) { "whose home is the other server" } else { "which nobody had asked of it" };
            let rule = if self.asked.contains_key(&id) { super::LINEAR } else { BOOK };
            return Err(Broken::new(rule, format!("{me} wrote {entry:?} into its book, for a request {why}")).at([step]));
        };
        if work.request.by() != Some(entry.by) || work.request.account() != entry.account {
            let said = format!("{me} wrote {entry:?} into its book, but {id:?} was {:?}", work.request);
            return Err(Broken::new(BOOK, said).at([work.step, step]));
        }
        if let Some(own) = self.book.get_mut(&id) {
            own.sent = seen.now;
            return Ok(());
        }
        self.decides(id, entry, seen)?;
        if let Some(work) = self.works.get_mut(&id) {
            work.is_written = true;
            if work.said.is_some() {
                self.undone.remove(&id);
            }
        }
        self.unconfirmed.insert(id);
        self.book.insert(id, Own { entry, sent: seen.now, step, confirmed: false, since: seen.now });
        Ok(())
    }

    fn replies(&mut self, ticket: Ticket, response: Response, seen: &Seen<'_, TwoBanks>) -> Check {
        let id = RequestId::of(ticket);
        if self.asked.contains_key(&id) {
            return self.passes_on(id, response, seen);
        }
        let Some(work) = self.works.get(&id).cloned() else { return Ok(()) };
        if self.is_cp() { self.says_as_home(id, &work, response, seen) } else { self.says_alone(id, &work, response, seen) }
    }

    /// What its copies say, after each step.
    fn shows(&self, seen: &Seen<'_, TwoBanks>, view: &[i64; 2]) -> Check {
        let step = seen.number;
        for account in ACCOUNTS {
            let (is, should) = (view[account as usize], self.balance(account));
            // Whether its own copy has what it has begun is the home's business.
            let begun = self.pending().filter(|_| self.is_cp() && account.home() == self.me).map(|own| should + own.entry.by);
            if is == should || Some(is) == begun {
                continue;
            }
            let me = self.me;
            let new = match seen.message() {
                Some((other, Message::Have(id))) if self.is_cp() => match self.book.get(id) {
                    Some(own) => {
                        let unknown = matches!(self.works.get(id).and_then(|work| work.said), Some((Response::Unknown, _)));
                        let told = if unknown { ", though its client was told Unknown" } else { "" };
                        format!("{other} has told {me} that it has {:?}: that is on both servers, and counts{told}. ", own.entry)
                    }
                    None => String::new(),
                },
                _ => String::new(),
            };
            let seen = format!("{new}{me}'s copy of {account:?}'s account says {is}; with every entry counted once, it should be {should}");
            let last = self.theirs.values().filter(|(entry, _)| entry.account == account).map(|(_, came)| *came).max();
            return Err(Broken::new(MERGES, seen).at(last.into_iter().chain([step])));
        }
        Ok(())
    }

    fn overdue(&self, now: Time) -> Check {
        let Ghost { me, other, .. } = self;
        let takes = TAKES.as_millis();
        if let Some((due, _, step)) = self.owes.iter().find(|(_, since, _)| now > *since + TAKES + LATE) {
            let seen = match due {
                Due::Have(id) => format!("{other}'s entry of {id:?} came to {me}, but {me} did not say Have within {takes} ms"),
                Due::Answer(id) => {
                    format!("{other} asked {me} again for {id:?}, which was decided, but {me} did not give its Answer within {takes} ms")
                }
            };
            let rule = if matches!(due, Due::Have(_)) { MERGES } else { SERVES };
            return Err(Broken::new(rule, seen).at([*step]).unanswered());
        }
        let unconfirmed = self.unconfirmed.iter().filter_map(|id| self.book.get(id));
        if let Some(own) = unconfirmed.into_iter().find(|own| now > own.sent + AGAIN + LATE) {
            let sent = self.book.values().rfind(|other| !other.confirmed && other.sent > own.sent);
            let but = sent.map_or(String::new(), |other| format!(", as it did with {:?}", other.entry));
            let seen = format!(
                "{other} has not said Have to {:?} of {me}'s book, but {me} did not send it again within {} ms{but}",
                own.entry,
                AGAIN.as_millis()
            );
            return Err(Broken::new(SENDS, seen).at([own.step]).unanswered());
        }
        Ok(())
    }
}

impl Spec<TwoBanks> for Ghost {
    fn step(&mut self, seen: &Seen<'_, TwoBanks>) -> Check {
        self.is_now(seen.now);
        let answers = self.open.step(seen)?;
        if let Some((_, message)) = seen.message() {
            self.comes(message, seen);
        }
        if let Some((ticket, request)) = seen.request() {
            let id = RequestId::of(ticket);
            if self.is_cp() && request.account().home() != self.me {
                let new = Asked { request: *request, since: seen.now, step: seen.number, sent: None, told: None, answered: false };
                self.asked.insert(id, new);
                self.unanswered.insert(id);
            } else {
                self.takes(id, *request, false, seen);
            }
        }
        for (_, message) in seen.sent() {
            self.sends(message, seen)?;
        }
        for (taken, response) in answers {
            self.replies(taken.ticket, *response, seen)?;
        }
        if let Some((ticket, request)) = seen.request().filter(|_| !self.is_cp()) {
            self.is_answered(ticket, request, seen.number)?;
        }
        seen.view.map_or(Ok(()), |view| self.shows(seen, view))
    }

    fn time(&mut self, now: Time) -> Check {
        self.is_now(now);
        self.overdue(now)?;
        if self.is_cp() {
            self.stands_still(now)?
        } else {
            self.keeps_to_itself(now)?
        }
        self.open.in_time(now, ANSWERS + LATE)
    }
}
