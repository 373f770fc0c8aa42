//! A machine for each choice behind one door, and an outbox that both share. Of the changes that wait the youngest is made first.

use splitbrain::exercises::two_banks::{
    Account, Choice, Config, Entry, Message, Request, RequestId, Response, Server, Timer, TwoBanks, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

type Cx<'a> = Context<'a, TwoBanks>;

/// What must reach the other server, and what has come from it.
#[derive(Clone, Debug, Hash)]
struct Mailbox {
    other: NodeId,
    out: BTreeMap<RequestId, Entry>,
    seen: BTreeSet<RequestId>,
}

impl Mailbox {
    fn post(&mut self, entry: Entry, cx: &mut Cx<'_>) {
        cx.send(self.other, Message::Entry(entry));
        self.out.insert(entry.request, entry);
    }
    fn is_news(&mut self, entry: &Entry, cx: &mut Cx<'_>) -> bool {
        cx.send(self.other, Message::Have(entry.request));
        self.seen.insert(entry.request)
    }
    fn repeat(&self, cx: &mut Cx<'_>) {
        self.out.values().for_each(|entry| cx.send(self.other, Message::Entry(*entry)));
    }
}

#[derive(Clone, Debug, Hash, Default)]
struct Money {
    alice: i64,
    bob: i64,
}

impl Money {
    fn of(&mut self, account: Account) -> &mut i64 {
        match account {
            Account::Alice => &mut self.alice,
            Account::Bob => &mut self.bob,
        }
    }
    fn allows(&mut self, account: Account, by: i64) -> bool {
        by > 0 || *self.of(account) >= by.abs()
    }
}

#[derive(Clone, Debug, Hash)]
struct Available {
    mail: Mailbox,
    money: Money,
}

impl Available {
    fn request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let account = request.account();
        let Some(by) = request.by() else {
            let n = *self.money.of(account);
            return cx.reply(ticket, if n < 0 { Response::Overdrawn((-n) as u64) } else { Response::Balance(n as u64) });
        };
        if !self.money.allows(account, by) {
            return cx.reply(ticket, Response::Refused);
        }
        cx.reply(ticket, Response::Done);
        *self.money.of(account) += by;
        self.mail.post(Entry { request: RequestId::of(ticket), account, by }, cx);
    }
    fn message(&mut self, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Entry(entry) if self.mail.is_news(&entry, cx) => *self.money.of(entry.account) += entry.by,
            Message::Have(id) => drop(self.mail.out.remove(&id)),
            _ => {}
        }
    }
}

#[derive(Clone, Debug, Hash)]
enum Client {
    Mine(Ticket),
    Theirs,
}

#[derive(Clone, Debug, Hash)]
struct Consistent {
    me: NodeId,
    mail: Mailbox,
    money: Money,
    stack: Vec<(RequestId, Client, Request)>,
    current: Option<(RequestId, Option<Client>)>,
    asked: BTreeMap<RequestId, (Ticket, Request)>,
    memory: BTreeMap<RequestId, Option<Response>>,
}

impl Consistent {
    fn tell(&mut self, id: RequestId, client: &Client, response: Response, cx: &mut Cx<'_>) {
        match client {
            Client::Mine(ticket) => cx.reply(*ticket, response),
            Client::Theirs => {
                self.memory.insert(id, Some(response));
                cx.send(self.mail.other, Message::Answer(id, response));
            }
        }
    }
    fn go(&mut self, cx: &mut Cx<'_>) {
        while self.current.is_none() {
            let Some((id, client, request)) = self.stack.pop() else { break };
            let (account, by) = (request.account(), request.by().unwrap());
            if self.money.allows(account, by) {
                self.current = Some((id, Some(client)));
                self.mail.post(Entry { request: id, account, by }, cx);
            } else {
                self.tell(id, &client, Response::Refused, cx);
            }
        }
    }
    fn serve(&mut self, id: RequestId, client: Client, request: Request, cx: &mut Cx<'_>) {
        if request.by().is_none() {
            let n = *self.money.of(request.account());
            return self.tell(id, &client, Response::Balance(n as u64), cx);
        }
        self.stack.push((id, client, request));
        cx.set_timer(Timer::GiveUp(id), Duration::from_millis(155));
        self.go(cx);
    }
    fn request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        let id = RequestId::of(ticket);
        if request.account().home() == self.me {
            return self.serve(id, Client::Mine(ticket), request, cx);
        }
        self.asked.insert(id, (ticket, request));
        cx.set_timer(Timer::GiveUp(id), Duration::from_millis(155));
        cx.send(self.mail.other, Message::Ask(id, request));
    }
    fn message(&mut self, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Entry(entry) => {
                if self.mail.is_news(&entry, cx) {
                    *self.money.of(entry.account) += entry.by;
                }
            }
            Message::Have(id) => {
                let Some(entry) = self.mail.out.remove(&id) else { return };
                *self.money.of(entry.account) += entry.by;
                match self.current.take() {
                    Some((id, Some(client))) => self.tell(id, &client, Response::Done, cx),
                    Some((id, None)) if self.memory.contains_key(&id) => drop(self.memory.insert(id, Some(Response::Done))),
                    _ => {}
                }
                self.go(cx);
            }
            Message::Ask(id, request) => match self.memory.get(&id) {
                None => {
                    self.memory.insert(id, None);
                    self.serve(id, Client::Theirs, request, cx);
                }
                Some(None) => {}
                Some(Some(response)) => cx.send(self.mail.other, Message::Answer(id, *response)),
            },
            Message::Answer(id, response) => {
                if let Some((ticket, _)) = self.asked.remove(&id) {
                    cx.reply(ticket, response);
                }
            }
        }
    }
    fn give_up(&mut self, id: RequestId, cx: &mut Cx<'_>) {
        if let Some((ticket, request)) = self.asked.remove(&id) {
            cx.reply(ticket, if request.by().is_none() { Response::Unavailable } else { Response::Unknown });
        } else if let Some(i) = self.stack.iter().position(|(known, ..)| *known == id) {
            let (_, client, _) = self.stack.remove(i);
            self.tell(id, &client, Response::Unavailable, cx);
        } else if let Some((current, client @ Some(_))) = &mut self.current
            && *current == id
        {
            let client = client.take().unwrap();
            self.tell(id, &client, Response::Unknown, cx);
        }
    }
}

#[derive(Clone, Debug, Hash)]
enum Bank {
    Ap(Available),
    Cp(Consistent),
}

impl Bank {
    fn mail(&self) -> &Mailbox {
        match self {
            Bank::Ap(it) => &it.mail,
            Bank::Cp(it) => &it.mail,
        }
    }
}

impl Node<TwoBanks> for Bank {
    fn new(me: NodeId, peers: &[NodeId], config: &Config, _: Option<()>) -> Self {
        let mail = Mailbox { other: peers[0], out: BTreeMap::new(), seen: BTreeSet::new() };
        let money = Money { alice: config.opening as i64, bob: config.opening as i64 };
        match config.choice {
            Choice::Ap => Bank::Ap(Available { mail, money }),
            Choice::Cp => Bank::Cp(Consistent {
                me,
                mail,
                money,
                stack: vec![],
                current: None,
                asked: BTreeMap::new(),
                memory: BTreeMap::new(),
            }),
        }
    }
    fn on_start(&mut self, cx: &mut Cx<'_>) {
        cx.set_timer(Timer::Again, Duration::from_millis(33));
    }
    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match self {
            Bank::Ap(it) => it.request(request, ticket, cx),
            Bank::Cp(it) => it.request(request, ticket, cx),
        }
    }
    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Cx<'_>) {
        match self {
            Bank::Ap(it) => it.message(message, cx),
            Bank::Cp(it) => it.message(message, cx),
        }
    }
    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        match (timer, &mut *self) {
            (Timer::GiveUp(id), Bank::Cp(it)) => it.give_up(id, cx),
            _ => {
                cx.set_timer(Timer::Again, Duration::from_millis(33));
                self.mail().repeat(cx);
                if let Bank::Cp(it) = self {
                    it.asked.iter().for_each(|(id, (_, request))| cx.send(it.mail.other, Message::Ask(*id, *request)));
                }
            }
        }
    }
}

impl Server for Bank {
    fn copy(&self, account: Account) -> i64 {
        let (Bank::Ap(Available { money, .. }) | Bank::Cp(Consistent { money, .. })) = self;
        match account {
            Account::Alice => money.alice,
            Account::Bob => money.bob,
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Bank>)
}
