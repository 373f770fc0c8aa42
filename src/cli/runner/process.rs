//! Runs a process of which nothing good is assumed: it may loop, flood, fork, exhaust memory, or leave by `exit`. It gets a
//! group of its own, which is killed whole at the deadline, after its end, and when nobody waits for it any more; no input;
//! bounded memory; and its output is drained as fast as it comes, of which the head and the tail are kept.

use super::env;
use super::group::Group;
use super::obstacle;
use super::tree;
use crate::cli::error::{Result, Trouble};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::collections::VecDeque;
use std::io::Read;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// How much memory an exercise's process may have. A judge needs some tens of megabytes, and a large exploration some
/// hundreds; unbounded growth should end while the machine is still well, and before the watchdog takes the time that
/// filling it needs for a handler that loops. What counts is what can be written to: the address space that an allocator
/// only reserves, for each of many threads, does not. (Where the system does not enforce it, as on macOS, the deadline ends
/// it.)
pub const MEMORY: u64 = 2 << 30;

/// How much less than others somebody gets for whom nobody waits: the most that can be asked for.
const LEAST: i32 = 19;

/// How much a process may have together with all that it starts (Linux): a little more, so that one alone meets its own limit.
const TOGETHER: u64 = MEMORY + (256 << 20);

/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How long a file may become that an exercise's process writes: a report has kilobytes, a tape some megabytes.
pub const FILE: u64 = 64 << 20;

/// A second net for mappings of other kinds, far above what is reserved on a machine with many cores.
const ADDRESS_SPACE: u64 = 64 << 30;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, or by a signal.
    Exited(ExitStatus),
    /// It was killed at the deadline.
    Deadline,
    /// It was killed, as it and what it had started took more memory together than one may.
    Memory,
}

/// What one process did.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub end: End,
    /// What it wrote to standard output (with [`Output::Merged`]: to both).
    pub stdout: Captured,
    /// What it wrote to standard error.
    pub stderr: Captured,
    /// Wall time from start to end.
    pub wall: Duration,
}

/// What is done with the two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Each on its own.
    Split,
    /// Both in one, in the order in which they were written.
    Merged,
}

/// Runs a program to its end, or to the deadline.
///
/// # Errors
/// If it cannot be started.
pub async fn run(program: &Path, args: &[String], dir: &Path, input: Stdio, output: Output, deadline: Duration) -> Result<Ran> {
    run_within(program, args, dir, input, output, deadline, TOGETHER).await
}

/// The same, with so much memory for it and all that it starts, together.
async fn run_within(
    program: &Path,
    args: &[String],
    dir: &Path,
    input: Stdio,
    output: Output,
    deadline: Duration,
    together: u64,
) -> Result<Ran> {
    let start = Instant::now();
    let stdout = Arc::new(Mutex::new(Captured::default()));
    let stderr = Arc::new(Mutex::new(Captured::default()));
    let mut command = Command::new(program);
    command.args(args).current_dir(dir).stdin(input).process_group(0).kill_on_drop(true);
    env::clean(&mut command);
    limit(&mut command);
    die_with_us(&mut command);
    let cannot = |e: std::io::Error| {
        let said = format!("cannot run {}: {e}", program.display());
        Trouble::environment(obstacle::sentence(&said).unwrap_or(said))
    };
    let (child, drains) = match output {
        Output::Split => {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = tree::start(|| command.spawn(), Child::id).map_err(cannot)?;
            let out = child.stdout.take().map(|pipe| tokio::spawn(drain(pipe, stdout.clone())));
            let err = child.stderr.take().map(|pipe| tokio::spawn(drain(pipe, stderr.clone())));
            (child, vec![out, err])
        }
        Output::Merged => {
            let (reader, writer) = std::io::pipe().map_err(cannot)?;
            command.stdout(writer.try_clone().map_err(cannot)?).stderr(writer);
            let child = tree::start(|| command.spawn(), Child::id).map_err(cannot)?;
            drop(command); // It holds the writing ends, and the reader waits for the last of them.
            let kept = stdout.clone();
            (child, vec![Some(tokio::task::spawn_blocking(move || drain_blocking(reader, &kept)))])
        }
    };
    let end = wait(child, deadline, together).await.map_err(cannot)?;
    let wall = start.elapsed();
    // The group is dead, so the pipes are at their end, unless a grandchild left the group: it is not waited for.
    for drain in drains.into_iter().flatten() {
        let _ = tokio::time::timeout(Duration::from_millis(500), drain).await;
    }
    let take = |captured: &Mutex<Captured>| std::mem::take(&mut *captured.lock().expect("no drain panics"));
    Ok(Ran { end, stdout: take(&stdout), stderr: take(&stderr), wall })
}

/// Waits for the end; kills the group at the deadline, after the end, and if this is dropped.
async fn wait(mut child: Child, deadline: Duration, together: u64) -> std::io::Result<End> {
    let group = Group::of(&child);
    let end = tokio::select! {
        status = child.wait() => End::Exited(status?),
        () = too_long(&group, deadline) => End::Deadline,
        () = too_much(&group, together) => End::Memory,
    };
    let leader = group.leader();
    drop(group);
    if !matches!(end, End::Exited(_)) {
        child.wait().await?;
        // What it had started was left to us when it ended.
        leader.into_iter().for_each(tree::end);
    }
    Ok(end)
}

/// Waits until the process has had its time. What it waited for a core does not count, up to twice that time: on a busy
/// machine, too, it comes to say itself what it found.
async fn too_long(group: &Group, deadline: Duration) {
    let start = Instant::now();
    let mut waited = Duration::ZERO;
    loop {
        // A thread that has ended takes along what it waited.
        waited = group.leader().map_or(waited, |leader| waited.max(tree::waited(leader).min(2 * deadline)));
        match (deadline + waited).checked_sub(start.elapsed()) {
            None | Some(Duration::ZERO) => return,
            Some(left) => tokio::time::sleep(left.min(LOOK)).await,
        }
    }
}

/// Waits until the process and what it has started hold too much memory.
async fn too_much(group: &Group, together: u64) {
    loop {
        tokio::time::sleep(LOOK).await;
        if group.leader().is_some_and(|leader| tree::memory(leader) > together) {
            return;
        }
    }
}

/// If we are killed outright, the kernel kills the child at once; the rest of its group is the watchdog's.
pub fn die_with_us(command: &mut Command) {
    #[cfg(target_os = "linux")]
    {
        let set = || {
            // Where it is refused, the watchdog is enough.
            let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
            Ok(())
        };
        // SAFETY: it runs between fork and exec, where only async-signal-safe calls are allowed: this is a plain system call.
        unsafe { command.pre_exec(set) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}

/// The process, and what it starts, gets the time that others leave.
pub fn yield_to_others(command: &mut Command) {
    let set = || {
        // Where it is refused, it is only less polite.
        let _ = rustix::process::nice(LEAST);
        Ok(())
    };
    // SAFETY: it runs between fork and exec, where only async-signal-safe calls are allowed: this is a plain system call.
    unsafe { command.pre_exec(set) };
}

fn limit(command: &mut Command) {
    let set = || {
        let most = |n| Rlimit { current: Some(n), maximum: Some(n) };
        // Some systems refuse the one or the other; the deadline still holds.
        let _ = setrlimit(Resource::Data, most(MEMORY));
        let _ = setrlimit(Resource::As, most(ADDRESS_SPACE));
        let _ = setrlimit(Resource::Fsize, most(FILE));
        // No core file of a gigabyte beside the learner's code.
        let _ = setrlimit(Resource::Core, most(0));
        Ok(())
    };
    // SAFETY: it runs between fork and exec, where only async-signal-safe calls are allowed: these are plain system calls,
    // and nothing is allocated.
    unsafe { command.pre_exec(set) };
}

/// How much memory each process of a build may have: a macro or an included file without end would take all that there is.
pub const BUILD_MEMORY: u64 = 4 << 30;

/// Limits cargo and all that it starts to that.
pub fn limit_build(command: &mut Command) {
    let set = || {
        // Where it is refused, a lower limit holds already, or there is none.
        let _ = setrlimit(Resource::Data, Rlimit { current: Some(BUILD_MEMORY), maximum: Some(BUILD_MEMORY) });
        Ok(())
    };
    // SAFETY: as in `limit`.
    unsafe { command.pre_exec(set) };
}

async fn drain(mut pipe: impl AsyncRead + Unpin, kept: Arc<Mutex<Captured>>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(n @ 1..) = pipe.read(&mut buffer).await {
        kept.lock().expect("no drain panics").push(&buffer[..n]);
    }
}

fn drain_blocking(mut pipe: impl Read, kept: &Mutex<Captured>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(n @ 1..) = pipe.read(&mut buffer) {
        kept.lock().expect("no drain panics").push(&buffer[..n]);
    }
}

/// Output of which the beginning and the end are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
}

impl Captured {
    const HEAD: usize = 256 << 10;
    const TAIL: usize = 64 << 10;

    /// Takes more of it.
    pub fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let (head, rest) = bytes.split_at(bytes.len().min(Self::HEAD - self.head.len()));
        self.head.extend_from_slice(head);
        let rest = &rest[rest.len().saturating_sub(Self::TAIL)..];
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(Self::TAIL);
        self.tail.drain(..over);
    }

    /// Bytes written, kept or not.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Bytes that were not kept.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.total - (self.head.len() + self.tail.len()) as u64
    }

    /// What was kept; a line in the middle says how much was not.
    #[must_use]
    pub fn text(&self) -> String {
        let mut bytes = self.head.clone();
        if self.left_out() > 0 {
            bytes.extend(format!("\n… {} bytes left out …\n", self.left_out()).bytes());
        }
        bytes.extend(&self.tail);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The last lines.
    #[must_use]
    pub fn last_lines(&self, most: usize) -> Vec<String> {
        let text = self.text();
        let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(most)..].iter().map(|l| (*l).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No busy machine reaches it, in milliseconds.
    const PATIENCE: u64 = 300_000;

    fn sh(script: &str, output: Output, deadline_ms: u64) -> Ran {
        sh_within(script, output, deadline_ms, TOGETHER)
    }

    fn sh_within(script: &str, output: Output, deadline_ms: u64, together: u64) -> Ran {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let args = ["-c".to_owned(), script.to_owned()];
        let (shell, deadline) = (Path::new("/bin/sh"), Duration::from_millis(deadline_ms));
        let ran = runtime.block_on(run_within(shell, &args, Path::new("/"), Stdio::null(), output, deadline, together));
        runtime.shutdown_background();
        ran.unwrap()
    }

    /// The same of a script that says the name of a process, with the first deadline before which it gets so far.
    fn named(script: &str, output: Output) -> (Ran, String) {
        for deadline_ms in [200, 2_000, 20_000, PATIENCE] {
            let ran = sh(script, output, deadline_ms);
            let name = ran.stdout.text().trim().to_owned();
            if name.parse::<u32>().is_ok() {
                return (ran, name);
            }
        }
        panic!("no process was named: {script}");
    }

    fn code(ran: &Ran) -> Option<i32> {
        match ran.end {
            End::Exited(status) => status.code(),
            End::Deadline | End::Memory => None,
        }
    }

    #[test]
    fn outputs_apart_and_together() {
        let ran = sh("echo a; echo b >&2; exit 3", Output::Split, PATIENCE);
        assert_eq!((code(&ran), ran.stdout.text().as_str(), ran.stderr.text().as_str()), (Some(3), "a\n", "b\n"));
        let ran = sh("echo a; echo b >&2; echo c", Output::Merged, PATIENCE);
        assert_eq!((code(&ran), ran.stdout.text().as_str()), (Some(0), "a\nb\nc\n"));
    }

    #[test]
    fn there_is_no_input() {
        assert_eq!(code(&sh("read line", Output::Split, PATIENCE)), Some(1));
    }

    #[test]
    fn the_whole_group_dies_at_the_deadline() {
        for output in [Output::Split, Output::Merged] {
            let (ran, grandchild) = named("sleep 3600 & echo $!; sleep 3600", output);
            assert_eq!(ran.end, End::Deadline);
            assert!(!lives(&grandchild), "{grandchild} is still there");
        }
    }

    #[test]
    fn a_grandchild_that_holds_the_pipe_is_not_waited_for() {
        let ran = sh("sleep 3600 & exit 0", Output::Split, PATIENCE);
        assert_eq!(code(&ran), Some(0));
    }

    /// Whether a process is there; one that has ended and was not asked how is not. (Where there is no /proc, none is.)
    fn lives(pid: &str) -> bool {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| !s.contains(") Z "))
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_moved_to_another_group_is_ended() {
        // With job control, each of them has a group of its own; its parent is gone before the end.
        for last in ["exit 0", "sleep 3600"] {
            let (_, escaped) = named(&format!("set -m; sh -c 'set -m; sleep 3600 & echo $!' ; {last}"), Output::Split);
            assert!(!lives(&escaped), "{escaped} lives");
        }
    }

    #[test]
    fn files_are_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        // We ourselves survive such a limit; what we start does not.
        crate::cli::runtime::survive_file_limit();
        let ran = sh(&format!("head -c 100000000 /dev/zero > {}", file.display()), Output::Split, PATIENCE);
        let died = 128 + rustix::process::Signal::XFSZ.as_raw();
        assert_eq!((code(&ran), std::fs::metadata(file).unwrap().len()), (Some(died), FILE));
    }

    /// Each of four children, in a group of its own, holds less than one may; all together hold more.
    #[test]
    #[cfg(target_os = "linux")]
    fn memory_is_bounded_for_all_together() {
        let holds = "set -m; i=0; while [ $i -lt 4 ]; do { cat /dev/zero | tail -c 40000000; } & i=$((i+1)); done; wait";
        assert_eq!(sh_within(holds, Output::Split, PATIENCE, 100 << 20).end, End::Memory);
        let one = holds.replace("-lt 4", "-lt 1");
        assert_eq!(sh_within(&one, Output::Split, 500, 100 << 20).end, End::Deadline);
    }

    #[test]
    fn memory_is_bounded() {
        let ran = sh("ulimit -d; ulimit -v; ulimit -c", Output::Split, PATIENCE);
        assert_eq!(ran.stdout.text(), format!("{}\n{}\n0\n", MEMORY / 1024, ADDRESS_SPACE / 1024));
    }

    #[test]
    fn head_and_tail_of_a_flood_are_kept() {
        let mut captured = Captured::default();
        captured.push(b"first ");
        for _ in 0..1_000 {
            captured.push(&[b'x'; 1_000]);
        }
        captured.push(b" last");
        let text = captured.text();
        assert!(text.starts_with("first xxx") && text.ends_with("xxx last"));
        assert_eq!(captured.total(), 1_000_011);
        assert!(text.contains(&format!("… {} bytes left out …", captured.left_out())));
        assert!(text.len() < Captured::HEAD + Captured::TAIL + 100);
    }
}
