//! What a session prints. Text only: widths and colours come from [`Look`], decided by the program for its stream.

use super::super::grade::{Chosen, Confidence, Grade};
use super::super::model::{Body, Question};
use super::ground::ground;
use super::{Answer, Ask, key_of, sure_and_wrong};
use crate::cli::figures::percent;
use crate::cli::wrap::wrap;
use std::io::{self, Write};

/// Turns a text into the same text with a colour.
pub type Paint = fn(&str) -> String;

/// The few colours there are. The default has none.
#[derive(Clone, Copy)]
pub struct Style {
    /// What is right.
    pub right: Paint,
    /// What is wrong.
    pub wrong: Paint,
    /// What matters most.
    pub strong: Paint,
    /// What matters least.
    pub dim: Paint,
}

impl Default for Style {
    fn default() -> Self {
        let plain: Paint = str::to_owned;
        Style { right: plain, wrong: plain, strong: plain, dim: plain }
    }
}

/// How the screen looks.
#[derive(Clone, Copy)]
pub struct Look {
    /// Lines are wrapped at so many characters.
    pub width: usize,
    /// Colours.
    pub style: Style,
    /// Pictures in plain ASCII.
    pub ascii: bool,
}

impl Default for Look {
    fn default() -> Self {
        Look { width: 80, style: Style::default(), ascii: false }
    }
}

/// How often each rating was right: `sure: 3 of 4 right · think: 1 of 1 right`.
fn calibration(answers: &[Answer]) -> Option<String> {
    let parts = Confidence::ALL.into_iter().rev().filter_map(|confidence| {
        let rated: Vec<&Answer> = answers.iter().filter(|a| a.confidence == Some(confidence)).collect();
        let right = rated.iter().filter(|a| a.right).count();
        (!rated.is_empty()).then(|| format!("{}: {right} of {} right", confidence.word(), rated.len()))
    });
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// `+3`, `−2`, `0`.
fn signed(marks: i32) -> String {
    match marks {
        0 => "0".to_owned(),
        1.. => format!("+{marks}"),
        _ => format!("−{}", marks.unsigned_abs()),
    }
}
impl Look {
    pub(super) fn question(&self, out: &mut dyn Write, ask: &Ask<'_>, number: usize, of: usize) -> io::Result<()> {
        let question = ask.question;
        let level = "●".repeat(usize::from(question.difficulty)) + &"○".repeat(5usize.saturating_sub(question.difficulty.into()));
        let head = format!("── {number} of {of} · {} · {level} ──", ask.topic.title);
        writeln!(out, "\n{}\n", (self.style.dim)(&head))?;
        if let Some(scenario) = ask.topic.scenario_of(question) {
            writeln!(out, "{}", ground(scenario, self.width, self.ascii))?;
        }
        writeln!(out, "{}", (self.style.strong)(wrap(&question.prompt, "", self.width).trim_end()))?;
        if matches!(question.body, Body::Multi(_)) {
            writeln!(out, "{}", (self.style.dim)("Any number of options may be right."))?;
        }
        writeln!(out)
    }

    /// The options, numbered.
    pub fn options(&self, out: &mut dyn Write, labels: &[String]) -> io::Result<()> {
        for (index, label) in labels.iter().enumerate() {
            write!(out, "{}", wrap(label, &format!("{:>3}  ", index + 1), self.width))?;
        }
        writeln!(out)?;
        out.flush()
    }

    pub(super) fn model_answer(&self, out: &mut dyn Write, model: &str, red_flags: &[String]) -> io::Result<()> {
        writeln!(out, "{}", (self.style.strong)("A good answer"))?;
        writeln!(out, "{}", wrap(model, "  ", self.width))?;
        for flag in red_flags {
            write!(out, "{}", (self.style.wrong)(&wrap(flag, "  Red flag: ", self.width)))?;
        }
        writeln!(out)
    }

    /// The verdict, every option with its reason, the explanation, the sources.
    pub(super) fn reveal(
        &self,
        out: &mut dyn Write,
        question: &Question,
        order: &[usize],
        answer: &Answer,
        grade: &Grade,
    ) -> io::Result<()> {
        let style = &self.style;
        let verdict = match (grade.right, answer.confidence) {
            (true, None) => format!("✓ It passes: {} of the points.", percent(grade.score)),
            (false, None) => format!("✗ It does not pass: {} of the points.", percent(grade.score)),
            (true, Some(_)) => format!("✓ Right ({}).", signed(answer.marks())),
            (false, Some(_)) => format!("✗ Wrong ({}).", signed(answer.marks())),
        };
        writeln!(out, "{}", if grade.right { (style.right)(&verdict) } else { (style.wrong)(&verdict) })?;
        if let Some(note) = &grade.note {
            write!(out, "{}", wrap(note, "  ", self.width))?;
        }
        match &question.body {
            Body::Single(_) | Body::Multi(_) => self.every_option(out, question, order, answer)?,
            Body::Open { follow_ups, .. } => {
                for next in follow_ups {
                    write!(out, "{}", wrap(next, "  And then: ", self.width))?;
                }
            }
            body => {
                if !grade.right {
                    write!(out, "{}", wrap(&key_of(question), "  Right is: ", self.width))?;
                }
                self.other_answers(out, body, grade)?;
            }
        }
        writeln!(out, "\n{}", wrap(&question.explanation, "", self.width).trim_end())?;
        for source in &question.sources {
            let place = source.loc.as_ref().map(|loc| format!(", {loc}")).unwrap_or_default();
            let url = source.url.as_ref().map(|url| format!(" <{url}>")).unwrap_or_default();
            let line = wrap(&format!("{}{place}{url}", source.title), "Source: ", self.width);
            writeln!(out, "{}", (style.dim)(line.trim_end()))?;
        }
        if let Some(exercise) = &question.exercise {
            writeln!(out, "{}", (style.dim)(&format!("Practise it: splitbrain show {exercise}")))?;
        }
        out.flush()
    }

    fn every_option(&self, out: &mut dyn Write, question: &Question, order: &[usize], answer: &Answer) -> io::Result<()> {
        let choices = question.body.choices();
        for (number, &index) in order.iter().enumerate() {
            let choice = &choices[index];
            let picked = matches!(&answer.chosen, Chosen::Options(picked) if picked.contains(&index));
            let mark = if choice.correct { "✓" } else { "✗" };
            let yours = if picked { "  ← your answer" } else { "" };
            let text = wrap(&format!("{}{yours}", choice.text), &format!("{:>3}  {mark} ", number + 1), self.width);
            let paint = if choice.correct { self.style.right } else { self.style.wrong };
            writeln!(out, "\n{}", if picked || choice.correct { paint(text.trim_end()) } else { text.trim_end().to_owned() })?;
            write!(out, "{}", wrap(&choice.why, "       ", self.width))?;
        }
        Ok(())
    }

    /// The reasons beside the one just heard: known mistakes are worth a look for who did not make them too.
    fn other_answers(&self, out: &mut dyn Write, body: &Body, grade: &Grade) -> io::Result<()> {
        let near: Vec<(String, &String)> = match body {
            Body::Numeric { near, .. } => near.iter().map(|(value, why)| (value.to_string(), why)).collect(),
            Body::Short { near, .. } => near.iter().map(|(text, why)| (text.clone(), why)).collect(),
            Body::TrueFalse { why_true, why_false, .. } => {
                for why in [why_true, why_false].into_iter().flatten().filter(|why| grade.note.as_ref() != Some(why)) {
                    write!(out, "{}", wrap(why, "  ", self.width))?;
                }
                Vec::new()
            }
            _ => Vec::new(),
        };
        for (text, why) in near.iter().filter(|(_, why)| grade.note.as_ref() != Some(why)) {
            write!(out, "{}", wrap(&format!("{text}? {why}"), "  Not ", self.width))?;
        }
        Ok(())
    }

    pub(super) fn summary(&self, out: &mut dyn Write, asks: &[Ask<'_>], answers: &[Answer]) -> io::Result<()> {
        let right = answers.iter().filter(|a| a.right).count();
        let marks: i32 = answers.iter().map(Answer::marks).sum();
        writeln!(out, "\n{}", (self.style.dim)("──"))?;
        let left = asks.len() - answers.len();
        let rest = if left > 0 { format!(" · {left} left for another time") } else { String::new() };
        let line = match answers.len() {
            0 => format!("Nothing answered{rest}"),
            count => format!("{right} of {count} right · {} marks{rest}", signed(marks)),
        };
        writeln!(out, "{}", (self.style.strong)(&line))?;
        if let Some(line) = calibration(answers) {
            writeln!(out, "{}", (self.style.dim)(&line))?;
        }
        if answers.iter().any(|a| a.confidence.is_some()) {
            let each = |right| Confidence::ALL.map(|sure| format!("{} {}", sure.word(), signed(sure.marks(right)))).join(", ");
            let line = wrap(&format!("Marks: right {}; wrong {}", each(true), each(false)), "", self.width);
            write!(out, "{}", (self.style.dim)(&line))?;
        }
        let sure = sure_and_wrong(answers);
        if !sure.is_empty() {
            writeln!(out, "\nSure and wrong: look at these once more, they mend best.")?;
        }
        for answer in sure {
            let Some(ask) = asks.iter().find(|a| a.topic.id == answer.topic && a.question.id == answer.question) else { continue };
            write!(out, "{}", wrap(&ask.question.prompt, "  ✗ ", self.width))?;
            write!(out, "{}", wrap(&key_of(ask.question), "      Right is: ", self.width))?;
        }
        Ok(())
    }
}
