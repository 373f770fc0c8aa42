//! Built another way: as few as could do are asked first, those after this node in number, so that the load spreads; the
//! others 20 ms later; whoever was silent once more after 50, half of them by a Fetch, as only the acknowledgement may have
//! been lost. What counts is a bit for each peer; a number is the life in its upper half and a count in its lower.

use splitbrain::exercises::quorum_write::{Config, Held, Message, QuorumWrite, ReadId, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

/// How far a request has gone: as few as could do, then the others, then each that was silent once more.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Stage {
    Few,
    All,
    Again,
}

#[derive(Clone, Debug, Hash)]
enum What {
    Write { held: Held, check: ReadId },
    Read { id: ReadId, best: Option<Held> },
}

#[derive(Clone, Debug, Hash)]
struct Asking {
    what: What,
    stage: Stage,
    /// Bit i: the peer at i has answered.
    heard: u32,
}

/// Few messages: W − 1 or R − 1 peers first, starting after this node so that the load spreads; no repair.
#[derive(Clone, Debug, Hash)]
struct Replica {
    peers: Vec<NodeId>,
    config: Config,
    held: Option<Held>,
    counter: u64,
    life: u64,
    open: BTreeMap<Ticket, Asking>,
}

type Cx<'a, 'b> = &'a mut Context<'b, QuorumWrite>;

impl Replica {
    fn save(&self, cx: Cx) {
        cx.save(Saved {
            held: self.held,
            counter: self.life,
        });
    }

    fn take(&mut self, held: Held, cx: Cx) {
        match self.held {
            Some(mine) if mine.version >= held.version => {}
            _ => {
                self.held = Some(held);
                self.save(cx);
            }
        }
    }

    /// The life in the upper half, the count in the lower: one save for each life.
    fn fresh(&mut self) -> ReadId {
        self.counter += 1;
        ReadId(self.life << 32 | self.counter)
    }

    fn need(&self, what: &What) -> usize {
        match what {
            What::Write { .. } => self.config.w - 1,
            What::Read { .. } => self.config.r - 1,
        }
    }

    fn say(&self, asking: &Asking, from: usize, to: usize, cx: Cx) {
        for i in from..to.min(self.peers.len()) {
            if asking.heard & (1 << i) != 0 {
                continue;
            }
            let message = match &asking.what {
                // Perhaps only its acknowledgement was lost: what it shows will do as well.
                What::Write { check, .. } if asking.stage == Stage::Again && i % 2 == 0 => {
                    Message::Fetch(*check)
                }
                What::Write { held, .. } => Message::Store(*held),
                What::Read { id, .. } => Message::Fetch(*id),
            };
            cx.send(self.peers[i], message);
        }
    }

    fn hear(&mut self, ticket: Ticket, from: NodeId, cx: Cx) {
        let Some(i) = self.peers.iter().position(|p| *p == from) else {
            return;
        };
        let asking = self.open.get_mut(&ticket).expect("open");
        asking.heard |= 1 << i;
        let asking = asking.clone();
        if asking.heard.count_ones() as usize >= self.need(&asking.what) {
            self.close(ticket, true, cx);
        }
    }

    fn close(&mut self, ticket: Ticket, good: bool, cx: Cx) {
        let Some(asking) = self.open.remove(&ticket) else {
            return;
        };
        cx.cancel_timer(Timer::Deadline(ticket));
        cx.cancel_timer(Timer::Retry(ticket));
        cx.reply(
            ticket,
            match (asking.what, good) {
                (What::Write { .. }, true) => Response::Written,
                (What::Write { .. }, false) => Response::Unknown,
                (What::Read { best, .. }, true) => Response::Read(best),
                (What::Read { .. }, false) => Response::Unavailable,
            },
        );
    }
}

impl Node<QuorumWrite> for Replica {
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let saved = saved.unwrap_or_default();
        let (mut after, before): (Vec<NodeId>, Vec<NodeId>) = peers.iter().partition(|p| **p > me);
        after.extend(before);
        Replica {
            peers: after,
            config: config.clone(),
            held: saved.held,
            counter: 0,
            life: saved.counter + 1,
            open: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, QuorumWrite>) {
        self.save(cx);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, QuorumWrite>) {
        match message {
            Message::Store(held) => {
                self.take(held, cx);
                cx.send(from, Message::Stored(held.version));
            }
            Message::Fetch(id) => cx.send(from, Message::Fetched(id, self.held)),
            Message::Stored(version) => {
                let open: Vec<Ticket> = self.open.keys().copied().collect();
                for t in open {
                    if matches!(&self.open[&t].what, What::Write { held, .. } if held.version <= version)
                    {
                        self.hear(t, from, cx);
                    }
                }
            }
            Message::Fetched(id, shown) => {
                let open: Vec<Ticket> = self.open.keys().copied().collect();
                for t in open {
                    match &mut self.open.get_mut(&t).unwrap().what {
                        What::Read { id: i, best } if *i == id => {
                            if best.is_none_or(|b| shown.is_some_and(|s| s.version > b.version)) {
                                *best = shown;
                            }
                            self.hear(t, from, cx);
                        }
                        What::Write { held, check } if *check == id => {
                            let held = *held;
                            if shown.is_some_and(|s| s.version >= held.version) {
                                self.hear(t, from, cx);
                            } else {
                                cx.send(from, Message::Store(held));
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, QuorumWrite>) {
        let check = self.fresh();
        let what = match request {
            Request::Write(held) => {
                self.take(held, cx);
                What::Write { held, check }
            }
            Request::Read => What::Read {
                id: check,
                best: self.held,
            },
        };
        let asking = Asking {
            what,
            stage: Stage::Few,
            heard: 0,
        };
        let need = self.need(&asking.what);
        self.open.insert(ticket, asking.clone());
        if need == 0 {
            return self.close(ticket, true, cx);
        }
        self.say(&asking, 0, need, cx);
        cx.set_timer(Timer::Retry(ticket), millis(20));
        cx.set_timer(Timer::Deadline(ticket), self.config.deadline);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, QuorumWrite>) {
        match timer {
            Timer::Deadline(t) => self.close(t, false, cx),
            Timer::Retry(t) => {
                let Some(asking) = self.open.get_mut(&t) else {
                    return;
                };
                let first = asking.stage == Stage::Few;
                asking.stage = if first { Stage::All } else { Stage::Again };
                let asking = asking.clone();
                let need = self.need(&asking.what);
                self.say(&asking, if first { need } else { 0 }, usize::MAX, cx);
                if first {
                    cx.set_timer(Timer::Retry(t), millis(30));
                }
            }
            Timer::Tick => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
