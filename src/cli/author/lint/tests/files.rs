//! A bad file for each rule, `tests/fixtures/bad_quizzes/<rule>.toml`, and what is said of it.

use super::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The files by the rule that they break.
fn files() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bad_quizzes");
    let read = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name.trim_end_matches(".toml").to_owned(), std::fs::read_to_string(entry.path()).unwrap())
    };
    std::fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap())).collect()
}

#[test]
fn each_bad_file_breaks_its_rule_and_no_other() {
    let rules = Rules {
        exercises: &["quorum_register"],
        topics: &["cap", "consistency"],
        prove: &prove::prove,
        mutants: &one_mutant,
        hidden_tests: &two_rules,
        in_lessons: &|_, _| false,
    };
    let mut said = String::new();
    for (rule, text) in files() {
        let found = lint_with(&[("quizzes/consistency.toml", &text)], &rules);
        let others: Vec<&Problem> = found.iter().filter(|d| d.severity == Severity::Error && d.rule != rule).collect();
        assert!(others.is_empty(), "{rule}.toml is about {rule} alone: {others:?}");
        let own: Vec<&Problem> = found.iter().filter(|d| d.rule == rule).collect();
        assert!(!own.is_empty(), "{rule}.toml does not break {rule}: {found:?}");
        said.extend(own.iter().map(|d| format!("{rule} {}\n", d.to_string().trim_start_matches("quizzes/consistency.toml:"))));
    }
    insta::assert_snapshot!("bad_files", said);
}

#[test]
fn every_rule_has_a_bad_file() {
    let table: BTreeSet<&str> =
        include_str!("../../lint.rs").lines().filter_map(|line| line.strip_prefix("//! | ")?.split(' ').next()).collect();
    let rules: BTreeSet<String> =
        table.iter().filter(|rule| rule.len() == 3).map(|rule| (*rule).to_owned()).chain(["format".to_owned()]).collect();
    assert!(rules.len() >= 21, "{rules:?}");
    assert_eq!(files().into_keys().collect::<BTreeSet<_>>(), rules);
}
