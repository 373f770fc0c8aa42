//! Keeps the time of the next event in the place of the last one; saves before it counts.

use splitbrain::exercises::lamport_clock::{Clock, LamportClock, Message, Request, Response, Saved, Stamp, judge};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
struct Process {
    me: NodeId,
    next: u64,
}

impl Process {
    fn take(&mut self, cx: &mut Context<'_, LamportClock>) -> Stamp {
        cx.save(Saved { clock: self.next });
        let time = self.next;
        self.next += 1;
        Stamp { time, node: self.me }
    }
}

impl Node<LamportClock> for Process {
    fn new(me: NodeId, _: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        Process { me, next: saved.unwrap_or_default().clock + 1 }
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, LamportClock>) {
        self.next = self.next.max(message.sent.time + 1);
        self.take(cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, LamportClock>) {
        match request {
            Request::Happen => {
                let stamp = self.take(cx);
                cx.reply(ticket, Response::Stamped(stamp));
            }
            Request::Send(to) => {
                let sent = self.take(cx);
                cx.send(to, Message { sent });
                cx.reply(ticket, Response::Stamped(sent));
            }
            Request::Order(mut stamps) => {
                stamps.sort_by_cached_key(|stamp| u128::from(stamp.time) << 64 | stamp.node.index() as u128);
                cx.reply(ticket, Response::Ordered(stamps));
            }
        }
    }
}

impl Clock for Process {
    fn clock(&self) -> u64 {
        self.next - 1
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Process>)
}
