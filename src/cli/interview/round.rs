//! A design round: seven stages in order, each with its time. What is asked of a stage is an open question; what is special is the clock,
//! what is known by then, and that somebody in an editor sees both.

use super::going::Going;
use super::part::{More, Part, What};
use crate::cli::clock;
use crate::cli::figures::plural;
use crate::cli::prompter::Reply;
use crate::cli::quiz::Topic;
use crate::cli::quiz::model::{Body, Round, Stage};
use crate::cli::quiz::session::Ask;
use crate::cli::wrap::wrap;
use std::fmt::Write as _;

/// Rows of the ways to answer, and of the prompt below them.
const WAYS: usize = 5;
/// The stage whose answer is the numbers for all that comes behind it.
const NUMBERS: &str = "estimate";

impl Going<'_, '_> {
    /// Holds a round; false if the time was over and enough.
    pub(super) fn round(&mut self, topic: &Topic, round: &Round) -> Reply<bool> {
        let (look, head) = (self.talk.session.look, &round.head);
        let level = "●".repeat(usize::from(head.difficulty)) + &"○".repeat(5usize.saturating_sub(head.difficulty.into()));
        let mut text = format!("\n{}\n\n", (look.style.dim)(&format!("── A design round · {} · {level} ──", topic.title)));
        let _ = writeln!(text, "{}\n", (look.style.strong)(wrap(&head.prompt, "Interviewer: ", look.width).trim_end()));
        let stages: Vec<String> = round.stages.iter().map(|stage| format!("{} {}", stage.name, minutes(stage))).collect();
        let plan = format!("The stages, with their minutes: {}.", stages.join(", "));
        text.push_str(&(look.style.dim)(&wrap(&plan, "", look.width)));
        let parts: Vec<Part> = round.stages.iter().map(|stage| asked(topic, stage)).collect();
        let is_over = |going: &Self, n: usize| going.is_over(&Ask { topic, question: &round.stages[n].question }, &parts[n]);
        if (0..parts.len()).all(|n| is_over(self, n)) {
            return Ok(true);
        }
        look.paged(&text, "Begin", self.prompter, self.out)?;
        for n in 0..round.stages.len() {
            if is_over(self, n) {
                continue;
            }
            if !self.time()? {
                return Ok(false);
            }
            self.stage(topic, round, n)?;
            self.stage_of(None);
        }
        Ok(true)
    }

    fn stage(&mut self, topic: &Topic, round: &Round, n: usize) -> Reply<()> {
        let (look, stage) = (self.talk.session.look, &round.stages[n]);
        let minutes = minutes(stage);
        let number = format!("Stage {} of {}, {}", n + 1, round.stages.len(), stage.name);
        let mut known = format!("\n{}\n\n", (look.style.dim)(&format!("── {number} · {} ──", plural(minutes.into(), "minute", "minutes"))));
        for (at, fact) in round.facts_before(n).enumerate() {
            if at == 0 {
                known.push_str(&(look.style.dim)("Known so far:\n"));
            }
            known.push_str(&(look.style.dim)(&wrap(&fact.shown(), "  ", look.width)));
        }
        if round.facts_before(n).next().is_some() {
            known.push('\n');
        }
        let ask = format!("{}\n\n", (look.style.strong)(wrap(&stage.ask, "Interviewer: ", look.width).trim_end()));
        let question = &stage.question;
        let already_s = self.taken_s(&question.id);
        self.stage_of(Some((u64::from(minutes) * 60).saturating_sub(already_s)));
        // The ways to answer, and the prompt below them, stay on the screen with the question.
        match look.rows.map(|rows| rows.saturating_sub(ask.lines().count() + WAYS)) {
            Some(room) if known.lines().count() > room => {
                // To read it again is no part of the time.
                self.aside(|going| look.paged(&known, "The question", going.prompter, going.out))?;
            }
            _ => write!(self.out, "{known}")?,
        }
        write!(self.out, "{ask}")?;
        self.out.flush()?;
        let from = clock::time_of_day((self.talk.session.now)());
        let time = format!("{number}: {} from {from} on.", plural(minutes.into(), "minute", "minutes"));
        let about = about(round, n);
        let part = asked(topic, stage);
        let facts = answers(stage, look.width);
        let before = self.spent_s().saturating_sub(already_s);
        self.answered(&Ask { topic, question }, part, "Your answer", (&about, &format!("{time}\n\n")), Some(&facts))?;
        let over = (self.spent_s() - before).saturating_sub(u64::from(minutes) * 60);
        if over > 0 {
            let over = plural(over.div_ceil(60), "minute", "minutes");
            let text = format!("[{over} over the time of this stage: that costs a little of its mark; the next has its own time]");
            write!(self.out, "\n{}", (look.style.dim)(&wrap(&text, "", look.width)))?;
        }
        Ok(())
    }
}

/// A stage that is asked.
fn asked(topic: &Topic, stage: &Stage) -> Part {
    let facts = stage.facts.iter().map(|fact| fact.shown()).collect();
    let more = More { stage: stage.name.clone(), minutes: minutes(stage), facts, ..More::default() };
    Part { more, ..Part::asked(What::Stage, &topic.id, &stage.question.id, &stage.ask) }
}

fn minutes(stage: &Stage) -> u32 {
    if let Body::Open { minutes, .. } = stage.question.body { minutes } else { 0 }
}

/// What the interviewer answers in this stage to who asks.
fn answers(stage: &Stage, width: usize) -> String {
    let mut text = String::new();
    for fact in &stage.facts {
        let lead = if text.is_empty() { "\nWhat the interviewer answers to those who ask:\n" } else { "" };
        let _ = write!(text, "{lead}{}", wrap(&fact.shown(), "  ", width));
    }
    text
}

/// The stage for whoever leaves the screen: the task, the question, and all facts and numbers so far.
fn about(round: &Round, n: usize) -> String {
    let stage = &round.stages[n];
    let mut text = format!("{}\n\n{}\n", round.head.prompt.trim(), stage.ask.trim());
    for (i, fact) in round.facts_before(n).enumerate() {
        let _ = write!(text, "{}\n- {}", if i == 0 { "\nKnown so far:" } else { "" }, fact.shown());
    }
    let numbers = round.stages[..n].iter().filter(|stage| stage.name == NUMBERS);
    for stage in numbers {
        if let Body::Open { model_answer, .. } = &stage.question.body {
            let _ = write!(text, "\n\nThe numbers, as a good estimate has them:\n{}", model_answer.trim());
        }
    }
    text
}
