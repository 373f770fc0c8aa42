//! Text on a screen of some width: lines broken between words, and the Markdown of our own pages (READMEs, primers) laid out for
//! a terminal. Pure functions; they know nothing of what the text says.

use super::style::Style;
use crate::trace::columns::width as columns_of;

/// Wider than this no prose is set, however wide the screen: the eye loses the line.
const WIDEST: usize = 100;
/// Widest first column of a table beside which the last one still has room.
const FIRST_COLUMN: usize = 30;

/// Breaks a text between words; its own line breaks stay. Every line starts with `first`, or with as many spaces.
#[must_use]
pub fn wrap(text: &str, first: &str, width: usize) -> String {
    let indent = columns(first);
    let room = width.clamp(20, WIDEST).saturating_sub(indent).max(10);
    let mut result = String::new();
    for paragraph in text.trim_end().split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ').filter(|word| !word.is_empty()).flat_map(|word| pieces(word, room)) {
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

/// What a run of lines of Markdown is.
enum Block {
    Heading(String),
    Prose(String),
    /// Its mark (`1. `, `- `) and its text.
    Item(String, String),
    Row(Vec<String>),
    /// As it stands: code, and empty lines.
    Verbatim(String),
}

/// A page of Markdown for a screen: headings strong, paragraphs and lists filled anew, the last column of a table wrapped beside
/// the others, links as their words, code as it is.
#[must_use]
pub fn page(markdown: &str, width: usize, style: Style) -> String {
    let blocks = blocks(markdown);
    let mut out = String::new();
    let mut at = 0;
    while at < blocks.len() {
        let rows = blocks[at..].iter().take_while(|b| matches!(b, Block::Row(_))).count();
        if rows > 0 {
            table(&mut out, &blocks[at..at + rows], width);
            at += rows;
            continue;
        }
        match &blocks[at] {
            Block::Heading(text) => out.push_str(&format!("{}\n", style.strong(&plain(text)))),
            Block::Prose(text) => out.push_str(&wrap(&plain(text), "", width)),
            Block::Item(mark, text) => out.push_str(&wrap(&plain(text), mark, width)),
            Block::Verbatim(line) => out.push_str(&format!("{line}\n")),
            Block::Row(_) => unreachable!("taken above"),
        }
        at += 1;
    }
    out
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut fenced, mut open) = (false, false);
    for line in markdown.lines() {
        let text = line.trim();
        let fence = text.starts_with("```");
        let verbatim = fenced || fence || text.is_empty();
        fenced ^= fence;
        if verbatim {
            // The fences themselves are for Markdown's readers; here the code stands apart by its indent.
            if !fence {
                blocks.push(Block::Verbatim(format!("    {line}").trim_end().to_owned()));
            }
            open = false;
        } else if let Some(heading) = text.strip_prefix('#') {
            blocks.push(Block::Heading(heading.trim_start_matches('#').trim().to_owned()));
            open = false;
        } else if let Some(row) = text.strip_prefix('|') {
            let cells: Vec<String> = row.trim_end_matches('|').split('|').map(|cell| plain(cell.trim())).collect();
            let nothing = |cell: &String| cell.chars().all(|c| matches!(c, '-' | ':' | ' '));
            if !cells.iter().all(nothing) {
                blocks.push(Block::Row(cells));
            }
            open = false;
        } else if let Some(mark) = mark(text) {
            let indent = &line[..line.len() - line.trim_start().len()];
            blocks.push(Block::Item(format!("{indent}{mark}"), text[mark.len()..].to_owned()));
            open = true;
        } else if let (true, Some(Block::Prose(before) | Block::Item(_, before))) = (open, blocks.last_mut()) {
            before.push(' ');
            before.push_str(text);
        } else {
            blocks.push(Block::Prose(text.to_owned()));
            open = true;
        }
    }
    blocks
}

/// `- `, `12. `: what begins an item of a list.
fn mark(text: &str) -> Option<&str> {
    let end = text.find(' ')? + 1;
    let (mark, digits) = (&text[..end], text[..end - 1].strip_suffix('.'));
    let numbered = digits.is_some_and(|d| !d.is_empty() && d.chars().all(|c| c.is_ascii_digit()));
    (numbered || matches!(mark, "- " | "* ")).then_some(mark)
}

fn table(out: &mut String, rows: &[Block], width: usize) {
    let rows: Vec<&Vec<String>> = rows.iter().filter_map(|b| if let Block::Row(cells) = b { Some(cells) } else { None }).collect();
    let length = |text: &String| columns(text);
    let cells = rows.iter().map(|r| r.len()).max().unwrap_or(1);
    let widths: Vec<usize> = (0..cells.saturating_sub(1))
        .map(|c| rows.iter().filter_map(|r| r.get(c)).map(length).filter(|n| *n <= FIRST_COLUMN).max().unwrap_or(0))
        .collect();
    for row in rows {
        let Some((last, others)) = row.split_last() else { continue };
        let mut label = String::from("  ");
        for (cell, width) in others.iter().zip(&widths) {
            label.push_str(&format!("{}  ", padded(cell, *width)));
        }
        let indent = 2 + widths.iter().map(|w| w + 2).sum::<usize>();
        if columns(&label) > indent {
            out.push_str(&wrap(label.trim(), "  ", width));
            label = " ".repeat(indent);
        }
        out.push_str(&wrap(last, &label, width));
    }
}

/// The text without the marks that a terminal cannot show: emphasis, and the addresses of links into the folder.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('[') {
        let Some(middle) = rest[start..].find("](").map(|i| start + i) else { break };
        let Some(end) = rest[middle..].find(')').map(|i| middle + i) else { break };
        out.push_str(&rest[..start]);
        out.push_str(&rest[start + 1..middle]);
        let address = &rest[middle + 2..end];
        if address.starts_with("http") {
            out.push_str(&format!(" ({address})"));
        }
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    without_emphasis(&out.replace("**", ""))
}

/// `*word*` without its stars; a star with room around it is a star, and so is one in code.
fn without_emphasis(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = false;
    let mut out = String::with_capacity(text.len());
    for (i, c) in chars.iter().enumerate() {
        code ^= *c == '`';
        let beside = |j: Option<usize>| j.and_then(|j| chars.get(j)).is_none_or(|c| c.is_whitespace());
        let alone = beside(i.checked_sub(1)) && beside(Some(i + 1));
        if *c != '*' || code || alone {
            out.push(*c);
        }
    }
    out
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
    fn a_page_is_laid_out_for_the_screen() {
        let markdown = "# The *title*\n\nA paragraph that was\nbroken by hand, with **weight** and a [link](there.rs), 2 * 3, `a * b`.\n\n\
            | | |\n|---|---|\n| `short` | a text that does not fit beside it at this width |\n| a first cell that is longer than the column | x |\n\n\
            ```rust\nlet x = 1;\n```\n1. an item that goes\n   over two lines\n- another [page](https://a.example/b)\n";
        insta::assert_snapshot!(page(markdown, 40, Style::PLAIN), @r"
        The title

        A paragraph that was broken by hand,
        with weight and a link, 2 * 3, `a * b`.

          `short`  a text that does not fit
                   beside it at this width
          a first cell that is longer than the
          column
                   x

            let x = 1;
        1. an item that goes over two lines
        - another page (https://a.example/b)
        ");
    }
}
