//! A terminal for the tests: the program runs on a pseudo-terminal of some size, keys are typed, and what it draws is put on
//! a screen of ours, which keeps every line that scrolled away. What takes the whole screen is for [`full`].

pub mod full;
mod screen;

use crate::bench::program;
use crate::patience::{Wait, comes};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use screen::Screen;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

/// The program on a terminal.
pub struct Pty {
    master: File,
    child: Child,
    output: Receiver<Vec<u8>>,
    screen: Screen,
}

impl Pty {
    /// Starts the program in a folder, on a terminal of that size of its own.
    pub fn start(dir: &Path, args: &[&str], (columns, rows): (u16, u16), envs: &[(&str, &str)]) -> Pty {
        let (master, name) = opened(columns, rows);
        let slave = || Stdio::from(OpenOptions::new().read(true).write(true).open(&name).unwrap());
        // A session of its own: else /dev/tty is the terminal of whoever runs the tests.
        let inner = program(dir);
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(inner.get_program()).args(args).current_dir(dir);
        for (key, value) in inner.get_envs() {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        command.env("TERM", "xterm-256color").envs(envs.iter().copied());
        let child = command.stdin(slave()).stdout(slave()).stderr(slave()).spawn().expect("setsid of util-linux is there");
        let output = output(&master, Arc::default());
        Pty { master, child, output, screen: Screen::new(usize::from(columns), usize::from(rows)) }
    }

    /// Types.
    pub fn keys(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the line of the cursor holds that text, which is where the program waits for keys.
    #[track_caller]
    pub fn wait(&mut self, text: &str) {
        let wait = Wait::begin();
        while !self.screen.current().contains(text) {
            match self.output.recv_timeout(wait.left()) {
                Ok(bytes) => self.screen.feed(&bytes),
                Err(_) => panic!("no {text:?} at the cursor:\n{}", self.screen.text()),
            }
        }
    }

    /// Waits for a text at the cursor, then types.
    #[track_caller]
    pub fn answer(&mut self, text: &str, keys: &str) {
        self.wait(text);
        self.keys(keys);
    }

    /// Waits until the line of the cursor holds one of those texts: which; `None` if the program ended.
    #[track_caller]
    pub fn wait_any(&mut self, texts: &[&str]) -> Option<usize> {
        let wait = Wait::begin();
        loop {
            let line = self.screen.current().to_owned();
            if let Some(found) = texts.iter().position(|text| line.contains(text)) {
                return Some(found);
            }
            match self.output.recv_timeout(wait.left()) {
                Ok(bytes) => self.screen.feed(&bytes),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => panic!("none of {texts:?} at the cursor:\n{}", self.screen.text()),
            }
        }
    }

    /// Waits until the cursor stands below that line, or the program ended: then a question is answered.
    #[track_caller]
    pub fn wait_below(&mut self, row: usize) {
        let wait = Wait::begin();
        while self.screen.row() <= row {
            match self.output.recv_timeout(wait.left()) {
                Ok(bytes) => self.screen.feed(&bytes),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => panic!("nothing comes below line {row}:\n{}", self.screen.text()),
            }
        }
    }

    /// The line of the cursor, of all that were drawn since the start.
    pub fn row(&self) -> usize {
        self.screen.row()
    }

    /// True if the terminal echoes and edits lines, as a shell wants it.
    pub fn is_as_it_was(&self) -> bool {
        tcgetattr(&self.master).unwrap().local_modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    /// Waits for the end: the exit code, everything that was drawn, and how often the terminal had to break a line itself.
    pub fn end(mut self) -> (Option<i32>, String, usize) {
        let wait = Wait::begin();
        // Until nobody holds the terminal any more: then what comes out of it has an end.
        loop {
            match self.output.recv_timeout(wait.left()) {
                Ok(bytes) => self.screen.feed(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end:\n{}", self.screen.text()),
            }
        }
        let mut status = None;
        let ended = comes(|| {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        assert!(ended, "it goes on without a terminal:\n{}", self.screen.text());
        assert!(self.is_as_it_was(), "the terminal was left without echo or lines:\n{}", self.screen.text());
        assert!(self.screen.cursor_is_shown(), "the cursor was left hidden");
        (status.unwrap().code(), self.screen.text(), self.screen.broken_lines)
    }
}

/// A terminal of that size: the side of whoever sits there, and the name of the program's side.
fn opened(columns: u16, rows: u16) -> (File, String) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    tcsetwinsize(&master, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    (File::from(master), name)
}

/// What comes out of it.
fn output(master: &File, closed: Arc<AtomicBool>) -> Receiver<Vec<u8>> {
    let mut reader = master.try_clone().unwrap();
    let (send, output) = channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        // Not for ever in one reading: a terminal is closed when nobody holds it any more, and this thread does.
        while !closed.load(Ordering::SeqCst) {
            let wait = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
            if poll(&mut [PollFd::new(&reader, PollFlags::IN)], Some(&wait)).is_ok_and(|n| n == 0) {
                continue;
            }
            // On Linux the end of the last process on a terminal is an error of its master.
            match reader.read(&mut bytes) {
                Ok(count @ 1..) if send.send(bytes[..count].to_vec()).is_ok() => {}
                _ => return,
            }
        }
    });
    output
}

impl Drop for Pty {
    fn drop(&mut self) {
        // A test that failed leaves nothing behind; a process that has ended is not there any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
