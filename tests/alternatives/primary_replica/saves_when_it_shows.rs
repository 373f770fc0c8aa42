//! What is acknowledged is saved when a read shows it, or with the next save; and the log is kept in two parts, with a border that moves.

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
    epoch: Epoch,
    agreed: Epoch,
    /// Known to be acknowledged, and what comes after.
    sure: Vec<u64>,
    rest: Vec<u64>,
    /// How much of the sure part the disk knows of.
    written: usize,
    leading: bool,
    have: Vec<(NodeId, usize)>,
    open: BTreeMap<usize, Ticket>,
}

impl It {
    fn log(&self) -> Vec<u64> {
        [&self.sure[..], &self.rest[..]].concat()
    }

    fn length(&self) -> usize {
        self.sure.len() + self.rest.len()
    }

    fn writes(&mut self, cx: &mut Cx<'_>) {
        self.written = self.sure.len();
        cx.save(Saved { epoch: self.epoch, agreed: self.agreed, log: self.log(), committed: self.written });
    }

    fn moves(&mut self, committed: usize) {
        let more = committed.saturating_sub(self.sure.len()).min(self.rest.len());
        self.sure.extend(self.rest.drain(..more));
    }

    fn newer(&mut self, epoch: Epoch) -> bool {
        let is = epoch > self.epoch;
        if is {
            (self.epoch, self.leading) = (epoch, false);
            self.have.clear();
            self.open.clear();
        }
        is
    }

    fn ships(&self, cx: &mut Cx<'_>) {
        if !self.leading {
            return;
        }
        for peer in cx.peers() {
            let known = self.have.iter().find(|(node, _)| node == peer);
            let from = known.map_or(self.sure.len(), |(_, n)| *n);
            let entries = self.log().split_off(from);
            cx.send(*peer, Message::Append { epoch: self.epoch, from, entries, committed: self.sure.len() });
        }
        cx.set_timer(Timer::Beat, Duration::from_millis(80));
    }
}

impl Node<PrimaryReplica> for It {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let Saved { epoch, agreed, log: mut sure, committed } = saved.unwrap_or_default();
        let rest = sure.split_off(committed);
        let (have, open) = (Vec::new(), BTreeMap::new());
        It { config: config.clone(), epoch, agreed, sure, rest, written: committed, leading: false, have, open }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Seal(epoch) => {
                if self.newer(epoch) {
                    self.writes(cx);
                }
                // An older one is told what holds now.
                let (epoch, agreed, length) = (self.epoch, self.agreed, self.length());
                cx.send(from, Message::Report { epoch, agreed, length });
            }
            Message::Lead(epoch) if epoch == self.epoch => {
                if !self.leading {
                    self.leading = true;
                    if self.agreed != epoch {
                        self.agreed = epoch;
                        self.writes(cx);
                    }
                    self.ships(cx);
                }
            }
            Message::Append { epoch, from: at, entries, committed } if epoch >= self.epoch => {
                let mut dirty = self.newer(epoch);
                let end = at + entries.len();
                if self.agreed == epoch {
                    let has = self.length();
                    if at <= has && end > has {
                        self.rest.extend(&entries[has - at..]);
                        dirty = true;
                    }
                } else if at <= self.sure.len() {
                    self.rest = entries[self.sure.len() - at..].to_vec();
                    self.agreed = epoch;
                    dirty = true;
                }
                let agrees = self.agreed == epoch;
                if agrees {
                    self.moves(committed);
                }
                if dirty {
                    self.writes(cx);
                }
                let length = if agrees { self.length() } else { self.sure.len() };
                cx.send(from, Message::Have { epoch, length });
            }
            Message::Have { epoch, length } if epoch == self.epoch && self.leading => {
                match self.have.iter_mut().find(|(node, _)| *node == from) {
                    Some((_, n)) => *n = length.max(*n),
                    None => self.have.push((from, length)),
                }
                self.have.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
                if let Some((_, n)) = self.have.get(self.config.acks - 1) {
                    self.moves(*n);
                }
                while let Some(first) = self.open.first_entry().filter(|first| *first.key() <= self.sure.len()) {
                    let (n, ticket) = first.remove_entry();
                    cx.reply(ticket, Response::Written(n));
                }
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        self.ships(cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match request {
            Request::Write(_) if !self.leading => cx.reply(ticket, Response::NotPrimary),
            Request::Write(value) => {
                self.rest.push(value);
                self.open.insert(self.length(), ticket);
                self.writes(cx);
                self.ships(cx);
            }
            _ => {
                if self.written < self.sure.len() {
                    self.writes(cx);
                }
                cx.reply(ticket, Response::Known(self.sure.len(), self.sure.last().copied()));
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<It>)
}
