//! What to do each evening until the interview. A pure function of what is known and what is left: it is worked out anew each time,
//! so it always fits what was really done. Knows neither files nor the calendar: evenings are numbered from tonight, 0.
//!
//! Reviews come first, for they decay; then what weighs most and is known least, theory before the exercise that rests on it; one mock
//! interview near the end, while there is still an evening to mend what it shows. What does not fit is named rather than squeezed in.

use std::collections::VecDeque;

/// A question takes about so long, with its explanation read.
const MINUTES_A_QUESTION: f64 = 1.2;
/// Reviewing one is quicker.
const MINUTES_A_REVIEW: f64 = 0.6;
/// Reading a primer.
const PRIMER: u32 = 4;
/// Questions in a row before the eyes glaze over.
const QUESTIONS_AT_ONCE: usize = 12;
/// A part of an exercise shorter than this is not worth sitting down for.
const LEAST_OF_AN_EXERCISE: u32 = 15;

/// One topic as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Topic {
    /// Its quiz's name.
    pub id: String,
    /// How often interviews come to it, from 1.
    pub weight: u32,
    /// Its questions.
    pub questions: usize,
    /// Those whose last answer was right.
    pub known: usize,
    /// Whether its primer has yet to be read: nothing of it was ever answered.
    pub fresh: bool,
    /// Its exercises that are not passed, in order, each with its minutes.
    pub exercises: Vec<(String, u32)>,
}

impl Topic {
    /// What an hour on it is worth: what weighs much and is known little comes first.
    fn need(&self) -> f64 {
        let unknown = if self.questions == 0 { 1.0 } else { 1.0 - self.known as f64 / self.questions as f64 };
        f64::from(self.weight) * (0.15 + unknown)
    }
}

/// What is planned for.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Minutes of each evening.
    pub minutes: u32,
    /// Minutes of tonight that are spent already.
    pub spent: u32,
    /// Questions due on each evening, tonight first: one for each evening there is.
    pub due: Vec<usize>,
    /// Whether a mock interview is still to come.
    pub mock: bool,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// What is due.
    Review {
        /// How many questions.
        questions: usize,
    },
    /// Questions of a topic, after its primer if it was not read.
    Theory {
        /// The quiz.
        topic: String,
        /// Whether to read the primer first.
        primer: bool,
        /// How many questions.
        questions: usize,
    },
    /// An exercise, or a part of it.
    Exercise {
        /// Its id.
        id: String,
        /// False: it goes on the next evening.
        whole: bool,
    },
    /// A mock interview.
    Mock,
}

/// One evening: what to do, each with its minutes.
pub type Evening = Vec<(Task, u32)>;

/// The plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Tonight first.
    pub evenings: Vec<Evening>,
    /// What does not fit, the most needed first.
    pub left_out: Vec<Task>,
}

/// Minutes of a mock interview that fit into an evening: 20, 45 or 60.
#[must_use]
pub fn mock_minutes(evening: u32) -> u32 {
    [60, 45].into_iter().find(|m| *m <= evening).unwrap_or(20)
}

/// Work in the order in which it is to be done.
struct Backlog {
    theory: VecDeque<(String, bool, usize)>,
    practice: VecDeque<(String, u32)>,
}

impl Backlog {
    fn of(topics: &[Topic]) -> Backlog {
        let mut sorted: Vec<&Topic> = topics.iter().collect();
        // Stable: of two that are needed alike, the course's order.
        sorted.sort_by(|a, b| b.need().total_cmp(&a.need()));
        let theory = sorted.iter().filter(|t| t.known < t.questions).map(|t| (t.id.clone(), t.fresh, t.questions - t.known)).collect();
        let practice = sorted.iter().flat_map(|t| t.exercises.iter().cloned()).collect();
        Backlog { theory, practice }
    }

    /// The next questions that fit, up to so many at once.
    fn some_theory(&mut self, room: u32) -> Option<(Task, u32)> {
        let (topic, primer, left) = self.theory.front_mut()?;
        let reading = if *primer { PRIMER } else { 0 };
        let fits = (f64::from(room.saturating_sub(reading)) / MINUTES_A_QUESTION).floor() as usize;
        let questions = fits.min(*left).min(QUESTIONS_AT_ONCE);
        if questions == 0 || (questions < 4 && questions < *left) {
            return None;
        }
        let minutes = reading + (questions as f64 * MINUTES_A_QUESTION).ceil() as u32;
        let task = Task::Theory { topic: topic.clone(), primer: *primer, questions };
        (*primer, *left) = (false, *left - questions);
        if *left == 0 {
            self.theory.pop_front();
        }
        Some((task, minutes.min(room)))
    }

    /// As much of the next exercise as fits.
    fn some_practice(&mut self, room: u32) -> Option<(Task, u32)> {
        let (id, left) = self.practice.front_mut()?;
        let minutes = (*left).min(room);
        if minutes < LEAST_OF_AN_EXERCISE.min(*left) {
            return None;
        }
        *left -= minutes;
        let (id, whole) = (id.clone(), *left == 0);
        if whole {
            self.practice.pop_front();
        }
        Some((Task::Exercise { id, whole }, minutes))
    }

    fn rest(self) -> Vec<Task> {
        let theory = self.theory.into_iter().map(|(topic, primer, questions)| Task::Theory { topic, primer, questions });
        theory.chain(self.practice.into_iter().map(|(id, _)| Task::Exercise { id, whole: true })).collect()
    }
}

/// Plans the evenings.
#[must_use]
pub fn plan(topics: &[Topic], frame: &Frame) -> Plan {
    let mut backlog = Backlog::of(topics);
    let nights = frame.due.len();
    // One evening to mend what it shows, where there is one.
    let mock_at = frame.mock.then(|| nights.saturating_sub(if nights > 2 { 2 } else { 1 }));
    let evenings = (0..nights)
        .map(|night| {
            let room = if night == 0 { frame.minutes.saturating_sub(frame.spent) } else { frame.minutes };
            evening(&mut backlog, room, frame.due[night], mock_at == Some(night))
        })
        .collect();
    Plan { evenings, left_out: backlog.rest() }
}

fn evening(backlog: &mut Backlog, mut room: u32, due: usize, mock: bool) -> Evening {
    let mut tasks = Evening::new();
    let mut take = |task: Option<(Task, u32)>, room: &mut u32| {
        let Some((task, minutes)) = task else { return false };
        *room = room.saturating_sub(minutes);
        tasks.push((task, minutes));
        true
    };
    if mock {
        let minutes = mock_minutes(room).min(room);
        take((minutes > 0).then_some((Task::Mock, minutes)), &mut room);
    }
    // Reviews may fill half of what is there; what is left of them is due tomorrow as well.
    let most = (f64::from(room / 2) / MINUTES_A_REVIEW) as usize;
    let questions = due.min(most);
    let minutes = (questions as f64 * MINUTES_A_REVIEW).ceil() as u32;
    take((questions > 0).then_some((Task::Review { questions }, minutes)), &mut room);
    // Theory, then practice with all that is left, then theory in what practice could not use.
    let third = (room / 3).max(10).min(room);
    take(backlog.some_theory(third), &mut room);
    while take(backlog.some_practice(room), &mut room) {}
    while take(backlog.some_theory(room), &mut room) {}
    tasks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(id: &str, weight: u32, known: usize, exercises: &[(&str, u32)]) -> Topic {
        let exercises = exercises.iter().map(|(id, m)| ((*id).to_owned(), *m)).collect();
        Topic { id: id.into(), weight, questions: 20, known, fresh: known == 0, exercises }
    }

    fn frame(evenings: usize, minutes: u32) -> Frame {
        Frame { minutes, spent: 0, due: vec![0; evenings], mock: true }
    }

    fn minutes(evening: &Evening) -> u32 {
        evening.iter().map(|(_, m)| m).sum()
    }

    #[test]
    fn everything_is_done_once_and_no_evening_overflows() {
        let topics =
            [topic("cap", 3, 0, &[]), topic("consensus", 3, 15, &[("raft", 60)]), topic("counters", 1, 0, &[("a", 45), ("b", 30)])];
        let plan = plan(&topics, &Frame { due: vec![10; 20], ..frame(20, 40) });
        assert_eq!(plan.left_out, []);
        assert!(plan.evenings.iter().all(|e| minutes(e) <= 40), "{plan:#?}");
        let all: Vec<&(Task, u32)> = plan.evenings.iter().flatten().collect();
        for (id, of) in [("raft", 60), ("a", 45), ("b", 30)] {
            let parts: Vec<u32> =
                all.iter().filter(|(t, _)| matches!(t, Task::Exercise { id: i, .. } if i == id)).map(|(_, m)| *m).collect();
            assert_eq!(parts.iter().sum::<u32>(), of, "{id}: {parts:?}");
            assert_eq!(all.iter().filter(|(t, _)| *t == Task::Exercise { id: id.into(), whole: true }).count(), 1, "{id}");
        }
        for (id, left) in [("cap", 20), ("consensus", 5), ("counters", 20)] {
            let asked: usize = all
                .iter()
                .map(|(t, _)| if let Task::Theory { topic, questions, .. } = t { if topic == id { *questions } else { 0 } } else { 0 })
                .sum();
            assert_eq!(asked, left, "{id}");
        }
        let mocks: Vec<usize> = (0..20).filter(|n| plan.evenings[*n].iter().any(|(t, _)| *t == Task::Mock)).collect();
        assert_eq!(mocks, [18], "one evening is left to mend what it shows");
        let first = plan
            .evenings
            .iter()
            .flatten()
            .find_map(|(t, _)| if let Task::Theory { topic, primer, .. } = t { Some((topic, primer)) } else { None });
        assert_eq!(first.map(|(t, p)| (t.as_str(), *p)), Some(("cap", true)), "what weighs most and is known least comes first");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let topics = [topic("cap", 3, 0, &[]), topic("consensus", 1, 0, &[("raft", 60), ("log", 90)])];
        let plan = plan(&topics, &Frame { mock: false, ..frame(2, 30) });
        assert!(plan.left_out.contains(&Task::Exercise { id: "log".into(), whole: true }), "{plan:#?}");
        assert!(plan.evenings.iter().all(|e| !e.is_empty() && minutes(e) <= 30), "{plan:#?}");
    }

    #[test]
    fn tonight_shrinks_by_what_was_done_and_reviews_leave_room() {
        let topics = [topic("cap", 3, 0, &[("ring", 40)])];
        let spent = plan(&topics, &Frame { spent: 40, ..frame(3, 40) });
        assert_eq!(spent.evenings[0], [], "tonight is done");
        let flooded = plan(&topics, &Frame { due: vec![500, 0, 0], ..frame(3, 40) });
        let reviews = flooded.evenings[0].iter().find(|(t, _)| matches!(t, Task::Review { .. })).unwrap();
        assert!(reviews.1 <= 20 && flooded.evenings[0].len() > 1, "{flooded:#?}");
    }

    #[test]
    fn short_evenings_and_few_of_them() {
        let topics = [topic("cap", 3, 0, &[("ring", 40)])];
        for minutes in [0, 5, 10, 14, 200] {
            for evenings in 0..4 {
                let plan = plan(&topics, &frame(evenings, minutes));
                assert_eq!(plan.evenings.len(), evenings);
                assert!(plan.evenings.iter().all(|e| super::tests::minutes(e) <= minutes), "{minutes} {evenings} {plan:#?}");
            }
        }
        assert_eq!((mock_minutes(40), mock_minutes(45), mock_minutes(90)), (20, 45, 60));
    }
}
