//! The command line of an exercise's process. Small and without a dependency: the program writes it, people rarely do.

use std::path::PathBuf;

/// One unit of work: a case by its index, or a random run by its seed. Written `case:3`, `seed:8812`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// The case at that index of the suite.
    Case(usize),
    /// The run of that seed.
    Seed(u64),
}

impl std::fmt::Display for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unit::Case(i) => write!(f, "case:{i}"),
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
            ("seed", n) => n.parse().ok().map(Unit::Seed),
            _ => None,
        }
    }
}

/// What an exercise's process is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where to write the report; without it a summary goes to standard output.
    pub report: Option<PathBuf>,
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
    /// Larger budgets.
    pub thorough: bool,
    /// Where workers leave the unit that they are at.
    pub crumbs: Option<PathBuf>,
    /// Run only this unit, recorded.
    pub one: Option<Unit>,
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
            report: None,
            seed: 0,
            runs: None,
            test: None,
            threads: 0,
            until_first: false,
            thorough: false,
            crumbs: None,
            one: None,
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
                "--report" => o.report = Some(value()?.into()),
                "--seed" => o.seed = number(&name, &value()?)?,
                "--runs" => o.runs = Some(number(&name, &value()?)?),
                "--test" => o.test = Some(value()?),
                "--threads" => o.threads = number(&name, &value()?)? as usize,
                "--until-first" => o.until_first = true,
                "--thorough" => o.thorough = true,
                "--crumbs" => o.crumbs = Some(value()?.into()),
                "--one" => {
                    let text = value()?;
                    o.one = Some(Unit::parse(&text).ok_or_else(|| format!("--one: `{text}` is neither `seed:N` nor `case:N`"))?);
                }
                "--tape" => o.tape = Some(value()?.into()),
                "--markers" => o.markers = true,
                "--states" => o.states = true,
                "--handler-ms" => o.handler_ms = number(&name, &value()?)?.max(1),
                "--echo" => o.echo = Some(value()?),
                _ => {
                    return Err(format!(
                        "unknown option {name}; there are --seed N, --runs N, --test RULE, --threads N, --thorough, --until-first, --report FILE, --one UNIT"
                    ));
                }
            }
        }
        Ok(o)
    }
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
        assert_eq!((o.seed, o.runs(), o.one, o.test.as_deref()), (10_000, 5, Some(Unit::Seed(8812)), Some("one_vote")));
        assert_eq!((parse("").expect("reads").runs(), parse("--thorough").expect("reads").runs()), (1_000, 10_000));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parse("--runs ten"), Err("--runs: expected a whole number, found `ten`".to_owned()));
        assert_eq!(parse("--one x:1"), Err("--one: `x:1` is neither `seed:N` nor `case:N`".to_owned()));
        assert_eq!(parse("--seed"), Err("--seed needs a value".to_owned()));
        assert!(parse("--sed 3").is_err_and(|e| e.starts_with("unknown option --sed")));
    }
}
