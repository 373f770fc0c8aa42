//! From a learner's file to a report: build it, run it, and when it dies, find out how. Knows cargo and processes; does not
//! know what a report means to a learner, nor how it is shown.

mod answer;
mod build;
mod compile_error;
mod crash;
mod ends;
pub mod env;
mod group;
mod inputs;
mod known;
mod lines;
mod modules;
mod obstacle;
mod own;
mod package;
mod prints;
mod process;
mod program;
mod stall;
mod tree;

pub use build::{Heard, Stage};
pub use compile_error::CompileError;
pub use ends::{REPORT_TEST, unjudged};
pub use known::HIDDEN_TESTS;
pub use modules::{Extra, build_modules};
pub use own::{OwnFailure, OwnTests, own_tests};
pub use package::{ERRORS, present};
pub use process::MEMORY;
pub use program::{Attempt, build_program};

use super::disk::Scratch;
use super::error::{Result, Trouble};
use super::workspace::Workspace;
use crate::report::{Finding, Layer, Report, Test, Verdict};
use crate::trace::Trace;
use answer::{Answer, at_odds};
use build::Built;
use crash::alone;
use process::{Output, Ran};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Name of the test that stands for "the file compiles".
pub const COMPILES_TEST: &str = "compiles";
/// Exit code of a process that was asked for what it does not have.
const USAGE: u8 = 2;
/// Name of the test that stands for "the process lives".
pub const PROCESS_TEST: &str = "process_lives";

/// Which implementation is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The learner's file.
    Own,
    /// The reference.
    Solution,
    /// Some other file, by its absolute path.
    File(PathBuf),
}

impl Source {
    /// The file that is judged.
    #[must_use]
    pub fn file(&self, workspace: &Workspace, id: &str) -> PathBuf {
        match self {
            Source::Own => workspace.stub(id),
            Source::Solution => workspace.root.join(format!("solutions/{id}.rs")),
            Source::File(path) => path.clone(),
        }
    }
}

/// How it is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Only this hidden test.
    pub test: Option<String>,
    /// What to run before all else: `seed:8812`, or `case:` and a case's name.
    pub first: Option<String>,
    /// The report in which that run was kept.
    pub kept: Option<PathBuf>,
    /// First seed.
    pub seed: Option<u64>,
    /// How many seeds.
    pub runs: Option<u64>,
    /// Larger budgets.
    pub thorough: bool,
    /// Look for the shortest run that breaks this rule, and say how long it is: for authors.
    pub survey: Option<String>,
    /// The judging ends when this rule is broken: for authors.
    pub until: Option<String>,
    /// How long the process may take, all its runs together.
    pub deadline: Duration,
    /// Whether rustc's messages are coloured.
    pub colours: bool,
    /// Threads of the process; 0 for as many as the machine has.
    pub threads: usize,
    /// Stop at the first rule that is broken, and show no run of it: for authors.
    pub bare: bool,
    /// How long a handler may take, if it is another time than a learner's has: for authors.
    pub handler: Option<Duration>,
}

impl Options {
    /// A plain judging that may take so long.
    #[must_use]
    pub fn of(deadline: Duration) -> Options {
        Options {
            test: None,
            first: None,
            kept: None,
            seed: None,
            runs: None,
            thorough: false,
            survey: None,
            until: None,
            deadline,
            colours: false,
            threads: 0,
            bare: false,
            handler: None,
        }
    }
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The verdict and the tests. If it did not compile, or died, one test stands for that.
    pub report: Report,
    /// Wall time of the build.
    pub build: Duration,
    /// Wall time of the process.
    pub judge: Duration,
    /// What the compiler said, if it refused.
    pub errors: Vec<CompileError>,
    /// How many bytes the learner's code printed while it was judged.
    pub printed: u64,
    /// What came of the learner's own tests, where there are any and they were asked for.
    pub own: Option<OwnTests>,
}

/// Executables by exercise, or what the compiler said; and the wall time.
pub struct Builds {
    built: BTreeMap<String, Built>,
    /// What cargo was asked for.
    plan: package::Build,
    /// Wall time of the one call of cargo.
    pub wall: Duration,
    /// Exercises whose file got the present as its time, as cargo would not have seen the change.
    pub touched: Vec<String>,
    /// What was read for each exercise beside its file, or looked for, as far as that is known.
    pub inputs: BTreeMap<String, BTreeSet<PathBuf>>,
    /// When cargo was called, the last time.
    pub began: SystemTime,
}

impl Builds {
    /// True if the exercise's file compiled.
    #[must_use]
    pub fn compiled(&self, id: &str) -> bool {
        matches!(self.built.get(id), Some(Built::Ready(_)))
    }
}

/// Builds those exercises with one call of cargo. `on` is told what is heard meanwhile.
///
/// # Errors
/// Whatever is not the learner's file: see `build::build`.
pub async fn build_all(
    workspace: &Workspace,
    ids: &[String],
    source: &Source,
    all: bool,
    colours: bool,
    on: &mut dyn FnMut(Heard<'_>),
) -> Result<Builds> {
    let plan = package::prepare(workspace, ids, source, all)?;
    let done = build::build(workspace, &plan, colours, on).await?;
    Ok(Builds { built: done.built, plan, wall: done.wall, touched: done.touched, inputs: done.inputs, began: done.began })
}

/// Builds an exercise that may be wanted next, with the time that others leave. What the compiler says is nobody's business yet; if
/// this is dropped, cargo and all that it started are killed.
///
/// # Errors
/// As [`build_all`].
pub async fn build_ahead(workspace: &Workspace, id: &str) -> Result<()> {
    let plan = package::prepare(workspace, &[id.to_owned()], &Source::Own, false)?;
    build::build(workspace, &package::Build { ahead: true, ..plan }, false, &mut |_| {}).await.map(|_| ())
}

/// Judges one exercise that was built.
///
/// # Errors
/// Whatever is not the learner's code: a process that cannot be started, options that it refuses.
pub async fn judge(workspace: &Workspace, builds: &Builds, id: &str, options: &Options) -> Result<Outcome> {
    let executable = match builds.built.get(id) {
        Some(Built::Ready(path)) => path,
        Some(Built::Refused(errors)) => return Ok(refused(id, builds.wall, errors)),
        None => return Err(Trouble::bug(format!("{id} was not built"))),
    };
    let scratch = scratch()?;
    let context = Context { workspace, id, executable, scratch: scratch.path(), deadline: options.deadline };
    let start = Instant::now();
    let until = start + options.deadline;
    let (ran, answer) = context.ask(&context.judge_args(options), Output::Split, options.deadline).await?;
    // On a busy machine it may have taken long by the clock: how it ended is found out all the same.
    let until = until.max(Instant::now() + options.deadline / 2);
    let printed = ran.stdout.total() + ran.stderr.total();
    let known = known::of(&workspace.content(), id);
    let (report, judge) = match answer {
        Answer::Report(report) => match at_odds(&report, known.as_ref(), options) {
            Some(why) => (ends::forged(&context, &why), ran.wall),
            None => (context.finished(*report, &ran, options, until).await?, ran.wall),
        },
        Answer::Forged(why) => (ends::forged(&context, &why), ran.wall),
        Answer::Refused(USAGE, why) => return Err(Trouble::usage(why)),
        Answer::Refused(_, why) => return Err(cannot_judge(id, &why)),
        Answer::Nothing => {
            let units = crash::guilty(&context.crumbs_path());
            (crash::diagnose(&context, options, &ran, &units, until).await?, start.elapsed())
        }
    };
    Ok(Outcome { report, build: builds.wall, judge, errors: Vec::new(), printed, own: None })
}

/// Runs one unit (`seed:8812`), recorded: its outcome, and every step with states and what was printed.
///
/// # Errors
/// As [`judge`].
pub async fn one(workspace: &Workspace, builds: &Builds, id: &str, unit: &str, options: &Options) -> Result<(Outcome, Trace)> {
    let executable = match builds.built.get(id) {
        Some(Built::Ready(path)) => path,
        Some(Built::Refused(errors)) => return Ok((refused(id, builds.wall, errors), Trace::default())),
        None => return Err(Trouble::bug(format!("{id} was not built"))),
    };
    let scratch = scratch()?;
    let context = Context { workspace, id, executable, scratch: scratch.path(), deadline: options.deadline };
    let until = Instant::now() + options.deadline;
    let mut args = context.unit_args(unit);
    args.extend(["--tape".to_owned(), context.tape_path().display().to_string(), "--states".to_owned(), "--markers".to_owned()]);
    args.extend(options.test.iter().flat_map(|t| ["--test".to_owned(), t.clone()]));
    let (ran, answer) = context.ask(&args, Output::Merged, options.deadline).await?;
    let mut trace = crash::read_tape(&context.tape_path());
    prints::place(&mut trace, &ran.stdout.text());
    let report = match answer {
        Answer::Report(report) => Report { exercise: id.to_owned(), ..*report },
        Answer::Forged(why) => ends::forged(&context, &why),
        Answer::Refused(USAGE, why) => return Err(Trouble::usage(why)),
        Answer::Refused(_, why) => return Err(cannot_judge(id, &why)),
        Answer::Nothing => crash::diagnose(&context, options, &ran, crash::Unit::parse(unit).as_slice(), until).await?,
    };
    Ok((Outcome { report, build: builds.wall, judge: ran.wall, errors: Vec::new(), printed: ran.stdout.total(), own: None }, trace))
}

/// What the judge could not do: a full disk is nobody's bug.
fn cannot_judge(id: &str, why: &str) -> Trouble {
    obstacle::sentence(why).map_or_else(|| Trouble::bug(format!("the judge of {id} failed:\n{why}")), Trouble::environment)
}

fn scratch() -> Result<Scratch> {
    Scratch::new().map_err(|e| Trouble::environment(format!("cannot make a temporary folder: {e}")))
}

/// The finding that is shown: that of the report's first problem.
fn first_finding(report: &mut Report) -> Option<(String, &mut Finding)> {
    let name = report.first_problem()?.name.clone();
    let finding = report.tests.iter_mut().find(|t| t.name == name)?.finding.as_mut()?;
    Some((name, finding))
}

/// The unit of work in which something was found, as an exercise's process is told of it.
#[must_use]
pub fn unit_of(finding: &Finding) -> Option<String> {
    finding.instead_of.as_ref().map(|instead| instead.unit.clone()).or_else(|| shown_unit(finding))
}

/// The unit of work whose run is shown.
fn shown_unit(finding: &Finding) -> Option<String> {
    match (&finding.case, finding.seed) {
        (Some(case), _) => Some(format!("case:{case}")),
        (None, Some(seed)) => Some(format!("seed:{seed}")),
        (None, None) => None,
    }
}

fn refused(id: &str, build: Duration, errors: &[CompileError]) -> Outcome {
    let first = errors.first();
    let finding = Finding {
        seen: first.map(|e| e.message.clone()).unwrap_or_default(),
        look: first.and_then(|e| e.advice).unwrap_or_default().to_owned(),
        at: first.and_then(|e| e.at.clone()),
        ..Finding::default()
    };
    let test = Test {
        name: COMPILES_TEST.to_owned(),
        title: "the file compiles".to_owned(),
        layer: Layer::Vector,
        verdict: Verdict::DoesNotCompile,
        runs: 1,
        explored: Vec::new(),
        finding: Some(finding),
    };
    let report = alone(id, test);
    Outcome { report, build, judge: Duration::ZERO, errors: errors.to_vec(), printed: 0, own: None }
}

/// One executable being judged.
struct Context<'a> {
    workspace: &'a Workspace,
    id: &'a str,
    executable: &'a Path,
    /// A folder of our own, gone afterwards.
    scratch: &'a Path,
    deadline: Duration,
}

impl Context<'_> {
    async fn ask(&self, args: &[String], output: Output, deadline: Duration) -> Result<(Ran, Answer)> {
        answer::ask(self.executable, args, &self.workspace.root, output, deadline).await
    }

    fn crumbs_path(&self) -> PathBuf {
        self.scratch.join("crumbs")
    }

    fn tape_path(&self) -> PathBuf {
        self.scratch.join("tape")
    }

    fn judge_args(&self, options: &Options) -> Vec<String> {
        // With states, so that `replay` can show what each node was at each step of the run that is kept.
        let mut args = vec!["--states".to_owned(), "--deadline-ms".to_owned(), self.deadline.as_millis().to_string()];
        args.extend(["--crumbs".to_owned(), self.crumbs_path().display().to_string()]);
        let mut pair = |name: &str, value: Option<String>| args.extend(value.into_iter().flat_map(|v| [name.to_owned(), v]));
        pair("--test", options.test.clone());
        pair("--survey", options.survey.clone());
        pair("--until", options.until.clone());
        pair("--first", options.first.clone());
        pair("--kept", options.kept.as_ref().map(|path| path.display().to_string()));
        pair("--seed", options.seed.map(|n| n.to_string()));
        pair("--runs", options.runs.map(|n| n.to_string()));
        pair("--handler-ms", options.handler.map(|span| span.as_millis().to_string()));
        pair("--threads", Some(options.threads).filter(|n| *n > 0).map(|n| n.to_string()));
        if options.thorough {
            args.push("--thorough".to_owned());
        }
        if options.bare {
            args.extend(["--bare", "--until-first"].map(str::to_owned));
        }
        args
    }

    fn unit_args(&self, unit: &str) -> Vec<String> {
        ["--one", unit].map(str::to_owned).to_vec()
    }

    /// The report of a judging that came to its end, with what the code printed, and with how the process ended.
    async fn finished(&self, report: Report, ran: &Ran, options: &Options, until: Instant) -> Result<Report> {
        // We know what we ran; the id becomes the name of a file. (A mutant has another name than its exercise.)
        let mut report = Report { exercise: self.id.to_owned(), ..report };
        if report.verdict == Verdict::Passed
            && let Some(ended) = ends::after_a_pass(self, ran)
        {
            return Ok(ended);
        }
        if ran.stdout.total() + ran.stderr.total() > 0
            && let Some((rule, finding)) = first_finding(&mut report)
        {
            self.add_prints(finding, &rule, options, until).await?;
        }
        Ok(report)
    }

    /// Runs the shown unit once more, as it is shown, and puts what it prints beside its steps. If that does not work
    /// out (time is up), the finding stays as it is.
    async fn add_prints(&self, finding: &mut Finding, rule: &str, options: &Options, until: Instant) -> Result<()> {
        let Some(unit) = shown_unit(finding) else { return Ok(()) };
        let left = until.saturating_duration_since(Instant::now());
        if finding.trace.events.is_empty() || left.is_zero() {
            return Ok(());
        }
        let mut args = self.unit_args(&unit);
        args.push("--markers".to_owned());
        let asked = options.test.clone().or_else(|| finding.instead_of.as_ref().map(|_| rule.to_owned()));
        args.extend(asked.into_iter().flat_map(|test| ["--test".to_owned(), test]));
        // What was not shrunk in the judging (the code died in it, say) is not shrunk now.
        args.extend((finding.raw_steps > finding.steps()).then(|| "--shrink".to_owned()));
        let (ran, _) = self.ask(&args, Output::Merged, left.min(Duration::from_secs(5))).await?;
        prints::place(&mut finding.trace, &ran.stdout.text());
        Ok(())
    }
}
