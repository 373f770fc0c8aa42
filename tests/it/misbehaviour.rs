//! Code of which nothing good is assumed, on the toy course: every verdict told apart, nothing hangs, nothing is left behind.

use crate::bench::{
    Said, executable_of, nothing_left_of, pid_of, processes_of, program, settings, shared_toy, snapshot, splitbrain, toy, toy_file,
};
use crate::patience::{BETWEEN, comes, pause};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Checks a file with that body of the function.
fn check(name: &str, body: &str, options: &[&str]) -> Said {
    let dir = shared_toy();
    let file = dir.join(format!("{name}.rs"));
    fs::write(&file, toy_file(body)).unwrap();
    let said = splitbrain(dir, &[&["check", "toy", "--file", &file.display().to_string()], options].concat());
    nothing_left_of("toy", &file);
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
    }
}

#[test]
fn a_loop_ends_at_the_deadline() {
    // The first deadline before which it gets so far as to loop.
    let looping = |seconds| check("loops", "loop { std::hint::spin_loop() }", &["--deadline", seconds]);
    let said = ["1", "20", "300"].into_iter().map(looping).find(|said| said.out.contains("it was at"));
    let said = said.expect("it comes to its first case in five minutes");
    snapshot(shared_toy(), "toy_loops", &said);
}

#[test]
fn a_flood_is_drained_and_bounded() {
    let said = check("flood", "for i in 0..20_000 { println!(\"{i} is a number\") } n", &["--deadline", "3600"]);
    assert_eq!(said.code, Some(0), "{}", said.shown());
    assert!(said.out.contains("Your code printed"), "{}", said.out);
}

/// The most memory that the program itself has held, in KiB, while what it judges prints for ever.
#[test]
#[cfg(target_os = "linux")]
fn a_flood_for_ever_takes_no_memory_of_ours() {
    let file = shared_toy().join("for_ever.rs");
    fs::write(&file, toy_file("loop { println!(\"{}\", \"a line of some length, again and again and again\") }")).unwrap();
    let mut command = program(shared_toy());
    command.args(["check", "toy", "--deadline", "3", "--file"]).arg(&file).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let held = fs::read_to_string(&status).unwrap_or_default();
        let peak = held.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        most = most.max(peak.unwrap_or(0));
        pause(BETWEEN);
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    eprintln!("the program held {most} KiB at most");
    assert!(output.status.code() == Some(1) && said.contains("does not return"), "{said}");
    assert!((1..48 * 1024).contains(&most), "the program held {most} KiB");
    nothing_left_of("toy", &file);
}

#[test]
fn grandchildren_die_too() {
    // A name that no other run of these tests on this machine has.
    let name = (6_000_000 + std::process::id()).to_string();
    let body =
        "if n == 1 { std::process::Command::new(\"/bin/sleep\").arg(\"NAME\").spawn().unwrap(); } if n == 3 { std::process::exit(7) } n";
    let said = check("forks", &body.replace("NAME", &name), &[]);
    assert!(said.out.contains("exit code 7"), "{}", said.out);
    let left = || processes_of(Path::new(&name));
    assert!(comes(|| left().iter().all(|l| !l.contains("/bin/sleep"))), "{:?}", left());
}

/// What kills the compiler, or would take all memory, is the file's fault: a verdict like others. (The limit is lower than the
/// program's own, so that the test costs little.)
#[test]
fn a_file_that_the_compiler_dies_of_does_not_compile() {
    let deep = format!("{}n{}", "(".repeat(20_000), ")".repeat(20_000));
    let without_end = "macro_rules! twice { ($($t:tt)*) => { twice! { $($t)* $($t)* } } } twice! { a b c d }";
    for (name, body, said) in [
        ("deep", deep.as_str(), "error"),
        ("zeros", "let all = include_bytes!(\"/dev/zero\"); n", "couldn't read `/dev/zero`"),
        ("doubles", without_end, "the compiler ran out of memory on this file"),
    ] {
        let file = shared_toy().join(format!("{name}.rs"));
        fs::write(&file, toy_file(body)).unwrap();
        let settings = program(shared_toy());
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "ulimit -d 700000; exec \"$0\" check toy --file \"$1\""]).arg(settings.get_program()).arg(&file);
        shell.current_dir(shared_toy()).envs(settings.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = shell.output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.code() == Some(1) && out.contains("does not compile"), "{name}: {out:.3000}{err:.3000}");
        assert!(out.contains(said) && out.len() < 64 << 10, "{name}: {out:.3000}");
    }
}

/// Something that saves the file at each build, as a formatter or a sync may: a check comes to its end all the same.
#[test]
fn a_file_that_is_saved_at_each_build_is_judged() {
    let parent = toy();
    let (dir, bin) = (parent.path(), parent.path().join("bin"));
    let stub = dir.join("exercises/toy/toy.rs");
    fs::write(&stub, toy_file("n")).unwrap();
    fs::create_dir(&bin).unwrap();
    let cargo = bin.join("cargo");
    let script = format!("#!/bin/sh\necho built >> built\necho '// saved' >> {}\nexec {} \"$@\"\n", stub.display(), env!("CARGO"));
    fs::write(&cargo, script).unwrap();
    fs::set_permissions(&cargo, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = program(dir).args(["check", "toy"]).env("PATH", path).env_remove("CARGO_TARGET_DIR").output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.code() == Some(0) && out.contains("the hidden test holds"), "{out}{err}");
    assert_eq!(err.matches("changed while it was checked").count(), 3, "{err}");
    assert!(err.contains("exercises/toy/toy.rs, or a file beside it, keeps changing: this verdict is for the text"), "{err}");
    // Each is built twice at most: once more where the text came with a time of the past.
    assert!((4..=8).contains(&fs::read_to_string(dir.join("built")).unwrap().lines().count()));
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

/// Sends a signal to the program while the toy loops, and gives its exit code.
fn interrupted(name: &str, signal: &str) -> Option<i32> {
    let file = shared_toy().join(format!("{name}.rs"));
    fs::write(&file, toy_file("loop { std::hint::spin_loop() }")).unwrap();
    let mut command = crate::bench::program(shared_toy());
    command.args(["check", "toy", "--deadline", "3600", "--file"]).arg(&file).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    // The executable is named after the exercise and the file; it runs once it has its report to write.
    let name = executable_of("toy", &file);
    let running = || -> Vec<String> { processes_of(Path::new(&name)).into_iter().filter(|l| l.contains("--crumbs")).collect() };
    assert!(comes(|| !running().is_empty()), "it never ran");
    let toy = pid_of(&running()[0]);
    Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    let status = child.wait().unwrap();
    let gone = || !fs::read_to_string(format!("/proc/{toy}/stat")).is_ok_and(|s| !s.contains(") Z "));
    assert!(comes(gone), "{toy} is still there");
    status.code()
}

#[test]
fn signals_end_the_whole_group() {
    assert_eq!(interrupted("interrupt", "-INT"), Some(130));
    assert_eq!(interrupted("terminate", "-TERM"), Some(143));
    #[cfg(target_os = "linux")]
    assert_eq!(interrupted("kill", "-KILL"), None);
}

#[test]
fn an_environment_without_cargo() {
    for args in [["check", "toy"], ["watch", "toy"]] {
        let output = program(shared_toy()).args(args).env("PATH", "/nowhere").output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{args:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("rustup"));
    }
}
