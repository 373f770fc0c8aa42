//! Three states, each a type of its own, and what comes in leads from one to the next; entries know in which epoch they came here.

use splitbrain::exercises::primary_replica::{
    Config, Epoch, Message, PrimaryReplica, Request, Response, Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

type Cx<'a> = Context<'a, PrimaryReplica>;

/// Sealed: waits for a primary of this epoch.
#[derive(Clone, Debug, Hash)]
struct Sealed;

/// Follows a primary of this epoch.
#[derive(Clone, Debug, Hash)]
struct Follower {
    primary: NodeId,
}

#[derive(Clone, Debug, Hash, Default)]
struct Primary {
    progress: BTreeMap<NodeId, usize>,
    clients: BTreeMap<usize, Ticket>,
}

#[derive(Clone, Debug, Hash)]
enum State {
    Sealed(Sealed),
    Follower(Follower),
    Primary(Primary),
}

#[derive(Clone, Debug, Hash)]
struct It {
    config: Config,
    state: State,
    disk: Saved,
    /// In which epoch each entry came: nobody asks.
    came_in: Vec<Epoch>,
}

impl It {
    fn persist(&mut self, change: impl FnOnce(&mut Saved), cx: &mut Cx<'_>) {
        let mut next = self.disk.clone();
        change(&mut next);
        if next != self.disk {
            self.came_in.truncate(next.log.len());
            self.came_in.resize(next.log.len(), next.agreed);
            self.disk = next;
            cx.save(self.disk.clone());
        }
    }

    fn seal(&mut self, epoch: Epoch, cx: &mut Cx<'_>) {
        if epoch > self.disk.epoch {
            self.state = State::Sealed(Sealed);
            self.persist(|disk| disk.epoch = epoch, cx);
        }
    }

    fn on_append(&mut self, from: NodeId, at: usize, entries: &[u64], committed: usize, cx: &mut Cx<'_>) -> usize {
        match &self.state {
            State::Follower(Follower { primary }) if *primary == from => {
                let has = self.disk.log.len();
                if at > has {
                    return has;
                }
                let new: Vec<u64> = entries.iter().skip(has - at).copied().collect();
                let all = has + new.len();
                self.persist(
                    |disk| {
                        disk.log.extend(new);
                        disk.committed = disk.committed.max(committed.min(all));
                    },
                    cx,
                );
                all
            }
            State::Primary(_) => self.disk.log.len(),
            _ => {
                let known = self.disk.committed;
                let resumes = self.disk.agreed == self.disk.epoch;
                if resumes {
                    // After a restart: it had agreed before.
                    self.state = State::Follower(Follower { primary: from });
                    return self.on_append(from, at, entries, committed, cx);
                }
                if at > known {
                    return known;
                }
                let end = at + entries.len();
                self.persist(
                    |disk| {
                        disk.agreed = disk.epoch;
                        disk.log.splice(at.., entries.iter().copied());
                        disk.committed = known.max(committed.min(end));
                    },
                    cx,
                );
                self.state = State::Follower(Follower { primary: from });
                end
            }
        }
    }

    fn replicate(&self, primary: &Primary, cx: &mut Cx<'_>) {
        for peer in cx.peers() {
            let from = primary.progress.get(peer).copied().unwrap_or_default();
            let Saved { epoch, ref log, committed, .. } = self.disk;
            cx.send(*peer, Message::Append { epoch, from, entries: log[from..].into(), committed });
        }
        cx.set_timer(Timer::Beat, Duration::from_millis(95));
    }
}

impl Node<PrimaryReplica> for It {
    fn new(_: NodeId, _: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let disk = saved.unwrap_or_default();
        let came_in = vec![disk.agreed; disk.log.len()];
        It { config: config.clone(), state: State::Sealed(Sealed), disk, came_in }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let epoch = match &message {
            Message::Seal(epoch) | Message::Lead(epoch) => *epoch,
            Message::Append { epoch, .. } | Message::Have { epoch, .. } | Message::Report { epoch, .. } => *epoch,
        };
        if epoch < self.disk.epoch {
            return;
        }
        match message {
            Message::Seal(_) => {
                self.seal(epoch, cx);
                let (agreed, length) = (self.disk.agreed, self.disk.log.len());
                cx.send(from, Message::Report { epoch, agreed, length });
            }
            Message::Append { from: at, entries, committed, .. } => {
                self.seal(epoch, cx);
                let length = self.on_append(from, at, &entries, committed, cx);
                cx.send(from, Message::Have { epoch, length });
            }
            Message::Lead(_) if epoch == self.disk.epoch => {
                if let State::Sealed(_) = self.state {
                    self.persist(|disk| disk.agreed = epoch, cx);
                    let primary = Primary::default();
                    self.replicate(&primary, cx);
                    self.state = State::Primary(primary);
                }
            }
            Message::Have { length, .. } => {
                let State::Primary(primary) = &mut self.state else { return };
                let progress = primary.progress.entry(from).or_default();
                if length <= *progress {
                    return;
                }
                *progress = length;
                let acks = self.config.acks;
                let safe = |n: usize| primary.progress.values().filter(|has| **has >= n).count() >= acks;
                let known = (self.disk.committed + 1..=self.disk.log.len()).take_while(|n| safe(*n)).last();
                let done: Vec<(usize, Ticket)> = match known {
                    Some(known) => primary.clients.extract_if(..=known, |_, _| true).collect(),
                    None => return,
                };
                self.persist(|disk| disk.committed = known.unwrap_or(disk.committed), cx);
                done.into_iter().for_each(|(length, ticket)| cx.reply(ticket, Response::Written(length)));
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        if let State::Primary(primary) = &self.state {
            self.replicate(primary, cx);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match (request, &self.state) {
            (Request::Write(value), State::Primary(primary)) => {
                let mut primary = primary.clone();
                self.persist(|disk| disk.log.push(value), cx);
                primary.clients.insert(self.disk.log.len(), ticket);
                self.replicate(&primary, cx);
                self.state = State::Primary(primary);
            }
            (Request::Write(_), _) => cx.reply(ticket, Response::NotPrimary),
            (Request::Read, _) => {
                let known = self.disk.committed;
                cx.reply(ticket, Response::Known(known, self.disk.log.iter().take(known).last().copied()));
            }
            (Request::FailOver, _) => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<It>)
}
