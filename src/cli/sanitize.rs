//! Text that cannot steer a terminal.

use std::borrow::Cow;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(visible("a\x1b[31mb\u{202e}c\u{9b}é", false), "a\\u{1b}[31mb\\u{202e}c\\u{9b}é");
        assert_eq!(visible("a\nb\tc\r", true), "a\nb\tc\\r");
        assert_eq!(visible("a\nb", false), "a\\nb");
        let ours = "plain\n\x1b[1;31mred\x1b[0m\t\x1b[1m\x1b[38;5;9mend\x1b[m";
        assert_eq!(safe(ours), ours);
        assert_eq!(safe("a\x1b]0;title\x07b\x1b[2Jm\x1b[8mhidden\x1b"), "a\\u{1b}]0;title\\u{7}b\\u{1b}[2Jm\\u{1b}[8mhidden\\u{1b}");
    }
}
