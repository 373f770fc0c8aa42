//! The shape of a topic file, table by table, as serde reads it.
//!
//! Each struct refuses unknown fields, which gives exact spans. Nearly every field may be missing here: what is required is
//! checked when the values are carried over, so that one run names everything that is missing, not the first alone.

use super::super::model::Claims;
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHead {
    pub schema: Option<i64>,
    pub topic: Option<String>,
    pub title: Option<String>,
    #[serde(default)]
    pub retired: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawScenario {
    pub id: Option<String>,
    pub kind: Option<String>,
    pub text: Option<String>,
    #[serde(default)]
    pub ops: Vec<RawOp>,
    pub claims: Option<RawClaims>,
    pub mutant: Option<String>,
    pub breaks: Option<String>,
    pub trace: Option<String>,
    pub vars: Vec<String>,
    #[serde(rename = "where")]
    pub condition: Option<String>,
    pub run: Option<String>,
    pub pool: Vec<RawRun>,
}

/// One of the runs that a scenario draws from.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRun {
    pub run: Option<String>,
    pub breaks: Option<String>,
    pub why: Option<String>,
}

/// A number, or an expression that comes to one.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a number, or an expression of variables as text")]
pub(super) enum RawNumber {
    Number(f64),
    Expression(String),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOp {
    pub client: Option<String>,
    pub op: Option<String>,
    pub key: Option<String>,
    pub value: Option<RawNumber>,
    pub start: Option<RawNumber>,
    pub end: Option<RawNumber>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawClaims {
    pub linearizable: Option<bool>,
    pub sequential: Option<bool>,
}

impl From<RawClaims> for Claims {
    fn from(raw: RawClaims) -> Claims {
        Claims { linearizable: raw.linearizable, sequential: raw.sequential }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSource {
    pub title: Option<String>,
    pub loc: Option<String>,
    pub url: Option<String>,
}

/// One struct for a kind: the common fields and its own. (`flatten` would drop unknown keys in silence.)
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct $name {
            pub id: Option<String>,
            pub rev: Option<u32>,
            #[allow(dead_code)] // already read to choose the struct
            pub kind: Option<String>,
            pub difficulty: Option<u8>,
            pub tags: Vec<String>,
            pub prompt: Option<String>,
            pub explanation: Option<String>,
            pub sources: Vec<RawSource>,
            pub scenario: Option<String>,
            pub exercise: Option<String>,
            pub rule: Option<String>,
            #[allow(dead_code)] // already drawn from
            pub vars: Vec<String>,
            #[allow(dead_code)]
            #[serde(rename = "where")]
            pub condition: Option<String>,
            $(pub $field: $type,)*
        }

        impl $name {
            /// Takes the fields that every kind has.
            pub(super) fn common(&mut self) -> RawCommon {
                RawCommon {
                    id: self.id.take(),
                    rev: self.rev,
                    difficulty: self.difficulty,
                    tags: std::mem::take(&mut self.tags),
                    prompt: self.prompt.take(),
                    explanation: self.explanation.take(),
                    sources: std::mem::take(&mut self.sources),
                    scenario: self.scenario.take(),
                    exercise: self.exercise.take(),
                    rule: self.rule.take(),
                }
            }
        }
    )*};
}

kinds! {
    /// `single` and `multi`.
    RawChoices { option: Vec<RawOption> }
    /// `true-false`.
    RawTrueFalse { answer: Option<bool>, verify: Option<String>, why: Option<RawWhy>, claims: Option<RawClaims> }
    /// `order`.
    RawOrder { items: Vec<String>, before: Option<Vec<(usize, usize)>> }
    /// `short`.
    RawShort { accept: Vec<String>, near: Vec<RawNearText> }
    /// `numeric`.
    RawNumeric { answer: Option<f64>, tolerance: Option<RawNumber>, unit: Option<String>, verify: Option<String>, near: Vec<RawNearValue> }
    /// `open`.
    RawOpen {
        minutes: Option<u32>,
        model_answer: Option<String>,
        rubric: Vec<RawPoint>,
        red_flags: Vec<String>,
        follow_ups: Vec<String>,
        follow_up: Vec<RawFollowUp>,
    }
    /// `round`.
    RawRound { minutes: Option<u32>, stage: Vec<RawStage> }
}

/// What [`kinds`] have in common.
pub(super) struct RawCommon {
    pub id: Option<String>,
    pub rev: Option<u32>,
    pub difficulty: Option<u8>,
    pub tags: Vec<String>,
    pub prompt: Option<String>,
    pub explanation: Option<String>,
    pub sources: Vec<RawSource>,
    pub scenario: Option<String>,
    pub exercise: Option<String>,
    pub rule: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawOption {
    pub text: Option<String>,
    pub correct: bool,
    pub why: Option<String>,
    pub misconception: Option<String>,
    pub claims: Option<RawClaims>,
    pub rule: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWhy {
    #[serde(rename = "true")]
    pub yes: Option<String>,
    #[serde(rename = "false")]
    pub no: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNearText {
    pub text: Option<String>,
    pub why: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNearValue {
    pub value: Option<RawNumber>,
    pub why: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawPoint {
    pub point: Option<String>,
    pub weight: Option<u32>,
    pub must: bool,
    pub of: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawFollowUp {
    pub ask: Option<String>,
    pub when: Option<u32>,
    pub why: Option<String>,
    pub answer: Option<String>,
    pub rubric: Vec<RawPoint>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawStage {
    pub name: Option<String>,
    pub minutes: Option<u32>,
    pub ask: Option<String>,
    pub facts: Vec<RawFact>,
    pub answer: Option<String>,
    pub rubric: Vec<RawPoint>,
    pub red_flags: Vec<String>,
    pub follow_up: Vec<RawFollowUp>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFact {
    pub asked: Option<String>,
    pub said: Option<String>,
}
