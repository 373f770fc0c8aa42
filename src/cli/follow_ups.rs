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

/// Which of them come after a talk in which these rules were not named, `most` at most: those first that are about most of what was left
/// out; else in their order.
#[must_use]
pub fn next(follow_ups: &[FollowUp], left_out: &[&str], most: usize) -> Vec<usize> {
    let mut all: Vec<usize> = (0..follow_ups.len()).collect();
    let about = |i: &usize| follow_ups[*i].when.iter().filter(|rule| left_out.contains(&rule.as_str())).count();
    all.sort_by_key(|i| std::cmp::Reverse(about(i)));
    all.truncate(most);
    all
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
            when: Vec::new(),
            answer: "Because it is so.".into(),
            weak: "Says \"because\".".into(),
            why: String::new(),
            rubric: Vec::new(),
        }
    }

    #[test]
    fn what_was_left_out_is_asked_first() {
        let about = |rules: &[&str]| FollowUp { when: rules.iter().map(|rule| (*rule).to_owned()).collect(), ..one() };
        let all = [about(&["a", "b"]), about(&["c"]), about(&["d", "c"]), about(&[])];
        assert_eq!(next(&all, &[], 2), [0, 1], "nothing was left out");
        assert_eq!(next(&all, &["c"], 2), [1, 2]);
        assert_eq!(next(&all, &["c", "d"], 2), [2, 1]);
        assert_eq!(next(&all, &["a", "b", "c", "d"], 3), [0, 2, 1]);
        assert_eq!(next(&all, &["x"], 9), [0, 1, 2, 3]);
        assert_eq!(next(&[], &["x"], 2), Vec::<usize>::new());
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
