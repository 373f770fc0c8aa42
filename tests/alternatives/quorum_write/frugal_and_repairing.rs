//! Built another way: asks just as many replicas as it needs, the nearest in number first, and the others only when those
//! are slow; a read waits for stragglers a little, and repairs those that showed something old. Numbers of reads are times.

use splitbrain::exercises::quorum_write::{Config, Held, Message, QuorumWrite, ReadId, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
enum Job {
    Write { held: Held, acks: u16 },
    Read { id: ReadId, shown: BTreeMap<NodeId, Option<Held>> },
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    peers: Vec<NodeId>,
    config: Config,
    held: Option<Held>,
    jobs: BTreeMap<Ticket, Job>,
    reads: u64,
}

fn version(held: &Option<Held>) -> Option<splitbrain::exercises::quorum_write::Version> {
    held.as_ref().map(|h| h.version)
}

impl Replica {
    fn keep(&mut self, held: Held, cx: &mut Context<'_, QuorumWrite>) {
        if version(&self.held) < Some(held.version) {
            self.held = Some(held);
            cx.save(Saved { held: self.held, ..Saved::default() });
        }
    }

    fn settle(&mut self, ticket: Ticket, last_call: bool, cx: &mut Context<'_, QuorumWrite>) {
        let Some(job) = self.jobs.get(&ticket) else { return };
        let answer = match job {
            Job::Write { acks, .. } if acks.count_ones() as usize >= self.config.w => Response::Written,
            Job::Write { .. } if last_call => Response::Unknown,
            Job::Read { shown, .. } if shown.len() >= self.config.r && (last_call || shown.len() > self.peers.len()) => {
                let newest = shown.values().copied().max_by_key(version).flatten();
                for (to, _) in shown.iter().filter(|(to, held)| **to != self.me && version(held) < version(&newest)) {
                    if let Some(held) = newest {
                        cx.send(*to, Message::Store(held));
                    }
                }
                Response::Read(newest)
            }
            Job::Read { .. } if last_call => Response::Unavailable,
            _ => return,
        };
        cx.reply(ticket, answer);
        self.jobs.remove(&ticket);
    }

    fn ask(&self, job: &Job, peers: &[NodeId], cx: &mut Context<'_, QuorumWrite>) {
        for &to in peers {
            cx.send(
                to,
                match job {
                    Job::Write { held, .. } => Message::Store(*held),
                    Job::Read { id, .. } => Message::Fetch(*id),
                },
            );
        }
    }
}

impl Node<QuorumWrite> for Replica {
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let mut peers = peers.to_vec();
        // The next in number first, around the ring.
        peers.sort_by_key(|p| (p.index() + 16 - me.index()) % 16);
        Replica { me, peers, config: config.clone(), held: saved.and_then(|s| s.held), jobs: BTreeMap::new(), reads: 0 }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, QuorumWrite>) {
        match message {
            Message::Store(held) => {
                self.keep(held, cx);
                if let Some(mine) = self.held {
                    cx.send(from, Message::Stored(mine.version));
                }
            }
            Message::Fetch(id) => cx.send(from, Message::Fetched(id, self.held)),
            Message::Stored(stored) => {
                let tickets: Vec<Ticket> = self.jobs.keys().copied().collect();
                for ticket in tickets {
                    if let Some(Job::Write { held, acks }) = self.jobs.get_mut(&ticket)
                        && held.version <= stored
                    {
                        *acks |= 1 << from.index();
                        self.settle(ticket, false, cx);
                    }
                }
            }
            Message::Fetched(of, held) => {
                let found = self.jobs.iter_mut().find_map(|(ticket, job)| match job {
                    Job::Read { id, shown } if *id == of => {
                        shown.entry(from).or_insert(held);
                        Some(*ticket)
                    }
                    _ => None,
                });
                if let Some(ticket) = found {
                    self.settle(ticket, false, cx);
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, QuorumWrite>) {
        match timer {
            Timer::Deadline(ticket) => self.settle(ticket, true, cx),
            Timer::Retry(ticket) => {
                if let Some(job) = self.jobs.get(&ticket) {
                    self.ask(job, &self.peers, cx);
                }
            }
            Timer::Tick => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, QuorumWrite>) {
        cx.set_timer(Timer::Deadline(ticket), self.config.deadline - millis(5));
        cx.set_timer(Timer::Retry(ticket), self.config.deadline / 3);
        self.reads += 1;
        let (job, needs) = match request {
            Request::Write(held) => {
                self.keep(held, cx);
                (Job::Write { held, acks: 1 << self.me.index() }, self.config.w - 1)
            }
            Request::Read => {
                let id = ReadId(cx.now().as_micros() * 1_000 + self.reads);
                (Job::Read { id, shown: [(self.me, self.held)].into() }, self.config.r - 1)
            }
        };
        self.ask(&job, &self.peers[..needs], cx);
        self.jobs.insert(ticket, job);
        self.settle(ticket, false, cx);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
