//! No timer when nothing is open: one is set for what is sent, and asks whether to send it again. Entries that are not confirmed stand in a line.

use splitbrain::exercises::two_banks::{
    Account, Choice, Config, Entry, Message, PATIENCE, Request, RequestId, Response, Server, Timer, TwoBanks, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[derive(Clone, Debug, Hash)]
struct Quiet {
    me: NodeId,
    other: NodeId,
    choice: Choice,
    sums: [i64; 2],
    out: VecDeque<Entry>,
    came: BTreeSet<RequestId>,
    is_armed: bool,
    queue: Vec<RequestId>,
    open: BTreeMap<RequestId, (Option<Ticket>, Request)>,
    told: BTreeMap<RequestId, Response>,
}

impl Quiet {
    fn arm(&mut self, cx: &mut Context<'_, TwoBanks>) {
        if !self.is_armed {
            self.is_armed = true;
            cx.set_timer(Timer::Again, Duration::from_millis(40));
        }
    }

    fn is_mine(&self, request: &Request) -> bool {
        request.account().home() == self.me
    }

    fn publish(&mut self, entry: Entry, cx: &mut Context<'_, TwoBanks>) {
        self.out.push_back(entry);
        cx.send(self.other, Message::Entry(entry));
        self.arm(cx);
    }

    fn finish(&mut self, id: RequestId, response: Response, cx: &mut Context<'_, TwoBanks>) {
        let Some((ticket, _)) = self.open.remove(&id) else {
            if let Some(said) = self.told.get_mut(&id) {
                *said = response;
            }
            return;
        };
        if let Some(ticket) = ticket {
            cx.reply(ticket, response);
        } else {
            self.told.insert(id, response);
            cx.send(self.other, Message::Answer(id, response));
        }
    }

    fn pump(&mut self, cx: &mut Context<'_, TwoBanks>) {
        while self.out.is_empty() && !self.queue.is_empty() {
            let id = self.queue.remove(0);
            let (_, request) = self.open[&id];
            let by = request.by().unwrap();
            if self.sums[request.account() as usize] + by < 0 {
                self.finish(id, Response::Refused, cx);
            } else {
                self.publish(Entry { request: id, account: request.account(), by }, cx);
            }
        }
    }

    fn start(&mut self, id: RequestId, ticket: Option<Ticket>, request: Request, cx: &mut Context<'_, TwoBanks>) {
        self.open.insert(id, (ticket, request));
        match request {
            Request::Read(account) if self.is_mine(&request) => {
                self.finish(id, Response::Balance(self.sums[account as usize] as u64), cx);
                return;
            }
            _ if self.is_mine(&request) => self.queue.push(id),
            _ => {
                cx.send(self.other, Message::Ask(id, request));
                self.arm(cx);
            }
        }
        cx.set_timer(Timer::GiveUp(id), PATIENCE + Duration::from_millis(5));
        self.pump(cx);
    }
}

impl Node<TwoBanks> for Quiet {
    fn new(me: NodeId, peers: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Quiet {
            me,
            other: peers[0],
            choice: config.choice,
            sums: [config.opening as i64; 2],
            out: VecDeque::new(),
            came: BTreeSet::new(),
            is_armed: false,
            queue: Vec::new(),
            open: BTreeMap::new(),
            told: BTreeMap::new(),
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, TwoBanks>) {
        let id = RequestId::of(ticket);
        if self.choice == Choice::Cp {
            return self.start(id, Some(ticket), request, cx);
        }
        let account = request.account();
        let sum = self.sums[account as usize];
        let after = sum.checked_add(request.by().unwrap_or(0)).expect("amounts are small");
        match request {
            Request::Read(_) => match u64::try_from(sum) {
                Ok(balance) => cx.reply(ticket, Response::Balance(balance)),
                Err(_) => cx.reply(ticket, Response::Overdrawn(sum.unsigned_abs())),
            },
            Request::Withdraw(..) if after < 0 => cx.reply(ticket, Response::Refused),
            _ => {
                self.sums[account as usize] = after;
                self.publish(Entry { request: id, account, by: after - sum }, cx);
                cx.reply(ticket, Response::Done);
            }
        }
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, TwoBanks>) {
        match message {
            Message::Entry(Entry { request, account, by }) => {
                cx.send(self.other, Message::Have(request));
                if self.came.insert(request) {
                    self.sums[account as usize] += by;
                }
            }
            Message::Have(id) => {
                let Some(at) = self.out.iter().position(|entry| entry.request == id) else { return };
                let entry = self.out.remove(at).unwrap();
                if self.choice == Choice::Cp {
                    self.sums[entry.account as usize] += entry.by;
                    self.finish(id, Response::Done, cx);
                    self.pump(cx);
                }
            }
            Message::Ask(id, request) => {
                if let Some(response) = self.told.get(&id) {
                    cx.send(self.other, Message::Answer(id, *response));
                } else if !self.open.contains_key(&id) {
                    self.start(id, None, request, cx);
                }
            }
            Message::Answer(id, response) => {
                if self.open.get(&id).is_some_and(|(_, request)| !self.is_mine(request)) {
                    self.finish(id, response, cx);
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, TwoBanks>) {
        let Timer::GiveUp(id) = timer else {
            self.is_armed = false;
            let asks: Vec<_> = self.open.iter().filter(|(_, (_, r))| !self.is_mine(r)).map(|(id, (_, r))| Message::Ask(*id, *r)).collect();
            let entries = self.out.iter().map(|entry| Message::Entry(*entry));
            let again: Vec<Message> = entries.chain(asks).collect();
            if !again.is_empty() {
                self.arm(cx);
            }
            again.into_iter().for_each(|message| cx.send(self.other, message));
            return;
        };
        let Some((_, request)) = self.open.get(&id) else { return };
        let never = match (self.is_mine(request), request.by()) {
            (true, _) => self.queue.contains(&id),
            (false, by) => by.is_none(),
        };
        self.queue.retain(|queued| *queued != id);
        self.finish(id, if never { Response::Unavailable } else { Response::Unknown }, cx);
    }
}

impl Server for Quiet {
    fn copy(&self, account: Account) -> i64 {
        self.sums[account as usize]
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Quiet>)
}
