//! Where to look in the code, by what the run that is shown tells: of the places that a rule knows, the first of which the run
//! gives evidence.

use super::story::{Moment, Story};
use super::{Event, Lane, Trace, What, stuck};
use std::collections::BTreeSet;

/// What a run may tell. All speak of the node at fault: the first that the sentence names, if something did not happen, or else the one
/// on whose lane the rule broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The sentence of what was seen has these words.
    Says(&'static str),
    /// The node restarted.
    Restarted,
    /// It did not.
    NeverRestarted,
    /// The rule broke where the node started (again).
    AtStart,
    /// The rule broke where a timer fired.
    AtTimer,
    /// The rule broke where a request came in that begins like this, or was answered.
    AtRequest(&'static str),
    /// The rule broke where a message came in that begins like this.
    AtMessage(&'static str),
    /// The node has no timer set in the end.
    NoTimer,
    /// One of its timers has fired since it started last.
    Fired,
    /// A message or request set one of its timers anew that had not fired.
    PutOff,
    /// In one step something left the node, and was saved after that.
    LeftBeforeSave,
    /// Where the node answered or sent something last before its last crash (or the end), it saved nothing.
    LeftWithoutSave,
    /// A save of the node made one field `None` and changed nothing else.
    SavedNone,
    /// The last save of a request's step holds none of the numbers that the request has.
    SavedOther,
    /// All of these.
    All(&'static [Evidence]),
}

/// The first of these places of which the run gives evidence; `None` if it gives of none.
#[must_use]
pub(super) fn first<T>(trace: &Trace, places: impl IntoIterator<Item = (Evidence, T)>) -> Option<T> {
    let mut places = places.into_iter().peekable();
    places.peek()?;
    let story = Story::of(trace);
    let at_fault = |m: &Moment<'_>| matches!(m.lane, Lane::Node(_)) || matches!(m.events[0].what, What::Calls { .. });
    let end = story.moments.iter().rposition(at_fault)?;
    let scene = Scene { story: &story, end, lane: story.moments[end].lane };
    places.find(|(evidence, _)| scene.tells(*evidence)).map(|(_, place)| place)
}

struct Scene<'a> {
    story: &'a Story<'a>,
    end: usize,
    lane: Lane,
}

impl<'a> Scene<'a> {
    fn tells(&self, evidence: Evidence) -> bool {
        let cause = &self.story.moments[self.end].events[0].what;
        match evidence {
            Evidence::Says(words) => self.story.seen().is_some_and(|seen| seen.contains(words)),
            Evidence::Restarted => self.of_lane().any(is_restart),
            Evidence::NeverRestarted => !self.of_lane().any(is_restart),
            Evidence::AtStart => matches!(cause, What::Starts { .. }),
            Evidence::AtTimer => matches!(cause, What::Fires { .. }),
            Evidence::AtRequest(begins) => self.request().is_some_and(|text| text.starts_with(begins)),
            Evidence::AtMessage(begins) => matches!(cause, What::Receives { text, .. } if text.starts_with(begins)),
            Evidence::NoTimer => stuck::armed(self.story, self.culprit()).is_some_and(|timers| timers.is_empty()),
            Evidence::Fired => {
                let lane = self.culprit();
                let of_lane: Vec<&Moment<'_>> = self.story.moments.iter().filter(|m| m.lane == lane).collect();
                let born = of_lane.iter().rposition(|m| m.events.iter().any(|e| matches!(e.what, What::Starts { .. }))).unwrap_or(0);
                of_lane[born..].iter().any(|m| m.events.iter().any(|e| matches!(e.what, What::Fires { .. })))
            }
            Evidence::PutOff => self.puts_off(),
            Evidence::LeftBeforeSave => self.of_lane().any(|m| {
                let left = m.events.iter().position(|e| leaves(&e.what));
                left.is_some_and(|left| m.events[left..].iter().any(|e| matches!(e.what, What::Saves { .. }))) || is_cut_off(m)
            }),
            Evidence::LeftWithoutSave => {
                let crash = |m: &&Moment<'_>| m.events.iter().any(|e| matches!(e.what, What::Crashes { .. }));
                let of_lane: Vec<&Moment<'_>> = self.of_lane().collect();
                let until = of_lane.iter().rposition(crash).map_or(of_lane.len(), |at| at + 1);
                let promise = of_lane[..until].iter().rev().find(|m| m.events.iter().any(|e| leaves(&e.what)));
                promise.is_some_and(|m| !is_cut_off(m) && !m.events.iter().any(|e| matches!(e.what, What::Saves { .. })))
            }
            Evidence::SavedNone => self.saved().collect::<Vec<_>>().windows(2).any(|w| is_one_field_gone(w[0], w[1])),
            Evidence::SavedOther => {
                let of_requests = self.of_lane().filter_map(|m| match &m.events[0].what {
                    What::Takes { text, .. } => Some((text, m.events.iter().rev().find_map(saved_text)?)),
                    _ => None,
                });
                of_requests.last().is_some_and(|(asked, saved)| {
                    let mut asked = numbers(asked).peekable();
                    asked.peek().is_some() && !asked.any(|number| numbers(saved).any(|n| n == number))
                })
            }
            Evidence::All(all) => all.iter().all(|evidence| self.tells(*evidence)),
        }
    }

    fn of_lane(&self) -> impl Iterator<Item = &'a Moment<'a>> {
        let lane = self.lane;
        self.story.moments[..=self.end].iter().filter(move |m| m.lane == lane)
    }

    fn puts_off(&self) -> bool {
        let lane = self.culprit();
        let mut set: BTreeSet<&str> = BTreeSet::new();
        for moment in self.story.moments[..=self.end].iter().filter(|m| m.lane == lane) {
            let from_outside = matches!(moment.events[0].what, What::Receives { .. } | What::Takes { .. });
            for event in moment.events {
                match &event.what {
                    What::Sets { timer, .. } if !set.insert(timer) && from_outside => return true,
                    What::Cancels { timer } | What::Fires { timer } => drop(set.remove(timer.as_str())),
                    What::Starts { .. } | What::Crashes { .. } => set.clear(),
                    _ => {}
                }
            }
        }
        false
    }

    /// Of something that did not happen the step at which one looked may be anybody's; the sentence begins with whose duty it was.
    /// (In the place of a node that never starts stands the hidden test.)
    fn culprit(&self) -> Lane {
        self.story.named().into_iter().find(|lane| matches!(lane, Lane::Node(_)) && self.story.ran(*lane)).unwrap_or(self.lane)
    }

    /// What was on the disk of the node, one after the other.
    fn saved(&self) -> impl Iterator<Item = &'a str> {
        self.of_lane().flat_map(|m| m.events).filter_map(|e| match &e.what {
            What::Starts { saved, .. } => Some(saved.as_str()),
            _ => saved_text(e),
        })
    }

    /// The request that came in where the rule broke, or was answered there.
    fn request(&self) -> Option<&'a str> {
        let moment = &self.story.moments[self.end];
        if let What::Takes { text, .. } = &moment.events[0].what {
            return Some(text);
        }
        let answered = moment.events.iter().find_map(|e| match e.what {
            What::Answers { to, id, .. } => Some((to, id)),
            _ => None,
        })?;
        self.of_lane().flat_map(|m| m.events).find_map(|e| match &e.what {
            What::Takes { from, id, text } if (*from, *id) == answered => Some(text.as_str()),
            _ => None,
        })
    }
}

fn is_restart(moment: &Moment<'_>) -> bool {
    moment.events.iter().any(|e| matches!(e.what, What::Starts { again: true, .. }))
}

/// Whether a crash came between what left and what was still to happen in this step: a save, or else it would be no matter.
fn is_cut_off(moment: &Moment<'_>) -> bool {
    let cut = |what: &What| matches!(what, What::Crashes { done, of, .. } if done < of);
    let any = |test: &dyn Fn(&What) -> bool| moment.events.iter().any(|e| test(&e.what));
    any(&cut) && any(&leaves) && !any(&|what| matches!(what, What::Saves { .. }))
}

fn saved_text(event: &Event) -> Option<&str> {
    if let What::Saves { text } = &event.what { Some(text) } else { None }
}

/// Whether two texts of the same fields differ in one alone, which the second has as `None`.
fn is_one_field_gone(before: &str, after: &str) -> bool {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.split(", ").collect(), after.split(", ").collect());
    let differs: Vec<usize> = (0..after.len()).filter(|i| before.get(*i) != Some(&after[*i])).collect();
    let [field] = differs[..] else { return false };
    before.len() == after.len() && after[field].trim_end_matches([' ', '}', ')']).ends_with(": None")
}

fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.starts_with(|c: char| c.is_ascii_digit()))
}

fn leaves(what: &What) -> bool {
    matches!(what, What::Sends { .. } | What::Answers { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;

    const N1: Lane = Lane::Node(0);
    const C1: Lane = Lane::Client(0);

    fn trace(all: &[What]) -> Trace {
        let event = |(step, what): (u64, &What)| Event { step, at: Time::ZERO, lane: N1, what: what.clone() };
        Trace { events: (1..).zip(all).map(event).collect(), ..Trace::default() }
    }

    /// Everything in step 2, after a start.
    fn step(effects: &[What]) -> Trace {
        let mut trace = trace(&[What::Starts { again: false, saved: "nothing saved".into() }]);
        let takes = What::Takes { from: C1, id: 1, text: "Write(3)".into() };
        let event = |what: &What| Event { step: 2, at: Time::ZERO, lane: N1, what: what.clone() };
        trace.events.extend([takes].iter().chain(effects).map(event));
        trace
    }

    fn told(trace: &Trace, evidence: Evidence) -> bool {
        first(trace, [(evidence, ())]).is_some()
    }

    #[test]
    fn the_first_place_of_which_there_is_evidence() {
        let run = step(&[What::Breaks { rule: "r".into(), seen: "n1 lost 3".into() }]);
        let places = [
            (Evidence::Says("won"), "a"),
            (Evidence::All(&[Evidence::Says("lost"), Evidence::AtRequest("Write")]), "b"),
            (Evidence::Says("lost"), "c"),
        ];
        assert_eq!(first(&run, places), Some("b"));
        assert_eq!(first(&run, [places[0]]), None);
        assert_eq!(first(&Trace::default(), places), None);
    }

    #[test]
    fn the_order_of_effects() {
        let (saves, answers) = (What::Saves { text: "3".into() }, What::Answers { to: C1, id: 1, text: "Done".into() });
        let (before, after) = (step(&[saves.clone(), answers.clone()]), step(&[answers.clone(), saves]));
        assert!(!told(&before, Evidence::LeftBeforeSave) && told(&after, Evidence::LeftBeforeSave));
        assert!(!told(&before, Evidence::LeftWithoutSave) && told(&step(std::slice::from_ref(&answers)), Evidence::LeftWithoutSave));
        let crashes = What::Crashes { done: 1, of: 2, for_good: false };
        let cut_off = step(&[answers, crashes]);
        assert!(told(&cut_off, Evidence::LeftBeforeSave) && !told(&cut_off, Evidence::LeftWithoutSave));
    }

    #[test]
    fn what_was_saved() {
        let starts = What::Starts { again: false, saved: "Saved { term: 3, vote: Some(n1) }".into() };
        let saves = |text: &str| What::Saves { text: text.into() };
        assert!(told(&trace(&[starts.clone(), saves("Saved { term: 3, vote: None }")]), Evidence::SavedNone));
        assert!(!told(&trace(&[starts.clone(), saves("Saved { term: 4, vote: None }")]), Evidence::SavedNone));
        assert!(!told(&trace(&[starts, saves("Saved { term: 3, vote: Some(n2) }")]), Evidence::SavedNone));
        assert!(told(&step(&[saves("2")]), Evidence::SavedOther) && !told(&step(&[saves("3")]), Evidence::SavedOther));
    }

    #[test]
    fn who_is_named_first_is_asked_for_its_timers_if_it_ever_ran() {
        let of = |lane, what| Event { step: 1, at: Time::ZERO, lane, what };
        let starts = |lane| of(lane, What::Starts { again: false, saved: "nothing saved".into() });
        let seen = |seen: &str| of(N1, What::Breaks { rule: "r".into(), seen: seen.into() });
        let sets = of(Lane::Node(1), What::Sets { timer: "T".into(), after_us: 10 });
        let run = |all: Vec<Event>| Trace { events: all, ..Trace::default() };
        let two = |said| run(vec![starts(N1), starts(Lane::Node(1)), sets.clone(), seen(said)]);
        assert!(!told(&two("n2 did not tell n1"), Evidence::NoTimer) && told(&two("n1 did not tell n2"), Evidence::NoTimer));
        let one = run(vec![starts(Lane::Node(1)), sets.clone(), seen("n1 was not told by n2")]);
        assert!(!told(&one, Evidence::NoTimer));
    }

    #[test]
    fn timers_and_restarts() {
        let sets = What::Sets { timer: "T".into(), after_us: 10 };
        let fires = What::Fires { timer: "T".into() };
        let starts = |again| What::Starts { again, saved: "nothing saved".into() };
        let fired = trace(&[starts(false), sets.clone(), fires.clone()]);
        assert!(told(&fired, Evidence::NoTimer) && told(&fired, Evidence::Fired) && told(&fired, Evidence::AtTimer));
        let again = trace(&[starts(false), fires, starts(true), sets.clone()]);
        assert!(!told(&again, Evidence::NoTimer) && !told(&again, Evidence::Fired));
        let takes = |id| What::Takes { from: C1, id, text: "Read".into() };
        let mut put_off = trace(&[starts(false), sets.clone(), takes(1), sets.clone()]);
        put_off.events[3].step = 3;
        assert!(told(&put_off, Evidence::PutOff) && !told(&again, Evidence::PutOff));
        assert!(told(&again, Evidence::Restarted) && told(&fired, Evidence::NeverRestarted));
    }
}
