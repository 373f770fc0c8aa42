//! A design question, asked as an interviewer would: the learner writes or speaks, then ticks the points of the rubric beside their own
//! words, and the red flags. Nothing is ticked by itself, and no model answer is shown before: words that are there can be another
//! question's, or say the opposite.

use super::super::model::Body;
use super::super::quote::quote;
use super::super::rubric::Point;
use super::{Ask, Look, ground};
use crate::cli::prompter::{Prompter, Reply};
use crate::cli::wrap::{clipped, wrap};
use std::io::Write;

/// What came of an open question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenAnswer {
    /// What was written; empty if it was said aloud.
    pub text: String,
    /// Indexes of the rubric's points that the answer made; behind them, counted on, those of the red flags that it had.
    pub ticked: Vec<usize>,
}

/// A sentence that is quoted has so many columns at most.
const QUOTED: usize = 130;
/// Rows of the prompt that ticks, with a clock above it.
const PROMPT: usize = 4;

impl Look {
    /// Asks an open question whose prompt stands on the screen already. Of any other kind there is nothing to ask.
    pub fn open(&self, ask: &Ask<'_>, prompter: &mut dyn Prompter, out: &mut dyn Write) -> Reply<OpenAnswer> {
        let Body::Open { minutes, rubric, red_flags, .. } = &ask.question.body else { return Ok(OpenAnswer::default()) };
        out.flush()?;
        let text = prompter.essay(&format!("Your answer, {minutes} minutes"), &about(ask))?;
        let mut ticked = self.tick(rubric, &text, prompter, out)?;
        ticked.extend(self.flag(red_flags, &text, prompter, out)?.into_iter().map(|flag| rubric.len() + flag));
        Ok(OpenAnswer { text, ticked })
    }

    /// Asks which points an answer made, each beside the sentence of it that seems to say so; as many at once as the screen has room for.
    pub fn tick(&self, points: &[Point], said: &str, prompter: &mut dyn Prompter, out: &mut dyn Write) -> Reply<Vec<usize>> {
        let labels: Vec<String> = points.iter().map(Point::shown).collect();
        let head = if said.trim().is_empty() { "As you said it" } else { "Beside your own words" };
        writeln!(out, "\n{}", (self.style.strong)(head))?;
        self.marked(
            "Which of these did you say",
            (&labels, Some("No sentence of yours was found for it: look for yourself.")),
            said,
            prompter,
            out,
        )
    }

    /// Asks which red flags it had. Nothing is asked where there is none.
    pub fn flag(&self, flags: &[String], said: &str, prompter: &mut dyn Prompter, out: &mut dyn Write) -> Reply<Vec<usize>> {
        if flags.is_empty() {
            return Ok(Vec::new());
        }
        writeln!(out, "\n{}", (self.style.strong)("Red flags"))?;
        self.marked("Did you say any of these", (flags, None), said, prompter, out)
    }

    /// In portions that fit the screen: which of these are in the answer. The second is what stands beside one that seems not to be.
    fn marked(
        &self,
        message: &str,
        (labels, unsaid): (&[String], Option<&str>),
        said: &str,
        prompter: &mut dyn Prompter,
        out: &mut dyn Write,
    ) -> Reply<Vec<usize>> {
        let (mut marked, mut from) = (Vec::new(), 0);
        while from < labels.len() {
            let room = self.rows.map_or(usize::MAX, |rows| rows.saturating_sub(PROMPT + 2));
            let (mut shown, mut rows, mut to) = (String::new(), 0, from);
            for label in &labels[from..] {
                let entry = self.beside(to - from + 1, label, said, unsaid);
                rows += entry.lines().count();
                if rows > room && to > from {
                    break;
                }
                shown.push_str(&entry);
                to += 1;
            }
            writeln!(out, "{shown}")?;
            out.flush()?;
            let portion = prompter.many(message, &labels[from..to], &[])?;
            marked.extend(portion.into_iter().map(|i| from + i));
            from = to;
        }
        Ok(marked)
    }

    /// One of them, with its number, and what of the answer seems to say it.
    fn beside(&self, number: usize, label: &str, said: &str, unsaid: Option<&str>) -> String {
        let text = wrap(label, &format!("{number:>3}  "), self.width);
        if said.trim().is_empty() {
            return text;
        }
        let own = quote(said, label.trim_end_matches(" (a must)")).map(|quoted| {
            let doubt = quoted.denies.map_or(String::new(), |word| format!(" (there is a “{word}” in it: is it the same?)"));
            format!("You: “{}”{doubt}", clipped(&quoted.sentence, QUOTED))
        });
        let Some(own) = own.or(unsaid.map(str::to_owned)) else { return text };
        format!("{text}{}\n", (self.style.dim)(wrap(&own, "       ", self.width).trim_end()))
    }
}

/// A question with all that it stands on, for whoever answers it away from the screen.
#[must_use]
pub fn about(ask: &Ask<'_>) -> String {
    let ground = ask.topic.scenario_of(ask.question).map(|scenario| ground(scenario, 80, false) + "\n");
    ground.unwrap_or_default() + &ask.question.prompt
}
