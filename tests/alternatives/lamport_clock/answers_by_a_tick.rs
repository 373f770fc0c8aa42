//! Answers what came by a tick, all of it at once; events happen and are saved when they come.

use splitbrain::exercises::lamport_clock::{Clock, LamportClock, Message, Request, Response, Saved, Stamp, Timer, judge};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
struct Process {
    me: NodeId,
    clock: u64,
    answers: Vec<(Ticket, Response)>,
}

impl Process {
    fn event(&mut self, known: u64, cx: &mut Context<'_, LamportClock>) -> Stamp {
        self.clock = 1 + self.clock.max(known);
        cx.save(Saved { clock: self.clock });
        Stamp { time: self.clock, node: self.me }
    }
}

impl Node<LamportClock> for Process {
    fn new(me: NodeId, _: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        Process { me, clock: saved.unwrap_or_default().clock, answers: Vec::new() }
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, LamportClock>) {
        self.event(message.sent.time, cx);
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, LamportClock>) {
        for (ticket, response) in std::mem::take(&mut self.answers) {
            cx.reply(ticket, response);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, LamportClock>) {
        let response = match request {
            Request::Happen => Response::Stamped(self.event(0, cx)),
            Request::Send(to) => {
                let sent = self.event(0, cx);
                cx.send(to, Message { sent });
                Response::Stamped(sent)
            }
            Request::Order(mut stamps) => {
                stamps.sort_by_key(|s| (s.time, s.node));
                Response::Ordered(stamps)
            }
        };
        if self.answers.is_empty() {
            cx.set_timer(Timer::Tick, Duration::from_millis(25));
        }
        self.answers.push((ticket, response));
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
