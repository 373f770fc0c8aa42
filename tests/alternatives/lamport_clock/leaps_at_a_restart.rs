//! Begins each life well above the last one, and saves that at once; saves more often than it must.

use splitbrain::exercises::lamport_clock::{Clock, LamportClock, Message, Request, Response, Saved, Stamp, judge};
use splitbrain::prelude::*;

const LEAP_BY: u64 = 500;

#[derive(Clone, Debug, Hash)]
struct Process {
    me: NodeId,
    clock: u64,
}

impl Process {
    fn event(&mut self, known: u64, cx: &mut Context<'_, LamportClock>) -> Stamp {
        let time = std::cmp::max(known, self.clock) + 1;
        cx.save(Saved { clock: time });
        self.clock = time;
        cx.note("an event");
        cx.save(Saved { clock: time });
        Stamp { time, node: self.me }
    }
}

impl Node<LamportClock> for Process {
    fn new(me: NodeId, _: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        Process { me, clock: saved.map_or(0, |saved| saved.clock + LEAP_BY) }
    }

    fn on_start(&mut self, cx: &mut Context<'_, LamportClock>) {
        cx.save(Saved { clock: self.clock });
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, LamportClock>) {
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
            Request::Order(stamps) => {
                let mut left = stamps;
                let mut ordered = Vec::new();
                while let Some(first) = (0..left.len()).min_by_key(|i| (left[*i].time, left[*i].node)) {
                    ordered.push(left.swap_remove(first));
                }
                cx.reply(ticket, Response::Ordered(ordered));
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
