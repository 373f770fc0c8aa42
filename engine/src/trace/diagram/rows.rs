//! The rows of the picture at a given distance of the lanes: what stands on each lane, the arrows between them, the notes.

use super::super::columns::{columns, cut, tidy};
use super::super::debug_text::Words;
use super::super::leases::{self, Bar};
use super::super::story::Story;
use super::super::{Lane, What};
use super::canvas::{Glyphs, Row, Sign};
use super::notes::{Memory, Note, fit, head, of_moment};
use super::select::{Plot, Shown};
use super::walls::{self, Wall};
use crate::words::counted;
use std::collections::{BTreeMap, BTreeSet};

/// What is to be drawn.
pub(super) struct Sheet<'a> {
    pub(super) story: &'a Story<'a>,
    pub(super) plot: &'a Plot,
    pub(super) shown: &'a Shown,
    pub(super) lanes: &'a [Lane],
    /// What is said beside each moment, and what arrives there in words: made once, set at many distances.
    pub(super) notes: BTreeMap<usize, Vec<Note>>,
    pub(super) arriving: BTreeMap<usize, Words>,
    /// Where a message of such a type was shown before: its fields need no names.
    pub(super) read_before: BTreeSet<usize>,
    pub(super) glyphs: &'static Glyphs,
    pub(super) pauses: Vec<(Lane, usize, u64)>,
    pub(super) leases: Vec<Bar<'a>>,
    /// From which moment on, what is cut.
    pub(super) walls: Vec<(usize, Option<Wall>)>,
}

/// The finished rows, header first.
pub(super) struct Body {
    pub lines: Vec<String>,
    pub used: BTreeSet<Sign>,
    /// How much could not be said; the smallest is the best.
    pub cost: usize,
}

/// Where things stand.
pub(super) struct Places {
    pub(super) gutter: usize,
    pub(super) number: usize,
    pub(super) gap: usize,
    /// Columns of the lanes with a margin of two on both sides.
    pub(super) field: usize,
    pub(super) notes: usize,
    pub(super) time: usize,
}

impl Places {
    pub(super) fn x(&self, place: usize) -> usize {
        2 + place * self.gap
    }
}

/// The state of the drawing as it goes down.
pub(super) struct Pen {
    pub(super) down: BTreeSet<Lane>,
    pub(super) used: BTreeSet<Sign>,
    pub(super) cost: usize,
    pub(super) lines: Vec<String>,
}

impl<'a> Sheet<'a> {
    pub fn new(story: &'a Story<'a>, plot: &'a Plot, shown: &'a Shown, lanes: &'a [Lane], ascii: bool) -> Self {
        let pauses = story.moments.iter().enumerate().filter_map(|(i, m)| match m.events[0].what {
            What::Pauses { for_us } => Some((m.lane, i, m.at.as_micros().saturating_add(for_us))),
            _ => None,
        });
        let (notes, arriving, read_before) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        let mut sheet = Sheet {
            story,
            plot,
            shown,
            lanes,
            notes,
            arriving,
            read_before,
            glyphs: Glyphs::of(ascii),
            pauses: pauses.collect(),
            leases: leases::of(story),
            walls: walls::of(story),
        };
        let memory = Memory::of(story);
        let mut read: BTreeSet<String> = BTreeSet::new();
        let mut told: BTreeSet<usize> = BTreeSet::new();
        for &index in &shown.moments {
            // What stands beside a step that matters is read; what only passes by need not be.
            let important = plot.is_important(index);
            let mut known = |head: &str| if important { !read.insert(head.to_owned()) } else { read.contains(head) };
            let arrives = story.arrives[index].is_some_and(|p| known(head(story.parcels[p].text)));
            sheet.read_before.extend(arrives.then_some(index));
            let notes = of_moment(story, &memory, index, important, &sheet.drawn_whole(index));
            let notes = notes.into_iter().map(|note| if note.head.as_deref().is_some_and(&mut known) { note.terse() } else { note });
            sheet.notes.insert(index, notes.collect());
            let over = sheet.ran_out(index, &mut told, important);
            sheet.notes.entry(index).or_default().extend(over);
            sheet.arriving.extend(story.arrives[index].map(|p| (index, Words::parse(story.parcels[p].text))));
        }
        sheet
    }

    /// The rows with lanes `gap` columns apart; `None` if too little is left for notes.
    pub fn body(&self, width: usize, gap: usize, note_lines: usize) -> Option<Body> {
        let number = self.shown.moments.last().map_or(1, |m| self.story.moments[*m].step.to_string().len()).max(2);
        let last_time = self.story.moments.last().map_or(0, |m| m.at.as_micros());
        let wanted = last_time > 0 && (width >= 100 || width >= 70 && self.is_about_time());
        let time = if wanted { columns(&self.clock(last_time)) + 2 } else { 0 };
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
        let mut pen = Pen { down: BTreeSet::new(), used: BTreeSet::new(), cost: 0, lines: self.header(at).into_iter().collect() };
        let mut before: Option<usize> = None;
        for &index in &self.shown.moments {
            let folded = self.plot.steps_folded(self.story, before, index);
            self.what_happened_between(before, index, &mut pen);
            if folded > 0 {
                self.fold(at, index, folded, &mut pen);
            }
            self.moment(at, index, if folded > 0 { None } else { before }, note_lines, &mut pen);
            before = Some(index);
        }
        Body { lines: pen.lines, used: pen.used, cost: pen.cost }
    }

    /// The lanes' names; nothing of a run without lanes (an exercise without a network).
    fn header(&self, at: &Places) -> Option<String> {
        let mut row = Row::new(at.field + at.gap);
        for (place, lane) in self.lanes.iter().enumerate() {
            let name = lane.to_string();
            // A long name stands above the space on both sides of its lane, as far as its neighbours' short ones leave it.
            let is_last = place + 1 == self.lanes.len();
            let left = at.gap.saturating_sub(2).min(at.x(place));
            let right = if is_last { left } else { at.gap.saturating_sub(3) };
            let name = cut(&name, (left + right + 1).max(3));
            row.text(at.x(place).saturating_sub((columns(&name) / 2).min(left.max(1))), &name);
        }
        if self.lanes.is_empty() { None } else { Some(format!("{}{}", " ".repeat(at.gutter), row.into_text())) }
    }

    /// Crashes and restarts in folded moments still end and begin lanes.
    fn what_happened_between(&self, before: Option<usize>, index: usize, pen: &mut Pen) {
        for moment in &self.story.moments[before.map_or(0, |b| b + 1)..index] {
            for event in moment.events {
                goes(event.lane, &event.what, &mut pen.down);
            }
        }
    }

    pub(super) fn base(&self, at: &Places, index: usize, down: &BTreeSet<Lane>, used: &mut BTreeSet<Sign>) -> Row {
        let mut row = Row::new(at.field);
        for (place, lane) in self.lanes.iter().enumerate() {
            let c = if down.contains(lane) {
                ' '
            } else if let Some((c, sign)) = self.lease(*lane, index) {
                used.insert(sign);
                c
            } else if self.paused(*lane, index) {
                used.insert(Sign::Paused);
                self.glyphs.paused
            } else {
                self.glyphs.lane
            };
            row.put(at.x(place), c);
        }
        self.cuts(at, index, &mut row, used);
        row
    }

    /// The walls that stand at a moment, half-way between the lanes that they part.
    fn cuts(&self, at: &Places, index: usize, row: &mut Row, used: &mut BTreeSet<Sign>) {
        let Some((_, Some(wall))) = self.walls.iter().rfind(|(from, _)| *from <= index) else { return };
        let (places, both_ways) = wall.between(self.lanes);
        let (c, sign) = if both_ways { (self.glyphs.cut, Sign::Cut) } else { (self.glyphs.cut_one_way, Sign::CutOneWay) };
        for place in places {
            row.put(at.x(place) + at.gap.div_ceil(2), c);
            used.insert(sign);
        }
    }

    fn paused(&self, lane: Lane, index: usize) -> bool {
        let now = self.story.moments[index].at.as_micros();
        self.pauses.iter().any(|(l, from, until)| *l == lane && *from <= index && now < *until)
    }

    /// How a lane is drawn while a lease runs there.
    fn lease(&self, lane: Lane, index: usize) -> Option<(char, Sign)> {
        let now = self.story.moments[index].at.as_micros();
        let runs = self.leases.iter().any(|bar| bar.lane == lane && bar.is_open(index) && now < bar.until_us);
        let g = self.glyphs;
        runs.then(|| if self.paused(lane, index) { (g.lease_paused, Sign::LeasePaused) } else { (g.lease, Sign::Lease) })
    }

    /// A lane where an arrow passes behind it.
    pub(super) fn upright(&self, lane: Lane, index: usize) -> char {
        self.lease(lane, index).map_or(self.glyphs.lane, |(c, _)| c)
    }

    /// Leases of the moment's lane that have run out since something was last shown of it: nothing happens when time is up.
    fn ran_out(&self, index: usize, told: &mut BTreeSet<usize>, important: bool) -> Vec<Note> {
        let moment = &self.story.moments[index];
        let over = |bar: &Bar<'_>| bar.lane == moment.lane && bar.is_open(index) && bar.until_us <= moment.at.as_micros();
        let over = self.leases.iter().enumerate().filter(|(_, bar)| over(bar)).filter(|(i, _)| told.insert(*i));
        let rank = if important { 1 } else { 2 };
        over.map(|(_, bar)| Note::plain(rank, format!("lease {} is over since {}", tidy(bar.name), self.clock(bar.until_us)))).collect()
    }

    fn fold(&self, at: &Places, index: usize, folded: u64, pen: &mut Pen) {
        self.left_out(at, index, &counted(folded, "step"), pen);
    }

    /// A row for what is not shown before the moment.
    fn left_out(&self, at: &Places, index: usize, what: &str, pen: &mut Pen) {
        let mut row = Row::new(at.field);
        // What stood before the row that follows: the split itself is a row of its own.
        self.cuts(at, index.saturating_sub(1), &mut row, &mut pen.used);
        for (place, lane) in self.lanes.iter().enumerate() {
            row.put(at.x(place), if pen.down.contains(lane) { ' ' } else { self.glyphs.fold });
        }
        let more = self.glyphs.more;
        let text = format!("{more} {what} {more}");
        pen.lines.push(format!("{}{}{}", " ".repeat(at.gutter), row.into_text(), cut(&text, at.notes)));
    }

    fn moment(&self, at: &Places, index: usize, before: Option<usize>, note_lines: usize, pen: &mut Pen) {
        let moment = &self.story.moments[index];
        if moment.events.iter().any(|e| matches!(e.what, What::Splits { .. } | What::Heals)) && moment.lane == Lane::Network {
            return self.wall(at, index, pen);
        }
        if let Some(what @ What::Folds { .. }) = moment.events.first().map(|e| &e.what)
            && !self.plot.is_important(index)
        {
            return self.left_out(at, index, &what.to_string(), pen);
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
        if self.place(moment.lane).is_none() && moment.lane != Lane::Network {
            let first = notes.first().cloned().unwrap_or_else(|| Note::plain(1, "…"));
            notes.splice(..notes.len().min(1), [first.on(moment.lane)]);
        }
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
            pen.used.insert(Sign::Violation);
            self.glyphs.violation
        } else if self.plot.marked.contains(&index) {
            pen.used.insert(Sign::Mark);
            self.glyphs.mark
        } else {
            ' '
        };
        let time = if at.time > 0 { format!("{:>w$}", self.clock(moment.at.as_micros()), w = at.time) } else { String::new() };
        format!("{mark} {:>w$}{time} ", moment.step, w = at.number)
    }

    /// Whether clocks matter: the sentence says so, or a timer led to it.
    fn is_about_time(&self) -> bool {
        let fires = |i: &usize| self.plot.is_important(*i) && matches!(self.story.moments[*i].events[0].what, What::Fires { .. });
        self.story.is_about_time() || self.shown.moments.iter().any(fires)
    }

    /// What the clock says: in the picture of a run that takes minutes in seconds.
    fn clock(&self, us: u64) -> String {
        let long = self.story.moments.last().is_some_and(|m| m.at.as_millis() >= 100_000);
        if long { format!("{}.{} s", us / 1_000_000, us / 100_000 % 10) } else { format!("{} ms", us / 1_000) }
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

    pub(super) fn place(&self, lane: Lane) -> Option<usize> {
        self.lanes.iter().position(|l| *l == lane)
    }
}

fn goes(lane: Lane, what: &What, down: &mut BTreeSet<Lane>) {
    match what {
        What::Crashes { .. } => drop(down.insert(lane)),
        What::Starts { .. } => drop(down.remove(&lane)),
        _ => {}
    }
}
