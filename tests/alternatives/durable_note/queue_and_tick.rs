//! Right, and built another way: requests wait in one queue, and a timer that runs only while somebody waits handles them in order.

use splitbrain::exercises::durable_note::{DurableNote, Message, Request, Response, Timer, judge};
use splitbrain::prelude::*;
use std::collections::VecDeque;

#[derive(Clone, Debug, Hash)]
struct Server {
    note: u64,
    queue: VecDeque<(Request, Ticket)>,
}

impl Node<DurableNote> for Server {
    fn new(_me: NodeId, _peers: &[NodeId], _config: &(), saved: Option<u64>) -> Self {
        Server { note: saved.unwrap_or_default(), queue: VecDeque::new() }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, DurableNote>) {
        if self.queue.is_empty() {
            cx.set_timer(Timer::Tick, Duration::from_millis(300));
        }
        self.queue.push_back((request, ticket));
    }

    fn on_timer(&mut self, _timer: Timer, cx: &mut Context<'_, DurableNote>) {
        for (request, ticket) in std::mem::take(&mut self.queue) {
            match request {
                Request::Write(note) => {
                    self.note = note;
                    cx.save(note);
                    cx.reply(ticket, Response::Written);
                }
                Request::Read => cx.reply(ticket, Response::Note(self.note)),
            }
        }
    }

    fn on_message(&mut self, _from: NodeId, message: Message, _cx: &mut Context<'_, DurableNote>) {
        match message {}
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
