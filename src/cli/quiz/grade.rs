//! What an answer is worth. Pure: no screen, no clock, no state.

use super::expr::within;
use super::model::{Body, Choice, Question};
use super::rubric::{self, Point};
use std::fmt;

/// What a learner chose, in the order of the file (never in the shuffled order of the screen).
#[derive(Clone, Debug, PartialEq)]
pub enum Chosen {
    /// Indexes of options; for an open question of the rubric's points that were made and, counted on behind them, of the red flags.
    Options(Vec<usize>),
    /// True or false.
    Truth(bool),
    /// Indexes of items in the order they were put in.
    Order(Vec<usize>),
    /// A word or two.
    Text(String),
    /// A number.
    Number(f64),
    /// "I don't know."
    Nothing,
}

/// The form in which an answer is kept: `2`, `0 3`, `true`, `1 0 2`, `fencing token`, `0.5`.
impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Chosen::Options(indexes) | Chosen::Order(indexes) => {
                let words: Vec<String> = indexes.iter().map(usize::to_string).collect();
                f.write_str(&words.join(" "))
            }
            Chosen::Truth(truth) => write!(f, "{truth}"),
            Chosen::Text(text) => f.write_str(text),
            Chosen::Number(number) => write!(f, "{number}"),
            Chosen::Nothing => f.write_str("don't know"),
        }
    }
}

/// How sure the learner was, said before the answer was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// No idea.
    Guess,
    /// Rather yes.
    Think,
    /// Would bet.
    Sure,
}

impl Confidence {
    /// All, as they are offered.
    pub const ALL: [Confidence; 3] = [Confidence::Guess, Confidence::Think, Confidence::Sure];

    /// The word on the screen and in the state file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Confidence::Guess => "guess",
            Confidence::Think => "think",
            Confidence::Sure => "sure",
        }
    }

    /// Marks that make an honest rating the best one: think pays from 67 %, sure from 80 % (Gardner-Medwin's certainty-based
    /// marking).
    #[must_use]
    pub fn marks(self, right: bool) -> i32 {
        match (self, right) {
            (Confidence::Guess, true) => 1,
            (Confidence::Think, true) => 2,
            (Confidence::Sure, true) => 3,
            (Confidence::Guess, false) => 0,
            (Confidence::Think, false) => -2,
            (Confidence::Sure, false) => -6,
        }
    }
}

/// How an answer was judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Grade {
    /// Right, all in all.
    pub right: bool,
    /// From 0 to 1; between them only for open questions.
    pub score: f64,
    /// What this very answer should hear, when it is a known mistake.
    pub note: Option<String>,
}

/// Judges an answer. One of another kind than the question's is wrong.
#[must_use]
pub fn grade(question: &Question, chosen: &Chosen) -> Grade {
    let verdict = |right: bool, note| Grade { right, score: f64::from(u8::from(right)), note };
    match (&question.body, chosen) {
        (Body::Single(choices) | Body::Multi(choices), Chosen::Options(picked)) => {
            let right = choices.iter().enumerate().all(|(i, choice)| choice.correct == picked.contains(&i));
            let multi = matches!(question.body, Body::Multi(_));
            verdict(right, (multi && !right).then(|| what_is_amiss(choices, picked)))
        }
        (Body::TrueFalse { answer, why_true, why_false, .. }, Chosen::Truth(said)) => {
            let why = if *said { why_true } else { why_false };
            verdict(answer == said, why.clone().filter(|_| answer != said))
        }
        (Body::Order { items, before }, Chosen::Order(order)) => verdict(is_extension(items.len(), before, order), None),
        (Body::Short { accept, near }, Chosen::Text(text)) => {
            let said = fold(text);
            let right = accept.iter().any(|a| fold(a) == said);
            verdict(right, near.iter().find(|(n, _)| !right && fold(n) == said).map(|(_, why)| why.clone()))
        }
        (Body::Numeric { answer, tolerance, near, .. }, Chosen::Number(said)) => {
            let right = within(*said, *answer, *tolerance);
            verdict(right, near.iter().find(|(n, _)| !right && within(*said, *n, *tolerance)).map(|(_, why)| why.clone()))
        }
        (Body::Open { rubric, .. }, Chosen::Options(ticked)) => open(rubric, ticked),
        _ => verdict(false, None),
    }
}

/// Words as they are compared: small letters, no punctuation, single spaces, no article.
#[must_use]
pub fn fold(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).flat_map(char::to_lowercase).collect();
    let words = plain.split_whitespace().filter(|word| !matches!(*word, "a" | "an" | "the"));
    words.collect::<Vec<_>>().join(" ")
}

/// How near a wrong choice of several options was.
fn what_is_amiss(choices: &[Choice], picked: &[usize]) -> String {
    let right = choices.iter().filter(|c| c.correct).count();
    let found = picked.iter().filter(|&&i| choices.get(i).is_some_and(|c| c.correct)).count();
    match picked.len() - found {
        0 => format!("Found {found} of {right}."),
        wrong => format!("Found {found} of {right}, and chose {wrong} that {} wrong.", if wrong == 1 { "is" } else { "are" }),
    }
}

/// Whether `order` holds every item once and keeps all pairs of `before`.
fn is_extension(items: usize, before: &[(usize, usize)], order: &[usize]) -> bool {
    let position = |item: usize| order.iter().position(|&i| i == item);
    let complete = order.len() == items && (0..items).all(|item| position(item).is_some());
    complete && before.iter().all(|&(a, b)| position(a) < position(b))
}

/// The points that were made and the red flags that were said, by [`rubric::mark`].
fn open(rubric: &[Point], ticked: &[usize]) -> Grade {
    let flags = ticked.iter().filter(|i| **i >= rubric.len()).count();
    let mark = rubric::mark(rubric, ticked, flags);
    let note = mark.missed_must.map(|i| format!("Without this point the answer does not pass: {}", rubric[i].point));
    Grade { right: mark.passes(), score: mark.score, note }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::toml_reader::{Place, Places};
    use std::collections::BTreeMap;

    fn question(body: Body) -> Question {
        Question {
            id: "q".into(),
            rev: 1,
            difficulty: 1,
            tags: vec![],
            prompt: "p".into(),
            explanation: "e".into(),
            sources: vec![],
            scenario: None,
            exercise: None,
            rule: None,
            body,
            places: Places { header: Place::START, fields: BTreeMap::new() },
            drawn: None,
        }
    }

    #[test]
    fn marks_make_honesty_pay() {
        // The best rating by expected marks changes at 2/3 and at 4/5.
        let best = |p: f64| {
            let expected = |c: &Confidence| p * f64::from(c.marks(true)) + (1.0 - p) * f64::from(c.marks(false));
            Confidence::ALL.into_iter().max_by(|a, b| expected(a).total_cmp(&expected(b))).map(Confidence::word)
        };
        assert_eq!([0.2, 0.6, 0.7, 0.79, 0.81, 1.0].map(best), ["guess", "guess", "think", "think", "sure", "sure"].map(Some));
    }

    #[test]
    fn any_linear_extension_is_right() {
        let q = question(Body::Order { items: vec!["a".into(), "b".into(), "c".into()], before: vec![(0, 2), (1, 2)] });
        let right = |order: &[usize]| grade(&q, &Chosen::Order(order.to_vec())).right;
        assert!(right(&[0, 1, 2]) && right(&[1, 0, 2]));
        assert!(!right(&[0, 2, 1]) && !right(&[2, 1, 0]));
        assert!(!right(&[0, 1]) && !right(&[0, 1, 1]) && !right(&[]));
    }

    #[test]
    fn words_are_folded_and_near_ones_hear_why() {
        let q = question(Body::Short { accept: vec!["fencing token".into()], near: vec![("lease".into(), "ends".into())] });
        let said = |text: &str| grade(&q, &Chosen::Text(text.into()));
        assert!(said("a Fencing-Token.").right);
        assert_eq!(said("The lease").note.as_deref(), Some("ends"));
        assert!(!said("token").right && said("token").note.is_none());
    }

    #[test]
    fn numbers_have_a_tolerance() {
        let q = question(Body::Numeric { answer: 0.3, tolerance: 0.01, unit: None, verify: None, near: vec![(3.0, "ten".into())] });
        let said = |n: f64| grade(&q, &Chosen::Number(n));
        assert!(said(0.1 + 0.2).right && said(0.31).right && said(0.29).right);
        assert!(!said(0.32).right && !said(f64::NAN).right);
        assert_eq!(said(3.0).note.as_deref(), Some("ten"));
    }

    #[test]
    fn an_open_answer_needs_half_the_weight_and_every_must() {
        let point = |name: &str, weight, must| Point { point: name.into(), weight, must, of: None };
        let rubric = vec![point("key", 3, true), point("ttl", 1, false), point("409", 2, false)];
        let q = question(Body::Open { minutes: 5, model_answer: "m".into(), rubric, red_flags: vec![], follow_ups: vec![] });
        let said = |ticked: &[usize]| grade(&q, &Chosen::Options(ticked.to_vec()));
        assert!(said(&[]).score.is_sign_positive(), "no points are 0 points, not -0");
        assert!(said(&[0]).right && (said(&[0]).score - 0.5).abs() < 1e-9);
        assert!(!said(&[1, 2]).right);
        assert_eq!(said(&[1, 2]).note.as_deref(), Some("Without this point the answer does not pass: key"));
        assert!((said(&[0, 1, 2]).score - 1.0).abs() < 1e-9);
        assert!((said(&[0, 1, 2, 3]).score - 0.5).abs() < 1e-9, "what stands behind the points is a red flag");
    }

    #[test]
    fn multi_is_all_or_nothing_and_a_wrong_kind_is_wrong() {
        let choice =
            |correct| super::super::model::Choice { text: "t".into(), correct, why: "w".into(), misconception: None, claims: None };
        let q = question(Body::Multi(vec![choice(true), choice(false), choice(true)]));
        let right = |picked: &[usize]| grade(&q, &Chosen::Options(picked.to_vec())).right;
        assert!(right(&[0, 2]) && right(&[2, 0]));
        assert!(!right(&[0]) && !right(&[0, 1, 2]) && !right(&[]));
        let note = |picked: &[usize]| grade(&q, &Chosen::Options(picked.to_vec())).note;
        assert_eq!(note(&[0, 2]), None);
        assert_eq!(note(&[0]).as_deref(), Some("Found 1 of 2."));
        assert_eq!(note(&[0, 1]).as_deref(), Some("Found 1 of 2, and chose 1 that is wrong."));
        assert!(!grade(&q, &Chosen::Number(0.0)).right);
    }
}
