//! The home takes everything in its turn, reads too; what waits behind a cut is given up. Its own copy shows what is under way.

use splitbrain::exercises::two_banks::{
    Account, Choice, Config, Entry, Message, PATIENCE, Request, RequestId, Response, Server, Timer, TwoBanks, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[derive(Clone, Copy, Debug, Hash, PartialEq)]
enum From {
    Here(Ticket),
    There,
    Nobody,
}

#[derive(Clone, Debug, Hash)]
struct Turns {
    me: NodeId,
    other: NodeId,
    ap: bool,
    /// What is sure, by account.
    sure: [i64; 2],
    seen: BTreeSet<RequestId>,
    unconfirmed: BTreeMap<RequestId, Entry>,
    line: VecDeque<(RequestId, Request)>,
    from: BTreeMap<RequestId, From>,
    answers: BTreeMap<RequestId, Response>,
}

impl Turns {
    fn under_way(&self, account: Account) -> i64 {
        self.unconfirmed.values().filter(|e| e.account == account).map(|e| e.by).sum()
    }

    fn enter(&mut self, entry: Entry, cx: &mut Context<'_, TwoBanks>) {
        self.unconfirmed.insert(entry.request, entry);
        cx.send(self.other, Message::Entry(entry));
    }

    fn say(&mut self, id: RequestId, response: Response, cx: &mut Context<'_, TwoBanks>) {
        match self.from.insert(id, From::Nobody) {
            Some(From::Here(ticket)) => cx.reply(ticket, response),
            Some(From::There) => {
                self.answers.insert(id, response);
                cx.send(self.other, Message::Answer(id, response));
            }
            _ => {
                // What was Unknown has turned out well.
                self.answers.entry(id).and_modify(|said| *said = response);
            }
        }
    }

    fn next(&mut self, cx: &mut Context<'_, TwoBanks>) {
        while self.unconfirmed.is_empty() && !self.line.is_empty() {
            let (id, request) = self.line.pop_front().unwrap();
            let have = self.sure[request.account() as usize];
            match request {
                Request::Read(_) => self.say(id, Response::Balance(have as u64), cx),
                Request::Withdraw(_, amount) if have < amount as i64 => self.say(id, Response::Refused, cx),
                _ => self.enter(Entry { request: id, account: request.account(), by: request.by().unwrap() }, cx),
            }
        }
    }

    fn line_up(&mut self, id: RequestId, from: From, request: Request, cx: &mut Context<'_, TwoBanks>) {
        self.from.insert(id, from);
        self.line.push_back((id, request));
        cx.set_timer(Timer::GiveUp(id), PATIENCE + Duration::from_millis(20));
        self.go_on(cx);
    }

    fn again(&mut self, cx: &mut Context<'_, TwoBanks>) {
        cx.set_timer(Timer::Again, Duration::from_millis(45));
    }
}

impl Node<TwoBanks> for Turns {
    fn new(me: NodeId, peers: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Turns {
            me,
            other: peers[0],
            ap: config.choice == Choice::Ap,
            sure: [config.opening as i64; 2],
            seen: BTreeSet::new(),
            unconfirmed: BTreeMap::new(),
            line: VecDeque::new(),
            from: BTreeMap::new(),
            answers: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, TwoBanks>) {
        self.again(cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, TwoBanks>) {
        let (id, account) = (RequestId::of(ticket), request.account());
        if self.ap {
            let know = self.sure[account as usize] + self.under_way(account);
            cx.reply(
                ticket,
                match request {
                    Request::Read(_) if know < 0 => Response::Overdrawn(know.unsigned_abs()),
                    Request::Read(_) => Response::Balance(know.unsigned_abs()),
                    Request::Withdraw(_, amount) if i128::from(know) < i128::from(amount) => Response::Refused,
                    _ => Response::Done,
                },
            );
            if let Some(by) = request.by().filter(|by| *by > 0 || know + by >= 0) {
                self.enter(Entry { request: id, account, by }, cx);
            }
        } else if account.home() == self.me {
            self.line_up(id, From::Here(ticket), request, cx);
        } else {
            self.from.insert(id, From::Here(ticket));
            cx.set_timer(Timer::GiveUp(id), PATIENCE + Duration::from_millis(20));
            // In the line for those who ask: only the other server decides.
            self.line.push_back((id, request));
            cx.send(self.other, Message::Ask(id, request));
        }
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, TwoBanks>) {
        match message {
            Message::Entry(e) => {
                if self.seen.insert(e.request) {
                    self.sure[e.account as usize] += e.by;
                }
                cx.send(self.other, Message::Have(e.request));
            }
            Message::Have(id) => {
                let Some(e) = self.unconfirmed.remove(&id) else { return };
                self.sure[e.account as usize] += e.by;
                if !self.ap {
                    self.say(id, Response::Done, cx);
                    self.go_on(cx);
                }
            }
            Message::Ask(id, request) => match (self.answers.get(&id), self.from.contains_key(&id)) {
                (Some(said), _) => cx.send(self.other, Message::Answer(id, *said)),
                (None, true) => {}
                (None, false) => {
                    self.from.insert(id, From::There);
                    self.line.push_back((id, request));
                    cx.set_timer(Timer::GiveUp(id), PATIENCE);
                    self.go_on(cx);
                }
            },
            Message::Answer(id, response) => {
                self.line.retain(|(known, _)| *known != id);
                if let Some(From::Here(ticket)) = self.from.remove(&id) {
                    cx.reply(ticket, response);
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, TwoBanks>) {
        if let Timer::GiveUp(id) = timer {
            let waits = self.line.iter().position(|(known, _)| *known == id);
            let Some(request) = waits.and_then(|i| self.line.remove(i)).map(|(_, request)| request) else {
                if self.unconfirmed.contains_key(&id) {
                    self.say(id, Response::Unknown, cx);
                }
                return;
            };
            let is_asked = request.account().home() != self.me;
            let nobody_knows = is_asked && request.by().is_some();
            self.say(id, if nobody_knows { Response::Unknown } else { Response::Unavailable }, cx);
            return;
        }
        for e in self.unconfirmed.values() {
            cx.send(self.other, Message::Entry(*e));
        }
        for (id, request) in self.line.iter().filter(|(_, r)| r.account().home() != self.me) {
            cx.send(self.other, Message::Ask(*id, *request));
        }
        self.again(cx);
    }
}

impl Turns {
    /// The line has those who ask the other server as well: they are let by.
    fn go_on(&mut self, cx: &mut Context<'_, TwoBanks>) {
        let (asks, mine): (VecDeque<_>, VecDeque<_>) = self.line.drain(..).partition(|(_, r)| r.account().home() != self.me);
        self.line = mine;
        self.next(cx);
        self.line.extend(asks);
    }
}

impl Server for Turns {
    fn copy(&self, account: Account) -> i64 {
        self.sure[account as usize] + self.under_way(account)
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Turns>)
}
