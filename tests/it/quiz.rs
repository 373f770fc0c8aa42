//! `quiz` through pipes, what it leaves behind, and `dev lint`.

use crate::bench::{answering, snapshot, splitbrain, toy};
use crate::sitting::rows;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const QUIZ: &str = r#"schema = 1
topic = "cap"
title = "Toys"

[[question]]
id = "toy-echo"
rev = 1
kind = "single"
difficulty = 1
tags = ["toy"]
prompt = "Who gave back what she got?"
explanation = "She could only repeat the last words of others."
sources = [{ title = "Ovid, Metamorphoses", loc = "book 3" }]
[[question.option]]
text = "Echo, a nymph"
correct = true
why = "Hera left her that much."
[[question.option]]
text = "Narcissus, who looked"
why = "He looked, and gave nothing."
[[question.option]]
text = "Hera, who was jealous"
why = "She took, and gave nothing."

[[question]]
id = "toy-sum"
rev = 2
kind = "numeric"
difficulty = 2
tags = ["toy"]
prompt = "An echo sends each of 3 calls back twice. How many come back?"
answer = 6
verify = "3 * 2"
explanation = "Three calls, two of each."
sources = [{ title = "Ovid, Metamorphoses", loc = "book 3" }]
"#;

/// A lesson that the linter has nothing against: its questions named, a run, a table, and as long as a lesson is.
pub fn lesson(title: &str, ids: &[&str], asked: &[&str]) -> String {
    let prose = "An echo gives back what it was given, and nothing else; whoever calls twice hears it twice. ".repeat(90);
    let ask = if asked.is_empty() { String::new() } else { format!("<!-- ask: {} -->\n\n", asked.join(", ")) };
    format!(
        "# {title}\n\n<!-- answers: {} -->\nEchoes come back.\n\n{prose}\n\n## A run\n\n```run toy/one_more\n1: she calls\n2: he hears it\n\
         3: it comes back\n```\n\n| who | what |\n|---|---|\n| Echo | gives back |\n\n{ask}\
         ## Traps\n\nNone.\n\n## What the interviewer asks next\n\nHow often?\n\n## Numbers to know\n\nOne.\n\n## Sources\n\nOvid.\n",
        ids.join(", ")
    )
}

/// What is recorded of the run that it shows.
pub const RUN: &str = "# recorded by `splitbrain dev lessons` from 0\n1  0  c1  asks  n1  1  Call\n2  1000  n1  takes  c1  1  Call\n\
                       3  2000  n1  answers  c1  1  Call\n";

/// Puts a lesson where the program looks for it.
pub fn with_lesson(dir: &Path, text: &str) {
    fs::create_dir_all(dir.join("lessons/runs")).unwrap();
    fs::write(dir.join("lessons/cap.md"), text).unwrap();
    fs::write(dir.join("lessons/runs/toy.one_more.run"), RUN).unwrap();
}

/// The toy course with two questions.
pub fn toy_with_questions() -> TempDir {
    let dir = toy();
    let course = dir.path().join("exercises/course.toml");
    fs::write(&course, fs::read_to_string(&course).unwrap() + "quiz = \"cap\"\n").unwrap();
    fs::create_dir_all(dir.path().join("quizzes")).unwrap();
    fs::write(dir.path().join("quizzes/cap.toml"), QUIZ).unwrap();
    with_lesson(dir.path(), &lesson("Toys", &["toy-echo", "toy-sum"], &["toy-echo", "toy-sum"]));
    dir
}

fn kept(dir: &Path) -> String {
    fs::read_to_string(dir.join(".splitbrain/quiz.toml")).unwrap_or_default()
}

#[test]
fn a_session_in_a_pipe() {
    let dir = toy_with_questions();
    let dir = dir.path();
    let said = answering(dir, &["quiz", "cap", "--seed", "7"], "Echo\n3\n5\nsure\n");
    snapshot(dir, "quiz_piped", &said);
    let kept = kept(dir);
    assert_eq!(rows(dir), 2, "{kept}");
    assert!(kept.contains("rev = 2") && kept.contains("chosen = \"5\"") && kept.contains("seed = \"7\""), "{kept}");
    snapshot(dir, "quiz_progress", &splitbrain(dir, &["progress"]));
    let line = splitbrain(dir, &["progress", "--format", "json"]).out;
    assert!(line.contains("\"questions\":2,\"answered\":2,\"right\":1"), "{line}");
    let home = splitbrain(dir, &[]).out;
    assert!(home.contains("2 of 2 questions answered, 1 right"), "{home}");
}

#[test]
fn the_end_of_input_in_the_middle_keeps_what_was_answered() {
    let dir = toy_with_questions();
    let dir = dir.path();
    // The second question is answered, but not rated: it was not given yet.
    let said = answering(dir, &["quiz", "cap"], "Echo\nguess\n6\n");
    assert_eq!(said.code, Some(0), "{}", said.shown());
    assert!(said.out.contains("1 of 1 right · +1 marks · 1 left for another time"), "{}", said.out);
    assert_eq!(rows(dir), 1);
    assert_eq!(answering(dir, &["quiz", "cap"], "").code, Some(0));
    assert_eq!(rows(dir), 1, "nothing was said, nothing is kept");
}

#[test]
fn an_answer_that_cannot_be_kept_is_said_before_its_key() {
    let dir = toy_with_questions();
    let dir = dir.path();
    fs::create_dir_all(dir.join(".splitbrain")).unwrap();
    fs::write(dir.join(".splitbrain/quiz.toml"), "version = 99\n").unwrap();
    let said = answering(dir, &["quiz"], "1\n1\n1\n1\n");
    assert_eq!(said.code, Some(3), "{}", said.shown());
    assert!(said.err.contains("newer splitbrain") && !said.out.contains("Right") && !said.out.contains("Wrong"), "{}", said.shown());
}

#[test]
fn results_as_json() {
    let dir = toy_with_questions();
    let said = answering(dir.path(), &["quiz", "cap", "--format", "json", "--seed", "7"], "Narcissus\nsure\n6\nthink\n");
    let expected = "{\"topic\":\"cap\",\"question\":\"toy-echo\",\"rev\":1,\"kind\":\"single\",\"chosen\":\"1\",\"right\":false,\"score\":0.0,\
                    \"confidence\":\"sure\",\"marks\":-6,\"kept\":true}\n\
                    {\"topic\":\"cap\",\"question\":\"toy-sum\",\"rev\":2,\"kind\":\"numeric\",\"chosen\":\"6\",\"right\":true,\"score\":1.0,\
                    \"confidence\":\"think\",\"marks\":2,\"kept\":true}\n";
    assert_eq!((said.code, said.out.as_str()), (Some(0), expected));
    assert!(said.err.contains("Who gave back"), "a person still sees what is asked: {}", said.err);
    assert_eq!(splitbrain(dir.path(), &["quiz", "--format", "junit"]).code, Some(2));
}

#[test]
fn a_topic_that_is_not_there() {
    let dir = toy_with_questions();
    snapshot(dir.path(), "quiz_unknown", &splitbrain(dir.path(), &["quiz", "capp"]));
    snapshot(dir.path(), "quiz_none", &splitbrain(toy().path(), &["quiz"]));
}

#[test]
fn outside_a_workspace_it_asks_and_keeps_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let said = answering(dir.path(), &["quiz", "cap"], "1\nguess\n");
    assert_eq!(said.code, Some(0), "{}", said.shown());
    assert!(said.err.contains("answers are not saved"), "{}", said.err);
    assert!(said.out.contains("1 of 1 right") || said.out.contains("0 of 1 right"), "{}", said.out);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_mistake_in_a_quiz_is_named_with_its_line() {
    let dir = toy_with_questions();
    let dir = dir.path();
    crate::bench::ask_next(dir);
    let path = dir.join("quizzes/cap.toml");
    let said = splitbrain(dir, &["dev", "lint"]);
    assert_eq!(said.code, Some(0), "{}", said.shown());
    // A lesson says what its questions ask, and a run that it shows is recorded.
    with_lesson(dir, &lesson("Toys", &["toy-echo"], &["toy-echo", "toy-sum"]));
    fs::remove_file(dir.join("lessons/runs/toy.one_more.run")).unwrap();
    let said = splitbrain(dir, &["dev", "lint"]);
    assert!(said.code == Some(1) && said.out.contains("lessons/cap.md:1:1: no paragraph answers 'toy-sum'"), "{}", said.shown());
    assert!(said.out.contains("the run of toy/one_more is not recorded"), "{}", said.shown());
    with_lesson(dir, &lesson("Toys", &["toy-echo", "toy-sum"], &["toy-echo", "toy-sum"]));
    fs::write(&path, QUIZ.replace("answer = 6", "answer = 5").replace("correct = true", "corect = true")).unwrap();
    let said = splitbrain(dir, &["dev", "lint"]);
    let lines = |what: &str| 1 + QUIZ.lines().position(|l| l.starts_with(what)).unwrap();
    assert_eq!(said.code, Some(1), "{}", said.shown());
    assert!(said.out.contains(&format!("quizzes/cap.toml:{}:1: unknown field 'corect'", lines("correct"))), "{}", said.out);
    assert!(said.out.contains(&format!("quizzes/cap.toml:{}:", lines("verify"))), "{}", said.out);
    let json = splitbrain(dir, &["dev", "lint", "--format", "json"]).out;
    assert!(json.contains(&format!("\"line\":{}", lines("correct"))) && json.contains("\"severity\":\"error\""), "{json}");
    // A quiz with mistakes is not asked, and takes nothing else with it.
    let said = splitbrain(dir, &["quiz", "cap"]);
    assert!(said.code == Some(3) && said.err.contains("unknown field 'corect'"), "{}", said.shown());
    assert_eq!(splitbrain(dir, &["progress"]).code, Some(0));
}
