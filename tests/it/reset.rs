//! `reset`: the stub is back, and no text is ever lost.

use crate::bench::{program, splitbrain};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

fn texts(folder: &Path) -> Vec<String> {
    let mut paths: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    paths.sort();
    paths.iter().map(|p| fs::read_to_string(p).unwrap()).collect()
}

/// Answers what is asked on standard input.
fn answered(dir: &Path, args: &[&str], answer: &str) -> (Option<i32>, String, String) {
    let mut command = program(dir);
    let mut child = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn there_and_back() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(splitbrain(dir.path(), &["init", "prep"]).code, Some(0));
    let prep = dir.path().join("prep");
    let file = prep.join("exercises/g_counter/g_counter.rs");
    let backups = prep.join(".splitbrain/backups/g_counter");
    let stub = fs::read_to_string(&file).unwrap();
    assert!(splitbrain(&prep, &["reset", "g_counter", "--yes"]).out.contains("is the stub: nothing to do"));
    fs::write(&file, "my work").unwrap();
    for answer in ["", "n\n", "\n"] {
        let (code, out, err) = answered(&prep, &["reset", "g_counter"], answer);
        assert_eq!((code, fs::read_to_string(&file).unwrap().as_str()), (Some(0), "my work"), "{out}{err}");
        assert!(err.contains("nothing was changed"), "{out}{err}");
    }
    let (code, out, err) = answered(&prep, &["reset", "g_counter"], "y\n");
    assert_eq!((code, fs::read_to_string(&file).unwrap()), (Some(0), stub.clone()), "{out}{err}");
    assert!(out.contains("kept as .splitbrain/backups/g_counter/"), "{out}");
    assert_eq!(texts(&backups), ["my work"]);
    assert_eq!(splitbrain(&prep, &["reset", "g_counter", "--undo", "--yes"]).code, Some(0));
    assert_eq!(fs::read_to_string(&file).unwrap(), "my work");
    assert_eq!(splitbrain(&prep, &["reset", "g_counter", "--undo", "--yes"]).code, Some(2), "there is no other");
    // Twice within a second, and other work in between: all of it is kept.
    splitbrain(&prep, &["reset", "g_counter", "--yes"]);
    fs::write(&file, "other work").unwrap();
    assert_eq!(splitbrain(&prep, &["reset", "g_counter", "--undo", "--yes"]).code, Some(0));
    assert_eq!(fs::read_to_string(&file).unwrap(), "my work");
    assert!(texts(&backups).contains(&"other work".to_owned()), "{:?}", texts(&backups));
    // A file that is gone is put there; nothing is kept, as there was nothing.
    let before = texts(&backups).len();
    fs::remove_file(&file).unwrap();
    let said = splitbrain(&prep, &["reset", "g_counter", "--yes", "--format", "json"]);
    assert_eq!(said.out, "{\"exercise\":\"g_counter\",\"changed\":true,\"kept\":null,\"from\":null}\n");
    assert_eq!((fs::read_to_string(&file).unwrap(), texts(&backups).len()), (stub, before));
}

#[test]
fn undo_walks_back_through_all_texts() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(splitbrain(dir.path(), &["init", "prep"]).code, Some(0));
    let prep = dir.path().join("prep");
    let (file, backups) = (prep.join("exercises/g_counter/g_counter.rs"), prep.join(".splitbrain/backups/g_counter"));
    for text in ["one", "two", "three"] {
        fs::write(&file, text).unwrap();
        assert_eq!(splitbrain(&prep, &["reset", "g_counter", "--yes"]).code, Some(0));
    }
    let undo = || {
        let said = splitbrain(&prep, &["reset", "g_counter", "--undo", "--yes"]);
        (said.code, fs::read_to_string(&file).unwrap(), said.err)
    };
    for text in ["three", "two", "one"] {
        assert_eq!(undo(), (Some(0), text.to_owned(), String::new()));
    }
    let (code, text, err) = undo();
    assert!(code == Some(2) && text == "one" && err.contains("the oldest version that is kept; newer ones"), "{err}");
    assert_eq!(texts(&backups), ["one", "two", "three"]);
    // What is there is never lost, and what is kept twice does not go in circles.
    fs::write(&file, "four").unwrap();
    assert_eq!(undo().1, "three");
    fs::write(&file, "one").unwrap();
    assert_eq!(splitbrain(&prep, &["reset", "g_counter", "--yes"]).code, Some(0));
    for text in ["one", "four", "three", "two"] {
        assert_eq!(undo().1, text);
    }
    assert_eq!((undo().0, texts(&backups)), (Some(2), ["two", "three", "four", "one"].map(str::to_owned).to_vec()));
}
