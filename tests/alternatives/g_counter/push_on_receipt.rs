//! Built another way: whoever learns something new passes it on at once, and a slow heartbeat repeats it; ids are never
//! forgotten because what is counted *is* the set of ids, and what was counted before the oldest of them.

use splitbrain::exercises::g_counter::{Counter, Counts, GCounter, Message, Request, Response, Saved, Timer, judge};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    /// What was counted before the oldest id that is on record.
    before: u64,
    kept: Saved,
    others: Counts,
}

impl Replica {
    fn all(&self) -> Counts {
        let mut all = self.others.clone();
        all.insert(self.me, self.before + self.kept.ops.len() as u64);
        all
    }
}

impl Node<GCounter> for Replica {
    fn new(me: NodeId, _: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        let kept = saved.unwrap_or_default();
        let before = kept.counts.get(&me).copied().unwrap_or(0) - kept.ops.len() as u64;
        Replica { me, before, kept, others: Counts::new() }
    }

    fn on_start(&mut self, cx: &mut Context<'_, GCounter>) {
        cx.broadcast(Message::Counts(self.all()));
        cx.set_timer(Timer::Gossip, millis(250));
    }

    fn on_message(&mut self, _: NodeId, Message::Counts(theirs): Message, cx: &mut Context<'_, GCounter>) {
        let before = self.others.clone();
        for (who, n) in theirs.into_iter().filter(|(who, _)| *who != self.me) {
            let known = self.others.entry(who).or_insert(0);
            *known = n.max(*known);
        }
        if self.others != before {
            cx.broadcast(Message::Counts(self.all()));
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, GCounter>) {
        cx.set_timer(timer, millis(250));
        cx.broadcast(Message::Counts(self.all()));
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, GCounter>) {
        let response = match request {
            Request::Read => Response::Value(self.value()),
            Request::Increment(op) => {
                if self.kept.ops.insert(op) {
                    self.kept.counts = self.all();
                    cx.save(self.kept.clone());
                }
                Response::Done
            }
        };
        cx.reply(ticket, response);
    }
}

impl Counter for Replica {
    fn value(&self) -> u64 {
        self.all().values().sum()
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
