//! `quiz [TOPIC]`: a sitting with questions. Menus on a terminal, lines otherwise; each answer is kept before its key is
//! shown, so that leaving at any point loses nothing. Outside a workspace it asks all the same, and keeps nothing.

use super::told;
use crate::cli::answers;
use crate::cli::bank;
use crate::cli::content::Content;
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::out::Out;
use crate::cli::prompter::{self, Lines, Prompter};
use crate::cli::quiz::session::{Answer, Ended, Look, Record, Session, Style as Paints, in_order, mixed};
use crate::cli::state::Store;
use crate::cli::style::Style;
use crate::cli::workspace::Workspace;
use std::io::{self, ErrorKind, IsTerminal as _, Write};
use std::time::SystemTime;

pub fn run(topic: Option<&str>, seed: Option<u64>, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let workspace = Workspace::here().ok();
    let content = workspace.as_ref().map_or(Content::Embedded, Workspace::content);
    let course = content.course()?;
    let names = match topic {
        Some(word) => vec![bank::named(&course, word)?],
        None => bank::names(&course),
    };
    let topics = names.iter().map(|name| bank::load(&content, name)).collect::<Result<Vec<_>>>()?;
    let seed = seed.unwrap_or_else(by_the_clock);
    let asks = match topics.as_slice() {
        [one] if topic.is_some() => in_order(one),
        all => mixed(all, seed),
    };
    if asks.is_empty() {
        return Err(Trouble::usage("the course has no questions yet"));
    }
    if workspace.is_none() {
        out.tell("this is no folder of splitbrain, so answers are not kept: `splitbrain init NAME` lays one out");
    }
    // As JSON, standard output is for results: what a person reads goes where menus are drawn.
    let (mut screen, style): (Box<dyn Write>, Style) =
        if json { (Box::new(io::stderr()), out.err_style) } else { (Box::new(io::stdout()), out.style) };
    let ascii = out.ascii;
    let mut prompter = prompter_for(json, style);
    let mut keeper = Keeper { store: workspace.map(|w| w.store()), json, out, trouble: None };
    let session = Session { look: look(style, ascii), ..Session::new(seed) };
    let outcome = match session.run(&asks, prompter.as_mut(), &mut keeper, &mut screen) {
        Ok(outcome) => outcome,
        Err(_) if keeper.trouble.is_some() => return Err(keeper.trouble.take().unwrap_or_else(|| unreachable!("just seen"))),
        // Nobody reads on: as with every verb, that is no error.
        Err(e) if e.kind() == ErrorKind::BrokenPipe => return Ok(Exit::Passed),
        Err(e) => return Err(Trouble::environment(format!("the terminal cannot be used: {e}"))),
    };
    Ok(if outcome.ended == Ended::Interrupted { Exit::Interrupted } else { Exit::Passed })
}

fn prompter_for(json: bool, style: Style) -> Box<dyn Prompter> {
    if json && !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Box::new(Lines::new(io::stdin().lock(), io::stderr()));
    }
    prompter::for_this_process(style.colours())
}

/// A seed that nobody chose.
fn by_the_clock() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |d| crate::rng::mix(d.as_nanos() as u64))
}

/// The width of the terminal, and the program's colours as the session wants them.
fn look(style: Style, ascii: bool) -> Look {
    let columns = rustix::termios::tcgetwinsize(io::stdout()).map_or(0, |size| usize::from(size.ws_col));
    let mut look = Look { ascii, ..Look::default() };
    if columns > 0 {
        look.width = columns;
    }
    if style.colours() {
        look.style = Paints {
            right: |text| Style::DRESSED.good(text),
            wrong: |text| Style::DRESSED.bad(text),
            strong: |text| Style::DRESSED.strong(text),
            dim: |text| Style::DRESSED.faint(text),
        };
    }
    look
}

/// Keeps each answer, and tells of it where JSON was asked for.
struct Keeper<'a> {
    /// Nowhere outside a workspace.
    store: Option<Store>,
    json: bool,
    out: &'a mut Out,
    /// Why an answer could not be kept: the session knows errors of input and output alone.
    trouble: Option<Trouble>,
}

impl Record for Keeper<'_> {
    fn answered(&mut self, answer: &Answer) -> io::Result<()> {
        if let Some(store) = &self.store {
            match answers::keep(store, answer) {
                Ok(kept) => told(kept, self.out),
                Err(trouble) => {
                    let error = io::Error::other(trouble.message.clone());
                    self.trouble = Some(trouble);
                    return Err(error);
                }
            }
        }
        if self.json {
            self.out.json(&serde_json::json!({
                "topic": answer.topic, "question": answer.question, "rev": answer.rev, "kind": answer.kind,
                "chosen": answer.chosen.to_string(), "right": answer.right, "score": answer.score,
                "confidence": answer.confidence.map(|c| c.word()), "marks": answer.marks(), "kept": self.store.is_some(),
            }));
        }
        Ok(())
    }
}
