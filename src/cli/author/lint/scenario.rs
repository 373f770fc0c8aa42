//! Rules over scenarios, and over questions that stand on code: what is claimed is proved, what is named is there.

use super::{Lint, Rules};
use crate::cli::quiz::history::{History, Op};
use crate::cli::quiz::model::{Body, Claims, Mutated, Question, Scenario, Subject, Topic};
use crate::trace::diagram::{self, Options};
use crate::trace::{Trace, What};

/// A scenario is shown as it is, indented by four, on a screen of 80.
const MAX_SCENARIO_COLUMNS: usize = 76;
/// Nobody reads a longer run, or more code, to answer one question.
const MAX_ROWS: usize = 45;

pub(super) fn scenario(lint: &mut Lint<'_>, scenario: &Scenario, topic: &Topic, rules: &Rules<'_>) {
    let places = &scenario.places;
    if topic.scenarios.iter().take_while(|s| s.places.header != places.header).any(|s| s.id == scenario.id) {
        lint.error("E02", places.of("id"), format!("a second scenario '{}'; rename one", scenario.id));
    }
    let is_asked = topic.remembered().any(|q| q.scenario.as_ref() == Some(&scenario.id));
    if !is_asked && !(rules.in_lessons)(&topic.id, &scenario.id) {
        lint.error(
            "E01",
            places.of("id"),
            format!("no question stands on scenario '{}', and no lesson shows it; use it or take it out", scenario.id),
        );
    }
    if let Some(line) = scenario.text.lines().find(|line| line.chars().count() > MAX_SCENARIO_COLUMNS) {
        let chars = line.chars().count();
        let message = format!("a line of {chars} characters, up to {MAX_SCENARIO_COLUMNS} fit: '{line}'; break it");
        lint.error("E06", places.of("text"), message);
    }
    match &scenario.subject {
        Subject::Text => {}
        Subject::History(history, claims) => self::history(lint, scenario, history, claims, rules),
        Subject::Mutant(mutated) => mutant(lint, scenario, mutated, rules),
        Subject::Trace(_) if scenario.run.is_some() => runs(lint, scenario, rules),
        Subject::Trace(trace) => self::trace(lint, scenario, trace),
    }
}

fn history(lint: &mut Lint<'_>, scenario: &Scenario, history: &History, claims: &Claims, rules: &Rules<'_>) {
    let places = &scenario.places;
    for (i, op) in history.ops.iter().enumerate() {
        let overlaps =
            |other: &Op| other.client == op.client && other.start < op.end.unwrap_or(u64::MAX) && op.start < other.end.unwrap_or(u64::MAX);
        if history.ops[..i].iter().any(overlaps) {
            let message = format!("two operations of client {} overlap; a client does one thing at a time", op.client);
            lint.error("E09", places.of(&format!("ops[{i}]")), message);
        }
    }
    let Some(proof) = (rules.prove)(history) else {
        lint.warning("W06", places.of("claims"), "no checker has proved these claims");
        return;
    };
    for (name, claim, truth) in
        [("linearizable", claims.linearizable, proof.linearizable), ("sequential", claims.sequential, proof.sequential)]
    {
        if claim.is_some_and(|claim| claim != truth) {
            let field = places.of(&format!("claims.{name}"));
            lint.error("E09", field, format!("the checker says {name} = {truth}; correct the claim or the history"));
        }
    }
}

fn mutant(lint: &mut Lint<'_>, scenario: &Scenario, mutated: &Mutated, rules: &Rules<'_>) {
    let places = &scenario.places;
    if mutated.exercise.is_empty() || mutated.name.is_empty() {
        return;
    }
    match (rules.mutants)(&mutated.exercise, &mutated.name) {
        Err(why) => lint.error("E13", places.of("mutant"), why),
        Ok(wrong) => {
            let claimed = mutated.breaks.as_deref().filter(|claimed| *claimed != wrong.breaks);
            if let Some(claimed) = claimed {
                let message = format!("the catalogue says that this mutant breaks '{}', not '{claimed}'; correct it", wrong.breaks);
                lint.error("E09", places.of("breaks"), message);
            }
            let lines = wrong.code.lines.len();
            if lines > MAX_ROWS {
                let message = format!("the code around the edits has {lines} lines, up to {MAX_ROWS} can be read; choose another mutant");
                lint.error("E13", places.of("mutant"), message);
            }
        }
    }
}

/// Runs that are recorded: each is that of a mutant, which breaks the rule that is said. Whether it is recorded, `lesson` says.
fn runs(lint: &mut Lint<'_>, scenario: &Scenario, rules: &Rules<'_>) {
    let field = if scenario.pool.is_empty() { "run" } else { "pool" };
    let alone = scenario.run.iter().filter(|_| scenario.pool.is_empty()).map(|run| (run, None));
    for (run, breaks) in scenario.pool.iter().map(|(run, breaks)| (run, Some(breaks))).chain(alone) {
        let found = run.split_once('/').ok_or_else(|| format!("'{run}' names no mutant; write exercise/name"));
        match found.and_then(|(exercise, name)| (rules.mutants)(exercise, name)) {
            Err(why) => lint.error("E13", scenario.places.of(field), why),
            Ok(wrong) if breaks.is_some_and(|breaks| *breaks != wrong.breaks) => {
                let message = format!("the catalogue says that {run} breaks '{}'; correct it", wrong.breaks);
                lint.error("E09", scenario.places.of(field), message);
            }
            Ok(_) => {}
        }
    }
}

fn trace(lint: &mut Lint<'_>, scenario: &Scenario, trace: &Trace) {
    let place = scenario.places.of("trace");
    if trace.events.iter().any(|event| matches!(event.what, What::Breaks { .. })) {
        lint.error("E14", place, "the run says itself which rule it breaks; take the event 'breaks' out");
    }
    if let Some(pair) = trace.events.windows(2).find(|pair| pair[1].step < pair[0].step || pair[1].at < pair[0].at) {
        let (before, after) = (&pair[0], &pair[1]);
        let message =
            format!("step {} at {} comes after step {} at {}; events stand in order", after.step, after.at, before.step, before.at);
        lint.error("E14", place, message);
    }
    let rows = diagram::draw(trace, &Options { max_rows: usize::MAX, ..Options::default() }).lines().count();
    if rows == 0 {
        lint.error("E14", place, "there is nothing to draw in this run");
    } else if rows > MAX_ROWS {
        lint.error("E14", place, format!("the picture has {rows} lines, up to {MAX_ROWS} can be read; shorten the run"));
    }
}

/// Lines of code that a question names must be there; and where the answer is a line, it is one that was changed.
pub(super) fn lines_named(lint: &mut Lint<'_>, question: &Question, topic: &Topic, rules: &Rules<'_>) {
    let Some(Subject::Mutant(mutated)) = topic.scenario_of(question).map(|scenario| &scenario.subject) else { return };
    let Ok(wrong) = (rules.mutants)(&mutated.exercise, &mutated.name) else { return };
    let texts = question.body.choices().iter().enumerate().map(|(i, choice)| (format!("option[{i}].text"), choice.text.as_str()));
    for (field, text) in texts.chain([("prompt".to_owned(), question.prompt.as_str())]) {
        for number in numbers_of_lines(text).filter(|n| !(1..=wrong.code.lines.len()).contains(n)) {
            let message = format!("line {number} is named, and the code that is shown has {} lines", wrong.code.lines.len());
            lint.error("E13", question.places.of(&field), message);
        }
    }
    if let Body::Numeric { answer, unit: Some(unit), .. } = &question.body
        && unit == "line"
        && !wrong.code.changed.iter().any(|line| *line as f64 == *answer)
    {
        let changed = wrong.code.changed.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        lint.error("E09", question.places.of("answer"), format!("line {answer} is as it should be; the mutant changed {changed}"));
    }
}

/// The numbers behind the word "line".
fn numbers_of_lines(text: &str) -> impl Iterator<Item = usize> {
    let words: Vec<String> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let named = |pair: &[String]| if pair[0] == "line" { pair[1].parse().ok() } else { None };
    words.windows(2).filter_map(named).collect::<Vec<usize>>().into_iter()
}
