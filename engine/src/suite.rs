//! What a judge hands to the harness: rules, cases, and a swarm, with the learner's type already forgotten.

use crate::report::Layer;
use crate::rule::{BOUNDED_WORK, Broken, COMMON, COMMON_PLAIN, Check, Coverage, Rule};
use crate::trace::Probe;

/// What runs a case.
pub type RunCase = Box<dyn Fn(&Probe) -> Check + Send + Sync>;
/// What makes the run of a seed.
pub type RunSeed = Box<dyn Fn(u64, &Probe) -> Run + Send + Sync>;

/// What a second process of the same program says when asked this: for rules about what all processes must agree on.
pub type Echo = Box<dyn Fn(&str) -> String + Send + Sync>;

/// A vector or a scenario: one check, made by hand.
pub struct Case {
    /// The rule it belongs to.
    pub rule: &'static str,
    /// Vector, scenario or exploration.
    pub layer: Layer,
    /// Its name: a few words that say what happens in it.
    pub name: &'static str,
    /// Runs it.
    pub run: RunCase,
}

/// What one random run gave.
#[derive(Debug)]
pub struct Run {
    /// Whether a rule was broken, and which.
    pub check: Check,
    /// What it met.
    pub coverage: Coverage,
    /// Things to show that are no rule.
    pub lessons: Vec<String>,
    /// A fingerprint of each step, if the probe asked for them.
    pub fingerprints: Vec<u64>,
    /// The shorter run that is on the tape, if the probe asked for one and one was found.
    pub shrunk: Option<Shrunk>,
}

/// A shorter run that breaks the same rule.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// How it breaks it.
    pub broken: Broken,
    /// Steps of the run as it was found.
    pub raw_steps: u64,
    /// Steps of the run that is shown.
    pub shown_steps: u64,
    /// With what in the place of what nothing is broken, if that was seen.
    pub contrast: Option<String>,
}

/// Random runs, one a seed.
pub struct Swarm {
    /// The rules that every run checks.
    pub rules: &'static [&'static str],
    /// What a thousand runs must have met, or the tests have not tested what they claim: a bug of ours.
    pub must_meet: &'static [&'static str],
    /// Makes run `seed`.
    pub run: RunSeed,
}

/// Random inputs against one node, or random calls, one storm a seed.
pub struct Storms {
    /// The rules that every storm checks.
    pub rules: &'static [&'static str],
    /// What all of them together must have met, or they have not tried what they claim: a bug of ours.
    pub must_meet: &'static [&'static str],
    /// How many belong to a thousand random runs: fixed for the exercise, never by time.
    pub count: u64,
    /// Makes storm `seed`.
    pub run: RunSeed,
}

/// The hidden tests of one exercise, for one implementation.
pub struct Suite {
    /// The exercise's id.
    pub exercise: &'static str,
    /// Its rules, in the order in which they are shown.
    pub rules: &'static [Rule],
    /// The rules that it shares with others of its kind, shown after its own.
    pub common: &'static [Rule],
    /// The rules that all explorations among the cases watch, whichever they belong to: each can be sought by itself.
    pub explored: &'static [&'static str],
    /// Vectors first, then scenarios; among them from basic to subtle, as the first that fails is the one that is shown.
    pub cases: Vec<Case>,
    /// The storms.
    pub storms: Option<Storms>,
    /// The random runs.
    pub swarm: Option<Swarm>,
    /// The answer to `--echo`, if a case starts a second process to hear it.
    pub echo: Option<Echo>,
}

impl Suite {
    /// The suite of an exercise on the simulated network, still without cases and random runs.
    #[must_use]
    pub fn new(exercise: &'static str, rules: &'static [Rule], swarm: Swarm) -> Self {
        Suite { exercise, rules, common: &COMMON, explored: &[], cases: Vec::new(), storms: None, swarm: Some(swarm), echo: None }
    }

    /// The suite of an exercise whose code is called directly: its random runs are storms of calls.
    #[must_use]
    pub fn plain(exercise: &'static str, rules: &'static [Rule], storms: Storms) -> Self {
        Suite { exercise, rules, common: &COMMON_PLAIN, explored: &[], cases: Vec::new(), storms: Some(storms), swarm: None, echo: None }
    }

    /// Whether the code is called directly: then a run is calls, and how many says nothing about how near they are to the cause.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        !self.common.iter().any(|rule| rule.name == BOUNDED_WORK)
    }

    /// With storms against one node.
    #[must_use]
    pub fn with_storms(self, storms: Storms) -> Self {
        Suite { storms: Some(storms), ..self }
    }

    /// A rule by its name.
    #[must_use]
    pub fn rule(&self, name: &str) -> Option<&'static Rule> {
        self.rules.iter().chain(self.common).find(|rule| rule.name == name)
    }

    /// The explorations that watch a rule, by their indices.
    pub fn explorations_of<'a>(&'a self, rule: &'a str) -> impl Iterator<Item = usize> + 'a {
        let explorations = self.cases.iter().enumerate().filter(|(_, case)| case.layer == Layer::Exploration);
        explorations.map(|(i, _)| i).filter(move |_| self.explored.contains(&rule))
    }

    /// Adds a vector: one node, one exact message in.
    pub fn vector(&mut self, rule: &'static str, name: &'static str, run: impl Fn(&Probe) -> Check + Send + Sync + 'static) {
        self.cases.push(Case { rule, layer: Layer::Vector, name, run: Box::new(run) });
    }

    /// Adds a scenario: the few events of a textbook trap.
    pub fn scenario(&mut self, rule: &'static str, name: &'static str, run: impl Fn(&Probe) -> Check + Send + Sync + 'static) {
        self.cases.push(Case { rule, layer: Layer::Scenario, name, run: Box::new(run) });
    }

    /// Adds an exploration: every order of the events of a small scope.
    pub fn exploration(&mut self, rule: &'static str, name: &'static str, run: impl Fn(&Probe) -> Check + Send + Sync + 'static) {
        self.cases.push(Case { rule, layer: Layer::Exploration, name, run: Box::new(run) });
    }
}
