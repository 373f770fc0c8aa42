//! Nothing is kept but two books: every balance is a fold over them. Deadlines are compared with the clock, on a tick of 5 ms.

use splitbrain::exercises::two_banks::{
    Account, Choice, Config, Entry, Message, Request, RequestId, Response, Server, Timer, TwoBanks, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const TICK: Duration = Duration::from_millis(5);
const GIVE_UP: Duration = Duration::from_millis(160);
const RESEND: Duration = Duration::from_millis(30);

#[derive(Clone, Debug, Hash)]
struct Pending {
    ticket: Option<Ticket>,
    request: Request,
    since: Time,
    begun: bool,
}

#[derive(Clone, Debug, Hash)]
struct Books {
    me: NodeId,
    other: NodeId,
    config: Config,
    mine: Vec<Entry>,
    theirs: BTreeMap<RequestId, Entry>,
    confirmed: BTreeSet<RequestId>,
    pending: Vec<(RequestId, Pending)>,
    asked: Vec<(RequestId, Ticket, Request, Time)>,
    outcomes: BTreeMap<RequestId, Response>,
    sent: Time,
}

impl Books {
    fn is_ap(&self) -> bool {
        self.config.choice == Choice::Ap
    }

    fn balance(&self, account: Account) -> i64 {
        let mine = self.mine.iter().filter(|e| self.is_ap() || self.confirmed.contains(&e.request));
        let all = mine.chain(self.theirs.values());
        self.config.opening as i64 + all.filter(|e| e.account == account).map(|e| e.by).sum::<i64>()
    }

    fn append(&mut self, entry: Entry, cx: &mut Context<'_, TwoBanks>) {
        self.mine.push(entry);
        cx.send(self.other, Message::Entry(entry));
    }

    fn settle(&mut self, index: usize, response: Response, cx: &mut Context<'_, TwoBanks>) {
        let (id, pending) = self.pending.remove(index);
        match pending.ticket {
            Some(ticket) => cx.reply(ticket, response),
            None => {
                self.outcomes.insert(id, response);
                cx.send(self.other, Message::Answer(id, response));
            }
        }
    }

    /// Reads are answered, then the oldest change begins if the whole book is confirmed.
    fn work(&mut self, cx: &mut Context<'_, TwoBanks>) {
        while let Some(i) = self.pending.iter().position(|(_, p)| matches!(p.request, Request::Read(_))) {
            let balance = self.balance(self.pending[i].1.request.account());
            self.settle(i, Response::Balance(balance as u64), cx);
        }
        while self.confirmed.len() == self.mine.len() {
            let Some(i) = self.pending.iter().position(|(_, p)| !p.begun) else { break };
            let (request, p) = self.pending[i].clone();
            let (account, by) = (p.request.account(), p.request.by().unwrap());
            if self.balance(account) + by.min(0) < 0 {
                self.settle(i, Response::Refused, cx);
            } else {
                self.append(Entry { request, account, by }, cx);
                self.pending[i].1.begun = true;
            }
        }
    }

    fn take(&mut self, id: RequestId, ticket: Option<Ticket>, request: Request, cx: &mut Context<'_, TwoBanks>) {
        self.pending.push((id, Pending { ticket, request, since: cx.now(), begun: false }));
        self.work(cx);
    }
}

impl Node<TwoBanks> for Books {
    fn new(me: NodeId, peers: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Books {
            me,
            other: peers[0],
            config: config.clone(),
            mine: vec![],
            theirs: BTreeMap::new(),
            confirmed: BTreeSet::new(),
            pending: vec![],
            asked: vec![],
            outcomes: BTreeMap::new(),
            sent: Time::ZERO,
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, TwoBanks>) {
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, TwoBanks>) {
        let id = RequestId::of(ticket);
        let account = request.account();
        if self.is_ap() {
            let balance = self.balance(account);
            let response = match request.by() {
                None if balance >= 0 => Response::Balance(balance as u64),
                None => Response::Overdrawn(-balance as u64),
                Some(by) if by < 0 && balance < -by => Response::Refused,
                Some(by) => {
                    self.append(Entry { request: id, account, by }, cx);
                    Response::Done
                }
            };
            cx.reply(ticket, response);
        } else if account.home() == self.me {
            self.take(id, Some(ticket), request, cx);
        } else {
            self.asked.push((id, ticket, request, cx.now()));
            cx.send(self.other, Message::Ask(id, request));
        }
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, TwoBanks>) {
        match message {
            Message::Entry(entry) => {
                self.theirs.insert(entry.request, entry);
                cx.send(self.other, Message::Have(entry.request));
            }
            Message::Have(id) => {
                if self.confirmed.insert(id) && !self.is_ap() {
                    if let Some(i) = self.pending.iter().position(|(known, _)| *known == id) {
                        self.settle(i, Response::Done, cx);
                    }
                    self.work(cx);
                }
            }
            Message::Ask(id, request) => {
                if let Some(said) = self.outcomes.get(&id) {
                    cx.send(self.other, Message::Answer(id, *said));
                } else if self.pending.iter().all(|(known, _)| *known != id) {
                    self.take(id, None, request, cx);
                }
            }
            Message::Answer(id, response) => {
                if let Some(i) = self.asked.iter().position(|(known, ..)| *known == id) {
                    let (_, ticket, ..) = self.asked.remove(i);
                    cx.reply(ticket, response);
                }
            }
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, TwoBanks>) {
        let now = cx.now();
        cx.set_timer(Timer::Tick, TICK);
        while let Some(i) = self.pending.iter().position(|(_, p)| now >= p.since + GIVE_UP) {
            let begun = self.pending[i].1.begun;
            self.settle(i, if begun { Response::Unknown } else { Response::Unavailable }, cx);
        }
        while let Some(i) = self.asked.iter().position(|(.., since)| now >= *since + GIVE_UP) {
            let (_, ticket, request, _) = self.asked.remove(i);
            cx.reply(ticket, if request.by().is_some() { Response::Unknown } else { Response::Unavailable });
        }
        if now >= self.sent + RESEND {
            self.sent = now;
            for entry in &self.mine {
                if !self.confirmed.contains(&entry.request) {
                    cx.send(self.other, Message::Entry(*entry));
                }
            }
            for (id, _, request, _) in &self.asked {
                cx.send(self.other, Message::Ask(*id, *request));
            }
        }
    }
}

impl Server for Books {
    fn copy(&self, account: Account) -> i64 {
        self.balance(account)
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Books>)
}
