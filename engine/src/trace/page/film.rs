//! What a page shows: the moments of a run, and what stands around them.

use crate::trace::Lane;
use crate::trace::story::{Moment, Story};

/// What stands around the picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caption {
    /// The page's title: the exercise and the rule in one sentence.
    pub title: String,
    /// The finding's texts with their headings: what was seen, why it matters, where to look, the replay command.
    pub paragraphs: Vec<(String, String)>,
    /// Steps that led to the violation (a finding's `marks`).
    pub marks: Vec<u64>,
    /// The step at which the run went wrong. `None`: that of the trace's broken rule, if it has one.
    pub violation: Option<u64>,
}

/// The most moments on one page: a browser draws as many without delay. The last ones are kept.
pub const MOMENTS_MAX: usize = 2_000;

/// The moments of a page, and what is to be known of them.
pub(super) struct Film<'a> {
    pub story: &'a Story<'a>,
    /// The moments shown are those from here on.
    pub first: usize,
    pub left_out: usize,
    pub lanes: Vec<Lane>,
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
        lanes.sort_unstable_by_key(|l| (matches!(l, Lane::Node(_)), *l));
        lanes.dedup();
        Film {
            story,
            first,
            left_out: first,
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
}
