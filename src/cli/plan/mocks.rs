//! On which evenings a mock interview is held: one in the middle, when the lessons are read, to see what is missing while there is
//! time for it; one near the end, with an evening to mend what it shows. Knows nothing of what is learnt.

use super::task::{Mocks, mock_of};

/// From so many evenings on there are two.
const TWO_FROM: usize = 6;

/// The mocks to come, by evening, tonight being 0, each with its minutes. `nights`: the evenings that are left.
pub fn to_come(mocks: &Mocks, nights: usize, minutes: u32) -> Vec<(usize, u32)> {
    // What was decided when the plan was made is decided the same on each evening since.
    let all = mocks.over + nights;
    let Some(length) = mock_of(all, minutes) else { return Vec::new() };
    let last = all.saturating_sub(if all > 3 { 2 } else { 1 });
    let middle = all / 2;
    let two = all >= TWO_FROM;
    // Whether one was held that stands for the first, or for the last. One soon after the plan was made is neither.
    let cut = if two { (middle + last).div_ceil(2) } else { all.div_ceil(2) };
    let was_held = |from: usize, to: usize| mocks.held.iter().any(|night| (from..to).contains(night));
    let mut nights: Vec<usize> = Vec::new();
    // Missed, it is made up for while it is not nearer to the last one.
    nights.extend(Some(middle.max(mocks.over)).filter(|night| two && *night < cut && !was_held(all.div_ceil(4), cut)));
    nights.extend(Some(last.max(mocks.over)).filter(|night| *night < all && !was_held(cut, all)));
    nights.into_iter().map(|night| (night - mocks.over, length)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nights(all: usize, over: usize, held: &[usize], minutes: u32) -> Vec<usize> {
        let coming = to_come(&Mocks { over, held: held.to_vec() }, all - over, minutes);
        coming.into_iter().map(|(night, _)| night + over).collect()
    }

    #[test]
    fn one_in_the_middle_and_one_near_the_end() {
        assert_eq!(nights(30, 0, &[], 60), [15, 28]);
        assert_eq!(nights(14, 0, &[], 30), [7, 12]);
        assert_eq!(nights(7, 0, &[], 30), [3, 5]);
        assert_eq!(nights(5, 0, &[], 45), [3], "few evenings have one");
        assert_eq!(nights(3, 0, &[], 60), [2], "fewer end with it");
        assert_eq!(nights(3, 0, &[], 30), [0_usize; 0], "and 90 minutes are for lessons");
        let length = |nights, minutes| to_come(&Mocks::default(), nights, minutes).first().map(|(_, length)| *length);
        assert_eq!([(7, 30), (7, 60), (14, 30), (14, 60), (30, 60), (3, 60)].map(|(n, m)| length(n, m).unwrap()), [20, 30, 20, 60, 60, 20]);
    }

    #[test]
    fn what_was_held_is_not_held_again_and_what_was_missed_is_made_up_for() {
        assert_eq!(nights(14, 3, &[0], 60), [7, 12], "one on the first day is neither");
        assert_eq!(nights(14, 6, &[5], 60), [12]);
        assert_eq!(nights(14, 9, &[], 60), [9, 12], "tonight");
        assert_eq!(nights(14, 11, &[], 60), [12], "too late for two");
        assert_eq!(nights(7, 6, &[3, 5], 60), [0_usize; 0]);
        assert_eq!(nights(14, 13, &[6], 60), [13], "the last evening is better than none");
        assert_eq!(nights(14, 13, &[6, 11], 60), [0_usize; 0]);
        assert_eq!(nights(5, 3, &[3], 60), [0_usize; 0]);
    }
}
