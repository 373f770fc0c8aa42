//! Quizzes that were broken off, in `sitting.toml`: which questions a sitting has, in which order, is written before its first is
//! asked, and taken away when its last is answered. What was answered is not written twice: the answers that bear the sitting's seed
//! say it. So a kill at any moment forgets nothing. Knows nothing of screens.

use super::answers::{Answers, Given};
use super::disk;
use super::error::Result;
use super::fingerprint::fnv;
use super::quiz::Topic;
use super::quiz::grade::Chosen;
use super::quiz::session::{Answer, Ask};
use super::state::{Kind, Store, Told};
use std::fs::{self, File};
use toml::{Table, Value};

/// The file of the sittings that are not over.
pub const SITTINGS: Kind = Kind { name: "sitting.toml", version: 1, validate, merge };

/// What was broken off longest ago is forgotten first.
const MOST: usize = 20;

/// A sitting: its questions in order, of which the first so many are answered.
pub struct Sitting<'a> {
    /// All its questions, those answered before first.
    pub asks: Vec<Ask<'a>>,
    /// The answers of before it was broken off, to the first questions.
    pub earlier: Vec<Answer>,
    /// Decides the order of options.
    pub seed: u64,
}

impl<'a> Sitting<'a> {
    /// One that begins.
    #[must_use]
    pub fn new(asks: Vec<Ask<'a>>, seed: u64) -> Sitting<'a> {
        Sitting { asks, earlier: Vec::new(), seed }
    }
}

/// Where a sitting of some name is remembered, for one process at a time: a second one that asks the same in another terminal is not.
pub struct Place {
    what: String,
    held: Option<(Store, File)>,
}

impl Place {
    /// The place of sittings of that name (`quiz cap`, with its options): the same call goes on with the same sitting.
    #[must_use]
    pub fn of(store: Option<&Store>, what: &str) -> Place {
        let hold = |store: &Store| {
            let path = store.dir().join(format!("sitting-{:08x}.lock", fnv(what.as_bytes()) as u32));
            fs::create_dir_all(store.dir()).ok()?;
            // It is let go when the process ends, however it ends.
            let file = disk::open(&path, File::options().create(true).truncate(false).write(true)).ok()?;
            file.try_lock().ok().map(|()| (store.clone(), file))
        };
        Place { what: what.to_owned(), held: store.and_then(hold) }
    }

    /// The sitting that was broken off here, if at least one of its questions was answered and one was not. Another seed than its own
    /// asks for another one. Questions that are no longer asked as they were are left out.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn broken_off<'a>(&self, topics: &'a [Topic], answers: &Answers, seed: Option<u64>) -> Result<Told<Option<Sitting<'a>>>> {
        let Told { value: row, notices } = self.remembered()?;
        let value = row.and_then(|row| rest(&row, topics, answers)).filter(|left| seed.is_none_or(|seed| seed == left.seed));
        Ok(Told { value, notices })
    }

    /// What is remembered here.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn remembered(&self) -> Result<Told<Option<Table>>> {
        let Some((store, _)) = &self.held else { return Ok(Told { value: None, notices: Vec::new() }) };
        let Told { value: table, notices } = store.read(SITTINGS)?;
        let row = rows(&table).iter().find(|row| row.get("what").and_then(Value::as_str) == Some(&self.what));
        Ok(Told { value: row.and_then(Value::as_table).cloned(), notices })
    }

    /// Remembers something here, in the place of what was before.
    ///
    /// # Errors
    /// As [`Store::update`].
    pub fn remember(&self, mut row: Table) -> Result<Told<()>> {
        row.insert("what".to_owned(), self.what.as_str().into());
        self.put(Some(Value::Table(row)))
    }

    /// A sitting begins.
    ///
    /// # Errors
    /// As [`Store::update`].
    pub fn begin(&self, sitting: &Sitting<'_>, answers: &Answers) -> Result<Told<()>> {
        let mut row = Table::new();
        row.insert("seed".to_owned(), sitting.seed.to_string().into());
        // Whoever names a seed may have sat with it before.
        let before = answers.all().iter().filter(|given| given.seed == Some(sitting.seed)).count();
        row.insert("before".to_owned(), Value::Integer(i64::try_from(before).unwrap_or(i64::MAX)));
        row.insert("asks".to_owned(), Value::Array(sitting.asks.iter().map(|ask| Value::String(name(ask))).collect()));
        self.remember(row)
    }

    /// All is answered.
    ///
    /// # Errors
    /// As [`Store::update`].
    pub fn end(&self) -> Result<Told<()>> {
        self.put(None)
    }

    fn put(&self, row: Option<Value>) -> Result<Told<()>> {
        let Some((store, _)) = &self.held else { return Ok(Told { value: (), notices: Vec::new() }) };
        store.update(SITTINGS, |table| {
            let all = table.entry("sitting").or_insert_with(|| Value::Array(Vec::new()));
            let all = all.as_array_mut().expect("validated when it was read");
            all.retain(|row| row.get("what").and_then(Value::as_str) != Some(&self.what));
            all.extend(row);
            all.drain(..all.len().saturating_sub(MOST));
        })
    }
}

/// How a question is written in the file.
fn name(ask: &Ask<'_>) -> String {
    format!("{}/{}/{}", ask.topic.id, ask.question.id, ask.question.rev)
}

fn rows(table: &Table) -> &[Value] {
    table.get("sitting").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn rest<'a>(row: &Table, topics: &'a [Topic], answers: &Answers) -> Option<Sitting<'a>> {
    let seed: u64 = row.get("seed")?.as_str()?.parse().ok()?;
    let before = usize::try_from(row.get("before")?.as_integer()?).ok()?;
    let all: Vec<Ask<'a>> = topics.iter().flat_map(|topic| topic.remembered().map(move |question| Ask { topic, question })).collect();
    let names = row.get("asks")?.as_array()?.iter().filter_map(Value::as_str);
    let asks: Vec<Ask<'a>> = names.filter_map(|wanted| all.iter().find(|ask| name(ask) == wanted).copied()).collect();
    let (mut done, mut open, mut earlier) = (Vec::new(), Vec::new(), Vec::new());
    for ask in asks {
        let mut given = answers.all().iter().filter(|given| given.seed == Some(seed)).skip(before);
        match given.find(|given| (&given.topic, &given.question, given.rev) == (&ask.topic.id, &ask.question.id, ask.question.rev)) {
            Some(given) => {
                done.push(ask);
                earlier.push(remembered(&ask, given));
            }
            None => open.push(ask),
        }
    }
    let is_left = !done.is_empty() && !open.is_empty();
    done.extend(open);
    is_left.then_some(Sitting { asks: done, earlier, seed })
}

fn validate(table: &Table) -> std::result::Result<(), String> {
    match table.get("sitting") {
        None => Ok(()),
        Some(Value::Array(rows)) if rows.iter().all(Value::is_table) => Ok(()),
        Some(_) => Err("`sitting` is not a list".to_owned()),
    }
}

/// Adds the sittings whose names are not here.
fn merge(ours: &mut Table, theirs: &Table) {
    let what = |row: &Value| row.get("what").cloned();
    let mine: Vec<_> = rows(ours).iter().map(what).collect();
    let new: Vec<Value> = rows(theirs).iter().filter(|row| !mine.contains(&what(row))).cloned().collect();
    let all = ours.entry("sitting").or_insert_with(|| Value::Array(Vec::new()));
    all.as_array_mut().expect("validated when it was read").extend(new);
}

/// An answer of a sitting that was broken off, as far as it counts at its end.
fn remembered(ask: &Ask<'_>, given: &Given) -> Answer {
    Answer {
        topic: given.topic.clone(),
        question: given.question.clone(),
        rev: given.rev,
        content: ask.question.content(ask.topic.scenario_of(ask.question)),
        kind: ask.question.body.kind(),
        chosen: Chosen::Options(Vec::new()),
        said: String::new(),
        right: given.right,
        score: given.score,
        confidence: given.confidence,
        seed: given.seed.unwrap_or_default(),
        at_unix_s: given.at_unix_s,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::answers;
    use crate::cli::content::Content;
    use crate::cli::quiz::grade::{Chosen, Confidence};
    use crate::cli::quiz::session::{Session, in_order};

    fn given(store: &Store) -> Answers {
        Answers::read(store).unwrap().value
    }

    #[test]
    fn what_was_broken_off_is_found_until_it_is_over() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let topics = [crate::cli::bank::load(&Content::Embedded, "cap").unwrap()];
        let asks: Vec<Ask<'_>> = in_order(&topics[0]).into_iter().take(3).collect();
        let session = Session::new(7);
        let answer = |ask: &Ask<'_>| answers::keep(&store, &session.judged(ask, Chosen::Options(vec![0]), Some(Confidence::Sure))).unwrap();
        // Somebody sat with this seed before.
        answer(&asks[0]);
        let place = Place::of(Some(&store), "quiz cap");
        let left = |place: &Place, seed| place.broken_off(&topics, &given(&store), seed).unwrap().value;
        place.begin(&Sitting::new(asks.clone(), 7), &given(&store)).unwrap();
        assert!(left(&place, None).is_none(), "nothing of it is answered yet");
        answer(&asks[0]);
        answer(&asks[1]);
        let sitting = left(&place, None).unwrap();
        let ids = |asks: &[Ask<'_>]| asks.iter().map(|ask| ask.question.id.clone()).collect::<Vec<_>>();
        assert_eq!((sitting.seed, sitting.earlier.len(), ids(&sitting.asks)), (7, 2, ids(&asks)));
        assert_eq!(sitting.earlier[1].question, asks[1].question.id);
        assert!(left(&place, Some(7)).is_some() && left(&place, Some(8)).is_none(), "another seed asks for another one");
        assert!(left(&Place::of(Some(&store), "quiz raft"), None).is_none());
        assert!(left(&Place::of(Some(&store), "quiz cap"), None).is_none(), "somebody sits at it now");
        place.end().unwrap();
        assert!(left(&place, None).is_none());
    }

    #[test]
    fn a_file_that_names_what_is_not_there_is_no_sitting() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let topics = [crate::cli::bank::load(&Content::Embedded, "cap").unwrap()];
        for row in ["what = 3", "what = 'q'\nseed = 'x'", "what = 'q'\nseed = '1'\nbefore = -1\nasks = [1, 'cap/none/1']"] {
            fs::write(dir.path().join(SITTINGS.name), format!("version = 1\n[[sitting]]\n{row}\n")).unwrap();
            assert!(Place::of(Some(&store), "q").broken_off(&topics, &given(&store), None).unwrap().value.is_none(), "{row}");
        }
    }
}
