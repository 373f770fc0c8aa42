//! The Markdown of our own pages (READMEs, primers, contracts) laid out for a terminal. A pure function.

use super::style::Style;
use super::wrap::{columns, padded, wrap};

/// Widest first column of a table beside which the last one still has room.
const FIRST_COLUMN: usize = 30;

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
    let mut indent = "";
    for line in markdown.lines() {
        let text = line.trim();
        let fence = text.starts_with("```");
        let verbatim = fenced || fence || text.is_empty();
        fenced ^= fence;
        if verbatim {
            // The fences themselves are for Markdown's readers; here the code stands apart by its indent. A screen needs its width.
            if fence {
                indent = if text.starts_with("```console") { "" } else { "    " };
            } else {
                blocks.push(Block::Verbatim(format!("{indent}{line}").trim_end().to_owned()));
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
    // A long label has a line of its own, but not where it fits beside all that stands behind the labels.
    let longest = |c: usize, most: usize| rows.iter().filter_map(|r| r.get(c)).map(length).filter(|n| *n <= most).max().unwrap_or(0);
    let whole = 2 + (0..cells).map(|c| longest(c, usize::MAX) + 2).sum::<usize>() <= width + 2;
    let most = if whole { usize::MAX } else { FIRST_COLUMN };
    let widths: Vec<usize> = (0..cells.saturating_sub(1)).map(|c| longest(c, most)).collect();
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
