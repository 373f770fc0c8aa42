//! Which reviews fall due on which evening, as far as that can be known beforehand. What is really due the program works out from
//! the answers (`memory`); this is the forecast of a plan, and it reckons with answers that will be wrong.

use crate::cli::fsrs::RETENTION;

/// A review is due when it is remembered with this probability (FSRS's desired retention), so one in ten of those that are due is
/// answered wrong, and is due again on the evening after.
const LAPSES: f64 = 1.0 - RETENTION;
/// Of new questions, asked after the lesson, so many are taken to be answered wrong. No source: a guess, on the side of more reviews.
const FIRST_LAPSES: f64 = 0.25;
/// What is answered well for the first time is due after so many evenings, then after so many more, and then …: the intervals of
/// FSRS's default weights, as tests of `fsrs` have them.
const GAPS: [usize; 3] = [2, 11, 46];

/// A share of whole things: what is too small to count today is owed to the next time.
struct Share {
    of_one: f64,
    owed: f64,
}

impl Share {
    fn of(&mut self, number: usize) -> usize {
        self.owed += self.of_one * number as f64;
        let whole = (self.owed + 1e-9).floor();
        self.owed -= whole;
        whole as usize
    }
}

/// What is due on each evening, by how often it was answered well in a row.
pub struct Reviews {
    due: Vec<[usize; GAPS.len()]>,
    lapses: Share,
    first_lapses: Share,
}

impl Reviews {
    /// What is known to fall due. It was answered well once at least, most of it.
    pub fn of(due: &[usize]) -> Reviews {
        let due = due.iter().map(|questions| [0, *questions, 0]).collect();
        Reviews { due, lapses: Share { of_one: LAPSES, owed: 0.0 }, first_lapses: Share { of_one: FIRST_LAPSES, owed: 0.0 } }
    }

    /// How many are due on an evening.
    pub fn due(&self, night: usize) -> usize {
        self.due[night].iter().sum()
    }

    /// So many of them are reviewed, the least known first.
    pub fn review(&mut self, night: usize, questions: usize) {
        let mut left = questions;
        for (times, gap) in GAPS.into_iter().enumerate() {
            let now = self.due[night][times].min(left);
            left -= now;
            self.due[night][times] -= now;
            let wrong = self.lapses.of(now).min(now);
            self.add(night + 1, 0, wrong);
            self.add(night + gap, times + 1, now - wrong);
        }
    }

    /// So many questions were answered for the first time.
    pub fn learnt(&mut self, night: usize, questions: usize) {
        let wrong = self.first_lapses.of(questions).min(questions);
        self.add(night + 1, 0, wrong);
        self.add(night + GAPS[0], 1, questions - wrong);
    }

    /// What was not reviewed is due on the next evening as well.
    pub fn night_is_over(&mut self, night: usize) {
        for times in 0..GAPS.len() {
            let left = self.due[night][times];
            self.add(night + 1, times, left);
        }
    }

    fn add(&mut self, night: usize, times: usize, questions: usize) {
        if let Some(due) = self.due.get_mut(night) {
            due[times.min(GAPS.len() - 1)] += questions;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fsrs::{Memory, Rating};

    #[test]
    fn one_in_ten_comes_back_on_the_next_evening() {
        let mut reviews = Reviews::of(&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        reviews.review(0, 20);
        let due: Vec<usize> = (0..12).map(|night| reviews.due(night)).collect();
        assert_eq!(due, [0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 18]);
        reviews.review(1, 2);
        assert_eq!(reviews.due(3), 2, "what was forgotten is learnt anew");
    }

    #[test]
    fn what_is_new_comes_back_soon_and_what_had_no_room_is_not_lost() {
        let mut reviews = Reviews::of(&[3, 0, 0]);
        reviews.learnt(0, 8);
        reviews.review(0, 1);
        reviews.night_is_over(0);
        assert_eq!((reviews.due(0), reviews.due(1), reviews.due(2)), (2, 2 + 2, 6));
    }

    #[test]
    fn shares_are_paid_in_full() {
        let mut share = Share { of_one: 0.1, owed: 0.0 };
        assert_eq!((0..30).map(|_| share.of(1)).sum::<usize>(), 3);
    }

    #[test]
    fn the_gaps_are_those_of_the_scheduler() {
        let mut memory = Memory::first(Rating::Good);
        for gap in GAPS {
            assert_eq!(memory.interval_days() as usize, gap);
            memory = memory.then(Rating::Good, gap as f64);
        }
    }
}
