//! What happened is a list, and the state is read from it: the disk has what it must, and everything else is computed from what was heard
//! in this epoch.

use splitbrain::exercises::primary_replica::{
    Config, Epoch, Message, PrimaryReplica, Request, Response, Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

type Cx<'a> = Context<'a, PrimaryReplica>;

#[derive(Clone, Debug, Hash)]
enum Event {
    Named,
    Has(NodeId, usize),
    Wrote(Ticket, usize),
    Answered(Ticket),
}

#[derive(Clone, Debug, Hash)]
struct It {
    config: Config,
    disk: Saved,
    /// Of this epoch and this life.
    events: Vec<Event>,
}

impl It {
    fn is_named(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Named))
    }

    fn has(&self, node: NodeId) -> Option<usize> {
        let of = |event: &Event| if let Event::Has(n, length) = event { (*n == node).then_some(*length) } else { None };
        self.events.iter().filter_map(of).max()
    }

    fn acknowledged(&self, peers: &[NodeId]) -> usize {
        let mut all: Vec<usize> = peers.iter().filter_map(|peer| self.has(*peer)).collect();
        all.sort_unstable();
        let kth = all.len().checked_sub(self.config.acks).map(|at| all[at]);
        kth.unwrap_or(0).max(self.disk.committed)
    }

    fn write(&mut self, disk: Saved, cx: &mut Cx<'_>) {
        if disk.epoch != self.disk.epoch {
            self.events.clear();
        }
        if disk != self.disk {
            self.disk = disk;
            cx.save(self.disk.clone());
        }
    }

    fn send(&self, cx: &mut Cx<'_>) {
        let Saved { epoch, committed, .. } = self.disk;
        for peer in cx.peers() {
            let from = self.has(*peer).unwrap_or(committed / 2);
            cx.send(*peer, Message::Append { epoch, from, entries: self.disk.log[from..].to_vec(), committed });
        }
        cx.set_timer(Timer::Beat, Duration::from_millis(60));
    }
}

impl Node<PrimaryReplica> for It {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        It { config: config.clone(), disk: saved.unwrap_or_default(), events: Vec::new() }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let mut disk = self.disk.clone();
        match message {
            Message::Seal(epoch) => {
                disk.epoch = disk.epoch.max(epoch);
                self.write(disk, cx);
                let Saved { epoch, agreed, ref log, .. } = self.disk;
                cx.send(self.config.arbiter, Message::Report { epoch, agreed, length: log.len() });
            }
            Message::Lead(epoch) if epoch == disk.epoch => {
                if !self.is_named() {
                    disk.agreed = epoch;
                    self.write(disk, cx);
                    self.events.push(Event::Named);
                    self.send(cx);
                }
            }
            Message::Append { epoch, from: at, entries, committed } if epoch >= disk.epoch => {
                disk.epoch = epoch;
                let sure = if disk.agreed == epoch { disk.log.len() } else { disk.committed };
                if at <= sure {
                    let longer = at + entries.len() > sure || disk.agreed != epoch;
                    if longer {
                        disk.log.truncate(at);
                        disk.log.extend(entries);
                    }
                    disk.agreed = epoch;
                    disk.committed = disk.committed.max(committed.min(disk.log.len()));
                }
                self.write(disk, cx);
                let length = if self.disk.agreed == epoch { self.disk.log.len() } else { self.disk.committed };
                cx.send(from, Message::Have { epoch, length });
            }
            Message::Have { epoch, length } if epoch == disk.epoch && self.is_named() => {
                self.events.push(Event::Has(from, length));
                disk.committed = self.acknowledged(cx.peers());
                self.write(disk, cx);
                let known = self.disk.committed;
                let answered = |t: &Ticket| self.events.iter().any(|event| matches!(event, Event::Answered(of) if of == t));
                let done: Vec<(Ticket, usize)> = self
                    .events
                    .iter()
                    .filter_map(|event| if let Event::Wrote(ticket, n) = event { Some((*ticket, *n)) } else { None })
                    .filter(|(ticket, n)| *n <= known && !answered(ticket))
                    .collect();
                for (ticket, n) in done {
                    cx.reply(ticket, Response::Written(n));
                    self.events.push(Event::Answered(ticket));
                }
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        if self.is_named() {
            self.send(cx);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match request {
            Request::Write(value) => {
                if !self.is_named() {
                    return cx.reply(ticket, Response::NotPrimary);
                }
                let mut disk = self.disk.clone();
                disk.log.push(value);
                self.events.push(Event::Wrote(ticket, disk.log.len()));
                self.write(disk, cx);
                self.send(cx);
            }
            Request::Read => {
                let known = &self.disk.log[..self.disk.committed];
                cx.reply(ticket, Response::Known(known.len(), known.last().copied()));
            }
            Request::FailOver => cx.note("not asked of a node"),
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<It>)
}
