//! The reference: one number, which is on the disk before anybody hears of it.

use splitbrain::exercises::lamport_clock::{
    Clock, LamportClock, Message, Request, Response, Saved, Stamp, judge,
};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
struct Process {
    me: NodeId,
    clock: u64,
}

impl Process {
    /// Something happens, and knows of everything up to `known`: the clock goes past both (Lamport's IR1 and IR2).
    fn event(&mut self, known: u64, cx: &mut Context<'_, LamportClock>) -> Stamp {
        self.clock = self.clock.max(known) + 1;
        // First, as the crash may come before the next effect: a stamp that was given out must not be given again.
        cx.save(Saved { clock: self.clock });
        Stamp {
            time: self.clock,
            node: self.me,
        }
    }
}

impl Node<LamportClock> for Process {
    fn new(me: NodeId, _peers: &[NodeId], _config: &(), saved: Option<Saved>) -> Self {
        Process {
            me,
            clock: saved.unwrap_or_default().clock,
        }
    }

    fn on_message(&mut self, _from: NodeId, message: Message, cx: &mut Context<'_, LamportClock>) {
        self.event(message.sent.time, cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, LamportClock>) {
        match request {
            Request::Happen => {
                let stamp = self.event(0, cx);
                cx.reply(ticket, Response::Stamped(stamp));
            }
            Request::Send(to) => {
                let sent = self.event(0, cx);
                cx.send(to, Message { sent });
                cx.reply(ticket, Response::Stamped(sent));
            }
            Request::Order(mut stamps) => {
                // Any rule would do that all nodes share; the node makes it a total one, as no two stamps of a node are equal.
                stamps.sort_unstable_by_key(|stamp| (stamp.time, stamp.node));
                cx.reply(ticket, Response::Ordered(stamps));
            }
        }
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
