//! What the clients saw: each operation as a bar from its request to its answer. Of two bars that overlap, neither came first.

use super::super::columns::{columns, cut};
use super::super::debug_text::{Brief, Words};
use super::super::story::{Kind, Story};
use super::super::{Lane, Trace, What};
use super::canvas::Glyphs;

/// More operations than these are not read side by side: those of the clients that the sentence names, the last ones.
const MOST: usize = 6;
/// Columns of what an operation is called.
const NAME: usize = 30;

struct Operation {
    client: Lane,
    name: String,
    asked: usize,
    answered: Option<usize>,
}

/// The operations of a run whose sentence speaks of clients alone, one a line; nothing of another: there the nodes tell it.
#[must_use]
pub fn history(trace: &Trace, width: usize, ascii: bool) -> Vec<String> {
    let story = Story::of(trace);
    let named = story.named();
    if named.is_empty() || named.iter().any(|lane| matches!(lane, Lane::Node(_))) {
        return Vec::new();
    }
    let mut operations = operations(&story);
    if operations.len() > MOST {
        operations.retain(|o| named.contains(&o.client));
        operations.drain(..operations.len().saturating_sub(MOST));
    }
    if operations.len() < 2 {
        return Vec::new();
    }
    drawn(&operations, width, Glyphs::of(ascii))
}

fn operations(story: &Story) -> Vec<Operation> {
    let asked = |p: &&super::super::story::Parcel<'_>| p.kind == Kind::Request;
    let mut all: Vec<Operation> = Vec::new();
    for parcel in story.parcels.iter().filter(asked) {
        let Some(asked) = parcel.sent.or(parcel.arrivals.first().copied()) else { continue };
        let answer = story.parcels.iter().find(|p| p.kind == Kind::Answer && p.id == parcel.id && p.to == parcel.from);
        // An answer that arrives in the instant in which it is sent has no step of its own.
        let answered = answer.filter(|a| !a.lost).and_then(|a| a.arrivals.first().copied().or(a.sent));
        let brief = |text: &str| Words::parse(text).brief(Brief::Values);
        let gave = answer.filter(|_| answered.is_some()).map_or_else(String::new, |a| format!(" → {}", brief(a.text)));
        all.push(Operation { client: parcel.from, name: format!("{}{gave}", brief(parcel.text)), asked, answered });
    }
    let given_up = |o: &Operation| story.moments.iter().any(|m| m.lane == o.client && matches!(m.events[0].what, What::GivesUp { .. }));
    // What was asked and never answered may have happened: it is told all the same.
    all.retain(|o| o.answered.is_some() || !o.name.starts_with("Read") || given_up(o));
    all.sort_by_key(|o| o.asked);
    all
}

fn drawn(operations: &[Operation], width: usize, g: &Glyphs) -> Vec<String> {
    let mut ends: Vec<usize> = operations.iter().flat_map(|o| [Some(o.asked), o.answered]).flatten().collect();
    ends.sort_unstable();
    ends.dedup();
    let name = operations.iter().map(|o| columns(&o.name)).max().unwrap_or(0).min(NAME);
    let step = ((width.saturating_sub(name + 8)) / (ends.len() + 1)).clamp(2, 8);
    let at = |moment: usize| ends.partition_point(|e| *e < moment) * step;
    let mut out = Vec::new();
    for o in operations {
        let until = o.answered.map_or(ends.len() * step, at);
        let bar = g.line.to_string().repeat(until.saturating_sub(at(o.asked) + 1));
        let end = if o.answered.is_some() { g.from_left.to_string() } else { format!("{} no answer", g.stub_right) };
        let said = cut(&o.name, name);
        let pad = " ".repeat(name - columns(&said));
        out.push(format!("{}  {said}{pad}  {}{}{bar}{end}", o.client, " ".repeat(at(o.asked)), g.from_right));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;
    use crate::trace::Event;

    #[test]
    fn operations_are_bars_from_request_to_answer() {
        let (n1, c1, c2) = (Lane::Node(0), Lane::Client(0), Lane::Client(1));
        let takes = |step, from, id, text: &str| (step, n1, What::Takes { from, id, text: text.into() });
        let answers = |step, to, id, text: &str| (step, n1, What::Answers { to, id, text: text.into() });
        let events = [
            takes(1, c1, 1, "Write(1)"),
            takes(2, c2, 2, "Read"),
            answers(3, c2, 2, "Read(Value(1))"),
            takes(4, c2, 3, "Read"),
            answers(5, c2, 3, "Read(Value(0))"),
            (5, n1, What::Breaks { rule: "r".into(), seen: "c2's read returned 1, and then c2's read 0".into() }),
        ];
        let events = events.map(|(step, lane, what)| Event { step, at: Time::ZERO, lane, what });
        let trace = Trace { events: events.to_vec(), ..Trace::default() };
        let lines = history(&trace, 60, false);
        assert_eq!(
            lines,
            [
                "c1  Write 1        ├─────────────────────────────▷ no answer",
                "c2  Read → Read 1        ├─────┤",
                "c2  Read → Read 0                    ├─────┤",
            ]
        );
        let mut of_a_node = trace;
        let What::Breaks { seen, .. } = &mut of_a_node.events[5].what else { panic!("it breaks") };
        *seen = "n1 answered c2's read with 0".into();
        assert!(history(&of_a_node, 60, false).is_empty());
    }
}
