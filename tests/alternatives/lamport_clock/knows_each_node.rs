//! Keeps the latest time of each node, its own among them: the clock is the largest.

use splitbrain::exercises::lamport_clock::{Clock, LamportClock, Message, Request, Response, Saved, Stamp, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
struct Process {
    me: NodeId,
    latest: BTreeMap<NodeId, u64>,
}

impl Process {
    fn happens(&mut self, cx: &mut Context<'_, LamportClock>) -> Stamp {
        let time = self.clock() + 1;
        self.latest.insert(self.me, time);
        cx.save(Saved { clock: time });
        Stamp { time, node: self.me }
    }
}

impl Node<LamportClock> for Process {
    fn new(me: NodeId, _: &[NodeId], _: &(), saved: Option<Saved>) -> Self {
        Process { me, latest: saved.into_iter().map(|saved| (me, saved.clock)).collect() }
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, LamportClock>) {
        let latest = self.latest.entry(message.sent.node).or_default();
        *latest = message.sent.time.max(*latest);
        self.happens(cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, LamportClock>) {
        match request {
            Request::Happen => {
                let stamp = self.happens(cx);
                cx.reply(ticket, Response::Stamped(stamp));
            }
            Request::Send(to) => {
                let sent = self.happens(cx);
                cx.reply(ticket, Response::Stamped(sent));
                cx.send(to, Message { sent });
            }
            Request::Order(stamps) => {
                // As many of each as there are.
                let mut sorted: BTreeMap<(u64, NodeId), Vec<Stamp>> = BTreeMap::new();
                for stamp in stamps {
                    sorted.entry((stamp.time, stamp.node)).or_default().push(stamp);
                }
                cx.reply(ticket, Response::Ordered(sorted.into_values().flatten().collect()));
            }
        }
    }
}

impl Clock for Process {
    fn clock(&self) -> u64 {
        self.latest.values().copied().max().unwrap_or(0)
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Process>)
}
