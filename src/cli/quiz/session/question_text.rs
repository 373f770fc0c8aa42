//! What a session prints. Text only: widths and colours come from [`Look`], decided by the program for its stream.

use super::super::draw::shown;
use super::super::grade::{Chosen, Confidence, Grade};
use super::super::model::{Body, Question};
use super::super::rubric::{FollowUp, next};
use super::ground::ground;
use super::{Answer, Ask, key_of, sure_and_wrong};
use crate::cli::figures::percent;
use crate::cli::markdown::page;
use crate::cli::pager::leaves;
use crate::cli::prompter::{Prompter, Reply};
use crate::cli::wrap::{columns, wrap};
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
    /// Rows of the screen that somebody reads; none off a terminal, where nothing is turned over.
    pub rows: Option<usize>,
}

impl Default for Look {
    fn default() -> Self {
        Look { width: 80, style: Style::default(), ascii: false, rows: None }
    }
}

/// How often each rating was right: `sure: 3 of 4 right · think: 1 of 1 right`.
fn calibration(answers: &[Answer]) -> Option<String> {
    let parts = Confidence::ALL.into_iter().rev().filter_map(|confidence| {
        let rated: Vec<&Answer> = answers.iter().filter(|a| a.confidence == Some(confidence) && a.chosen != Chosen::Nothing).collect();
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
    /// What a question stands on, under its head; and its prompt.
    pub(super) fn question(&self, ask: &Ask<'_>, number: &str) -> (String, String) {
        let question = ask.question;
        let level = "●".repeat(usize::from(question.difficulty)) + &"○".repeat(5usize.saturating_sub(question.difficulty.into()));
        let head = format!("── {number} · {} · {level} ──", ask.topic.title);
        let mut text = format!("\n{}\n\n", (self.style.dim)(&head));
        if let Some(scenario) = ask.topic.scenario_of(question) {
            text.push_str(&ground(scenario, self.width, self.ascii));
            text.push('\n');
        }
        let mut prompt = format!("{}\n", (self.style.strong)(wrap(&question.prompt, "", self.width).trim_end()));
        if matches!(question.body, Body::Multi(_)) {
            prompt.push_str(&format!("{}\n", (self.style.dim)("Any number of options may be right.")));
        }
        prompt.push('\n');
        (text, prompt)
    }

    /// Writes a text. On a terminal what is longer than its screen is turned over like a page; `last` is what comes behind it, if it is not
    /// what the next prompt says.
    pub fn paged(&self, text: &str, last: &str, prompter: &mut dyn Prompter, out: &mut dyn Write) -> Reply<()> {
        // The prompt below takes two rows where it is long.
        let leaves = self.rows.map_or(vec![text.to_owned()], |rows| leaves(text, rows.saturating_sub(2)));
        for (number, leaf) in (1..).zip(&leaves) {
            write!(out, "{leaf}")?;
            out.flush()?;
            match (number < leaves.len(), last) {
                (true, _) => prompter.pause(&format!("Read on, {number} of {}", leaves.len()))?,
                (false, "") => {}
                (false, last) => prompter.pause(last)?,
            }
        }
        Ok(())
    }

    /// The options, numbered.
    pub(super) fn listed(&self, labels: &[String]) -> String {
        let row = |(index, label): (usize, &String)| wrap(label, &format!("{:>3}  ", index + 1), self.width);
        labels.iter().enumerate().map(row).collect()
    }

    /// The options, numbered.
    pub fn options(&self, out: &mut dyn Write, labels: &[String]) -> io::Result<()> {
        writeln!(out, "{}", self.listed(labels))?;
        out.flush()
    }

    /// The verdict, every option with its reason, the explanation, what the lesson says of it if the answer was wrong, the sources.
    pub(super) fn reveal(&self, ask: &Ask<'_>, order: &[usize], answer: &Answer, grade: &Grade) -> String {
        let (style, question) = (&self.style, ask.question);
        let verdict = match (grade.right, answer.confidence) {
            (_, Some(_)) if answer.chosen == Chosen::Nothing => "✗ You did not know (0).".to_owned(),
            (true, None) => format!("✓ It passes: {} of the points.", percent(grade.score)),
            (false, None) => format!("✗ It does not pass: {} of the points.", percent(grade.score)),
            (true, Some(_)) => format!("✓ Right ({}).", signed(answer.marks())),
            (false, Some(_)) => format!("✗ Wrong ({}).", signed(answer.marks())),
        };
        let mut text = format!("{}\n", if grade.right { (style.right)(&verdict) } else { (style.wrong)(&verdict) });
        if let Some(note) = &grade.note {
            text.push_str(&wrap(note, "  ", self.width));
        }
        match &question.body {
            Body::Single(_) | Body::Multi(_) => self.every_option(&mut text, question, order, answer),
            Body::Open { .. } => self.compared(&mut text, question, answer),
            body => {
                if !grade.right {
                    text.push_str(&wrap(&key_of(question), "  Right is: ", self.width));
                }
                self.other_answers(&mut text, body, grade);
            }
        }
        text.push_str(&format!("\n{}", wrap(&question.explanation, "", self.width)));
        let paragraphs = ask.topic.answers.get(&question.id).filter(|_| !grade.right);
        for (at, paragraph) in paragraphs.into_iter().flatten().enumerate() {
            let page = page(paragraph, self.width.saturating_sub(2), crate::cli::style::Style::PLAIN);
            // What is drawn may need the whole width.
            let indent = if page.lines().all(|row| columns(row) + 2 <= self.width) { "  " } else { "" };
            let rows: String = page.lines().map(|row| format!("{indent}{row}").trim_end().to_owned() + "\n").collect();
            let head = (style.dim)(&format!("The lesson, `splitbrain learn {}`:", ask.topic.id));
            text.push_str(&if at == 0 { format!("\n{head}\n{rows}") } else { format!("\n{rows}") });
        }
        for source in &question.sources {
            let place = source.loc.as_ref().map(|loc| format!(", {loc}")).unwrap_or_default();
            let url = source.url.as_ref().map(|url| format!(" <{url}>")).unwrap_or_default();
            let line = wrap(&format!("{}{place}{url}", source.title), "Source: ", self.width);
            text.push_str(&format!("{}\n", (style.dim)(line.trim_end())));
        }
        if let Some(exercise) = &question.exercise {
            text.push_str(&format!("{}\n", (style.dim)(&format!("Practise it: splitbrain show {exercise}"))));
        }
        text
    }

    /// Of an open answer: the points that it lacks, the red flags that it had, the model answer, and what an interviewer would ask next.
    fn compared(&self, text: &mut String, question: &Question, answer: &Answer) {
        let (Body::Open { rubric, red_flags, model_answer, follow_ups, .. }, Chosen::Options(ticked)) = (&question.body, &answer.chosen)
        else {
            return;
        };
        for (_, point) in rubric.iter().enumerate().filter(|(i, _)| !ticked.contains(i)) {
            text.push_str(&wrap(&point.shown(), "  Not said: ", self.width));
        }
        for (_, flag) in red_flags.iter().enumerate().filter(|(i, _)| ticked.contains(&(rubric.len() + i))) {
            text.push_str(&(self.style.wrong)(&wrap(flag, "  You said a red flag: ", self.width)));
        }
        let others: Vec<String> =
            red_flags.iter().enumerate().filter(|(i, _)| !ticked.contains(&(rubric.len() + i))).map(|(_, flag)| flag.clone()).collect();
        text.push_str(&format!("\n{}", self.model_answer(model_answer, &others)));
        for i in next(follow_ups, rubric, ticked) {
            let FollowUp { ask, answer, .. } = &follow_ups[i];
            text.push_str(&format!("\n{}", (self.style.strong)(&wrap(ask, "And then: ", self.width))));
            if !answer.is_empty() {
                text.push_str(&self.laid_out(answer, "  "));
            }
        }
    }

    fn every_option(&self, text: &mut String, question: &Question, order: &[usize], answer: &Answer) {
        let choices = question.body.choices();
        for (number, &index) in order.iter().enumerate() {
            let choice = &choices[index];
            let picked = matches!(&answer.chosen, Chosen::Options(picked) if picked.contains(&index));
            let mark = if choice.correct { "✓" } else { "✗" };
            let yours = if picked { "  ← your answer" } else { "" };
            let option = wrap(&format!("{}{yours}", choice.text), &format!("{:>3}  {mark} ", number + 1), self.width);
            let paint = if choice.correct { self.style.right } else { self.style.wrong };
            let option = if picked || choice.correct { paint(option.trim_end()) } else { option.trim_end().to_owned() };
            text.push_str(&format!("{option}\n{}", wrap(&choice.why, "       ", self.width)));
        }
    }

    /// The reasons beside the one just heard: known mistakes are worth a look for who did not make them too.
    fn other_answers(&self, text: &mut String, body: &Body, grade: &Grade) {
        let near: Vec<(String, &String)> = match body {
            Body::Numeric { near, .. } => near.iter().map(|(value, why)| (shown(*value, None), why)).collect(),
            Body::Short { near, .. } => near.iter().map(|(text, why)| (text.clone(), why)).collect(),
            Body::TrueFalse { answer, why_true, why_false, .. } => {
                let (right, wrong) = if *answer { (why_true, why_false) } else { (why_false, why_true) };
                if let Some(why) = right {
                    text.push_str(&wrap(&without_right(why), "  ", self.width));
                }
                wrong.iter().map(|why| ((!answer).to_string(), why)).collect()
            }
            _ => Vec::new(),
        };
        for (said, why) in near.iter().filter(|(_, why)| grade.note.as_ref() != Some(why)) {
            text.push_str(&wrap(&format!("{said}? {why}"), "  Not ", self.width));
        }
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
            writeln!(out, "\nSure, but wrong: study these again first.")?;
        }
        for answer in sure {
            let Some(ask) = asks.iter().find(|a| a.topic.id == answer.topic && a.question.id == answer.question) else { continue };
            write!(out, "{}", wrap(&ask.question.prompt, "  ✗ ", self.width))?;
            write!(out, "{}", wrap(&key_of(ask.question), "      Right is: ", self.width))?;
        }
        Ok(())
    }
}

/// The reason of the right side, which often begins as an answer to who chose it.
fn without_right(why: &str) -> String {
    let Some(rest) = ["Right: ", "Right, ", "Right. "].iter().find_map(|lead| why.strip_prefix(lead)) else { return why.to_owned() };
    let mut chars = rest.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + chars.as_str())
}
