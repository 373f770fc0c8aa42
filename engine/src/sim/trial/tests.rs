//! Runs of a counter that three nodes gossip: what is shown of a failure, and what becomes of it after an edit.

use super::trial;
use crate::rule::{Broken, Check};
use crate::sim::node::{ClientId, Context, Factory, Node, NodeId, Observe, Protocol, Ticket};
use crate::sim::{Allowed, Clients, Plan, Referee, Setup, Step, World};
use crate::suite::Run;
use crate::time::{Time, millis};
use crate::trace::{Event, Probe, Regression, Tape, What};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

#[derive(Clone, Debug, Hash)]
struct Gossip;

/// How a node is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Code {
    /// Counts what it is told beyond 3, which it must not.
    Wrong,
    /// Stops at 3.
    Mended,
    /// As wrong, under another message.
    Reshaped,
    /// Panics instead.
    Panics,
    /// Never tells anybody of more than 1.
    Silent,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Message {
    Count(u8),
    Total { count: u8 },
}

impl Protocol for Gossip {
    type Config = Code;
    type Message = Message;
    type Timer = u8;
    type Request = u8;
    type Response = u8;
    type Durable = u8;
    type View = u8;
}

#[derive(Clone, Debug, Hash)]
struct Counter {
    code: Code,
    count: u8,
}

impl Node<Gossip> for Counter {
    fn new(_: NodeId, _: &[NodeId], code: &Code, saved: Option<u8>) -> Self {
        Counter { code: *code, count: saved.unwrap_or(0) }
    }

    fn on_start(&mut self, cx: &mut Context<'_, Gossip>) {
        cx.set_timer(0, millis(10));
    }

    fn on_message(&mut self, _: NodeId, message: Message, _: &mut Context<'_, Gossip>) {
        let (Message::Count(count) | Message::Total { count }) = message;
        let most = if self.code == Code::Mended { 3 } else { u8::MAX };
        self.count = self.count.max(count).min(most);
        assert!(self.code != Code::Panics || self.count <= 3, "counted to {}", self.count);
    }

    fn on_timer(&mut self, timer: u8, cx: &mut Context<'_, Gossip>) {
        let count = self.count;
        let message = if self.code == Code::Reshaped { Message::Total { count } } else { Message::Count(count) };
        cx.broadcast(message);
        cx.set_timer(timer, millis(10));
    }

    fn on_request(&mut self, add: u8, ticket: Ticket, cx: &mut Context<'_, Gossip>) {
        self.count = self.count.saturating_add(add);
        cx.save(self.count);
        cx.reply(ticket, self.count);
    }
}

impl Observe<Counter> for Gossip {
    fn view(node: &Counter) -> u8 {
        node.count
    }
}

/// Two clients ask n1 to add; n3 may not count beyond 3; and somebody must by the end, if `must` says so.
struct Watch {
    must: bool,
}

const N3: NodeId = NodeId::from_index(2);

impl Referee<Gossip> for Watch {
    fn begin(&mut self, clients: &mut Clients<'_, Gossip>) {
        (0..2).for_each(|c| clients.wake(ClientId::from_index(c), millis(5), 0));
    }

    fn wake(&mut self, client: ClientId, _: u64, clients: &mut Clients<'_, Gossip>, _: &World<'_, Gossip>) -> Check {
        clients.ask(client, NodeId::from_index(0), 1);
        clients.wake(client, millis(30), 0);
        Ok(())
    }

    fn step(&mut self, step: &Step<'_, Gossip>, _: &World<'_, Gossip>) -> Check {
        match step.view {
            Some(count) if step.node == N3 && count > 3 && !self.must => Err(Broken::new("at_most_three", format!("n3 counts {count}"))),
            _ => Ok(()),
        }
    }

    fn end(&mut self, _: &World<'_, Gossip>) -> Check {
        if self.must { Err(Broken::new("comes_to_an_end", "it never did").timed()) } else { Ok(()) }
    }
}

fn setup(code: Code) -> Setup<Gossip> {
    let plan = Plan::draw(7, 3, &Allowed::everything(millis(50)), Time::from_millis(400));
    Setup { plan, end: Time::from_millis(600), ..Setup::new(7, vec![code; 3]) }
}

fn run(code: Code, must: bool, probe: &Probe) -> Run {
    trial(Factory::of::<Counter>(), &setup(code), probe, || Watch { must }, |_, _| {})
}

/// The run that is shown of a failure.
fn shown(code: Code, must: bool) -> (Run, Vec<Event>) {
    let tape = Tape::new();
    let run = run(code, must, &Probe { tape: Some(tape.clone()), shrink: true, ..Probe::default() });
    (run, tape.trace().events)
}

fn after(code: Code, kept: &[Event]) -> (Check, Option<Result<(), String>>) {
    let kept = Arc::new(Regression::new(kept.to_vec()));
    let run = run(code, false, &Probe { regression: Some(Arc::clone(&kept)), ..Probe::default() });
    (run.check, kept.said())
}

#[test]
fn a_kept_run_is_mended_or_breaks_again_or_means_nothing_any_more() {
    let (run, kept) = shown(Code::Wrong, false);
    assert_eq!(run.check.expect_err("it counts too far").rule, "at_most_three");
    assert!(kept.len() < 120, "{} events", kept.len());
    assert_eq!(after(Code::Mended, &kept), (Ok(()), Some(Ok(()))));
    let (check, said) = after(Code::Wrong, &kept);
    assert_eq!((check.map_err(|b| b.rule), said), (Err("at_most_three"), Some(Ok(()))));
    // The seed is tried whole then, and breaks the same rule.
    let (check, said) = after(Code::Reshaped, &kept);
    assert_eq!(check.map_err(|b| b.rule), Err("at_most_three"));
    let why = said.expect("something is said").expect_err("it is gone");
    assert!(why.starts_with("step ") && why.ends_with("delivers a message that is not sent any more"), "{why}");
}

#[test]
fn a_panic_is_shown_in_few_steps() {
    let steps = |shrink: bool| {
        let tape = Tape::new();
        let probe = Probe { tape: Some(tape.clone()), shrink, ..Probe::default() };
        let payload = catch_unwind(AssertUnwindSafe(|| run(Code::Panics, false, &probe))).expect_err("it panics");
        assert!(payload.downcast_ref::<String>().is_some_and(|text| text.starts_with("counted to ")));
        // Whoever catches it sees that the learner's code was running.
        assert_eq!(probe.pulse.load(std::sync::atomic::Ordering::Relaxed) & 1, 1);
        tape.trace().last_step()
    };
    let (whole, shrunk) = (steps(false), steps(true));
    // Four requests asked for and taken, two starts, a timer, and the message that kills.
    assert!(shrunk <= 12 && shrunk * 2 < whole, "{shrunk} of {whole}");
}

#[test]
fn what_rests_on_time_is_shown_whole_in_fair_weather() {
    let (run, events) = shown(Code::Silent, true);
    assert_eq!(run.check.expect_err("it never ends").rule, "comes_to_an_end");
    let shrunk = run.shrunk.expect("a fairer run");
    assert_eq!(shrunk.broken.rule, "comes_to_an_end");
    let fault = |e: &&Event| matches!(e.what, What::Crashes { .. } | What::Loses { .. } | What::Splits { .. } | What::Pauses { .. });
    assert_eq!(events.iter().filter(fault).collect::<Vec<_>>(), Vec::<&Event>::new());
}
