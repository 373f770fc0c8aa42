//! The screen of `watch`: a pure function of what is known to rows of text. A verdict is on it only as long as it is that of
//! the text that is there: with the next save it goes.

use super::keys::{self, Keys};
use super::page;
use crate::cli::figures::plural;
use crate::cli::render::compile_errors::compile_errors;
use crate::cli::render::{Detail, Scene, human};
use crate::cli::runner::{CompileError, Outcome, Stage};
use crate::cli::sanitize::visible;
use crate::cli::style::Style;
use crate::cli::theory::Theory;
use crate::report::Verdict;
use crate::trace::stepper::Stepper;
use std::time::Duration;

/// What is known of the file as it is now.
#[derive(Debug)]
pub enum State {
    /// It is being checked.
    Checking {
        /// What is done at the moment.
        doing: Doing,
        /// What the compiler has said so far.
        errors: Vec<CompileError>,
    },
    /// It was checked.
    Said {
        /// What came out.
        outcome: Box<Outcome>,
        /// The text that was checked, to quote from.
        source: Option<String>,
    },
    /// It cannot be checked.
    Trouble(String),
    /// It is not there.
    Gone,
}

/// A part of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Compiling this.
    Building(Stage),
    /// Waiting for another cargo.
    Waiting,
    /// Running the hidden tests.
    Judging,
}

/// What fills the middle of the screen.
pub enum Pane {
    /// What is known of the file.
    Verdict,
    /// A text, with its head.
    Text(String),
    /// The course, and the exercise that Enter goes to.
    List(usize),
    /// A run, step by step.
    Replay(Box<Stepper>),
    /// Whether the stub is to be put back.
    Reset,
}

/// An exercise in the list.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// Its topic, if it is the first of it.
    pub topic: Option<String>,
    /// It was passed once.
    pub passed: bool,
    /// It was checked once.
    pub tried: bool,
}

/// All that the screen shows.
pub struct View {
    /// The course.
    pub items: Vec<Item>,
    /// The exercise that is checked: which of them.
    pub at: usize,
    /// Its file.
    pub file: String,
    /// What is known of it.
    pub state: State,
    /// How long the check has taken so far.
    pub elapsed: Duration,
    /// What fills the middle.
    pub pane: Pane,
    /// What the keys do is shown in its place.
    pub help: bool,
    /// The first row of the middle that is shown.
    pub top: usize,
    /// All that there is to say of a verdict is said.
    pub whole: bool,
    /// Something to be told for some seconds.
    pub note: Option<String>,
    /// The exercise whose hidden tests are built at rest, now.
    pub ahead: Option<String>,
    /// Why the files are looked at all the time, if they are.
    pub polling: Option<String>,
    /// How to dress it.
    pub style: Style,
    /// Pictures in plain ASCII.
    pub ascii: bool,
    /// Which questions are about a rule.
    pub theory: Theory,
    /// How the middle was drawn last.
    shown: Shown,
}

/// Rows of the middle: all, how many fit, the first that is shown.
#[derive(Clone, Copy, Default)]
struct Shown {
    all: usize,
    room: usize,
    top: usize,
}

impl View {
    /// A screen that knows nothing yet.
    #[must_use]
    pub fn new(items: Vec<Item>, at: usize, style: Style, ascii: bool) -> View {
        View {
            items,
            at,
            file: String::new(),
            state: State::Checking { doing: Doing::Building(Stage::default()), errors: Vec::new() },
            elapsed: Duration::ZERO,
            pane: Pane::Verdict,
            help: false,
            top: 0,
            whole: false,
            note: None,
            ahead: None,
            polling: None,
            style,
            ascii,
            theory: Theory::default(),
            shown: Shown::default(),
        }
    }

    /// A new text is there: all that was said is old.
    pub fn began(&mut self) {
        self.state = State::Checking { doing: Doing::Building(Stage::default()), errors: Vec::new() };
        (self.pane, self.help, self.top) = (Pane::Verdict, false, 0);
        self.elapsed = Duration::ZERO;
    }

    /// Shows something in the middle, from its start.
    pub fn turn_to(&mut self, pane: Pane) {
        (self.pane, self.help, self.top, self.note) = (pane, false, 0, None);
    }

    /// Shows what the keys do, or no more.
    pub fn turn_help(&mut self, on: bool) {
        (self.help, self.top, self.note) = (on, 0, None);
    }

    /// Says all that there is to say of a verdict, or what one works on alone.
    pub fn turn_whole(&mut self) {
        if !matches!(&self.state, State::Said { outcome, .. } if human::has_more(outcome)) {
            self.note = Some("there is nothing more to say".to_owned());
            return;
        }
        (self.pane, self.help, self.top, self.note) = (Pane::Verdict, false, 0, None);
        self.whole = !self.whole;
    }

    /// Moves the middle by so many rows.
    pub fn scroll(&mut self, by: isize) {
        let Shown { all, room, top } = self.shown;
        self.top = top.saturating_add_signed(by).min(all.saturating_sub(room));
    }

    /// Rows of the middle.
    #[must_use]
    pub fn room(&self) -> usize {
        self.shown.room
    }

    /// The rows of a screen of that size, each fitting.
    pub fn frame(&mut self, columns: usize, rows: usize) -> Vec<String> {
        let mut last = page::rows(&self.progress(), columns);
        last.extend(page::rows(if self.help { keys::HELP } else { self.keys().line }, columns));
        let room = rows.saturating_sub(3 + last.len()).max(1);
        let line = |text: &str| page::cut(text, columns);
        let ruler = self.style.faint(&(if self.ascii { "-" } else { "─" }).repeat(columns));
        let body = self.body(columns, room);
        let all = body.len();
        let top = self.top.min(all.saturating_sub(room));
        self.shown = Shown { all, room, top };
        let mut frame = vec![line(&self.head()), ruler.clone()];
        frame.extend(body.into_iter().skip(top).take(room).map(|row| line(&row)));
        frame.resize(2 + room, String::new());
        let below = if all > room {
            let text = format!(" lines {} to {} of {all}; arrows move ", top + 1, all.min(top + room));
            format!("{}{}", self.style.faint(if self.ascii { "--" } else { "──" }), self.style.strong(&text))
        } else {
            ruler
        };
        frame.push(line(&below));
        frame.extend(last);
        frame.truncate(rows);
        frame
    }

    fn id(&self) -> &str {
        &self.items[self.at].id
    }

    fn head(&self) -> String {
        let style = self.style;
        let seconds = if self.elapsed >= Duration::from_secs(1) { format!(" {} s", self.elapsed.as_secs()) } else { String::new() };
        let state = match &self.state {
            State::Checking { doing: Doing::Building(_), errors } if errors.is_empty() => style.warn(&format!("building{seconds} …")),
            State::Checking { doing: Doing::Building(_), .. } => style.bad("does not compile"),
            State::Checking { doing: Doing::Waiting, .. } => {
                style.warn(&format!("waiting for another cargo, perhaps your editor's{seconds} …"))
            }
            State::Checking { doing: Doing::Judging, .. } => style.warn(&format!("running the hidden tests{seconds} …")),
            State::Said { outcome, .. } => match outcome.report.verdict {
                Verdict::Passed => style.good("passes"),
                Verdict::Unfinished => style.warn("not finished"),
                Verdict::Unknown => style.warn("no verdict"),
                Verdict::DoesNotCompile => style.bad("does not compile"),
                _ => style.bad("does not pass"),
            },
            State::Trouble(_) => style.bad("cannot be checked"),
            State::Gone => style.bad("the file is gone"),
        };
        format!("{}  {}  {state}", style.strong(self.id()), self.file)
    }

    fn progress(&self) -> String {
        if let Some(note) = &self.note {
            return self.style.warn(&visible(note, false));
        }
        let passed = self.items.iter().filter(|i| i.passed).count();
        let mut text = format!("{passed} of {} passed", self.items.len());
        match self.items.iter().find(|i| !i.passed) {
            None => text.push_str(": all of them"),
            Some(next) if next.id != self.id() && self.items[self.at].passed => text.push_str(&format!(" · next: {}", next.id)),
            Some(_) => {}
        }
        if let Some(ahead) = &self.ahead {
            text.push_str(&format!(" · building the tests of {ahead} meanwhile"));
        }
        if let Some(why) = &self.polling {
            text.push_str(&format!(" · polling for saves ({why})"));
        }
        text
    }

    fn keys(&self) -> Keys {
        match &self.pane {
            Pane::Verdict => keys::VERDICT,
            Pane::Text(_) => keys::TEXT,
            Pane::List(_) => keys::LIST,
            Pane::Replay(_) => keys::RUN,
            Pane::Reset => keys::RESET,
        }
    }

    fn body(&self, columns: usize, room: usize) -> Vec<String> {
        match &self.pane {
            _ if self.help => page::rows(&self.keys().help(columns), columns),
            Pane::Verdict => page::rows(&self.verdict(columns), columns),
            Pane::Text(text) => page::rows(text, columns),
            Pane::List(at) => self.list(*at, room),
            Pane::Replay(stepper) => stepper.frame(columns, room).lines().map(|line| visible(line, false)).collect(),
            Pane::Reset => page::rows(
                &format!(
                    "Restore the stub of {}?\n\nYour file is kept under .splitbrain/backups, and `splitbrain reset {0} --undo` brings it back.\n",
                    self.id()
                ),
                columns,
            ),
        }
    }

    fn verdict(&self, columns: usize) -> String {
        match &self.state {
            State::Checking { errors, doing } => {
                let mut text = String::new();
                compile_errors(&mut text, errors);
                if let Doing::Building(stage) = doing
                    && errors.is_empty()
                    && self.elapsed >= Duration::from_secs(1)
                {
                    text.push_str(&format!("… {}\n", stage.sentence()));
                }
                text
            }
            State::Said { outcome, source } => {
                let scene = Scene {
                    style: self.style,
                    file: self.file.clone(),
                    source: source.clone(),
                    again: crate::cli::render::Again::Replay,
                    width: columns,
                    ascii: self.ascii,
                    theory: self.theory.clone(),
                    detail: if self.whole { Detail::Whole } else { Detail::First { rest: "press m" } },
                };
                human::outcome(outcome, &scene)
            }
            State::Trouble(why) => visible(why, true),
            State::Gone => format!("{} is gone.\n\nIt is checked as soon as it is back. `x` restores the stub.\n", self.file),
        }
    }

    fn list(&self, at: usize, room: usize) -> Vec<String> {
        let mut rows = Vec::new();
        let mut chosen = 0;
        for (i, item) in self.items.iter().enumerate() {
            if let Some(topic) = &item.topic {
                rows.push(self.style.strong(topic));
            }
            let mark = match (item.passed, item.tried) {
                (true, _) => self.style.good("✓"),
                (false, true) => self.style.warn("…"),
                (false, false) => self.style.faint("·"),
            };
            let row = format!("{:<18} {}", item.id, item.title);
            if i == at {
                chosen = rows.len();
            }
            rows.push(if i == at { format!("> {mark} {}", self.style.strong(&row)) } else { format!("  {mark} {row}") });
        }
        // What is chosen stays on the screen.
        let first = (chosen + 2).saturating_sub(room);
        rows.drain(..first.min(rows.len().saturating_sub(room)));
        rows
    }
}

/// What remains in the terminal when the screen is given back.
#[must_use]
pub fn farewell(view: &View) -> String {
    let passed = view.items.iter().filter(|i| i.passed).count() as u64;
    format!("{passed} of {} passed.\n", plural(view.items.len() as u64, "exercise", "exercises"))
}
