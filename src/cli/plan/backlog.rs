//! What is to be done, and which of it comes next: lessons, questions, exercises. Knows how much room there is, and nothing of the
//! evenings' order but the number of the one that it is asked for.

use super::task::{Exercise, MINUTES_A_QUESTION, Task, Topic, unknown};
use std::cmp::Reverse;
use std::collections::VecDeque;

/// Questions in a row before the eyes glaze over.
const QUESTIONS_AT_ONCE: usize = 12;
/// Fewer minutes of a topic are not worth changing to it, unless they finish it.
const LEAST_OF_A_TOPIC: f64 = 5.0;
/// After so many minutes of answers a topic is half as urgent.
const MINUTES_TO_HALVE: f64 = 20.0;
/// A part of an exercise shorter than this is not worth sitting down for.
const LEAST_OF_AN_EXERCISE: u32 = 15;

/// A topic as it stands while the plan goes on.
struct Standing<'a> {
    topic: &'a Topic,
    /// Whether its lesson is skimmed, if it has yet to be read.
    lesson: Option<bool>,
    /// The last evening of the plan on which something of it was read or asked.
    met_on: Option<usize>,
    unseen: usize,
    pace: f64,
    answered_minutes: f64,
    exercises: VecDeque<Exercise>,
    passed: usize,
}

impl Standing<'_> {
    fn lesson_minutes(&self, skim: bool) -> u32 {
        if skim { self.topic.skim_minutes } else { self.topic.lesson_minutes }
    }

    /// What some minutes on its questions are worth: what weighs much, is known little and was asked little comes first.
    fn need(&self) -> f64 {
        let unknown = unknown(self.unseen + self.topic.wrong, self.topic.questions);
        f64::from(self.topic.weight) * (0.15 + unknown) / (1.0 + self.answered_minutes / MINUTES_TO_HALVE)
    }

    /// How many of its questions are worth sitting down for in that room; 0 for none.
    fn fits(&self, room: u32) -> usize {
        let questions = ((f64::from(room) / self.pace).floor() as usize).min(self.unseen).min(QUESTIONS_AT_ONCE);
        let least = LEAST_OF_A_TOPIC.min(QUESTIONS_AT_ONCE as f64 * self.pace);
        if questions == self.unseen || questions as f64 * self.pace >= least { questions } else { 0 }
    }

    fn answer(&mut self, questions: usize, minutes: f64) {
        self.unseen -= questions;
        self.answered_minutes += minutes;
    }
}

/// The work that is left.
pub struct Backlog<'a> {
    /// In the order of the course.
    topics: Vec<Standing<'a>>,
    /// The order in which lessons are read.
    reading: Vec<usize>,
    /// The topic whose exercise was begun in this plan, and is not done.
    at_work: Option<usize>,
    /// Whether the course's first exercise has yet to be passed before all others.
    warm_up: bool,
}

impl<'a> Backlog<'a> {
    /// The work on these topics. If their lessons take longer than `lessons`, the least asked about are skimmed; all, if need be.
    /// No lesson is longer than an evening.
    pub fn of(topics: &'a [Topic], lessons: u32, evening: u32, warm_up: bool) -> Backlog<'a> {
        let standing = |topic: &'a Topic| Standing {
            topic,
            lesson: topic.fresh.then_some(true),
            met_on: None,
            unseen: topic.unseen(),
            pace: topic.pace.max(0.1),
            answered_minutes: topic.answered_minutes,
            exercises: topic.exercises.iter().cloned().collect(),
            passed: topic.passed,
        };
        let mut by_weight: Vec<usize> = (0..topics.len()).filter(|at| topics[*at].fresh).collect();
        // The others stand on the first topic, whatever it weighs. Stable: of two that weigh the same, the course's order.
        by_weight.sort_by_key(|at| (*at != 0, Reverse(topics[*at].weight)));
        let mut all: Vec<Standing<'a>> = topics.iter().map(standing).collect();
        let mut minutes: u32 = by_weight.iter().map(|at| topics[*at].skim_minutes).sum();
        for at in &by_weight {
            let more = topics[*at].lesson_minutes.saturating_sub(topics[*at].skim_minutes);
            if minutes + more <= lessons && topics[*at].lesson_minutes <= evening {
                minutes += more;
                all[*at].lesson = Some(false);
            }
        }
        Backlog { topics: all, reading: by_weight, at_work: None, warm_up: warm_up && topics.iter().any(|t| !t.exercises.is_empty()) }
    }

    fn unread(&self) -> impl Iterator<Item = (usize, bool)> {
        self.reading.iter().filter_map(|at| Some((*at, self.topics[*at].lesson?)))
    }

    /// Minutes of all lessons that have yet to be read.
    pub fn lesson_minutes(&self) -> u32 {
        self.unread().map(|(at, skim)| self.topics[at].lesson_minutes(skim)).sum()
    }

    /// Minutes of all questions that have yet to be asked outside lessons, and how many there are with those inside.
    pub fn questions(&self) -> (f64, usize) {
        let inside: f64 = self.unread().map(|(at, skim)| self.lesson_questions(at, skim) as f64 * MINUTES_A_QUESTION).sum();
        let all: f64 = self.topics.iter().map(|topic| topic.unseen as f64 * topic.pace).sum();
        ((all - inside).max(0.0), self.topics.iter().map(|topic| topic.unseen).sum())
    }

    /// Minutes of the warm-up, if it is still to come.
    pub fn warm_up_minutes(&self) -> u32 {
        let first = self.topics.iter().find_map(|topic| topic.exercises.front()).filter(|_| self.warm_up);
        first.map_or(0, |exercise| exercise.minutes)
    }

    fn lesson_questions(&self, at: usize, skim: bool) -> usize {
        let topic = self.topics[at].topic;
        if skim { topic.skim_questions() } else { topic.lesson_questions }.min(self.topics[at].unseen)
    }

    /// Minutes of the next lessons that come nearest to so many, one at least, as far as the room goes.
    pub fn reading_for(&self, goal: u32, room: u32) -> u32 {
        let mut taken = 0;
        for (at, skim) in self.unread() {
            let minutes = self.topics[at].lesson_minutes(skim);
            if taken > 0 && 2 * taken + minutes > 2 * goal || taken + minutes > room {
                break;
            }
            taken += minutes;
        }
        taken
    }

    /// The next lesson.
    pub fn lesson(&mut self, night: usize, room: u32) -> Option<(Task, u32)> {
        let (at, skim) = self.unread().next()?;
        let minutes = self.topics[at].lesson_minutes(skim);
        let questions = self.lesson_questions(at, skim);
        let topic = &mut self.topics[at];
        if minutes > room {
            return None;
        }
        (topic.lesson, topic.met_on) = (None, Some(night));
        // Those of a lesson are quick: the long ones are left, and the pace of the rest is theirs.
        let left = topic.unseen as f64 * topic.pace - questions as f64 * MINUTES_A_QUESTION;
        topic.answer(questions, questions as f64 * MINUTES_A_QUESTION);
        if topic.unseen > 0 {
            topic.pace = (left / topic.unseen as f64).max(0.1);
        }
        Some((Task::Lesson { topic: topic.topic.id.clone(), skim, questions }, minutes))
    }

    /// The next questions that fit, so many at once. A topic that was met tonight waits for a later evening, if there is something
    /// else: what comes back after a night stays longer.
    pub fn questions_for(&mut self, night: usize, room: u32) -> Option<(Task, u32)> {
        let can = |topic: &Standing<'_>| topic.lesson.is_none() && topic.unseen > 0 && topic.fits(room) > 0;
        let (mut best, mut rank) = (None, (false, 0.0));
        for (at, topic) in self.topics.iter().enumerate().filter(|(_, topic)| can(topic)) {
            let this = (topic.met_on != Some(night), topic.need());
            if best.is_none() || this > rank {
                (best, rank) = (Some(at), this);
            }
        }
        let topic = &mut self.topics[best?];
        let questions = topic.fits(room);
        let minutes = questions as f64 * topic.pace;
        topic.answer(questions, minutes);
        topic.met_on = Some(night);
        Some((Task::Questions { topic: topic.topic.id.clone(), questions }, (minutes.ceil() as u32).min(room)))
    }

    /// The course's first exercise, before everything.
    pub fn warm_up(&mut self, room: u32) -> Option<(Task, u32)> {
        let at = self.topics.iter().position(|topic| !topic.exercises.is_empty()).filter(|_| self.warm_up)?;
        let done = self.work(at, room);
        self.warm_up = self.at_work.is_some() || done.is_none();
        done
    }

    /// As much of an exercise as fits: what is begun is finished first, if it takes no longer than `to_finish`; else the best that
    /// takes no longer than `capacity`.
    pub fn practice(&mut self, room: u32, capacity: u32, to_finish: u32) -> Option<(Task, u32)> {
        if self.warm_up {
            return None;
        }
        let at = self.at_work.or_else(|| self.to_practise(room, capacity, to_finish))?;
        self.work(at, room)
    }

    /// True if an exercise was begun that is not done.
    pub fn is_at_work(&self) -> bool {
        self.at_work.is_some()
    }

    fn to_practise(&self, room: u32, capacity: u32, to_finish: u32) -> Option<usize> {
        let (mut best, mut rank) = (None, (false, 0.0));
        for (at, topic) in self.topics.iter().enumerate() {
            let Some(exercise) = topic.exercises.front().filter(|exercise| self.is_read_for(at, exercise)) else { continue };
            let most = if exercise.begun { to_finish } else { capacity };
            let fits = exercise.minutes.min(LEAST_OF_AN_EXERCISE) <= room && exercise.minutes <= most;
            let this = (exercise.begun, self.worth(at, exercise));
            if fits && (best.is_none() || this > rank) {
                (best, rank) = (Some(at), this);
            }
        }
        best
    }

    /// Whether the lessons of all topics that it practises are read.
    fn is_read_for(&self, at: usize, exercise: &Exercise) -> bool {
        self.practised(at, exercise).all(|at| self.topics[at].lesson.is_none())
    }

    /// Its own topic, and those that point to it.
    fn practised<'s>(&'s self, own: usize, exercise: &'s Exercise) -> impl Iterator<Item = usize> + 's {
        let also = |topic: &Standing<'_>| topic.topic.also.contains(&exercise.id);
        std::iter::once(own).chain(self.topics.iter().enumerate().filter(move |(at, topic)| *at != own && also(topic)).map(|(at, _)| at))
    }

    /// What an exercise is worth: what weighs much, is known little and was practised little. Half as much for a topic that only
    /// points to it. Of two that are worth the same the shorter one, but not by all of its shortness: a long one teaches more.
    fn worth(&self, own: usize, exercise: &Exercise) -> f64 {
        let of = |at: usize| {
            let Standing { topic, passed, .. } = &self.topics[at];
            f64::from(topic.weight) * (0.5 + 0.5 * topic.unknown()) / (1.0 + *passed as f64)
        };
        let all: f64 = self.practised(own, exercise).map(|at| if at == own { of(at) } else { of(at) / 2.0 }).sum();
        all / f64::from(exercise.minutes.max(1)).sqrt()
    }

    fn work(&mut self, at: usize, room: u32) -> Option<(Task, u32)> {
        let exercise = self.topics[at].exercises.front_mut()?;
        let minutes = exercise.minutes.min(room);
        if minutes < LEAST_OF_AN_EXERCISE.min(exercise.minutes) {
            return None;
        }
        exercise.minutes -= minutes;
        let whole = exercise.minutes == 0;
        let task = Task::Exercise { id: exercise.id.clone(), begun: exercise.begun, whole };
        exercise.begun = true;
        self.at_work = (!whole).then_some(at);
        if whole && let Some(exercise) = self.topics[at].exercises.pop_front() {
            let practised: Vec<usize> = self.practised(at, &exercise).collect();
            practised.into_iter().for_each(|at| self.topics[at].passed += 1);
        }
        Some((task, minutes))
    }

    /// Whether every lesson is read.
    pub fn all_read(&self) -> bool {
        self.unread().next().is_none()
    }

    /// What is left: lessons, questions, exercises, each the most needed first.
    pub fn rest(self) -> Vec<Task> {
        let lesson = |(at, skim): (usize, bool)| Task::Lesson {
            topic: self.topics[at].topic.id.clone(),
            skim,
            questions: self.lesson_questions(at, skim),
        };
        let mut rest: Vec<Task> = self.unread().map(lesson).collect();
        let mut questions: Vec<(f64, Task)> = Vec::new();
        let mut exercises: Vec<(f64, Task)> = Vec::new();
        for (at, topic) in self.topics.iter().enumerate() {
            let asked = topic.lesson.map_or(0, |skim| self.lesson_questions(at, skim));
            let left = topic.unseen - asked;
            if left > 0 {
                questions.push((topic.need(), Task::Questions { topic: topic.topic.id.clone(), questions: left }));
            }
            // Each is worth less than the one that it builds on, so they keep their order.
            for (n, exercise) in (1_u8..).zip(&topic.exercises) {
                let task = Task::Exercise { id: exercise.id.clone(), begun: exercise.begun, whole: true };
                exercises.push((self.worth(at, exercise) / f64::from(n), task));
            }
        }
        for mut of_a_kind in [questions, exercises] {
            of_a_kind.sort_by(|a, b| b.0.total_cmp(&a.0));
            rest.extend(of_a_kind.into_iter().map(|(_, task)| task));
        }
        rest
    }
}
