//! durable_note: a note that survives a crash. Five minutes: there are three `todo!`s, and about five lines to write. The
//! problem is in README.md beside this file; the types (go to definition) in `splitbrain::exercises::durable_note`.
//!
//! Leave `splitbrain watch durable_note` open beside your editor: it tells you where you are whenever you save.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::durable_note::{DurableNote, Message, Request, Response, judge};
use splitbrain::prelude::*;

/// What the server has in memory. A crash wipes it out.
#[derive(Clone, Debug, Hash)]
struct Server {
    note: u64,
}

impl Node<DurableNote> for Server {
    /// Makes the server: at the first start, when `saved` is `None`, and after each crash, when `saved` is what you saved last.
    fn new(me: NodeId, peers: &[NodeId], config: &(), saved: Option<u64>) -> Self {
        // Server { note: … }
        todo!("make the server: its note is what was saved, or 0 if nothing was")
    }

    /// A client asks. Two calls are all that you need, and they happen in the order in which you write them:
    ///   cx.save(7)                             puts 7 on the disk, where it survives a crash
    ///   cx.reply(ticket, Response::Written)    answers the client
    /// The server may crash after either of them.
    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, DurableNote>) {
        match request {
            Request::Write(note) => {
                todo!("keep the note, make it safe, and answer Response::Written")
            }
            Request::Read => todo!("answer Response::Note(…) with the note"),
        }
    }

    /// There are no other servers, so no message ever comes. Nothing to do here.
    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, DurableNote>) {
        match message {}
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
