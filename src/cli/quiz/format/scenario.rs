//! Scenarios, from what serde read to the model: texts, histories, mutants, and runs in the notation of the program.

use super::super::draw::Draw;
use super::super::excerpt::Excerpt;
use super::super::history::{Action, History, Op};
use super::super::model::{Claims, Mutated, Scenario, Subject};
use super::convert::{check_id, number};
use super::raw::{RawNumber, RawOp, RawScenario};
use crate::cli::nearest::did_you_mean;
use crate::cli::toml_reader::{Places, Reader, path};
use crate::report::{decode_line, encode_line};
use crate::trace::{Event, Trace};

/// The kinds of scenarios.
const SCENARIOS: [&str; 4] = ["text", "history", "mutant", "trace"];

/// The fields that one kind alone has.
const OWN: [(&str, &str); 7] = [
    ("run", "trace"),
    ("pool", "trace"),
    ("ops", "history"),
    ("claims", "history"),
    ("mutant", "mutant"),
    ("breaks", "mutant"),
    ("trace", "trace"),
];

pub(super) fn scenario(reader: &mut Reader<'_>, raw: RawScenario, places: Places, draw: &Draw) -> Scenario {
    let id = reader.required(raw.id, &places, "", "id");
    check_id(reader, &id, &places);
    let kind: String = reader.required(raw.kind, &places, "", "kind");
    // Code and pictures need no words.
    let text = if matches!(kind.as_str(), "mutant" | "trace") {
        raw.text.unwrap_or_default()
    } else {
        reader.required(raw.text, &places, "", "text")
    };
    if SCENARIOS.contains(&kind.as_str()) {
        for (field, owner) in OWN.iter().filter(|(field, owner)| *owner != kind && places.fields.contains_key(*field)) {
            reader.report_at(places.of(field), format!("'{field}' belongs to a scenario of kind '{owner}'"));
        }
    } else if !kind.is_empty() {
        let hint = did_you_mean(&kind, SCENARIOS);
        reader.report_at(places.of("kind"), format!("unknown kind of scenario '{}'{hint}", kind.escape_debug()));
    }
    let named = raw.run.or_else(|| draw.words.get("run").cloned());
    let pool = raw.pool.into_iter().filter_map(|one| Some((one.run?, one.breaks?))).collect();
    let subject = match kind.as_str() {
        "history" => {
            if raw.ops.is_empty() {
                reader.missing(&places, "", "ops");
            }
            if raw.claims.is_none() {
                reader.missing(&places, "", "claims");
            }
            let ops = raw.ops.into_iter().enumerate().map(|(i, op)| operation(reader, op, &places, &format!("ops[{i}]"), draw));
            Subject::History(History { ops: ops.collect() }, raw.claims.map(Claims::from).unwrap_or_default())
        }
        "mutant" => {
            let named: String = reader.required(raw.mutant, &places, "", "mutant");
            let (exercise, name) = named.split_once('/').unwrap_or_default();
            if !named.is_empty() && (exercise.is_empty() || name.is_empty()) {
                let message =
                    format!("'{}' names no mutant; write exercise and name: \"raft_election/nothing_is_saved\"", named.escape_debug());
                reader.report_at(places.of("mutant"), message);
            }
            Subject::Mutant(Mutated { exercise: exercise.to_owned(), name: name.to_owned(), breaks: raw.breaks, code: Excerpt::default() })
        }
        // It is fetched: see `Topic::look_up_runs`.
        "trace" if named.is_some() => Subject::Trace(Trace::default()),
        "trace" => {
            let lines: String = reader.required(raw.trace, &places, "", "trace");
            Subject::Trace(run(reader, &lines, &places))
        }
        _ => Subject::Text,
    };
    Scenario { id, text: text.trim_end().to_owned(), subject, run: named, pool, places }
}

/// Reads a run: an event a line, its fields two spaces or more apart.
fn run(reader: &mut Reader<'_>, lines: &str, places: &Places) -> Trace {
    let mut trace = Trace::default();
    for (number, line) in (1..).zip(lines.trim_matches('\n').lines()) {
        let line = line.trim_end();
        if line.is_empty() {
            continue;
        }
        match event_of(line) {
            Some(event) => trace.events.push(event),
            None => {
                let cure = "`splitbrain dev scenario` writes such lines";
                reader.report_at(places.of("trace"), format!("line {number} of the run is no event: '{}'; {cure}", line.escape_debug()));
            }
        }
    }
    trace
}

/// An event as a line: its fields, two spaces or more apart.
#[must_use]
pub fn event_of(line: &str) -> Option<Event> {
    let fields: Vec<&str> = line.split("  ").map(str::trim).filter(|field| !field.is_empty()).collect();
    let fields = decode_line(&fields.join("\t"));
    let event = Event::from_fields(&fields)?;
    // A field too many was read over: it is no event as it stands.
    (event.to_fields().len() == fields.len()).then_some(event)
}

/// The run in the form that `event_of` reads.
#[must_use]
pub fn lines_of(trace: &Trace) -> String {
    // A field is never empty, and has no two spaces in a row.
    let field = |text: String| if text.trim().is_empty() { "-".to_owned() } else { text.split_whitespace().collect::<Vec<_>>().join(" ") };
    let line = |event: &Event| {
        let fields: Vec<String> = event.to_fields().into_iter().map(field).collect();
        encode_line("", &fields).trim().replace('\t', "  ") + "\n"
    };
    trace.events.iter().map(line).collect()
}

fn operation(reader: &mut Reader<'_>, raw: RawOp, places: &Places, table: &str, draw: &Draw) -> Op {
    let action = match reader.required(raw.op, places, table, "op").as_str() {
        "write" => Action::Write,
        "read" | "" => Action::Read,
        other => {
            let hint = did_you_mean(other, ["read", "write"]);
            reader.report_at(places.of(&path(table, "op")), format!("unknown operation '{other}'{hint}"));
            Action::Read
        }
    };
    let mut whole = |raw: Option<RawNumber>, field: &str| {
        let number = number(reader, raw?, places, &path(table, field), draw);
        if number.fract() != 0.0 || number.abs() > 1e15 {
            reader.report_at(places.of(&path(table, field)), format!("'{field}' is {number}, and a whole number belongs here"));
        }
        Some(number as i64)
    };
    let (value, start, end) = (whole(raw.value, "value"), whole(raw.start, "start"), whole(raw.end, "end"));
    let at = |moment: Option<i64>| moment.map(|moment| u64::try_from(moment).unwrap_or(0));
    let start = reader.required(at(start), places, table, "start");
    let end = at(end);
    if end.is_some_and(|end| end <= start) {
        reader.report_at(places.of(&path(table, "end")), format!("it ends at or before its start, {start}"));
    }
    Op {
        client: reader.required(raw.client, places, table, "client"),
        action,
        key: reader.required(raw.key, places, table, "key"),
        value: reader.required(value, places, table, "value"),
        start,
        end,
    }
}
