//! Keys, from the bytes that terminals send for them.

use crate::cli::runtime::readable;
use rustix::io::read;
use std::collections::VecDeque;
use std::io::{self, Stdin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::unix::AsyncFd;

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A letter, a digit, a space …
    Char(char),
    /// A character of a text that was pasted, where the terminal says so; `\n` for the end of a line.
    Pasted(char),
    /// A letter with Ctrl.
    Ctrl(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// The arrow up.
    Up,
    /// The arrow down.
    Down,
    /// The arrow left.
    Left,
    /// The arrow right.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the start.
    Home,
    /// To the end.
    End,
    /// Ctrl-Z.
    Suspend,
    /// Ctrl-S.
    Save,
}

impl Key {
    /// What it is called.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Key::Char(' ') => "Space".to_owned(),
            Key::Char(c) => format!("`{c}`"),
            Key::Pasted(_) => "a pasted text".to_owned(),
            Key::Ctrl(c) => format!("Ctrl-{}", c.to_ascii_uppercase()),
            Key::Save => "Ctrl-S".to_owned(),
            Key::Up | Key::Down | Key::Left | Key::Right => "an arrow".to_owned(),
            other => format!("{other:?}"),
        }
    }
}

/// What was typed and is not asked for yet. There is one keyboard, whoever asks: what is typed ahead reaches the next question.
static TYPED: Mutex<Decoder> = Mutex::new(Decoder { bytes: Vec::new(), keys: VecDeque::new(), pasting: false });

/// Keys were dropped that had come in one burst with an answer.
static DROPPED: AtomicBool = AtomicBool::new(false);

/// Whether keys were dropped since the last time that somebody asked.
#[must_use]
pub fn some_were_dropped() -> bool {
    DROPPED.swap(false, Ordering::Relaxed)
}

fn typed() -> MutexGuard<'static, Decoder> {
    TYPED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The keys of the terminal on standard input, which must be a [`super::Screen`]'s or a [`super::Line`]'s.
pub struct Keys {
    stdin: AsyncFd<Stdin>,
}

impl Keys {
    /// Listens from now on.
    ///
    /// # Errors
    /// If standard input cannot be waited for.
    pub fn new() -> io::Result<Keys> {
        Ok(Keys { stdin: readable(io::stdin())? })
    }

    /// The next key. Nothing is lost if this is dropped.
    ///
    /// # Errors
    /// A terminal that is gone.
    pub async fn next(&mut self) -> io::Result<Key> {
        loop {
            if let Some(key) = typed().keys.pop_front() {
                return Ok(key);
            }
            let mut ready = self.stdin.readable().await?;
            let mut bytes = [0; 1024];
            match read(ready.get_inner(), &mut bytes) {
                // A terminal that was closed stays readable, with nothing in it, for ever: waiting for more would turn round and
                // round, and no signal would be seen.
                Ok(0) if ready.ready().is_read_closed() => return Err(io::ErrorKind::UnexpectedEof.into()),
                // With the screen's settings that means: nothing there (any more).
                Ok(0) | Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => ready.clear_ready(),
                Ok(n) => typed().take(&bytes[..n]),
                Err(rustix::io::Errno::IO) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// True if another key is there already: nobody types so fast, so it is a text that was pasted.
    #[must_use]
    pub fn more(&self) -> bool {
        let mut typed = typed();
        let mut bytes = [0; 1024];
        // With our settings this never waits.
        if typed.keys.is_empty()
            && let Ok(n) = read(self.stdin.get_ref(), &mut bytes)
        {
            typed.take(&bytes[..n]);
        }
        !typed.keys.is_empty()
    }

    /// As [`Keys::more`], also if it comes in a moment: a long text that is pasted does not come in one piece.
    pub async fn more_soon(&self) -> bool {
        let wait = async {
            loop {
                if self.more() {
                    return true;
                }
                let Ok(mut ready) = self.stdin.readable().await else { return false };
                if ready.ready().is_read_closed() {
                    return false;
                }
                if self.more() {
                    return true;
                }
                ready.clear_ready();
            }
        };
        tokio::time::timeout(PIECES, wait).await.unwrap_or(false)
    }

    /// Drops what comes in one burst with the key before: nobody types so fast. It is a text that was pasted into a terminal which
    /// does not say so, and one text answers one question.
    pub async fn drop_burst(&self) {
        // Not for ever, if something writes without end.
        for _ in 0..1_000 {
            if !self.more_soon().await {
                break;
            }
            typed().keys.clear();
            DROPPED.store(true, Ordering::Relaxed);
        }
    }
}

/// Bytes into keys.
#[derive(Default)]
struct Decoder {
    /// The start of a character or a sequence whose rest is still to come.
    bytes: Vec<u8>,
    keys: VecDeque<Key>,
    pasting: bool,
}

/// The pieces of a pasted text come closer to each other than this, and no key follows Enter so soon.
const PIECES: Duration = Duration::from_millis(30);
/// What ends a pasted text.
const PASTED: &str = "\u{1b}[201~";
/// No sequence that we know is longer.
const LONGEST_SEQUENCE: usize = 16;

impl Decoder {
    fn take(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.bytes);
        let whole = match std::str::from_utf8(&bytes) {
            Err(e) if e.error_len().is_none() => e.valid_up_to(),
            _ => bytes.len(),
        };
        let text = String::from_utf8_lossy(&bytes[..whole]);
        let mut rest = text.as_ref();
        while let Some(length) = self.one(rest) {
            rest = &rest[length..];
        }
        self.bytes = rest.as_bytes().to_vec();
        self.bytes.extend_from_slice(&bytes[whole..]);
    }

    /// Takes what stands first, and says how long it was; `None` at the end, and where the rest is still to come.
    fn one(&mut self, rest: &str) -> Option<usize> {
        let c = rest.chars().next()?;
        if self.pasting {
            if c == '\u{1b}' {
                if rest.starts_with(PASTED) {
                    self.pasting = false;
                    return Some(PASTED.len());
                }
                return if PASTED.starts_with(rest) { None } else { Some(1) };
            }
            let c = if c == '\r' { '\n' } else { c };
            if !c.is_control() || matches!(c, '\n' | '\t') {
                self.keys.push_back(Key::Pasted(c));
            }
            return Some(rest.chars().next().map_or(1, char::len_utf8));
        }
        if c == '\u{1b}' {
            let (key, length) = match sequence(&rest[1..]) {
                Sequence::Known(key, length) => (key, 1 + length),
                Sequence::None => (Some(Key::Esc), 1),
                Sequence::Cut => return None,
            };
            self.pasting = &rest[..length] == "\u{1b}[200~";
            self.keys.extend(key);
            return Some(length);
        }
        self.keys.extend(plain(c));
        Some(c.len_utf8())
    }
}

/// The key of a character.
fn plain(c: char) -> Option<Key> {
    match c {
        '\r' | '\n' => Some(Key::Enter),
        '\u{7f}' | '\u{8}' => Some(Key::Backspace),
        '\u{1a}' => Some(Key::Suspend),
        '\u{13}' => Some(Key::Save),
        '\u{1}'..='\u{1a}' => Some(Key::Ctrl(char::from(c as u8 - 1 + b'a'))),
        c if c.is_control() => None,
        c => Some(Key::Char(c)),
    }
}

/// What stands behind an escape.
enum Sequence {
    /// Nothing: it is the key.
    None,
    /// A key, if it is one that we know, and how long it is.
    Known(Option<Key>, usize),
    /// The start of one.
    Cut,
}

fn sequence(rest: &str) -> Sequence {
    let Some(body) = rest.strip_prefix(['[', 'O']) else { return Sequence::None };
    let Some(end) = body.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c)) else {
        return if rest.starts_with('[') && rest.len() < LONGEST_SEQUENCE { Sequence::Cut } else { Sequence::None };
    };
    let key = match (&body[..end], &body[end..=end]) {
        (_, "A") => Some(Key::Up),
        (_, "B") => Some(Key::Down),
        (_, "C") => Some(Key::Right),
        (_, "D") => Some(Key::Left),
        (_, "H") | ("1" | "7", "~") => Some(Key::Home),
        (_, "F") | ("4" | "8", "~") => Some(Key::End),
        ("3", "~") => Some(Key::Delete),
        ("5", "~") => Some(Key::PageUp),
        ("6", "~") => Some(Key::PageDown),
        _ => None,
    };
    Sequence::Known(key, 1 + end + 1)
}

#[cfg(test)]
mod tests {
    use super::{Key::*, *};

    /// The keys of bytes that come in so many readings.
    fn parse(readings: &[&[u8]]) -> Vec<Key> {
        let mut decoder = Decoder::default();
        readings.iter().for_each(|bytes| decoder.take(bytes));
        decoder.keys.into()
    }

    #[test]
    fn what_terminals_send() {
        assert_eq!(
            parse(&[b"hq\x1b[A\x1bOB\x1b[5~\x1b[1;2C\x1b[9~\n\x7f\x1b[3~"]),
            [Char('h'), Char('q'), Up, Down, PageUp, Right, Enter, Backspace, Delete]
        );
        assert_eq!(parse(&[b"\x1b"]), [Esc]);
        assert_eq!(parse(&[b"\x1bq\x1a\x13\x02"]), [Esc, Char('q'), Suspend, Save, Ctrl('b')]);
        assert_eq!(parse(&["é".as_bytes()]), [Char('é')]);
        assert_eq!(parse(&[b"\x1b[H\x1b[4~"]), [Home, End]);
    }

    #[test]
    fn what_comes_in_pieces_is_whole() {
        let text = "é\x1b[Aq\x1b[200~a\r\n\x1b[31mb\u{4}\x1b[201~\r漢";
        let whole = [Char('é'), Up, Char('q'), Pasted('a'), Pasted('\n'), Pasted('\n')].into_iter();
        let whole: Vec<Key> = whole.chain("[31mb".chars().map(Pasted)).chain([Enter, Char('漢')]).collect();
        assert_eq!(parse(&[text.as_bytes()]), whole);
        // An escape alone is a key, so it is not where a reading ends here.
        for cut in (1..text.len()).filter(|&cut| text.as_bytes()[cut - 1] != 0x1b) {
            let (a, b) = text.as_bytes().split_at(cut);
            assert_eq!(parse(&[a, b]), whole, "cut at {cut}");
        }
    }
}
