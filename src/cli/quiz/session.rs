//! A sitting with questions: shows, asks, grades, explains, and hands each answer to whoever keeps it, at once.
//!
//! It does not know where answers are kept ([`Record`]), who answers ([`Prompter`]), or what the screen can do ([`Look`]).
//! Options are shuffled by the session's seed and the question's id, so the same seed shows the same order: a retry looks as
//! the first try did.

mod ground;
mod model_answer;
mod open;
mod question_text;
#[cfg(test)]
mod tests;

pub use ground::ground;
pub use model_answer::is_drawn;
pub use open::{Marks, OpenAnswer, about};
pub use question_text::{Look, Style};

use super::draw::shown;
use super::grade::{Chosen, Confidence, grade};
use super::model::{Body, Question, Topic};
use crate::cli::clock;
use crate::cli::error::Exit;
use crate::cli::prompter::{Asides, Leave, Prompter, Reply};
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

    /// Forgets the answer that was kept last: it was a slip.
    fn taken_back(&mut self, answer: &Answer) -> io::Result<()>;
}

impl Record for Vec<Answer> {
    fn answered(&mut self, answer: &Answer) -> io::Result<()> {
        self.push(answer.clone());
        Ok(())
    }

    fn taken_back(&mut self, _answer: &Answer) -> io::Result<()> {
        self.pop();
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
    /// The first answer to each question, in order: what counts.
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
    /// Whether to sum up at the end.
    pub summary: bool,
    /// A question as it is asked once more, after so many times: with other numbers, if it has variables.
    pub once_more: OnceMore<'a>,
}

/// A question with other numbers, if there is one.
pub type OnceMore<'a> = &'a dyn Fn(&Ask<'_>, usize) -> Option<Ask<'a>>;

impl<'a> Session<'a> {
    /// A plain session by the program's clock.
    #[must_use]
    pub fn new(seed: u64) -> Session<'a> {
        Session { seed, look: Look::default(), now: &clock::unix_s, summary: true, once_more: &|_, _| None }
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

/// A question is asked so often in one session at most, until it is answered right.
const TIMES: usize = 3;

/// One turn of a session.
#[derive(Clone, Copy)]
struct Turn<'a> {
    ask: Ask<'a>,
    /// How often it was asked before.
    before: usize,
}

/// Where one is in a session.
#[derive(Clone, Copy)]
struct At {
    /// Turns that are over, and all there are so far.
    given: usize,
    turns: usize,
    /// The questions, each counted once.
    asks: usize,
    /// Whether there is an answer of this session that can be taken back.
    back: bool,
}

impl<'a> Turn<'a> {
    /// The turn that a wrong answer leads to, later in the same session: what was just missed is learnt by being asked again.
    fn again(self, answer: &Answer) -> Option<Turn<'a>> {
        let comes = !answer.right && !self.ask.question.body.is_open() && self.before + 1 < TIMES;
        comes.then_some(Turn { before: self.before + 1, ..self })
    }
}

impl Session<'_> {
    /// Asks the questions in this order, those that are answered wrong once more behind the others; the first are answered by `answers`,
    /// those of a sitting that was broken off. An error is the output's or the record's; leaving is none.
    pub fn run(
        &self,
        asks: &[Ask<'_>],
        answers: Vec<Answer>,
        prompter: &mut dyn Prompter,
        record: &mut dyn Record,
        out: &mut dyn Write,
    ) -> io::Result<Outcome> {
        let mut turns: Vec<Turn<'_>> = asks.iter().map(|ask| Turn { ask: *ask, before: 0 }).collect();
        let again: Vec<Turn<'_>> = turns.iter().zip(&answers).filter_map(|(turn, answer)| turn.again(answer)).collect();
        turns.extend(again);
        let earlier = answers.len();
        let mut given = answers;
        let mut ended = Ended::Done;
        while given.len() < turns.len() {
            let turn = turns[given.len()];
            let at = At { given: given.len(), turns: turns.len(), asks: asks.len(), back: given.len() > earlier };
            let answered = self.turn(&turn, at, prompter, record, out).and_then(|answer| {
                turns.extend(turn.again(&answer));
                given.push(answer);
                // The next question would push this one's reasons off the screen.
                if given.len() < turns.len() { prompter.pause("Next question") } else { Ok(()) }
            });
            match answered {
                Ok(()) => {}
                Err(Leave::Back) => {
                    // What was answered another day stays.
                    let Some(slip) = (given.len() > earlier).then(|| given.pop()).flatten() else { continue };
                    record.taken_back(&slip)?;
                    // What it led to has no ground any more; it is the last that was put there.
                    if turns[given.len()].again(&slip).is_some() {
                        turns.pop();
                    }
                    writeln!(out, "\nTaken back.")?;
                }
                Err(Leave::Broken(error)) => return Err(error),
                Err(Leave::Quit | Leave::DontKnow) => ended = Ended::Left,
                Err(Leave::Ended(exit)) => ended = Ended::Asked(exit),
            }
            if ended != Ended::Done {
                break;
            }
        }
        prompter.offer(Asides::default());
        given.truncate(asks.len());
        // Of a terminal that is gone nothing is read.
        if self.summary && ended != Ended::Asked(Exit::HungUp) {
            self.look.summary(out, asks, &given)?;
            out.flush()?;
        }
        Ok(Outcome { ended, answers: given })
    }

    /// One question: asked, kept, explained; asked anew as often as its answer is taken back while its reasons are read.
    fn turn(&self, turn: &Turn<'_>, at: At, prompter: &mut dyn Prompter, record: &mut dyn Record, out: &mut dyn Write) -> Reply<Answer> {
        let number = match turn.before {
            0 => format!("{} of {}", at.given + 1, at.asks),
            _ => format!("once more, {} of {}", at.given + 1 - at.asks, at.turns - at.asks),
        };
        let ask = (self.once_more)(&turn.ask, turn.before).filter(|_| turn.before > 0 && turn.ask.question.drawn.is_some());
        let ask = ask.as_ref().unwrap_or(&turn.ask);
        loop {
            prompter.offer(Asides { dont_know: true, back: at.back });
            self.show(ask, &number, prompter, out)?;
            let answer = self.answer(ask, prompter, record, out)?;
            match self.reveal(ask, &answer, prompter, out) {
                Err(Leave::Back) => {
                    record.taken_back(&answer)?;
                    writeln!(out, "\nTaken back.")?;
                }
                revealed => return revealed.map(|()| answer),
            }
        }
    }

    /// Asks one question whose prompt stands on the screen already, keeps the answer, and says nothing of its key.
    pub fn answer(&self, ask: &Ask<'_>, prompter: &mut dyn Prompter, record: &mut dyn Record, out: &mut dyn Write) -> Reply<Answer> {
        let question = ask.question;
        let (chosen, said, confidence) = match self.choose(ask, &self.order_of(question), prompter, out) {
            // A mistake that one knows of costs nothing, as a guess.
            Err(Leave::DontKnow) => (Chosen::Nothing, String::new(), Some(Confidence::Guess)),
            chosen => {
                let (chosen, said) = chosen?;
                let confidence = if question.body.is_open() { None } else { Some(confidence(prompter)?) };
                (chosen, said, confidence)
            }
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

    /// Shows a question: where one is, what it stands on, its prompt. What does not fit the screen beside its options is turned over
    /// like a page.
    pub fn show(&self, ask: &Ask<'_>, number: &str, prompter: &mut dyn Prompter, out: &mut dyn Write) -> Reply<()> {
        let (ground, prompt) = self.look.question(ask, number);
        let options = self.labels(ask.question).map_or(0, |labels| self.look.listed(&labels).lines().count() + 1);
        // The prompt for the answer, and that for how sure one is, take two rows each.
        let room = self.look.rows.map(|rows| rows.saturating_sub(prompt.lines().count() + options + 4));
        match room {
            Some(room) if ground.lines().count() > room => self.look.paged(&ground, "The question", prompter, out)?,
            _ => write!(out, "{ground}")?,
        }
        Ok(write!(out, "{prompt}")?)
    }

    /// Shows the verdict, the key, every option with its reason, the explanation, after a wrong answer the lesson's paragraph, and sources.
    fn reveal(&self, ask: &Ask<'_>, answer: &Answer, prompter: &mut dyn Prompter, out: &mut dyn Write) -> Reply<()> {
        let text = self.look.reveal(ask, &self.order_of(ask.question), answer, &grade(ask.question, &answer.chosen));
        prompter.offer(Asides { dont_know: false, back: true });
        self.look.paged(&text, "", prompter, out)
    }

    /// Shows what can be chosen and asks for it. The result is in the order of the file, with what was written at length.
    fn choose(&self, ask: &Ask<'_>, order: &[usize], prompter: &mut dyn Prompter, out: &mut dyn Write) -> Reply<(Chosen, String)> {
        let (look, question, mut said) = (&self.look, ask.question, String::new());
        let back = |picked: Vec<usize>| -> Vec<usize> { picked.into_iter().map(|i| order[i]).collect() };
        let labels = self.labels(question).unwrap_or_default();
        if !labels.is_empty() {
            look.options(out, &labels)?;
        }
        let chosen = match &question.body {
            Body::Single(_) => Chosen::Options(back(vec![prompter.one("Your answer", &labels)?])),
            Body::Multi(_) => {
                let mut picked = back(prompter.many("All that apply", &labels, &[])?);
                picked.sort_unstable();
                Chosen::Options(picked)
            }
            Body::TrueFalse { .. } => Chosen::Truth(prompter.one("Your answer", &labels)? == 0),
            Body::Order { .. } => Chosen::Order(back(prompter.arrange("First to last", &labels)?)),
            Body::Short { .. } => Chosen::Text(prompter.text("Your answer")?),
            Body::Numeric { unit, .. } => Chosen::Number(prompter.number("Your answer", unit.as_deref())?),
            Body::Open { .. } => {
                // Whoever does not know says what they can; a point is ticked, or it is not.
                prompter.offer(Asides::default());
                let open = look.open(ask, prompter, out)?;
                said = open.text;
                Chosen::Options(open.ticked)
            }
        };
        Ok((chosen, said))
    }

    /// What there is to choose from, as it is shown; nothing where the answer is written.
    fn labels(&self, question: &Question) -> Option<Vec<String>> {
        let order = self.order_of(question);
        match &question.body {
            Body::Single(choices) | Body::Multi(choices) => Some(order.iter().map(|&i| choices[i].text.clone()).collect()),
            Body::TrueFalse { .. } => Some(["true", "false"].map(str::to_owned).to_vec()),
            Body::Order { items, .. } => Some(order.iter().map(|&i| items[i].clone()).collect()),
            Body::Short { .. } | Body::Numeric { .. } | Body::Open { .. } => None,
        }
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

/// Asked of whoever has answered: not to know is no answer to it.
fn confidence(prompter: &mut dyn Prompter) -> Reply<Confidence> {
    prompter.offer(Asides::default());
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
            // One of them is one: `1 node`.
            Some(unit) if *answer == 1.0 => format!("1 {}", unit.strip_suffix('s').unwrap_or(unit)),
            Some(unit) => format!("{} {unit}", shown(*answer, None)),
            None => shown(*answer, None),
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
