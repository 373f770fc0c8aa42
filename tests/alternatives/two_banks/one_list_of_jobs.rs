//! One list of jobs, each with the confirmations that it needs before its client is answered: none under AP, one under CP. Each confirmation is also taken for a
//! chance to send again what is still missing.

use splitbrain::exercises::two_banks::{
    Account, Choice, Config, Entry, Message, PATIENCE, Request, RequestId, Response, Server, Timer, TwoBanks, judge,
};
use splitbrain::prelude::*;

#[derive(Clone, Copy, Debug, Hash, PartialEq)]
enum For {
    Client(Ticket),
    Peer,
}

#[derive(Clone, Copy, Debug, Hash, PartialEq)]
enum At {
    /// Nothing was done.
    Waiting,
    /// The other server is to decide.
    Away,
    /// In the book.
    Written,
    /// The same, and confirmed.
    Confirmed,
    /// Refused, given up, or read.
    Dropped,
}

#[derive(Clone, Copy, Debug, Hash)]
struct Job {
    id: RequestId,
    who: For,
    request: Request,
    at: At,
    said: Option<Response>,
}

#[derive(Clone, Debug, Hash)]
struct Jobs {
    me: NodeId,
    other: NodeId,
    needs: usize,
    opening: i64,
    jobs: Vec<Job>,
    heard: Vec<Entry>,
}

impl Jobs {
    fn find(&mut self, id: RequestId) -> Option<usize> {
        self.jobs.iter().position(|job| job.id == id)
    }

    fn balance(&self, account: Account) -> i64 {
        let counts = |job: &&Job| matches!((job.at, self.needs), (At::Confirmed, _) | (At::Written, 0));
        let mine = self.jobs.iter().filter(counts).filter(|job| job.request.account() == account).filter_map(|job| job.request.by());
        let heard = self.heard.iter().filter(|entry| entry.account == account).map(|entry| entry.by);
        self.opening + mine.sum::<i64>() + heard.sum::<i64>()
    }

    fn respond(&mut self, i: usize, response: Response, cx: &mut Context<'_, TwoBanks>) {
        let other = self.other;
        let job = &mut self.jobs[i];
        match job.who {
            For::Client(ticket) if job.said.is_none() => cx.reply(ticket, response),
            For::Client(_) => {}
            For::Peer => cx.send(other, Message::Answer(job.id, response)),
        }
        job.said = Some(response);
    }

    fn decide(&mut self, i: usize, cx: &mut Context<'_, TwoBanks>) {
        let Job { id, request, .. } = self.jobs[i];
        let account = request.account();
        let balance = self.balance(account);
        match request.by() {
            None => {
                self.jobs[i].at = At::Dropped;
                let response = if balance < 0 { Response::Overdrawn(-balance as u64) } else { Response::Balance(balance as u64) };
                self.respond(i, response, cx);
            }
            Some(by) if by < 0 && by + balance < 0 => {
                self.jobs[i].at = At::Dropped;
                self.respond(i, Response::Refused, cx);
            }
            Some(by) => {
                self.jobs[i].at = At::Written;
                cx.send(self.other, Message::Entry(Entry { request: id, account, by }));
                if self.needs == 0 {
                    self.respond(i, Response::Done, cx);
                }
            }
        }
    }

    fn decide_what_can_be(&mut self, cx: &mut Context<'_, TwoBanks>) {
        while let Some(i) = self.jobs.iter().position(|job| {
            let is_free = self.needs == 0 || job.request.by().is_none() || !self.jobs.iter().any(|job| matches!(job.at, At::Written));
            job.at == At::Waiting && is_free
        }) {
            self.decide(i, cx);
        }
    }

    fn add(&mut self, id: RequestId, who: For, request: Request, cx: &mut Context<'_, TwoBanks>) {
        let here = self.needs == 0 || request.account().home() == self.me;
        self.jobs.push(Job { id, who, request, at: if here { At::Waiting } else { At::Away }, said: None });
        self.decide_what_can_be(cx);
        let job = self.jobs[self.jobs.len() - 1];
        if job.said.is_none() {
            cx.set_timer(Timer::GiveUp(id), PATIENCE);
        }
        if job.at == At::Away {
            cx.send(self.other, Message::Ask(id, request));
        }
    }

    fn remind(&self, cx: &mut Context<'_, TwoBanks>) {
        for job in &self.jobs {
            match (job.at, job.request.by()) {
                (At::Written, Some(by)) => {
                    let entry = Entry { request: job.id, account: job.request.account(), by };
                    cx.send(self.other, Message::Entry(entry));
                }
                (At::Away, _) if job.said.is_none() => cx.send(self.other, Message::Ask(job.id, job.request)),
                _ => {}
            }
        }
    }
}

impl Node<TwoBanks> for Jobs {
    fn new(me: NodeId, peers: &[NodeId], config: &Config, _: Option<()>) -> Self {
        let needs = if config.choice == Choice::Cp { 1 } else { 0 };
        Jobs { me, other: peers[0], needs, opening: config.opening as i64, jobs: vec![], heard: vec![] }
    }

    fn on_start(&mut self, cx: &mut Context<'_, TwoBanks>) {
        cx.set_timer(Timer::Again, Duration::from_millis(48));
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, TwoBanks>) {
        self.add(RequestId::of(ticket), For::Client(ticket), request, cx);
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, TwoBanks>) {
        match message {
            Message::Entry(entry) => {
                if !self.heard.contains(&entry) {
                    self.heard.push(entry);
                }
                cx.send(self.other, Message::Have(entry.request));
            }
            Message::Have(id) => {
                if let Some(i) = self.jobs.iter().position(|job| job.id == id && job.at == At::Written) {
                    self.jobs[i].at = At::Confirmed;
                    if self.needs > 0 {
                        self.respond(i, Response::Done, cx);
                        self.decide_what_can_be(cx);
                    }
                    self.remind(cx);
                }
            }
            Message::Ask(id, request) => match self.find(id).map(|i| self.jobs[i].said) {
                None => self.add(id, For::Peer, request, cx),
                Some(said) => {
                    said.into_iter().for_each(|said| cx.send(self.other, Message::Answer(id, said)));
                }
            },
            Message::Answer(id, response) => {
                if let Some(i) = self.find(id) {
                    self.respond(i, response, cx);
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, TwoBanks>) {
        if let Timer::GiveUp(id) = timer {
            let Some(i) = self.find(id).filter(|i| self.jobs[*i].said.is_none()) else { return };
            let is_read = self.jobs[i].request.by().is_none();
            if self.jobs[i].at == At::Waiting {
                self.jobs[i].at = At::Dropped;
            }
            let never = self.jobs[i].at == At::Dropped || is_read;
            self.respond(i, if never { Response::Unavailable } else { Response::Unknown }, cx);
        } else {
            self.remind(cx);
            cx.set_timer(Timer::Again, Duration::from_millis(48));
        }
    }
}

impl Server for Jobs {
    fn copy(&self, account: Account) -> i64 {
        self.balance(account)
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Jobs>)
}
