//! Figures for people: shares, counts with their nouns, durations, versions.

use std::time::Duration;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version("1.95.0") >= version("1.89"));
        assert!(version("1.100.0-nightly") >= version("1.89"));
        assert!(version("1.88.1") < version("1.89"));
        assert!(version("0.10.0") > version("0.9.3"));
    }

    #[test]
    fn figures() {
        assert_eq!(
            (thousands(0), thousands(999), thousands(1_000), thousands(1_234_567)),
            ("0".into(), "999".into(), "1,000".into(), "1,234,567".into())
        );
        assert_eq!(plural(1, "run", "runs"), "1 run");
    }
}
