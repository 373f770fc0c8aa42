//! Which steps are shown: all if they fit; otherwise the marked ones, what led to them, and the end.

use super::super::story::Story;
use super::super::{Lane, What};
use super::notes::NOTHING_SAVED;
use std::collections::{BTreeMap, BTreeSet};

/// What a reader could see of a run, before there is a limit.
pub(super) struct Plot {
    /// Moments that would have a row of their own, in order.
    pub visible: Vec<usize>,
    /// A moment that only sends, whose one message arrives next: it is drawn on the row of the arrival.
    pub merged: BTreeSet<usize>,
    pub marked: BTreeSet<usize>,
    pub violation: Option<usize>,
    /// For each moment, the moments that it depends on, and how far away they feel.
    past: Vec<Vec<(usize, u32)>>,
    /// Of each lane that the sentence names, the last step that did something before the violation; and where a request or message
    /// that it names came in.
    named: Vec<usize>,
    /// What the node at fault did from the first mark on its lane to the violation: what changed its mind is there.
    same_lane_in_between: Vec<usize>,
}

/// Farther back than this nothing helps to understand the end: rather a shorter picture.
const FARTHEST: u32 = 12;

/// The moments that get rows.
pub(super) struct Shown {
    pub moments: BTreeSet<usize>,
}

impl Plot {
    pub fn of(story: &Story, marks: &[u64], violation: Option<u64>) -> Plot {
        let at = |step: u64| story.moments.iter().rposition(|m| m.step == step);
        let violation = violation.map_or_else(|| story.broken(), at);
        // A step's first moment is the one that was meant: what else bears its number happened elsewhere because of it.
        let first = |step: u64| story.moments.iter().position(|m| m.step == step);
        let marked: BTreeSet<usize> = marks.iter().filter_map(|step| first(*step)).collect();
        let must = |i: usize| marked.contains(&i) || violation == Some(i);
        let candidates: Vec<usize> = (0..story.moments.len()).filter(|&i| must(i) || is_visible(story, i)).collect();
        let next: BTreeMap<usize, usize> = candidates.windows(2).map(|w| (w[0], w[1])).collect();
        let merged: BTreeSet<usize> =
            candidates.iter().copied().filter(|&i| !must(i) && next.get(&i).is_some_and(|&n| only_sends_to(story, i, n))).collect();
        let visible: Vec<usize> = candidates.into_iter().filter(|i| !merged.contains(i)).collect();
        let past = past(story, &visible, &merged);
        let same_lane_in_between = violation.map_or_else(Vec::new, |v| {
            let on_lane = |i: usize| story.moments[i].lane == story.moments[v].lane;
            let first = marked.iter().copied().find(|&m| on_lane(m)).unwrap_or(v);
            visible.iter().copied().filter(|&i| first < i && i < v && on_lane(i)).collect()
        });
        let named = named(story, &visible, violation);
        Plot { visible, merged, marked, violation, past, named, same_lane_in_between }
    }

    /// Marked, or where it went wrong.
    pub fn is_important(&self, moment: usize) -> bool {
        self.marked.contains(&moment) || self.violation == Some(moment)
    }

    /// At most `rows` rows, those of folded stretches counted too; more only if more are marked.
    pub fn choose(&self, rows: usize) -> Shown {
        if self.visible.len() <= rows {
            return Shown { moments: self.visible.iter().copied().collect() };
        }
        let mut moments: BTreeSet<usize> = self.marked.iter().copied().chain(self.violation).collect();
        moments.extend(self.visible.last());
        let mut queue: BTreeSet<(u32, std::cmp::Reverse<usize>)> = moments.iter().map(|&m| (0, std::cmp::Reverse(m))).collect();
        queue.extend(self.named.iter().map(|&m| (1, std::cmp::Reverse(m))));
        queue.extend(self.same_lane_in_between.iter().map(|&m| (1, std::cmp::Reverse(m))));
        // Without anything marked what led to the end is all there is to tell; where nothing is known of it, what came last.
        if self.marked.iter().all(|m| self.violation == Some(*m)) {
            let last = self.visible.iter().rev().take(rows).enumerate();
            let known = if self.violation.is_none() { 0 } else { FARTHEST };
            queue.extend(last.map(|(i, &m)| (known + i as u32, std::cmp::Reverse(m))));
        }
        let mut done: BTreeSet<usize> = BTreeSet::new();
        while let Some((far, std::cmp::Reverse(moment))) = queue.pop_first() {
            if !done.insert(moment) {
                continue;
            }
            let fresh = moments.insert(moment);
            if fresh && self.rows(&moments) > rows {
                moments.remove(&moment);
                continue;
            }
            let near = self.past[moment].iter().map(|&(m, weight)| (far + weight, std::cmp::Reverse(m)));
            queue.extend(near.filter(|(far, _)| *far <= FARTHEST));
        }
        self.fill_gaps_of_one(&mut moments);
        Shown { moments }
    }

    /// How many visible moments lie between two shown ones.
    pub fn folded(&self, from: Option<usize>, to: usize) -> usize {
        let start = from.map_or(0, |f| self.visible.partition_point(|&v| v <= f));
        self.visible.partition_point(|&v| v < to).saturating_sub(start)
    }

    /// How many steps these are: one in which others were folded stands for all of them.
    pub fn steps_folded(&self, story: &Story, from: Option<usize>, to: usize) -> u64 {
        let start = from.map_or(0, |f| self.visible.partition_point(|&v| v <= f));
        let end = self.visible.partition_point(|&v| v < to).max(start);
        let steps = |&v: &usize| match story.moments[v].events[0].what {
            What::Folds { steps, .. } => steps,
            _ => 1,
        };
        self.visible[start..end].iter().map(steps).sum()
    }

    fn rows(&self, moments: &BTreeSet<usize>) -> usize {
        let mut before = None;
        let mut rows = 0;
        for &m in moments {
            rows += 1 + usize::from(self.folded(before, m) > 0);
            before = Some(m);
        }
        rows
    }

    /// A line that says `… 1 step …` is no shorter than the step.
    fn fill_gaps_of_one(&self, moments: &mut BTreeSet<usize>) {
        let mut before = None;
        for m in moments.clone() {
            if self.folded(before, m) == 1 {
                moments.insert(self.visible[self.visible.partition_point(|&v| v < m) - 1]);
            }
            before = Some(m);
        }
    }
}

/// False of what a reader has no use for: a first start with an empty disk, a timer that is set, a loss noticed later.
fn is_visible(story: &Story, index: usize) -> bool {
    let first_start = |what: &What| matches!(what, What::Starts { again: false, saved } if saved == NOTHING_SAVED);
    let quiet = |what: &What| {
        first_start(what)
            || matches!(what, What::Sets { .. } | What::Cancels { .. } | What::Draws { .. })
            || matches!(what, What::State { .. } | What::Loses { .. } | What::Repeats { .. } | What::Holds { .. } | What::Ends { .. })
    };
    !story.moments[index].events.iter().all(|e| quiet(&e.what))
}

/// The steps without which the sentence of what was seen hangs in the air: see [`Plot`].
fn named(story: &Story, visible: &[usize], violation: Option<usize>) -> Vec<usize> {
    let before = || visible.iter().rev().copied().filter(move |&i| violation.is_none_or(|v| i < v));
    let does = |i: &usize| story.moments[*i].events.iter().any(|e| is_news(&e.what));
    let on = |lane: Lane| {
        let of_lane = || before().filter(move |&i| story.moments[i].lane == lane);
        of_lane().find(does).or_else(|| of_lane().next())
    };
    let mut found: Vec<usize> = story.named().into_iter().filter_map(on).collect();
    let seen = story.seen().unwrap_or_default();
    for label in seen.split(|c: char| !c.is_alphanumeric()).filter(|word| word.starts_with(['r', 'm'])) {
        let came = |&i: &usize| story.arrives[i].is_some_and(|p| story.parcels[p].label() == label);
        found.extend(before().rfind(came));
    }
    found
}

/// Whether moment `i` does nothing but send one message, which arrives whole at moment `next`.
fn only_sends_to(story: &Story, i: usize, next: usize) -> bool {
    let all_sends = story.moments[i]
        .events
        .iter()
        .all(|e| matches!(e.what, What::Asks { .. } | What::Sends { .. } | What::Holds { .. } | What::Ends { .. }));
    let [only] = story.sends[i][..] else { return false };
    all_sends && story.arrives[next] == Some(only) && !story.parcels[only].repeated
}

/// The edges of the causal past among visible moments, with weights: a message is near, an idle step of the same lane far.
fn past(story: &Story, visible: &[usize], merged: &BTreeSet<usize>) -> Vec<Vec<(usize, u32)>> {
    let mut past = vec![Vec::new(); story.moments.len()];
    let mut last_on: BTreeMap<Lane, usize> = BTreeMap::new();
    let mut last_news: BTreeMap<Lane, usize> = BTreeMap::new();
    let mut network = None;
    for &index in visible {
        let moment = &story.moments[index];
        let sender = story.arrives[index].and_then(|p| story.parcels[p].sent);
        if let Some(sent) = sender {
            let before = if merged.contains(&sent) { last_on.get(&story.moments[sent].lane).copied() } else { Some(sent) };
            past[index].extend(before.map(|b| (b, 1)));
        }
        past[index].extend(last_on.get(&moment.lane).map(|&before| (before, 5)));
        past[index].extend(last_news.get(&moment.lane).map(|&before| (before, 2)));
        let lost = moment.events.iter().any(|e| matches!(e.what, What::Loses { .. }));
        past[index].extend(network.filter(|_| lost).map(|n| (n, 4)));
        match moment.lane {
            Lane::Network => network = Some(index),
            lane => drop(last_on.insert(lane, index)),
        }
        if moment.events.iter().any(|e| is_news(&e.what)) {
            last_news.insert(moment.lane, index);
        }
    }
    past
}

/// What a node still is because of it: a later step is near to the last of these, however many idle ones lie between.
fn is_news(what: &What) -> bool {
    matches!(what, What::Crashes { .. } | What::Starts { again: true, .. } | What::Pauses { .. } | What::Saves { .. })
}
