//! What is remembered of each exercise, in `progress.toml`. Keys that are not known here stay as they are.

use super::clock;
use super::course::Course;
use super::dates::{self, Now};
use super::error::Result;
use super::state::{Kind, Store, Told};
use crate::report::Verdict;
use jiff::civil::Date;
use std::collections::BTreeMap;
use toml::value::Datetime;
use toml::{Table, Value};

/// The exercises' file.
pub const PROGRESS: Kind = Kind { name: "progress.toml", version: 1, validate: |table| Progress::read_table(table).map(|_| ()) };

/// What is remembered of one exercise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// When it was passed first.
    pub passed_at: Option<Datetime>,
    /// How often it was checked.
    pub attempts: u64,
    /// The last verdict.
    pub last_verdict: Option<Verdict>,
    /// How many hints of its ladder were given.
    pub hints: u64,
    /// When the reference was asked for before a pass.
    pub gave_up_at: Option<Datetime>,
    /// How often it was checked on which local day.
    pub checked: BTreeMap<Date, u64>,
}

/// What is remembered of all exercises.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    entries: BTreeMap<String, Entry>,
}

impl Progress {
    /// Reads what is remembered.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read(store: &Store) -> Result<Told<Progress>> {
        let told = store.read(PROGRESS)?;
        Ok(Told { value: Progress::read_table(&told.value).unwrap_or_default(), notices: told.notices })
    }

    fn read_table(table: &Table) -> std::result::Result<Progress, String> {
        let mut entries = BTreeMap::new();
        let Some(exercises) = table.get("exercises") else { return Ok(Progress::default()) };
        for (id, value) in exercises.as_table().ok_or("`exercises` is no table")? {
            let fields = value.as_table().ok_or(format!("`exercises.{id}` is no table"))?;
            let wrong = |key: &str| format!("`exercises.{id}.{key}` is not what it should be");
            let count = |key: &str| match fields.get(key) {
                None => Ok(0),
                Some(v) => v.as_integer().and_then(|n| u64::try_from(n).ok()).ok_or(wrong(key)),
            };
            let when = |key: &str| fields.get(key).map(|v| v.as_datetime().copied().ok_or(wrong(key))).transpose();
            // A verdict that this version does not know is none; it is no reason to set the file aside.
            let last_verdict = fields.get("last_verdict").map(|v| v.as_str().ok_or(wrong("last_verdict"))).transpose()?;
            let entry = Entry {
                passed_at: when("passed_at")?,
                gave_up_at: when("gave_up_at")?,
                attempts: count("attempts")?,
                last_verdict: last_verdict.and_then(Verdict::parse),
                hints: count("hints")?,
                checked: fields.get("checked").map_or(Some(BTreeMap::new()), days).ok_or(wrong("checked"))?,
            };
            entries.insert(id.clone(), entry);
        }
        Ok(Progress { entries })
    }

    /// What is remembered of an exercise.
    #[must_use]
    pub fn of(&self, id: &str) -> Entry {
        self.entries.get(id).cloned().unwrap_or_default()
    }

    /// Everything that is remembered, by exercise.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(id, entry)| (id.as_str(), entry))
    }

    /// True once it was passed.
    #[must_use]
    pub fn passed(&self, id: &str) -> bool {
        self.entries.get(id).is_some_and(|e| e.passed_at.is_some())
    }

    /// The first exercise of the course that was never passed.
    #[must_use]
    pub fn current<'a>(&self, course: &'a Course) -> Option<&'a str> {
        course.exercises().find(|id| !self.passed(id))
    }
}

/// `2026-11-22 = 3`, day by day.
fn days(value: &Value) -> Option<BTreeMap<Date, u64>> {
    value.as_table()?.iter().map(|(day, n)| Some((dates::read(day)?, u64::try_from(n.as_integer()?).ok()?))).collect()
}

/// Records that an exercise was checked. `counts`: a pass is a pass of the whole default judging.
///
/// # Errors
/// As [`Store::update`].
pub fn record_check(store: &Store, id: &str, verdict: Verdict, counts: bool) -> Result<Told<()>> {
    let today = Now::here().today();
    store.update(PROGRESS, |table| {
        let entry = entry(table, id);
        let checked = entry.entry("checked").or_insert_with(|| Value::Table(Table::new()));
        let checked = checked.as_table_mut().expect("validated when it was read");
        let before = checked.get(&today.to_string()).and_then(Value::as_integer).unwrap_or(0);
        checked.insert(today.to_string(), (before + 1).into());
        let attempts = entry.get("attempts").and_then(Value::as_integer).unwrap_or(0) + 1;
        entry.insert("attempts".to_owned(), attempts.into());
        entry.insert("last_verdict".to_owned(), verdict.name().into());
        if verdict == Verdict::Passed && counts {
            entry.entry("passed_at").or_insert_with(|| Value::Datetime(clock::stamp()));
        }
    })
}

/// Records that one more hint of a ladder was given, and returns its number from 1; `None` if there were all given before.
///
/// # Errors
/// As [`Store::update`].
pub fn record_hint(store: &Store, id: &str, of: usize) -> Result<Told<Option<usize>>> {
    store.update(PROGRESS, |table| {
        let entry = entry(table, id);
        let given = entry.get("hints").and_then(Value::as_integer).and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        if given >= of {
            return None;
        }
        entry.insert("hints".to_owned(), i64::try_from(given + 1).unwrap_or(i64::MAX).into());
        Some(given + 1)
    })
}

/// Records that the reference was asked for before a pass. The first time counts.
///
/// # Errors
/// As [`Store::update`].
pub fn record_give_up(store: &Store, id: &str) -> Result<Told<()>> {
    store.update(PROGRESS, |table| {
        entry(table, id).entry("gave_up_at").or_insert_with(|| Value::Datetime(clock::stamp()));
    })
}

fn entry<'a>(table: &'a mut Table, id: &str) -> &'a mut Table {
    let exercises = table.entry("exercises").or_insert_with(|| Value::Table(Table::new()));
    let exercises = exercises.as_table_mut().expect("validated when it was read");
    exercises.entry(id).or_insert_with(|| Value::Table(Table::new())).as_table_mut().expect("validated when it was read")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn checks_and_hints_are_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        record_check(&store, "a", Verdict::Failed, true).unwrap();
        record_check(&store, "a", Verdict::Passed, false).unwrap();
        let read = || Progress::read(&store).unwrap().value;
        assert!(!read().passed("a"), "a pass of one test alone is none");
        record_check(&store, "a", Verdict::Passed, true).unwrap();
        let first = read().of("a");
        record_check(&store, "a", Verdict::Failed, true).unwrap();
        let entry = read().of("a");
        assert_eq!(entry.passed_at, first.passed_at, "what was passed stays passed");
        assert_eq!((entry.attempts, entry.last_verdict), (4, Some(Verdict::Failed)));
        assert_eq!(entry.checked.values().sum::<u64>(), 4, "each has its day: {entry:?}");
        let hints: Vec<_> = (0..4).map(|_| record_hint(&store, "a", 3).unwrap().value).collect();
        assert_eq!(hints, [Some(1), Some(2), Some(3), None]);
    }

    #[test]
    fn an_unknown_verdict_is_kept_and_a_wrong_type_is_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        fs::write(dir.path().join("progress.toml"), "version = 1\n[exercises.a]\nlast_verdict = 'shrugged'\nmood = 'fine'\n").unwrap();
        let told = Progress::read(&store).unwrap();
        assert_eq!((told.value.of("a").last_verdict, told.notices.len()), (None, 0));
        record_hint(&store, "a", 3).unwrap();
        let text = fs::read_to_string(dir.path().join("progress.toml")).unwrap();
        assert!(text.contains("shrugged") && text.contains("fine") && text.contains("hints = 1"), "{text}");
        fs::write(dir.path().join("progress.toml"), "version = 1\n[exercises.a]\nattempts = 'x'\n").unwrap();
        assert_eq!(Progress::read(&store).unwrap().notices.len(), 1);
    }
}
