//! Built another way: a server is a machine of phases that is driven by a tick of a quarter of an interval alone, and counts in
//! ticks; of its life the disk knows only the number, which it takes in steps of two. The store saves each flush at once, and puts its
//! acknowledgements in a queue that a timer empties.

use splitbrain::exercises::view_counter::{Config, Counter, FlushId, Message, Request, Response, Role, Saved, Timer, ViewCounter, judge};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const TICK: Timer = Timer::Other(1);
const ANSWER: Timer = Timer::Other(2);
const TICKS: u32 = 4;

#[derive(Clone, Debug, Hash)]
enum Phase {
    /// Nothing is under way; so many ticks of the interval are left.
    Gathers { left: u32 },
    /// This is under way, and goes out again when the ticks are over.
    Holds { views: u64, left: u32 },
}

#[derive(Clone, Debug, Hash)]
enum Part {
    Server { store: NodeId, every: Duration, life: u64, sent: u64, views: u64, phase: Phase },
    Store { total: u64, counted: BTreeMap<NodeId, FlushId>, answers: VecDeque<(NodeId, FlushId)> },
}

impl Node<ViewCounter> for Part {
    fn new(_me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        match config.role {
            Role::Store => {
                let (total, counted) = match saved {
                    Some(Saved::Store { total, last, .. }) => (total, last),
                    _ => Default::default(),
                };
                Part::Store { total, counted, answers: VecDeque::new() }
            }
            Role::Server { store } => {
                let before = match saved {
                    Some(Saved::Server { incarnation, .. }) => incarnation,
                    _ => 0,
                };
                let phase = Phase::Gathers { left: TICKS };
                Part::Server { store, every: config.flush_every / TICKS, life: before + 2, sent: 0, views: 0, phase }
            }
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, ViewCounter>) {
        if let Part::Server { every, life, .. } = self {
            cx.save(Saved::Server { incarnation: *life, unflushed: 0, outbox: BTreeMap::new() });
            cx.set_timer(TICK, *every);
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ViewCounter>) {
        match self {
            Part::Server { store, every, life, sent, views, phase } if timer == TICK => {
                cx.set_timer(TICK, *every);
                let (Phase::Gathers { left } | Phase::Holds { left, .. }) = phase;
                *left = left.saturating_sub(1);
                if *left > 0 {
                    return;
                }
                *left = TICKS;
                if matches!(phase, Phase::Gathers { .. }) && *views > 0 {
                    *sent += 1;
                    *phase = Phase::Holds { views: std::mem::take(views), left: TICKS };
                }
                if let Phase::Holds { views, .. } = phase {
                    let id = FlushId { incarnation: *life, number: *sent };
                    cx.send(*store, Message::Flush { id, views: *views });
                }
            }
            Part::Store { answers, .. } if timer == ANSWER => {
                for (to, id) in answers.drain(..) {
                    cx.send(to, Message::Flushed { id });
                }
            }
            _ => {}
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, ViewCounter>) {
        match (self, message) {
            (Part::Store { total, counted, answers }, Message::Flush { id, views }) => {
                if counted.get(&from) < Some(&id) {
                    counted.insert(from, id);
                    *total += views;
                    cx.save(Saved::Store { total: *total, last: counted.clone(), seen: BTreeSet::new() });
                }
                if answers.is_empty() {
                    cx.set_timer(ANSWER, millis(8));
                }
                answers.push_back((from, id));
            }
            (Part::Server { life, sent, phase, .. }, Message::Flushed { id }) => {
                if let Phase::Holds { left, .. } = phase
                    && id == (FlushId { incarnation: *life, number: *sent })
                {
                    *phase = Phase::Gathers { left: *left };
                }
            }
            _ => {}
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, ViewCounter>) {
        match (self, request) {
            (Part::Server { views, .. }, Request::View) => *views += 1,
            (Part::Store { total, .. }, Request::Read) => cx.reply(ticket, Response::Views(*total)),
            _ => {}
        }
    }
}

impl Counter for Part {
    fn shown(&self) -> u64 {
        match self {
            Part::Store { total, .. } => *total,
            Part::Server { .. } => 0,
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Part>)
}
