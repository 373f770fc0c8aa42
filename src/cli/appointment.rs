//! The interview that is prepared for: its day and the minutes of an evening, in `plan.toml`. What is done on which evening is not
//! kept: [`plan`](super::plan) works it out anew from what was really done.

use super::clock;
use super::dates;
use super::error::Result;
use super::state::{Kind, Store, Told};
use jiff::civil::Date;
use toml::{Table, Value};

/// The plan's file.
pub const PLAN: Kind = Kind { name: "plan.toml", version: 1, validate: |table| Appointment::read_table(table).map(|_| ()), merge };

/// An interview to come, or one that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appointment {
    /// Its day.
    pub on: Date,
    /// Minutes of each evening until then.
    pub minutes: u32,
    /// The day on which the plan was made.
    pub made_on: Date,
}

impl Appointment {
    /// Reads the plan, if one was made.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read(store: &Store) -> Result<Told<Option<Appointment>>> {
        let told = store.read(PLAN)?;
        Ok(Told { value: Appointment::read_table(&told.value).unwrap_or_default(), notices: told.notices })
    }

    fn read_table(table: &Table) -> std::result::Result<Option<Appointment>, String> {
        if !table.contains_key("on") {
            return Ok(None);
        }
        let day = |key: &str| table.get(key).and_then(dates::from_toml).ok_or(format!("`{key}` is not a date like 2026-12-05"));
        let minutes = table.get("minutes").and_then(Value::as_integer).and_then(|n| u32::try_from(n).ok());
        let minutes = minutes.ok_or("`minutes` is not what it should be")?;
        Ok(Some(Appointment { on: day("on")?, minutes, made_on: day("made_on")? }))
    }

    /// Keeps it, in the place of the one before.
    ///
    /// # Errors
    /// As [`Store::update`].
    pub fn keep(&self, store: &Store) -> Result<Told<()>> {
        store.update(PLAN, |table| {
            table.insert("on".to_owned(), dates::to_toml(self.on));
            table.insert("minutes".to_owned(), i64::from(self.minutes).into());
            table.insert("made_on".to_owned(), dates::to_toml(self.made_on));
            table.insert("made_at".to_owned(), Value::Datetime(clock::stamp()));
        })
    }

    /// Forgets it. True if there was one.
    ///
    /// # Errors
    /// As [`Store::update`].
    pub fn forget(store: &Store) -> Result<Told<bool>> {
        store.update(PLAN, |table| {
            // When it was forgotten is kept: an older plan from elsewhere does not come back.
            table.insert("made_at".to_owned(), Value::Datetime(clock::stamp()));
            ["on", "minutes", "made_on"].map(|key| table.remove(key)).iter().any(Option::is_some)
        })
    }
}

/// The plan that was made later, or the forgetting of it.
fn merge(ours: &mut Table, theirs: &Table) {
    let made = |table: &Table| {
        let at = table.get("made_at").and_then(Value::as_datetime).map(ToString::to_string);
        at.or_else(|| Some(dates::from_toml(table.get("made_on")?)?.to_string())).unwrap_or_default()
    };
    if made(theirs) > made(ours) {
        for key in ["on", "minutes", "made_on", "made_at"] {
            ours.remove(key);
            ours.extend(theirs.get(key).map(|value| (key.to_owned(), value.clone())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        dates::read(text).unwrap()
    }

    #[test]
    fn a_plan_is_kept_and_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        assert_eq!(Appointment::read(&store).unwrap().value, None);
        let one = Appointment { on: day("2026-12-05"), minutes: 45, made_on: day("2026-11-22") };
        one.keep(&store).unwrap();
        Appointment { minutes: 30, ..one }.keep(&store).unwrap();
        let text = std::fs::read_to_string(dir.path().join("plan.toml")).unwrap();
        assert_eq!(text, "made_at = 2026-11-22T20:30:00Z\nmade_on = 2026-11-22\nminutes = 30\non = 2026-12-05\nversion = 1\n");
        assert_eq!(Appointment::read(&store).unwrap().value, Some(Appointment { minutes: 30, ..one }));
        let mut older = "version = 1\non = 2026-12-01\nminutes = 45\nmade_on = 2026-11-21\n".parse::<Table>().unwrap();
        let newer = text.parse::<Table>().unwrap();
        let mut same = newer.clone();
        merge(&mut same, &older);
        assert_eq!(same, newer, "older never beats newer");
        merge(&mut older, &newer);
        assert_eq!(older, newer);
        assert_eq!([(); 2].map(|()| Appointment::forget(&store).unwrap().value), [true, false]);
        assert_eq!(Appointment::read(&store).unwrap().value, None);
    }

    #[test]
    fn a_plan_that_cannot_be_read_is_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("plan.toml"), "version = 1\non = 'soon'\nminutes = 45\nmade_on = 2026-11-22\n").unwrap();
        let told = Appointment::read(&Store::new(dir.path())).unwrap();
        assert!(
            told.value.is_none() && told.notices[0].contains("`on` is not a date") && told.notices[0].contains("plan.toml.unreadable-1")
        );
    }
}
