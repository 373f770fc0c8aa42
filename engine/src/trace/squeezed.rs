//! Texts of messages as a sentence takes them: short, and without the names of their fields.

use std::collections::BTreeSet;

/// Longer texts of messages are cut.
const TEXT_MAX: usize = 60;

/// `Debug` text without the names of fields, and cut: `Flush { id: Id { number: 4 }, views: 2 }` is `Flush(Id(4), 2)`.
pub(super) fn squeezed(text: &str) -> String {
    let mut out = String::new();
    // For each open brace, whether it is a struct's.
    let mut structs = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '{' => {
                let is_struct = out.ends_with(' ') && out.trim_end().ends_with(char::is_alphanumeric);
                structs.push(is_struct);
                out.truncate(if is_struct { out.trim_end().len() } else { out.len() });
                out.push(if is_struct { '(' } else { '{' });
                rest = if is_struct { without_name(rest.trim_start()) } else { rest };
            }
            '}' => {
                let is_struct = structs.pop().unwrap_or(false);
                out.truncate(out.trim_end().len());
                out.push(if is_struct { ')' } else { '}' });
            }
            ',' if structs.last() == Some(&true) => {
                out.push_str(", ");
                rest = without_name(rest.trim_start());
            }
            c => out.push(c),
        }
    }
    if out.chars().count() <= TEXT_MAX { out } else { out.chars().take(TEXT_MAX).collect::<String>() + "…" }
}

/// The text behind `name: `, if it begins with one.
fn without_name(text: &str) -> &str {
    match text.split_once(": ") {
        Some((name, rest)) if name.chars().all(|c| c.is_alphanumeric() || c == '_') => rest,
        _ => text,
    }
}

/// Whether one text may be the answer to the other: it has one of its numbers or names (`#7`, `2.n1`, `term: 3`), if that has any.
pub(super) fn may_answer(answer: &str, asked: &str) -> bool {
    fn values(text: &str) -> BTreeSet<&str> {
        let words = text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '#' | '.'));
        words.filter(|word| word.contains(|c: char| c.is_ascii_digit())).collect()
    }
    let (answer, asked) = (values(answer), values(asked));
    asked.is_empty() || !answer.is_disjoint(&asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_lose_the_names_of_their_fields() {
        assert_eq!(squeezed("Flush { id: Id { number: 4 }, views: 2 }"), "Flush(Id(4), 2)");
        assert_eq!(squeezed("Counts({n1: 3, n2: 4})"), "Counts({n1: 3, n2: 4})");
        assert_eq!(squeezed("Both { a: {n1: 3}, b: {} }"), "Both({n1: 3}, {})");
        assert_eq!(squeezed("odd } text {"), "odd} text(");
        assert_eq!(squeezed(&"x".repeat(200)).chars().count(), TEXT_MAX + 1);
    }

    #[test]
    fn an_answer_to_something_else_is_none() {
        assert!(may_answer("Answer(#7, 0.n1 = 0)", "Query(#7)"));
        assert!(!may_answer("Stored(#8)", "Query(#7)"));
        assert!(may_answer("Stored(2.c1)", "Store(2.c1 = 20)"));
        assert!(may_answer("Counts({})", "Read"));
    }
}
