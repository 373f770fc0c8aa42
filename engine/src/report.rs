//! The verdict that leaves the process.
//!
//! An exercise runs in a process of its own (a learner's code may loop, abort or exit); what it found reaches the program
//! as this report: versioned lines of tab-separated fields, written and read without a dependency. A report without its
//! last line `end` is no report: a process that died, or left by `exit(0)`, has not passed.

use crate::trace::{Event, Extent, Trace};
use std::fmt::Write as _;

mod leads;

/// The first line of a report in the form that this version writes.
pub const HEADER: &str = "splitbrain-report\t1";

/// What begins a line on standard error, with file, line and message: of a panic that aborts the process.
pub const LAST_PANIC: &str = "splitbrain-last-panic";

/// What is said of a test, and of an exercise. Never merged: each asks something else of the learner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Every check held.
    Passed,
    /// A rule was broken.
    Failed,
    /// A `todo!()` was reached.
    Unfinished,
    /// The compiler refused it. (Said by the program, never by the exercise's process.)
    DoesNotCompile,
    /// A handler did not return.
    TimedOut,
    /// A panic, an abort, a stack overflow, memory exhausted, or an exit from inside a handler.
    Crashed,
    /// A limit of ours stopped the search, or a bug of ours: no verdict on the learner's code.
    Unknown,
}

impl Verdict {
    const NAMES: [(Verdict, &'static str); 7] = [
        (Verdict::Passed, "passed"),
        (Verdict::Failed, "failed"),
        (Verdict::Unfinished, "unfinished"),
        (Verdict::DoesNotCompile, "does_not_compile"),
        (Verdict::TimedOut, "timed_out"),
        (Verdict::Crashed, "crashed"),
        (Verdict::Unknown, "unknown"),
    ];

    /// The name in snake case, as in `--format json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(v, _)| *v == self).map_or("unknown", |(_, n)| n)
    }

    /// The verdict of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Verdict> {
        Self::NAMES.iter().find(|(_, n)| *n == name).map(|(v, _)| *v)
    }
}

/// Where a check looks from (DESIGN: three layers of hidden tests, and exhaustive exploration where it fits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// One node, one exact message in; look at what it answers and saves.
    Vector,
    /// The few events of a textbook trap, with scripted peers.
    Scenario,
    /// Random inputs, waits and crashes against one node, watched by its specification.
    Storm,
    /// About a thousand random runs with faults; rules checked after every event.
    Swarm,
    /// Every order of a small scope.
    Exploration,
}

impl Layer {
    const NAMES: [(Layer, &'static str); 5] = [
        (Layer::Vector, "vector"),
        (Layer::Scenario, "scenario"),
        (Layer::Storm, "storm"),
        (Layer::Swarm, "swarm"),
        (Layer::Exploration, "exploration"),
    ];

    /// The name in snake case.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(l, _)| *l == self).map_or("swarm", |(_, n)| n)
    }

    /// The layer of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Layer> {
        Self::NAMES.iter().find(|(_, n)| *n == name).map(|(l, _)| *l)
    }
}

/// Everything that one judging found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The exercise's id.
    pub exercise: String,
    /// The whole verdict: that of the first test which does not pass (see [`Report::first_problem`]).
    pub verdict: Verdict,
    /// The first seed of the swarm.
    pub first_seed: u64,
    /// Seeds asked for in the swarm.
    pub runs: u64,
    /// Wall time of the judging in microseconds. The only field that two equal judgings may differ in.
    pub judge_micros: u64,
    /// How the unit fared that was to be tried first, if one was and is still there.
    pub first: Option<First>,
    /// What the runs met, by name: elections, partitions, acknowledged writes. Counts over all runs.
    pub coverage: Vec<(String, u64)>,
    /// Things shown to the learner that are no rule: a stale read that the given N, W and R allow.
    pub lessons: Vec<String>,
    /// One entry a hidden test, in the order of the exercise's rules.
    pub tests: Vec<Test>,
}

/// How the unit fared that broke a rule last time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First {
    /// `seed:8812`, or `case:` and the case's name.
    pub unit: String,
    /// Whether every rule held in it.
    pub fine: bool,
    /// Why its steps, as they were shown, mean nothing any more; the unit was then tried whole.
    pub gone: Option<String>,
}

/// One hidden test: a rule, and how it fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// The rule's name in snake case.
    pub name: String,
    /// The rule in one sentence.
    pub title: String,
    /// The layer that decided: where it failed, or the deepest that it passed.
    pub layer: Layer,
    /// How it fared.
    pub verdict: Verdict,
    /// How many runs and cases checked it.
    pub runs: u64,
    /// The explorations that belong to it, and how far each went.
    pub explored: Vec<Explored>,
    /// What broke it, unless it passed.
    pub finding: Option<Finding>,
}

/// An exploration, by its name, and how far it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explored {
    /// The name of the case.
    pub case: String,
    /// How far.
    pub extent: Extent,
}

/// The run in which a rule was found to be broken, where a shorter one of another layer is shown in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instead {
    /// The layer of the run.
    pub layer: Layer,
    /// `seed:8812`, or `case:` and the case's name.
    pub unit: String,
    /// Its steps, as it would have been shown.
    pub steps: u64,
}

/// What a learner is told of a test that did not pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// What was seen, in one sentence with the real ids and values.
    pub seen: String,
    /// Why it matters, in the terms of the system that the exercise stands for.
    pub why: String,
    /// Where to look.
    pub look: String,
    /// With what in the place of what nothing is broken: empty if that was not seen.
    pub contrast: String,
    /// The source of the rule: paper and section.
    pub source: String,
    /// The name of the vector or scenario, if it was one.
    pub case: Option<String>,
    /// The seed of the run, if it was a random one.
    pub seed: Option<u64>,
    /// Whether something did not happen, or not in time, rather than something that must not.
    pub late: bool,
    /// The longer run that found it first, if what is shown is another.
    pub instead_of: Option<Instead>,
    /// File of the learner's code where it panicked or left a `todo!()`, with its line from 1.
    pub at: Option<(String, u32)>,
    /// Runs and cases made until it was found.
    pub runs: u64,
    /// Wall time in microseconds from the start of judging until it was found.
    pub micros: u64,
    /// Steps of the run as it was found.
    pub raw_steps: u64,
    /// Steps of the run that is shown: fewer, if it was shrunk.
    pub shown_steps: u64,
    /// Steps of the shortest run that breaks the same rule, of all that were looked at; 0 if none but this was.
    pub shortest_steps: u64,
    /// Wall time in microseconds that replaying and shrinking took.
    pub shrink_micros: u64,
    /// Steps of the run at which the cause lies, for marking.
    pub marks: Vec<u64>,
    /// The run, as far as it was recorded. Empty for exercises without a network.
    pub trace: Trace,
}

impl Finding {
    /// Steps of the run that is shown, 0 if none is.
    #[must_use]
    pub fn steps(&self) -> u64 {
        if self.shown_steps > 0 { self.shown_steps } else { self.trace.last_step() }
    }
}

impl Report {
    /// The verdict that follows from the tests.
    #[must_use]
    pub fn overall(&self) -> Verdict {
        self.first_problem().map_or(Verdict::Passed, |t| t.verdict)
    }

    /// The report as text, ending with the line `end`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = Writer(format!("{HEADER}\n"));
        out.line("exercise", &[&self.exercise]);
        out.line("verdict", &[self.verdict.name()]);
        out.line("seeds", &[&self.first_seed.to_string(), &self.runs.to_string()]);
        out.line("judge_micros", &[&self.judge_micros.to_string()]);
        if let Some(first) = &self.first {
            let fine = if first.fine { "fine" } else { "broken" };
            match &first.gone {
                Some(why) => out.line("first", &[&first.unit, fine, why]),
                None => out.line("first", &[&first.unit, fine]),
            }
        }
        for (name, count) in &self.coverage {
            out.line("coverage", &[name, &count.to_string()]);
        }
        for lesson in &self.lessons {
            out.line("lesson", &[lesson]);
        }
        for test in &self.tests {
            out.line("test", &[&test.name, &test.title, test.layer.name(), test.verdict.name(), &test.runs.to_string()]);
            for Explored { case, extent } in &test.explored {
                let complete = if extent.complete { "complete" } else { "incomplete" };
                out.line("explored", &[case, &extent.states.to_string(), &extent.depth.to_string(), complete]);
            }
            if let Some(f) = &test.finding {
                out.finding(f);
            }
        }
        out.line("end", &[]);
        out.0
    }

    /// Reads a report.
    ///
    /// # Errors
    /// A sentence that says which line is not what it should be; also if the last line `end` is missing.
    pub fn parse(text: &str) -> Result<Report, String> {
        let mut lines = text.lines();
        if lines.next() != Some(HEADER) {
            return Err(format!("line 1: expected `{}`", HEADER.escape_debug()));
        }
        let mut report = Report {
            exercise: String::new(),
            verdict: Verdict::Unknown,
            first_seed: 0,
            runs: 0,
            judge_micros: 0,
            first: None,
            coverage: Vec::new(),
            lessons: Vec::new(),
            tests: Vec::new(),
        };
        for (number, line) in (2..).zip(lines) {
            let fields: Vec<String> = line.split('\t').map(unescape).collect();
            if fields == ["end"] {
                return Ok(report);
            }
            report.read_line(&fields).ok_or_else(|| format!("line {number}: cannot read `{}`", line.escape_debug()))?;
        }
        Err("the report has no last line `end`: the process stopped before it was done".to_owned())
    }

    fn read_line(&mut self, fields: &[String]) -> Option<()> {
        let (key, rest) = fields.split_first()?;
        let text = |i: usize| rest.get(i).cloned();
        let number = |i: usize| rest.get(i)?.parse::<u64>().ok();
        match key.as_str() {
            "exercise" => self.exercise = text(0)?,
            "verdict" => self.verdict = Verdict::parse(rest.first()?)?,
            "seeds" => (self.first_seed, self.runs) = (number(0)?, number(1)?),
            "judge_micros" => self.judge_micros = number(0)?,
            "first" => self.first = Some(First { unit: text(0)?, fine: matches!(rest.get(1)?.as_str(), "fine"), gone: text(2) }),
            "coverage" => self.coverage.push((text(0)?, number(1)?)),
            "lesson" => self.lessons.push(text(0)?),
            "test" => self.tests.push(Test {
                name: text(0)?,
                title: text(1)?,
                layer: Layer::parse(rest.get(2)?)?,
                verdict: Verdict::parse(rest.get(3)?)?,
                runs: number(4)?,
                explored: Vec::new(),
                finding: None,
            }),
            "explored" => {
                let complete = rest.get(3)? == "complete";
                let extent = Extent { states: number(1)?, depth: number(2)?.try_into().ok()?, complete };
                self.tests.last_mut()?.explored.push(Explored { case: text(0)?, extent });
            }
            _ => {
                let finding = self.tests.last_mut()?.finding.get_or_insert_default();
                match key.as_str() {
                    "seen" => finding.seen = text(0)?,
                    "why" => finding.why = text(0)?,
                    "look" => finding.look = text(0)?,
                    "contrast" => finding.contrast = text(0)?,
                    "source" => finding.source = text(0)?,
                    "case" => finding.case = Some(text(0)?),
                    "seed" => finding.seed = Some(number(0)?),
                    "late" => finding.late = true,
                    "instead" => {
                        finding.instead_of = Some(Instead { layer: Layer::parse(rest.first()?)?, unit: text(1)?, steps: number(2)? });
                    }
                    "at" => finding.at = Some((text(0)?, rest.get(1)?.parse().ok()?)),
                    "found" => (finding.runs, finding.micros) = (number(0)?, number(1)?),
                    "steps" => (finding.raw_steps, finding.shown_steps, finding.shrink_micros) = (number(0)?, number(1)?, number(2)?),
                    "shortest" => finding.shortest_steps = number(0)?,
                    "mark" => finding.marks.push(number(0)?),
                    "dropped" => finding.trace.dropped = number(0)?,
                    "lines" => {
                        let effects = rest.get(1)?.split(',').map(|line| line.parse().ok());
                        finding.trace.place(number(0)?, effects.collect::<Option<_>>()?);
                    }
                    "event" => finding.trace.events.push(Event::from_fields(rest)?),
                    _ => return None,
                }
            }
        }
        Some(())
    }
}

struct Writer(String);

impl Writer {
    fn line(&mut self, key: &str, fields: &[&str]) {
        self.0.push_str(key);
        for field in fields {
            self.0.push('\t');
            escape_into(field, &mut self.0);
        }
        self.0.push('\n');
    }

    fn finding(&mut self, f: &Finding) {
        self.line("seen", &[&f.seen]);
        self.line("why", &[&f.why]);
        self.line("look", &[&f.look]);
        if !f.contrast.is_empty() {
            self.line("contrast", &[&f.contrast]);
        }
        self.line("source", &[&f.source]);
        if let Some(case) = &f.case {
            self.line("case", &[case]);
        }
        if let Some(seed) = f.seed {
            self.line("seed", &[&seed.to_string()]);
        }
        if f.late {
            self.line("late", &[]);
        }
        if let Some(Instead { layer, unit, steps }) = &f.instead_of {
            self.line("instead", &[layer.name(), unit, &steps.to_string()]);
        }
        if let Some((file, line)) = &f.at {
            self.line("at", &[file, &line.to_string()]);
        }
        self.line("found", &[&f.runs.to_string(), &f.micros.to_string()]);
        self.line("steps", &[&f.raw_steps.to_string(), &f.shown_steps.to_string(), &f.shrink_micros.to_string()]);
        if f.shortest_steps > 0 {
            self.line("shortest", &[&f.shortest_steps.to_string()]);
        }
        for mark in &f.marks {
            self.line("mark", &[&mark.to_string()]);
        }
        if f.trace.dropped > 0 {
            self.line("dropped", &[&f.trace.dropped.to_string()]);
        }
        for lines in &f.trace.lines {
            let effects: Vec<String> = lines.effects.iter().map(ToString::to_string).collect();
            self.line("lines", &[&lines.step.to_string(), &effects.join(",")]);
        }
        for event in &f.trace.events {
            let fields = event.to_fields();
            self.line("event", &fields.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}

/// One line of `key`, tab and escaped fields, without its end of line: also what a tape file holds (see the harness).
#[must_use]
pub fn encode_line(key: &str, fields: &[String]) -> String {
    let mut out = key.to_owned();
    for field in fields {
        out.push('\t');
        escape_into(field, &mut out);
    }
    out
}

/// The fields of a line that [`encode_line`] wrote, the key first.
#[must_use]
pub fn decode_line(line: &str) -> Vec<String> {
    line.split('\t').map(unescape).collect()
}

/// Escapes what would break a line or a field; other control characters too, so that nothing of a learner's text can
/// steer a terminal.
fn escape_into(field: &str, out: &mut String) {
    for c in field.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
}

fn unescape(field: &str) -> String {
    if !field.contains('\\') {
        return field.to_owned();
    }
    let mut out = String::with_capacity(field.len());
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, false) => out.push(c),
            (_, true) => match chars.next() {
                Some('t') => out.push('\t'),
                Some('n') => out.push('\n'),
                Some('u') => {
                    let code: String = chars.by_ref().take(4).collect();
                    out.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
                }
                Some(other) => out.push(other),
                None => {}
            },
        }
    }
    out
}

#[cfg(test)]
mod tests;
