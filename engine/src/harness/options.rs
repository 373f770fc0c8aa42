//! The command line of an exercise's process. Small and without a dependency: the program writes it, people rarely do.

use crate::report::Layer;
use crate::suite::Suite;
use crate::trace::Sought;
use std::path::PathBuf;

/// One unit of work: a case by its index, a storm or a random run by its seed. Written `case:3`, `storm:17`, `seed:8812`. To
/// people, a storm is the case of the name `storm 17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// The case at that index of the suite.
    Case(usize),
    /// The storm of that seed.
    Storm(u64),
    /// The run of that seed.
    Seed(u64),
}

impl std::fmt::Display for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unit::Case(i) => write!(f, "case:{i}"),
            Unit::Storm(s) => write!(f, "storm:{s}"),
            Unit::Seed(s) => write!(f, "seed:{s}"),
        }
    }
}

impl Unit {
    /// Reads what `Display` wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Unit> {
        match text.split_once(':')? {
            ("case", n) => n.parse().ok().map(Unit::Case),
            ("storm", n) => n.parse().ok().map(Unit::Storm),
            ("seed", n) => n.parse().ok().map(Unit::Seed),
            _ => None,
        }
    }
}

/// A unit as a command line names it: a case by its index or by its name, `case:a late vote`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A unit.
    Unit(Unit),
    /// The case of that name.
    Case(String),
}

impl Named {
    /// Reads a unit's name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Named> {
        let case = || text.strip_prefix("case:").filter(|name| !name.is_empty()).map(|name| Named::Case(name.to_owned()));
        Unit::parse(text).map(Named::Unit).or_else(case)
    }

    /// The unit of a suite, whose index is that of the whole suite, whatever `test` leaves out of it.
    ///
    /// # Errors
    /// It has none of that name, or `test` leaves it out.
    pub fn of(&self, suite: &Suite, test: Option<&str>) -> Result<Unit, String> {
        let exercise = suite.exercise;
        let index = match self {
            Named::Unit(Unit::Seed(_)) if suite.swarm.is_none() => return Err(format!("{exercise} has no random runs")),
            Named::Unit(Unit::Storm(_)) if suite.storms.is_none() => return Err(format!("{exercise} has no storms")),
            Named::Unit(unit @ (Unit::Seed(_) | Unit::Storm(_))) => return Ok(*unit),
            Named::Unit(Unit::Case(index)) => Some(*index).filter(|index| *index < suite.cases.len()),
            Named::Case(name) => {
                let storm = name.strip_prefix("storm ").filter(|_| suite.storms.is_some());
                if let Some(seed) = storm.and_then(|number| number.parse().ok()) {
                    return Ok(Unit::Storm(seed));
                }
                let bears = |case: &crate::suite::Case| case.name == name && test.is_none_or(|t| t == case.rule);
                suite.cases.iter().position(bears).or_else(|| suite.cases.iter().position(|case| case.name == name))
            }
        };
        let Some(index) = index else {
            let all: Vec<String> = suite.cases.iter().map(|case| format!("`{}`", case.name)).collect();
            return Err(format!("{exercise} has no {self}; there are {}", all.join(", ")));
        };
        let case = &suite.cases[index];
        let sought = |test: &str| suite.explorations_of(test).any(|i| i == index);
        match test.filter(|test| !sought(test) && *test != case.rule && suite.common.iter().all(|rule| rule.name != *test)) {
            Some(test) => Err(format!("{self} belongs to the rule {}, not to {test}", case.rule)),
            None => Ok(Unit::Case(index)),
        }
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Named::Unit(unit) => write!(f, "{unit}"),
            Named::Case(name) => write!(f, "case:{name}"),
        }
    }
}

/// What an exercise's process is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether the report goes back, sealed, to the program that started this process (see [`crate::seal`]); otherwise a
    /// summary goes to standard output.
    pub sealed: bool,
    /// Wall time after which the program ends this process, in milliseconds: before that, what is decided is reported.
    pub deadline_ms: Option<u64>,
    /// First seed of the swarm.
    pub seed: u64,
    /// Seeds in the swarm; `None` for the default: 1,000, or 10,000 with `thorough`.
    pub runs: Option<u64>,
    /// Only this rule.
    pub test: Option<String>,
    /// Worker threads; 0 for as many as the machine has.
    pub threads: usize,
    /// Stop at the first failure.
    pub until_first: bool,
    /// Stop when this rule is broken, and show the run that broke it alone: what is said of it is what a whole judging says.
    pub until: Option<String>,
    /// Only say which rules do not hold: no run is made to be shown. For authors, who judge thousands.
    pub bare: bool,
    /// Larger budgets.
    pub thorough: bool,
    /// Where workers leave the unit that they are at.
    pub crumbs: Option<PathBuf>,
    /// Run only this unit, recorded.
    pub one: Option<Named>,
    /// Run this unit before all others, if there is one of that name, and say how it fared.
    pub first: Option<Named>,
    /// With `first`: the report in which the run was kept that broke last time.
    pub kept: Option<PathBuf>,
    /// Look at every run that breaks this rule for the shortest, and say how long that is: for authors.
    pub survey: Option<String>,
    /// With `one`: shrink a run that breaks a rule, as a whole judging does for what it shows.
    pub shrink: bool,
    /// With `one`: append every event there as it happens.
    pub tape: Option<PathBuf>,
    /// With `one`: print a marker before each step.
    pub markers: bool,
    /// With `one`: record node states.
    pub states: bool,
    /// Wall time after which a handler is taken for one that never returns, in milliseconds.
    pub handler_ms: u64,
    /// For exercises that look at a second process: print what that process is to say, and leave.
    pub echo: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            sealed: false,
            deadline_ms: None,
            seed: 0,
            runs: None,
            test: None,
            threads: 0,
            until_first: false,
            until: None,
            bare: false,
            thorough: false,
            crumbs: None,
            one: None,
            first: None,
            kept: None,
            survey: None,
            shrink: false,
            tape: None,
            markers: false,
            states: false,
            handler_ms: 2_000,
            echo: None,
        }
    }
}

impl Options {
    /// How many seeds the swarm runs.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.runs.unwrap_or(if self.thorough { 10_000 } else { 1_000 })
    }

    /// How many of an exercise's storms are made: ten times as many runs are ten times as many storms.
    #[must_use]
    pub fn storms(&self, count: u64) -> u64 {
        count.saturating_mul(self.runs()) / 1_000
    }

    /// The rule that an exploration looks for alone, because nothing else was asked.
    #[must_use]
    pub fn sought(&self, suite: &Suite, unit: Unit) -> Option<Sought> {
        let Unit::Case(i) = unit else { return None };
        let asked = self.test.as_deref().filter(|_| suite.cases[i].layer == Layer::Exploration)?;
        let rule = suite.explored.iter().find(|rule| **rule == asked)?;
        Some(Sought { rule, steps_below: u64::MAX, states_max: usize::MAX })
    }

    /// Reads a command line, without the program's name.
    ///
    /// # Errors
    /// A sentence that names the option, what was expected and how to mend it.
    pub fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut o = Options::default();
        while let Some(arg) = args.next() {
            let (name, inline) = match arg.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (arg, None),
            };
            let mut value = || inline.clone().or_else(|| args.next()).ok_or_else(|| format!("{name} needs a value"));
            match name.as_str() {
                "--sealed" => o.sealed = true,
                "--deadline-ms" => o.deadline_ms = Some(number(&name, &value()?)?),
                "--seed" => o.seed = number(&name, &value()?)?,
                "--runs" => o.runs = Some(number(&name, &value()?)?),
                "--test" => o.test = Some(value()?),
                "--threads" => o.threads = number(&name, &value()?)? as usize,
                "--until-first" => o.until_first = true,
                "--until" => o.until = Some(value()?),
                "--bare" => o.bare = true,
                "--thorough" => o.thorough = true,
                "--crumbs" => o.crumbs = Some(value()?.into()),
                "--one" => o.one = Some(unit(&name, &value()?)?),
                "--first" => o.first = Some(unit(&name, &value()?)?),
                "--kept" => o.kept = Some(value()?.into()),
                "--survey" => o.survey = Some(value()?),
                "--shrink" => o.shrink = true,
                "--tape" => o.tape = Some(value()?.into()),
                "--markers" => o.markers = true,
                "--states" => o.states = true,
                "--handler-ms" => o.handler_ms = number(&name, &value()?)?.max(1),
                "--echo" => o.echo = Some(value()?),
                _ => {
                    return Err(format!(
                        "unknown option {name}; there are --seed N, --runs N, --test RULE, --threads N, --thorough, --until-first, --until RULE, --one UNIT, --first UNIT"
                    ));
                }
            }
        }
        Ok(o)
    }
}

fn unit(name: &str, text: &str) -> Result<Named, String> {
    Named::parse(text).ok_or_else(|| format!("{name}: `{text}` is neither `seed:N` nor `case:NAME`"))
}

fn number(name: &str, text: &str) -> Result<u64, String> {
    text.replace('_', "").parse().map_err(|_| format!("{name}: expected a whole number, found `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read() {
        let o = parse("--seed 10_000 --runs=5 --one seed:8812 --test one_vote").expect("reads");
        assert_eq!((o.seed, o.runs(), o.one, o.test.as_deref()), (10_000, 5, Some(Named::Unit(Unit::Seed(8812))), Some("one_vote")));
        assert_eq!(parse("--first case:late").expect("reads").first, Some(Named::Case("late".to_owned())));
        assert_eq!((parse("").expect("reads").runs(), parse("--thorough").expect("reads").runs()), (1_000, 10_000));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parse("--runs ten"), Err("--runs: expected a whole number, found `ten`".to_owned()));
        assert_eq!(parse("--one x:1"), Err("--one: `x:1` is neither `seed:N` nor `case:NAME`".to_owned()));
        assert!(parse("--first case:").is_err());
        assert_eq!(parse("--seed"), Err("--seed needs a value".to_owned()));
        assert!(parse("--sed 3").is_err_and(|e| e.starts_with("unknown option --sed")));
    }
}
