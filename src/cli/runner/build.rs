//! One call of `cargo build`: its messages are read as JSON, the executable's path is what cargo says it is (a target
//! folder or a `build.target` in the user's configuration moves it), and of rustc's errors those of the learner's file are
//! kept, as rustc renders them.

use super::compile_error::{CompileError, Diagnostic, error_of};
use super::env;
use super::group::Group;
use super::inputs;
use super::lines::Lines;
use super::obstacle;
use super::package::{Bin, Build, ERRORS};
use super::process::{BUILD_MEMORY, Captured, die_with_us, limit_build, yield_to_others};
use super::stall::Stall;
use super::tree;
use crate::cli::clock;
use crate::cli::error::{Result, Trouble};
use crate::cli::workspace::Workspace;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};
use tokio::process::{Child, Command};

/// What became of one bin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Built {
    /// The executable.
    Ready(PathBuf),
    /// What the compiler said.
    Refused(Vec<CompileError>),
}

/// What a build is at. Each stage uses what the one before it made; one that is up to date takes no time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// What every exercise is judged with.
    #[default]
    Engine,
    /// The library that the learner's file is written against, with the hidden tests of the exercise.
    Library,
    /// The learner's file.
    File,
}

impl Stage {
    /// What is built, how often that is so, and how far the build is.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Stage::Engine => "building the simulator, once for all exercises (1 of 3)",
            Stage::Library => "building the hidden tests, once for each exercise (2 of 3)",
            Stage::File => "building your code (3 of 3)",
        }
    }
}

/// What is heard of a build while it runs.
#[derive(Clone, Copy, Debug)]
pub enum Heard<'a> {
    /// The next stage has begun.
    Begins(Stage),
    /// Another cargo holds the target folder (an editor's, perhaps).
    Waiting,
    /// An error in the file of that exercise.
    Error(&'a str, &'a CompileError),
}

/// What a build brought.
#[derive(Debug)]
pub struct Done {
    /// What became of each bin, by the exercise's id.
    pub built: BTreeMap<String, Built>,
    /// Wall time.
    pub wall: Duration,
    /// Exercises of which a file got the present as its time: see [`behind`].
    pub touched: Vec<String>,
    /// What was read for each exercise beside its file, or looked for, as far as that is known.
    pub inputs: BTreeMap<String, BTreeSet<PathBuf>>,
    /// When cargo was called, the last time.
    pub began: SystemTime,
}

/// Builds. If this is dropped, cargo and all that it started are killed.
///
/// # Errors
/// No cargo; a manifest that cargo cannot read; a core that does not compile, which is a bug of ours.
pub async fn build(workspace: &Workspace, build: &Build, colours: bool, on: &mut dyn FnMut(Heard<'_>)) -> Result<Done> {
    let start = Instant::now();
    let mut began = clock::of_files();
    let mut said = call(workspace, build, colours, on).await?;
    let mut old: Vec<(&Bin, PathBuf)> = Vec::new();
    for bin in &build.bins {
        let Some(ready) = said.ready.get(&bin.name) else { continue };
        let files = said.read_for(bin, workspace).into_iter().chain([bin.file.clone()]);
        old.extend(files.filter(|file| behind(file, ready)).map(|file| (bin, file)));
    }
    if !old.is_empty() {
        for (_, file) in &old {
            // If it is refused, the executable stays what cargo says it is.
            let _ = File::options().append(true).open(file).and_then(|file| file.set_modified(clock::of_files()));
        }
        began = clock::of_files();
        said = call(workspace, build, colours, on).await?;
    }
    let inputs = build.bins.iter().map(|bin| (bin.id.clone(), said.read_for(bin, workspace))).collect();
    let mut built = BTreeMap::new();
    for bin in &build.bins {
        let result = match (said.ready.remove(&bin.name), said.errors.remove(&bin.name)) {
            (Some(ready), _) => Built::Ready(ready.path),
            (None, Some(errors)) => match errors.iter().filter(|e| e.at.is_none()).find_map(|e| obstacle::sentence(&e.rendered)) {
                Some(sentence) => return Err(Trouble::environment(sentence)),
                None => Built::Refused(errors),
            },
            (None, None) => match said.compiler_died(bin) {
                Some(error) => Built::Refused(vec![error]),
                None => return Err(not_the_learner(&said.others, bin, &said.stderr.text())),
            },
        };
        built.insert(bin.id.clone(), result);
    }
    Ok(Done { built, wall: start.elapsed(), touched: old.iter().map(|(bin, _)| bin.id.clone()).collect(), inputs, began })
}

/// True if cargo took an executable for up to date that is older than the file: `mv` and `cp -p` bring texts with times of
/// the past, and cargo goes by these. The file system's own time of the last change to the file does not lie.
fn behind(file: &Path, ready: &Ready) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(source), Ok(executable)) = (fs::metadata(file), fs::metadata(&ready.path)) else { return false };
    ready.fresh && source.is_file() && (source.ctime(), source.ctime_nsec()) > (executable.mtime(), executable.mtime_nsec())
}

/// An executable, and whether cargo found it up to date.
struct Ready {
    path: PathBuf,
    fresh: bool,
}

/// What one call of cargo said, by the names of bins.
#[derive(Default)]
struct Said {
    ready: BTreeMap<String, Ready>,
    errors: BTreeMap<String, Vec<CompileError>>,
    /// Errors elsewhere, as rendered.
    others: Vec<String>,
    stderr: Captured,
    /// Where rustc writes down what it read.
    deps: Option<PathBuf>,
}

async fn call(workspace: &Workspace, build: &Build, colours: bool, on: &mut dyn FnMut(Heard<'_>)) -> Result<Said> {
    let mut command = command(workspace, build, colours);
    let mut cargo = tree::start(|| command.spawn(), Child::id).map_err(|e| cargo_missing(&e))?;
    // The whole group: a rustc that outlived its cargo would write its executable over that of a newer text.
    let group = Group::of(&cargo);
    let mut stdout = Lines::new(cargo.stdout.take());
    let mut stderr = Lines::new(cargo.stderr.take());
    let mut said = Said::default();
    let mut ended = None;
    let (mut stall, mut look, mut blocked) = (Stall::default(), tokio::time::interval(Duration::from_secs(1)), false);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            line = stdout.next(), if !stdout.ended() => if let Some(line) = line {
                (blocked, _) = (false, stall.heard());
                said.hear(&line, workspace, build, on);
            },
            line = stderr.next(), if !stderr.ended() => if let Some(line) = line {
                stall.heard();
                blocked = line.contains("Blocking waiting for file lock");
                if blocked {
                    on(Heard::Waiting);
                }
                said.stderr.push(line.as_bytes());
                said.stderr.push(b"\n");
            },
            status = cargo.wait(), if ended.is_none() => {
                ended = Some(Instant::now());
                status.map_err(|e| cargo_missing(&e))?;
            }
            // Who waits for another cargo waits as long as that one takes.
            _ = look.tick(), if ended.is_none() && !blocked && cfg!(target_os = "linux") => {
                if let Some(why) = group.leader().and_then(|leader| stall.look(tree::ticks(leader))) {
                    said.stalled(&why, build);
                    return Ok(said);
                }
            }
            // A daemon that cargo started may hold the pipes for ever.
            () = tokio::time::sleep(Duration::from_millis(500)), if ended.is_some() => return Ok(said),
        }
        if stdout.ended() && stderr.ended() && ended.is_some() {
            return Ok(said);
        }
    }
}

fn command(workspace: &Workspace, build: &Build, colours: bool) -> Command {
    let mut command = Command::new("cargo");
    command.args(if build.tests { &["test", "--no-run"][..] } else { &["build"] }).current_dir(&workspace.root).args(&build.args);
    for bin in &build.bins {
        command.args(["--bin", &bin.name]);
    }
    if build.bins.len() > 1 {
        // One that does not compile says nothing of the others.
        command.arg("--keep-going");
    }
    command.arg(if colours { "--message-format=json-diagnostic-rendered-ansi" } else { "--message-format=json" });
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    env::clean(&mut command);
    die_with_us(&mut command);
    limit_build(&mut command);
    if build.ahead {
        yield_to_others(&mut command);
    }
    command
}

impl Said {
    /// The build waits for what never comes: what is not ready is not built.
    fn stalled(&mut self, why: &str, build: &Build) {
        let rendered = format!(
            "error: {why}\n  = help: look for an `include_str!` of a pipe, and for a macro or a build script that waits or never ends\n"
        );
        for bin in build.bins.iter().filter(|bin| !self.ready.contains_key(&bin.name)) {
            let error = CompileError { message: why.to_owned(), at: None, rendered: rendered.clone(), advice: None, bytes: Vec::new() };
            self.errors.entry(bin.name.clone()).or_default().insert(0, error);
        }
    }

    /// What is said of a file that the compiler itself died of: it takes no verdict of another exercise away.
    fn compiler_died(&self, bin: &Bin) -> Option<CompileError> {
        let text = self.stderr.text();
        let (_, since) = text.split_once("error: could not compile `").and_then(|_| text.split_once(&format!("(bin \"{}\"", bin.name)))?;
        let died = since.split("error: could not compile `").next().filter(|how| how.contains("(signal: "))?;
        // Somebody ended it; or what surrounds us did, and there is a sentence for that.
        if died.contains("SIGKILL") || died.contains("SIGTERM") || obstacle::sentence(&text).is_some() {
            return None;
        }
        let why = if text.contains("memory allocation of") {
            format!("the compiler ran out of memory on this file (it may take {} GiB)", BUILD_MEMORY >> 30)
        } else if text.contains("overflowed its stack") {
            "the compiler's stack overflowed on this file".to_owned()
        } else {
            "the compiler crashed on this file".to_owned()
        };
        let help = "look for an endless macro or included file, or an expression nested thousands deep, in what you added last";
        Some(CompileError {
            rendered: format!("error: {why}\n  = help: {help}\n"),
            message: why,
            at: None,
            advice: None,
            bytes: Vec::new(),
        })
    }

    /// The files that were read for a bin beside its own.
    fn read_for(&self, bin: &Bin, workspace: &Workspace) -> BTreeSet<PathBuf> {
        let root = bin.file.ancestors().find(|dir| dir.join("Cargo.toml").is_file()).unwrap_or(&workspace.root);
        let mut found = self.deps.as_ref().map(|deps| inputs::of_bin(deps, &bin.name, root)).unwrap_or_default();
        found.extend(inputs::of_errors(self.errors.get(&bin.name).map_or(&[], Vec::as_slice), root));
        found.remove(&bin.file);
        found
    }

    /// One line of cargo's standard output.
    fn hear(&mut self, line: &str, workspace: &Workspace, build: &Build, on: &mut dyn FnMut(Heard<'_>)) {
        if !line.starts_with("{\"reason\":\"compiler-") {
            return;
        }
        let Ok(message) = serde_json::from_str::<Message>(line) else { return };
        let bin = build.bins.iter().find(|bin| bin.name == message.target.name);
        if let Some(bin) = bin {
            if let Some(path) = message.executable {
                self.ready.insert(bin.name.clone(), Ready { path, fresh: message.fresh });
            } else if let Some(error) = message.message.as_ref().and_then(|d| error_of(d, &workspace.root)) {
                let errors = self.errors.entry(bin.name.clone()).or_default();
                if errors.len() < build.errors {
                    on(Heard::Error(&bin.id, &error));
                    errors.push(error);
                }
            }
        } else if message.reason == "compiler-artifact" && message.target.name == "splitbrain" {
            let folder = message.filenames.first().and_then(|file| file.parent());
            self.deps = folder.map(|dir| if dir.ends_with("deps") { dir.to_owned() } else { dir.join("deps") });
            on(Heard::Begins(Stage::File));
        } else if message.reason == "compiler-artifact" && message.target.name == "splitbrain_engine" {
            on(Heard::Begins(Stage::Library));
        } else if let Some(diagnostic) = message.message.filter(|d| d.level == "error" && !d.message.starts_with("aborting due to"))
            && self.others.len() < ERRORS
        {
            self.others.extend(diagnostic.rendered);
        }
    }
}

fn cargo_missing(e: &std::io::Error) -> Trouble {
    if e.kind() == std::io::ErrorKind::NotFound {
        return Trouble::environment("cannot find cargo: install Rust from https://rustup.rs, and open a new terminal");
    }
    Trouble::environment(format!("cannot run cargo: {e}"))
}

/// Nothing was built, and the learner's file is not to blame.
fn not_the_learner(others: &[String], bin: &Bin, stderr: &str) -> Trouble {
    if let Some(sentence) = obstacle::sentence(stderr).or_else(|| others.iter().find_map(|e| obstacle::sentence(e))) {
        return Trouble::environment(sentence);
    }
    if others.is_empty() {
        return Trouble::environment(format!("cargo could not build {}:\n{}", bin.id, stderr.trim_end()));
    }
    Trouble::bug(format!("the library that {} is written against does not compile:\n\n{}", bin.id, others.join("\n")))
}

#[derive(Deserialize)]
struct Message {
    reason: String,
    target: Target,
    #[serde(default)]
    fresh: bool,
    #[serde(default)]
    message: Option<Diagnostic>,
    #[serde(default)]
    executable: Option<PathBuf>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::workspace::Place;

    #[test]
    fn each_stage_is_heard_when_what_it_needs_is_built() {
        let artifact = |name: &str| {
            format!("{{\"reason\":\"compiler-artifact\",\"target\":{{\"name\":\"{name}\"}},\"filenames\":[\"/t/debug/deps/lib.rlib\"]}}")
        };
        let workspace = Workspace { root: PathBuf::from("/nowhere"), place: Place::Learner };
        let plan = Build { bins: Vec::new(), args: Vec::new(), tests: false, errors: ERRORS, ahead: false };
        let (mut said, mut stages) = (Said::default(), Vec::new());
        for line in [&*artifact("splitbrain_engine"), "   Compiling splitbrain", &artifact("splitbrain"), &artifact("raft_election")] {
            said.hear(line, &workspace, &plan, &mut |heard| {
                if let Heard::Begins(stage) = heard {
                    stages.push(stage);
                }
            });
        }
        assert_eq!(stages, [Stage::Library, Stage::File]);
    }
}
