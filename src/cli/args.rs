//! The command line, as types. What it means is said in `commands/`.

use super::interview::choice::{LONGEST, SHORTEST};
use super::style::ColorChoice;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Theory and practice for distributed-systems interviews.
#[derive(Debug, Parser)]
#[command(name = "splitbrain", version, about, disable_help_subcommand = true, max_term_width = 100)]
pub struct Cli {
    /// What to do; without one: where you are and what comes next
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: ColorChoice,
    /// Write only plain ASCII
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Print long texts directly; without it, `$PAGER` or less shows them on a terminal
    #[arg(long, global = true)]
    pub no_pager: bool,
    /// Output format; junit is for `check` only
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORM")]
    pub format: Format,
}

/// In which form the program answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people
    #[default]
    Human,
    /// One JSON object per line
    Json,
    /// `JUnit`'s XML
    Junit,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Lay out a folder with all exercises (works offline)
    Init {
        /// The folder, new or empty
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// The course, with your marks
    List,
    /// The problem statement of an exercise
    Show {
        /// The exercise; without it: the current one
        id: Option<String>,
    },
    /// The API for writing a node; with an exercise: its contract (messages, timers, what is saved)
    Docs {
        /// The exercise
        id: Option<String>,
    },
    /// The next hint of an exercise
    Hint {
        /// The exercise; without it: the current one
        id: Option<String>,
        /// Show again the hints that you have already seen
        #[arg(long)]
        again: bool,
    },
    /// Build an exercise, run the hidden tests and then your own `#[test]`s, and report what they found
    Check(CheckArgs),
    /// Check on every save; keys for hint, replay, next and more
    Watch(WatchArgs),
    /// Restore the stub of an exercise; your file is kept
    Reset {
        /// The exercise; without it: the current one
        id: Option<String>,
        /// Restore your last version instead
        #[arg(long)]
        undo: bool,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Show the last finding again, or one run, step by step
    Replay {
        /// The exercise; without it: the current one
        id: Option<String>,
        /// Only this hidden test
        #[arg(long, value_name = "NAME")]
        test: Option<String>,
        /// The whole run of this seed
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
        /// Write the run as one page for a browser, with a slider over its steps
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
        /// Print text, even on a terminal
        #[arg(long)]
        text: bool,
        /// Print everything, however long: texts of your code and the middle of a run, also in JSON and on the page
        #[arg(long)]
        full: bool,
        /// See `DEADLINE_HELP`.
        #[arg(long, value_name = "SECONDS", help = DEADLINE_HELP, default_value_t = DEADLINE, value_parser = clap::value_parser!(u64).range(1..))]
        deadline: u64,
    },
    /// Questions on a topic; each answer is explained at once and recorded
    Quiz {
        /// The topic; without it: all topics, mixed
        topic: Option<String>,
        /// Only the questions about that hidden test of an exercise
        #[arg(long, value_name = "NAME")]
        rule: Option<String>,
        /// Seed for the order of options and of mixed questions
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
        /// At most this many questions; those that you never answered or got wrong come first [mixed: 10]
        #[arg(long, value_name = "N", value_parser = at_least_one)]
        limit: Option<usize>,
        /// Start over; without it, an interrupted quiz continues where you left it
        #[arg(long)]
        new: bool,
    },
    /// The questions that are due today; those you are most likely to have forgotten come first
    Review {
        /// How many questions, at most
        #[arg(long, value_name = "N", value_parser = at_least_one)]
        limit: Option<usize>,
        /// Decides the order of options
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
        /// Start over; without it, an interrupted review of today continues where you left it
        #[arg(long)]
        new: bool,
    },
    /// The lesson on a topic: a story, the idea, a run to step through, the traps; then its questions. Begin with `learn start`
    Learn {
        /// The topic, or `start` for a guided first exercise; without it: the list of lessons
        topic: Option<String>,
        /// Only its traps, what an interviewer asks next, the numbers to know, and one question
        #[arg(long, requires = "topic")]
        skim: bool,
    },
    /// A timed mock interview: a design round that pushes back, or quick and open questions; and a scorecard
    Interview {
        /// Its length, from 10 to 180 minutes: in 15 a short design, in 20 one with follow-ups, in 45 a round in stages, in 60 an exercise, too
        #[arg(long, value_name = "N", default_value_t = 45, value_parser = clap::value_parser!(u32).range(i64::from(SHORTEST)..=i64::from(LONGEST)), conflicts_with = "last")]
        minutes: u32,
        /// Only these topics, as in consensus,sharding
        #[arg(long, value_name = "TOPICS", value_delimiter = ',', conflicts_with = "last")]
        topics: Vec<String>,
        /// Write the scorecard, and all that was asked and said, as Markdown
        #[arg(long, value_name = "FILE")]
        export: Option<PathBuf>,
        /// Show the scorecard of the last interview again
        #[arg(long)]
        last: bool,
        /// Decides what is asked
        #[arg(long, value_name = "N", conflicts_with = "last")]
        seed: Option<u64>,
        /// Begin another one: one that was broken off in the last three days goes on otherwise
        #[arg(long, conflicts_with = "last")]
        new: bool,
    },
    /// What to do each evening until the interview; without options: your current plan
    Plan {
        /// The day of the interview, as in 2026-12-05
        #[arg(long, value_name = "DATE", conflicts_with = "drop")]
        on: Option<String>,
        /// Minutes per evening [default: 45]
        #[arg(long, value_name = "N", conflicts_with = "drop", value_parser = clap::value_parser!(u32).range(10..=600))]
        minutes: Option<u32>,
        /// Forget the plan
        #[arg(long)]
        drop: bool,
    },
    /// What you have done, topic by topic, and what is next
    Progress,
    /// The reference beside your solution, once you have passed or given up (giving up is recorded)
    Solution {
        /// The exercise; without it: the current one
        id: Option<String>,
        /// Show it although you have not passed
        #[arg(long)]
        give_up: bool,
        /// Show only the lines that differ; comments, formatting, imports and names of local bindings are ignored
        #[arg(long)]
        diff: bool,
    },
    /// Update a folder that an older version laid out; your work is kept
    Update,
    /// Check that this machine has what exercises need, and say how to fix what is missing
    Doctor,
    /// Delete what was built; it is rebuilt when needed
    Clean,
    /// Write your progress and answers to one file, to move them to another machine
    Export {
        /// The file; `-` for standard output
        file: PathBuf,
        /// Overwrite the file if it exists
        #[arg(long)]
        force: bool,
    },
    /// Merge a file that `export` wrote into your progress; newer records win, and importing twice is harmless
    Import {
        /// The file; or a state file of .splitbrain/: a backup, or one with a git conflict in it
        file: PathBuf,
        /// Replace your progress instead of merging; the old state is kept, and can be imported back
        #[arg(long)]
        replace: bool,
    },
    /// A shell script that completes verbs, exercises and topics
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// For authors of exercises
    #[command(subcommand)]
    Dev(Dev),
}

/// Seconds that an exercise's process may take by default.
pub const DEADLINE: u64 = 20;

/// What `--deadline` means.
const DEADLINE_HELP: &str = "Kill the exercise's process after this many seconds. Waiting for a core on a busy machine is not counted (Linux), up to twice the limit";

/// What `check` is told.
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// The exercises; without any: the current one
    #[arg(conflicts_with = "all")]
    pub ids: Vec<String>,
    /// All exercises
    #[arg(long)]
    pub all: bool,
    /// Check the reference instead of your file (not recorded)
    #[arg(long)]
    pub solution: bool,
    /// Check another implementation (not recorded)
    #[arg(long, value_name = "PATH", conflicts_with_all = ["solution", "all"])]
    pub file: Option<PathBuf>,
    /// Only this hidden test (not recorded)
    #[arg(long, value_name = "NAME")]
    pub test: Option<String>,
    /// Copy only the files under exercises/ into a fresh folder with our own `main`; this needs a full build (not recorded)
    #[arg(long, conflicts_with_all = ["solution", "file"])]
    pub pristine: bool,
    /// The first seed of the random runs
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How many random runs
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub runs: Option<u64>,
    /// Search longer than usual
    #[arg(long)]
    pub thorough: bool,
    /// Print everything: each rule and how it was tested, why it matters, full sources, what to read and try next
    #[arg(long, short)]
    pub verbose: bool,
    /// See `DEADLINE_HELP`.
    #[arg(long, value_name = "SECONDS", help = DEADLINE_HELP, default_value_t = DEADLINE, value_parser = clap::value_parser!(u64).range(1..))]
    pub deadline: u64,
}

/// What `watch` is told.
#[derive(Args, Clone, Debug)]
pub struct WatchArgs {
    /// The exercise to start with; without it: the current one. Saving the file of another exercise switches to it
    pub id: Option<String>,
    /// Poll the files, for systems that send no file events
    #[arg(long)]
    pub poll: bool,
    /// Print verdicts as text, one after another, even on a terminal
    #[arg(long)]
    pub text: bool,
    /// See `DEADLINE_HELP`.
    #[arg(long, value_name = "SECONDS", help = DEADLINE_HELP, default_value_t = DEADLINE, value_parser = clap::value_parser!(u64).range(1..))]
    pub deadline: u64,
}

/// Verbs for authors.
#[derive(Debug, Subcommand)]
pub enum Dev {
    /// Write what is generated from course.toml: blocks of Cargo.toml, the list of embedded files
    Sync {
        /// Only say what is out of date
        #[arg(long)]
        check: bool,
    },
    /// Look for mistakes in the questions; computes every key that can be computed
    Lint,
    /// A mutant as scenarios for a quiz: its code, and the run that its rule breaks in
    Scenario {
        /// The mutant, as exercise/name
        mutant: String,
    },
    /// Record what the lessons show: the runs that refuse wrong implementations, what references show once they pass
    Lessons(LessonsArgs),
    /// Write every file of a new exercise, which compiles at once
    New {
        /// Its id, in snake case
        id: String,
        /// The topic of course.toml that it belongs to
        #[arg(long)]
        topic: String,
        /// Without a network: the learner's code is called directly
        #[arg(long)]
        plain: bool,
    },
    /// Judge every wrong implementation of the catalogue: which rule refuses it, how soon
    Mutants(MutantsArgs),
    /// Mutate the reference in every way that the operators can express: a mutant that passes is a hole in the hidden tests
    Mutate(MutateArgs),
    /// Judge the reference and every alternative on many seeds: none may be refused
    Soak(SoakArgs),
    /// Judge every wrong and every right implementation, and record that the verdicts are as expected; tests read the record
    Proofs(ProofsArgs),
}

/// What `dev lessons` is told.
#[derive(Args, Clone, Debug)]
pub struct LessonsArgs {
    /// Only what is shown of these exercises
    pub ids: Vec<String>,
    /// Only report what the simulator would now do differently
    #[arg(long)]
    pub check: bool,
    /// Record everything again, including what has not changed
    #[arg(long)]
    pub anew: bool,
}

/// What `dev mutants` is told.
#[derive(Args, Clone, Debug)]
pub struct MutantsArgs {
    /// The exercises; without any: all
    pub ids: Vec<String>,
    /// On how many base seeds
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    pub base_seeds: u64,
    /// Only the mutant of that name
    #[arg(long, value_name = "NAME")]
    pub only: Option<String>,
    /// Print what a learner with that file would see
    #[arg(long)]
    pub screen: bool,
    /// Look for the shortest run that breaks the rule, and say which shown runs are much longer; it takes longer than the judging
    #[arg(long)]
    pub survey: bool,
    /// Judge everything again, including what has not changed (setting `CI` does the same)
    #[arg(long)]
    pub anew: bool,
}

/// What `dev mutate` is told.
#[derive(Args, Clone, Debug)]
pub struct MutateArgs {
    /// The exercises; without any: all
    pub ids: Vec<String>,
    /// Only check that the recorded score still holds: nothing has changed, and N mutants, the same each time, get the verdicts that it
    /// records
    #[arg(long, value_name = "N")]
    pub sample: Option<usize>,
    /// Judge everything again, including what has not changed (setting `CI` does the same)
    #[arg(long, conflicts_with = "sample")]
    pub anew: bool,
}

/// What `dev soak` is told.
#[derive(Args, Clone, Debug)]
pub struct SoakArgs {
    /// The exercises; without any: all
    pub ids: Vec<String>,
    /// How many random runs for each implementation
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub runs: u64,
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Then all mutants on 20 base seeds
    #[arg(long)]
    pub mutants: bool,
    /// Judge everything again, including what has not changed (setting `CI` does the same)
    #[arg(long)]
    pub anew: bool,
}

/// What `dev proofs` is told.
#[derive(Args, Clone, Debug)]
pub struct ProofsArgs {
    /// The exercises; without any: all
    pub ids: Vec<String>,
    /// Judge nothing: only check that the record matches the current files
    #[arg(long, conflicts_with = "anew")]
    pub recorded: bool,
    /// Judge everything again, including what has not changed (setting `CI` does the same)
    #[arg(long)]
    pub anew: bool,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| *n > 0).ok_or_else(|| "must be a number of at least 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
