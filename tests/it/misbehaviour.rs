//! Code of which nothing good is assumed, on the toy course: every verdict told apart, nothing hangs, nothing is left behind.

use crate::bench::{Said, processes_of, settings, shared_toy, snapshot, splitbrain, toy, toy_file};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Checks a file with that body of the function.
fn check(name: &str, body: &str, options: &[&str]) -> Said {
    let dir = shared_toy();
    let file = dir.join(format!("{name}.rs"));
    fs::write(&file, toy_file(body)).unwrap();
    let file = file.display().to_string();
    let said = splitbrain(dir, &[&["check", "toy", "--file", &file], options].concat());
    let left: Vec<String> = processes_of(Path::new(crate::bench::NESTED)).into_iter().filter(|l| l.contains("/debug/toy-")).collect();
    let mine: Vec<_> = left.iter().filter(|l| l.contains(name)).collect();
    assert!(mine.is_empty(), "left behind: {mine:?}");
    said
}

#[test]
fn the_verdicts() {
    for (name, body) in [
        ("passes", "n"),
        ("fails", "if n == 3 { 4 } else { n }"),
        ("todo", "todo!(\"give back {n}\")"),
        ("panics", "[0, 1, 2, 3][n as usize]; n"),
        ("type_error", "let s: String = n; n"),
        ("hash_map", "#[derive(Hash)] struct State { seen: std::collections::HashMap<u64, u64> } n"),
        ("float", "#[derive(Hash)] struct State { load: f64 } n"),
        ("exits", "if n == 4 { std::process::exit(0) } n"),
        ("aborts", "if n == 4 { std::process::abort() } n"),
        ("recursion", "fn deep(n: u64) -> u64 { let a = [n; 64]; std::hint::black_box(&a); deep(n + 1) + a[3] } deep(n)"),
        ("memory", "let mut all = Vec::new(); all.push(n); loop { all.extend_from_within(..); }"),
        ("prints", "println!(\"got {n}\"); eprintln!(\"\\x1b[2Jand {n}\"); if n == 3 { 4 } else { n }"),
    ] {
        let said = check(name, body, &[]);
        snapshot(shared_toy(), &format!("toy_{name}"), &said);
        assert!(said.took < Duration::from_secs(60), "{name} took {:?}", said.took);
    }
}

#[test]
fn a_loop_ends_at_the_deadline() {
    let said = check("loops", "loop { std::hint::spin_loop() }", &["--deadline", "1"]);
    snapshot(shared_toy(), "toy_loops", &said);
}

#[test]
fn a_flood_is_drained_and_bounded() {
    let said = check("flood", "for i in 0..200_000 { println!(\"{i} is a number\") } n", &[]);
    assert_eq!(said.code, Some(0), "{}", said.shown());
    assert!(said.out.contains("Your code printed"), "{}", said.out);
}

#[test]
fn grandchildren_die_too() {
    let body =
        "if n == 1 { std::process::Command::new(\"/bin/sleep\").arg(\"7654321\").spawn().unwrap(); } if n == 3 { std::process::exit(7) } n";
    let said = check("forks", body, &[]);
    assert!(said.out.contains("exit code 7"), "{}", said.out);
    std::thread::sleep(Duration::from_millis(100));
    let left = processes_of(Path::new("7654321"));
    assert!(left.iter().all(|l| !l.starts_with("/bin/sleep")), "{left:?}");
}

#[test]
fn the_other_forms() {
    let said = check("forms", "if n == 3 { 4 } else { n }", &["--format", "json"]);
    snapshot(shared_toy(), "toy_json", &said);
    let said = check("forms", "if n == 3 { 4 } else { n }", &["--format", "junit"]);
    snapshot(shared_toy(), "toy_junit", &said);
    assert_eq!(check("forms", "n", &["--test", "gives_bakc"]).code, Some(2));
    assert_eq!(check("forms", "n", &["--test", "gives_back"]).code, Some(0));
}

#[test]
fn a_whole_session() {
    let dir = toy();
    let dir = dir.path();
    let mut session = String::new();
    let mut call = |args: &[&str]| session.push_str(&format!("$ splitbrain {}\n{}\n", args.join(" "), splitbrain(dir, args).shown()));
    call(&["check"]);
    let stub = dir.join("exercises/toy/toy.rs");
    fs::write(&stub, toy_file("if n > 4 { 0 } else { n }")).unwrap();
    call(&["check", "toy"]);
    call(&["replay"]);
    call(&["replay", "--seed", "1"]);
    call(&["list"]);
    call(&["check", "--all", "--solution"]);
    fs::write(&stub, toy_file("n")).unwrap();
    call(&["check"]);
    call(&["replay", "toy"]);
    call(&["check"]);
    call(&["check", "--all"]);
    call(&["progress"]);
    settings(dir).bind(|| insta::assert_snapshot!("session", session));
    assert!(!dir.parent().unwrap().join("toy").exists(), "a report cannot name a file outside");
}

#[test]
fn an_environment_without_cargo() {
    let output = crate::bench::program(shared_toy()).args(["check", "toy"]).env("PATH", "/nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("rustup"));
}
