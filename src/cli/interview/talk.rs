//! The interview itself. As in a real one, nothing is said about a quick answer until the end; after an open answer there is the
//! rubric, and what an interviewer asks next. The clock is shown between questions, and never cuts an answer off. Every answer
//! is handed over to be kept the moment it is given.

use super::choice::{Case, Choice};
use super::history::{Part, What};
use crate::cli::figures::{percent, plural};
use crate::cli::follow_ups;
use crate::cli::prompter::{Leave, Prompter, Reply};
use crate::cli::quiz::grade::{Chosen, Confidence};
use crate::cli::quiz::model::{Body, Point, Question};
use crate::cli::quiz::session::{Answer, Ask, Ended, Record, Session, key_of, mentioned};
use crate::cli::wrap::wrap;
use std::io::{self, Write};

/// What an interviewer has time to ask after an open question.
const FOLLOW_UPS: usize = 2;
/// Who names so much of an exercise's rules has understood it; nobody says all of them aloud.
const ENOUGH_RULES: f64 = 0.6;

/// Whoever keeps an interview: answers to questions for the learner's memory, and each part for the scorecard.
pub trait Keep: Record {
    /// Keeps one part. An error ends the interview.
    fn part(&mut self, part: &Part) -> io::Result<()>;
}

/// An interview that is held.
pub struct Talk<'a> {
    /// Shows and asks; has the clock.
    pub session: Session<'a>,
    /// Its length.
    pub minutes: u32,
    /// When it began, in seconds since 1970.
    pub begun_unix_s: u64,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// How it ended.
    pub ended: Ended,
    /// What was asked and answered.
    pub parts: Vec<Part>,
}

/// One that is going on.
struct Going<'t, 'a> {
    talk: &'t Talk<'a>,
    prompter: &'t mut dyn Prompter,
    keep: &'t mut dyn Keep,
    out: &'t mut dyn Write,
    parts: Vec<Part>,
    /// Whether the learner was asked to go on after the time.
    overtime: bool,
}

impl Talk<'_> {
    /// Holds it. An error is the output's or the keeper's; leaving is none.
    pub fn hold(&self, choice: &Choice<'_>, prompter: &mut dyn Prompter, keep: &mut dyn Keep, out: &mut dyn Write) -> io::Result<Held> {
        self.opening(choice, out)?;
        let mut going = Going { talk: self, prompter, keep, out, parts: Vec::new(), overtime: false };
        let ended = match going.all(choice) {
            Ok(()) => Ended::Done,
            Err(Leave::Quit | Leave::DontKnow | Leave::Back) => Ended::Left,
            Err(Leave::Ended(exit)) => Ended::Asked(exit),
            Err(Leave::Broken(error)) => return Err(error),
        };
        Ok(Held { ended, parts: going.parts })
    }

    fn opening(&self, choice: &Choice<'_>, out: &mut dyn Write) -> io::Result<()> {
        let mut parts = Vec::new();
        if !choice.quick.is_empty() {
            parts.push(plural(choice.quick.len() as u64, "quick question", "quick questions"));
        }
        if !choice.open.is_empty() {
            parts.push(plural(choice.open.len() as u64, "open one", "open ones"));
        }
        if choice.case.is_some() {
            parts.push("one exercise".to_owned());
        }
        let look = &self.session.look;
        let text = format!(
            "{} minutes: {}. Nothing is said of right or wrong until the end. Each answer is kept as it is given; Esc ends the interview with the scorecard so far.",
            self.minutes,
            parts.join(", ")
        );
        writeln!(out, "{}", (look.style.strong)("A mock interview"))?;
        write!(out, "{}", wrap(&text, "", look.width))
    }

    /// Seconds that are left; negative after the time.
    fn left_s(&self) -> i64 {
        let spent = (self.session.now)().saturating_sub(self.begun_unix_s);
        i64::from(self.minutes) * 60 - i64::try_from(spent).unwrap_or(i64::MAX)
    }
}

impl Going<'_, '_> {
    fn all(&mut self, choice: &Choice<'_>) -> Reply<()> {
        for (n, ask) in choice.quick.iter().enumerate() {
            if !self.time()? {
                return Ok(());
            }
            self.quick(ask, n + 1, choice.quick.len())?;
        }
        for (n, ask) in choice.open.iter().enumerate() {
            if !self.time()? {
                return Ok(());
            }
            self.open(ask, n + 1, choice.open.len())?;
        }
        if let Some(case) = &choice.case
            && self.time()?
        {
            self.case(case)?;
        }
        Ok(())
    }

    /// Says what time is left. When none is, asks once whether to go on; false: no.
    fn time(&mut self) -> Reply<bool> {
        let left = self.talk.left_s();
        let style = self.talk.session.look.style;
        if left <= 0 && !self.overtime {
            writeln!(self.out, "\n{}", (style.strong)("The time is up."))?;
            self.out.flush()?;
            self.overtime = true;
            return self.prompter.confirm("Go on with what is left all the same", false);
        }
        let said = match u64::try_from(left) {
            Ok(left) => format!("{} left", plural(left.div_ceil(60), "minute", "minutes")),
            Err(_) => format!("{} over the time", plural(left.unsigned_abs().div_ceil(60), "minute", "minutes")),
        };
        writeln!(self.out, "\n{}", (style.dim)(&format!("[{said}]")))?;
        Ok(true)
    }

    fn keep(&mut self, part: Part) -> Reply<()> {
        self.keep.part(&part)?;
        self.parts.push(part);
        Ok(())
    }

    fn quick(&mut self, ask: &Ask<'_>, number: usize, of: usize) -> Reply<()> {
        let session = &self.talk.session;
        session.show(ask, &format!("{number} of {of}"), self.prompter, self.out)?;
        let answer = session.answer(ask, self.prompter, &mut Recorded(self.keep), self.out)?;
        let missed = if answer.right { Vec::new() } else { vec![key_of(ask.question)] };
        self.keep(Part {
            what: What::Quick,
            topic: answer.topic.clone(),
            id: answer.question.clone(),
            asked: ask.question.prompt.clone(),
            said: in_words(ask.question, &answer.chosen),
            score: answer.score,
            missed,
            sure_and_wrong: !answer.right && answer.confidence == Some(Confidence::Sure),
        })
    }

    fn open(&mut self, ask: &Ask<'_>, number: usize, of: usize) -> Reply<()> {
        let Body::Open { rubric, follow_ups, .. } = &ask.question.body else { return Ok(()) };
        let session = &self.talk.session;
        session.show(ask, &format!("{number} of {of}"), self.prompter, self.out)?;
        let said = session.look.open(ask.question, self.prompter, self.out)?;
        let answer = session.judged(ask, Chosen::Options(said.ticked.clone()), None);
        self.keep.answered(&answer)?;
        let part = part_of(&answer, ask.question, said.text, rubric, &said.ticked);
        self.points(&part)?;
        self.keep(part)?;
        for next in follow_ups.iter().take(FOLLOW_UPS) {
            self.follow_up(&ask.topic.id, &ask.question.id, next, None)?;
        }
        Ok(())
    }

    fn points(&mut self, part: &Part) -> Reply<()> {
        let look = self.talk.session.look;
        writeln!(self.out, "{}", (look.style.strong)(&format!("{} of the points.", percent(part.score))))?;
        for missed in &part.missed {
            write!(self.out, "{}", wrap(missed, "  Not said: ", look.width))?;
        }
        Ok(())
    }

    /// Asks one more; what there is to compare with is shown before the answer is judged.
    fn follow_up(&mut self, topic: &str, id: &str, next: &str, compare: Option<String>) -> Reply<()> {
        let look = self.talk.session.look;
        let question = wrap(next, "And then: ", look.width);
        writeln!(self.out, "\n{}", (look.style.strong)(question.trim_end()))?;
        self.out.flush()?;
        let said = self.prompter.essay("Your answer", next)?;
        if let Some(compare) = compare {
            write!(self.out, "\n{compare}\n")?;
        }
        let ways = ["well", "partly", "not really"].map(str::to_owned);
        look.options(self.out, &ways)?;
        let score = [1.0, 0.5, 0.0][self.prompter.one("Would it have convinced you: well, partly, not really", &ways)?.min(2)];
        self.keep(Part {
            what: What::FollowUp,
            topic: topic.to_owned(),
            id: id.to_owned(),
            asked: next.to_owned(),
            said,
            score,
            missed: Vec::new(),
            sure_and_wrong: false,
        })
    }

    fn case(&mut self, case: &Case) -> Reply<()> {
        let look = self.talk.session.look;
        let head = format!("── The exercise · {} ──", case.title);
        writeln!(self.out, "\n{}\n", (look.style.dim)(&head))?;
        let asked = format!("{} How would you build it, and what can go wrong?", case.summary);
        writeln!(self.out, "{}", (look.style.strong)(wrap(&asked, "", look.width).trim_end()))?;
        writeln!(self.out)?;
        let code = format!("code it: after the interview, about {}", plural(case.minutes.into(), "minute", "minutes"));
        let ways = ["discuss it now".to_owned(), code, "leave it".to_owned()];
        look.options(self.out, &ways)?;
        match self.prompter.one("What would you like", &ways)? {
            0 => self.discuss(case, asked),
            1 => self.keep(Part { what: What::ToCode, ..about(case, asked) }),
            _ => Ok(()),
        }
    }

    /// The rules of the hidden tests are the rubric: who builds it well meets them all.
    fn discuss(&mut self, case: &Case, asked: String) -> Reply<()> {
        let look = self.talk.session.look;
        let said = self.prompter.essay("Your answer", &asked)?;
        writeln!(self.out, "\n{}", (look.style.strong)("What its hidden tests hold"))?;
        let rules: Vec<String> = case.rules.iter().map(|rule| rule.text.clone()).collect();
        look.options(self.out, &rules)?;
        let points: Vec<Point> = rules.iter().map(|text| Point { point: text.clone(), weight: 1, must: false }).collect();
        let ticked = self.prompter.many("Which of these did you say", &rules, &mentioned(&points, &said))?;
        let enough = (rules.len() as f64 * ENOUGH_RULES).ceil().max(1.0);
        let missed = rules.iter().enumerate().filter(|(i, _)| !ticked.contains(i)).map(|(_, rule)| rule.clone()).collect();
        let score = (ticked.len() as f64 / enough).min(1.0);
        let part = Part { said, score, missed, ..about(case, asked) };
        writeln!(self.out, "{}", (look.style.strong)(&format!("{} of {} named.", ticked.len(), rules.len())))?;
        self.keep(part)?;
        for next in case.follow_ups.iter().take(FOLLOW_UPS) {
            let compare = if case.passed {
                format!(
                    "{}\n{}",
                    (look.style.strong)("A good answer"),
                    follow_ups::answer(next, "  ", look.width, crate::cli::style::Style::PLAIN)
                )
            } else {
                wrap(&format!("A good answer is shown once {} passes: `splitbrain solution {}`.", case.id, case.id), "", look.width)
            };
            self.follow_up(&case.topic, &case.id, &next.question, Some(compare))?;
        }
        Ok(())
    }
}

fn about(case: &Case, asked: String) -> Part {
    Part {
        what: What::Discussed,
        topic: case.topic.clone(),
        id: case.id.clone(),
        asked,
        said: String::new(),
        score: 0.0,
        missed: Vec::new(),
        sure_and_wrong: false,
    }
}

fn part_of(answer: &Answer, question: &Question, said: String, rubric: &[Point], ticked: &[usize]) -> Part {
    let not_said = |must: bool| {
        let points = rubric.iter().enumerate().filter(move |(i, point)| point.must == must && !ticked.contains(i));
        points.map(move |(_, point)| format!("{}{}", point.point, if must { " (a must)" } else { "" }))
    };
    Part {
        what: What::Open,
        topic: answer.topic.clone(),
        id: answer.question.clone(),
        asked: question.prompt.clone(),
        said,
        score: answer.score,
        missed: not_said(true).chain(not_said(false)).collect(),
        sure_and_wrong: false,
    }
}

/// What was chosen, as a person would say it.
fn in_words(question: &Question, chosen: &Chosen) -> String {
    let texts = |indexes: &[usize], between: &str, text: &dyn Fn(usize) -> Option<String>| {
        indexes.iter().filter_map(|i| text(*i)).collect::<Vec<_>>().join(between)
    };
    match (chosen, &question.body) {
        (Chosen::Options(indexes), body) => texts(indexes, "; ", &|i| body.choices().get(i).map(|choice| choice.text.clone())),
        (Chosen::Order(indexes), Body::Order { items, .. }) => texts(indexes, " → ", &|i| items.get(i).cloned()),
        (other, _) => other.to_string(),
    }
}

/// A keeper of interviews where one of answers is asked for.
struct Recorded<'a>(&'a mut dyn Keep);

impl Record for Recorded<'_> {
    fn answered(&mut self, answer: &Answer) -> io::Result<()> {
        self.0.answered(answer)
    }

    fn taken_back(&mut self, answer: &Answer) -> io::Result<()> {
        self.0.taken_back(answer)
    }
}
