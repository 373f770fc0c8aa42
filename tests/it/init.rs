//! What `init` lays out, and what it refuses.

use crate::bench::{ROOT, cargo, snapshot, splitbrain};
use std::fs;
use std::path::Path;
use std::process::Command;

fn tree(dir: &Path, base: &Path, out: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            tree(&path, base, out);
        } else {
            out.push(path.strip_prefix(base).unwrap().display().to_string());
        }
    }
}

#[test]
fn the_layout_builds_offline_with_an_empty_cargo_home() {
    let dir = tempfile::tempdir().unwrap();
    let said = splitbrain(dir.path(), &["init", "prep"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let (first, second) = said.out.split_once('\n').unwrap();
    assert_eq!(first, "Laid out prep. Next: cd prep && splitbrain");
    assert!(second.contains("`splitbrain learn start`"), "{second}");
    let prep = dir.path().join("prep");
    let mut files = Vec::new();
    tree(&prep, &prep, &mut files);
    for file in [
        "Cargo.toml",
        ".gitignore",
        "rust-analyzer.toml",
        "rustfmt.toml",
        "README.md",
        ".splitbrain/core/Cargo.toml",
        ".splitbrain/core/engine/src/report.rs",
    ] {
        assert!(files.iter().any(|f| f == file), "{file} is not in {files:?}");
    }
    assert!(!files.iter().any(|f| f.contains("src/cli") || f.ends_with("main.rs")), "{files:?}");
    assert!(!files.iter().any(|f| f.contains("solutions") || f.contains("Cargo.lock")), "{files:?}");
    // Inside another workspace, too: that is what a clone would be.
    fs::write(dir.path().join("Cargo.toml"), "[workspace]\n").unwrap();
    // All of it is looked at by the compiler; that a program comes out, too, is asked of one, as each judge takes long to build.
    let home = dir.path().join("home");
    for args in [
        &["check", "--offline"][..],
        &["build", "--offline", "--no-default-features", "--features", "durable_note", "--bin", "durable_note"],
    ] {
        let mut cargo = cargo(&prep);
        let output = cargo.args(args).env("CARGO_HOME", &home).env("CARGO_TARGET_DIR", dir.path().join("target")).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && !text.contains("warning"), "{args:?}: {text}");
    }
    assert_eq!(splitbrain(&prep.join("exercises"), &["list"]).code, Some(0));
}

#[test]
fn format_on_save_leaves_a_learners_file_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    // Whatever a folder above asks for.
    fs::write(dir.path().join("rustfmt.toml"), "max_width = 140\nuse_small_heuristics = \"Max\"\n").unwrap();
    let said = splitbrain(dir.path(), &["init", "my prep"]).out;
    assert!(said.starts_with("Laid out my prep. Next: cd 'my prep' && splitbrain\n"), "{said}");
    let prep = dir.path().join("my prep");
    let mut files = Vec::new();
    tree(&prep, &prep, &mut files);
    let mut files: Vec<_> = files.iter().filter(|f| f.starts_with("exercises/") && f.ends_with(".rs")).map(|f| prep.join(f)).collect();
    let solutions = fs::read_dir(Path::new(ROOT).join("solutions")).unwrap().map(|entry| entry.unwrap().path());
    files.extend(solutions.filter(|path| path.extension().is_some_and(|e| e == "rs")));
    let said = Command::new("rustfmt").args(["--check", "--edition", "2024"]).args(&files).output().unwrap();
    assert!(files.len() >= 16 && said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
}

#[test]
fn a_folder_that_holds_work_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("thesis.tex"), "work").unwrap();
    snapshot(dir, "init_refuses", &splitbrain(dir, &["init"]));
    assert_eq!(fs::read_dir(dir).unwrap().count(), 1);
    assert_eq!(splitbrain(dir, &["init", "new"]).code, Some(0));
    let again = splitbrain(dir, &["init", "new"]);
    assert!(again.code == Some(3) && again.err.contains("is a splitbrain folder already"), "{}", again.err);
    fs::create_dir_all(dir.join("repository/.git")).unwrap();
    assert_eq!(splitbrain(&dir.join("repository"), &["init"]).code, Some(0), "a repository without files is empty");
    let under_a_file = splitbrain(dir, &["init", "thesis.tex/prep"]);
    assert_eq!(under_a_file.code, Some(3), "{}", under_a_file.err);
}

#[test]
fn what_a_handler_may_do_is_wherever_a_learner_looks() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(splitbrain(dir.path(), &["init", "prep"]).code, Some(0));
    let prep = dir.path().join("prep");
    let readme = std::fs::read_to_string(prep.join("README.md")).unwrap();
    let lines: Vec<&str> = readme.lines().filter(|line| !line.trim().is_empty()).collect();
    let heading = |line: &str| line.starts_with('#');
    assert!(
        lines.windows(2).all(|two| !(heading(two[0]) && heading(two[1]))) && !heading(lines[lines.len() - 1]),
        "an empty heading: {readme}"
    );
    let calls = ["send", "broadcast", "peers", "reply", "save", "set_timer", "cancel_timer", "now", "random", "note"];
    let mut pages = vec![("the folder's README".to_owned(), readme), ("docs".to_owned(), splitbrain(dir.path(), &["docs"]).out)];
    let course = splitbrain::cli::content::Content::Embedded.course().unwrap();
    let shown = course.exercises().map(|id| (format!("show {id}"), splitbrain(&prep, &["show", id]).out));
    let contract = |id: &str| std::fs::read_to_string(format!("{ROOT}/src/exercises/{id}/mod.rs")).unwrap();
    let (with, without): (Vec<_>, Vec<_>) =
        shown.partition(|(what, _)| contract(what.trim_start_matches("show ")).contains("impl Protocol for "));
    assert!(without.iter().any(|(what, _)| what == "show hash_ring") && with.len() > without.len());
    pages.extend(with);
    for (what, text) in pages {
        for call in calls {
            assert!(text.contains(&format!("cx.{call}(")), "{what} lacks cx.{call}:\n{text}");
        }
    }
    assert!(without.iter().all(|(_, text)| !text.contains("cx.send")), "there is no network in them");
    let leads = |what: &str, topic: &str| splitbrain(&prep, &["show", what]).out.contains(&format!("splitbrain learn {topic}"));
    assert!(leads("hash_ring", "sharding") && leads("g_counter", "counters"), "the problem names the page of its topic");
    let contract = splitbrain(&prep, &["docs", "g_counter"]).out;
    assert!(contract.contains("pub enum Message {") && !contract.contains("judge"), "{contract}");
    let wrong = splitbrain(&prep, &["docs", "g_couter"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("did you mean `g_counter`?"), "{}", wrong.shown());
}
