//! What a user can cause, as values: a message that says how to mend it, and the exit code that goes with it. Panics are
//! for bugs of ours and are not made here.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;

/// How the program ends. The numbers are its exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything asked for is fine.
    Passed = 0,
    /// An exercise does not pass.
    NotPassing = 1,
    /// The command line asks for something that does not exist.
    Usage = 2,
    /// Something around us is missing or broken: no cargo, no workspace, unreadable state.
    Environment = 3,
    /// A bug of ours.
    Bug = 4,
    /// Ctrl-C, as shells expect it said.
    Interrupted = 130,
    /// The terminal is gone.
    HungUp = 129,
    /// Asked to quit (SIGQUIT).
    Quit = 131,
    /// Asked to end: by SIGTERM, or by a signal that means it for who does not know it.
    Terminated = 143,
}

/// An error to show, with the exit code that it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// How the program ends.
    pub exit: Exit,
    /// One or more lines for a person: what is wrong, then how to mend it.
    pub message: String,
}

impl Trouble {
    /// The command line asks for something that does not exist.
    pub fn usage(message: impl Into<String>) -> Trouble {
        Trouble { exit: Exit::Usage, message: message.into() }
    }

    /// The machine or the folder is not as it must be.
    pub fn environment(message: impl Into<String>) -> Trouble {
        Trouble { exit: Exit::Environment, message: message.into() }
    }

    /// A file or folder that the system does not let us use: what we cannot do, to which, and how to mend it.
    #[must_use]
    pub fn file(what: &str, path: &Path, error: &io::Error) -> Trouble {
        let why = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                "the disk is full: free some space (`splitbrain clean` deletes what was built), then try again".to_owned()
            }
            ErrorKind::ReadOnlyFilesystem => "the file system is read-only: work in a folder that you can write to".to_owned(),
            ErrorKind::PermissionDenied => "you have no permission: change its owner or mode, or work in a folder of your own".to_owned(),
            ErrorKind::IsADirectory => "it is a folder, not a file: move it away".to_owned(),
            ErrorKind::NotADirectory => "a part of its path is a file, not a folder: move that file away".to_owned(),
            ErrorKind::FileTooLarge => "a limit on file size is reached: `ulimit -f unlimited` lifts it, then try again".to_owned(),
            _ => error.to_string(),
        };
        Trouble::environment(format!("cannot {what} {}: {why}", path.display()))
    }

    /// A signal asked us to end: there is nothing to say.
    #[must_use]
    pub fn ended(exit: Exit) -> Trouble {
        Trouble { exit, message: String::new() }
    }

    /// A bug of ours.
    pub fn bug(message: impl Into<String>) -> Trouble {
        Trouble { exit: Exit::Bug, message: message.into() }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Trouble {}

/// What the program's own functions return.
pub type Result<T> = std::result::Result<T, Trouble>;
