//! What a question stands on, as text: words as they are, code with numbered lines, a run as the program's own picture.

use super::super::excerpt::Excerpt;
use super::super::model::{Scenario, Subject};
use crate::cli::wrap::columns;
use crate::trace::diagram::{self, Options};
use std::fmt::Write as _;

/// What goes on below stands so far behind its line's own indent.
const CONTINUED: &str = "        ";

/// The scenario's lines, each ended.
pub fn ground(scenario: &Scenario, width: usize, ascii: bool) -> String {
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
            let room = width.saturating_sub(columns(&lead)).max(20);
            let fits = rest.char_indices().take_while(|(at, _)| columns(&rest[..*at]) <= room);
            let fits: Vec<(usize, char)> = fits.filter(|(at, _)| !rest[..*at].trim().is_empty()).collect();
            let space = fits.iter().rev().find(|(_, c)| *c == ' ');
            // A chain of calls has none.
            let call = || fits.iter().rev().find(|(at, c)| *c == '.' && rest[..*at].ends_with(')'));
            let Some((cut, _)) = space.or_else(call).copied().filter(|_| columns(rest) > room) else { break };
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
    use crate::cli::content::Content;
    use crate::cli::mutants;
    use crate::cli::quiz::format::load;
    use std::collections::BTreeSet;

    const GROUNDS: &str = r#"
schema = 1
topic = "cap"
title = "CAP"

[[scenario]]
id = "bug"
kind = "mutant"
mutant = "raft_election/votes_twice_in_a_term"
text = "A node's part of an election:"

[[scenario]]
id = "run"
kind = "trace"
trace = '''
1  0  n1  starts  false  nothing saved
2  0  n2  sends  n1  1  RequestVote { term: 7, log: LogEnd { index: 5, term: 3 } }
3  900  n1  receives  n2  1  RequestVote { term: 7, log: LogEnd { index: 5, term: 3 } }
3  900  n1  saves  Saved { term: 7, voted_for: Some(n2) }
3  900  n1  sends  n2  2  RequestVoteReply { term: 7, granted: true }
4  950  n1  crashes  0  0  false
'''
"#;

    fn grounds(width: usize, ascii: bool) -> [String; 2] {
        let mut topic = load("cap.toml", GROUNDS).unwrap();
        topic.look_up(&|exercise, name| mutants::shown(&Content::Embedded, exercise, name)).unwrap();
        [0, 1].map(|i| ground(&topic.scenarios[i], width, ascii))
    }

    #[test]
    fn code_and_runs_fit_every_screen() {
        for width in [60, 80, 120, 200] {
            for text in grounds(width, false) {
                assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
            }
        }
        let [bug, run] = grounds(80, false);
        insta::assert_snapshot!("grounds", format!("{bug}\n{run}"));
        assert!(grounds(80, true)[1].is_ascii());
        // What is asked has a fingerprint, and it follows the run.
        let content = |text: &str| load("cap.toml", text).unwrap().scenarios[1].content();
        assert_ne!(content(GROUNDS), content(&GROUNDS.replace("term: 7, voted_for", "term: 8, voted_for")));
    }

    #[test]
    fn every_scenario_of_the_bank_fits_a_small_screen() {
        let course = Content::Embedded.course().unwrap();
        let mut seen = 0;
        for name in crate::cli::bank::names(&course) {
            for scenario in crate::cli::bank::load(&Content::Embedded, name).unwrap().scenarios {
                let text = ground(&scenario, 80, false);
                assert!(!text.trim().is_empty() && text.lines().all(|line| line.chars().count() <= 80), "{name}, {}:\n{text}", scenario.id);
                seen += 1;
            }
        }
        assert!(seen >= 50, "only {seen} scenarios");
    }

    #[test]
    fn code_is_numbered_and_breaks_between_words() {
        let lines = ["fn f() {".to_owned(), String::new(), format!("    call({}end);", "argument, ".repeat(12)), "}".to_owned()];
        let text = code(&Excerpt { lines: lines.to_vec(), gaps: BTreeSet::from([3]), changed: BTreeSet::new() }, 60);
        assert_eq!(
            text,
            "   1  fn f() {\n   2\n   3      call(argument, argument, argument, argument,\n                  argument, argument, argument, argument,\n                  argument, argument, argument, argument,\n                  end);\n   …\n   4  }\n"
        );
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        let chain = ["    let x = self.one(argument, argument).another_one(argument);".to_owned()];
        let text = code(&Excerpt { lines: chain.to_vec(), gaps: BTreeSet::new(), changed: BTreeSet::new() }, 44);
        assert!(text.lines().all(|line| columns(line) <= 44) && text.contains("\n                  .another_one"), "{text}");
    }
}
