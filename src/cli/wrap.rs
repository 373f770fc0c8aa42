//! Text on a screen of some width: measured, broken between words, cut. Pure functions; they know nothing of what the text says.

use crate::trace::columns::width as columns_of;
use crate::words::middle;

/// Wider than this no prose is set, however wide the screen: the eye loses the line.
const WIDEST: usize = 100;

/// Breaks a text between words; its own line breaks stay. Every line starts with `first`, or with as many spaces.
#[must_use]
pub fn wrap(text: &str, first: &str, width: usize) -> String {
    let indent = columns(first);
    let room = width.clamp(20, WIDEST).saturating_sub(indent).max(10);
    let mut result = String::new();
    for paragraph in text.trim_end().split('\n') {
        let mut line = String::new();
        for word in with_units(paragraph).flat_map(|word| pieces(word, room)) {
            if !line.is_empty() && columns(&line) + 1 + columns(word) > room {
                push_line(&mut result, first, indent, &line);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        push_line(&mut result, first, indent, &line);
    }
    result
}

/// What a number does not part from at the end of a line.
const UNITS: [&str; 31] = [
    "%", "ns", "µs", "ms", "s", "min", "h", "kB", "KB", "MB", "GB", "TB", "PB", "km", "kbit", "Mbit", "Gbit", "ppm", "bit", "bits", "byte",
    "bytes", "seconds", "minutes", "hours", "days", "years", "million", "billion", "rounds", "nodes",
];
/// What does not part from the number behind it.
const COUNTED: [&str; 11] = ["section", "chapter", "step", "round", "line", "figure", "Figure", "page", "rule", "point", "term"];
/// What does not part from either side.
const OPERATORS: [&str; 13] = ["=", "+", "−", "·", "×", "/", "<", ">", "≤", "≥", "≈", "&&", "||"];
/// More columns are not kept together.
const TOGETHER: usize = 32;

/// The words of a paragraph; a number and its unit, a short formula and short code are one.
fn with_units(paragraph: &str) -> impl Iterator<Item = &str> {
    let mut rest = paragraph;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(' ');
        let mut end = rest.find(' ').unwrap_or(rest.len());
        let mut last = 0;
        while let Some(next) = rest[end..].strip_prefix(' ').and_then(|next| next.split(' ').next()).filter(|next| !next.is_empty()) {
            let longer = end + 1 + next.len();
            let in_code = rest[..end].matches('`').count() % 2 == 1 && rest[end..].contains('`');
            if !(in_code || stick(&rest[last..end], next)) || columns(&rest[..longer]) > TOGETHER {
                break;
            }
            (last, end) = (end + 1, longer);
        }
        let (word, behind) = rest.split_at(end);
        rest = behind;
        (!word.is_empty()).then_some(word)
    })
}

/// Whether two words stay on one line.
fn stick(word: &str, next: &str) -> bool {
    let bare = next.trim_end_matches(|c: char| c.is_ascii_punctuation() && c != '%');
    let unit = bare.split('/').next().unwrap_or(bare);
    let open = word.trim_start_matches(['(', '`', '"']);
    OPERATORS.contains(&open)
        || OPERATORS.contains(&next)
        || (word.ends_with(|c: char| c.is_ascii_digit()) && UNITS.contains(&unit))
        || (COUNTED.contains(&open) && next.starts_with(|c: char| c.is_ascii_digit()))
}

/// Source text in which a paragraph of comments with a line too wide for the screen is broken anew. Code stays as it is, and what stands in
/// a comment as a list, a heading or code. What a pipe or a file gets is the source as it is.
#[must_use]
pub fn comments(source: &str, width: usize) -> String {
    let mut out = String::new();
    let mut fenced = false;
    let mut lines = source.lines().peekable();
    while let Some(line) = lines.next() {
        let (lead, text) = comment(line);
        fenced ^= text.starts_with("```");
        let mut paragraph = vec![line];
        if is_prose(text) && !fenced {
            while let Some(more) = lines.next_if(|more| comment(more).0 == lead && is_prose(comment(more).1)) {
                paragraph.push(more);
            }
        }
        if lead.trim().is_empty() || !is_prose(text) || fenced || paragraph.iter().all(|line| columns(line) <= width) {
            out.extend(paragraph.iter().flat_map(|line| [line, "\n"]));
            continue;
        }
        let text = paragraph.iter().map(|line| comment(line).1).collect::<Vec<_>>().join(" ");
        let room = width.saturating_sub(columns(lead)).max(20);
        out.extend(wrap(&text, "", room).lines().map(|line| format!("{lead}{line}\n")));
    }
    out
}

/// The line's indentation and comment sign, and what stands behind it; of code nothing and all.
fn comment(line: &str) -> (&str, &str) {
    let indent = line.len() - line.trim_start().len();
    let sign = ["/// ", "//! ", "// "].into_iter().find(|sign| line[indent..].starts_with(sign));
    line.split_at(sign.map_or(0, |sign| indent + sign.len()))
}

fn is_prose(comment: &str) -> bool {
    comment.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '`' | '(' | '[' | '"')) && !comment.starts_with("```")
}

/// The word; one of a wide script, which knows no spaces, in as many pieces as it needs.
fn pieces(word: &str, room: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = word;
    while columns(rest) > room && rest.chars().any(|c| columns_of(c) > 1) {
        let mut used = 0;
        let fits = rest.char_indices().find(|(_, c)| {
            used += columns_of(*c);
            used > room
        });
        let Some((end, _)) = fits.filter(|(end, _)| *end > 0) else { break };
        pieces.push(&rest[..end]);
        rest = &rest[end..];
    }
    pieces.push(rest);
    pieces
}

/// Columns that a text takes on a screen. There is one measure of a character, the pictures' own.
#[must_use]
pub fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// The text, filled with spaces to so many columns.
#[must_use]
pub fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// The first line of all gets the label, every later one as many spaces; an empty one gets nothing.
fn push_line(result: &mut String, first: &str, indent: usize, line: &str) {
    let label = if result.is_empty() { first.to_owned() } else { " ".repeat(indent) };
    result.push_str(format!("{label}{line}").trim_end());
    result.push('\n');
}

/// The text cut to so many columns, with `…` in the place of what is left out.
#[must_use]
pub fn clipped(text: &str, most: usize) -> String {
    let mut used = 0;
    let fits = |(_, c): &(usize, char)| {
        used += columns_of(*c);
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

/// The row in so many columns, with `…` in the last if something is left out.
#[must_use]
pub fn fitted(row: &str, most: usize) -> String {
    if columns(row) <= most {
        return row.to_owned();
    }
    let mut used = 1;
    let kept = row.chars().take_while(|c| {
        used += columns_of(*c);
        used <= most
    });
    kept.chain(['…']).collect()
}

/// Bytes of one text of a finding that are shown; `replay --full` shows it whole.
pub const BRIEF: usize = 2_000;

/// The text as it is shown where nobody asked for all of it.
#[must_use]
pub fn brief(text: &str) -> String {
    middle(text, BRIEF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_breaks_between_words() {
        assert_eq!(wrap("one two three four five", "  1  ", 20), "  1  one two three\n     four five\n");
        assert_eq!(wrap("a\n\nb  c", "", 40), "a\n\nb c\n");
        for width in 20..60 {
            let text =
                wrap("一つのノード が 漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字 and 🦀🦀 words", "漢  ", width);
            assert!(text.lines().all(|line| columns(line) <= width), "{width}:\n{text}");
            assert!(text.lines().skip(1).all(|line| line.starts_with("    ")), "what goes on stands under the first:\n{text}");
        }
        assert_eq!(wrap("unbreakable-and-long-word x", "", 1), "unbreakable-and-long-word\nx\n");
    }

    #[test]
    fn a_number_keeps_its_unit() {
        assert_eq!(wrap("It takes within 20 %, so 300 ms. And 10 Gbit/s", "", 20), "It takes within\n20 %, so 300 ms. And\n10 Gbit/s\n");
        assert_eq!(wrap("It waits no more than 300  ms", "", 25), "It waits no more than 300\nms\n", "two spaces part them");
        assert_eq!(wrap("It takes 30 GB/s, (12 µs) and %", "", 20), "It takes 30 GB/s,\n(12 µs) and %\n");
        assert_eq!(with_units("  5 % 6  %").collect::<Vec<_>>(), ["5 %", "6", "%"]);
        assert_eq!(with_units("so n ≥ 3f + 1, and").collect::<Vec<_>>(), ["so", "n ≥ 3f + 1,", "and"]);
        assert_eq!(with_units("run `splitbrain show cap` now").collect::<Vec<_>>(), ["run", "`splitbrain show cap`", "now"]);
        assert_eq!(with_units("a ` b (section 4.2) of").collect::<Vec<_>>(), ["a", "`", "b", "(section 4.2)", "of"]);
        let long = "a + b + c + d + e + f + g + h + i + j + k";
        assert!(with_units(long).all(|part| columns(part) <= TOGETHER) && with_units(long).count() == 2);
    }

    #[test]
    fn comments_are_set_for_the_screen_and_nothing_else_is() {
        let source = "//! One two three four five.\n//!\n//! - a list of one two three\nfn one_two_three_four_five() {}\n    /// Six seven eight nine ten.\n    x,\n";
        let set = comments(source, 28);
        insta::assert_snapshot!(set, @r"
        //! One two three four five.
        //!
        //! - a list of one two three
        fn one_two_three_four_five() {}
            /// Six seven eight nine
            /// ten.
            x,
        ");
        assert_eq!(comments(source, 200), source, "where all fits, nothing is moved");
        let long = "/// a b c d e f g h i j k l m n o p\n/// ```\n/// let a_long_line_of_code = 1;\n/// ```\n";
        assert_eq!(comments(long, 24).matches("/// let a_long_line_of_code = 1;\n").count(), 1);
    }

    #[test]
    fn what_does_not_fit_is_cut() {
        assert_eq!(clipped("äbc", 2), "äb…");
        assert_eq!(clipped("äbc", 3), "äbc");
        assert_eq!(["äbc", "äb", "漢字漢"].map(|row| fitted(row, 2)), ["ä…", "äb", "…"]);
        assert_eq!([clipped("漢字漢", 4), clipped("漢字漢", 5), clipped("漢字漢", 6)], ["漢字…", "漢字…", "漢字漢"]);
    }
}
