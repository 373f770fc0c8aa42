//! All that a process has started, whatever group it moved to. On Linux we adopt what loses its parent (a subreaper), so that
//! nothing leaves the tree but by ending; a session leader, which is what a daemon is, is left alone with what it has started.
//! Elsewhere there is no such tree: there a group is all that is ended, and memory is bounded for each process alone.

use rustix::process::{Pid, Signal, getpgrp, kill_process};
use std::collections::BTreeSet;
use std::fs;
use std::sync::Mutex;

/// The children that we started ourselves, each with a group of its own: they are no orphans.
static OURS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// From now on what loses its parent is ours.
fn adopt() {
    #[cfg(target_os = "linux")]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        // Where it is refused, the group is what is ended.
        ONCE.call_once(|| {
            let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
        });
    }
}

/// Starts a child of ours: nobody takes it for an orphan, not even while it is being started.
///
/// # Errors
/// As `spawn` does.
pub fn start<C>(spawn: impl FnOnce() -> std::io::Result<C>, id: impl FnOnce(&C) -> Option<u32>) -> std::io::Result<C> {
    adopt();
    let mut ours = ours();
    let child = spawn()?;
    ours.extend(id(&child).map(u32::cast_signed));
    Ok(child)
}

fn ours() -> std::sync::MutexGuard<'static, BTreeSet<i32>> {
    OURS.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What `/proc` says of a process.
struct Seen {
    pid: i32,
    zombie: bool,
    group: i32,
    session: i32,
    /// Ticks of processor time, its own and of children that have ended.
    ticks: u64,
}

impl Seen {
    fn of(pid: i32) -> Option<Seen> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name may hold anything; what follows its last bracket does not.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |i: usize| fields.get(i)?.parse::<i64>().ok();
        let ticks = (11..=14).filter_map(number).sum::<i64>().cast_unsigned();
        Some(Seen { pid, zombie: fields[0] == "Z", group: number(2)? as i32, session: number(3)? as i32, ticks })
    }

    fn leads_session(&self) -> bool {
        self.session == self.pid
    }
}

fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|n| n.parse().ok()).collect::<Vec<i32>>()).collect()
}

/// The process, and all below it but session leaders and theirs.
fn below(root: i32) -> Vec<Seen> {
    let mut found: Vec<Seen> = Seen::of(root).into_iter().collect();
    let mut at = 0;
    while at < found.len() && found.len() < 10_000 {
        let next = children(found[at].pid).into_iter().filter_map(Seen::of).filter(|seen| !seen.leads_session());
        found.extend(next.collect::<Vec<_>>());
        at += 1;
    }
    found
}

/// What was left to us by those who started it. What is in our own group was started by us, without a group of its own.
fn orphans() -> Vec<Seen> {
    let group = getpgrp().as_raw_nonzero().get();
    // In this order: who is started now is seen with its name.
    let ours = ours();
    let mine = children(std::process::id().cast_signed());
    let others = mine.into_iter().filter(|pid| !ours.contains(pid)).filter_map(Seen::of);
    others.filter(|seen| seen.group != group && !seen.leads_session()).collect()
}

fn all(root: Pid) -> Vec<Seen> {
    let mut found = below(root.as_raw_nonzero().get());
    found.extend(orphans().iter().flat_map(|orphan| below(orphan.pid)));
    found
}

/// Bytes of memory that the process and all below it hold, together.
pub fn memory(root: Pid) -> u64 {
    let kib = |seen: &Seen| -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", seen.pid)).ok()?;
        status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
    };
    all(root).iter().filter_map(kib).sum::<u64>() << 10
}

/// Processor time of the process and all below it, in ticks: whether it changes is what it tells.
pub fn ticks(root: Pid) -> u64 {
    all(root).iter().map(|seen| seen.ticks).sum()
}

/// How long the thread of a process has waited for a core that waited the longest; nothing where the system does not say.
pub fn waited(pid: Pid) -> std::time::Duration {
    let threads = fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())).into_iter().flatten().flatten();
    // Nanoseconds on a core, nanoseconds in its queue, turns.
    let waited = |text: String| text.split(' ').nth(1)?.parse().ok();
    let nanos = threads.filter_map(|thread| waited(fs::read_to_string(thread.path().join("schedstat")).ok()?));
    std::time::Duration::from_nanos(nanos.max().unwrap_or(0))
}

/// Ends all below the process, and what was left to us; the process itself is its group's matter.
pub fn end(root: Pid) {
    // Again, as one that is being ended may have started another; not for ever.
    for _ in 0..100 {
        let mut living = 0;
        for seen in all(root).into_iter().filter(|seen| seen.pid != root.as_raw_nonzero().get()) {
            let Some(pid) = Pid::from_raw(seen.pid) else { continue };
            if seen.zombie {
                // Ours, if it was left to us: then nobody else asks how it ended.
                let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::NOHANG);
            } else {
                living += 1;
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        if living == 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}
