//! Neither gives nor reads hints: a refused leader goes back by one, two, four … entries. It sends before it saves, and says everything twice.

use splitbrain::exercises::raft_log::{
    Election, Entry, EntryId, Message, RaftLog, Replica, Request, Response, Role, Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

type Cx<'a> = Context<'a, RaftLog>;

#[derive(Clone, Debug, Hash)]
struct Follower {
    at: usize,
    has: usize,
    step: usize,
}

#[derive(Clone, Debug, Hash)]
enum Part {
    Follows,
    Leads { followers: BTreeMap<NodeId, Follower>, tickets: Vec<(usize, Ticket)> },
}

#[derive(Clone, Debug, Hash)]
struct It {
    election: Election,
    log: Vec<Entry>,
    commit: usize,
    machine: Vec<u64>,
    at: usize,
    part: Part,
}

fn twice(to: NodeId, message: Message, cx: &mut Cx<'_>) {
    cx.send(to, message.clone());
    cx.send(to, message);
}

impl It {
    fn changes(&mut self, role: Option<Role>, cx: &mut Cx<'_>) {
        match role {
            None => {}
            Some(Role::Leader) => {
                let at = self.log.len();
                let followers = cx.peers().iter().map(|p| (*p, Follower { at, has: 0, step: 1 })).collect();
                self.part = Part::Leads { followers, tickets: Vec::new() };
                self.on_timer(Timer::Heartbeat, cx);
            }
            Some(_) => self.part = Part::Follows,
        }
    }

    fn ship(&self, to: NodeId, cx: &mut Cx<'_>) {
        let Part::Leads { followers, .. } = &self.part else { return };
        let prev = EntryId::last(&self.log[..followers[&to].at]);
        let entries = self.log[prev.index..].to_vec();
        cx.send(to, Message::AppendEntries { term: self.election.term(), prev, entries, commit: self.commit });
    }

    fn apply(&mut self, to: usize, cx: &mut Cx<'_>) {
        self.commit = self.commit.max(to);
        for entry in &self.log[self.at..self.commit] {
            self.machine.extend(entry.command);
        }
        self.at = self.commit;
        if let Part::Leads { tickets, .. } = &mut self.part {
            tickets.retain(|(index, ticket)| {
                if *index <= self.commit {
                    cx.reply(*ticket, Response::Applied { index: *index });
                }
                *index > self.commit
            });
        }
    }
}

impl Node<RaftLog> for It {
    fn new(me: NodeId, peers: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        let election = Election::new(me, peers, saved.as_ref());
        It { election, log: saved.unwrap_or_default().log, commit: 0, machine: Vec::new(), at: 0, part: Part::Follows }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.election.on_start(cx);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let role = self.election.on_message(from, &message, &self.log, cx);
        self.changes(role, cx);
        let term = self.election.term();
        if message.term() != term {
            return;
        }
        match (&mut self.part, message) {
            (Part::Follows, Message::AppendEntries { prev, entries, commit, .. }) => {
                if prev.index > self.log.len() || EntryId::last(&self.log[..prev.index]) != prev {
                    return twice(from, Message::Refused { term, prev: prev.index, hint: None }, cx);
                }
                let end = prev.index + entries.len();
                let here: Vec<Entry> = self.log.iter().skip(prev.index).take(entries.len()).copied().collect();
                if here != entries {
                    let wrong = here.iter().zip(&entries).position(|(a, b)| a != b);
                    self.log.truncate(wrong.map_or(self.log.len(), |w| prev.index + w));
                    let known = self.log.len() - prev.index;
                    self.log.extend(&entries[known..]);
                    cx.save(Saved { ballot: self.election.ballot(), log: self.log.clone() });
                }
                self.apply(commit.min(end), cx);
                twice(from, Message::Matches { term, index: end }, cx);
            }
            (Part::Leads { followers, .. }, Message::Matches { index, .. }) => {
                let all = followers.len() + 1;
                let Some(f) = followers.get_mut(&from) else { return };
                f.has = f.has.max(index);
                (f.at, f.step) = (f.has, 1);
                let is_common = |n: &usize| (1 + followers.values().filter(|f| f.has >= *n).count()) * 2 > all;
                let n = (self.commit + 1..=self.log.len()).rev().find(|n| self.log[n - 1].term == term && is_common(n));
                if let Some(n) = n {
                    self.apply(n, cx);
                }
            }
            (Part::Leads { followers, .. }, Message::Refused { prev, .. }) => {
                let Some(f) = followers.get_mut(&from) else { return };
                if prev == f.at && prev > f.has {
                    f.at = f.at.saturating_sub(f.step).max(f.has);
                    f.step *= 2;
                    self.ship(from, cx);
                }
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        if timer == Timer::Election {
            let role = self.election.on_timer(&self.log, cx);
            return self.changes(role, cx);
        }
        if matches!(self.part, Part::Leads { .. }) {
            cx.peers().iter().for_each(|p| self.ship(*p, cx));
            cx.set_timer(Timer::Heartbeat, millis(30));
        }
    }

    fn on_request(&mut self, Request::Write(value): Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let term = self.election.term();
        let Part::Leads { tickets, .. } = &mut self.part else { return cx.reply(ticket, Response::NotLeader) };
        self.log.push(Entry { term, command: Some(value) });
        tickets.push((self.log.len(), ticket));
        // Others may write while this disk does.
        cx.peers().iter().for_each(|p| self.ship(*p, cx));
        cx.save(Saved { ballot: self.election.ballot(), log: self.log.clone() });
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
