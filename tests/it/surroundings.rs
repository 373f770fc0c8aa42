//! What surrounds a check: variables, configuration, folders, tools. Each works, or is said in one sentence with what to do.

use crate::bench::{Said, program, toy, toy_file};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tempfile::TempDir;

fn check(dir: &Path, envs: &[(&str, &str)]) -> Said {
    let mut command = program(dir);
    command.env_remove("CARGO_TARGET_DIR").envs(envs.iter().copied());
    let output = command.args(["check", "toy"]).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr), took: std::time::Duration::ZERO }
}

/// A toy course that passes, in a folder of that name.
fn passing(name: &str) -> TempDir {
    let parent = tempfile::tempdir().unwrap();
    fs::rename(toy().keep(), parent.path().join(name)).unwrap();
    fs::write(parent.path().join(name).join("exercises/toy/toy.rs"), toy_file("n")).unwrap();
    parent
}

#[track_caller]
fn passes(said: &Said) {
    assert!(said.code == Some(0) && said.out.contains("the hidden test holds"), "{}", said.shown());
}

#[test]
fn variables_and_names_of_folders() {
    let parent = passing("mit Platz, é und 漢字 'x'");
    let dir = fs::read_dir(parent.path()).unwrap().next().unwrap().unwrap().path();
    passes(&check(&dir, &[]));
    assert!(dir.join("target/judge/toy").is_file());
    // What would build for another machine, with other flags, by another compiler.
    let hostile = [
        ("CARGO_BUILD_TARGET", "wasm32-unknown-unknown"),
        ("RUSTFLAGS", "--cfg nonsense -D warnings -C nonsense"),
        ("RUSTC", "/nowhere/rustc"),
        ("RUSTC_WRAPPER", "/nowhere/sccache"),
        ("CARGO_PROFILE_JUDGE_OPT_LEVEL", "nonsense"),
        ("CARGO_TARGET_DIR", ""),
    ];
    passes(&check(&dir, &hostile));
    let elsewhere = parent.path().join("else where");
    passes(&check(&dir, &[("CARGO_TARGET_DIR", elsewhere.to_str().unwrap())]));
    assert!(elsewhere.join("judge/toy").is_file());
    passes(&check(&dir, &[("CARGO_TARGET_DIR", "../relative")]));
    assert!(parent.path().join("relative/judge/toy").is_file());
}

#[test]
fn a_target_that_is_not_this_machine() {
    let parent = passing("prep");
    fs::create_dir(parent.path().join(".cargo")).unwrap();
    fs::write(parent.path().join(".cargo/config.toml"), "[build]\ntarget = \"wasm32-unknown-unknown\"\n").unwrap();
    let said = check(&parent.path().join("prep"), &[]);
    assert_eq!(said.code, Some(3), "{}", said.shown());
    assert!(said.err.starts_with("error: exercises must be built for this machine"), "{}", said.err);
}

/// What cargo and its kin say, played by a script in their place.
#[test]
fn one_sentence_each() {
    let parent = passing("prep");
    let bin = parent.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    for (says, sentence) in [
        (
            "toolchain '1.70.0' is not installed\nhelp: run `rustup toolchain install` to install it",
            "install it, or put a rust-toolchain.toml",
        ),
        ("failed to write `target/x`\n\nCaused by:\n  No space left on device (os error 28)", "the disk is full"),
        ("failed to acquire package cache lock\n\nCaused by:\n  failed to open: /x/.package-cache", "set CARGO_HOME"),
        ("failed to open: target/judge/.cargo-lock\n\nCaused by:\n  Read-only file system (os error 30)", "set CARGO_TARGET_DIR"),
        ("rustc 1.80.0 is not supported by the following package:\n  splitbrain@0.1.0 requires rustc 1.89", "this Rust is too old"),
    ] {
        let cargo = bin.join("cargo");
        fs::write(&cargo, format!("#!/bin/sh\ncat >&2 <<'END'\nerror: {says}\nEND\nexit 101\n")).unwrap();
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
        let said = check(&parent.path().join("prep"), &[("PATH", &path)]);
        assert_eq!((said.code, said.out.as_str()), (Some(3), ""), "{}", said.shown());
        assert!(said.err.contains(sentence) && said.err.lines().count() <= 2, "{}", said.err);
    }
    // A cargo that is there and cannot be run.
    fs::write(bin.join("cargo"), "#!/nowhere/sh\n").unwrap();
    let said = check(&parent.path().join("prep"), &[("PATH", bin.to_str().unwrap())]);
    assert_eq!(said.code, Some(3), "{}", said.shown());
}

/// A report that cannot be written is not the learner's crash.
#[test]
#[cfg(target_os = "linux")]
fn no_room_for_the_report() {
    let parent = passing("prep");
    let dir = parent.path().join("prep");
    // The harness of the toy says it as that of the library does.
    let complaint = "eprintln!(\"cannot write the report to x: No space left on device (os error 28)\"); std::process::exit(4)";
    fs::write(dir.join("exercises/toy/toy.rs"), toy_file(complaint)).unwrap();
    let said = check(&dir, &[]);
    assert_eq!(said.code, Some(3), "{}", said.shown());
    assert!(said.err.starts_with("error: the disk is full"), "{}", said.err);
}
