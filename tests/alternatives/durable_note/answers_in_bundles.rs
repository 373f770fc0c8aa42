//! Right, and built another way: a write is saved at once, but all answers wait for a common timer, and leave in reverse; a
//! read says the note as it is when it is answered.

use splitbrain::exercises::durable_note::{DurableNote, Message, Request, Response, Timer, judge};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
struct Server {
    note: u64,
    writes: Vec<Ticket>,
    reads: Vec<Ticket>,
    ticking: bool,
}

impl Node<DurableNote> for Server {
    fn new(_me: NodeId, _peers: &[NodeId], _config: &(), saved: Option<u64>) -> Self {
        Server { note: saved.unwrap_or(0), writes: vec![], reads: vec![], ticking: false }
    }
    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, DurableNote>) {
        match request {
            Request::Write(note) => {
                self.note = note;
                cx.save(note);
                self.writes.push(ticket);
            }
            Request::Read => self.reads.push(ticket),
        }
        if !self.ticking {
            self.ticking = true;
            cx.set_timer(Timer::Tick, millis(100));
        }
    }
    fn on_timer(&mut self, _timer: Timer, cx: &mut Context<'_, DurableNote>) {
        self.ticking = false;
        for ticket in self.reads.drain(..).rev() {
            cx.reply(ticket, Response::Note(self.note));
        }
        for ticket in self.writes.drain(..).rev() {
            cx.reply(ticket, Response::Written);
        }
    }
    fn on_message(&mut self, _: NodeId, message: Message, _: &mut Context<'_, DurableNote>) {
        match message {}
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
