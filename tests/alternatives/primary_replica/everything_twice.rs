//! Whatever it does it does twice: it saves twice, sends twice, and begins each append one entry earlier than it must.

use splitbrain::exercises::primary_replica::{
    Config, Epoch, Message, PrimaryReplica, Request, Response, Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

type Cx<'a> = Context<'a, PrimaryReplica>;

#[derive(Clone, Debug, Hash)]
struct It {
    config: Config,
    disk: Saved,
    lead: Option<(Epoch, BTreeMap<NodeId, usize>)>,
    /// Writes of any epoch of this life: one that survives is answered, whoever leads.
    open: Vec<(usize, u64, Ticket)>,
}

impl It {
    fn save(&self, cx: &mut Cx<'_>) {
        cx.save(self.disk.clone());
        cx.save(self.disk.clone());
    }

    fn twice(&self, to: NodeId, message: Message, cx: &mut Cx<'_>) {
        cx.send(to, message.clone());
        cx.send(to, message);
    }

    fn leads(&self) -> bool {
        self.lead.as_ref().is_some_and(|(epoch, _)| *epoch == self.disk.epoch)
    }

    fn raise(&mut self, epoch: Epoch) {
        self.disk.epoch = self.disk.epoch.max(epoch);
    }

    fn beat(&self, cx: &mut Cx<'_>) {
        let Some((epoch, have)) = self.lead.as_ref().filter(|_| self.leads()) else { return };
        for peer in cx.peers() {
            let from = have.get(peer).map_or(0, |has| has.saturating_sub(1));
            let entries = self.disk.log[from..].to_vec();
            self.twice(*peer, Message::Append { epoch: *epoch, from, entries, committed: self.disk.committed }, cx);
        }
        cx.set_timer(Timer::Beat, Duration::from_millis(45));
        cx.set_timer(Timer::Tick, Duration::from_millis(60));
    }

    fn answers(&mut self, cx: &mut Cx<'_>) {
        let known = self.disk.committed;
        for (n, value, ticket) in std::mem::take(&mut self.open) {
            let is_there = self.disk.log.get(n - 1) == Some(&value);
            if n > known {
                self.open.push((n, value, ticket));
            } else if is_there && self.leads() {
                cx.reply(ticket, Response::Written(n));
            }
        }
    }
}

impl Node<PrimaryReplica> for It {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        It { config: config.clone(), disk: saved.unwrap_or_default(), lead: None, open: Vec::new() }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.save(cx);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Seal(epoch) => {
                self.raise(epoch);
                self.save(cx);
                let Saved { epoch, agreed, ref log, .. } = self.disk;
                self.twice(from, Message::Report { epoch, agreed, length: log.len() }, cx);
            }
            Message::Lead(epoch) => {
                if epoch == self.disk.epoch && !self.leads() {
                    self.disk.agreed = epoch;
                    self.save(cx);
                    self.lead = Some((epoch, BTreeMap::new()));
                    // What was open in an older epoch may have been replaced since.
                    self.open.clear();
                }
                self.beat(cx);
            }
            Message::Append { epoch, from: at, entries, committed } => {
                if epoch < self.disk.epoch {
                    return;
                }
                self.raise(epoch);
                let sure = if self.disk.agreed == epoch { self.disk.log.len() } else { self.disk.committed };
                let length = if at > sure {
                    sure
                } else {
                    let tail = if self.disk.agreed == epoch { self.disk.log.split_off(sure.min(at + entries.len())) } else { Vec::new() };
                    self.disk.log.truncate(at);
                    self.disk.log.extend(entries);
                    self.disk.log.extend(tail);
                    self.disk.agreed = epoch;
                    self.disk.log.len()
                };
                let theirs = committed.min(length);
                if theirs > self.disk.committed {
                    self.disk.committed = theirs;
                }
                self.save(cx);
                self.twice(from, Message::Have { epoch, length }, cx);
            }
            Message::Have { epoch, length } if self.leads() && epoch == self.disk.epoch => {
                let Some((_, have)) = &mut self.lead else { return };
                have.entry(from).and_modify(|has| *has = length.max(*has)).or_insert(length);
                let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
                have.values().for_each(|n| *counts.entry(*n).or_default() += 1);
                let mut so_many = 0;
                let enough = counts.iter().rev().find(|(_, replicas)| {
                    so_many += **replicas;
                    so_many >= self.config.acks
                });
                if let Some((n, _)) = enough.filter(|(n, _)| **n > self.disk.committed) {
                    self.disk.committed = *n;
                    self.save(cx);
                    self.answers(cx);
                }
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        self.beat(cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match request {
            Request::Write(_) if !self.leads() => cx.reply(ticket, Response::NotPrimary),
            Request::Write(value) => {
                self.disk.log.push(value);
                self.open.push((self.disk.log.len(), value, ticket));
                self.save(cx);
                self.beat(cx);
            }
            _ => cx.reply(ticket, Response::Known(self.disk.committed, self.disk.log[..self.disk.committed].last().copied())),
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<It>)
}
