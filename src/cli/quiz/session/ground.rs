//! What a question stands on, as text: words as they are, code with numbered lines, a run as the program's own picture.

use super::super::excerpt::Excerpt;
use super::super::model::{Scenario, Subject};
use crate::trace::diagram::{self, Options};
use std::fmt::Write as _;

/// What goes on below stands so far behind its line's own indent.
const CONTINUED: &str = "        ";

/// The scenario's lines, each ended.
pub(super) fn ground(scenario: &Scenario, width: usize, ascii: bool) -> String {
    let mut text = String::new();
    for line in scenario.text.lines() {
        let _ = writeln!(text, "{}", format!("    {line}").trim_end());
    }
    let picture = match &scenario.subject {
        Subject::Text | Subject::History(..) => return text,
        Subject::Mutant(mutated) => code(&mutated.code, width),
        Subject::Trace(trace) => diagram::draw(trace, &Options { width, ascii, max_rows: usize::MAX, ..Options::default() }),
    };
    if !text.is_empty() {
        text.push('\n');
    }
    text + &picture
}

/// Lines with their numbers; what is left out is three dots; a line wider than the screen goes on below, without a number.
fn code(excerpt: &Excerpt, width: usize) -> String {
    let mut text = String::new();
    for (index, line) in excerpt.lines.iter().enumerate() {
        if excerpt.gaps.contains(&index) {
            text.push_str("   …\n");
        }
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        let (mut lead, mut rest) = (format!("{:>4}  ", index + 1), line.as_str());
        loop {
            let room = width.saturating_sub(lead.chars().count()).max(20);
            let spaces = rest.char_indices().take(room + 1).filter(|(at, c)| *c == ' ' && !rest[..*at].trim().is_empty());
            let Some((cut, _)) = spaces.last().filter(|_| rest.chars().count() > room) else { break };
            let _ = writeln!(text, "{lead}{}", &rest[..cut]);
            rest = rest[cut..].trim_start();
            lead = format!("      {indent}{CONTINUED}");
        }
        let _ = writeln!(text, "{}", format!("{lead}{rest}").trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn code_is_numbered_and_breaks_between_words() {
        let lines = ["fn f() {".to_owned(), String::new(), format!("    call({}end);", "argument, ".repeat(12)), "}".to_owned()];
        let text = code(&Excerpt { lines: lines.to_vec(), gaps: BTreeSet::from([3]), changed: BTreeSet::new() }, 60);
        assert_eq!(
            text,
            "   1  fn f() {\n   2\n   3      call(argument, argument, argument, argument,\n                  argument, argument, argument, argument,\n                  argument, argument, argument, argument,\n                  end);\n   …\n   4  }\n"
        );
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
    }
}
