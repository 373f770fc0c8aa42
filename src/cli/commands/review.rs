//! `review`: the questions that are due today, the most forgotten first. What was never asked is for `quiz`.

use super::sitting::{Hall, by_the_clock};
use crate::cli::error::{Exit, Result};
use crate::cli::out::Out;
use crate::cli::words::plural;

pub fn run(limit: Option<usize>, seed: Option<u64>, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let hall = Hall::open(out)?;
    let topics = hall.topics(None)?;
    let mut asks = hall.memories.due(&topics, hall.now_unix_s);
    let due = asks.len();
    if due == 0 {
        if !json {
            let next = match hall.memories.next_due(&topics, hall.now_unix_s) {
                Some(next) => format!("the next question is due {}", when(next - hall.now_unix_s)),
                None => "what you answer in `splitbrain quiz` comes back here when you are about to forget it".to_owned(),
            };
            out.print(&format!("Nothing is due; {next}.\n"));
        }
        return Ok(Exit::Passed);
    }
    asks.truncate(limit.unwrap_or(usize::MAX));
    if asks.len() < due && !json {
        out.print(&format!("{} due, the {} most forgotten of them now.\n", plural(due as u64, "question is", "questions are"), asks.len()));
    }
    hall.sit(&asks, seed.unwrap_or_else(by_the_clock), out)
}

/// `in 3 hours`, `in 2 days`, rounded up: nobody comes too early.
fn when(seconds: u64) -> String {
    let hours = seconds.div_ceil(3_600);
    if hours <= 36 { format!("in {}", plural(hours, "hour", "hours")) } else { format!("in {}", plural(hours.div_ceil(24), "day", "days")) }
}

#[cfg(test)]
mod tests {
    use super::when;

    #[test]
    fn waiting_is_said_in_hours_or_days() {
        assert_eq!([when(1), when(3_601), when(36 * 3_600)], ["in 1 hour", "in 2 hours", "in 36 hours"]);
        assert_eq!([when(36 * 3_600 + 1), when(90 * 86_400)], ["in 2 days", "in 90 days"]);
    }
}
