//! A design round, whole: in a pipe, on a terminal of 80 by 24, and in an editor.

use crate::bench::{answering, snapshot, splitbrain, today, toy, unix_s};
use crate::pty::Pty;
use jiff::ToSpan as _;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const ROUND: &str = include_str!("../fixtures/round.toml");

/// A course whose only questions are a round.
fn course() -> TempDir {
    let dir = toy();
    let path = dir.path().join("exercises/course.toml");
    fs::write(&path, fs::read_to_string(&path).unwrap() + "quiz = \"cap\"\nweight = 3\n").unwrap();
    fs::create_dir_all(dir.path().join("quizzes")).unwrap();
    fs::write(dir.path().join("quizzes/cap.toml"), format!("schema = 1\ntopic = \"cap\"\ntitle = \"Views\"\n{ROUND}")).unwrap();
    fs::write(
        dir.path().join("exercises/toy/README.md"),
        "# Echo\n\n## The rules\n\n| rule | |\n|---|---|\n| `gives_back` | it comes back |\n",
    )
    .unwrap();
    dir
}

fn own(dir: &Path, name: &str) -> toml::Table {
    fs::read_to_string(dir.join(".splitbrain").join(name)).unwrap().parse().unwrap()
}

/// In each stage the must is made, so that no follow-up to it comes.
const SAID: &str = "I ask how late a number may be; a log, buckets, and one write for offset and counts.";

#[test]
fn a_round_in_a_pipe() {
    let dir = course();
    let dir = dir.path();
    // A stage whose must is missing is pushed: its follow-up is answered. The others have one that may always come, or none.
    let stage = |ticks: &str| format!("{SAID}\n.\n{ticks}\n0\n");
    let pushed = "It would be one place.\n.\n1\n";
    let all = [
        stage("1 3"),
        stage("1"),
        pushed.to_owned(),
        stage("1 2 3"),
        stage("2"),
        pushed.to_owned(),
        stage("1 2"),
        pushed.to_owned(),
        stage("0"),
        pushed.to_owned(),
        stage("1"),
    ];
    let said = answering(dir, &["interview", "--minutes", "45", "--seed", "7", "--export", "paper.md"], &all.concat());
    snapshot(dir, "round_piped", &said);
    let paper = fs::read_to_string(dir.join("paper.md")).unwrap();
    for part in [
        "### Stage: deep dive, cap: 71 %",
        "> It would be one place.",
        "| wrap-up | 50 % | 0:00 | 3:00 |",
        "client --> edge --> log (by page)\n",
    ] {
        assert!(paper.contains(part), "{part}: {paper}");
    }
    let kept = own(dir, "interviews.toml");
    assert_eq!(kept["interview"][0]["part"].as_array().map(Vec::len), Some(11));
    // What was missed comes back in three days, and is asked alone.
    let path = dir.join(".splitbrain/quiz.toml");
    let given = fs::read_to_string(&path).unwrap();
    let review_after = |days: i64| {
        let on = |day: jiff::civil::Date| format!("day = {day}");
        let earlier = today().saturating_sub(days.days());
        let stamp = |seconds: u64| format!("at_unix_s = {seconds}");
        let (now, then) = (unix_s(), unix_s() - days.unsigned_abs() * 86_400);
        fs::write(&path, given.replace(&on(today()), &on(earlier)).replace(&stamp(now), &stamp(then))).unwrap();
        answering(dir, &["review", "--limit", "1"], "").out
    };
    let early = review_after(2);
    assert!(early.contains("Nothing is due; the next question is due tomorrow"), "{early}");
    let back = review_after(3);
    assert!(back.contains("questions are due") && back.contains("Design the counter") && back.contains("- Is anything billed"), "{back}");
    let json = splitbrain(dir, &["interview", "--last", "--format", "json"]).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["stages"][5]["stage"], &json["skills"][0]["made"]), (&"failures".into(), &1.into()));
}

/// Plays a whole round on a terminal; `way` is how an answer is given. All that was drawn, and the longest run of lines without a pause.
fn play(dir: &Path, size: (u16, u16), way: &str, envs: &[(&str, &str)]) -> (String, usize) {
    let mut pty = Pty::start(dir, &["interview", "--minutes", "45", "--seed", "7"], size, envs);
    let prompts =
        ["Begin (", "Read on, ", "Go on (", "Your answer (1-", "Write (", "Which of these did you say", "Did you say any of these"];
    let (mut before, mut longest) = (0, 0);
    while let Some(prompt) = pty.wait_any(&prompts) {
        let row = pty.row();
        longest = longest.max(row + 1 - before);
        before = row + 1;
        match prompt {
            3 => pty.keys(way),
            4 => pty.keys(&format!("{SAID}\r\r")),
            5 => pty.keys("2\r"),
            _ => pty.keys("\r"),
        }
        // A text that is typed goes on in the lines below.
        if prompt == 4 { pty.wait("Which of these did you say") } else { pty.wait_below(row) }
    }
    let (code, text, broken) = pty.end();
    assert_eq!((code, broken), (Some(0), 0), "{text}");
    (text, longest)
}

#[test]
fn a_round_on_a_small_terminal() {
    let dir = course();
    let (text, longest) = play(dir.path(), (80, 24), "1\r", &[]);
    assert!(longest <= 24, "{longest} lines without a pause:\n{text}");
    for part in [
        "[6 minutes left of this stage, 45 of the interview]",
        "Stage 7 of 7, wrap-up",
        "You: “I ask how late a number may be;”",
        "You never said where the offset is.",
        "The design round, stage by stage",
        "kept 7 of 7",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    assert!(text.find("Begin (") < text.find("Stage 1 of 7"), "{text}");
    crate::bench::settings(dir.path()).bind(|| insta::assert_snapshot!("round_80", text));
}

#[test]
fn a_round_in_an_editor() {
    let dir = course();
    let editor = dir.path().join("write.sh");
    fs::write(&editor, format!("cat \"$1\" >> seen.txt\necho '{SAID}' >> \"$1\"\n")).unwrap();
    let editor = format!("sh {}", editor.display());
    let (text, longest) = play(dir.path(), (80, 24), "3\r", &[("EDITOR", &editor)]);
    assert!(longest <= 24, "{longest} lines without a pause:\n{text}");
    let seen = fs::read_to_string(dir.path().join("seen.txt")).unwrap();
    for part in [
        "> Design the counter that shows how often a page was viewed.",
        "> Stage 6 of 7, failures: 7 minutes from ",
        "> A counter node dies in the middle of a batch. Go on.",
        "> - How late may a number be? Ten seconds.",
        "> 116,000 * 3 at the peak  = 350,000 views a second",
        "> You never said where the offset is. What does the next node count twice?",
    ] {
        assert!(seen.contains(part), "{part}:\n{seen}");
    }
    let kept = own(dir.path(), "interviews.toml");
    let parts = kept["interview"][0]["part"].as_array().unwrap();
    assert!(parts.len() > 7 && parts.iter().all(|part| part["said"].as_str().map(str::trim) == Some(SAID)), "{parts:?}");
}

/// Killed at any prompt, nothing is lost that was given.
#[test]
fn a_killed_round_has_every_answer() {
    let dir = course();
    let mut pty = Pty::start(dir.path(), &["interview", "--minutes", "45", "--seed", "7"], (80, 24), &[]);
    pty.answer("Begin (", "\r");
    pty.answer("Your answer (1-", "1\r");
    pty.answer("Write (", &format!("{SAID}\r\r"));
    pty.wait("Which of these did you say");
    drop(pty);
    let kept = own(dir.path(), "interviews.toml");
    let part = &kept["interview"][0]["part"][0];
    assert_eq!((part["said"].as_str().map(str::trim), part["more"]["unjudged"].as_bool()), (Some(SAID), Some(true)));
    let last = splitbrain(dir.path(), &["interview", "--last", "--export", "last.md"]);
    assert!(last.out.contains("1 answer was given, but none is judged"), "{}", last.shown());
    assert!(fs::read_to_string(dir.path().join("last.md")).unwrap().contains(SAID));
}

/// A round that was killed goes on where it was, with what was written; `--new` begins another one.
#[test]
fn a_killed_round_goes_on() {
    let dir = course();
    let begin = |args: &[&str]| Pty::start(dir.path(), &[&["interview", "--minutes", "45"], args].concat(), (80, 24), &[]);
    let mut pty = begin(&["--seed", "7"]);
    pty.answer("Begin (", "\r");
    pty.answer("Your answer (1-", "1\r");
    pty.answer("Write (", &format!("{SAID}\r\r"));
    pty.wait("Which of these did you say");
    drop(pty);
    let mut pty = begin(&[]);
    pty.answer("Begin (", "\r");
    pty.answer("Which of these did you say", "1\r");
    // A slip: back to the points.
    pty.wait("Did you say any of these");
    pty.keys("\u{7f}");
    pty.answer("Which of these did you say", "3\r");
    pty.answer("Did you say any of these", "\r");
    pty.answer("Go on (", "\r");
    pty.answer("Your answer (1-", "\u{1b}");
    pty.wait("leave the interview here?");
    pty.keys("y");
    while pty.wait_any(&["Read on, "]).is_some() {
        let row = pty.row();
        pty.keys("\r");
        pty.wait_below(row);
    }
    let (code, text, _) = pty.end();
    assert_eq!(code, Some(0), "{text}");
    for part in [
        "You continue where you broke it off: 1 answer is kept, ",
        "(Backspace: back to the points)",
        "goes on with this interview for 3 days",
    ] {
        assert!(text.split_whitespace().collect::<Vec<_>>().join(" ").contains(part), "{part}: {text}");
    }
    let parts = |n: usize| own(dir.path(), "interviews.toml")["interview"][n]["part"].as_array().unwrap().clone();
    let part = &parts(0)[0];
    assert_eq!((part["said"].as_str().map(str::trim), part["more"].get("unjudged")), (Some(SAID), None));
    assert_eq!(part["more"]["made"].as_array().map(Vec::len), Some(2), "both that were ticked: {part:?}");
    let mut pty = begin(&["--new"]);
    pty.answer("Begin (", "\r");
    pty.answer("Your answer (1-", "1\r");
    pty.answer("Write (", &format!("{SAID}\r\r"));
    pty.wait("Which of these did you say");
    drop(pty);
    assert_eq!((parts(0).len(), parts(1).len()), (1, 1), "another one");
}
