//! An agenda of what is to be done when, and one timer for its first line. The other server's questions are decided before the clients'.

use splitbrain::exercises::two_banks::{
    Account, Choice, Config, Entry, Message, Request, RequestId, Response, Server, Timer, TwoBanks, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
enum Todo {
    GiveUp(RequestId),
    Entry(RequestId),
    Ask(RequestId),
}

/// Those of the other server come first.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Peer(RequestId),
    Client(RequestId),
}

#[derive(Clone, Debug, Hash)]
struct Clerk {
    me: NodeId,
    other: NodeId,
    choice: Choice,
    alice: i64,
    bob: i64,
    book: BTreeMap<RequestId, Entry>,
    open: BTreeSet<RequestId>,
    theirs: BTreeSet<Entry>,
    /// Changes that wait.
    desk: BTreeMap<Source, Request>,
    /// Who made which change that is under way.
    under_way: Option<Source>,
    tickets: BTreeMap<RequestId, (Ticket, Request)>,
    peers: BTreeMap<RequestId, Option<Response>>,
    agenda: BTreeSet<(Time, Todo)>,
}

impl Clerk {
    fn money(&mut self, account: Account) -> &mut i64 {
        if account == Account::Alice { &mut self.alice } else { &mut self.bob }
    }

    fn plan(&mut self, after: u64, todo: Todo, cx: &mut Context<'_, TwoBanks>) {
        self.agenda.insert((cx.now() + Duration::from_millis(after), todo));
        self.wind(cx);
    }

    fn wind(&self, cx: &mut Context<'_, TwoBanks>) {
        if let Some((when, _)) = self.agenda.first() {
            let now = cx.now();
            let wait = if *when > now { when.since(now) } else { Duration::ZERO };
            cx.set_timer(Timer::Tick, wait.max(Duration::from_millis(1)));
        }
    }

    fn enter(&mut self, entry: Entry, cx: &mut Context<'_, TwoBanks>) {
        let id = entry.request;
        self.book.insert(id, entry);
        self.open.insert(id);
        cx.send(self.other, Message::Entry(entry));
        self.plan(35, Todo::Entry(id), cx);
    }

    fn tell(&mut self, source: Source, response: Response, cx: &mut Context<'_, TwoBanks>) {
        match source {
            Source::Client(id) => {
                if let Some((ticket, _)) = self.tickets.remove(&id) {
                    cx.reply(ticket, response);
                }
            }
            Source::Peer(id) => {
                self.peers.insert(id, Some(response));
                cx.send(self.other, Message::Answer(id, response));
            }
        }
    }

    fn serve(&mut self, source: Source, request: Request, cx: &mut Context<'_, TwoBanks>) {
        let (Source::Client(id) | Source::Peer(id)) = source;
        if let Request::Read(account) = request {
            let balance = *self.money(account) as u64;
            return self.tell(source, Response::Balance(balance), cx);
        }
        self.desk.insert(source, request);
        self.plan(170, Todo::GiveUp(id), cx);
        self.next(cx);
    }

    fn next(&mut self, cx: &mut Context<'_, TwoBanks>) {
        while self.open.is_empty()
            && let Some((source, request)) = self.desk.pop_first()
        {
            let (Source::Client(id) | Source::Peer(id)) = source;
            let (account, by) = (request.account(), request.by().unwrap_or_default());
            if *self.money(account) + by.min(0) < 0 {
                self.tell(source, Response::Refused, cx);
            } else {
                self.under_way = Some(source);
                self.enter(Entry { request: id, account, by }, cx);
            }
        }
    }
}

impl Node<TwoBanks> for Clerk {
    fn new(me: NodeId, peers: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Clerk {
            me,
            other: peers[0],
            choice: config.choice,
            alice: config.opening as i64,
            bob: config.opening as i64,
            book: BTreeMap::new(),
            open: BTreeSet::new(),
            theirs: BTreeSet::new(),
            desk: BTreeMap::new(),
            under_way: None,
            tickets: BTreeMap::new(),
            peers: BTreeMap::new(),
            agenda: BTreeSet::new(),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, TwoBanks>) {
        let (id, account) = (RequestId::of(ticket), request.account());
        if self.choice == Choice::Cp {
            self.tickets.insert(id, (ticket, request));
            if account.home() == self.me {
                self.serve(Source::Client(id), request, cx);
            } else {
                cx.send(self.other, Message::Ask(id, request));
                self.plan(35, Todo::Ask(id), cx);
                self.plan(170, Todo::GiveUp(id), cx);
            }
            return;
        }
        let balance = *self.money(account);
        match request {
            Request::Read(_) if balance < 0 => cx.reply(ticket, Response::Overdrawn((0 - balance) as u64)),
            Request::Read(_) => cx.reply(ticket, Response::Balance(balance as u64)),
            Request::Withdraw(_, amount) if balance < amount as i64 => cx.reply(ticket, Response::Refused),
            Request::Withdraw(..) | Request::Deposit(..) => {
                let by = request.by().unwrap_or_default();
                *self.money(account) += by;
                cx.reply(ticket, Response::Done);
                self.enter(Entry { request: id, account, by }, cx);
            }
        }
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, TwoBanks>) {
        match message {
            Message::Entry(entry) => {
                if self.theirs.insert(entry) {
                    *self.money(entry.account) += entry.by;
                }
                cx.send(self.other, Message::Have(entry.request));
            }
            Message::Have(id) => {
                if !self.open.remove(&id) || self.choice == Choice::Ap {
                    return;
                }
                let entry = self.book[&id];
                *self.money(entry.account) += entry.by;
                if let Some(source) = self.under_way.take() {
                    self.tell(source, Response::Done, cx);
                }
                self.next(cx);
            }
            Message::Ask(id, request) => match self.peers.get(&id) {
                None => {
                    self.peers.insert(id, None);
                    self.serve(Source::Peer(id), request, cx);
                }
                Some(None) => {}
                Some(Some(said)) => cx.send(self.other, Message::Answer(id, *said)),
            },
            Message::Answer(id, response) => self.tell(Source::Client(id), response, cx),
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, TwoBanks>) {
        while let Some((when, todo)) = self.agenda.pop_first() {
            if when > cx.now() {
                self.agenda.insert((when, todo));
                break;
            }
            match todo {
                Todo::Entry(id) if self.open.contains(&id) => {
                    cx.send(self.other, Message::Entry(self.book[&id]));
                    self.plan(35, todo, cx);
                }
                Todo::Ask(id) => {
                    if let Some((_, request)) = self.tickets.get(&id) {
                        cx.send(self.other, Message::Ask(id, *request));
                        self.plan(35, todo, cx);
                    }
                }
                Todo::GiveUp(id) => {
                    for source in [Source::Peer(id), Source::Client(id)] {
                        if self.desk.remove(&source).is_some() {
                            self.tell(source, Response::Unavailable, cx);
                        } else if self.under_way == Some(source) {
                            // An Answer may still become Done; a client's ticket is gone then.
                            self.tell(source, Response::Unknown, cx);
                        } else if let (Source::Client(_), Some((_, request))) = (source, self.tickets.get(&id)) {
                            let response = if request.by().is_none() { Response::Unavailable } else { Response::Unknown };
                            self.tell(source, response, cx);
                        }
                    }
                }
                Todo::Entry(_) => {}
            }
        }
        self.wind(cx);
    }
}

impl Server for Clerk {
    fn copy(&self, account: Account) -> i64 {
        if account == Account::Alice { self.alice } else { self.bob }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Clerk>)
}
