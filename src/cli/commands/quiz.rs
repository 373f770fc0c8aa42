//! `quiz [TOPIC]`: a sitting with questions, what teaches most first. One topic is asked whole and in the order of its author;
//! mixed, it is ten questions that can be answered in a minute each.

use super::sitting::{Hall, by_the_clock};
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::out::Out;
use crate::cli::quiz::session::{in_order, mixed};
use crate::cli::words::nearest;

/// Questions of a mixed quiz.
const MIXED: usize = 10;

pub fn run(topic: Option<&str>, rule: Option<&str>, seed: Option<u64>, limit: Option<usize>, out: &mut Out) -> Result<Exit> {
    out.wants_json()?;
    let hall = Hall::open(out)?;
    let topics = hall.topics(topic)?;
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
            return Err(Trouble::usage(format!("no question{where_asked} is about a rule `{rule}`; {near}")));
        }
    }
    if asks.is_empty() {
        return Err(Trouble::usage("the course has no questions yet"));
    }
    hall.memories.most_useful_first(&mut asks);
    asks.truncate(limit.unwrap_or(if topic.is_some() || rule.is_some() { usize::MAX } else { MIXED }));
    hall.sit(&asks, seed, out)
}
