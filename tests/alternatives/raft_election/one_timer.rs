//! Built another way: one timer that is always set to the next thing that is due, whatever that is; all votes of all terms
//! are kept in a map, and what a node is follows from that map.

use splitbrain::exercises::raft_election::{Elector, LogEnd, Message, RaftElection, Role, Saved, Term, Timer, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct Agenda {
    me: NodeId,
    peers: Vec<NodeId>,
    log: LogEnd,
    term: Term,
    /// Whom this node voted for, by term.
    votes: BTreeMap<Term, NodeId>,
    /// Who voted for this node, by term.
    supporters: BTreeMap<Term, BTreeSet<NodeId>>,
    /// Who leads, by term.
    leaders: BTreeMap<Term, NodeId>,
    campaign_at: Time,
    speak_at: Time,
    ask_again_at: Time,
}

type Cx<'a> = Context<'a, RaftElection>;

impl Agenda {
    fn what(&self) -> Role {
        match self.leaders.get(&self.term) {
            Some(leader) if *leader == self.me => Role::Leader,
            None if self.supporters.contains_key(&self.term) => Role::Candidate,
            _ => Role::Follower,
        }
    }

    fn postpone(&mut self, cx: &mut Cx<'_>) {
        self.campaign_at = cx.now() + millis(cx.random(155..=295));
    }

    fn keep(&self, cx: &mut Cx<'_>) {
        cx.save(Saved { term: self.term, voted_for: self.votes.get(&self.term).copied() });
    }

    fn plan(&self, cx: &mut Cx<'_>) {
        let due = match self.what() {
            Role::Leader => self.speak_at,
            Role::Candidate => self.campaign_at.min(self.ask_again_at),
            Role::Follower => self.campaign_at,
        };
        let wait = if due > cx.now() { due - cx.now() } else { millis(1) };
        cx.set_timer(Timer::Tick, wait);
    }

    fn speak(&mut self, cx: &mut Cx<'_>) {
        self.speak_at = cx.now() + millis(40);
        cx.broadcast(Message::AppendEntries { term: self.term });
    }

    fn ask(&mut self, cx: &mut Cx<'_>) {
        self.ask_again_at = cx.now() + millis(60);
        let silent: Vec<NodeId> = self.peers.iter().copied().filter(|p| !self.supporters[&self.term].contains(p)).collect();
        for peer in silent {
            cx.send(peer, Message::RequestVote { term: self.term, log: self.log });
        }
    }
}

impl Node<RaftElection> for Agenda {
    fn new(me: NodeId, peers: &[NodeId], log: &LogEnd, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        Agenda {
            me,
            peers: peers.to_vec(),
            log: *log,
            term: saved.term,
            votes: saved.voted_for.map(|vote| (saved.term, vote)).into_iter().collect(),
            supporters: BTreeMap::new(),
            leaders: BTreeMap::new(),
            campaign_at: Time::ZERO,
            speak_at: Time::ZERO,
            ask_again_at: Time::ZERO,
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.postpone(cx);
        self.plan(cx);
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        let now = cx.now();
        match self.what() {
            Role::Leader if now >= self.speak_at => self.speak(cx),
            Role::Leader => {}
            _ if now >= self.campaign_at => {
                self.term += 1;
                self.votes.insert(self.term, self.me);
                self.supporters.insert(self.term, BTreeSet::from([self.me]));
                self.keep(cx);
                self.postpone(cx);
                self.ask(cx);
            }
            Role::Candidate if now >= self.ask_again_at => self.ask(cx),
            _ => {}
        }
        self.plan(cx);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let term = message.term();
        if term > self.term {
            self.term = term;
            self.keep(cx);
            self.postpone(cx);
        }
        match message {
            Message::RequestVote { log, .. } => {
                let fits = term == self.term && (log.term, log.index) >= (self.log.term, self.log.index);
                let granted = fits && *self.votes.entry(term).or_insert(from) == from;
                if granted {
                    self.keep(cx);
                    self.postpone(cx);
                }
                cx.send(from, Message::RequestVoteReply { term: self.term, granted });
            }
            Message::RequestVoteReply { granted: true, .. } => {
                let most = (self.peers.len() + 1) / 2;
                if let Some(supporters) = self.supporters.get_mut(&term) {
                    supporters.insert(from);
                    if term == self.term && supporters.len() > most && !self.leaders.contains_key(&term) {
                        self.leaders.insert(term, self.me);
                        self.speak(cx);
                    }
                }
            }
            Message::AppendEntries { .. } => {
                if term == self.term {
                    self.leaders.insert(term, from);
                    self.postpone(cx);
                }
                cx.send(from, Message::AppendEntriesReply { term: self.term });
            }
            _ => {}
        }
        self.plan(cx);
    }
}

impl Elector for Agenda {
    fn role(&self) -> Role {
        self.what()
    }
    fn term(&self) -> Term {
        self.term
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Agenda>)
}
