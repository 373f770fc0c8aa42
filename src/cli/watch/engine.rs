//! Checks the text that was saved last, and no other. A newer save ends the run in progress: its processes are killed, and
//! what it would have said is never said. It knows neither keys nor the screen.

use super::ahead::Ahead;
use super::files::Files;
use crate::cli::checking::{self, Checked, Step, Text};
use crate::cli::error::{Result, Trouble};
use crate::cli::runner::{Options, Outcome, Source, Stage};
use crate::cli::workspace::Workspace;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep_until};

/// An editor that saves by renaming takes the old file away before the new one comes.
const GRACE: Duration = Duration::from_millis(150);

/// What happened.
#[derive(Debug)]
pub enum News {
    /// A check of the file as it is now has begun; whatever was said of it before is old.
    Started,
    /// The check is so far.
    Step(Step),
    /// The outcome of the text that is there.
    Verdict(Box<Outcome>, Text),
    /// The check could not be made.
    Trouble(Trouble),
    /// The file is gone.
    Gone,
    /// What is built at rest has begun or ended.
    Ahead,
}

type Check = Pin<Box<dyn Future<Output = Result<Checked>>>>;

/// One check under way.
struct Run {
    check: Check,
    steps: UnboundedReceiver<Step>,
    /// Until the library is built, a newer save waits: else a learner who saves every second would never get one.
    core_ready: bool,
    /// A newer text waits for that.
    again: bool,
}

/// What to try first in an exercise: the run that broke last time.
pub type First = fn(&Workspace, &str) -> Option<String>;

/// Watches the files of the exercises, and checks.
pub struct Engine {
    workspace: Workspace,
    ids: Vec<String>,
    current: String,
    options: Options,
    first: First,
    files: Files,
    /// What the builds of each exercise read beside its file.
    beside: BTreeMap<String, BTreeSet<PathBuf>>,
    run: Option<Run>,
    ahead: Ahead,
    /// The file is gone, and will be missed at that moment.
    missing: Option<Instant>,
}

impl Engine {
    /// Watches the exercises' files, and checks the current one's at once.
    #[must_use]
    pub fn new(workspace: Workspace, ids: Vec<String>, current: String, options: Options, first: First, poll: bool) -> Engine {
        let mut files = Files::new(ids.iter().map(|id| workspace.stub(id)).collect(), poll);
        // Known before any build: one that cannot be read lets none begin.
        let manifest = workspace.root.join("Cargo.toml");
        files.add(std::iter::once(manifest.as_path()));
        let beside = ids.iter().map(|id| (id.clone(), BTreeSet::from([manifest.clone()]))).collect();
        let mut engine =
            Engine { workspace, ids, current, options, first, files, beside, run: None, ahead: Ahead::default(), missing: None };
        engine.start();
        engine
    }

    /// The exercise that is checked.
    #[must_use]
    pub fn current(&self) -> &str {
        &self.current
    }

    /// How it is checked.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Why the files are looked at all the time, if they are.
    #[must_use]
    pub fn polling(&self) -> Option<&str> {
        self.files.polling()
    }

    /// True while a check is under way.
    #[must_use]
    pub fn checking(&self) -> bool {
        self.run.is_some()
    }

    /// What is built at rest, now.
    #[must_use]
    pub fn ahead(&self) -> Option<&str> {
        self.ahead.id()
    }

    /// Nothing is to be done until the next save: this exercise may be wanted next.
    pub fn rest(&mut self, next: &str) {
        if self.run.is_none() && self.workspace.stub(next).is_file() {
            self.ahead.rest(next);
        }
    }

    /// Goes to another exercise, and checks it.
    pub fn choose(&mut self, id: &str) {
        self.stop();
        id.clone_into(&mut self.current);
        self.start();
    }

    /// Ends the check under way, if there is one: its processes are killed.
    pub fn stop(&mut self) {
        self.run = None;
        self.missing = None;
        self.ahead.stop();
    }

    /// Checks the current exercise's file as it is now.
    pub fn start(&mut self) {
        self.stop();
        if !self.workspace.stub(&self.current).is_file() {
            self.missing = Some(Instant::now() + GRACE);
            return;
        }
        let (sender, steps) = unbounded_channel();
        let (workspace, id) = (self.workspace.clone(), self.current.clone());
        let options = Options { first: (self.first)(&workspace, &id), ..self.options.clone() };
        let check = async move {
            // Nobody listens any more when the check is over.
            let mut on = |step| drop(sender.send(step));
            checking::check(&workspace, &id, &options, &mut on).await
        };
        self.run = Some(Run { check: Box::pin(check), steps, core_ready: false, again: false });
    }

    /// Waits for what happens next. Nothing is lost if this is dropped.
    pub async fn next(&mut self) -> News {
        loop {
            let missing = self.missing;
            let never = Instant::now() + Duration::from_secs(3_600);
            tokio::select! {
                // A save first: what it makes old is not to be said.
                biased;
                saved = self.files.next() => if let Some(news) = self.saved(&saved) {
                    return news;
                },
                news = happens(&mut self.run) => if let Some(news) = self.heard(news) {
                    return news;
                },
                () = self.ahead.next(&self.workspace), if self.run.is_none() => return News::Ahead,
                () = sleep_until(missing.unwrap_or(never)), if missing.is_some() => {
                    self.missing = None;
                    return News::Gone;
                }
            }
        }
    }

    /// Files were saved, or are gone.
    fn saved(&mut self, saved: &[usize]) -> Option<News> {
        let beside = self.beside.get(&self.current);
        let is_beside = |i: &usize| beside.zip(self.files.path(*i)).is_some_and(|(beside, path)| beside.contains(path));
        if saved.iter().any(is_beside) {
            return self.begin_again();
        }
        let saved: Vec<&String> = saved.iter().filter_map(|i| self.ids.get(*i)).collect();
        if !saved.contains(&&self.current) {
            // Where the learner types is where they are.
            let id = saved.into_iter().find(|id| self.workspace.stub(id).is_file())?.clone();
            self.choose(&id);
            return Some(News::Started);
        }
        self.begin_again()
    }

    /// What is checked is of an older text.
    fn begin_again(&mut self) -> Option<News> {
        match &mut self.run {
            Some(run) if !run.core_ready && self.workspace.stub(&self.current).is_file() => run.again = true,
            _ => self.start(),
        }
        self.run.is_some().then_some(News::Started)
    }

    /// The check under way says something.
    fn heard(&mut self, news: Heard) -> Option<News> {
        match news {
            Heard::Step(Step::Building(Stage::File)) if self.run.as_ref().is_some_and(|run| run.again) => {
                self.start();
                None
            }
            // Of an older text.
            Heard::Step(_) if self.run.as_ref().is_some_and(|run| run.again) => None,
            Heard::Step(step) => {
                if let (Step::Building(Stage::File), Some(run)) = (&step, &mut self.run) {
                    run.core_ready = true;
                }
                Some(News::Step(step))
            }
            Heard::End(result) => {
                let again = self.run.take().is_some_and(|run| run.again);
                if let Ok(Checked::Of(_, text) | Checked::Outdated(_, text)) = &result {
                    // Watched first, and looked at then: no save falls between.
                    self.files.add(text.beside());
                    self.beside.entry(self.current.clone()).or_default().extend(text.beside().map(PathBuf::from));
                }
                match result {
                    Ok(Checked::Of(outcome, text)) if !again && self.is_there(&text) => Some(News::Verdict(outcome, text)),
                    Ok(_) => {
                        self.start();
                        self.run.is_some().then_some(News::Started)
                    }
                    Err(_) if again => {
                        self.start();
                        self.run.is_some().then_some(News::Started)
                    }
                    Err(trouble) => Some(News::Trouble(trouble)),
                }
            }
        }
    }

    /// True if the current exercise's file holds that text.
    #[must_use]
    pub fn is_there(&self, text: &Text) -> bool {
        text.is_in(&Source::Own.file(&self.workspace, &self.current))
    }
}

/// What a run says.
enum Heard {
    Step(Step),
    End(Result<Checked>),
}

/// Waits for what the run says next; for ever if there is none.
async fn happens(run: &mut Option<Run>) -> Heard {
    let Some(run) = run else { return std::future::pending().await };
    tokio::select! {
        // Steps first: the end comes after the last of them.
        biased;
        Some(step) = run.steps.recv() => Heard::Step(step),
        result = &mut run.check => Heard::End(result),
    }
}
