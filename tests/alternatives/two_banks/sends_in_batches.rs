//! Nothing but answers to clients leaves at once: entries, Have, Ask and Answer wait for a tick of 10 ms.

use splitbrain::exercises::two_banks::{
    Account, Choice, Config, Entry, Message, PATIENCE, Request, RequestId, Response, Server, Timer, TwoBanks, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Hash)]
enum Task {
    Waits(Option<Ticket>, Request),
    Begun(Option<Ticket>),
    Over(Response),
}

#[derive(Clone, Debug, Hash)]
struct Post {
    me: NodeId,
    other: NodeId,
    choice: Choice,
    balance: BTreeMap<Account, i64>,
    tick: u64,
    /// Entries that the other lacks, and in which tick each left last.
    out: BTreeMap<RequestId, (Entry, u64)>,
    came: BTreeMap<RequestId, Entry>,
    tasks: BTreeMap<RequestId, Task>,
    questions: BTreeMap<RequestId, (Ticket, Request, u64)>,
    bag: Vec<Message>,
}

impl Post {
    fn note(&mut self, entry: Entry) {
        self.out.insert(entry.request, (entry, 0));
    }

    fn ends(&mut self, id: RequestId, ticket: Option<Ticket>, response: Response, cx: &mut Context<'_, TwoBanks>) {
        match ticket {
            Some(ticket) => cx.reply(ticket, response),
            None => self.bag.push(Message::Answer(id, response)),
        }
        self.tasks.insert(id, Task::Over(response));
    }

    fn starts(&mut self, cx: &mut Context<'_, TwoBanks>) {
        while self.out.is_empty() {
            let waits = self.tasks.iter().find_map(|(id, task)| if let Task::Waits(t, r) = task { Some((*id, *t, *r)) } else { None });
            let Some((id, ticket, request)) = waits else { return };
            let account = request.account();
            let by = request.by().unwrap_or_default();
            if by < 0 && self.balance[&account] < -by {
                self.ends(id, ticket, Response::Refused, cx);
                continue;
            }
            self.note(Entry { request: id, account, by });
            self.tasks.insert(id, Task::Begun(ticket));
        }
    }

    fn takes(&mut self, id: RequestId, ticket: Option<Ticket>, request: Request, cx: &mut Context<'_, TwoBanks>) {
        if let Request::Read(account) = request {
            let balance = self.balance[&account] as u64;
            self.ends(id, ticket, Response::Balance(balance), cx);
        } else {
            self.tasks.insert(id, Task::Waits(ticket, request));
            cx.set_timer(Timer::GiveUp(id), PATIENCE);
            self.starts(cx);
        }
    }
}

impl Node<TwoBanks> for Post {
    fn new(me: NodeId, peers: &[NodeId], config: &Config, _: Option<()>) -> Self {
        let opening = config.opening as i64;
        Post {
            me,
            other: peers[0],
            choice: config.choice,
            balance: BTreeMap::from([(Account::Alice, opening), (Account::Bob, opening)]),
            tick: 10,
            out: BTreeMap::new(),
            came: BTreeMap::new(),
            tasks: BTreeMap::new(),
            questions: BTreeMap::new(),
            bag: Vec::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, TwoBanks>) {
        cx.set_timer(Timer::Tick, Duration::from_millis(10));
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, TwoBanks>) {
        let (id, account) = (RequestId::of(ticket), request.account());
        match self.choice {
            Choice::Cp if account.home() != self.me => {
                self.questions.insert(id, (ticket, request, 0));
                cx.set_timer(Timer::GiveUp(id), PATIENCE);
            }
            Choice::Cp => self.takes(id, Some(ticket), request, cx),
            Choice::Ap => {
                let balance = self.balance.get_mut(&account).unwrap();
                let by = request.by().unwrap_or(0);
                let response = if matches!(request, Request::Read(_)) {
                    if *balance < 0 { Response::Overdrawn(-*balance as u64) } else { Response::Balance(*balance as u64) }
                } else if by < 0 && *balance + by < 0 {
                    Response::Refused
                } else {
                    *balance += by;
                    self.note(Entry { request: id, account, by });
                    Response::Done
                };
                cx.reply(ticket, response);
            }
        }
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, TwoBanks>) {
        match message {
            Message::Entry(entry) => {
                if let std::collections::btree_map::Entry::Vacant(free) = self.came.entry(entry.request) {
                    free.insert(entry);
                    *self.balance.get_mut(&entry.account).unwrap() += entry.by;
                }
                self.bag.push(Message::Have(entry.request));
            }
            Message::Have(id) => {
                let Some((entry, _)) = self.out.remove(&id) else { return };
                if self.choice == Choice::Ap {
                    return;
                }
                *self.balance.get_mut(&entry.account).unwrap() += entry.by;
                match self.tasks.get(&entry.request) {
                    Some(Task::Begun(ticket)) => {
                        let ticket = *ticket;
                        self.ends(entry.request, ticket, Response::Done, cx);
                    }
                    _ => drop(self.tasks.insert(entry.request, Task::Over(Response::Done))),
                }
                self.starts(cx);
            }
            Message::Ask(id, request) => match self.tasks.get(&id) {
                Some(Task::Over(response)) => self.bag.push(Message::Answer(id, *response)),
                Some(_) => {}
                None => self.takes(id, None, request, cx),
            },
            Message::Answer(id, response) => {
                if let Some((ticket, ..)) = self.questions.remove(&id) {
                    cx.reply(ticket, response);
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, TwoBanks>) {
        match timer {
            Timer::GiveUp(id) => {
                if let Some((ticket, request, _)) = self.questions.remove(&id) {
                    let reads = matches!(request, Request::Read(_));
                    cx.reply(ticket, if reads { Response::Unavailable } else { Response::Unknown });
                    return;
                }
                match self.tasks.get(&id).cloned() {
                    Some(Task::Waits(ticket, _)) => self.ends(id, ticket, Response::Unavailable, cx),
                    Some(Task::Begun(ticket)) => self.ends(id, ticket, Response::Unknown, cx),
                    _ => {}
                }
            }
            _ => {
                self.tick += 1;
                for message in std::mem::take(&mut self.bag) {
                    cx.send(self.other, message);
                }
                for (entry, left) in self.out.values_mut() {
                    if self.tick >= *left + 3 {
                        *left = self.tick;
                        cx.send(self.other, Message::Entry(*entry));
                    }
                }
                for (id, (_, request, left)) in &mut self.questions {
                    if self.tick >= *left + 3 {
                        *left = self.tick;
                        cx.send(self.other, Message::Ask(*id, *request));
                    }
                }
                cx.set_timer(Timer::Tick, Duration::from_millis(10));
            }
        }
    }
}

impl Server for Post {
    fn copy(&self, account: Account) -> i64 {
        self.balance[&account]
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Post>)
}
