//! Small helps with words: the nearest name to a misspelt one, text that cannot steer a terminal, durations.

use crate::trace::columns::width;
use crate::words::middle;
use std::borrow::Cow;
use std::time::Duration;

/// The candidate nearest to a misspelt word, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // In the wrong case, or with another line between its words, it is still the name that is meant.
    let word = &word.to_lowercase().replace(['-', ' '], "_");
    let limit = word.chars().count().div_ceil(3);
    let near = candidates
        .into_iter()
        .map(|c| (distance(word, &c.to_lowercase().replace(['-', ' '], "_")), c))
        .filter(|(d, c)| *d <= limit || c.starts_with(word) && !word.is_empty());
    near.min_by_key(|(d, _)| *d).map(|(_, c)| c)
}

/// Insertions, deletions, replacements and swapped neighbours that lead from one word to the other (Damerau and Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let [a, b] = [a, b].map(|word| word.chars().collect::<Vec<char>>());
    // The row before the last, and the last one: a swap looks two back.
    let (mut before, mut last) = (Vec::new(), (0..=b.len()).collect::<Vec<usize>>());
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(x != y);
            let mut least = replaced.min(row[j] + 1).min(last[j + 1] + 1);
            if i > 0 && j > 0 && a[i - 1] == *y && b[j - 1] == *x {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// The text with everything that could steer a terminal made visible: control characters, and marks that turn the
/// direction of writing. Ends of line and tabs stay if asked for.
#[must_use]
pub fn visible(text: &str, keep_lines: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' if keep_lines => out.push(c),
            c if steers(c) => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

/// True for what could steer a terminal.
#[must_use]
pub fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text for a screen, as [`visible`] with its lines, but for our own colours (`ESC [ 1;31 m`), which stay.
#[must_use]
pub fn safe(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c != '\n' && c != '\t' && steers(c)) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split('\u{1b}');
    let mut out = visible(parts.next().unwrap_or_default(), true);
    for part in parts {
        let (colour, rest) = part.split_at(part.find('m').map_or(0, |m| m + 1));
        let inner = colour.strip_prefix('[').and_then(|c| c.strip_suffix('m'));
        if inner.is_some_and(is_colour) {
            out.push('\u{1b}');
            out.push_str(colour);
            out.push_str(&visible(rest, true));
        } else {
            out.push_str("\\u{1b}");
            out.push_str(&visible(part, true));
        }
    }
    Cow::Owned(out)
}

/// Whether the codes of an escape only dress text, as we and the compiler do. Not 8: what is concealed is read by nobody.
fn is_colour(codes: &str) -> bool {
    let mut codes = codes.split(';');
    while let Some(code) = codes.next() {
        let dresses = match code {
            // A colour of 256: its number follows.
            "38" => codes.next() == Some("5") && codes.next().is_some_and(|n| n.parse::<u8>().is_ok()),
            _ => matches!(code, "" | "0" | "1" | "2" | "3" | "4") || code.len() == 2 && code.starts_with(['3', '9']),
        };
        if !dresses {
            return false;
        }
    }
    true
}

/// The text cut to so many columns, with `…` in the place of what is left out.
#[must_use]
pub fn clipped(text: &str, most: usize) -> String {
    let mut used = 0;
    let fits = |(_, c): &(usize, char)| {
        used += width(*c);
        used > most
    };
    match text.char_indices().find(fits) {
        Some((end, _)) => {
            // Not within a word, if that costs little.
            let word = text[..end].rfind(' ').filter(|at| end - at <= 16);
            word.map_or_else(|| format!("{}…", &text[..end]), |at| format!("{} …", &text[..at]))
        }
        None => text.to_owned(),
    }
}

/// Bytes of one text of a finding that are shown; `replay --full` shows it whole.
pub const BRIEF: usize = 2_000;

/// The text as it is shown where nobody asked for all of it.
#[must_use]
pub fn brief(text: &str) -> String {
    middle(text, BRIEF)
}

/// `70 %`. The sum of nothing is a zero below zero for the machine; nobody wants to read of it.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{} %", (share * 100.0).round_ties_even() as i64)
}

/// `1,000`.
#[must_use]
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `0.34 s`.
#[must_use]
pub fn seconds(d: Duration) -> String {
    format!("{:.2} s", d.as_secs_f64())
}

/// `1 run`, `1,000 runs`.
#[must_use]
pub fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(n), if n == 1 { one } else { many })
}

/// The numbers of a version: `1.95.0-nightly` → `[1, 95, 0]`. They compare as versions do, releases before marks of their own.
#[must_use]
pub fn version(text: &str) -> Vec<u64> {
    text.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

/// FNV-1a, 64 bits: tells texts apart, also between versions of the program; not for untrusted input.
#[must_use]
pub fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

/// A word as it can be pasted into a shell.
#[must_use]
pub fn pasted(word: &str) -> String {
    // One that begins with `-` would be an option, within quotes as well.
    let word = if word.starts_with('-') { format!("./{word}") } else { word.to_owned() };
    if !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "/._-+,:@%".contains(c)) {
        return word;
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name() {
        let ids = ["g_counter", "pn_counter", "hash_ring", "raft_election"];
        assert_eq!(nearest("g_conter", ids), Some("g_counter"));
        assert_eq!(nearest("hash-ring", ids), Some("hash_ring"));
        assert_eq!(nearest("raft", ids), Some("raft_election"));
        assert_eq!(nearest("paxos", ids), None);
        assert_eq!(nearest("titel", ["title"]), Some("title"));
        assert_eq!(nearest("cpa", ["cap", "latency"]), Some("cap"), "a slip of two fingers is one");
        assert_eq!((distance("kitten", "sitting"), distance("cpa", "cap"), distance("ab", "ba")), (3, 1, 1));
        assert_eq!((distance("", "abc"), distance("abc", ""), distance("abc", "abc")), (3, 3, 0));
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(visible("a\x1b[31mb\u{202e}c\u{9b}é", false), "a\\u{1b}[31mb\\u{202e}c\\u{9b}é");
        assert_eq!(visible("a\nb\tc\r", true), "a\nb\tc\\r");
        assert_eq!(visible("a\nb", false), "a\\nb");
        let ours = "plain\n\x1b[1;31mred\x1b[0m\t\x1b[1m\x1b[38;5;9mend\x1b[m";
        assert_eq!(safe(ours), ours);
        assert_eq!(safe("a\x1b]0;title\x07b\x1b[2Jm\x1b[8mhidden\x1b"), "a\\u{1b}]0;title\\u{7}b\\u{1b}[2Jm\\u{1b}[8mhidden\\u{1b}");
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version("1.95.0") >= version("1.89"));
        assert!(version("1.100.0-nightly") >= version("1.89"));
        assert!(version("1.88.1") < version("1.89"));
        assert!(version("0.10.0") > version("0.9.3"));
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!((fnv(b""), fnv(b"a"), fnv(b"foobar")), (0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c, 0x8594_4171_f739_67e8));
    }

    #[test]
    fn figures() {
        assert_eq!(
            (thousands(0), thousands(999), thousands(1_000), thousands(1_234_567)),
            ("0".into(), "999".into(), "1,000".into(), "1,234,567".into())
        );
        assert_eq!(plural(1, "run", "runs"), "1 run");
        assert_eq!(clipped("äbc", 2), "äb…");
        assert_eq!(clipped("äbc", 3), "äbc");
        assert_eq!([clipped("漢字漢", 4), clipped("漢字漢", 5), clipped("漢字漢", 6)], ["漢字…", "漢字…", "漢字漢"]);
    }

    #[test]
    fn another_case_is_the_same_name() {
        let all = ["g_counter", "raft_election"];
        assert_eq!(nearest("G-Counter", all), Some("g_counter"));
        assert_eq!(nearest("RAFT_ELECTION", all), Some("raft_election"));
        assert_eq!(nearest("Raft", all), Some("raft_election"));
    }

    #[test]
    fn words_for_a_shell() {
        let said = ["prep", "my prep", "it's", "~x", "-x", "é/ü.b"].map(pasted);
        assert_eq!(said, ["prep", "'my prep'", "'it'\\''s'", "'~x'", "./-x", "é/ü.b"]);
    }
}
