//! What README.md says of the course: the table of exercises, and how much there is of everything. Each stands between two marks,
//! which are comments there.

use crate::cli::author::implementations;
use crate::cli::author::mutate::Score;
use crate::cli::bank;
use crate::cli::content::Content;
use crate::cli::course::Course;
use crate::cli::error::{Result, Trouble};
use crate::cli::mutants;
use crate::cli::rules;
use crate::words::counted;
use std::fmt::Write as _;
use std::path::Path;

/// The page with its parts as they should be.
pub(super) fn written(root: &Path, course: &Course, page: &str) -> Result<String> {
    let content = Content::Disk(root.to_owned());
    let mut page = page.to_owned();
    for (name, text) in
        [("course", what_is_here(&content, course)?), ("exercises", table(&content, course)?), ("proofs", proofs(root, &content, course)?)]
    {
        page = replaced(&page, name, &text)?;
    }
    Ok(page)
}

fn replaced(page: &str, name: &str, text: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- {name}: written by `splitbrain dev sync` -->\n"), format!("<!-- {name}: end -->\n"));
    match page.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1))) {
        Some((before, after)) => Ok(format!("{before}{begin}{text}{end}{after}")),
        None => Err(Trouble::environment(format!("README.md has lost its marks: put the lines\n{begin}{end}back where that part stood"))),
    }
}

fn what_is_here(content: &Content, course: &Course) -> Result<String> {
    let topics: Vec<&str> = bank::names(course);
    let mut questions = 0;
    for topic in &topics {
        questions += bank::load(content, topic)?.questions.len();
    }
    let (mut exercises, mut minutes) = (0_usize, 0);
    for id in course.exercises() {
        exercises += 1;
        minutes += content.about(id)?.minutes;
    }
    Ok(format!(
        "What is here: {}, each with a lesson; {}, every answer explained; {}, about {minutes} minutes of writing,\n\
         each with three hints, a reference, and three follow-up questions of an interviewer with model answers; a timed mock interview.\n",
        counted(topics.len(), "topic"),
        counted(questions, "question"),
        counted(exercises, "exercise"),
    ))
}

/// One row an exercise, by topic; the topic stands in its first row.
fn table(content: &Content, course: &Course) -> Result<String> {
    let mut text = "| topic | exercise | what it is about | minutes | rules |\n|---|---|---|---|---|\n".to_owned();
    for topic in &course.topics {
        for (at, id) in topic.exercises.iter().enumerate() {
            let (about, rules) = (content.about(id)?, rules::names(content, id).len());
            let title = if at == 0 { topic.title.as_str() } else { "" };
            let summary = about.summary.trim_end_matches('.');
            let _ = writeln!(text, "| {title} | [`{id}`](exercises/{id}/README.md) | {summary} | {} | {rules} |", about.minutes);
        }
    }
    Ok(text)
}

fn proofs(root: &Path, content: &Content, course: &Course) -> Result<String> {
    let (mut wrong, mut references, mut alternatives) = (0, 0, 0);
    for id in course.exercises() {
        wrong += mutants::catalogue(content, id)?.len();
        references += 1;
        alternatives += implementations::correct(root, id)?.len() - 1;
    }
    let demanded = format!(
        "Judged on two base seeds, and put on record with all that it hangs on: {}, each refused by the rule that names it, and {} right\n\
         ones ({}, {}), none refused. The tests judge what is not on record as it is now, and a third of what is.\n",
        counted(wrong, "wrong implementation"),
        references + alternatives,
        counted(references, "reference"),
        counted(alternatives, "alternative"),
    );
    Ok(demanded + &scores(root, course)?)
}

/// What came of the mutants that nobody wrote: a row an exercise. Nothing if none was judged yet.
fn scores(root: &Path, course: &Course) -> Result<String> {
    let mut all = Vec::new();
    for id in course.exercises() {
        all.extend(Score::read(root, id)?);
    }
    if all.is_empty() {
        return Ok(String::new());
    }
    let mut text = "\n| mutation score | statements | closed | mutants | refused | equivalent | allowed | out of reach | holes |\n\
                    |---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for s in &all {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} | {} | {} | {} |",
            s.exercise,
            s.statements,
            s.closed,
            s.mutants,
            s.refused,
            s.equivalent,
            s.allowed,
            s.unreached,
            s.holes.len()
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_the_marks_is_replaced() {
        let page = "a\n<!-- x: written by `splitbrain dev sync` -->\nold\n<!-- x: end -->\nz\n";
        assert_eq!(replaced(page, "x", "new\n").unwrap(), page.replace("old", "new"));
        assert!(replaced("a\n", "x", "").unwrap_err().message.contains("<!-- x: end -->"));
    }
}
