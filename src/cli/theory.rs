//! Which questions are about which hidden test: what a finding of `check` points to. The bank is read when the first finding asks,
//! once; a check that finds nothing never waits for it.

use super::bank;
use super::content::Content;
use super::figures::plural;
use std::sync::{Arc, OnceLock};

/// One question: the exercise and the rule that it is about, and the quiz that asks it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct About {
    exercise: String,
    rule: String,
    quiz: String,
}

/// The questions of the course by what they are about. The default knows none.
#[derive(Clone, Debug, Default)]
pub struct Theory {
    content: Option<Content>,
    all: Arc<OnceLock<Vec<About>>>,
}

impl Theory {
    /// The questions of that content.
    #[must_use]
    pub fn of(content: Content) -> Theory {
        Theory { content: Some(content), all: Arc::default() }
    }

    /// What asks for the questions about a rule of an exercise, with how many there are.
    #[must_use]
    pub fn command(&self, exercise: &str, rule: &str) -> Option<String> {
        let about: Vec<&About> = self.all().iter().filter(|q| q.exercise == exercise && q.rule == rule).collect();
        let quiz = &about.first()?.quiz;
        // One quiz is named, so that an equal name of another exercise's rule does not mix in.
        let one = if about.iter().all(|q| q.quiz == *quiz) { format!("{quiz} ") } else { String::new() };
        Some(format!("splitbrain quiz {one}--rule {rule} ({})", plural(about.len() as u64, "question", "questions")))
    }

    fn all(&self) -> &[About] {
        self.all.get_or_init(|| self.content.as_ref().and_then(read).unwrap_or_default())
    }
}

/// A bank that cannot be read is its author's affair, and points nowhere.
fn read(content: &Content) -> Option<Vec<About>> {
    let course = content.course().ok()?;
    let mut all = Vec::new();
    for name in bank::names(&course) {
        let Ok(topic) = bank::outline(content, name) else { continue };
        for question in &topic.questions {
            if let Some((exercise, rule)) = topic.rule_of(question) {
                all.push(About { exercise: exercise.to_owned(), rule: rule.to_owned(), quiz: name.to_owned() });
            }
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::rules;
    use std::collections::BTreeSet;

    #[test]
    fn a_rule_leads_to_its_questions() {
        let theory = Theory::of(Content::Embedded);
        let command = theory.command("raft_election", "election_timer_resets").unwrap();
        assert_eq!(command, "splitbrain quiz consensus --rule election_timer_resets (1 question)");
        let across = theory.command("raft_election", "one_vote_per_term").unwrap();
        assert!(across.starts_with("splitbrain quiz --rule one_vote_per_term ("), "two quizzes ask for it: {across}");
        assert_eq!(theory.command("raft_election", "no_crash"), None);
        assert_eq!(Theory::default().command("raft_election", "one_vote_per_term"), None);
    }

    #[test]
    fn every_exercise_is_asked_about_and_every_rule_that_is_named_is_there() {
        let course = Content::Embedded.course().unwrap();
        let theory = Theory::of(Content::Embedded);
        for id in course.exercises() {
            let known: BTreeSet<String> = rules::names(&Content::Embedded, id).into_iter().collect();
            let named: BTreeSet<String> = theory.all().iter().filter(|q| q.exercise == id).map(|q| q.rule.clone()).collect();
            assert!(named.len() >= 2, "{id}: {named:?}");
            assert!(named.is_subset(&known), "{id}: {:?}", named.difference(&known));
        }
    }
}
