//! Built another way: a tick of 8 ms that runs only while there is something to do. What comes in is a candidate until the
//! tick saves it; answers, repeats and deadlines are the tick's, too, and requests are one list. Numbers of reads are drawn
//! from all 64 bits.

use splitbrain::exercises::quorum_write::{Config, Held, Message, QuorumWrite, ReadId, Request, Response, Saved, Timer, Version, judge};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
enum Kind {
    Write(Held),
    Read(ReadId),
}

/// One request under way.
#[derive(Clone, Debug, Hash)]
struct Job {
    ticket: Ticket,
    kind: Kind,
    until: Time,
    ticks: u32,
    heard: Vec<(NodeId, Option<Held>)>,
}

/// Everything happens at a tick: one save for all that has come in, acknowledgements, repeats, deadlines.
#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    peers: Vec<NodeId>,
    config: Config,
    safe: Option<Held>,
    candidate: Option<Held>,
    owed: Vec<(NodeId, Version)>,
    asked: Vec<(NodeId, ReadId)>,
    jobs: Vec<Job>,
    ticking: bool,
}

const TICK: u64 = 8;

impl Replica {
    fn wake(&mut self, cx: &mut Context<'_, QuorumWrite>) {
        if !self.ticking {
            self.ticking = true;
            cx.set_timer(Timer::Tick, millis(TICK));
        }
    }

    fn offer(&mut self, held: Held) {
        let best = self.candidate.or(self.safe);
        if best.is_none_or(|b| b.version < held.version) {
            self.candidate = Some(held);
        }
    }

    fn commit(&mut self, cx: &mut Context<'_, QuorumWrite>) {
        if let Some(new) = self.candidate.take() {
            self.safe = Some(new);
            cx.save(Saved {
                held: self.safe,
                counter: 0,
            });
        }
        for (to, version) in std::mem::take(&mut self.owed) {
            cx.send(to, Message::Stored(version));
        }
        for (to, id) in std::mem::take(&mut self.asked) {
            cx.send(to, Message::Fetched(id, self.safe));
        }
        for job in &mut self.jobs {
            if !job.heard.iter().any(|(n, _)| *n == self.me) {
                job.heard.push((self.me, self.safe));
            }
        }
    }
}

impl Node<QuorumWrite> for Replica {
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Replica {
            me,
            peers: peers.to_vec(),
            config: config.clone(),
            safe: saved.and_then(|s| s.held),
            candidate: None,
            owed: Vec::new(),
            asked: Vec::new(),
            jobs: Vec::new(),
            ticking: false,
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, QuorumWrite>) {
        match message {
            Message::Store(held) => {
                self.offer(held);
                self.owed.push((from, held.version));
            }
            Message::Fetch(id) => self.asked.push((from, id)),
            Message::Stored(version) => {
                for job in &mut self.jobs {
                    if matches!(&job.kind, Kind::Write(h) if h.version <= version)
                        && !job.heard.iter().any(|(n, _)| *n == from)
                    {
                        job.heard.push((from, None));
                    }
                }
            }
            Message::Fetched(id, held) => {
                for job in &mut self.jobs {
                    if job.kind == Kind::Read(id) && !job.heard.iter().any(|(n, _)| *n == from) {
                        job.heard.push((from, held));
                    }
                }
            }
        }
        self.wake(cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, QuorumWrite>) {
        let kind = match request {
            Request::Write(held) => {
                self.offer(held);
                Kind::Write(held)
            }
            Request::Read => Kind::Read(ReadId(cx.random(0..=u64::MAX))),
        };
        let until = cx.now() + self.config.deadline;
        self.jobs.push(Job {
            ticket,
            kind,
            until,
            ticks: 0,
            heard: Vec::new(),
        });
        self.wake(cx);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, QuorumWrite>) {
        self.ticking = false;
        self.commit(cx);
        let mut left = Vec::new();
        for mut job in std::mem::take(&mut self.jobs) {
            let need = match job.kind {
                Kind::Write(_) => self.config.w,
                Kind::Read(_) => self.config.r,
            };
            if job.heard.len() >= need {
                let best = job
                    .heard
                    .iter()
                    .filter_map(|(_, h)| *h)
                    .max_by_key(|h| h.version);
                cx.reply(
                    job.ticket,
                    match job.kind {
                        Kind::Write(_) => Response::Written,
                        Kind::Read(_) => Response::Read(best),
                    },
                );
                continue;
            }
            if cx.now() >= job.until {
                cx.reply(
                    job.ticket,
                    match job.kind {
                        Kind::Write(_) => Response::Unknown,
                        Kind::Read(_) => Response::Unavailable,
                    },
                );
                continue;
            }
            if job.ticks % 3 == 0 {
                for &p in &self.peers {
                    if !job.heard.iter().any(|(n, _)| *n == p) {
                        cx.send(
                            p,
                            match job.kind {
                                Kind::Write(held) => Message::Store(held),
                                Kind::Read(id) => Message::Fetch(id),
                            },
                        );
                    }
                }
            }
            job.ticks += 1;
            left.push(job);
        }
        self.jobs = left;
        if !self.jobs.is_empty() {
            self.wake(cx);
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
