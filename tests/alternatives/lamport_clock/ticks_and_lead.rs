//! Counts its own events and, apart from them, how far others have driven it.

use splitbrain::exercises::lamport_clock::{Clock, LamportClock, Message, Request, Response, Saved, Stamp, Timer, judge};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
struct Process {
    me: NodeId,
    own: u64,
    lead: u64,
    ticking: bool,
}

impl Process {
    fn event(&mut self, heard: Option<u64>, cx: &mut Context<'_, LamportClock>) -> Stamp {
        let behind = heard.map_or(0, |heard| heard.saturating_sub(self.clock()));
        self.lead += behind;
        self.own += 1;
        let time = self.clock();
        cx.save(Saved { clock: time });
        // A clockwork that is always running, and has nothing to do with the clock.
        if !self.ticking {
            self.ticking = true;
            cx.set_timer(Timer::Tick, Duration::from_millis(40));
        }
        Stamp { time, node: self.me }
    }
}

impl Node<LamportClock> for Process {
    fn new(me: NodeId, _: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        Process { me, own: 0, lead: saved.unwrap_or_default().clock, ticking: false }
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, LamportClock>) {
        self.event(Some(message.sent.time), cx);
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, LamportClock>) {
        cx.save(Saved { clock: self.clock() });
        cx.set_timer(Timer::Tick, Duration::from_millis(40));
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, LamportClock>) {
        let response = match request {
            Request::Order(mut stamps) => {
                // By hand: each goes down to its place.
                for i in 1..stamps.len() {
                    let mut at = i;
                    while at > 0 && (stamps[at].time, stamps[at].node) < (stamps[at - 1].time, stamps[at - 1].node) {
                        stamps.swap(at, at - 1);
                        at -= 1;
                    }
                }
                Response::Ordered(stamps)
            }
            event => {
                let sent = self.event(None, cx);
                if let Request::Send(to) = event {
                    cx.send(to, Message { sent });
                }
                Response::Stamped(sent)
            }
        };
        cx.reply(ticket, response);
    }
}

impl Clock for Process {
    fn clock(&self) -> u64 {
        self.own + self.lead
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Process>)
}
