//! Dressed text on a screen: lines wrapped at spaces, continued under their own indentation, colours carried over. A pure
//! function; of the escapes it knows those that dress (SGR), and lets no other pass.

use crate::trace::columns::width;

/// The rows that a text takes on so many columns, none wider.
#[must_use]
pub fn rows(text: &str, columns: usize) -> Vec<String> {
    text.lines().flat_map(|line| wrap(line, columns.max(20))).collect()
}

/// One row of at most so many columns; `…` says that something is missing.
#[must_use]
pub fn cut(line: &str, columns: usize) -> String {
    let cells = cells(line);
    let total: usize = cells.iter().map(|c| c.width).sum();
    if total <= columns {
        return joined(&cells, "");
    }
    let mut used = 0;
    let fits = cells.iter().take_while(|c| {
        used += c.width;
        used < columns
    });
    format!("{}…", joined(&cells[..fits.count()], ""))
}

/// The text without its dress.
#[must_use]
pub fn plain(line: &str) -> String {
    cells(line).iter().map(|c| c.character).collect()
}

/// A character, what it takes, and how it is dressed: the escapes since the last plain text.
#[derive(Clone)]
struct Cell {
    character: char,
    width: usize,
    dress: String,
}

fn cells(line: &str) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut dress = String::new();
    let mut rest = line;
    let mut column = 0;
    while let Some(c) = rest.chars().next() {
        if c == '\u{1b}' {
            let (escape, dresses) = escape(rest);
            if !dresses || ["\u{1b}[0m", "\u{1b}[m"].contains(&escape) {
                dress.clear();
            } else {
                dress.push_str(escape);
            }
            rest = &rest[escape.len()..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        let (character, times) = match c {
            '\t' => (' ', 8 - column % 8),
            c if c.is_control() => ('?', 1),
            c => (c, 1),
        };
        for _ in 0..times {
            column += width(character);
            cells.push(Cell { character, width: width(character), dress: dress.clone() });
        }
    }
    cells
}

/// The escape at the start of the text, and whether it only dresses.
fn escape(text: &str) -> (&str, bool) {
    let body = text[1..].strip_prefix('[');
    match body.and_then(|body| body.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c))) {
        Some(end) => (&text[..2 + end + 1], text.as_bytes()[2 + end] == b'm'),
        None => (&text[..1], false),
    }
}

fn joined(cells: &[Cell], indent: &str) -> String {
    let mut out = indent.to_owned();
    let mut dress = "";
    for cell in cells {
        if cell.dress != dress {
            if !dress.is_empty() {
                out.push_str("\u{1b}[0m");
            }
            out.push_str(&cell.dress);
            dress = &cell.dress;
        }
        out.push(cell.character);
    }
    if !dress.is_empty() {
        out.push_str("\u{1b}[0m");
    }
    out
}

fn wrap(line: &str, columns: usize) -> Vec<String> {
    let cells = cells(line);
    let mut indent = cells.iter().take_while(|c| c.character == ' ').count();
    // What goes on stands under the words, not under the mark before them.
    if let [mark, space, ..] = &cells[indent..]
        && "✓✗…?·▶".contains(mark.character)
        && space.character == ' '
    {
        indent += 2;
    }
    // What is indented deeply (a picture's notes) would be a thread of words.
    let indent = " ".repeat(if indent > columns / 2 { 2 } else { indent });
    let mut rows = Vec::new();
    let mut start = 0;
    while start < cells.len() {
        let first = rows.is_empty();
        let room = columns - if first { 0 } else { indent.len() };
        let mut used = 0;
        let fits = cells[start..].iter().take_while(|c| {
            used += c.width;
            used <= room
        });
        let mut end = start + fits.count().max(1);
        if end < cells.len() && cells[end].character != ' ' {
            // At the last space, unless it is in the indentation, or so early that half the row would be empty.
            let space = (start..end).rev().find(|i| cells[*i].character == ' ');
            end = space.filter(|i| i - start > room / 2).unwrap_or(end);
        }
        rows.push(joined(&cells[start..end], if first { "" } else { &indent }));
        start = end + cells[end..].iter().take_while(|c| c.character == ' ').count();
    }
    if rows.is_empty() { vec![String::new()] } else { rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_under_their_indentation() {
        assert_eq!(rows("  a word and another word and more", 20), ["  a word and another", "  word and more"]);
        assert_eq!(rows("  ✗ a word and another word and more", 20), ["  ✗ a word and", "    another word and", "    more"]);
        assert_eq!(rows("x\n\ny", 20), ["x", "", "y"]);
        assert_eq!(rows(&"z".repeat(45), 20), ["z".repeat(20), "z".repeat(20), "z".repeat(5)]);
        assert!(rows(&format!("  {}漢字漢字", "a".repeat(15)), 20).iter().all(|r| r.chars().map(width).sum::<usize>() <= 20));
    }

    #[test]
    fn dress_goes_with_its_words_and_nothing_else_passes() {
        let text = "\u{1b}[1;31mone two three four\u{1b}[0m five \u{1b}[2Jsix\u{1b}]0;title\u{7}";
        let rows = rows(text, 20);
        assert_eq!(rows[0], "\u{1b}[1;31mone two three four\u{1b}[0m");
        assert!(rows[1..].iter().all(|r| !r.contains('\u{1b}')), "{rows:?}");
        let long = super::rows(&format!("\u{1b}[32m{}\u{1b}[0m", "word ".repeat(10)), 20);
        assert!(long.iter().all(|r| r.starts_with("\u{1b}[32m") && r.ends_with("\u{1b}[0m")), "{long:?}");
    }

    #[test]
    fn cut_to_the_columns() {
        assert_eq!(cut("\u{1b}[1mhello\u{1b}[0m world", 8), "\u{1b}[1mhello\u{1b}[0m w…");
        assert_eq!(cut("hello", 5), "hello");
        assert_eq!(plain("\u{1b}[1mhello\u{1b}[0m"), "hello");
    }
}
