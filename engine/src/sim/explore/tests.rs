//! Scopes small enough to be counted by hand, and wrong nodes that are found by the shortest path.

use super::{Explored, Invariant, NoInvariant, Scope, When, counterexample, explore, explored};
use crate::rule::{Broken, Check};
use crate::sim::node::{ClientId, Context, Effect, Factory, Node, NodeId, Observe, Protocol, Ticket};
use crate::sim::step::Step;
use crate::time::{Time, millis};
use crate::trace::{Probe, Sought, Tape, What};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[derive(Clone, Debug, Hash)]
struct Toy;

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    /// Counts what arrives.
    Counts,
    /// Keeps what arrives in order.
    Keeps,
    /// Sends 1, 2, … so many to n2 at the start.
    Sends(u8),
    /// Saves how often its timer has fired, and sets it again.
    Ticks,
    /// Waits 50 ms by counting ticks, then sends a message to n2.
    CountsTicks,
    /// Waits until its clock says 50 ms, looking every 10 ms, then sends a message to n2.
    ReadsClock,
    /// Counts a request, saves, answers.
    Durable,
    /// Counts a request, answers, saves.
    Hasty,
    /// Draws a number for a request, saves it, answers.
    Draws,
    /// Panics at the second message.
    Panics,
}

impl Protocol for Toy {
    type Config = Part;
    type Message = u8;
    type Timer = u8;
    type Request = ();
    type Response = ();
    type Durable = u8;
    type View = usize;
}

#[derive(Clone, Debug, Hash)]
struct Thing {
    part: Part,
    kept: Vec<u8>,
    count: u8,
}

const N1: NodeId = NodeId::from_index(0);
const N2: NodeId = NodeId::from_index(1);

impl Node<Toy> for Thing {
    fn new(_: NodeId, _: &[NodeId], part: &Part, saved: Option<u8>) -> Self {
        Thing { part: *part, kept: Vec::new(), count: saved.unwrap_or(0) }
    }

    fn on_start(&mut self, cx: &mut Context<'_, Toy>) {
        match self.part {
            Part::Sends(n) => (1..=n).for_each(|i| cx.send(N2, i)),
            Part::Ticks | Part::CountsTicks | Part::ReadsClock => cx.set_timer(0, millis(10)),
            _ => {}
        }
    }

    fn on_message(&mut self, _: NodeId, message: u8, _: &mut Context<'_, Toy>) {
        match self.part {
            Part::Keeps => self.kept.push(message),
            Part::Counts => self.count += 1,
            Part::Panics => {
                self.count += 1;
                assert!(self.count < 2, "one message too many");
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: u8, cx: &mut Context<'_, Toy>) {
        self.count += 1;
        match self.part {
            Part::Ticks => cx.save(self.count),
            Part::CountsTicks if self.count == 5 => cx.send(N2, 9),
            Part::ReadsClock if cx.now() == Time::from_millis(50) => cx.send(N2, 9),
            _ => {}
        }
        cx.set_timer(timer, millis(10));
    }

    fn on_request(&mut self, (): (), ticket: Ticket, cx: &mut Context<'_, Toy>) {
        self.count += 1;
        if self.part == Part::Draws {
            let number = cx.random(0..=200) as u8;
            cx.save(number);
            cx.reply(ticket, ());
        } else if self.part == Part::Durable {
            cx.save(self.count);
            cx.reply(ticket, ());
        } else {
            cx.reply(ticket, ());
            cx.save(self.count);
        }
    }
}

impl Observe<Thing> for Toy {
    fn view(node: &Thing) -> usize {
        node.kept.len() + node.count as usize
    }
}

fn scope(parts: &[Part]) -> Scope<Toy> {
    Scope::new(parts.to_vec())
}

fn run<G: Invariant<Toy>>(scope: &Scope<Toy>, invariant: &G) -> Explored<Toy> {
    explore(Factory::of::<Thing>(), scope, invariant, &Probe::default())
}

fn counts(scope: &Scope<Toy>) -> (u64, u64, u32, bool) {
    let e = run(scope, &NoInvariant);
    (e.states, e.generated, e.depth, e.complete)
}

#[test]
fn orders_that_lead_to_the_same_state_are_one() {
    // Nothing, one, two: who sees only numbers has 1 2 1 states; who keeps the order has 1 2 2.
    assert_eq!(counts(&scope(&[Part::Sends(2), Part::Counts])), (4, 5, 2, true));
    assert_eq!(counts(&scope(&[Part::Sends(2), Part::Keeps])), (5, 5, 2, true));
    // 1 + 3 + 6 + 6 orders of three messages.
    assert_eq!(counts(&scope(&[Part::Sends(3), Part::Keeps])), (16, 16, 3, true));
}

#[test]
fn a_delivery_that_changes_nothing_is_no_state_unless_asked_for() {
    let idle = scope(&[Part::Sends(2), Part::Ticks]);
    assert_eq!(counts(&idle), (1, 1, 0, true));
    assert_eq!(counts(&Scope { keep_idle: true, ..idle }), (4, 5, 2, true));
}

#[test]
fn budgets_are_kept() {
    // A timer of one node three times, of the other twice: 4 × 3 states.
    assert_eq!(counts(&Scope { firings: vec![3, 2], ..scope(&[Part::Ticks, Part::Ticks]) }), (12, 18, 5, true));
    // Delivered, or delivered and still under way, and then once more.
    assert_eq!(counts(&Scope { repeats: 1, ..scope(&[Part::Sends(1), Part::Counts]) }), (4, 4, 2, true));
    // Up, down, up again.
    assert_eq!(counts(&Scope { crashes: 1, ..scope(&[Part::Counts]) }), (3, 3, 2, true));
}

#[test]
fn where_it_stops_is_said() {
    let all = scope(&[Part::Sends(3), Part::Keeps]);
    assert_eq!(run(&all, &NoInvariant).to_string(), "16 states, complete");
    assert_eq!(run(&Scope { depth_max: 2, ..all.clone() }, &NoInvariant).to_string(), "stopped at 10 states, depth 2, incomplete");
    let few = run(&Scope { states_max: 5, ..all.clone() }, &NoInvariant);
    assert!(!few.complete && (5..10).contains(&few.states), "{few}");
    assert!(!counts(&Scope { depth_max: 3, ..all.clone() }).3, "nobody has looked beyond");
    assert_eq!(counts(&Scope { depth_max: 4, ..all }), (16, 16, 3, true));
}

#[test]
fn firings_that_nobody_sees_are_one_firing() {
    for part in [Part::CountsTicks, Part::ReadsClock] {
        let scope = Scope { firings: vec![1, 0], ..scope(&[part, Part::Counts]) };
        // Not fired; fired five times, which sends the message; and it has arrived.
        assert_eq!(counts(&scope), (3, 3, 2, true), "{part:?}");
    }
}

/// What was acknowledged is shown after a restart.
#[derive(Clone, Default, Hash)]
struct Acknowledged(usize);

impl Invariant<Toy> for Acknowledged {
    fn step(&mut self, step: &Step<'_, Toy>) -> Check {
        self.0 += step.effects.iter().filter(|e| matches!(e, Effect::Reply { .. })).count();
        match step.view {
            Some(shown) if shown < self.0 => Err(Broken::new("kept", format!("{} acknowledged, {shown} kept", self.0)).at([step.number])),
            _ => Ok(()),
        }
    }
}

fn requests(part: Part, crashes: u8) -> Scope<Toy> {
    let asks = |client| (ClientId::from_index(client), N1, ());
    Scope { crashes, requests: vec![asks(0), asks(0), asks(1)], ..scope(&[part]) }
}

#[test]
fn a_crash_between_two_effects_is_tried_and_found_by_the_shortest_path() {
    assert_eq!(run(&requests(Part::Durable, 2), &Acknowledged::default()).broken, None);
    assert_eq!(run(&requests(Part::Hasty, 0), &Acknowledged::default()).broken, None);
    let found = run(&requests(Part::Hasty, 1), &Acknowledged::default());
    let broken = found.broken.as_ref().expect("it answers before it saves");
    assert_eq!((broken.rule, broken.seen.as_str()), ("kept", "1 acknowledged, 0 kept"));
    // Start; ask, take and answer; start again.
    assert_eq!((found.path_length(), found.depth), (5, 2), "{:?}", found.path);
}

#[test]
fn what_is_found_happens_again_in_a_world_and_is_shown() {
    let scope = requests(Part::Hasty, 1);
    let tape = Tape::new();
    let probe = Probe { tape: Some(tape.clone()), ..Probe::default() };
    let check = explored(Factory::of::<Thing>(), &scope, &Acknowledged::default(), &probe);
    let broken = check.expect_err("it answers before it saves");
    let trace = tape.trace();
    assert_eq!((broken.rule, broken.seen.as_str()), ("kept", "1 acknowledged, 0 kept"));
    assert_eq!(broken.marks, [trace.last_step()], "the marks are those of the run that is shown");
    assert!(trace.events.iter().any(|e| matches!(e.what, What::Crashes { done: 1, of: 2, .. })), "{trace:?}");
    assert_eq!(probe.take_counts().len(), 2);
    // Without the crash it is no finding.
    let found = run(&scope, &Acknowledged::default());
    let harmless: Vec<_> = found.path.into_iter().map(|d| crate::sim::decision::Decision { crash_after: None, ..d }).collect();
    assert_eq!(
        counterexample::happens(Factory::of::<Thing>(), &scope, &Acknowledged::default(), &harmless, "kept", &Probe::default()),
        Ok(())
    );
}

#[test]
fn clients_wait_for_their_answers() {
    // Two requests of one client, one of another: of six orders three. Only how many are counted differs, and who asked.
    assert_eq!(counts(&requests(Part::Durable, 0)), (6, 8, 3, true));
}

#[test]
fn the_same_exploration_twice() {
    let scope = Scope { firings: vec![0, 0, 3], repeats: 1, crashes: 1, ..scope(&[Part::Sends(2), Part::Keeps, Part::Ticks]) };
    let (a, b) = (run(&scope, &NoInvariant), run(&scope, &NoInvariant));
    assert!(a.complete && a.states > 500, "{a}");
    assert_eq!((a.states, a.generated, a.depth), (b.states, b.generated, b.depth));
    let requests = requests(Part::Hasty, 1);
    let (a, b) = (run(&requests, &Acknowledged::default()), run(&requests, &Acknowledged::default()));
    assert_eq!(format!("{:?}", a.path), format!("{:?}", b.path));
}

#[test]
fn a_panic_comes_with_the_run_that_leads_to_it() {
    let tape = Tape::new();
    let probe = Probe { tape: Some(tape.clone()), ..Probe::default() };
    let scope = scope(&[Part::Sends(2), Part::Panics]);
    let result = catch_unwind(AssertUnwindSafe(|| explore(Factory::of::<Thing>(), &scope, &NoInvariant, &probe)));
    assert!(result.is_err());
    let received = tape.trace().events.iter().filter(|e| matches!(e.what, What::Receives { .. })).count();
    assert_eq!(received, 2, "{:?}", tape.trace());
    assert_eq!(probe.pulse.load(std::sync::atomic::Ordering::Relaxed) & 1, 1, "the learner's code was running");
}

/// The second client gets no answer; and nobody gets the third one.
#[derive(Clone, Default, Hash)]
struct Answered(u8);

impl Invariant<Toy> for Answered {
    fn response(&mut self, when: When, _: NodeId, ticket: Ticket, (): &()) -> Check {
        self.0 += 1;
        if ticket.client().index() == 1 {
            return Err(Broken::new("near", "c2 was answered").at([when.step]));
        }
        if self.0 == 2 { Err(Broken::new("far", "two were answered").at([when.step])) } else { Ok(()) }
    }
}

#[test]
fn a_rule_is_sought_past_nearer_ones_and_not_too_far() {
    let scope = requests(Part::Durable, 0);
    let found = |sought: Option<(&'static str, u64)>| {
        let tape = Tape::new();
        let sought = sought.map(|(rule, steps_below)| Sought { rule, steps_below, states_max: usize::MAX });
        let probe = Probe { tape: Some(tape.clone()), sought, ..Probe::default() };
        let broken = explored(Factory::of::<Thing>(), &scope, &Answered::default(), &probe).err();
        broken.map(|b| (b.rule, b.marks, tape.trace().last_step()))
    };
    // Start; ask, take, get.
    assert_eq!(found(None), Some(("near", vec![4], 4)));
    assert_eq!(found(Some(("far", u64::MAX))), Some(("far", vec![7], 7)));
    assert_eq!(found(Some(("far", 2))), None, "two moves are more than one step");
    assert_eq!(found(Some(("elsewhere", u64::MAX))), None);
}

#[derive(Clone, Default, Hash)]
struct Drawn(Vec<u8>);

impl Invariant<Toy> for Drawn {
    fn step(&mut self, step: &Step<'_, Toy>) -> Check {
        self.0.extend(step.saved());
        if self.0.len() == 3 { Err(Broken::new("three", format!("{:?}", self.0))) } else { Ok(()) }
    }
}

#[test]
fn dice_start_anew_or_go_on_and_in_the_world_as_well() {
    for dice_go_on in [false, true] {
        let scope = Scope { dice_go_on, ..requests(Part::Draws, 0) };
        let found = run(&scope, &Drawn::default()).broken.expect("three numbers are drawn");
        let shown = explored(Factory::of::<Thing>(), &scope, &Drawn::default(), &Probe::default()).expect_err("three numbers are drawn");
        assert_eq!(found.seen, shown.seen);
        let numbers: std::collections::BTreeSet<&str> = found.seen.trim_matches(['[', ']']).split(", ").collect();
        assert_eq!(numbers.len(), if dice_go_on { 3 } else { 1 }, "{}", found.seen);
    }
}
