//! Another program has the terminal for a while: an editor, a pager, a quiz. If we are asked to end meanwhile it is asked, too, and
//! waited for: it knows best how to leave the terminal. One that leaves it as it had it is tidied up after.

use crate::cli::error::{Exit, Trouble};
use crate::cli::runtime::Ends;
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::io::{self, Write as _, stderr, stdin};
use std::process::{ExitStatus, Stdio};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// How the other program ended, and what we were asked meanwhile. Ctrl-C is the other program's own.
#[derive(Debug)]
pub struct Lent {
    /// Its end.
    pub status: ExitStatus,
    /// How we are to end, if we were asked to.
    pub asked: Option<Exit>,
}

/// Runs a program that has the terminal to itself; `text` is what it reads as its standard input, if that is not the terminal.
///
/// # Errors
/// If it cannot be started.
pub async fn lend(command: &mut Command, text: Option<&str>) -> io::Result<Lent> {
    let mut ends = Ends::new().map_err(|Trouble { message, .. }| io::Error::other(message))?;
    let found = tcgetattr(stdin()).ok();
    if text.is_some() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.kill_on_drop(true).spawn()?;
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let pipe = child.stdin.take();
    let runs = async {
        if let (Some(mut pipe), Some(text)) = (pipe, text) {
            // It fails if the reader leaves before the end.
            let _ = pipe.write_all(text.as_bytes()).await;
        }
        child.wait().await
    };
    tokio::pin!(runs);
    let mut asked = None;
    let status = loop {
        tokio::select! {
            status = &mut runs => break status?,
            exit = ends.next() => if exit != Exit::Interrupted {
                // Again, if we are asked again: it may not have been listening.
                let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
                asked = Some(exit);
            },
        }
    };
    if let Some(found) = found.filter(|_| asked.is_some() || status.code().is_none()) {
        let _ = stderr().write_all(b"\x1b[?2004l");
        let _ = tcsetattr(stdin(), OptionalActions::Drain, &found);
    }
    Ok(Lent { status, asked })
}
