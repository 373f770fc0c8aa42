//! The interview itself. As in a real one, nothing is said about a quick answer until the end; after an open answer its points are
//! ticked, the interviewer asks what was left out, and then a good answer is shown. A clock stands above every question, and never cuts
//! an answer off; it stands still while one compares, which no real interview asks for. Every answer is handed over to be kept the
//! moment it is given, and again when it is judged.

pub use super::going::{Keep, Talk};

use super::choice::{Case, Choice};
use super::going::Going;
use super::part::{Part, What};
use super::push::{Next, judge, made_of};
use crate::cli::figures::plural;
use crate::cli::follow_ups;
use crate::cli::prompter::{Leave, Prompter, Reply};
use crate::cli::quiz::grade::{Chosen, Confidence};
use crate::cli::quiz::model::{Body, Question};
use crate::cli::quiz::rubric::{self, FollowUp, Point};
use crate::cli::quiz::session::{Answer, Ask, Ended, Marks, Record, about, ground, key_of};
use crate::cli::rules::Listed;
use crate::cli::wrap::wrap;
use std::io::{self, Write};

/// What an interviewer has time to ask after an exercise.
const AFTER_AN_EXERCISE: usize = 2;
/// Who names so much of an exercise's rules has understood it; nobody says all of them aloud.
const ENOUGH_RULES: f64 = 0.6;

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// How it ended.
    pub ended: Ended,
    /// What was asked and answered.
    pub parts: Vec<Part>,
}

impl Talk<'_> {
    /// Holds it. An error is the output's or the keeper's; leaving is none.
    pub fn hold(&self, choice: &Choice<'_>, prompter: &mut dyn Prompter, keep: &mut dyn Keep, out: &mut dyn Write) -> io::Result<Held> {
        self.opening(choice, out)?;
        prompter.guard(Some("leave the interview here? What was answered is kept."));
        let mut going = Going::new(self, prompter, keep, out);
        let ended = match going.all(choice) {
            Ok(()) => Ended::Done,
            Err(Leave::Quit | Leave::DontKnow | Leave::Back) => Ended::Left,
            Err(Leave::Ended(exit)) => Ended::Asked(exit),
            Err(Leave::Broken(error)) => return Err(error),
        };
        going.prompter.clock(None);
        going.prompter.guard(None);
        Ok(Held { ended, parts: going.parts })
    }

    fn opening(&self, choice: &Choice<'_>, out: &mut dyn Write) -> io::Result<()> {
        let mut parts = Vec::new();
        if !choice.quick.is_empty() {
            parts.push(plural(choice.quick.len() as u64, "quick question", "quick questions"));
        }
        if let Some((_, round)) = choice.round {
            parts.push(format!("a design round of {} minutes in {}", round.minutes, plural(round.stages.len() as u64, "stage", "stages")));
        }
        if !choice.open.is_empty() {
            parts.push(plural(choice.open.len() as u64, "open one", "open ones"));
        }
        if choice.case.is_some() {
            parts.push("one exercise".to_owned());
        }
        let look = &self.session.look;
        let quiet = if choice.quick.is_empty() { "" } else { " Nothing is said of right or wrong in a quick one until the end." };
        let still = if choice.round.is_some() || !choice.open.is_empty() { " The clock stands still while you compare." } else { "" };
        let text = format!(
            "{} minutes: {}.{quiet} Each answer is kept as it is given; Esc ends \
             the interview with the scorecard so far.{still}",
            self.minutes,
            parts.join(", ")
        );
        writeln!(out, "{}", (look.style.strong)("A mock interview"))?;
        write!(out, "{}", wrap(&text, "", look.width))?;
        if self.earlier.is_empty() {
            return Ok(());
        }
        let spent_s = (self.session.now)().saturating_sub(self.begun_unix_s);
        let over = plural(spent_s.div_ceil(60), "minute is", "minutes are");
        let kept = plural(self.earlier.len() as u64, "answer is", "answers are");
        let text = format!("You continue where you broke it off: {kept} kept, {over} over. `--new` begins another one.");
        write!(out, "{}", wrap(&text, "", look.width))
    }
}

impl Going<'_, '_> {
    fn all(&mut self, choice: &Choice<'_>) -> Reply<()> {
        for (n, ask) in choice.quick.iter().enumerate() {
            if self.is_judged(&asked(What::Quick, ask)) {
                continue;
            }
            if !self.time()? {
                return Ok(());
            }
            self.quick(ask, n + 1, choice.quick.len())?;
        }
        if let Some((topic, round)) = choice.round
            && !self.round(topic, round)?
        {
            return Ok(());
        }
        for (n, ask) in choice.open.iter().enumerate() {
            if self.is_over(ask, &asked(What::Open, ask)) {
                continue;
            }
            if !self.time()? {
                return Ok(());
            }
            self.open(ask, n + 1, choice.open.len())?;
        }
        if let Some(case) = &choice.case
            && !self.is_judged(&Part::asked(What::ToCode, &case.topic, &case.id, &asked_of(case)))
            && self.time()?
        {
            self.case(case)?;
        }
        Ok(())
    }

    fn quick(&mut self, ask: &Ask<'_>, number: usize, of: usize) -> Reply<()> {
        let (session, question) = (&self.talk.session, ask.question);
        session.show(ask, &format!("{number} of {of}"), self.prompter, self.out)?;
        let (answer, took_s) = self.timed(|going| session.answer(ask, going.prompter, &mut Recorded(going.keep), going.out))?;
        let mut part = asked(What::Quick, ask);
        part.more.took_s = took_s;
        part.said = in_words(question, &answer.chosen);
        part.score = answer.score;
        if !answer.right {
            part.missed = vec![key_of(question)];
            part.sure_and_wrong = answer.confidence == Some(Confidence::Sure);
            part.more.why.clone_from(&question.explanation);
            part.more.lesson = ask.topic.answers.get(&question.id).cloned().unwrap_or_default();
        }
        self.keep(part)
    }

    fn open(&mut self, ask: &Ask<'_>, number: usize, of: usize) -> Reply<()> {
        let Body::Open { minutes, .. } = ask.question.body else { return Ok(()) };
        self.talk.session.show(ask, &format!("{number} of {of}"), self.prompter, self.out)?;
        self.out.flush()?;
        let mut part = asked(What::Open, ask);
        part.more.minutes = minutes;
        part.more.facts.extend(ask.topic.scenario_of(ask.question).map(|scenario| ground(scenario, 80, false)));
        self.answered(ask, part, &format!("Your answer, {minutes} minutes"), (&about(ask), ""), None)
    }

    /// Takes the answer to an open question that stands on the screen (about what it is, and its time, is said to who leaves the screen), ticks it, keeps it, says what else is to be said then, pushes back,
    /// and shows a good one.
    pub(super) fn answered(
        &mut self,
        ask: &Ask<'_>,
        mut part: Part,
        message: &str,
        (about, time): (&str, &str),
        then: Option<&str>,
    ) -> Reply<()> {
        let Body::Open { model_answer, rubric, red_flags, follow_ups, .. } = &ask.question.body else { return Ok(()) };
        let (session, look) = (&self.talk.session, self.talk.session.look);
        part.more.why.clone_from(&ask.question.explanation);
        part.more.answer.clone_from(model_answer);
        part.more.lesson = lesson_of(ask);
        let mut part = self.said(part, message, format!("{time}{about}").trim_start())?;
        let (ticked, answer) = self.aside(|going| {
            let waits = part.more.unjudged;
            let Marks { ticked, flags } = match waits {
                true => look.mark(rubric, red_flags, &part.said, going.prompter, going.out)?,
                false => made_of(&part, rubric, red_flags),
            };
            let chosen = ticked.iter().copied().chain(flags.iter().map(|flag| rubric.len() + flag)).collect();
            let answer = Answer { said: part.said.clone(), ..session.judged(ask, Chosen::Options(chosen), None) };
            if waits {
                going.keep.answered(&answer)?;
                let had: Vec<&String> = flags.iter().filter_map(|flag| red_flags.get(*flag)).collect();
                judge(&mut part, rubric, &ticked, &had, Some(follow_ups));
                part.more.unjudged = false;
                going.keep(part.clone())?;
            }
            Ok((ticked, answer))
        })?;
        let next = rubric::next(follow_ups, rubric, &ticked);
        let facts = then.unwrap_or_default();
        if !facts.is_empty() && !next.is_empty() {
            self.aside(|going| look.paged(facts, "Go on", going.prompter, going.out))?;
        }
        let mut defended = true;
        // Before a good answer is shown: who has just read it is asked nothing.
        for &i in &next {
            let before = about.to_owned();
            let next = Next {
                of: (&ask.topic.id, &ask.question.id),
                follow_up: &follow_ups[i],
                before,
                weak: None,
                shut: None,
                lesson: lesson_of(ask),
            };
            defended &= self.push(&next)?;
        }
        // What cannot be defended is not known: it comes back with what was missed. Kept before anything is read: who leaves
        // there does not come by here again.
        if !defended && answer.right {
            self.keep.answered(&Answer { right: false, score: 0.0, at_unix_s: (session.now)(), ..answer })?;
        }
        self.aside(|going| {
            let others: Vec<String> = red_flags.iter().filter(|flag| !part.more.red_flags.contains(flag)).cloned().collect();
            // Behind what was asked next, it is said which answer this is about.
            let (back, facts) = match next.is_empty() {
                true => (String::new(), facts),
                false => (format!("\n{}\n", (look.style.dim)("── Back to the question before that ──")), ""),
            };
            let text = format!("{back}{}{facts}\n{}", going.marks(&part), look.model_answer(model_answer, &others));
            look.paged(&text, "Go on", going.prompter, going.out)
        })?;
        Ok(())
    }

    /// Whether an open question or a stage, with all that is asked after it, was over before the interview was broken off.
    pub(super) fn is_over(&self, ask: &Ask<'_>, asked: &Part) -> bool {
        let Body::Open { rubric, red_flags, follow_ups, .. } = &ask.question.body else { return true };
        let Some(given) = self.before(asked).filter(|part| !part.more.unjudged) else { return false };
        let next = rubric::next(follow_ups, rubric, &made_of(given, rubric, red_flags).ticked);
        next.iter().all(|&i| self.is_judged(&Part::asked(What::FollowUp, &asked.topic, &asked.id, &follow_ups[i].ask)))
    }

    fn case(&mut self, case: &Case) -> Reply<()> {
        let look = self.talk.session.look;
        let head = format!("── The exercise · {} ──", case.title);
        writeln!(self.out, "\n{}\n", (look.style.dim)(&head))?;
        let asked = asked_of(case);
        writeln!(self.out, "{}", (look.style.strong)(wrap(&asked, "", look.width).trim_end()))?;
        writeln!(self.out)?;
        let code = format!("code it: after the interview, about {}", plural(case.minutes.into(), "minute", "minutes"));
        let ways = ["discuss it now".to_owned(), code, "leave it".to_owned()];
        if self.before(&Part::asked(What::Discussed, &case.topic, &case.id, &asked)).is_some() {
            return self.discuss(case, asked);
        }
        look.options(self.out, &ways)?;
        match self.prompter.one("What would you like", &ways)? {
            0 => self.discuss(case, asked),
            1 => self.keep(Part::asked(What::ToCode, &case.topic, &case.id, &asked)),
            _ => Ok(()),
        }
    }

    /// The rules of the hidden tests are the rubric: who builds it well meets them all.
    fn discuss(&mut self, case: &Case, asked: String) -> Reply<()> {
        let look = self.talk.session.look;
        let mut part = Part::asked(What::Discussed, &case.topic, &case.id, &asked);
        part.more.why = format!("Its hidden tests hold it: `splitbrain show {}`.", case.id);
        let mut part = self.said(part, "Your answer", &asked)?;
        let rules: Vec<Point> =
            case.rules.iter().map(|rule| Point { point: rule.text.clone(), weight: 1, must: false, of: None }).collect();
        let ticked = self.aside(|going| {
            if !part.more.unjudged {
                return Ok(made_of(&part, &rules, &[]).ticked);
            }
            writeln!(going.out, "\n{}", (look.style.strong)("What its hidden tests hold"))?;
            let ticked = look.mark(&rules, &[], &part.said, going.prompter, going.out)?.ticked;
            judge(&mut part, &rules, &ticked, &[], None);
            let enough = (rules.len() as f64 * ENOUGH_RULES).ceil().max(1.0);
            part.score = (ticked.len() as f64 / enough).min(1.0);
            part.more.unjudged = false;
            writeln!(going.out, "{}", (look.style.strong)(&format!("{} of {} named.", ticked.len(), rules.len())))?;
            going.keep(part.clone())?;
            Ok(ticked)
        })?;
        let named = |(i, _): &(usize, &Listed)| !ticked.contains(i);
        let left_out: Vec<&str> = case.rules.iter().enumerate().filter(named).map(|(_, rule)| rule.name.as_str()).collect();
        for i in follow_ups::next(&case.follow_ups, &left_out, AFTER_AN_EXERCISE) {
            let next = &case.follow_ups[i];
            let shut = format!("A good answer is shown once {} passes: `splitbrain solution {}`.", case.id, case.id);
            let follow_up = FollowUp {
                ask: next.question.clone(),
                when: None,
                why: next.why.clone(),
                answer: next.answer.clone(),
                rubric: next.rubric.clone(),
            };
            self.push(&Next {
                of: (&case.topic, &case.id),
                follow_up: &follow_up,
                before: asked.clone(),
                weak: Some(&next.weak),
                shut: (!case.passed).then_some(shut),
                lesson: Vec::new(),
            })?;
        }
        Ok(())
    }
}

/// What the lesson says of a question; of a stage also what it says of its round.
fn lesson_of(ask: &Ask<'_>) -> Vec<String> {
    let id = ask.question.id.as_str();
    let round = id.split_once('/').map_or(id, |(round, _)| round);
    ask.topic.answers.get(id).or_else(|| ask.topic.answers.get(round)).cloned().unwrap_or_default()
}

/// A question that is asked.
fn asked(what: What, ask: &Ask<'_>) -> Part {
    Part::asked(what, &ask.topic.id, &ask.question.id, &ask.question.prompt)
}

/// What is asked of an exercise.
fn asked_of(case: &Case) -> String {
    format!("{} How would you build it, and what can go wrong?", case.summary)
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
