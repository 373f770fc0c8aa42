//! The menu of the program without a verb, on a terminal: what one would do next, one key each.

use super::{interview, learn, list, quiz, review, show, watch};
use crate::cli::args::{DEADLINE, WatchArgs};
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::figures::plural;
use crate::cli::out::Out;
use crate::cli::plan::Task;
use crate::cli::prompter::{self, Leave};
use crate::cli::wrap::wrap;
use std::io::IsTerminal as _;

/// What may be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Choice {
    Walk,
    Work,
    Problem,
    Learn(String, bool),
    Topic(String, usize),
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

/// What the entries follow from.
pub struct Scene {
    /// The one next thing.
    pub next: Option<Task>,
    /// The exercise that is worked on.
    pub work: Option<String>,
    /// Nothing was done here yet.
    pub fresh: bool,
    /// Whether there is a first exercise that can be walked through.
    pub walks: bool,
    /// Questions that are due.
    pub due: usize,
    /// Minutes of an interview that is begun from here.
    pub interview: u32,
}

/// Asks, and does what was chosen. After reading, it asks again.
pub fn ask(scene: &Scene, out: &mut Out) -> Result<Exit> {
    let mut read = !scene.fresh;
    loop {
        let chosen = match choose(&entries(scene, read), out)? {
            Ok(chosen) => chosen,
            Err(exit) => return Ok(exit),
        };
        match (chosen, scene.work.as_deref()) {
            (Choice::Walk, _) => {
                let exit = learn::walk(out)?;
                if exit != Exit::Passed {
                    return Ok(exit);
                }
                read = true;
            }
            (Choice::Problem, Some(id)) => {
                show::run(Some(id), out)?;
                // It is read: the work comes first now.
                read = true;
            }
            (Choice::List, _) => {
                list::run(out)?;
            }
            (Choice::Work, Some(id)) => {
                return watch::run(&WatchArgs { id: Some(id.to_owned()), poll: false, text: false, deadline: DEADLINE }, out);
            }
            (Choice::Learn(topic, skim), _) => return learn::run(Some(&topic), skim, out),
            (Choice::Topic(topic, limit), _) => {
                return quiz::run(&quiz::Wanted { topic: Some(&topic), limit: Some(limit), ..quiz::Wanted::default() }, out);
            }
            (Choice::Review, _) => return review::run(None, None, false, out),
            (Choice::Quiz, _) => return quiz::run(&quiz::Wanted::default(), out),
            (Choice::Interview, _) => {
                let wanted =
                    interview::Wanted { minutes: scene.interview, topics: &[], export: None, last: false, seed: None, anew: false };
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
        Ok(index) => Ok(Ok(entries[index].0.clone())),
        Err(Leave::Quit | Leave::DontKnow | Leave::Back) => Ok(Ok(Choice::Leave)),
        Err(Leave::Ended(exit)) => Ok(Err(exit)),
        Err(Leave::Broken(e)) => Err(Trouble::environment(format!("cannot read from the terminal: {e}"))),
    }
}

/// What may be chosen, the one next thing first.
fn entries(scene: &Scene, read: bool) -> Vec<(Choice, String)> {
    let Scene { next, work, fresh, walks, due, interview } = scene;
    let interview = || (Choice::Interview, format!("A mock interview of {interview} minutes"));
    let questions = |n: usize| plural(n as u64, "question", "questions");
    let mut entries = Vec::new();
    if *walks && !read {
        entries.push((Choice::Walk, "A guided first exercise (ten minutes)".to_owned()));
    }
    match next {
        Some(Task::Lesson { topic, skim, .. }) => {
            let verb = if *skim { "Skim" } else { "Read" };
            entries.push((Choice::Learn(topic.clone(), *skim), format!("{verb} the lesson on {topic}")));
        }
        Some(Task::Questions { topic, questions: n }) => {
            entries.push((Choice::Topic(topic.clone(), *n), format!("{} on {topic}", questions(*n))));
        }
        Some(Task::Mock { .. }) | None => entries.push(interview()),
        Some(Task::Review { .. } | Task::Exercise { .. }) => {}
    }
    let review = (Choice::Review, format!("Review what is due ({})", questions(*due)));
    let review = (*due > 0).then_some(review);
    let work = work.as_ref().map(|id| {
        // Who has never been here reads first; the editor is opened with the problem in mind.
        let problem = (Choice::Problem, format!("Read the problem: {id}"));
        let work = (Choice::Work, format!("{} {id}: checked each time you save", if *fresh { "Begin" } else { "Go on with" }));
        if read { [work, problem] } else { [problem, work] }
    });
    if matches!(next, Some(Task::Review { .. })) {
        entries.extend(review.into_iter().chain(work.into_iter().flatten()));
    } else {
        entries.extend(work.into_iter().flatten().chain(review));
    }
    entries.push((Choice::Quiz, "Ten questions from all topics".to_owned()));
    if !matches!(next, Some(Task::Mock { .. }) | None) {
        entries.push(interview());
    }
    entries.extend([(Choice::List, "The course, with your marks".to_owned()), (Choice::Leave, "Leave".to_owned())]);
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(next: Option<Task>, work: Option<&str>, fresh: bool, due: usize) -> Scene {
        Scene { next, work: work.map(str::to_owned), fresh, walks: fresh, due, interview: 20 }
    }

    fn choices(scene: &Scene) -> Vec<Choice> {
        entries(scene, !scene.fresh).into_iter().map(|(choice, _)| choice).collect()
    }

    #[test]
    fn what_is_next_comes_first() {
        use Choice::*;
        let write = || Some(Task::Exercise { id: "a".into(), begun: false, whole: true });
        let first = scene(write(), Some("a"), true, 0);
        assert_eq!(choices(&first), [Walk, Problem, Work, Quiz, Interview, List, Leave]);
        assert!(entries(&first, true)[0].1.starts_with("Begin a"), "what was just read is begun next");
        assert_eq!(choices(&scene(write(), Some("a"), false, 3)), [Work, Problem, Review, Quiz, Interview, List, Leave]);
        let review = scene(Some(Task::Review { questions: 1, due: 1 }), Some("a"), false, 1);
        assert_eq!(choices(&review), [Review, Work, Problem, Quiz, Interview, List, Leave]);
        assert_eq!(entries(&review, true)[0].1, "Review what is due (1 question)");
        let lesson = scene(Some(Task::Lesson { topic: "cap".into(), skim: true, questions: 2 }), Some("a"), false, 0);
        assert_eq!(choices(&lesson)[..2], [Learn("cap".into(), true), Work]);
        assert_eq!(entries(&lesson, true)[0].1, "Skim the lesson on cap");
        let questions = scene(Some(Task::Questions { topic: "cap".into(), questions: 9 }), Some("a"), false, 0);
        assert_eq!(choices(&questions)[..2], [Topic("cap".into(), 9), Work]);
        assert_eq!(choices(&scene(Some(Task::Mock { minutes: 20 }), None, false, 0)), [Interview, Quiz, List, Leave]);
        let all_done = scene(None, None, false, 0);
        assert_eq!(choices(&all_done), [Interview, Quiz, List, Leave]);
        assert_eq!(entries(&all_done, true)[0].1, "A mock interview of 20 minutes");
    }
}
