//! `interview`: a timed mock, or the card of the last one. Each answer is kept the moment it is given; however it ends, there is a
//! scorecard of what was answered. Outside a workspace it is held all the same, and nothing is kept.

use super::sitting::{Hall, Keeper, by_the_clock, look, prompter_for, unusable};
use super::told;
use crate::cli::ascii::{Stream, to_ascii};
use crate::cli::bank;
use crate::cli::course::About;
use crate::cli::dates::Now;
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::interview::broken_off::{self, Left};
use crate::cli::interview::card::{self, Card, shown};
use crate::cli::interview::choice::{Case, Pool, choose};
use crate::cli::interview::history::{self, Interview};
use crate::cli::interview::paper;
use crate::cli::interview::part::{Part, What};
use crate::cli::interview::talk::{Held, Keep, Talk};
use crate::cli::out::{Out, is_standard};
use crate::cli::progress::Progress;
use crate::cli::quiz::Topic;
use crate::cli::quiz::session::{Answer, Ended, Look, Record, Session};
use crate::cli::rules;
use crate::cli::sittings::Place;
use crate::cli::state::Store;
use crate::cli::style::Style;
use crate::cli::wrap::wrap;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, IsTerminal as _, Write};
use std::path::Path;

/// What is asked for.
pub struct Wanted<'a> {
    pub minutes: u32,
    pub topics: &'a [String],
    pub export: Option<&'a Path>,
    pub last: bool,
    pub seed: Option<u64>,
    /// Also if one was broken off.
    pub anew: bool,
}

pub fn run(wanted: &Wanted<'_>, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let hall = Hall::open(out)?;
    let progress = match &hall.store {
        Some(store) => told(Progress::read(store)?, out),
        None => Progress::default(),
    };
    let earlier = match &hall.store {
        Some(store) => told(history::read(store)?, out),
        None => Vec::new(),
    };
    let course = for_card(&hall, &progress);
    if wanted.last {
        let Some((last, earlier)) = earlier.split_last() else {
            return Err(Trouble::usage("no interview was held here yet: `splitbrain interview` holds one"));
        };
        let card = Card::of(last, earlier, &course);
        return result(last, &card, wanted.export, json, out.style, false, out).map(|()| Exit::Passed);
    }
    if let Some(path) = wanted.export {
        may_be_written(path)?;
    }
    let topics = named(&hall, wanted.topics)?;
    let pool = pool(&hall, &topics, &progress, &earlier)?;
    let now = Now::here();
    let place = Place::of(hall.store.as_ref(), &name(wanted));
    let left = match broken_off::left(&place, &pool, &earlier, wanted.seed, now.unix_s) {
        Ok(left) if !wanted.anew => told(left, out),
        Ok(_) => None,
        Err(trouble) => {
            out.tell(&format!("cannot continue the interview that was interrupted: {trouble}"));
            None
        }
    };
    let goes_on = left.is_some();
    let seed = wanted.seed.unwrap_or_else(by_the_clock);
    let Left { choice, mut interview, seed } = left.unwrap_or_else(|| {
        // Its name in the file: later than that of any before, whatever the clock says.
        let started_unix_s = earlier.iter().map(|before| before.started_unix_s + 1).max().map_or(now.unix_s, |next| next.max(now.unix_s));
        let interview = Interview { day: now.today(), started_unix_s, minutes: wanted.minutes, finished: false, parts: Vec::new() };
        Left { choice: choose(&pool, wanted.minutes, seed), interview, seed }
    });
    if choice.quick.is_empty() && choice.open.is_empty() && choice.round.is_none() {
        return Err(Trouble::usage("there are no questions to ask; `splitbrain quiz` says which topics have some"));
    }
    if hall.store.is_none() {
        out.tell("this is no folder of splitbrain, so the interview is not kept: `splitbrain init NAME` lays one out");
    }
    // As JSON, standard output is for the result: what a person reads goes where menus are drawn.
    let (mut screen, style): (Box<dyn Write>, Style) = if json {
        (Box::new(Stream::new(io::stderr(), out.ascii)), out.err_style)
    } else {
        (Box::new(Stream::new(io::stdout(), out.ascii)), out.style)
    };
    if !goes_on && let Err(trouble) = broken_off::begin(&place, &choice, interview.started_unix_s, seed).map(|begun| told(begun, out)) {
        out.tell(&format!("if you leave before the end, you cannot continue later: {trouble}"));
    }
    // The clock above each question takes a row, and so does that above how sure one is.
    let mut look = look(style, out.ascii);
    look.rows = look.rows.map(|rows| rows.saturating_sub(2));
    let session = Session { look, ..Session::new(seed) };
    let earlier_parts = std::mem::take(&mut interview.parts);
    let spent_s: u64 = earlier_parts.iter().map(|part| part.more.took_s).sum();
    let talk = Talk { session, minutes: wanted.minutes, begun_unix_s: Now::here().unix_s.saturating_sub(spent_s), earlier: earlier_parts };
    let mut prompter = prompter_for(json, out.ascii);
    let answers = Keeper { store: hall.store.clone(), json: false, out, trouble: None };
    let mut notes = Notes { answers, interview: &interview };
    let held = talk.hold(&choice, prompter.as_mut(), &mut notes, &mut screen);
    let trouble = notes.answers.trouble.take();
    let Held { ended, parts } = match held {
        Ok(held) => held,
        Err(_) if trouble.is_some() => return Err(trouble.unwrap_or_else(|| unreachable!("just seen"))),
        Err(e) if e.kind() == ErrorKind::BrokenPipe => return Ok(Exit::Passed),
        Err(e) => return Err(unusable(&e)),
    };
    if ended == Ended::Done && !parts.is_empty() {
        interview.finished = true;
        if let Some(store) = &hall.store {
            told(history::finish(store, &interview)?, out);
        }
        // Nothing is lost by one that is not taken away: all of it is answered.
        if let Ok(ended) = place.end() {
            told(ended, out);
        }
    }
    interview.parts = parts;
    let earlier: Vec<Interview> = earlier.into_iter().filter(|before| before.started_unix_s != interview.started_unix_s).collect();
    if ended == Ended::Asked(Exit::HungUp) {
        // All is kept, and nobody is there to read.
        return Ok(Exit::HungUp);
    }
    let card = Card::of(&interview, &earlier, &course);
    let seen = json && io::stderr().is_terminal();
    let mut printed = false;
    if seen || (!json && look.rows.is_some()) {
        let text = shown(&interview, &card, style, out.width());
        // Nothing depends on it: as JSON the result is on standard output, and else it can be seen again. Who was interrupted turns no pages.
        let turned = ended == Ended::Done || ended == Ended::Left;
        let look = Look { rows: look.rows.filter(|_| turned), ..look };
        let _ = look.paged(&text, "", prompter.as_mut(), &mut screen);
        printed = !json;
    }
    result(&interview, &card, wanted.export, json, style, printed, out)?;
    if ended == Ended::Left && !interview.parts.is_empty() && hall.store.is_some() && !json {
        let days = broken_off::GOES_ON_S / (24 * 60 * 60);
        let text = format!("The same command goes on with this interview for {days} days; with `--new` it begins another one.");
        out.print(&wrap(&text, "", out.width()));
    }
    Ok(if let Ended::Asked(exit) = ended { exit } else { Exit::Passed })
}

/// What tells one interview from another: the same call goes on with the same one.
fn name(wanted: &Wanted<'_>) -> String {
    let mut name = format!("interview --minutes {}", wanted.minutes);
    if !wanted.topics.is_empty() {
        let topics: BTreeSet<&str> = wanted.topics.iter().map(|word| word.trim()).collect();
        name.extend([" --topics ", &topics.into_iter().collect::<Vec<_>>().join(",")]);
    }
    name
}

/// The quizzes of those names or topics; all, if none is named.
fn named(hall: &Hall, words: &[String]) -> Result<Vec<Topic>> {
    if words.is_empty() {
        return hall.topics(None);
    }
    let mut names: Vec<&str> = Vec::new();
    for word in words {
        let name = bank::named(&hall.course, word.trim())?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    hall.drawn(&names, 0)
}

fn pool<'a>(hall: &Hall, topics: &'a [Topic], progress: &Progress, earlier: &[Interview]) -> Result<Pool<'a>> {
    let mut cases = Vec::new();
    let mut weights = BTreeMap::new();
    for topic in &hall.course.topics {
        let Some(quiz) = &topic.quiz else { continue };
        weights.insert(quiz.as_str(), topic.weight);
        for id in &topic.exercises {
            let about = hall.content.about(id)?;
            let rules = rules::of(&hall.content, id)?;
            let About { title, summary, minutes, follow_ups, .. } = about;
            let (id, topic, passed) = (id.clone(), quiz.clone(), progress.passed(id));
            cases.push(Case { id, topic, title, summary, minutes, rules, follow_ups, passed });
        }
    }
    let topics = topics.iter().map(|topic| (topic, weights.get(topic.id.as_str()).copied().unwrap_or(1))).collect();
    let mut held: BTreeMap<String, usize> = BTreeMap::new();
    for interview in earlier {
        let rounds = interview.parts.iter().filter(|part| part.what == What::Stage).filter_map(|part| part.id.split_once('/'));
        for id in rounds.map(|(round, _)| round.to_owned()).collect::<BTreeSet<_>>() {
            *held.entry(id).or_insert(0) += 1;
        }
    }
    let lately =
        earlier.last().map(|last| last.parts.iter().map(|part| (part.topic.clone(), part.id.clone())).collect()).unwrap_or_default();
    Ok(Pool { topics, cases, lately, held })
}

fn for_card(hall: &Hall, progress: &Progress) -> card::Course {
    let mut course = card::Course::default();
    for topic in &hall.course.topics {
        let Some(quiz) = &topic.quiz else { continue };
        course.weights.insert(quiz.clone(), topic.weight);
        if let Some(id) = topic.practice().find(|id| !progress.passed(id)) {
            course.exercises.insert(quiz.clone(), id.to_owned());
        }
    }
    course
}

/// An hour later is no time to hear that a file cannot be written.
fn may_be_written(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.is_dir() || !folder.is_dir() {
        let why = if path.is_dir() { "is a folder" } else { "is in a folder that is not there" };
        return Err(Trouble::usage(format!("{} {why}: name a file, as in --export interview.md", path.display())));
    }
    Ok(())
}

/// Shows what came of it, unless that was seen already, and writes it where it is wanted.
fn result(interview: &Interview, card: &Card, export: Option<&Path>, json: bool, style: Style, seen: bool, out: &mut Out) -> Result<()> {
    if json {
        out.json(&as_json(interview, card));
    } else if !seen && !export.is_some_and(|path| is_standard(path, "/dev/stdout")) {
        out.page(&shown(interview, card, style, out.width()));
    }
    if let Some(path) = export {
        let page = paper::page(interview, card);
        if out.write_where_asked(path, &if out.ascii { to_ascii(&page) } else { page })? && !json {
            out.print(&format!("\nWrote {}.\n", path.display()));
        }
    }
    Ok(())
}

fn as_json(interview: &Interview, card: &Card) -> serde_json::Value {
    let rows = card.rows.iter().map(|row| serde_json::json!({ "topic": row.topic, "score": row.score, "before": row.before }));
    let things = card.things.iter().map(|t| serde_json::json!({ "topic": t.topic, "why": t.why, "commands": t.commands }));
    let stages = card.stages.iter().map(|s| {
        let (topic, id) = &s.id;
        serde_json::json!({ "topic": topic, "id": id, "stage": s.name, "score": s.score, "took_s": s.took_s, "minutes": s.minutes })
    });
    let skills = card.skills.iter().map(|(skill, made, all)| serde_json::json!({ "skill": skill.word(), "made": made, "of": all }));
    let parts = interview.parts.iter().map(|part| {
        serde_json::json!({
            "topic": part.topic, "id": part.id, "asked": part.asked, "score": part.score, "judged": !part.more.unjudged,
            "missed": part.missed, "reasons": part.more.reasons, "red_flags": part.more.red_flags, "why": part.more.why,
            "answer": part.more.answer,
        })
    });
    serde_json::json!({
        "day": interview.day.to_string(), "minutes": interview.minutes, "finished": interview.finished, "asked": interview.parts.len(),
        "score": card.score, "before": card.before, "topics": rows.collect::<Vec<_>>(), "work_on": things.collect::<Vec<_>>(),
        "to_code": card.to_code, "stages": stages.collect::<Vec<_>>(), "skills": skills.collect::<Vec<_>>(), "parts": parts.collect::<Vec<_>>(),
    })
}

/// Keeps answers for the learner's memory, and parts for the scorecard.
struct Notes<'a> {
    answers: Keeper<'a>,
    interview: &'a Interview,
}

impl Record for Notes<'_> {
    fn answered(&mut self, answer: &Answer) -> io::Result<()> {
        self.answers.answered(answer)
    }

    fn taken_back(&mut self, answer: &Answer) -> std::io::Result<()> {
        self.answers.taken_back(answer)
    }
}

impl Keep for Notes<'_> {
    fn part(&mut self, part: &Part) -> io::Result<()> {
        let interview = self.interview;
        self.answers.kept(|store: &Store| history::keep(store, interview, part))
    }
}
