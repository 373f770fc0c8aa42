//! The mock interviews that were held, in `interviews.toml`: each answer is written the moment it is given, so that an interview
//! that was broken off has its scorecard all the same. What was asked stands in it in words: a later course changes nothing.

use super::part::{self, Part};
use crate::cli::dates;
use crate::cli::error::Result;
use crate::cli::state::{Kind, Store, Told};
use jiff::civil::Date;
use toml::{Table, Value};

/// The interviews' file. Since version 2 there are stages of rounds in it.
pub const INTERVIEWS: Kind = Kind { name: "interviews.toml", version: 2, validate: |table| read_table(table).map(|_| ()), merge };

/// One interview.
#[derive(Clone, Debug, PartialEq)]
pub struct Interview {
    /// Its day.
    pub day: Date,
    /// About when it began, in seconds since 1970: its name in the file, which no other has.
    pub started_unix_s: u64,
    /// Its length.
    pub minutes: u32,
    /// Whether it came to its end.
    pub finished: bool,
    /// What was asked, in order.
    pub parts: Vec<Part>,
}

/// All that were held with at least one answer, the oldest first.
///
/// # Errors
/// As [`Store::read`].
pub fn read(store: &Store) -> Result<Told<Vec<Interview>>> {
    let told = store.read(INTERVIEWS)?;
    Ok(Told { value: read_table(&told.value).unwrap_or_default(), notices: told.notices })
}

/// Keeps one more answer of an interview, which begins with its first; `interview` says which it is. An answer is kept the moment it is
/// given, and once more when it is judged: then that takes its place.
///
/// # Errors
/// As [`Store::update`].
pub fn keep(store: &Store, interview: &Interview, part: &Part) -> Result<Told<()>> {
    store.update(INTERVIEWS, |table| {
        let parts = entry(table, interview).entry("part").or_insert_with(|| Value::Array(Vec::new()));
        let parts = parts.as_array_mut().expect("validated when it was read");
        let is_same = |row: &Value| part::read(row).is_ok_and(|last| last.is_same(part));
        if parts.last().is_some_and(is_same) {
            parts.pop();
        }
        parts.push(Value::Table(part::row(part)));
    })
}

/// Keeps that an interview came to its end.
///
/// # Errors
/// As [`Store::update`].
pub fn finish(store: &Store, interview: &Interview) -> Result<Told<()>> {
    store.update(INTERVIEWS, |table| {
        entry(table, interview).insert("finished".to_owned(), true.into());
    })
}

/// Adds the interviews that are not here yet; of one that both have, the one that went further.
fn merge(ours: &mut Table, theirs: &Table) {
    let Some(others) = theirs.get("interview").and_then(Value::as_array) else { return };
    let all = ours.entry("interview").or_insert_with(|| Value::Array(Vec::new()));
    let all = all.as_array_mut().expect("validated when it was read");
    let name = |row: &Value| ["started_unix_s", "day", "minutes"].map(|key| row.get(key).cloned());
    let length = |row: &Value| {
        let parts = row.get("part").and_then(Value::as_array).map_or(0, Vec::len);
        (parts, row.get("finished").and_then(Value::as_bool))
    };
    for other in others {
        match all.iter_mut().find(|row| name(row) == name(other)) {
            Some(mine) if length(mine) < length(other) => *mine = other.clone(),
            Some(_) => {}
            None => all.push(other.clone()),
        }
    }
    all.sort_by_key(|row| row.get("started_unix_s").and_then(Value::as_integer));
}

/// The interview's table, made if it is not there.
fn entry<'a>(table: &'a mut Table, interview: &Interview) -> &'a mut Table {
    let started = i64::try_from(interview.started_unix_s).unwrap_or(i64::MAX);
    let all = table.entry("interview").or_insert_with(|| Value::Array(Vec::new()));
    let all = all.as_array_mut().expect("validated when it was read");
    let is_it = |row: &Value| row.get("started_unix_s").and_then(Value::as_integer) == Some(started);
    let at = all.iter().position(is_it).unwrap_or_else(|| {
        let mut row = Table::new();
        row.insert("day".to_owned(), dates::to_toml(interview.day));
        row.insert("started_unix_s".to_owned(), started.into());
        row.insert("minutes".to_owned(), i64::from(interview.minutes).into());
        row.insert("finished".to_owned(), false.into());
        all.push(Value::Table(row));
        all.len() - 1
    });
    all[at].as_table_mut().expect("validated when it was read")
}

fn read_table(table: &Table) -> std::result::Result<Vec<Interview>, String> {
    let Some(all) = table.get("interview") else { return Ok(Vec::new()) };
    let all = all.as_array().ok_or("`interview` is no list")?;
    let read = |(i, row): (usize, &Value)| interview(row).map_err(|key| format!("`interview[{i}].{key}` is not what it should be"));
    let mut interviews: Vec<Interview> = all.iter().enumerate().map(read).collect::<std::result::Result<_, _>>()?;
    // A merge may have left one twice, and those of one place behind those of another.
    interviews.sort_by_key(|i| (i.started_unix_s, i.day, i.minutes, i.parts.len(), i.finished));
    interviews.reverse();
    interviews.dedup_by_key(|i| (i.started_unix_s, i.day, i.minutes));
    interviews.reverse();
    Ok(interviews)
}

fn interview(row: &Value) -> std::result::Result<Interview, String> {
    let number = |key: &str| row.get(key).and_then(Value::as_integer).ok_or(key.to_owned());
    let parts = row.get("part").map_or(Some(&[][..]), |parts| parts.as_array().map(Vec::as_slice)).ok_or("part")?;
    let part = |(i, row): (usize, &Value)| part::read(row).map_err(|key| format!("part[{i}].{key}"));
    Ok(Interview {
        day: row.get("day").and_then(dates::from_toml).ok_or("day")?,
        started_unix_s: u64::try_from(number("started_unix_s")?).map_err(|_| "started_unix_s")?,
        minutes: u32::try_from(number("minutes")?).map_err(|_| "minutes")?,
        finished: row.get("finished").and_then(Value::as_bool).ok_or("finished")?,
        parts: parts.iter().enumerate().map(part).collect::<std::result::Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::part::{More, What};
    use super::*;
    use crate::cli::quiz::rubric::Skill;

    #[test]
    fn each_answer_is_kept_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let day = dates::read("2026-11-22").unwrap();
        let mut first = Interview { day, started_unix_s: 7, minutes: 45, finished: false, parts: Vec::new() };
        let part = |what: What, score| Part {
            said: "because\n\u{1b}[31m".into(),
            score,
            missed: vec!["a point".into()],
            sure_and_wrong: score == 0.0,
            ..Part::asked(what, "cap", "cap-1", "Why?\n\"So\"?")
        };
        for what in What::ALL {
            let part = part(what, if what == What::Quick { 0.0 } else { 0.4 });
            keep(&store, &first, &part).unwrap();
            first.parts.push(part);
        }
        let second = Interview { started_unix_s: 8, finished: true, parts: vec![part(What::Open, 1.0)], ..first.clone() };
        keep(&store, &second, &second.parts[0]).unwrap();
        finish(&store, &second).unwrap();
        assert_eq!(read(&store).unwrap().value, [first, second]);
    }

    #[test]
    fn an_answer_is_kept_before_it_is_judged_and_its_judgement_takes_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let day = dates::read("2026-11-22").unwrap();
        let interview = Interview { day, started_unix_s: 7, minutes: 45, finished: false, parts: Vec::new() };
        let kept = || read(&store).unwrap().value.remove(0).parts;
        let given = Part {
            said: "As many as there are.".into(),
            more: More { unjudged: true, stage: "scope".into(), minutes: 6, took_s: 100, ..More::default() },
            ..Part::asked(What::Stage, "design", "round-cache/scope", "What do you want to know?")
        };
        keep(&store, &interview, &given).unwrap();
        assert_eq!(kept(), std::slice::from_ref(&given), "killed here, it is there, and does not count");
        assert!(given.weight() == 0.0);
        let judged = Part {
            score: 0.5,
            missed: vec!["Asks for the size".into()],
            more: More {
                unjudged: false,
                skills: vec![(Skill::Scope, 1, 2), (Skill::TradeOff, 0, 1)],
                made: vec!["Asks for the rate".into()],
                red_flags: vec!["Draws at once".into()],
                reasons: vec!["The size decides.".into()],
                why: "Where candidates lose it.".into(),
                answer: "I ask for sizes.\n\na --> b".into(),
                lesson: vec!["A paragraph.".into()],
                facts: vec!["How late? Ten seconds.".into()],
                ..given.more.clone()
            },
            ..given.clone()
        };
        keep(&store, &interview, &judged).unwrap();
        assert_eq!(kept(), std::slice::from_ref(&judged));
        let other = Part { score: 1.0, ..judged.clone() };
        keep(&store, &interview, &other).unwrap();
        assert_eq!(kept(), std::slice::from_ref(&other), "a slip among the points was put right");
        keep(&store, &interview, &Part { id: "round-cache/estimate".into(), ..judged.clone() }).unwrap();
        assert_eq!(kept()[0], other, "what is another answer's takes no other place");
        assert_eq!(kept().len(), 2);
    }

    #[test]
    fn another_shape_is_set_aside() {
        for (text, wrong) in [
            ("interview = 3", "`interview` is no list"),
            ("[[interview]]\nday = 3\nstarted_unix_s = 1\nminutes = 20\nfinished = true", "interview[0].day"),
            (
                "[[interview]]\nday = 2026-01-01\nstarted_unix_s = 1\nminutes = 20\nfinished = true\npart = [{}]",
                "interview[0].part[0].what",
            ),
        ] {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("interviews.toml"), format!("version = 1\n{text}\n")).unwrap();
            let told = read(&Store::new(dir.path())).unwrap();
            assert!(told.value.is_empty() && told.notices[0].contains(wrong), "{:?}", told.notices);
            assert!(dir.path().join("interviews.toml.unreadable-1").exists());
        }
    }
}
