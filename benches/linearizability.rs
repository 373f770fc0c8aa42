//! Linearizability: histories checked per CPU-second, on histories like those a judge sees: one register, 5 clients × 40
//! operations, 5 values. `cargo bench --bench linearizability`.
//!
//! Every history is made with a hidden order. In the altered sets one late read returns something else, and those that have an
//! order all the same are left out. "Unreturned" means that 10 % of the operations never returned (half of their writes take
//! effect late), and the client goes on under a new name. Each line also says how many verdicts were wrong: it must be 0. What is
//! right is known by construction for the ok sets, and from the plain search below for the altered ones, as far as that gets.
//!
//! The reference is the textbook search (Wing & Gong with a cache of configurations) without any of our refinements, on
//! the same histories, with the standard library's sets.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "the textbook's search, by the wall clock")]

use splitbrain::check::{History, OpId, Register, RegisterOp as Op, RegisterRet as Ret, Verdict, linearizable};
use splitbrain::rng::Rng;
use splitbrain::time::Time;
use std::collections::HashSet;

type Registers = History<Op<u8>, Ret<u8>>;

const REGISTER: Register<u8> = Register { initial: u8::MAX };
const VALUES: u64 = 5;

fn main() {
    let mut wrong = 0;
    for (name, lost, bad, reference) in [
        ("ok", 0, false, true),
        ("one late read altered", 0, true, true),
        ("10 % unreturned, ok", 100, false, true),
        ("10 % unreturned, one late read altered", 100, true, false),
    ] {
        let set = Set::new(if lost == 0 { 200 } else { 50 }, lost, bad);
        let (rate, mistakes) = set.rate(verdict);
        wrong += mistakes;
        println!(
            "linearizability, {name}: {rate:.0} histories/CPU-s (wrong verdicts: {mistakes} of {}, {} known independently)",
            set.histories.len(),
            set.confirmed
        );
        if reference {
            let (plain, mistakes) = set.rate(|h| plain_search(h, u64::MAX));
            println!("linearizability, {name}, against the plain search: {:.1} × (wrong verdicts of that: {mistakes})", rate / plain);
        }
    }
    assert_eq!(wrong, 0, "a wrong verdict");
}

/// What the checker says; to say "unknown" counts as wrong here.
fn verdict(history: &Registers) -> Option<bool> {
    match linearizable::check(&REGISTER, history, linearizable::DEFAULT_STEPS) {
        Verdict::Holds => Some(true),
        Verdict::Violated(_) => Some(false),
        Verdict::Unknown(_) => None,
    }
}

/// Histories with a known verdict.
struct Set {
    histories: Vec<Registers>,
    linearizable: bool,
    /// How many verdicts are known without the checker that is measured.
    confirmed: usize,
}

impl Set {
    fn new(size: usize, lost_per_mille: u64, bad: bool) -> Self {
        let mut set = Set { histories: Vec::new(), linearizable: !bad, confirmed: 0 };
        for seed in 1.. {
            let mut rng = Rng::stream(seed, lost_per_mille);
            let plans = generate(&mut rng, lost_per_mille);
            let history = history(&plans, bad.then_some(&mut rng));
            let known = if bad { plain_search(&history, 3_000_000) } else { Some(true) };
            let settled = known.or_else(|| verdict(&history)).expect("one of the two settles it");
            if settled == set.linearizable {
                set.histories.push(history);
                set.confirmed += usize::from(known.is_some());
            }
            if set.histories.len() == size {
                break;
            }
        }
        set
    }

    /// The median over rounds of histories per CPU-second, and the number of wrong verdicts in one round.
    fn rate(&self, check: impl Fn(&Registers) -> Option<bool>) -> (f64, usize) {
        let wrong = self.histories.iter().filter(|h| check(h) != Some(self.linearizable)).count(); // warms up, too
        let mut rates: Vec<f64> = (0..5)
            .map(|_| {
                let start = cpu_seconds();
                let mut rounds = 0;
                loop {
                    self.histories.iter().for_each(|h| assert!(check(h) == Some(self.linearizable) || wrong > 0));
                    rounds += 1;
                    let spent = cpu_seconds() - start;
                    if spent >= 0.2 {
                        break (rounds * self.histories.len()) as f64 / spent;
                    }
                }
            })
            .collect();
        rates.sort_by(f64::total_cmp);
        (rates[rates.len() / 2], wrong)
    }
}

/// One operation, in microseconds.
struct Plan {
    client: u32,
    invoked: u64,
    returned: Option<u64>,
    effect: Option<u64>,
    write: Option<u8>,
}

fn generate(rng: &mut Rng, lost_per_mille: u64) -> Vec<Plan> {
    let (mut plans, mut names) = (Vec::new(), 5);
    for first_name in 0..5 {
        let (mut now, mut client) = (rng.below(100), first_name);
        for _ in 0..40 {
            now += rng.below(100);
            let took = 20 + rng.below(180);
            let write = (rng.below(2) == 0).then(|| rng.below(VALUES) as u8);
            let lost = rng.below(1_000) < lost_per_mille;
            let effect = if lost { (rng.below(2) == 0).then(|| now + 1 + rng.below(1_000)) } else { Some(now + 1 + rng.below(took - 1)) };
            plans.push(Plan { client, invoked: now, returned: (!lost).then_some(now + took), effect, write });
            now += took + 1;
            if lost {
                (client, names) = (names, names + 1);
            }
        }
    }
    plans
}

/// The history of a plan; with `alter`, one read of its last quarter returns another value than it should.
fn history(plans: &[Plan], alter: Option<&mut Rng>) -> Registers {
    let mut order: Vec<usize> = (0..plans.len()).filter(|&i| plans[i].effect.is_some()).collect();
    order.sort_by_key(|&i| (plans[i].effect, i));
    let mut answers = vec![REGISTER.initial; plans.len()];
    let mut state = REGISTER.initial;
    for i in order {
        match plans[i].write {
            Some(value) => state = value,
            None => answers[i] = state,
        }
    }
    if let Some(rng) = alter {
        let mut reads: Vec<usize> = (0..plans.len()).filter(|&i| plans[i].write.is_none() && plans[i].returned.is_some()).collect();
        reads.sort_by_key(|&i| plans[i].returned);
        let late = &reads[reads.len() * 3 / 4..];
        let answer = &mut answers[late[rng.below(late.len() as u64) as usize]];
        *answer = ((u64::from(*answer) + 1 + rng.below(VALUES - 1)) % VALUES) as u8;
    }
    let mut history = History::new();
    for (plan, answer) in plans.iter().zip(answers) {
        let id = history.invoke(plan.client, plan.write.map_or(Op::Read, Op::Write), Time::from_micros(plan.invoked));
        let ret = if plan.write.is_some() { Ret::Written } else { Ret::Value(answer) };
        match plan.returned {
            Some(at) => history.ok(id, ret, Time::from_micros(at)),
            None => history.info(id),
        }
    }
    history
}

/// The textbook: try every operation that no unplaced one precedes; remember what was tried. `None`: not settled within `steps`.
fn plain_search(history: &Registers, steps: u64) -> Option<bool> {
    let mut events: Vec<(Time, bool, OpId)> = Vec::new();
    for (id, operation) in history.iter() {
        if operation.returned().is_some() || operation.op != Op::Read {
            events.push((operation.invoked, false, id));
            events.extend(operation.returned().map(|at| (at, true, id)));
        }
    }
    events.sort(); // at one instant invocations come first: intervals are closed
    let returned = history.operations().iter().filter(|o| o.returned().is_some()).count();
    let mut search = Plain { history, events, tried: HashSet::new(), steps };
    search.settle(&mut vec![0; history.len().div_ceil(64)], REGISTER.initial, returned)
}

struct Plain<'a> {
    history: &'a Registers,
    events: Vec<(Time, bool, OpId)>,
    tried: HashSet<(Vec<u64>, u8)>,
    steps: u64,
}

impl Plain<'_> {
    fn settle(&mut self, placed: &mut Vec<u64>, state: u8, left: usize) -> Option<bool> {
        if left == 0 {
            return Some(true);
        }
        for n in 0..self.events.len() {
            let (_, is_return, id) = self.events[n];
            let (word, bit) = (id.index() / 64, 1 << (id.index() % 64));
            if placed[word] & bit != 0 {
                continue;
            }
            if is_return {
                break;
            }
            self.steps = self.steps.checked_sub(1)?;
            let operation = self.history.get(id);
            let next = match (&operation.op, operation.ret()) {
                (Op::Write(value), _) => *value,
                (_, Some(Ret::Value(value))) if *value != state => continue,
                _ => state,
            };
            placed[word] |= bit;
            if self.tried.insert((placed.clone(), next)) && self.settle(placed, next, left - usize::from(operation.returned().is_some()))? {
                return Some(true);
            }
            placed[word] &= !bit;
        }
        Some(false)
    }
}

/// CPU time of this process so far, in seconds.
#[cfg(unix)]
fn cpu_seconds() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}

/// Elsewhere the time of day has to do: what is printed is then per second of an idle machine.
#[cfg(not(unix))]
fn cpu_seconds() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0.0, |since| since.as_secs_f64())
}
