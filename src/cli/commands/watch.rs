//! `watch [ID]`: checks the exercise whose file was saved. On a terminal a screen with keys; elsewhere each verdict as text,
//! until the input ends. One loop waits for saves, child processes, deadlines, keys and signals at once.

mod screen;

use super::{Desk, check};
use crate::cli::args::{Format, WatchArgs};
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::findings;
use crate::cli::out::Out;
use crate::cli::render::{Detail, Scene, human, json};
use crate::cli::runner::{Options, Source};
use crate::cli::runtime::{Ends, Runtime};
use crate::cli::terminal;
use crate::cli::watch::engine::{Engine, News};
use crate::report::Verdict;
use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Duration;

/// Forces looking at the files, as `--poll` does.
const POLL: &str = "SPLITBRAIN_POLL";

pub fn run(args: &WatchArgs, out: &mut Out) -> Result<Exit> {
    out.wants_json()?;
    let desk = Desk::open(out)?;
    desk.mend_core(out)?;
    let here = || desk.exercise_at(Path::new("."));
    let id = match args.id.clone().or_else(here) {
        Some(id) => desk.exercise(&id)?,
        // All passed is no reason not to go on trying.
        None => desk.progress.current(&desk.course).or(desk.course.exercises().next()).map(str::to_owned).ok_or_else(no_exercises)?,
    };
    let on_terminal = terminal::is_there() && out.format == Format::Human && !args.text;
    let options =
        Options { colours: out.format == Format::Human && out.style.colours(), ..Options::of(Duration::from_secs(args.deadline)) };
    let poll = args.poll || std::env::var_os(POLL).is_some_and(|v| !v.is_empty() && v != "0");
    let ids = desk.course.exercises().map(str::to_owned).collect();
    let runtime = Runtime::new()?;
    let exit = runtime.block_on_alone(async {
        let engine = Engine::new(desk.workspace.clone(), ids, id, options, findings::broke_last, poll);
        if on_terminal { screen::on_a_screen(desk, engine, out).await } else { as_text(&desk, engine, out).await }
    });
    drop(runtime);
    exit
}

fn no_exercises() -> Trouble {
    Trouble::usage("the course has no exercises")
}

/// Verdicts as text, one after the other.
async fn as_text(desk: &Desk, mut engine: Engine, out: &mut Out) -> Result<Exit> {
    let mut ends = Ends::new()?;
    let mut input = end_of_input();
    let (mut ended, mut last) = (false, Exit::NotPassing);
    if out.format == Format::Human {
        let polling = engine.polling().map_or(String::new(), |why| format!(" (polling for saves: {why})"));
        out.tell(&format!("watching the files of all exercises, starting with {}{polling}; Ctrl-C ends it", engine.current()));
    }
    loop {
        tokio::select! {
            exit = ends.next() => return Err(Trouble::ended(exit)),
            () = &mut input, if !ended => ended = true,
            news = engine.next() => match news {
                News::Verdict(outcome, text) => {
                    let id = engine.current();
                    let rest = Detail::First { rest: "splitbrain check --verbose" };
                    let scene = Scene { source: text.source(), detail: rest, ..desk.scene(id, &Source::Own, out) };
                    match out.format {
                        Format::Human => out.print(&human::outcome(&outcome, &scene)),
                        _ => out.json(&json::outcome(&outcome)),
                    }
                    check::tell_recorded(check::record(desk, id, &outcome, &text, engine.options()), out);
                    last = if outcome.report.verdict == Verdict::Passed { Exit::Passed } else { Exit::NotPassing };
                }
                News::Trouble(trouble) => {
                    out.trouble(&trouble);
                    last = trouble.exit;
                }
                News::Gone => {
                    out.tell(&format!("{} is gone; waiting for it", desk.workspace.shown(&desk.workspace.stub(engine.current()))));
                    last = Exit::NotPassing;
                }
                News::Started | News::Step(_) | News::Ahead => {}
            },
        }
        // The check under way is still told.
        if ended && !engine.checking() {
            return Ok(last);
        }
    }
}

/// Waits for the end of standard input. Of a terminal that is not ours to read (its keys belong to a shell) there is none.
fn end_of_input() -> std::pin::Pin<Box<dyn Future<Output = ()>>> {
    if std::io::stdin().is_terminal() {
        return Box::pin(std::future::pending());
    }
    // A thread, as standard input may be anything; it goes with the process.
    let end = tokio::task::spawn_blocking(|| {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
    });
    Box::pin(async {
        let _ = end.await;
    })
}
