//! No text panics the parser or the linter: the files of the bank, damaged at random by a seed, and noise.

use super::*;
use crate::rng::Rng;

/// What people and accidents put into files.
const PIECES: [&str; 30] = [
    "\"",
    "\"\"\"",
    "'''",
    "[",
    "]",
    "[[question]]\n",
    "[[scenario]]\n",
    "{",
    "}",
    "=",
    ",",
    "\n",
    "\r",
    "\t",
    "\u{0}",
    "\u{202e}",
    "é",
    "🧠",
    "99999999999999999999",
    "-1",
    "1e999",
    "nan",
    "true",
    "kind = \"trace\"\n",
    "kind = \"mutant\"\nmutant = \"a/b\"\n",
    "before = [[9, 9]]\n",
    "verify = \"min r: r > 5\"\n",
    "answer = ",
    "option = [{}]\n",
    "line 7",
];

/// A char boundary of the text, by chance.
fn place(rng: &mut Rng, text: &str) -> usize {
    let mut at = rng.below(text.len() as u64 + 1) as usize;
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A stretch of the text, mostly short.
fn stretch(rng: &mut Rng, text: &str) -> std::ops::Range<usize> {
    let start = place(rng, text);
    let most = if rng.chance(200_000) { text.len() as u64 } else { 40 };
    let mut end = (start + rng.below(most + 1) as usize).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    start..end.max(start)
}

fn damage(rng: &mut Rng, text: &mut String, other: &str) {
    let range = stretch(rng, text);
    match rng.below(6) {
        0 => text.replace_range(range, ""),
        1 => {
            let copy = text[range].to_owned();
            let at = place(rng, text);
            text.insert_str(at, &copy);
        }
        2 => {
            let piece = rng.pick(&PIECES).copied().unwrap_or_default();
            text.replace_range(range, piece);
        }
        3 => {
            let at = place(rng, text);
            text.insert_str(at, rng.pick(&PIECES).copied().unwrap_or_default());
        }
        4 => {
            let from = stretch(rng, other);
            text.replace_range(range, &other[from]);
        }
        _ => {
            // A key of one table under the name of another.
            let lines: Vec<&str> = text.lines().collect();
            if let (Some(a), Some(b)) = (rng.pick(&lines), rng.pick(&lines)) {
                *text = text.replacen(*a, b, 1);
            }
        }
    }
}

fn no_panic(seeds: std::ops::Range<u64>) {
    let mut files: Vec<String> = bank::bank().into_iter().map(|(_, text)| text).collect();
    files.push(GOOD.to_owned());
    let mut unreadable = 0;
    let count = seeds.end - seeds.start;
    for seed in seeds {
        let mut rng = Rng::stream(seed, 31);
        let mut text = rng.pick(&files).cloned().unwrap_or_default();
        let other = rng.pick(&files).cloned().unwrap_or_default();
        for _ in 0..=rng.below(5) {
            damage(&mut rng, &mut text, &other);
        }
        let rules = Rules {
            exercises: &["quorum_register"],
            topics: &["cap", "consistency"],
            prove: &prove::prove,
            mutants: &one_mutant,
            hidden_tests: &two_rules,
            in_lessons: &|_, _| false,
        };
        let found = lint_with(&[("quizzes/consistency.toml", &text)], &rules);
        for finding in &found {
            let lines = text.lines().count().max(1) + 1;
            assert!((1..=lines).contains(&finding.place.line), "seed {seed}: {finding}");
            let shown = finding.to_string();
            assert!(!shown.chars().any(char::is_control), "seed {seed}: {shown:?}");
        }
        unreadable += u64::from(format::load("f", &text).is_err());
    }
    assert!(4 * unreadable > count && 20 * (count - unreadable) > count, "{unreadable} of {count} could not be read: badly damaged");
}

#[test]
fn damaged_files_are_no_panic() {
    no_panic(0..150);
}

#[test]
#[ignore = "minutes; the same as the one above, longer"]
fn five_thousand_damaged_files_are_no_panic() {
    no_panic(1_000..6_000);
}
