//! Colours by stream, closed pipes, and forms of output.

use crate::bench::{answering, program, shared_toy, splitbrain, toy_file};
use crate::pty::full::Pty;
use crate::sitting::{EVERY_KIND, with_quiz};
use std::fs;
use std::io::Read as _;
use std::process::Stdio;

const ESCAPE: char = '\u{1b}';

fn coloured(envs: &[(&str, &str)], args: &[&str]) -> (bool, bool) {
    let output = program(shared_toy()).args(args).envs(envs.iter().copied()).output().unwrap();
    let has = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(ESCAPE);
    (has(&output.stdout), has(&output.stderr))
}

#[test]
fn colours_are_off_in_a_pipe_and_on_when_asked_for() {
    assert_eq!(coloured(&[], &["list"]), (false, false));
    assert_eq!(coloured(&[("CLICOLOR_FORCE", "1")], &["list"]), (true, false));
    assert_eq!(coloured(&[("CLICOLOR_FORCE", "1")], &["show", "x"]), (false, true), "the other stream");
    assert_eq!(coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &["list"]), (false, false));
    assert_eq!(coloured(&[("NO_COLOR", "1")], &["list", "--color", "always"]), (true, false));
    assert_eq!(coloured(&[("CLICOLOR_FORCE", "1")], &["list", "--color", "never"]), (false, false));
    assert_eq!(coloured(&[("CLICOLOR_FORCE", "1")], &["list", "--format", "json"]), (false, false));
}

#[test]
fn a_closed_pipe_ends_quietly() {
    for verb in ["list", "progress"] {
        let mut child = program(shared_toy()).arg(verb).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let status = child.wait().unwrap();
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!((status.code(), err.as_str()), (Some(0), ""));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_written_is_said() {
    for args in
        [&["list"][..], &["progress"], &["show", "toy"], &["list", "--format", "json"], &["completions", "bash"], &["doctor"], &["--help"]]
    {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = program(shared_toy()).args(args).stdout(full).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{args:?}: {err}");
        assert!(err.contains("error: cannot write to standard output: the disk is full"), "{args:?}: {err}");
    }
    let dir = with_quiz(EVERY_KIND);
    for args in [&["quiz", "cap"][..], &["interview", "--minutes", "20"], &["learn", "cap"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = program(dir.path()).args(args).stdout(full).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(3) && err.contains("to standard output: the disk is full"), "{args:?}: {err}");
    }
}

/// A limit on the length of files (`ulimit -f`) is said like a full disk, and leaves nothing half done.
#[test]
fn a_file_that_may_not_grow_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let limited = |blocks: u32, command: &str| {
        let settings = program(dir.path());
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", &format!("ulimit -f {blocks}; {command}")]).current_dir(dir.path());
        shell.env("SPLITBRAIN", settings.get_program()).envs(settings.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = shell.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let sentence = "a limit on file size is reached: `ulimit -f unlimited` lifts it";
    assert_eq!(splitbrain(dir.path(), &["init", "there"]).code, Some(0));
    for (blocks, command) in [(1, "cd there && $SPLITBRAIN list > list"), (8, "$SPLITBRAIN init prep")] {
        let (code, err) = limited(blocks, command);
        assert!(code == Some(3) && err.contains(sentence), "{command}: {code:?} {err}");
    }
    assert!(!dir.path().join("prep").exists(), "an `init` that fails leaves nothing behind");
}

/// What a program or a person reads elsewhere is ASCII too, and says the same.
#[test]
fn ascii_reaches_what_is_written_to_files() {
    let dir = with_quiz(EVERY_KIND);
    let file = dir.path().join("exercises/toy/toy.rs");
    fs::write(&file, toy_file("if n == 3 { 4 } else { n }")).unwrap();
    let said = splitbrain(dir.path(), &["check", "toy", "--ascii"]);
    assert!(said.code == Some(1) && said.out.is_ascii() && said.err.is_ascii(), "{}", said.shown());
    // A panic of the learner's, with signs in it.
    fs::write(&file, toy_file("if n == 3 { panic!(\"naïve → ✂ 漢\") } n")).unwrap();
    let plain = splitbrain(dir.path(), &["check", "toy", "--format", "junit"]);
    let junit = splitbrain(dir.path(), &["check", "toy", "--format", "junit", "--ascii"]);
    assert!(plain.out.contains("naïve → ✂ 漢"), "{}", plain.shown());
    assert!(junit.out.is_ascii() && junit.out.contains("na&#239;ve &#8594; &#9986; &#28450;"), "{}", junit.shown());
    let json = splitbrain(dir.path(), &["check", "toy", "--format", "json", "--ascii"]);
    assert!(json.out.is_ascii() && json.out.contains("na\\u00efve"), "{}", json.shown());
    fs::write(&file, toy_file("if n == 3 { 4 } else { n }")).unwrap();
    splitbrain(dir.path(), &["check", "toy"]);
    let said = splitbrain(dir.path(), &["replay", "toy", "--html", "run.html", "--ascii"]);
    let page = fs::read_to_string(dir.path().join("run.html")).unwrap_or_default();
    assert!(page.is_ascii() && page.contains("&#9664;") && page.contains("\\u00b7"), "{}\n{page}", said.shown());
    // To standard output it is the page alone.
    for name in ["-", "/dev/stdout"] {
        let said = splitbrain(dir.path(), &["replay", "toy", "--html", name, "--ascii"]);
        assert_eq!((said.code, said.out == page, dir.path().join("-").exists()), (Some(0), true, false), "{}", said.shown());
    }
    // An answer with signs goes out in ASCII, and comes back as it was.
    answering(dir.path(), &["quiz", "cap", "--seed", "7"], "1\n1\n1\n1\n1\n1\n1 2 3 4\n1\nclé “漢”\n1\n2\n1\nUne clé → “漢” 🦀\n.\n1\n");
    for (name, more) in [("signs", None), ("ascii", Some("--ascii"))] {
        let said = splitbrain(dir.path(), &[&["export", name][..], &more.into_iter().collect::<Vec<_>>()].concat());
        assert_eq!(said.code, Some(0), "{}", said.shown());
    }
    let [signs, ascii] = ["signs", "ascii"].map(|name| fs::read_to_string(dir.path().join(name)).unwrap());
    assert!(signs.contains("clé") && ascii.is_ascii(), "{signs}\n{ascii}");
    assert_eq!(signs.parse::<toml::Table>().unwrap(), ascii.parse::<toml::Table>().unwrap());
    answering(dir.path(), &["interview", "--minutes", "20", "--seed", "7"], "1\n1\nclé\n.\n1\n1\n1\n");
    let said = splitbrain(dir.path(), &["interview", "--last", "--export", "paper.md", "--ascii"]);
    let paper = fs::read(dir.path().join("paper.md")).unwrap();
    assert!(said.out.is_ascii() && paper.is_ascii(), "{}\n{}", said.shown(), String::from_utf8_lossy(&paper));
}

/// A title, a topic, a question, a unit, a name of a file: whatever was written by others steers no terminal.
#[test]
fn no_file_steers_the_terminal() {
    const EVIL: &str = "\u{1b}]0;gotcha\u{7}\u{1b}[2J\u{9b}31m";
    let toml = |text: &str| text.replace('\u{1b}', "\\u001b").replace('\u{7}', "\\u0007").replace('\u{9b}', "\\u009b");
    let evil = toml(EVIL);
    let dir = with_quiz(EVERY_KIND);
    for (name, of) in [("exercises/toy/exercise.toml", "title = \"Echo"), ("exercises/course.toml", "title = \"Toys")] {
        let path = dir.path().join(name);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace(of, &format!("{of}{evil}"))).unwrap();
    }
    let path = dir.path().join("exercises/toy/README.md");
    fs::write(&path, format!("# Echo {EVIL}\n\nGive back {EVIL}\n")).unwrap();
    let harmless = |args: &[&str], text: &str| {
        for what in ["]0;gotcha", "[2J", "\u{9b}"] {
            let raw = if what.starts_with('\u{9b}') { what.to_owned() } else { format!("\u{1b}{what}") };
            assert!(!text.contains(&raw) && !text.contains('\u{7}'), "{args:?}: {text:?}");
        }
    };
    // What was kept elsewhere, and is brought here.
    answering(dir.path(), &["interview", "--minutes", "20", "--seed", "7"], "1\n1\nclef\n.\n1\n1\n1\n");
    for name in ["interviews.toml", "quiz.toml"] {
        let path = dir.path().join(".splitbrain").join(name);
        let text = fs::read_to_string(&path).unwrap();
        let text =
            ["asked", "said", "chosen"].iter().fold(text, |text, key| text.replace(&format!("{key} = \""), &format!("{key} = \"{evil}")));
        assert!(text.contains("gotcha"), "{text}");
        fs::write(path, text).unwrap();
    }
    for args in [
        &["list"][..],
        &["show", "toy"],
        &["hint", "toy"],
        &["progress"],
        &["learn", "cap"],
        &["plan", "--on", "2030-01-01"],
        &["docs", "toy"],
        &["solution", "toy", "--give-up"],
        &["quiz", "\u{1b}[2Jx"],
        &["show", "\u{1b}]0;gotcha\u{7}"],
        &["quiz", "cap"],
        &["interview", "--minutes", "20"],
        &["interview", "--last"],
        &["interview", "--last", "--color", "always"],
        &["review"],
        &[],
    ] {
        let said = answering(dir.path(), args, "1\n1\n1 2\n1\n");
        harmless(args, &format!("{}{}", said.out, said.err));
        assert!(args != ["list"] || said.out.contains("\\u{1b}]0;gotcha"), "shown as letters: {}", said.shown());
    }
    fs::write(dir.path().join("quizzes/cap.toml"), EVERY_KIND.replace("prompt = \"", &format!("prompt = \"{evil}"))).unwrap();
    let said = splitbrain(dir.path(), &["quiz", "cap"]);
    harmless(&["quiz"], &said.err);
    assert!(said.code != Some(0) && said.err.contains("may not stand in a text"), "{}", said.shown());
    fs::write(dir.path().join("quizzes/cap.toml"), EVERY_KIND).unwrap();
    for (args, asked, key, seen) in [
        (&["quiz", "cap", "--seed", "7"][..], "Esc leaves", "x", "does nothing here"),
        (&["interview", "--minutes", "20"], "Esc leaves", "x", "does nothing here"),
        (&[], "What now?", "x", "does nothing here"),
        (&["watch"], "[q]uit", "l", "Toys"),
    ] {
        let mut command = program(dir.path());
        command.args(args);
        let mut pty = Pty::start(command, 80, 40);
        pty.sees(asked);
        pty.send(key);
        pty.sees(seen);
        pty.send("\x03");
        pty.end();
        harmless(args, &String::from_utf8_lossy(&pty.written).replace("\u{1b}[2J\u{1b}[H", ""));
    }
}
