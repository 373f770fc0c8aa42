//! What time it is: the one door through which the program learns it, the zone included. Tests stop the clock at a moment of
//! their choice with `SPLITBRAIN_NOW=2026-11-22T21:30[+01:00]`, which is read here and nowhere else; then it stands still.
//! Knows nothing of what a day is: that is for [`dates`](super::dates). Deadlines of child processes are none of its business:
//! they are spans, not moments, and are measured with `Instant`.

use super::error::{Result, Trouble};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use std::sync::OnceLock;
use std::time::SystemTime;
use toml::value::Datetime;

/// The variable that stops the clock.
const VARIABLE: &str = "SPLITBRAIN_NOW";
/// What it may be, for people.
const EXAMPLE: &str = "2026-11-22T21:30[+01:00]";

/// The moment at which the clock stands, if it was stopped.
static STOPPED: OnceLock<Option<Zoned>> = OnceLock::new();

/// Stops the clock, if the variable says so. To be called once, before anybody asks for the time.
///
/// # Errors
/// A moment that cannot be read.
pub fn start() -> Result<()> {
    let stopped = match std::env::var(VARIABLE) {
        Ok(text) if !text.is_empty() => Some(read(&text).ok_or_else(|| {
            Trouble::usage(format!("{VARIABLE} is `{text}`, which is not a time with a zone; write it like {EXAMPLE}, or unset it"))
        })?),
        _ => None,
    };
    // Whoever asked for the time before has it already.
    let _ = STOPPED.set(stopped);
    Ok(())
}

fn read(text: &str) -> Option<Zoned> {
    text.parse().ok()
}

/// The moment at which it stands; `None` while it goes. In unit tests it always stands.
fn stopped() -> Option<&'static Zoned> {
    STOPPED.get_or_init(|| if cfg!(test) { read(EXAMPLE) } else { None }).as_ref()
}

fn timestamp() -> Timestamp {
    stopped().map_or_else(Timestamp::now, Zoned::timestamp)
}

/// Seconds since 1970.
#[must_use]
pub fn unix_s() -> u64 {
    u64::try_from(timestamp().as_second()).unwrap_or(0)
}

/// Nanoseconds since 1970, as far as they fit: what nobody chose, for a seed.
#[must_use]
pub fn unix_ns() -> u64 {
    timestamp().as_nanosecond() as u64
}

/// The zone of this place.
#[must_use]
pub fn zone() -> TimeZone {
    stopped().map_or_else(TimeZone::system, |moment| moment.time_zone().clone())
}

/// The hour and minute of a second, here.
#[must_use]
pub fn time_of_day(unix_s: u64) -> String {
    let moment = i64::try_from(unix_s).ok().and_then(|second| Timestamp::from_second(second).ok());
    moment.map_or_else(String::new, |moment| moment.to_zoned(zone()).strftime("%H:%M").to_string())
}

/// The moment in UTC as a TOML date and time, to the second.
#[must_use]
pub fn stamp() -> Datetime {
    let text = timestamp().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    text.parse().expect("a date that we have just put together")
}

/// The present as files are stamped with it. Never stopped: cargo compares it with the times of files that it wrote.
#[must_use]
pub fn of_files() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_a_zone() {
        let moment = read(EXAMPLE).unwrap();
        assert_eq!(moment.timestamp().to_string(), "2026-11-22T20:30:00Z");
        assert_eq!((unix_s(), stamp().to_string()), (1_795_379_400, "2026-11-22T20:30:00Z".to_owned()), "it stands still in unit tests");
        assert_eq!(time_of_day(unix_s()), "21:30");
        assert_eq!(zone().to_offset(moment.timestamp()), jiff::tz::offset(1));
        for wrong in ["now", "2026-11-22", "2026-11-22T21:30", "2026-11-22T21:30Z", "2026-02-30T21:30[+01:00]"] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }
}
