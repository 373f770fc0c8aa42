//! What a page shows: the moments of a run, what becomes of its lanes in each, and what stands around them.

use crate::trace::story::{Moment, Story};
use crate::trace::{Lane, What, diagram, leases};

/// What stands around the picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caption {
    /// The page's title: the exercise and the rule in one sentence.
    pub title: String,
    /// What was seen, in one sentence: the headline.
    pub seen: String,
    /// Where to look.
    pub look: String,
    /// Further texts of the finding with their headings: why it matters, its source.
    pub paragraphs: Vec<(String, String)>,
    /// Steps that led to the violation (a finding's `marks`).
    pub marks: Vec<u64>,
    /// The step at which the run went wrong. `None`: that of the trace's broken rule, if it has one.
    pub violation: Option<u64>,
}

/// The most moments on one page: a browser draws as many without delay. The last ones are kept.
pub const MOMENTS_MAX: usize = 2_000;

/// Whether a node has promised a lease, or counts on one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Promised(pub bool);

/// How a lane is at some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Life {
    pub down: bool,
    pub paused: bool,
    /// A lease that runs, by its own clock: one that it has promised, or one that it may count on.
    pub lease: Option<Promised>,
    /// On which side of a partition it is.
    pub side: Option<usize>,
}

/// The moments of a page, and what is to be known of them.
pub(super) struct Film<'a> {
    pub story: &'a Story<'a>,
    /// The moments shown are those from here on.
    pub first: usize,
    pub left_out: usize,
    /// No time passes, as in an exercise without a network.
    pub timeless: bool,
    /// The headline: it need not be said again where the rule breaks.
    pub seen: String,
    pub lanes: Vec<Lane>,
    /// How each lane is after each moment that is shown.
    pub lives: Vec<Vec<Life>>,
    pub marked: Vec<usize>,
    pub violation: Option<usize>,
}

impl<'a> Film<'a> {
    pub fn of(story: &'a Story<'a>, caption: &Caption) -> Self {
        let at = |step: u64| story.moments.iter().rposition(|m| m.step == step);
        let first = story.moments.len().saturating_sub(MOMENTS_MAX);
        let mut lanes: Vec<Lane> = story.moments[first..].iter().map(|m| m.lane).filter(|l| *l != Lane::Network).collect();
        let sent = story.parcels.iter().filter(|p| p.sent.is_some_and(|s| s >= first));
        lanes.extend(sent.flat_map(|p| [p.from, p.to]).filter(|l| *l != Lane::Network));
        // Clients left of the nodes.
        lanes.sort_unstable_by_key(|l| (l.is_place(), *l));
        lanes.dedup();
        Film {
            story,
            first,
            left_out: first,
            timeless: story.moments[first..].iter().all(|m| m.at.as_micros() == 0),
            seen: caption.seen.clone(),
            lives: lives(story, &lanes).split_off(first),
            lanes,
            marked: caption.marks.iter().filter_map(|s| story.moments.iter().position(|m| m.step == *s)).collect(),
            violation: caption.violation.map_or_else(|| story.broken(), at),
        }
    }

    pub fn place(&self, lane: Lane) -> Option<usize> {
        self.lanes.iter().position(|l| *l == lane)
    }

    /// The moments with their number on the page, from 0.
    pub fn moments(&self) -> impl Iterator<Item = (usize, &Moment<'a>)> {
        self.story.moments[self.first..].iter().enumerate()
    }

    /// The name of a moment's row, by which links find it: `step-7`, and `step-7-2` for another one of that number.
    pub fn anchor(&self, index: usize) -> String {
        let step = self.story.moments[index].step;
        let before = self.story.moments[..index].iter().rev().take_while(|m| m.step == step).count();
        if before == 0 { format!("step-{step}") } else { format!("step-{step}-{}", before + 1) }
    }
}

fn lives(story: &Story, lanes: &[Lane]) -> Vec<Vec<Life>> {
    let walls = diagram::walls::of(story);
    let leases = leases::of(story);
    let mut paused_until = vec![0; lanes.len()];
    let mut now = vec![Life::default(); lanes.len()];
    let mut all = Vec::with_capacity(story.moments.len());
    for (index, moment) in story.moments.iter().enumerate() {
        if let Some((_, wall)) = walls.iter().find(|(at, _)| *at == index) {
            for (life, lane) in now.iter_mut().zip(lanes) {
                life.side = wall.as_ref().and_then(|wall| wall.side(*lane));
            }
        }
        for event in moment.events {
            let Some(place) = lanes.iter().position(|l| *l == event.lane) else { continue };
            match event.what {
                What::Crashes { .. } => (now[place].down, paused_until[place]) = (true, 0),
                What::Starts { .. } => now[place].down = false,
                What::Pauses { for_us } => paused_until[place] = moment.at.as_micros().saturating_add(for_us),
                _ => {}
            }
        }
        let us = moment.at.as_micros();
        for ((life, until), lane) in now.iter_mut().zip(&paused_until).zip(lanes) {
            life.paused = us < *until;
            let runs = leases.iter().find(|bar| bar.lane == *lane && bar.is_open(index) && us < bar.until_us);
            life.lease = runs.map(|bar| Promised(bar.promised));
        }
        all.push(now.clone());
    }
    all
}
