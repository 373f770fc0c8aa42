//! `review`: the questions that are due today, the most forgotten first. What was never asked is for `quiz`.

use super::sitting::{Hall, by_the_clock};
use crate::cli::dates::Now;
use crate::cli::error::{Exit, Result};
use crate::cli::figures::plural;
use crate::cli::out::Out;
use crate::cli::sittings::{Place, Sitting};

pub fn run(limit: Option<usize>, seed: Option<u64>, anew: bool, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let hall = Hall::open(out)?;
    let topics = hall.topics(None)?;
    // Of a day: tomorrow other questions are due.
    let most = limit.map_or(String::new(), |limit| format!(" --limit {limit}"));
    let place = Place::of(hall.store.as_ref(), &format!("review {}{most}", Now::here().today()));
    if !anew && let Some(sitting) = hall.broken_off(&place, &topics, seed, out) {
        return hall.sit(sitting, &place, out);
    }
    let mut asks = hall.memories.due(&topics);
    let due = asks.len();
    if due == 0 {
        if !json {
            let next = match hall.memories.next_due(&topics) {
                Some(days) => format!("the next question is due {}", when(days)),
                None => "questions that you answer in `splitbrain quiz` come back here when you are about to forget them".to_owned(),
            };
            out.print(&format!("Nothing is due; {next}.\n"));
        }
        return Ok(Exit::Passed);
    }
    asks.truncate(limit.unwrap_or(usize::MAX));
    if asks.len() < due && !json {
        out.print(&format!(
            "{} due; now the {} that you are most likely to have forgotten.\n",
            plural(due as u64, "question is", "questions are"),
            asks.len()
        ));
    }
    hall.sit(Sitting::new(asks, seed.unwrap_or_else(by_the_clock)), &place, out)
}

/// `tomorrow`, `in 3 days`.
fn when(days: u64) -> String {
    if days == 1 { "tomorrow".to_owned() } else { format!("in {}", plural(days, "day", "days")) }
}
