//! One call of `cargo build`: its messages are read as JSON, the executable's path is what cargo says it is (a target
//! folder or a `build.target` in the user's configuration moves it), and of rustc's errors those of the learner's file are
//! kept, as rustc renders them.

use super::env;
use super::package::{Bin, Build};
use crate::cli::error::{Result, Trouble};
use crate::cli::workspace::Workspace;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;

/// What became of one bin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Built {
    /// The executable.
    Ready(PathBuf),
    /// What the compiler said.
    Refused(Vec<CompileError>),
}

/// One error of the compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// Its one sentence.
    pub message: String,
    /// File and line.
    pub at: Option<(String, u32)>,
    /// As rustc renders it.
    pub rendered: String,
    /// What we add.
    pub advice: Option<&'static str>,
}

/// Builds, and says what became of each bin by the exercise's id, and how long it took.
///
/// # Errors
/// No cargo; a manifest that cargo cannot read; a core that does not compile, which is a bug of ours.
pub async fn build(workspace: &Workspace, build: &Build, colours: bool) -> Result<(BTreeMap<String, Built>, Duration)> {
    let start = Instant::now();
    let mut command = Command::new("cargo");
    command.arg("build").current_dir(&workspace.root).args(&build.args);
    for bin in &build.bins {
        command.args(["--bin", &bin.name]);
    }
    if build.bins.len() > 1 {
        // One that does not compile says nothing of the others.
        command.arg("--keep-going");
    }
    command.arg(if colours { "--message-format=json-diagnostic-rendered-ansi" } else { "--message-format=json" });
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    env::clean(&mut command);
    let cargo = command.spawn().map_err(|e| cargo_missing(&e))?;
    let pid = cargo.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let output = tokio::select! {
        output = cargo.wait_with_output() => output.map_err(|e| cargo_missing(&e))?,
        code = super::process::interrupted() => {
            // Asked, not killed: it leaves its files in order. (From a terminal, Ctrl-C has reached it already.)
            let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
            std::process::exit(code);
        }
    };
    let stdout = String::from_utf8_lossy(&output.stdout);
    let messages: Vec<Message> =
        stdout.lines().filter(|l| l.starts_with("{\"reason\":\"compiler-")).filter_map(|l| serde_json::from_str(l).ok()).collect();
    let mut results = BTreeMap::new();
    for bin in &build.bins {
        let executable = messages.iter().filter(|m| m.target.name == bin.name).find_map(|m| m.executable.clone());
        let errors: Vec<CompileError> = messages.iter().filter_map(|m| error_of(m, &bin.name, &workspace.root)).collect();
        let built = match executable {
            Some(path) => Built::Ready(path),
            None if !errors.is_empty() => Built::Refused(errors),
            None => return Err(not_the_learner(&messages, bin, &String::from_utf8_lossy(&output.stderr))),
        };
        results.insert(bin.id.clone(), built);
    }
    Ok((results, start.elapsed()))
}

fn cargo_missing(e: &std::io::Error) -> Trouble {
    if e.kind() == std::io::ErrorKind::NotFound {
        return Trouble::environment("cargo is not found: install Rust from https://rustup.rs, and open a new terminal");
    }
    Trouble::environment(format!("cargo cannot be run: {e}"))
}

/// Nothing was built, and the learner's file is not to blame.
fn not_the_learner(messages: &[Message], bin: &Bin, stderr: &str) -> Trouble {
    let others = messages.iter().filter_map(|m| m.message.as_ref()).filter(|d| d.level == "error" && !d.spans.is_empty());
    let others: Vec<&str> = others.filter_map(|d| d.rendered.as_deref()).collect();
    if others.is_empty() {
        return Trouble::environment(format!("cargo could not build {}:\n{}", bin.id, stderr.trim_end()));
    }
    Trouble::bug(format!("the library that {} is written against does not compile:\n\n{}", bin.id, others.join("\n")))
}

fn error_of(message: &Message, bin: &str, root: &Path) -> Option<CompileError> {
    let diagnostic = message.message.as_ref()?;
    if message.target.name != bin || !diagnostic.level.starts_with("error") {
        return None;
    }
    // "aborting due to 2 previous errors" and the like say nothing new. An error without a place that is none of them
    // (the linker's) does.
    if diagnostic.spans.is_empty()
        && (diagnostic.message.starts_with("aborting due to") || diagnostic.message.starts_with("could not compile"))
    {
        return None;
    }
    let span = diagnostic.spans.iter().find(|s| s.is_primary).or(diagnostic.spans.first());
    let at =
        span.map(|s| (Path::new(&s.file_name).strip_prefix(root).map_or(s.file_name.clone(), |p| p.display().to_string()), s.line_start));
    Some(CompileError {
        message: diagnostic.message.clone(),
        at,
        rendered: diagnostic.rendered.clone().unwrap_or_else(|| diagnostic.message.clone()),
        advice: advice(diagnostic),
    })
}

/// The sentence that rustc cannot say: why a node's state may not hold what it holds, or that the file is of another exercise.
fn advice(diagnostic: &Diagnostic) -> Option<&'static str> {
    match diagnostic.code.as_ref()?.code.as_str() {
        // Each exercise's contract is compiled only when that exercise is checked.
        "E0432" | "E0433" if diagnostic.message.contains("exercises") => {
            return Some("this file is written for another exercise than the one that was named: name that one in `splitbrain check`");
        }
        "E0277" => {}
        _ => return None,
    }
    let (subject, bound) = diagnostic.message.split_once("`")?.1.split_once("`")?.0.rsplit_once(": ")?;
    let (subject, bound) = (subject.trim_start_matches("std::collections::"), bound.rsplit("::").next()?);
    match bound {
        "Hash" | "State" | "Eq" | "Ord" => {}
        _ => return None,
    }
    if subject.contains("HashMap") {
        Some("use BTreeMap: its order is the same in every run, so a failing run can be replayed")
    } else if subject.contains("HashSet") {
        Some("use BTreeSet: its order is the same in every run, so a failing run can be replayed")
    } else if ["f32", "f64"].contains(&subject) {
        Some("use whole numbers (counts, microseconds, thousandths): states are compared and hashed, so that a failing run can be replayed")
    } else {
        None
    }
}

#[derive(Deserialize)]
struct Message {
    target: Target,
    #[serde(default)]
    message: Option<Diagnostic>,
    #[serde(default)]
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[derive(Deserialize)]
struct Diagnostic {
    message: String,
    level: String,
    #[serde(default)]
    code: Option<Code>,
    #[serde(default)]
    spans: Vec<Span>,
    #[serde(default)]
    rendered: Option<String>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    line_start: u32,
    #[serde(default)]
    is_primary: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic(code: &str, message: &str) -> Diagnostic {
        let code = Some(Code { code: code.to_owned() });
        Diagnostic { message: message.to_owned(), level: "error".to_owned(), code, spans: Vec::new(), rendered: None }
    }

    #[test]
    fn our_sentence_where_rustc_cannot_say_it() {
        let says = |message: &str| advice(&diagnostic("E0277", message)).unwrap_or("");
        assert!(says("the trait bound `HashMap<NodeId, u64>: Hash` is not satisfied").starts_with("use BTreeMap"));
        assert!(
            says("the trait bound `std::collections::HashMap<u8, Vec<u8>>: std::hash::Hash` is not satisfied").starts_with("use BTreeMap")
        );
        assert!(says("the trait bound `HashSet<u64>: Hash` is not satisfied").starts_with("use BTreeSet"));
        assert!(says("the trait bound `f64: Hash` is not satisfied").starts_with("use whole numbers"));
        assert_eq!(says("the trait bound `MyType: Hash` is not satisfied"), "");
        assert_eq!(says("`HashMap<u8, u8>` cannot be sent between threads safely"), "");
        let other = advice(&diagnostic("E0432", "unresolved import `splitbrain::exercises::g_counter`"));
        assert!(other.is_some_and(|a| a.contains("another exercise")));
        assert_eq!(advice(&diagnostic("E0432", "unresolved import `std::colections`")), None);
        assert_eq!(advice(&diagnostic("E0308", "the trait bound `f64: Hash` is not satisfied")), None);
    }
}
