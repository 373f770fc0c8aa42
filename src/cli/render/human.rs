//! The verdict for people: one line with counts and times, a line for each rule, and the first finding whole: what was seen,
//! the run, why it matters, where to look, the source, and how to see it again. All text from the learner's process is made
//! unable to steer the terminal.

use super::compile_errors::compile_errors;
use super::picture::{INDENT, picture, picture_in};
use super::{Again, Detail, Scene, code, own, steps};
use crate::cli::figures::{plural, seconds, thousands};
use crate::cli::runner::{Outcome, PROCESS_TEST, REPORT_TEST};
use crate::cli::sanitize::visible;
use crate::cli::wrap::{brief, clipped, columns, wrap};
use crate::report::{Finding, First, Report, Test, Verdict};
use crate::trace::short::short_numbers;
use crate::trace::{Event, Extent};
use std::fmt::Write as _;

/// Lines of the sentence of what was seen.
const SEEN: usize = 8;
/// Lines of steps and states that are left below a picture at least.
const STATES: usize = 3;
/// Lines of a verdict, until somebody asks for more: what a reader takes in without scrolling.
const SCREEN: usize = 30;
/// Columns that a line of a run may take.
const WIDTH: usize = 160;
/// Column at which the figures begin: behind the longest title, within reason.
fn figures_column(report: &Report) -> usize {
    let longest = report.tests.iter().map(|t| columns(&t.title)).max().unwrap_or(0);
    (longest + 4).clamp(66, 96)
}

/// The outcome of one exercise.
#[must_use]
pub fn outcome(outcome: &Outcome, scene: &Scene) -> String {
    let report = &outcome.report;
    let mut out = head(outcome, scene);
    if let Some(first) = report.first.as_ref().filter(|_| report.verdict != Verdict::Unfinished) {
        out.push_str(&again_said(first, scene));
    }
    match report.verdict {
        Verdict::DoesNotCompile => compile_errors(&mut out, &outcome.errors),
        Verdict::Unfinished => unfinished(&mut out, report, scene),
        _ => tests(&mut out, report, scene),
    }
    let whole = scene.detail == Detail::Whole || report.verdict == Verdict::Passed;
    for lesson in report.lessons.iter().filter(|_| whole) {
        out.push_str(&lesson_text(lesson, scene));
    }
    if let Some(tests) = &outcome.own {
        out.push_str(&own::tests(tests, scene));
    }
    if outcome.printed > 64 << 10 {
        let _ = writeln!(out, "  Your code printed {} bytes; that takes time.", crate::cli::figures::thousands(outcome.printed));
    }
    out
}

/// A lesson: prose, and between it lines that begin with two spaces, a table, which stay as they are.
fn lesson_text(lesson: &str, scene: &Scene) -> String {
    let text = visible(&format!("Lesson: {lesson}"), true);
    let line = |line: &str| if line.starts_with("  ") { format!("  {line}\n") } else { wrap(line, "  ", scene.width) };
    let text: String = text.split('\n').map(line).collect();
    text.replacen("Lesson:", &scene.style.strong("Lesson:"), 1)
}

/// Whether there is more to say of it than is shown at first.
#[must_use]
pub fn has_more(outcome: &Outcome) -> bool {
    !matches!(outcome.report.verdict, Verdict::Passed | Verdict::Unfinished | Verdict::DoesNotCompile)
}

fn head(outcome: &Outcome, scene: &Scene) -> String {
    let Outcome { report, build, judge, .. } = outcome;
    let holding = report.tests.iter().filter(|t| t.verdict == Verdict::Passed).count();
    let of = report.tests.len();
    let all = if of == 1 { "the hidden test".to_owned() } else { format!("all {of} hidden tests") };
    let style = scene.style;
    let (mark, said) = match report.verdict {
        Verdict::Passed => (style.good("✓"), if of == 1 { "the hidden test holds".to_owned() } else { format!("{all} hold") }),
        Verdict::Failed => (style.bad("✗"), format!("{holding} of {of} hidden tests hold")),
        Verdict::Unfinished => (style.warn("…"), "not finished".to_owned()),
        Verdict::DoesNotCompile => (style.bad("✗"), "does not compile".to_owned()),
        Verdict::TimedOut => (style.bad("✗"), "a handler does not return".to_owned()),
        Verdict::Crashed => (style.bad("✗"), "crashes".to_owned()),
        Verdict::Unknown => (style.warn("?"), "no verdict".to_owned()),
    };
    let mut times = format!("build {}", seconds(*build));
    if report.verdict != Verdict::DoesNotCompile {
        let _ = write!(times, " · judge {}", seconds(*judge));
    }
    let line = format!("{:<18}  {said}", report.exercise);
    if 2 + columns(&line) + 2 + columns(&times) > scene.width {
        let line = if 2 + columns(&line) > scene.width { format!("{}  {said}", report.exercise) } else { line };
        return format!("{mark} {}\n  {}\n", style.strong(&line), style.faint(&times));
    }
    // The times stand over the figures of the rules, or further left where they would not end on the screen.
    let fits = scene.width.saturating_sub(2 + columns(&times));
    format!("{mark} {}{}\n", style.strong(&padded(&line, figures_column(report).min(fits))), style.faint(&times))
}

/// How the run fared that broke something last time: `The run that broke last time (seed 8812) is fine now.`
fn again_said(first: &First, scene: &Scene) -> String {
    let unit = first.unit.split_once(':').map_or(first.unit.clone(), |(kind, name)| match kind {
        "seed" => format!("seed {name}"),
        _ => visible(name, false),
    });
    if let Some(why) = &first.gone {
        let end = if first.fine { scene.style.good("is fine") } else { scene.style.bad("still breaks a rule") };
        let text = format!(
            "The run that broke last time ({unit}) no longer applies to your code ({}); the whole run of its seed {end}.",
            visible(why, false)
        );
        return wrap(&text, "  ", scene.width);
    }
    let (plain, end) =
        if first.fine { ("is fine now", scene.style.good("is fine now")) } else { ("still breaks", scene.style.bad("still breaks")) };
    wrap(&format!("The run that broke last time ({unit}) {plain}."), "  ", scene.width).replacen(plain, &end, 1)
}

fn padded(text: &str, width: usize) -> String {
    crate::cli::wrap::padded(text, width.max(columns(text) + 2))
}

/// Bytes of a run's lines that are shown where nobody asked for all of them.
const LINES: usize = 40_000;

fn unfinished(out: &mut String, report: &Report, scene: &Scene) {
    let Some(finding) = report.first_problem().and_then(|t| t.finding.as_ref()) else { return };
    match &finding.at {
        Some((file, line)) => {
            let place = format!("  {}:{line}:", visible(&shown(file, scene), false));
            out.push_str(&said_of(&place, "here is something to write", scene.width));
            if let Some(quote) = quote(scene, *line) {
                let _ = writeln!(out, "  {line:>5} │ {quote}");
            }
        }
        None => {
            out.push_str(&said_of(&format!("  {}", scene.file), "contains a `todo!()`", scene.width));
        }
    }
    if !finding.seen.is_empty() {
        out.push_str(&wrap(&visible(&brief(&finding.seen), false), "  ", scene.width));
    }
    let id = &report.exercise;
    // A command is never broken: it is there to be pasted.
    let line = format!("  The problem: splitbrain show {id} · stuck: splitbrain hint {id}");
    let fits = columns(&line) <= scene.width;
    let _ = writeln!(out, "{}", if fits { line } else { line.replace(" · stuck:", "\n  Stuck:") });
}

/// A place and what is said of it. A path is never broken, as it is there to be opened: where both do not fit, the words go below.
fn said_of(place: &str, words: &str, width: usize) -> String {
    if columns(place) + 1 + columns(words) <= width {
        format!("{place} {words}\n")
    } else {
        format!("{place}\n{}", wrap(words, "    ", width))
    }
}

/// The learner's file as we name it; the process knows it as the compiler did.
fn shown(file: &str, scene: &Scene) -> String {
    if scene.file.ends_with(file) || file.ends_with(&scene.file) { scene.file.clone() } else { file.to_owned() }
}

fn quote(scene: &Scene, line: u32) -> Option<String> {
    let text = scene.source.as_ref()?.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)?;
    Some(clipped(&visible(text, false), WIDTH.min(scene.width.saturating_sub(12))))
}

/// The rules. If one is broken, its finding comes first, where the eye is; of the others a line is enough until somebody asks.
fn tests(out: &mut String, report: &Report, scene: &Scene) {
    let first = report.first_problem().map(|t| t.name.as_str());
    let (works_on, others): (Vec<&Test>, Vec<&Test>) = report.tests.iter().partition(|t| first == Some(&t.name));
    let (held, others): (Vec<&Test>, Vec<&Test>) = others.into_iter().partition(|t| t.verdict == Verdict::Passed);
    let (undecided, broken): (Vec<&Test>, Vec<&Test>) = others.into_iter().partition(|t| t.verdict == Verdict::Unknown);
    let mut below = String::new();
    let told = panics::told(&works_on, &broken);
    others_broken(&mut below, &told.tests, scene);
    below.push_str(&told.line(scene));
    if !undecided.is_empty() {
        let said = plural(undecided.len() as u64, "hidden test is", "hidden tests are");
        let _ = writeln!(below, "  {} {said} not decided yet", scene.style.warn("?"));
    }
    if works_on.is_empty() || scene.detail == Detail::Whole {
        held.iter().for_each(|test| row(&mut below, test, report, scene));
    } else {
        not_broken(&mut below, &held, report.verdict, scene);
    }
    for test in &works_on {
        let gap = usize::from(!below.is_empty());
        if report.tests.len() > 1 {
            out.push('\n');
        }
        let taken = out.lines().count() + gap + below.lines().count();
        let lines = if scene.detail == Detail::Whole { usize::MAX } else { SCREEN.saturating_sub(taken) };
        out.push_str(&whole(test, report, scene, lines));
        out.push_str(if gap == 1 { "\n" } else { "" });
    }
    out.push_str(&below);
}

/// What else is broken: by the names by which `--test` takes them, a line each; whole for who asks for all.
fn others_broken(out: &mut String, broken: &[&Test], scene: &Scene) {
    if broken.is_empty() {
        return;
    }
    let names = broken.iter().map(|t| columns(&t.name)).max().unwrap_or(0);
    out.push_str("  Also broken, often by the same mistake (`check --test NAME` shows one of them):\n");
    for test in broken {
        let seen = test.finding.as_ref().map_or("", |f| &f.seen);
        let seen = short_numbers(&visible(&brief(if seen.is_empty() { &test.title } else { seen }), false));
        let mark = scene.style.bad("✗");
        if scene.detail == Detail::Whole {
            let text = wrap(&format!("\u{1} {}  {seen}", padded(&test.name, names)), "  ", scene.width);
            out.push_str(&text.replacen('\u{1}', &mark, 1));
        } else {
            // A cut has its sign, too.
            let room = scene.width.saturating_sub(names + 8).max(12);
            let _ = writeln!(out, "  {mark} {}{}", padded(&test.name, names + 2), clipped(&seen, room));
        }
    }
}

/// That no counterexample to a rule was found is not that it holds: a line, and no tick.
fn not_broken(out: &mut String, held: &[&Test], verdict: Verdict, scene: &Scene) {
    let rules = plural(held.len() as u64, "other rule", "other rules");
    let Detail::First { rest } = scene.detail else { return };
    // What a run would have shown behind a panic, nobody knows.
    let so_far = if verdict == Verdict::Crashed { " before the panic" } else { "" };
    let text = match held.len() {
        0 => format!("Why it matters: {rest}"),
        _ => format!("{rules}: no counterexample found{so_far}. Which, and why it matters: {rest}"),
    };
    for line in wrap(&text, "  ", scene.width).lines() {
        let _ = writeln!(out, "  {}", scene.style.faint(line.trim_start()));
    }
}

/// A rule that holds, with how it was tried: beside it, if there is room.
fn row(out: &mut String, test: &Test, report: &Report, scene: &Scene) {
    let figures = held(test);
    let title = visible(&test.title, false);
    // The figures stand in one column, or further left where they would not end on the screen.
    let room = scene.width.saturating_sub(4 + columns(&figures));
    if columns(&title) + 2 <= room {
        let title = padded(&title, room.min(figures_column(report) - 2));
        let _ = writeln!(out, "  {} {title}{}", scene.style.good("✓"), scene.style.faint(&figures));
    } else {
        marked(out, &scene.style.good("✓"), &format!("{title} ({figures})"), scene);
    }
}

/// A line behind a mark, wrapped with a mark of one column and dressed afterwards: a colour's escape codes have no width.
fn marked(out: &mut String, mark: &str, text: &str, scene: &Scene) {
    out.push_str(&wrap(text, "  \u{1} ", scene.width).replacen('\u{1}', mark, 1));
}

/// How a rule that holds was tried: `1,007 runs · 160,971 states, complete`. Of several explorations, all their states.
fn held(test: &Test) -> String {
    let runs = plural(test.runs, "run", "runs");
    match test.explored.iter().map(|e| e.extent).reduce(Extent::and) {
        Some(extent) => format!("{runs} · {extent}"),
        None => runs,
    }
}

/// Where it was found: `seed 8812, shrunk from 164 steps to 7`.
fn found(test: &Test, finding: &Finding, detail: Detail) -> String {
    let steps = finding.steps();
    let mut parts = Vec::new();
    match (finding.seed, &finding.case) {
        // Its number says which one, and reads as if it took so many: what is found late is not rare.
        (_, Some(case)) if detail != Detail::Whole && is_storm(case) => parts.push("a storm of random inputs".to_owned()),
        (_, Some(case)) => parts.push(visible(case, false)),
        (Some(seed), None) => parts.push(format!("seed {seed}")),
        (None, None) => {}
    }
    if let Some(instead) = &finding.instead_of {
        let (kind, unit) = instead.unit.split_once(':').unwrap_or_default();
        let unit = if kind == "seed" { format!("seed {unit}") } else { format!("“{}”", visible(unit, false)) };
        parts.push(format!("{} instead of the {} of {unit}", plural(steps, "step", "steps"), thousands(instead.steps)));
    } else if steps > 0 && finding.raw_steps > steps && finding.trace.last_step() + 1 >= finding.raw_steps {
        // Nothing was left out of the run: what repeats is folded.
        parts.push(format!("{}, {} shown", plural(finding.raw_steps, "step", "steps"), thousands(steps)));
    } else if steps > 0 && finding.raw_steps > steps {
        parts.push(format!("shrunk from {} to {}", plural(finding.raw_steps, "step", "steps"), thousands(steps)));
    } else if steps > 0 {
        parts.push(plural(steps, "step", "steps"));
    }
    if parts.is_empty() { test.verdict.name().replace('_', " ") } else { parts.join(", ") }
}

/// Whether a case is a storm, which has a number.
fn is_storm(case: &str) -> bool {
    case.strip_prefix("storm ").is_some_and(|number| number.parse::<u64>().is_ok())
}

/// Why a death matters and where to look, where the rule that was being tried speaks of something else.
const DEATH: (&str, &str) = (
    "What kills or stops one process does the same to every other one that gets the same input: the bug strikes them all at once.",
    "The last step of the run, and what your code assumes there.",
);

/// The finding to work on, in so many lines if that can be: what was seen, the run, where to look. The rest is for who asks.
fn whole(test: &Test, report: &Report, scene: &Scene, lines: usize) -> String {
    let style = scene.style;
    let mut out = String::new();
    let mark = match test.verdict {
        Verdict::Unfinished => style.warn("…"),
        Verdict::Unknown => style.warn("?"),
        _ => style.bad("✗"),
    };
    marked(&mut out, &mark, &visible(panics::title(test, report), false), scene);
    let Some(finding) = &test.finding else { return out };
    // Who asks for all of it has all digits, too.
    let told = if scene.detail == Detail::Whole { finding.clone() } else { in_short(finding) };
    let finding = &told;
    let died = matches!(test.verdict, Verdict::Crashed | Verdict::TimedOut) && !["no_crash", PROCESS_TEST].contains(&test.name.as_str());
    let (why, look, source) = if died { (DEATH.0, DEATH.1, "") } else { (&*finding.why, &*finding.look, &*finding.source) };
    let line = |out: &mut String, head: &str, text: &str| {
        if !text.is_empty() {
            let text = wrap(&format!("{head}{}", visible(&brief(text), false)), INDENT, scene.width);
            out.push_str(&text.replacen(head, &style.strong(head), 1));
        }
    };
    let mut seen = String::new();
    line(&mut seen, "", &finding.seen);
    out.push_str(&match scene.detail {
        Detail::Whole => seen,
        Detail::First { rest } => without_middle(&seen, rest),
    });
    if let Some((file, number)) = &finding.at {
        let quoted = quote(scene, *number).map_or(String::new(), |q| format!("  {}", q.trim()));
        line(&mut out, "At ", &format!("{}:{number}:{quoted}", shown(file, scene)));
    }
    let below_of = |picture: &str, most: usize| {
        let mut below = String::new();
        if !finding.contrast.is_empty() {
            line(&mut below, "Compare: ", &format!("with {} nothing is broken.", finding.contrast));
        }
        line(&mut below, "Look at: ", look);
        if !died {
            below.push_str(&last_lines(&steps::describe(finding, picture, scene), most));
            // A run that was kept may be of an older text.
            if scene.again != Again::Now {
                below.push_str(&code::excerpt(finding, scene));
            }
        }
        if scene.detail == Detail::Whole {
            line(&mut below, "Why it matters: ", why);
            line(&mut below, "Source: ", source);
        } else if !source.is_empty() {
            let room = scene.width.saturating_sub(INDENT.len() + "Source: ".len());
            let _ = writeln!(below, "{INDENT}{} {}", style.strong("Source:"), visible(&short(source, room), false));
        }
        commands(&mut below, finding, test, report, scene);
        below
    };
    // What stands below says what the picture does not show; and the picture has the room that is left by it.
    let mut picture = if scene.again == Again::Now { String::new() } else { picture(finding, scene) };
    let mut below = below_of(&picture, usize::MAX);
    let taken = out.lines().count() + below.lines().count() + 2;
    if picture.lines().count() + taken > lines {
        picture = if picture.is_empty() { picture } else { picture_in(finding, scene, lines.saturating_sub(taken)) };
        let taken = out.lines().count() + picture.lines().count() + below_of(&picture, 0).lines().count() + 2;
        below = below_of(&picture, lines.saturating_sub(taken).max(STATES));
    }
    if !picture.is_empty() {
        let _ = writeln!(out, "\n{picture}");
    }
    out + &below
}

/// A finding with its long numbers in short.
fn in_short(finding: &Finding) -> Finding {
    let short = |text: &str| short_numbers(text);
    Finding { seen: short(&finding.seen), look: short(&finding.look), trace: finding.trace.in_short(), ..finding.clone() }
}

/// Of a sentence that is longer than any should be (a learner's values are in it), its beginning and its end; `rest`: how to see all of it.
fn without_middle(text: &str, rest: &str) -> String {
    let all: Vec<&str> = text.split_inclusive('\n').collect();
    if all.len() <= SEEN {
        return text.to_owned();
    }
    format!("{}{INDENT}… (all of it: {rest})\n{}", all[..SEEN - 3].concat(), all[all.len() - 2..].concat())
}

/// So many lines of it, the last ones: they are nearest to what broke.
fn last_lines(text: &str, most: usize) -> String {
    let all: Vec<&str> = text.split_inclusive('\n').collect();
    if all.len() <= most {
        return text.to_owned();
    }
    let dots = if most == 0 { String::new() } else { format!("{INDENT}  …\n") };
    dots + &all[all.len() - most.saturating_sub(1).min(all.len())..].concat()
}

/// What to type next. Commands are not wrapped: they are copied.
fn commands(out: &mut String, finding: &Finding, test: &Test, report: &Report, scene: &Scene) {
    let id = &report.exercise;
    let mut command = |head: &str, text: &str| {
        if !text.is_empty() {
            let _ = writeln!(out, "{INDENT}{} {}", scene.style.strong(head), visible(text, false));
        }
    };
    // What could not be judged has left nothing to be seen again.
    if test.verdict != Verdict::Unknown {
        let (again, found) = (again(finding, id, &test.name, &scene.again), found(test, finding, scene.detail));
        match again.is_empty() {
            true => command("Found:", &found),
            false if columns(&again) + columns(&found) + INDENT.len() + 10 <= scene.width => command(&format!("Again ({found}):"), &again),
            false => {
                command("Found:", &found);
                command("Again:", &again);
            }
        }
    }
    if scene.detail == Detail::Whole {
        command("Theory:", &scene.theory.command(id, &test.name).unwrap_or_default());
        if scene.again == Again::Replay && !finding.trace.events.is_empty() {
            command("Step by step in a browser:", &format!("splitbrain replay {id} --html run.html"));
        }
    }
}

/// A source in one line: authors and year, and the section. (Its title and what it says are for who asks.)
fn short(source: &str, room: usize) -> String {
    let is_year = |word: &&str| word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit());
    let year = source.split([' ', ',']).find(is_year).and_then(|year| Some(source.find(year)? + year.len()));
    let place = [", section ", ", Figure ", ", chapter "].iter().filter_map(|head| Some((source.find(head)?, head.len()))).min();
    let section = place.map(|(at, head)| {
        let number = source[at + head..].split([' ', ';', ',', '(']).next().unwrap_or_default();
        format!("{}{number}", &source[at..at + head])
    });
    let brief = year.map_or(source.to_owned(), |end| format!("{}{}", &source[..end], section.unwrap_or_default()));
    clipped(&brief, room)
}

fn again(finding: &Finding, id: &str, test: &str, again: &Again) -> String {
    match (again, finding.seed.filter(|_| finding.case.is_none())) {
        (Again::Now, _) => String::new(),
        (Again::Replay, Some(seed)) => format!("splitbrain replay {id} --seed {seed}"),
        (Again::Replay, None) => format!("splitbrain replay {id}"),
        (Again::Check(options), Some(seed)) => format!("splitbrain check {id} {options} --seed {seed} --runs 1"),
        (Again::Check(options), None) if [PROCESS_TEST, REPORT_TEST].contains(&test) => format!("splitbrain check {id} {options}"),
        (Again::Check(options), None) => format!("splitbrain check {id} {options} --test {test}"),
    }
}

/// The whole run, the steps that hold the cause marked.
/// Unless it is to be full, what is long is cut, in each line and in all.
#[must_use]
pub fn lines(finding: &Finding, full: bool) -> String {
    let mut out = String::new();
    if finding.trace.dropped > 0 {
        let _ = writeln!(out, "      {:>4} {}", "…", plural(finding.trace.dropped, "earlier line", "earlier lines"));
    }
    let width = if full { usize::MAX } else { WIDTH };
    run(&mut out, &finding.trace.events.iter().collect::<Vec<_>>(), finding, width);
    if full || out.len() <= LINES {
        return out;
    }
    let lines: Vec<&str> = out.split_inclusive('\n').collect();
    let fits = |lines: &mut dyn Iterator<Item = &&str>| {
        let mut used = 0;
        lines
            .take_while(|line| {
                used += line.len();
                used <= LINES / 2
            })
            .count()
    };
    let (head, tail) = (fits(&mut lines.iter()), fits(&mut lines.iter().rev()));
    let left_out = plural((lines.len() - head - tail) as u64, "line", "lines");
    let (first, last) = (lines[..head].concat(), lines[lines.len() - tail..].concat());
    format!("{first}         … {left_out} left out: `replay --full` has them …\n{last}")
}

/// The lines of a run; or of several, as some cases make them: the marks are of the last one.
fn run(out: &mut String, events: &[&Event], finding: &Finding, width: usize) {
    let begins = |i: usize| i > 0 && events[i].step < events[i - 1].step;
    let last = (0..events.len()).rev().find(|i| begins(*i)).unwrap_or(0);
    for (i, event) in events.iter().enumerate() {
        if begins(i) {
            let _ = writeln!(out, "      {:>4} then, in a run of its own:", "─");
        }
        let marked = i >= last && finding.marks.contains(&event.step) && !event.what.is_effect();
        let text = clipped(&visible(&event.to_string(), false), width);
        let _ = writeln!(out, "    {} {text}", if marked { "▶" } else { " " });
    }
}

mod panics;
#[cfg(test)]
mod tests;
