//! Saves seldom: what is on the disk is a bound that the clock has not come to; a restart goes on from there.

use splitbrain::exercises::lamport_clock::{Clock, LamportClock, Message, Request, Response, Saved, Stamp, judge};
use splitbrain::prelude::*;

/// How far ahead of the clock the bound is set.
const AHEAD: u64 = 100;

#[derive(Clone, Debug, Hash)]
struct Process {
    me: NodeId,
    clock: u64,
    bound: u64,
}

impl Process {
    fn tick(&mut self, known: u64, cx: &mut Context<'_, LamportClock>) -> Stamp {
        self.clock = self.clock.max(known) + 1;
        if self.clock > self.bound {
            self.bound = self.clock + AHEAD;
            cx.save(Saved { clock: self.bound });
        }
        Stamp { time: self.clock, node: self.me }
    }
}

impl Node<LamportClock> for Process {
    fn new(me: NodeId, _: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        let bound = saved.map_or(0, |saved| saved.clock);
        Process { me, clock: bound, bound }
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, LamportClock>) {
        self.tick(message.sent.time, cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, LamportClock>) {
        let response = match request {
            Request::Happen => Response::Stamped(self.tick(0, cx)),
            Request::Send(to) => {
                let sent = self.tick(0, cx);
                cx.send(to, Message { sent });
                Response::Stamped(sent)
            }
            Request::Order(mut stamps) => {
                stamps.sort_by(|a, b| a.time.cmp(&b.time).then(a.node.cmp(&b.node)));
                Response::Ordered(stamps)
            }
        };
        cx.reply(ticket, response);
    }
}

impl Clock for Process {
    fn clock(&self) -> u64 {
        self.clock
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Process>)
}
