//! How the process says what it found, and ends: once, by one of two threads.

#![allow(clippy::disallowed_methods, reason = "the watch ends the process under a handler that never returns")]

use super::options::Options;
use super::summary;
use crate::report::{Report, Verdict};
use crate::seal::{Door, refusal};
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Exit code of a bad command line.
pub(super) const USAGE: u8 = 2;
/// Exit code of a bug of ours.
pub(super) const OUR_BUG: u8 = 4;

/// Where the report goes.
enum Way {
    /// To the program that started this process.
    Sealed(Door),
    /// A summary, to whoever reads standard output.
    Printed,
}

/// The one way out; gone once it was taken.
pub(super) struct Exit(Mutex<Option<Way>>);

impl Exit {
    /// As the options ask.
    ///
    /// # Errors
    /// Nobody waits for a sealed report.
    pub fn open(options: &Options) -> Result<Exit, String> {
        let way = if options.sealed { Way::Sealed(Door::open()?) } else { Way::Printed };
        Ok(Exit(Mutex::new(Some(way))))
    }

    /// Says what was found.
    pub fn deliver(&self, report: &Report) -> ExitCode {
        ExitCode::from(say(&mut self.lock(), report))
    }

    /// Says what was found, and ends the process, whatever its other threads do.
    pub fn leave(&self, report: &Report) {
        // Held to the end: a thread that has its report now as well finds the door shut, and waits there.
        let mut way = self.lock();
        if way.is_some() {
            std::process::exit(i32::from(say(&mut way, report)));
        }
    }

    /// Says why there is no report.
    pub fn refuse(&self, code: u8, why: &str) -> ExitCode {
        match self.lock().take() {
            Some(Way::Sealed(door)) => door.send(&refusal(code, why)).map_or_else(|e| unheard(&e), |()| ExitCode::from(code)),
            _ => complain(code, why),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Way>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn say(way: &mut Option<Way>, report: &Report) -> u8 {
    match way.take() {
        Some(Way::Sealed(door)) => {
            if let Err(e) = door.send(&report.to_text()) {
                unheard(&e);
                return OUR_BUG;
            }
        }
        Some(Way::Printed) => print!("{}", summary::of(report)),
        None => {}
    }
    u8::from(report.verdict != Verdict::Passed)
}

fn unheard(e: &std::io::Error) -> ExitCode {
    complain(OUR_BUG, &format!("nobody takes the report: {e}"))
}

/// Says on standard error what is wrong.
pub(super) fn complain(code: u8, message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::from(code)
}
