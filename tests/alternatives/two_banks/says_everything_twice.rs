//! Every message leaves twice, and what is unconfirmed every 10 ms. Answers that nobody waits for go out, too.

use splitbrain::exercises::two_banks::{
    Account, Choice, Config, Entry, Message, PATIENCE, Request, RequestId, Response, Server, Timer, TwoBanks, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, Hash, PartialEq)]
enum Stage {
    Queued(u64),
    Sent,
    Over,
}

#[derive(Clone, Debug, Hash)]
struct Deal {
    request: Request,
    ticket: Option<Ticket>,
    stage: Stage,
    said: Option<Response>,
}

#[derive(Clone, Debug, Hash)]
struct Loud {
    me: NodeId,
    other: NodeId,
    choice: Choice,
    opening: i64,
    deals: BTreeMap<RequestId, Deal>,
    outside: BTreeMap<RequestId, (Ticket, Request)>,
    /// All entries that count here, by request: both servers', as no two share one.
    ledger: BTreeMap<RequestId, (Account, i64)>,
    unconfirmed: BTreeMap<RequestId, Entry>,
    turn: u64,
}

fn twice(to: NodeId, message: Message, cx: &mut Context<'_, TwoBanks>) {
    cx.send(to, message.clone());
    cx.send(to, message);
}

impl Loud {
    fn total(&self, of: Account) -> i64 {
        self.ledger.values().filter(|(account, _)| *account == of).fold(self.opening, |sum, (_, by)| sum + by)
    }

    fn propose(&mut self, id: RequestId, request: Request, cx: &mut Context<'_, TwoBanks>) {
        let entry = Entry { request: id, account: request.account(), by: request.by().unwrap() };
        self.unconfirmed.insert(id, entry);
        twice(self.other, Message::Entry(entry), cx);
    }

    fn close(&mut self, id: RequestId, response: Response, cx: &mut Context<'_, TwoBanks>) {
        let Some(deal) = self.deals.get_mut(&id) else { return };
        let first = deal.said.replace(response).is_none();
        match deal.ticket {
            Some(ticket) if first => cx.reply(ticket, response),
            Some(_) => {}
            None => twice(self.other, Message::Answer(id, response), cx),
        }
    }

    fn turn(&mut self, cx: &mut Context<'_, TwoBanks>) {
        loop {
            if !self.unconfirmed.is_empty() {
                return;
            }
            let queued = self.deals.iter().filter_map(|(id, d)| if let Stage::Queued(at) = d.stage { Some((at, *id)) } else { None });
            let Some((_, id)) = queued.min() else { return };
            let deal = self.deals[&id].clone();
            let enough = match deal.request {
                Request::Withdraw(account, amount) => self.total(account) >= amount as i64,
                _ => true,
            };
            self.deals.get_mut(&id).unwrap().stage = if enough { Stage::Sent } else { Stage::Over };
            if enough {
                self.propose(id, deal.request, cx);
            } else {
                self.close(id, Response::Refused, cx);
            }
        }
    }

    fn open(&mut self, id: RequestId, ticket: Option<Ticket>, request: Request, cx: &mut Context<'_, TwoBanks>) {
        if let Some(deal) = self.deals.get(&id) {
            if let Some(said) = deal.said {
                twice(self.other, Message::Answer(id, said), cx);
            }
            return;
        }
        self.turn += 1;
        let reads = request.by().is_none();
        let stage = if reads { Stage::Over } else { Stage::Queued(self.turn) };
        self.deals.insert(id, Deal { request, ticket, stage, said: None });
        if reads {
            let balance = self.total(request.account()) as u64;
            self.close(id, Response::Balance(balance), cx);
        } else {
            cx.set_timer(Timer::GiveUp(id), PATIENCE);
            self.turn(cx);
        }
    }
}

impl Node<TwoBanks> for Loud {
    fn new(me: NodeId, peers: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Loud {
            me,
            other: peers[0],
            choice: config.choice,
            opening: config.opening as i64,
            deals: BTreeMap::new(),
            outside: BTreeMap::new(),
            ledger: BTreeMap::new(),
            unconfirmed: BTreeMap::new(),
            turn: 0,
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, TwoBanks>) {
        cx.set_timer(Timer::Tick, Duration::from_millis(10));
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, TwoBanks>) {
        let id = RequestId::of(ticket);
        if self.choice == Choice::Cp {
            if request.account().home() == self.me {
                self.open(id, Some(ticket), request, cx);
            } else {
                self.outside.insert(id, (ticket, request));
                cx.set_timer(Timer::GiveUp(id), PATIENCE);
                twice(self.other, Message::Ask(id, request), cx);
            }
            return;
        }
        let total = self.total(request.account());
        let response = match request {
            Request::Read(_) if total < 0 => Response::Overdrawn(total.unsigned_abs()),
            Request::Read(_) => Response::Balance(total as u64),
            Request::Withdraw(_, amount) if total - (amount as i64) < 0 => Response::Refused,
            Request::Withdraw(account, _) | Request::Deposit(account, _) => {
                self.ledger.insert(id, (account, request.by().unwrap()));
                self.propose(id, request, cx);
                Response::Done
            }
        };
        cx.reply(ticket, response);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, TwoBanks>) {
        match message {
            Message::Entry(entry) => {
                self.ledger.insert(entry.request, (entry.account, entry.by));
                twice(from, Message::Have(entry.request), cx);
            }
            Message::Have(id) => {
                let Some(entry) = self.unconfirmed.remove(&id) else { return };
                self.ledger.insert(id, (entry.account, entry.by));
                if self.choice == Choice::Cp {
                    self.deals.get_mut(&id).unwrap().stage = Stage::Over;
                    self.close(id, Response::Done, cx);
                    self.turn(cx);
                }
            }
            Message::Ask(id, request) => self.open(id, None, request, cx),
            Message::Answer(id, response) => {
                if let Some((ticket, _)) = self.outside.remove(&id) {
                    cx.reply(ticket, response);
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, TwoBanks>) {
        match timer {
            Timer::GiveUp(id) => {
                if let Some((ticket, request)) = self.outside.remove(&id) {
                    let response = if request.by().is_some() { Response::Unknown } else { Response::Unavailable };
                    return cx.reply(ticket, response);
                }
                match self.deals.get(&id).map(|deal| deal.stage) {
                    Some(Stage::Queued(_)) => {
                        self.deals.get_mut(&id).unwrap().stage = Stage::Over;
                        self.close(id, Response::Unavailable, cx);
                    }
                    Some(Stage::Sent) => self.close(id, Response::Unknown, cx),
                    _ => {}
                }
            }
            _ => {
                for entry in self.unconfirmed.values() {
                    cx.send(self.other, Message::Entry(*entry));
                }
                for (id, (_, request)) in &self.outside {
                    cx.send(self.other, Message::Ask(*id, *request));
                }
                cx.set_timer(Timer::Tick, Duration::from_millis(10));
            }
        }
    }
}

impl Server for Loud {
    fn copy(&self, account: Account) -> i64 {
        self.total(account)
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Loud>)
}
