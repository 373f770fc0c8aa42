//! Days as people count them: by the calendar of the place they are in, and until four in the morning, for an evening may be
//! long: what is done at one o'clock belongs to the day before. What was done is stamped with its local day when it is
//! done, so a journey or a changed clock moves nothing afterwards; only what has no day yet is given one by its second.
//! Knows nothing of what happens on a day.

use super::clock;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use toml::Value;
use toml::value::Datetime;

/// The hour of the morning at which a day begins.
const BEGINS_AT: i64 = 4;

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

    /// What tells its zone from others.
    #[must_use]
    pub fn zone_name(&self) -> String {
        self.zone.iana_name().map_or_else(|| format!("{:?}", self.zone).replace('\n', " "), str::to_owned)
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
        second.map_or(Date::MAX, |second| self.day_at(second))
    }

    fn day_at(&self, moment: Timestamp) -> Date {
        moment.to_zoned(self.zone.clone()).datetime().saturating_sub(BEGINS_AT.hours()).date()
    }

    /// The local day of a stamp in UTC.
    #[must_use]
    pub fn day_of_stamp(&self, stamp: &Datetime) -> Option<Date> {
        let stamp: Timestamp = stamp.to_string().parse().ok()?;
        Some(self.day_at(stamp))
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
        let days = [-8, 0, 4, 5, 9].map(|h| hours(h).today());
        assert_eq!(days, ["2026-11-22", "2026-11-22", "2026-11-22", "2026-11-23", "2026-11-23"].map(day));
        assert_eq!(hours(0).day_of(u64::MAX), Date::MAX);
    }

    #[test]
    fn a_day_ends_at_four_in_the_morning() {
        let Ok(zone) = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3") else { panic!("a zone") };
        let on = |text: &str| {
            let second = text.parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone.clone()).unwrap().timestamp().as_second();
            let now = Now::at(second as u64, zone.clone());
            let stamp = Timestamp::from_second(second).unwrap().to_string().parse().unwrap();
            assert_eq!(Some(now.today()), now.day_of_stamp(&stamp), "{text}");
            now.today()
        };
        // An evening of any date, a leap day, the end of a year, and the two nights of 23 and 25 hours.
        for (before, after) in [
            ("2026-11-22", "2026-11-23"),
            ("2028-02-29", "2028-03-01"),
            ("2026-12-31", "2027-01-01"),
            ("2026-03-28", "2026-03-29"),
            ("2026-10-24", "2026-10-25"),
        ] {
            assert_eq!(["23:59", "04:00"].map(|time| on(&format!("{before}T{time}"))), [day(before); 2]);
            assert_eq!(["00:00", "03:59"].map(|time| on(&format!("{after}T{time}"))), [day(before); 2]);
            assert_eq!(["04:00", "11:00"].map(|time| on(&format!("{after}T{time}"))), [day(after); 2]);
        }
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
