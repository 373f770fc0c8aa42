//! What there is to do, from what is known of a learner: the planner's view of the topics, what of today is done already, and the
//! one next thing. Shared by `plan`, `progress`, `interview` and the program without a verb. Pure: reads no file and no clock.

use super::appointment::Appointment;
use super::bank::Sketch;
use super::course::Course;
use super::dates::{self, Now};
use super::memory::Memories;
use super::plan::{self, Exercise, Frame, Mocks, Plan, SKIM_QUESTIONS, Task};
use super::progress::{Entry, Progress};
use std::collections::BTreeMap;

/// Minutes that a check without a pass stands for.
const MINUTES_A_CHECK: u64 = 5;
/// What is left of an exercise that was worked at, at least.
const LEAST_LEFT: u32 = 15;
/// Minutes of an evening for who has made no plan.
pub const AN_EVENING: u32 = 45;

/// Longer evenings nobody has, beside a day's work.
const LONGEST: u32 = 120;
/// Who has made no plan is taken to have so many evenings.
const EVENINGS: usize = 30;

/// All that is known of a learner.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The course.
    pub course: &'a Course,
    /// Its quizzes.
    pub quizzes: &'a [Sketch],
    /// Minutes of each exercise.
    pub minutes: &'a BTreeMap<String, u32>,
    /// What is remembered of what was answered.
    pub memories: &'a Memories,
    /// What was checked.
    pub progress: &'a Progress,
    /// Days on which a mock interview was held.
    pub mocks: &'a [jiff::civil::Date],
    /// The moment.
    pub now: &'a Now,
}

impl Known<'_> {
    /// The topics as the planner sees them.
    #[must_use]
    pub fn topics(&self) -> Vec<plan::Topic> {
        self.course.topics.iter().map(|topic| self.topic(topic)).collect()
    }

    fn topic(&self, topic: &super::course::Topic) -> plan::Topic {
        let quiz = self.quizzes.iter().find(|quiz| Some(&quiz.id) == topic.quiz.as_ref());
        let standing = quiz.map(|quiz| self.memories.standing_of(quiz)).unwrap_or_default();
        let (mut new, mut quick, mut answered_minutes) = (Vec::new(), 0, 0.0);
        for (quiz, line) in quiz.into_iter().flat_map(|quiz| quiz.questions.iter().map(move |line| (quiz, line))) {
            let minutes = plan::minutes_of(line.open_minutes);
            if self.memories.card_of(quiz, line).is_some() {
                answered_minutes += minutes;
            } else {
                quick += usize::from(line.open_minutes.is_none());
                new.push(minutes);
            }
        }
        let lesson = quiz.and_then(|quiz| quiz.lesson.as_ref());
        let asked = lesson.map_or(0, |lesson| lesson.asked.len()).min(quick);
        let left = topic.exercises.iter().filter(|id| !self.progress.passed(id));
        plan::Topic {
            id: topic.quiz.clone().unwrap_or_else(|| topic.id.clone()),
            weight: topic.weight,
            questions: standing.questions,
            known: standing.right,
            wrong: standing.answered - standing.right,
            pace: if new.is_empty() { 1.0 } else { new.iter().sum::<f64>() / new.len() as f64 },
            answered_minutes,
            // Without questions nothing would ever show that a lesson was read.
            fresh: standing.answered == 0 && standing.questions > 0 && lesson.is_some(),
            lesson_minutes: plan::minutes_of_lesson(lesson.map_or(0.0, |lesson| lesson.minutes), asked),
            skim_minutes: plan::minutes_of_lesson(lesson.map_or(0.0, |lesson| lesson.skim_minutes), asked.min(SKIM_QUESTIONS)),
            lesson_questions: asked,
            exercises: left.map(|id| self.exercise(id)).collect(),
            also: topic.also.clone(),
            passed: topic.practice().filter(|id| self.progress.passed(id)).count(),
        }
    }

    fn exercise(&self, id: &str) -> Exercise {
        Exercise { id: id.to_owned(), minutes: self.minutes_left(id), begun: !self.progress.of(id).checked.is_empty() }
    }

    /// Whether no exercise was passed yet.
    fn warm_up(&self) -> bool {
        !self.course.exercises().any(|id| self.progress.passed(id))
    }

    fn minutes_of(&self, exercise: &str) -> u32 {
        self.minutes.get(exercise).copied().unwrap_or(30)
    }

    /// Of an exercise that was worked at before today, half is taken to be done.
    fn minutes_left(&self, exercise: &str) -> u32 {
        let begun = self.progress.of(exercise).checked.keys().any(|day| *day < self.now.today());
        let minutes = self.minutes_of(exercise);
        if begun { (minutes / 2).max(LEAST_LEFT.min(minutes)) } else { minutes }
    }

    /// Minutes that what was done today is worth.
    #[must_use]
    pub fn spent_today(&self) -> u32 {
        let today = self.now.today();
        let question = |topic: &str, id: &str| {
            let quiz = self.quizzes.iter().find(|quiz| quiz.id == topic)?;
            quiz.questions.iter().chain(&quiz.stages).find(|line| line.id == id)
        };
        let minutes = |topic: &str, id: &str| question(topic, id).map_or(1.0, |line| plan::minutes_of(line.open_minutes));
        let theory: f64 = self.memories.answered_on(today).map(|(topic, id, times)| minutes(topic, id) * times as f64).sum();
        let practice = self.progress.entries().map(|(id, entry)| self.worked_today(id, entry)).sum::<u32>();
        theory.round() as u32 + practice
    }

    fn worked_today(&self, id: &str, entry: &Entry) -> u32 {
        let today = self.now.today();
        let checks = entry.checked.get(&today).copied().unwrap_or(0);
        let worth = |checks: u64| u32::try_from(checks * MINUTES_A_CHECK).unwrap_or(u32::MAX).min(self.minutes_left(id));
        match entry.passed_at.as_ref().and_then(|at| self.now.day_of_stamp(at)) {
            _ if checks == 0 => 0,
            Some(day) if day == today => self.minutes_left(id),
            // What was passed on another day is looked at again, which is not on the plan.
            Some(_) => 0,
            None => worth(checks),
        }
    }

    /// Questions that fall due on each of so many evenings, tonight first.
    #[must_use]
    pub fn due(&self, evenings: usize) -> Vec<usize> {
        let today = self.now.today();
        let by = |day| self.quizzes.iter().map(|quiz| self.memories.due_by(quiz, day)).sum::<usize>();
        let until = |night: usize| by(dates::plus(today, night as i64));
        let all: Vec<usize> = (0..evenings).map(until).collect();
        all.iter().enumerate().map(|(night, due)| due - if night == 0 { 0 } else { all[night - 1] }).collect()
    }

    /// The evenings until an interview, tonight first; none if it is not in the future.
    #[must_use]
    pub fn plan(&self, appointment: &Appointment) -> Plan {
        self.plan_with(appointment, appointment.minutes)
    }

    fn plan_with(&self, appointment: &Appointment, minutes: u32) -> Plan {
        let nights = |from, to| usize::try_from(dates::days_between(from, to));
        let made = appointment.made_on.min(self.now.today());
        let over = nights(made, self.now.today()).unwrap_or(0);
        let held = self.mocks.iter().filter_map(|day| nights(made, *day).ok()).collect();
        let evenings = nights(self.now.today(), appointment.on).unwrap_or(0);
        self.evenings(evenings, minutes, Some(Mocks { over, held }))
    }

    fn evenings(&self, evenings: usize, minutes: u32, mocks: Option<Mocks>) -> Plan {
        let (spent, due) = (self.spent_today(), self.due(evenings));
        let spent = if mocks.is_some() { spent } else { 0 };
        plan::plan(&self.topics(), &Frame { minutes, spent, due, warm_up: self.warm_up(), mocks })
    }

    /// Minutes an evening with which all would fit, in steps of five; `None` if it would take more than somebody has: twice as many, or two hours.
    #[must_use]
    pub fn enough(&self, appointment: &Appointment) -> Option<u32> {
        let steps = (appointment.minutes / 5 + 1..=LONGEST.min(2 * appointment.minutes) / 5).map(|n| n * 5);
        steps.into_iter().find(|minutes| self.plan_with(appointment, *minutes).left_out.is_empty())
    }

    /// The one next thing to do, wherever the program says what is next: what tonight's plan begins with; without a plan, what one evening of it would. `None`: there is
    /// nothing left to learn here, and nothing is due.
    #[must_use]
    pub fn next(&self, appointment: Option<&Appointment>) -> Option<Task> {
        let planned = appointment.map(|a| self.plan(a)).and_then(|plan| plan.evenings.into_iter().next());
        let first = |evening: plan::Evening| evening.into_iter().next().map(|(task, _)| task);
        planned.and_then(first).or_else(|| first(self.an_evening()))
    }

    /// One evening, for who has made no plan.
    #[must_use]
    pub fn an_evening(&self) -> plan::Evening {
        self.evenings(EVENINGS, AN_EVENING, None).evenings.into_iter().next().unwrap_or_default()
    }
}

/// The command that begins a task, and what it is about in a few words.
#[must_use]
pub fn command(task: &Task) -> (String, String) {
    let plural = |n: usize| super::figures::plural(n as u64, "question", "questions");
    match task {
        Task::Review { questions: n, due } if n < due => (format!("splitbrain review --limit {n}"), format!("{n} of {} due", plural(*due))),
        Task::Review { questions: n, .. } => (format!("splitbrain review --limit {n}"), format!("{} due", plural(*n))),
        Task::Lesson { topic, skim, questions: n } => {
            let (about, how) =
                if *skim { ("its traps and numbers".to_owned(), " --skim") } else { (format!("the lesson, {}", plural(*n)), "") };
            (format!("splitbrain learn {topic}{how}"), about)
        }
        Task::Questions { topic, questions: n } => (format!("splitbrain quiz {topic} --limit {n}"), plural(*n)),
        Task::Exercise { id, begun, whole } => {
            let about = match (begun, whole) {
                (false, true) => "write it",
                (false, false) => "begin it",
                (true, false) => "go on with it",
                (true, true) => "finish it",
            };
            (format!("splitbrain show {id}"), about.to_owned())
        }
        Task::Mock { minutes } => (format!("splitbrain interview --minutes {minutes}"), "a mock interview".to_owned()),
    }
}

#[cfg(test)]
mod tests;
