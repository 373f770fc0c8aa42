//! A new primary collects what the replicas have before it ships anything: it asks with an empty append at the end of what it knows to be
//! acknowledged, or at the beginning, and answers each Have that lags at once.

use splitbrain::exercises::primary_replica::{
    Config, Epoch, Message, PrimaryReplica, Request, Response, Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

type Cx<'a> = Context<'a, PrimaryReplica>;

const EVERY: Duration = Duration::from_millis(20);

#[derive(Clone, Debug, Hash)]
struct It {
    me: NodeId,
    config: Config,
    disk: Saved,
    leading: Option<Epoch>,
    /// By replica: how much it has, and when it was sent something last, in ticks.
    table: BTreeMap<NodeId, (usize, u64)>,
    tick: u64,
    open: BTreeMap<usize, Ticket>,
}

impl It {
    fn is_primary(&self) -> bool {
        self.leading == Some(self.disk.epoch)
    }

    fn append(&mut self, to: NodeId, from: usize, cx: &mut Cx<'_>) {
        if let Some((_, last)) = self.table.get_mut(&to) {
            *last = self.tick;
        }
        let entries = self.disk.log.split_at(from).1.to_vec();
        cx.send(to, Message::Append { epoch: self.disk.epoch, from, entries, committed: self.disk.committed });
    }

    fn acknowledged(&self) -> usize {
        let mut n = self.disk.committed;
        while n < self.disk.log.len() && self.table.values().filter(|(has, _)| *has > n).count() >= self.config.acks {
            n += 1;
        }
        n
    }

    fn take(&mut self, epoch: Epoch, at: usize, entries: Vec<u64>, committed: usize) -> usize {
        let has_agreed = self.disk.agreed == epoch;
        let fits_from = if has_agreed { self.disk.log.len() } else { self.disk.committed };
        if at > fits_from {
            return fits_from;
        }
        let end = at + entries.len();
        if !has_agreed || end > self.disk.log.len() {
            let kept: Vec<u64> = self.disk.log.drain(..at).collect();
            self.disk.log = kept.into_iter().chain(entries).collect();
        }
        self.disk.agreed = epoch;
        self.disk.committed = self.disk.committed.max(committed);
        end
    }
}

impl Node<PrimaryReplica> for It {
    fn new(me: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let disk = saved.unwrap_or_default();
        It { me, config: config.clone(), disk, leading: None, table: BTreeMap::new(), tick: 0, open: BTreeMap::new() }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Seal(epoch) if epoch >= self.disk.epoch => {
                if self.disk.epoch != epoch {
                    self.disk.epoch = epoch;
                    cx.save(self.disk.clone());
                    self.open = BTreeMap::new();
                }
                let report = Message::Report { epoch, agreed: self.disk.agreed, length: self.disk.log.len() };
                cx.send(self.config.arbiter, report);
            }
            Message::Lead(epoch) if epoch == self.disk.epoch && !self.is_primary() => {
                cx.note(format!("{} leads {epoch:?}", self.me));
                self.disk.agreed = epoch;
                cx.save(self.disk.clone());
                self.leading = Some(epoch);
                self.table.clear();
                let from = self.disk.committed;
                for to in cx.peers() {
                    self.append(*to, from, cx);
                }
                cx.set_timer(Timer::Tick, EVERY);
            }
            Message::Append { epoch, from: at, entries, committed } if epoch >= self.disk.epoch => {
                if epoch > self.disk.epoch {
                    self.open = BTreeMap::new();
                }
                self.disk.epoch = epoch;
                let length = self.take(epoch, at, entries, committed);
                cx.save(self.disk.clone());
                cx.send(from, Message::Have { epoch, length });
            }
            Message::Have { epoch, length } if Some(epoch) == self.leading && self.is_primary() => {
                let tick = self.tick;
                let row = self.table.entry(from).or_insert((0, tick));
                let is_news = length > row.0 || row.0 == 0;
                row.0 = row.0.max(length);
                let has = row.0;
                let now = self.acknowledged();
                if now > self.disk.committed {
                    self.disk.committed = now;
                    cx.save(self.disk.clone());
                    let rest = self.open.split_off(&(now + 1));
                    for (n, ticket) in std::mem::replace(&mut self.open, rest) {
                        cx.reply(ticket, Response::Written(n));
                    }
                }
                if is_news && has < self.disk.log.len() {
                    self.append(from, has, cx);
                }
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        if !self.is_primary() {
            return;
        }
        self.tick += 1;
        for to in cx.peers() {
            match self.table.get(to).copied() {
                None => self.append(*to, self.disk.committed, cx),
                Some((has, last)) if has < self.disk.log.len() || self.tick - last >= 4 => self.append(*to, has, cx),
                Some(_) => {}
            }
        }
        cx.set_timer(Timer::Tick, EVERY);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let response = match request {
            Request::Write(value) if self.is_primary() => {
                self.disk.log.push(value);
                cx.save(self.disk.clone());
                self.open.insert(self.disk.log.len(), ticket);
                return;
            }
            Request::Write(_) => Response::NotPrimary,
            _ => Response::Known(self.disk.committed, self.disk.committed.checked_sub(1).map(|at| self.disk.log[at])),
        };
        cx.reply(ticket, response);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<It>)
}
