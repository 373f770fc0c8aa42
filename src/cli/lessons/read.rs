//! Reads a lesson's Markdown, and what `dev lessons` has recorded for it. Everything wrong with a file comes out in one run.

use super::{Lesson, Part, Piece, Run, Shown};
use crate::cli::quiz::format::event_of;
use crate::cli::toml_reader::{Place, Problem, Severity, is_hidden};
use crate::trace::Trace;
use std::collections::BTreeMap;

/// Where the run of a wrong implementation (`exercise/name`) is recorded.
#[must_use]
pub fn run_path(name: &str) -> String {
    format!("lessons/runs/{}.run", name.replace('/', "."))
}

/// Where it is recorded what the reference of an exercise shows.
#[must_use]
pub fn shown_path(exercise: &str) -> String {
    format!("lessons/runs/{exercise}.shown")
}

/// The first line of a record begins so; what was judged stands behind it, as a fingerprint.
pub const RECORD: &str = "# recorded by `splitbrain dev lessons` from ";

/// The fingerprint and the body of a record.
#[must_use]
pub fn recorded(text: &str) -> (&str, &str) {
    let (head, body) = text.split_once('\n').unwrap_or((text, ""));
    head.strip_prefix(RECORD).map_or(("", text), |print| (print.trim(), body))
}

/// The run of a record.
///
/// # Errors
/// A line that is no event.
pub fn recorded_trace(text: &str) -> Result<Trace, String> {
    trace(recorded(text).1)
}

/// A run: an event a line.
pub fn trace(text: &str) -> Result<Trace, String> {
    let mut trace = Trace::default();
    for (number, line) in (2..).zip(text.lines()) {
        let event = event_of(line.trim_end());
        trace.events.push(event.ok_or_else(|| format!("line {number} is not an event: {}", line.escape_debug()))?);
    }
    Ok(trace)
}

/// Reads a lesson without its records, and everything that is wrong with it.
#[must_use]
pub fn parse(path: &str, text: &str) -> (Lesson, Vec<Problem>) {
    let mut reader = Reader { path, ..Reader::default() };
    for (number, line) in (1..).zip(text.lines()) {
        reader.line(number, line);
    }
    reader.end()
}

/// A fence that is open.
struct Fence {
    line: usize,
    /// Its words: `run raft_election/votes_twice`.
    words: Vec<String>,
}

#[derive(Default)]
struct Reader<'a> {
    path: &'a str,
    title: String,
    parts: Vec<Part>,
    answers: BTreeMap<String, Vec<String>>,
    problems: Vec<Problem>,
    fence: Option<Fence>,
    /// The questions that the next block answers, and the line that names them.
    answering: Option<(usize, Vec<String>)>,
    /// The block that is being read.
    block: String,
}

impl Reader<'_> {
    fn problem(&mut self, line: usize, message: impl Into<String>) {
        let place = Place { line, column: 1 };
        self.problems.push(Problem {
            path: self.path.to_owned(),
            place,
            severity: Severity::Error,
            rule: "lesson",
            message: message.into(),
        });
    }

    fn part(&mut self) -> &mut Part {
        if self.parts.is_empty() {
            self.parts.push(Part::default());
        }
        self.parts.last_mut().unwrap_or_else(|| unreachable!("just pushed"))
    }

    fn line(&mut self, number: usize, line: &str) {
        if let Some(bad) = line.chars().find(|c| is_hidden(*c)) {
            self.problem(number, format!("the character {} may not stand in a text; take it out", bad.escape_unicode()));
        }
        if line.starts_with("```") {
            return self.fence(number, line.trim_start_matches('`').trim());
        }
        match &self.fence {
            Some(fence) if fence.words[0] == "run" => return self.note(number, line),
            Some(fence) if fence.words[0] == "shown" || fence.words[0] == "scenario" => {
                return self.problem(number, "nothing stands in such a fence: what it shows is fetched");
            }
            Some(_) => return self.take(line),
            None => {}
        }
        if let Some(title) = line.strip_prefix("# ") {
            if !self.title.is_empty() {
                self.problem(number, "a second title: one `# ` begins the file, parts begin with `## `");
            }
            title.trim().clone_into(&mut self.title);
        } else if let Some(heading) = line.strip_prefix("## ") {
            self.close(number);
            self.parts.push(Part { heading: heading.trim().to_owned(), ..Part::default() });
        } else if line.starts_with("<!--") {
            self.mark(number, line);
        } else if line.trim().is_empty() {
            self.close(number);
        } else {
            let words = line.split_whitespace().count();
            self.part().words += words;
            self.take(line);
        }
    }

    fn take(&mut self, line: &str) {
        self.block.push_str(line);
        self.block.push('\n');
    }

    /// `<!-- answers: id, id -->` above a block, `<!-- ask: id, id -->` between blocks.
    fn mark(&mut self, number: usize, line: &str) {
        self.close(number);
        let inner = line.trim().strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->")).unwrap_or_default();
        let (what, ids) = inner.split_once(':').unwrap_or((inner, ""));
        let ids: Vec<String> = ids.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect();
        match (what.trim(), ids.is_empty()) {
            ("answers", false) => self.answering = Some((number, ids)),
            ("ask", false) => self.part().pieces.push(Piece::Ask(ids)),
            _ => self.problem(number, "no mark that is known; write `<!-- answers: id, id -->` above a block, or `<!-- ask: id, id -->`"),
        }
    }

    fn fence(&mut self, number: usize, words: &str) {
        if let Some(fence) = self.fence.take() {
            if !matches!(fence.words[0].as_str(), "run" | "shown" | "scenario") {
                self.take("```");
            }
            return;
        }
        let mut words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        if words.is_empty() {
            words.push("text".to_owned());
        }
        let named = |words: &[String]| words.get(1).cloned().unwrap_or_default();
        let piece = match words[0].as_str() {
            "run" => Some(Piece::Run(Run { name: named(&words), notes: Vec::new(), trace: Trace::default() })),
            "scenario" => Some(Piece::Scenario(named(&words))),
            "shown" => Some(Piece::Shown(vec![Shown { exercise: named(&words), text: String::new() }])),
            _ => None,
        };
        match piece {
            Some(piece) => {
                if words.len() != 2 || (words[0] == "run") != words[1].contains('/') {
                    self.problem(number, "name one thing: `run exercise/mutant`, `shown exercise` or `scenario id`");
                }
                self.close(number);
                let pieces = &mut self.part().pieces;
                match (piece, pieces.last_mut()) {
                    (Piece::Shown(more), Some(Piece::Shown(all))) => all.extend(more),
                    (piece, _) => pieces.push(piece),
                }
            }
            None => self.take(&format!("```{}", words.join(" "))),
        }
        self.fence = Some(Fence { line: number, words });
    }

    /// `7: what there is to see in step 7`.
    fn note(&mut self, number: usize, line: &str) {
        let note = line.split_once(':').and_then(|(step, text)| Some((step.trim().parse().ok()?, text.trim().to_owned())));
        match (note, self.part().pieces.last_mut()) {
            (Some((step, text)), Some(Piece::Run(run))) if run.notes.last().is_none_or(|(before, _)| *before < step) => {
                run.notes.push((step, text));
            }
            _ => self.problem(number, "a note is a step, a colon and a sentence, `7: n3 votes a second time`; steps rise"),
        }
    }

    /// A block ends.
    fn close(&mut self, number: usize) {
        if self.block.is_empty() {
            return;
        }
        let block = std::mem::take(&mut self.block);
        if let Some((_, ids)) = self.answering.take() {
            for id in ids {
                self.answers.entry(id).or_default().push(block.trim_end().to_owned());
            }
        }
        if self.title.is_empty() {
            self.problem(number, "text before the title: a lesson begins with `# ` and its title");
        }
        match self.part().pieces.last_mut() {
            Some(Piece::Text(text)) => {
                text.push('\n');
                text.push_str(&block);
            }
            _ => self.part().pieces.push(Piece::Text(block)),
        }
    }

    fn end(mut self) -> (Lesson, Vec<Problem>) {
        self.close(0);
        if let Some(fence) = self.fence.take() {
            self.problem(fence.line, "this fence is never closed: add a line of three backticks");
        }
        if let Some((line, _)) = self.answering.take() {
            self.problem(line, "nothing stands below this mark");
        }
        if self.title.is_empty() {
            self.problem(1, "a lesson begins with `# ` and its title");
        }
        let Reader { title, parts, answers, problems, .. } = self;
        (Lesson { title, parts, answers }, problems)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::toml_reader::lines_of;

    #[test]
    fn a_lesson_in_all_its_pieces() {
        let text = "# Two banks\n\nIt begins.\n\n## The idea\n\n<!-- answers: one, two -->\nA paragraph\nof two lines.\n\n<!-- answers: one -->\n\
                    - an item\n- another\n\n```text\n  a -> b\n\n  b -> a\n```\n\n```run two_banks/forgets\n1: it starts\n4: it forgets\n```\nAfter it.\n\n\
                    ```shown two_banks\n```\n```shown g_counter\n```\n```scenario split\n```\n<!-- ask: one, two -->\n";
        let (lesson, problems) = parse("l.md", text);
        assert_eq!(problems, []);
        assert_eq!((lesson.title.as_str(), lesson.words(), lesson.minutes()), ("Two banks", 2 + 5 + 5 + 2, 2));
        assert_eq!(lesson.answers["one"], ["A paragraph\nof two lines.", "- an item\n- another"]);
        assert_eq!(lesson.answers["two"].len(), 1);
        assert_eq!(lesson.asked(), ["one", "two"]);
        let shown = |exercise: &str| Shown { exercise: exercise.into(), text: String::new() };
        let notes = vec![(1, "it starts".to_owned()), (4, "it forgets".to_owned())];
        let idea = "A paragraph\nof two lines.\n\n- an item\n- another\n\n```text\n  a -> b\n\n  b -> a\n```\n";
        assert_eq!(
            lesson.parts[1].pieces,
            [
                Piece::Text(idea.into()),
                Piece::Run(Run { name: "two_banks/forgets".into(), notes, trace: Trace::default() }),
                Piece::Text("After it.\n".into()),
                Piece::Shown(vec![shown("two_banks"), shown("g_counter")]),
                Piece::Scenario("split".into()),
                Piece::Ask(vec!["one".into(), "two".into()]),
            ]
        );
    }

    #[test]
    fn all_mistakes_at_once() {
        let text = "Early.\n\n# T\n\n<!-- aks: one -->\n```run nobody\n7: a\n3: b\nc\n```\n```shown a b\nx\n```\n# U\n\u{1b}\n<!-- answers: x -->\n```text\n";
        insta::assert_snapshot!(lines_of(&parse("l.md", text).1), @r"
        l.md:2:1: text before the title: a lesson begins with `# ` and its title
        l.md:5:1: no mark that is known; write `<!-- answers: id, id -->` above a block, or `<!-- ask: id, id -->`
        l.md:6:1: name one thing: `run exercise/mutant`, `shown exercise` or `scenario id`
        l.md:8:1: a note is a step, a colon and a sentence, `7: n3 votes a second time`; steps rise
        l.md:9:1: a note is a step, a colon and a sentence, `7: n3 votes a second time`; steps rise
        l.md:11:1: name one thing: `run exercise/mutant`, `shown exercise` or `scenario id`
        l.md:12:1: nothing stands in such a fence: what it shows is fetched
        l.md:14:1: a second title: one `# ` begins the file, parts begin with `## `
        l.md:15:1: the character \u{1b} may not stand in a text; take it out
        l.md:17:1: this fence is never closed: add a line of three backticks
        ");
    }

    #[test]
    fn a_record_has_a_fingerprint_and_a_body() {
        let text = format!("{RECORD}00ff\n1  0  n1  starts  false  nothing saved\n");
        let (print, body) = recorded(&text);
        assert_eq!((print, trace(body).unwrap().events.len()), ("00ff", 1));
        assert_eq!(recorded("1  0\n"), ("", "1  0\n"));
        assert!(trace("1  0  nonsense\n").unwrap_err().starts_with("line 2 is not an event"));
    }
}
