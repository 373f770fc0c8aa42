//! Vectors of `pn_counter` beside those of every counter: values below zero, and the two kinds apart.

use super::{ADDS_UP, NEGATIVE};
use crate::exercises::kit::counters::vectors::{N1, N2, N3, count, net, told, value_is};
use crate::exercises::kit::counters::{ANSWER_MS, TELL_MS, Words};
use crate::exercises::pn_counter::PnCounter;
use crate::rule::Broken;
use crate::sim::Factory;
use crate::suite::Suite;
use crate::time::millis;
use crate::words::counted;

pub(super) fn add(suite: &mut Suite, f: Factory<PnCounter>) {
    suite.vector(NEGATIVE, "a decrement of nothing", move |p| {
        let mut w = net(f, p, 1)?;
        count(&mut w, N1, 1, 1)?;
        value_is(&w, NEGATIVE, N1, -1, "n1 took one decrement")?;
        count(&mut w, N1, 0, 2)?;
        value_is(&w, NEGATIVE, N1, 0, "n1 took a decrement, then an increment")
    });
    suite.vector(NEGATIVE, "others have taken off more than was ever there", move |p| {
        let mut w = net(f, p, 1)?;
        count(&mut w, N1, 0, 1)?;
        w.tell(N2, N1, told::<PnCounter>([&[(N2, 1)], &[(N2, 5)]]))?;
        value_is(&w, NEGATIVE, N1, -3, "n1 took an increment and was told of one increment and five decrements at n2")?;
        w.tell(N3, N1, told::<PnCounter>([&[(N3, 5)], &[]]))?;
        value_is(&w, NEGATIVE, N1, 2, "n1 took an increment and was told of +1 and -5 at n2, then of +5 at n3")
    });
    suite.vector(ADDS_UP, "what is told is what was counted", move |p| {
        let mut w = net(f, p, 1)?;
        for id in 1..=4 {
            count(&mut w, N1, usize::from(id == 4), id)?;
        }
        w.wait(millis(TELL_MS + ANSWER_MS))?;
        let letters = w.take_sent();
        let most = |kind: usize| letters.iter().filter_map(|l| PnCounter::carried(&l.message)[kind]?.get(&N1).copied()).max().unwrap_or(0);
        let (ups, downs) = (most(0), most(1));
        if letters.is_empty() || (ups, downs) == (3, 1) {
            return Ok(());
        }
        let seen = format!(
            "n1 took three increments and one decrement, but in the 13 s after that told the others of at most {} and {} of its own",
            counted(ups, "increment"),
            counted(downs, "decrement")
        );
        Err(Broken::new(ADDS_UP, seen))
    });
}
