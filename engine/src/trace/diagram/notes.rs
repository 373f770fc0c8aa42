//! What is said beside a row: the cause, what was saved, how the state changed, what was sent; at the length there is room for.

use super::super::columns::{columns, cut, tidy, wrap};
use super::super::debug_text::{Brief, Words, changes, stays};
use super::super::story::{Kind, Moment, Story};
use super::super::{Event, Lane, What};
use crate::words::counted;
use std::collections::BTreeMap;

/// The lengths in which a thing is said, longest first.
const LENGTHS: [Brief; 3] = [Brief::Named, Brief::Values, Brief::Outer];

/// A note of so many columns keeps the names of its fields.
const SHORT: usize = 24;

/// Which of more numbers was drawn is not told.
const DRAWN_MAX: u64 = 1_000_000;

/// What a node finds on its disk that never saved.
pub(super) const NOTHING_SAVED: &str = "nothing saved";

/// One thing to say, in several lengths: made once, tried at many widths.
#[derive(Clone, Debug)]
pub(super) struct Note {
    said: [String; LENGTHS.len()],
    /// What is left out first if there is no room: the highest number.
    pub rank: u8,
    /// Whether it says how the state changed.
    pub is_state: bool,
    /// Of a message: its type, whose fields are named the first time only.
    pub head: Option<String>,
    /// Whether the learner's code said it, to be read: it is clipped, never left out without a sign.
    is_told: bool,
}

impl Note {
    pub fn plain(rank: u8, text: impl Into<String>) -> Note {
        let text = text.into();
        Note { said: [text.clone(), text.clone(), text], rank, is_state: false, head: None, is_told: false }
    }

    pub fn of(rank: u8, before: &str, text: &str, after: &str) -> Note {
        Note::words(rank, before, &Words::parse(text), after)
    }

    pub fn words(rank: u8, before: &str, words: &Words, after: &str) -> Note {
        Note {
            said: LENGTHS.map(|brief| format!("{before}{}{after}", words.brief(brief))),
            rank,
            is_state: false,
            head: None,
            is_told: false,
        }
    }

    /// Of a lane that is not drawn: who it is.
    pub fn on(self, lane: Lane) -> Note {
        Note { said: self.said.map(|text| format!("{lane} {}", text.trim_start())), rank: 0, ..self }
    }

    /// Without the names of fields, which were read before.
    pub fn terse(mut self) -> Note {
        if columns(&self.said[0]) > SHORT {
            self.said[0] = self.said[1].clone();
        }
        self
    }

    /// What the learner's code has to say.
    fn told(rank: u8, how: &str, text: &str) -> Note {
        Note { is_told: true, ..Note::plain(rank, format!("{how}{}", tidy(text))) }
    }

    fn shortest(&self) -> &str {
        &self.said[LENGTHS.len() - 1]
    }

    /// Whether it is clipped where it does not fit: what the code says, and a value that would drive everything else out, or be
    /// driven out itself.
    fn is_elastic(&self, width: usize, lines: usize) -> bool {
        self.is_told || self.rank <= 1 && wrap(self.shortest(), width).len() > lines
    }

    /// Whether it names the rule that broke.
    pub fn is_verdict(&self) -> bool {
        self.said[0].starts_with("breaks ")
    }

    /// The fields alone: the type is always the same.
    fn fields(rank: u8, before: &str, text: &str) -> Note {
        Note::plain(rank, format!("{before}{}", Words::parse(text).fields()))
    }
}

/// For each moment, what its node had saved and what its state was before it.
pub(super) struct Memory<'a> {
    pub saved: Vec<Option<&'a str>>,
    pub state: Vec<Option<&'a str>>,
}

impl<'a> Memory<'a> {
    pub fn of(story: &Story<'a>) -> Self {
        let (mut saved, mut state) = (BTreeMap::new(), BTreeMap::new());
        let mut memory = Memory { saved: Vec::new(), state: Vec::new() };
        for moment in &story.moments {
            memory.saved.push(saved.get(&moment.lane).copied());
            memory.state.push(state.get(&moment.lane).copied());
            for event in moment.events {
                match &event.what {
                    What::Saves { text } => drop(saved.insert(event.lane, text.as_str())),
                    What::Starts { saved: text, .. } if text != NOTHING_SAVED => drop(saved.insert(event.lane, text.as_str())),
                    What::State { text } => drop(state.insert(event.lane, text.as_str())),
                    _ => {}
                }
            }
        }
        memory
    }
}

/// What there is to say of a moment, in the order in which it happened, except what its arrows show: those of `whole` are drawn on
/// the next row, with their text.
pub(super) fn of_moment(story: &Story, memory: &Memory, index: usize, important: bool, whole: &[usize]) -> Vec<Note> {
    let moment = &story.moments[index];
    let mut notes: Vec<Note> = Vec::new();
    let about_time = important && story.is_about_time();
    let (mut saved, mut said_saved) = (memory.saved[index], Vec::new());
    let (mut leaving, mut left) = (departures(story, index, important, whole), 0);
    // What stands with a fold is what was known after it, not what happened at once.
    let folded = matches!(moment.events[0].what, What::Folds { .. });
    let events = if folded { &moment.events[..1] } else { moment.events };
    for (place, event) in events.iter().enumerate() {
        let note = match &event.what {
            What::Starts { again: true, saved } if saved == NOTHING_SAVED => Note::plain(1, "restarts, nothing saved"),
            What::Starts { again: true, saved } => Note::fields(1, "restarts with ", saved),
            What::Starts { again: false, saved } if saved != NOTHING_SAVED => Note::fields(1, "its disk: ", saved),
            What::Starts { again: false, .. } => Note::plain(4, "starts"),
            What::Fires { timer } => Note::of(1, "timer ", timer, ""),
            What::GivesUp { id, .. } => Note::plain(2, format!("gives up on r{id}")),
            // An id out of so many is seen where it is used.
            What::Draws { from, to, .. } if to.saturating_sub(*from) > DRAWN_MAX => continue,
            // Which number it was can be what it is about, in a step that led to it.
            What::Draws { .. } => Note::plain(if important { 2 } else { 3 }, event.what.to_string()),
            What::Notes { text } => Note::told(2, "note: ", text),
            What::Prints { text } => Note::told(4, "prints ", text),
            What::Pauses { for_us } => Note::plain(1, format!("pauses for {} ms", for_us / 1_000)),
            What::State { text } => match state(memory.state[index], text, &said_saved) {
                Some(note) => note,
                None => continue,
            },
            // Of saves between which nothing left the node the last is what counts.
            What::Saves { .. } if is_superseded(&events[place + 1..]) => continue,
            What::Saves { text } => {
                let Some((note, changed)) = saves(moment, saved, text, important) else { continue };
                (saved, said_saved) = (Some(text.as_str()), [said_saved, changed].concat());
                note
            }
            What::Asks { .. } | What::Sends { .. } | What::Answers { .. } => {
                left += 1;
                match leaving.remove(&(left - 1)) {
                    Some(note) => note,
                    None => continue,
                }
            }
            // Alone, it is all that there is to say: a loss that a script made of its own.
            What::Loses { to, id } if matches!(moment.events[0].what, What::Loses { .. }) => {
                let letter = if event.lane.is_place() && to.is_place() { 'm' } else { 'r' };
                Note::plain(2, format!("{letter}{id} to {to} is lost"))
            }
            // Drawn as arrows and signs, or said elsewhere.
            What::Receives { .. } | What::Takes { .. } | What::Gets { .. } | What::Loses { .. } | What::Repeats { .. } => continue,
            // Where clocks matter, a timer that is put off, or set otherwise than where it fires.
            What::Sets { timer, after_us } if about_time && !fires(moment, timer) => {
                let due = (event.at.as_micros() + after_us) / 1_000;
                Note::of(3, "sets ", timer, &format!(" for {due} ms"))
            }
            What::Crashes { .. } | What::Sets { .. } | What::Cancels { .. } | What::Breaks { .. } => continue,
            // The lane shows it; or the rows below the picture.
            What::Holds { .. } | What::Ends { .. } | What::Plots(_) => continue,
            // Whatever else happens is said in its own words: no kind of event is lost.
            other => Note::plain(1, tidy(&other.to_string())),
        };
        notes.push(note);
    }
    let repeated = story.sends[index].iter().filter(|p| !whole.contains(p)).map(|p| &story.parcels[*p]).filter(|p| p.repeated);
    notes.extend(repeated.map(|p| Note::plain(3, format!("{} comes twice", p.label()))));
    notes.extend(crashed(moment));
    notes.extend(broken(moment));
    notes
}

/// Whether the moment is the firing of this timer.
fn fires(moment: &Moment, timer: &str) -> bool {
    matches!(&moment.events[0].what, What::Fires { timer: fired } if fired == timer)
}

/// Which rule broke. What was seen, the finding says in words.
fn broken(moment: &Moment) -> Option<Note> {
    moment.events.iter().find_map(|e| match &e.what {
        What::Breaks { rule, .. } => Some(Note::plain(0, format!("breaks {}", tidy(rule)))),
        _ => None,
    })
}

/// The crash, after what had happened before it.
fn crashed(moment: &Moment) -> Option<Note> {
    moment.events.iter().find_map(|e| match e.what {
        What::Crashes { done, of, for_good } => {
            let tail = if for_good { ", for good" } else { "" };
            let middle = if done == of { String::new() } else { format!(" after {done} of {}", counted(of, "effect")) };
            Some(Note::plain(0, format!("crashes{middle}{tail}")))
        }
        _ => None,
    })
}

/// Whether among these events of a moment there is another save before anything leaves.
fn is_superseded(after: &[Event]) -> bool {
    let leaves_or_saves = |e: &&Event| matches!(e.what, What::Saves { .. } | What::Sends { .. } | What::Answers { .. } | What::Asks { .. });
    after.iter().find(leaves_or_saves).is_some_and(|e| matches!(e.what, What::Saves { .. }))
}

/// One save, as a change of what was saved before: and these changes one by one. Of several saves one that changes nothing is not said.
fn saves(moment: &Moment, before: Option<&str>, text: &str, important: bool) -> Option<(Note, Vec<String>)> {
    let Some(before) = before else { return Some((Note::fields(1, "saved ", text), Vec::new())) };
    let changed = changes(before, text);
    let alone = moment.events.iter().filter(|e| matches!(e.what, What::Saves { .. })).count() == 1;
    match (changed.is_empty(), alone) {
        (true, false) => None,
        (true, true) => Some((Note::plain(1, "saved again, the same"), changed)),
        (false, _) => {
            // What takes something away is said before what came in, if there is room for one.
            let takes_away = changed.iter().any(|c| c.starts_with('-') || c.contains(" -"));
            let stays = if important { stays(before, text) } else { Vec::new() };
            let said = [changed.clone(), stays].concat().join(", ");
            Some((Note::plain(u8::from(!takes_away), format!("saved {said}")), changed))
        }
    }
}

/// How the state changed, without what was just said of what was saved.
fn state(before: Option<&str>, now: &str, said: &[String]) -> Option<Note> {
    let changed: Vec<String> = changes(before?, now).into_iter().filter(|c| !said.contains(c)).collect();
    if changed.is_empty() { None } else { Some(Note { is_state: true, ..Note::plain(3, changed.join(", ")) }) }
}

/// What leaves, by text: `sends RequestVote 1 to n1 n3`, at the place of the first of them among all that leave. Of what goes to several
/// all are named, also those whose arrow says it: a broadcast is seen to be one.
fn departures(story: &Story, index: usize, important: bool, whole: &[usize]) -> BTreeMap<usize, Note> {
    let mut groups: Vec<(usize, &str, Kind, Vec<Lane>, bool)> = Vec::new();
    for (place, at) in story.sends[index].iter().enumerate() {
        let (parcel, drawn) = (&story.parcels[*at], whole.contains(at));
        match groups.iter_mut().find(|(_, text, kind, ..)| (*text, *kind) == (parcel.text, parcel.kind)) {
            Some((.., to, all_drawn)) => {
                to.push(parcel.to);
                *all_drawn &= drawn;
            }
            None => groups.push((place, parcel.text, parcel.kind, vec![parcel.to], drawn)),
        }
    }
    groups.retain(|(.., all_drawn)| !all_drawn);
    let rank = if important { 1 } else { 3 };
    let said = |(place, text, kind, to, _): (usize, &str, Kind, Vec<Lane>, bool)| {
        let verb = match kind {
            Kind::Message => "sends ",
            Kind::Request => "asks ",
            Kind::Answer => "answers ",
        };
        let to: Vec<String> = to.iter().map(ToString::to_string).collect();
        let note = Note { head: Some(head(text).to_owned()), ..Note::of(rank, verb, text, &format!(" to {}", to.join(" "))) };
        (place, note)
    };
    groups.into_iter().map(said).collect()
}

/// The type of a message: `Flush` of `Flush { id: 4 }`.
pub(super) fn head(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()
}

/// Fewer columns of a clipped note say nothing.
const LEAST: usize = 14;

/// All notes, the one at that place with as many columns as the others leave; `None` if that is too little.
fn clipped(notes: &[&Note], at: usize, width: usize, lines: usize, sign: &str) -> Option<Vec<String>> {
    let whole = columns(notes[at].shortest());
    let others: usize = notes.iter().map(|n| columns(n.shortest()) + 2).sum::<usize>() - whole;
    let room = (lines * (width + 1)).saturating_sub(others).min(whole);
    (LEAST..=room).rev().find_map(|room| {
        let said = |(place, note): (usize, &&Note)| if place == at { cut(note.shortest(), room) } else { note.shortest().to_owned() };
        let text = notes.iter().enumerate().map(said).collect::<Vec<_>>().join("; ") + sign;
        Some(wrap(&text, width)).filter(|wrapped| wrapped.len() <= lines)
    })
}

/// The notes in at most `lines` lines of `width` columns, and how much had to be left out.
pub(super) fn fit(notes: &[Note], width: usize, lines: usize) -> (Vec<String>, usize) {
    if notes.is_empty() {
        return (Vec::new(), 0);
    }
    let mut kept: Vec<&Note> = notes.iter().collect();
    // What was left out, and whether that must be seen.
    let (mut dropped, mut sign) = (0, "");
    loop {
        for cost in 0..LENGTHS.len() {
            let text = kept.iter().map(|n| n.said[cost].as_str()).collect::<Vec<_>>().join("; ") + sign;
            // Too long however it is wrapped.
            if columns(&text) > lines * (width + 1) {
                continue;
            }
            let wrapped = wrap(&text, width);
            if wrapped.len() <= lines {
                let more_lines = wrapped.len() - 1;
                return (wrapped, cost + more_lines + dropped * 6);
            }
        }
        if kept.len() == 1 {
            break;
        }
        let worst = kept.iter().map(|n| n.rank).max().unwrap_or(0);
        let place = kept.iter().rposition(|n| n.rank == worst).unwrap_or(0);
        if kept[place].is_elastic(width, lines) {
            if let Some(wrapped) = clipped(&kept, place, width, lines, sign) {
                let more_lines = wrapped.len() - 1;
                return (wrapped, more_lines + (dropped + 1) * 6);
            }
            sign = " …";
        }
        kept.remove(place);
        dropped += 1;
    }
    if let Some(wrapped) = clipped(&kept, 0, width, lines, "") {
        return (wrapped, 8 + dropped * 6);
    }
    let mut wrapped = wrap(kept[0].shortest(), width);
    wrapped.truncate(lines);
    if let Some(last) = wrapped.last_mut() {
        *last = cut(&format!("{last} ………"), width);
        let end = last.trim_end_matches(['…', ' ']).len();
        last.truncate(end);
        *last = cut(&format!("{last}…"), width);
    }
    (wrapped, 8 + dropped * 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thing that is said is there, whole or with its sign, at whatever width.
    #[test]
    fn nothing_that_the_code_says_goes_without_a_sign() {
        let long = "0123456789".repeat(14);
        let others = || vec![Note::plain(1, "saved term 1→2"), Note { is_state: true, ..Note::plain(3, "role Follower→Candidate") }];
        let value = long.repeat(10);
        for (told, start, long) in [
            (Note::told(4, "prints ", &long), "prints 0", &long),
            (Note::told(2, "note: ", &long), "note: 0", &long),
            (Note::of(1, "m3 ", &format!("Put(\"{value}\")"), ""), "m3 Put ", &value),
        ] {
            for (place, width) in (0..=2).flat_map(|place| (14..120).step_by(13).map(move |width| (place, width))) {
                let mut notes = others();
                notes.insert(place, told.clone());
                for lines in 1..=3 {
                    let (said, _) = fit(&notes, width, lines);
                    let text = said.join(" ");
                    assert!(said.len() <= lines && said.iter().all(|line| columns(line) <= width), "{said:?}");
                    assert!(text.contains('…') || text.replace(' ', "").contains(long), "{width}: {said:?}");
                    let room = lines * width;
                    let dropped_first = !told.is_told && place == 0;
                    assert!(room < 100 || text.contains(start) && (dropped_first || text.contains("saved term")), "{width}: {said:?}");
                }
            }
        }
    }
}
