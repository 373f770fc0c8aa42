//! How a number and its noun are written: `1 view`, `3 views`, `2 flushes`. Whatever is counted before a reader's eyes goes
//! through here. It knows no text but the noun that it is given.

use std::fmt::Display;

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
    fn one_is_not_many() {
        let said = |noun| [0, 1, 2].map(|n| counted(n, noun)).join(", ");
        assert_eq!(said("different increment"), "0 different increments, 1 different increment, 2 different increments");
        assert_eq!(said("flush"), "0 flushes, 1 flush, 2 flushes");
        assert_eq!(said("key"), "0 keys, 1 key, 2 keys");
        assert_eq!(said("reply"), "0 replies, 1 reply, 2 replies");
        assert_eq!([0, 1, 2, 3].map(times).join(", "), "never, once, twice, 3 times");
    }
}
