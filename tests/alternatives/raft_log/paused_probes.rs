//! The progress tracking of a production Raft: a follower is probed or replicated to, an optimistic next, paused probes, a no-op at winning.

use splitbrain::exercises::raft_log::{
    Election, Entry, EntryId, HEARTBEAT_EVERY, Message, RaftLog, Replica, Request, Response, Role,
    Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

type Cx<'a> = Context<'a, RaftLog>;

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum State {
    /// Not known where its log fits: one question at a time.
    Probe,
    /// It fits: entries flow without waiting for answers.
    Replicate,
}

#[derive(Clone, Debug, Hash)]
struct Progress {
    state: State,
    matched: usize,
    next: usize,
    paused: bool,
}

impl Progress {
    fn to_probe(&mut self) {
        self.state = State::Probe;
        self.next = self.matched + 1;
        self.paused = false;
    }

    fn to_replicate(&mut self) {
        self.state = State::Replicate;
        self.next = self.matched + 1;
        self.paused = false;
    }

    /// Whether the answer brought anything new.
    fn update(&mut self, index: usize) -> bool {
        let newer = index > self.matched;
        if newer {
            self.matched = index;
        }
        self.next = self.next.max(index + 1);
        newer
    }

    /// Whether the refusal was about something that is still open.
    fn decrease(&mut self, refused: usize, to: usize) -> bool {
        match self.state {
            State::Replicate => {
                if refused <= self.matched {
                    return false;
                }
                self.to_probe();
                true
            }
            State::Probe => {
                if self.next != refused + 1 || refused <= self.matched {
                    return false;
                }
                self.next = to.min(refused).max(self.matched + 1);
                self.paused = false;
                true
            }
        }
    }
}

#[derive(Clone, Debug, Hash, Default)]
struct RaftEntries {
    list: Vec<Entry>,
    committed: usize,
    applied: usize,
}

impl RaftEntries {
    fn last(&self) -> usize {
        self.list.len()
    }

    fn term(&self, index: usize) -> Option<u64> {
        if index == 0 {
            return Some(0);
        }
        self.list.get(index - 1).map(|entry| entry.term)
    }

    fn has(&self, id: EntryId) -> bool {
        self.term(id.index) == Some(id.term)
    }

    /// The index of the first sent entry that is missing or different here.
    fn find_conflict(&self, prev: usize, entries: &[Entry]) -> Option<usize> {
        (0..entries.len())
            .map(|k| prev + 1 + k)
            .find(|index| self.term(*index) != Some(entries[*index - prev - 1].term))
    }

    /// The last index, at or before this one, whose term is no later.
    fn no_later(&self, mut index: usize, term: u64) -> usize {
        index = index.min(self.last());
        while index > 0 && self.list[index - 1].term > term {
            index -= 1;
        }
        index
    }
}

#[derive(Clone, Debug, Hash)]
struct Raft {
    election: Election,
    log: RaftEntries,
    machine: Vec<u64>,
    progress: BTreeMap<NodeId, Progress>,
    waiting: Vec<(usize, u64, Ticket)>,
}

impl Raft {
    fn leads(&self) -> bool {
        self.election.role() == Role::Leader
    }

    fn persist(&self, cx: &mut Cx<'_>) {
        cx.save(Saved {
            ballot: self.election.ballot(),
            log: self.log.list.clone(),
        });
    }

    fn new_role(&mut self, role: Option<Role>, cx: &mut Cx<'_>) {
        match role {
            None => {}
            Some(Role::Leader) => {
                let next = self.log.last() + 1;
                self.progress.clear();
                for peer in cx.peers() {
                    let fresh = Progress {
                        state: State::Probe,
                        matched: 0,
                        next,
                        paused: false,
                    };
                    self.progress.insert(*peer, fresh);
                }
                self.log.list.push(Entry {
                    term: self.election.term(),
                    command: None,
                });
                self.persist(cx);
                self.send_all(cx);
                cx.set_timer(Timer::Heartbeat, HEARTBEAT_EVERY);
            }
            Some(_) => {
                self.progress.clear();
                self.waiting.clear();
                cx.cancel_timer(Timer::Heartbeat);
            }
        }
    }

    fn send_all(&mut self, cx: &mut Cx<'_>) {
        for peer in cx.peers() {
            self.send_append(*peer, cx);
        }
    }

    fn send_append(&mut self, to: NodeId, cx: &mut Cx<'_>) {
        let last = self.log.last();
        let Some(progress) = self.progress.get_mut(&to) else {
            return;
        };
        if progress.paused {
            return;
        }
        let prev = progress.next - 1;
        match progress.state {
            State::Probe => progress.paused = true,
            State::Replicate => progress.next = last + 1,
        }
        let Some(term) = self.log.term(prev) else {
            return;
        };
        cx.send(
            to,
            Message::AppendEntries {
                term: self.election.term(),
                prev: EntryId { index: prev, term },
                entries: self.log.list[prev..].to_vec(),
                commit: self.log.committed,
            },
        );
    }

    fn beat(&mut self, cx: &mut Cx<'_>) {
        if !self.leads() {
            return;
        }
        for progress in self.progress.values_mut() {
            progress.paused = false;
        }
        self.send_all(cx);
        cx.set_timer(Timer::Heartbeat, HEARTBEAT_EVERY);
    }

    fn take(
        &mut self,
        from: NodeId,
        prev: EntryId,
        entries: Vec<Entry>,
        commit: usize,
        cx: &mut Cx<'_>,
    ) {
        let term = self.election.term();
        if !self.log.has(prev) {
            let hint = match self.log.term(prev.index) {
                None => EntryId {
                    index: self.log.last() + 1,
                    term: 0,
                },
                Some(other) => {
                    let mut first = prev.index;
                    while first > 1 && self.log.list[first - 2].term == other {
                        first -= 1;
                    }
                    EntryId {
                        index: first,
                        term: other,
                    }
                }
            };
            let refusal = Message::Refused {
                term,
                prev: prev.index,
                hint: Some(hint),
            };
            cx.send(from, refusal);
            return;
        }
        let end = prev.index + entries.len();
        if let Some(conflict) = self.log.find_conflict(prev.index, &entries) {
            self.log.list.truncate(conflict - 1);
            self.log
                .list
                .extend_from_slice(&entries[conflict - 1 - prev.index..]);
            self.persist(cx);
        }
        cx.send(from, Message::Matches { term, index: end });
        self.commit_to(commit.min(end), cx);
    }

    fn commit_to(&mut self, index: usize, cx: &mut Cx<'_>) {
        if index <= self.log.committed {
            return;
        }
        self.log.committed = index;
        while self.log.applied < self.log.committed {
            let entry = self.log.list[self.log.applied];
            self.log.applied += 1;
            if let Some(command) = entry.command {
                self.machine.push(command);
            }
            let at = self.log.applied;
            while let Some(k) = self.waiting.iter().position(|(index, _, _)| *index == at) {
                let (index, term, ticket) = self.waiting.remove(k);
                if term == entry.term {
                    cx.reply(ticket, Response::Applied { index });
                }
            }
        }
    }

    fn maybe_commit(&mut self, cx: &mut Cx<'_>) -> bool {
        let mut all: Vec<usize> = self.progress.values().map(|p| p.matched).collect();
        all.push(self.log.last());
        all.sort_unstable();
        let quorum = all.len() / 2 + 1;
        let index = all[all.len() - quorum];
        if index > self.log.committed && self.log.term(index) == Some(self.election.term()) {
            self.commit_to(index, cx);
            return true;
        }
        false
    }

    fn on_matches(&mut self, from: NodeId, index: usize, cx: &mut Cx<'_>) {
        let last = self.log.last();
        let Some(progress) = self.progress.get_mut(&from) else {
            return;
        };
        let news = progress.update(index);
        let was_probe = progress.state == State::Probe;
        if was_probe && progress.next == progress.matched + 1 {
            progress.to_replicate();
        }
        let lacks = progress.next <= last;
        if news && self.maybe_commit(cx) {
            self.send_all(cx);
        } else if lacks && was_probe {
            self.send_append(from, cx);
        }
    }

    fn on_refused(&mut self, from: NodeId, prev: usize, hint: Option<EntryId>, cx: &mut Cx<'_>) {
        let to = match hint {
            None => prev,
            Some(hint) if hint.term == 0 => hint.index,
            // Behind my last entry of that term or an older one, if I have some of it there; else over all of it.
            Some(hint) => {
                let mine = self.log.no_later(prev.saturating_sub(1), hint.term);
                if mine >= hint.index && self.log.term(mine) == Some(hint.term) {
                    mine + 1
                } else {
                    hint.index
                }
            }
        };
        let Some(progress) = self.progress.get_mut(&from) else {
            return;
        };
        if progress.decrease(prev, to) {
            self.send_append(from, cx);
        }
    }
}

impl Node<RaftLog> for Raft {
    fn new(me: NodeId, peers: &[NodeId], _config: &(), saved: Option<Saved>) -> Self {
        let election = Election::new(me, peers, saved.as_ref());
        let list = saved.map(|saved| saved.log).unwrap_or_default();
        Raft {
            election,
            log: RaftEntries {
                list,
                committed: 0,
                applied: 0,
            },
            machine: Vec::new(),
            progress: BTreeMap::new(),
            waiting: Vec::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.election.on_start(cx);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let role = self
            .election
            .on_message(from, &message, &self.log.list, cx);
        self.new_role(role, cx);
        if message.term() != self.election.term() {
            return;
        }
        match message {
            Message::AppendEntries {
                prev,
                entries,
                commit,
                ..
            } => self.take(from, prev, entries, commit, cx),
            Message::Matches { index, .. } => self.on_matches(from, index, cx),
            Message::Refused { prev, hint, .. } => self.on_refused(from, prev, hint, cx),
            Message::RequestVote { .. } | Message::RequestVoteReply { .. } => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Election => {
                let role = self.election.on_timer(&self.log.list, cx);
                self.new_role(role, cx);
            }
            Timer::Heartbeat => self.beat(cx),
            Timer::Peer(_) | Timer::Tick => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Write(value) = request;
        if !self.leads() {
            cx.reply(ticket, Response::NotLeader);
            return;
        }
        let term = self.election.term();
        self.log.list.push(Entry {
            term,
            command: Some(value),
        });
        self.waiting.push((self.log.last(), term, ticket));
        self.persist(cx);
        self.send_all(cx);
    }
}

impl Replica for Raft {
    fn election(&self) -> &Election {
        &self.election
    }

    fn applied(&self) -> &[u64] {
        &self.machine
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Raft>)
}
