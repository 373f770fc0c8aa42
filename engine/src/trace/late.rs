//! Late, not wrong: what held up something that had to be done within a time. Read from the run: which timers the node had
//! set when it took the thing on, how often it set them anew, and what it did when they fired.

use super::story::{Moment, Story};
use super::{Lane, Trace, What};
use crate::time::Time;
use crate::words::counted;
use std::collections::BTreeMap;

/// More of what a timer did than this is not told: the last of it is why it is late still.
const TOLD_MAX: usize = 3;

/// One timer since the thing was taken on.
#[derive(Default)]
struct Clockwork {
    /// When it was due at that moment, if it was set; and the step that had set it.
    due: Option<Time>,
    set_in: Option<u64>,
    /// How often it was set anew since, before it fired; and for when, the last time.
    anew: u64,
    last_due: Option<Time>,
    told: Vec<String>,
}

impl Clockwork {
    fn tell_of_settings(&mut self) {
        if let (1.., Some(due)) = (self.anew, self.last_due) {
            self.told.push(match self.anew {
                1 => format!("was set anew for {due} before it fired"),
                times => format!("was set anew {times} times before it fired, the last time for {due}"),
            });
        }
        self.anew = 0;
    }
}

/// What held up what was taken on in `step`, in a sentence, and the steps that show it. Nothing if no node did anything then.
#[must_use]
pub fn story(trace: &Trace, step: u64) -> (String, Vec<u64>) {
    let story = Story::of(trace);
    let Some(from) = story.moments.iter().position(|m| m.step == step && matches!(m.lane, Lane::Node(_))) else {
        return Default::default();
    };
    let lane = story.moments[from].lane;
    let mut timers = before(&story.moments[..from], lane);
    let mut marks: Vec<u64> = timers.values().filter_map(|clockwork| clockwork.set_in).collect();
    for (index, moment) in story.moments.iter().enumerate().skip(from).filter(|(_, m)| m.lane == lane) {
        let mut seen = false;
        for event in moment.events {
            match &event.what {
                What::Fires { timer } => {
                    let clockwork = timers.entry(timer).or_default();
                    clockwork.tell_of_settings();
                    clockwork.last_due = None;
                    let sent = story.sends[index].len();
                    let did = if sent == 0 { "nothing was sent".to_owned() } else { format!("sent {}", counted(sent, "message")) };
                    clockwork.told.push(format!("fired at {}, and {did}", moment.at));
                    seen |= sent == 0;
                }
                What::Sets { timer, after_us } => {
                    let clockwork = timers.entry(timer).or_default();
                    clockwork.anew += u64::from(clockwork.last_due.is_some());
                    seen |= clockwork.last_due.is_some();
                    clockwork.last_due = Some(due(moment, *after_us));
                }
                What::Cancels { timer } => {
                    let clockwork = timers.entry(timer).or_default();
                    clockwork.tell_of_settings();
                    clockwork.told.push(format!("was cancelled at {}", moment.at));
                    (clockwork.last_due, seen) = (None, true);
                }
                _ => {}
            }
        }
        marks.extend(seen.then_some(moment.step));
    }
    (sentence(lane, timers), marks)
}

/// The timers that are set on a lane after these moments.
fn before<'a>(moments: &[Moment<'a>], lane: Lane) -> BTreeMap<&'a str, Clockwork> {
    let mut timers: BTreeMap<&str, Clockwork> = BTreeMap::new();
    for moment in moments.iter().filter(|m| m.lane == lane) {
        // A first start has no row in a picture.
        let set_in = Some(moment.step).filter(|_| !matches!(moment.events[0].what, What::Starts { again: false, .. }));
        for event in moment.events {
            match &event.what {
                What::Starts { .. } | What::Crashes { .. } => timers.clear(),
                What::Fires { timer } | What::Cancels { timer } => drop(timers.remove(timer.as_str())),
                What::Sets { timer, after_us } => {
                    let due = Some(due(moment, *after_us));
                    timers.insert(timer, Clockwork { due, set_in, last_due: due, ..Clockwork::default() });
                }
                _ => {}
            }
        }
    }
    timers
}

fn due(moment: &Moment<'_>, after_us: u64) -> Time {
    Time::from_micros(moment.at.as_micros().saturating_add(after_us))
}

fn sentence(lane: Lane, timers: BTreeMap<&str, Clockwork>) -> String {
    if timers.is_empty() {
        return format!("when {lane} took it, no timer was set");
    }
    let of = |(timer, mut clockwork): (&str, Clockwork)| {
        clockwork.tell_of_settings();
        let set = match clockwork.due {
            Some(due) => format!("was set for {due}"),
            None => "was not set".to_owned(),
        };
        let skipped = clockwork.told.len().saturating_sub(TOLD_MAX);
        let told: Vec<String> = std::iter::once(set).chain(clockwork.told.split_off(skipped)).collect();
        format!("its timer {timer} {}", told.join("; it "))
    };
    let parts: Vec<String> = timers.into_iter().map(of).collect();
    format!("when {lane} took it, {}", parts.join(". And "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Event;

    const LANE: Lane = Lane::Node(1);

    fn trace(steps: &[(u64, &[What])]) -> Trace {
        let of = |(i, (ms, whats)): (usize, &(u64, &[What]))| {
            let (step, at) = (i as u64 + 1, Time::from_millis(*ms));
            whats.iter().map(move |what| Event { step, at, lane: LANE, what: what.clone() }).collect::<Vec<_>>()
        };
        Trace { events: steps.iter().enumerate().flat_map(of).collect(), ..Trace::default() }
    }

    fn sets(after_ms: u64) -> What {
        What::Sets { timer: "Flush".into(), after_us: after_ms * 1_000 }
    }

    fn takes() -> What {
        What::Takes { from: Lane::Client(0), id: 1, text: "View".into() }
    }

    fn fires() -> What {
        What::Fires { timer: "Flush".into() }
    }

    #[test]
    fn a_timer_that_is_put_off_is_counted() {
        let start = What::Starts { again: false, saved: String::new() };
        let trace = trace(&[(0, &[start, sets(100)]), (10, &[takes(), sets(100)]), (60, &[takes(), sets(100)]), (160, &[fires()])]);
        let (said, marks) = story(&trace, 2);
        let told = "when n2 took it, its timer Flush was set for 100.000 ms; it was set anew 2 times before it fired, the last time for 160.000 ms; it fired at 160.000 ms, and nothing was sent";
        assert_eq!(said, told);
        assert_eq!(marks, [2, 3, 4]);
    }

    #[test]
    fn what_was_set_before_is_known_and_what_is_not_set_is_said() {
        let long = trace(&[(0, &[sets(1_000)]), (10, &[takes()])]);
        assert_eq!(story(&long, 2).0, "when n2 took it, its timer Flush was set for 1000.000 ms");
        let none = trace(&[(0, &[sets(5)]), (5, &[fires()]), (10, &[takes()])]);
        assert_eq!(story(&none, 3), ("when n2 took it, no timer was set".to_owned(), Vec::new()));
        let rounds = trace(&[(0, &[sets(50)]), (10, &[takes()]), (50, &[fires(), sets(50)]), (100, &[fires(), sets(50)])]);
        let told = "when n2 took it, its timer Flush was set for 50.000 ms; it fired at 50.000 ms, and nothing was sent; it fired at 100.000 ms, and nothing was sent";
        assert_eq!(story(&rounds, 2).0, told);
    }
}
