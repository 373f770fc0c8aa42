//! From what a judging gave to its report: the verdict of each rule, and the finding of each that does not hold.

use super::options::{Options, Unit};
use super::results::{Failure, Results, Show};
use super::run::{Outcome, Panicked};
use crate::report::{Explored, Finding, Instead, Layer, Report, Test, Verdict};
use crate::rule::Rule;
use crate::suite::Suite;
use crate::trace::{Event, Trace, What};
use crate::words::DEBUG_PANICKED;
use std::time::Instant;

/// `seed:8812`, `case:a late vote`.
pub(super) fn named(suite: &Suite, unit: Unit) -> String {
    match unit {
        Unit::Case(i) => format!("case:{}", suite.cases[i].name),
        Unit::Storm(seed) => format!("case:storm {seed}"),
        Unit::Seed(_) => unit.to_string(),
    }
}

/// The rules that were asked for: the exercise's own, then the common ones.
pub(super) fn rules<'a>(suite: &'a Suite, options: &'a Options) -> impl Iterator<Item = &'static Rule> + 'a {
    suite.rules.iter().chain(suite.common).filter(|r| options.test.as_deref().is_none_or(|t| t == r.name))
}

pub(super) fn test_of(suite: &Suite, rule: &Rule, results: &Results, show: Option<Show>) -> Test {
    let common = suite.common.iter().any(|r| r.name == rule.name);
    // Without random runs, every case looks for what every exercise is held to.
    let by_all = common && suite.swarm.is_none() && suite.storms.is_none();
    let cases = || results.cases_done.iter().map(|i| &suite.cases[*i]).filter(|c| by_all || c.rule == rule.name);
    let in_swarm = suite.swarm.as_ref().is_some_and(|s| common || s.rules.contains(&rule.name));
    let in_storms = suite.storms.as_ref().is_some_and(|s| common || s.rules.contains(&rule.name));
    let random = if in_storms { results.storms_done } else { 0 } + if in_swarm { results.seeds_done } else { 0 };
    let runs = cases().count() as u64 + random;
    let layer = match (in_swarm, in_storms) {
        (true, _) => Layer::Swarm,
        (false, true) => Layer::Storm,
        (false, false) => cases().map(|c| c.layer).max().unwrap_or(Layer::Vector),
    };
    let (name, title) = (rule.name.to_owned(), rule.title.to_owned());
    let extents = results.extents.iter().filter(|(i, _)| suite.cases[**i].rule == rule.name);
    let explored = extents.map(|(i, extent)| Explored { case: suite.cases[*i].name.to_owned(), extent: *extent }).collect();
    let undecided = results.left.as_ref().filter(|left| {
        let asks = |i: &usize| by_all || suite.cases[*i].rule == rule.name || suite.explorations_of(rule.name).any(|e| e == *i);
        left.cases.iter().any(asks) || (in_swarm && left.seeds > 0) || (in_storms && left.storms > 0)
    });
    match results.failures.get(rule.name) {
        None if undecided.is_some() => {
            let why = undecided.map_or("", |left| left.why.as_str());
            let finding = Some(explain(rule, &format!("not decided: {why}")));
            Test { name, title, layer, verdict: Verdict::Unknown, runs, explored, finding }
        }
        None if runs == 0 => Test {
            name,
            title,
            layer,
            verdict: Verdict::Unknown,
            runs,
            explored,
            finding: Some(explain(rule, "no case and no run of this rule was made")),
        },
        None => Test { name, title, layer, verdict: Verdict::Passed, runs, explored, finding: None },
        Some(failure) => {
            let show = show.unwrap_or_default();
            let shown = show.instead.map_or(failure.unit, |(case, _)| Unit::Case(case));
            let (verdict, finding) = finding_of(suite, rule, failure, show);
            Test { name, title, layer: layer_of(suite, shown), verdict, runs, explored, finding: Some(finding) }
        }
    }
}

pub(super) fn layer_of(suite: &Suite, unit: Unit) -> Layer {
    match unit {
        Unit::Case(i) => suite.cases[i].layer,
        Unit::Storm(_) => Layer::Storm,
        Unit::Seed(_) => Layer::Swarm,
    }
}

pub(super) fn explain(rule: &Rule, seen: &str) -> Finding {
    Finding {
        seen: seen.to_owned(),
        why: rule.why.to_owned(),
        look: rule.look.to_owned(),
        source: rule.source.to_owned(),
        ..Finding::default()
    }
}

fn finding_of(suite: &Suite, rule: &Rule, failure: &Failure, show: Show) -> (Verdict, Finding) {
    let shown_steps = show.trace.shown_steps();
    let mut finding = Finding { runs: failure.index + 1, micros: failure.micros, trace: show.trace, ..explain(rule, "") };
    (finding.raw_steps, finding.shown_steps, finding.shrink_micros) = (show.raw_steps, shown_steps, show.shrink_micros);
    finding.shortest_steps = show.shortest_steps;
    match (show.instead, failure.unit) {
        (Some((case, steps)), unit) => {
            finding.case = Some(suite.cases[case].name.to_owned());
            finding.instead_of = Some(Instead { layer: layer_of(suite, unit), unit: named(suite, unit), steps });
        }
        (None, Unit::Case(i)) => finding.case = Some(suite.cases[i].name.to_owned()),
        (None, Unit::Storm(seed)) => finding.case = Some(format!("storm {seed}")),
        (None, Unit::Seed(seed)) => finding.seed = Some(seed),
    }
    let verdict = match &failure.outcome {
        Outcome::Fine => Verdict::Passed,
        Outcome::Broken(broken) => {
            let broken = show.broken.as_ref().unwrap_or(broken);
            finding.seen.clone_from(&broken.seen);
            finding.seen.extend(unshown(&finding.trace));
            finding.marks.clone_from(&broken.marks);
            finding.look = broken.look.map_or(finding.look, |text| (*text).to_owned());
            finding.contrast = show.contrast.unwrap_or_default();
            finding.late = broken.timed || broken.stuck.is_some();
            Verdict::Failed
        }
        Outcome::Panicked(panicked) => {
            let panicked = show.panicked.as_ref().unwrap_or(panicked);
            finding.at = Some((panicked.file.clone(), panicked.line)).filter(|(file, _)| !file.is_empty());
            finding.seen = panic_text(panicked, &finding.trace);
            if panicked.todo { Verdict::Unfinished } else { Verdict::Crashed }
        }
    };
    (verdict, finding)
}

/// `n2 panicked while it handled “receives m7 from n1: Vote { … }”: index out of bounds`.
fn panic_text(panicked: &Panicked, trace: &Trace) -> String {
    let message = panicked.message.trim_end();
    match trace.events.iter().rev().find(|e| !e.what.is_effect()) {
        Some(Event { what: What::Calls { text }, .. }) if !panicked.todo => format!("this call panicked with `{message}`: {text}"),
        _ if panicked.todo => format!("a todo!() was reached: {message}"),
        Some(cause) => format!("{} panicked with `{message}` at this step: {} {}", cause.lane, cause.lane, cause.what),
        None => format!("your code panicked with `{message}`"),
    }
}

/// What is said where the learner's `Debug` panicked while the run was recorded: the rule is broken all the same.
fn unshown(trace: &Trace) -> Option<String> {
    let said = trace.events.iter().find_map(|e| if let What::State { text } = &e.what { text.split_once(DEBUG_PANICKED) } else { None });
    said.map(|(_, said)| format!("; the `Debug` of your node panics: {}, so no step shows its state", said.trim_end_matches(')')))
}

pub(super) fn report(suite: &Suite, options: &Options, tests: Vec<Test>, results: &Results, started: Instant) -> Report {
    let coverage = results.coverage.0.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
    let lessons = results.lessons.clone();
    let mut report = Report {
        exercise: suite.exercise.to_owned(),
        verdict: Verdict::Unknown,
        first_seed: options.seed,
        runs: results.seeds_done,
        judge_micros: started.elapsed().as_micros() as u64,
        first: None,
        coverage,
        lessons,
        tests,
    };
    report.verdict = report.overall();
    report
}
