//! Lessons: what they show of the simulator is what it does; read on a terminal, as one text, and in the form of programs.

use crate::bench::{ROOT, is_in_turn, program, splitbrain};
use crate::pty::full::{PATIENCE, Pty};
use crate::quiz::{lesson, toy_with_questions, with_lesson};
use crate::sitting::rows;
use std::path::Path;

/// Whatever a record follows from has its fingerprint in it: what has changed is judged anew, and of the rest three exercises in turn.
#[test]
fn what_lessons_show_is_what_the_simulator_does() {
    let said = splitbrain(Path::new(ROOT), &["dev", "lessons", "--check"]);
    assert_eq!(said.code, Some(0), "{}", said.shown());
    macro_rules! ids {
        ($($id:ident)*) => { [$(stringify!($id)),*] };
    }
    let in_turn: Vec<&str> = crate::exercises::each!(ids).into_iter().filter(|id| is_in_turn(id)).take(3).collect();
    assert!(!in_turn.is_empty());
    let said = splitbrain(Path::new(ROOT), &[&["dev", "lessons", "--check", "--anew"], in_turn.as_slice()].concat());
    assert_eq!(said.code, Some(0), "{}", said.shown());
}

fn read(dir: &Path, columns: u16, rows: u16) -> Pty {
    let mut command = program(dir);
    command.args(["learn", "cap"]);
    Pty::start(command, columns, rows)
}

/// Leaf by leaf, the run step by step, the questions, the rest; nothing is pushed off the screen unread.
#[test]
fn a_lesson_is_read_stepped_through_and_asked_about() {
    for (columns, height) in [(80, 24), (120, 40)] {
        let dir = toy_with_questions();
        let dir = dir.path();
        let mut pty = read(dir, columns, height);
        let mut leaf = 1;
        while !pty.pump(PATIENCE, |screen| screen.contains(&format!(", {leaf} of "))) || !pty.now().contains("Then a run, step by step") {
            assert!(pty.now().contains(&format!("Read on, {leaf} of ")), "{}", pty.now());
            pty.send("\r");
            leaf += 1;
        }
        assert!(pty.now().contains("A run"), "{}", pty.now());
        pty.send("\r");
        pty.sees("she calls");
        for note in ["he hears it", "it comes back", "This is the end of the run"] {
            pty.send("\x1b[C");
            pty.sees(note);
        }
        pty.send("?");
        pty.sees("on with the lesson");
        pty.send("x");
        pty.sees("it comes back");
        pty.send("q");
        pty.sees("Then questions on it");
        pty.send("\r");
        pty.sees("── 1 of 2 ·");
        pty.sees("d: don't know");
        pty.send("d");
        pty.sees("✗ You did not know (0).");
        pty.sees("Echoes come back.");
        pty.sees("Next question");
        pty.send("\x7f");
        pty.sees("Taken back.");
        assert_eq!(rows(dir), 0, "what was taken back is not kept");
        pty.sees("── 1 of 2 ·");
        pty.send("\x1b");
        assert_eq!(pty.end().code(), Some(0));
        pty.is_as_found();
    }
}

#[test]
fn off_a_terminal_it_is_one_text_and_programs_get_its_parts() {
    let dir = toy_with_questions();
    let dir = dir.path();
    let said = splitbrain(dir, &["learn", "cap"]);
    assert_eq!(said.code, Some(0), "{}", said.shown());
    for part in [
        "Toys\n",
        "Echoes come back.",
        "step  2  he hears it",
        "Numbers to know",
        "Practise it: splitbrain show toy",
        "Then: splitbrain quiz cap (2",
    ] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    assert!(!said.out.contains("<!--") && !said.out.contains("```"), "{}", said.out);
    let skimmed = splitbrain(dir, &["learn", "cap", "--skim"]).out;
    assert!(skimmed.contains("Numbers to know") && !skimmed.contains("Echoes come back."), "{skimmed}");
    let json: serde_json::Value = serde_json::from_str(splitbrain(dir, &["learn", "cap", "--format", "json"]).out.trim()).unwrap();
    assert!(json["minutes"].as_u64().is_some_and(|minutes| (7..=9).contains(&minutes)) && json["exercises"][0] == "toy", "{json}");
    let list = splitbrain(dir, &["learn"]).out;
    assert!(list.contains("minutes, 2 questions"), "{list}");
    // One with a mistake says where.
    with_lesson(dir, &lesson("Toys", &["toy-echo"], &[]).replace("```run toy/one_more", "```run one_more"));
    let said = splitbrain(dir, &["learn", "cap"]);
    assert!(said.code == Some(3) && said.err.contains("lessons/cap.md:"), "{}", said.shown());
}
