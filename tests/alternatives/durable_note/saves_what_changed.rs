//! Right, and built another way: it knows what is on its disk, and saves only what differs; a start saves nothing.

use splitbrain::exercises::durable_note::{DurableNote, Message, Request, Response, judge};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
struct Server {
    disk: Option<u64>,
}

impl Node<DurableNote> for Server {
    fn new(_me: NodeId, _peers: &[NodeId], _config: &(), saved: Option<u64>) -> Self {
        Server { disk: saved }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, DurableNote>) {
        let response = match request {
            Request::Write(note) => {
                if self.disk.replace(note) != Some(note) {
                    cx.save(note);
                }
                Response::Written
            }
            Request::Read => Response::Note(self.disk.unwrap_or(0)),
        };
        cx.reply(ticket, response);
    }

    fn on_message(&mut self, _from: NodeId, message: Message, _cx: &mut Context<'_, DurableNote>) {
        match message {}
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
