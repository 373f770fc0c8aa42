//! What to do each evening until the interview. A pure function of what is known and what is left: it is worked out anew each time,
//! so it always fits what was really done. Knows neither files nor the calendar: evenings are numbered from tonight, 0.
//!
//! What a tutor would do, in this order:
//! - Until the warm-up, the course's first exercise, is passed, it comes before everything.
//! - Every topic is opened, early: an interview may ask about any, and what was met once can be met again. Lessons take up to two
//!   thirds of an evening until all are read; they should be after two fifths of the evenings, and the last one is without. If whole
//!   lessons would take more than three fifths of all time, the topics that are asked about least are skimmed.
//! - Reviews take up to half of an evening, and all of the last one: what is known decays. The forecast reckons with wrong answers
//!   (`reviews`).
//! - The rest is shared by questions and exercises, each by weight and by what is not known (`backlog`). No exercise comes before the
//!   lessons of the topics that it practises and the exercises of its topic that stand before it. None is begun that cannot be
//!   finished before the last evening, nor on the last two; three evenings or fewer begin none at all.
//! - Mock interviews: one in the middle, one near the end (`mocks`).
//!
//! What does not fit is named rather than squeezed in.

mod backlog;
mod mocks;
mod reviews;
mod task;

pub use task::{Evening, Exercise, Frame, Mocks, Plan, SKIM_QUESTIONS, Task, Topic, minutes_of, minutes_of_lesson, mock_minutes};

use task::SHORT_MOCK;

use backlog::Backlog;
use reviews::Reviews;

/// Reviewing a question is quicker than answering it for the first time.
const MINUTES_A_REVIEW: f64 = 0.6;
/// A question is reviewed about so often until the interview.
const REVIEWS_A_QUESTION: f64 = 1.5;
/// Lessons may take so much of what the warm-up and the mocks leave of all evenings: what they teach comes back as reviews, and
/// needs its time. Few evenings end before most of it comes back.
const LESSONS: f64 = 0.5;
const LESSONS_OF_FEW: f64 = 0.7;
/// They should all be read after so much of the evenings.
const EARLY: f64 = 0.4;
/// Exercises take so much of what is left after lessons, questions and reviews the rest.
const PRACTICE: f64 = 0.45;
/// So few evenings are for lessons and questions, and lessons may take all of them.
const FEW: usize = 3;
/// A mock interview is no shorter.
const SHORTEST_MOCK: u32 = 10;
/// On the last evenings nothing large is begun.
const LAST: usize = 2;
/// An exercise that was begun is finished if it takes no more than this of what is left after lessons.
const TO_FINISH: f64 = 0.5;

/// Plans the evenings.
#[must_use]
pub fn plan(topics: &[Topic], frame: &Frame) -> Plan {
    let held = frame.mocks.as_ref().map(|mocks| mocks::to_come(mocks, frame.due.len(), frame.minutes)).unwrap_or_default();
    // Lessons are whole where there is time; if that leaves one unread, all are skimmed; if one is unread still, no mock is held.
    let all = frame.due.len() + frame.mocks.as_ref().map_or(0, |mocks| mocks.over);
    let lessons = if all > FEW { LESSONS } else { LESSONS_OF_FEW };
    let tries = [(lessons, held.as_slice()), (0.0, &held), (0.0, &[])];
    let mut plans = tries.into_iter().map(|(lessons, mocks)| Draft::new(topics, frame, lessons, mocks).finished());
    let (mut plan, mut all_read) = (Plan::default(), false);
    while let Some(next) = plans.next().filter(|_| !all_read) {
        (plan, all_read) = next;
    }
    plan
}

/// A plan in the making.
struct Draft<'a> {
    frame: &'a Frame,
    backlog: Backlog<'a>,
    reviews: Reviews,
    mocks: Vec<(usize, u32)>,
    /// Minutes that exercises may take, and that questions and reviews may.
    practice: f64,
    theory: f64,
    /// Minutes that an exercise may take which was begun before.
    to_finish: u32,
    practised: u32,
    studied: u32,
}

impl<'a> Draft<'a> {
    fn new(topics: &'a [Topic], frame: &'a Frame, lessons: f64, mocks: &[(usize, u32)]) -> Draft<'a> {
        let nights = frame.due.len();
        let all: u32 = (0..nights).map(|night| room(frame, night)).sum();
        let mocks = fitting(mocks, frame);
        let backlog = Backlog::of(topics, 0, frame.minutes, frame.warm_up);
        let spoken_for = mocks.iter().map(|(_, minutes)| minutes).sum::<u32>() + backlog.warm_up_minutes();
        let left = all.saturating_sub(spoken_for);
        // What was learnt before is not forgotten for the sake of what is new.
        let due = minutes_of_reviews(frame.due.iter().sum()).min(left / 2);
        let backlog = Backlog::of(topics, (f64::from(left - due) * lessons) as u32, frame.minutes, frame.warm_up);
        let left = f64::from(left.saturating_sub(backlog.lesson_minutes()));
        // Where questions are few, exercises may take what they leave.
        let (minutes, questions) = backlog.questions();
        let known: usize = frame.due.iter().sum();
        let asked = minutes + (questions as f64 * REVIEWS_A_QUESTION + known as f64) * MINUTES_A_REVIEW;
        let share = if nights > FEW { PRACTICE * left } else { 0.0 };
        let practice = share.max(left - asked);
        let reviews = Reviews::of(&frame.due);
        let (theory, to_finish) = ((left - practice).max(0.0), practice.max(left * TO_FINISH) as u32);
        Draft { frame, backlog, reviews, mocks, practice, theory, to_finish, practised: 0, studied: 0 }
    }

    /// The plan, and whether every lesson is read in it.
    fn finished(mut self) -> (Plan, bool) {
        let evenings = (0..self.frame.due.len()).map(|night| self.evening(night)).collect();
        let all_read = self.backlog.all_read();
        let mut left_out = self.backlog.rest();
        if self.mocks.is_empty() && self.frame.mocks.as_ref().is_some_and(|mocks| mocks.held.is_empty() && !self.frame.due.is_empty()) {
            left_out.push(Task::Mock { minutes: SHORT_MOCK });
        }
        (Plan { evenings, left_out }, all_read)
    }

    fn evening(&mut self, night: usize) -> Evening {
        let mut page = Page { room: room(self.frame, night), tasks: Evening::new(), fixed: 0 };
        page.fixed = usize::from(page.take(self.backlog.warm_up(page.room)));
        let mock = self.mocks.iter().find(|(on, _)| *on == night).map(|(_, minutes)| *minutes.min(&page.room));
        page.take(mock.filter(|minutes| *minutes >= SHORTEST_MOCK).map(|minutes| (Task::Mock { minutes }, minutes)));
        let due = self.reviews.due(night);
        let most = if night + 1 == self.frame.due.len() { page.room } else { page.room / 2 };
        let wanted = minutes_of_reviews(due).min(most);
        let reading = self.reading(night, page.room, wanted);
        let questions = due.min(reviews_in(wanted.min(page.room - reading)));
        self.review(night, questions, due, &mut page);
        let after = page.room - reading;
        while page.room > after && self.read(night, page.room - after, &mut page) {}
        self.questions_and_exercises(night, &mut page);
        // What is left of the evening is too short for anything new.
        let more = self.reviews.due(night).min(reviews_in(page.room));
        self.review(night, more, due, &mut page);
        self.reviews.night_is_over(night);
        page.in_order()
    }

    /// Minutes of lessons tonight, of so much room beside the mock.
    fn reading(&self, night: usize, room: u32, reviews: u32) -> u32 {
        let left = self.backlog.lesson_minutes();
        let nights = self.frame.due.len();
        // The last of many evenings is for what was learnt.
        let later = self.room_between(night + 1, if nights > FEW { nights - 1 } else { nights });
        let even = (left * room).div_ceil((room + later).max(1));
        let over = self.frame.mocks.as_ref().map_or(0, |mocks| mocks.over);
        let target = ((over + nights) as f64 * EARLY).ceil() as usize;
        let early = left.div_ceil(u32::try_from(target.saturating_sub(over + night).max(1)).unwrap_or(1));
        let most = if over + nights > FEW { room * 2 / 3 } else { room };
        let goal = early.min(most).min(room - reviews).max(even);
        self.backlog.reading_for(goal, room)
    }

    fn review(&mut self, night: usize, questions: usize, due: usize, page: &mut Page) {
        if questions > 0 {
            let minutes = minutes_of_reviews(questions).min(page.room);
            self.reviews.review(night, questions);
            self.studied += minutes;
            page.take(Some((Task::Review { questions, due }, minutes)));
        }
    }

    fn questions_and_exercises(&mut self, night: usize, page: &mut Page) {
        let nights = self.frame.due.len();
        let until_the_last = if night + LAST < nights { self.room_between(night + 1, nights - 1) } else { 0 };
        loop {
            // Reviews may take half of each evening that is to come.
            let most = if until_the_last > 0 { page.room + until_the_last / 2 } else { 0 };
            let capacity = (self.practice as u32).saturating_sub(self.practised).min(most);
            let behind = f64::from(self.practised) * self.theory <= f64::from(self.studied) * self.practice;
            let practice_first = self.backlog.is_at_work() || behind;
            let done = practice_first && self.practise(page, capacity)
                || self.ask(night, page)
                || !practice_first && self.practise(page, capacity)
                || self.read(night, page.room, page)
                || self.practise(page, self.room_between(night + 1, self.frame.due.len()) + page.room);
            if !done {
                return;
            }
        }
    }

    fn read(&mut self, night: usize, room: u32, page: &mut Page) -> bool {
        let task = self.backlog.lesson(night, room);
        if let Some((Task::Lesson { questions, .. }, _)) = &task {
            self.reviews.learnt(night, *questions);
        }
        page.take(task)
    }

    fn practise(&mut self, page: &mut Page, capacity: u32) -> bool {
        let task = self.backlog.practice(page.room, capacity, capacity.max(self.to_finish));
        self.practised += task.as_ref().map_or(0, |(_, minutes)| *minutes);
        page.take(task)
    }

    fn ask(&mut self, night: usize, page: &mut Page) -> bool {
        let task = self.backlog.questions_for(night, page.room);
        if let Some((Task::Questions { questions, .. }, minutes)) = &task {
            self.reviews.learnt(night, *questions);
            self.studied += minutes;
        }
        page.take(task)
    }

    /// Minutes of the evenings from one to another, without mocks.
    fn room_between(&self, from: usize, to: usize) -> u32 {
        let mocks: u32 = self.mocks.iter().filter(|(on, _)| (from..to).contains(on)).map(|(_, minutes)| minutes).sum();
        (from..to).map(|night| room(self.frame, night)).sum::<u32>().saturating_sub(mocks)
    }
}

/// Minutes of an evening.
fn room(frame: &Frame, night: usize) -> u32 {
    if night == 0 { frame.minutes.saturating_sub(frame.spent) } else { frame.minutes }
}

/// Mocks that fit: what is left of tonight may be too short for a whole one, or for any; then it is tomorrow's.
fn fitting(mocks: &[(usize, u32)], frame: &Frame) -> Vec<(usize, u32)> {
    let mut fitting: Vec<(usize, u32)> = Vec::new();
    for (night, minutes) in mocks.iter().copied() {
        let (night, minutes) = match room(frame, night) {
            room if room >= minutes => (night, minutes),
            room if room >= SHORT_MOCK => (night, room),
            _ => (night + 1, minutes),
        };
        if night < frame.due.len() && fitting.iter().all(|(other, _)| *other != night) {
            fitting.push((night, minutes));
        }
    }
    fitting
}

fn minutes_of_reviews(questions: usize) -> u32 {
    (questions as f64 * MINUTES_A_REVIEW).ceil() as u32
}

fn reviews_in(minutes: u32) -> usize {
    (f64::from(minutes) / MINUTES_A_REVIEW) as usize
}

/// An evening in the making.
struct Page {
    room: u32,
    tasks: Evening,
    /// So many tasks stay where they are.
    fixed: usize,
}

impl Page {
    fn take(&mut self, task: Option<(Task, u32)>) -> bool {
        let Some((task, minutes)) = task else { return false };
        self.room = self.room.saturating_sub(minutes);
        for (before, spent) in &mut self.tasks {
            // More of the same is one task with what is there.
            let more = match (before, &task) {
                (Task::Questions { topic, questions }, Task::Questions { topic: same, questions: more }) if topic == same => {
                    (questions, more)
                }
                (Task::Review { questions, .. }, Task::Review { questions: more, .. }) => (questions, more),
                _ => continue,
            };
            *more.0 += more.1;
            *spent += minutes;
            return true;
        }
        self.tasks.push((task, minutes));
        true
    }

    /// The warm-up comes first, then the mock, so that there is time to mend; then from what is short to what is long.
    fn in_order(mut self) -> Evening {
        self.tasks[self.fixed..].sort_by_key(|(task, _)| match task {
            Task::Mock { .. } => 0,
            Task::Review { .. } => 1,
            Task::Lesson { .. } => 2,
            Task::Questions { .. } => 3,
            Task::Exercise { .. } => 4,
        });
        self.tasks
    }
}

#[cfg(test)]
mod tests;
