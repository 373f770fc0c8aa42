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

/// A new exercise in a copy of the repository: it is listed, its reference passes, its stub is unfinished, and `find` replaced in its
/// reference breaks the rule of that title.
fn is_complete(dir: &Path, id: &str, arguments: &[&str], (find, replace): (&str, &str), title: &str) {
    let said = splitbrain(dir, &[&["dev", "new", id], arguments].concat());
    assert_eq!(said.code, Some(0), "{}", said.shown());
    assert_eq!(splitbrain(dir, &["dev", "sync", "--check"]).out, "Nothing is out of date.\n");
    let said = splitbrain(dir, &["check", id, "--solution"]);
    assert_eq!(said.code, Some(0), "{}", said.shown());
    let said = splitbrain(dir, &["check", id]);
    assert!(said.code == Some(1) && said.out.contains("not finished"), "{}", said.shown());
    let reference = fs::read_to_string(dir.join(format!("solutions/{id}.rs"))).unwrap();
    assert!(reference.contains(find), "{reference}");
    fs::write(dir.join("mutant.rs"), reference.replace(find, replace)).unwrap();
    let said = splitbrain(dir, &["check", id, "--file", "mutant.rs"]);
    assert!(said.code == Some(1) && said.out.contains(&format!("✗ {title}")), "{}", said.shown());
    // What it wrote is written as rustfmt writes.
    let files = ["mod.rs", "judge/mod.rs", "judge/spec.rs"].map(|file| format!("src/exercises/{id}/{file}"));
    let formatted = std::process::Command::new("rustfmt")
        .args(["--check", "--edition", "2024"])
        .args(files)
        .args([format!("solutions/{id}.rs"), format!("exercises/{id}/{id}.rs")])
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stdout));
}

#[test]
fn a_new_exercise_is_complete() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for path in [
        "Cargo.toml",
        "Cargo.lock",
        "README.md",
        "rustfmt.toml",
        "src",
        "engine",
        "exercises",
        "solutions",
        "lessons",
        "quizzes",
        "benches",
        "tests/mutants",
        "tests/alternatives",
    ] {
        copy(&Path::new(ROOT).join(path), &dir.join(path));
    }
    for wrong in
        [["new", "Two-Generals", "--topic", "consensus"], ["new", "g_counter", "--topic", "consensus"], ["new", "x", "--topic", "none"]]
    {
        assert_eq!(splitbrain(dir, &[&["dev"], &wrong[..]].concat()).code, Some(2), "{wrong:?}");
    }
    let rises = "a node gives larger and larger numbers";
    is_complete(dir, "two_generals", &["--topic", "consensus"], ("cx.save(Saved { last: self.last });", ""), rises);
    let sums = "the sum is that of all numbers";
    is_complete(dir, "adder", &["--topic", "latency", "--plain"], ("self.sum += number", "self.sum = number"), sums);
}
