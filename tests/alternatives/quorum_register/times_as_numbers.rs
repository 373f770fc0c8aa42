//! Built another way: the number of a write is the clock's microseconds, unless what it was shown is later: then one above
//! that. Each phase is a plain list of who is still silent; phases are asked again every 20 ms; what a node chose it saves as
//! its counter before it says so, and stores it with itself like with the others.

use splitbrain::exercises::quorum_register::{
    Held, Message, OpId, QuorumRegister, Request, Response, Saved, Timer, Timestamp, Value, judge,
};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
enum Step {
    Find { silent: Vec<NodeId>, best: Held },
    Put { silent: Vec<NodeId>, held: Held },
}

#[derive(Clone, Debug, Hash)]
struct Task {
    ticket: Ticket,
    id: OpId,
    value: Option<Value>,
    step: Step,
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    me: NodeId,
    all: Vec<NodeId>,
    disk: Saved,
    tasks: Vec<Task>,
}

impl Task {
    fn ask(&self, cx: &mut Context<'_, QuorumRegister>) {
        match &self.step {
            Step::Find { silent, .. } => silent.iter().for_each(|to| cx.send(*to, Message::Query(self.id))),
            Step::Put { silent, held } => silent.iter().for_each(|to| cx.send(*to, Message::Store(self.id, *held))),
        }
        cx.set_timer(Timer::Retry(self.ticket), millis(20));
    }
}

impl Replica {
    fn advance(&mut self, i: usize, cx: &mut Context<'_, QuorumRegister>) {
        let enough = |silent: &Vec<NodeId>| (self.all.len() - silent.len()) * 2 > self.all.len();
        let task = &self.tasks[i];
        match &task.step {
            Step::Find { silent, best } if enough(silent) => {
                let mut held = *best;
                if let Some(value) = task.value {
                    let number = (held.at.number.max(self.disk.counter) + 1).max(cx.now().as_micros());
                    held = Held { at: Timestamp { number, writer: self.me }, value };
                    self.disk.counter = number;
                    cx.save(self.disk.clone());
                }
                let id = OpId(cx.random(0..=u64::MAX));
                self.tasks[i].id = id;
                self.tasks[i].step = Step::Put { silent: self.all.clone(), held };
                self.tasks[i].ask(cx);
            }
            Step::Put { silent, held } if enough(silent) => {
                cx.reply(task.ticket, if task.value.is_some() { Response::Written } else { Response::Read(held.value) });
                cx.cancel_timer(Timer::Retry(task.ticket));
                self.tasks.swap_remove(i);
            }
            _ => {}
        }
    }
}

impl Node<QuorumRegister> for Replica {
    fn new(me: NodeId, peers: &[NodeId], (): &(), saved: Option<Saved>) -> Self {
        let mut all = vec![me];
        all.extend_from_slice(peers);
        Replica { me, all, disk: saved.unwrap_or_default(), tasks: Vec::new() }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Context<'_, QuorumRegister>) {
        match message {
            Message::Query(id) => return cx.send(from, Message::Answer(id, self.disk.held)),
            Message::Store(id, held) => {
                if held.at > self.disk.held.at {
                    self.disk.held = held;
                    cx.save(self.disk.clone());
                }
                return cx.send(from, Message::Stored(id));
            }
            Message::Answer(of, held) => {
                let Some(i) = self.tasks.iter().position(|t| t.id == of) else { return };
                if let Step::Find { silent, best } = &mut self.tasks[i].step {
                    silent.retain(|n| *n != from);
                    if best.at < held.at {
                        *best = held;
                    }
                    self.advance(i, cx);
                }
            }
            Message::Stored(of) => {
                let Some(i) = self.tasks.iter().position(|t| t.id == of) else { return };
                if let Step::Put { silent, .. } = &mut self.tasks[i].step {
                    silent.retain(|n| *n != from);
                    self.advance(i, cx);
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, QuorumRegister>) {
        let Timer::Retry(ticket) = timer else { return };
        if let Some(task) = self.tasks.iter().find(|t| t.ticket == ticket) {
            task.ask(cx);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, QuorumRegister>) {
        let value = if let Request::Write(value) = request { Some(value) } else { None };
        let id = OpId(cx.random(0..=u64::MAX));
        let task = Task { ticket, id, value, step: Step::Find { silent: self.all.clone(), best: Held::INITIAL } };
        task.ask(cx);
        self.tasks.push(task);
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
