//! The verbs around the loop: update, solution, doctor, clean, export and import, completions.

use crate::bench::{program, splitbrain};
use crate::patience::comes;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A fresh learner's folder.
fn prep() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(splitbrain(dir.path(), &["init", "prep"]).code, Some(0));
    let prep = dir.path().join("prep");
    (dir, prep)
}

#[test]
fn update_says_what_it_did_and_keeps_work() {
    let (_dir, prep) = prep();
    let said = splitbrain(&prep, &["update"]);
    assert!(said.code == Some(0) && said.out.starts_with("Already up to date with splitbrain"), "{}", said.shown());
    // As an older version would have left it: its own stub, remembered; the learner's work in another.
    let layout = prep.join(".splitbrain/layout.toml");
    let text = fs::read_to_string(&layout).unwrap();
    let older: String = text
        .lines()
        .map(|l| {
            if l.starts_with("\"exercises/hash_ring/hash_ring.rs\"") {
                l.split('=').next().unwrap().to_owned() + "= \"0\"\n"
            } else {
                l.to_owned() + "\n"
            }
        })
        .collect();
    assert_ne!(older.trim(), text.trim());
    fs::write(&layout, older).unwrap();
    let stub = prep.join("exercises/hash_ring/hash_ring.rs");
    fs::write(&stub, "fn my_ring() {}\n").unwrap();
    fs::remove_file(prep.join("exercises/g_counter/g_counter.rs")).unwrap();
    let said = splitbrain(&prep, &["update"]);
    for part in [
        "new       exercises/g_counter/g_counter.rs",
        "kept      exercises/hash_ring/hash_ring.rs; the new version is in exercises/hash_ring/hash_ring.new.rs",
    ] {
        assert!(said.out.contains(part), "{}", said.shown());
    }
    assert_eq!(fs::read_to_string(&stub).unwrap(), "fn my_ring() {}\n");
    let clone = splitbrain(Path::new(crate::bench::ROOT), &["update"]);
    assert!(clone.code == Some(2) && clone.err.contains("git pull"), "{}", clone.shown());
}

#[test]
fn the_reference_is_shown_after_a_pass_or_a_recorded_give_up() {
    let (_dir, prep) = prep();
    let refused = splitbrain(&prep, &["solution", "g_counter"]);
    assert!(refused.code == Some(2) && refused.err.contains("--give-up") && !refused.out.contains("fn "), "{}", refused.shown());
    let shown = splitbrain(&prep, &["solution", "g_counter", "--give-up"]);
    assert_eq!(shown.code, Some(0));
    let stub = prep.join("exercises/g_counter/g_counter.rs");
    let reference = fs::read_to_string(format!("{}/solutions/g_counter.rs", crate::bench::ROOT)).unwrap();
    let own = fs::read_to_string(&stub).unwrap();
    assert!(shown.out.starts_with("exercises/g_counter/g_counter.rs\n\n") && shown.out.contains(own.trim_end()), "{}", shown.shown());
    assert!(shown.out.contains(&format!("\nThe reference\n\n{}", reference.trim_end())), "{}", shown.shown());
    let differ = splitbrain(&prep, &["solution", "g_counter", "--diff"]);
    let lines = |sign: &str| differ.out.lines().filter(|line| line.starts_with(sign)).count();
    assert!(lines("+ ") > 20 && lines("- ") > 2 && !differ.out.contains("\n+ use "), "{}", differ.shown());
    assert!(shown.out.contains("An interviewer asks next\n\n1. "), "{}", shown.shown());
    assert!(shown.out.contains("as handoff counters do") && shown.out.contains("A weak answer: \"Drop entries"), "{}", shown.shown());
    let again = splitbrain(&prep, &["solution", "g_counter"]);
    assert_eq!((again.code, again.out == shown.out), (Some(0), true), "it is remembered");
    fs::write(&stub, reference.replace("GOSSIP_EVERY);", "GOSSIP_EVERY,\n );").replace("//", "// And: ")).unwrap();
    let said = splitbrain(&prep, &["solution", "g_counter", "--diff"]);
    assert!(said.out.starts_with("No difference between exercises/g_counter/g_counter.rs and the reference."), "{}", said.shown());
    fs::write(&stub, "fn (").unwrap();
    let said = splitbrain(&prep, &["solution", "g_counter", "--diff"]);
    assert!(said.code == Some(2) && said.err.contains("splitbrain check g_counter"), "{}", said.shown());
    let state = fs::read_to_string(prep.join(".splitbrain/progress.toml")).unwrap();
    assert!(state.contains("gave_up_at") && !state.contains("passed_at"), "{state}");
}

#[test]
fn doctor_tries_what_exercises_need() {
    let (_dir, prep) = prep();
    let said = splitbrain(&prep, &["doctor"]);
    assert_eq!(said.code, Some(0), "{}", said.shown());
    for what in ["cargo", "rustc", "linker", "folder", "state", "writing", "saves", "disk", "terminal"] {
        assert!(
            said.out.lines().any(|l| l.starts_with(&format!("✓ {what}")) || l.starts_with(&format!("! {what}"))),
            "{what}: {}",
            said.out
        );
    }
    let output = program(&prep).arg("doctor").env("PATH", prep.join("nowhere")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("✗ cargo") && text.contains("https://rustup.rs") && text.contains("✗ linker"), "{text}");
    fs::write(prep.join(".splitbrain/progress.toml"), "version = 99\n").unwrap();
    let newer = splitbrain(&prep, &["doctor"]);
    assert!(newer.code == Some(3) && newer.out.contains("✗ state"), "{}", newer.shown());
}

#[test]
fn clean_takes_only_what_was_built() {
    let (_dir, prep) = prep();
    let write = |path: &str| {
        let path = prep.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, vec![0; 3_000_000]).unwrap();
    };
    write("target/debug/x");
    write(".splitbrain/other/y");
    let clean = || program(&prep).arg("clean").env_remove("CARGO_TARGET_DIR").output().unwrap();
    let said = String::from_utf8(clean().stdout).unwrap();
    assert_eq!(said, "Freed 6 MB. The next check rebuilds.\n");
    assert!(!prep.join("target").exists() && !prep.join(".splitbrain/other").exists());
    assert!(prep.join("exercises/g_counter/g_counter.rs").exists() && prep.join(".splitbrain/core/src/lib.rs").exists());
    assert!(String::from_utf8(clean().stdout).unwrap().starts_with("Freed 0 MB"));
    // A target folder that is shared with other projects is not ours to take away.
    write("target/debug/x");
    assert_eq!(splitbrain(&prep, &["clean"]).code, Some(0));
    assert!(prep.join("target/debug/x").exists());
}

/// What the shell makes of a script, or `None` if there is no such shell here. A line of its editor is as long as a terminal that
/// is not there says: nothing of what somebody has set may shorten it.
fn shell(name: &str, args: &[&str]) -> Option<String> {
    let mut command = Command::new(name);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env("TERM", "dumb");
    for name in ["COLUMNS", "LINES", "LC_ALL", "LANG", "BASH_ENV", "ENV", "ZDOTDIR", "FPATH"] {
        command.env_remove(name);
    }
    let mut child = command.spawn().ok()?;
    // It says less than a pipe holds. One that waits for ever is ended: then what it said is not enough.
    if !comes(|| child.try_wait().is_ok_and(|ended| ended.is_some())) {
        let _ = child.kill();
    }
    let output = child.wait_with_output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

#[test]
fn shells_complete_verbs_exercises_and_topics() {
    let dir = tempfile::tempdir().unwrap();
    let script = |name: &str| {
        let said = splitbrain(dir.path(), &["completions", name]);
        assert_eq!(said.code, Some(0), "{}", said.shown());
        let path = dir.path().join(format!("_splitbrain.{name}"));
        fs::write(&path, said.out).unwrap();
        path.display().to_string()
    };
    let asked = [("check hash", "hash_ring"), ("quiz consi", "consistency"), ("repl", "replay"), ("hint raft_el", "raft_election")];
    let mut tried = Vec::new();
    for (words, expected) in asked {
        let bash = format!(
            "source {}; COMP_WORDS=(splitbrain {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _splitbrain splitbrain \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD - 1]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script("bash")
        );
        let fish = format!("source {}; complete -C 'splitbrain {words}'", script("fish"));
        let zsh = format!(
            "zmodload zsh/zpty; zpty z zsh -f -i; zpty -w z \"PS1=; autoload -Uz compinit; compinit -u -D; source {}; \
             bindkey '^I' complete-word; print ready\"; zpty -r -m z line '*ready*ready*'; zpty -w -n z $'splitbrain {words}\\t'; \
             zpty -r -m z line '*{expected}*' && print -r -- \"$line\"",
            script("zsh")
        );
        for (name, line) in [("bash", bash), ("fish", fish), ("zsh", zsh)] {
            let Some(said) = shell(name, &["-c", &line]) else { continue };
            assert!(said.contains(expected), "{name} {words}: {said}");
            tried.push(name);
        }
    }
    assert!(tried.contains(&"bash"), "no shell was tried");
}

#[test]
fn the_commands_for_a_class_are_those_of_the_program() {
    let text = fs::read_to_string(Path::new(crate::bench::ROOT).join("docs/teaching.md")).unwrap();
    let commands: Vec<&str> = text.lines().filter_map(|l| l.split_once("splitbrain check").map(|(_, rest)| rest.trim())).collect();
    assert!(commands.len() >= 3, "{commands:?}");
    for line in commands {
        let words: Vec<&str> = line.split('>').next().unwrap().split_whitespace().collect();
        // An unknown option is refused before anything is looked for; a folder that is none, only after.
        let dir = tempfile::tempdir().unwrap();
        let said = splitbrain(dir.path(), &[&["check"], words.as_slice()].concat());
        assert!(said.code == Some(3) && said.err.contains("is not in a splitbrain folder"), "{line}: {}", said.shown());
    }
}

/// Every verb and every option of the program stands in the README, and every option that stands there is one.
#[test]
fn the_readme_names_every_verb_and_option() {
    use clap::CommandFactory as _;
    let text = fs::read_to_string(Path::new(crate::bench::ROOT).join("README.md")).unwrap();
    let mut program = splitbrain::cli::args::Cli::command();
    program.build();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let words: Vec<&str> = text.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()).collect();
    let long = |verb: &clap::Command| -> std::collections::BTreeSet<String> {
        verb.get_arguments().filter_map(|option| option.get_long().map(str::to_owned)).collect()
    };
    let mut options = long(&program);
    for verb in program.get_subcommands().filter(|verb| verb.get_name() != "dev") {
        assert!(words.contains(&verb.get_name()), "README does not name the verb {}", verb.get_name());
        options.extend(long(verb));
    }
    let missing: Vec<&String> =
        options.iter().filter(|o| !["help", "version"].contains(&o.as_str()) && !words.contains(&format!("--{o}").as_str())).collect();
    assert!(missing.is_empty(), "README does not name these options: {missing:?}");
    let of_cargo = ["--path", "--bench", "--test", "--ignored", "--nocapture"];
    let unknown: Vec<&&str> = words
        .iter()
        .filter(|w| w.strip_prefix("--").is_some_and(|o| o.starts_with(|c: char| c.is_ascii_lowercase()) && !options.contains(o)))
        .filter(|w| !of_cargo.contains(w))
        .collect();
    assert!(unknown.is_empty(), "README names options that there are not: {unknown:?}");
}
