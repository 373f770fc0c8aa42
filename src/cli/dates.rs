//! Days as people count them: by the calendar of the place they are in. What was done is stamped with its local day when it is
//! done, so a journey or a changed clock moves nothing afterwards; only what has no day yet is given one by its second.
//! Knows nothing of what happens on a day.

use super::clock;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use toml::Value;
use toml::value::Datetime;

/// The present moment, in the zone of this place.
#[derive(Clone, Debug)]
pub struct Now {
    /// Seconds since 1970.
    pub unix_s: u64,
    zone: TimeZone,
}

impl Now {
    /// By the program's clock.
    #[must_use]
    pub fn here() -> Now {
        Now::at(clock::unix_s(), clock::zone())
    }

    /// A moment in a zone.
    #[must_use]
    pub fn at(unix_s: u64, zone: TimeZone) -> Now {
        Now { unix_s, zone }
    }

    /// Today.
    #[must_use]
    pub fn today(&self) -> Date {
        self.day_of(self.unix_s)
    }

    /// The local day of a second. One that no calendar holds is the last day there is.
    #[must_use]
    pub fn day_of(&self, unix_s: u64) -> Date {
        let second = i64::try_from(unix_s).ok().and_then(|s| Timestamp::from_second(s).ok());
        second.map_or(Date::MAX, |second| second.to_zoned(self.zone.clone()).date())
    }

    /// The local day of a stamp in UTC.
    #[must_use]
    pub fn day_of_stamp(&self, stamp: &Datetime) -> Option<Date> {
        let stamp: Timestamp = stamp.to_string().parse().ok()?;
        Some(stamp.to_zoned(self.zone.clone()).date())
    }

    /// The last second of a local day, whose length is 24 hours but for two days of the year.
    #[must_use]
    pub fn end_of(&self, day: Date) -> u64 {
        let next = day.tomorrow().ok().and_then(|next| next.to_zoned(self.zone.clone()).ok());
        next.and_then(|next| u64::try_from(next.timestamp().as_second() - 1).ok()).unwrap_or(u64::MAX)
    }
}

/// Days from one to another; negative if the other was before.
#[must_use]
pub fn days_between(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |span| i64::from(span.get_days()))
}

/// So many days later, or earlier; at the ends of the calendar it stays there.
#[must_use]
pub fn plus(day: Date, days: i64) -> Date {
    day.saturating_add(days.clamp(-100_000, 100_000).days())
}

/// Reads a day as it is written in TOML and on the command line, `2026-12-05`.
#[must_use]
pub fn read(text: &str) -> Option<Date> {
    let plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    text.parse().ok().filter(|_| plain)
}

/// `Saturday 5 December`.
#[must_use]
pub fn long(day: Date) -> String {
    day.strftime("%A %-d %B").to_string()
}

/// `Sat  5 Dec`.
#[must_use]
pub fn short(day: Date) -> String {
    day.strftime("%a %e %b").to_string()
}

/// A day as TOML has it: a local date, with no zone to be wrong about.
#[must_use]
pub fn to_toml(day: Date) -> Value {
    day.to_string().parse::<Datetime>().map_or_else(|_| day.to_string().into(), Value::Datetime)
}

/// A day from TOML. A date with a time counts by its own date.
#[must_use]
pub fn from_toml(value: &Value) -> Option<Date> {
    match value {
        Value::Datetime(Datetime { date: Some(date), .. }) => read(&date.to_string()),
        Value::String(text) => read(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        read(text).unwrap()
    }

    #[test]
    fn a_second_has_the_day_of_the_place() {
        // 2026-11-22 23:30 in UTC.
        let second = 1_795_390_200;
        let hours = |h| Now::at(second, TimeZone::fixed(jiff::tz::offset(h)));
        assert_eq!([hours(-8), hours(0), hours(9)].map(|now| now.today()), ["2026-11-22", "2026-11-22", "2026-11-23"].map(day));
        assert_eq!(hours(0).end_of(day("2026-11-22")), second + 1_799);
        assert_eq!(hours(0).day_of(u64::MAX), Date::MAX);
    }

    #[test]
    fn days_of_23_and_25_hours_are_one_day_each() {
        let Ok(zone) = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3") else { panic!("a zone") };
        let now = Now::at(0, zone);
        let length = |text| now.end_of(day(text)) - now.end_of(plus(day(text), -1));
        assert_eq!(["2026-03-28", "2026-03-29", "2026-10-25"].map(length), [24 * 3_600, 23 * 3_600, 25 * 3_600]);
        assert_eq!(days_between(day("2026-03-28"), day("2026-03-30")), 2);
    }

    #[test]
    fn days_are_read_and_written() {
        for wrong in ["", "2026-2-5", "05.12.2026", "2026-02-30", "20261205", "2026-12-05T10:00", "tomorrow"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        let saturday = day("2026-12-05");
        assert_eq!((long(saturday), short(saturday)), ("Saturday 5 December".into(), "Sat  5 Dec".into()));
        assert_eq!(from_toml(&to_toml(saturday)), Some(saturday));
        assert_eq!(to_toml(saturday).to_string(), "2026-12-05");
        assert_eq!(days_between(saturday, day("2026-11-22")), -13);
        assert_eq!(days_between(day("2026-11-22"), day("2027-11-22")), 365);
    }
}
