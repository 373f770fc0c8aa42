use super::*;

fn naive() -> Naive {
    Naive { attempts: 3 }
}

#[test]
fn without_a_policy_the_collapse_outlives_its_cause() {
    for seed in 0..20 {
        let world = dominoes(seed);
        let (record, check) = run(&world, &mut naive());
        check.unwrap();
        let (good, offered) = record.good_of(0, 2 * SECOND, CAUSE.start);
        assert!(good * 100 >= offered * 97, "before: {good} of {offered}");
        let (good, offered) = record.good_of(0, CAUSE.end + 10 * SECOND, 60 * SECOND);
        assert!(good * 10 < offered, "long after: {good} of {offered}");
        assert_eq!(record.recovery(0, CAUSE.end, 60 * SECOND), None);
        assert!(record.amplification() > 200 && record.wasted > 1_000, "{} {}", record.amplification(), record.wasted);
        assert!(world.servers[0].capacity() > world.loads[0].per_second * 3 / 2);
    }
}

#[test]
fn who_tries_once_recovers() {
    let (record, _) = run(&dominoes(1), &mut Naive { attempts: 1 });
    let recovery = record.recovery(0, CAUSE.end, 60 * SECOND).unwrap();
    assert!(recovery < 10 * SECOND, "{recovery}");
    assert_eq!(record.amplification(), 100);
}

#[test]
fn below_capacity_everything_is_answered() {
    for seed in 0..20 {
        let mut world = dominoes(seed);
        world.servers[0].ills.clear();
        world.loads[0].until_us = 55 * SECOND;
        let (record, _) = run(&world, &mut naive());
        assert!(record.calls > 4_000);
        assert_eq!((record.good, record.attempts, record.wasted, record.failed), (record.calls, record.calls, 0, 0));
        let (half, most) = (record.latency(0, 50).unwrap(), record.latency(0, 100).unwrap());
        assert!(half < 90 * MS && most < 500 * MS, "{half} {most}");
    }
}

#[test]
fn the_same_seed_is_the_same_run_and_another_policy_meets_the_same_calls() {
    let facts = |seed, attempts| {
        let (record, _) = run(&dominoes(seed), &mut Naive { attempts });
        let plots = record.plots(0, 0, None);
        (plots[0].clone(), plots)
    };
    assert_eq!(facts(7, 3), facts(7, 3));
    assert_ne!(facts(7, 3), facts(8, 3));
    assert_eq!(facts(7, 3).0, facts(7, 1).0, "the calls come as they come");
}

/// Holds all back from the 20th second on, and is wrong at the 40th.
struct Closed(Vec<Outcome>, u64);

impl Policy for Closed {
    type Ticket = u64;

    fn may(&mut self, now_us: u64, call: &Call) -> Option<u64> {
        self.1 = now_us;
        (now_us < 20 * SECOND).then_some(call.number)
    }

    fn came(&mut self, now_us: u64, call: &Call, ticket: u64, outcome: Outcome, took_us: u64) {
        assert_eq!(ticket, call.number);
        assert!(took_us <= 500 * MS && call.begun_us <= now_us - took_us);
        self.0.push(outcome);
    }

    fn again(&mut self, _: u64, _: &Call, _: Outcome) -> Option<u64> {
        None
    }

    fn check(&mut self) -> crate::rule::Check {
        if self.1 < 40 * SECOND { Ok(()) } else { Err(crate::rule::Broken::new("open", "it is late")) }
    }
}

#[test]
fn a_policy_holds_back_hears_each_outcome_and_may_stop_the_run() {
    let mut world = dominoes(3);
    (world.loads[0].mistakes_ppm, world.loads[0].lost_ppm) = (100_000, 50_000);
    world.loads[0].bursts = vec![(5 * SECOND, 400)];
    world.servers[0].retry_after_us = Some(SECOND);
    world.servers[0].ills[0].how = How::Fails { ppm: 500_000, after_us: MS };
    world.servers[0].ills.push(Ill { from_us: 15 * SECOND, until_us: 30 * SECOND, how: How::Dark });
    let mut closed = Closed(Vec::new(), 0);
    let (record, check) = run(&world, &mut closed);
    assert!(check.is_err());
    for outcome in
        [Outcome::Success, Outcome::Failed, Outcome::Refused { retry_after_us: Some(SECOND) }, Outcome::TimedOut, Outcome::Mistake]
    {
        assert!(closed.0.contains(&outcome), "{outcome:?}");
    }
    assert!(record.attempts > closed.0.len() as u64, "some callers died");
    assert_eq!(record.sent_of(0, 20 * SECOND, 40 * SECOND), 0);
    assert!(record.rejected > 1_000);
    assert_eq!(record.plots(0, 0, None)[0].values.len(), 41, "the run that was stopped ends there");
}
