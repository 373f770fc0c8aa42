//! Keeps its events: the clock is that of the last one.

use splitbrain::exercises::lamport_clock::{Clock, LamportClock, Message, Request, Response, Saved, Stamp, judge};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
struct Process {
    me: NodeId,
    base: u64,
    events: Vec<Stamp>,
}

impl Node<LamportClock> for Process {
    fn new(me: NodeId, _: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        Process { me, base: saved.map_or(0, |s| s.clock), events: Vec::new() }
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, LamportClock>) {
        let time = if message.sent.time > self.clock() { message.sent.time } else { self.clock() } + 1;
        self.events.push(Stamp { time, node: self.me });
        cx.save(Saved { clock: time });
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, LamportClock>) {
        if let Request::Order(mut stamps) = request {
            // Two passes of a stable sort: by node, then by time.
            stamps.sort_by_key(|stamp| stamp.node);
            stamps.sort_by_key(|stamp| stamp.time);
            return cx.reply(ticket, Response::Ordered(stamps));
        }
        let sent = Stamp { time: self.clock() + 1, node: self.me };
        self.events.push(sent);
        cx.save(Saved { clock: sent.time });
        if let Request::Send(to) = request {
            cx.send(to, Message { sent });
        }
        cx.reply(ticket, Response::Stamped(sent));
    }
}

impl Clock for Process {
    fn clock(&self) -> u64 {
        self.events.last().map_or(self.base, |stamp| stamp.time)
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Process>)
}
