//! Every question that is asked on a terminal: however it ends, the terminal is as it was found; it can be stopped and gone on
//! with; a slip of the finger answers nothing; and what was typed is not thrown away unasked.

use crate::bench::{program, shell, splitbrain};
use crate::pty::full::Pty;
use crate::sitting::{EVERY_KIND, kept, with_quiz};
use std::path::Path;
use tempfile::TempDir;

/// A quiz of the one question of that kind.
pub fn only(kind: &str) -> TempDir {
    let mut quiz: toml::Table = EVERY_KIND.parse().unwrap();
    let questions = quiz["question"].as_array_mut().unwrap();
    questions.retain(|question| question["kind"].as_str() == Some(kind));
    assert_eq!(questions.len(), 1, "{kind}");
    let dir = with_quiz(&toml::to_string(&quiz).unwrap());
    std::fs::write(dir.path().join("exercises/toy/toy.rs"), "fn my_work() {}\n").unwrap();
    dir
}

fn start(dir: &Path, args: &[&str], columns: u16, rows: u16) -> Pty {
    let mut command = program(dir);
    command.args(args);
    Pty::start(command, columns, rows)
}

/// Where a question is asked: the verb, the kind of question, and what is seen there after which keys.
type Prompt = (&'static [&'static str], &'static str, &'static [(&'static str, &'static str)]);

const PROMPTS: [Prompt; 13] = [
    (&[], "single", &[("What now?", "")]),
    (&["quiz", "cap"], "single", &[("Your answer (1-4", "2")]),
    (&["quiz", "cap"], "single", &[("Your answer (1-4", "2\r"), ("How sure", "")]),
    (&["quiz", "cap"], "multi", &[("All that apply", "1")]),
    (&["quiz", "cap"], "order", &[("First to last", "1")]),
    (&["quiz", "cap"], "short", &[("Your answer", "lease")]),
    (&["quiz", "cap"], "numeric", &[("Your answer", "0,97")]),
    (&["quiz", "cap"], "open", &[("Your answer, 12", "1\r"), ("Write", "words\r\x1b[200~and\r\rmore\x1b[201~")]),
    (&["quiz", "cap"], "open", &[("Your answer, 12", "2\r"), ("When you have said it", "")]),
    (&["learn", "cap"], "single", &[("on it now", "")]),
    (&["interview", "--minutes", "20"], "single", &[("Your answer (1-4", "")]),
    (&["reset", "toy"], "single", &[("Restore the stub", "")]),
    (&["solution", "toy"], "single", &[("Give up and see", "")]),
];

/// Types all keys of a prompt, each where it is asked for.
fn lead(pty: &mut Pty, seen: &[(&str, &str)]) {
    for (text, keys) in seen {
        pty.sees(text);
        pty.sees("):");
        pty.send(keys);
    }
    let last = seen.last().map_or("", |(_, keys)| keys).replace("\x1b[200~", "").replace("\x1b[201~", "");
    if let Some(typed) = last.split('\r').next_back().filter(|typed| typed.len() > 1) {
        pty.sees(typed);
    }
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    for (args, kind, seen) in PROMPTS {
        for (signal, code) in [("-TERM", 143), ("-INT", 130), ("-HUP", 129)] {
            let dir = only(kind);
            let mut pty = start(dir.path(), args, 80, 40);
            lead(&mut pty, seen);
            assert!(pty.is_taken(), "{args:?} {seen:?}");
            pty.signal(signal);
            assert_eq!(pty.end().code(), Some(code), "{signal} in {args:?} {seen:?}: {}", pty.now());
            pty.is_as_found();
        }
    }
}

#[test]
fn every_prompt_is_stopped_and_gone_on_with() {
    for (args, kind, seen) in PROMPTS {
        let dir = only(kind);
        let mut pty = Pty::start(shell(dir.path()), 80, 60);
        pty.sees("$");
        pty.send(&format!("{} {}\n", env!("CARGO_BIN_EXE_splitbrain"), args.join(" ")));
        lead(&mut pty, seen);
        pty.send("\x1a");
        pty.sees("topped");
        pty.send("echo here: $((6 * 7))\n");
        pty.sees("here: 42");
        assert!(!pty.is_taken(), "{args:?} {seen:?}");
        pty.send("fg\n");
        // It is asked again below, with what was typed.
        let question = seen.last().unwrap().0;
        let again = |screen: &str| screen.split("here: 42").nth(1).is_some_and(|since| since.contains(question));
        assert!(pty.pump(crate::pty::full::PATIENCE, again), "{args:?} {seen:?}: {}", pty.now());
        pty.send("\x03");
        let ended = |screen: &str| screen.trim_end().ends_with("\n$");
        assert!(pty.pump(crate::pty::full::PATIENCE, ended), "{args:?} {seen:?}: {}", pty.now());
        pty.send("exit\n");
        pty.end();
        pty.is_as_found();
    }
}

#[test]
fn a_window_that_is_closed_ends_it() {
    for (args, kind, seen) in PROMPTS {
        let dir = only(kind);
        let mut pty = start(dir.path(), args, 80, 40);
        lead(&mut pty, seen);
        let code = pty.hang_up().code();
        assert_eq!(code, Some(129), "{args:?} {seen:?}");
    }
}

#[test]
fn a_number_and_enter_are_one_answer() {
    // The Enter behind it chooses nothing in the menu that follows.
    let dir = only("single");
    let mut pty = start(dir.path(), &[], 80, 40);
    let screen = pty.sees("What now?");
    let list = screen.lines().find(|line| line.contains("The course, with your marks")).unwrap().trim().chars().next().unwrap();
    pty.send(&list.to_string());
    pty.sees(&format!("Esc leaves): {list}"));
    pty.send("?");
    let screen = pty.sees("(a number from 1 to");
    assert!(!screen.contains("Toys"), "a number alone does nothing: {screen}");
    pty.send("\r");
    let twice = |screen: &str| screen.matches("What now?").count() == 2;
    assert!(pty.pump(crate::pty::full::PATIENCE, twice), "{}", pty.now());
    // Arrows and letters move; a wrong key and `?` say what keys there are.
    pty.send("jjk\x1b[B");
    pty.sees("Esc leaves): 3");
    pty.send("x");
    pty.sees("`x` does nothing here");
    pty.sees("the arrows or j and");
    pty.send("k?");
    pty.sees("(a number from 1 to");
    pty.send("q");
    assert_eq!(pty.end().code(), Some(0));
    pty.is_as_found();
}

#[test]
fn what_was_typed_is_asked_for_before_it_is_thrown_away() {
    for (kind, before, typed) in [("short", "", "a lease"), ("numeric", "", "12"), ("open", "1\r", "One line.\rAnd more")] {
        let dir = only(kind);
        let mut pty = start(dir.path(), &["quiz", "cap"], 80, 40);
        pty.sees("Your answer");
        pty.send(before);
        pty.sees(if kind == "open" { "Write" } else { "Your answer" });
        pty.send(typed);
        pty.sees(typed.split('\r').next_back().unwrap());
        pty.send("\x1b");
        pty.sees("discard what you have typed? y/N");
        pty.send("n");
        pty.sees_no_more("discard");
        pty.sees(typed.split('\r').next_back().unwrap());
        pty.send("\x1b");
        pty.sees("discard");
        pty.send("y");
        assert_eq!(pty.end().code(), Some(0));
        pty.is_as_found();
    }
}

#[test]
fn a_text_with_empty_lines_is_pasted_as_one_answer() {
    let text = "First a key.\r\r\r- kept with the order\r\rThen the reply.";
    for pasted in [format!("\x1b[200~{text}\x1b[201~"), format!("{text}\r")] {
        let dir = only("open");
        let mut pty = start(dir.path(), &["quiz", "cap"], 80, 40);
        pty.sees("Your answer, 12 minutes");
        pty.send("1\r");
        pty.sees("Write");
        pty.send(&pasted);
        pty.sees("Then the reply.");
        // A line that is not empty goes on; the empty one behind it ends.
        pty.send(if pasted.ends_with('\r') { "\r" } else { "\r\r" });
        pty.sees("Which of these did you say");
        pty.send("\r");
        pty.sees("Did you say any of these");
        pty.send("\r");
        assert_eq!(pty.end().code(), Some(0));
        assert_eq!(kept(dir.path())["answer"][0]["said"].as_str(), Some(format!("{}\n", text.replace('\r', "\n")).as_str()));
    }
    // However long it is, and in however many pieces it comes.
    let long = "A line of the answer, and more of it.\r\r".repeat(200);
    let dir = only("open");
    let mut pty = start(dir.path(), &["quiz", "cap"], 80, 40);
    pty.sees("Your answer, 12 minutes");
    pty.send("1\r");
    pty.sees("Write");
    pty.send(&format!("{long}The end."));
    pty.sees("The end.");
    pty.send("\r\r");
    pty.sees("Which of these did you say");
    pty.send("\r");
    pty.sees("Did you say any of these");
    pty.send("\r");
    pty.end();
    let said = kept(dir.path())["answer"][0]["said"].as_str().map(str::len);
    assert_eq!(said, Some(long.len() + "The end.\n".len()));
    // Nor do the lines of a text that is pasted where one line is wanted answer what is asked next.
    let dir = only("short");
    let mut pty = start(dir.path(), &["quiz", "cap"], 80, 40);
    pty.sees("Your answer");
    pty.send("fencing\r\rtoken\r");
    pty.sees("How sure");
    assert!(!pty.now().contains("does nothing here"), "{}", pty.now());
    pty.send("3\r");
    pty.end();
    // Nor does a paste choose anything.
    let dir = only("single");
    let mut pty = start(dir.path(), &["quiz", "cap"], 80, 40);
    pty.sees("Your answer (1-4");
    pty.send("\x1b[200~2\r2\r\x1b[201~");
    pty.send("4");
    pty.sees("Esc leaves): 4");
    assert!(!pty.now().contains("How sure"), "{}", pty.now());
    pty.send("\x1b");
    pty.end();
}

/// A terminal that does not mark what is pasted: one text answers one question, whatever stands in it.
#[test]
fn what_comes_in_one_burst_answers_one_question() {
    let dir = only("single");
    let mut pty = start(dir.path(), &["quiz", "cap"], 80, 40);
    pty.sees("Your answer (1-4");
    pty.send(&format!("2\r3\r{}", "1\r".repeat(2_000)));
    pty.sees("text pasted after the last answer was ignored");
    pty.sees("How sure");
    pty.send("2\r");
    pty.sees("Practise it");
    // A wrong answer would come again.
    pty.send("\x1b");
    pty.end();
    let kept = kept(dir.path());
    assert_eq!(kept["answer"].as_array().map(Vec::len), Some(1));
    assert_eq!(kept["answer"][0]["confidence"].as_str(), Some("think"), "it was given on its own");
}

#[test]
fn a_number_that_could_be_another_is_said_before_it_is_graded() {
    let dir = only("numeric");
    let mut pty = start(dir.path(), &["quiz", "cap"], 80, 40);
    pty.sees("Your answer");
    pty.send("1,234\r");
    pty.sees("1,234 means 1234 here, not 1.234. Is that what you mean? (Y/n)");
    pty.send("n");
    let again = |screen: &str| screen.matches("Your answer").count() == 2;
    assert!(pty.pump(crate::pty::full::PATIENCE, again), "{}", pty.now());
    pty.send("2,0\r");
    pty.sees("How sure");
    pty.send("3\r");
    pty.end();
    assert_eq!(kept(dir.path())["answer"][0]["right"].as_bool(), Some(true), "2,0 is 2");
}

#[test]
fn at_forty_columns_no_key_is_cut_off() {
    for (args, kind, seen) in PROMPTS {
        let dir = only(kind);
        let mut pty = start(dir.path(), args, 40, 60);
        for (_, keys) in seen {
            pty.sees("):");
            pty.send(keys);
        }
        pty.sees(if ["reset", "solution", "learn"].contains(args.first().unwrap_or(&"")) { "/" } else { "leaves):" });
        // The keys are read in this order: at the end, the help has been shown.
        pty.send("?\x03");
        assert_eq!(pty.end().code(), Some(130), "{args:?} {seen:?}");
        assert!(!pty.now().contains('…'), "{}", pty.now());
        pty.is_as_found();
    }
}

#[test]
fn a_locale_without_signs_gets_none() {
    let dir = only("single");
    for (name, value, ascii) in [("LC_ALL", "C", true), ("LANG", "de_DE.ISO-8859-1", true), ("LANG", "en_US.UTF-8", false)] {
        let output = program(dir.path()).args(["list"]).env(name, value).output().unwrap();
        assert_eq!(output.stdout.is_ascii(), ascii, "{name}={value}: {}", String::from_utf8_lossy(&output.stdout));
    }
    let mut pty = {
        let mut command = program(dir.path());
        command.args(["quiz", "cap", "--ascii"]);
        Pty::start(command, 80, 40)
    };
    pty.sees("Your answer (1-4");
    pty.send("2\r");
    pty.sees("1 guess - 2 think - 3 sure");
    pty.send("1\r");
    pty.sees("Practise it");
    // A wrong answer would come again.
    pty.send("\x1b");
    pty.end();
    assert!(pty.written.is_ascii(), "{}", String::from_utf8_lossy(&pty.written));
    for args in [&["list"][..], &["show", "toy"], &["progress"], &["plan", "--on", "2030-01-01"], &["learn", "cap"], &["nonsense…"]] {
        let said = splitbrain(dir.path(), &[args, &["--ascii"]].concat());
        assert!(said.out.is_ascii() && said.err.is_ascii(), "{args:?}: {}", said.shown());
    }
}
