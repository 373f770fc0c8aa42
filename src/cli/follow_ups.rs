//! "An interviewer asks next": the questions that follow an exercise, each with a model answer and what a weak one lacks. Before
//! the exercise is passed there are the questions alone. Pure; knows neither where it is shown nor how a pass is recorded.

use super::course::FollowUp;
use super::style::Style;
use super::wrap::wrap;
use std::fmt::Write as _;

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
        let _ = write!(text, "\n{}", wrap("Say your answers aloud. Model answers appear here once the exercise passes.", "", width));
    }
    text
}

/// A model answer, and what a weak one lacks.
#[must_use]
pub fn answer(next: &FollowUp, indent: &str, width: usize, style: Style) -> String {
    let answer = wrap(&next.answer, indent, width);
    let weak = wrap(&format!("A weak answer: {}", next.weak), indent, width);
    let why = if next.why.is_empty() { String::new() } else { wrap(&format!("Why it is asked: {}", next.why), indent, width) };
    format!("{answer}\n{}\n", style.faint(format!("{weak}{why}").trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> FollowUp {
        FollowUp {
            question: "Why?".into(),
            answer: "Because it is so.".into(),
            weak: "Says \"because\".".into(),
            why: String::new(),
            rubric: Vec::new(),
        }
    }

    #[test]
    fn answers_are_shown_when_they_are_open() {
        let closed = page(&[one()], false, 80, Style::PLAIN);
        assert!(closed.contains("1. Why?") && !closed.contains("Because") && closed.contains("Model answers appear here"), "{closed}");
        insta::assert_snapshot!(page(&[one()], true, 80, Style::PLAIN), @r#"
        An interviewer asks next

        1. Why?
           Because it is so.

           A weak answer: Says "because".
        "#);
    }
}
