//! What a coordinator may do. It is held to the votes that it has heard, to what it has saved, and to what it has told anybody. Asking all at once
//! or one after the other, asking again, telling again, writing more down than it must, forgetting what all are done with: all are
//! allowed that keep this.

use super::spec::{Base, Due};
use super::{ABORTS, CHANGES, IDS, IN_TIME, NEEDS, ONCE, SAVED, TRUTH};
use crate::exercises::kit::Taken;
use crate::exercises::two_phase_commit::{
    ANSWERS, Account, Change, Message, Outcome, Record, Request, Response, TwoPhaseCommit, TxId, Vote, WAITS,
};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Cause, ClientId, Effect, Input, NodeId, Seen, Ticket};
use crate::time::{Time, millis};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A clock that drifts rounds.
const A_LITTLE: Duration = millis(1);

const ANSWERED: &str = "answered with";

type Changes = BTreeMap<NodeId, Change>;

#[derive(Clone, Default)]
struct Tx {
    participants: BTreeSet<NodeId>,
    /// What each was asked to do, and when it was asked first.
    asked: BTreeMap<NodeId, (Change, Time)>,
    life: u32,
    began: u64,
    yes: BTreeSet<NodeId>,
    /// Whose Yes came when it need not have been waited for.
    late: BTreeSet<NodeId>,
    no: Option<(NodeId, u64)>,
    done: BTreeSet<NodeId>,
    decided: Option<(Outcome, u64)>,
    /// Whether the log has said Commit.
    saved: bool,
    answered: Option<Ticket>,
    told: BTreeSet<NodeId>,
    /// Storms: what each votes.
    votes: BTreeMap<NodeId, Vote>,
}

#[derive(Clone, Default)]
pub(super) struct Coordinator {
    txs: BTreeMap<TxId, Tx>,
    /// What was asked in this life.
    requests: Vec<(Ticket, Changes)>,
    life: u32,
    started: Time,
    /// Storms: what it made a promise of last.
    last: Option<TxId>,
    /// Storms: whether clients ask for much at once.
    pub crowd: bool,
}

impl Coordinator {
    pub fn step(&mut self, base: &mut Base, seen: &Seen<'_, TwoPhaseCommit>, answers: &[(Taken<TwoPhaseCommit>, &Response)]) -> Check {
        match seen.cause {
            Cause::Start { .. } => {
                self.life += 1;
                self.started = seen.now;
                self.requests.clear();
            }
            Cause::Message { from, message, .. } => self.hears(base, from, message, seen),
            Cause::Request { ticket, request: Request::Transact(changes) } => self.requests.push((ticket, changes.clone())),
            _ => {}
        }
        let mut answers = answers.iter();
        for effect in seen.effects {
            match effect {
                Effect::Save(saved) => {
                    for (tx, record) in &saved.log {
                        if let Record::Ended(outcome, _) = record {
                            if let Some(known) = self.txs.get_mut(tx)
                                && *outcome == Outcome::Commit
                            {
                                known.saved = true;
                            }
                            self.decides(base, *tx, *outcome, "wrote down", seen)?;
                        }
                    }
                }
                Effect::Send { to, message } => self.sends(base, *to, message, seen)?,
                Effect::Reply { .. } => {
                    if let Some((taken, response)) = answers.next() {
                        self.answers(base, taken, **response, seen)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn hears(&mut self, base: &mut Base, from: NodeId, message: &Message, seen: &Seen<'_, TwoPhaseCommit>) {
        let life = self.life;
        let (Message::Voted(tx, _) | Message::Done(tx) | Message::Ask(tx)) = message else { return };
        let Some(known) = self.txs.get_mut(tx) else { return };
        match message {
            Message::Voted(_, Vote::Yes) => {
                if known.yes.insert(from) && known.asked.get(&from).is_some_and(|(_, since)| seen.now + A_LITTLE >= *since + WAITS) {
                    known.late.insert(from);
                }
            }
            Message::Voted(_, Vote::No) => {
                known.no.get_or_insert((from, seen.number));
            }
            Message::Done(_) => {
                known.done.insert(from);
                base.pays(Due::Decision, *tx, from);
                base.pays(Due::Answer, *tx, from);
            }
            _ => {
                if known.life != life {
                    base.met.add("questions about a transaction of an earlier life", 1);
                }
                // Votes may be collected for as long after a restart as before it, by one that has written down whose.
                let collects = known.life == life || seen.now < self.started + ANSWERS;
                if (known.decided.is_some() || !collects) && !known.done.contains(&from) {
                    base.owes(Due::Answer, *tx, from, seen);
                }
            }
        }
    }

    /// It shows how a transaction ends: by its log, by what it tells a participant, or by its answer.
    fn decides(&mut self, base: &mut Base, tx: TxId, outcome: Outcome, how: &str, seen: &Seen<'_, TwoPhaseCommit>) -> Check {
        let (me, step, life) = (base.me, seen.number, self.life);
        let Some(known) = self.txs.get_mut(&tx) else {
            // It may have begun before a crash that came before anybody was asked.
            if outcome == Outcome::Abort && how != ANSWERED {
                return Ok(());
            }
            let seen = format!("{me} {how} {outcome:?} for {tx:?}, for which it had asked nobody to vote");
            return Err(Broken::new(TRUTH, seen).at([step]));
        };
        match known.decided {
            Some((before, _)) if before == outcome => return Ok(()),
            // Nobody can ask for it any more.
            Some(_) if known.done.is_superset(&known.participants) => return Ok(()),
            Some((before, when)) => {
                let seen = format!("{me} had decided {before:?} for {tx:?}, but {how} {outcome:?}");
                return Err(Broken::new(CHANGES, seen).at([when, step]));
            }
            None => {}
        }
        let missing: Vec<NodeId> = known.participants.difference(&known.yes).copied().collect();
        if outcome == Outcome::Commit {
            if let Some((voter, when)) = known.no {
                return Err(Broken::new(NEEDS, format!("{me} {how} Commit for {tx:?}, but {voter} had voted No")).at([when, step]));
            }
            if let Some(missing) = missing.first() {
                let seen = format!("{me} {how} Commit for {tx:?}, but {missing}, which has a part in it, had not voted Yes");
                return Err(Broken::new(NEEDS, seen).at([known.began, step]));
            }
            base.met.add("commits of a coordinator", 1);
        } else {
            let is_over = |node: &NodeId| known.asked.get(node).is_some_and(|(_, since)| seen.now + A_LITTLE >= *since + WAITS);
            let gives_up = missing.iter().chain(&known.late).any(is_over);
            if known.life == life && known.no.is_none() && !gives_up {
                let why = match missing.first() {
                    None => "every participant had voted Yes".to_owned(),
                    Some(node) if known.asked.contains_key(node) => {
                        format!("nobody had voted No, and {node}, asked less than {} ms before, could still answer", WAITS.as_millis())
                    }
                    Some(node) => format!("nobody had voted No, and {node} had not been asked"),
                };
                return Err(Broken::new(ABORTS, format!("{me} {how} Abort for {tx:?}: {why}")).at([known.began, step]));
            }
            base.met.add("aborts of a coordinator", 1);
        }
        known.decided = Some((outcome, step));
        (base.promised, self.last) = (true, Some(tx));
        if known.life == life {
            let refused = known.no.map(|(node, _)| node);
            for node in known.asked.keys().filter(|node| !known.told.contains(node) && Some(**node) != refused) {
                base.owes(Due::Decision, tx, *node, seen);
            }
        }
        Ok(())
    }

    fn sends(&mut self, base: &mut Base, to: NodeId, message: &Message, seen: &Seen<'_, TwoPhaseCommit>) -> Check {
        let step = seen.number;
        match message {
            Message::Prepare { tx, change, participants } => self.asks(base, to, *tx, *change, participants, seen),
            Message::Decided(tx, outcome) => {
                base.pays(Due::Decision, *tx, to);
                base.pays(Due::Answer, *tx, to);
                if self.txs.get(tx).is_some_and(|known| known.done.contains(&to)) {
                    return Ok(());
                }
                self.decides(base, *tx, *outcome, &format!("told {to}"), seen)?;
                let Some(known) = self.txs.get_mut(tx) else { return Ok(()) };
                base.pays(Due::Decision, *tx, to);
                known.told.insert(to);
                (base.promised, self.last) = (true, Some(*tx));
                if *outcome == Outcome::Commit && !known.saved && !known.done.is_superset(&known.participants) {
                    let seen = format!("{} told {to} that {tx:?} commits, but its log does not say so yet", base.me);
                    return Err(Broken::new(SAVED, seen).at([step]));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A Prepare leaves: of a transaction that a client has asked for, and of its own number.
    fn asks(
        &mut self,
        base: &Base,
        to: NodeId,
        tx: TxId,
        change: Change,
        participants: &BTreeSet<NodeId>,
        seen: &Seen<'_, TwoPhaseCommit>,
    ) -> Check {
        let (me, step, life) = (base.me, seen.number, self.life);
        let is_new = !self.txs.contains_key(&tx);
        let known = self.txs.entry(tx).or_insert_with(|| Tx { participants: participants.clone(), life, began: step, ..Tx::default() });
        if known.life != life {
            let seen = format!("{me} gave the number {tx:?} to a transaction, but had used it before its last restart");
            return Err(Broken::new(IDS, seen).at([known.began, step]));
        }
        let is_other = known.asked.get(&to).is_some_and(|(before, _)| *before != change) || known.participants != *participants;
        if is_other {
            let seen = format!("{me} gave the number {tx:?} to a second transaction");
            return Err(Broken::new(IDS, seen).at([known.began, step]));
        }
        known.asked.entry(to).or_insert((change, seen.now));
        let began = known.began;
        let keys = |changes: &Changes| changes.keys().eq(participants.iter());
        if !self.requests.iter().any(|(_, changes)| keys(changes) && changes.get(&to) == Some(&change)) {
            let names = format!("{participants:?}");
            let seen = format!("{me} asked {to} for {change:?} in {tx:?} (participants {names}), but no client had asked for that");
            return Err(Broken::new(ONCE, seen).at([began, step]));
        }
        if is_new {
            let asked = self.requests.iter().filter(|(_, changes)| keys(changes)).count();
            let begun: Vec<TxId> =
                self.txs.iter().filter(|(_, t)| t.life == life && t.participants == *participants).map(|(tx, _)| *tx).collect();
            if begun.len() > asked {
                let seen = format!("{me} began {begun:?}, but clients had asked for only {asked} such transactions");
                return Err(Broken::new(ONCE, seen).at([step]));
            }
        }
        Ok(())
    }

    fn answers(&mut self, base: &mut Base, taken: &Taken<TwoPhaseCommit>, response: Response, seen: &Seen<'_, TwoPhaseCommit>) -> Check {
        let (me, step, ticket) = (base.me, seen.number, taken.ticket);
        let (Request::Transact(changes), Response::Committed(tx) | Response::Aborted(tx)) = (&taken.request, response) else {
            return Err(Broken::new(IN_TIME, format!("{me} answered {:?} with {response:?}", taken.request)).at([taken.step, step]));
        };
        let outcome = if matches!(response, Response::Committed(_)) { Outcome::Commit } else { Outcome::Abort };
        if let Some(known) = self.txs.get_mut(&tx) {
            let fits = known.participants.iter().eq(changes.keys())
                && known.asked.iter().all(|(node, (change, _))| changes.get(node) == Some(change));
            if !fits {
                let seen = format!("{me} answered a request with {response:?}, but {tx:?} belongs to another request");
                return Err(Broken::new(TRUTH, seen).at([taken.step, known.began, step]));
            }
            if known.answered.is_some_and(|other| other != ticket) {
                let seen = format!("{me} answered two requests with {tx:?}: {:?} and {ticket:?}", known.answered);
                return Err(Broken::new(IDS, seen).at([taken.step, step]));
            }
            known.answered = Some(ticket);
            if let Some((decided, when)) = known.decided.filter(|(decided, _)| *decided != outcome) {
                let seen = format!("{me} answered {response:?}, but had decided {decided:?}");
                return Err(Broken::new(TRUTH, seen).at([when, step]));
            }
        }
        self.decides(base, tx, outcome, ANSWERED, seen)?;
        if outcome == Outcome::Commit && self.txs.get(&tx).is_some_and(|known| !known.saved) {
            let seen = format!("{me} answered {response:?}, but its log does not say so yet");
            return Err(Broken::new(SAVED, seen).at([step]));
        }
        Ok(())
    }
}

// What could come in.
impl Coordinator {
    pub fn input(&mut self, base: &mut Base, rng: &mut Rng) -> Option<Input<TwoPhaseCommit>> {
        if rng.below(10) < if self.crowd { 9 } else { 3 } {
            let mut participants = base.participants();
            rng.shuffle(&mut participants);
            participants.truncate(1 + rng.below(participants.len() as u64) as usize);
            let last = self.requests.last().filter(|_| rng.chance(100_000)).map(|(_, changes)| changes.clone());
            let changes = last.unwrap_or_else(|| participants.into_iter().map(|node| (node, change(rng))).collect());
            return Some(Input::Request(ClientId::from_index(rng.below(3) as usize), Request::Transact(changes)));
        }
        // Often of a commit that somebody may still ask for, mostly of the last few.
        let asked_for = |known: &Tx| {
            known.decided.is_some_and(|(outcome, _)| outcome == Outcome::Commit) && !known.done.is_superset(&known.participants)
        };
        let commits: Vec<TxId> = self.txs.iter().filter(|(_, known)| asked_for(known)).map(|(tx, _)| *tx).collect();
        if let Some(tx) = rng.pick(&commits).copied().filter(|_| rng.chance(300_000)) {
            return self.about(tx, rng);
        }
        let known: Vec<TxId> = self.txs.keys().copied().collect();
        let recent = known.len().saturating_sub(3);
        let tx = if rng.chance(800_000) { *rng.pick(&known[recent..])? } else { *rng.pick(&known)? };
        self.about(tx, rng)
    }

    /// What is asked of one that has restarted after a promise.
    pub fn betray(&mut self, base: &mut Base, rng: &mut Rng) -> Option<Input<TwoPhaseCommit>> {
        match self.last {
            Some(tx) if rng.chance(800_000) => self.about(tx, rng),
            _ => self.input(base, rng),
        }
    }

    /// What one that was asked for its vote says now.
    fn about(&mut self, tx: TxId, rng: &mut Rng) -> Option<Input<TwoPhaseCommit>> {
        let known = self.txs.get_mut(&tx)?;
        let asked: Vec<NodeId> = known.asked.keys().copied().collect();
        let node = *rng.pick(&asked)?;
        let vote = *known.votes.entry(node).or_insert(if rng.chance(850_000) { Vote::Yes } else { Vote::No });
        let message = match rng.below(6) {
            0..=2 => Message::Voted(tx, vote),
            3 | 4 if known.told.contains(&node) => Message::Done(tx),
            _ if vote == Vote::Yes => Message::Ask(tx),
            _ => Message::Voted(tx, vote),
        };
        Some(Input::Message(node, message))
    }
}

fn change(rng: &mut Rng) -> Change {
    let by = match rng.below(4) {
        0 => (rng.wild() >> 2) as i64,
        1 => -((rng.wild() >> 2) as i64),
        _ => rng.below(7) as i64 - 3,
    };
    Change { account: Account(if rng.chance(700_000) { rng.below(3) } else { rng.wild() }), by }
}
