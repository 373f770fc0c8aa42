//! A model answer on the screen: its paragraphs filled, its drawings and tables of numbers as they are.

use super::Look;
use crate::cli::wrap::{columns, wrap};

/// Lines up to this were broken by their author on purpose, where there are several.
const KEPT: usize = 72;

impl Look {
    /// Lays out a text that has paragraphs and drawings.
    #[must_use]
    pub fn laid_out(&self, text: &str, indent: &str) -> String {
        let mut out = String::new();
        for (n, paragraph) in text.trim_end().trim_start_matches('\n').split("\n\n").enumerate() {
            if n > 0 {
                out.push('\n');
            }
            if is_drawn(paragraph) || (is_broken(paragraph) && columns(indent) + KEPT <= self.width) {
                for line in paragraph.lines() {
                    if columns(line) <= KEPT {
                        out.push_str(&format!("{}\n", format!("{indent}{line}").trim_end()));
                    } else {
                        // A sentence among lines that stand alone.
                        out.push_str(&wrap(line, indent, self.width));
                    }
                }
            } else {
                out.push_str(&wrap(&paragraph.split_whitespace().collect::<Vec<_>>().join(" "), indent, self.width));
            }
        }
        out
    }

    /// A model answer under its head, with the red flags.
    #[must_use]
    pub fn model_answer(&self, model: &str, red_flags: &[String]) -> String {
        let mut text = format!("{}\n{}", (self.style.strong)("A good answer"), self.laid_out(model, "  "));
        for flag in red_flags {
            text.push_str(&(self.style.wrong)(&wrap(flag, "  A red flag would be: ", self.width)));
        }
        text
    }
}

/// Several lines, none of them longer than a page of text is wide.
fn is_broken(paragraph: &str) -> bool {
    paragraph.lines().count() > 1 && paragraph.lines().all(|line| columns(line) <= KEPT)
}

/// Several lines, one of which has columns, or signs that draw: it is shown as it is.
#[must_use]
pub fn is_drawn(paragraph: &str) -> bool {
    let drawn = |line: &str| line.trim().contains("  ") || ["--", "+-", "->", "<-", "|"].iter().any(|sign| line.contains(sign));
    paragraph.lines().count() > 1 && paragraph.lines().any(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings_stay_and_prose_is_filled() {
        let text = "\nClients  -->  cache  -->  store\n              |\n           watcher\n\nA read goes to the cache first, and to the store only where \
                    the cache has nothing; a write goes to the store.\nIt\nis broken here.\n";
        let look = Look { width: 60, ..Look::default() };
        let out = look.laid_out(text, "  ");
        assert!(out.starts_with("  Clients  -->  cache  -->  store\n                |\n             watcher\n\n  A read goes"), "{out}");
        assert!(out.lines().all(|line| columns(line) <= 60) && out.contains("goes to the store. It\n  is broken here."), "{out}");
        let wide = Look { width: 80, ..Look::default() };
        assert_eq!(
            wide.laid_out("200 M pages of 2 KB: 400 GB\n10 % hot: 40 GB", "  "),
            "  200 M pages of 2 KB: 400 GB\n  10 % hot: 40 GB\n"
        );
        assert_eq!(wide.laid_out("One line.", ""), "One line.\n");
        let mixed = wide.laid_out(&format!("put(k, v) -> version\n{}", "a word or two ".repeat(12)), "  ");
        assert!(mixed.starts_with("  put(k, v) -> version\n  a word") && mixed.lines().all(|line| columns(line) <= 80), "{mixed}");
    }
}
