//! How a number and its noun are written: `1 view`, `3 views`, `2 flushes`. Whatever is counted before a reader's eyes goes
//! through here. It knows no text but the noun that it is given.

use std::fmt::{self, Debug, Display, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

/// `1 increment`, `0 increments`, `2 flushes`, `3 replies`: the number as it stands in the run, and the noun in its number.
#[must_use]
pub fn counted(n: impl Display, noun: &str) -> String {
    let n = n.to_string();
    if n == "1" { format!("1 {noun}") } else { format!("{n} {}", many(noun)) }
}

/// `never`, `once`, `twice`, `3 times`.
#[must_use]
pub fn times(n: impl Display) -> String {
    match n.to_string().as_str() {
        "0" => "never".to_owned(),
        "1" => "once".to_owned(),
        "2" => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

/// Bytes of what a learner's type says of itself that are kept: nobody reads more, and a run has thousands of such texts.
pub const SHOWN: usize = 8 << 10;

/// How what [`shown`] had to cut ends.
pub const CUT: &str = "… (cut here)";

/// How what [`shown`] says of a panic begins.
pub const DEBUG_PANICKED: &str = "(its Debug panicked: ";

/// What is said of the last panic of this thread, with its place: whoever installs a panic hook knows.
pub static LAST_PANIC: OnceLock<fn() -> Option<String>> = OnceLock::new();

/// A value as its `Debug` writes it, which is stopped when it has written enough: its time and its length are bounded. One that
/// panics breaks no run, as nothing of a run depends on how it is shown: the panic stands in the place of the rest.
#[must_use]
pub fn shown(value: &impl Debug) -> String {
    struct Bounded(String, bool);
    impl Write for Bounded {
        fn write_str(&mut self, s: &str) -> fmt::Result {
            let room = SHOWN - self.0.len();
            let end = (0..=room.min(s.len())).rev().find(|i| s.is_char_boundary(*i)).unwrap_or(0);
            self.0.push_str(if self.1 { "" } else { &s[..end] });
            self.1 |= end < s.len();
            if self.1 { Err(fmt::Error) } else { Ok(()) }
        }
    }
    let mut out = Bounded(String::new(), false);
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| write!(out, "{value:?}"))) {
        // Its destructor may panic again.
        std::mem::forget(payload);
        let said = LAST_PANIC.get().and_then(|last| last());
        return out.0 + DEBUG_PANICKED + &said.unwrap_or_else(|| "somewhere".to_owned()) + ")";
    }
    if out.1 { out.0 + CUT } else { out.0 }
}

/// The text with its middle left out where it has more than `most` bytes, and how much that was.
#[must_use]
pub fn middle(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let head = (0..=most * 3 / 4).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    let tail = (text.len() - most / 4..=text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len());
    format!("{} … [{} bytes left out] … {}", &text[..head], tail - head, &text[tail..])
}

/// More than one of them.
fn many(noun: &str) -> String {
    let vowel_before = |c: &str| c.ends_with(['a', 'e', 'i', 'o', 'u']);
    match noun.strip_suffix('y') {
        Some(stem) if !vowel_before(stem) => format!("{stem}ies"),
        _ if ["s", "x", "sh", "ch"].iter().any(|end| noun.ends_with(end)) => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debug_that_panics_is_said_beside_what_it_had_written() {
        struct Bomb;
        impl Debug for Bomb {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("boom")
            }
        }
        assert_eq!(shown(&(1, Bomb)), "(1, (its Debug panicked: somewhere)");
    }

    #[test]
    fn what_is_long_is_cut() {
        assert_eq!(shown(&vec![1, 2]), "[1, 2]");
        let long = shown(&vec!["é"; 10_000_000]);
        assert!(long.starts_with("[\"é\", ") && long.ends_with("… (cut here)") && long.len() < SHOWN + 40, "{}", long.len());
        assert_eq!(middle("short", 5), "short");
        assert_eq!(
            middle(&format!("{}{}", "é".repeat(50), "z".repeat(100)), 40),
            format!("{} … [160 bytes left out] … {}", "é".repeat(15), "z".repeat(10))
        );
    }

    #[test]
    fn one_is_not_many() {
        let said = |noun| [0, 1, 2].map(|n| counted(n, noun)).join(", ");
        assert_eq!(said("different increment"), "0 different increments, 1 different increment, 2 different increments");
        assert_eq!(said("flush"), "0 flushes, 1 flush, 2 flushes");
        assert_eq!(said("key"), "0 keys, 1 key, 2 keys");
        assert_eq!(said("reply"), "0 replies, 1 reply, 2 replies");
        assert_eq!([0, 1, 2, 3].map(times).join(", "), "never, once, twice, 3 times");
    }
}
