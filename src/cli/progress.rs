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
pub const PROGRESS: Kind = Kind { name: "progress.toml", version: 1, validate: |table| Progress::read_table(table).map(|_| ()), merge };

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
        for (id, value) in exercises.as_table().ok_or("`exercises` is not a table")? {
            let fields = value.as_table().ok_or(format!("`exercises.{id}` is not a table"))?;
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

/// Adds what another table knows: what happened first where the first time counts, the last verdict where it is newer, of each
/// count the greater. What of a day was counted in two places is not known to be the same: the greater is a count that there was.
fn merge(ours: &mut Table, theirs: &Table) {
    let Some(others) = theirs.get("exercises").and_then(Value::as_table) else { return };
    for (id, other) in others {
        let (mine, Some(other)) = (entry(ours, id), other.as_table()) else { continue };
        let newer = text_of_time(other.get("checked_at")) > text_of_time(mine.get("checked_at"));
        for (key, theirs) in other {
            let Some(my) = mine.get_mut(key) else {
                // Ours is older, or we know of no check at all.
                if key != "last_verdict" || newer || !mine.contains_key("checked_at") {
                    mine.insert(key.clone(), theirs.clone());
                }
                continue;
            };
            match key.as_str() {
                "passed_at" | "gave_up_at" if text_of_time(Some(theirs)) < text_of_time(Some(my)) => *my = theirs.clone(),
                "last_verdict" | "checked_at" if newer => *my = theirs.clone(),
                "attempts" | "hints" => *my = my.as_integer().max(theirs.as_integer()).unwrap_or(0).into(),
                "checked" => {
                    let (Some(my), Some(theirs)) = (my.as_table_mut(), theirs.as_table()) else { continue };
                    for (day, n) in theirs {
                        let most = my.get(day).and_then(Value::as_integer).max(n.as_integer()).unwrap_or(0);
                        my.insert(day.clone(), most.into());
                    }
                }
                _ => {}
            }
        }
        // Each check has its day, in whichever place it was.
        let days: i64 =
            mine.get("checked").and_then(Value::as_table).into_iter().flat_map(|d| d.values()).filter_map(Value::as_integer).sum();
        let attempts = mine.get("attempts").and_then(Value::as_integer).unwrap_or(0);
        if days > attempts {
            mine.insert("attempts".to_owned(), days.into());
        }
    }
}

/// Times in UTC, as we write them, sort as texts do; none is before all.
fn text_of_time(value: Option<&Value>) -> String {
    value.and_then(Value::as_datetime).map(ToString::to_string).unwrap_or_default()
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
        entry.insert("checked_at".to_owned(), Value::Datetime(clock::stamp()));
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
    fn of_two_places_the_better_known_counts() {
        let table = |fields: &str| format!("version = 1\n[exercises.a]\n{fields}").parse::<Table>().unwrap();
        let older = table(
            "attempts = 2\nhints = 3\nlast_verdict = 'failed'\nchecked_at = 2026-01-01T00:00:00Z\npassed_at = 2026-01-03T00:00:00Z\n[exercises.a.checked]\n2026-01-01 = 2\n",
        );
        let newer = table(
            "attempts = 3\nmood = 'fine'\nlast_verdict = 'passed'\nchecked_at = 2026-01-02T00:00:00Z\npassed_at = 2026-01-02T00:00:00Z\n[exercises.a.checked]\n2026-01-02 = 3\n",
        );
        let expected = table(
            "attempts = 5\nhints = 3\nmood = 'fine'\nlast_verdict = 'passed'\nchecked_at = 2026-01-02T00:00:00Z\npassed_at = 2026-01-02T00:00:00Z\n[exercises.a.checked]\n2026-01-01 = 2\n2026-01-02 = 3\n",
        );
        for (mut ours, theirs) in [(older.clone(), newer.clone()), (newer, older)] {
            for _ in 0..2 {
                merge(&mut ours, &theirs);
                assert_eq!(ours, expected);
            }
        }
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
