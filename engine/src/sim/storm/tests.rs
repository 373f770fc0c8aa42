//! Storms against a register that must not forget what it acknowledged, and must repeat its value to n2 every 100 ms.

use super::storm;
use crate::rng::Rng;
use crate::rule::{Broken, Check, Coverage};
use crate::sim::node::{ClientId, Context, Factory, Node, NodeId, Observe, Protocol, Ticket};
use crate::sim::spec::{Input, Seen, Setting, Spec, Storm};
use crate::suite::Run;
use crate::time::{Time, millis};
use crate::trace::{Probe, Tape, What};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

#[derive(Clone, Debug, Hash)]
struct Register;

/// How a node is written. A fn cannot carry it, so each has a type of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Code {
    Right,
    ByMailToItself,
    AnswersFirst,
    SavesFromTheThird,
    CountsInEightBits,
    StopsTalking,
    Panics,
    TalksToItself,
    PutOffByRequests,
    MuteAfterAGap,
    AnswersTheTwelfthFirst,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Message {
    Value(u64),
    Mine(Ticket, u64),
}

impl Protocol for Register {
    type Config = ();
    type Message = Message;
    type Timer = ();
    type Request = u64;
    type Response = u64;
    type Durable = u64;
    type View = u64;
}

#[derive(Clone, Debug, Hash)]
struct Raises<const CODE: usize> {
    value: u64,
    requests: u64,
    last: Option<Time>,
    mute: bool,
}

const CODES: [Code; 11] = [
    Code::Right,
    Code::ByMailToItself,
    Code::AnswersFirst,
    Code::SavesFromTheThird,
    Code::CountsInEightBits,
    Code::StopsTalking,
    Code::Panics,
    Code::TalksToItself,
    Code::PutOffByRequests,
    Code::MuteAfterAGap,
    Code::AnswersTheTwelfthFirst,
];

impl<const CODE: usize> Raises<CODE> {
    fn raise(&mut self, ticket: Ticket, by: u64, cx: &mut Context<'_, Register>) {
        self.requests += 1;
        self.value += by;
        match CODES[CODE] {
            Code::CountsInEightBits => self.value = u64::from(self.value as u8),
            Code::Panics => assert!(self.requests != 3 || by != 2, "raised {} times", self.requests),
            _ => {}
        }
        let twelfth = self.requests.is_multiple_of(12);
        let late = CODES[CODE] == Code::AnswersFirst || CODES[CODE] == Code::AnswersTheTwelfthFirst && twelfth;
        if late {
            cx.reply(ticket, self.value);
        }
        if CODES[CODE] != Code::SavesFromTheThird || self.requests >= 3 {
            cx.save(self.value);
        }
        if !late {
            cx.reply(ticket, self.value);
        }
    }
}

impl<const CODE: usize> Node<Register> for Raises<CODE> {
    fn new(_: NodeId, _: &[NodeId], (): &(), saved: Option<u64>) -> Self {
        Raises { value: saved.unwrap_or(0), requests: 0, last: None, mute: false }
    }

    fn on_start(&mut self, cx: &mut Context<'_, Register>) {
        cx.set_timer((), millis(100));
    }

    fn on_message(&mut self, _: NodeId, message: Message, cx: &mut Context<'_, Register>) {
        if let Message::Mine(ticket, by) = message {
            if CODES[CODE] == Code::TalksToItself {
                cx.send(cx.me(), Message::Mine(ticket, by));
            } else {
                self.raise(ticket, by, cx);
            }
        }
    }

    fn on_timer(&mut self, (): (), cx: &mut Context<'_, Register>) {
        self.mute |= CODES[CODE] == Code::MuteAfterAGap && self.last.is_some_and(|last| cx.now() - last > millis(150));
        self.last = Some(cx.now());
        if !self.mute {
            cx.broadcast(Message::Value(self.value));
        }
        if CODES[CODE] != Code::StopsTalking || self.value != 4 {
            cx.set_timer((), millis(100));
        }
    }

    fn on_request(&mut self, by: u64, ticket: Ticket, cx: &mut Context<'_, Register>) {
        match CODES[CODE] {
            Code::PutOffByRequests => {
                cx.set_timer((), millis(100));
                self.raise(ticket, by, cx);
            }
            Code::ByMailToItself | Code::TalksToItself => cx.send(cx.me(), Message::Mine(ticket, by)),
            _ => self.raise(ticket, by, cx),
        }
    }
}

impl<const CODE: usize> Observe<Raises<CODE>> for Register {
    fn view(node: &Raises<CODE>) -> u64 {
        node.value
    }
}

/// At least what was acknowledged, at most what was asked for; told to n2 in time.
#[derive(Clone)]
struct Ghost {
    asked: BTreeMap<Ticket, u64>,
    acked: u64,
    most: u64,
    told: Time,
    promised: bool,
}

impl Spec<Register> for Ghost {
    fn step(&mut self, seen: &Seen<'_, Register>) -> Check {
        self.promised = false;
        if seen.is_start() {
            self.told = seen.now;
        }
        if let Some((ticket, by)) = seen.request() {
            self.asked.insert(ticket, *by);
            self.most += by;
        }
        for (ticket, value) in seen.replies() {
            let Some(by) = self.asked.remove(&ticket) else {
                return Err(Broken::new("once", format!("answers {ticket:?} twice")).at([seen.number]));
            };
            self.acked += by;
            self.promised = true;
            self.between(*value, seen.number)?;
        }
        if seen.sent().any(|(to, _)| to.index() == 1) {
            self.told = seen.now;
        }
        seen.view.map_or(Ok(()), |value| self.between(*value, seen.number))
    }

    fn time(&mut self, now: Time) -> Check {
        if now > self.told + millis(200) {
            return Err(Broken::new("tells", format!("told n2 nothing since {} (now {now})", self.told)).stuck());
        }
        Ok(())
    }

    fn resumes(&mut self, now: Time, _: Duration) {
        self.told = now;
    }
}

impl Ghost {
    fn between(&self, value: u64, step: u64) -> Check {
        if value < self.acked || value > self.most {
            return Err(Broken::new("keeps", format!("has {value}, acknowledged {}, of {} asked for", self.acked, self.most)).at([step]));
        }
        Ok(())
    }
}

impl Storm<Register> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<Register>) {
        let ghost = Ghost { asked: BTreeMap::new(), acked: 0, most: 0, told: Time::ZERO, promised: false };
        let setting = Setting::new(2 + rng.below(2) as usize, NodeId::from_index(0), ());
        let setting = match rng.below(8) {
            0 => Setting { waits_ms: &[400], whole: true, steady_ms: 30, ..setting },
            1 => Setting { stalls_ms: 500, ..setting },
            _ => setting,
        };
        (ghost, setting)
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<Register>> {
        Some(Input::Request(ClientId::from_index(0), 1 + rng.below(3)))
    }

    fn promised(&self) -> bool {
        self.promised
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.add("acknowledged", self.acked);
    }
}

/// The same ghost where no node crashes.
#[derive(Clone)]
struct NeverDown(Ghost);

impl Spec<Register> for NeverDown {
    fn step(&mut self, seen: &Seen<'_, Register>) -> Check {
        self.0.step(seen)
    }
}

impl Storm<Register> for NeverDown {
    fn setting(rng: &mut Rng) -> (Self, Setting<Register>) {
        let (ghost, setting) = Ghost::setting(rng);
        (NeverDown(ghost), Setting { crashes: false, ..setting })
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<Register>> {
        self.0.input(rng)
    }

    fn promised(&self) -> bool {
        self.0.promised()
    }
}

fn run<const CODE: usize>(seed: u64, probe: &Probe) -> Run {
    storm::<Register, Ghost>(Factory::of::<Raises<CODE>>(), seed, probe)
}

/// The first of so many storms that breaks a rule: which, and how it is shown.
fn first<const CODE: usize>(storms: u64) -> Option<(u64, Run, Vec<What>)> {
    shown::<CODE>((0..storms).find(|seed| run::<CODE>(*seed, &Probe::default()).check.is_err())?)
}

/// How a storm that breaks a rule is shown.
fn shown<const CODE: usize>(seed: u64) -> Option<(u64, Run, Vec<What>)> {
    let tape = Tape::new();
    let shown = run::<CODE>(seed, &Probe { tape: Some(tape.clone()), shrink: true, ..Probe::default() });
    let inputs = |what: &What| {
        matches!(what, What::Starts { .. } | What::Receives { .. } | What::Fires { .. } | What::Takes { .. } | What::Crashes { .. })
    };
    Some((seed, shown, tape.trace().events.into_iter().map(|event| event.what).filter(inputs).collect()))
}

#[test]
fn what_is_right_passes_however_it_is_built() {
    let mut met = Coverage::default();
    for seed in 0..2_000 {
        let run = run::<0>(seed, &Probe::default());
        assert_eq!(run.check, Ok(()), "storm {seed}");
        met.merge(&run.coverage);
        assert_eq!(self::run::<1>(seed, &Probe::default()).check, Ok(()), "storm {seed}, by mail to itself");
    }
    for name in ["storm inputs", "storm shadows", "storm crashes", "storm crashes between two effects", "storm restarts", "acknowledged"] {
        assert!(met.0.get(name).is_some_and(|n| *n > 500), "{name}: {met:?}");
    }
}

#[test]
fn where_nodes_do_not_crash_none_does() {
    let mut met = Coverage::default();
    for seed in 0..300 {
        // It answers before it saves: without a crash that is as good.
        let run = storm::<Register, NeverDown>(Factory::of::<Raises<2>>(), seed, &Probe::default());
        assert_eq!(run.check, Ok(()), "storm {seed}");
        met.merge(&run.coverage);
    }
    let count = |name: &str| met.0.get(name).copied().unwrap_or(0);
    assert!(count("storm inputs") > 1_000, "{met:?}");
    assert_eq!(["storm crashes", "storm crashes between two effects", "storm restarts", "storm shadows"].map(count), [0; 4], "{met:?}");
}

#[test]
fn a_broken_promise_is_shown_in_its_few_events() {
    let (seed, run, causes) = first::<2>(200).expect("a crash between answer and save is found");
    let broken = run.shrunk.expect("it is shown").broken;
    assert_eq!(broken.rule, "keeps", "storm {seed}");
    assert!(causes.len() <= 4, "start, request, crash, restart: {causes:?}");
    let (_, run, causes) = first::<3>(200).expect("a save that is left out at times is found");
    assert_eq!(run.shrunk.map(|s| s.broken.rule), Some("keeps"));
    assert!(causes.len() <= 4, "{causes:?}");
}

#[test]
fn a_rare_call_that_saves_too_late_is_cut_in_between() {
    let refused = (0..400).filter(|seed| run::<10>(*seed, &Probe::default()).check.is_err()).count();
    assert!(refused >= 20, "a crash in just this call is found {refused} times");
    let (_, run, _) = first::<10>(400).expect("it is found");
    assert_eq!(run.shrunk.map(|s| s.broken.rule), Some("keeps"));
}

#[test]
fn what_is_wrong_beyond_is_reached() {
    let (_, run, _) = first::<4>(2_000).expect("a count past 255 is reached in a long life");
    assert_eq!(run.shrunk.map(|s| s.broken.rule), Some("keeps"));
}

#[test]
fn what_is_overdue_is_told() {
    let (_, run, causes) = first::<5>(2_000).expect("a node that falls silent is found");
    assert_eq!(run.shrunk.map(|s| (s.broken.rule, s.broken.stuck.is_some())), Some(("tells", true)));
    assert!(causes.len() <= 6, "{causes:?}");
}

#[test]
fn what_every_input_puts_off_is_missed() {
    let steady = |causes: &[What]| {
        causes.iter().filter(|what| matches!(what, What::Takes { .. })).count() >= 5
            && !causes.iter().any(|what| matches!(what, What::Fires { .. }))
    };
    let refused = (0..200).filter(|seed| run::<8>(*seed, &Probe::default()).check.is_err());
    let (_, run, _) = refused.filter_map(shown::<8>).find(|(.., causes)| steady(causes)).expect("a steady stream keeps a node silent");
    assert_eq!(run.shrunk.map(|s| s.broken.rule), Some("tells"));
}

#[test]
fn a_node_that_stood_still_is_held_to_what_it_does_then() {
    let (_, run, causes) = first::<9>(2_000).expect("a node that a late timer silences is found");
    assert_eq!(run.shrunk.map(|s| s.broken.rule), Some("tells"));
    assert!(causes.len() <= 8, "{causes:?}");
}

#[test]
fn a_panic_is_shrunk_and_goes_on() {
    let storms = |probe: &Probe, seed| catch_unwind(AssertUnwindSafe(|| run::<6>(seed, probe)));
    let seed = (0..500).find(|seed| storms(&Probe::default(), *seed).is_err()).expect("it panics");
    let tape = Tape::new();
    let shown = storms(&Probe { tape: Some(tape.clone()), shrink: true, ..Probe::default() }, seed);
    assert!(shown.is_err(), "whoever runs it catches it");
    let requests = tape.trace().events.iter().filter(|e| matches!(e.what, What::Takes { .. })).count();
    assert_eq!(requests, 3, "the third of a life: {:?}", tape.trace().events);
}

#[test]
fn mail_to_oneself_without_end_is_told() {
    let (_, run, _) = first::<7>(50).expect("it never stops");
    assert_eq!(run.check.map_err(|b| b.rule), Err(crate::rule::BOUNDED_WORK));
}

#[test]
fn one_seed_is_one_storm() {
    for seed in 0..50 {
        let probe = Probe { fingerprint: true, ..Probe::default() };
        let (a, b) = (run::<2>(seed, &probe), run::<2>(seed, &probe));
        assert!(!a.fingerprints.is_empty());
        assert_eq!((a.check, a.fingerprints), (b.check, b.fingerprints));
    }
}
