//! Sends each entry once, ahead of all answers, and asks in its heartbeats whether the last one has come; only a refusal, or two intervals of silence, brings
//! it back. The index that a majority has is kept by counting down.

use splitbrain::exercises::raft_log::{
    Election, Entry, EntryId, HEARTBEAT_EVERY, Message, RaftLog, Replica, Request, Response, Role, Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

type Cx<'a> = Context<'a, RaftLog>;

#[derive(Clone, Debug, Hash)]
struct Pipe {
    sent: usize,
    acked: usize,
    quiet: u32,
}

#[derive(Clone, Debug, Hash)]
struct It {
    election: Election,
    log: Vec<Entry>,
    commit: usize,
    machine: Vec<u64>,
    applied: usize,
    pipes: BTreeMap<NodeId, Pipe>,
    open: BTreeMap<usize, Ticket>,
}

impl It {
    fn leads(&self) -> bool {
        self.election.role() == Role::Leader
    }

    fn push(&mut self, to: NodeId, cx: &mut Cx<'_>) {
        let end = self.log.len();
        let Some(pipe) = self.pipes.get_mut(&to) else { return };
        let from = std::mem::replace(&mut pipe.sent, end);
        let prev = EntryId::last(&self.log[..from]);
        let entries = self.log[from..].to_vec();
        cx.send(to, Message::AppendEntries { term: self.election.term(), prev, entries, commit: self.commit });
    }

    fn push_all(&mut self, cx: &mut Cx<'_>) {
        for to in cx.peers() {
            self.push(*to, cx);
        }
    }

    fn role(&mut self, role: Option<Role>, cx: &mut Cx<'_>) {
        match role {
            Some(Role::Leader) => {
                let sent = self.log.len();
                self.pipes = cx.peers().iter().map(|p| (*p, Pipe { sent, acked: 0, quiet: 0 })).collect();
                self.open.clear();
                self.push_all(cx);
                cx.set_timer(Timer::Heartbeat, HEARTBEAT_EVERY);
            }
            Some(_) => self.open.clear(),
            None => {}
        }
    }

    fn apply(&mut self, cx: &mut Cx<'_>) {
        while self.applied < self.commit {
            self.applied += 1;
            self.machine.extend(self.log[self.applied - 1].command);
            if let Some(ticket) = self.open.remove(&self.applied) {
                cx.reply(ticket, Response::Applied { index: self.applied });
            }
        }
    }

    fn refusal(&self, prev: usize) -> EntryId {
        match prev.checked_sub(1).and_then(|at| self.log.get(at)) {
            None => EntryId { index: self.log.len() + 1, term: 0 },
            Some(e) => EntryId { index: self.log.partition_point(|x| x.term < e.term) + 1, term: e.term },
        }
    }
}

impl Node<RaftLog> for It {
    fn new(me: NodeId, peers: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        let election = Election::new(me, peers, saved.as_ref());
        let log = saved.map(|s| s.log).unwrap_or_default();
        It { election, log, commit: 0, machine: vec![], applied: 0, pipes: BTreeMap::new(), open: BTreeMap::new() }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.election.on_start(cx);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let role = self.election.on_message(from, &message, &self.log, cx);
        self.role(role, cx);
        let term = self.election.term();
        match message {
            m if m.term() < term => {}
            Message::AppendEntries { prev, entries, commit, .. } => {
                let is_mine = self.log.get(..prev.index).is_some_and(|head| EntryId::last(head) == prev);
                if !is_mine {
                    let hint = Some(self.refusal(prev.index));
                    return cx.send(from, Message::Refused { term, prev: prev.index, hint });
                }
                let index = prev.index + entries.len();
                let at = (0..entries.len()).find(|i| self.log.get(prev.index + i) != Some(&entries[*i]));
                if let Some(at) = at {
                    self.log.splice(prev.index + at.., entries[at..].iter().copied());
                    cx.save(Saved { ballot: self.election.ballot(), log: self.log.clone() });
                }
                cx.send(from, Message::Matches { term, index });
                self.commit = self.commit.max(commit.min(index));
                self.apply(cx);
            }
            Message::Matches { index, .. } if self.leads() => {
                let majority = cx.peers().len().div_ceil(2);
                let Some(pipe) = self.pipes.get_mut(&from) else { return };
                pipe.acked = pipe.acked.max(index);
                pipe.sent = pipe.sent.max(pipe.acked);
                pipe.quiet = 0;
                let mut n = self.log.len();
                while n > self.commit && self.log[n - 1].term == term {
                    if self.pipes.values().filter(|p| p.acked >= n).count() >= majority {
                        self.commit = n;
                        self.apply(cx);
                        break;
                    }
                    n -= 1;
                }
            }
            Message::Refused { prev, hint, .. } if self.leads() => {
                let Some(pipe) = self.pipes.get_mut(&from) else { return };
                if prev > pipe.acked {
                    pipe.sent = hint.map_or(pipe.acked, |h| h.index - 1).min(prev - 1).max(pipe.acked);
                    pipe.quiet = 0;
                    self.push(from, cx);
                }
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        if timer == Timer::Election {
            let role = self.election.on_timer(&self.log, cx);
            return self.role(role, cx);
        }
        if self.leads() {
            for pipe in self.pipes.values_mut() {
                pipe.quiet += 1;
                if pipe.quiet > 2 && pipe.acked > 0 {
                    pipe.sent = pipe.acked;
                }
            }
            self.push_all(cx);
            cx.set_timer(Timer::Heartbeat, HEARTBEAT_EVERY);
        }
    }

    fn on_request(&mut self, Request::Write(value): Request, ticket: Ticket, cx: &mut Cx<'_>) {
        if !self.leads() {
            return cx.reply(ticket, Response::NotLeader);
        }
        self.log.push(Entry { term: self.election.term(), command: Some(value) });
        self.open.insert(self.log.len(), ticket);
        cx.save(Saved { ballot: self.election.ballot(), log: self.log.clone() });
        self.push_all(cx);
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
