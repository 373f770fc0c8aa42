//! Rules over a lesson: everything that is asked stands in it, what it names is there, and it has what a reader needs.

use crate::cli::lessons::{Lesson, Piece, parse};
use crate::cli::nearest::did_you_mean;
use crate::cli::quiz::model::Topic;
use crate::cli::toml_reader::{Place, Problem, Severity};
use std::ops::RangeInclusive;

/// The parts that every lesson has.
const PARTS: [&str; 4] = ["Traps", "What the interviewer asks next", "Numbers to know", "Sources"];
/// Minutes to read it, its runs stepped through.
const MINUTES: RangeInclusive<u32> = 7..=14;
/// Questions that are asked between its parts, at one place and in all.
const AT_ONCE: RangeInclusive<usize> = 2..=3;
const ASKED: RangeInclusive<usize> = 4..=9;
/// A question whose answer is spread over more paragraphs is too much for one, or has no paragraph of its own.
const PARAGRAPHS: usize = 3;
/// A note stands below a run, in two or three rows of a small screen.
const NOTE: usize = 200;
/// What is drawn by hand is indented by four on a screen of 80.
const COLUMNS: usize = 76;

/// What stands under `lessons/runs/` for a lesson: of a run the steps it has; nothing if it was never recorded.
pub type Recorded<'a> = &'a dyn Fn(&str) -> Option<Vec<u64>>;

/// What marks and fences begin with.
const ANSWERS: &str = "<!-- answers:";
const ASK: &str = "<!-- ask:";
const FENCE: &str = "```";

/// The line on which a mark or a fence, that begins so, names something.
type LineOf<'a> = &'a dyn Fn(&str, &str) -> usize;

/// Everything that is wrong with the lesson of a topic.
#[must_use]
pub fn lint(path: &str, text: &str, topic: &Topic, recorded: Recorded<'_>) -> Vec<Problem> {
    let (lesson, mut found) = parse(path, text);
    let mut problem = |line: usize, message: String| {
        let place = Place { line, column: 1 };
        found.push(Problem { path: path.to_owned(), place, severity: Severity::Error, rule: "lesson", message });
    };
    // Where a mark or a fence, which are alone on their lines, names something.
    let line_of = |begins: &str, word: &str| {
        let names = |line: &str| line.split(|c: char| c.is_whitespace() || c == ',').any(|part| part == word);
        (1..).zip(text.lines()).find(|(_, line)| line.starts_with(begins) && names(line)).map_or(1, |(at, _)| at)
    };
    if lesson.title != topic.title {
        problem(1, format!("its title is '{}', and that of its questions '{}'; they are one", lesson.title, topic.title));
    }
    for part in PARTS.iter().filter(|part| !lesson.parts.iter().any(|there| there.heading == **part)) {
        problem(1, format!("no part `## {part}`"));
    }
    if !MINUTES.contains(&lesson.minutes()) {
        let (least, most) = MINUTES.into_inner();
        problem(1, format!("it takes about {} minutes ({} words); a lesson takes {least} to {most}", lesson.minutes(), lesson.words()));
    }
    if !text.lines().any(|line| line.starts_with('|')) {
        problem(1, "no table: say what each choice costs, side by side".to_owned());
    }
    // A paragraph may answer a round, or a stage of it; none must.
    let rounds = topic.rounds.iter().map(|round| &round.head);
    let ids: Vec<&str> = topic.remembered().chain(rounds).map(|question| question.id.as_str()).collect();
    let named = lesson.answers.keys().map(|id| (ANSWERS, id.as_str())).chain(lesson.asked().into_iter().map(|id| (ASK, id)));
    for (mark, id) in named.filter(|(_, id)| !ids.contains(id)) {
        problem(line_of(mark, id), format!("no question '{id}' in quizzes/{}.toml{}", topic.id, did_you_mean(id, ids.iter().copied())));
    }
    for question in &topic.questions {
        match lesson.answers.get(&question.id).map_or(0, Vec::len) {
            0 => problem(
                1,
                format!("no paragraph answers '{}': write `<!-- answers: {} -->` above the one that does", question.id, question.id),
            ),
            many if many > PARAGRAPHS => problem(
                line_of(ANSWERS, &question.id),
                format!("'{}' is answered by {many} paragraphs; name up to {PARAGRAPHS}", question.id),
            ),
            _ => {}
        }
    }
    asked(&lesson, topic, &mut problem, &line_of);
    figures(&lesson, topic, recorded, &mut problem, &line_of);
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.starts_with('|') && !line.starts_with("<!--")) {
        // Prose is set anew; what is drawn begins with its own indent or holds signs that draw.
        if line.chars().count() > COLUMNS && is_drawn(text, number) {
            problem(number, format!("a drawn line of {} columns; up to {COLUMNS} fit", line.chars().count()));
        }
    }
    found.sort_by_key(|problem| problem.place);
    found
}

/// Whether a line stands in a fence that is shown as it is.
fn is_drawn(text: &str, number: usize) -> bool {
    let mut fence: Option<&str> = None;
    for line in text.lines().take(number - 1).filter(|line| line.starts_with("```")) {
        fence = if fence.is_some() { None } else { Some(line) };
    }
    fence.is_some_and(|fence| !fence.starts_with("```run"))
}

fn asked(lesson: &Lesson, topic: &Topic, problem: &mut dyn FnMut(usize, String), line_of: LineOf<'_>) {
    let all = lesson.asked();
    let closed = topic.questions.iter().filter(|question| !question.body.is_open()).count();
    if !((*ASKED.start()).min(closed)..=*ASKED.end()).contains(&all.len()) {
        problem(1, format!("it asks {} questions between its parts; ask {} to {}", all.len(), ASKED.start(), ASKED.end()));
    }
    for (at, id) in all.iter().enumerate() {
        let question = topic.questions.iter().find(|question| question.id == *id);
        if all[..at].contains(id) {
            problem(line_of(ASK, id), format!("'{id}' is asked twice"));
        } else if question.is_some_and(|question| question.body.is_open()) {
            problem(line_of(ASK, id), format!("'{id}' is open; between parts only what is answered in a minute is asked"));
        }
    }
    for piece in lesson.pieces() {
        if let Piece::Ask(ids) = piece
            && !AT_ONCE.contains(&ids.len())
        {
            problem(line_of(ASK, &ids[0]), format!("{} questions at one place; ask two or three", ids.len()));
        }
    }
}

fn figures(lesson: &Lesson, topic: &Topic, recorded: Recorded<'_>, problem: &mut dyn FnMut(usize, String), line_of: LineOf<'_>) {
    let anew = "`splitbrain dev lessons` records it";
    for piece in lesson.pieces() {
        match piece {
            Piece::Run(run) => {
                let line = line_of(FENCE, &run.name);
                let Some(steps) = recorded(&crate::cli::lessons::run_path(&run.name)) else {
                    problem(line, format!("the run of {} is not recorded; {anew}", run.name));
                    continue;
                };
                if run.notes.len() < 3 {
                    problem(line, "a run wants three notes or more: what there is to see in a step".to_owned());
                }
                for (step, note) in &run.notes {
                    if !steps.contains(step) {
                        problem(line, format!("the run has no step {step}; it has {steps:?}"));
                    }
                    if note.chars().count() > NOTE {
                        problem(line, format!("the note at step {step} has {} characters, up to {NOTE} fit", note.chars().count()));
                    }
                }
            }
            Piece::Shown(all) => {
                for shown in all {
                    if recorded(&crate::cli::lessons::shown_path(&shown.exercise)).is_none() {
                        problem(line_of(FENCE, &shown.exercise), format!("what {} shows is not recorded; {anew}", shown.exercise));
                    }
                }
            }
            Piece::Scenario(id) => {
                let ids = topic.scenarios.iter().map(|scenario| scenario.id.as_str());
                if !ids.clone().any(|there| there == id) {
                    problem(line_of(FENCE, id), format!("no scenario '{id}' in quizzes/{}.toml{}", topic.id, did_you_mean(id, ids)));
                }
            }
            Piece::Text(_) | Piece::Ask(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::quiz::format::load;
    use crate::cli::toml_reader::lines_of;

    const QUIZ: &str = "schema = 1\ntopic = 'cap'\ntitle = 'CAP'\n";

    fn question(id: &str) -> String {
        format!(
            "[[question]]\nid = '{id}'\nrev = 1\nkind = 'true-false'\ndifficulty = 1\nprompt = 'Is {id} so?'\nanswer = true\n\
             why = {{ true = 'It is.', false = 'It is not.' }}\nexplanation = 'So.'\nsources = [{{ title = 'S' }}]\n"
        )
    }

    fn quiz() -> Topic {
        load("quizzes/cap.toml", &(QUIZ.to_owned() + &["one", "two", "three", "four"].map(question).concat())).unwrap()
    }

    fn good() -> String {
        let prose = "A sentence that says something about it. ".repeat(200);
        let parts = PARTS.map(|part| format!("## {part}\n\nText.\n\n")).concat();
        format!(
            "# CAP\n\n<!-- answers: one, two, three, four -->\n{prose}\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<!-- ask: one, two -->\n\n\
             ```run two_banks/forgets\n1: it starts\n2: it forgets\n4: it ends\n```\n<!-- ask: three, four -->\n\n{parts}"
        )
    }

    fn said(text: &str) -> String {
        let recorded = |path: &str| (path == "lessons/runs/two_banks.forgets.run").then(|| vec![1, 2, 3, 4]);
        lines_of(&lint("lessons/cap.md", text, &quiz(), &recorded))
    }

    #[test]
    fn a_lesson_without_a_mistake() {
        assert_eq!(said(&good()), "");
    }

    #[test]
    fn each_mistake_is_named_with_its_line() {
        let bad = good()
            .replace("# CAP", "# Cap")
            .replace("answers: one, two, three, four", "answers: one, twoo, three")
            .replace("## Sources", "## Books")
            .replace("ask: one, two", "ask: one")
            .replace("4: it ends", "5: it ends")
            .replace("| a | b |\n|---|---|\n| 1 | 2 |\n", &format!("```text\n{}\n```\n", "-".repeat(77)));
        insta::assert_snapshot!(said(&bad), @r"
        lessons/cap.md:1:1: its title is 'Cap', and that of its questions 'CAP'; they are one
        lessons/cap.md:1:1: no part `## Sources`
        lessons/cap.md:1:1: no table: say what each choice costs, side by side
        lessons/cap.md:1:1: no paragraph answers 'two': write `<!-- answers: two -->` above the one that does
        lessons/cap.md:1:1: no paragraph answers 'four': write `<!-- answers: four -->` above the one that does
        lessons/cap.md:1:1: it asks 3 questions between its parts; ask 4 to 9
        lessons/cap.md:3:1: no question 'twoo' in quizzes/cap.toml; did you mean 'two'?
        lessons/cap.md:7:1: a drawn line of 77 columns; up to 76 fit
        lessons/cap.md:10:1: 1 questions at one place; ask two or three
        lessons/cap.md:12:1: the run has no step 5; it has [1, 2, 3, 4]
        ");
        let short =
            good().replace(&"A sentence that says something about it. ".repeat(190), "").replace("two_banks/forgets", "two_banks/lies");
        insta::assert_snapshot!(said(&short), @r"
        lessons/cap.md:1:1: it takes about 2 minutes (85 words); a lesson takes 7 to 14
        lessons/cap.md:12:1: the run of two_banks/lies is not recorded; `splitbrain dev lessons` records it
        ");
    }
}
