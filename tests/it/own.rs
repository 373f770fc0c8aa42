//! The tests that a learner writes into their file: `check` runs them, under the limits of everything that is theirs, and says what
//! came of them beside the verdict, which is that of the hidden tests.

use crate::bench::{Said, processes_of, program, toy, toy_file};
use std::fs;
use std::path::Path;

/// A toy course in which the exercise is solved, with these tests in its file.
fn solved(tests: &str) -> tempfile::TempDir {
    let dir = toy();
    test_with(dir.path(), tests);
    dir
}

fn test_with(dir: &Path, tests: &str) {
    let text = format!("{}\n#[cfg(test)]\nmod tests {{\n    use super::*;\n{tests}}}\n", toy_file("n"));
    fs::write(dir.join("exercises/toy/toy.rs"), text).unwrap();
}

/// The program; cargo builds in a folder of this course's own, where no other test's exercise of that name lands.
fn splitbrain(dir: &Path, args: &[&str]) -> Said {
    let output = program(dir).env("CARGO_TARGET_DIR", dir.join("target")).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

const HOLDS: &str = "    #[test]\n    fn gives_back() {\n        assert_eq!(echo(3), 3);\n    }\n";

fn passed_at(dir: &Path) -> bool {
    splitbrain(dir, &["list", "--format", "json"]).out.contains("\"passed\":true")
}

#[test]
fn they_are_run_and_told_apart_from_the_hidden_ones() {
    let dir = solved(HOLDS);
    let dir = dir.path();
    let said = splitbrain(dir, &["check", "toy"]);
    assert!(said.code == Some(0) && said.out.contains("✓ Your own tests: 1 passed, 0 failed"), "{}", said.shown());
    // One that fails, and says 300 KB of it.
    let file = dir.join("exercises/toy/toy.rs");
    let long = "    #[test]\n    fn differs() {\n        assert_eq!(vec![echo(1); 100_000], vec![2; 100_000]);\n    }\n}\n";
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.trim_end().trim_end_matches('}').to_owned() + long).unwrap();
    let said = splitbrain(dir, &["check", "toy"]);
    assert_eq!(said.code, Some(1), "{}", said.shown());
    assert!(said.out.contains("✗ Your own tests: 1 passed, 1 failed\n  ✗ tests::differs  exercises/toy/toy.rs:"), "{}", said.shown());
    assert!(said.out.contains("The verdict of the exercise comes from the hidden tests above."), "{}", said.shown());
    assert!(said.out.len() < 16_000, "{} bytes", said.out.len());
    assert!(passed_at(dir), "the hidden tests hold, and that is kept");
    let said = splitbrain(dir, &["check", "toy", "--format", "json"]);
    let line: serde_json::Value = serde_json::from_str(said.out.lines().next().unwrap()).unwrap();
    let own = &line["own_tests"];
    assert_eq!((&line["verdict"], &own["hold"], &own["passed"]), (&"passed".into(), &false.into(), &1.into()), "{line}");
    assert_eq!(own["failed"][0]["name"], "tests::differs");
    let said = splitbrain(dir, &["check", "toy", "--format", "junit"]);
    assert!(
        said.out.contains("failures=\"1\" errors=\"0\"") && said.out.contains("classname=\"own tests\" name=\"tests::differs\""),
        "{}",
        said.out
    );
    // Who asks for one hidden test gets that one.
    assert_eq!(splitbrain(dir, &["check", "toy", "--test", "gives_back"]).code, Some(0));
}

#[test]
fn one_that_does_not_end_or_ends_all_is_named() {
    let after = "    #[test]\n    fn n_after() {}\n";
    let cases = [
        (
            "        loop {\n            std::hint::black_box(echo(1));\n        }\n",
            "`tests::m` did not end within SECONDS s; 1 more was not run",
        ),
        ("        std::process::exit(0);\n", "`tests::m` ended the process (exit status: 0); 1 more was not run"),
        ("        std::process::abort();\n", "`tests::m` ended the process (signal: 6"),
    ];
    let dir = toy();
    let dir = dir.path();
    for (body, why) in cases {
        test_with(dir, &format!("{HOLDS}    #[test]\n    fn m() {{\n{body}    }}\n{after}"));
        // The first deadline before which the others come to their end.
        let tries = |seconds| (seconds, splitbrain(dir, &["check", "toy", "--deadline", seconds]));
        let enough = |(_, said): &(&str, Said)| said.out.contains("1 passed, 0 failed");
        let (seconds, said) = ["3", "60", "300"].into_iter().map(tries).find(enough).expect("they end in five minutes");
        let why = why.replace("SECONDS", seconds);
        assert_eq!(said.code, Some(1), "{}", said.shown());
        assert!(
            said.out.contains("Your own tests: 1 passed, 0 failed")
                && said.out.split_whitespace().collect::<Vec<_>>().join(" ").contains(&why),
            "{}",
            said.shown()
        );
        assert!(passed_at(dir));
        let left = processes_of(dir);
        assert!(left.is_empty(), "{left:?}");
    }
    // What is built for tests alone does not spoil the rest.
    test_with(dir, "    #[test]\n    fn m() {\n        let n: u64 = \"\";\n    }\n");
    let said = splitbrain(dir, &["check", "toy"]);
    assert_eq!(said.code, Some(1), "{}", said.shown());
    assert!(said.out.contains("Your own tests: do not compile") && said.out.contains("mismatched types"), "{}", said.shown());
    assert!(passed_at(dir));
}
