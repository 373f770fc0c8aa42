//! What an interviewer asks next: the question is said, answered, ticked by its own rubric, and only then compared with a good answer and
//! the reason why it is asked.

use super::going::Going;
use super::part::{Part, What};
use crate::cli::figures::percent;
use crate::cli::prompter::{Asides, Leave, Reply};
use crate::cli::quiz::rubric::{FollowUp, Point, mark};
use crate::cli::quiz::session::Marks;
use crate::cli::wrap::wrap;

/// Who has less of a follow-up's marks could not defend what was said before it.
const DEFENDED: f64 = 0.5;

/// A question that follows, and what it follows.
pub(super) struct Next<'q> {
    /// The quiz, and the id of what it follows.
    pub of: (&'q str, &'q str),
    /// What is asked.
    pub follow_up: &'q FollowUp,
    /// What one must know to answer it away from the screen.
    pub before: String,
    /// What a weak answer lacks, if that is known.
    pub weak: Option<&'q str>,
    /// What is said in the place of an answer that is not shown yet.
    pub shut: Option<String>,
    /// What the lesson says of it.
    pub lesson: Vec<String>,
}

impl Going<'_, '_> {
    /// Asks it. False: what was said before could not be defended.
    pub(super) fn push(&mut self, next: &Next<'_>) -> Reply<bool> {
        let (look, FollowUp { ask, why, answer, rubric, .. }) = (self.talk.session.look, next.follow_up);
        let mut part = Part::asked(What::FollowUp, next.of.0, next.of.1, ask);
        if let Some(before) = self.before(&part).filter(|before| !before.more.unjudged) {
            return Ok(before.score >= DEFENDED);
        }
        writeln!(self.out, "\n{}\n", (look.style.strong)(wrap(ask, "Interviewer: ", look.width).trim_end()))?;
        self.out.flush()?;
        part.more.why.clone_from(why);
        part.more.lesson.clone_from(&next.lesson);
        if next.shut.is_none() {
            part.more.answer.clone_from(answer);
        }
        let mut part = self.said(part, "Your answer", &format!("{}\n\n{ask}", next.before))?;
        self.aside(|going| {
            if rubric.is_empty() {
                // Nothing says what is looked for: the answer itself does, if there is one.
                going.shows_answer(next, "")?;
                let ways = ["well", "partly", "not really"].map(str::to_owned);
                look.options(going.out, &ways)?;
                part.score = [1.0, 0.5, 0.0][going.prompter.one("Would it have convinced you", &ways)?.min(2)];
                part.more.unjudged = false;
                going.keep(part.clone())?;
                return Ok(part.score >= DEFENDED);
            }
            loop {
                let ticked = look.mark(rubric, &[], &part.said, going.prompter, going.out)?.ticked;
                judge(&mut part, rubric, &ticked, &[], None);
                part.more.unjudged = false;
                going.keep(part.clone())?;
                let head = going.marks(&part);
                going.prompter.offer(Asides { back: true, ..Asides::default() });
                let shown = going.shows_answer(next, &head);
                going.prompter.offer(Asides::default());
                match shown {
                    // A slip among the ticks.
                    Err(Leave::Back) => {}
                    shown => return shown.map(|()| part.score >= DEFENDED),
                }
            }
        })
    }

    /// The good answer, what a weak one lacks, and why it is asked.
    fn shows_answer(&mut self, next: &Next<'_>, head: &str) -> Reply<()> {
        let (look, FollowUp { why, answer, .. }) = (self.talk.session.look, next.follow_up);
        let mut text = head.to_owned();
        match &next.shut {
            Some(shut) => text.push_str(&wrap(shut, "", look.width)),
            None if answer.is_empty() => {}
            None => {
                text.push_str(&format!("\n{}", look.model_answer(answer, &[])));
                text.push_str(
                    &next.weak.map_or(String::new(), |weak| format!("\n{}", wrap(&format!("A weak answer: {weak}"), "  ", look.width))),
                );
            }
        }
        if !why.is_empty() {
            text.push_str(&format!("\n{}\n", (look.style.dim)(wrap(why, "Why it is asked: ", look.width).trim_end())));
        }
        if text.trim().is_empty() {
            return Ok(());
        }
        look.paged(&text, "Go on", self.prompter, self.out)
    }

    /// The mark of an answer in words, and what it lacks.
    pub(super) fn marks(&self, part: &Part) -> String {
        let look = self.talk.session.look;
        let mut text = format!("\n{}\n", (look.style.strong)(&format!("{} of the points.", percent(part.score))));
        for missed in &part.missed {
            text.push_str(&wrap(missed, "  Not said: ", look.width));
        }
        for flag in &part.more.red_flags {
            text.push_str(&(look.style.wrong)(&wrap(flag, "  You said a red flag: ", look.width)));
        }
        text
    }
}

/// What was ticked, read back from what was written down.
pub(super) fn made_of(part: &Part, rubric: &[Point], red_flags: &[String]) -> Marks {
    Marks {
        ticked: (0..rubric.len()).filter(|i| part.more.made.contains(&rubric[*i].point)).collect(),
        flags: (0..red_flags.len()).filter(|i| part.more.red_flags.contains(&red_flags[*i])).collect(),
    }
}

/// Writes down what was ticked: the score, what was made and what is missing, those that are a must first, with reasons where follow-ups
/// give some.
pub(super) fn judge(part: &mut Part, rubric: &[Point], ticked: &[usize], flags: &[&String], follow_ups: Option<&[FollowUp]>) {
    part.score = mark(rubric, ticked, flags.len()).score;
    part.more.red_flags = flags.iter().map(|flag| (*flag).clone()).collect();
    part.more.made = ticked.iter().filter_map(|i| rubric.get(*i)).map(|point| point.point.clone()).collect();
    let missing = |must: bool| rubric.iter().enumerate().filter(move |(i, point)| point.must == must && !ticked.contains(i));
    let reason = |i: usize| {
        let asks = |next: &&FollowUp| next.when == Some(i);
        follow_ups.unwrap_or_default().iter().find(asks).map_or(String::new(), |next| next.why.clone())
    };
    let missed: Vec<(usize, &Point)> = missing(true).chain(missing(false)).collect();
    part.missed = missed.iter().map(|(_, point)| point.shown()).collect();
    part.more.reasons = missed.iter().map(|(i, _)| reason(*i)).collect();
    if part.more.reasons.iter().all(String::is_empty) {
        part.more.reasons.clear();
    }
    for (i, point) in rubric.iter().enumerate() {
        let Some(skill) = point.of else { continue };
        let made = u32::from(ticked.contains(&i));
        match part.more.skills.iter_mut().find(|(of, ..)| *of == skill) {
            Some((_, so_far, all)) => (*so_far, *all) = (*so_far + made, *all + 1),
            None => part.more.skills.push((skill, made, 1)),
        }
    }
    // As files have them, in one order.
    part.more.skills.sort_unstable();
}
