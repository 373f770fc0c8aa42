//! What is longer than the screen goes through a pager, and nothing else does.

use crate::bench::splitbrain;
use crate::pty::Pty;
use std::path::Path;

/// A pager that says that it was there.
const MARKS: &str = "cat; echo PAGED";

fn shown(dir: &Path, args: &[&str], rows: u16, pager: &str) -> (Option<i32>, String) {
    let (code, text, _) = Pty::start(dir, args, (80, rows), &[("PAGER", pager)]).end();
    (code, text)
}

#[test]
fn a_long_text_goes_through_the_pager_that_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(splitbrain(dir.path(), &["init", "prep"]).code, Some(0));
    let dir = dir.path().join("prep");
    let whole = splitbrain(&dir, &["show", "g_counter"]);
    assert!(whole.out.lines().count() > 40 && !whole.out.contains("PAGED"), "never in a pipe: {}", whole.shown());
    let paged = |args: &[&str], rows| shown(&dir, args, rows, MARKS).1.contains("PAGED");

    let (code, text) = shown(&dir, &["show", "g_counter"], 24, MARKS);
    let (first, last) = (text.lines().next().unwrap(), text.lines().rfind(|l| !l.is_empty()).unwrap());
    assert_eq!((code, first, last), (Some(0), "g_counter: a counter that only grows", "PAGED"), "{text}");
    assert!(paged(&["docs", "g_counter"], 24) && paged(&["solution", "g_counter", "--give-up"], 24));
    assert!(paged(&["list"], 24) && !paged(&["list"], 200));
    assert!(!paged(&["show", "g_counter"], 200), "it fits on the screen");
    assert!(!paged(&["--no-pager", "show", "g_counter"], 24));
    assert!(!paged(&["show", "g_counter", "--format", "json"], 24));
    // Nothing is lost: by a pager that is not there, or by one that leaves before the end.
    let (code, text) = shown(&dir, &["show", "g_counter"], 24, "no-such-pager");
    assert!(code == Some(0) && text.contains("g_counter: a counter that only grows"), "{text}");
    let (code, text) = shown(&dir, &["show", "g_counter"], 24, "head -n 1");
    assert!(code == Some(0) && text.contains("g_counter: a counter") && !text.contains("panicked"), "{text}");
}
