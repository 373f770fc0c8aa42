//! The plans that the real course comes to.

use super::*;
use crate::cli::bank;
use crate::cli::content::Content;
use crate::cli::plan::{Evening, Topic};
use std::collections::BTreeSet;

/// Evenings and minutes of each.
const SIZES: [(usize, u32); 8] = [(3, 30), (3, 60), (7, 30), (7, 60), (14, 30), (14, 60), (30, 30), (30, 60)];

/// The course's topics, of which nothing is known.
fn topics() -> Vec<Topic> {
    let content = Content::Embedded;
    let course = content.course().unwrap();
    let quizzes: Vec<Sketch> = bank::names(&course).into_iter().map(|name| bank::sketch(&content, name).unwrap()).collect();
    let minutes = course.exercises().map(|id| (id.to_owned(), content.about(id).unwrap().minutes)).collect();
    let now = Now::at(1_795_390_200, jiff::tz::TimeZone::UTC);
    let memories = Memories::of(&super::super::answers::Answers::default(), &now);
    let progress = Progress::default();
    let known =
        Known { course: &course, quizzes: &quizzes, minutes: &minutes, memories: &memories, progress: &progress, mocks: &[], now: &now };
    known.topics()
}

fn frame(evenings: usize, minutes: u32) -> Frame {
    Frame { minutes, spent: 0, due: vec![0; evenings], warm_up: true, mocks: Some(Mocks::default()) }
}

/// What was done so far, task by task.
#[derive(Default)]
struct Done {
    read: BTreeSet<String>,
    exercises: BTreeSet<String>,
    asked: BTreeMap<String, usize>,
}

impl Done {
    /// Nothing stands before what it needs.
    fn evening(&mut self, topics: &[Topic], evening: &Evening) {
        for (task, _) in evening {
            match task {
                Task::Lesson { topic, questions, .. } => {
                    assert!(self.read.insert(topic.clone()), "{topic} is read twice");
                    *self.asked.entry(topic.clone()).or_default() += questions;
                }
                Task::Questions { topic, questions } => {
                    assert!(self.read.contains(topic), "questions on {topic} before its lesson");
                    *self.asked.entry(topic.clone()).or_default() += questions;
                }
                Task::Exercise { id, whole, .. } => {
                    self.needs(topics, id);
                    if *whole {
                        assert!(self.exercises.insert(id.clone()), "{id} is done twice");
                    }
                }
                Task::Review { .. } | Task::Mock { .. } => {}
            }
        }
    }

    fn needs(&self, topics: &[Topic], id: &str) {
        let warm_up = &topics[0].exercises[0].id;
        if id == warm_up {
            return;
        }
        assert!(self.exercises.contains(warm_up), "{id} before the warm-up");
        for topic in topics {
            let at = topic.exercises.iter().position(|exercise| exercise.id == id);
            if at.is_some() || topic.also.iter().any(|also| also == id) {
                assert!(self.read.contains(&topic.id), "{id} before the lesson on {}", topic.id);
            }
            for before in &topic.exercises[..at.unwrap_or(0)] {
                assert!(self.exercises.contains(&before.id), "{id} before {}", before.id);
            }
        }
    }
}

fn minutes(evening: &Evening) -> u32 {
    evening.iter().map(|(_, minutes)| minutes).sum()
}

#[test]
fn every_plan_opens_every_topic_and_nothing_stands_before_what_it_needs() {
    let topics = topics();
    for (nights, length) in SIZES {
        let plan = plan::plan(&topics, &frame(nights, length));
        let mut done = Done::default();
        let mut read_by = 0;
        for (night, evening) in plan.evenings.iter().enumerate() {
            assert!(minutes(evening) <= length, "{nights} × {length}, {night}: {evening:?}");
            // Of an evening no more is lost than what is too short for anything.
            assert!(minutes(evening) + 5 >= length, "{nights} × {length}, {night}: {evening:?}");
            done.evening(&topics, evening);
            if done.read.len() < topics.len() {
                read_by = night + 2;
            }
        }
        assert_eq!(done.read.len(), topics.len(), "{nights} × {length}");
        // Early: after three quarters of many evenings, and not on the last one of a week.
        assert!(nights <= 3 || read_by < nights, "{nights} × {length}: on evening {read_by}");
        assert!(nights <= 7 || read_by * 4 <= nights * 3, "{nights} × {length}: on evening {read_by}");
        assert_eq!(plan.evenings[0][0].0, Task::Exercise { id: "durable_note".into(), begun: false, whole: true });
        for topic in &topics {
            let left = plan
                .left_out
                .iter()
                .map(|t| if let Task::Questions { topic: of, questions } = t { if *of == topic.id { *questions } else { 0 } } else { 0 });
            let asked = done.asked[&topic.id];
            assert_eq!(asked + left.sum::<usize>(), topic.questions, "{}: what is not asked is named", topic.id);
        }
    }
}

/// What a plan comes to.
struct Sum {
    skimmed: usize,
    whole: usize,
    questions: usize,
    mocks: usize,
    /// Without the warm-up.
    exercises: Vec<String>,
}

impl Sum {
    fn of(plan: &Plan) -> Sum {
        let mut sum = Sum { skimmed: 0, whole: 0, questions: 0, mocks: 0, exercises: Vec::new() };
        for (task, _) in plan.evenings.iter().flatten() {
            match task {
                Task::Lesson { skim, questions, .. } => {
                    *(if *skim { &mut sum.skimmed } else { &mut sum.whole }) += 1;
                    sum.questions += questions;
                }
                Task::Questions { questions, .. } => sum.questions += questions,
                Task::Exercise { id, whole: true, .. } => sum.exercises.push(id.clone()),
                Task::Mock { .. } => sum.mocks += 1,
                Task::Exercise { .. } | Task::Review { .. } => {}
            }
        }
        sum.exercises.remove(0);
        sum
    }
}

#[test]
fn a_plan_of_few_evenings_is_another_than_one_of_many() {
    let topics = topics();
    let sum = |nights, length| Sum::of(&plan::plan(&topics, &frame(nights, length)));
    for (nights, length) in SIZES {
        let Sum { skimmed, whole, mocks, exercises, .. } = sum(nights, length);
        // Three evenings are for lessons, and for what comes back of them.
        assert_eq!(exercises.is_empty(), nights <= 3 || nights <= 7 && length <= 30, "{nights} × {length}: {exercises:?}");
        assert_eq!(skimmed == 0, u32::try_from(nights).unwrap() * length >= 1800, "{nights} × {length}: {skimmed} skimmed");
        // Three hours and a half are for what an interviewer waits for in each topic, and for questions on those that weigh most.
        assert_eq!(whole == 0, (nights, length) == (3, 30) || (nights, length) == (7, 30), "{nights} × {length}");
        assert_eq!(
            mocks,
            if (nights, length) == (3, 30) {
                0
            } else if nights < 6 {
                1
            } else {
                2
            },
            "{nights} × {length}"
        );
        // What interviews ask most is read whole, before the others are.
        let plan = plan::plan(&topics, &frame(nights, length));
        let weight = |id: &str| topics.iter().find(|topic| topic.id == id).unwrap().weight;
        let of = |wanted: bool| {
            let tasks = plan.evenings.iter().flatten();
            tasks.filter_map(move |(t, _)| match t {
                // On the basics the others stand.
                Task::Lesson { topic, skim, .. } if *skim == wanted && topic != "basics" => Some(weight(topic)),
                _ => None,
            })
        };
        assert!(of(true).max().unwrap_or(0) <= of(false).min().unwrap_or(3), "{nights} × {length}");
    }
    for length in [30, 60] {
        let few_to_many: Vec<Sum> = [3, 7, 14, 30].map(|nights| sum(nights, length)).into_iter().collect();
        for pair in few_to_many.windows(2) {
            assert!(pair[0].exercises.len() <= pair[1].exercises.len() && pair[0].questions < pair[1].questions, "{length}");
        }
    }
    // One of another topic comes before a second one of any, and first of those that weigh most.
    let practised: Vec<&Topic> =
        sum(30, 60).exercises.iter().map(|id| topics.iter().find(|t| t.exercises.iter().any(|e| e.id == *id)).unwrap()).collect();
    let weights: Vec<u32> = practised.iter().map(|topic| topic.weight).collect();
    assert!(practised.len() >= 4 && weights[..2] == [3, 3], "{weights:?}");
    assert_eq!(practised[..4].iter().map(|topic| &topic.id).collect::<BTreeSet<_>>().len(), 4);
}

/// Who does each evening what it says, and is told anew what is next, comes through as well: the plan made anew does not go round in
/// circles, and leaves nothing begun for another thing.
#[test]
fn a_plan_that_is_followed_and_made_anew_each_evening_opens_every_topic() {
    let all = topics();
    for (nights, length) in SIZES {
        let mut now = all.clone();
        let mut done = Done::default();
        let mut held = Vec::new();
        let mut due = vec![0; nights + 3];
        for night in 0..nights {
            let mocks = Some(Mocks { over: night, held: held.clone() });
            let plan =
                plan::plan(&now, &Frame { warm_up: night == 0, due: due[night..nights].to_vec(), mocks, ..frame(nights - night, length) });
            let evening = &plan.evenings[0];
            done.evening(&all, evening);
            for (task, minutes) in evening {
                match task {
                    Task::Lesson { topic, questions, .. } | Task::Questions { topic, questions } => {
                        let topic = now.iter_mut().find(|t| t.id == *topic).unwrap();
                        (topic.fresh, topic.lesson_questions, topic.known) = (false, 0, topic.known + questions);
                        topic.answered_minutes += f64::from(*minutes);
                        due[night + 2] += questions;
                    }
                    Task::Review { questions, due: all } => due[night + 1] += all - questions,
                    Task::Exercise { id, whole, .. } => {
                        let topic = now.iter_mut().find(|t| t.exercises.iter().any(|e| e.id == *id)).unwrap();
                        let begun: Vec<&str> = topic.exercises.iter().filter(|e| e.begun).map(|e| e.id.as_str()).collect();
                        assert!(begun.is_empty() || begun == [id], "{begun:?} is left for {id}");
                        if *whole {
                            topic.exercises.remove(0);
                            topic.passed += 1;
                        } else {
                            (topic.exercises[0].begun, topic.exercises[0].minutes) = (true, topic.exercises[0].minutes - minutes);
                        }
                    }
                    Task::Mock { .. } => held.push(night),
                }
            }
        }
        assert_eq!(done.read.len(), all.len(), "{nights} × {length}");
        assert_eq!(
            held.len(),
            if nights * length as usize <= 140 {
                0
            } else if nights < 6 {
                1
            } else {
                2
            },
            "{nights} × {length}"
        );
    }
}
