//! The tests that a learner wrote, `#[test]` in the exercise's file or in a module of it: built as `cargo test` does, and run under the
//! limits of everything that is the learner's. What came of them is said beside the verdict, which is that of the hidden tests.

use super::build::{Built, build};
use super::compile_error::CompileError;
use super::package::{Build, ERRORS};
use super::process::{End, MEMORY, Output, Ran, run};
use super::{Builds, Options, Workspace};
use crate::cli::disk;
use crate::cli::wrap::brief;
use std::path::{Path, PathBuf};

/// Failures whose words are kept: nobody reads more at once.
const WORDS: usize = 5;

/// What came of the learner's own tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnTests {
    /// How many hold.
    pub passed: u64,
    /// How many were not run, as they say themselves.
    pub ignored: u64,
    /// Those that failed.
    pub failed: Vec<OwnFailure>,
    /// Why not all were run, or none could be.
    pub ended: Option<String>,
    /// What the compiler said, if it refused.
    pub errors: Vec<CompileError>,
}

/// One that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnFailure {
    /// Its path in the file.
    pub name: String,
    /// File and line of the panic.
    pub at: Option<(String, u32)>,
    /// What it said, bounded.
    pub said: String,
}

impl OwnTests {
    /// Why not all were run.
    #[must_use]
    pub fn why(&self) -> Option<String> {
        let refused = self.errors.first().map(|error| format!("they do not compile: {}", error.message));
        refused.or_else(|| self.ended.clone())
    }

    /// True if all were run and none failed.
    #[must_use]
    pub fn hold(&self) -> bool {
        self.failed.is_empty() && self.ended.is_none() && self.errors.is_empty()
    }
}

/// Builds and runs the learner's own tests of one exercise that was built; `None` where there are none.
pub async fn own_tests(workspace: &Workspace, builds: &Builds, id: &str, options: &Options) -> Option<OwnTests> {
    let bin = builds.plan.bins.iter().find(|bin| bin.id == id)?;
    let beside = builds.inputs.get(id).into_iter().flatten();
    if !builds.compiled(id) || !std::iter::once(&bin.file).chain(beside).any(|file| has_tests(file)) {
        return None;
    }
    let plan = Build { bins: vec![bin.clone()], args: builds.plan.args.clone(), tests: true, errors: ERRORS, ahead: false };
    let ended = |why: String| Some(OwnTests { ended: Some(why), ..OwnTests::default() });
    let done = match build(workspace, &plan, options.colours, &mut |_| {}).await {
        Ok(mut done) => done.built.remove(id),
        Err(trouble) => return ended(trouble.message),
    };
    let executable: PathBuf = match done {
        Some(Built::Ready(path)) => path,
        Some(Built::Refused(errors)) => return Some(OwnTests { errors, ..OwnTests::default() }),
        None => return ended("they were not built".to_owned()),
    };
    // One after the other: so the one that does not end, or takes the process with it, is known by its name.
    let args = ["--test-threads=1", "--color=never"].map(str::to_owned);
    match run(&executable, &args, &workspace.root, std::process::Stdio::null(), Output::Split, options.deadline).await {
        Ok(ran) => Some(read(&ran, options)).filter(|own| *own != OwnTests::default()),
        Err(trouble) => ended(trouble.message),
    }
}

/// Whether there may be some. What is built only for tests is not known from the build without them.
fn has_tests(file: &Path) -> bool {
    let is_rust = file.extension().is_some_and(|e| e == "rs");
    is_rust && disk::read_text(file).is_ok_and(|text| text.contains("#[test]") || text.contains("cfg(test)"))
}

/// What the test harness said.
fn read(ran: &Ran, options: &Options) -> OwnTests {
    let text = ran.stdout.text();
    let mut own = OwnTests::default();
    let (mut of, mut running, mut ended, mut seen, mut total) = (0_u64, None, false, 0_u64, None);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(count) = line.strip_prefix("running ").and_then(|rest| rest.split(' ').next()?.parse().ok()) {
            of = count;
        } else if line.starts_with("test result: ") {
            ended = true;
            // One that writes past the harness hides its own line, not the number.
            total = line.split_once(". ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
        } else if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) {
            let mut said = Vec::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with("---- ") && *line != "failures:") {
                said.push(line);
            }
            if let Some(failure) = own.failed.iter_mut().find(|failure| failure.name == ours(name)) {
                (failure.at, failure.said) = words(&said);
            }
        } else if let Some((name, how)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) {
            running = None;
            seen += 1;
            // `name - should panic`, as the harness has it.
            let name = name.split(" - ").next().unwrap_or(name);
            match how {
                "ok" => own.passed += 1,
                how if how.starts_with("ignored") => own.ignored += 1,
                how if how.starts_with("FAILED") => own.failed.push(OwnFailure { name: ours(name).to_owned(), ..OwnFailure::default() }),
                // It wrote past the harness, or took the process with it: the last of these is meant below.
                _ => {
                    seen -= 1;
                    running = Some(ours(name).to_owned());
                }
            }
        }
    }
    for failure in own.failed.iter_mut().skip(WORDS) {
        failure.said.clear();
    }
    own.passed = total.unwrap_or(own.passed);
    own.ended = why(ran, options, ended, running.as_deref(), of.saturating_sub(seen));
    if own.hold() && !matches!(ran.end, End::Exited(status) if status.success()) {
        own.ended = Some("some failed: `cargo test` shows them".to_owned());
    }
    own
}

/// Why they did not come to their end, or say nothing of it.
fn why(ran: &Ran, options: &Options, ended: bool, running: Option<&str>, left: u64) -> Option<String> {
    let what = running.map_or("they".to_owned(), |name| format!("`{name}`"));
    let rest = match left.saturating_sub(u64::from(running.is_some())) {
        0 => String::new(),
        n => format!("; {n} more {} not run", if n == 1 { "was" } else { "were" }),
    };
    match ran.end {
        End::Deadline => Some(format!("{what} did not end within {} s{rest}", options.deadline.as_secs())),
        End::Memory => Some(format!("{what} took more than {} GiB of memory{rest}", MEMORY >> 30)),
        End::Exited(_) if ended => None,
        End::Exited(status) => {
            let said = ran.stderr.last_lines(3).join("\n");
            let said = if said.is_empty() { said } else { format!("\n{}", brief(&said)) };
            Some(format!("{what} ended the process ({status}){rest}{said}"))
        }
    }
}

/// In a folder with a `main` of ours the learner's file is a module.
fn ours(name: &str) -> &str {
    name.strip_prefix("learner::").unwrap_or(name)
}

/// Place and words of a panic, of what a test that failed has printed.
fn words(said: &[&str]) -> (Option<(String, u32)>, String) {
    let place = |line: &str| {
        let (_, place) = line.strip_suffix(':')?.rsplit_once(" panicked at ")?;
        let mut parts = place.rsplitn(3, ':');
        let (_column, line, file) = (parts.next()?, parts.next()?, parts.next()?);
        // As seen from a `main` of ours.
        Some((file.trim_start_matches("main/../").to_owned(), line.parse().ok()?))
    };
    let at = said.iter().rev().find_map(|line| place(line));
    let is_noise = |line: &str| line.trim().is_empty() || line.starts_with("note: run with `RUST_BACKTRACE=") || place(line).is_some();
    let kept: Vec<&str> = said.iter().copied().filter(|line| !is_noise(line)).collect();
    (at, brief(&kept.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::super::process::Captured;
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;
    use std::time::Duration;

    fn of(stdout: &str, end: End) -> OwnTests {
        let mut out = Captured::default();
        out.push(stdout.as_bytes());
        let ran = Ran { end, stdout: out, stderr: Captured::default(), wall: Duration::ZERO };
        let options = Options::of(Duration::from_secs(20));
        read(&ran, &options)
    }

    fn code(code: i32) -> End {
        End::Exited(ExitStatus::from_raw(code << 8))
    }

    #[test]
    fn what_the_harness_says() {
        let text = "\nrunning 4 tests\ntest a ... ok\ntest m::b ... FAILED\ntest c - should panic ... ok\ntest d ... ignored, slow\n\nfailures:\n\n\
                    ---- m::b stdout ----\nhere\n\nthread 'm::b' (12) panicked at exercises/x/x.rs:31:9:\nassertion `left == right` failed\n  \
                    left: 1\n right: 2\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n\n\nfailures:\n    m::b\n\n\
                    test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n";
        let own = of(text, code(101));
        let failed = OwnFailure {
            name: "m::b".into(),
            at: Some(("exercises/x/x.rs".into(), 31)),
            said: "here\nassertion `left == right` failed\n  left: 1\n right: 2".into(),
        };
        assert_eq!(own, OwnTests { passed: 2, ignored: 1, failed: vec![failed], ..OwnTests::default() });
        assert!(!own.hold());
        let none = of("\nrunning 0 tests\n\ntest result: ok. 0 passed; 0 failed\n", code(0));
        assert_eq!(none, OwnTests::default());
    }

    #[test]
    fn what_did_not_come_to_its_end() {
        let begun = "\nrunning 4 tests\ntest a ... ok\ntest learner::b ... ";
        let said = |text: &str, end| of(text, end).ended.unwrap();
        assert_eq!(said(begun, End::Deadline), "`b` did not end within 20 s; 2 more were not run");
        assert_eq!(said("", code(0)), "they ended the process (exit status: 0)");
        assert_eq!(said(&format!("{begun}hello"), code(3)), "`b` ended the process (exit status: 3); 2 more were not run");
        assert_eq!(of(begun, End::Deadline).passed, 1, "what was decided stands");
    }

    #[test]
    fn words_are_bounded() {
        let long = "x".repeat(100_000);
        let text = format!("running 1 test\ntest a ... FAILED\n---- a stdout ----\n{long}\nfailures:\ntest result: FAILED.\n");
        assert!(of(&text, code(101)).failed[0].said.len() < 3_000);
    }
}
