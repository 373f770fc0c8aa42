//! What an answer in words is judged by: points, marks for them, and what an interviewer asks next because one of them was not made.
//! Pure; knows neither questions nor screens. Nothing here reads an answer: who gave it ticks its points.

/// One point of a rubric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// What the answer must say.
    pub point: String,
    /// What it counts.
    pub weight: u32,
    /// Without it the answer does not pass.
    pub must: bool,
    /// What else it shows, which a scorecard tells apart.
    pub of: Option<Skill>,
}

impl Point {
    /// The point as it is listed.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{}{}", self.point, if self.must { " (a must)" } else { "" })
    }
}

/// What interviewers look for in every stage of a design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skill {
    /// It was asked what is wanted.
    Scope,
    /// What is taken for granted was said.
    Assumption,
    /// What a choice costs was said.
    TradeOff,
}

impl Skill {
    /// All of them.
    pub const ALL: [Skill; 3] = [Skill::Scope, Skill::Assumption, Skill::TradeOff];

    /// The word in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Skill::Scope => "scope",
            Skill::Assumption => "assumption",
            Skill::TradeOff => "trade-off",
        }
    }

    /// What a scorecard calls it.
    #[must_use]
    pub fn shown(self) -> &'static str {
        match self {
            Skill::Scope => "scope asked",
            Skill::Assumption => "assumptions said",
            Skill::TradeOff => "trade-offs named",
        }
    }

    /// The skill of that word.
    #[must_use]
    pub fn of(word: &str) -> Option<Skill> {
        Skill::ALL.into_iter().find(|skill| skill.word() == word)
    }
}

/// What an interviewer asks next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FollowUp {
    /// As it is said.
    pub ask: String,
    /// It is asked when this point of the rubric before it (from 0) was not made; without one, it may always come.
    pub when: Option<usize>,
    /// Why it is asked.
    pub why: String,
    /// A good answer.
    pub answer: String,
    /// What is looked for. Empty where a file has the bare question.
    pub rubric: Vec<Point>,
}

/// What an answer is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// From 0 to 1.
    pub score: f64,
    /// The first point that is a must and was not made.
    pub missed_must: Option<usize>,
}

impl Mark {
    /// Whether it would do in an interview: half of the marks, and every must.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.score >= 0.5 && self.missed_must.is_none()
    }
}

/// What is left of the marks if a must is missing.
const WITHOUT_A_MUST: f64 = 0.5;

/// The share of the weights of the points that were made. A must that is missing caps it at half; each red flag that was said costs a
/// point of the heaviest weight, so who is sure and wrong stands behind who said little.
#[must_use]
pub fn mark(rubric: &[Point], made: &[usize], red_flags: usize) -> Mark {
    let all: u32 = rubric.iter().map(|point| point.weight).sum();
    let got: u32 = rubric.iter().enumerate().filter(|(i, _)| made.contains(i)).map(|(_, point)| point.weight).sum();
    let missed_must = rubric.iter().enumerate().find(|(i, point)| point.must && !made.contains(i)).map(|(i, _)| i);
    let share = |weight: u32| if all > 0 { f64::from(weight) / f64::from(all) } else { 0.0 };
    let cap = if missed_must.is_some() { WITHOUT_A_MUST } else { 1.0 };
    let heaviest = rubric.iter().map(|point| point.weight).max().unwrap_or(0);
    let score = share(got).min(cap) - red_flags as f64 * share(heaviest);
    Mark { score: score.max(0.0), missed_must }
}

/// Which follow-ups come, in order: the one to a point that was left out, a must before others and a heavy one before a light one; a second
/// one only if it is to a must. Where nothing was left out that one asks for: the first that may always come.
#[must_use]
pub fn next(follow_ups: &[FollowUp], rubric: &[Point], made: &[usize]) -> Vec<usize> {
    let gap = |next: &FollowUp| next.when.filter(|at| !made.contains(at)).and_then(|at| rubric.get(at));
    let mut to_gaps: Vec<(usize, &Point)> = follow_ups.iter().enumerate().filter_map(|(i, next)| Some((i, gap(next)?))).collect();
    to_gaps.sort_by_key(|(_, point)| (!point.must, std::cmp::Reverse(point.weight)));
    if to_gaps.is_empty() {
        return follow_ups.iter().position(|next| next.when.is_none()).into_iter().collect();
    }
    let first = to_gaps.remove(0);
    let second = to_gaps.into_iter().find(|(i, point)| point.must && follow_ups[*i].when != follow_ups[first.0].when);
    [Some(first), second].into_iter().flatten().map(|(i, _)| i).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(weight: u32, must: bool) -> Point {
        Point { point: format!("{weight}"), weight, must, of: None }
    }

    #[test]
    fn musts_gate_and_red_flags_cost() {
        let rubric = [point(3, true), point(2, false), point(1, false)];
        let score = |made: &[usize], flags| mark(&rubric, made, flags).score;
        assert!((score(&[0, 1, 2], 0) - 1.0).abs() < 1e-9 && mark(&rubric, &[0], 0).passes());
        assert!((score(&[0, 1, 2], 1) - 0.5).abs() < 1e-9, "a red flag costs the heaviest point");
        assert!((score(&[1, 2], 0) - 0.5).abs() < 1e-9 && !mark(&rubric, &[1, 2], 0).passes());
        let heavy = [point(1, true), point(9, false)];
        assert!((mark(&heavy, &[1], 0).score - 0.5).abs() < 1e-9, "without the must no more than half");
        assert_eq!((score(&[], 3), mark(&[], &[], 1).score), (0.0, 0.0), "nothing is below nothing");
        assert!(score(&[], 0).is_sign_positive());
    }

    #[test]
    fn what_was_left_out_decides_what_comes() {
        let rubric = [point(1, false), point(3, true), point(2, false), point(1, true)];
        let to = |when: Option<usize>| FollowUp { ask: format!("{when:?}"), when, ..FollowUp::default() };
        let all = [to(Some(0)), to(Some(2)), to(None), to(Some(1)), to(Some(3)), to(None)];
        let come = |made: &[usize]| next(&all, &rubric, made);
        assert_eq!(come(&[]), [3, 4], "the heavier must first, then the other must");
        assert_eq!(come(&[1]), [4], "a must first, and no second that is none");
        assert_eq!(come(&[1, 3]), [1], "the heavier");
        assert_eq!(come(&[1, 2, 3]), [0]);
        assert_eq!(come(&[0, 1, 2, 3]), [2], "nothing was left out");
        assert_eq!(next(&[to(Some(1))], &rubric, &[1]), Vec::<usize>::new());
        assert_eq!(next(&[to(Some(9))], &rubric, &[]), Vec::<usize>::new(), "a point that is not there");
        assert_eq!(next(&[to(Some(1)), to(Some(1))], &rubric, &[]), [0], "one of two to the same point");
    }
}
