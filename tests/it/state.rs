//! What is remembered between two calls, by several programs at once, and when the file is broken.

use crate::bench::{snapshot, splitbrain, toy};
use std::fs;

#[test]
fn a_broken_file_is_set_aside_and_said() {
    let dir = toy();
    let dir = dir.path();
    fs::create_dir_all(dir.join(".splitbrain")).unwrap();
    fs::write(dir.join(".splitbrain/progress.toml"), "version = 1\n[exercises.toy\n").unwrap();
    snapshot(dir, "state_set_aside", &splitbrain(dir, &["hint", "toy"]));
    assert_eq!(fs::read_to_string(dir.join(".splitbrain/progress.toml.unreadable-1")).unwrap(), "version = 1\n[exercises.toy\n");
    assert_eq!(splitbrain(dir, &["hint", "toy"]).err, "");
}

#[test]
fn a_newer_file_is_refused() {
    let dir = toy();
    let dir = dir.path();
    fs::create_dir_all(dir.join(".splitbrain")).unwrap();
    fs::write(dir.join(".splitbrain/progress.toml"), "version = 99\n").unwrap();
    snapshot(dir, "state_newer", &splitbrain(dir, &["list"]));
    assert_eq!(fs::read_to_string(dir.join(".splitbrain/progress.toml")).unwrap(), "version = 99\n");
}

#[test]
fn programs_that_write_at_once_lose_nothing() {
    let dir = toy();
    let path = dir.path();
    let text = fs::read_to_string(path.join("exercises/toy/exercise.toml")).unwrap();
    let hints: Vec<String> = (0..24).map(|n| format!("\"hint {n}\"")).collect();
    let text = text.replace("\"a nudge\", \"the idea\", \"n\"", &hints.join(", "));
    fs::write(path.join("exercises/toy/exercise.toml"), text).unwrap();
    let mut given: Vec<String> = std::thread::scope(|s| {
        let threads: Vec<_> =
            (0..4).map(|_| s.spawn(|| (0..6).map(|_| splitbrain(path, &["hint", "toy"]).out).collect::<Vec<_>>())).collect();
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
    });
    given.sort();
    given.dedup();
    assert_eq!(given.len(), 24, "each hint was given once: {given:?}");
}
