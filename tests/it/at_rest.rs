//! What `watch` builds while nothing else is to do.

use crate::bench::{processes_of, toy_file};
use crate::patience::comes;
use crate::watch::{Desk, wrong};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A second exercise of the toy course, after the first.
fn second(desk: &Desk, text: &str) {
    let root = desk.path();
    let change = |path: &str, from: &str, to: &str| {
        let old = fs::read_to_string(root.join(path)).unwrap();
        assert!(old.contains(from), "{path}: {from}");
        fs::write(root.join(path), old.replacen(from, to, 1)).unwrap();
    };
    change("Cargo.toml", "toy = []\nall-exercises = [\"toy\"]", "toy = []\nbell = []\nall-exercises = [\"toy\", \"bell\"]");
    let bin = "[[bin]]\nname = \"bell\"\npath = \"exercises/bell/bell.rs\"\nrequired-features = [\"bell\"]\n[profile.judge]";
    change("Cargo.toml", "[profile.judge]", bin);
    change("exercises/course.toml", "[\"toy\"]", "[\"toy\", \"bell\"]");
    for folder in ["exercises", "src/exercises"] {
        fs::create_dir(root.join(folder).join("bell")).unwrap();
    }
    for path in ["exercises/toy/exercise.toml", "exercises/toy/README.md", "src/exercises/toy/mod.rs", "solutions/toy.rs"] {
        fs::copy(root.join(path), root.join(path.replace("toy", "bell"))).unwrap();
    }
    fs::write(root.join("exercises/bell/bell.rs"), text).unwrap();
}

/// At rest the next exercise is built, so that nobody waits for its hidden tests; the terminal says so.
#[test]
fn the_next_exercise_is_built_at_rest() {
    let desk = Desk::new("n");
    second(&desk, &toy_file("todo!()"));
    let mut pty = desk.watch();
    pty.sees("the hidden test holds");
    let built = desk.path().join("target/judge/bell");
    assert!(comes(|| built.is_file()), "{} was not built", built.display());
    pty.send("q");
    pty.end();
    desk.nothing_runs();
}

/// A build at rest that would never end: who saves does not wait for it, and it goes with us.
#[test]
fn nobody_waits_for_what_is_built_at_rest() {
    let desk = Desk::new("n");
    second(&desk, &format!("const _: &str = include_str!(\"pipe\");\n{}", toy_file("todo!()")));
    let pipe = desk.path().join("exercises/bell/pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let at_bell = || processes_of(Path::new("exercises/bell/bell.rs")).into_iter().any(|l| l.contains(&desk.path().display().to_string()));
    let mut pty = desk.watch();
    for answer in [1_001, 1_002] {
        pty.sees("building the tests of bell meanwhile");
        desk.save(&wrong(answer));
        pty.sees(&format!("gave {answer}"));
    }
    pty.send("q");
    pty.end();
    assert!(comes(|| !at_bell()), "left behind");
    desk.nothing_runs();
}
