//! Right, and built another way: group commit. Writes wait for a timer; one save makes all of them safe, then all are answered.
//! A read is answered from what is safe, so that nobody sees a note that a crash could take back.

use splitbrain::exercises::durable_note::{DurableNote, Message, Request, Response, Timer, judge};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
struct Server {
    safe: Option<u64>,
    waiting: Vec<(u64, Ticket)>,
}

impl Node<DurableNote> for Server {
    fn new(_me: NodeId, _peers: &[NodeId], _config: &(), saved: Option<u64>) -> Self {
        Server { safe: saved, waiting: Vec::new() }
    }

    fn on_timer(&mut self, _timer: Timer, cx: &mut Context<'_, DurableNote>) {
        if let Some((note, _)) = self.waiting.last() {
            cx.save(*note);
            self.safe = Some(*note);
        }
        for (_, ticket) in self.waiting.drain(..) {
            cx.reply(ticket, Response::Written);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, DurableNote>) {
        match request {
            Request::Write(note) => {
                if self.waiting.is_empty() {
                    let soon = cx.random(5..=200);
                    cx.set_timer(Timer::Tick, Duration::from_millis(soon));
                }
                self.waiting.push((note, ticket));
            }
            Request::Read => cx.reply(ticket, Response::Note(self.safe.unwrap_or_default())),
        }
    }

    fn on_message(&mut self, _from: NodeId, message: Message, _cx: &mut Context<'_, DurableNote>) {
        match message {}
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Server>)
}
