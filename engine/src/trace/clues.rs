//! Where in a run the cause of a broken rule is to be found: the answer that a crash took back, the request that came twice,
//! the crash before the save. A judge names the clues of a rule once; the steps are found in the trace of the run that is
//! shown, whichever layer it comes from, and after it was shrunk.

use super::evidence::{self, Evidence};
use super::story::{Kind, Moment, Parcel, Story};
use super::{Lane, Trace, What};
use std::collections::BTreeSet;

/// One place to look for a cause. All speak of the lane on which the rule broke, before the step at which it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clue {
    /// The request that is answered where the rule breaks; if none is, the last one since its last start that was never answered; or
    /// else the last that was, with its answer.
    Request,
    /// The last messages and requests that came in: at most so many, none from before the request that is answered.
    Inputs(usize),
    /// The last messages that came in, likewise.
    Heard(usize),
    /// The step before its last crash at which it had answered a client, or told another node something: what it had promised.
    Promise,
    /// Its last crash, and the restart after it; none from before the first step that the judge has named.
    Crash,
    /// Two arrivals of one request, or of one message: the second was to change nothing. The first such repeat after which
    /// something was saved; the last one, if there is none.
    Twice,
    /// What it saved last.
    Saved,
    /// After what it saved last for a request: the first request of that kind that it answered, and saved nothing.
    Unsaved,
    /// What it sent last: where the rule breaks, if it sends there.
    Sent,
    /// The last timer that fired on it.
    Fired,
    /// The last timer, on any node, after which that node saved something: it began what led here; and what it had heard last before.
    Began,
    /// Where the last message left, of any node that a client had asked something, that was lost for good: what it said never came
    /// to that node later either.
    Lost,
    /// Of direct calls: the last that changed something (it gave no answer), and an earlier one like the last that was
    /// answered otherwise.
    Calls,
    /// No step, but where in the code to look (in the place of the rule's own `look`) if the run gives this evidence; the first one of a
    /// rule that fits. Without words nothing is said: whatever there would be to say, the run tells otherwise.
    Look(Evidence, &'static str),
}

/// What to look at by the first of the clues ([`Clue::Look`]) of which the run gives evidence; `None` if it gives of none.
#[must_use]
pub fn look<'c>(trace: &Trace, clues: &'c [Clue]) -> Option<&'c &'static str> {
    let places = clues.iter().filter_map(|clue| if let Clue::Look(evidence, text) = clue { Some((*evidence, text)) } else { None });
    evidence::first(trace, places)
}

/// The steps that the clues lead to, in order; `known` are those that the judge has named.
#[must_use]
pub fn steps(trace: &Trace, clues: &[Clue], known: &[u64]) -> Vec<u64> {
    let story = Story::of(trace);
    let at_fault = |m: &Moment<'_>| matches!(m.lane, Lane::Node(_)) || matches!(m.events[0].what, What::Calls { .. });
    let Some(end) = story.moments.iter().rposition(at_fault) else { return Vec::new() };
    let last = story.moments[end].step;
    let since = known.iter().copied().min().filter(|first| *first < last).unwrap_or(0);
    let search = Search { story: &story, end, since };
    let mut found: Vec<usize> = clues.iter().flat_map(|clue| search.follow(*clue)).collect();
    found.sort_unstable();
    found.dedup();
    let marked: Vec<usize> = (0..=end).filter(|i| found.contains(i) || known.contains(&story.moments[*i].step)).collect();
    let near = |i: &usize| *i < end && story.moments[*i].step != last;
    let has_steps = clues.iter().any(|clue| !matches!(clue, Clue::Look(..)));
    if has_steps && !marked.iter().any(near) {
        found.extend(search.last_news());
    }
    // What led to it on other lanes, and before a restart: after what the judge has named.
    if has_steps {
        found.extend(marked.iter().rev().chain([&end]).flat_map(|i| search.behind(*i)));
    }
    let mut steps: Vec<u64> = Vec::new();
    for step in found.into_iter().map(|i| story.moments[i].step) {
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    steps
}

struct Search<'a> {
    story: &'a Story<'a>,
    /// The moment at which the rule broke.
    end: usize,
    /// The first step that is known to have to do with it.
    since: u64,
}

impl Search<'_> {
    fn follow(&self, clue: Clue) -> Vec<usize> {
        match clue {
            Clue::Request => self.request(),
            Clue::Inputs(n) => self.inputs(n, |w| matches!(w, What::Takes { .. } | What::Receives { .. })),
            Clue::Heard(n) => self.inputs(n, |w| matches!(w, What::Receives { .. })),
            Clue::Promise => {
                let before = self.last(self.end + 1, |w| matches!(w, What::Crashes { .. })).map_or(self.end, |crash| crash + 1);
                let told = self.last(before, |w| matches!(w, What::Answers { .. }));
                told.or_else(|| self.last(before, |w| matches!(w, What::Sends { .. }))).into_iter().collect()
            }
            Clue::Crash => {
                let Some(crash) = self.last(self.end + 1, |w| matches!(w, What::Crashes { .. })) else { return Vec::new() };
                let starts = |i: &usize| self.has(*i, |w| matches!(w, What::Starts { .. }));
                if self.story.moments[crash].step < self.since {
                    return Vec::new();
                }
                [crash].into_iter().chain((crash + 1..=self.end).find(starts)).collect()
            }
            Clue::Twice => self.twice(),
            Clue::Saved => self.last(self.end, |w| matches!(w, What::Saves { .. })).into_iter().collect(),
            Clue::Unsaved => self.unsaved().into_iter().collect(),
            Clue::Sent => self.last(self.end + 1, |w| matches!(w, What::Sends { .. })).into_iter().collect(),
            Clue::Fired => self.last(self.end, |w| matches!(w, What::Fires { .. })).into_iter().collect(),
            Clue::Began => self.began(),
            Clue::Calls => self.calls(),
            Clue::Look(..) => Vec::new(),
            Clue::Lost => {
                let for_good = |p: &Parcel<'_>| p.lost && p.kind == Kind::Message && self.ran(p.to) && !self.came_later(p);
                let sent = |p: &Parcel<'_>| p.sent.filter(|s| *s <= self.end && for_good(p) && self.had_news(p.from, *s));
                self.story.parcels.iter().rev().find_map(sent).into_iter().collect()
            }
        }
    }

    fn unsaved(&self) -> Option<usize> {
        let kind = |i: usize| match &self.story.moments[i].events[0].what {
            What::Takes { text, .. } => text.split(|c: char| !c.is_alphanumeric()).next(),
            _ => None,
        };
        let saves = |i: &usize| self.has(*i, |w| matches!(w, What::Saves { .. }));
        let of_lane = || (0..self.end).filter(|i| self.story.moments[*i].lane == self.story.moments[self.end].lane);
        let saved = of_lane().rfind(|i| kind(*i).is_some() && saves(i))?;
        let answers = |i: &usize| self.has(*i, |w| matches!(w, What::Answers { .. }));
        of_lane().find(|i| *i > saved && kind(*i) == kind(saved) && answers(i) && !saves(i))
    }

    /// Where nothing else is known: the last thing before the end that made the node what it was then.
    fn last_news(&self) -> Option<usize> {
        let news =
            |w: &What| matches!(w, What::Saves { .. } | What::Receives { .. } | What::Takes { .. } | What::Starts { again: true, .. });
        self.last(self.end, news)
    }

    /// What is behind a step: of a message the step in which a node sent it, of a restart the crash, and what was saved last before.
    fn behind(&self, index: usize) -> Vec<usize> {
        let moment = &self.story.moments[index];
        match moment.events[0].what {
            What::Receives { .. } => {
                let sent = self.story.arrives[index].and_then(|p| self.story.parcels[p].sent);
                // A hidden test that plays the sender has no step of its own.
                sent.filter(|s| !self.story.moments[*s].events[0].what.is_effect()).into_iter().collect()
            }
            What::Starts { again: true, .. } => {
                let before = |test: fn(&What) -> bool| {
                    (0..index).rev().find(|i| {
                        let m = &self.story.moments[*i];
                        m.lane == moment.lane && m.events.iter().any(|e| test(&e.what))
                    })
                };
                let crash = before(|w| matches!(w, What::Crashes { .. }));
                crash.into_iter().chain(before(|w| matches!(w, What::Saves { .. }))).collect()
            }
            _ => Vec::new(),
        }
    }

    fn began(&self) -> Vec<usize> {
        let on = |i: usize, test: &dyn Fn(&What) -> bool| self.story.moments[i].events.iter().any(|e| test(&e.what));
        let begins = |i: &usize| on(*i, &|w| matches!(w, What::Fires { .. })) && on(*i, &|w| matches!(w, What::Saves { .. }));
        let Some(timer) = (0..=self.end).rev().find(begins) else { return Vec::new() };
        let lane = self.story.moments[timer].lane;
        let heard = |i: &usize| self.story.moments[*i].lane == lane && on(*i, &|w| matches!(w, What::Receives { .. }));
        (0..timer).rev().find(heard).into_iter().chain([timer]).collect()
    }

    /// Whether a client had asked this node anything by then: else it has nothing to say that others could miss.
    fn had_news(&self, lane: Lane, before: usize) -> bool {
        let takes = |m: &Moment<'_>| m.lane == lane && m.events.iter().any(|e| matches!(e.what, What::Takes { .. }));
        self.story.moments[..before].iter().any(takes)
    }

    /// Whether there is such a node: a script may play some and leave others out.
    fn ran(&self, lane: Lane) -> bool {
        self.story.moments.iter().any(|m| m.lane == lane)
    }

    /// Whether the same was said to the same node again, and arrived.
    fn came_later(&self, lost: &Parcel<'_>) -> bool {
        let same = |p: &&Parcel<'_>| p.to == lost.to && p.text == lost.text && p.sent > lost.sent;
        self.story.parcels.iter().filter(same).any(|p| !p.arrivals.is_empty())
    }

    fn here(&self, index: usize) -> bool {
        self.story.moments[index].lane == self.story.moments[self.end].lane
    }

    fn has(&self, index: usize, test: impl Fn(&What) -> bool) -> bool {
        self.here(index) && self.story.moments[index].events.iter().any(|e| test(&e.what))
    }

    /// The last moment of this lane before `before` in which such a thing happened.
    fn last(&self, before: usize, test: impl Fn(&What) -> bool) -> Option<usize> {
        (0..before.min(self.story.moments.len())).rev().find(|&i| self.has(i, &test))
    }

    fn request(&self) -> Vec<usize> {
        if let Some(taken) = self.taken_and_answered() {
            return vec![taken];
        }
        // What was asked before a crash is nobody's business after it.
        let born = self.last(self.end + 1, |w| matches!(w, What::Starts { .. })).unwrap_or(0);
        let id = |i: usize| {
            self.story.moments[i].events.iter().find_map(|e| match e.what {
                What::Takes { id, .. } if self.here(i) => Some(id),
                _ => None,
            })
        };
        let answer = |id: u64| self.last(self.end + 1, |w| matches!(w, What::Answers { id: answered, .. } if *answered == id));
        let open = (born..self.end).rev().find(|i| id(*i).is_some_and(|id| answer(id).is_none()));
        if let Some(open) = open {
            return vec![open];
        }
        let answered = (born..self.end).rev().find_map(|i| Some((i, answer(id(i)?)?)));
        answered.map_or_else(Vec::new, |(taken, answer)| vec![taken, answer])
    }

    fn taken_and_answered(&self) -> Option<usize> {
        let answered = self.story.moments[self.end].events.iter().find_map(|e| match e.what {
            What::Answers { to, id, .. } => Some((to, id)),
            _ => None,
        })?;
        self.last(self.end, |w| matches!(w, What::Takes { from, id, .. } if (*from, *id) == answered))
    }

    fn inputs(&self, most: usize, test: impl Fn(&What) -> bool) -> Vec<usize> {
        let since = self.taken_and_answered().unwrap_or(0);
        // A message that only says again what came later is no clue of its own.
        let mut said = BTreeSet::new();
        let mut news = |i: usize| match &self.story.moments[i].events[0].what {
            What::Receives { from, text, .. } => said.insert((*from, text.as_str())),
            _ => true,
        };
        (since..self.end).rev().filter(|&i| self.has(i, &test) && news(i)).take(most).collect()
    }

    /// What is called, whatever the value is named on which it is called; and what it gave.
    fn call(&self, index: usize) -> Option<(&str, Option<&str>)> {
        let What::Calls { text } = &self.story.moments[index].events[0].what else { return None };
        let gave = self.story.moments[index].events.iter().find_map(|e| match &e.what {
            What::Gives { text } => Some(text.as_str()),
            _ => None,
        });
        Some((text.split_once('.').map_or(text.as_str(), |(_, call)| call), gave))
    }

    /// What a call is made on: `ring` of `ring.owner(7)`.
    fn thing(&self, index: usize) -> &str {
        let What::Calls { text } = &self.story.moments[index].events[0].what else { return "" };
        text.split_once('.').map_or("", |(thing, _)| thing)
    }

    fn calls(&self) -> Vec<usize> {
        let last = (0..=self.end).rev().find_map(|i| self.call(i).filter(|(_, gave)| gave.is_some()));
        // Of two things that were asked the same, each may be the one that is wrong; what was done to a third has nothing to do with it.
        let asked = |i: &usize| self.call(*i).is_some_and(|(call, gave)| gave.is_some() && last.is_some_and(|(asked, _)| asked == call));
        let things: BTreeSet<&str> = (0..=self.end).filter(asked).map(|i| self.thing(i)).collect();
        let changes = |i: &usize| self.call(*i).is_some_and(|(_, gave)| gave.is_none());
        let last_of = |thing: &str| (0..=self.end).rev().filter(changes).find(|i| self.thing(*i) == thing);
        let mut changed: Vec<usize> = things.into_iter().filter_map(last_of).collect();
        if changed.is_empty() {
            changed.extend((0..=self.end).rev().find(changes));
        }
        let otherwise = last.and_then(|(call, gave)| {
            (0..self.end).rev().find(|&i| self.call(i).is_some_and(|(c, g)| c == call && g.is_some() && g != gave))
        });
        changed.into_iter().chain(otherwise).collect()
    }

    /// The last thing that came in for the second time, and its first time. On whichever lane, if not on this one: the
    /// count that is wrong here may have been made elsewhere.
    fn twice(&self) -> Vec<usize> {
        let came = |i: usize| {
            self.story.moments[i].events.iter().find_map(|e| match &e.what {
                What::Takes { text, .. } | What::Receives { text, .. } => Some((e.lane, text)),
                _ => None,
            })
        };
        let pair = |i: usize| {
            let what = came(i)?;
            // A request without anything of its own (`Read`, `View`) is as often as it comes a new one.
            what.1.contains(['(', '{']).then_some(())?;
            (0..i).find(|&j| came(j) == Some(what)).map(|j| vec![j, i])
        };
        // A repeat that changed what is saved is the one that counted.
        let counted = (0..=self.end).filter(|&i| self.has(i, |w| matches!(w, What::Saves { .. }))).find_map(pair);
        if let Some(pair) = counted {
            return pair;
        }
        let on_this = (0..=self.end).rev().filter(|&i| self.here(i)).find_map(pair);
        on_this.or_else(|| (0..=self.end).rev().find_map(pair)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;
    use crate::trace::Event;

    const N1: Lane = Lane::Node(0);
    const N2: Lane = Lane::Node(1);
    const C1: Lane = Lane::Client(0);

    fn trace(all: Vec<(u64, Lane, What)>) -> Trace {
        Trace { events: all.into_iter().map(|(step, lane, what)| Event { step, at: Time::ZERO, lane, what }).collect(), ..Trace::default() }
    }

    fn text(t: &str) -> String {
        t.to_owned()
    }

    fn lost_promise() -> Trace {
        trace(vec![
            (1, C1, What::Asks { to: N1, id: 1, text: text("Add(7)") }),
            (2, N1, What::Takes { from: C1, id: 1, text: text("Add(7)") }),
            (2, N1, What::Answers { to: C1, id: 1, text: text("Done") }),
            (2, N1, What::Crashes { done: 1, of: 2, for_good: false }),
            (3, N2, What::Takes { from: C1, id: 2, text: text("Add(8)") }),
            (4, N1, What::Starts { again: true, saved: text("nothing saved") }),
            (5, N1, What::Takes { from: C1, id: 3, text: text("Add(7)") }),
            (6, N1, What::Receives { from: N2, id: 1, text: text("Counts(1)") }),
            (7, N1, What::Fires { timer: text("T") }),
            (7, N1, What::Answers { to: C1, id: 3, text: text("Done") }),
        ])
    }

    #[test]
    fn a_promise_and_the_crash_that_broke_it() {
        assert_eq!(steps(&lost_promise(), &[Clue::Promise, Clue::Crash], &[]), [2, 4]);
        assert!(steps(&lost_promise(), &[Clue::Crash], &[5]).is_empty());
    }

    #[test]
    fn the_request_and_what_came_in_since() {
        assert_eq!(steps(&lost_promise(), &[Clue::Request], &[]), [5]);
        // Seen after the answer: the last request since the restart, and its answer.
        let mut later = lost_promise();
        later.events.extend(trace(vec![(8, N1, What::Receives { from: N2, id: 2, text: text("Counts(1)") })]).events);
        assert_eq!(steps(&later, &[Clue::Request], &[]), [5, 7]);
        assert_eq!(steps(&lost_promise(), &[Clue::Inputs(9)], &[]), [5, 6]);
        assert_eq!(steps(&lost_promise(), &[Clue::Heard(9)], &[]), [6]);
    }

    #[test]
    fn what_is_only_said_again_is_one_input() {
        let hears = |step, count: &str| (step, N1, What::Receives { from: N2, id: step, text: format!("Counts({count})") });
        let all =
            vec![hears(1, "1"), hears(2, "2"), hears(3, "3"), hears(4, "3"), hears(5, "3"), (6, N1, What::Fires { timer: text("T") })];
        assert_eq!(steps(&trace(all), &[Clue::Heard(2)], &[]), [2, 5]);
    }

    #[test]
    fn what_came_twice() {
        assert_eq!(steps(&lost_promise(), &[Clue::Twice], &[]), [2, 5]);
        let reads = trace(vec![
            (1, N1, What::Takes { from: C1, id: 1, text: text("Read") }),
            (2, N1, What::Takes { from: C1, id: 2, text: text("Read") }),
        ]);
        // No repeat: the last news in its place.
        assert_eq!(steps(&reads, &[Clue::Twice], &[]), [1]);
    }

    #[test]
    fn the_call_that_changed_the_answer() {
        let calls = |step, text: &str| (step, Lane::Network, What::Calls { text: text.into() });
        let gives = |step, text: &str| (step, Lane::Network, What::Gives { text: text.into() });
        let all = vec![
            calls(1, "ring.add(\"a\")"),
            calls(2, "ring.owner(7)"),
            gives(2, "a"),
            calls(3, "ring.add(\"b\")"),
            calls(4, "ring.owner(8)"),
            gives(4, "a"),
            calls(5, "ring.owner(7)"),
            gives(5, "c"),
        ];
        assert_eq!(steps(&trace(all), &[Clue::Calls], &[]), [2, 3]);
    }

    #[test]
    fn of_two_things_that_were_asked_the_same_each_is_marked() {
        let calls = |step, text: &str| (step, Lane::Network, What::Calls { text: text.into() });
        let gives = |step, text: &str| (step, Lane::Network, What::Gives { text: text.into() });
        let mut all = vec![
            calls(1, "ring.add(\"a\")"),
            calls(2, "ring.add(\"b\")"),
            calls(3, "other.add(\"b\")"),
            calls(4, "third.add(\"c\")"),
            calls(5, "other.owner(7)"),
            gives(5, "a"),
            calls(6, "ring.owner(7)"),
            gives(6, "b"),
        ];
        // The last change of each, and the other answer.
        assert_eq!(steps(&trace(all.clone()), &[Clue::Calls], &[]), [2, 3, 5]);
        // Only the one that is asked.
        all.retain(|(step, ..)| *step != 5);
        assert_eq!(steps(&trace(all), &[Clue::Calls], &[]), [2]);
    }

    #[test]
    fn what_was_said_again_was_not_lost_for_good() {
        let sends = |step, id, text: &str| (step, N1, What::Sends { to: N2, id, text: text.into() });
        let all = vec![
            (0, N1, What::Takes { from: C1, id: 1, text: text("Add(1)") }),
            sends(1, 1, "News"),
            (1, N1, What::Loses { to: N2, id: 1 }),
            sends(2, 2, "Old"),
            (2, N1, What::Loses { to: N2, id: 2 }),
            sends(3, 3, "Old"),
            (4, N2, What::Receives { from: N1, id: 3, text: "Old".into() }),
            (5, N1, What::Sends { to: Lane::Node(2), id: 4, text: "To nobody".into() }),
            (5, N1, What::Loses { to: Lane::Node(2), id: 4 }),
        ];
        assert_eq!(steps(&trace(all), &[Clue::Lost], &[]), [1]);
    }

    #[test]
    fn the_timer_that_began_it_and_what_was_heard_before() {
        let receives = |step, lane, text: &str| (step, lane, What::Receives { from: Lane::Node(2), id: step, text: text.into() });
        let all = vec![
            receives(1, N1, "Heartbeat"),
            receives(2, N2, "Heartbeat"),
            (3, N1, What::Fires { timer: text("Election") }),
            (3, N1, What::Saves { text: text("Term(2)") }),
            (4, N1, What::Fires { timer: text("Heartbeat") }),
            receives(5, N2, "Vote"),
        ];
        assert_eq!(steps(&trace(all), &[Clue::Began], &[]), [1, 3]);
    }

    #[test]
    fn what_led_to_it_elsewhere() {
        let fires = |step, lane| (step, lane, What::Fires { timer: text("T") });
        let all = vec![
            fires(1, N2),
            (1, N2, What::Saves { text: text("2") }),
            (1, N2, What::Crashes { done: 1, of: 2, for_good: false }),
            (2, N2, What::Starts { again: true, saved: text("2") }),
            (2, N2, What::Sends { to: N1, id: 1, text: text("Bad") }),
            fires(3, N2),
            (4, N1, What::Receives { from: N2, id: 1, text: text("Bad") }),
        ];
        // The step in which the message left; not where a hidden test plays its sender.
        assert_eq!(steps(&trace(all.clone()), &[Clue::Saved], &[]), [2]);
        let mut played = all;
        played.remove(3);
        assert_eq!(steps(&trace(played), &[Clue::Saved], &[]), Vec::<u64>::new());
    }

    #[test]
    fn nothing_leads_nowhere() {
        assert!(steps(&Trace::default(), &[Clue::Crash, Clue::Inputs(3)], &[]).is_empty());
    }
}
