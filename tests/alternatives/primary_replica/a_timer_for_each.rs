//! Each replica has a timer of its own, and is asked first with an empty append; one that lags is sent the rest as soon as it says so.

use splitbrain::exercises::primary_replica::{
    Config, Epoch, Message, PrimaryReplica, Request, Response, Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

type Cx<'a> = Context<'a, PrimaryReplica>;

#[derive(Clone, Debug, Hash)]
struct Peer {
    /// What it has said that it has.
    has: Option<usize>,
}

#[derive(Clone, Debug, Hash)]
enum Role {
    Follows,
    Leads { peers: BTreeMap<NodeId, Peer>, waiting: Vec<(Ticket, usize, BTreeSet<NodeId>)> },
}

#[derive(Clone, Debug, Hash)]
struct It {
    config: Config,
    disk: Saved,
    role: Role,
}

impl It {
    fn send_to(&self, to: NodeId, has: Option<usize>, cx: &mut Cx<'_>) {
        let Saved { epoch, log, committed, .. } = &self.disk;
        let from = has.unwrap_or(log.len());
        let entries = log.iter().skip(from).copied().collect();
        cx.send(to, Message::Append { epoch: *epoch, from, entries, committed: *committed });
        cx.set_timer(Timer::Peer(to), Duration::from_millis(70));
    }

    fn enters(&mut self, epoch: Epoch, cx: &mut Cx<'_>) -> bool {
        if epoch > self.disk.epoch {
            self.disk.epoch = epoch;
            self.role = Role::Follows;
            cx.save(self.disk.clone());
        }
        epoch == self.disk.epoch
    }

    fn heard(&mut self, from: NodeId, length: usize, cx: &mut Cx<'_>) {
        let Role::Leads { peers, waiting } = &mut self.role else { return };
        let Some(peer) = peers.get_mut(&from) else { return };
        let is_first = peer.has.is_none();
        let has = peer.has.map_or(length, |has| has.max(length));
        peer.has = Some(has);
        // Replicas that lag from the beginning, too, make what is old acknowledged.
        let mut all: Vec<usize> = peers.values().map(|peer| peer.has.unwrap_or(0)).collect();
        all.sort_unstable();
        all.reverse();
        let enough = all.get(self.config.acks - 1).copied().unwrap_or(0);
        for (_, n, who) in waiting.iter_mut() {
            if *n <= has {
                who.insert(from);
            }
        }
        let acks = self.config.acks;
        let done: Vec<(Ticket, usize)> = waiting.iter().filter(|(.., who)| who.len() >= acks).map(|(t, n, _)| (*t, *n)).collect();
        waiting.retain(|(.., who)| who.len() < acks);
        let commit = done.iter().map(|(_, n)| *n).max().unwrap_or(0).max(enough);
        if commit > self.disk.committed {
            self.disk.committed = commit;
            cx.save(self.disk.clone());
        }
        for (ticket, n) in done {
            cx.reply(ticket, Response::Written(n));
        }
        if is_first && has < self.disk.log.len() {
            self.send_to(from, Some(has), cx);
        }
    }
}

impl Node<PrimaryReplica> for It {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        It { config: config.clone(), disk: saved.unwrap_or_default(), role: Role::Follows }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Seal(epoch) => {
                if self.enters(epoch, cx) {
                    let (agreed, length) = (self.disk.agreed, self.disk.log.len());
                    cx.send(self.config.arbiter, Message::Report { epoch, agreed, length });
                }
            }
            Message::Lead(epoch) => {
                if epoch != self.disk.epoch || matches!(self.role, Role::Leads { .. }) {
                    return;
                }
                self.disk.agreed = epoch;
                cx.save(self.disk.clone());
                let peers = cx.peers().iter().map(|peer| (*peer, Peer { has: None })).collect();
                self.role = Role::Leads { peers, waiting: Vec::new() };
                for peer in cx.peers() {
                    self.send_to(*peer, None, cx);
                }
            }
            Message::Append { epoch, from: at, entries, committed } => {
                if !self.enters(epoch, cx) {
                    return;
                }
                let disk = &mut self.disk;
                let before = disk.clone();
                let agreed = disk.agreed == epoch;
                let fits = at <= if agreed { disk.log.len() } else { disk.committed };
                if fits {
                    for (i, entry) in (at..).zip(&entries) {
                        match disk.log.get(i) {
                            Some(has) if has == entry => {}
                            Some(_) => {
                                disk.log.truncate(i);
                                disk.log.push(*entry);
                            }
                            None => disk.log.push(*entry),
                        }
                    }
                    if !agreed {
                        disk.log.truncate(at + entries.len());
                        disk.agreed = epoch;
                    }
                }
                let sure = if disk.agreed == epoch { disk.log.len() } else { disk.committed };
                disk.committed = disk.committed.max(committed.min(sure));
                if *disk != before {
                    cx.save(self.disk.clone());
                }
                cx.send(from, Message::Have { epoch, length: sure });
            }
            Message::Have { epoch, length } if epoch == self.disk.epoch => self.heard(from, length, cx),
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        if let (Timer::Peer(to), Role::Leads { peers, .. }) = (timer, &self.role) {
            self.send_to(to, peers[&to].has, cx);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let answer = match (request, &mut self.role) {
            (Request::Write(value), Role::Leads { waiting, peers }) => {
                self.disk.log.push(value);
                waiting.push((ticket, self.disk.log.len(), BTreeSet::new()));
                let peers = peers.clone();
                cx.save(self.disk.clone());
                for (to, peer) in peers {
                    self.send_to(to, peer.has, cx);
                }
                return;
            }
            (Request::Write(_), Role::Follows) => Response::NotPrimary,
            _ => {
                let known = &self.disk.log[..self.disk.committed];
                Response::Known(known.len(), known.last().copied())
            }
        };
        cx.reply(ticket, answer);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<It>)
}
