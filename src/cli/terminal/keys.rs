//! Keys, from the bytes that terminals send for them.

use crate::cli::runtime::readable;
use rustix::io::read;
use std::io::{self, Stdin};
use tokio::io::unix::AsyncFd;

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A letter, a digit, a space …
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Backspace.
    Backspace,
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

/// The keys of the terminal on standard input, which must be a [`super::Screen`]'s.
pub struct Keys {
    stdin: AsyncFd<Stdin>,
    waiting: std::collections::VecDeque<Key>,
}

impl Keys {
    /// Listens from now on.
    ///
    /// # Errors
    /// If standard input cannot be waited for.
    pub fn new() -> io::Result<Keys> {
        let stdin = readable(io::stdin())?;
        Ok(Keys { stdin, waiting: std::collections::VecDeque::new() })
    }

    /// The next key. Nothing is lost if this is dropped.
    ///
    /// # Errors
    /// A terminal that is gone.
    pub async fn next(&mut self) -> io::Result<Key> {
        loop {
            if let Some(key) = self.waiting.pop_front() {
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
                Ok(n) => self.waiting.extend(parse(&bytes[..n])),
                Err(e) => return Err(e.into()),
            }
        }
    }
}

/// The keys in what was read at once. An escape with nothing behind it is the key.
#[must_use]
pub fn parse(bytes: &[u8]) -> Vec<Key> {
    let text = String::from_utf8_lossy(bytes);
    let mut keys = Vec::new();
    let mut rest = text.as_ref();
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        let key = match c {
            '\u{1b}' => match sequence(rest) {
                Some((key, length)) => {
                    rest = &rest[length..];
                    key
                }
                None => Some(Key::Esc),
            },
            '\r' | '\n' => Some(Key::Enter),
            '\u{7f}' | '\u{8}' => Some(Key::Backspace),
            '\u{1a}' => Some(Key::Suspend),
            '\u{13}' => Some(Key::Save),
            c if c.is_control() => None,
            c => Some(Key::Char(c)),
        };
        keys.extend(key);
    }
    keys
}

/// What stands behind an escape, and its length: the key, if it is one that we know.
fn sequence(rest: &str) -> Option<(Option<Key>, usize)> {
    let body = rest.strip_prefix(['[', 'O'])?;
    let end = body.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c))?;
    let key = match (&body[..end], &body[end..=end]) {
        (_, "A") => Some(Key::Up),
        (_, "B") => Some(Key::Down),
        (_, "C") => Some(Key::Right),
        (_, "D") => Some(Key::Left),
        (_, "H") | ("1" | "7", "~") => Some(Key::Home),
        (_, "F") | ("4" | "8", "~") => Some(Key::End),
        ("5", "~") => Some(Key::PageUp),
        ("6", "~") => Some(Key::PageDown),
        _ => None,
    };
    Some((key, 1 + end + 1))
}

#[cfg(test)]
mod tests {
    use super::{Key::*, *};

    #[test]
    fn what_terminals_send() {
        assert_eq!(
            parse(b"hq\x1b[A\x1bOB\x1b[5~\x1b[1;2C\x1b[200~\n\x7f"),
            [Char('h'), Char('q'), Up, Down, PageUp, Right, Enter, Backspace]
        );
        assert_eq!(parse(b"\x1b"), [Esc]);
        assert_eq!(parse(b"\x1bq\x1a\x13\x02"), [Esc, Char('q'), Suspend, Save]);
        assert_eq!(parse("é".as_bytes()), [Char('é')]);
        assert_eq!(parse(b"\x1b[H\x1b[4~"), [Home, End]);
    }
}
