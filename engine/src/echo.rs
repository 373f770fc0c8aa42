//! Asks a second process of this very program: what two servers must agree on, two processes must agree on.
//!
//! The second process is started with the arguments and the environment of this one and `--echo TEXT` behind them; the
//! harness answers that with [`Suite::echo`](crate::suite::Suite::echo) and leaves. This module knows neither what is asked
//! nor what the answer means.

#![allow(clippy::disallowed_methods, reason = "waits for another process, in real time")]

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long the second process has. It needs milliseconds; a machine that is busy may need more.
const PATIENCE: Duration = Duration::from_secs(5);
const TICK: Duration = Duration::from_millis(2);
/// The first and the last line of an answer: what a learner's code prints beside it is no part of it.
const BEGIN: &str = "\u{2}echo";
const END: &str = "\u{3}echo";

/// Wraps what the second process says, so that [`ask`] finds it among whatever else was printed.
#[must_use]
pub fn frame(answer: &str) -> String {
    format!("\n{BEGIN}\n{answer}\n{END}\n")
}

fn unframe(output: &str) -> Option<&str> {
    let (_, rest) = output.split_once(&format!("\n{BEGIN}\n"))?;
    Some(rest.split_once(&format!("\n{END}\n"))?.0)
}

/// What a second process of this program answers to `text`.
///
/// # Errors
/// Why there is no answer: it could not be started, did not end in time, or died. None of these says anything about what
/// is being judged.
pub fn ask(text: &str) -> Result<String, String> {
    let program = std::env::current_exe().map_err(|e| format!("this program does not know its own file: {e}"))?;
    let mut child = Command::new(program)
        .args(std::env::args_os().skip(1))
        .args(["--echo", text])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("a second process could not be started: {e}"))?;
    // Read beside the waiting: a full pipe would keep the process from ending.
    let pipe = child.stdout.take();
    let reader = std::thread::spawn(move || {
        let mut output = Vec::new();
        if let Some(pipe) = pipe {
            // Bounded, as what it prints is not ours alone.
            let _ = pipe.take(1 << 22).read_to_end(&mut output);
        }
        String::from_utf8_lossy(&output).into_owned()
    });
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(TICK),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("a second process did not end within {} s", PATIENCE.as_secs()));
            }
        }
    };
    let output = reader.join().unwrap_or_default();
    unframe(&output).map(str::to_owned).ok_or_else(|| format!("a second process died without an answer ({status})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_among_other_output() {
        let output = format!("debug: hello{}bye", frame("a\tb\nc\td"));
        assert_eq!(unframe(&output), Some("a\tb\nc\td"));
        assert_eq!(unframe(&output[..output.len() - 8]), None);
    }

    /// The test program knows no `--echo`: it refuses, and that is said.
    #[test]
    fn a_process_without_an_answer_is_told_apart() {
        assert!(ask("x").is_err_and(|e| e.contains("died without an answer")));
    }
}
