//! A piece of code to look at, for "spot the bug": the functions around what was changed, without their comments (which say
//! what is right), with lines numbered from 1. Knows nothing of where the code comes from.

use std::collections::BTreeSet;
use std::ops::Range;

/// A function of more lines is cut to what is near the change.
const WHOLE_LINES: usize = 60;
/// So many lines before and after a change, where a function is cut.
const NEAR_LINES: usize = 14;

/// Code to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// Its lines, without what all of them are indented by.
    pub lines: Vec<String>,
    /// Indexes of lines before which something was left out.
    pub gaps: BTreeSet<usize>,
    /// Numbers, from 1, of the lines that were changed; where lines were taken out, of those around the place.
    pub changed: BTreeSet<usize>,
}

/// A wrong implementation: what is shown of it, and the rule that refuses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The code around its edits.
    pub code: Excerpt,
    /// The rule's name.
    pub breaks: String,
}

/// The catalogue of wrong implementations: exercise and name to what is shown, or why nothing can be.
pub type Mutants<'a> = &'a dyn Fn(&str, &str) -> Result<Wrong, String>;

/// The code around what was changed, given as bytes of `text`.
#[must_use]
pub fn excerpt(text: &str, edited: &[Range<usize>]) -> Excerpt {
    let lines: Vec<&str> = text.lines().collect();
    if lines.is_empty() {
        return Excerpt::default();
    }
    let line_of = |byte: usize| text[..byte.min(text.len())].matches('\n').count().min(lines.len().saturating_sub(1));
    let mut changed = BTreeSet::new();
    for range in edited {
        let (first, last) = (line_of(range.start), line_of(range.end.saturating_sub(1).max(range.start)));
        // Where something was only taken out, the place is between two lines.
        changed.extend(if range.is_empty() { first.saturating_sub(1)..=last } else { first..=last });
    }
    let mut kept = BTreeSet::new();
    for range in edited {
        kept.extend(around(&lines, line_of(range.start)));
        kept.extend(around(&lines, line_of(range.end.saturating_sub(1).max(range.start))));
    }
    let mut result = Excerpt::default();
    let mut before = None;
    for index in kept {
        let code = without_comment(lines[index]);
        if code.is_none() && !lines[index].trim().is_empty() {
            // A comment, or a filler. What was changed there is seen at the next line.
            if changed.contains(&index) {
                result.changed.insert(result.lines.len() + 1);
            }
            before = before.map(|b: usize| if b + 1 == index { index } else { b });
            continue;
        }
        if before.is_some_and(|b| b + 1 != index) {
            result.gaps.insert(result.lines.len());
        }
        result.lines.push(code.unwrap_or_default().to_owned());
        if changed.contains(&index) {
            result.changed.insert(result.lines.len());
        }
        before = Some(index);
    }
    let indent = result.lines.iter().filter(|line| !line.is_empty()).map(|line| indent_of(line)).min().unwrap_or(0);
    for line in &mut result.lines {
        *line = line.chars().skip(indent).collect();
    }
    result
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The line's code, without its end; nothing if it has none.
fn without_comment(line: &str) -> Option<&str> {
    // Inside quotation marks it is no comment.
    let comment = line.match_indices("//").find(|(at, _)| line[..*at].matches('"').count().is_multiple_of(2));
    let code = comment.map_or(line, |(at, _)| &line[..at]);
    Some(code.trim_end()).filter(|code| !code.is_empty() && !is_filler(code))
}

/// `let _ = token;` is there for the compiler alone: whoever reads it knows where something was taken out.
fn is_filler(code: &str) -> bool {
    let name = code.trim().strip_prefix("let _ = ").and_then(|rest| rest.strip_suffix(';'));
    name.is_some_and(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'))
}

/// The item around a line: a function, a type. A line outside of any stands alone.
fn around(lines: &[&str], at: usize) -> Vec<usize> {
    // What is blank has no indent of its own.
    let Some(inner) = (at..lines.len()).find(|&i| !lines[i].trim().is_empty()) else { return vec![at] };
    let encloses = |&i: &usize| opens_item(lines[i]) && (i == inner || indent_of(lines[i]) < indent_of(lines[inner]));
    let Some(start) = (0..=inner).rev().find(encloses) else { return vec![at] };
    let closes = |&i: &usize| indent_of(lines[i]) == indent_of(lines[start]) && lines[i].trim_start().starts_with('}');
    let one_line = lines[start].trim_end().ends_with([';', '}']);
    let end = if one_line { start } else { (start..lines.len()).find(closes).unwrap_or(lines.len() - 1) };
    if end - start < WHOLE_LINES {
        return (start..=end).collect();
    }
    let near = at.saturating_sub(NEAR_LINES).max(start)..=(at + NEAR_LINES).min(end);
    std::iter::once(start).chain(near).chain(std::iter::once(end)).collect()
}

fn opens_item(line: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("pub ").or_else(|| line.strip_prefix("pub(crate) ")).unwrap_or(line);
    ["fn ", "const fn ", "struct ", "enum ", "trait "].iter().any(|word| line.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = r#"use a::B;

struct S {
    one: u8,
}

impl S {
    /// Says it.
    fn say(&self) -> &str {
        // Never twice.
        let url = "http://x"; // where
        url
    }

    fn other(
        &self,
    ) {
        self.say();

        self.say();
    }
}
"#;

    fn of(changes: &[&str]) -> Excerpt {
        let ranges: Vec<_> = changes.iter().map(|c| CODE.find(c).map(|at| at..at + c.len()).unwrap()).collect();
        excerpt(CODE, &ranges)
    }

    #[test]
    fn the_function_around_a_change_without_its_comments() {
        let shown = of(&["url\n"]);
        assert_eq!(shown.lines, ["fn say(&self) -> &str {", "    let url = \"http://x\";", "    url", "}"]);
        assert_eq!((shown.changed, shown.gaps), (BTreeSet::from([3]), BTreeSet::new()));
        let shown = of(&["&self,"]);
        assert_eq!(shown.lines.last().unwrap(), "}");
        assert_eq!((shown.lines.len(), shown.changed), (7, BTreeSet::from([2])));
    }

    #[test]
    fn changes_in_several_places_leave_a_gap_between_them() {
        let shown = of(&["one: u8,", "Never"]);
        assert_eq!(shown.lines[..3], ["struct S {", "    one: u8,", "}"]);
        assert_eq!((shown.gaps, shown.changed), (BTreeSet::from([3]), BTreeSet::from([2, 5])), "the comment's change is at the next line");
        assert_eq!(of(&["a::B"]).lines, ["use a::B;"]);
    }

    #[test]
    fn what_was_taken_out_is_between_two_lines() {
        let at = CODE.find("        url\n").unwrap();
        assert_eq!(excerpt(CODE, std::slice::from_ref(&(at..at))).changed, BTreeSet::from([2, 3]));
        assert_eq!(excerpt("", &[Range { start: 0, end: 0 }]), Excerpt::default());
    }

    #[test]
    fn what_is_there_for_the_compiler_alone_is_not_shown() {
        let code = "fn f(token: u8) {\n    let _ = token;\n    let _ = token();\n}\n";
        let at = code.find("let _").unwrap();
        let shown = excerpt(code, std::slice::from_ref(&(at..at + 14)));
        assert_eq!(shown.lines, ["fn f(token: u8) {", "    let _ = token();", "}"]);
        assert_eq!(shown.changed, BTreeSet::from([2]), "what was changed is seen at the next line");
    }

    #[test]
    fn of_a_long_function_what_is_near() {
        let code = format!("fn f() {{\n{}}}\n", "    x();\n".repeat(200));
        let shown = excerpt(&code, std::slice::from_ref(&(900..901)));
        assert_eq!(shown.lines.len(), 1 + 2 * NEAR_LINES + 1 + 1);
        assert_eq!(shown.gaps, BTreeSet::from([1, shown.lines.len() - 1]));
    }
}
