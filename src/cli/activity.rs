//! On which days something was done, and how many in a row. A day counts by the calendar of the place where it was spent: see
//! [`dates`](super::dates). Pure.

use super::answers::Answers;
use super::dates::{Now, plus};
use super::progress::Progress;
use super::wrap::columns;
use jiff::civil::{Date, Weekday};
use std::collections::BTreeMap;

/// Weeks of the calendar.
pub const WEEKS: usize = 12;
/// From so many answers and checks on a day is a full one.
const FULL: u64 = 10;

/// What was done on each day: answers and checks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Activity {
    days: BTreeMap<Date, u64>,
    today: Option<Date>,
}

impl Activity {
    /// From all that was answered and checked. What a wrong clock put into the future does not count.
    #[must_use]
    pub fn of(answers: &Answers, progress: &Progress, now: &Now) -> Activity {
        let today = now.today();
        let mut days = BTreeMap::new();
        let answered = answers.all().iter().map(|given| (given.day(now), 1));
        let checked = progress.entries().flat_map(|(_, entry)| entry.checked.iter().map(|(day, n)| (*day, *n)));
        for (day, n) in answered.chain(checked).filter(|(day, _)| *day <= today) {
            *days.entry(day).or_insert(0) += n;
        }
        Activity { days, today: Some(today) }
    }

    /// How much was done on a day.
    #[must_use]
    pub fn on(&self, day: Date) -> u64 {
        self.days.get(&day).copied().unwrap_or(0)
    }

    /// Whether today counts already.
    #[must_use]
    pub fn today_done(&self) -> bool {
        self.today.is_some_and(|today| self.on(today) > 0)
    }

    /// Days in a row up to today; while today is not over, up to yesterday.
    #[must_use]
    pub fn streak(&self) -> u64 {
        let Some(today) = self.today else { return 0 };
        let from = if self.today_done() { today } else { plus(today, -1) };
        (0_i64..).take_while(|n| self.on(plus(from, -n)) > 0).count() as u64
    }

    /// The most days in a row that there were.
    #[must_use]
    pub fn longest(&self) -> u64 {
        let begins = self.days.keys().filter(|day| self.on(plus(**day, -1)) == 0);
        begins.map(|day| (0..).take_while(|n| self.on(plus(*day, *n)) > 0).count() as u64).max().unwrap_or(0)
    }

    /// The days of the last weeks with what was done on them, from a Monday to today.
    #[must_use]
    pub fn last_weeks(&self) -> Vec<(Date, u64)> {
        let Some(today) = self.today else { return Vec::new() };
        let since_monday = i64::from(today.weekday().since(Weekday::Monday));
        let days = since_monday + 7 * (WEEKS as i64 - 1);
        (0..=days).map(|n| plus(today, n - days)).map(|day| (day, self.on(day))).collect()
    }

    /// The last weeks as a calendar: a column is a week, and above the first that holds a month's first days stands its name.
    #[must_use]
    pub fn calendar(&self, ascii: bool) -> String {
        let days = self.last_weeks();
        let marks = if ascii { [".", "o", "#"] } else { ["·", "▪", "■"] };
        let mut months = String::new();
        for (week, (monday, _)) in days.iter().step_by(7).enumerate() {
            if monday.day() <= 7 || (week == 0 && monday.day() <= 14) {
                let column = 7 + 3 * week;
                months.push_str(&" ".repeat(column.saturating_sub(columns(&months))));
                months.push_str(&monday.strftime("%b").to_string());
            }
        }
        let mut text = format!("{}\n", months.trim_end());
        for (weekday, name) in ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].into_iter().enumerate() {
            let row: Vec<&str> =
                days.iter().skip(weekday).step_by(7).map(|(_, n)| marks[usize::from(*n > 0) + usize::from(*n >= FULL)]).collect();
            text.push_str(&format!("  {name} {}\n", row.iter().map(|mark| format!(" {mark}")).collect::<Vec<_>>().join(" ")));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::dates::read;

    fn activity(today: &str, days: &[(&str, u64)]) -> Activity {
        Activity { days: days.iter().map(|(day, n)| (read(day).unwrap(), *n)).collect(), today: read(today) }
    }

    #[test]
    fn a_streak_is_not_broken_by_a_day_that_is_not_over() {
        let days = [("2026-11-18", 1), ("2026-11-20", 3), ("2026-11-21", 1)];
        assert_eq!(activity("2026-11-22", &days).streak(), 2, "today is not done yet");
        assert_eq!(activity("2026-11-23", &days).streak(), 0, "yesterday is over");
        let more = [&days[..], &[("2026-11-22", 1)]].concat();
        assert_eq!((activity("2026-11-22", &more).streak(), activity("2026-11-22", &more).longest()), (3, 3));
        assert_eq!((activity("2026-11-22", &[]).streak(), activity("2026-11-22", &[]).longest()), (0, 0));
        assert_eq!(activity("2026-03-01", &[("2026-02-28", 1), ("2026-03-01", 1)]).streak(), 2);
    }

    #[test]
    fn answers_count_on_their_own_day_and_the_future_does_not() {
        use crate::cli::state::Store;
        let dir = tempfile::tempdir().unwrap();
        let row = |day: &str, second: u64| {
            format!("[[answer]]\ntopic = 'cap'\nquestion = 'q'\nrev = 1\nright = true\nat_unix_s = {second}\n{day}\n")
        };
        // 23:30 in UTC on the 22nd was the 23rd in Tokyo, and is so wherever the learner is now.
        let text = row("day = 2026-11-23", 1_795_390_200) + &row("", 1_795_390_200) + &row("day = 2027-01-01", 1_798_761_600);
        std::fs::write(dir.path().join("quiz.toml"), format!("version = 1\n{text}")).unwrap();
        std::fs::write(dir.path().join("progress.toml"), "version = 1\n[exercises.a.checked]\n2026-11-21 = 4\n").unwrap();
        let store = Store::new(dir.path());
        let (answers, progress) = (Answers::read(&store).unwrap(), Progress::read(&store).unwrap());
        assert_eq!((answers.notices.len(), progress.notices.len()), (0, 0));
        let now = Now::at(1_795_390_200 + 6 * 3_600, jiff::tz::TimeZone::UTC);
        let activity = Activity::of(&answers.value, &progress.value, &now);
        let on = |day| activity.on(read(day).unwrap());
        assert_eq!(["2026-11-21", "2026-11-22", "2026-11-23", "2027-01-01"].map(on), [4, 1, 1, 0]);
        assert_eq!(activity.streak(), 3);
    }

    #[test]
    fn the_calendar() {
        let days = [("2026-09-07", 3), ("2026-10-01", 10), ("2026-11-20", 3), ("2026-11-21", 12), ("2026-11-26", 1)];
        let activity = activity("2026-11-26", &days);
        let lines: Vec<String> = activity.calendar(false).lines().map(|line| format!("|{line}")).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        |       Sep         Oct         Nov
        |  Mon  ▪  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·
        |  Tue  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·
        |  Wed  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·
        |  Thu  ·  ·  ·  ■  ·  ·  ·  ·  ·  ·  ·  ▪
        |  Fri  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ▪
        |  Sat  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ■
        |  Sun  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·
        ");
        assert_eq!(activity.last_weeks().len(), 11 * 7 + 4);
        assert_eq!(activity.calendar(true).matches('#').count(), 2);
    }
}
