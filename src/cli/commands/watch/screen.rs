//! `watch` on a terminal: a screen, and keys. What is on the screen is the view's business, what is checked the engine's.

use super::super::step_through::{self, Stepped};
use super::super::{Desk, check, hint, reset};
use crate::cli::checking::Step;
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::follow_ups;
use crate::cli::out::Out;
use crate::cli::progress::Progress;
use crate::cli::runner::Outcome;
use crate::cli::runtime::Ends;
use crate::cli::terminal::{self, Key, Keys, Screen, lend};
use crate::cli::theory::Theory;
use crate::cli::watch::engine::{Engine, News};
use crate::cli::watch::keys;
use crate::cli::watch::view::{Doing, Item, Pane, State, View, farewell};
use crate::report::Finding;
use crate::trace::stepper::Stepper;
use rustix::process::Signal;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// How long a note stays.
const NOTE: Duration = Duration::from_secs(6);

/// A screen with keys.
pub async fn on_a_screen(desk: Desk, engine: Engine, out: &mut Out) -> Result<Exit> {
    let screen = Screen::enter(&Ends::new()?, out.ascii).map_err(|e| cannot(&e))?;
    let keys = Keys::new().map_err(|e| cannot(&e))?;
    let mut view = View::new(Vec::new(), 0, out.style, out.ascii);
    view.theory = Theory::of(desk.workspace.content());
    let mut watch = Watch { desk, engine, view, screen, keys, started: Instant::now(), noted: None };
    watch.look_around()?;
    let exit = watch.run().await;
    let Watch { view, screen, engine, .. } = watch;
    // First the processes, then the terminal, then words.
    drop(engine);
    drop(screen);
    if exit.is_ok() {
        out.print(&farewell(&view));
    }
    exit
}

fn cannot(e: &std::io::Error) -> Trouble {
    Trouble::environment(format!("cannot control the terminal: {e}; `splitbrain watch --text` works without it"))
}

struct Watch {
    desk: Desk,
    engine: Engine,
    view: View,
    screen: Screen,
    keys: Keys,
    started: Instant,
    /// Since when the note is there.
    noted: Option<Instant>,
}

impl Watch {
    async fn run(&mut self) -> Result<Exit> {
        let mut ends = Ends::new()?;
        let listen = |kind| signal(kind).map_err(|e| cannot(&e));
        let mut resized = listen(SignalKind::window_change())?;
        let mut continued = listen(SignalKind::from_raw(Signal::CONT.as_raw()))?;
        let mut seconds = tokio::time::interval(Duration::from_millis(500));
        seconds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.draw()?;
            tokio::select! {
                exit = ends.next() => return Err(Trouble::ended(exit)),
                news = self.engine.next() => self.heard(news)?,
                key = self.keys.next() => {
                    let key = key.map_err(|_| Trouble::ended(Exit::HungUp))?;
                    if let Some(exit) = self.pressed(key).await? {
                        return Ok(exit);
                    }
                }
                _ = resized.recv() => {}
                // Whoever stopped us may have changed the terminal.
                _ = continued.recv() => self.screen.take().map_err(|e| cannot(&e))?,
                _ = seconds.tick(), if self.engine.checking() || self.noted.is_some() => {}
            }
        }
    }

    fn draw(&mut self) -> Result<()> {
        if self.engine.checking() {
            self.view.elapsed = self.started.elapsed();
        }
        self.noted = self.view.note.is_some().then(|| self.noted.unwrap_or_else(Instant::now));
        if self.noted.is_some_and(|since| since.elapsed() > NOTE) {
            (self.view.note, self.noted) = (None, None);
        }
        self.view.ahead = self.engine.ahead().map(str::to_owned);
        self.view.polling = self.engine.polling().map(str::to_owned);
        let (columns, rows) = terminal::size();
        let frame = self.view.frame(columns, rows);
        // It fails when the terminal is gone.
        self.screen.draw(&frame).map_err(|_| Trouble::ended(Exit::HungUp))
    }

    /// Reads the course's marks again, and where we are in it.
    fn look_around(&mut self) -> Result<()> {
        let store = self.desk.workspace.store();
        let told = Progress::read(&store)?;
        self.view.note = told.notices.first().cloned();
        self.desk.progress = told.value;
        let content = self.desk.workspace.content();
        let mut items = Vec::new();
        for topic in &self.desk.course.topics {
            for (i, id) in topic.exercises.iter().enumerate() {
                let entry = self.desk.progress.of(id);
                items.push(Item {
                    id: id.clone(),
                    title: content.about(id)?.title,
                    topic: (i == 0).then(|| topic.title.clone()),
                    passed: entry.passed_at.is_some(),
                    tried: entry.attempts > 0,
                });
            }
        }
        self.view.at = items.iter().position(|i| i.id == self.engine.current()).unwrap_or(0);
        self.view.items = items;
        self.view.file = self.desk.workspace.shown(&self.desk.workspace.stub(self.engine.current()));
        Ok(())
    }

    /// A check has begun.
    fn began(&mut self) {
        self.started = Instant::now();
        self.view.began();
        self.view.at = self.view.items.iter().position(|i| i.id == self.engine.current()).unwrap_or(0);
        self.view.file = self.desk.workspace.shown(&self.desk.workspace.stub(self.engine.current()));
    }

    fn heard(&mut self, news: News) -> Result<()> {
        match news {
            News::Started => self.began(),
            News::Step(step) => self.step(step),
            News::Verdict(outcome, text) => {
                let recorded = check::record(&self.desk, self.engine.current(), &outcome, &text, self.engine.options());
                self.look_around()?;
                // What cannot be recorded is no reason not to say what was found.
                match recorded {
                    Ok(notices) => self.view.note = notices.first().cloned().or(self.view.note.take()),
                    Err(trouble) => self.view.note = Some(format!("not recorded: {trouble}")),
                }
                let next = self.view.items.iter().find(|item| !item.passed && item.id != self.engine.current());
                if let Some(next) = next.map(|item| item.id.clone()) {
                    self.engine.rest(&next);
                }
                self.view.top = 0;
                self.view.state = State::Said { outcome, source: text.source() };
            }
            News::Trouble(trouble) => self.view.state = State::Trouble(trouble.message),
            // The next picture shows it.
            News::Ahead => {}
            News::Gone => {
                self.view.began();
                self.view.state = State::Gone;
            }
        }
        Ok(())
    }

    fn step(&mut self, step: Step) {
        let State::Checking { doing, errors } = &mut self.view.state else { return };
        match step {
            Step::Waiting => *doing = Doing::Waiting,
            Step::Building(stage) => *doing = Doing::Building(stage),
            Step::Judging => *doing = Doing::Judging,
            Step::Error(error) => errors.push(error),
        }
    }

    /// Does what a key says; gives the exit code if it says to leave.
    async fn pressed(&mut self, key: Key) -> Result<Option<Exit>> {
        if key == Key::Suspend {
            // A process that goes on while we sleep would be late when we wake.
            self.engine.stop();
            self.screen.suspend().map_err(|e| cannot(&e))?;
            self.check();
            return Ok(None);
        }
        if self.view.help {
            if !self.scrolled(key) {
                self.view.turn_help(false);
            }
            return Ok(None);
        }
        if key == Key::Char('?') {
            self.view.turn_help(true);
            return Ok(None);
        }
        if matches!(self.view.pane, Pane::Reset) {
            match key {
                Key::Char('y' | 'Y') => self.reset(true),
                Key::Char('n' | 'N' | 'b' | 'q') | Key::Esc | Key::Enter => self.reset(false),
                _ => self.view.note = Some(keys::wrong(&key.name())),
            }
            return Ok(None);
        }
        if key == Key::Char('q') {
            return Ok(Some(Exit::Passed));
        }
        if matches!(key, Key::Char('b') | Key::Esc) {
            self.view.turn_to(Pane::Verdict);
            return Ok(None);
        }
        let done = match &mut self.view.pane {
            Pane::Replay(stepper) => match step_through::step(stepper, key) {
                Stepped::There => true,
                Stepped::NoKey => false,
                Stepped::Stays(why) => {
                    self.view.note = Some(why.to_owned());
                    true
                }
            },
            Pane::List(_) => self.chosen(key),
            _ => false,
        };
        if done || self.scrolled(key) { Ok(None) } else { self.command(key).await }
    }

    /// A key in the list; false if it says nothing there.
    fn chosen(&mut self, key: Key) -> bool {
        let page = self.view.room().saturating_sub(2).max(1);
        let last = self.view.items.len().saturating_sub(1);
        let Pane::List(at) = &mut self.view.pane else { return false };
        match key {
            Key::Up | Key::Char('k') => *at = at.saturating_sub(1),
            Key::Down | Key::Char('j') => *at = (*at + 1).min(last),
            Key::PageUp => *at = at.saturating_sub(page),
            Key::PageDown | Key::Char(' ') => *at = (*at + page).min(last),
            Key::Home | Key::Char('g') => *at = 0,
            Key::End | Key::Char('G') => *at = last,
            Key::Enter => {
                let at = *at;
                self.go_to(at);
            }
            _ => return false,
        }
        true
    }

    fn scrolled(&mut self, key: Key) -> bool {
        let page = self.view.room().saturating_sub(2).max(1).cast_signed();
        match key {
            Key::Up | Key::Char('k') => self.view.scroll(-1),
            Key::Down | Key::Char('j') => self.view.scroll(1),
            Key::PageUp => self.view.scroll(-page),
            Key::PageDown | Key::Char(' ') => self.view.scroll(page),
            Key::Home | Key::Char('g') => self.view.top = 0,
            Key::End | Key::Char('G') => self.view.scroll(isize::MAX),
            _ => return false,
        }
        true
    }

    async fn command(&mut self, key: Key) -> Result<Option<Exit>> {
        match key {
            Key::Char('c') | Key::Enter | Key::Save => self.check(),
            Key::Char('h') => self.hint()?,
            Key::Char('a') => self.asked_next()?,
            Key::Char('m') => self.view.turn_whole(),
            Key::Char('n') => self.go_to((self.view.at + 1).min(self.view.items.len() - 1)),
            Key::Char('p') => self.go_to(self.view.at.saturating_sub(1)),
            Key::Char('l') => self.view.turn_to(Pane::List(self.view.at)),
            Key::Char('r') => self.replay(),
            Key::Char('z') => return self.quiz().await,
            Key::Char('x') => {
                // A text that is pasted may hold the `y` behind it.
                self.keys.drop_burst().await;
                let _ = terminal::some_were_dropped();
                self.view.turn_to(Pane::Reset);
            }
            _ => self.view.note = Some(keys::wrong(&key.name())),
        }
        Ok(None)
    }

    /// Checks now.
    fn check(&mut self) {
        self.engine.start();
        self.began();
    }

    fn go_to(&mut self, at: usize) {
        let Some(id) = self.view.items.get(at).map(|item| item.id.clone()) else { return };
        if id == self.engine.current() {
            self.view.turn_to(Pane::Verdict);
            return;
        }
        self.engine.choose(&id);
        self.began();
    }

    /// The hints given so far, and one more.
    fn hint(&mut self) -> Result<()> {
        let id = self.engine.current().to_owned();
        let hints = self.desk.workspace.content().about(&id)?.hints;
        let before = usize::try_from(Progress::read(&self.desk.workspace.store())?.value.of(&id).hints).unwrap_or(hints.len());
        let (next, notices) = hint::next(&self.desk, &id, before, hints.len());
        self.view.note = notices.into_iter().next().or(self.view.note.take());
        let given = next.unwrap_or(hints.len());
        let style = self.view.style;
        let rung = |(i, text): (usize, &String)| {
            format!("{}\n{}\n", style.strong(&format!("Hint {} of {} for {id}", i + 1, hints.len())), text.trim_end())
        };
        let mut text: String = hints.iter().enumerate().take(given).map(rung).collect::<Vec<_>>().join("\n");
        text.push_str(if given < hints.len() { "\n`h` gives the next one.\n" } else { "\nThat is all of them.\n" });
        self.view.turn_to(Pane::Text(text));
        Ok(())
    }

    /// What an interviewer asks next; the answers once the exercise was passed.
    fn asked_next(&mut self) -> Result<()> {
        let next = self.desk.workspace.content().about(self.engine.current())?.follow_ups;
        let passed = self.view.items[self.view.at].passed;
        let (columns, _) = terminal::size();
        self.view.turn_to(Pane::Text(follow_ups::page(&next, passed, columns, self.view.style)));
        Ok(())
    }

    /// The run that is shown, step by step.
    fn replay(&mut self) {
        let finding = match &self.view.state {
            State::Said { outcome, .. } => finding_of(outcome),
            _ => None,
        };
        match finding {
            Some(finding) => {
                let stepper = Stepper::new(&finding.trace, &finding.marks, None, self.view.ascii);
                self.view.turn_to(Pane::Replay(Box::new(stepper)));
            }
            None => self.view.note = Some("there is no run to replay: the last check found nothing in a run".to_owned()),
        }
    }

    fn reset(&mut self, yes: bool) {
        self.view.turn_to(Pane::Verdict);
        let id = self.engine.current().to_owned();
        if !yes {
            self.view.note = Some("nothing was changed".to_owned());
            return;
        }
        match reset::put_back(&self.desk.workspace, &id) {
            Ok(done) => {
                self.check();
                self.view.note = Some(done.said(&self.desk.workspace, &id));
            }
            Err(trouble) => self.view.note = Some(trouble.message),
        }
    }

    /// The quiz of the exercise's topic, in a process of its own that has the terminal meanwhile.
    async fn quiz(&mut self) -> Result<Option<Exit>> {
        let Some(quiz) = self.desk.course.topic_of(self.engine.current()).and_then(|topic| topic.quiz.clone()) else {
            self.view.note = Some(format!("there is no quiz about {} yet", self.engine.current()));
            return Ok(None);
        };
        self.engine.stop();
        self.screen.give_back();
        let ended = asked(&quiz, self.view.ascii).await;
        self.screen.take_keys().map_err(|e| cannot(&e))?;
        match ended {
            Ok(None) => {
                println!("\n[any key] back to watching");
                // Ctrl-C, that is to say, leaves.
                let mut ends = Ends::new()?;
                tokio::select! {
                    exit = ends.next() => return Err(Trouble::ended(exit)),
                    key = self.keys.next() => drop(key),
                }
            }
            Ok(Some(exit)) => return Err(Trouble::ended(exit)),
            Err(e) => self.view.note = Some(format!("cannot start the quiz: {e}")),
        }
        self.screen.take().map_err(|e| cannot(&e))?;
        self.check();
        Ok(None)
    }
}

/// The finding that is shown, if there is a run in it.
fn finding_of(outcome: &Outcome) -> Option<&Finding> {
    outcome.report.first_problem()?.finding.as_ref().filter(|f| !f.trace.events.is_empty())
}

/// Runs the quiz to its end; how we are to end if we are asked to meanwhile. Ctrl-C is the quiz's own.
async fn asked(quiz: &str, ascii: bool) -> std::io::Result<Option<Exit>> {
    let mut command = tokio::process::Command::new(std::env::current_exe()?);
    command.args(["quiz", quiz]).args(ascii.then_some("--ascii"));
    Ok(lend(&mut command, None).await?.asked)
}
