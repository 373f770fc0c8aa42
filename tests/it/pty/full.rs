//! A terminal for programs that take the whole screen, the other one at that: any command runs in it as in a real one, it can
//! be given another size and must be left as it was found, and what a person would see *now* is read back.

use super::{opened, output};
use crate::patience::{Wait, comes};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::Write as _;
use std::os::fd::BorrowedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

pub use crate::patience::PATIENCE;

/// The end of a frame, as terminals know it that know of frames.
const FRAME: &[u8] = b"\x1b[?2026l";
/// What is written to the terminal when the program has ended, and seen by nobody: what comes out before it is all that there was.
const LAST: &[u8] = b"\x1b]last\x07";

/// A terminal with a program in it.
pub struct Pty {
    controller: File,
    /// Asks the thread that reads to let go.
    closed: Arc<AtomicBool>,
    /// The program's side, held open: its settings can be read when the program is gone.
    terminal: File,
    pub child: Child,
    bytes: Receiver<Vec<u8>>,
    screen: Screen,
    /// Everything that was written to the terminal.
    pub written: Vec<u8>,
    /// How much of it is on the screen.
    drawn: usize,
    found: String,
}

impl Pty {
    /// Starts a program in a terminal of that size, of which it is the session's leader.
    pub fn start(mut command: Command, columns: u16, rows: u16) -> Pty {
        let (controller, name) = opened(columns, rows);
        let open = || File::options().read(true).write(true).custom_flags_noctty().open(&name).unwrap();
        let terminal = open();
        let found = settings(&terminal);
        command.stdin(open()).stdout(open()).stderr(open()).env("TERM", "xterm-256color");
        let lead = || {
            rustix::process::setsid()?;
            // SAFETY: standard input is open: it has just been put there.
            rustix::process::ioctl_tiocsctty(unsafe { BorrowedFd::borrow_raw(0) })?;
            Ok(())
        };
        // SAFETY: two system calls between fork and exec.
        unsafe { command.pre_exec(lead) };
        let child = command.spawn().unwrap();
        drop(command);
        let closed = Arc::new(AtomicBool::new(false));
        let bytes = output(&controller, Arc::clone(&closed));
        let screen = Screen::new(columns.into(), rows.into());
        Pty { controller, closed, terminal, child, bytes, screen, written: Vec::new(), drawn: 0, found }
    }

    /// Types.
    pub fn send(&mut self, keys: &str) {
        self.controller.write_all(keys.as_bytes()).unwrap();
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: &str) {
        kill(signal, self.child.id());
    }

    /// Takes in what is written for so long, or until what is seen suffices. True if it does. It looks at every frame,
    /// however fast they come: what was drawn for a moment is seen.
    pub fn pump(&mut self, within: Duration, mut enough: impl FnMut(&str) -> bool) -> bool {
        let wait = Wait::begin();
        loop {
            if enough(&self.screen.text()) {
                return true;
            }
            if self.draw_frame() {
                continue;
            }
            match self.bytes.recv_timeout(within.saturating_sub(wait.taken())) {
                Ok(bytes) => self.written.extend(bytes),
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => panic!("the terminal is gone"),
            }
        }
    }

    /// Draws what was written, up to the end of a frame. False if there is nothing to draw.
    fn draw_frame(&mut self) -> bool {
        let waiting = &self.written[self.drawn..];
        let frame = waiting.windows(FRAME.len()).position(|bytes| bytes == FRAME).map(|at| at + FRAME.len());
        // The end of a frame may be there in part.
        let part = (1..FRAME.len()).rev().find(|n| waiting.ends_with(&FRAME[..*n])).unwrap_or(0);
        let length = frame.unwrap_or(waiting.len() - part);
        self.screen.take(&waiting[..length]);
        self.drawn += length;
        length > 0
    }

    /// Waits until a text is seen, and gives the screen.
    #[track_caller]
    pub fn sees(&mut self, text: &str) -> String {
        let seen = self.pump(PATIENCE, |screen| screen.contains(text));
        assert!(seen, "`{text}` was not seen on\n{}", self.screen.text());
        self.screen.text()
    }

    /// Waits until a text is seen no more.
    #[track_caller]
    pub fn sees_no_more(&mut self, text: &str) -> String {
        let gone = self.pump(PATIENCE, |screen| !screen.contains(text));
        assert!(gone, "`{text}` is still seen on\n{}", self.screen.text());
        self.screen.text()
    }

    /// What is seen when all is drawn that has come. It waits for nothing: for what is sure to be there already.
    pub fn now(&mut self) -> String {
        self.written.extend(self.bytes.try_iter().flatten());
        while self.draw_frame() {}
        self.screen.text()
    }

    /// What is seen now, with how it is dressed, row by row.
    pub fn cells(&self) -> &[Vec<Cell>] {
        &self.screen.grid
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.screen = Screen::new(columns.into(), rows.into());
        tcsetwinsize(&self.terminal, winsize(columns, rows)).unwrap();
    }

    /// Waits for the program's end.
    pub fn end(&mut self) -> ExitStatus {
        let mut status = None;
        let ended = comes(|| {
            // A program whose terminal is full would wait for whoever reads.
            self.written.extend(self.bytes.try_iter().flatten());
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        assert!(ended, "it does not end:\n{}", self.now());
        self.terminal.write_all(LAST).unwrap();
        let wait = Wait::begin();
        while !self.written.ends_with(LAST) {
            self.written.extend(self.bytes.recv_timeout(wait.left()).expect("what was written comes out"));
        }
        self.written.truncate(self.written.len() - LAST.len());
        self.now();
        status.unwrap()
    }

    /// Closes the terminal, as a window is closed, and waits for the program's end.
    pub fn hang_up(&mut self) -> ExitStatus {
        self.closed.store(true, Ordering::SeqCst);
        self.controller = File::open("/dev/null").unwrap();
        let mut status = None;
        let ended = comes(|| {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        assert!(ended, "it goes on without a terminal");
        status.unwrap()
    }

    /// The terminal is as it was found: its settings, the cursor, the screen.
    #[track_caller]
    pub fn is_as_found(&self) {
        assert_eq!(settings(&self.terminal), self.found);
        let written = String::from_utf8_lossy(&self.written);
        let last = |on: &str, off: &str| written.rfind(on) < written.rfind(off) || !written.contains(on);
        assert!(last("\x1b[?25l", "\x1b[?25h"), "the cursor is hidden");
        assert!(last("\x1b[?1049h", "\x1b[?1049l"), "the other screen is still there");
    }

    /// True while the settings are not those that were found.
    pub fn is_taken(&self) -> bool {
        settings(&self.terminal) != self.found
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process.
pub fn kill(signal: &str, pid: u32) {
    Command::new("kill").args([signal, &pid.to_string()]).status().unwrap();
}

fn winsize(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// What `stty` would say.
fn settings(terminal: &File) -> String {
    let t: Termios = tcgetattr(terminal).unwrap();
    format!("{:?} {:?} {:?} {:?} {:?}", t.input_modes, t.output_modes, t.control_modes, t.local_modes, t.special_codes)
}

trait Noctty {
    fn custom_flags_noctty(&mut self) -> &mut Self;
}

impl Noctty for std::fs::OpenOptions {
    /// Opening a terminal must not make it ours.
    fn custom_flags_noctty(&mut self) -> &mut Self {
        use std::os::unix::fs::OpenOptionsExt as _;
        self.custom_flags(i32::try_from(rustix::fs::OFlags::NOCTTY.bits()).unwrap())
    }
}

/// How a character is dressed, as `ESC [ … m` says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dress {
    pub bold: bool,
    pub dim: bool,
    /// 30 to 37; 0 if it has the terminal's own colour.
    pub colour: u8,
}

/// A character on the screen.
pub type Cell = (char, Dress);

const BLANK: Cell = (' ', Dress { bold: false, dim: false, colour: 0 });

/// A screen: a grid of characters and a cursor.
struct Screen {
    columns: usize,
    rows: usize,
    grid: Grid,
    dress: Dress,
    at: (usize, usize),
    /// Bytes of an escape or a character that are not complete yet.
    pending: Vec<u8>,
    /// The first screen, while the other one is shown.
    first: Option<(Grid, (usize, usize))>,
}

/// Rows of characters.
type Grid = Vec<Vec<Cell>>;

impl Screen {
    fn new(columns: usize, rows: usize) -> Screen {
        let grid = vec![vec![BLANK; columns]; rows];
        Screen { columns, rows, grid, dress: Dress::default(), at: (0, 0), pending: Vec::new(), first: None }
    }

    fn text(&self) -> String {
        self.grid.iter().map(|row| row.iter().map(|cell| cell.0).collect::<String>().trim_end().to_owned() + "\n").collect()
    }

    /// Dresses what comes next.
    fn dress(&mut self, codes: &str) {
        for code in codes.split(';') {
            match code.parse().unwrap_or(0) {
                0 => self.dress = Dress::default(),
                1 => self.dress.bold = true,
                2 => self.dress.dim = true,
                22 => (self.dress.bold, self.dress.dim) = (false, false),
                39 => self.dress.colour = 0,
                // The bright ones are rustc's.
                colour @ (30..=37 | 90..=97) => self.dress.colour = colour,
                other => panic!("dress {other} is not known here"),
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.pending.extend(bytes);
        let pending = std::mem::take(&mut self.pending);
        let valid = match std::str::from_utf8(&pending) {
            Ok(text) => text.len(),
            Err(e) if e.error_len().is_none() => e.valid_up_to(),
            Err(_) => pending.len(),
        };
        let text = String::from_utf8_lossy(&pending[..valid]).into_owned();
        let mut rest = text.as_str();
        while let Some(c) = rest.chars().next() {
            if c != '\x1b' {
                self.put(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
            // A frame is seen when it is complete, as terminals do that know of frames.
            if rest.starts_with("\x1b[?2026h") && !rest.contains("\x1b[?2026l") {
                break;
            }
            let Some(length) = self.escape(rest) else { break };
            rest = &rest[length..];
        }
        self.pending = rest.as_bytes().to_vec();
        self.pending.extend(&pending[valid..]);
    }

    fn put(&mut self, c: char) {
        match c {
            '\r' => self.at.1 = 0,
            '\n' => self.line_feed(),
            '\x08' => self.at.1 = self.at.1.saturating_sub(1),
            '\t' => self.at.1 = (self.at.1 / 8 * 8 + 8).min(self.columns - 1),
            c if c.is_control() => {}
            c => {
                if self.at.1 >= self.columns {
                    self.at.1 = 0;
                    self.line_feed();
                }
                self.grid[self.at.0][self.at.1] = (c, self.dress);
                self.at.1 += 1;
            }
        }
    }

    fn line_feed(&mut self) {
        if self.at.0 + 1 < self.rows {
            self.at.0 += 1;
        } else {
            self.grid.remove(0);
            self.grid.push(vec![BLANK; self.columns]);
        }
    }

    /// Does what the escape at the start says, and gives its length; `None` if it is not complete.
    fn escape(&mut self, text: &str) -> Option<usize> {
        let kind = text[1..].chars().next()?;
        if kind == ']' {
            return text.find(['\x07', '\\']).map(|i| i + 1);
        }
        if kind != '[' {
            return Some(1 + kind.len_utf8());
        }
        let end = 2 + text[2..].find(|c: char| ('\x40'..='\x7e').contains(&c))?;
        let (parameters, what) = (&text[2..end], &text[end..=end]);
        let number = |i: usize| parameters.split(';').nth(i).and_then(|p| p.parse::<usize>().ok());
        let (row, column) = self.at;
        match (parameters, what) {
            ("?1049", "h") => {
                self.first = Some((std::mem::replace(&mut self.grid, vec![vec![BLANK; self.columns]; self.rows]), self.at));
            }
            ("?1049", "l") => {
                if let Some((grid, at)) = self.first.take() {
                    (self.grid, self.at) = (grid, at);
                }
            }
            (_, "m") => self.dress(parameters),
            (_, "H") => {
                let place = |i: usize, most: usize| number(i).unwrap_or(1).saturating_sub(1).min(most - 1);
                self.at = (place(0, self.rows), place(1, self.columns));
            }
            (_, "A") => self.at.0 = row.saturating_sub(number(0).unwrap_or(1)),
            (_, "B") => self.at.0 = (row + number(0).unwrap_or(1)).min(self.rows - 1),
            (_, "C") => self.at.1 = (column + number(0).unwrap_or(1)).min(self.columns - 1),
            (_, "D") => self.at.1 = column.saturating_sub(number(0).unwrap_or(1)),
            (_, "G") => self.at.1 = number(0).unwrap_or(1).saturating_sub(1).min(self.columns - 1),
            (_, "K") => {
                let (from, to) = match number(0).unwrap_or(0) {
                    0 => (column, self.columns),
                    1 => (0, column + 1),
                    _ => (0, self.columns),
                };
                let from = from.min(self.columns);
                self.grid[row][from..to.min(self.columns)].fill(BLANK);
            }
            (_, "J") => {
                let from = if number(0).unwrap_or(0) == 0 { row + 1 } else { 0 };
                if from > row {
                    let column = column.min(self.columns);
                    self.grid[row][column..].fill(BLANK);
                }
                self.grid[from.min(self.rows)..].iter_mut().for_each(|r| r.fill(BLANK));
            }
            _ => {}
        }
        Some(end + 1)
    }
}

#[test]
fn the_screen_understands_what_is_drawn() {
    let mut screen = Screen::new(10, 3);
    screen.take(b"shell$ \x1b[?1049h\x1b[H\x1b[1mone\x1b[0m\x1b[K\r\ntw\xc3");
    screen.take(b"\xb6\x1b[");
    screen.take(b"K\r\n0123456789\x1b[J");
    assert_eq!(screen.text(), "one\ntwö\n0123456789\n");
    screen.take(b"\x1b[1;2Hx\x1b[K\n\x1b[?1049l");
    assert_eq!(screen.text(), "shell$\n\n\n");
    screen.take(b"\r\n\n\nlast");
    assert_eq!(screen.text(), "\n\nlast\n");
    screen.take(b"\x1b[?2026h\x1b[Hhalf");
    assert_eq!(screen.text(), "\n\nlast\n");
    screen.take(b" done\x1b[J\x1b[?2026l");
    assert_eq!(screen.text(), "half done\n\n\n");
}
