//! The menu of the program without a verb, on a terminal: what one would do next, one key each.

use super::{interview, list, quiz, review, show, watch};
use crate::cli::args::{DEADLINE, WatchArgs};
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::out::Out;
use crate::cli::prompter::{self, Leave};
use crate::cli::words::plural;
use crate::cli::wrap::wrap;
use std::io::IsTerminal as _;

/// Minutes of an interview that is begun from here.
const INTERVIEW: u32 = 45;

/// What may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Work,
    Problem,
    Review,
    Quiz,
    Interview,
    List,
    Leave,
}

/// True if somebody sits there who can choose.
pub fn offered() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks, and does what was chosen. After reading, it asks again.
pub fn ask(next: Option<&str>, fresh: bool, due: usize, out: &mut Out) -> Result<Exit> {
    let mut read = !fresh;
    loop {
        let chosen = match choose(&entries(next, fresh, read, due), out)? {
            Ok(chosen) => chosen,
            Err(exit) => return Ok(exit),
        };
        match (chosen, next) {
            (Choice::Problem, Some(id)) => {
                show::run(id, out)?;
                // It is read: the work comes first now.
                read = true;
            }
            (Choice::List, _) => {
                list::run(out)?;
            }
            (Choice::Work, Some(id)) => {
                return watch::run(&WatchArgs { id: Some(id.to_owned()), poll: false, text: false, deadline: DEADLINE }, out);
            }
            (Choice::Review, _) => return review::run(None, None, false, out),
            (Choice::Quiz, _) => return quiz::run(&quiz::Wanted::default(), out),
            (Choice::Interview, _) => {
                let wanted = interview::Wanted { minutes: INTERVIEW, topics: &[], export: None, last: false, seed: None };
                return interview::run(&wanted, out);
            }
            (Choice::Leave | Choice::Work | Choice::Problem, _) => return Ok(Exit::Passed),
        }
    }
}

/// One of the entries, or how the program ends.
fn choose(entries: &[(Choice, String)], out: &mut Out) -> Result<std::result::Result<Choice, Exit>> {
    out.print("\n");
    for (number, (_, text)) in (1..).zip(entries) {
        let entry = wrap(text, &format!("  {number}  "), out.width());
        out.print(&entry.replacen(&number.to_string(), &out.style.strong(&number.to_string()), 1));
    }
    let labels: Vec<String> = entries.iter().map(|(_, text)| text.clone()).collect();
    match prompter::for_this_process(out.ascii).menu("What now?", &labels) {
        Ok(index) => Ok(Ok(entries[index].0)),
        Err(Leave::Quit) => Ok(Ok(Choice::Leave)),
        Err(Leave::Ended(exit)) => Ok(Err(exit)),
        Err(Leave::Broken(e)) => Err(Trouble::environment(format!("the terminal cannot be read: {e}"))),
    }
}

fn entries(next: Option<&str>, fresh: bool, read: bool, due: usize) -> Vec<(Choice, String)> {
    let mut entries = Vec::new();
    if let Some(id) = next {
        // Who has never been here reads first; the editor is opened with the problem in mind.
        let problem = (Choice::Problem, format!("Read the problem: {id}"));
        let work = (Choice::Work, format!("{} {id}: checked each time you save", if fresh { "Begin" } else { "Go on with" }));
        entries.extend(if read { [work, problem] } else { [problem, work] });
    }
    if due > 0 {
        entries.push((Choice::Review, format!("Review what is due ({})", plural(due as u64, "question", "questions"))));
    }
    entries.extend([
        (Choice::Quiz, "Ten questions from all topics".to_owned()),
        (Choice::Interview, format!("A mock interview of {INTERVIEW} minutes")),
        (Choice::List, "The course, with your marks".to_owned()),
        (Choice::Leave, "Leave".to_owned()),
    ]);
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(next: Option<&str>, fresh: bool, due: usize) -> Vec<Choice> {
        entries(next, fresh, !fresh, due).into_iter().map(|(choice, _)| choice).collect()
    }

    #[test]
    fn what_is_likely_comes_first() {
        use Choice::*;
        assert_eq!(choices(Some("a"), true, 0), [Problem, Work, Quiz, Interview, List, Leave]);
        assert_eq!(choices(Some("a"), false, 3), [Work, Problem, Review, Quiz, Interview, List, Leave]);
        assert!(entries(Some("a"), true, true, 0)[0].1.starts_with("Begin a"), "what was just read is begun next");
        assert_eq!(choices(None, false, 0), [Quiz, Interview, List, Leave]);
        assert_eq!(entries(None, false, true, 1)[0].1, "Review what is due (1 question)");
    }
}
