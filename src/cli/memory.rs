//! What a learner still remembers, and what is due: worked out anew from the kept answers each time, so that nothing can
//! drift from them. Knows nothing of files and screens.
//!
//! # Time
//! Intervals are counted in days, which end at four in the morning (`dates`). What has one of two days and was
//! answered on an evening is due the whole of the next day but one: whether one sits down earlier or later, the same questions
//! come, and nothing comes back on the day on which it was answered. Two answers are as many days apart as their days.
//!
//! A clock may have been wrong: [`answers::in_order`](super::answers::in_order) says which stamps are believed.

use super::answers::{Answers, Given, Standing, in_order};
use super::bank::{Line, Sketch};
use super::dates::{self, Now};
use super::fsrs::{Memory, Rating};
use super::quiz::grade::Confidence;
use super::quiz::model::{Question, Topic};
use super::quiz::session::Ask;
use jiff::civil::Date;
use std::collections::BTreeMap;

const DAY_S: u64 = 86_400;

/// What is known of one question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Card {
    /// Its state after the last answer.
    pub memory: Memory,
    /// When that was, as far as the clock is believed, in seconds since 1970.
    pub answered_unix_s: u64,
    /// Whether that was right.
    pub right: bool,
    /// The day of that.
    pub answered_on: Date,
    /// From which day on it is due.
    pub due_on: Date,
    /// The revision that was answered.
    pub rev: u32,
}

impl Card {
    /// With which probability it is remembered at that time.
    #[must_use]
    pub fn recall(&self, at_unix_s: u64) -> f64 {
        self.memory.recall(at_unix_s.saturating_sub(self.answered_unix_s) as f64 / DAY_S as f64)
    }
}

/// All questions that were ever answered, by topic and id.
#[derive(Clone, Debug, PartialEq)]
pub struct Memories {
    cards: BTreeMap<(String, String), Card>,
    /// How often what was answered on the last day on which anything was, and on days that are said to come after it.
    lately: BTreeMap<(Date, String, String), u64>,
    now_unix_s: u64,
    today: Date,
}

impl Memories {
    /// Replays all answers. No answer was given after `now`.
    #[must_use]
    pub fn of(answers: &Answers, now: &Now) -> Memories {
        let mut cards: BTreeMap<(String, String), Card> = BTreeMap::new();
        let all = in_order(answers.all().iter().collect(), now.unix_s);
        let last_day = all.last().map_or(now.today(), |(at, _)| now.day_of(*at));
        let mut lately = BTreeMap::new();
        for (at, given) in all {
            let key = (given.topic.clone(), given.question.clone());
            let rating = rating(given);
            let answered_on = now.day_of(at);
            if let Some(day) = Some(given.day.unwrap_or(answered_on)).filter(|day| *day >= last_day) {
                *lately.entry((day, given.topic.clone(), given.question.clone())).or_insert(0) += 1;
            }
            // Another revision asks something else.
            let memory = match cards.get(&key).filter(|card| card.rev == given.rev) {
                Some(card) => card.memory.then(rating, dates::days_between(card.answered_on, answered_on).max(0) as f64),
                None => Memory::first(rating),
            };
            let due_on = dates::plus(answered_on, days_until_due(given, rating, memory));
            cards.insert(key, Card { memory, answered_unix_s: at, answered_on, right: given.right, due_on, rev: given.rev });
        }
        Memories { cards, lately, now_unix_s: now.unix_s, today: now.today() }
    }

    /// As text, a question a line, and one for what was answered lately, from which [`Memories::from_text`] makes the same.
    #[must_use]
    pub fn to_text(&self) -> String {
        let line = |((topic, question), card): (&(String, String), &Card)| {
            let Card { memory, answered_unix_s, right, answered_on, due_on, rev } = card;
            let [stability, difficulty] = [memory.stability, memory.difficulty].map(f64::to_bits);
            let name = serde_json::json!([topic, question]);
            format!("{rev} {right} {answered_on} {due_on} {answered_unix_s} {stability} {difficulty} {name}\n")
        };
        let lately = |((day, topic, question), times): (&(Date, String, String), &u64)| {
            format!("{day} {times} {}\n", serde_json::json!([topic, question]))
        };
        let (cards, lately): (String, String) = (self.cards.iter().map(line).collect(), self.lately.iter().map(lately).collect());
        format!("{cards}\n{lately}end")
    }

    /// Reads what [`Memories::to_text`] wrote.
    #[must_use]
    pub fn from_text(text: &str, now: &Now) -> Option<Memories> {
        let line = |line: &str| {
            let mut words = line.splitn(8, ' ');
            let rev = words.next()?.parse().ok()?;
            let right = words.next()?.parse().ok()?;
            let [answered_on, due_on] = [dates::read(words.next()?)?, dates::read(words.next()?)?];
            let mut number = || words.next()?.parse::<u64>().ok();
            let answered_unix_s = number()?;
            let memory = Memory { stability: f64::from_bits(number()?), difficulty: f64::from_bits(number()?) };
            let card = Card { memory, answered_unix_s, right, answered_on, due_on, rev };
            Some((serde_json::from_str(words.next()?).ok()?, card))
        };
        let lately = |line: &str| {
            let mut words = line.splitn(3, ' ');
            let (day, times) = (dates::read(words.next()?)?, words.next()?.parse().ok()?);
            let (topic, question) = serde_json::from_str(words.next()?).ok()?;
            Some(((day, topic, question), times))
        };
        let text = text.strip_suffix("end")?;
        let (first, last) = text.strip_prefix('\n').map_or_else(|| text.split_once("\n\n"), |last| Some(("", last)))?;
        let cards = first.lines().map(line).collect::<Option<_>>()?;
        let lately = last.lines().map(lately).collect::<Option<_>>()?;
        Some(Memories { cards, lately, now_unix_s: now.unix_s, today: now.today() })
    }

    /// How the learner stands in a quiz. An answer to an older revision of a question is none to this one.
    #[must_use]
    pub fn standing_of(&self, quiz: &Sketch) -> Standing {
        let answered: Vec<&Card> = quiz.questions.iter().filter_map(|line| self.card_of(quiz, line)).collect();
        let right = answered.iter().filter(|card| card.right).count();
        Standing { questions: quiz.questions.len(), answered: answered.len(), right }
    }

    /// What was answered on a day that is not before the last one on which anything was, and how often.
    pub fn answered_on(&self, day: Date) -> impl Iterator<Item = (&str, &str, u64)> {
        let on = self.lately.iter().filter(move |((on, ..), _)| *on == day);
        on.map(|((_, topic, question), times)| (topic.as_str(), question.as_str(), *times))
    }

    /// What is known of a question as it is asked now.
    #[must_use]
    pub fn card(&self, topic: &Topic, question: &Question) -> Option<&Card> {
        self.find(&topic.id, &question.id, question.rev)
    }

    /// [`Memories::card`] for a question of a sketch.
    #[must_use]
    pub fn card_of(&self, quiz: &Sketch, line: &Line) -> Option<&Card> {
        self.find(&quiz.id, &line.id, line.rev)
    }

    fn find(&self, topic: &str, id: &str, rev: u32) -> Option<&Card> {
        self.cards.get(&(topic.to_owned(), id.to_owned())).filter(|card| card.rev == rev)
    }

    /// What is due today, the most forgotten first. What is open comes last: it takes longest.
    #[must_use]
    pub fn due<'a>(&self, topics: &'a [Topic]) -> Vec<Ask<'a>> {
        let mut due: Vec<(bool, f64, Ask<'a>)> = Vec::new();
        for topic in topics {
            for question in topic.remembered() {
                if let Some(card) = self.card(topic, question).filter(|card| card.due_on <= self.today) {
                    due.push((question.body.is_open(), card.recall(self.now_unix_s), Ask { topic, question }));
                }
            }
        }
        due.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        due.into_iter().map(|(_, _, ask)| ask).collect()
    }

    /// How many questions of a quiz are due today.
    #[must_use]
    pub fn due_of(&self, quiz: &Sketch) -> usize {
        self.due_by(quiz, self.today)
    }

    /// How many questions of a quiz will be due on that day if nothing is answered until then.
    #[must_use]
    pub fn due_by(&self, quiz: &Sketch, day: Date) -> usize {
        let all = quiz.questions.iter().chain(&quiz.stages);
        all.filter_map(|line| self.card_of(quiz, line)).filter(|card| card.due_on <= day).count()
    }

    /// In how many days the next question will be due that is not due yet.
    #[must_use]
    pub fn next_due(&self, topics: &[Topic]) -> Option<u64> {
        let cards = topics.iter().flat_map(|topic| topic.remembered().filter_map(|question| self.card(topic, question)));
        let days = cards.map(|card| dates::days_between(self.today, card.due_on));
        days.filter(|days| *days > 0).min().map(i64::unsigned_abs)
    }

    /// Puts first what teaches most: what was wrong or was never asked, then what is due, then the rest by how much of it is
    /// forgotten, then what was wrong today already: its answer is still in the ear. Within the first two the order stays.
    pub fn most_useful_first(&self, asks: &mut [Ask<'_>]) {
        let rank = |ask: &Ask<'_>| match self.card(ask.topic, ask.question) {
            None => (0, 0.0),
            Some(card) if !card.right && card.answered_on == self.today => (3, 0.0),
            Some(card) if !card.right => (0, 0.0),
            Some(card) if card.due_on <= self.today => (1, 0.0),
            Some(card) => (2, card.recall(self.now_unix_s)),
        };
        asks.sort_by(|a, b| {
            let (a, b) = (rank(a), rank(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
    }
}

/// Days after which what an answer in words has missed comes back.
const MISSED_IN_WORDS: i64 = 3;

/// Days until a question is due. A design that lacks something is not drilled on the next evening, when its model answer is still in the
/// ear: it comes back in three days, to be built anew; what was said well comes no sooner. So an open answer, or a stage of a round, need
/// only be kept with its score, as any other answer is: what was missed is worked out here. Of a stage whose follow-up was not answered
/// the interview keeps a second answer, a wrong one.
fn days_until_due(given: &Given, rating: Rating, memory: Memory) -> i64 {
    let days = i64::from(memory.interval_days());
    match given.confidence {
        Some(_) => days,
        None if rating < Rating::Good => MISSED_IN_WORDS,
        None => days.max(MISSED_IN_WORDS),
    }
}

/// What an answer says about a memory. What was right by guessing was hardly known; what was chosen was never easy. Of an open
/// answer, three quarters of the points are good.
#[must_use]
pub fn rating(given: &Given) -> Rating {
    match given.confidence {
        _ if !given.right => Rating::Again,
        Some(Confidence::Guess) => Rating::Hard,
        None if given.score < 0.75 => Rating::Hard,
        _ => Rating::Good,
    }
}

#[cfg(test)]
mod tests;
