//! `watch` in a real terminal: the verdict is that of the text that is there, whatever happens meanwhile, and the terminal is
//! left as it was found.

use crate::bench::{pid_of, processes_of, program, shell, toy, toy_file};
use crate::patience::{Wait, comes, some_moment};
use crate::pty::full::{PATIENCE, Pty, kill};
use splitbrain::rng::Rng;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A toy course with a folder of executables of its own, and its learner's file.
pub(crate) struct Desk {
    dir: TempDir,
    pub(crate) file: PathBuf,
}

impl Desk {
    pub(crate) fn new(body: &str) -> Desk {
        let dir = toy();
        let desk = Desk { file: dir.path().join("exercises/toy/toy.rs"), dir };
        desk.save(body);
        desk
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn save(&self, body: &str) {
        fs::write(&self.file, toy_file(body)).unwrap();
    }

    fn program(&self, args: &[&str]) -> Command {
        let mut command = program(self.path());
        command.args(args).env("CARGO_TARGET_DIR", self.path().join("target"));
        command
    }

    pub(crate) fn watch(&self) -> Pty {
        Pty::start(self.program(&["watch"]), 80, 24)
    }

    /// The learner's processes that run now.
    fn toys(&self) -> Vec<String> {
        let executable = self.path().join("target/judge/toy");
        processes_of(&executable).into_iter().filter(|l| !l.contains("rustc")).collect()
    }

    #[track_caller]
    pub(crate) fn nothing_runs(&self) {
        assert!(comes(|| processes_of(self.path()).is_empty()), "left behind: {:?}", processes_of(self.path()));
    }
}

/// An answer that the verdict names.
pub(crate) fn wrong(answer: u64) -> String {
    format!("if n == 3 {{ {answer} }} else {{ n }}")
}

const LOOP: &str = "loop { std::hint::spin_loop() }";

#[test]
fn saves_and_keys() {
    let desk = Desk::new("todo!(\"give back {n}\")");
    let about = desk.path().join("exercises/toy/exercise.toml");
    let text = fs::read_to_string(&about).unwrap();
    let next = "[[follow_ups]]\nquestion = 'And two callers?'\nanswer = 'Each hears both.'\nweak = 'Says that it depends.'\n";
    fs::write(&about, format!("{text}\n{next}")).unwrap();
    let mut pty = desk.watch();
    let screen = pty.sees("not finished");
    assert!(screen.contains("0 of 1 passed") && screen.contains("[h]int"), "{screen}");
    pty.send("m");
    pty.sees("there is nothing more to say");
    desk.save("let s: String = n; n");
    assert!(pty.sees("does not compile").contains("toy"), "{}", pty.now());
    pty.sees("mismatched types");
    desk.save(&wrong(1_003));
    let screen = pty.sees("n1 was given 3 and gave 1003");
    assert!(screen.contains("Why it matters: press m") && !screen.contains("mismatched"), "{screen}");
    pty.send("m");
    pty.sees("an echo that lies is no echo");
    pty.send("h");
    assert!(pty.sees("Hint 1 of 3 for toy").contains("a nudge"));
    pty.send("h");
    assert!(pty.sees("Hint 2 of 3 for toy").contains("the idea"));
    pty.send("a");
    assert!(!pty.sees("1. And two callers?").contains("Each hears both"), "answers come after a pass");
    pty.send("b");
    pty.sees("n1 was given 3");
    pty.send("r");
    pty.sees("step 2 of 2");
    pty.send("\x1b");
    pty.sees("an echo that lies");
    pty.send("l");
    assert!(pty.sees("Toys").contains("> … toy"), "{}", pty.now());
    pty.send("\n");
    pty.sees("an echo that lies");
    pty.send("n");
    pty.send("z");
    pty.sees("there is no quiz about toy yet");
    pty.send("c");
    pty.sees("building");
    pty.sees("n1 was given 3");
    // As a text that is pasted: the `y` in it answers nothing.
    pty.send("xy");
    pty.sees("Restore the stub of toy?");
    pty.send("n");
    pty.sees("nothing was changed");
    desk.save("n");
    let screen = pty.sees("the hidden test holds");
    assert!(screen.contains("1 of 1 passed"), "{screen}");
    pty.send("a");
    pty.sees("A weak answer: Says that it depends.");
    pty.send("q");
    assert_eq!(pty.end().code(), Some(0));
    pty.is_as_found();
    assert!(pty.now().contains("1 of 1 exercise passed."), "{}", pty.now());
    desk.nothing_runs();
}

#[test]
fn any_size() {
    let desk = Desk::new(&wrong(1_003));
    let mut pty = desk.watch();
    pty.sees("gave 1003");
    for (columns, rows) in [(200, 50), (40, 12), (20, 5), (3, 2), (80, 24)] {
        pty.resize(columns, rows);
        assert!(pty.pump(PATIENCE, |screen| screen.starts_with(&"toy  exercises/toy/toy.rs"[..usize::from(columns.min(25)) / 2])));
    }
    let screen = pty.sees("[q]uit");
    assert!(screen.contains("gave 1003"), "{screen}");
    pty.send("q");
    pty.end();
    pty.is_as_found();
}

/// A save in the midst of a check: the old run is killed, and only the new text is spoken of.
#[test]
fn a_newer_save_ends_the_run() {
    let desk = Desk::new(LOOP);
    let mut pty = Pty::start(desk.program(&["watch", "--deadline", "3600"]), 80, 24);
    pty.sees("running the hidden tests");
    assert!(comes(|| !desk.toys().is_empty()), "it never ran");
    let old = pid_of(&desk.toys()[0]);
    desk.save("n");
    // The old run would go on for longer than anybody waits here.
    pty.sees("the hidden test holds");
    assert!(!desk.toys().iter().any(|l| pid_of(l) == old), "{:?}", desk.toys());
    assert!(!String::from_utf8_lossy(&pty.written).contains("does not return"));
    pty.send("q");
    pty.end();
}

/// Saves two texts, the second at any moment of the first one's check, again and again. A person who looks at every picture
/// sees no verdict of the first after the second has been noticed. How soon a save
/// is noticed is printed, and nothing depends on it.
fn stale_verdicts(pairs: u64) {
    let desk = Desk::new(&wrong(1_000));
    let mut pty = desk.watch();
    pty.sees("gave 1000");
    let (mut chance, mut reactions) = (Rng::new(12_345), Vec::new());
    for first in (0..pairs).map(|n| 1_001 + 2 * n) {
        // What was seen: a check has begun, or what was said; each once, however often it was drawn.
        let mut seen = vec![Some(first - 1)];
        let mut note = |screen: &str, wanted: u64| {
            let said = screen.split("gave ").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
            if (said.is_some() || screen.contains("building")) && seen.last() != Some(&said) {
                seen.push(said);
            }
            said == Some(wanted)
        };
        let wait = Wait::begin();
        desk.save(&wrong(first));
        assert!(pty.pump(PATIENCE, |screen| note(screen, 0) || screen.contains("building")), "{}", pty.now());
        reactions.push(wait.taken());
        // From at once to well after the verdict.
        pty.pump(some_moment(&mut chance, 1_200), |screen| note(screen, 0));
        desk.save(&wrong(first + 1));
        assert!(pty.pump(PATIENCE, |screen| note(screen, first + 1)), "{}", pty.now());
        // Each verdict follows the beginning of its own check: one of an older text comes after the beginning of a newer one.
        let (before, last) = (Some(first - 1), Some(first + 1));
        let ways = [vec![before, None, last], vec![before, None, Some(first), None, last]];
        assert!(ways.contains(&seen), "after the saves of {first} and {}: {seen:?}", first + 1);
    }
    reactions.sort();
    println!("{} saves; noticed after {:?}, at most {:?}", 2 * pairs, reactions[reactions.len() / 2], reactions.last().unwrap());
    // And nothing else is said later.
    pty.send("h");
    pty.sees("Hint 1 of 3");
    pty.send("b");
    pty.sees_no_more("Hint 1 of 3");
    assert!(pty.now().contains(&format!("gave {}", 1_000 + 2 * pairs)), "{}", pty.now());
    pty.send("q");
    pty.end();
    pty.is_as_found();
    desk.nothing_runs();
}

#[test]
fn no_verdict_of_an_older_text() {
    stale_verdicts(8);
}

#[test]
#[ignore = "takes minutes; the same as the one above, longer"]
fn no_verdict_of_an_older_text_in_200_saves() {
    stale_verdicts(100);
}

#[test]
fn ways_to_save() {
    let desk = Desk::new("n");
    let mut pty = desk.watch();
    pty.sees("the hidden test holds");
    let renamed = |body: &str, backup: bool| {
        let new = desk.file.with_extension("new");
        fs::write(&new, toy_file(body)).unwrap();
        if backup {
            fs::rename(&desk.file, desk.file.with_extension("rs~")).unwrap();
        }
        fs::rename(new, &desk.file).unwrap();
    };
    renamed(&wrong(2_001), false);
    pty.sees("gave 2001");
    // However long the editor is kept from the second renaming, no look falls between the two.
    pty.signal("-STOP");
    renamed(&wrong(2_002), true);
    pty.signal("-CONT");
    pty.sees("gave 2002");
    assert!(!String::from_utf8_lossy(&pty.written).contains("is gone"), "an editor that renames deletes nothing");
    fs::remove_file(&desk.file).unwrap();
    let screen = pty.sees("the file is gone");
    assert!(!screen.contains("gave 2002"), "{screen}");
    desk.save(&wrong(2_003));
    pty.sees("gave 2003");
    // Again and again, in the midst of whatever the last one set going.
    let mut chance = Rng::new(1);
    for i in 0..30 {
        desk.save(&wrong(3_000 + i));
        pty.pump(some_moment(&mut chance, 100), |_| false);
    }
    pty.sees("gave 3029");
    // A text with a time of the past: cargo would not see it.
    let old = desk.path().join("old.rs");
    fs::write(&old, toy_file(&wrong(4_001))).unwrap();
    let past = std::time::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 0);
    fs::File::options().append(true).open(&old).unwrap().set_modified(past).unwrap();
    fs::rename(old, &desk.file).unwrap();
    pty.sees("gave 4001");
    pty.send("q");
    pty.end();
    desk.nothing_runs();
}

#[test]
fn looking_where_no_events_come() {
    let desk = Desk::new("n");
    let mut command = desk.program(&["watch", "toy"]);
    command.env("SPLITBRAIN_POLL", "1");
    let mut pty = Pty::start(command, 100, 24);
    pty.sees("the hidden test holds");
    pty.sees("polling for saves (asked for)");
    for answer in [5_001, 5_002, 5_003] {
        desk.save(&wrong(answer));
        pty.sees(&format!("gave {answer}"));
    }
    pty.send("q");
    pty.end();
}

/// Every way out: the terminal is as it was found, and no process stays.
#[test]
fn every_way_out() {
    let desk = Desk::new(LOOP);
    for (way, code) in [("q", 0), ("\x03", 130), ("-TERM", 143), ("-HUP", 129), ("-INT", 130)] {
        let mut pty = desk.watch();
        pty.sees("running the hidden tests");
        assert!(pty.is_taken());
        if way.starts_with('-') {
            pty.signal(way);
        } else {
            pty.send(way);
        }
        assert_eq!(pty.end().code(), Some(code), "{way:?}");
        pty.is_as_found();
        desk.nothing_runs();
    }
}

/// A closed window is a terminal that is gone: there is nobody to work for.
#[test]
fn a_closed_window() {
    let desk = Desk::new("n");
    let mut pty = desk.watch();
    pty.sees("[q]uit");
    assert!(!pty.hang_up().success());
    desk.nothing_runs();
}

/// Killed outright, we can put nothing back; but what the learner's code started goes with us.
#[test]
fn nothing_outlives_us() {
    let name = (7_000_000 + std::process::id()).to_string(); // No other run of these tests on this machine has it.
    let body = "if n == 1 { std::process::Command::new(\"/bin/sh\").args([\"-c\", \"trap '' TERM; sleep NAME & wait\"]).spawn().unwrap(); } \
                if n == 2 { std::thread::sleep(std::time::Duration::from_secs(7200)) } n";
    let desk = Desk::new(&body.replace("NAME", &name));
    let sleepers = || processes_of(Path::new(&name)).into_iter().filter(|l| l.contains("sleep")).count();
    for args in [["watch", "--text"], ["check", "toy"]] {
        let args = [args[0], args[1], "--deadline", "3600"];
        let mut child = desk.program(&args).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        assert!(comes(|| sleepers() >= 2), "it never ran");
        kill("-KILL", child.id());
        child.wait().unwrap();
        assert!(comes(|| sleepers() == 0), "{args:?}: {:?}", processes_of(Path::new(&name)));
    }
    desk.nothing_runs();
}

#[test]
fn suspended_and_back() {
    let desk = Desk::new(&wrong(1_003));
    let mut shell = shell(desk.path());
    shell.env("CARGO_TARGET_DIR", desk.path().join("target"));
    let mut pty = Pty::start(shell, 100, 24);
    pty.sees("$");
    pty.send(&format!("{} watch\n", env!("CARGO_BIN_EXE_splitbrain")));
    pty.sees("gave 1003");
    pty.send("\x1a");
    pty.sees_no_more("gave 1003");
    pty.send("echo here: $((6 * 7))\n");
    assert!(pty.sees("here: 42").contains("topped"), "{}", pty.now());
    assert!(!pty.is_taken());
    desk.save(&wrong(1_004));
    pty.send("fg\n");
    pty.sees("gave 1004");
    pty.send("l");
    pty.sees("Toys");
    pty.send("q");
    pty.sees("0 of 1 exercise passed.");
    pty.send("exit\n");
    pty.end();
    pty.is_as_found();
}

/// What `a_panic_of_ours` runs in a terminal: this binary again.
#[test]
#[ignore = "it panics: see the next one"]
fn panics_with_the_screen() {
    let ends = splitbrain::cli::runtime::Runtime::new().unwrap().block_on_alone(async { splitbrain::cli::runtime::Ends::new() });
    let _screen = splitbrain::cli::terminal::Screen::enter(&ends.unwrap(), false).unwrap();
    panic!("a bug of ours, with the screen taken");
}

#[test]
fn a_panic_of_ours() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", "watch::panics_with_the_screen"]);
    let mut pty = Pty::start(command, 100, 24);
    assert_eq!(pty.end().code(), Some(101));
    pty.is_as_found();
    let written = String::from_utf8_lossy(&pty.written).into_owned();
    assert!(written.rfind("\x1b[?1049l") < written.find("a bug of ours"), "said on the screen that goes: {written}");
}

/// Without a terminal: each verdict as text, until the input ends.
#[test]
fn off_a_terminal() {
    let desk = Desk::new("n");
    let mut child = desk.program(&["watch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut seen = String::new();
    let mut until = |text: &str| {
        let mut buffer = [0; 4096];
        while !seen.contains(text) {
            let n = out.read(&mut buffer).unwrap();
            assert!(n > 0, "`{text}` never came: {seen}");
            seen.push_str(&String::from_utf8_lossy(&buffer[..n]));
        }
        seen.clone()
    };
    until("the hidden test holds");
    desk.save(&wrong(1_003));
    let text = until("echoes are simple");
    let text = if text.contains("gave 1003") { text } else { until("gave 1003") };
    assert!(!text.contains('\x1b'), "{text}");
    child.stdin.take().unwrap().write_all(b"ignored\n").unwrap();
    // Standard input ended: so does it.
    assert_eq!(child.wait().unwrap().code(), Some(1), "the last verdict decides");
    let output = desk.program(&["watch", "--format", "json"]).output().unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    assert!(line.starts_with("{\"exercise\":\"toy\",\"verdict\":\"failed\"") && line.lines().count() == 1, "{line}");
    let mut child = desk.program(&["watch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // Held open: its end would be a way out, too.
    let _input = child.stdin.take();
    let mut first = [0; 1];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    kill("-TERM", child.id());
    assert_eq!(child.wait().unwrap().code(), Some(143));
    desk.nothing_runs();
}

/// `check` never speaks of an older text either.
#[test]
fn check_goes_again_if_the_file_changes() {
    let desk = Desk::new("n");
    // It goes on when the new text is there.
    let gate = desk.path().join("gate");
    desk.save(&format!("while !std::path::Path::new({gate:?}).exists() {{ std::thread::yield_now() }} n"));
    let child = desk.program(&["check", "toy", "--deadline", "3600"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    assert!(comes(|| !desk.toys().is_empty()), "it never ran");
    desk.save(&wrong(1_003));
    fs::write(&gate, "").unwrap();
    let output = child.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(out.contains("gave 1003") && !out.contains("holds") && err.contains("changed while it was checked"), "{out}{err}");
}

/// A wrong key says what keys there are, `?` what each does, wherever one is; and at forty columns none is cut off.
#[test]
fn the_keys_are_said() {
    let desk = Desk::new(&wrong(1_003));
    for (columns, rows) in [(80, 24), (40, 24)] {
        let mut pty = Pty::start(desk.program(&["watch"]), columns, rows);
        pty.sees("gave 1003");
        let whole = |screen: String| screen.split_whitespace().collect::<Vec<_>>().join(" ");
        for (open, key, help) in [
            ("", "[x]reset [q]uit [?]", "the list of exercises, to choose one"),
            ("h", "[a]sk me [c]heck [q]uit [?]", "what an interviewer asks next"),
            ("l", "Enter: go there [b]ack [q]uit [?]", "go there"),
            ("r", "PgDn: more [b]ack [q]uit [?]", "where the rule breaks"),
            ("x", "put the stub back [n]o [?]", "leave your file as it is"),
        ] {
            pty.send(open);
            assert!(pty.pump(PATIENCE, |screen| whole(screen.to_owned()).contains(key)), "{open} {columns}: {}", pty.now());
            pty.send(if open == "x" { "w" } else { "y" });
            let wrong = |screen: &str| whole(screen.to_owned()).contains("does nothing here; ? explains the keys below");
            assert!(pty.pump(PATIENCE, wrong), "{open} {columns}: {}", pty.now());
            pty.send("?");
            let helped = |screen: &str| whole(screen.to_owned()).contains(help) && screen.contains("any other key: back");
            assert!(pty.pump(PATIENCE, helped), "{open} {columns}: {}", pty.now());
            assert!(!pty.now().contains('…'), "{}", pty.now());
            pty.send("w");
            assert!(pty.pump(PATIENCE, |screen| whole(screen.to_owned()).contains(key)), "{open} {columns}: {}", pty.now());
            pty.send(if open == "x" { "n" } else { "b" });
            pty.sees("gave 1003");
        }
        // What is pasted is no row of commands.
        pty.send("\x1b[200~xy\x1b[201~");
        pty.sees("a pasted text does nothing here");
        pty.send("q");
        assert_eq!(pty.end().code(), Some(0));
        pty.is_as_found();
    }
    assert!(fs::read_to_string(&desk.file).unwrap().contains("1003"), "the stub was not asked for");
    let mut pty = Pty::start(desk.program(&["replay", "toy"]), 40, 24);
    let whole = |screen: &str| screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(pty.pump(PATIENCE, |screen| whole(screen).ends_with("mark [v]iolation PgDn: more [q]uit [?]")), "{}", pty.now());
    pty.send("x");
    pty.sees("`x` does nothing here");
    pty.send("k");
    pty.sees_no_more("does nothing here");
    pty.sees("step 1 of 2");
    pty.send("?");
    pty.sees("where the rule breaks");
    pty.send("?j");
    pty.sees("step 2 of 2");
    pty.send("q");
    assert_eq!(pty.end().code(), Some(0));
    pty.is_as_found();
}
