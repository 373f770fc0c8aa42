//! What `quiz`, `review` and `learn` share: who asks, on which screen, and who keeps each answer the moment it is given.
//! Outside a workspace questions are asked all the same, and nothing is kept.

use super::told;
use crate::cli::answers::{self, Answers};
use crate::cli::ascii::Stream;
use crate::cli::bank;
use crate::cli::clock;
use crate::cli::content::Content;
use crate::cli::course::Course;
use crate::cli::dates::Now;
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::memory::Memories;
use crate::cli::out::{Out, unwritten};
use crate::cli::prompter::{self, Lines, Prompter};
use crate::cli::quiz::Topic;
use crate::cli::quiz::session::{Answer, Ask, Ended, Look, Record, Session, Style as Paints};
use crate::cli::sittings::{Place, Sitting};
use crate::cli::state::{Store, Told};
use crate::cli::style::Style;
use crate::cli::terminal;
use crate::cli::workspace::Workspace;
use crate::cli::wrap::wrap;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, IsTerminal as _, Write};

/// Where questions come from, and what is remembered of them.
pub struct Hall {
    /// Nowhere outside a workspace.
    pub store: Option<Store>,
    pub content: Content,
    pub course: Course,
    /// What was answered, up to the moment when the hall was opened.
    pub answers: Answers,
    /// The same, replayed.
    pub memories: Memories,
}

impl Hall {
    pub fn open(out: &mut Out) -> Result<Hall> {
        let workspace = Workspace::here().ok();
        let content = workspace.as_ref().map_or(Content::Embedded, Workspace::content);
        let course = content.course()?;
        let store = workspace.map(|w| w.store());
        let answers = match &store {
            Some(store) => told(Answers::read(store)?, out),
            None => Answers::default(),
        };
        Ok(Hall { store, content, course, memories: Memories::of(&answers, &Now::here()), answers })
    }

    /// The quiz of that name or topic, or all of them.
    pub fn topics(&self, word: Option<&str>) -> Result<Vec<Topic>> {
        let names = match word {
            Some(word) => vec![bank::named(&self.course, word)?],
            None => bank::names(&self.course),
        };
        self.drawn(&names, 0)
    }

    /// Quizzes, the variables of each question drawn for whoever has answered it as often as is remembered, and so many times more.
    pub fn drawn(&self, names: &[&str], more: u64) -> Result<Vec<Topic>> {
        let mut given: BTreeMap<&str, u64> = BTreeMap::new();
        for answer in self.answers.all() {
            *given.entry(&answer.question).or_default() += 1;
        }
        let seed = |id: &str| given.get(id).copied().unwrap_or_default() + more;
        names.iter().map(|name| bank::load_drawn(&self.content, name, &seed)).collect()
    }

    /// The sitting of that name that was broken off. That there is one never stands in the way of a new one.
    pub fn broken_off<'a>(&self, place: &Place, topics: &'a [Topic], seed: Option<u64>, out: &mut Out) -> Option<Sitting<'a>> {
        match place.broken_off(topics, &self.answers, seed) {
            Ok(found) => told(found, out),
            Err(trouble) => {
                out.tell(&format!("cannot continue what was interrupted: {trouble}"));
                None
            }
        }
    }

    /// Asks questions until they are answered or somebody leaves; then the same call goes on there.
    pub fn sit(&self, sitting: Sitting<'_>, place: &Place, out: &mut Out) -> Result<Exit> {
        if self.store.is_none() {
            out.tell("this is not a splitbrain folder, so your answers are not saved: `splitbrain init NAME` makes one");
        }
        let ended = self.held(sitting, place, true, out)?;
        Ok(if let Ended::Asked(exit) = ended { exit } else { Exit::Passed })
    }

    /// Asks a few questions in the middle of something else; says nothing of them at the end, and does not go on with them another time.
    pub fn sit_between(&self, asks: Vec<Ask<'_>>, out: &mut Out) -> Result<Ended> {
        self.held(Sitting::new(asks, by_the_clock()), &Place::of(None, ""), false, out)
    }

    fn held(&self, sitting: Sitting<'_>, place: &Place, summary: bool, out: &mut Out) -> Result<Ended> {
        let (answered, count) = (sitting.earlier.len(), sitting.asks.len());
        let json = out.wants_json()?;
        // As JSON, standard output is for results: what a person reads goes where menus are drawn.
        let (mut screen, style): (Box<dyn Write>, Style) = if json {
            (Box::new(Stream::new(io::stderr(), out.ascii)), out.err_style)
        } else {
            (Box::new(Stream::new(io::stdout(), out.ascii)), out.style)
        };
        // What is asked once more has other numbers.
        let again: [OnceCell<Vec<Topic>>; 2] = Default::default();
        let names: BTreeSet<&str> = sitting.asks.iter().map(|ask| ask.topic.id.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let once_more = |ask: &Ask<'_>, before: usize| {
            let topics = again.get(before.checked_sub(1)?)?;
            let topic = topics
                .get_or_init(|| self.drawn(&names, before as u64).unwrap_or_default())
                .iter()
                .find(|topic| topic.id == ask.topic.id)?;
            let question = topic.questions.iter().find(|question| question.id == ask.question.id)?;
            Some(Ask { topic, question })
        };
        let session = Session { look: look(style, out.ascii), summary, once_more: &once_more, ..Session::new(sitting.seed) };
        if answered > 0 {
            let text = format!("You continue with question {} of {count}; `--new` starts over.", answered + 1);
            // If nobody reads, the first question finds out.
            let _ = write!(screen, "{}", wrap(&text, "", session.look.width));
        } else if let Err(trouble) = place.begin(&sitting, &self.answers).map(|begun| told(begun, out)) {
            out.tell(&format!("if you leave before the end, you cannot continue later: {trouble}"));
        }
        let mut prompter = prompter_for(json, out.ascii);
        let mut keeper = Keeper { store: self.store.clone(), json, out, trouble: None };
        let outcome = match session.run(&sitting.asks, sitting.earlier, prompter.as_mut(), &mut keeper, &mut screen) {
            Ok(outcome) => outcome,
            Err(_) if keeper.trouble.is_some() => return Err(keeper.trouble.take().unwrap_or_else(|| unreachable!("just seen"))),
            // Nobody reads on: as with every verb, that is no error.
            Err(e) if e.kind() == ErrorKind::BrokenPipe => return Ok(Ended::Left),
            Err(e) => return Err(unusable(&e)),
        };
        // Nothing is lost by one that is not taken away: all of it is answered.
        if outcome.answers.len() == count
            && let Ok(ended) = place.end()
        {
            told(ended, out);
        }
        Ok(outcome.ended)
    }
}

/// Why nobody can be asked: what is written to takes no more, or the terminal does not follow.
pub fn unusable(e: &io::Error) -> Trouble {
    match e.kind() {
        ErrorKind::StorageFull => unwritten(e),
        _ => Trouble::environment(format!("cannot use the terminal: {e}")),
    }
}

/// Who asks: keys on a terminal, else lines.
pub fn prompter_for(json: bool, ascii: bool) -> Box<dyn Prompter> {
    if json && !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Box::new(Lines::new(io::stdin().lock(), Stream::new(io::stderr(), ascii)));
    }
    prompter::for_this_process(ascii)
}

/// A seed that nobody chose.
pub fn by_the_clock() -> u64 {
    crate::rng::mix(clock::unix_ns())
}

/// Whether somebody sits there who turns pages over.
pub fn is_read() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal() && io::stderr().is_terminal()
}

/// The width of the terminal, and the program's colours as the session wants them.
pub fn look(style: Style, ascii: bool) -> Look {
    let columns = rustix::termios::tcgetwinsize(io::stdout()).map_or(0, |size| usize::from(size.ws_col));
    let mut look = Look { ascii, ..Look::default() };
    if columns > 0 {
        look.width = columns;
    }
    if is_read() {
        look.rows = Some(terminal::size().1);
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
pub struct Keeper<'a> {
    /// Nowhere outside a workspace.
    pub store: Option<Store>,
    pub json: bool,
    pub out: &'a mut Out,
    /// Why an answer could not be kept: the session knows errors of input and output alone.
    pub trouble: Option<Trouble>,
}

impl Keeper<'_> {
    /// Keeps something, if there is a place for it; what goes wrong is remembered, and ends the sitting.
    pub fn kept(&mut self, keep: impl FnOnce(&Store) -> Result<Told<()>>) -> io::Result<()> {
        let Some(store) = &self.store else { return Ok(()) };
        match keep(store) {
            Ok(kept) => told(kept, self.out),
            Err(trouble) => {
                let error = io::Error::other(trouble.message.clone());
                self.trouble = Some(trouble);
                return Err(error);
            }
        }
        Ok(())
    }
}

impl Record for Keeper<'_> {
    fn answered(&mut self, answer: &Answer) -> io::Result<()> {
        self.kept(|store| answers::keep(store, answer))?;
        if self.json {
            self.out.json(&serde_json::json!({
                "topic": answer.topic, "question": answer.question, "rev": answer.rev, "kind": answer.kind,
                "chosen": answer.chosen.to_string(), "right": answer.right, "score": answer.score,
                "confidence": answer.confidence.map(|c| c.word()), "marks": answer.marks(), "kept": self.store.is_some(),
            }));
        }
        Ok(())
    }

    fn taken_back(&mut self, answer: &Answer) -> io::Result<()> {
        self.kept(|store| answers::take_back(store, answer))?;
        if self.json {
            self.out.json(&serde_json::json!({ "topic": answer.topic, "question": answer.question, "taken_back": true }));
        }
        Ok(())
    }
}
