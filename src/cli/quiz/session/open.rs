//! A design question, asked as an interviewer would: the learner writes or speaks, then compares with a model answer and ticks
//! the points of the rubric. What the text seems to mention is ticked already; the learner has the last word.

use super::super::model::{Body, Point, Question};
use super::Look;
use crate::cli::prompter::{Prompter, Reply};
use std::io::Write;

/// What came of an open question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenAnswer {
    /// What was written; empty if it was said aloud.
    pub text: String,
    /// Indexes of the rubric's points that the answer made.
    pub ticked: Vec<usize>,
}

impl Look {
    /// Asks an open question whose prompt stands on the screen already. Of any other kind there is nothing to ask.
    pub fn open(&self, question: &Question, prompter: &mut dyn Prompter, out: &mut dyn Write) -> Reply<OpenAnswer> {
        let Body::Open { minutes, model_answer, rubric, red_flags, .. } = &question.body else { return Ok(OpenAnswer::default()) };
        out.flush()?;
        let text = prompter.essay(&format!("Your answer, {minutes} minutes"), &question.prompt)?;
        writeln!(out)?;
        self.model_answer(out, model_answer, red_flags)?;
        let shown: Vec<String> = rubric.iter().map(|p| format!("{}{}", p.point, if p.must { " (a must)" } else { "" })).collect();
        self.options(out, &shown)?;
        let points: Vec<String> = rubric.iter().map(|p| p.point.clone()).collect();
        let ticked = prompter.many("Which of these did you say", &points, &mentioned(rubric, &text))?;
        Ok(OpenAnswer { text, ticked })
    }
}

/// The points that a text seems to make: half of a point's words of weight stand in it, in some form.
#[must_use]
pub fn mentioned(rubric: &[Point], text: &str) -> Vec<usize> {
    let said = stems(text);
    let made = |point: &Point| {
        let wanted = stems(&point.point);
        let found = wanted.iter().filter(|stem| said.contains(stem)).count();
        found > 0 && 2 * found >= wanted.len()
    };
    rubric.iter().enumerate().filter(|(_, point)| made(point)).map(|(i, _)| i).collect()
}

/// Words that say nothing about what is meant.
const EMPTY: [&str; 46] = [
    "the", "and", "for", "one", "are", "was", "has", "had", "not", "its", "any", "all", "but", "can", "may", "how", "who", "out", "two",
    "that", "this", "with", "from", "into", "than", "then", "they", "them", "their", "there", "have", "each", "must", "when", "where",
    "which", "what", "does", "only", "over", "also", "every", "some", "same", "other", "before",
];

/// The words of weight, without their endings, each once.
fn stems(text: &str) -> Vec<String> {
    let mut stems = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase) {
        // A number says something however short it is.
        if (word.chars().count() < 3 && !word.chars().any(|c| c.is_ascii_digit())) || EMPTY.contains(&word.as_str()) {
            continue;
        }
        let mut stem = word.as_str();
        for ending in ["ing", "ies", "ed", "es", "s", "ly", "e", "y"] {
            if let Some(shorter) = stem.strip_suffix(ending).filter(|shorter| shorter.chars().count() >= 4) {
                stem = shorter;
                break;
            }
        }
        let stem: String = stem.chars().take(7).collect();
        if !stems.contains(&stem) {
            stems.push(stem);
        }
    }
    stems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_that_the_text_makes_are_found() {
        let rubric: Vec<Point> = [
            "Key is made by the client, one per intent, with a scope",
            "Duplicate returns the stored response",
            "Same key, different body is an error",
            "Retention exceeds the retry horizon",
            "A repeat is answered with 409",
        ]
        .map(|point| Point { point: point.to_owned(), weight: 1, must: false })
        .to_vec();
        let text = "The client makes a key per intent. When a duplicate comes, the response that was stored is returned. Retries are answered with 409.";
        assert_eq!(mentioned(&rubric, text), [0, 1, 4]);
        assert_eq!(mentioned(&rubric, ""), Vec::<usize>::new());
    }
}
