//! One list of jobs, ages in ticks. All that is sent is posted at the next tick, so an answer may leave when it is no longer news.

use splitbrain::exercises::two_banks::{
    Account, Choice, Config, Entry, Message, Request, RequestId, Response, Server, Timer, TwoBanks,
    judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

const TICK: Duration = Duration::from_millis(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stage {
    Asked,
    Waiting,
    Writing,
}

#[derive(Clone, Debug, Hash)]
struct Job {
    id: RequestId,
    request: Request,
    ticket: Option<Ticket>,
    stage: Stage,
    age: u32,
    since: u32,
}

#[derive(Clone, Debug, Hash)]
struct Line {
    entry: Entry,
    confirmed: bool,
    since: u32,
}

#[derive(Clone, Debug, Hash)]
struct Bank {
    me: NodeId,
    other: NodeId,
    cp: bool,
    opening: i64,
    mine: Vec<Line>,
    theirs: BTreeMap<RequestId, Entry>,
    jobs: Vec<Job>,
    outbox: Vec<Message>,
    said: BTreeMap<RequestId, Response>,
}

impl Bank {
    fn balance(&self, account: Account) -> i64 {
        let mine: i64 = self
            .mine
            .iter()
            .filter(|l| l.entry.account == account && (l.confirmed || !self.cp))
            .map(|l| l.entry.by)
            .sum();
        let theirs: i64 = self
            .theirs
            .values()
            .filter(|e| e.account == account)
            .map(|e| e.by)
            .sum();
        self.opening + mine + theirs
    }

    fn write(&mut self, request: RequestId, what: Request, cx: &mut Context<'_, TwoBanks>) {
        let by = what.by().unwrap_or(0);
        let entry = Entry {
            request,
            account: what.account(),
            by,
        };
        self.mine.push(Line {
            entry,
            confirmed: false,
            since: 0,
        });
        self.outbox.push(Message::Entry(entry));
    }

    fn tell(&mut self, job: &Job, response: Response, cx: &mut Context<'_, TwoBanks>) {
        match job.ticket {
            Some(ticket) => cx.reply(ticket, response),
            None => {
                self.said.insert(job.id, response);
                self.outbox.push(Message::Answer(job.id, response));
            }
        }
    }

    fn take(
        &mut self,
        id: RequestId,
        request: Request,
        ticket: Option<Ticket>,
        cx: &mut Context<'_, TwoBanks>,
    ) {
        let job = Job {
            id,
            request,
            ticket,
            stage: Stage::Waiting,
            age: 0,
            since: 0,
        };
        self.jobs.push(job);
    }

    fn next(&mut self, cx: &mut Context<'_, TwoBanks>) {
        loop {
            if self.mine.iter().any(|l| !l.confirmed) {
                return;
            }
            let Some(at) = self.jobs.iter().position(|j| j.stage == Stage::Waiting) else {
                return;
            };
            let request = self.jobs[at].request;
            let by = request.by().unwrap_or(0);
            if request.by().is_none() {
                let job = self.jobs.remove(at);
                let balance = self.balance(request.account()) as u64;
                self.tell(&job, Response::Balance(balance), cx);
                continue;
            }
            if by < 0 && self.balance(request.account()) < -by {
                let job = self.jobs.remove(at);
                self.tell(&job, Response::Refused, cx);
                continue;
            }
            self.jobs[at].stage = Stage::Writing;
            let id = self.jobs[at].id;
            self.write(id, request, cx);
        }
    }

    fn available(
        &mut self,
        id: RequestId,
        request: Request,
        ticket: Ticket,
        cx: &mut Context<'_, TwoBanks>,
    ) {
        let balance = self.balance(request.account());
        let response = match request {
            Request::Read(_) if balance < 0 => Response::Overdrawn(balance.unsigned_abs()),
            Request::Read(_) => Response::Balance(balance as u64),
            Request::Withdraw(_, amount) if balance < amount as i64 => Response::Refused,
            _ => {
                self.write(id, request, cx);
                Response::Done
            }
        };
        cx.reply(ticket, response);
    }
}

impl Node<TwoBanks> for Bank {
    fn new(me: NodeId, peers: &[NodeId], config: &Config, _saved: Option<()>) -> Self {
        Bank {
            me,
            other: peers[0],
            cp: config.choice == Choice::Cp,
            opening: config.opening as i64,
            mine: Vec::new(),
            theirs: BTreeMap::new(),
            jobs: Vec::new(),
            outbox: Vec::new(),
            said: BTreeMap::new(),
        }
    }

    fn on_start(&mut self, cx: &mut Context<'_, TwoBanks>) {
        cx.set_timer(Timer::Tick, TICK);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, TwoBanks>) {
        let id = RequestId::of(ticket);
        if !self.cp {
            return self.available(id, request, ticket, cx);
        }
        if request.account().home() == self.me {
            return self.take(id, request, Some(ticket), cx);
        }
        self.jobs.push(Job {
            id,
            request,
            ticket: Some(ticket),
            stage: Stage::Asked,
            age: 0,
            since: 0,
        });
        self.outbox.push(Message::Ask(id, request));
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, TwoBanks>) {
        match message {
            Message::Entry(entry) => {
                self.theirs.insert(entry.request, entry);
                self.outbox.push(Message::Have(entry.request));
            }
            Message::Have(id) => {
                let Some(line) = self
                    .mine
                    .iter_mut()
                    .find(|l| l.entry.request == id && !l.confirmed)
                else {
                    return;
                };
                line.confirmed = true;
                if self.cp {
                    if let Some(at) = self
                        .jobs
                        .iter()
                        .position(|j| j.id == id && j.stage == Stage::Writing)
                    {
                        let job = self.jobs.remove(at);
                        self.tell(&job, Response::Done, cx);
                    }
                }
            }
            Message::Ask(id, request) => {
                if let Some(response) = self.said.get(&id) {
                    cx.send(from, Message::Answer(id, *response));
                    return;
                }
                if self.jobs.iter().all(|j| j.id != id) {
                    self.take(id, request, None, cx);
                }
            }
            Message::Answer(id, response) => {
                if let Some(at) = self
                    .jobs
                    .iter()
                    .position(|j| j.id == id && j.stage == Stage::Asked)
                {
                    let job = self.jobs.remove(at);
                    if let Some(ticket) = job.ticket {
                        cx.reply(ticket, response);
                    }
                }
            }
        }
    }

    fn on_timer(&mut self, _timer: Timer, cx: &mut Context<'_, TwoBanks>) {
        cx.set_timer(Timer::Tick, TICK);
        self.next(cx);
        for message in std::mem::take(&mut self.outbox) {
            cx.send(self.other, message);
        }
        for line in self.mine.iter_mut().filter(|l| !l.confirmed) {
            line.since += 1;
            if line.since >= 3 {
                line.since = 0;
                cx.send(self.other, Message::Entry(line.entry));
            }
        }
        for job in &mut self.jobs {
            job.age += 1;
            job.since += 1;
            if job.stage == Stage::Asked && job.since >= 3 {
                job.since = 0;
                cx.send(self.other, Message::Ask(job.id, job.request));
            }
        }
        while let Some(at) = self.jobs.iter().position(|j| j.age >= 17) {
            let job = self.jobs.remove(at);
            let response = match job.stage {
                Stage::Asked if job.request.by().is_none() => Response::Unavailable,
                Stage::Asked | Stage::Writing => Response::Unknown,
                Stage::Waiting => Response::Unavailable,
            };
            self.tell(&job, response, cx);
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
