//! The whole log each time, from its first entry; whoever gets it says where that ended. Writes wait for the next beat.

use splitbrain::exercises::primary_replica::{
    Config, Epoch, Message, PrimaryReplica, Request, Response, Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

type Cx<'a> = Context<'a, PrimaryReplica>;

#[derive(Clone, Debug, Hash)]
struct It {
    arbiter: NodeId,
    acks: usize,
    disk: Saved,
    leads_in: Option<Epoch>,
    told: BTreeSet<(usize, NodeId)>,
    open: Vec<(usize, Ticket)>,
}

impl It {
    fn leads(&self) -> bool {
        self.leads_in == Some(self.disk.epoch)
    }

    fn save(&self, cx: &mut Cx<'_>) {
        cx.save(self.disk.clone());
    }

    fn beat(&self, cx: &mut Cx<'_>) {
        if self.leads() {
            let Saved { epoch, log, committed, .. } = self.disk.clone();
            cx.broadcast(Message::Append { epoch, from: 0, entries: log, committed });
            cx.set_timer(Timer::Beat, Duration::from_millis(30));
        }
    }

    fn sealed(&mut self, epoch: Epoch) {
        if self.disk.epoch < epoch {
            self.disk.epoch = epoch;
            self.told.clear();
            self.open.clear();
        }
    }
}

impl Node<PrimaryReplica> for It {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let disk = saved.unwrap_or_default();
        It { arbiter: config.arbiter, acks: config.acks, disk, leads_in: None, told: BTreeSet::new(), open: Vec::new() }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Seal(epoch) if epoch < self.disk.epoch => {}
            Message::Seal(epoch) => {
                self.sealed(epoch);
                self.save(cx);
                cx.send(self.arbiter, Message::Report { epoch, agreed: self.disk.agreed, length: self.disk.log.len() });
            }
            Message::Lead(epoch) if epoch == self.disk.epoch && !self.leads() => {
                self.leads_in = Some(epoch);
                self.disk.agreed = epoch;
                self.save(cx);
                self.beat(cx);
            }
            Message::Append { epoch, from: at, entries, committed } if epoch >= self.disk.epoch => {
                self.sealed(epoch);
                let end = at + entries.len();
                let agreed = self.disk.agreed == epoch;
                let border = if agreed { self.disk.log.len() } else { self.disk.committed };
                // One that is overtaken is answered with where it ended: it is here, after all.
                let mut length = end.min(border);
                if at <= border {
                    if !agreed || end > border {
                        self.disk.log.splice(at.., entries);
                        self.disk.agreed = epoch;
                    }
                    length = end;
                    self.disk.committed = self.disk.committed.max(committed.min(end));
                }
                self.save(cx);
                cx.send(from, Message::Have { epoch, length });
            }
            Message::Have { epoch, length } if self.leads_in == Some(epoch) && self.leads() => {
                self.told.insert((length, from));
                let lengths: BTreeSet<usize> = self.told.iter().map(|(length, _)| *length).collect();
                let who = |n: usize| self.told.range((n, NodeId::from_index(0))..).map(|(_, node)| *node).collect::<BTreeSet<_>>();
                let Some(n) = lengths.into_iter().rev().find(|n| who(*n).len() >= self.acks) else { return };
                if n <= self.disk.committed {
                    return;
                }
                self.disk.committed = n;
                self.save(cx);
                for (at, ticket) in &self.open {
                    if *at <= n {
                        cx.reply(*ticket, Response::Written(*at));
                    }
                }
                self.open.retain(|(at, _)| *at > n);
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        self.beat(cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match request {
            Request::Write(value) if self.leads() => {
                self.disk.log.push(value);
                self.open.push((self.disk.log.len(), ticket));
                self.save(cx);
            }
            Request::Write(_) => cx.reply(ticket, Response::NotPrimary),
            Request::Read | Request::FailOver => {
                let n = self.disk.committed;
                let last = if n == 0 { None } else { Some(self.disk.log[n - 1]) };
                cx.reply(ticket, Response::Known(n, last));
            }
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<It>)
}
