//! How long a learner waits: from a saved file to the verdict, and its parts, in a folder that `init` has just laid out,
//! against what plain `cargo build` of the same bin takes after an edit of the same kind. Run by
//! `cargo bench --bench verdict`; all figures are medians, ratios are taken pair by pair. With `RUSTLINGS=PATH` (the program,
//! from `cargo install rustlings`) its check of a file of the same length is measured in the same rounds.

#![allow(clippy::disallowed_methods, reason = "measures wall time")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const ID: &str = "g_counter";
/// What a learner comes to next.
const NEXT: &str = "pn_counter";
const ROUNDS: usize = 9;
const LISTS: usize = 21;

fn main() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let desk = Desk { dir: home.path().join("prep"), edits: std::cell::Cell::new(0) };
    let laid_out = seconds(program(home.path()).args(["init", "prep"]));
    desk.edit();
    let begun = of_children();
    let fresh = desk.check();
    let first = of_children() - begun;
    let reference = concat!(env!("CARGO_MANIFEST_DIR"), "/solutions/").to_owned() + NEXT + ".rs";
    fs::copy(reference, desk.dir.join(format!("exercises/{NEXT}/{NEXT}.rs"))).expect("the reference is there");
    seconds(program(&desk.dir).args(["check", NEXT]));
    let second = of_children() - begun - first;
    figure("splitbrain init", laid_out * 1_000.0, "ms");
    figure("first verdict in a fresh folder", fresh.wall, "s");
    if cfg!(target_os = "linux") {
        figure("first exercise in a fresh folder", first, "CPU-s");
        figure("second exercise in a fresh folder", second, "CPU-s");
    }

    // The first of each is thrown away: it warms caches.
    let (mut builds, mut checks) = (vec![desk.build()], vec![fresh]);
    for _ in 0..ROUNDS {
        desk.edit();
        builds.push(desk.build());
        desk.edit();
        checks.push(desk.check());
    }
    let (builds, checks) = (builds.split_off(1), checks.split_off(1));
    let of = |part: fn(&Verdict) -> f64| median(checks.iter().map(part));
    figure("edit to verdict", of(|v| v.wall), "s");
    figure("cargo build of the same bin after the same edit", median(builds.iter().copied()), "s");
    let pairs = checks.iter().zip(&builds);
    figure("edit to verdict, outside judging, against cargo build of the same bin", median(pairs.map(|(v, b)| v.outside() / b)), "×");
    figure("building, as check says", of(|v| v.build), "s");
    figure("judging", of(|v| v.judge), "s");
    figure("neither building nor judging", of(|v| v.wall - v.build - v.judge) * 1_000.0, "ms");
    broken(&desk);
    watched(&desk);
    if let Some(program) = std::env::var_os("RUSTLINGS") {
        beside(&desk, &Rustlings::new(home.path(), Path::new(&program)));
    }
    let lists = (0..LISTS).map(|_| seconds(program(&desk.dir).arg("list")) * 1_000.0);
    figure("splitbrain list", median(lists), "ms");
    let row = |n: u64| {
        format!("{{ at_unix_s = {}, question = \"q{}\", rev = 1, right = true, topic = \"cap\" }},\n", 1_000_000 + n * 600, n % 300)
    };
    let log = format!("version = 1\nanswer = [\n{}]\n", (0..100_000).map(row).collect::<String>());
    fs::write(desk.dir.join(".splitbrain/quiz.toml"), log).expect("the log of answers");
    figure("splitbrain list after an answer, 100,000 answers", seconds(program(&desk.dir).arg("list")) * 1_000.0, "ms");
    let lists = (0..LISTS).map(|_| seconds(program(&desk.dir).arg("list")) * 1_000.0);
    figure("splitbrain list, 100,000 answers", median(lists), "ms");
}

/// What all processes together have worked that were started and have ended, in seconds (Linux).
fn of_children() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name may hold anything, a bracket too: the numbers come after the last one. The 14th and 15th of them are in hundredths.
    let numbers = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().skip(13).take(2);
    numbers.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// How long until the compiler's error is told.
fn broken(desk: &Desk) {
    let (mut builds, mut checks) = (Vec::new(), Vec::new());
    for _ in 0..=ROUNDS {
        desk.break_it();
        builds.push(wall(&mut desk.cargo(), false));
        desk.break_it();
        checks.push(wall(program(&desk.dir).args(["check", ID]), false));
    }
    let (builds, checks) = (builds.split_off(1), checks.split_off(1));
    figure("edit to compile error, against cargo build of the same broken file", ratio(&checks, &builds), "×");
}

/// The same with `watch`, which is there already when the file is saved.
fn watched(desk: &Desk) {
    let mut child =
        program(&desk.dir).args(["watch", ID, "--format", "json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut next =
        || -> serde_json::Value { serde_json::from_str(&lines.next().expect("a line").expect("readable")).expect("one line of JSON") };
    next();
    let pid = child.id().to_string();
    let signal = |signal: &str| assert!(Command::new("kill").args([signal, &pid]).status().expect("kill runs").success());
    let (mut builds, mut verdicts, mut broken_builds, mut errors) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..=ROUNDS {
        for (works, builds, answers) in [(true, &mut builds, &mut verdicts), (false, &mut broken_builds, &mut errors)] {
            let save = || if works { desk.edit() } else { desk.break_it() };
            // Plain cargo while watch sleeps: it would build the same text at the same time.
            signal("-STOP");
            save();
            builds.push(wall(&mut desk.cargo(), works));
            save();
            signal("-CONT");
            next();
            let start = Instant::now();
            save();
            let line = next();
            answers.push(start.elapsed().as_secs_f64() - line["judge_seconds"].as_f64().expect("seconds"));
            assert_eq!(line["verdict"], if works { "passed" } else { "does_not_compile" }, "{line}");
        }
    }
    drop(child.stdin.take());
    child.wait().expect("it ends");
    figure("watch: save to verdict, outside judging, against cargo build", ratio(&verdicts[1..], &builds[1..]), "×");
    figure("watch: save to compile error, against cargo build", ratio(&errors[1..], &broken_builds[1..]), "×");
}

/// The whole of a check, with its judging, beside rustlings' whole check of a plain file of the same length.
fn beside(desk: &Desk, rustlings: &Rustlings) {
    let (mut ours, mut theirs, mut plain) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..=ROUNDS {
        desk.edit();
        ours.push(desk.check().wall);
        rustlings.edit(desk.edits.replace(desk.edits.get() + 1));
        theirs.push(wall(&mut rustlings.command(&rustlings.program, &["run", Rustlings::NAME]), true));
        rustlings.edit(desk.edits.replace(desk.edits.get() + 1));
        plain.push(wall(&mut rustlings.command(Path::new("cargo"), &["build", "--quiet", "--bin", Rustlings::NAME]), true));
    }
    let (ours, theirs, plain) = (ours.split_off(1), theirs.split_off(1), plain.split_off(1));
    figure("rustlings: edit to verdict", median(theirs.iter().copied()), "s");
    figure("rustlings: against cargo build of the same file", ratio(&theirs, &plain), "×");
    figure("edit to verdict, judging and all, against rustlings on a file of the same length", ratio(&ours, &theirs), "×");
}

/// A folder of rustlings' own, in which one exercise is ours.
struct Rustlings {
    program: PathBuf,
    dir: PathBuf,
}

impl Rustlings {
    const NAME: &str = "hashmaps3";
    const FILE: &str = "exercises/11_hashmaps/hashmaps3.rs";

    fn new(home: &Path, program: &Path) -> Rustlings {
        let mut init = clean(Command::new(program), home);
        let mut child = init.arg("init").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("rustlings starts");
        child.stdin.take().expect("piped").write_all(b"\n").expect("it asks for Enter");
        assert!(child.wait().expect("it ends").success(), "rustlings init failed");
        Rustlings { program: program.to_owned(), dir: home.join("rustlings") }
    }

    fn command(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = clean(Command::new(program), &self.dir);
        command.args(args);
        command
    }

    fn edit(&self, n: u64) {
        let text = include_str!("beside/counter.rs");
        let edited = text.replace("u64 = 100;", &format!("u64 = {};", 100 + n));
        assert_ne!(edited, text, "the literal to edit is gone");
        fs::write(self.dir.join(Rustlings::FILE), edited).expect("it can be written");
    }
}

/// A learner's folder.
struct Desk {
    dir: PathBuf,
    edits: std::cell::Cell<u64>,
}

/// One check, in seconds.
struct Verdict {
    wall: f64,
    build: f64,
    judge: f64,
}

impl Verdict {
    fn outside(&self) -> f64 {
        self.wall - self.judge
    }
}

impl Desk {
    /// Saves the reference with another literal: what is compiled differs each time, what it does hardly.
    fn edit(&self) {
        let reference = concat!(env!("CARGO_MANIFEST_DIR"), "/solutions/g_counter.rs");
        let text = fs::read_to_string(reference).expect("the reference is there");
        let n = self.edits.replace(self.edits.get() + 1);
        let edited = text.replace("from_millis(100)", &format!("from_micros({})", 100_000 + n));
        assert_ne!(edited, text, "the literal to edit is gone");
        fs::write(self.dir.join(format!("exercises/{ID}/{ID}.rs")), edited).expect("it can be written");
    }

    /// Saves a text that does not compile.
    fn break_it(&self) {
        self.edit();
        let path = self.dir.join(format!("exercises/{ID}/{ID}.rs"));
        let text = fs::read_to_string(&path).expect("it is there");
        fs::write(path, text.replace("from_micros(", "from_macros(")).expect("it can be written");
    }

    /// Plain cargo, with the options that `check` gives it.
    fn cargo(&self) -> Command {
        let mut cargo = clean(Command::new("cargo"), &self.dir);
        cargo.args(["build", "--offline", "--quiet", "--no-default-features", "--features", ID, "--bin", ID]);
        cargo
    }

    fn build(&self) -> f64 {
        wall(&mut self.cargo(), true)
    }

    fn check(&self) -> Verdict {
        let start = Instant::now();
        let output = program(&self.dir).args(["check", ID, "--format", "json"]).output().expect("the program runs");
        let wall = start.elapsed().as_secs_f64();
        let line: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
        assert_eq!(line["verdict"], "passed", "{line}");
        let part = |name: &str| line[name].as_f64().expect("seconds");
        Verdict { wall, build: part("build_seconds"), judge: part("judge_seconds") }
    }
}

fn program(dir: &Path) -> Command {
    clean(Command::new(env!("CARGO_BIN_EXE_splitbrain")), dir)
}

/// Without what the cargo that runs this bench has put into the environment.
fn clean(mut command: Command, dir: &Path) -> Command {
    command.current_dir(dir).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if (text.starts_with("CARGO_") && text != "CARGO_HOME") || ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTFLAGS"].contains(&&*text) {
            command.env_remove(&name);
        }
    }
    command
}

/// How long a command takes that must succeed.
fn seconds(command: &mut Command) -> f64 {
    wall(command, true)
}

/// How long a command takes that must succeed, or must fail.
fn wall(command: &mut Command, succeeds: bool) -> f64 {
    let start = Instant::now();
    let output = command.output().expect("it can be started");
    assert_eq!(output.status.success(), succeeds, "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    start.elapsed().as_secs_f64()
}

/// The median of the ratios, pair by pair.
fn ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    median(ours.iter().zip(theirs).map(|(a, b)| a / b))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn figure(name: &str, value: f64, unit: &str) {
    println!("{name}: {value:.2} {unit}");
}
