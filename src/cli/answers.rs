//! What was answered, in `quiz.toml`: every answer, in order, each written before its key is shown. Knows nothing of
//! screens, and of questions only what an answer says.

use super::dates::{self, Now};
use super::error::Result;
use super::fingerprint::fnv;
use super::quiz::Answer;
use super::quiz::grade::Confidence;
use super::records::{add_new_records, identity};
use super::state::{Kind, Store, Told};
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};

/// The answers' file.
pub const QUIZ: Kind = Kind { name: "quiz.toml", version: 1, validate: |table| Answers::read_table(table).map(|_| ()), merge };

/// One answer that was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// The topic's id.
    pub topic: String,
    /// The question's id.
    pub question: String,
    /// The question's revision.
    pub rev: u32,
    /// Whether it was right.
    pub right: bool,
    /// From 0 to 1.
    pub score: f64,
    /// How sure the learner was; open questions do not ask.
    pub confidence: Option<Confidence>,
    /// When, in seconds since 1970, by the clock of that moment.
    pub at_unix_s: u64,
    /// The local day of that moment; answers kept by the first version have none.
    pub day: Option<Date>,
    /// The seed of the sitting in which it was given, if it was kept.
    pub seed: Option<u64>,
    /// A hash of where it was given; 0 if that is not known. Within one place the order of the answers is that of the file.
    pub by: u64,
}

/// Every answer that was given, in order: the only thing that is remembered of quizzes. All else is worked out from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    all: Vec<Given>,
}

/// How a learner stands in one topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Questions that there are.
    pub questions: usize,
    /// Those of them that were answered.
    pub answered: usize,
    /// Those whose last answer was right.
    pub right: usize,
}

impl Answers {
    /// Reads what is remembered.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read(store: &Store) -> Result<Told<Answers>> {
        if let Some(value) = Answers::stream(store) {
            return Ok(Told { value, notices: Vec::new() });
        }
        let told = store.read(QUIZ)?;
        Ok(Told { value: Answers::read_table(&told.value).unwrap_or_default(), notices: told.notices })
    }

    /// Reads a log as we write it, holding one answer as text at a time. `None` for all else, which is not necessarily wrong.
    fn stream(store: &Store) -> Option<Answers> {
        let (mut all, mut texts, mut twice) = (Vec::new(), BTreeSet::new(), false);
        store.stream(QUIZ, "answer", &mut |row| {
            let given = read_row(row).ok()?;
            // Several places: as in `read_table`, what a merge has left twice is once.
            if texts.insert(fnv(identity(row, &["by"]).as_bytes())) {
                all.push(given);
            } else {
                twice = true;
            }
            Some(())
        })?;
        let answers = Answers { all };
        // In one place what looks the same was given twice.
        if answers.is_of_several_places() { Some(answers.in_order()) } else { Some(answers).filter(|_| !twice) }
    }

    fn is_of_several_places(&self) -> bool {
        self.all.iter().any(|given| given.by != self.all[0].by)
    }

    fn in_order(self) -> Answers {
        Answers { all: in_order(self.all, u64::MAX).into_iter().map(|(_, given)| given).collect() }
    }

    fn read_table(table: &Table) -> std::result::Result<Answers, String> {
        let mut answers = Answers::default();
        let Some(all) = table.get("answer") else { return Ok(answers) };
        let all = all.as_array().ok_or("`answer` is not a list")?;
        for (i, value) in all.iter().enumerate() {
            answers.all.push(read_row(value).map_err(|key| format!("`answer[{i}].{key}` is not what it should be"))?);
        }
        if answers.is_of_several_places() {
            // Several places: a merge may have left an answer twice, and those of one place behind those of another.
            let mut once = Vec::new();
            add_new_records(&mut once, all, &["by"], |_| ());
            if once.len() < all.len() {
                answers.all = once.iter().filter_map(|row| read_row(row).ok()).collect();
            }
            answers = answers.in_order();
        }
        Ok(answers)
    }

    /// Every answer, the oldest first.
    #[must_use]
    pub fn all(&self) -> &[Given] {
        &self.all
    }
}

impl Given {
    /// The local day of the answer; if none was kept, what day that second is in this place.
    #[must_use]
    pub fn day(&self, now: &Now) -> Date {
        self.day.unwrap_or_else(|| now.day_of(self.at_unix_s))
    }
}

/// Answers, each with when it was given, by that.
///
/// A clock may have been wrong. Of all stamps of one place in the order in which its answers were written, the longest run that
/// never goes back, and does not end after `now`, is believed; another answer is taken to have been given when the last believed
/// one was. So no answer is lost, and none counts as years apart. Answers of several places, each with its own clock, are put
/// together by these times; those of one place stay in their order.
pub fn in_order<G: std::borrow::Borrow<Given>>(given: Vec<G>, now: u64) -> Vec<(u64, G)> {
    let mut stamps: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for one in given.iter().map(std::borrow::Borrow::borrow) {
        stamps.entry(one.by).or_default().push(one.at_unix_s);
    }
    let mut times: BTreeMap<u64, _> = stamps.iter().map(|(by, stamps)| (*by, believed(stamps, now).into_iter())).collect();
    let time = |one: G| (times.get_mut(&one.borrow().by).and_then(Iterator::next).unwrap_or(now), one);
    let mut all: Vec<(u64, G)> = given.into_iter().map(time).collect();
    all.sort_by_key(|(at, _)| *at);
    all
}

/// The stamps of one clock with those replaced that cannot be right: see [`in_order`]. The longest run that does not fall is looked for from
/// its end, by keeping for each length the largest stamp that such a run can begin with: of two that are as long, the later.
pub(super) fn believed(stamps: &[u64], now: u64) -> Vec<u64> {
    let mut starts: Vec<usize> = Vec::new();
    let mut after: Vec<Option<usize>> = vec![None; stamps.len()];
    for (i, &stamp) in stamps.iter().enumerate().rev().filter(|(_, stamp)| **stamp <= now) {
        let length = starts.partition_point(|&start| stamps[start] >= stamp);
        after[i] = length.checked_sub(1).map(|next| starts[next]);
        if length == starts.len() { starts.push(i) } else { starts[length] = i }
    }
    let mut right = vec![false; stamps.len()];
    let mut next = starts.last().copied();
    while let Some(i) = next {
        right[i] = true;
        next = after[i];
    }
    // Before the first that is believed there is none: they were given no later than it.
    let first = stamps.iter().zip(&right).find(|(_, right)| **right).map_or(now, |(stamp, _)| *stamp);
    let mut last = first;
    stamps
        .iter()
        .zip(right)
        .map(|(&stamp, right)| {
            last = if right { stamp } else { last };
            last
        })
        .collect()
}

/// One row; the error is the key that is not what it should be.
fn read_row(row: &Value) -> std::result::Result<Given, &'static str> {
    let text = |key: &'static str| row.get(key).and_then(Value::as_str).map(str::to_owned).ok_or(key);
    let whole = |key: &'static str| row.get(key).and_then(Value::as_integer).ok_or(key);
    let right = row.get("right").and_then(Value::as_bool).ok_or("right")?;
    let score = row.get("score").map_or(Some(f64::from(u8::from(right))), number).ok_or("score")?;
    let word = row.get("confidence").map(|word| word.as_str().ok_or("confidence")).transpose()?;
    Ok(Given {
        topic: text("topic")?,
        question: text("question")?,
        rev: u32::try_from(whole("rev")?).map_err(|_| "rev")?,
        right,
        score,
        // A word that this version does not know says nothing; it is no reason to set the file aside.
        confidence: Confidence::ALL.into_iter().find(|confidence| Some(confidence.word()) == word),
        at_unix_s: u64::try_from(whole("at_unix_s")?).map_err(|_| "at_unix_s")?,
        day: row.get("day").map(|day| dates::from_toml(day).ok_or("day")).transpose()?,
        seed: row.get("seed").and_then(Value::as_str).and_then(|seed| seed.parse().ok()),
        by: row.get("by").map_or(Ok(0), |by| by.as_str().map(|by| fnv(by.as_bytes())).ok_or("by"))?,
    })
}

/// TOML writes 1 and 1.0; a person who edits the file need not care.
fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|n| n as f64))
}

/// Adds the answers that are not here yet. Who gave those of the first version is not known: not who gave ours.
fn merge(ours: &mut Table, theirs: &Table) {
    let others = theirs.get("answer").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let origin = others.first().map(|row| format!("{:08x}", fnv(row.to_string().as_bytes()) as u32)).unwrap_or_default();
    let all = ours.entry("answer").or_insert_with(|| Value::Array(Vec::new()));
    add_new_records(all.as_array_mut().expect("validated when it was read"), others, &["by"], |row| {
        let row = row.as_table_mut().expect("validated when it was read");
        row.entry("by").or_insert_with(|| origin.clone().into());
    });
}

/// Where answers are given: a word for this folder on this machine. One clock stamps what is given in one place.
fn place(store: &Store) -> String {
    let folder = store.dir().canonicalize().unwrap_or_else(|_| store.dir().to_owned());
    let name = rustix::system::uname();
    let bytes = [name.nodename().to_bytes(), folder.as_os_str().as_encoded_bytes()].concat();
    format!("{:08x}", fnv(&bytes) as u32)
}

/// Keeps one answer.
///
/// # Errors
/// As [`Store::update`].
pub fn keep(store: &Store, answer: &Answer) -> Result<Told<()>> {
    store.update(QUIZ, |table| {
        let all = table.entry("answer").or_insert_with(|| Value::Array(Vec::new()));
        all.as_array_mut().expect("validated when it was read").push(Value::Table(row(
            answer,
            &place(store),
            Now::here().day_of(answer.at_unix_s),
        )));
    })
}

/// Takes an answer back: the last of these that is kept.
///
/// # Errors
/// As [`Store::update`].
pub fn take_back(store: &Store, answer: &Answer) -> Result<Told<()>> {
    store.update(QUIZ, |table| {
        let Some(all) = table.get_mut("answer").and_then(Value::as_array_mut) else { return };
        let own = row(answer, &place(store), Now::here().day_of(answer.at_unix_s));
        let same = |given: &Value, key: &str| given.get(key) == own.get(key);
        let last = all.iter().rposition(|given| ["topic", "question", "seed", "chosen", "at_unix_s"].iter().all(|key| same(given, key)));
        last.map(|at| all.remove(at));
    })
}

fn row(answer: &Answer, by: &str, day: Date) -> Table {
    // TOML knows no unsigned 64 bits; a time before the year 292,277,026,596 fits.
    let integer = |n: u64| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
    let mut row = Table::new();
    row.insert("topic".to_owned(), answer.topic.as_str().into());
    row.insert("question".to_owned(), answer.question.as_str().into());
    row.insert("rev".to_owned(), i64::from(answer.rev).into());
    row.insert("content".to_owned(), format!("{:016x}", answer.content).into());
    row.insert("chosen".to_owned(), answer.chosen.to_string().into());
    if !answer.said.is_empty() {
        row.insert("said".to_owned(), answer.said.as_str().into());
    }
    row.insert("right".to_owned(), answer.right.into());
    row.insert("score".to_owned(), answer.score.into());
    if let Some(confidence) = answer.confidence {
        row.insert("confidence".to_owned(), confidence.word().into());
    }
    row.insert("seed".to_owned(), answer.seed.to_string().into());
    row.insert("at_unix_s".to_owned(), integer(answer.at_unix_s));
    row.insert("day".to_owned(), dates::to_toml(day));
    row.insert("by".to_owned(), by.into());
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::content::Content;
    use crate::cli::quiz::grade::Chosen;

    fn answer(question: &str, rev: u32, right: bool) -> Answer {
        Answer {
            topic: "cap".into(),
            question: question.into(),
            rev,
            content: u64::MAX,
            kind: "single",
            chosen: Chosen::Options(vec![2, 0]),
            said: String::new(),
            right,
            score: 0.0,
            confidence: Some(Confidence::Sure),
            seed: u64::MAX,
            at_unix_s: 1_700_000_000,
        }
    }

    #[test]
    fn the_last_answer_to_the_present_revision_counts() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let quiz = crate::cli::bank::sketch(&Content::Embedded, "cap").unwrap();
        let [a, b, c, ..] = quiz.questions.as_slice() else { panic!("three questions") };
        let answers = [
            answer(&a.id, a.rev, false),
            answer(&b.id, b.rev + 1, true),
            answer(&c.id, c.rev, true),
            answer("gone", 1, true),
            answer(&a.id, a.rev, true),
            answer(&c.id, c.rev, false),
        ];
        for answer in &answers {
            assert!(keep(&store, answer).unwrap().notices.is_empty());
        }
        let answers_read = Answers::read(&store).unwrap().value;
        let standing = crate::cli::memory::Memories::of(&answers_read, &Now::here()).standing_of(&quiz);
        assert_eq!(standing, Standing { questions: quiz.questions.len(), answered: 2, right: 1 });
        let text = std::fs::read_to_string(dir.path().join("quiz.toml")).unwrap();
        for part in ["version = 1", "chosen = \"2 0\"", "confidence = \"sure\"", "content = \"ffffffffffffffff\"", "at_unix_s = 1700000000"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(text.matches("\n{ at_unix_s").count(), answers.len(), "nothing is overwritten");
    }

    #[test]
    fn answers_of_two_places_are_one_history() {
        let row = |by: &str, question: &str, at: u64| {
            format!("[[answer]]\ntopic='cap'\nquestion='{question}'\nrev=1\nright=true\nat_unix_s={at}\n{by}\n")
        };
        let table = |rows: &[String]| format!("version = 1\n{}", rows.concat()).parse::<Table>().unwrap();
        let (a, b) = ("by='a'", "by='b'");
        let questions = |table: &Table| Answers::read_table(table).unwrap().all.iter().map(|g| g.question.clone()).collect::<String>();
        // As a union merge leaves it: what is common, one side, the other side; the clock of `b` was wrong once.
        let merged =
            table(&[row(a, "1", 10), row(a, "2", 20), row(a, "5", 50), row(b, "3", 30), row(b, "w", 1), row(b, "6", 60), row("", "2", 20)]);
        assert_eq!(questions(&merged), "123w56", "in order, and each once");
        // Import is the same, in any order and any number of times.
        let (mut ours, theirs) =
            (table(&[row("", "1", 10), row("", "3", 30)]), table(&[row("", "1", 10), row("", "2", 20), row("", "4", 40)]));
        merge(&mut ours, &theirs);
        let once = ours.clone();
        merge(&mut ours, &theirs);
        assert_eq!((questions(&ours).as_str(), &ours), ("1234", &once));
    }

    #[test]
    fn a_log_is_read_a_line_at_a_time_as_if_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let row = |by: &str, question: &str, at: u64| {
            format!("{{ at_unix_s = {at}, {by}day = 2026-11-29, question = \"{question}\", rev = 1, right = true, topic = \"cap\" }},\n")
        };
        let (a, b) = ("by = \"a\", ", "by = \"b\", ");
        let several = [row(a, "1", 10), row(a, "4", 40), row(b, "3", 30), row("", "4", 40), row(b, "é\\\"\\n", 5)].concat();
        let one = [row(a, "1", 10), row(a, "2", 20), row(a, "w", 1)].concat();
        let twice = row(a, "1", 10).repeat(2);
        let text = |rows: &str| format!("version = 1\nanswer = [\n{rows}]\n[later]\nx = 1\n");
        let blocks = "version = 1\n[[answer]]\ntopic = 'cap'\nquestion = 'q'\nrev = 1\nright = true\nat_unix_s = 1\n".to_owned();
        let conflict = text(&format!("<<<<<<< a\n{one}=======\n{twice}>>>>>>> b\n"));
        let bodies = [(text(&one), true), (text(&several), true), (text(""), true), (text(&twice), false), (blocks, false)];
        let union = (text(&one).replace("[later]", &format!("answer = [\n{}]\n[later]", row(b, "9", 90))), false);
        for (text, streams) in bodies.into_iter().chain([union]) {
            std::fs::write(dir.path().join(QUIZ.name), &text).unwrap();
            let at_once = Answers::read_table(&store.read(QUIZ).unwrap().value).unwrap();
            assert_eq!(Answers::stream(&store), streams.then(|| at_once.clone()), "{text}");
            assert_eq!(Answers::read(&store).unwrap().value, at_once, "{text}");
        }
        let newer = text(&one).replace("version = 1", "version = 2");
        for text in [conflict, newer, text(&one)[..100].to_owned(), text("{ topic = 1 },\n"), "answer = [\n]\n".to_owned()] {
            std::fs::write(dir.path().join(QUIZ.name), &text).unwrap();
            assert_eq!(Answers::stream(&store), None, "{text}");
        }
    }

    #[test]
    fn a_row_of_another_shape_sets_the_file_aside() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        std::fs::write(dir.path().join("quiz.toml"), "version = 1\n[[answer]]\ntopic = 'cap'\nquestion = 'q'\nrev = 1\n").unwrap();
        let told = keep(&store, &answer("q", 1, true)).unwrap();
        assert!(told.notices[0].contains("answer[0].right") && told.notices[0].contains("quiz.toml.unreadable-1"), "{told:?}");
        assert_eq!(Answers::read(&store).unwrap().value.all().len(), 1);
    }
}
