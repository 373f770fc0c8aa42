//! Answers a quarter of what waits each millisecond, in the order in which it came; saves as early as it can, before it knows who asked.

use splitbrain::exercises::lamport_clock::{Clock, LamportClock, Message, Request, Response, Saved, Stamp, Timer, judge};
use splitbrain::prelude::*;
use std::collections::VecDeque;

#[derive(Clone, Debug, Hash)]
struct Process {
    me: NodeId,
    clock: u64,
    queue: VecDeque<(Ticket, Response)>,
}

impl Process {
    fn reaches(&mut self, time: u64, cx: &mut Context<'_, LamportClock>) -> Stamp {
        debug_assert!(time > self.clock);
        cx.save(Saved { clock: time });
        self.clock = time;
        Stamp { time, node: self.me }
    }

    fn later(&mut self, ticket: Ticket, response: Response, cx: &mut Context<'_, LamportClock>) {
        if self.queue.is_empty() {
            cx.set_timer(Timer::Tick, Duration::from_millis(1));
        }
        self.queue.push_back((ticket, response));
    }
}

impl Node<LamportClock> for Process {
    fn new(me: NodeId, _: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        Process { me, clock: saved.unwrap_or_default().clock, queue: VecDeque::new() }
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, LamportClock>) {
        self.reaches(self.clock.max(message.sent.time) + 1, cx);
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, LamportClock>) {
        for (ticket, response) in self.queue.drain(..self.queue.len().div_ceil(4)) {
            cx.reply(ticket, response);
        }
        if !self.queue.is_empty() {
            cx.set_timer(Timer::Tick, Duration::from_millis(1));
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, LamportClock>) {
        match request {
            Request::Order(mut stamps) => {
                stamps.sort_unstable_by(|a, b| (a.time, a.node).cmp(&(b.time, b.node)));
                self.later(ticket, Response::Ordered(stamps), cx);
            }
            Request::Happen => {
                let stamp = self.reaches(self.clock + 1, cx);
                self.later(ticket, Response::Stamped(stamp), cx);
            }
            Request::Send(to) => {
                let sent = self.reaches(self.clock + 1, cx);
                self.later(ticket, Response::Stamped(sent), cx);
                cx.send(to, Message { sent });
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
