//! Numbers that were drawn, such as ids of 64 bits, in short: nobody reads all of their digits. Where a run is told, not where it is kept.

use super::{Trace, What};

/// A number of so many digits was drawn.
const DRAWN: usize = 12;
/// A number that is nearer than this to the end of a type is no draw: its digits say where it comes from.
const AT_AN_END: u128 = 1_000;

/// The text; of numbers that were drawn the first three digits and the last three.
#[must_use]
pub fn short_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(from) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits = rest[from..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - from);
        let (before, behind) = (&rest[..from], &rest[from + digits..]);
        let number = &rest[from..from + digits];
        out.push_str(before);
        if digits >= DRAWN && !is_at_an_end(number) && !has_a_point(&out, behind) {
            out.push_str(&format!("{}…{}", &number[..3], &number[digits - 3..]));
        } else {
            out.push_str(number);
        }
        rest = behind;
    }
    out + rest
}

/// Whether a decimal point stands before or behind a number: it was measured, and not drawn.
fn has_a_point(before: &str, behind: &str) -> bool {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let fraction = before.strip_suffix('.').is_some_and(|whole| is_digit(whole.chars().next_back()));
    fraction || behind.strip_prefix('.').is_some_and(|fraction| is_digit(fraction.chars().next()))
}

/// Whether it is the largest of a type, or a power of ten, or nearly so.
fn is_at_an_end(number: &str) -> bool {
    let Ok(number) = number.parse::<u128>() else { return false };
    let ends = [1 << 63, 1 << 64, 1 << 53].into_iter().chain((12..20).map(|n| 10_u128.pow(n)));
    ends.into_iter().any(|end: u128| number.abs_diff(end) < AT_AN_END)
}

impl Trace {
    /// The run with its numbers in short.
    #[must_use]
    pub fn in_short(&self) -> Trace {
        let mut told = self.clone();
        for event in &mut told.events {
            if let Some(text) = event.what.text() {
                *text = short_numbers(text);
            }
        }
        told
    }
}

impl What {
    /// What is said in it, to be told otherwise.
    fn text(&mut self) -> Option<&mut String> {
        match self {
            What::Starts { saved: text, .. }
            | What::Receives { text, .. }
            | What::Fires { timer: text }
            | What::Asks { text, .. }
            | What::Takes { text, .. }
            | What::Sends { text, .. }
            | What::Answers { text, .. }
            | What::Gets { text, .. }
            | What::GivesUp { text, .. }
            | What::Saves { text }
            | What::Sets { timer: text, .. }
            | What::Cancels { timer: text }
            | What::Notes { text }
            | What::Prints { text }
            | What::Holds { name: text, .. }
            | What::Ends { name: text }
            | What::State { text }
            | What::Splits { text }
            | What::Calls { text }
            | What::Gives { text }
            | What::Breaks { seen: text, .. } => Some(text),
            What::Draws { .. }
            | What::Loses { .. }
            | What::Repeats { .. }
            | What::Crashes { .. }
            | What::Pauses { .. }
            | What::Heals
            | What::Plots(_)
            | What::Folds { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;
    use crate::trace::{Event, Lane};

    #[test]
    fn drawn_numbers_have_six_digits_and_others_all_of_theirs() {
        assert_eq!(short_numbers("x17898599938408075964, id: 15615969885001793461"), "x178…964, id: 156…461");
        for whole in [
            "12345678901 of 7",
            "18446744073709551615",
            "9223372036854775806",
            "1000000000000",
            "18446744073709551615.615 ms",
            "0.3333333333333333",
            "178985999384.080 ms",
        ] {
            assert_eq!(short_numbers(whole), whole);
        }
    }

    #[test]
    fn a_run_is_told_in_short_and_stays_what_it_is() {
        let event = |what| Event { step: 1, at: Time::ZERO, lane: Lane::Node(1), what };
        let saves = |text: &str| event(What::Saves { text: text.into() });
        let trace = Trace { events: vec![saves("Row 17898599938408075964"), event(What::Heals)], ..Trace::default() };
        assert_eq!(trace.in_short().events, [saves("Row 178…964"), event(What::Heals)]);
        assert_eq!(trace.events[0], saves("Row 17898599938408075964"));
    }
}
