//! What learners really write, on a real exercise in a real learner's folder: each file of tests/learners is checked, and
//! what the program says is a snapshot. None hangs, none leaves a process behind, none takes more than the deadline.

use crate::bench::{ROOT, Said, nothing_left_of, settings, splitbrain};
use std::path::Path;
use std::sync::OnceLock;
use tempfile::TempDir;

/// A learner's folder.
fn prep() -> &'static Path {
    static PREP: OnceLock<TempDir> = OnceLock::new();
    let dir = PREP.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(splitbrain(dir.path(), &["init"]).code, Some(0));
        dir
    });
    dir.path()
}

fn check(name: &str, options: &[&str]) -> Said {
    let file = format!("{ROOT}/tests/learners/{name}.rs");
    let said = splitbrain(prep(), &[&["check", "g_counter", "--file", &file], options].concat());
    nothing_left_of("g_counter", Path::new(&file));
    said
}

/// Times and counts that depend on the machine are filtered; so is the text of runs that are different each time.
fn snapshot(name: &str, said: &Said, any_run: bool) {
    let mut settings = settings(prep());
    settings.add_filter(r"printed [0-9,]+ bytes", "printed [many] bytes");
    // Each new case of a rule is one more, and so it is with states: what is shown does not hang on how many there are.
    settings.add_filter(r"(?m) [0-9,]+ runs?( · .*)?$", " [n] runs$1");
    settings.add_filter(r"[0-9,]+ states(, depth \d+)?", "[n] states");
    if any_run {
        settings.add_filter(r"(?s)\n\n    [^✗\n]*\n.*?\n\n    Look at", "\n\n    [the run]\n\n    Look at");
        settings.add_filter(r"\d+ steps", "[some] steps");
        settings.add_filter(r"part at step \d+ of \d+", "part at step [n] of [n]");
    }
    settings.bind(|| insta::assert_snapshot!(format!("learner_{name}"), said.shown()));
}

#[test]
fn mistakes_are_told_apart() {
    for name in [
        "does_not_compile",
        "hash_map_field",
        "float_field",
        "todo",
        "panics_in_handler",
        "infinite_loop",
        "unbounded_recursion",
        "unbounded_memory",
        "flood_of_output",
        "exits_in_handler",
        "sends_without_end",
        "not_deterministic",
    ] {
        let said = check(name, &[]);
        assert_eq!(said.code, Some(1), "{name}: {}", said.shown());
        snapshot(name, &said, name == "not_deterministic");
    }
}

/// Chance comes by many doors. Whatever else is seen of such a node, that it is not deterministic is said first.
#[test]
fn chance_is_seen_whichever_door_it_comes_by() {
    for name in ["not_deterministic", "stopwatch", "dice_of_its_own", "static_counter"] {
        let said = check(name, &["--format", "json"]);
        assert_eq!(said.code, Some(1), "{name}: {}", said.shown());
        let verdict: serde_json::Value = serde_json::from_str(said.out.lines().next().unwrap_or_default()).unwrap();
        let tests = verdict["tests"].as_array().unwrap();
        let test = tests.iter().find(|t| t["name"] == "deterministic").unwrap();
        assert_eq!(test["verdict"], "failed", "{name}: {}", said.out);
        assert!(test["seen"].as_str().is_some_and(|s| s.contains("part at step") || s.contains("run twice")), "{name}: {}", said.out);
    }
}

/// Of two rings that disagree it is found out why, with more rings of the same code; one of those that panics says nothing.
#[test]
fn rings_that_disagree_say_why() {
    let dir = tempfile::tempdir().unwrap();
    let mutant = |name: &str| format!("{ROOT}/tests/mutants/hash_ring/{name}.rs");
    let panics = dir.path().join("panics.rs");
    let text = std::fs::read_to_string(mutant("labels_without_a_separator")).unwrap();
    let add = "fn add(&mut self, node: &str, weight: u32) {";
    assert!(text.contains(add));
    std::fs::write(&panics, text.replacen(add, &format!("{add} assert!(node != \"left\");"), 1)).unwrap();
    for (file, why, look) in [
        (mutant("added_twice_is_there_twice"), "something is left of add(\"n11\", 2)", "What add does with a node that is there"),
        (mutant("labels_without_a_separator"), "the labels of two of their tokens are equal", "name and number need something between"),
        (mutant("short_positions_overwrite"), "positions that are cut to few bits", "all 64 bits of a good hash"),
        (mutant("random_state"), "now this answer, now that", "RandomState"),
        (panics.display().to_string(), "the labels of two of their tokens are equal", "name and number need something between"),
    ] {
        let said = splitbrain(prep(), &["check", "hash_ring", "--file", &file, "--test", "same_members_same_owners"]);
        let text = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(why) && text.contains(look) && !text.contains("panicked"), "{file}: {}", said.shown());
    }
}

#[test]
fn every_learners_file_is_tried() {
    let source = include_str!("learners.rs");
    for entry in std::fs::read_dir(format!("{ROOT}/tests/learners")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap().replace(".rs", "");
        assert!(source.contains(&format!("\"{name}\"")), "tests/learners/{name}.rs is checked by no test: add it to tests/it/learners.rs");
    }
}

#[test]
fn the_reference_passes_and_the_stub_is_unfinished() {
    let said = splitbrain(prep(), &["check", "g_counter", "--solution", "--format", "json"]);
    assert_eq!(said.code, Some(0), "{}", said.shown());
    assert!(said.out.starts_with("{\"exercise\":\"g_counter\",\"verdict\":\"passed\",\"build_seconds\":"), "{}", said.out);
    let said = splitbrain(prep(), &["check", "g_counter"]);
    snapshot("stub", &said, false);
    let list = splitbrain(prep(), &["list", "--format", "json"]).out;
    assert!(
        !list.contains("\"attempts\":1") && !list.contains("\"passed\":true"),
        "neither the reference nor the stub is an attempt: {list}"
    );
    // Nor is a stub in another form; what was tried is one.
    let path = prep().join("exercises/g_counter/g_counter.rs");
    let stub = std::fs::read_to_string(&path).unwrap();
    let attempts = |text: String| {
        std::fs::write(&path, text).unwrap();
        assert_eq!(splitbrain(prep(), &["check", "g_counter"]).code, Some(1));
        splitbrain(prep(), &["list", "--format", "json"]).out.matches("\"attempts\":1").count()
    };
    assert_eq!(attempts(stub.replace("\n    ", "\n  ") + "// Tomorrow.\n"), 0);
    assert_eq!(attempts(stub.clone() + "struct Mine;\n"), 1);
    std::fs::write(&path, stub).unwrap();
    // Not tests of their own: the learner's own file has one executable, whoever builds it.
    the_case_that_killed_the_process_is_tried_first();
    cargo_test_runs_what_the_learner_tests();
}

/// Plain `cargo test` does not say "ok" without running them.
fn cargo_test_runs_what_the_learner_tests() {
    let file = prep().join("exercises/g_counter/g_counter.rs");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n#[test]\nfn holds() {{}}\n\n#[test]\nfn breaks() {{\n    panic!(\"by hand\");\n}}\n")).unwrap();
    let mut cargo = crate::bench::cargo(prep());
    let output = cargo.args(["test", "--offline", "--no-default-features", "--features", "g_counter"]).output().unwrap();
    let (text, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success() && text.contains("test result: FAILED. 1 passed; 1 failed"), "{text}\n{log}");
}

/// What kills the process leaves no report, only the name of the case that it was at: that one is tried first next time.
fn the_case_that_killed_the_process_is_tried_first() {
    let check = |source: &str| {
        std::fs::copy(format!("{ROOT}/{source}"), prep().join("exercises/g_counter/g_counter.rs")).unwrap();
        let said = splitbrain(prep(), &["check", "g_counter", "--format", "json"]);
        let verdict: serde_json::Value = serde_json::from_str(said.out.lines().next().unwrap_or_default()).unwrap();
        (verdict["verdict"].as_str().unwrap().to_owned(), verdict["first"].clone())
    };
    assert_eq!(check("tests/learners/unbounded_recursion.rs"), ("crashed".to_owned(), serde_json::Value::Null));
    let (verdict, first) = check("solutions/g_counter.rs");
    let unit = first["unit"].as_str().unwrap_or_default();
    let name = unit.strip_prefix("case:").unwrap_or_default();
    assert_eq!((verdict.as_str(), &first["fine"]), ("passed", &serde_json::Value::Bool(true)), "{first}");
    assert!(name.contains(' ') && name.parse::<u64>().is_err(), "the case is known by its name: {first}");
}
