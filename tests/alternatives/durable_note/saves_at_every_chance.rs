//! Right, and built another way: it saves at every start, twice at each write, and once more at each read; reads wait in a queue.

use splitbrain::exercises::durable_note::{DurableNote, Message, Request, Response, Timer, judge};
use splitbrain::prelude::*;
use std::collections::VecDeque;

#[derive(Clone, Debug, Hash)]
struct Server {
    history: Vec<u64>,
    readers: VecDeque<Ticket>,
}

impl Server {
    fn newest(&self) -> u64 {
        self.history.last().copied().unwrap_or(0)
    }
}

impl Node<DurableNote> for Server {
    fn new(_me: NodeId, _peers: &[NodeId], _config: &(), saved: Option<u64>) -> Self {
        Server { history: saved.into_iter().collect(), readers: VecDeque::new() }
    }

    fn on_start(&mut self, cx: &mut Context<'_, DurableNote>) {
        cx.save(self.newest());
        cx.set_timer(Timer::Tick, Duration::from_millis(30));
    }

    fn on_timer(&mut self, _timer: Timer, cx: &mut Context<'_, DurableNote>) {
        while let Some(reader) = self.readers.pop_front() {
            cx.reply(reader, Response::Note(self.newest()));
        }
        cx.set_timer(Timer::Tick, Duration::from_millis(30));
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, DurableNote>) {
        match request {
            Request::Write(note) => {
                cx.save(note);
                self.history.push(note);
                cx.reply(ticket, Response::Written);
                cx.save(note);
            }
            Request::Read => {
                cx.save(self.newest());
                self.readers.push_back(ticket);
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
