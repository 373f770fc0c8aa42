//! A sitting with questions: shows, asks, grades, explains, and hands each answer to whoever keeps it, at once.
//!
//! It does not know where answers are kept ([`Record`]), who answers ([`Prompter`]), or what the screen can do ([`Look`]).
//! Options are shuffled by the session's seed and the question's id, so the same seed shows the same order: a retry looks as
//! the first try did.

mod ground;
mod open;
mod question_text;
#[cfg(test)]
mod tests;

pub use open::{OpenAnswer, mentioned};
pub use question_text::{Look, Style};

use super::grade::{Chosen, Confidence, grade};
use super::model::{Body, Question, Topic};
use crate::cli::clock;
use crate::cli::error::Exit;
use crate::cli::prompter::{Leave, Prompter, Reply};
use crate::rng::{Rng, mix};
use std::io::{self, Write};

/// One answer, as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The topic's id.
    pub topic: String,
    /// The question's id.
    pub question: String,
    /// The question's revision.
    pub rev: u32,
    /// What was asked, as a fingerprint: [`Question::content`].
    pub content: u64,
    /// The kind of question.
    pub kind: &'static str,
    /// What was chosen.
    pub chosen: Chosen,
    /// What was written in answer to an open question; empty for any other, and if it was said aloud.
    pub said: String,
    /// Whether it was right.
    pub right: bool,
    /// From 0 to 1.
    pub score: f64,
    /// How sure the learner was; open questions do not ask.
    pub confidence: Option<Confidence>,
    /// The session's seed, for a retry with the same order of options.
    pub seed: u64,
    /// When, in seconds since 1970.
    pub at_unix_s: u64,
}

/// Whoever keeps answers. It is called once for each, before the explanation is shown: what was answered is never lost.
pub trait Record {
    /// Keeps one answer. An error ends the session.
    fn answered(&mut self, answer: &Answer) -> io::Result<()>;
}

impl Record for Vec<Answer> {
    fn answered(&mut self, answer: &Answer) -> io::Result<()> {
        self.push(answer.clone());
        Ok(())
    }
}

/// A question to ask, with the topic it comes from.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// Where it comes from.
    pub topic: &'a Topic,
    /// The question.
    pub question: &'a Question,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every question was answered.
    Done,
    /// Esc, or the end of input.
    Left,
    /// A signal asked us to end: so.
    Asked(Exit),
}

/// What came of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// How it ended.
    pub ended: Ended,
    /// The answers, in order.
    pub answers: Vec<Answer>,
}

/// How a session is held.
pub struct Session<'a> {
    /// Decides every order.
    pub seed: u64,
    /// Width and colours.
    pub look: Look,
    /// The clock, in seconds since 1970.
    pub now: &'a dyn Fn() -> u64,
}

impl Session<'static> {
    /// A plain session by the program's clock.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Session { seed, look: Look::default(), now: &clock::unix_s }
    }
}

/// Asks all questions of a topic, in the order of its file: the short form for the program.
pub fn run(topic: &Topic, prompter: &mut dyn Prompter, record: &mut dyn Record, seed: u64, out: &mut dyn Write) -> io::Result<Outcome> {
    Session::new(seed).run(&in_order(topic), Vec::new(), prompter, record, out)
}

/// The questions of one topic as its author ordered them.
#[must_use]
pub fn in_order(topic: &Topic) -> Vec<Ask<'_>> {
    topic.questions.iter().map(|question| Ask { topic, question }).collect()
}

/// Questions of several topics, mixed: telling things apart is learnt where they alternate.
#[must_use]
pub fn mixed(topics: &[Topic], seed: u64) -> Vec<Ask<'_>> {
    let mut asks: Vec<Ask<'_>> = topics.iter().flat_map(in_order).collect();
    Rng::stream(seed, 1).shuffle(&mut asks);
    asks
}

impl Session<'_> {
    /// Asks the questions in this order; the first are answered by `answers`, those of a sitting that was broken off. An error is
    /// the output's or the record's; leaving is none.
    pub fn run(
        &self,
        asks: &[Ask<'_>],
        mut answers: Vec<Answer>,
        prompter: &mut dyn Prompter,
        record: &mut dyn Record,
        out: &mut dyn Write,
    ) -> io::Result<Outcome> {
        let mut ended = Ended::Done;
        for (index, ask) in asks.iter().enumerate().skip(answers.len()) {
            self.show(ask, index + 1, asks.len(), out)?;
            let answered = self.one(ask, prompter, record, out).and_then(|answer| {
                answers.push(answer);
                // The next question would push this one's reasons off the screen.
                if index + 1 < asks.len() { prompter.pause("Next question") } else { Ok(()) }
            });
            match answered {
                Ok(()) => {}
                Err(Leave::Broken(error)) => return Err(error),
                Err(Leave::Quit) => ended = Ended::Left,
                Err(Leave::Ended(exit)) => ended = Ended::Asked(exit),
            }
            if ended != Ended::Done {
                break;
            }
        }
        // Of a terminal that is gone nothing is read.
        if ended != Ended::Asked(Exit::HungUp) {
            self.look.summary(out, asks, &answers)?;
            out.flush()?;
        }
        Ok(Outcome { ended, answers })
    }

    /// Asks one question whose prompt stands on the screen already, keeps the answer, and says nothing of its key.
    pub fn answer(&self, ask: &Ask<'_>, prompter: &mut dyn Prompter, record: &mut dyn Record, out: &mut dyn Write) -> Reply<Answer> {
        let question = ask.question;
        let (chosen, said) = self.choose(question, &self.order_of(question), prompter, out)?;
        let confidence = match question.body {
            Body::Open { .. } => None,
            _ => Some(confidence(prompter)?),
        };
        let answer = Answer { said, ..self.judged(ask, chosen, confidence) };
        record.answered(&answer)?;
        Ok(answer)
    }

    /// The answer that this choice is, judged and stamped.
    #[must_use]
    pub fn judged(&self, ask: &Ask<'_>, chosen: Chosen, confidence: Option<Confidence>) -> Answer {
        let question = ask.question;
        let grade = grade(question, &chosen);
        Answer {
            topic: ask.topic.id.clone(),
            question: question.id.clone(),
            rev: question.rev,
            content: question.content(ask.topic.scenario_of(question)),
            kind: question.body.kind(),
            chosen,
            said: String::new(),
            right: grade.right,
            score: grade.score,
            confidence,
            seed: self.seed,
            at_unix_s: (self.now)(),
        }
    }

    /// Shows a question: its number, what it stands on, its prompt.
    pub fn show(&self, ask: &Ask<'_>, number: usize, of: usize, out: &mut dyn Write) -> io::Result<()> {
        self.look.question(out, ask, number, of)
    }

    /// Shows the key, every option with its reason, the explanation, the sources, and the exercise that practises it.
    pub fn reveal(&self, ask: &Ask<'_>, answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
        let question = ask.question;
        self.look.reveal(out, question, &self.order_of(question), answer, &grade(question, &answer.chosen))
    }

    fn one(&self, ask: &Ask<'_>, prompter: &mut dyn Prompter, record: &mut dyn Record, out: &mut dyn Write) -> Reply<Answer> {
        let answer = self.answer(ask, prompter, record, out)?;
        self.reveal(ask, &answer, out)?;
        Ok(answer)
    }

    /// Shows what can be chosen and asks for it. The result is in the order of the file, with what was written at length.
    fn choose(&self, question: &Question, order: &[usize], prompter: &mut dyn Prompter, out: &mut dyn Write) -> Reply<(Chosen, String)> {
        let (look, mut said) = (&self.look, String::new());
        let back = |picked: Vec<usize>| -> Vec<usize> { picked.into_iter().map(|i| order[i]).collect() };
        let chosen = match &question.body {
            Body::Single(choices) => {
                let labels: Vec<String> = order.iter().map(|&i| choices[i].text.clone()).collect();
                look.options(out, &labels)?;
                Chosen::Options(back(vec![prompter.one("Your answer", &labels)?]))
            }
            Body::Multi(choices) => {
                let labels: Vec<String> = order.iter().map(|&i| choices[i].text.clone()).collect();
                look.options(out, &labels)?;
                let mut picked = back(prompter.many("All that apply", &labels, &[])?);
                picked.sort_unstable();
                Chosen::Options(picked)
            }
            Body::TrueFalse { .. } => {
                let labels = ["true", "false"].map(str::to_owned);
                look.options(out, &labels)?;
                Chosen::Truth(prompter.one("Your answer", &labels)? == 0)
            }
            Body::Order { items, .. } => {
                let labels: Vec<String> = order.iter().map(|&i| items[i].clone()).collect();
                look.options(out, &labels)?;
                Chosen::Order(back(prompter.arrange("The order, earliest first", &labels)?))
            }
            Body::Short { .. } => Chosen::Text(prompter.text("Your answer")?),
            Body::Numeric { unit, .. } => Chosen::Number(prompter.number("Your answer", unit.as_deref())?),
            Body::Open { .. } => {
                let open = look.open(question, prompter, out)?;
                said = open.text;
                Chosen::Options(open.ticked)
            }
        };
        Ok((chosen, said))
    }

    /// The order in which a question's options or items are shown, as indexes of the file.
    fn order_of(&self, question: &Question) -> Vec<usize> {
        let count = match &question.body {
            Body::Single(choices) | Body::Multi(choices) => choices.len(),
            Body::Order { items, .. } => items.len(),
            _ => 0,
        };
        let mut order: Vec<usize> = (0..count).collect();
        let of_id = question.id.bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte)));
        Rng::stream(self.seed, of_id).shuffle(&mut order);
        order
    }
}

fn confidence(prompter: &mut dyn Prompter) -> Reply<Confidence> {
    let labels = Confidence::ALL.map(|confidence| confidence.word().to_owned());
    Ok(Confidence::ALL[prompter.one("How sure are you", &labels)?.min(2)])
}

impl Answer {
    /// What the answer adds to the session's marks.
    #[must_use]
    pub fn marks(&self) -> i32 {
        self.confidence.map_or(0, |confidence| confidence.marks(self.right))
    }
}

/// Sure and wrong: what one more look mends best.
#[must_use]
pub fn sure_and_wrong(answers: &[Answer]) -> Vec<&Answer> {
    answers.iter().filter(|answer| !answer.right && answer.confidence == Some(Confidence::Sure)).collect()
}

/// What the key is, in words.
#[must_use]
pub fn key_of(question: &Question) -> String {
    match &question.body {
        Body::Single(choices) | Body::Multi(choices) => {
            let right: Vec<&str> = choices.iter().filter(|c| c.correct).map(|c| c.text.as_str()).collect();
            right.join("; ")
        }
        Body::TrueFalse { answer, .. } => answer.to_string(),
        Body::Order { items, before } => an_order(items.len(), before).iter().map(|&i| items[i].as_str()).collect::<Vec<_>>().join(" → "),
        Body::Short { accept, .. } => accept.first().cloned().unwrap_or_default(),
        Body::Numeric { answer, unit, .. } => match unit {
            // A line is named, not counted.
            Some(unit) if unit == "line" => format!("line {answer}"),
            Some(unit) => format!("{answer} {unit}"),
            None => answer.to_string(),
        },
        Body::Open { .. } => String::new(),
    }
}

/// The first order, by the file's own, that keeps all pairs. (If they form a circle, the linter has said so: stop there.)
fn an_order(items: usize, before: &[(usize, usize)]) -> Vec<usize> {
    let mut order = Vec::new();
    while let Some(next) = (0..items).find(|i| !order.contains(i) && before.iter().all(|(a, b)| b != i || order.contains(a))) {
        order.push(next);
    }
    order
}
