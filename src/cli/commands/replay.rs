//! `replay [ID]`: the last finding, as `check` kept it; or with `--seed` one run again, whole. Step by step on a terminal, as
//! text elsewhere, as a page with `--html`.

use super::Desk;
use crate::cli::ascii::markup_to_ascii;
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::findings;
use crate::cli::out::Out;
use crate::cli::patience::patiently;
use crate::cli::render::{Again, Detail, Scene, human, json};
use crate::cli::runner::{self, Options, Source, Stage};
use crate::cli::runtime::Runtime;
use crate::cli::sanitize::visible;
use crate::cli::wrap::brief;
use crate::report::Finding;
use crate::trace::page::{Caption, page};
use crate::trace::stepper::Stepper;
use crate::trace::{Event, Trace};
use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

pub struct Wanted<'a> {
    pub id: Option<&'a str>,
    pub test: Option<&'a str>,
    pub seed: Option<u64>,
    pub html: Option<&'a Path>,
    pub text: bool,
    /// Nothing is left out.
    pub full: bool,
    pub deadline: u64,
}

pub fn run(wanted: &Wanted<'_>, out: &mut Out) -> Result<Exit> {
    let as_json = out.wants_json()?;
    let desk = Desk::open(out)?;
    let id = desk.exercise_or_current(wanted.id)?;
    if let Some(seed) = wanted.seed {
        return again(&desk, &id, seed, wanted, out);
    }
    let Some(report) = findings::read(&desk.workspace, &id) else {
        return Err(Trouble::usage(format!(
            "there is no saved finding for {id}: run `splitbrain check {id}`, or name a run with `--seed N`"
        )));
    };
    let test = match wanted.test {
        Some(name) => report.tests.iter().find(|t| t.name == name),
        None => report.first_problem(),
    };
    let Some((test, finding)) = test.and_then(|t| Some((t, t.finding.as_ref()?))) else {
        let kept = report.tests.iter().filter(|t| t.finding.is_some()).map(|t| t.name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Trouble::usage(format!("the last findings of {id} are for: {kept}")));
    };
    if as_json {
        json_events(finding, wanted.full, out);
        return Ok(Exit::Passed);
    }
    if let Some(file) = wanted.html {
        return write_page(file, &id, &test.title, finding, wanted.full, out);
    }
    let head = format!(
        "{id}: {}\n{}\n\n",
        visible(&test.title, false),
        visible(&if wanted.full { finding.seen.clone() } else { brief(&finding.seen) }, false)
    );
    if walked(finding, wanted, out)? {
        return Ok(Exit::Passed);
    }
    out.page(&format!("{head}{}", human::lines(finding, wanted.full)));
    Ok(Exit::Passed)
}

/// Walks the run step by step, if there is a terminal to do it on and steps to walk.
fn walked(finding: &Finding, wanted: &Wanted<'_>, out: &Out) -> Result<bool> {
    use std::io::IsTerminal as _;
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let dumb = std::env::var_os("TERM").is_none_or(|t| t == "dumb");
    let mut stepper = Stepper::new(&finding.trace, &finding.marks, None, out.ascii);
    if wanted.text || !terminal || dumb || stepper.is_empty() {
        return Ok(false);
    }
    super::step_through::step_through(&mut stepper, out.ascii)?;
    Ok(true)
}

/// Bytes of all steps together that a page or JSON lines have; with `--full` as many as there are.
const STEPS: usize = 1 << 20;

/// The run with its texts cut where they are long, and with its middle left out where it is, unless it is to be full. What is left
/// out of the middle is counted.
fn bounded(trace: &Trace, full: bool) -> (Vec<Event>, usize) {
    if full {
        return (trace.events.clone(), 0);
    }
    let cut = |event: &Event| Event::from_fields(&event.to_fields().iter().map(|field| brief(field)).collect::<Vec<_>>());
    let events: Vec<Event> = trace.events.iter().map(|event| cut(event).unwrap_or_else(|| event.clone())).collect();
    let sizes: Vec<usize> = events.iter().map(|event| event.to_fields().iter().map(String::len).sum()).collect();
    if sizes.iter().sum::<usize>() <= STEPS {
        return (events, 0);
    }
    let fits = |sizes: &mut dyn Iterator<Item = &usize>| {
        let mut used = 0;
        sizes
            .take_while(|size| {
                used += **size;
                used <= STEPS / 2
            })
            .count()
    };
    let (head, tail) = (fits(&mut sizes.iter()), fits(&mut sizes.iter().rev()));
    let left_out = events.len() - head - tail;
    ([&events[..head], &events[events.len() - tail..]].concat(), left_out)
}

fn write_page(file: &Path, id: &str, title: &str, finding: &Finding, full: bool, out: &mut Out) -> Result<Exit> {
    let (events, left_out) = bounded(&finding.trace, full);
    let trace = Trace { events, dropped: finding.trace.dropped, lines: finding.trace.lines.clone() };
    let seen = if full { finding.seen.clone() } else { brief(&finding.seen) };
    let texts = [("Why it matters", &finding.why), ("Source", &finding.source)];
    let caption = Caption {
        title: format!("{id}: {title}"),
        seen,
        look: finding.look.clone(),
        paragraphs: texts.iter().filter(|(_, t)| !t.is_empty()).map(|(h, t)| ((*h).to_owned(), (*t).clone())).collect(),
        marks: finding.marks.clone(),
        violation: None,
    };
    let page = page(&trace, &caption);
    let is_file = out.write_where_asked(file, &if out.ascii { markup_to_ascii(&page) } else { page })?;
    if left_out > 0 {
        out.tell(&format!("the page leaves out {left_out} lines from the middle of the run: `--full` includes them"));
    }
    if is_file {
        out.print(&format!("{} written: open it in a browser\n", file.display()));
    }
    Ok(Exit::Passed)
}

/// One run again, whole.
fn again(desk: &Desk, id: &str, seed: u64, wanted: &Wanted<'_>, out: &mut Out) -> Result<Exit> {
    let as_json = out.wants_json()?;
    desk.mend_core(out)?;
    let options = Options {
        test: wanted.test.map(str::to_owned),
        colours: out.style.colours() && !as_json,
        ..Options::of(Duration::from_secs(wanted.deadline))
    };
    let ids = [id.to_owned()];
    let runtime = Runtime::new()?;
    let result = runtime.block_on(async {
        let at = Cell::new(Stage::default());
        let mut on = |heard: runner::Heard<'_>| {
            if let runner::Heard::Begins(stage) = heard {
                at.set(stage);
            }
        };
        let building = runner::build_all(&desk.workspace, &ids, &Source::Own, false, options.colours, &mut on);
        let builds = patiently(building, || at.get().sentence().to_owned()).await?;
        runner::one(&desk.workspace, &builds, id, &format!("seed:{seed}"), &options).await
    });
    let (outcome, trace) = result?;
    let found = outcome.report.first_problem().and_then(|t| t.finding.clone()).unwrap_or_default();
    let run = if trace.events.is_empty() { found.trace } else { trace };
    let whole = Finding { trace: run, marks: found.marks, ..Finding::default() };
    if as_json {
        json_events(&whole, wanted.full, out);
        out.json(&json::outcome(&outcome));
        return Ok(Exit::Passed);
    }
    if let Some(file) = wanted.html {
        return write_page(file, id, &format!("the run of seed {seed}"), &whole, wanted.full, out);
    }
    if walked(&whole, wanted, out)? {
        return Ok(Exit::Passed);
    }
    let scene = Scene { again: Again::Now, detail: Detail::Whole, ..desk.scene(id, &Source::Own, out) };
    let text = format!("{}\n{}", human::lines(&whole, wanted.full), human::outcome(&outcome, &scene));
    out.page(&text);
    Ok(Exit::Passed)
}

fn json_events(finding: &Finding, full: bool, out: &mut Out) {
    let (events, left_out) = bounded(&finding.trace, full);
    if left_out > 0 {
        out.tell(&format!("{left_out} lines from the middle of the run are left out: `--full` includes them"));
    }
    let lines = events.iter().map(|e| {
        let line = serde_json::json!({
            "step": e.step, "at_us": e.at.as_micros(), "lane": e.lane.to_string(), "what": e.what.to_string(),
            "marked": finding.marks.contains(&e.step),
        });
        format!("{line}\n")
    });
    out.print_raw(&lines.collect::<String>());
}
