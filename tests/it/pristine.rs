//! `check --pristine`: of a folder that came from somebody else, only the files of the exercises count.

use crate::bench::{ROOT, splitbrain};
use std::fs;
use std::path::Path;

#[test]
fn only_the_files_of_an_exercise_count() {
    let dir = tempfile::tempdir().unwrap();
    splitbrain(dir.path(), &["init", "prep"]);
    let prep = dir.path().join("prep");
    let put = |path: &str, text: &str| {
        fs::create_dir_all(prep.join(path).parent().unwrap()).unwrap();
        fs::write(prep.join(path), text).unwrap();
    };
    // None of it is looked at: the settings of cargo, the library, the manifest.
    put(".cargo/config.toml", "[build]\nrustc-wrapper = \"/none\"\n");
    put(".splitbrain/core/src/lib.rs", "compile_error!(\"the student's\");\n");
    put("Cargo.toml", "not TOML\n");
    // Right, in two files, with paths from the root of the program; and a `main` that judges nothing.
    let reference = fs::read_to_string(Path::new(ROOT).join("solutions/durable_note.rs")).unwrap();
    let (before, _) = reference.split_once("fn main()").unwrap();
    let main = "mod helper;\nfn main() {\n    crate::helper::say();\n    std::process::exit(3)\n}\n";
    put("exercises/durable_note/durable_note.rs", &format!("#![allow(dead_code)]\n{before}{main}#[cfg(any())]\n"));
    let helper = "pub fn say() {\n    let _ = crate::helper::say;\n}\n";
    put("exercises/durable_note/helper.rs", helper);
    let said = splitbrain(&prep, &["check", "durable_note", "--pristine"]);
    assert_eq!(said.code, Some(0), "{}", said.shown());
    assert!(!said.out.contains("Your own tests"), "{}", said.shown());
    // Tests of their own are run as well.
    put(
        "exercises/durable_note/helper.rs",
        &format!("{helper}#[test]\nfn holds() {{}}\n#[test]\nfn breaks() {{\n    panic!(\"by hand\");\n}}\n"),
    );
    let said = splitbrain(&prep, &["check", "durable_note", "--pristine"]);
    assert!(said.code == Some(1) && said.out.contains("✗ Your own tests: 1 passed, 1 failed"), "{}", said.shown());
    assert!(said.out.contains("  ✗ helper::breaks  exercises/durable_note/helper.rs:8\n      by hand\n"), "{}", said.shown());
    assert!(!prep.join("target").exists(), "the folder stays as it is");
    let progress = splitbrain(&prep, &["list", "--format", "json"]);
    let line = progress.out.lines().find(|line| line.contains("durable_note")).unwrap();
    assert!(line.contains("\"passed_at\":null") || line.contains("\"passed\":false"), "nothing is recorded: {line}");
    put("exercises/durable_note/durable_note.rs", " \n");
    let said = splitbrain(&prep, &["check", "durable_note", "--pristine"]);
    assert!(said.code == Some(3) && said.err.contains("is empty: `splitbrain reset durable_note` restores the stub"), "{}", said.shown());
}

#[test]
fn where_one_is_says_which_exercise() {
    let dir = tempfile::tempdir().unwrap();
    splitbrain(dir.path(), &["init", "prep"]);
    let prep = dir.path().join("prep");
    for id in ["hash_ring", "g_counter"] {
        fs::remove_file(prep.join(format!("exercises/{id}/{id}.rs"))).unwrap();
    }
    let missing = "exercises/hash_ring/hash_ring.rs is missing: `splitbrain reset hash_ring` restores the stub";
    for (from, args) in [
        ("exercises/hash_ring", &["check"][..]),
        ("exercises/g_counter", &["check", "../hash_ring/hash_ring.rs"]),
        ("", &["check", "exercises/hash_ring/hash_ring.rs"]),
        ("exercises", &["check", "./hash_ring/"]),
    ] {
        let said = splitbrain(&prep.join(from), args);
        assert!(said.code == Some(3) && said.err.contains(missing), "{from} {args:?}: {}", said.shown());
    }
    // A pipe in the place of the file: nothing waits for it.
    let pipe = prep.join("exercises/pn_counter/pn_counter.rs");
    fs::remove_file(&pipe).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for args in [&["check", "pn_counter"][..], &["check", "pn_counter", "--pristine"], &["reset", "pn_counter", "--yes"]] {
        let said = splitbrain(&prep, args);
        assert!(said.code == Some(3), "{args:?}: {}", said.shown());
    }
    let said = splitbrain(&prep.join("exercises/hash_ring"), &["show"]);
    assert!(said.code == Some(0) && said.out.contains("exercises/hash_ring/hash_ring.rs"), "{}", said.shown());
    // A name of the other kind is told from one that is no name.
    for (verb, name, sentence) in [
        ("show", "sharding", "`sharding` is a topic (`splitbrain learn sharding`); its exercises: hash_ring"),
        ("check", "design", "`design` is a topic (`splitbrain learn design`); it has no exercise"),
        ("quiz", "hash_ring", "`hash_ring` is an exercise (`splitbrain show hash_ring`); its topic is `sharding`"),
        ("learn", "hash_ring", "its topic is `sharding`"),
    ] {
        let said = splitbrain(&prep, &[verb, name]);
        assert!(said.code == Some(2) && said.err.contains(sentence), "{}", said.shown());
    }
    let said = splitbrain(&prep, &["check", "Hash-Ring"]);
    assert!(said.code == Some(2) && said.err.contains("did you mean `hash_ring`?"), "{}", said.shown());
    let said = splitbrain(&prep, &["quiz", "CONSENSUS"]);
    assert!(said.code == Some(2) && said.err.contains("did you mean `consensus`?"), "{}", said.shown());
    let said = splitbrain(&prep, &["learn", "byzantine faults"]);
    assert!(said.code == Some(2) && said.err.contains("did you mean `byzantine`?"), "{}", said.shown());
    let said = splitbrain(&prep, &["learn", "Byzantine faults"]);
    assert!(said.code == Some(0) && said.out.contains("splitbrain quiz"), "{}", said.shown());
    // The library is put right before anything else, also where git did not have it.
    fs::remove_dir_all(prep.join(".splitbrain")).unwrap();
    let said = splitbrain(&prep, &["check", "hash_ring"]);
    assert!(said.err.contains(".splitbrain/core was missing, and has been restored") && said.err.contains(missing), "{}", said.shown());
    assert!(prep.join(".splitbrain/core/src/lib.rs").is_file());
}
