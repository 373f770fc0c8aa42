//! Looking at the course: list, show, hint, no verb, progress, and what is wrong with it.

use crate::bench::{shared_toy, snapshot, splitbrain, toy};
use std::fs;

#[test]
fn looking_at_the_course() {
    let dir = toy();
    let dir = dir.path();
    for (name, args) in [("home", &[][..]), ("list", &["list"]), ("show", &["show", "toy"]), ("progress", &["progress"])] {
        snapshot(dir, name, &splitbrain(dir, args));
    }
    snapshot(dir, "list_json", &splitbrain(dir, &["list", "--format", "json"]));
    assert_eq!(splitbrain(&dir.join("exercises/toy"), &["list"]).code, Some(0), "from any folder inside");
}

#[test]
fn the_ladder_of_hints() {
    let dir = toy();
    let dir = dir.path();
    let said = |args: &[&str]| splitbrain(dir, args).out;
    assert!(said(&["hint", "--again"]).starts_with("You have not seen a hint of toy yet"));
    assert_eq!(said(&["hint"]), "Hint 1 of 3 for toy\na nudge\n", "of the current exercise");
    assert_eq!(said(&["hint", "toy"]), "Hint 2 of 3 for toy\nthe idea\n");
    assert_eq!(said(&["hint", "toy", "--again"]), "Hint 1 of 3 for toy\na nudge\n\nHint 2 of 3 for toy\nthe idea\n");
    said(&["hint", "toy"]);
    assert!(said(&["hint", "toy"]).starts_with("You have seen all 3 hints of toy"));
    let list = said(&["list", "--format", "json"]);
    assert!(list.contains("\"hints\":3"), "{list}");
}

#[test]
fn unknown_ids_and_wrong_usage() {
    let dir = shared_toy();
    for args in [&["show", "toi"][..], &["check", "toi"], &["hint", "paxos"], &["replay", "toy"], &["check", "toy", "--file", "none.rs"]] {
        let said = splitbrain(dir, args);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{args:?} {}", said.err);
    }
    snapshot(dir, "unknown_id", &splitbrain(dir, &["show", "toi"]));
    for args in [
        &["chekc"][..],
        &["check", "--all", "toy"],
        &["check", "--runs", "0"],
        &["list", "--format", "junit"],
        &["list", "--format", "xml"],
    ] {
        assert_eq!(splitbrain(dir, args).code, Some(2), "{args:?}");
    }
    let outside = tempfile::tempdir().unwrap();
    snapshot(outside.path(), "no_workspace", &splitbrain(outside.path(), &["list"]));
    assert_eq!(splitbrain(outside.path(), &["--help"]).code, Some(0));
    assert_eq!(splitbrain(outside.path(), &["--version"]).code, Some(0));
}

#[test]
fn mistakes_in_the_course_are_said_with_their_place() {
    let dir = toy();
    let dir = dir.path();
    fs::write(dir.join("exercises/course.toml"), "[[topic]]\nid = \"toys\"\ntitel = \"Toys\"\nexercises = [\"toy\", \"Toy\"]\n").unwrap();
    snapshot(dir, "course_mistakes", &splitbrain(dir, &["list"]));
}

#[test]
fn dev_sync_says_what_is_missing() {
    let dir = toy();
    let dir = dir.path();
    fs::remove_file(dir.join("src/exercises/toy/mod.rs")).unwrap();
    snapshot(dir, "sync_without_markers", &splitbrain(dir, &["dev", "sync"]));
    let manifest = fs::read_to_string(dir.join("Cargo.toml")).unwrap();
    let markers = |name: &str| format!("# >>> {name}: written by `splitbrain dev sync`\n# <<< {name}\n");
    let manifest = manifest.replace("toy = []\nall-exercises = [\"toy\"]\n", &markers("features"));
    let manifest = manifest.replace("[[bin]]", &format!("{}[[other]]", markers("bins")));
    fs::write(dir.join("Cargo.toml"), manifest).unwrap();
    fs::create_dir_all(dir.join("src/cli")).unwrap();
    assert_eq!(splitbrain(dir, &["dev", "sync", "--check"]).code, Some(1));
    snapshot(dir, "sync", &splitbrain(dir, &["dev", "sync"]));
    let manifest = fs::read_to_string(dir.join("Cargo.toml")).unwrap();
    assert!(manifest.contains("toy = []\nall-exercises = [\"toy\"]\n# <<< features"), "{manifest}");
    assert!(manifest.contains("path = \"exercises/toy/toy.rs\"\nrequired-features = [\"toy\"]"), "{manifest}");
    assert!(!splitbrain(dir, &["dev", "sync"]).out.contains("written"), "nothing is written twice");
}
