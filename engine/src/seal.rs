//! How a report leaves an exercise's process so that a learner's code in the same process cannot easily write another.
//!
//! The process has one end of a pair of sockets as its standard input. The program writes a key there, and says no more; the
//! process writes back one text and, behind it, a seal: a code of the text that nobody can make without the key. The key
//! stands in no argument, no file and no variable of the environment, and never in what is written. What has another seal,
//! or anything behind it, was not written by the tests. (A process can read its own memory, and whoever owns `main` can read
//! the key first: this stops what is cheap, no more.)
//!
//! This module knows neither what a report is nor how the process was started.

#![allow(deprecated, reason = "SipHasher is SipHash-2-4 for good; what replaces it may change between two versions of the compiler")]

use std::hash::{Hasher as _, SipHasher};

/// The field that begins the last line.
const SEAL: &str = "seal\t";

/// The field that begins what is said instead of a report.
const REFUSAL: &str = "refusal\t";

/// What is sent instead of a report: why there is none, with the exit code that it is worth.
#[must_use]
pub fn refusal(code: u8, why: &str) -> String {
    format!("{REFUSAL}{code}\n{why}\n")
}

/// Reads what [`refusal`] wrote.
#[must_use]
pub fn parse_refusal(text: &str) -> Option<(u8, &str)> {
    let (code, why) = text.strip_prefix(REFUSAL)?.split_once('\n')?;
    Some((code.parse().ok()?, why.trim_end()))
}

/// What both ends know, and nobody else.
#[derive(Clone, Copy)]
pub struct Key(u64, u64);

impl Key {
    /// The key of these bytes, which should be chance.
    #[must_use]
    pub fn of(bytes: [u8; 16]) -> Key {
        let n = u128::from_le_bytes(bytes);
        Key((n >> 64) as u64, n as u64)
    }

    /// The key as it is handed over.
    #[must_use]
    pub fn to_text(self) -> String {
        format!("{:016x}{:016x}\n", self.0, self.1)
    }

    /// Reads what [`Key::to_text`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Key> {
        let text = text.strip_suffix('\n').filter(|t| t.len() == 32 && t.is_ascii())?;
        let half = |digits: &str| u64::from_str_radix(digits, 16).ok();
        Some(Key(half(&text[..16])?, half(&text[16..])?))
    }

    /// The text with its seal behind it. The text ends with an end of line.
    #[must_use]
    pub fn seal(self, text: &str) -> String {
        format!("{text}{SEAL}{:016x}\n", self.code(text))
    }

    /// The text that was sealed, if all of `sealed` is a text and its seal.
    #[must_use]
    pub fn open(self, sealed: &str) -> Option<&str> {
        let whole = sealed.strip_suffix('\n')?;
        let begins = whole.rfind('\n')? + 1;
        let (text, seal) = sealed.split_at(begins);
        (seal == format!("{SEAL}{:016x}\n", self.code(text))).then_some(text)
    }

    fn code(self, text: &str) -> u64 {
        let mut hasher = SipHasher::new_with_keys(self.0, self.1);
        hasher.write(text.as_bytes());
        hasher.finish()
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

/// The process's end.
#[cfg(unix)]
#[derive(Debug)]
pub struct Door {
    key: Key,
    back: std::fs::File,
}

#[cfg(unix)]
impl Door {
    /// Takes the key from standard input: once, as it is gone then.
    ///
    /// # Errors
    /// There is none.
    pub fn open() -> Result<Door, String> {
        use std::io::Read as _;
        use std::os::fd::AsFd as _;
        let cannot = |e: std::io::Error| format!("--sealed: standard input cannot be read: {e}");
        let mut back = std::fs::File::from(std::io::stdin().as_fd().try_clone_to_owned().map_err(cannot)?);
        let mut text = String::new();
        (&mut back).take(64).read_to_string(&mut text).map_err(cannot)?;
        let key = Key::parse(&text).ok_or("--sealed: there is no key on standard input; without `--sealed`, the verdict is printed")?;
        Ok(Door { key, back })
    }

    /// Sends the text, sealed.
    ///
    /// # Errors
    /// Nobody takes it.
    pub fn send(mut self, text: &str) -> std::io::Result<()> {
        use std::io::Write as _;
        self.back.write_all(self.key.seal(text).as_bytes())
    }
}

/// Elsewhere there is no such pair of sockets, and no program that would ask.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct Door;

#[cfg(not(unix))]
impl Door {
    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub fn open() -> Result<Door, String> {
        Err("--sealed: not on this system".to_owned())
    }

    /// Sends nothing.
    ///
    /// # Errors
    /// Never.
    pub fn send(self, _: &str) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_is_opened_and_nothing_else() {
        let (key, other) = (Key::of([7; 16]), Key::of([8; 16]));
        assert_eq!(Key::parse(&key.to_text()).map(|k| (k.0, k.1)), Some((key.0, key.1)));
        let sealed = key.seal("verdict\tfailed\nend\n");
        assert_eq!(key.open(&sealed), Some("verdict\tfailed\nend\n"));
        assert_eq!(other.open(&sealed), None);
        assert_eq!(key.open(&sealed.replace("failed", "passed")), None);
        assert_eq!(key.open(&format!("{sealed}more\n")), None);
        assert_eq!(key.open(&format!("{sealed}{sealed}")), None, "a second report");
        assert_eq!(key.open(sealed.trim_end()), None, "cut off");
        assert_eq!(key.open("verdict\tpassed\nend\n"), None);
        assert_eq!(key.open(""), None);
        assert_eq!(parse_refusal(&refusal(2, "no such test\nat all")), Some((2, "no such test\nat all")));
        assert!(Key::parse("00\n").is_none() && Key::parse("").is_none());
    }
}
