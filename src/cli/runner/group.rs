//! Groups of processes that do not outlive us. While we live, a group is killed whole, with what moved out of it, when its [`Group`] goes: at the end, at
//! the deadline, when a newer save makes the run pointless. If we are killed outright, no code of ours runs any more: then a
//! shell that has been told of every group, and reads from a pipe that only we hold, sees the pipe end and kills them.

use super::tree;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::Mutex;
use tokio::process::Child;

/// A group of processes that does not outlive this value.
pub struct Group(Option<Pid>);

impl Group {
    /// The group that a child leads, which was started with `process_group(0)`.
    pub fn of(child: &Child) -> Group {
        let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(pid) = pid {
            tell_watchdog('+', pid);
        }
        Group(pid)
    }
}

impl Group {
    /// Its leader.
    pub fn leader(&self) -> Option<Pid> {
        self.0
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // It fails if all are gone, which is what is wanted.
            let _ = kill_process_group(pid, Signal::KILL);
            tree::end(pid);
            tell_watchdog('-', pid);
        }
    }
}

/// What the shell does. It has a group of its own, so that no Ctrl-C reaches it, and ends when we do.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM TSTP
groups=' '
while read -r sign group; do
    case $sign in
        +) groups="$groups$group " ;;
        -) groups="${groups%% $group *} ${groups#* $group }" ;;
    esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
"#;

/// Where the shell listens. `None` inside if there is no shell: then the death signal of the kernel must do (Linux).
static WATCHDOG: Mutex<Option<Option<ChildStdin>>> = Mutex::new(None);

fn tell_watchdog(sign: char, group: Pid) {
    let mut watchdog = WATCHDOG.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let pipe = watchdog.get_or_insert_with(|| {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", SCRIPT]).current_dir("/").env_clear().process_group(0);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let started = tree::start(|| shell.spawn(), |shell| Some(shell.id()));
        started.ok().and_then(|mut shell| shell.stdin.take())
    });
    if let Some(open) = pipe
        && writeln!(open, "{sign} {}", group.as_raw_nonzero()).is_err()
    {
        *pipe = None;
    }
}
