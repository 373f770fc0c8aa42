//! The verbs, one file each. A verb reads and decides here; what it needs is done by the modules above.

mod check;
mod clean;
mod completions;
mod docs;
mod doctor;
mod export_import;
mod hint;
mod home;
mod init;
mod interview;
mod learn;
mod lesson;
mod list;
mod menu;
mod plan;
mod progress;
mod quiz;
mod replay;
mod reset;
mod review;
mod show;
mod sitting;
mod solution;
mod step_through;
mod study;
mod update;
mod watch;

use super::args::Verb;
use super::course::Course;
use super::disk;
use super::error::{Exit, Result, Trouble};
use super::layout;
use super::out::Out;
use super::progress::Progress;
use super::render::{Again, Detail, Scene};
use super::runner::Source;
use super::shell::pasted;
use super::state::Told;
use super::theory::Theory;
use super::workspace::Workspace;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Runs a verb.
///
/// # Errors
/// What the user is to be told, with the exit code.
pub fn run(verb: Option<Verb>, out: &mut Out) -> Result<Exit> {
    if !matches!(verb, Some(Verb::Init { .. } | Verb::Completions { .. } | Verb::Dev(_))) {
        clear_up(out)?;
    }
    match verb {
        None => home::run(out),
        Some(Verb::Init { dir }) => init::run(&dir, out),
        Some(Verb::List) => list::run(out),
        Some(Verb::Show { id }) => show::run(id.as_deref(), out),
        Some(Verb::Docs { id }) => docs::run(id.as_deref(), out),
        Some(Verb::Hint { id, again }) => hint::run(id.as_deref(), again, out),
        Some(Verb::Quiz { topic, rule, seed, limit, new }) => {
            quiz::run(&quiz::Wanted { topic: topic.as_deref(), rule: rule.as_deref(), seed, limit, anew: new }, out)
        }
        Some(Verb::Review { limit, seed, new }) => review::run(limit, seed, new, out),
        Some(Verb::Learn { topic, skim }) => learn::run(topic.as_deref(), skim, out),
        Some(Verb::Interview { minutes, topics, export, last, seed, new }) => {
            let wanted = interview::Wanted { minutes, topics: &topics, export: export.as_deref(), last, seed, anew: new };
            interview::run(&wanted, out)
        }
        Some(Verb::Plan { on, minutes, drop }) => plan::run(on.as_deref(), minutes, drop, out),
        Some(Verb::Progress) => progress::run(out),
        Some(Verb::Solution { id, give_up, diff }) => solution::run(id.as_deref(), give_up, diff, out),
        Some(Verb::Update) => update::run(out),
        Some(Verb::Doctor) => doctor::run(out),
        Some(Verb::Clean) => clean::run(out),
        Some(Verb::Export { file, force }) => export_import::export(&file, force, out),
        Some(Verb::Import { file, replace }) => export_import::import(&file, replace, out),
        Some(Verb::Completions { shell }) => completions::run(shell, out),
        Some(Verb::Dev(verb)) => super::author::run(&verb, out),
        Some(Verb::Check(args)) => check::run(&args, out),
        Some(Verb::Watch(args)) => watch::run(&args, out),
        Some(Verb::Reset { id, undo, yes }) => reset::run(id.as_deref(), undo, yes, out),
        Some(Verb::Replay { id, test, seed, html, text, full, deadline }) => replay::run(
            &replay::Wanted { id: id.as_deref(), test: test.as_deref(), seed, html: html.as_deref(), text: text || full, full, deadline },
            out,
        ),
    }
}

/// What a program that was killed has left is finished, or taken away.
fn clear_up(out: &mut Out) -> Result<()> {
    let Ok(workspace) = Workspace::here() else { return Ok(()) };
    if export_import::finish(&workspace)? {
        out.tell("finished an import that had been interrupted");
    }
    let own = workspace.own();
    [&workspace.root, &own, &own.join("findings")].into_iter().for_each(|folder| disk::remove_leftovers(folder));
    for folder in [workspace.root.join("exercises"), own.join("backups")] {
        fs::read_dir(folder).into_iter().flatten().flatten().for_each(|entry| disk::remove_leftovers(&entry.path()));
    }
    Ok(())
}

/// What most verbs begin with: the workspace, its course, and what is remembered.
struct Desk {
    workspace: Workspace,
    course: Course,
    progress: Progress,
}

impl Desk {
    fn open(out: &mut Out) -> Result<Desk> {
        let workspace = Workspace::here()?;
        let course = workspace.content().course()?;
        let progress = told(Progress::read(&workspace.store())?, out);
        Ok(Desk { workspace, course, progress })
    }

    /// Puts the library right that exercises are built against, and says so.
    fn mend_core(&self, out: &mut Out) -> Result<()> {
        layout::mend_core(&self.workspace)?.iter().for_each(|said| out.tell(said));
        Ok(())
    }

    /// The exercise of that id, or whose file or folder that is.
    fn exercise(&self, id: &str) -> Result<String> {
        if self.course.exercises().any(|e| e == id) {
            return Ok(id.to_owned());
        }
        if let Some(found) = self.exercise_at(Path::new(id)) {
            return Ok(found);
        }
        if let Some(topic) = self.course.topics.iter().find(|topic| topic.id == id || topic.quiz.as_deref() == Some(id)) {
            let all = match topic.exercises.as_slice() {
                [] => "it has no exercises".to_owned(),
                some => format!("its exercises: {}", some.join(", ")),
            };
            return Err(Trouble::usage(format!("`{id}` is a topic (`splitbrain learn {id}`); {all}")));
        }
        let near = self.course.nearest(id).map_or("`splitbrain list` shows them all".to_owned(), |near| format!("did you mean `{near}`?"));
        Err(Trouble::usage(format!("there is no exercise `{id}`; {near}")))
    }

    /// The exercise in whose folder a path is; it need not exist.
    fn exercise_at(&self, path: &Path) -> Option<String> {
        let from_root = |path: &Path| path.strip_prefix(fs::canonicalize(&self.workspace.root).ok()?).ok().map(Path::to_owned);
        let mut plain = PathBuf::new();
        for part in std::path::absolute(path).ok()?.components() {
            if part == Component::ParentDir {
                plain.pop();
            } else {
                plain.push(part);
            }
        }
        let whole = fs::canonicalize(&plain).unwrap_or(plain);
        let mut parts = from_root(&whole)?.components().map(|c| c.as_os_str().to_owned()).collect::<Vec<_>>().into_iter();
        let (folder, id) = (parts.next()?, parts.next()?);
        self.course.exercises().find(|e| folder == "exercises" && id == *e).map(str::to_owned)
    }

    /// What an outcome is shown with.
    fn scene(&self, id: &str, source: &Source, out: &Out) -> Scene {
        let path = source.file(&self.workspace, id);
        let again = match source {
            Source::Own => Again::Replay,
            Source::Solution => Again::Check("--solution".to_owned()),
            Source::File(path) => Again::Check(format!("--file {}", pasted(&path.display().to_string()))),
        };
        Scene {
            style: out.style,
            file: self.workspace.shown(&path),
            source: disk::read_text(&path).ok(),
            again,
            width: out.width(),
            ascii: out.ascii,
            theory: Theory::of(self.workspace.content()),
            detail: Detail::First { rest: "--verbose" },
        }
    }

    /// The exercise of that id; without one that in whose folder we are, or the current one.
    fn exercise_or_current(&self, id: Option<&str>) -> Result<String> {
        let here = || self.exercise_at(Path::new("."));
        match id.map(str::to_owned).or_else(here) {
            Some(id) => self.exercise(&id),
            None => self
                .progress
                .current(&self.course)
                .map(str::to_owned)
                .ok_or_else(|| Trouble::usage("you have passed every exercise: name the one you mean (`splitbrain list`)")),
        }
    }
}

/// Tells what is to be told, and hands on the value.
fn told<T>(told: Told<T>, out: &mut Out) -> T {
    for notice in &told.notices {
        out.tell(notice);
    }
    told.value
}
