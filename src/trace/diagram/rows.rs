//! The rows of the picture at a given distance of the lanes: what stands on each lane, the arrows between them, the notes.

use super::super::story::{Kind, Parcel, Story};
use super::super::words::{Brief, Words, columns, cut, tidy};
use super::super::{Lane, What};
use super::canvas::{Glyphs, Row, Sign};
use super::notes::{Memory, Note, fit, of_moment};
use super::select::{Plot, Shown};
use std::collections::{BTreeMap, BTreeSet};

/// What is to be drawn.
pub(super) struct Sheet<'a> {
    story: &'a Story<'a>,
    plot: &'a Plot,
    shown: &'a Shown,
    lanes: &'a [Lane],
    /// What is said beside each moment, and what arrives there in words: made once, set at many distances.
    notes: BTreeMap<usize, Vec<Note>>,
    arriving: BTreeMap<usize, Words>,
    glyphs: &'static Glyphs,
    pauses: Vec<(Lane, usize, u64)>,
    /// Beside the step that counts: `!` where a rule breaks, another sign where a reader only stands.
    here: char,
}

/// The finished rows, header first.
pub(super) struct Body {
    pub lines: Vec<String>,
    pub used: BTreeSet<Sign>,
    /// How much could not be said; the smallest is the best.
    pub cost: usize,
}

/// Where things stand.
struct Places {
    gutter: usize,
    number: usize,
    gap: usize,
    /// Columns of the lanes with a margin of two on both sides.
    field: usize,
    notes: usize,
    time: usize,
}

impl Places {
    fn x(&self, place: usize) -> usize {
        2 + place * self.gap
    }
}

/// The state of the drawing as it goes down.
struct Pen {
    down: BTreeSet<Lane>,
    used: BTreeSet<Sign>,
    cost: usize,
    lines: Vec<String>,
}

impl<'a> Sheet<'a> {
    pub fn new(story: &'a Story<'a>, plot: &'a Plot, shown: &'a Shown, lanes: &'a [Lane], ascii: bool) -> Self {
        let pauses = story.moments.iter().enumerate().filter_map(|(i, m)| match m.events[0].what {
            What::Pauses { for_us } => Some((m.lane, i, m.at.as_micros().saturating_add(for_us))),
            _ => None,
        });
        let (notes, arriving) = (BTreeMap::new(), BTreeMap::new());
        let mut sheet =
            Sheet { story, plot, shown, lanes, notes, arriving, glyphs: Glyphs::of(ascii), pauses: pauses.collect(), here: '!' };
        let memory = Memory::of(story);
        for &index in &shown.moments {
            let notes = of_moment(story, &memory, index, plot.is_important(index), &sheet.drawn_whole(index));
            sheet.notes.insert(index, notes);
            sheet.arriving.extend(story.arrives[index].map(|p| (index, Words::parse(story.parcels[p].text))));
        }
        sheet
    }

    pub fn with_sign(mut self, here: char) -> Self {
        self.here = here;
        self
    }

    /// The rows with lanes `gap` columns apart; `None` if too little is left for notes.
    pub fn body(&self, width: usize, gap: usize, note_lines: usize) -> Option<Body> {
        let number = self.shown.moments.last().map_or(1, |m| self.story.moments[*m].step.to_string().len()).max(2);
        let last_time = self.story.moments.last().map_or(0, |m| m.at.as_micros());
        let time = if width >= 100 && last_time > 0 { (last_time / 1_000).to_string().len() + 5 } else { 0 };
        let gutter = 2 + number + time + 1;
        let field = 2 + self.lanes.len().saturating_sub(1) * gap + 1 + 2;
        let notes = width.checked_sub(gutter + field).filter(|n| *n >= 14)?;
        Some(self.draw(&Places { gutter, number, gap, field, notes, time }, note_lines))
    }

    /// The rows if no distance leaves enough room: the closest, and what notes remain.
    pub fn narrow(&self, width: usize) -> Body {
        let number = self.shown.moments.last().map_or(1, |m| self.story.moments[*m].step.to_string().len()).max(2);
        let (gutter, field) = (2 + number + 1, 5 + self.lanes.len().saturating_sub(1) * 3);
        let notes = width.saturating_sub(gutter + field).max(1);
        self.draw(&Places { gutter, number, gap: 3, field, notes, time: 0 }, 1)
    }

    fn draw(&self, at: &Places, note_lines: usize) -> Body {
        let mut pen = Pen { down: BTreeSet::new(), used: BTreeSet::new(), cost: 0, lines: vec![self.header(at)] };
        let mut before: Option<usize> = None;
        for &index in &self.shown.moments {
            let folded = self.plot.folded(before, index);
            self.what_happened_between(before, index, &mut pen);
            if folded > 0 {
                self.fold(at, folded, &mut pen);
            }
            self.moment(at, index, if folded > 0 { None } else { before }, note_lines, &mut pen);
            before = Some(index);
        }
        Body { lines: pen.lines, used: pen.used, cost: pen.cost }
    }

    fn header(&self, at: &Places) -> String {
        let mut row = Row::new(at.field + at.gap);
        for (place, lane) in self.lanes.iter().enumerate() {
            let name = super::head(*lane);
            row.text(at.x(place).saturating_sub(columns(&name) / 2), &cut(&name, at.gap.max(3)));
        }
        format!("{}{}", " ".repeat(at.gutter), row.into_text())
    }

    /// Crashes and restarts in folded moments still end and begin lanes.
    fn what_happened_between(&self, before: Option<usize>, index: usize, pen: &mut Pen) {
        for moment in &self.story.moments[before.map_or(0, |b| b + 1)..index] {
            for event in moment.events {
                goes(event.lane, &event.what, &mut pen.down);
            }
        }
    }

    fn base(&self, at: &Places, index: usize, down: &BTreeSet<Lane>, used: &mut BTreeSet<Sign>) -> Row {
        let mut row = Row::new(at.field);
        for (place, lane) in self.lanes.iter().enumerate() {
            let c = if down.contains(lane) {
                ' '
            } else if self.paused(*lane, index) {
                used.insert(Sign::Paused);
                self.glyphs.paused
            } else {
                self.glyphs.lane
            };
            row.put(at.x(place), c);
        }
        row
    }

    fn paused(&self, lane: Lane, index: usize) -> bool {
        let now = self.story.moments[index].at.as_micros();
        self.pauses.iter().any(|(l, from, until)| *l == lane && *from <= index && now < *until)
    }

    fn fold(&self, at: &Places, folded: usize, pen: &mut Pen) {
        let mut row = Row::new(at.field);
        for (place, lane) in self.lanes.iter().enumerate() {
            row.put(at.x(place), if pen.down.contains(lane) { ' ' } else { self.glyphs.fold });
        }
        let more = self.glyphs.more;
        let text = format!("{more} {folded} {} {more}", if folded == 1 { "step" } else { "steps" });
        pen.lines.push(format!("{}{}{}", " ".repeat(at.gutter), row.into_text(), cut(&text, at.notes)));
    }

    fn moment(&self, at: &Places, index: usize, before: Option<usize>, note_lines: usize, pen: &mut Pen) {
        let moment = &self.story.moments[index];
        if moment.lane == Lane::Network {
            return self.wall(at, index, pen);
        }
        let was_down = pen.down.clone();
        for event in moment.events {
            goes(event.lane, &event.what, &mut pen.down);
        }
        let important = self.plot.is_important(index);
        let whole = self.drawn_whole(index);
        let mut notes = self.notes.get(&index).cloned().unwrap_or_default();
        let mut row = self.base(at, index, &was_down, &mut pen.used);
        let busy = self.arrival(at, index, before, &mut row, &mut notes, pen);
        self.sign(at, index, &mut row, pen);
        let extra = self.stubs(at, index, &whole, busy, &mut row, &mut notes, pen);
        let lines = if important { 3 } else { note_lines };
        let (said, cost) = fit(&notes, at.notes, lines);
        pen.cost += cost;
        self.push(at, index, row, said, extra, pen);
    }

    /// The row, the further rows that its notes or arrows need.
    fn push(&self, at: &Places, index: usize, row: Row, said: Vec<String>, extra: Option<Row>, pen: &mut Pen) {
        let mut said = said.into_iter();
        let first = said.next().unwrap_or_default();
        let gutter = self.gutter(at, index, pen);
        pen.lines.push(format!("{gutter}{}{first}", row.into_text()));
        let mut extra = extra;
        loop {
            let (text, drawn) = (said.next(), extra.take());
            if text.is_none() && drawn.is_none() {
                break;
            }
            let down = pen.down.clone();
            let row = drawn.unwrap_or_else(|| self.base(at, index, &down, &mut pen.used));
            pen.lines.push(format!("{}{}{}", " ".repeat(at.gutter), row.into_text(), text.unwrap_or_default()));
        }
    }

    fn gutter(&self, at: &Places, index: usize, pen: &mut Pen) -> String {
        let moment = &self.story.moments[index];
        let mark = if self.plot.violation == Some(index) {
            if self.here == self.glyphs.violation {
                pen.used.insert(Sign::Violation);
            }
            self.here
        } else if self.plot.marked.contains(&index) {
            pen.used.insert(Sign::Mark);
            self.glyphs.mark
        } else {
            ' '
        };
        let time = if at.time > 0 { format!("{:>w$}", format!("{} ms", moment.at.as_millis()), w = at.time) } else { String::new() };
        format!("{mark} {:>w$}{time} ", moment.step, w = at.number)
    }

    /// A partition, or its end, across all lanes.
    fn wall(&self, at: &Places, index: usize, pen: &mut Pen) {
        pen.used.insert(Sign::Wall);
        let text = self.story.moments[index].events.iter().find_map(|e| match &e.what {
            What::Splits { text } => Some(format!(" the network splits: {} ", tidy(text))),
            What::Heals => Some(" the network is whole again ".to_owned()),
            What::Breaks { rule, .. } => Some(format!(" breaks {} ", tidy(rule))),
            _ => None,
        });
        let text = cut(&text.unwrap_or_default(), at.field + at.notes - 4);
        let mut row = Row::new(at.field + at.notes);
        let length = (at.field).max(columns(&text) + 4);
        row.fill(0, length, self.glyphs.wall);
        row.text(2, &text);
        let gutter = self.gutter(at, index, pen);
        pen.lines.push(format!("{gutter}{}", row.into_text()));
    }

    /// What stands on the moment's own lane.
    fn sign(&self, at: &Places, index: usize, row: &mut Row, pen: &mut Pen) {
        let moment = &self.story.moments[index];
        let Some(place) = self.place(moment.lane) else { return };
        let any = |test: fn(&What) -> bool| moment.events.iter().any(|e| test(&e.what));
        let g = self.glyphs;
        let sign = if any(|w| matches!(w, What::Crashes { .. })) {
            Some((g.crash, Sign::Crash))
        } else if any(|w| matches!(w, What::Starts { again: true, .. })) {
            Some((g.restart, Sign::Restart))
        } else if any(|w| matches!(w, What::Saves { .. })) {
            Some((g.saved, Sign::Saved))
        } else if any(|w| matches!(w, What::Fires { .. })) {
            Some((g.timer, Sign::Timer))
        } else {
            None
        };
        match sign {
            Some((c, sign)) => {
                row.put(at.x(place), c);
                pen.used.insert(sign);
            }
            None if self.story.arrives[index].is_none() => row.put(at.x(place), g.act),
            None => {}
        }
    }

    fn place(&self, lane: Lane) -> Option<usize> {
        self.lanes.iter().position(|l| *l == lane)
    }

    /// The arrow of what arrives. Returns the side of the receiver's lane that it takes.
    fn arrival(
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
            notes.insert(0, Note::words(1, &format!("{label} from {}: ", parcel.from), words.clone(), ""));
            return None;
        };
        pen.used.insert(if direct { Sign::AtOnce } else { Sign::Earlier });
        self.arrow(at, from, to, direct, row);
        let room = at.gap.saturating_sub(if direct { 3 } else { 4 });
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
            notes.insert(0, Note::words(1, &name, words.clone(), ""));
        }
        Some(if from < to { Side::Left } else { Side::Right })
    }

    fn arrow(&self, at: &Places, from: usize, to: usize, direct: bool, row: &mut Row) {
        let g = self.glyphs;
        let (a, b) = (at.x(from.min(to)), at.x(from.max(to)));
        row.fill(a + 1, b, if direct { g.line } else { g.dashed });
        for place in from.min(to) + 1..from.max(to) {
            row.put(at.x(place), if direct { g.cross } else { g.lane });
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
    fn drawn_whole(&self, index: usize) -> Vec<usize> {
        let Some(&next) = self.shown.moments.range(index + 1..).next() else { return Vec::new() };
        let near = self.plot.folded(Some(index), next) == 0;
        let whole = |p: &usize| near && self.story.parcels[*p].arrivals.first() == Some(&next);
        self.story.sends[index].iter().copied().filter(whole).collect()
    }

    /// The beginnings of what leaves: for what arrives on a later row, is lost, or counts because the step is marked.
    /// What finds its side taken by the arrow that came in goes on a row of its own.
    #[allow(clippy::too_many_arguments)]
    fn stubs(
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

/// A side of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Left,
    Right,
}

fn goes(lane: Lane, what: &What, down: &mut BTreeSet<Lane>) {
    match what {
        What::Crashes { .. } => drop(down.insert(lane)),
        What::Starts { .. } => drop(down.remove(&lane)),
        _ => {}
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
