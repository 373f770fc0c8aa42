//! "An interviewer asks next": the questions that follow an exercise, each with a model answer and what a weak one lacks. Before
//! the exercise is passed there are the questions alone. Pure; knows neither where it is shown nor how a pass is recorded.

use super::course::{About, FollowUp};
use super::style::Style;
use super::words::plural;
use super::wrap::wrap;
use std::fmt::Write as _;

/// How many an exercise has, at least.
const AT_LEAST: usize = 3;
/// A model answer that is shorter says too little; one that is longer nobody would listen to.
const WORDS: std::ops::RangeInclusive<usize> = 60..=260;
/// What a weak answer lacks, in words.
const WEAK: std::ops::RangeInclusive<usize> = 8..=60;
/// The heading of the exercise's README under which the questions stand.
const HEADING: &str = "\n## An interviewer asks next\n";

/// The questions, with their answers if they are open.
#[must_use]
pub fn page(follow_ups: &[FollowUp], open: bool, width: usize, style: Style) -> String {
    let mut text = format!("{}\n\n", style.strong("An interviewer asks next"));
    for (n, next) in (1..).zip(follow_ups) {
        let question = wrap(&next.question, &format!("{n}. "), width);
        if open {
            let _ = writeln!(text, "{}", style.strong(question.trim_end()));
            let _ = writeln!(text, "{}", answer(next, "   ", width, style));
        } else {
            text.push_str(&question);
        }
    }
    if !open {
        let _ = write!(text, "\n{}", wrap("Say your answers aloud. A good one to each is shown here once the exercise passes.", "", width));
    }
    text
}

/// A model answer, and what a weak one lacks.
#[must_use]
pub fn answer(next: &FollowUp, indent: &str, width: usize, style: Style) -> String {
    let answer = wrap(&next.answer, indent, width);
    let weak = wrap(&format!("A weak answer: {}", next.weak), indent, width);
    format!("{answer}\n{}\n", style.faint(weak.trim_end()))
}

/// What is wrong with those of an exercise, each with its mend.
#[must_use]
pub fn lint(id: &str, about: &About, readme: &str) -> Vec<String> {
    let path = format!("exercises/{id}/exercise.toml");
    let mut problems = Vec::new();
    let all = &about.follow_ups;
    if all.len() < AT_LEAST {
        let have = plural(all.len() as u64, "follow-up question", "follow-up questions");
        problems.push(format!("{path}: {have}; give at least {AT_LEAST}, each as [[follow_ups]] with `question`, `answer` and `weak`"));
    }
    let section = readme.split_once(HEADING).map_or("", |(_, rest)| rest.split("\n## ").next().unwrap_or(rest));
    let section = section.split_whitespace().collect::<Vec<_>>().join(" ");
    for (n, next) in (1..).zip(all) {
        if !section.contains(&format!("{n}. {}", next.question)) {
            let there = format!("exercises/{id}/README.md, under \"{}\"", HEADING.trim());
            problems.push(format!("{path}: question {n} is not the one of {there}: write the same words in both"));
        }
        for (name, text, wanted) in [("answer", &next.answer, WORDS), ("weak", &next.weak, WEAK)] {
            let words = text.split_whitespace().count();
            if !wanted.contains(&words) {
                let (least, most) = (wanted.start(), wanted.end());
                problems.push(format!("{path}: `{name}` of question {n} has {words} words; write {least} to {most}"));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::content::Content;

    fn one() -> FollowUp {
        FollowUp { question: "Why?".into(), answer: "Because it is so.".into(), weak: "Says \"because\".".into() }
    }

    #[test]
    fn answers_are_shown_when_they_are_open() {
        let closed = page(&[one()], false, 80, Style::PLAIN);
        assert!(
            closed.contains("1. Why?") && !closed.contains("Because") && closed.contains("A good one to each is shown here"),
            "{closed}"
        );
        insta::assert_snapshot!(page(&[one()], true, 80, Style::PLAIN), @r#"
        An interviewer asks next

        1. Why?
           Because it is so.

           A weak answer: Says "because".
        "#);
    }

    #[test]
    fn every_exercise_has_three_with_answers() {
        let course = Content::Embedded.course().unwrap();
        for id in course.exercises() {
            let about = Content::Embedded.about(id).unwrap();
            let readme = Content::Embedded.text(&format!("exercises/{id}/README.md")).unwrap();
            let problems = lint(id, &about, &readme);
            assert!(problems.is_empty(), "{}", problems.join("\n"));
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        let mut about = Content::Embedded.about("g_counter").unwrap();
        about.follow_ups = vec![one()];
        assert_eq!(lint("g_counter", &about, "# T\n\n## An interviewer asks next\n\n1. How?\n").len(), 4);
        assert_eq!(lint("g_counter", &about, "# T\n\n## An interviewer asks next\n\n1. Why?\n\n## Sources\n").len(), 3);
    }
}
