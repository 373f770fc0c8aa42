//! `quiz`, `review` and `learn` on a terminal, killed at any moment, and two at once.

use crate::bench::{answering, program, settings, splitbrain, toy, unix_s};
use crate::patience::{pause, some_moment};
use crate::pty::Pty;
use splitbrain::rng::Rng;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::Stdio;
use tempfile::TempDir;

/// A question of each kind, with options as long as the linter lets them be.
pub const EVERY_KIND: &str = include_str!("every_kind.toml");

/// The toy course with a quiz, and a lesson of one page.
pub fn with_quiz(quiz: &str) -> TempDir {
    let dir = toy();
    let course = dir.path().join("exercises/course.toml");
    fs::write(&course, fs::read_to_string(&course).unwrap() + "quiz = \"cap\"\n").unwrap();
    fs::create_dir_all(dir.path().join("quizzes")).unwrap();
    fs::write(dir.path().join("quizzes/cap.toml"), quiz).unwrap();
    fs::create_dir_all(dir.path().join("lessons")).unwrap();
    fs::write(dir.path().join("lessons/cap.md"), "# A lesson\n\nIt has one page.\n").unwrap();
    dir
}

pub fn kept(dir: &Path) -> toml::Table {
    let text = fs::read_to_string(dir.join(".splitbrain/quiz.toml")).unwrap_or_default();
    text.parse().unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// How many answers are kept.
pub fn rows(dir: &Path) -> usize {
    kept(dir).get("answer").and_then(|all| all.as_array()).map_or(0, Vec::len)
}

const NEXT: &str = "Next question";
const SURE: &str = "How sure are you";

/// Answers a question of each kind; the editor writes what `$EDITOR` says.
fn play(size: (u16, u16)) -> (Option<i32>, String, usize, TempDir) {
    let dir = with_quiz(EVERY_KIND);
    let editor = dir.path().join("write.sh");
    fs::write(&editor, "printf 'The client makes a key. The key record commits with the order.\\n' >> \"$1\"\n").unwrap();
    let editor = format!("sh {}", editor.display());
    let mut pty = Pty::start(dir.path(), &["quiz", "cap", "--seed", "7"], size, &[("EDITOR", &editor)]);
    pty.answer("Your answer (1-4", "2\r");
    pty.answer(SURE, "t\r");
    pty.answer(NEXT, "\r");
    pty.answer("All that apply", "13");
    pty.answer(": 1 3", "3\r");
    pty.answer(SURE, "1\r");
    pty.answer(NEXT, " ");
    pty.answer("Your answer (1 true · 2 false", "f\r");
    pty.answer(SURE, "s\r");
    pty.answer(NEXT, "\r");
    pty.answer("one number after another", "4");
    pty.answer(": 4", "\x7f3214");
    pty.answer("Enter ends", "\r");
    pty.answer(SURE, "2\r");
    pty.answer(NEXT, "\r");
    pty.answer("Your answer", "the Fencing Token\r");
    pty.answer(SURE, "2\r");
    pty.answer(NEXT, "\r");
    pty.answer("Your answer", "1\r");
    pty.answer(SURE, "3\r");
    pty.answer(NEXT, "\r");
    pty.answer("Your answer, 12 minutes", "3\r");
    pty.answer("Which of these did you say", "12\r");
    pty.answer("Did you say any of these", "\r");
    // What was wrong comes again.
    pty.answer("── once more, 1 of ", "\x1b");
    let (code, text, broken) = pty.end();
    (code, text, broken, dir)
}

/// Words alone: however lines are broken, they are these.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_session_on_small_and_large_terminals() {
    for (size, name) in [((80, 24), "terminal_80"), ((200, 50), "terminal_200")] {
        let (code, text, broken, dir) = play(size);
        assert_eq!((code, broken), (Some(0), 0), "{text}");
        let all = words(&text);
        let quiz: toml::Table = EVERY_KIND.parse().unwrap();
        for question in quiz["question"].as_array().unwrap() {
            assert!(all.contains(&words(question["prompt"].as_str().unwrap())), "{question} in\n{text}");
            for option in question.get("option").and_then(|o| o.as_array()).into_iter().flatten() {
                let option = words(option["text"].as_str().unwrap());
                assert!(all.matches(&option).count() >= 2, "{option:?} stands whole, when asked and when explained:\n{text}");
            }
        }
        assert_eq!(rows(dir.path()), 7, "{text}");
        let said = "The client makes a key. The key record commits with the order.";
        assert_eq!(kept(dir.path())["answer"][6]["said"].as_str().map(str::trim), Some(said), "what was written is kept");
        settings(dir.path()).bind(|| insta::assert_snapshot!(name, text));
    }
}

#[test]
fn escape_and_control_c_leave_the_terminal_as_it_was() {
    let ways: [(&str, &[(&str, &str)]); 4] = [
        ("Your answer (1-4", &[]),
        (SURE, &[("Your answer (1-4", "1\r")]),
        (NEXT, &[("Your answer (1-4", "1\r"), (SURE, "1\r")]),
        ("All that apply", &[("Your answer (1-4", "1\r"), (SURE, "1\r"), (NEXT, "\r")]),
    ];
    for (last, before) in ways {
        for (key, expected) in [("\x1b", 0), ("\x03", 130)] {
            let dir = with_quiz(EVERY_KIND);
            let mut pty = Pty::start(dir.path(), &["quiz", "cap"], (80, 24), &[]);
            for (text, keys) in before {
                pty.answer(text, keys);
            }
            pty.answer(last, key);
            let (code, text, _) = pty.end();
            assert_eq!(code, Some(expected), "{key:?} at {last:?}:\n{text}");
            assert_eq!(rows(dir.path()), usize::from(before.len() >= 2), "{key:?} at {last:?}:\n{text}");
            assert!(text.contains("left for another time"), "{text}");
        }
    }
}

#[test]
fn learn_reads_and_asks_and_review_brings_back_what_is_due() {
    let dir = with_quiz(EVERY_KIND);
    let dir = dir.path();
    let said = splitbrain(dir, &["learn", "cap"]);
    assert!(said.out.contains("Then: splitbrain quiz cap (7 questions)"), "{}", said.shown());
    let mut pty = Pty::start(dir, &["learn", "cap"], (80, 24), &[]);
    pty.answer("The 7 questions on it now (Y/n)", "\r");
    pty.answer("Your answer (1-4", "\x1b");
    let (code, text, broken) = pty.end();
    assert_eq!((code, broken), (Some(0), 0), "{text}");
    assert!(splitbrain(dir, &["review"]).out.starts_with("Nothing is due; questions that you answer"));
    // Answered three days ago and wrong; and a minute ago, which is not asked for again at once.
    let now = unix_s();
    let row = |question: &str, ago: u64| {
        format!(
            "[[answer]]\ntopic = 'cap'\nquestion = '{question}'\nrev = 1\nright = false\nconfidence = 'think'\nat_unix_s = {}\n",
            now - ago
        )
    };
    let state = format!("version = 1\n{}{}", row("every-short", 3 * 86_400), row("every-single", 60));
    fs::create_dir_all(dir.join(".splitbrain")).unwrap();
    fs::write(dir.join(".splitbrain/quiz.toml"), state).unwrap();
    let said = answering(dir, &["review"], "fencing token\nsure\n");
    assert_eq!(said.code, Some(0), "{}", said.shown());
    assert!(said.out.contains("1 of 1 ·") && said.out.contains("1 of 1 right"), "{}", said.shown());
    assert_eq!(rows(dir), 3);
    assert_eq!(splitbrain(dir, &["review"]).out, "Nothing is due; the next question is due tomorrow.\n");
    let quiz = answering(dir, &["quiz", "--limit", "1", "--seed", "1"], "");
    assert!(quiz.out.contains("1 of 1 ·") && !quiz.out.contains("number that grows"), "what is right comes last: {}", quiz.out);
}

/// A quiz of so many questions, all of them true.
pub fn many(count: usize) -> String {
    let mut text = "schema = 1\ntopic = \"cap\"\ntitle = \"Many\"\n".to_owned();
    for n in 0..count {
        text += &format!(
            "[[question]]\nid = \"q-{n}\"\nrev = 1\nkind = \"true-false\"\ndifficulty = 1\nprompt = \"Is {n} a number?\"\nanswer = true\n\
             explanation = \"It is.\"\nsources = [{{ title = \"Peano 1889\" }}]\nwhy = {{ true = \"Yes.\", false = \"It is.\" }}\n"
        );
    }
    text
}

/// Kills sessions at random moments. Whoever has seen whether an answer was right finds it kept, and nothing is unreadable.
fn kills(count: u64) {
    const QUESTIONS: usize = 12;
    let dir = with_quiz(&many(QUESTIONS));
    let dir = dir.path();
    let mut rng = Rng::stream(20_261_122, 1);
    answering(dir, &["quiz", "cap"], &"true\nsure\n".repeat(QUESTIONS));
    let mut before = rows(dir);
    assert_eq!(before, QUESTIONS);
    for round in 0..count {
        let mut command = program(dir);
        command.args(["quiz", "cap", "--new"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // After some question, and then somewhere in the next two; behind them it waits for more.
        let last = rng.below(QUESTIONS as u64 - 2) as usize;
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all("true\nsure\n".repeat(last + 2).as_bytes()).unwrap();
        let (mut seen, mut stdout) = (String::new(), BufReader::new(child.stdout.take().unwrap()));
        while seen.matches("✓ Right").count() < last && stdout.read_line(&mut seen).unwrap() > 0 {}
        pause(some_moment(&mut rng, 40));
        child.kill().unwrap();
        stdout.read_to_string(&mut seen).unwrap();
        assert_eq!(child.wait().unwrap().code(), None, "it was killed, and had not ended");
        let seen = seen.matches("✓ Right").count();
        let after = rows(dir);
        assert!((before + seen..=before + seen + 1).contains(&after), "round {round}: {before} kept, {seen} more seen, then {after}");
        before = after;
        let names: Vec<String> =
            fs::read_dir(dir.join(".splitbrain")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        assert!(!names.iter().any(|name| name.contains("unreadable")), "round {round}: {names:?}");
        assert!(names.len() <= 6, "round {round}: what a killed write leaves is taken away by the next: {names:?}");
    }
    let after = answering(dir, &["quiz", "cap", "--limit", "1"], "true\nsure\n");
    assert!(after.code == Some(0) && after.err.is_empty() && rows(dir) == before + 1, "{}", after.shown());
}

#[test]
fn a_kill_at_any_moment_loses_no_answer() {
    kills(25);
}

#[test]
#[ignore = "a minute; the same as the one above, longer"]
fn two_hundred_kills_lose_no_answer() {
    kills(200);
}

#[test]
fn two_sessions_at_once_lose_no_answer() {
    const QUESTIONS: usize = 30;
    let dir = with_quiz(&many(QUESTIONS));
    let start = || {
        let mut command = program(dir.path());
        command.args(["quiz", "cap"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all("true\nsure\n".repeat(QUESTIONS).as_bytes()).unwrap();
        child
    };
    for child in [start(), start(), start()] {
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
    }
    assert_eq!(rows(dir.path()), 3 * QUESTIONS);
    let kept = kept(dir.path());
    let ids: BTreeSet<&str> = kept["answer"].as_array().unwrap().iter().filter_map(|row| row["question"].as_str()).collect();
    assert_eq!(ids.len(), QUESTIONS);
}
