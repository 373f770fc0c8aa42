//! What the syllabus names is asked: every heading and line of it, and the least number of questions of each topic.

use crate::bench::ROOT;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use toml::{Table, Value};

/// Topic and the least number of its questions.
const LEAST: [(&str, usize); 25] = [
    ("basics", 10),
    ("cap", 14),
    ("replication", 16),
    ("consistency", 18),
    ("sharding", 14),
    ("consensus", 20),
    ("split_brain", 10),
    ("byzantine", 8),
    ("cascading_failures", 14),
    ("transactions", 16),
    ("idempotency", 12),
    ("locks", 14),
    ("queues", 12),
    ("observability", 12),
    ("latency", 10),
    ("counters", 10),
    ("design", 20),
    // Beyond what the syllabus names: what senior rounds ask.
    ("numbers", 12),
    ("clocks", 12),
    ("isolation", 12),
    ("regions", 12),
    ("storage", 12),
    ("membership", 12),
    ("streams", 12),
    ("operations", 12),
];

fn table(path: &str) -> Table {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap().parse().unwrap()
}

fn questions(topic: &str) -> Vec<Table> {
    let all = table(&format!("quizzes/{topic}.toml"));
    all["question"].as_array().unwrap().iter().map(|q| q.as_table().unwrap().clone()).collect()
}

fn text<'a>(table: &'a Table, key: &str) -> &'a str {
    table.get(key).and_then(Value::as_str).unwrap_or_else(|| panic!("no `{key}` in {table}"))
}

#[test]
fn every_line_of_the_syllabus_is_asked() {
    let ids: BTreeSet<String> = LEAST.iter().flat_map(|(t, _)| questions(t)).map(|q| text(&q, "id").to_owned()).collect();
    let syllabus = table("tests/syllabus.toml");
    let rows = syllabus["row"].as_array().unwrap();
    assert!(rows.len() >= 140, "rows were lost: {}", rows.len());
    let mut missing = Vec::new();
    for row in rows {
        let row = row.as_table().unwrap();
        let asked = row["questions"].as_array().unwrap();
        let gone: Vec<&Value> = asked.iter().filter(|q| !ids.contains(q.as_str().unwrap())).collect();
        if asked.len() == gone.len() || !gone.is_empty() {
            missing.push(format!(
                "{}: {}: asked by none, or by questions that are not there: {gone:?}",
                text(row, "of"),
                text(row, "line")
            ));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn the_bank_is_as_large_and_as_varied_as_it_is_said_to_be() {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut all, mut on_scenario, mut proved, mut drawn) = (0, 0, 0, 0);
    for (topic, least) in LEAST {
        let questions = questions(topic);
        assert!(questions.len() >= least, "{topic} has {} questions, and should have {least}", questions.len());
        let kinds: BTreeSet<&str> = questions.iter().map(|q| text(q, "kind")).collect();
        assert!(kinds.len() >= 3, "{topic} has only {kinds:?}");
        let file = table(&format!("quizzes/{topic}.toml"));
        // A history whose claims the checkers prove, or a number that the linter computes.
        let histories: BTreeSet<&str> = file
            .get("scenario")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter(|s| s.get("claims").is_some())
            .map(|s| text(s.as_table().unwrap(), "id"))
            .collect();
        all += questions.len();
        on_scenario += questions.iter().filter(|q| q.contains_key("scenario")).count();
        proved += questions
            .iter()
            .filter(|q| q.contains_key("verify") || histories.contains(q.get("scenario").and_then(Value::as_str).unwrap_or("")))
            .count();
        drawn += questions.iter().filter(|q| q.contains_key("vars")).count();
        seen.insert(topic, questions.len());
    }
    assert!(all >= 600, "{all} questions: {seen:?}");
    assert!(drawn >= 60, "{drawn} questions cannot be learnt by heart");
    assert!(on_scenario * 4 >= all, "{on_scenario} of {all} stand on a scenario");
    assert!(proved >= 30, "{proved} keys are proved");
    let files: BTreeSet<String> = fs::read_dir(Path::new(ROOT).join("quizzes"))
        .unwrap()
        .filter_map(|e| e.unwrap().file_name().to_string_lossy().strip_suffix(".toml").map(str::to_owned))
        .collect();
    assert_eq!(files, seen.keys().map(|t| (*t).to_owned()).collect::<BTreeSet<_>>(), "every file is a topic of the table above");
}
