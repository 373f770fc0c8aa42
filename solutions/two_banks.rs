//! The reference: a book of entries that is sent until the other server has it. The choice is one question: is a client answered before
//! that, or after?

use splitbrain::exercises::two_banks::{
    AGAIN, Account, Choice, Config, Entry, Message, PATIENCE, Request, RequestId, Response, Server,
    Timer, TwoBanks, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Sooner than it must, as a timer may be a little late.
const INTERVAL: Duration = Duration::from_millis(AGAIN.as_millis() as u64 - 10);

/// Who waits for an answer of the home.
#[derive(Clone, Debug, Hash)]
enum Whom {
    Client(Ticket),
    Other,
}

#[derive(Clone, Debug, Hash)]
struct Bank {
    me: NodeId,
    other: NodeId,
    choice: Choice,
    /// What counts: the opening, the other's entries, and of one's own under AP all, under CP those that the other has.
    balances: BTreeMap<Account, i64>,
    /// The entries of the book that the other has not confirmed.
    unconfirmed: BTreeMap<RequestId, Entry>,
    /// Those of the other's entries that have come.
    theirs: BTreeSet<RequestId>,
    /// CP, as the home: who waits for what, and which changes have not begun.
    waiting: BTreeMap<RequestId, Whom>,
    queue: VecDeque<(RequestId, Request)>,
    /// CP, as the home: what the other was answered. Its Ask may come again.
    answered: BTreeMap<RequestId, Response>,
    /// CP, where the other server is the home: what it is asked.
    asked: BTreeMap<RequestId, (Ticket, Request)>,
}

impl Bank {
    fn balance(&self, account: Account) -> i64 {
        self.balances[&account]
    }

    fn count(&mut self, entry: &Entry) {
        *self.balances.entry(entry.account).or_default() += entry.by;
    }

    /// Whether it can be made: a deposit always, a withdrawal if the balance suffices.
    fn suffices(&self, account: Account, by: i64) -> bool {
        if by > 0 {
            return true;
        }
        self.balance(account) + by >= 0
    }

    /// A new entry of the book. It is sent until the other has it.
    fn write(&mut self, entry: Entry, cx: &mut Context<'_, TwoBanks>) {
        self.unconfirmed.insert(entry.request, entry);
        cx.send(self.other, Message::Entry(entry));
    }

    /// AP: at once, by what is known here.
    fn decide_alone(
        &mut self,
        request: RequestId,
        asked: Request,
        cx: &mut Context<'_, TwoBanks>,
    ) -> Response {
        let account = asked.account();
        match asked.by() {
            None if self.balance(account) < 0 => {
                Response::Overdrawn(self.balance(account).unsigned_abs())
            }
            None => Response::Balance(self.balance(account) as u64),
            Some(by) if self.suffices(account, by) => {
                let entry = Entry {
                    request,
                    account,
                    by,
                };
                self.count(&entry);
                self.write(entry, cx);
                Response::Done
            }
            Some(_) => Response::Refused,
        }
    }

    /// CP, at the home: a read is answered by what is on both servers, a change waits for its turn.
    fn decide_at_home(
        &mut self,
        id: RequestId,
        whom: Whom,
        asked: Request,
        cx: &mut Context<'_, TwoBanks>,
    ) {
        self.waiting.insert(id, whom);
        if asked.by().is_none() {
            let balance = self.balance(asked.account()) as u64;
            return self.answer(id, Response::Balance(balance), cx);
        }
        self.queue.push_back((id, asked));
        cx.set_timer(Timer::GiveUp(id), PATIENCE);
        self.begin(cx);
    }

    /// One change after the other: the next one is decided by a balance of which nothing is under way.
    fn begin(&mut self, cx: &mut Context<'_, TwoBanks>) {
        while self.unconfirmed.is_empty() {
            let Some((request, asked)) = self.queue.pop_front() else {
                return;
            };
            let (account, by) = (asked.account(), asked.by().unwrap_or(0));
            if self.suffices(account, by) {
                self.write(
                    Entry {
                        request,
                        account,
                        by,
                    },
                    cx,
                );
            } else {
                self.answer(request, Response::Refused, cx);
            }
        }
    }

    fn answer(&mut self, id: RequestId, response: Response, cx: &mut Context<'_, TwoBanks>) {
        match self.waiting.remove(&id) {
            Some(Whom::Client(ticket)) => cx.reply(ticket, response),
            Some(Whom::Other) => {
                self.answered.insert(id, response);
                cx.send(self.other, Message::Answer(id, response));
            }
            // It was told Unknown.
            None => {}
        }
    }
}

impl Node<TwoBanks> for Bank {
    fn new(me: NodeId, peers: &[NodeId], config: &Config, _saved: Option<()>) -> Self {
        let opening = config.opening as i64;
        Bank {
            me,
            other: peers[0],
            choice: config.choice,
            balances: [(Account::Alice, opening), (Account::Bob, opening)].into(),
            unconfirmed: BTreeMap::new(),
            theirs: BTreeSet::new(),
            waiting: BTreeMap::new(),
            queue: VecDeque::new(),
            answered: BTreeMap::new(),
            asked: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, TwoBanks>) {
        cx.set_timer(Timer::Again, INTERVAL);
    }

    fn on_message(&mut self, _from: NodeId, message: Message, cx: &mut Context<'_, TwoBanks>) {
        match message {
            Message::Entry(entry) => {
                // It may come again, and before others.
                if self.theirs.insert(entry.request) {
                    self.count(&entry);
                }
                cx.send(self.other, Message::Have(entry.request));
            }
            Message::Have(id) => {
                if let Some(own) = self.unconfirmed.remove(&id)
                    && self.choice == Choice::Cp
                {
                    // From here on it is on both, and so it has happened.
                    self.count(&own);
                    self.answer(id, Response::Done, cx);
                    self.begin(cx);
                }
            }
            Message::Ask(id, asked) => {
                if let Some(response) = self.answered.get(&id) {
                    cx.send(self.other, Message::Answer(id, *response));
                } else if !self.waiting.contains_key(&id) {
                    self.decide_at_home(id, Whom::Other, asked, cx);
                }
            }
            Message::Answer(id, response) => {
                if let Some((ticket, _)) = self.asked.remove(&id) {
                    cx.reply(ticket, response);
                }
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, TwoBanks>) {
        let id = RequestId::of(ticket);
        if self.choice == Choice::Ap {
            let response = self.decide_alone(id, request, cx);
            cx.reply(ticket, response);
        } else if request.account().home() == self.me {
            self.decide_at_home(id, Whom::Client(ticket), request, cx);
        } else {
            // The copy here may have an entry that nobody has been told of: only the home knows.
            self.asked.insert(id, (ticket, request));
            cx.set_timer(Timer::GiveUp(id), PATIENCE);
            cx.send(self.other, Message::Ask(id, request));
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, TwoBanks>) {
        match timer {
            Timer::GiveUp(id) => {
                if let Some((ticket, request)) = self.asked.remove(&id) {
                    // The home may have heard of it.
                    let is_read = request.by().is_none();
                    cx.reply(
                        ticket,
                        if is_read {
                            Response::Unavailable
                        } else {
                            Response::Unknown
                        },
                    );
                } else if let Some(at) = self.queue.iter().position(|(queued, _)| *queued == id) {
                    // It has not begun, and now it never will.
                    self.queue.remove(at);
                    self.answer(id, Response::Unavailable, cx);
                } else {
                    self.answer(id, Response::Unknown, cx);
                }
            }
            _ => {
                for entry in self.unconfirmed.values() {
                    cx.send(self.other, Message::Entry(*entry));
                }
                for (id, (_, request)) in &self.asked {
                    cx.send(self.other, Message::Ask(*id, *request));
                }
                cx.set_timer(Timer::Again, INTERVAL);
            }
        }
    }
}

impl Server for Bank {
    fn copy(&self, account: Account) -> i64 {
        self.balance(account)
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Bank>)
}
