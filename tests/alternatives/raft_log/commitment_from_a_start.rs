//! After the log half of hashicorp/raft: a no-op on winning, and nothing is committed whose index lies before it; a follower goes back by its own last
//! index; a few entries in each append.

use splitbrain::exercises::raft_log::{
    Election, Entry, EntryId, HEARTBEAT_EVERY, Message, RaftLog, Replica, Request, Response, Role, Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, VecDeque};

type Cx<'a> = Context<'a, RaftLog>;

const MAX_APPEND: usize = 64;

#[derive(Clone, Debug, Hash)]
struct Commitment {
    match_indexes: BTreeMap<NodeId, usize>,
    start_index: usize,
}

#[derive(Clone, Debug, Hash)]
struct Leader {
    commitment: Commitment,
    next_index: BTreeMap<NodeId, usize>,
    inflight: VecDeque<(usize, Ticket)>,
}

#[derive(Clone, Debug, Hash)]
struct It {
    me: NodeId,
    election: Election,
    logs: Vec<Entry>,
    commit_index: usize,
    last_applied: usize,
    machine: Vec<u64>,
    leader: Option<Leader>,
}

impl It {
    fn store(&self, cx: &mut Cx<'_>) {
        cx.save(Saved { log: self.logs.clone(), ballot: self.election.ballot() });
    }

    fn dispatch(&mut self, command: Option<u64>, cx: &mut Cx<'_>) {
        let term = self.election.term();
        self.logs.push(Entry { term, command });
        self.store(cx);
        let last = self.logs.len();
        if let Some(leader) = &mut self.leader {
            leader.commitment.match_indexes.insert(self.me, last);
        }
        for peer in cx.peers() {
            self.replicate_to(*peer, cx);
        }
    }

    fn replicate_to(&self, peer: NodeId, cx: &mut Cx<'_>) {
        let Some(leader) = &self.leader else { return };
        let next = leader.next_index[&peer];
        let prev = match next {
            1 => EntryId::default(),
            n => EntryId { index: n - 1, term: self.logs[n - 2].term },
        };
        let end = self.logs.len().min(next - 1 + MAX_APPEND);
        let entries = self.logs[next - 1..end].to_vec();
        cx.send(peer, Message::AppendEntries { term: self.election.term(), prev, entries, commit: self.commit_index });
    }

    fn turns(&mut self, role: Option<Role>, cx: &mut Cx<'_>) {
        if role == Some(Role::Leader) {
            let last = self.logs.len();
            let zero = cx.peers().iter().chain([&self.me]).map(|p| (*p, 0)).collect();
            let commitment = Commitment { match_indexes: zero, start_index: last + 1 };
            let next_index = cx.peers().iter().map(|p| (*p, last + 1)).collect();
            self.leader = Some(Leader { commitment, next_index, inflight: VecDeque::new() });
            self.dispatch(None, cx);
            cx.set_timer(Timer::Tick, HEARTBEAT_EVERY);
        } else if role.is_some() {
            self.leader = None;
        }
    }

    fn matched(&mut self, peer: NodeId, index: usize, cx: &mut Cx<'_>) {
        let Some(leader) = &mut self.leader else { return };
        let slot = leader.commitment.match_indexes.entry(peer).or_insert(0);
        if index > *slot {
            *slot = index;
        }
        let slot = *slot;
        leader.next_index.insert(peer, slot + 1);
        let mut sorted: Vec<usize> = leader.commitment.match_indexes.values().copied().collect();
        sorted.sort_unstable();
        let quorum = sorted[(sorted.len() - 1) / 2];
        if quorum > self.commit_index && quorum >= leader.commitment.start_index {
            self.commit_index = quorum;
            self.process(cx);
        }
        if slot < self.logs.len() {
            self.replicate_to(peer, cx);
        }
    }

    fn process(&mut self, cx: &mut Cx<'_>) {
        while self.last_applied < self.commit_index {
            if let Some(command) = self.logs[self.last_applied].command {
                self.machine.push(command);
            }
            self.last_applied += 1;
        }
        let Some(leader) = &mut self.leader else { return };
        while let Some((index, ticket)) = leader.inflight.front().copied().filter(|(i, _)| *i <= self.commit_index) {
            leader.inflight.pop_front();
            cx.reply(ticket, Response::Applied { index });
        }
    }

    fn append_entries(&mut self, from: NodeId, prev: EntryId, entries: Vec<Entry>, commit: usize, cx: &mut Cx<'_>) {
        let term = self.election.term();
        if prev.index > 0 {
            match self.logs.get(prev.index - 1) {
                Some(e) if e.term == prev.term => {}
                Some(e) => {
                    let first = self.logs.iter().take_while(|x| x.term < e.term).count() + 1;
                    let hint = Some(EntryId { index: first, term: e.term });
                    return cx.send(from, Message::Refused { term, prev: prev.index, hint });
                }
                None => {
                    let hint = Some(EntryId { index: self.logs.len() + 1, term: 0 });
                    return cx.send(from, Message::Refused { term, prev: prev.index, hint });
                }
            }
        }
        let end = prev.index + entries.len();
        let fresh = entries.iter().enumerate().find(|(i, e)| self.logs.get(prev.index + i).map(|x| x.term) != Some(e.term));
        if let Some((i, _)) = fresh {
            self.logs.drain((prev.index + i).min(self.logs.len())..);
            self.logs.extend(entries.into_iter().skip(i));
            self.store(cx);
        }
        if commit > self.commit_index {
            self.commit_index = self.commit_index.max(commit.min(end));
            self.process(cx);
        }
        cx.send(from, Message::Matches { term, index: end });
    }
}

impl Node<RaftLog> for It {
    fn new(me: NodeId, peers: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        It {
            me,
            election: Election::new(me, peers, saved.as_ref()),
            logs: saved.unwrap_or_default().log,
            commit_index: 0,
            last_applied: 0,
            machine: vec![],
            leader: None,
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.election.on_start(cx);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let role = self.election.on_message(from, &message, &self.logs, cx);
        self.turns(role, cx);
        let now = self.election.term();
        match message {
            Message::AppendEntries { term, prev, .. } if term < now => {
                cx.send(from, Message::Refused { term: now, prev: prev.index, hint: None });
            }
            Message::AppendEntries { prev, entries, commit, .. } => self.append_entries(from, prev, entries, commit, cx),
            Message::Matches { term, index } if term == now => self.matched(from, index, cx),
            Message::Refused { term, prev, hint } if term == now => {
                let Some(leader) = &mut self.leader else { return };
                let known = leader.commitment.match_indexes[&from];
                let next = leader.next_index[&from];
                if prev > known && prev < next {
                    let wanted = hint.map_or(next - 1, |h| h.index);
                    leader.next_index.insert(from, (next - 1).min(wanted).max(known + 1));
                    self.replicate_to(from, cx);
                }
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Election => {
                let role = self.election.on_timer(&self.logs, cx);
                self.turns(role, cx);
            }
            _ if self.leader.is_some() => {
                cx.peers().iter().for_each(|p| self.replicate_to(*p, cx));
                cx.set_timer(Timer::Tick, HEARTBEAT_EVERY);
            }
            _ => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let Request::Write(value) = request;
        match &mut self.leader {
            None => cx.reply(ticket, Response::NotLeader),
            Some(leader) => {
                leader.inflight.push_back((self.logs.len() + 1, ticket));
                self.dispatch(Some(value), cx);
            }
        }
    }
}

impl Replica for It {
    fn election(&self) -> &Election {
        &self.election
    }

    fn applied(&self) -> &[u64] {
        &self.machine
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<It>)
}
