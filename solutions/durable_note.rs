//! The reference: the note in memory for reads, on the disk before a write is answered.

use splitbrain::exercises::durable_note::{DurableNote, Message, Request, Response, judge};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
struct Server {
    note: u64,
}

impl Node<DurableNote> for Server {
    fn new(_me: NodeId, _peers: &[NodeId], _config: &(), saved: Option<u64>) -> Self {
        Server {
            note: saved.unwrap_or(0),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, DurableNote>) {
        match request {
            Request::Write(note) => {
                self.note = note;
                // Before the answer: a crash may fall between the two.
                cx.save(note);
                cx.reply(ticket, Response::Written);
            }
            Request::Read => cx.reply(ticket, Response::Note(self.note)),
        }
    }

    fn on_message(&mut self, _from: NodeId, message: Message, _cx: &mut Context<'_, DurableNote>) {
        match message {}
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
