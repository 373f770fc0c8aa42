//! Leases as bars: on which lane one runs from which moment on, and when it ends there, by the clock of the node whose lane it is.
//!
//! Two lanes may disagree, and that is what such a picture is for: the server's bar is what it has promised, the holder's what it may count on.

use super::story::Story;
use super::{Lane, What};

/// A lease on one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bar<'a> {
    pub lane: Lane,
    pub name: &'a str,
    /// Promised to another, not counted on.
    pub promised: bool,
    /// The moment from which on it runs.
    first: usize,
    /// Its end, in the world's microseconds.
    pub until_us: u64,
    /// The moment in which it was given back, or forgotten in a crash.
    ended: Option<usize>,
}

impl Bar<'_> {
    /// Whether it has begun at a moment, and nothing but time can have ended it.
    pub fn is_open(&self, moment: usize) -> bool {
        self.first <= moment && self.ended.is_none_or(|ended| moment < ended)
    }
}

/// All bars of a run. One that runs anew is the same bar, made longer.
pub(super) fn of<'a>(story: &Story<'a>) -> Vec<Bar<'a>> {
    let mut bars: Vec<Bar<'a>> = Vec::new();
    for (index, moment) in story.moments.iter().enumerate() {
        for event in moment.events {
            let now = event.at.as_micros();
            match &event.what {
                // An answer that comes too late gives nothing.
                What::Holds { until_us, .. } if *until_us <= now => {}
                What::Holds { name, promised, until_us, .. } => {
                    let runs = |bar: &&mut Bar<'_>| bar.lane == event.lane && bar.name == name && bar.ended.is_none() && now < bar.until_us;
                    match bars.iter_mut().find(runs) {
                        Some(bar) => bar.until_us = bar.until_us.max(*until_us),
                        None => {
                            bars.push(Bar { lane: event.lane, name, promised: *promised, first: index, until_us: *until_us, ended: None })
                        }
                    }
                }
                What::Ends { name } => end(&mut bars, index, |bar| bar.lane == event.lane && bar.name == name),
                // What was promised stays so; who counted on something has forgotten it.
                What::Crashes { .. } => end(&mut bars, index, |bar| bar.lane == event.lane && !bar.promised),
                _ => {}
            }
        }
    }
    bars
}

fn end(bars: &mut [Bar<'_>], moment: usize, of: impl Fn(&Bar<'_>) -> bool) {
    for bar in bars.iter_mut().filter(|bar| bar.ended.is_none() && of(bar)) {
        bar.ended = Some(moment);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Event, Trace};
    use super::*;
    use crate::time::Time;

    #[test]
    fn a_bar_runs_until_its_clock_ends_it_or_it_is_given_back_or_its_holder_crashes() {
        let event = |step, lane, what| Event { step, at: Time::from_millis(step * 100), lane: Lane::Node(lane), what };
        let holds =
            |name: &str, promised, until_ms: u64| What::Holds { name: name.to_owned(), promised, from_us: 0, until_us: until_ms * 1_000 };
        let crash = || What::Crashes { done: 0, of: 0, for_good: false };
        let fires = || What::Fires { timer: "T".into() };
        let trace = Trace {
            events: vec![
                event(1, 0, fires()),
                event(1, 0, holds("t1", true, 500)),
                event(2, 1, fires()),
                event(2, 1, holds("t1", false, 490)),
                event(3, 0, fires()),
                event(3, 0, holds("t1", true, 700)),
                event(4, 0, crash()),
                event(4, 1, crash()),
                event(5, 1, fires()),
                event(5, 1, holds("t1", false, 490)),
                event(6, 0, fires()),
                event(6, 0, What::Ends { name: "t1".into() }),
                event(8, 0, fires()),
                event(8, 0, holds("t1", true, 900)),
            ],
            ..Trace::default()
        };
        let story = Story::of(&trace);
        let bars = of(&story);
        let facts: Vec<_> = bars.iter().map(|b| (b.lane, b.promised, b.first, b.until_us / 1_000, b.ended)).collect();
        let (n1, n2) = (Lane::Node(0), Lane::Node(1));
        assert_eq!(facts, [(n1, true, 0, 700, Some(6)), (n2, false, 1, 490, Some(4)), (n1, true, 7, 900, None)]);
        assert!(bars[0].is_open(5) && !bars[0].is_open(6) && !bars[2].is_open(6));
    }

    #[test]
    fn a_picture_shows_whose_lease_is_over_while_it_stands_still() {
        let (n1, n2) = (Lane::Node(0), Lane::Node(1));
        let event = |step, at_ms, lane, what| Event { step, at: Time::from_millis(at_ms), lane, what };
        let holds = |promised, from_us, until_us| What::Holds { name: "t1".to_owned(), promised, from_us, until_us };
        let text = |text: &str| text.to_owned();
        let trace = Trace {
            events: vec![
                event(1, 0, n2, What::Fires { timer: text("Ask") }),
                event(1, 0, n2, What::Sends { to: n1, id: 1, text: text("Acquire") }),
                event(2, 1, n1, What::Receives { from: n2, id: 1, text: text("Acquire") }),
                event(2, 1, n1, What::Sends { to: n2, id: 2, text: text("Granted(t1)") }),
                event(2, 1, n1, holds(true, 1_000, 401_000)),
                event(3, 2, n2, What::Receives { from: n1, id: 2, text: text("Granted(t1)") }),
                event(3, 2, n2, holds(false, 0, 392_000)),
                event(4, 100, n2, What::Pauses { for_us: 295_000 }),
                event(5, 200, n1, What::Fires { timer: text("Tick") }),
                event(6, 394, n1, What::Fires { timer: text("Tick") }),
                event(7, 396, n2, What::Fires { timer: text("Write") }),
                event(7, 396, n2, What::Breaks { rule: text("stops"), seen: text("n2 wrote 396 ms after it had asked") }),
            ],
            ..Trace::default()
        };
        let options = super::super::diagram::Options { width: 80, ..Default::default() };
        let picture = super::super::diagram::draw(&trace, &options);
        assert_eq!(picture, PICTURE, "{picture}");
        let ascii = super::super::diagram::draw(&trace, &super::super::diagram::Options { ascii: true, ..options });
        assert!(ascii.contains(" H ") && ascii.contains("h runs on while it is paused"), "{ascii}");
    }

    const PICTURE: &str = "\
\x20             n1    n2
   1    0 ms   │     ◷  timer Ask
   2    1 ms   ┃◀────┤  Acquire
   3    2 ms   ├────▶┃  Granted t1
   4  100 ms   ┃     ●  pauses for 295 ms
   5  200 ms   ◷     ┇  timer Tick
   6  394 ms   ◷     ┊  timer Tick
!  7  396 ms   ┃     ◷  timer Write; breaks stops; lease t1 is over since 392 ms
  ! rule broken   ─▶ arrives at once   ◷ timer   ┊ paused
  ┃ a lease runs, by the clock of its lane   ┇ runs on while it is paused
";
}
