//! The reference: say what the idea is.

use splitbrain::exercises::cache_aside::{CacheAside, Message, Request, Response, Saved, judge};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
struct Replica {
    last: u64,
}

impl Node<CacheAside> for Replica {
    fn new(_me: NodeId, _peers: &[NodeId], _config: &(), saved: Option<Saved>) -> Self {
        Replica {
            last: saved.unwrap_or_default().last,
        }
    }

    fn on_message(&mut self, _from: NodeId, _message: Message, _cx: &mut Context<'_, CacheAside>) {}

    fn on_request(&mut self, _request: Request, ticket: Ticket, cx: &mut Context<'_, CacheAside>) {
        self.last += 1;
        // Before the answer: what a client has heard must be on the disk.
        cx.save(Saved { last: self.last });
        cx.reply(ticket, Response::Number(self.last));
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
