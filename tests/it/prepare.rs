//! `plan`, `progress`, `interview`, and questions that know the exercises' rules.

use crate::bench::{answering, snapshot, splitbrain, today, toy};
use crate::pty::Pty;
use crate::quiz::{lesson, with_lesson};
use crate::sitting::rows;
use jiff::ToSpan as _;
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
exercise = "toy"
rule = "gives_back"
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
id = "toy-design"
rev = 1
kind = "open"
difficulty = 3
tags = ["toy"]
minutes = 8
prompt = "Design a wall that gives echoes."
model_answer = "A hard flat wall, far enough away, and nothing soft before it."
rubric = [
  { point = "A hard wall", weight = 2, must = true },
  { point = "Far enough away", weight = 2 },
  { point = "Nothing soft before it", weight = 1 },
  { point = "One caller at a time", weight = 1 },
]
red_flags = ["Curtains"]
explanation = "Sound needs time, and something to come back from."
sources = [{ title = "Ovid, Metamorphoses", loc = "book 3" }]

[[question.follow_up]]
ask = "You never said how far away. What does a caller hear at a metre?"
when = 2
why = "Distance is what makes an echo one."
answer = "Their own voice, not yet over: the echo is there after six milliseconds."
rubric = [{ point = "It comes too soon to be told apart", weight = 2, must = true }, { point = "Some milliseconds", weight = 1 }]

[[question.follow_up]]
ask = "Two callers call at once. What do they hear?"
why = "Walls have no queue."
answer = "Both hear both."
rubric = [{ point = "Both hear both", weight = 1, must = true }, { point = "Nobody waits", weight = 1 }]
"#;

fn course() -> TempDir {
    let dir = toy();
    let path = dir.path().join("exercises/course.toml");
    fs::write(&path, fs::read_to_string(&path).unwrap() + "quiz = \"cap\"\nweight = 3\n").unwrap();
    fs::create_dir_all(dir.path().join("quizzes")).unwrap();
    fs::write(dir.path().join("quizzes/cap.toml"), QUIZ).unwrap();
    with_lesson(dir.path(), &lesson("Toys", &["toy-echo", "toy-design"], &["toy-echo"]));
    let rules = "# Echo\n\n## The rules\n\n| rule | |\n|---|---|\n| `gives_back` | what is called comes back |\n| `in_time` | it comes back within a second |\n";
    fs::write(dir.path().join("exercises/toy/README.md"), rules).unwrap();
    dir
}

fn in_days(days: i64) -> String {
    today().saturating_add(days.days()).to_string()
}

fn own(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(".splitbrain").join(name)).unwrap_or_default()
}

#[test]
fn a_plan_is_made_followed_and_dropped() {
    let dir = course();
    let dir = dir.path();
    let none = splitbrain(dir, &["plan"]);
    assert!(
        none.code == Some(0) && none.out.contains("splitbrain plan --on ") && none.out.contains("splitbrain show toy"),
        "{}",
        none.shown()
    );
    let none = splitbrain(dir, &["plan", "--format", "json"]);
    let line: serde_json::Value = serde_json::from_str(&none.out).unwrap();
    assert!(line["on"].is_null() && line["days"].is_null() && line["minutes"] == 45, "{}", none.shown());
    assert_eq!(line["evenings"][0]["tasks"][0]["command"], "splitbrain show toy");
    for (on, why) in [("12/5", "write it like"), (&*in_days(-3), "is past: it was 3 days ago"), (&*in_days(400), "400 days away")] {
        let said = splitbrain(dir, &["plan", "--on", on]);
        assert!(said.code == Some(2) && said.err.contains(why), "{}", said.shown());
    }
    assert_eq!(own(dir, "plan.toml"), "", "nothing is kept of what was refused");
    let said = splitbrain(dir, &["plan", "--on", &in_days(5), "--minutes", "30"]);
    assert!(said.code == Some(0) && said.out.contains("in 5 days; 30 minutes an evening"), "{}", said.shown());
    for part in ["9 min  splitbrain learn cap", "the lesson, 1 question", "splitbrain show toy", "20-minute mock interview"] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    assert!(said.out.lines().all(|line| line.chars().count() <= 100), "{}", said.out);
    let home = splitbrain(dir, &[]).out;
    assert!(home.contains("Tonight, 5 days before the interview") && home.contains("splitbrain learn cap"), "{home}");
    // What was done is not asked for again: one question is answered, and the lesson is taken to be read.
    answering(dir, &["quiz", "cap"], "Echo\nsure\n");
    let line = splitbrain(dir, &["plan", "--format", "json"]).out;
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&json["spent_today"], &json["evenings"].as_array().unwrap().len()), (&1.into(), &5));
    let tasks = json["evenings"][0]["tasks"].as_array().unwrap();
    assert!(tasks.iter().all(|task| task["lesson"] != true && task["questions"] != 2), "{tasks:?}");
    assert_eq!(splitbrain(dir, &["plan", "--drop"]).code, Some(0));
    assert_eq!(splitbrain(dir, &["plan"]).code, Some(0));
}

#[test]
fn a_plan_whose_day_is_over_says_so() {
    let dir = course();
    let dir = dir.path();
    fs::create_dir_all(dir.join(".splitbrain")).unwrap();
    let text = format!("version = 1\non = {}\nminutes = 45\nmade_on = {}\n", in_days(-2), in_days(-20));
    fs::write(dir.join(".splitbrain/plan.toml"), text).unwrap();
    let said = splitbrain(dir, &["plan"]);
    assert!(said.code == Some(0) && said.out.contains("2 days ago"), "{}", said.shown());
    assert!(!splitbrain(dir, &[]).out.contains("Tonight"));
}

/// A quick answer, an open one with its rubric, what is asked next, and the exercise.
const ANSWERS: &str = "Echo\nsure\nA hard wall.\n.\n1\n0\nThey hear both.\n.\n2\ndiscuss\nWhat is called comes back.\n.\n1\n";

#[test]
fn an_interview_in_a_pipe() {
    let dir = course();
    let dir = dir.path();
    let said = answering(dir, &["interview", "--minutes", "30", "--seed", "7", "--export", "paper.md"], ANSWERS);
    snapshot(dir, "interview_piped", &said);
    let today = today().to_string();
    assert!(said.out.contains(&today));
    let paper = fs::read_to_string(dir.join("paper.md")).unwrap();
    assert!(paper.contains(&format!("# Mock interview of {today}")) && paper.contains("> They hear both."), "{paper}");
    assert_eq!(rows(dir), 2, "answers count for review, too");
    assert!(own(dir, "interviews.toml").contains("finished = true"));
    // The next one is worse, and broken off; it is compared all the same, and can be seen.
    let next = answering(dir, &["interview", "--minutes", "20"], "Hera\nsure\n");
    assert!(next.code == Some(0) && next.out.contains("broken off") && next.out.contains(" → 0 %"), "{}", next.shown());
    let last = splitbrain(dir, &["interview", "--last", "--export", "last.md"]);
    assert!(last.code == Some(0) && last.out.contains("broken off"), "{}", last.shown());
    assert!(fs::read_to_string(dir.join("last.md")).unwrap().contains("Right is: Echo, a nymph"));
    let line = splitbrain(dir, &["interview", "--last", "--format", "json"]).out;
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&json["finished"], &json["score"], &json["asked"]), (&false.into(), &0.0.into(), &1.into()));
}

#[test]
fn an_interview_that_cannot_be_is_refused_at_once() {
    let dir = course();
    let dir = dir.path();
    for (args, why) in [
        (&["interview", "--last"][..], "no interview was held here yet"),
        (&["interview", "--minutes", "5"], "5 is not in 10..=180"),
        (&["interview", "--topics", "capp"], "did you mean `cap`?"),
        (&["interview", "--export", "not/there.md"], "a folder that is not there"),
    ] {
        let said = splitbrain(dir, args);
        assert!(said.code == Some(2) && said.err.contains(why), "{}", said.shown());
    }
    assert_eq!(own(dir, "interviews.toml"), "");
}

#[test]
fn an_interview_on_a_terminal_is_left_by_a_key() {
    for (keys, code) in [("\x1b", 0), ("\x03", 130)] {
        let dir = course();
        let mut pty = Pty::start(dir.path(), &["interview", "--minutes", "20", "--seed", "7"], (80, 24), &[]);
        pty.answer("Your answer (1-3", "1\r");
        pty.answer("How sure are you", "s\r");
        pty.answer("Your answer, 8 minutes", "2\r");
        pty.answer("When you have said it", "\r");
        pty.answer("Which of these did you say", "1\r");
        pty.answer("Did you say any of these", "\r");
        pty.answer("Your answer", keys);
        if code == 0 {
            pty.answer("What was answered is kept. y/N", "y");
            // Whoever is still there turns the pages of the card.
            pty.answer("Read on, 1 of 2", "\r");
        }
        let (ended, text, broken) = pty.end();
        assert_eq!((ended, broken), (Some(code), 0), "{text}");
        assert!(text.contains("Scorecard") && text.contains("broken off") && text.contains("[20 minutes left]"), "{text}");
        let kept: toml::Table = own(dir.path(), "interviews.toml").parse().unwrap();
        assert_eq!(kept["interview"][0]["part"].as_array().unwrap().len(), 2, "{text}");
        assert_eq!(rows(dir.path()), 2);
    }
}

#[test]
fn a_rule_leads_to_its_questions_alone() {
    let dir = course();
    let dir = dir.path();
    let said = answering(dir, &["quiz", "--rule", "gives_back"], "Echo\nsure\n");
    assert!(said.code == Some(0) && said.out.contains("1 of 1 right"), "{}", said.shown());
    let said = splitbrain(dir, &["quiz", "cap", "--rule", "in_time"]);
    assert!(said.code == Some(2) && said.err.contains("no question of `cap` is about the rule `in_time`"), "{}", said.shown());
}

#[test]
fn progress_says_what_is_next_and_fits_the_screen() {
    let dir = course();
    let dir = dir.path();
    answering(dir, &["quiz", "cap"], "Hera\nsure\n");
    let said = splitbrain(dir, &["progress"]);
    assert!(said.out.contains("You were sure 1 time and right 0 (0 %)."), "{}", said.out);
    assert!(said.out.contains("1 day in a row.") && said.out.contains("Next:  splitbrain "), "{}", said.out);
    assert!(said.out.lines().all(|line| line.chars().count() <= 80), "{}", said.out);
    let lines = splitbrain(dir, &["progress", "--format", "json"]).out;
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!((&last["sure"], &last["sure_right"], &last["streak"]), (&1.into(), &0.into(), &1.into()));
    assert_eq!(last["days"][today().to_string()], 1);
    let list = splitbrain(dir, &["list"]).out;
    assert!(list.contains("1 of 2 answered, 0 right"), "{list}");
}

/// Whatever is known of a learner, every verb gives the same advice: the warm-up first, then what the plan begins with.
#[test]
fn one_next_everywhere() {
    let parent = tempfile::tempdir().unwrap();
    splitbrain(parent.path(), &["init", "prep"]);
    let dir = &parent.path().join("prep");
    let write = |name: &str, text: &str| fs::write(dir.join(".splitbrain").join(name), format!("version = 1\n{text}")).unwrap();
    let passed = "[exercises.durable_note]\nattempts = 1\npassed_at = 2026-01-05T10:00:00Z\n";
    let wrong = "[[answer]]\ntopic = 'cap'\nquestion = 'cap-give-up-p'\nrev = 2\nright = false\nat_unix_s = 1767607200\n";
    let nine = in_days(9);
    let nine = [nine.as_str()];
    let mut advice = Vec::new();
    for (progress, answers) in [("", ""), ("", wrong), (passed, ""), (passed, wrong)] {
        write("progress.toml", progress);
        write("quiz.toml", answers);
        let mut said = Vec::new();
        for planned in [false, true] {
            let plan: &[&str] = if planned { &["plan", "--on"] } else { &["plan", "--drop"] };
            splitbrain(dir, &[plan, if planned { &nine } else { &[] }].concat());
            let json = |args: &[&str]| -> serde_json::Value {
                let out = splitbrain(dir, &[args, &["--format", "json"]].concat()).out;
                serde_json::from_str(out.lines().last().unwrap()).unwrap()
            };
            said.push(json(&["progress"])["next"].as_str().unwrap().to_owned());
            said.push(json(&[])["next"].as_str().unwrap().to_owned());
            let command = said[0].clone();
            let about = command.split(' ').nth(2).unwrap_or_default();
            let (home, list) = (splitbrain(dir, &[]).out, splitbrain(dir, &["list"]).out);
            assert!(home.contains(&command), "{command}: {home}");
            let points = list.lines().any(|line| line.contains("← next") && line.to_lowercase().contains(about));
            assert!(points || list.contains(&format!("Next: {command}")), "{command}: {list}");
            if planned {
                said.push(json(&["plan"])["evenings"][0]["tasks"][0]["command"].as_str().unwrap().to_owned());
            }
        }
        assert!(said.iter().all(|one| *one == said[0]), "{progress} {answers}: {said:?}");
        advice.push(said.remove(0));
    }
    assert_eq!(advice[..3], ["splitbrain show durable_note", "splitbrain show durable_note", "splitbrain learn basics"]);
    assert_eq!(advice[3], "splitbrain review --limit 1");
}

/// Files as the first version of the program wrote them: no day, no days of checks.
#[test]
fn state_of_the_first_version_is_read_and_kept() {
    let dir = course();
    let dir = dir.path();
    fs::create_dir_all(dir.join(".splitbrain")).unwrap();
    let write = |name: &str, text: &str| fs::write(dir.join(".splitbrain").join(name), text).unwrap();
    write(
        "progress.toml",
        "version = 1\n\n[exercises.toy]\nattempts = 7\nhints = 2\nlast_verdict = \"passed\"\npassed_at = 2026-01-05T10:00:00Z\nmood = \"fine\"\n",
    );
    write(
        "quiz.toml",
        "version = 1\n\n[[answer]]\ntopic = \"cap\"\nquestion = \"toy-echo\"\nrev = 1\ncontent = \"00ff\"\nchosen = \"0\"\nright = true\n\
         score = 1.0\nconfidence = \"sure\"\nseed = \"7\"\nat_unix_s = 1767607200\n",
    );
    let lines = splitbrain(dir, &["progress", "--format", "json"]);
    assert_eq!(lines.err, "");
    let topic = lines.out.lines().next().unwrap();
    for part in ["\"passed\":1", "\"attempts\":7", "\"hints\":2", "\"answered\":1", "\"right\":1", "\"due\":1", "\"sure\":1"] {
        assert!(topic.contains(part), "{part}: {topic}");
    }
    // Writing to them keeps what was there, and what nobody knows.
    assert_eq!(splitbrain(dir, &["hint", "toy"]).code, Some(0));
    answering(dir, &["quiz", "--rule", "gives_back"], "Echo\nsure\n");
    let (progress, quiz) = (own(dir, "progress.toml"), own(dir, "quiz.toml"));
    assert!(progress.contains("hints = 3") && progress.contains("mood = \"fine\"") && progress.contains("attempts = 7"), "{progress}");
    assert!(quiz.contains("00ff") && rows(dir) == 2 && quiz.matches(" day = ").count() == 1, "{quiz}");
}

#[test]
fn every_file_that_is_broken_or_newer_is_left_as_it_is() {
    for name in ["progress.toml", "quiz.toml", "plan.toml", "interviews.toml"] {
        let dir = course();
        let dir = dir.path();
        fs::create_dir_all(dir.join(".splitbrain")).unwrap();
        let path = dir.join(".splitbrain").join(name);
        fs::write(&path, "version = 1\nhalf a li").unwrap();
        let said = splitbrain(dir, &["progress"]);
        let aside = format!("{name}.unreadable-1");
        assert!(said.code == Some(0) && said.err.contains(&aside), "{}", said.shown());
        assert_eq!(own(dir, &aside), "version = 1\nhalf a li");
        fs::write(&path, "version = 3\n").unwrap();
        let said = splitbrain(dir, &["progress"]);
        assert!(said.code == Some(3) && said.err.contains("newer splitbrain"), "{}", said.shown());
        assert_eq!(own(dir, name), "version = 3\n");
    }
}

#[test]
fn a_plan_and_interviews_are_carried() {
    let (from, to) = (course(), course());
    splitbrain(from.path(), &["plan", "--on", &in_days(9)]);
    answering(from.path(), &["interview", "--minutes", "20"], ANSWERS);
    let file = from.path().join("all.toml");
    assert_eq!(splitbrain(from.path(), &["export", file.to_str().unwrap()]).code, Some(0));
    assert_eq!(splitbrain(to.path(), &["import", file.to_str().unwrap()]).code, Some(0));
    for name in ["plan.toml", "interviews.toml", "quiz.toml"] {
        let table = |dir: &Path| own(dir, name).parse::<toml::Table>().unwrap();
        assert_eq!(table(from.path()), table(to.path()), "{name}");
    }
    let text = fs::read_to_string(&file).unwrap().replace("minutes = 45", "minutes = \"many\"");
    fs::write(&file, text).unwrap();
    let before = own(to.path(), "plan.toml");
    let said = splitbrain(to.path(), &["import", file.to_str().unwrap()]);
    assert!(said.code == Some(2) && said.err.contains("its `plan.toml` does not fit: `minutes`"), "{}", said.shown());
    assert_eq!(own(to.path(), "plan.toml"), before);
}
