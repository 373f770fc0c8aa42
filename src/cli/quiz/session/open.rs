//! A design question, asked as an interviewer would: the learner writes or speaks, then ticks the points of the rubric beside their own
//! words, and the red flags. Nothing is ticked by itself, and no model answer is shown before: words that are there can be another
//! question's, or say the opposite.

use super::super::model::Body;
use super::super::quote::quote;
use super::super::rubric::Point;
use super::{Ask, Look, ground};
use crate::cli::prompter::{Asides, Leave, Prompter, Reply};
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

/// What an answer made, as indexes: of the rubric's points, and of the red flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The points.
    pub ticked: Vec<usize>,
    /// The red flags.
    pub flags: Vec<usize>,
}

/// Labels that are marked beside an answer.
struct Marked<'l> {
    head: &'l str,
    message: &'l str,
    labels: &'l [String],
    /// What stands beside one that seems not to be in the answer.
    unsaid: Option<&'l str>,
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
        let Marks { mut ticked, flags } = self.mark(rubric, red_flags, &text, prompter, out)?;
        ticked.extend(flags.into_iter().map(|flag| rubric.len() + flag));
        Ok(OpenAnswer { text, ticked })
    }

    /// Asks which points an answer made, each beside the sentence of it that seems to say so, and then which red flags it had; as many at
    /// once as the screen has room for. From all but the first of these questions one may go back to the one before: what was ticked
    /// stays ticked there.
    pub fn mark(&self, points: &[Point], flags: &[String], said: &str, prompter: &mut dyn Prompter, out: &mut dyn Write) -> Reply<Marks> {
        let labels: Vec<String> = points.iter().map(Point::shown).collect();
        let head = if said.trim().is_empty() { "As you said it" } else { "Beside your own words" };
        let points = Marked {
            head,
            message: "Which of these did you say",
            labels: &labels,
            unsaid: Some("No sentence of yours was found for it: look for yourself."),
        };
        let flags = Marked { head: "Red flags", message: "Did you say any of these", labels: flags, unsaid: None };
        let (mut marks, mut at_flags) = (Marks::default(), false);
        loop {
            let answered = if at_flags {
                self.marked(&flags, &mut marks.flags, true, said, prompter, out)
            } else {
                self.marked(&points, &mut marks.ticked, false, said, prompter, out)
            };
            match answered {
                Err(Leave::Back) => at_flags = false,
                Err(leave) => return Err(leave),
                Ok(()) if at_flags => return Ok(marks),
                Ok(()) => at_flags = true,
            }
        }
    }

    /// In portions that fit the screen: which of these are in the answer. Backspace is offered where there is something before a portion.
    fn marked(
        &self,
        of: &Marked<'_>,
        marked: &mut Vec<usize>,
        may_go_back: bool,
        said: &str,
        prompter: &mut dyn Prompter,
        out: &mut dyn Write,
    ) -> Reply<()> {
        let Marked { head, message, labels, unsaid } = *of;
        if labels.is_empty() {
            return Ok(());
        }
        // The prompt has no room for it.
        let back = if may_go_back && self.rows.is_some() { (self.style.dim)("  (Backspace: back to the points)") } else { String::new() };
        writeln!(out, "\n{}{back}", (self.style.strong)(head))?;
        let (mut from, mut before) = (0, Vec::new());
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
            let ticked: Vec<usize> = marked.iter().filter(|i| (from..to).contains(*i)).map(|i| i - from).collect();
            prompter.offer(Asides { back: may_go_back || from > 0, ..Asides::default() });
            let answered = prompter.many(message, &labels[from..to], &ticked);
            prompter.offer(Asides::default());
            match answered {
                Ok(portion) => {
                    marked.retain(|i| !(from..to).contains(i));
                    marked.extend(portion.into_iter().map(|i| from + i));
                    marked.sort_unstable();
                    before.push(from);
                    from = to;
                }
                Err(Leave::Back) if from > 0 => from = before.pop().unwrap_or_default(),
                Err(leave) => return Err(leave),
            }
        }
        Ok(())
    }

    /// One of them, with its number, and what of the answer seems to say it.
    fn beside(&self, number: usize, label: &str, said: &str, unsaid: Option<&str>) -> String {
        let text = wrap(label, &format!("{number:>3}  "), self.width);
        if said.trim().is_empty() {
            return text;
        }
        let own = quote(said, label.trim_end_matches(" (a must)")).map(|quoted| {
            let doubt = quoted.denies.map_or(String::new(), |word| format!(" (there is a “{word}” in it: is it the same?)"));
            let label = if quoted.sure { "You" } else { "Perhaps" };
            format!("{label}: “{}”{doubt}", clipped(&quoted.sentence, QUOTED))
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
