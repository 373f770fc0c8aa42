//! Rules: what hidden tests hold a learner's code to, and how they say that one was broken. This module knows neither how
//! a run is made nor how a finding is shown.

use crate::trace::clues::Clue;
use std::collections::BTreeMap;

/// One rule of an exercise: one hidden test of the report.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name in snake case; never changes once published.
    pub name: &'static str,
    /// The rule in one sentence, without a full stop.
    pub title: &'static str,
    /// Why it matters: what goes wrong for somebody if it is broken.
    pub why: &'static str,
    /// Where to look, when it is.
    pub look: &'static str,
    /// Where the rule comes from: paper and section.
    pub source: &'static str,
    /// Where in a run that breaks it the cause is to be found, beside the steps that the judge names itself; nowhere, if what
    /// breaks it has no step of its own.
    pub clues: &'static [Clue],
}

/// Every node's work has an end.
pub const BOUNDED_WORK: &str = "bounded_work";
/// The same seed gives the same run.
pub const DETERMINISTIC: &str = "deterministic";
/// Handlers return.
pub const NO_CRASH: &str = "no_crash";

/// The rules that every exercise on the network has, checked wherever the learner's code runs.
pub const COMMON: [Rule; 3] = [
    Rule {
        name: DETERMINISTIC,
        title: "the same seed gives the same run",
        why: "A failure that cannot be repeated cannot be understood, and replicas that decide by chance or by a clock of their own drift apart.",
        look: "The usual causes: a HashMap or HashSet whose order reaches a message, Instant::now or SystemTime, a random crate, a static variable, an address used as a number. Take BTreeMap, cx.now() and cx.random().",
        source: "Schneider 1990, Implementing fault-tolerant services using the state machine approach, section 2",
        clues: &[],
    },
    Rule {
        name: NO_CRASH,
        title: "no message, timer or request makes a node panic, hang or exit",
        why: "One odd message that kills a node kills every replica that receives it: the same bug strikes all of them at once.",
        look: "The line named above, and what the node had received just before.",
        source: "Avizienis et al. 2004, Basic concepts and taxonomy of dependable computing, section 3",
        clues: &[],
    },
    Rule {
        name: BOUNDED_WORK,
        title: "a node's work has an end",
        why: "Messages that beget messages without end take the network down: a broadcast storm, with every node busy and none useful.",
        look: "A handler that answers each answer, a timer set again with no delay, or a loop that sends until something changes (nothing changes while a handler runs).",
        source: "Tanenbaum & Wetherall, Computer Networks, section 4.8 (broadcast storms)",
        clues: &[],
    },
];

/// The rules that every exercise without a network has: there is no message to be sent without end.
pub const COMMON_PLAIN: [Rule; 2] = [
    Rule {
        name: DETERMINISTIC,
        title: "the same calls give the same answers",
        why: "Two servers that answer the same question differently send one user's data to two places; and a failure that cannot be repeated cannot be understood.",
        look: "The usual causes: RandomState (every HashMap::new() has other keys), the order of a HashMap or HashSet that reaches an answer, an address used as a number, Instant::now or SystemTime, a static variable.",
        source: "Schneider 1990, Implementing fault-tolerant services using the state machine approach, section 2",
        clues: &[],
    },
    Rule {
        name: NO_CRASH,
        title: "no call panics, hangs or exits",
        why: "A library that panics on an odd argument takes down every service that is built on it, all at the same call.",
        look: "The line named above, and the calls before it.",
        source: "Avizienis et al. 2004, Basic concepts and taxonomy of dependable computing, section 3",
        clues: &[],
    },
];

/// What never happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// Nodes did not come to the state that they had to reach.
    Unchanged,
    /// A request was not answered.
    Unanswered,
    /// What a node took on in this step was not done in time.
    Late(u64),
}

/// What was found of the cause, as the end of a sentence. Boxed, as a broken rule is what every check may return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Because(pub String);

/// A rule that a run broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The rule's name.
    pub rule: &'static str,
    /// What was seen, in one sentence with the real ids and values.
    pub seen: String,
    /// Steps that caused it, for marking; may be empty.
    pub marks: Vec<u64>,
    /// The step that broke the rule, if the check looked later: the run is shown up to it.
    pub step: Option<u64>,
    /// Whether it rests on how long something took. Such a run is shown as it was: with a timer left out, anything is late.
    pub timed: bool,
    /// If something that had to happen did not, or not in time, what it was: then it is told what the nodes were doing instead.
    pub stuck: Option<Stuck>,
    /// Where to look, in the place of what the rule says, if the run gives evidence.
    pub look: Option<&'static &'static str>,
    /// What was found of the cause, where only the run that is shown is worth the search: it ends the sentence there, and does not
    /// make two runs different.
    pub because: Option<Box<Because>>,
}

impl Broken {
    /// `rule` is broken: `seen`.
    pub fn new(rule: &'static str, seen: impl Into<String>) -> Self {
        Broken { rule, seen: seen.into(), marks: Vec::new(), step: None, timed: false, stuck: None, look: None, because: None }
    }

    /// Resting on how long something took: the run is not to be shrunk.
    #[must_use]
    pub fn timed(mut self) -> Self {
        self.timed = true;
        self
    }

    /// With what was found of the cause.
    #[must_use]
    pub fn because(mut self, why: Option<String>) -> Self {
        self.because = why.map(|why| Box::new(Because(why)));
        self
    }

    /// Stuck, not wrong: what the nodes named in the sentence were doing instead is read from the run.
    #[must_use]
    pub fn stuck(mut self) -> Self {
        self.stuck = Some(Stuck::Unchanged);
        self
    }

    /// The same of a request that was not answered: what became of what its node sent since it took it is read from the run.
    #[must_use]
    pub fn unanswered(mut self) -> Self {
        self.stuck = Some(Stuck::Unanswered);
        self
    }

    /// Late: what held up what was taken on in this step is read from the run.
    #[must_use]
    pub fn late(mut self, since: u64) -> Self {
        self.stuck = Some(Stuck::Late(since));
        self.at([since])
    }

    /// In this step, if it is known, and not in the last of the run, where the check looked: what came after it is not shown.
    #[must_use]
    pub fn in_step(mut self, step: impl Into<Option<u64>>) -> Self {
        self.step = step.into();
        self
    }

    /// With the steps that caused it.
    #[must_use]
    pub fn at(mut self, marks: impl IntoIterator<Item = u64>) -> Self {
        self.marks.extend(marks);
        self
    }
}

/// The outcome of a check.
pub type Check = Result<(), Broken>;

/// What runs met, by name. Counts add up over runs; a test that claims to have met something which never happened is a bug
/// of ours, and is reported as one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage(pub BTreeMap<&'static str, u64>);

impl Coverage {
    /// Counts `n` more of `name`.
    #[inline]
    pub fn add(&mut self, name: &'static str, n: u64) {
        if n > 0 {
            *self.0.entry(name).or_default() += n;
        }
    }

    /// Adds all of `other`.
    #[inline]
    pub fn merge(&mut self, other: &Coverage) {
        for (name, n) in &other.0 {
            self.add(name, *n);
        }
    }
}
