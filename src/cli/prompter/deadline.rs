//! The clock of a timed talk, as it stands above each question. Pure: whoever asks says what time it is.

use crate::cli::figures::plural;

/// Until when there is time, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// For what is being talked about.
    pub stage_unix_s: Option<u64>,
    /// For all of it.
    pub all_unix_s: u64,
}

impl Deadline {
    /// `[4 minutes left of this stage, 38 of the interview]`.
    #[must_use]
    pub fn said(&self, now_unix_s: u64) -> String {
        let all = left(self.all_unix_s, now_unix_s);
        let said = match (self.stage_unix_s.map(|until| left(until, now_unix_s)), all) {
            (None, all) => in_words(all, ""),
            // Of the rest the number is enough.
            (Some(stage), all) if stage > 0 && all > 0 => format!("{} left of this stage, {all} of the interview", minutes(stage)),
            (Some(stage), all) => format!("{}, {}", in_words(stage, " of this stage"), in_words(all, " of the interview")),
        };
        format!("[{said}]")
    }
}

/// Minutes that are left, a begun one as a whole; after the time those that are over it, as a negative number.
fn left(until: u64, now: u64) -> i64 {
    let whole = |seconds: u64| i64::try_from(seconds.div_ceil(60)).unwrap_or(i64::MAX);
    if until > now { whole(until - now) } else { -whole(now - until) }
}

fn minutes(count: i64) -> String {
    plural(count.unsigned_abs(), "minute", "minutes")
}

fn in_words(left: i64, of: &str) -> String {
    match left {
        0 => format!("no time left{of}"),
        1.. => format!("{} left{of}", minutes(left)),
        _ => format!("{} over the time{of}", minutes(left)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_said_in_minutes() {
        let of = |stage, now| Deadline { stage_unix_s: stage, all_unix_s: 3_000 }.said(now);
        assert_eq!(of(None, 0), "[50 minutes left]");
        assert_eq!(of(None, 2_999), "[1 minute left]");
        assert_eq!(of(None, 3_000), "[no time left]");
        assert_eq!(of(None, 3_001), "[1 minute over the time]");
        assert_eq!(of(Some(300), 0), "[5 minutes left of this stage, 50 of the interview]");
        assert_eq!(of(Some(300), 301), "[1 minute over the time of this stage, 45 minutes left of the interview]");
        assert_eq!(of(Some(300), 3_300), "[50 minutes over the time of this stage, 5 minutes over the time of the interview]");
    }
}
