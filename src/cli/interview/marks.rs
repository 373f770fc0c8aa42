//! What an interview is worth: of each part its score, of a stage also by the time that it took; the whole as a mean by minutes. Pure.

use super::part::{Part, What};
use crate::cli::quiz::rubric::Skill;

/// Of a stage's mark so much hangs on the time kept. It is taken from what was said, not added: who says nothing in time has nothing.
const TIME_KEPT: f64 = 0.1;

/// How one stage stands.
#[derive(Clone, Debug, PartialEq)]
pub struct StageMark {
    /// Its name.
    pub name: String,
    /// The round's quiz, and the stage's id.
    pub id: (String, String),
    /// From 0 to 1, by what was said and by the time.
    pub score: f64,
    /// Seconds that it took, with what was asked next.
    pub took_s: u64,
    /// Minutes that it had.
    pub minutes: u32,
}

impl StageMark {
    /// Whether it was over in time.
    #[must_use]
    pub fn in_time(&self) -> bool {
        self.took_s <= u64::from(self.minutes) * 60
    }
}

/// The weighted mean of the parts of a topic, or of all; `None` if nothing was judged.
#[must_use]
pub fn score(parts: &[Part], topic: Option<&str>) -> Option<f64> {
    let of = parts.iter().filter(|part| topic.is_none_or(|topic| topic == part.topic));
    let (points, all) = of.fold((0.0, 0.0), |(points, all), part| (points + part.weight() * worth(parts, part), all + part.weight()));
    (all > 0.0).then(|| points / all)
}

/// A part's score; a stage's less what it was over its time.
#[must_use]
pub fn worth(parts: &[Part], part: &Part) -> f64 {
    if part.what == What::Stage {
        part.score * (1.0 - TIME_KEPT * (1.0 - kept(part.more.minutes, took_s(parts, part))))
    } else {
        part.score
    }
}

/// Seconds of a stage, with what was asked next: that is within its time, as in a real round.
fn took_s(parts: &[Part], stage: &Part) -> u64 {
    let of_it = |part: &&Part| matches!(part.what, What::Stage | What::FollowUp) && (&part.topic, &part.id) == (&stage.topic, &stage.id);
    parts.iter().filter(of_it).map(|part| part.more.took_s).sum()
}

/// 1 in time, and nothing at twice the time.
fn kept(minutes: u32, took_s: u64) -> f64 {
    let allowed = f64::from(minutes) * 60.0;
    if allowed > 0.0 { (2.0 - took_s as f64 / allowed).clamp(0.0, 1.0) } else { 1.0 }
}

/// The stages that were judged, in order.
#[must_use]
pub fn stages(parts: &[Part]) -> Vec<StageMark> {
    let judged = parts.iter().filter(|part| part.what == What::Stage && !part.more.unjudged);
    let mark = |part: &Part| StageMark {
        name: part.more.stage.clone(),
        id: (part.topic.clone(), part.id.clone()),
        score: worth(parts, part),
        took_s: took_s(parts, part),
        minutes: part.more.minutes,
    };
    judged.map(mark).collect()
}

/// Of each skill the points that were made, of how many; none of a skill that was not looked for.
#[must_use]
pub fn skills(parts: &[Part]) -> Vec<(Skill, u32, u32)> {
    let of = |skill: Skill| {
        let all = parts.iter().filter(|part| !part.more.unjudged).flat_map(|part| &part.more.skills).filter(|(of, ..)| *of == skill);
        all.fold((skill, 0, 0), |(skill, made, all), (_, more_made, more)| (skill, made + more_made, all + more))
    };
    Skill::ALL.map(of).into_iter().filter(|(.., all)| *all > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::super::part::More;
    use super::*;

    fn stage(id: &str, minutes: u32, took_s: u64, score: f64) -> Part {
        let more = More { stage: id.into(), minutes, took_s, skills: vec![(Skill::Scope, 1, 2)], ..More::default() };
        Part { score, more, ..Part::asked(What::Stage, "design", id, "?") }
    }

    fn next(id: &str, took_s: u64, score: f64) -> Part {
        Part { score, more: More { took_s, ..More::default() }, ..Part::asked(What::FollowUp, "design", id, "And?") }
    }

    #[test]
    fn time_costs_a_tenth_at_most_and_gives_nothing() {
        let of = |took_s| score(&[stage("scope", 6, took_s, 1.0)], None).unwrap();
        assert!(
            (of(360) - 1.0).abs() < 1e-9 && (of(540) - 0.95).abs() < 1e-9 && (of(720) - 0.9).abs() < 1e-9 && (of(9_999) - 0.9).abs() < 1e-9
        );
        assert_eq!(score(&[stage("scope", 6, 10, 0.0)], None), Some(0.0));
        // What is asked next is within the stage's time.
        let parts = [stage("scope", 6, 300, 1.0), next("scope", 120, 1.0), next("other", 900, 1.0)];
        assert!((worth(&parts, &parts[0]) - (1.0 - 0.1 / 6.0)).abs() < 1e-9);
        assert!(!stages(&parts)[0].in_time() && stages(&parts)[0].took_s == 420);
    }

    #[test]
    fn long_stages_count_for_more_and_what_was_not_judged_for_nothing() {
        let parts = [stage("deep", 12, 1, 1.0), stage("short", 4, 1, 0.0)];
        assert_eq!(score(&parts, Some("design")), Some(0.75));
        assert_eq!(score(&parts, Some("cap")), None);
        let waits = Part { more: More { unjudged: true, ..parts[0].more.clone() }, ..parts[0].clone() };
        assert_eq!((score(std::slice::from_ref(&waits), None), stages(std::slice::from_ref(&waits)).len()), (None, 0));
        assert_eq!(skills(&[parts[0].clone(), parts[1].clone(), waits]), [(Skill::Scope, 2, 4)]);
    }
}
