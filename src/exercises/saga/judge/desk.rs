//! The flight, the hotel and the payments: services of ours, all three with the same code.
//!
//! What each promises, and README repeats: it answers every call that reaches it, at once. What it does under a key it does once, and it looks at
//! nothing but the key. What it has answered is on its disk: a crash loses nothing of that. It refuses a new key when it has nothing left (a client told it so), and that
//! is final for this key. A Cancel undoes what was done under its key and blocks it, so that a Do that comes later is refused. Payments know no Cancel, and
//! nobody cancels a ticket; the ticket is never refused. Its mail meets the network's faults like any other.

use crate::exercises::saga::{Call, Config, Event, Key, Mark, Message, Request, Response, Saga, Saved, Step};
use crate::sim::{Context, Node, NodeId, Role, Ticket};
use std::collections::BTreeMap;
use std::fmt;

/// What was done under each key.
pub(super) type Book = BTreeMap<Key, (Call, Mark)>;

/// What a service's disk says.
pub(super) fn book(saved: &Saved) -> Book {
    let line = |event: &Event| if let Event::Step(call, mark) = event { Some((call.key, (*call, *mark))) } else { None };
    saved.events.iter().filter_map(line).collect()
}

/// What a service has then under the key of a call, and answers. `None`: it does not know the call.
pub(super) fn answer(book: &mut Book, refuses: bool, message: &Message) -> Option<Message> {
    match message {
        Message::Do(call) => {
            let mark = if refuses && call.step != Step::Ticket { Mark::Refused } else { Mark::Done };
            let (_, mark) = book.entry(call.key).or_insert((*call, mark));
            Some(if *mark == Mark::Done { Message::Done(*call) } else { Message::Refused(*call) })
        }
        Message::Cancel(call) if matches!(call.step, Step::Flight | Step::Hotel) => {
            let (_, mark) = book.entry(call.key).or_insert((*call, Mark::Cancelled));
            *mark = if *mark == Mark::Refused { Mark::Refused } else { Mark::Cancelled };
            Some(Message::Cancelled(*call))
        }
        _ => None,
    }
}

#[derive(Clone, Hash)]
pub(super) struct Desk {
    role: Option<Role>,
    refuses: bool,
    book: Book,
}

/// The table beside the run.
impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = f.debug_list();
        for (call, mark) in self.book.values() {
            line.entry(&Event::Step(*call, *mark));
        }
        line.finish()?;
        if self.refuses { write!(f, ", refuses what is new") } else { Ok(()) }
    }
}

impl Node<Saga> for Desk {
    fn new(me: NodeId, _: &[NodeId], _: &Config, saved: Option<Saved>) -> Self {
        Desk { role: me.role(), refuses: false, book: book(&saved.unwrap_or_default()) }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, Saga>) {
        let (Message::Do(call) | Message::Cancel(call)) = &message else { return };
        let does = match call.step {
            Step::Flight | Step::Ticket => Role::Flight,
            Step::Hotel => Role::Hotel,
            Step::Payment => Role::Payments,
        };
        if self.role != Some(does) {
            return;
        }
        let before = self.book.get(&call.key).copied();
        let Some(answer) = answer(&mut self.book, self.refuses, &message) else { return };
        if self.book.get(&call.key).copied() != before {
            let events = self.book.values().map(|(call, mark)| Event::Step(*call, *mark)).collect();
            cx.save(Saved { events, ..Saved::default() });
        }
        cx.send(from, answer);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, Saga>) {
        if let Request::Refuse(refuses) = request {
            self.refuses = refuses;
            cx.reply(ticket, Response::Noted);
        }
    }
}
