//! What a node may answer its clients, and what it still owes them.

use super::*;

impl Ghost {
    /// What each replica showed at least, for this operation.
    pub(super) fn shown(&self, open: &Open) -> BTreeMap<NodeId, Timestamp> {
        let mut shown: BTreeMap<NodeId, Timestamp> =
            open.heard.iter().filter_map(|(n, all)| Some((*n, all.iter().map(|h| h.at).min()?))).collect();
        shown.insert(self.me, open.own.at);
        shown
    }

    /// What its timestamp has to be above: a majority showed no more than this.
    pub(super) fn least(&self, open: &Open) -> Option<Timestamp> {
        let mut shown: Vec<Timestamp> = self.shown(open).into_values().collect();
        shown.sort_unstable();
        shown.get(self.majority() - 1).copied()
    }

    pub(super) fn replies(&mut self, ticket: Ticket, response: &Response, seen: &Seen<'_, QuorumRegister>) -> Check {
        let (me, step) = (self.me, seen.number);
        let Some(mut open) = self.open.remove(&ticket) else {
            return match self.answered.get(&ticket) {
                Some(first) => {
                    Err(Broken::new(ONCE, format!("{me} answered request {ticket:?} a second time, with {response:?}")).at([*first, step]))
                }
                None => Ok(()),
            };
        };
        self.answered.insert(ticket, step);
        if self.open.is_empty() {
            self.found.clear();
        }
        self.last_asked = seen.now;
        for other in self.open.values_mut().filter(|other| other.step < open.step && other.write.is_some() == open.write.is_some()) {
            other.overtaken = true;
        }
        match (open.write, response) {
            (Some(value), Response::Written) => {
                self.settles(&mut open);
                self.is_written(&open, value, step)
            }
            (None, Response::Read(value)) => self.is_newest(&open, *value, step),
            (Some(value), _) => Err(Broken::new(ONCE, format!("{me} answered a write of {} with {response:?}", value.0)).at([step])),
            (None, _) => Err(Broken::new(ONCE, format!("{me} answered a read with {response:?}")).at([step])),
        }
    }

    /// Who has `at` or something newer, as far as the node can know.
    pub(super) fn holders(&self, at: Timestamp) -> Vec<NodeId> {
        let has = |i: &usize| if *i == self.me.index() { self.saved.at >= at } else { self.peers[*i] >= at };
        (0..self.nodes).filter(has).map(NodeId::from_index).collect()
    }

    /// Of writes of the same value nobody knows which has which timestamp: this one has the oldest that a majority has.
    pub(super) fn settles(&mut self, open: &mut Open) {
        let done = |at: &Option<Timestamp>| at.is_some_and(|at| self.holders(at).len() >= self.majority());
        if done(&open.at) {
            return;
        }
        let twins = self.open.iter().filter(|(_, other)| other.write == open.write && done(&other.at));
        if let Some(ticket) = twins.min_by_key(|(_, other)| other.at).map(|(ticket, _)| *ticket)
            && let Some(twin) = self.open.get_mut(&ticket)
        {
            std::mem::swap(&mut open.at, &mut twin.at);
        }
    }

    pub(super) fn is_written(&mut self, open: &Open, value: Value, step: u64) -> Check {
        self.met.written += 1;
        // Several may be stored at once, as the newest of them: then the others have no timestamp that anybody saw.
        let at = open.at.or_else(|| self.chosen.iter().filter(|(_, when)| *when >= open.step).map(|(at, _)| *at).min());
        let by = at.map(|at| self.holders(at)).unwrap_or_default();
        if by.len() < self.majority() {
            let stamp = at.map_or_else(|| "not stored under any timestamp".to_owned(), |at| format!("{at:?}"));
            let seen = format!(
                "{} answered Written to the write of {} ({stamp}), but as far as it could know that was saved by {}: not a majority of {}",
                self.me,
                value.0,
                names(by),
                self.nodes
            );
            return Err(Broken::new(MAJORITY, seen).at([open.step, step]));
        }
        self.promised = true;
        Ok(())
    }

    pub(super) fn is_newest(&mut self, open: &Open, value: Value, step: u64) -> Check {
        let (me, n) = (self.me, self.nodes);
        self.met.reads += 1;
        let shown = self.shown(open);
        let who = || names(shown.keys().copied());
        if shown.len() < self.majority() {
            let seen = format!("{me} answered a read with {}, but of {n} nodes only {} had answered a Query for it", value.0, who());
            return Err(Broken::new(MAJORITY, seen).at([open.step, step]));
        }
        // Its own replica may hold what it has not saved yet.
        let lately = self.brought.iter().filter(|(_, at)| *at + REPLICA_TAKES + LATE >= open.since).map(|(held, _)| *held);
        let found = self.found.iter().filter(|(_, step)| *step >= open.step).map(|(held, _)| *held);
        let own = self.chosen.iter().filter_map(|(at, _)| Some(Held { at: *at, value: self.writes.get(at)?.0 }));
        let all: BTreeSet<Timestamp> = open
            .heard
            .values()
            .flatten()
            .copied()
            .chain([open.own, self.saved])
            .chain(found)
            .chain(lately)
            .chain(own)
            .filter(|held| held.value == value)
            .map(|held| held.at)
            .collect();
        let fresh = |at: &Timestamp| shown.values().filter(|of| *of <= at).count() >= self.majority();
        let known = |at: &Timestamp| self.holders(*at).len() >= self.majority();
        if all.iter().any(|at| fresh(at) && known(at)) {
            return Ok(());
        }
        let broken = |rule, seen: String| Err(Broken::new(rule, seen).at([open.step, step]));
        match (all.last(), all.iter().rev().find(|at| fresh(at))) {
            (None, _) => {
                broken(LINEAR, format!("{me} answered a read with {}, which none of {} had shown it for this read", value.0, who()))
            }
            (Some(_), Some(at)) => broken(
                BACK,
                format!(
                    "{me} answered a read with {} ({at:?}), but as far as it could know that was saved by {}: not a majority of {n}",
                    value.0,
                    names(self.holders(*at))
                ),
            ),
            (Some(at), None) => {
                let (newer, of) = shown.iter().max_by_key(|(_, of)| **of).map_or((me, *at), |(n, of)| (*n, *of));
                broken(
                    LINEAR,
                    format!("{me} answered a read with {} ({at:?}), although {newer} had shown it {of:?} for this read", value.0),
                )
            }
        }
    }

    /// What an operation that is alone owes: it goes on when a majority has answered, and asks those again that have not.
    pub(super) fn goes_on(&self, open: &Open, now: Time) -> Check {
        let me = self.me;
        let what = open.write.map_or_else(|| "a read".to_owned(), |value| format!("a write of {}", value.0));
        let phase = if open.phase.1.is_some() { "Store" } else { "Query" };
        if open.ripe.is_some_and(|ripe| now > ripe + REPLICA_TAKES + TICK) {
            let by = names(open.answered.iter().copied().chain([me]));
            let seen =
                format!("{me} was asked for {what}; its {phase} was answered by {by}, a majority of {}; and it does not go on", self.nodes);
            return Err(Broken::new(ENDS, seen).at([open.step]).unanswered());
        }
        let waits = |peer: &NodeId| {
            *peer != me && !open.answered.contains(peer) && {
                let last = open.asked.get(peer).copied().unwrap_or(open.phase.0);
                now > last + ASK_AGAIN_WITHIN + TICK
            }
        };
        if open.ripe.is_none()
            && let Some(peer) = (0..self.nodes).map(NodeId::from_index).find(waits)
        {
            let seen =
                format!("{me} was asked for {what}, and its {phase} was not answered by {peer}, which it has not asked again for 300 ms");
            return Err(Broken::new(ENDS, seen).at([open.step]).unanswered());
        }
        Ok(())
    }
}
