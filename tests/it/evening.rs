//! What is on a terminal in an evening beside `watch` and the quiz: the menu, a replay, the reference, a reset, the course
//! checked whole; and the terminal is left as it was found.

use crate::bench::{program, splitbrain, toy, toy_file};
use crate::exercises::each;
use crate::pty::full::{PATIENCE, Pty};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn prep() -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let made = splitbrain(parent.path(), &["init", "prep"]);
    assert_eq!(made.code, Some(0), "{}", made.shown());
    let dir = parent.path().join("prep");
    (parent, dir)
}

fn start(dir: &Path, args: &[&str], columns: u16, rows: u16) -> Pty {
    let mut command = program(dir);
    command.args(args);
    Pty::start(command, columns, rows)
}

/// The program ends with that code and leaves the terminal as it was.
#[track_caller]
fn ends(mut pty: Pty, code: i32) -> String {
    assert_eq!(pty.end().code(), Some(code), "{}", pty.now());
    pty.is_as_found();
    pty.now()
}

/// Who comes for the first time reads, and is asked again; then the work is first.
#[test]
fn the_menu_leads_on() {
    let (_parent, dir) = prep();
    let mut pty = start(&dir, &[], 90, 24);
    let screen = pty.sees("What now? (1-7, Enter; ? helps; Esc leaves): 1");
    assert!(screen.contains("Begin here") && screen.contains("1  A guided first exercise"), "{screen}");
    assert!(screen.contains("2  Read the problem: durable_note") && screen.contains("splitbrain learn start "), "{screen}");
    pty.send("2\r");
    pty.sees("1  Begin durable_note");
    let screen = pty.sees("What now?");
    assert!(screen.contains("2  Read the problem"), "{screen}");
    pty.send("5\r");
    pty.sees("cache_aside");
    assert!(pty.sees("What now?").contains("1  Begin durable_note"));
    pty.send("\x1b");
    ends(pty, 0);
    let mut pty = start(&dir, &[], 90, 24);
    pty.sees("What now?");
    pty.send("\x03");
    ends(pty, 130);
}

/// `1 watch` of the menu, `z` of the watch: the questions about what is worked on, and back to the verdict.
#[test]
fn from_the_menu_to_watch_to_the_quiz() {
    let dir = crate::quiz::toy_with_questions();
    fs::write(dir.path().join("exercises/toy/toy.rs"), toy_file("if n == 3 { 1003 } else { n }")).unwrap();
    let mut pty = start(dir.path(), &[], 90, 30);
    pty.sees("2  Begin toy");
    pty.send("2\r");
    pty.sees("n1 was given 3 and gave 1003");
    pty.send("z");
    for (question, goes_on) in [("1 of 2 ·", "Next question (Enter"), ("2 of 2 ·", "[any key] back to watching")] {
        // What stands above is of the question before.
        let asks = |pty: &mut Pty, text: &str| {
            let asked = |screen: &str| screen.split_once(question).is_some_and(|(_, since)| since.contains(text));
            assert!(pty.pump(PATIENCE, asked), "`{text}` was not seen after `{question}` on\n{}", pty.now());
        };
        asks(&mut pty, "Your answer");
        let numeric = pty.now().split_once(question).is_some_and(|(_, since)| since.contains("How many come back"));
        let echo = pty.now().lines().rev().find_map(|line| Some(line.trim_start().split_once("  Echo, a nymph")?.0.to_owned()));
        pty.send(&if numeric { "6\r".to_owned() } else { format!("{}\r", echo.expect("it is an option")) });
        asks(&mut pty, "How sure");
        pty.send("3\r");
        asks(&mut pty, goes_on);
        pty.send("\r");
    }
    pty.sees("n1 was given 3 and gave 1003");
    let kept = fs::read_to_string(dir.path().join(".splitbrain/quiz.toml")).unwrap();
    assert_eq!(crate::sitting::rows(dir.path()), 2, "{kept}");
    pty.send("q");
    ends(pty, 0);
}

#[test]
fn a_replay_goes_forth_and_back() {
    let dir = toy();
    fs::write(dir.path().join("exercises/toy/toy.rs"), toy_file("if n == 3 { 1003 } else { n }")).unwrap();
    let mut pty = start(dir.path(), &["check", "toy"], 90, 30);
    pty.sees("splitbrain replay toy");
    ends(pty, 1);
    let mut pty = start(dir.path(), &["replay", "toy"], 90, 30);
    // It begins where it broke.
    let broke = pty.sees("step 2 of 2");
    pty.send("\x1b[D");
    pty.sees("step 1 of 2");
    pty.send("\x1b[C");
    pty.sees("step 2 of 2");
    pty.send("g");
    pty.sees("step 1 of 2");
    pty.send("v");
    assert_eq!(pty.sees("step 2 of 2"), broke);
    pty.send("q");
    ends(pty, 0);
}

/// The reference is asked for twice before it costs anything; a reset asks, says where the work is, and is undone.
#[test]
fn giving_up_and_beginning_anew_are_asked() {
    let (_parent, dir) = prep();
    let file = dir.join("exercises/g_counter/g_counter.rs");
    let mut pty = start(&dir, &["solution", "g_counter"], 90, 24);
    pty.sees("(y/N)");
    pty.send("\r");
    ends(pty, 1);
    assert!(!dir.join(".splitbrain/progress.toml").exists(), "nothing is recorded of what was not done");
    let mut pty = start(&dir, &["solution", "g_counter"], 90, 24);
    pty.sees("(y/N)");
    pty.send("y");
    pty.sees("A user moves between data centres");
    ends(pty, 0);
    assert!(fs::read_to_string(dir.join(".splitbrain/progress.toml")).unwrap().contains("gave_up_at"));

    fs::write(&file, "fn my_work() {}\n").unwrap();
    let mut pty = start(&dir, &["reset", "g_counter"], 90, 24);
    pty.sees("(y/N)");
    pty.send("n");
    assert!(ends(pty, 0).contains("nothing was changed"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "fn my_work() {}\n");
    let mut pty = start(&dir, &["reset", "g_counter"], 90, 24);
    pty.sees("(y/N)");
    pty.send("y");
    assert!(ends(pty, 0).contains("your file is kept as .splitbrain/backups/g_counter/"));
    assert!(fs::read_to_string(&file).unwrap().contains("todo!"));
    let mut pty = start(&dir, &["reset", "g_counter", "--undo"], 90, 24);
    pty.sees("(y/N)");
    pty.send("y");
    ends(pty, 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), "fn my_work() {}\n");
}

/// The bar is drawn while others are judged, and nothing of it stays.
#[test]
fn all_are_checked_with_a_bar() {
    let dir = toy();
    let path = |name: &str| dir.path().join(name);
    let edit = |name: &str, from: &str, to: &str| {
        let text = fs::read_to_string(path(name)).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path(name), text.replace(from, to)).unwrap();
    };
    edit("Cargo.toml", "toy = []\nall-exercises = [\"toy\"]\n", "toy = []\nyot = []\nall-exercises = [\"toy\", \"yot\"]\n");
    edit(
        "Cargo.toml",
        "[profile.judge]",
        "[[bin]]\nname = \"yot\"\npath = \"exercises/yot/yot.rs\"\nrequired-features = [\"yot\"]\n[profile.judge]",
    );
    edit("exercises/course.toml", "[\"toy\"]", "[\"toy\", \"yot\"]");
    fs::create_dir(path("exercises/yot")).unwrap();
    for name in ["exercise.toml", "README.md"] {
        fs::copy(path("exercises/toy").join(name), path("exercises/yot").join(name)).unwrap();
    }
    fs::write(path("exercises/toy/toy.rs"), toy_file("n")).unwrap();
    fs::write(path("exercises/yot/yot.rs"), toy_file("if n == 3 { 1003 } else { n }")).unwrap();
    let mut pty = start(dir.path(), &["check", "--all"], 90, 40);
    pty.sees("1 of 2 exercises pass");
    let written = String::from_utf8_lossy(&pty.written).into_owned();
    assert!(written.contains("judging □□ 0 of 2") && written.contains("judging ■□ 1 of 2"), "{written}");
    let screen = ends(pty, 1);
    assert!(!screen.contains("judging") && screen.contains("✓ toy") && screen.contains("n1 was given 3"), "{screen}");
}

/// How many exercises there are.
macro_rules! count {
    ($($id:ident)*) => {
        [$(stringify!($id)),*].len()
    };
}

/// What only tells: it ends by itself, in a narrow terminal as in a wide one.
#[test]
fn what_only_tells() {
    let (_parent, dir) = prep();
    let progress = format!("0 of {} exercises passed", each!(count));
    for (args, says) in [
        (&["list"][..], "raft_election"),
        (&["show", "g_counter"], "g_counter"),
        (&["hint", "g_counter"], "of 3 for g_counter"),
        (&["progress"], progress.as_str()),
        (&["doctor"], "terminal"),
        (&["clean"], "Freed 0 MB"),
        (&["export", "mine.toml", "--force"], "mine.toml"),
        (&["import", "mine.toml"], "mine.toml"),
        (&["update"], "Already up to date"),
    ] {
        for columns in [60, 100] {
            let mut command = program(&dir);
            // Not the folder in which other tests build.
            command.args(args).env("CARGO_TARGET_DIR", dir.join("target"));
            let mut pty = Pty::start(command, columns, 50);
            pty.sees(says);
            ends(pty, 0);
        }
    }
}
