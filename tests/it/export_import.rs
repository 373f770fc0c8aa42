//! What is remembered goes to another machine, by `export` and `import` or by git, and nothing of it is lost on the way.

use crate::bench::{Said, answering, splitbrain};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

fn prep() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(splitbrain(dir.path(), &["init", "prep"]).code, Some(0));
    let prep = dir.path().join("prep");
    (dir, prep)
}

fn own(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(".splitbrain").join(name)).unwrap_or_default()
}

#[track_caller]
fn done(said: &Said) -> &str {
    assert_eq!(said.code, Some(0), "{}", said.shown());
    &said.out
}

/// An exercise was passed at that time.
fn pass(dir: &Path, id: &str, at: &str) {
    let text = own(dir, "progress.toml");
    let text = if text.is_empty() { "version = 1\n[exercises]\n".to_owned() } else { text };
    fs::write(dir.join(".splitbrain/progress.toml"), format!("{text}{id} = {{ attempts = 1, passed_at = {at} }}\n")).unwrap();
}

#[test]
fn import_adds_what_was_not_here() {
    let ((_a, from), (_b, to)) = (prep(), prep());
    answering(&from, &["quiz", "cap", "--limit", "2", "--seed", "1"], "1\n1\n1\n1\n");
    pass(&from, "g_counter", "2026-01-01T00:00:00Z");
    assert_eq!(own(&from, "quiz.toml").matches("\n{ ").count(), 2, "{}", own(&from, "quiz.toml"));
    done(&splitbrain(&to, &["hint", "hash_ring"]));
    let file = from.join("mine.toml");
    let file = file.to_str().unwrap();
    done(&splitbrain(&from, &["export", file]));
    let twice = splitbrain(&from, &["export", file]);
    assert!(twice.code == Some(2) && twice.err.contains("--force"), "{}", twice.shown());
    assert_eq!(done(&splitbrain(&to, &["import", file])), format!("Read {file}: +2 answers, 1 exercise passed.\n"));
    let state = own(&to, "progress.toml");
    assert!(state.contains("hash_ring") && state.contains("g_counter"), "{state}");
    assert_eq!(done(&splitbrain(&to, &["import", file])), format!("Read {file}: nothing new.\n"));
    assert_eq!(own(&to, "progress.toml"), state, "twice is once");
    // In its place; and back, to the byte.
    let quiz = own(&to, "quiz.toml");
    let replaced = splitbrain(&to, &["import", "--replace", file]);
    assert!(done(&replaced).contains("import --replace .splitbrain/before-import-1.toml"), "{}", replaced.shown());
    assert!(!own(&to, "progress.toml").contains("hash_ring"));
    done(&splitbrain(&to, &["import", "--replace", ".splitbrain/before-import-1.toml"]));
    assert_eq!((own(&to, "progress.toml"), own(&to, "quiz.toml")), (state, quiz));
}

#[test]
fn what_is_no_export_changes_nothing() {
    let (_dir, prep) = prep();
    let wrong = splitbrain(&prep, &["import", "Cargo.toml"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("is not an export"), "{}", wrong.shown());
    fs::write(prep.join("broken.toml"), "a = 1\nb =\n").unwrap();
    let broken = splitbrain(&prep, &["import", "broken.toml"]);
    assert!(broken.code == Some(2) && broken.err.contains("broken.toml:2"), "{}", broken.shown());
    assert!(Command::new("mkfifo").arg(prep.join("pipe")).status().unwrap().success());
    for args in [["import", "pipe"], ["export", "pipe"], ["import", "/dev/zero"], ["export", "/dev/full"], ["import", "."], ["export", "."]]
    {
        let said = splitbrain(&prep, &args);
        assert!(said.code == Some(3) && said.err.starts_with("error: "), "{args:?}: {}", said.shown());
    }
    assert!(done(&splitbrain(&prep, &["export", "/dev/stdout"])).starts_with("splitbrain_export = 1\n"));
}

#[test]
fn an_import_that_was_cut_short_is_finished() {
    let (_dir, prep) = prep();
    done(&splitbrain(&prep, &["hint", "hash_ring"]));
    let part = "{ name = \"progress.toml\", table = { version = 1, exercises = { g_counter = { passed_at = 2026-01-01T00:00:00Z } } } }";
    fs::write(prep.join(".splitbrain/import.pending"), format!("replace = false\npart = [\n{part},\n]\n")).unwrap();
    let halves =
        ["exercises/g_counter/.new-g_counter.rs-a", ".splitbrain/backups/g_counter/.new-1.rs-b", ".splitbrain/findings/.new-g_counter-c"];
    for half in halves.map(|name| prep.join(name)) {
        fs::create_dir_all(half.parent().unwrap()).unwrap();
        fs::write(half, "half").unwrap();
    }
    let said = splitbrain(&prep, &["list"]);
    assert!(done(&said).contains("✓ g_counter") && said.err.contains("finished an import"), "{}", said.shown());
    assert!(own(&prep, "progress.toml").contains("hash_ring") && !prep.join(".splitbrain/import.pending").exists());
    assert!(halves.iter().all(|half| !prep.join(half).exists()));
    assert_eq!(splitbrain(&prep, &["list"]).err, "");
}

/// git in that folder: neither the settings of whoever runs the tests count, nor the repository from whose hook they are run.
fn git_in(dir: &Path, args: &[&str]) -> std::process::Output {
    let mut git = Command::new("git");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        git.env_remove(name);
    }
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let fixed = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"];
    git.args(fixed).args(args).current_dir(dir).output().unwrap()
}

fn git(dir: &Path, args: &[&str]) -> bool {
    git_in(dir, args).status.success()
}

#[test]
fn two_machines_and_git() {
    let (_dir, one) = prep();
    // An answer takes two lines; what was wrong would come again.
    let (two, sit) = (one.with_file_name("two"), |answers: usize| "1\n1\n".repeat(answers));
    done(&splitbrain(&one, &["hint", "hash_ring"]));
    answering(&one, &["quiz", "cap", "--limit", "1", "--seed", "1"], &sit(1));
    assert!(git(&one, &["init"]) && git(&one, &["add", "-A"]) && git(&one, &["commit", "-m", "a"]));
    assert!(git(one.parent().unwrap(), &["clone", "prep", "two"]));
    // Both go on with the same exercise, and with questions.
    for (dir, limit, hints) in [(&one, "2", 1), (&two, "3", 2)] {
        (0..hints).for_each(|_| drop(splitbrain(dir, &["hint", "hash_ring"])));
        done(&splitbrain(dir, &["hint", if hints == 1 { "g_counter" } else { "pn_counter" }]));
        answering(dir, &["quiz", "replication", "--limit", limit, "--seed", limit], &sit(limit.parse().unwrap()));
        assert!(git(dir, &["commit", "-am", "more"]));
    }
    let count = |dir: &Path| own(dir, "quiz.toml").matches("\n{ ").count();
    let (mine, theirs) = (count(&one) - 1, count(&two) - 1);
    assert!(mine >= 1 && theirs >= 1);
    assert!(git(&one, &["pull", "--no-rebase", "--no-edit", "../two", "HEAD"]), "it merges by itself");
    let said = splitbrain(&one, &["list"]);
    assert!(said.code == Some(0) && said.err.is_empty(), "{}{}", said.shown(), own(&one, "progress.toml"));
    assert_eq!(count(&one), 1 + mine + theirs, "{}", own(&one, "quiz.toml"));
    done(&splitbrain(&one, &["hint", "view_counter"]));
    let state = own(&one, "progress.toml");
    for line in ["hash_ring = { hints = 3", "g_counter = { hints = 1", "pn_counter = { hints = 1", "view_counter"] {
        assert!(state.contains(line), "{line}: {state}");
    }
    // A difference of one record is one line.
    let diff = git_in(&one, &["diff", "--numstat", "HEAD", "--", ".splitbrain/progress.toml"]);
    let diff = String::from_utf8(diff.stdout).unwrap();
    assert!(diff.starts_with("1\t1\t") || diff.starts_with("1\t0\t") || diff.starts_with("1\t2\t"), "{diff}");
}

#[test]
fn a_conflict_of_git_is_said_and_settled() {
    let (_dir, prep) = prep();
    let row = |question: &str| format!("[[answer]]\ntopic = 'cap'\nquestion = '{question}'\nrev = 1\nright = true\nat_unix_s = 10\n");
    let text = format!("version = 1\n<<<<<<< HEAD\n{}=======\n{}>>>>>>> theirs\n", row("a"), row("b"));
    fs::write(prep.join(".splitbrain/quiz.toml"), &text).unwrap();
    for verb in ["list", "progress", "review"] {
        let said = splitbrain(&prep, &[verb]);
        assert!(said.code == Some(3) && said.err.lines().count() == 1, "{}", said.shown());
        assert!(said.err.contains("quiz.toml:2: there is a git conflict here; `splitbrain import"), "{}", said.shown());
        assert_eq!(own(&prep, "quiz.toml"), text, "it is left where it is");
    }
    let settled = splitbrain(&prep, &["import", ".splitbrain/quiz.toml"]);
    assert!(done(&settled).contains("quiz.toml.conflict-1"), "{}", settled.shown());
    assert_eq!((own(&prep, "quiz.toml").matches("\n{ ").count(), own(&prep, "quiz.toml.conflict-1")), (2, text));
    assert_eq!(splitbrain(&prep, &["list"]).code, Some(0));
}

/// Both of them updated the folder, or kept an export in it: what git could not merge is settled as answers are.
#[test]
fn a_conflict_in_what_is_no_answer_is_settled_too() {
    let (_dir, prep) = prep();
    let path = prep.join(".splitbrain/layout.toml");
    let (before, mine) = (fs::read_to_string(&path).unwrap(), "\"README.md\" = \"0\"");
    let line = before.lines().find(|line| line.starts_with("\"README.md\"")).unwrap();
    fs::write(&path, before.replace(line, &format!("<<<<<<< HEAD\n{line}\n=======\n{mine}\n>>>>>>> theirs"))).unwrap();
    for verb in ["update", "doctor"] {
        let said = splitbrain(&prep, &[verb]);
        let text = said.shown();
        assert!(said.code == Some(3) && text.contains("there is a git conflict here; `splitbrain import"), "{text}");
    }
    done(&splitbrain(&prep, &["import", ".splitbrain/layout.toml"]));
    let after = fs::read_to_string(&path).unwrap();
    assert_eq!(
        after,
        before.replace(&format!("{line}\n"), ""),
        "what both say stays; a file of which they say two things counts as touched"
    );
    let said = splitbrain(&prep, &["update"]);
    assert!(done(&said).starts_with("Already up to date with splitbrain"), "{}", said.shown());
    pass(&prep, "g_counter", "2026-01-01T00:00:00Z");
    done(&splitbrain(&prep, &["export", "mine.toml"]));
    let text = fs::read_to_string(prep.join("mine.toml")).unwrap();
    let theirs = text.replace("g_counter", "pn_counter");
    fs::write(prep.join("mine.toml"), format!("<<<<<<< HEAD\n{text}=======\n{theirs}>>>>>>> theirs\n")).unwrap();
    assert_eq!(done(&splitbrain(&prep, &["import", "mine.toml"])), "Read mine.toml: 1 exercise passed.\n");
}

/// From one machine to the other without a file: `-` is a name for both.
#[test]
fn an_export_through_a_pipe() {
    let ((_a, from), (_b, to)) = (prep(), prep());
    pass(&from, "g_counter", "2026-01-01T00:00:00Z");
    let text = splitbrain(&from, &["export", "-"]);
    assert_eq!(done(&answering(&to, &["import", "-"], done(&text))), "Read -: 1 exercise passed.\n");
    assert_eq!(done(&answering(&to, &["import", "/dev/stdin"], &text.out)), "Read /dev/stdin: nothing new.\n");
    let said = splitbrain(&to, &["export", "none/there"]);
    assert_eq!((said.code, said.err.as_str()), (Some(3), "error: cannot write none/there: there is no folder none\n"));
}
