//! Pieces of at most four entries, the next as soon as the last is answered; writes wait for the heartbeat of 20 ms; a refusal is answered at once. Answers old leaders with silence.

use splitbrain::exercises::raft_log::{
    Election, Entry, EntryId, Message, RaftLog, Replica, Request, Response, Role, Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

type Cx<'a> = Context<'a, RaftLog>;

#[derive(Clone, Debug, Hash, Default)]
struct Volatile {
    commit: usize,
    applied: usize,
}

#[derive(Clone, Debug, Hash)]
struct It {
    election: Election,
    disk: Saved,
    volatile: Volatile,
    machine: Vec<u64>,
    // Of a leader: (where to send from, how much it has).
    table: Option<BTreeMap<NodeId, (usize, usize)>>,
    tickets: BTreeMap<usize, Ticket>,
}

impl It {
    fn piece(&self, to: NodeId, cx: &mut Cx<'_>) {
        if let Some((from, _)) = self.table.as_ref().and_then(|t| t.get(&to)) {
            let (head, tail) = self.disk.log.split_at(*from);
            let entries = tail.iter().take(4).copied().collect();
            let prev = EntryId::last(head);
            cx.send(to, Message::AppendEntries { term: self.election.term(), prev, entries, commit: self.volatile.commit });
        }
    }

    fn new_role(&mut self, role: Option<Role>, cx: &mut Cx<'_>) {
        match role {
            Some(Role::Leader) => {
                let end = self.disk.log.len();
                self.table = Some(cx.peers().iter().map(|p| (*p, (end, 0))).collect());
                cx.set_timer(Timer::Tick, millis(0));
            }
            Some(Role::Follower | Role::Candidate) => {
                self.table = None;
                self.tickets = BTreeMap::new();
            }
            None => {}
        }
    }

    fn apply(&mut self, cx: &mut Cx<'_>) {
        let Volatile { commit, applied } = &mut self.volatile;
        for index in *applied + 1..=*commit {
            if let Some(c) = self.disk.log[index - 1].command {
                self.machine.push(c);
            }
            if let Some(t) = self.tickets.remove(&index) {
                cx.reply(t, Response::Applied { index });
            }
        }
        *applied = (*applied).max(*commit);
    }

    fn flush(&mut self, cx: &mut Cx<'_>) {
        self.disk.ballot = self.election.ballot();
        cx.save(self.disk.clone());
    }
}

impl Node<RaftLog> for It {
    fn new(me: NodeId, peers: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        let election = Election::new(me, peers, saved.as_ref());
        It { election, disk: saved.unwrap_or_default(), volatile: Volatile::default(), machine: vec![], table: None, tickets: BTreeMap::new() }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.election.on_start(cx);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let role = self.election.on_message(from, &message, &self.disk.log, cx);
        self.new_role(role, cx);
        let term = self.election.term();
        if message.term() < term {
            return;
        }
        match message {
            Message::AppendEntries { prev, entries, commit, .. } => {
                let fits = self.disk.log.len() >= prev.index && EntryId::last(&self.disk.log[..prev.index]) == prev;
                if !fits {
                    let short = self.disk.log.len() < prev.index;
                    let hint = short.then_some(EntryId { index: self.disk.log.len() + 1, term: 0 });
                    return cx.send(from, Message::Refused { term, prev: prev.index, hint });
                }
                let upto = prev.index + entries.len();
                let agrees = self.disk.log[prev.index..].iter().zip(&entries).all(|(a, b)| a.term == b.term);
                match agrees {
                    true if self.disk.log.len() >= upto => {}
                    true => {
                        let have = self.disk.log.len() - prev.index;
                        self.disk.log.extend(&entries[have..]);
                        self.flush(cx);
                    }
                    false => {
                        // All before the conflict is the same, whoever writes it.
                        self.disk.log.truncate(prev.index);
                        self.disk.log.extend(entries);
                        self.flush(cx);
                    }
                }
                self.volatile.commit = self.volatile.commit.max(commit.min(upto));
                self.apply(cx);
                cx.send(from, Message::Matches { term, index: upto });
            }
            Message::Matches { index, .. } => {
                let end = self.disk.log.len();
                let Some(table) = &mut self.table else { return };
                let Some(row) = table.get_mut(&from) else { return };
                let news = index > row.1;
                row.1 = row.1.max(index);
                row.0 = row.1;
                let more = news && row.1 < end;
                let mut has: Vec<usize> = table.values().map(|r| r.1).chain([end]).collect();
                has.sort_unstable();
                let n = has[(has.len() - 1) / 2];
                if n > self.volatile.commit && self.disk.log[n - 1].term == term {
                    self.volatile.commit = n;
                    self.apply(cx);
                }
                if more {
                    self.piece(from, cx);
                }
            }
            Message::Refused { prev, hint, .. } => {
                let log = &self.disk.log;
                let Some((at, has)) = self.table.as_mut().and_then(|t| t.get_mut(&from)) else { return };
                if prev == *at && prev > *has {
                    let of = log[prev - 1].term;
                    // Before the first entry of that term here, or where the follower ends.
                    let first = log.partition_point(|e| e.term < of);
                    let there = hint.map_or(first, |h| (h.index - 1).min(if h.term == 0 { prev } else { first }));
                    *at = there.min(prev - 1).max(*has);
                    self.piece(from, cx);
                }
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match timer {
            Timer::Election => {
                let role = self.election.on_timer(&self.disk.log, cx);
                self.new_role(role, cx);
            }
            _ => {
                if self.table.is_some() {
                    cx.peers().iter().for_each(|p| self.piece(*p, cx));
                    cx.set_timer(Timer::Tick, millis(20));
                }
            }
        }
    }

    fn on_request(&mut self, Request::Write(value): Request, ticket: Ticket, cx: &mut Cx<'_>) {
        if self.table.is_none() {
            cx.reply(ticket, Response::NotLeader);
        } else {
            self.disk.log.push(Entry { term: self.election.term(), command: Some(value) });
            self.tickets.insert(self.disk.log.len(), ticket);
            self.flush(cx);
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
