//! The shipped bank, held against all rules, its histories proved by brute force.

use super::*;
use crate::cli::quiz::history::Op;
use std::collections::BTreeMap;

fn in_the_catalogue(exercise: &str, name: &str) -> Result<crate::cli::quiz::excerpt::Wrong, String> {
    let root = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    crate::cli::mutants::shown(&crate::cli::content::Content::Disk(root), exercise, name)
}

/// All files of `quizzes/`, as path and text.
pub(super) fn bank() -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("quizzes");
    let mut files: Vec<(String, String)> = std::fs::read_dir(&folder)
        .expect("the folder quizzes/ is there")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a quiz file is text");
            (format!("quizzes/{}", path.file_name().unwrap_or_default().to_string_lossy()), text)
        })
        .collect();
    files.sort();
    files
}

#[test]
fn the_bank_has_no_finding() {
    let course = crate::cli::content::Content::Embedded.course().unwrap();
    let exercises: Vec<&str> = course.exercises().collect();
    let files = bank();
    assert!(files.len() >= 2, "the quiz files are gone");
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let rules = Rules {
        exercises: &exercises,
        topics: &crate::cli::bank::names(&course),
        prove: &|history| by_brute_force(history).or_else(|| prove::prove(history)),
        mutants: &in_the_catalogue,
        hidden_tests: &|exercise| crate::cli::rules::names(&crate::cli::content::Content::Embedded, exercise),
        in_lessons: &|topic, scenario| verb::shows(&crate::cli::content::Content::Embedded, topic, scenario),
    };
    let found: Vec<String> = lint_with(&files, &rules).iter().map(ToString::to_string).collect();
    assert_eq!(found, Vec::<String>::new(), "\n{}", found.join("\n"));
    let found: Vec<String> =
        verb::of_lessons(&crate::cli::content::Content::Embedded, &course).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(found, Vec::<String>::new(), "\n{}", found.join("\n"));
}

#[test]
fn each_topic_stands_on_scenarios_and_numbers() {
    for (path, text) in bank() {
        let topic = format::load(&path, &text).expect("it has no errors");
        let of = |what: &dyn Fn(&crate::cli::quiz::model::Question) -> bool| topic.questions.iter().filter(|q| what(q)).count();
        assert!(4 * of(&|q| q.scenario.is_some()) >= topic.questions.len(), "{path}: a quarter stands on scenarios");
        let proved = |q: &crate::cli::quiz::model::Question| {
            let verified = matches!(&q.body, crate::cli::quiz::model::Body::Numeric { verify: Some(_), .. });
            verified || q.body.choices().iter().any(|choice| choice.claims.is_some())
        };
        assert!(of(&proved) >= 3, "{path}: three keys and more are proved");
    }
}

#[test]
fn what_the_core_says_of_the_bank_is_what_brute_force_says() {
    let mut compared = 0;
    for (path, text) in bank() {
        for scenario in format::load(&path, &text).expect("it has no errors").scenarios {
            let Some((history, _)) = scenario.history() else { continue };
            if let (Some(proof), Some(expected)) = (prove::prove(history), by_brute_force(history)) {
                assert_eq!(proof, expected, "{path}: {}", scenario.id);
                compared += 1;
            }
        }
    }
    assert!(compared >= 5, "only {compared} histories were compared");
}

/// Tries every order: an oracle for histories of up to ten operations, all of them answered. `None`: it is none such.
fn by_brute_force(history: &History) -> Option<Proof> {
    if history.ops.len() > 10 || history.ops.iter().any(|op| op.end.is_none()) {
        return None;
    }
    let precedes_in_time = |a: &Op, b: &Op| a.end.is_some_and(|end| end < b.start);
    let precedes_at_client = |a: &Op, b: &Op| a.client == b.client && a.start < b.start;
    let all: Vec<&Op> = history.ops.iter().collect();
    Some(Proof {
        linearizable: explained(&all, &BTreeMap::new(), &|a, b| precedes_in_time(a, b) || precedes_at_client(a, b)),
        sequential: explained(&all, &BTreeMap::new(), &precedes_at_client),
    })
}

/// Whether the operations can be done one by one from this state, in an order that keeps `precedes`.
fn explained(left: &[&Op], state: &BTreeMap<&str, i64>, precedes: &dyn Fn(&Op, &Op) -> bool) -> bool {
    left.is_empty()
        || (0..left.len()).any(|i| {
            let op = left[i];
            let value = state.get(op.key.as_str()).copied().unwrap_or(0);
            if left.iter().any(|other| precedes(other, op)) || (op.action == Action::Read && value != op.value) {
                return false;
            }
            let rest: Vec<&Op> = left.iter().copied().filter(|other| !std::ptr::eq(*other, op)).collect();
            let mut state = state.clone();
            state.insert(&op.key, op.value);
            explained(&rest, &state, precedes)
        })
}
