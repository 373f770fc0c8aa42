//! What to do each evening until the interview. A pure function of what is known and what is left: it is worked out anew each time,
//! so it always fits what was really done. Knows neither files nor the calendar: evenings are numbered from tonight, 0.
//!
//! Until the warm-up, the course's first exercise, is passed, it comes before everything. Else reviews come first, for they decay; then
//! theory: the page of the next exercise's topic, then what weighs most and is known least, so that a topic makes room for others as it
//! becomes known. Exercises keep the order of the course, in which each stands behind those that it needs. One mock interview near the end, while there is still an evening to mend what it shows. What does not fit is named rather than squeezed in.

use std::collections::VecDeque;

/// A question takes about so long, with its explanation read.
const MINUTES_A_QUESTION: f64 = 1.2;
/// An open one takes what an interviewer gives, and so long to be compared with the model answer.
const MINUTES_TO_COMPARE: f64 = 2.0;
/// Reviewing one is quicker.
const MINUTES_A_REVIEW: f64 = 0.6;
/// Reading a primer.
pub const PRIMER: u32 = 4;
/// Questions in a row before the eyes glaze over.
const QUESTIONS_AT_ONCE: usize = 12;
/// Fewer minutes of a topic are not worth changing to it, unless they finish it.
const LEAST_OF_A_TOPIC: f64 = 5.0;
/// What is answered well for the first time is due so many evenings later, and then so many after the first.
const RETURNS: [usize; 2] = [2, 13];
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
    /// Those whose last answer was wrong: they come back as reviews, so no evening asks for them once more.
    pub wrong: usize,
    /// Minutes that one of the others takes, which were never asked.
    pub pace: f64,
    /// Whether its primer has yet to be read: nothing of it was ever answered.
    pub fresh: bool,
    /// Its exercises that are not passed, in order, each with its minutes.
    pub exercises: Vec<(String, u32)>,
}

impl Topic {
    /// Questions that were never asked.
    fn unseen(&self) -> usize {
        self.questions.saturating_sub(self.known + self.wrong)
    }

    fn need(&self) -> f64 {
        need(self.weight, self.questions.saturating_sub(self.known), self.questions)
    }
}

/// What an hour on a topic is worth: what weighs much and is known little comes first.
fn need(weight: u32, left: usize, questions: usize) -> f64 {
    let unknown = if questions == 0 { 1.0 } else { left as f64 / questions as f64 };
    f64::from(weight) * (0.15 + unknown)
}

/// What is planned for.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Minutes of each evening.
    pub minutes: u32,
    /// Minutes of tonight that are spent already.
    pub spent: u32,
    /// Questions that fall due on each evening, tonight first: one for each evening there is.
    pub due: Vec<usize>,
    /// Whether no exercise was passed yet: the first one comes before everything.
    pub warm_up: bool,
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

/// Minutes that a question takes: an open one those that it says, and some to compare.
#[must_use]
pub fn minutes_of(open_minutes: Option<u32>) -> f64 {
    open_minutes.map_or(MINUTES_A_QUESTION, |minutes| f64::from(minutes) + MINUTES_TO_COMPARE)
}

/// Minutes of a mock interview that fit into an evening: 20, 45 or 60.
#[must_use]
pub fn mock_minutes(evening: u32) -> u32 {
    [60, 45].into_iter().find(|m| *m <= evening).unwrap_or(20)
}

/// What was never asked of a topic's questions.
struct Theory {
    topic: String,
    primer: bool,
    left: usize,
    wrong: usize,
    pace: f64,
    weight: u32,
    questions: usize,
}

impl Theory {
    fn need(&self) -> f64 {
        need(self.weight, self.left + self.wrong, self.questions)
    }

    /// The minutes before the first question.
    fn reading(&self) -> u32 {
        if self.primer { PRIMER } else { 0 }
    }

    /// How many of its questions are worth sitting down for in that room; 0 for none.
    fn fits(&self, room: u32) -> usize {
        let time = f64::from(room.saturating_sub(self.reading()));
        let questions = ((time / self.pace).floor() as usize).min(self.left).min(QUESTIONS_AT_ONCE);
        let worth = questions == self.left || questions as f64 * self.pace >= LEAST_OF_A_TOPIC.min(QUESTIONS_AT_ONCE as f64 * self.pace);
        if worth { questions } else { 0 }
    }
}

/// Work in the order in which it is to be done.
struct Backlog {
    theory: VecDeque<Theory>,
    /// Topic, exercise and minutes, in the order of the course.
    practice: VecDeque<(String, String, u32)>,
}

impl Backlog {
    fn of(topics: &[Topic]) -> Backlog {
        let mut sorted: Vec<&Topic> = topics.iter().collect();
        // Stable: of two that are needed alike, the course's order.
        sorted.sort_by(|a, b| b.need().total_cmp(&a.need()));
        let left = |t: &&&Topic| t.unseen() > 0;
        let theory = sorted.iter().filter(left).map(|t| Theory {
            topic: t.id.clone(),
            primer: t.fresh,
            left: t.unseen(),
            wrong: t.wrong,
            pace: t.pace.max(0.1),
            weight: t.weight,
            questions: t.questions,
        });
        let theory = theory.collect();
        let practice = topics.iter().flat_map(|t| t.exercises.iter().map(|(id, minutes)| (t.id.clone(), id.clone(), *minutes))).collect();
        Backlog { theory, practice }
    }

    /// Whether it is the page to be read before the next exercise.
    fn is_before_practice(&self, theory: &Theory) -> bool {
        theory.primer && self.practice.front().is_some_and(|(topic, ..)| *topic == theory.topic)
    }

    fn page_first(&self) -> bool {
        self.theory.iter().any(|theory| self.is_before_practice(theory))
    }

    /// The next questions that fit, up to so many at once.
    fn some_theory(&mut self, room: u32) -> Option<(Task, u32)> {
        // A topic whose questions are longer than the room does not stand in the way of the others.
        let fits = |theory: &Theory| theory.fits(room) > 0;
        let page = self.theory.iter().position(|theory| self.is_before_practice(theory) && fits(theory));
        let at = page.or_else(|| self.theory.iter().position(fits))?;
        let mut theory = self.theory.remove(at)?;
        let questions = theory.fits(room);
        let minutes = theory.reading() + (questions as f64 * theory.pace).ceil() as u32;
        let task = Task::Theory { topic: theory.topic.clone(), primer: theory.primer, questions };
        (theory.primer, theory.left) = (false, theory.left - questions);
        if theory.left > 0 {
            // Back into its new place, behind those that are needed alike.
            let at = self.theory.iter().position(|other| other.need() < theory.need()).unwrap_or(self.theory.len());
            self.theory.insert(at, theory);
        }
        Some((task, minutes.min(room)))
    }

    /// Minutes without which nothing of the first topic can be done: an open question is not asked by halves.
    fn least_theory(&self) -> u32 {
        self.theory.front().map_or(0, |theory| theory.reading() + theory.pace.ceil() as u32).max(10)
    }

    /// As much of the next exercise as fits.
    fn some_practice(&mut self, room: u32) -> Option<(Task, u32)> {
        let (_, id, left) = self.practice.front_mut()?;
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
        let theory = self.theory.into_iter().map(|t| Task::Theory { topic: t.topic, primer: t.primer, questions: t.left });
        theory.chain(self.practice.into_iter().map(|(_, id, _)| Task::Exercise { id, whole: true })).collect()
    }
}

/// Plans the evenings.
#[must_use]
pub fn plan(topics: &[Topic], frame: &Frame) -> Plan {
    let mut backlog = Backlog::of(topics);
    let nights = frame.due.len();
    // One evening to mend what it shows, where there is one.
    let mock_at = frame.mock.then(|| nights.saturating_sub(if nights > 2 { 2 } else { 1 }));
    let mut due = frame.due.clone();
    let mut evenings = Vec::new();
    for night in 0..nights {
        let room = if night == 0 { frame.minutes.saturating_sub(frame.spent) } else { frame.minutes };
        let about = Night { due: due[night], mock: mock_at == Some(night), warm_up: frame.warm_up && night == 0 };
        let evening = evening(&mut backlog, room, &about);
        let mut later = |nights: usize, questions: usize| {
            if let Some(due) = due.get_mut(night + nights) {
                *due += questions;
            }
        };
        let (mut reviewed, mut new) = (0, 0);
        for (task, _) in &evening {
            match task {
                Task::Review { questions } => reviewed += questions,
                Task::Theory { questions, .. } => new += questions,
                Task::Exercise { .. } | Task::Mock => {}
            }
        }
        RETURNS.into_iter().for_each(|nights| later(nights, new));
        // What had no room is due tomorrow as well.
        let unseen = due[night] - reviewed;
        if let Some(due) = due.get_mut(night + 1) {
            *due += unseen;
        }
        evenings.push(evening);
    }
    Plan { evenings, left_out: backlog.rest() }
}

/// What one evening is about beside the backlog.
struct Night {
    due: usize,
    mock: bool,
    warm_up: bool,
}

fn evening(backlog: &mut Backlog, mut room: u32, night: &Night) -> Evening {
    let mut tasks = Evening::new();
    let mut take = |task: Option<(Task, u32)>, room: &mut u32| {
        let Some((task, minutes)) = task else { return false };
        *room = room.saturating_sub(minutes);
        add(&mut tasks, task, minutes);
        true
    };
    if night.warm_up {
        take(backlog.some_practice(room), &mut room);
    }
    if night.mock {
        let minutes = mock_minutes(room).min(room);
        take((minutes > 0).then_some((Task::Mock, minutes)), &mut room);
    }
    // Reviews may fill half of what is there; what is left of them is due tomorrow as well.
    let most = (f64::from(room / 2) / MINUTES_A_REVIEW) as usize;
    let questions = night.due.min(most);
    let minutes = (questions as f64 * MINUTES_A_REVIEW).ceil() as u32;
    take((questions > 0).then_some((Task::Review { questions }, minutes)), &mut room);
    // Theory, then practice with all that is left, then theory in what practice could not use.
    let third = (room / 3).max(backlog.least_theory()).min(room);
    take(backlog.some_theory(third), &mut room);
    loop {
        let task = if backlog.page_first() { backlog.some_theory(third.min(room)) } else { backlog.some_practice(room) };
        if !take(task, &mut room) {
            break;
        }
    }
    while take(backlog.some_theory(room), &mut room) {}
    tasks
}

/// Adds a task to an evening; more questions of a topic are one task with those that are there.
fn add(tasks: &mut Evening, task: Task, minutes: u32) {
    if let Task::Theory { topic: new, primer: false, questions: more } = &task {
        for (before, spent) in tasks.iter_mut() {
            if let Task::Theory { topic, questions, .. } = before
                && topic == new
            {
                (*questions, *spent) = (*questions + more, *spent + minutes);
                return;
            }
        }
    }
    tasks.push((task, minutes));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(id: &str, weight: u32, known: usize, exercises: &[(&str, u32)]) -> Topic {
        let exercises = exercises.iter().map(|(id, m)| ((*id).to_owned(), *m)).collect();
        Topic { id: id.into(), weight, questions: 20, known, wrong: 0, pace: 1.2, fresh: known == 0, exercises }
    }

    fn frame(evenings: usize, minutes: u32) -> Frame {
        Frame { minutes, spent: 0, due: vec![0; evenings], warm_up: false, mock: true }
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
    fn what_was_wrong_comes_back_as_a_review_alone() {
        let topics = [Topic { wrong: 1, ..topic("cap", 3, 19, &[]) }];
        let plan = plan(&topics, &Frame { mock: false, due: vec![0, 1], ..frame(2, 40) });
        assert_eq!(plan.evenings, [vec![], vec![(Task::Review { questions: 1 }, 1)]]);
        assert_eq!(plan.left_out, []);
    }

    #[test]
    fn the_warm_up_is_first_and_exercises_keep_the_order_of_the_course() {
        let topics = [topic("basics", 1, 0, &[("warm", 5)]), topic("counters", 1, 0, &[("a", 30)]), topic("cap", 3, 0, &[("raft", 60)])];
        let all = |warm_up| plan(&topics, &Frame { warm_up, due: vec![3; 12], ..frame(12, 45) }).evenings.concat();
        assert_eq!(all(true)[0].0, Task::Exercise { id: "warm".into(), whole: true }, "before what is due");
        let tasks = all(false);
        assert_eq!(tasks[0].0, Task::Review { questions: 3 });
        let ids = tasks.iter().filter_map(|(t, _)| if let Task::Exercise { id, whole: true } = t { Some(id.as_str()) } else { None });
        assert_eq!(ids.collect::<Vec<_>>(), ["warm", "a", "raft"]);
        let at = |wanted: &dyn Fn(&Task) -> bool| tasks.iter().position(|(task, _)| wanted(task)).unwrap();
        for (page, exercise) in [("basics", "warm"), ("counters", "a"), ("cap", "raft")] {
            let read = at(&|t| matches!(t, Task::Theory { topic, primer: true, .. } if topic == page));
            assert!(read < at(&|t| matches!(t, Task::Exercise { id, .. } if id == exercise)), "{page} before {exercise}: {tasks:?}");
        }
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
    fn what_is_new_comes_back_and_what_had_no_room_is_due_tomorrow() {
        let topics = [topic("cap", 3, 8, &[])];
        let reviews = |due: Vec<usize>| -> Vec<usize> {
            let evenings = plan(&topics, &Frame { mock: false, due, ..frame(0, 40) }).evenings;
            let of = |(task, _): &(Task, u32)| if let Task::Review { questions } = task { *questions } else { 0 };
            evenings.iter().map(|evening| evening.iter().map(of).sum()).collect()
        };
        assert_eq!(reviews(vec![0; 14]), [0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12], "12 new ones, twice");
        assert_eq!(reviews(vec![50, 0, 0]), [33, 17, 12], "20 of 40 minutes are 33 reviews");
    }

    #[test]
    fn an_open_question_has_an_evening_that_holds_it() {
        let open = Topic { pace: 22.0, questions: 3, ..topic("design", 3, 0, &[]) };
        let topics = [open, topic("cap", 1, 0, &[("ring", 200)])];
        let evenings = plan(&topics, &Frame { mock: false, ..frame(6, 45) }).evenings;
        let design = |e: &Evening| e.iter().any(|(t, m)| matches!(t, Task::Theory { topic, .. } if topic == "design") && *m >= 22);
        assert_eq!(evenings.iter().filter(|e| design(e)).count(), 3, "{evenings:#?}");
        let short = plan(&topics, &Frame { mock: false, ..frame(6, 20) });
        assert!(short.evenings[0].iter().any(|(t, _)| matches!(t, Task::Theory { topic, .. } if topic == "cap")), "{short:#?}");
        assert!(short.left_out.iter().any(|t| matches!(t, Task::Theory { topic, questions: 3, .. } if topic == "design")), "{short:#?}");
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
