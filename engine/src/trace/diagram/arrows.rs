//! The arrows of a row: what arrives, and the beginnings of what leaves.

use super::super::What;
use super::super::columns::columns;
use super::super::debug_text::{Brief, Words};
use super::super::story::{Kind, Parcel};
use super::canvas::{Row, Sign};
use super::notes::Note;
use super::rows::{Pen, Places, Sheet};
use std::collections::{BTreeMap, BTreeSet};

/// A side of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Left,
    Right,
}

impl Sheet<'_> {
    /// The arrow of what arrives. Returns the side of the receiver's lane that it takes.
    pub(super) fn arrival(
        &self,
        at: &Places,
        index: usize,
        before: Option<usize>,
        row: &mut Row,
        notes: &mut Vec<Note>,
        pen: &mut Pen,
    ) -> Option<Side> {
        let parcel = &self.story.parcels[self.story.arrives[index]?];
        let words = self.arriving.get(&index)?;
        let second = parcel.arrivals.iter().position(|a| *a == index).is_some_and(|n| n > 0);
        let direct = !second && parcel.sent.is_some_and(|s| Some(s) == before || self.plot.merged.contains(&s));
        let mut label = if direct { String::new() } else { parcel.label() };
        if second {
            label.push_str(" again");
        }
        let ends = self.place(parcel.from).zip(self.place(parcel.to)).filter(|(a, b)| a != b);
        let Some((from, to)) = ends else {
            let from = format!("{label} from {}: ", parcel.from);
            notes.insert(0, Note::words(1, from.trim_start(), words, ""));
            return None;
        };
        pen.used.insert(if direct { Sign::AtOnce } else { Sign::Earlier });
        self.arrow(at, index, (from, to), direct, row);
        let room = at.gap.saturating_sub(if direct { 3 } else { 4 });
        let known = self.read_before.contains(&index);
        let payload = shortest_sensible(words, room, &label);
        let inside = payload.clone().or_else(|| Some(label.clone()).filter(|l| !l.is_empty() && columns(l) <= room));
        if let Some(text) = &inside {
            // In the last stretch before the receiver: the tip and its name are read together.
            let start = if from < to { at.x(to) - at.gap + 1 } else { at.x(to) + 2 };
            let free = at.gap - 2 - columns(text);
            row.text(start + free.div_ceil(2), text);
        }
        if payload.is_none() {
            let name = if inside.is_some() || label.is_empty() { String::new() } else { format!("{label} ") };
            let note = Note::words(1, &name, words, "");
            notes.insert(0, if known { note.terse() } else { note });
        }
        Some(if from < to { Side::Left } else { Side::Right })
    }

    fn arrow(&self, at: &Places, index: usize, (from, to): (usize, usize), direct: bool, row: &mut Row) {
        let g = self.glyphs;
        let (a, b) = (at.x(from.min(to)), at.x(from.max(to)));
        row.fill(a + 1, b, if direct { g.line } else { g.dashed });
        for place in from.min(to) + 1..from.max(to) {
            row.put(at.x(place), if direct { g.cross } else { self.upright(self.lanes[place], index) });
        }
        if from < to {
            row.put(b - 1, g.right);
        } else {
            row.put(a + 1, g.left);
        }
        if direct {
            row.put(at.x(from), if from < to { g.from_right } else { g.from_left });
        }
    }

    /// The parcels that arrive on the very next row: their arrow there says all.
    pub(super) fn drawn_whole(&self, index: usize) -> Vec<usize> {
        let Some(&next) = self.shown.moments.range(index + 1..).next() else { return Vec::new() };
        let near = self.plot.folded(Some(index), next) == 0;
        let whole = |p: &usize| near && self.story.parcels[*p].arrivals.first() == Some(&next);
        self.story.sends[index].iter().copied().filter(whole).collect()
    }

    /// The beginnings of what leaves: for what arrives on a later row, is lost, or counts because the step is marked.
    /// What finds its side taken by the arrow that came in goes on a row of its own.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn stubs(
        &self,
        at: &Places,
        index: usize,
        whole: &[usize],
        busy: Option<Side>,
        row: &mut Row,
        notes: &mut Vec<Note>,
        pen: &mut Pen,
    ) -> Option<Row> {
        let place = self.place(self.story.moments[index].lane)?;
        let mut sides: BTreeMap<Side, Vec<&Parcel>> = BTreeMap::new();
        // What was already out when the node crashed is the point of such a step.
        let crashed = self.story.moments[index].events.iter().any(|e| matches!(e.what, What::Crashes { .. }));
        let counts = crashed || self.plot.is_important(index);
        for parcel in self.story.sends[index].iter().filter(|p| !whole.contains(p)).map(|p| &self.story.parcels[*p]) {
            let side = match self.place(parcel.to) {
                Some(to) if to > place => Side::Right,
                Some(to) if to < place => Side::Left,
                _ => continue,
            };
            let arrives = parcel.arrivals.iter().any(|a| self.shown.moments.contains(a));
            if arrives || parcel.lost || counts {
                sides.entry(side).or_default().push(parcel);
            }
        }
        let mut extra: Option<Row> = None;
        for (side, parcels) in sides {
            let down = pen.down.clone();
            let target =
                if busy == Some(side) { extra.get_or_insert_with(|| self.base(at, index, &down, &mut pen.used)) } else { &mut *row };
            pen.cost += self.stub(at, place, side, &parcels, target, notes, &mut pen.used);
        }
        extra
    }

    #[allow(clippy::too_many_arguments)]
    fn stub(
        &self,
        at: &Places,
        place: usize,
        side: Side,
        parcels: &[&Parcel],
        row: &mut Row,
        notes: &mut Vec<Note>,
        used: &mut BTreeSet<Sign>,
    ) -> usize {
        let g = self.glyphs;
        let all_lost = parcels.iter().all(|p| p.lost);
        let lost: Vec<String> = parcels.iter().filter(|p| p.lost).map(|p| p.label()).collect();
        let tip = match (all_lost, side) {
            (true, _) => g.lost,
            (false, Side::Right) => g.stub_right,
            (false, Side::Left) => g.stub_left,
        };
        if all_lost {
            used.insert(Sign::Lost);
        } else if !lost.is_empty() {
            notes.push(Note::plain(2, format!("{} lost", lost.join(" "))));
        }
        let room = at.gap.saturating_sub(3);
        let text = Some(labels(parcels)).filter(|t| columns(t) <= room);
        if text.is_none() && !all_lost {
            notes.push(Note::plain(2, format!("as {}", labels(parcels))));
        }
        let length = text.as_ref().map_or(1, |t| columns(t) + 1).min(at.gap.saturating_sub(2));
        let x = at.x(place);
        match side {
            Side::Right => {
                row.fill(x + 1, x + 1 + length, g.line);
                row.text(x + 2, text.as_deref().unwrap_or_default());
                row.put(x + 1 + length, tip);
            }
            Side::Left => {
                row.fill(x - length, x, g.line);
                row.text(x - length, text.as_deref().unwrap_or_default());
                row.put(x - length - 1, tip);
            }
        }
        // A number that stands only in the notes is harder to find again.
        if text.is_none() { 2 } else { 0 }
    }
}

/// The payload behind its label, if its values have room.
fn shortest_sensible(words: &Words, room: usize, label: &str) -> Option<String> {
    let with = |t: String| if label.is_empty() { t } else { format!("{label} {t}") };
    [Brief::Named, Brief::Values].iter().map(|b| with(words.brief(*b))).find(|t| columns(t) <= room)
}

/// `m3`, `m3-5`, `m3,7`.
fn labels(parcels: &[&Parcel]) -> String {
    let mut ids: Vec<(bool, u64)> = parcels.iter().map(|p| (p.kind != Kind::Message, p.id)).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut out = String::new();
    let mut i = 0;
    while i < ids.len() {
        let mut j = i;
        while j + 1 < ids.len() && ids[j + 1].0 == ids[i].0 && ids[j + 1].1 == ids[j].1 + 1 {
            j += 1;
        }
        let letter = if ids[i].0 { "r" } else { "m" };
        let lead = if i > 0 && ids[i - 1].0 == ids[i].0 { "" } else { letter };
        let comma = if i > 0 { "," } else { "" };
        let range = match j - i {
            0 => ids[i].1.to_string(),
            1 => format!("{},{}", ids[i].1, ids[j].1),
            _ => format!("{}-{}", ids[i].1, ids[j].1),
        };
        out.push_str(&format!("{comma}{lead}{range}"));
        i = j + 1;
    }
    out
}
