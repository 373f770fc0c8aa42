//! A counter that is wrong beyond what anybody would list.

use super::*;
use crate::rule::Broken;
use crate::trace::Tape;

const RIGHT: &str = "right_sum";

/// A sum with a naive model: it forgets the highest bit of eight, and panics at 250.
struct Sum {
    calls: Calls,
    sum: u64,
    limit: u64,
    told: u64,
}

impl Life for Sum {
    fn event(&mut self, rng: &mut Rng) -> Check {
        let n = if rng.chance(500_000) { rng.below(50) } else { 0 };
        let limit = self.limit;
        let sum = &mut self.sum;
        self.calls.call(|| format!("add({n})"), || *sum = (*sum + n) % limit);
        self.told += n;
        let sum = self.calls.ask(|| "sum()".to_owned(), || self.sum, u64::to_string);
        if sum == self.told { Ok(()) } else { Err(Broken::new(RIGHT, format!("the sum is {sum}, not {}", self.told))) }
    }

    fn end(&mut self, _: &mut Rng) -> Check {
        self.calls.during(|| assert!(self.told < 250 || self.limit < 1_000, "too much: {}", self.told));
        Ok(())
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.add("sums", 1);
    }

    fn fingerprints(&self) -> Vec<u64> {
        vec![self.sum]
    }
}

fn made(limit: u64, probe: &Probe) -> Run {
    storm(3, probe, |_, calls| (Sum { calls, sum: 0, limit, told: 0 }, 40))
}

#[test]
fn a_storm_is_shown_with_the_calls_that_it_needs() {
    let tape = Tape::new();
    let probe = Probe { tape: Some(tape.clone()), shrink: true, ..Probe::default() };
    let run = made(128, &probe);
    let shrunk = run.shrunk.expect("a shorter one");
    let calls = tape.trace().events.iter().filter(|e| matches!(e.what, What::Calls { .. })).count() as u64;
    assert_eq!((run.check.unwrap_err().rule, shrunk.broken.rule), (RIGHT, RIGHT));
    assert_eq!(shrunk.shown_steps, calls);
    // Three of at most 49 are the fewest that make 128.
    assert!(calls <= 2 * 5 && calls < shrunk.raw_steps, "{calls} of {}", shrunk.raw_steps);
}

#[test]
fn what_holds_is_not_shrunk_and_a_seed_is_one_run() {
    let probe = Probe::default();
    let run = |limit| storm(3, &probe, |_, calls| (Sum { calls, sum: 0, limit, told: 0 }, 4));
    let (one, other) = (run(300), run(300));
    assert!(one.check.is_ok() && one.shrunk.is_none() && one.coverage.0["sums"] == 1);
    assert_eq!(one.fingerprints, other.fingerprints);
}

#[test]
fn a_panic_is_shrunk_and_goes_on() {
    let tape = Tape::new();
    let probe = Probe { tape: Some(tape.clone()), shrink: true, ..Probe::default() };
    let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| made(10_000, &probe))).unwrap_err();
    assert_eq!(said(&*payload), "too much: ");
    assert!(probe.pulse.load(std::sync::atomic::Ordering::Relaxed) & 1 == 1, "as if its code were running still");
    assert!(tape.last_step() <= 2 * 12, "{}", tape.last_step());
}
