//! What a learner still remembers, and what is due: worked out anew from the kept answers each time, so that nothing can
//! drift from them. Knows nothing of files and screens.
//!
//! # Time
//! Stamps are seconds since 1970, so a journey through time zones and a summer time change nothing. What has an interval of
//! two days is due from a day and a half on: an evening's question is due the next-but-one evening, whether one sits down an
//! hour earlier or later; and two answers are a day apart in the same sense, rounded.
//!
//! A clock may have been wrong: [`answers::in_order`](super::answers::in_order) says which stamps are believed.

use super::answers::{Answers, Given, in_order};
use super::fsrs::{Memory, Rating};
use super::quiz::grade::Confidence;
use super::quiz::model::{Question, Topic};
use super::quiz::session::Ask;
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
    /// From when on it is due.
    pub due_unix_s: u64,
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memories {
    cards: BTreeMap<(String, String), Card>,
}

impl Memories {
    /// Replays all answers. `now` is the present clock: no answer was given after it.
    #[must_use]
    pub fn of(answers: &Answers, now_unix_s: u64) -> Memories {
        let mut cards: BTreeMap<(String, String), Card> = BTreeMap::new();
        for (at, given) in in_order(answers.all().iter().collect(), now_unix_s) {
            let key = (given.topic.clone(), given.question.clone());
            let rating = rating(given);
            // Another revision asks something else.
            let memory = match cards.get(&key).filter(|card| card.rev == given.rev) {
                Some(card) => card.memory.then(rating, days_between(card.answered_unix_s, at)),
                None => Memory::first(rating),
            };
            let due = at + u64::from(memory.interval_days()) * DAY_S - DAY_S / 2;
            cards.insert(key, Card { memory, answered_unix_s: at, right: given.right, due_unix_s: due, rev: given.rev });
        }
        Memories { cards }
    }

    /// What is known of a question as it is asked now.
    #[must_use]
    pub fn card(&self, topic: &Topic, question: &Question) -> Option<&Card> {
        self.card_of(&topic.id, &question.id, question.rev)
    }

    /// [`Memories::card`] for a question of which only id and revision are known.
    #[must_use]
    pub fn card_of(&self, topic: &str, id: &str, rev: u32) -> Option<&Card> {
        self.cards.get(&(topic.to_owned(), id.to_owned())).filter(|card| card.rev == rev)
    }

    /// What will be due at that time if nothing is answered until then, the most forgotten first. What is open comes last: it
    /// takes longest.
    #[must_use]
    pub fn due<'a>(&self, topics: &'a [Topic], at_unix_s: u64) -> Vec<Ask<'a>> {
        let mut due: Vec<(bool, f64, Ask<'a>)> = Vec::new();
        for topic in topics {
            for question in &topic.questions {
                if let Some(card) = self.card(topic, question).filter(|card| card.due_unix_s <= at_unix_s) {
                    due.push((question.body.is_open(), card.recall(at_unix_s), Ask { topic, question }));
                }
            }
        }
        due.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        due.into_iter().map(|(_, _, ask)| ask).collect()
    }

    /// When the next question will be due that is not due yet, in seconds since 1970.
    #[must_use]
    pub fn next_due(&self, topics: &[Topic], now_unix_s: u64) -> Option<u64> {
        let cards = topics.iter().flat_map(|topic| topic.questions.iter().filter_map(|question| self.card(topic, question)));
        cards.map(|card| card.due_unix_s).filter(|due| *due > now_unix_s).min()
    }

    /// Puts first what teaches most: what was wrong or was never asked, then what is due, then the rest by how much of it is
    /// forgotten. Within the first two the order stays.
    pub fn most_useful_first(&self, asks: &mut [Ask<'_>], now_unix_s: u64) {
        let rank = |ask: &Ask<'_>| match self.card(ask.topic, ask.question) {
            None => (0, 0.0),
            Some(card) if !card.right => (0, 0.0),
            Some(card) if card.due_unix_s <= now_unix_s => (1, 0.0),
            Some(card) => (2, card.recall(now_unix_s)),
        };
        asks.sort_by(|a, b| {
            let (a, b) = (rank(a), rank(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
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

/// Days from one answer to the next, to the nearest; less than one is the same day.
fn days_between(before: u64, after: u64) -> f64 {
    ((after.saturating_sub(before) + DAY_S / 2) / DAY_S) as f64
}

#[cfg(test)]
mod tests;
