//! Everything that comes is put into a queue; a tick every 8 ms works it off, saves once, and sends all that comes of it.

use splitbrain::exercises::primary_replica::{
    Config, Epoch, Message, PrimaryReplica, Request, Response, Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

type Cx<'a> = Context<'a, PrimaryReplica>;

#[derive(Clone, Debug, Hash)]
enum Came {
    Mail(NodeId, Message),
    Asked(Ticket, Request),
}

#[derive(Clone, Debug, Hash)]
enum Out {
    Mail(NodeId, Message),
    Answer(Ticket, Response),
}

#[derive(Clone, Debug, Hash)]
struct It {
    config: Config,
    peers: Vec<NodeId>,
    disk: Saved,
    queue: Vec<Came>,
    ticking: bool,
    leads: bool,
    have: BTreeMap<NodeId, usize>,
    open: Vec<(usize, Ticket)>,
    ticks: u32,
}

impl It {
    fn push(&mut self, came: Came, cx: &mut Cx<'_>) {
        self.queue.push(came);
        self.tick(cx);
    }

    fn tick(&mut self, cx: &mut Cx<'_>) {
        if !self.ticking {
            self.ticking = true;
            cx.set_timer(Timer::Tick, Duration::from_millis(8));
        }
    }

    fn certain(&self) -> usize {
        if self.disk.agreed == self.disk.epoch { self.disk.log.len() } else { self.disk.committed }
    }

    fn rises(&mut self, epoch: Epoch) {
        if epoch > self.disk.epoch {
            self.disk.epoch = epoch;
            self.leads = false;
            self.have.clear();
            self.open.clear();
        }
    }

    fn works(&mut self, came: Came, out: &mut Vec<Out>) {
        match came {
            Came::Mail(_, Message::Seal(epoch)) => {
                if epoch < self.disk.epoch {
                    return;
                }
                self.rises(epoch);
                let (agreed, length) = (self.disk.agreed, self.disk.log.len());
                out.push(Out::Mail(self.config.arbiter, Message::Report { epoch, agreed, length }));
            }
            Came::Mail(_, Message::Lead(epoch)) => {
                if epoch == self.disk.epoch && !self.leads {
                    self.leads = true;
                    self.disk.agreed = epoch;
                    self.ticks = 0;
                }
            }
            Came::Mail(from, Message::Append { epoch, from: at, entries, committed }) => {
                if epoch < self.disk.epoch {
                    return;
                }
                self.rises(epoch);
                let agrees = self.disk.agreed == epoch;
                let certain = self.certain();
                if at <= certain && (!agrees || at + entries.len() > certain) {
                    self.disk.log.truncate(at);
                    self.disk.log.extend(entries);
                    self.disk.agreed = epoch;
                }
                self.disk.committed = self.disk.committed.max(committed.min(self.certain()));
                out.push(Out::Mail(from, Message::Have { epoch, length: self.certain() }));
            }
            Came::Mail(from, Message::Have { epoch, length }) => {
                if epoch == self.disk.epoch && self.leads {
                    let have = self.have.entry(from).or_insert(0);
                    *have = length.max(*have);
                }
            }
            Came::Mail(..) => {}
            Came::Asked(ticket, Request::Write(value)) => {
                if self.leads {
                    self.disk.log.push(value);
                    self.open.push((self.disk.log.len(), ticket));
                } else {
                    out.push(Out::Answer(ticket, Response::NotPrimary));
                }
            }
            Came::Asked(ticket, _) => {
                let n = self.disk.committed;
                let last = n.checked_sub(1).map(|i| self.disk.log[i]);
                out.push(Out::Answer(ticket, Response::Known(n, last)));
            }
        }
    }

    /// The largest length that enough replicas have.
    fn commits(&mut self, out: &mut Vec<Out>) {
        let acks = self.config.acks;
        let enough = |n: &usize| self.have.values().filter(|have| *have >= n).count() >= acks;
        let n = (self.disk.committed..=self.disk.log.len()).rev().find(|n| *n > 0 && enough(n));
        self.disk.committed = n.unwrap_or(0).max(self.disk.committed);
        let committed = self.disk.committed;
        let (done, open) = std::mem::take(&mut self.open).into_iter().partition(|(n, _)| *n <= committed);
        self.open = open;
        let done: Vec<(usize, Ticket)> = done;
        out.extend(done.into_iter().map(|(n, ticket)| Out::Answer(ticket, Response::Written(n))));
    }
}

impl Node<PrimaryReplica> for It {
    fn new(_: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        It {
            config: config.clone(),
            peers: peers.to_vec(),
            disk: saved.unwrap_or_default(),
            queue: Vec::new(),
            ticking: false,
            leads: false,
            have: BTreeMap::new(),
            open: Vec::new(),
            ticks: 0,
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        self.push(Came::Mail(from, message), cx);
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        self.ticking = false;
        let before = self.disk.clone();
        let mut out = Vec::new();
        for came in std::mem::take(&mut self.queue) {
            self.works(came, &mut out);
            if self.leads {
                self.commits(&mut out);
            }
        }
        if self.disk != before {
            cx.save(self.disk.clone());
        }
        // What was said before a newer epoch came would be too much now.
        let epoch = self.disk.epoch;
        out.retain(|out| match out {
            Out::Mail(_, Message::Have { epoch: of, .. } | Message::Report { epoch: of, .. }) => *of == epoch,
            _ => true,
        });
        // And what was reported before an append of the same epoch came is no longer so.
        for what in &mut out {
            if let Out::Mail(_, Message::Report { agreed, length, .. }) = what {
                (*agreed, *length) = (self.disk.agreed, self.disk.log.len());
            }
        }
        for what in out {
            match what {
                Out::Mail(to, message) => cx.send(to, message),
                Out::Answer(ticket, response) => cx.reply(ticket, response),
            }
        }
        if self.leads {
            if self.ticks.is_multiple_of(5) || before.log != self.disk.log {
                for peer in self.peers.clone() {
                    let from = self.have.get(&peer).copied().unwrap_or(0);
                    let (epoch, committed) = (self.disk.epoch, self.disk.committed);
                    let entries = self.disk.log[from..].to_vec();
                    cx.send(peer, Message::Append { epoch, from, entries, committed });
                }
            }
            self.ticks += 1;
            self.tick(cx);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        self.push(Came::Asked(ticket, request), cx);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<It>)
}
