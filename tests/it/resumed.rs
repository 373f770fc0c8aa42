//! A quiz that was broken off, by whatever way, goes on where it was.

use crate::bench::{answering, program, splitbrain};
use crate::pty::full::{PATIENCE, Pty};
use crate::quiz::with_lesson;
use crate::sitting::{kept, many, rows, with_quiz};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::Stdio;

fn on_terminal(dir: &Path, args: &[&str]) -> Pty {
    let mut command = program(dir);
    command.args(args);
    Pty::start(command, 80, 40)
}

/// Waits until that is what is asked: it stood there for the question before, too.
#[track_caller]
fn asks(pty: &mut Pty, text: &str) {
    let at_the_end = |screen: &str| screen.trim_end().lines().rev().take(2).any(|row| row.contains(text));
    assert!(pty.pump(PATIENCE, at_the_end), "`{text}` is not asked on\n{}", pty.now());
}

/// Answers the question that stands there as so, surely, and waits for the pause behind it.
fn one(pty: &mut Pty, number: &str, answer: &str) {
    pty.sees(number);
    asks(pty, "Your answer (1 true");
    pty.send(answer);
    asks(pty, "How sure");
    pty.send("s\r");
}

/// Which questions were asked, in order, and with which seeds.
fn asked(dir: &Path) -> (Vec<String>, BTreeSet<String>) {
    let kept = kept(dir);
    let all = kept["answer"].as_array().unwrap();
    let text = |key: &str| all.iter().map(|row| row[key].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    (text("question"), text("seed").into_iter().collect())
}

#[test]
fn however_it_was_left_it_goes_on_where_it_was() {
    for way in ["escape", "-TERM", "-KILL", "-HUP", "window"] {
        let dir = with_quiz(&many(5));
        let dir = dir.path();
        let mut pty = on_terminal(dir, &["quiz", "cap"]);
        one(&mut pty, "1 of 5", "t\r");
        asks(&mut pty, "Next question");
        pty.send("\r");
        one(&mut pty, "2 of 5", "f\r");
        asks(&mut pty, "Next question");
        pty.send("\r");
        pty.sees("3 of 5");
        pty.sees("Your answer (1 true");
        match way {
            "escape" => pty.send("\x1b"),
            "window" => {
                pty.hang_up();
            }
            signal => pty.signal(signal),
        }
        if way != "window" {
            pty.end();
        }
        assert_eq!(rows(dir), 2, "{way}");
        // The questions, their order and the seed are those of before; the score counts what was answered then.
        let said = answering(dir, &["quiz", "cap"], "true\nsure\ntrue\nthink\n");
        assert!(said.out.contains("You continue with question 3 of 5; `--new` starts over."), "{way}: {}", said.shown());
        assert!(
            said.out.contains("── 3 of 5 ·") && said.out.contains("── 5 of 5 ·") && !said.out.contains("2 of 5 ·"),
            "{way}: {}",
            said.shown()
        );
        assert!(said.out.contains("3 of 4 right · +2 marks · 1 left for another time"), "{way}: {}", said.shown());
        assert!(said.out.contains("sure: 2 of 3 right") && said.out.contains("Sure, but wrong"), "{way}: {}", said.shown());
        let said = answering(dir, &["quiz", "cap"], "true\nsure\n");
        assert!(said.out.contains("question 5 of 5;") && said.out.contains("4 of 5 right"), "{way}: {}", said.shown());
        let (questions, seeds) = asked(dir);
        assert_eq!((questions.len(), questions.iter().collect::<BTreeSet<_>>().len(), seeds.len()), (5, 5, 1), "{way}: {questions:?}");
        // It is over: the next one is a new one.
        let said = answering(dir, &["quiz", "cap"], "");
        assert!(said.out.contains("1 of 5 ·") && !said.out.contains("You continue"), "{way}: {}", said.shown());
    }
}

#[test]
fn a_mixed_quiz_and_a_review_go_on_with_their_questions() {
    let dir = with_quiz(&many(30));
    let dir = dir.path();
    answering(dir, &["quiz"], &"true\nsure\n".repeat(4));
    let said = answering(dir, &["quiz"], &"true\nsure\n".repeat(6));
    assert!(said.out.contains("question 5 of 10;") && said.out.contains("10 of 10 right"), "{}", said.shown());
    let (questions, seeds) = asked(dir);
    assert_eq!((questions.iter().collect::<BTreeSet<_>>().len(), seeds.len()), (10, 1));
    // Six are due.
    let row = |n: u32| {
        format!(
            "[[answer]]\ntopic = 'cap'\nquestion = 'q-{n}'\nrev = 1\nright = false\nat_unix_s = {}\n",
            crate::bench::unix_s() - 9 * 86_400
        )
    };
    fs::write(dir.join(".splitbrain/quiz.toml"), format!("version = 1\n{}", (0..6).map(row).collect::<String>())).unwrap();
    answering(dir, &["review", "--limit", "4"], "true\nsure\nfalse\nsure\n");
    let said = answering(dir, &["review", "--limit", "4"], "true\nsure\ntrue\nsure\n");
    assert!(said.out.contains("question 3 of 4;") && said.out.contains("3 of 4 right"), "{}", said.shown());
    let said = answering(dir, &["review"], "");
    assert!(said.out.contains("1 of 2 ·"), "what is due still: {}", said.shown());
}

#[test]
fn who_wants_a_new_one_gets_it() {
    let dir = with_quiz(&many(5));
    let dir = dir.path();
    answering(dir, &["quiz", "cap", "--seed", "7"], "true\nsure\n");
    let first = |args: &[&str]| {
        let said = answering(dir, args, "");
        let at = said.out.find("── ").unwrap_or_else(|| panic!("{}", said.shown())) + "── ".len();
        said.out[at..].chars().next().unwrap()
    };
    assert_eq!(first(&["quiz", "cap", "--limit", "2"]), '1', "another quiz");
    assert_eq!(first(&["quiz", "cap", "--seed", "7"]), '2', "the same call goes on");
    assert_eq!(first(&["quiz", "cap"]), '2', "none is named: that which there is");
    assert_eq!(first(&["quiz", "cap", "--seed", "8"]), '1', "another seed is another sitting");
    answering(dir, &["quiz", "cap"], "true\nsure\n");
    assert_eq!(first(&["quiz", "cap", "--new"]), '1');
    // What cannot be taken up stands in no way.
    fs::write(dir.join(".splitbrain/sitting.toml"), "version = 99\n").unwrap();
    let said = answering(dir, &["quiz", "cap", "--limit", "1"], "true\nsure\n");
    assert!(said.code == Some(0) && said.err.contains("newer splitbrain") && said.out.contains("1 of 1 right"), "{}", said.shown());
}

#[test]
fn learn_says_where_it_goes_on() {
    let dir = with_quiz(&many(3));
    let dir = dir.path();
    with_lesson(dir, "# Many\n\n<!-- answers: q-0 -->\nNumbers are numbers.\n");
    let mut pty = on_terminal(dir, &["learn", "cap"]);
    pty.sees("Numbers are numbers.");
    pty.sees("The 3 questions on it now");
    pty.send("\r");
    one(&mut pty, "1 of 3", "t\r");
    asks(&mut pty, "Next question");
    pty.signal("-KILL");
    pty.end();
    let mut pty = on_terminal(dir, &["learn", "cap"]);
    pty.sees("Go on with question 2 of 3 on it now");
    pty.send("\r");
    one(&mut pty, "2 of 3", "t\r");
    asks(&mut pty, "Next question");
    pty.send("\r");
    one(&mut pty, "3 of 3", "t\r");
    assert!(pty.pump(PATIENCE, |screen| screen.contains("3 of 3 right")), "{}", pty.now());
    assert_eq!(pty.end().code(), Some(0));
}

/// Killed again and again, somewhere in the next question: each call goes on where the answers end, and none is asked twice.
#[test]
fn killed_at_any_moment_it_comes_to_its_end() {
    const QUESTIONS: usize = 24;
    let dir = with_quiz(&many(QUESTIONS));
    let dir = dir.path();
    for round in 0_u32.. {
        let before = rows_or_none(dir);
        if before == QUESTIONS {
            break;
        }
        let mut command = program(dir);
        command.args(["quiz", "cap"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // It may be gone before it has read all.
        let _ = child.stdin.take().unwrap().write_all("true\nsure\n".repeat(QUESTIONS).as_bytes());
        let (mut seen, mut stdout) = (String::new(), BufReader::new(child.stdout.take().unwrap()));
        while seen.matches("✓ Right").count() < 1 + round as usize % 3 && stdout.read_line(&mut seen).unwrap() > 0 {}
        let _ = child.kill();
        stdout.read_to_string(&mut seen).unwrap();
        child.wait().unwrap();
        assert!(seen.contains(&format!("── {} of {QUESTIONS} ·", before + 1)), "round {round}, {before} answered:\n{seen}");
        assert!(round < 100, "it comes to no end");
    }
    let (questions, seeds) = asked(dir);
    assert_eq!((questions.len(), questions.iter().collect::<BTreeSet<_>>().len(), seeds.len()), (QUESTIONS, QUESTIONS, 1));
    let names: Vec<_> = fs::read_dir(dir.join(".splitbrain")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(names.len() <= 6, "nothing stays behind: {names:?}");
    assert_eq!(splitbrain(dir, &["progress"]).code, Some(0));
}

fn rows_or_none(dir: &Path) -> usize {
    if dir.join(".splitbrain/quiz.toml").exists() { rows(dir) } else { 0 }
}
