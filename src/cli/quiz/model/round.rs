//! A design round: what an interviewer would ask within three quarters of an hour, in stages, each with its time.

use super::Question;

/// The stages in their order, each with its minutes; a round may shift one by a minute or two.
pub const STAGES: [(&str, u32); 7] =
    [("scope", 6), ("estimate", 5), ("interfaces", 5), ("drawing", 8), ("deep dive", 11), ("failures", 7), ("wrap-up", 3)];

/// One round.
#[derive(Clone, Debug)]
pub struct Round {
    /// What its stages share, and the interviewer's first sentence. It is never asked as it is: its rubric is empty.
    pub head: Question,
    /// All in all.
    pub minutes: u32,
    /// In order.
    pub stages: Vec<Stage>,
}

/// One stage of a round.
#[derive(Clone, Debug)]
pub struct Stage {
    /// `deep dive`.
    pub name: String,
    /// What the interviewer says at its start.
    pub ask: String,
    /// What he answers to who asks.
    pub facts: Vec<Fact>,
    /// The stage as an open question that stands alone, with all that was known by then: so it is judged, kept, and comes back. Its id is
    /// [`id_of`] the stage's name.
    pub question: Question,
}

/// What is known once it was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fact {
    /// What was asked.
    pub asked: String,
    /// The answer.
    pub said: String,
}

impl Fact {
    /// On one line.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{} {}", self.asked, self.said)
    }
}

impl Round {
    /// What is known after so many stages.
    pub fn facts_before(&self, stage: usize) -> impl Iterator<Item = &Fact> {
        self.stages.iter().take(stage).flat_map(|stage| &stage.facts)
    }
}

/// The id of a stage: `round-cache/deep-dive`. No question of a file has one like it.
#[must_use]
pub fn id_of(round: &str, stage: &str) -> String {
    format!("{round}/{}", stage.replace(' ', "-"))
}
