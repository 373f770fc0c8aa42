//! Everything waits for a tick of 8 ms: appends are answered, writes are saved together and sent, entries are applied and clients answered then.

use splitbrain::exercises::raft_log::{
    Election, Entry, EntryId, Message, RaftLog, Replica, Request, Response, Role, Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

type Cx<'a> = Context<'a, RaftLog>;

const TICK: u64 = 8;
const BEAT_TICKS: u64 = 5;

#[derive(Clone, Debug, Hash, Default)]
struct Peer {
    next: usize,
    matched: usize,
    at_once: bool,
}

#[derive(Clone, Debug, Hash)]
struct It {
    election: Election,
    log: Vec<Entry>,
    on_disk: usize,
    commit: usize,
    machine: Vec<u64>,
    done: usize,
    inbox: Vec<(NodeId, Message)>,
    asked: Vec<(u64, Ticket)>,
    open: BTreeMap<usize, Ticket>,
    peers: BTreeMap<NodeId, Peer>,
    leads: bool,
    ticks: u64,
}

impl It {
    fn is(&self, id: EntryId) -> bool {
        id == EntryId::default() || id.index > 0 && self.log.get(id.index - 1).is_some_and(|e| e.term == id.term)
    }

    fn role(&mut self, role: Option<Role>, cx: &mut Cx<'_>) {
        let Some(role) = role else { return };
        self.leads = role == Role::Leader;
        self.open.clear();
        self.peers.clear();
        if self.leads {
            let next = self.log.len() + 1;
            self.peers = cx.peers().iter().map(|p| (*p, Peer { next, matched: 0, at_once: true })).collect();
        }
    }

    fn read(&mut self, from: NodeId, message: Message, out: &mut Vec<(NodeId, Message)>, dirty: &mut bool) {
        let term = self.election.term();
        match message {
            Message::AppendEntries { prev, entries, commit, .. } => {
                if !self.is(prev) {
                    out.push((from, Message::Refused { term, prev: prev.index, hint: None }));
                    return;
                }
                let mut at = prev.index;
                for entry in entries {
                    if self.log.get(at).is_none_or(|e| e.term != entry.term) {
                        self.log.truncate(at);
                        self.log.push(entry);
                        *dirty = true;
                    }
                    at += 1;
                }
                self.commit = self.commit.max(commit.min(at));
                out.push((from, Message::Matches { term, index: at }));
            }
            Message::Matches { index, .. } => {
                if let Some(peer) = self.peers.get_mut(&from) {
                    peer.matched = peer.matched.max(index);
                    peer.next = peer.matched + 1;
                }
            }
            Message::Refused { prev, hint, .. } => {
                if let Some(peer) = self.peers.get_mut(&from)
                    && prev > peer.matched
                    && prev < peer.next
                {
                    let far = peer.next - peer.next / 4;
                    peer.next = hint.map_or(far.min(prev), |h| h.index).max(peer.matched + 1);
                    peer.at_once = true;
                }
            }
            _ => {}
        }
    }

    fn counts(&mut self) {
        let size = self.peers.len() + 1;
        for index in (self.commit + 1..=self.on_disk).rev() {
            let has = 1 + self.peers.values().filter(|p| p.matched >= index).count();
            if has * 2 > size && self.log[index - 1].term == self.election.term() {
                self.commit = index;
                return;
            }
        }
    }

    fn tick(&mut self, cx: &mut Cx<'_>) {
        self.ticks += 1;
        let (mut out, mut dirty) = (Vec::new(), false);
        for (from, message) in std::mem::take(&mut self.inbox) {
            if message.term() == self.election.term() {
                self.read(from, message, &mut out, &mut dirty);
            }
        }
        for (value, ticket) in std::mem::take(&mut self.asked) {
            if !self.leads {
                cx.reply(ticket, Response::NotLeader);
                continue;
            }
            self.log.push(Entry { term: self.election.term(), command: Some(value) });
            self.open.insert(self.log.len(), ticket);
            self.peers.values_mut().for_each(|p| p.at_once = true);
            dirty = true;
        }
        if dirty {
            cx.save(Saved { ballot: self.election.ballot(), log: self.log.clone() });
        }
        self.on_disk = self.log.len();
        if self.leads {
            self.counts();
        }
        for (to, message) in out {
            cx.send(to, message);
        }
        while self.done < self.commit {
            self.machine.extend(self.log[self.done].command);
            self.done += 1;
            if let Some(ticket) = self.open.remove(&self.done) {
                cx.reply(ticket, Response::Applied { index: self.done });
            }
        }
        let all = self.ticks % BEAT_TICKS == 0;
        for (to, peer) in &mut self.peers {
            if std::mem::take(&mut peer.at_once) || all {
                let prev = EntryId::last(&self.log[..peer.next - 1]);
                let entries = self.log[prev.index..].to_vec();
                cx.send(*to, Message::AppendEntries { term: self.election.term(), prev, entries, commit: self.commit });
            }
        }
        cx.set_timer(Timer::Tick, millis(TICK));
    }
}

impl Node<RaftLog> for It {
    fn new(me: NodeId, peers: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        let election = Election::new(me, peers, saved.as_ref());
        let log = saved.unwrap_or_default().log;
        It {
            election,
            on_disk: log.len(),
            log,
            commit: 0,
            machine: Vec::new(),
            done: 0,
            inbox: Vec::new(),
            asked: Vec::new(),
            open: BTreeMap::new(),
            peers: BTreeMap::new(),
            leads: false,
            ticks: 0,
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.election.on_start(cx);
        cx.set_timer(Timer::Tick, millis(TICK));
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let role = self.election.on_message(from, &message, &self.log, cx);
        self.role(role, cx);
        self.inbox.push((from, message));
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        if timer == Timer::Election {
            let role = self.election.on_timer(&self.log, cx);
            self.role(role, cx);
        } else {
            self.tick(cx);
        }
    }

    fn on_request(&mut self, Request::Write(value): Request, ticket: Ticket, _: &mut Cx<'_>) {
        self.asked.push((value, ticket));
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
