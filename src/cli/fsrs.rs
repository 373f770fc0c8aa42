//! FSRS-6: how long a memory lasts, and what an answer does to it. The formulas and the 21 default weights are those of the
//! free spaced repetition scheduler (open-spaced-repetition); the weights are not fitted to a learner: that takes more answers
//! than anybody gives before an interview. Pure: no clock, no questions.

/// The default weights of FSRS-6.
pub const WEIGHTS: [f64; 21] = [
    0.212, 1.2931, 2.3065, 8.2956, 6.4133, 0.8334, 3.0194, 0.001, 1.8722, 0.1666, 0.796, 1.4835, 0.0614, 0.2629, 1.6483, 0.6014, 1.8729,
    0.5425, 0.0912, 0.0658, 0.1542,
];

/// A question is due when it is remembered with this probability.
pub const RETENTION: f64 = 0.9;

/// No memory is shorter, in days.
const SHORTEST: f64 = 0.001;

/// How well something was remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rating {
    /// Not at all.
    Again = 1,
    /// With luck or trouble. It counts as remembered.
    Hard = 2,
    /// Well.
    Good = 3,
    /// Without thinking. Choosing among options never shows that, so the program never says it.
    Easy = 4,
}

/// The state of one memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    /// Days until it is remembered with a probability of 90 %.
    pub stability: f64,
    /// From 1 to 10.
    pub difficulty: f64,
}

impl Memory {
    /// After the first answer.
    #[must_use]
    pub fn first(rating: Rating) -> Memory {
        Memory::first_by(&WEIGHTS, rating)
    }

    fn first_by(w: &[f64; 21], rating: Rating) -> Memory {
        Memory { stability: w[rating as usize - 1], difficulty: start_difficulty(w, rating).clamp(1.0, 10.0) }
    }

    /// After one more answer, so many days after the last. An early one is worth little, a late one much: what is crammed does
    /// not count for more than it is.
    #[must_use]
    pub fn then(self, rating: Rating, days: f64) -> Memory {
        self.then_by(&WEIGHTS, rating, days)
    }

    fn then_by(self, w: &[f64; 21], rating: Rating, days: f64) -> Memory {
        let stability = if days < 1.0 {
            self.same_day(w, rating)
        } else if rating == Rating::Again {
            self.forgotten(w, days)
        } else {
            self.recalled(w, rating, days)
        };
        Memory { stability: stability.max(SHORTEST), difficulty: self.harder(w, rating) }
    }

    /// With which probability it is still there.
    #[must_use]
    pub fn recall(self, days: f64) -> f64 {
        self.recall_by(&WEIGHTS, days)
    }

    fn recall_by(self, w: &[f64; 21], days: f64) -> f64 {
        let decay = -w[20];
        let factor = 0.9_f64.powf(1.0 / decay) - 1.0;
        (1.0 + factor * days.max(0.0) / self.stability).powf(decay)
    }

    /// Days until the probability has fallen to [`RETENTION`], whole, and one at least.
    #[must_use]
    pub fn interval_days(self) -> u32 {
        self.interval_at(RETENTION).round().clamp(1.0, 36_500.0) as u32
    }

    fn interval_at(self, retention: f64) -> f64 {
        let decay = -WEIGHTS[20];
        let factor = 0.9_f64.powf(1.0 / decay) - 1.0;
        self.stability / factor * (retention.powf(1.0 / decay) - 1.0)
    }

    fn same_day(self, w: &[f64; 21], rating: Rating) -> f64 {
        let grade = f64::from(rating as u8);
        let grown = (w[17] * (grade - 3.0 + w[18])).exp() * self.stability.powf(-w[19]);
        // Who remembered well has not lost anything by saying so twice.
        self.stability * if rating >= Rating::Good { grown.max(1.0) } else { grown }
    }

    fn recalled(self, w: &[f64; 21], rating: Rating, days: f64) -> f64 {
        let bonus = match rating {
            Rating::Hard => w[15],
            Rating::Easy => w[16],
            _ => 1.0,
        };
        let forgotten = (w[10] * (1.0 - self.recall_by(w, days))).exp() - 1.0;
        self.stability * (1.0 + w[8].exp() * (11.0 - self.difficulty) * self.stability.powf(-w[9]) * forgotten * bonus)
    }

    fn forgotten(self, w: &[f64; 21], days: f64) -> f64 {
        let left = w[11]
            * self.difficulty.powf(-w[12])
            * ((self.stability + 1.0).powf(w[13]) - 1.0)
            * (w[14] * (1.0 - self.recall_by(w, days))).exp();
        left.min(self.stability / (w[17] * w[18]).exp())
    }

    fn harder(self, w: &[f64; 21], rating: Rating) -> f64 {
        let change = -w[6] * (f64::from(rating as u8) - 3.0);
        let damped = self.difficulty + change * (10.0 - self.difficulty) / 9.0;
        (w[7] * start_difficulty(w, Rating::Easy) + (1.0 - w[7]) * damped).clamp(1.0, 10.0)
    }
}

fn start_difficulty(w: &[f64; 21], rating: Rating) -> f64 {
    w[4] - (w[5] * (f64::from(rating as u8) - 1.0)).exp() + 1.0
}

#[cfg(test)]
mod tests {
    use super::Rating::{Again, Easy, Good, Hard};
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-4, "{a} is not {b}");
    }

    fn walk(w: &[f64; 21], history: &[(f64, Rating)]) -> Memory {
        let (first, rest) = history.split_first().unwrap();
        rest.iter().fold(Memory::first_by(w, first.1), |memory, (days, rating)| memory.then_by(w, *rating, *days))
    }

    /// Vectors that the reference implementations test themselves with.
    #[test]
    fn the_published_vectors() {
        let first = [(Again, 0.212, 6.4133), (Hard, 1.2931, 5.11217071), (Good, 2.3065, 2.11810397), (Easy, 8.2956, 1.0)];
        for (rating, stability, difficulty) in first {
            near(Memory::first(rating).stability, stability);
            near(Memory::first(rating).difficulty, difficulty);
        }
        let six = [(0.0, Again), (0.0, Good), (1.0, Good), (3.0, Good), (8.0, Good), (21.0, Good)];
        near(walk(&WEIGHTS, &six).stability, 53.62691);
        near(walk(&WEIGHTS, &six).difficulty, 6.3574867);
        let mut flat = WEIGHTS;
        flat[17..20].fill(0.0);
        near(walk(&flat, &six).stability, 53.335106);
    }

    #[test]
    fn good_answers_when_due_space_themselves() {
        let mut memory = Memory::first(Good).then(Good, 0.0);
        for days in [2, 11, 46, 163] {
            assert_eq!(memory.interval_days(), days);
            memory = memory.then(Good, f64::from(days));
        }
    }

    /// Computed by the crate of the same algorithm, version 6.6.2.
    #[test]
    fn the_vectors_of_another_implementation() {
        let steps = [
            (0.0, Good, 2.3065, 2.1181),
            (2.0, Good, 10.9643, 2.1112),
            (11.0, Good, 46.2803, 2.1043),
            (46.0, Again, 2.9326, 7.3900),
            (1.0, Good, 4.9599, 7.3778),
            (3.0, Hard, 8.0104, 8.2445),
        ];
        let mut memory = None::<Memory>;
        for (days, rating, stability, difficulty) in steps {
            let next = memory.map_or_else(|| Memory::first(rating), |m| m.then(rating, days));
            near(next.stability, stability);
            near(next.difficulty, difficulty);
            memory = Some(next);
        }
        near(memory.unwrap().recall(memory.unwrap().stability), 0.9);
        assert!((memory.unwrap().interval_at(0.85) - 15.27).abs() < 0.005);
    }

    #[test]
    fn cramming_gains_nothing_and_nothing_breaks_the_numbers() {
        let learnt = Memory::first(Good).then(Good, 2.0);
        let crammed = (0..20).fold(learnt, |memory, _| memory.then(Good, 0.01));
        near(crammed.stability, learnt.stability);
        let early = learnt.then(Good, 1.0);
        assert!(early.stability > learnt.stability && early.stability < learnt.then(Good, 11.0).stability);
        let mut memory = Memory::first(Again);
        for n in 0..2_000_u32 {
            let rating = [Again, Hard, Good, Easy][(n * 7 % 4) as usize];
            memory = memory.then(rating, f64::from(n % 5) * f64::from(n));
            assert!(
                memory.stability.is_finite() && memory.stability >= SHORTEST && (1.0..=10.0).contains(&memory.difficulty),
                "{memory:?}"
            );
            assert!((0.0..=1.0).contains(&memory.recall(f64::from(n))) && memory.interval_days() >= 1);
        }
    }
}
