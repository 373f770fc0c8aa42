//! Rules over questions with variables: whatever is drawn, the question is a good one. A hundred draws of each are looked at.

use super::{Lint, Rules, question, scenario};
use crate::cli::quiz::format::parse_drawn;
use crate::cli::quiz::model::{Body, Question, Topic};
use crate::cli::toml_reader::{Place, Problem};
use std::collections::{BTreeMap, BTreeSet};

/// So many draws are tried.
const DRAWS: u64 = 100;
/// Of them so many are different ones at least, or the question could be learnt by heart all the same. A pool of runs has fewer.
const DIFFERENT: usize = 6;
const RUNS: usize = 3;

/// Everything that is wrong with a draw of the questions of a file, each kind of mistake once.
pub(super) fn lint(path: &str, text: &str, rules: &Rules<'_>) -> Vec<Problem> {
    let Some(text) = only_drawn(text) else { return Vec::new() };
    let mut found: Vec<Problem> = Vec::new();
    let mut seen: BTreeMap<String, (Place, bool, BTreeSet<String>)> = BTreeMap::new();
    for seed in 0..DRAWS {
        let parsed = parse_drawn(path, &text, &|_| seed);
        let mut new = parsed.errors;
        let topic = parsed.topic;
        let mut lint = Lint { path, found: &mut new };
        for scenario in &topic.scenarios {
            scenario::scenario(&mut lint, scenario, &topic, rules);
        }
        for question in &topic.questions {
            question::question(&mut lint, question, &topic, rules);
            let pool = topic.scenario_of(question).is_some_and(|scenario| !scenario.pool.is_empty());
            let one = seen.entry(question.id.clone()).or_insert((question.places.of("vars"), pool, BTreeSet::new()));
            one.2.insert(shown(question, &topic));
        }
        for problem in new {
            if !found.iter().any(|there| (there.place, there.rule) == (problem.place, problem.rule)) {
                let message = format!("with draw {seed}: {}", problem.message);
                found.push(Problem { message, ..problem });
            }
        }
    }
    let mut lint = Lint { path, found: &mut found };
    for (id, (place, pool, shown)) in seen {
        let least = if pool { RUNS } else { DIFFERENT };
        if shown.len() < least {
            lint.error(
                "E15",
                place,
                format!("'{id}' has only {} different draws of {DRAWS}; widen the ranges, for {least} at least", shown.len()),
            );
        }
    }
    // What is wrong with the example was said of it as of any question.
    found.retain(|problem| problem.rule == "E15" || !problem.message.starts_with("with draw 0:"));
    found
}

/// What a learner sees of a draw, and what is right.
fn shown(question: &Question, topic: &Topic) -> String {
    let scenario = topic.scenario_of(question);
    let ground = scenario.map(|scenario| format!("{}{:?}", scenario.text, scenario.run)).unwrap_or_default();
    let key = match &question.body {
        Body::Numeric { answer, .. } => answer.to_string(),
        Body::TrueFalse { answer, .. } => answer.to_string(),
        _ => String::new(),
    };
    format!("{}\u{1f}{ground}\u{1f}{key}", question.prompt)
}

/// The text with nothing in it but the head of the file, what has variables, and what stands on it; all on the same lines. Nothing if nothing
/// has variables.
fn only_drawn(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let begins = |line: &&str| line.starts_with("[[scenario]]") || line.starts_with("[[question]]");
    let mut starts: Vec<usize> = (0..lines.len()).filter(|at| begins(&lines[*at])).collect();
    let head = starts.first().copied()?;
    starts.push(lines.len());
    let value = |block: &[&str], key: &str| {
        let found = block.iter().find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('='))?;
        Some(found.trim().trim_matches('"').to_owned())
    };
    let blocks: Vec<(usize, &[&str])> = starts.windows(2).map(|pair| (pair[0], &lines[pair[0]..pair[1]])).collect();
    let varies = |block: &[&str]| {
        block.iter().any(|line| line.starts_with("vars = ") || line.starts_with("pool = ") || line.starts_with("[[scenario.pool]]"))
    };
    let scenarios: BTreeSet<String> = blocks
        .iter()
        .filter(|(_, block)| block[0].starts_with("[[scenario]]") && varies(block))
        .filter_map(|(_, block)| value(block, "id"))
        .collect();
    let named: BTreeSet<String> =
        blocks.iter().filter(|(_, block)| varies(block)).filter_map(|(_, block)| value(block, "scenario")).collect();
    let mut kept = vec![""; lines.len()];
    kept[..head].copy_from_slice(&lines[..head]);
    let mut any = false;
    for (start, block) in blocks {
        let is_scenario = block[0].starts_with("[[scenario]]");
        let wanted = if is_scenario {
            value(block, "id").is_some_and(|id| scenarios.contains(&id) || named.contains(&id))
        } else {
            varies(block) || value(block, "scenario").is_some_and(|id| scenarios.contains(&id))
        };
        if wanted {
            kept[start..start + block.len()].copy_from_slice(block);
            any |= !is_scenario;
        }
    }
    any.then(|| kept.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_varies_is_looked_at_and_stays_on_its_lines() {
        let text = "schema = 1\n\n[[scenario]]\nid = \"a\"\nvars = [\"n in 1..9\"]\n[[scenario]]\nid = \"b\"\n\n[[question]]\nid = \"one\"\n\
                    [[question]]\nid = \"two\"\nscenario = \"a\"\n[[question]]\nid = \"three\"\nvars = [\"n in 1..9\"]\n[[question.option]]\ntext = \"{n}\"\n";
        let kept = only_drawn(text).unwrap();
        let wanted = text.replace("[[scenario]]\nid = \"b\"", "\n").replace("[[question]]\nid = \"one\"", "\n");
        assert_eq!(kept.lines().count(), text.lines().count());
        assert_eq!(kept.trim_end(), wanted.trim_end());
        assert_eq!(only_drawn("schema = 1\n[[question]]\nid = \"one\"\n"), None);
    }
}
