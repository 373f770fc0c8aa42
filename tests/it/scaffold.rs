//! `dev new` in a copy of the repository: what it writes compiles, and is a complete exercise.

use crate::bench::{ROOT, splitbrain};
use std::fs;
use std::path::Path;

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().flatten() {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

#[test]
fn a_new_exercise_is_complete() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for path in
        ["Cargo.toml", "Cargo.lock", "rustfmt.toml", "src", "engine", "exercises", "solutions", "quizzes", "benches", "tests/mutants"]
    {
        copy(&Path::new(ROOT).join(path), &dir.join(path));
    }
    for wrong in
        [["new", "Two-Generals", "--topic", "consensus"], ["new", "g_counter", "--topic", "consensus"], ["new", "x", "--topic", "none"]]
    {
        assert_eq!(splitbrain(dir, &[&["dev"], &wrong[..]].concat()).code, Some(2), "{wrong:?}");
    }
    let said = splitbrain(dir, &["dev", "new", "two_generals", "--topic", "consensus"]);
    assert_eq!(said.code, Some(0), "{}", said.shown());
    assert_eq!(splitbrain(dir, &["dev", "sync", "--check"]).out, "Nothing is out of date.\n");
    let said = splitbrain(dir, &["check", "two_generals", "--solution"]);
    assert_eq!(said.code, Some(0), "{}", said.shown());
    let said = splitbrain(dir, &["check", "two_generals"]);
    assert!(said.code == Some(1) && said.out.contains("not finished"), "{}", said.shown());
    let mutant = fs::read_to_string(dir.join("solutions/two_generals.rs")).unwrap().replace("Echoed(number)", "Echoed(number + 1)");
    fs::write(dir.join("mutant.rs"), mutant).unwrap();
    let said = splitbrain(dir, &["check", "two_generals", "--file", "mutant.rs"]);
    assert!(said.code == Some(1) && said.out.contains("answered Some(Echoed(8))"), "{}", said.shown());
    // What it wrote is written as rustfmt writes.
    let formatted = std::process::Command::new("rustfmt")
        .args([
            "--check",
            "--edition",
            "2024",
            "src/exercises/two_generals/mod.rs",
            "src/exercises/two_generals/judge.rs",
            "solutions/two_generals.rs",
        ])
        .arg("exercises/two_generals/two_generals.rs")
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stdout));
}
