//! `quiz [TOPIC]`: a sitting with questions, what teaches most first. One topic is asked whole and in the order of its author;
//! mixed, it is ten questions that can be answered in a minute each.

use super::sitting::{Hall, by_the_clock};
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::nearest::nearest;
use crate::cli::out::Out;
use crate::cli::quiz::Topic;
use crate::cli::quiz::session::{in_order, mixed};
use crate::cli::sittings::{Place, Sitting};

/// Questions of a mixed quiz.
const MIXED: usize = 10;

/// What is asked for.
#[derive(Default)]
pub struct Wanted<'a> {
    /// All, mixed, without one.
    pub topic: Option<&'a str>,
    pub rule: Option<&'a str>,
    pub seed: Option<u64>,
    pub limit: Option<usize>,
    /// Also if one was broken off.
    pub anew: bool,
}

/// Where the quiz of one topic is remembered, asked whole.
pub fn place(hall: &Hall, topic: &Topic) -> Place {
    Place::of(hall.store.as_ref(), &name(Some(topic), None, None))
}

/// What tells one quiz from another.
fn name(topic: Option<&Topic>, rule: Option<&str>, limit: Option<usize>) -> String {
    let mut name = format!("quiz {}", topic.map_or("*", |topic| &topic.id));
    name.extend(rule.map(|rule| format!(" --rule {rule}")));
    name.extend(limit.map(|limit| format!(" --limit {limit}")));
    name
}

pub fn run(wanted: &Wanted<'_>, out: &mut Out) -> Result<Exit> {
    let Wanted { topic, rule, seed, limit, anew } = *wanted;
    out.wants_json()?;
    let hall = Hall::open(out)?;
    let topics = hall.topics(topic)?;
    let place = Place::of(hall.store.as_ref(), &name(topics.first().filter(|_| topic.is_some()), rule, limit));
    if !anew && let Some(sitting) = hall.broken_off(&place, &topics, seed, out) {
        return hall.sit(sitting, &place, out);
    }
    let seed = seed.unwrap_or_else(by_the_clock);
    let mut asks = match topics.as_slice() {
        [one] if topic.is_some() => in_order(one),
        all if rule.is_some() => all.iter().flat_map(in_order).collect(),
        all => {
            let mut asks = mixed(all, seed);
            // A design takes ten minutes: it has its place in a quiz of its topic, and in an interview.
            asks.retain(|ask| !ask.question.body.is_open());
            asks
        }
    };
    if let Some(rule) = rule {
        asks.retain(|ask| ask.topic.rule_of(ask.question).is_some_and(|(_, about)| about == rule));
        if asks.is_empty() {
            let where_asked = topic.map_or(String::new(), |topic| format!(" of `{topic}`"));
            let all: Vec<&str> = topics.iter().flat_map(|t| t.questions.iter().filter_map(|q| Some(t.rule_of(q)?.1))).collect();
            let near = nearest(rule, all)
                .map_or("the findings of `check` name those that are".to_owned(), |near| format!("did you mean `{near}`?"));
            return Err(Trouble::usage(format!("no question{where_asked} is about the rule `{rule}`; {near}")));
        }
    }
    if asks.is_empty() {
        return Err(Trouble::usage("the course has no questions yet"));
    }
    hall.memories.most_useful_first(&mut asks);
    asks.truncate(limit.unwrap_or(if topic.is_some() || rule.is_some() { usize::MAX } else { MIXED }));
    hall.sit(Sitting::new(asks, seed), &place, out)
}
