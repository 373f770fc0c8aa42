//! What the tests stand on: temporary folders, the program, a toy course, and how outputs are written into snapshots.

use crate::patience::comes;
use jiff::{ToSpan as _, Zoned, civil::Date};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// The repository.
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

macro_rules! names {
    ($($id:ident)*) => {
        /// The exercises, in the order of the course.
        pub const EXERCISES: &[&str] = &[$(stringify!($id)),*];
    };
}
crate::exercises::each!(names);

/// Where nested builds go: one folder for all tests, kept between runs.
pub const NESTED: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/nested");

/// When the tests take place: the moment of whoever runs them with `SPLITBRAIN_NOW`, else always the same.
pub fn now() -> String {
    std::env::var("SPLITBRAIN_NOW").unwrap_or_else(|_| "2026-11-22T21:30[+01:00]".to_owned())
}

/// That moment in seconds since 1970.
pub fn unix_s() -> u64 {
    now().parse::<Zoned>().unwrap().timestamp().as_second().try_into().unwrap()
}

/// The day of that moment: it ends at four in the morning.
pub fn today() -> Date {
    now().parse::<Zoned>().unwrap().datetime().saturating_sub(4.hours()).date()
}

/// What one call of the program did.
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Exit code, standard output and standard error, with what differs from run to run replaced.
    pub fn shown(&self) -> String {
        let mut text = format!("exit code {}\n", self.code.map_or("none".to_owned(), |c| c.to_string()));
        for (name, stream) in [("out", &self.out), ("err", &self.err)] {
            if !stream.is_empty() {
                text.push_str(&format!("--- {name}\n{stream}"));
            }
        }
        text
    }
}

/// The program as a command, in a folder, with nothing of the surroundings that would change what it says.
pub fn program(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_splitbrain"));
    command.current_dir(dir).stdin(Stdio::null()).env("CARGO_TARGET_DIR", NESTED).env("SPLITBRAIN_NOW", now()).env("PAGER", "cat");
    for name in UNWANTED {
        command.env_remove(name);
    }
    command
}

/// What somebody may have set that changes what is said, or in which language.
const UNWANTED: [&str; 13] = [
    "NO_COLOR",
    "CLICOLOR_FORCE",
    "CLICOLOR",
    "RUST_BACKTRACE",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LANG",
    "LANGUAGE",
    "LESS",
    "EDITOR",
    "VISUAL",
    "SPLITBRAIN_POLL",
];

/// cargo, as the program calls it: nothing that somebody has set changes how or for which machine it builds.
pub fn cargo(dir: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    for name in splitbrain::cli::runner::env::unwanted(std::env::vars_os().map(|(name, _)| name)) {
        cargo.env_remove(name);
    }
    cargo.current_dir(dir).env("CARGO_TARGET_DIR", NESTED);
    cargo
}

/// A shell that asks for commands, with the same surroundings as the program has in tests.
#[cfg(target_os = "linux")]
pub fn shell(dir: &Path) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-i").current_dir(dir).env("PS1", "$ ").env_remove("ENV");
    for (name, value) in program(dir).get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// Runs the program.
pub fn splitbrain(dir: &Path, args: &[&str]) -> Said {
    let output = program(dir).args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs the program with lines on its standard input, which then ends.
pub fn answering(dir: &Path, args: &[&str], lines: &str) -> Said {
    let mut command = program(dir);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may have left before it read everything.
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Snapshot settings that replace times and folders.
pub fn settings(dir: &Path) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"\d+\.\d\d s", "[time]");
    // How far to the left the times stand hangs on their digits.
    settings.add_filter(r" {2,}build \[time\]", "  build [time]");
    settings.add_filter(r"thread '[^']*' \(\d+\)", "thread [id]");
    settings.add_filter(r"memory allocation of \d+ bytes", "memory allocation of [many] bytes");
    settings.add_filter(r#""(build|judge)_seconds":[0-9.]+"#, r#""${1}_seconds":0"#);
    settings.add_filter(r#"time="[0-9.]+""#, r#"time="0""#);
    settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[now]");
    settings.add_filter(r"minutes on \d{4}-\d\d-\d\d", "minutes on [day]");
    // The calendar of `progress` is another one each day.
    settings.add_filter(r"(?m)^ +(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?: +[A-Z][a-z][a-z])*$", "  [months]");
    settings.add_filter(r"(?m)^  (Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?: +[·▪■])+$", "  $1 [days]");
    for (path, name) in [(dir.to_owned(), "[dir]"), (dir.canonicalize().unwrap_or_default(), "[dir]"), (PathBuf::from(ROOT), "[root]")] {
        let path = path.display().to_string();
        if path.len() > 1 {
            let escaped: String =
                path.chars().flat_map(|c| if c.is_alphanumeric() || c == '/' { vec![c] } else { vec!['\\', c] }).collect();
            settings.add_filter(&escaped, name);
        }
    }
    settings
}

/// Compares what was said with the snapshot of that name.
pub fn snapshot(dir: &Path, name: &str, said: &Said) {
    settings(dir).bind(|| insta::assert_snapshot!(name, said.shown()));
}

/// What an interviewer asks after the toy exercise.
const FOLLOW_UPS: [&str; 3] = ["Who hears it first?", "What if two call at once?", "How far is the wall?"];

/// One of them as the exercise has it. Its answer is as long as the linter wants one to be.
fn follow_up(question: &str) -> String {
    let answer = "Sound takes three seconds for a kilometre, there and back again. ".repeat(6);
    let weak = "It names the wall and says nothing of the time.";
    let rubric = "[{ point = \"It takes its time\", weight = 2, must = true }, { point = \"There and back\", weight = 1 }]";
    let why = "Who has stood before a wall knows it.";
    let answer = answer.trim_end();
    format!(
        "\n[[follow_ups]]\nquestion = \"{question}\"\nwhen = [\"gives_back\"]\nanswer = \"{answer}\"\nweak = \"{weak}\"\nwhy = \"{why}\"\nrubric = {rubric}\n"
    )
}

/// Gives the toy exercise what an interviewer asks next, in both places.
pub fn ask_next(dir: &Path) {
    let list: String = (1..).zip(FOLLOW_UPS).map(|(n, question)| format!("{n}. {question}\n")).collect();
    let section = format!("\n## The rules\n\n- `gives_back`: what is called comes back.\n\n## An interviewer asks next\n\n{list}");
    for (name, more) in [("exercise.toml", FOLLOW_UPS.map(follow_up).concat()), ("README.md", section)] {
        let path = dir.join("exercises/toy").join(name);
        fs::write(&path, fs::read_to_string(&path).unwrap() + &more).unwrap();
    }
}

/// A clone in small: a course of one exercise, judged by `toy/harness.rs`.
pub fn toy() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "Cargo.toml",
        "[package]\nname = \"splitbrain\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[features]\ntoy = []\nall-exercises = [\"toy\"]\n\
         [[bin]]\nname = \"toy\"\npath = \"exercises/toy/toy.rs\"\nrequired-features = [\"toy\"]\n\
         [profile.judge]\ninherits = \"dev\"\ndebug = \"line-tables-only\"\n[workspace]\nexclude = [\".splitbrain\"]\n",
    );
    // It has a part in a folder of its own, which `#[path]` would have looked for beside it.
    for part in ["report.rs", "report/leads.rs"] {
        write(&format!("src/{part}"), &fs::read_to_string(format!("{ROOT}/engine/src/{part}")).unwrap());
    }
    let modules = ["rule", "seal", "time", "trace/mod", "words"]
        .map(|m| format!("#[path = \"{ROOT}/engine/src/{m}.rs\"]\npub mod {};\n", m.trim_end_matches("/mod")));
    let harness = format!("#[path = \"{ROOT}/tests/it/toy/harness.rs\"]\npub mod harness;\n");
    write("src/lib.rs", &format!("pub mod report;\n{}{harness}", modules.concat()));
    // The parts of the engine that are needed are modules of the library; this stands where a clone has the whole of it.
    write(
        "engine/Cargo.toml",
        "[package]\nname = \"splitbrain-engine\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[lib]\npath = \"lib.rs\"\n",
    );
    write("engine/lib.rs", "");
    write("exercises/course.toml", "[[topic]]\nid = \"toys\"\ntitle = \"Toys\"\nexercises = [\"toy\"]\n");
    write(
        "exercises/toy/exercise.toml",
        "title = \"Echo\"\nminutes = 1\nlines = 1\nsummary = \"Give back what you get.\"\nhints = [\"a nudge\", \"the idea\", \"n\"]\n\
         references = [{ title = \"Ovid, Metamorphoses\", loc = \"book 3\" }]\n",
    );
    write("exercises/toy/README.md", "# Echo\n\nGive back what you get.\n");
    write("src/exercises/toy/mod.rs", "//! Who calls is answered in her own words.\n");
    write("exercises/toy/toy.rs", &toy_file("todo!(\"give back {n}\")"));
    write("solutions/toy.rs", &toy_file("n"));
    dir
}

/// A file for the toy exercise with that body of the function.
pub fn toy_file(body: &str) -> String {
    format!(
        "#![allow(unused_variables)]\nfn echo(n: u64) -> u64 {{\n    {body}\n}}\n\nfn main() -> std::process::ExitCode {{\n    splitbrain::harness::main(echo)\n}}\n"
    )
}

/// The toy course that tests share which leave nothing behind in it (`--file`, `--solution`).
pub fn shared_toy() -> &'static Path {
    static TOY: OnceLock<TempDir> = OnceLock::new();
    TOY.get_or_init(toy).path()
}

/// Processes whose command line names the path: `pid command line`.
pub fn processes_of(path: &Path) -> Vec<String> {
    let name = path.display().to_string();
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten().filter(|e| e.file_name().to_string_lossy().parse::<u32>().is_ok());
    let line = |e: fs::DirEntry| {
        let command = String::from_utf8_lossy(&fs::read(e.path().join("cmdline")).ok()?).replace('\0', " ");
        Some(format!("{} {command}", e.file_name().to_string_lossy()))
    };
    pids.filter_map(line).filter(|l| l.contains(&name)).collect()
}

/// The process of a line of [`processes_of`].
pub fn pid_of(line: &str) -> u32 {
    line.split(' ').next().unwrap().parse().unwrap()
}

/// The name of the executable that the program builds from a file given by `--file`: it bears a hash (FNV-1a) of the path.
pub fn executable_of(id: &str, file: &Path) -> String {
    let path = file.canonicalize().unwrap();
    let hash = splitbrain::cli::fingerprint::fnv(path.as_os_str().as_encoded_bytes());
    format!("{id}-{hash:016x}")
}

/// Nothing of what was built from that file runs any more.
pub fn nothing_left_of(id: &str, file: &Path) {
    let name = executable_of(id, file);
    let left =
        || -> Vec<String> { processes_of(Path::new(&name)).into_iter().filter(|l| !l.contains("rustc") && !l.contains("cargo")).collect() };
    // What was killed is gone when the machine comes to it.
    assert!(comes(|| left().is_empty()), "left behind: {:?}", left());
}

/// Of what is on record as judged, one exercise in three is judged anew. Which ones hangs on all scores together, so each change of any of them
/// draws anew.
const IN_TURN: usize = 3;

/// Whether it is the turn of this exercise.
pub fn is_in_turn(id: &str) -> bool {
    let scores = EXERCISES.iter().map(|id| std::fs::read_to_string(format!("{ROOT}/tests/mutants/{id}.score.toml")).unwrap());
    let turn = scores.flat_map(String::into_bytes).fold(0, |hash: usize, byte| hash.wrapping_mul(31).wrapping_add(usize::from(byte)));
    EXERCISES.iter().position(|one| *one == id).is_some_and(|at| at % IN_TURN == (turn >> 8) % IN_TURN)
}
