//! The two written forms of an event: the notation that people read (`Display`) and the fields of a line that programs
//! read ([`Event::to_fields`], [`Event::from_fields`]). Both are lossless as to what happened; only the second is parsed.

use super::{Event, Lane, Plot, Role, What};
use crate::time::Time;
use crate::words::counted;
use std::fmt;

impl fmt::Display for Event {
    /// `  12    34.567 ms  n2 receives m7 from n1: RequestVote { term: 3 }`; effects are indented under their cause.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indent = if self.what.is_effect() { "  " } else { "" };
        write!(f, "{:>4} {:>14}  {indent}", self.step, self.at.to_string())?;
        if self.lane != Lane::Network {
            write!(f, "{} ", self.lane)?;
        }
        write!(f, "{}", self.what)
    }
}

impl What {
    /// True for what a handler did, false for what caused it to run or what the world did.
    #[must_use]
    pub fn is_effect(&self) -> bool {
        use What::*;
        matches!(
            self,
            Sends { .. }
                | Answers { .. }
                | Saves { .. }
                | Sets { .. }
                | Cancels { .. }
                | Draws { .. }
                | Notes { .. }
                | Prints { .. }
                | Holds { .. }
                | Ends { .. }
                | State { .. }
                | Gives { .. }
                | Plots(_)
                | Loses { .. }
                | Repeats { .. }
        )
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use What::*;
        let ms = |us: &u64| format!("{}.{:03} ms", us / 1_000, us % 1_000);
        match self {
            Starts { again: false, saved } => write!(f, "starts with {saved}"),
            Starts { again: true, saved } => write!(f, "restarts with {saved}"),
            Receives { from, id, text } => write!(f, "receives m{id} from {from}: {text}"),
            Fires { timer } => write!(f, "timer {timer} fires"),
            Asks { to, id, text } => write!(f, "asks {to} (r{id}): {text}"),
            Takes { from, id, text } => write!(f, "takes r{id} from {from}: {text}"),
            Sends { to, id, text } => write!(f, "sends m{id} to {to}: {text}"),
            Answers { to, id, text } => write!(f, "answers {to} (r{id}): {text}"),
            Gets { from, id, text } => write!(f, "gets the answer of {from} to r{id}: {text}"),
            GivesUp { id, text } => write!(f, "gives up on r{id}: {text}"),
            Saves { text } => write!(f, "saves {text}"),
            Sets { timer, after_us } => write!(f, "sets timer {timer} in {}", ms(after_us)),
            Cancels { timer } => write!(f, "cancels timer {timer}"),
            Draws { number, from, to } => write!(f, "drew {number} of {from}..{to}"),
            Notes { text } => write!(f, "notes: {text}"),
            Prints { text } => write!(f, "prints: {text}"),
            Holds { name, promised: true, until_us, .. } => write!(f, "promises lease {name} until {}, by its own clock", ms(until_us)),
            Holds { name, from_us, until_us, .. } => {
                write!(f, "may count on lease {name} from {} to {}, by its own clock", ms(from_us), ms(until_us))
            }
            Ends { name } => write!(f, "is done with lease {name}"),
            State { text } => write!(f, "is now {text}"),
            Loses { to, id } => write!(f, "m{id} to {to} is lost"),
            Repeats { to, id } => write!(f, "m{id} to {to} will arrive twice"),
            Crashes { done, of, for_good } => {
                let tail = if *for_good { ", for good" } else { "" };
                if of == done { write!(f, "crashes{tail}") } else { write!(f, "crashes after {done} of {}{tail}", counted(of, "effect")) }
            }
            Pauses { for_us } => write!(f, "pauses for {}", ms(for_us)),
            Splits { text } => write!(f, "the network splits: {text}"),
            Heals => write!(f, "the network heals"),
            Calls { text } => f.write_str(text),
            Gives { text } => write!(f, "gives {text}"),
            Plots(Plot { name, unit, per_us, values, mark_us }) => {
                let mark = mark_us.map_or_else(String::new, |at| format!(", look at {}", ms(&at)));
                write!(f, "{name} ({}, each {}{mark}): {}", unit.trim(), ms(per_us), numbers(values, " "))
            }
            Folds { steps, cycle: 0, .. } => write!(f, "{} left out", counted(steps, "step")),
            Folds { cycle: 1, times, .. } => write!(f, "the same step {} more", counted(times, "time")),
            Folds { cycle, times, .. } => write!(f, "the same {cycle} steps {} more", counted(times, "time")),
            Breaks { rule, seen } => write!(f, "breaks {rule}: {seen}"),
        }
    }
}

fn numbers(values: &[u64], between: &str) -> String {
    values.iter().map(u64::to_string).collect::<Vec<_>>().join(between)
}

impl Lane {
    /// The lane that `Display` wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Lane> {
        let number = |t: &str| t.parse::<u8>().ok()?.checked_sub(1);
        if let Some(role) = Role::ALL.into_iter().find(|role| role.name() == text) {
            return Some(Lane::Service(role));
        }
        match text.split_at_checked(1)? {
            _ if text == "net" => Some(Lane::Network),
            ("n", rest) => number(rest).map(Lane::Node),
            ("c", rest) => number(rest).map(Lane::Client),
            _ => None,
        }
    }
}

impl Event {
    /// The event as the fields of one line, without escapes: step, time in µs, lane, kind, then what the kind has.
    #[must_use]
    pub fn to_fields(&self) -> Vec<String> {
        use What::*;
        let mut fields = vec![self.step.to_string(), self.at.as_micros().to_string(), self.lane.to_string()];
        let mut add = |kind: &str, rest: &[&dyn fmt::Display]| {
            fields.push(kind.to_owned());
            fields.extend(rest.iter().map(ToString::to_string));
        };
        match &self.what {
            Starts { again, saved } => add("starts", &[again, saved]),
            Receives { from, id, text } => add("receives", &[from, id, text]),
            Fires { timer } => add("fires", &[timer]),
            Asks { to, id, text } => add("asks", &[to, id, text]),
            Takes { from, id, text } => add("takes", &[from, id, text]),
            Sends { to, id, text } => add("sends", &[to, id, text]),
            Answers { to, id, text } => add("answers", &[to, id, text]),
            Gets { from, id, text } => add("gets", &[from, id, text]),
            GivesUp { id, text } => add("gives_up", &[id, text]),
            Saves { text } => add("saves", &[text]),
            Sets { timer, after_us } => add("sets", &[timer, after_us]),
            Cancels { timer } => add("cancels", &[timer]),
            Draws { number, from, to } => add("draws", &[number, from, to]),
            Notes { text } => add("notes", &[text]),
            Prints { text } => add("prints", &[text]),
            Holds { name, promised, from_us, until_us } => add("holds", &[name, promised, from_us, until_us]),
            Ends { name } => add("ends", &[name]),
            State { text } => add("state", &[text]),
            Loses { to, id } => add("loses", &[to, id]),
            Repeats { to, id } => add("repeats", &[to, id]),
            Crashes { done, of, for_good } => add("crashes", &[done, of, for_good]),
            Pauses { for_us } => add("pauses", &[for_us]),
            Splits { text } => add("splits", &[text]),
            Heals => add("heals", &[]),
            Calls { text } => add("calls", &[text]),
            Gives { text } => add("gives", &[text]),
            Plots(Plot { name, unit, per_us, values, mark_us }) => {
                let mark = mark_us.map_or_else(String::new, |at| at.to_string());
                add("plots", &[name, unit, per_us, &numbers(values, ","), &mark]);
            }
            Folds { steps, cycle, times } => add("folds", &[steps, cycle, times]),
            Breaks { rule, seen } => add("breaks", &[rule, seen]),
        }
        fields
    }

    /// Reads what [`Event::to_fields`] wrote; `None` if it is not that.
    #[must_use]
    pub fn from_fields(fields: &[String]) -> Option<Event> {
        use What::*;
        let [step, at, lane, kind, rest @ ..] = fields else { return None };
        let text = |i: usize| rest.get(i).cloned();
        let lane_at = |i: usize| Lane::parse(rest.get(i)?);
        fn num<T: std::str::FromStr>(rest: &[String], i: usize) -> Option<T> {
            rest.get(i)?.parse().ok()
        }
        let what = match kind.as_str() {
            "starts" => Starts { again: num(rest, 0)?, saved: text(1)? },
            "receives" => Receives { from: lane_at(0)?, id: num(rest, 1)?, text: text(2)? },
            "fires" => Fires { timer: text(0)? },
            "asks" => Asks { to: lane_at(0)?, id: num(rest, 1)?, text: text(2)? },
            "takes" => Takes { from: lane_at(0)?, id: num(rest, 1)?, text: text(2)? },
            "sends" => Sends { to: lane_at(0)?, id: num(rest, 1)?, text: text(2)? },
            "answers" => Answers { to: lane_at(0)?, id: num(rest, 1)?, text: text(2)? },
            "gets" => Gets { from: lane_at(0)?, id: num(rest, 1)?, text: text(2)? },
            "gives_up" => GivesUp { id: num(rest, 0)?, text: text(1)? },
            "saves" => Saves { text: text(0)? },
            "sets" => Sets { timer: text(0)?, after_us: num(rest, 1)? },
            "cancels" => Cancels { timer: text(0)? },
            "draws" => Draws { number: num(rest, 0)?, from: num(rest, 1)?, to: num(rest, 2)? },
            "notes" => Notes { text: text(0)? },
            "prints" => Prints { text: text(0)? },
            "holds" => Holds { name: text(0)?, promised: num(rest, 1)?, from_us: num(rest, 2)?, until_us: num(rest, 3)? },
            "ends" => Ends { name: text(0)? },
            "state" => State { text: text(0)? },
            "loses" => Loses { to: lane_at(0)?, id: num(rest, 1)? },
            "repeats" => Repeats { to: lane_at(0)?, id: num(rest, 1)? },
            "crashes" => Crashes { done: num(rest, 0)?, of: num(rest, 1)?, for_good: num(rest, 2)? },
            "pauses" => Pauses { for_us: num(rest, 0)? },
            "splits" => Splits { text: text(0)? },
            "heals" => Heals,
            "calls" => Calls { text: text(0)? },
            "gives" => Gives { text: text(0)? },
            "plots" => {
                let values =
                    text(3)?.split(',').filter(|value| !value.is_empty()).map(|value| value.parse().ok()).collect::<Option<_>>()?;
                let mark_us = if text(4)?.is_empty() { None } else { Some(num(rest, 4)?) };
                Plots(Plot { name: text(0)?, unit: text(1)?, per_us: num(rest, 2)?, values, mark_us })
            }
            "folds" => Folds { steps: num(rest, 0)?, cycle: num(rest, 1)?, times: num(rest, 2)? },
            "breaks" => Breaks { rule: text(0)?, seen: text(1)? },
            _ => return None,
        };
        Some(Event { step: step.parse().ok()?, at: Time::from_micros(at.parse().ok()?), lane: Lane::parse(lane)?, what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Event> {
        use What::*;
        let t = || "Vote { term: 3 }".to_owned();
        let (n2, c1) = (Lane::Node(1), Lane::Client(0));
        let all = vec![
            Starts { again: false, saved: t() },
            Starts { again: true, saved: t() },
            Receives { from: n2, id: 7, text: t() },
            Fires { timer: "Election".into() },
            Asks { to: n2, id: 4, text: t() },
            Takes { from: c1, id: 4, text: t() },
            Sends { to: n2, id: 8, text: t() },
            Answers { to: c1, id: 4, text: t() },
            Gets { from: n2, id: 4, text: t() },
            GivesUp { id: 4, text: t() },
            Saves { text: t() },
            Sets { timer: "Election".into(), after_us: 150_250 },
            Cancels { timer: "Election".into() },
            Notes { text: "tab\there".into() },
            Prints { text: "line\nline".into() },
            State { text: t() },
            Loses { to: n2, id: 8 },
            Repeats { to: n2, id: 8 },
            Crashes { done: 1, of: 3, for_good: false },
            Crashes { done: 0, of: 0, for_good: true },
            Pauses { for_us: 250_000 },
            Splits { text: "n1 n2 | n3".into() },
            Heals,
            Calls { text: t() },
            Gives { text: t() },
            Folds { steps: 24, cycle: 3, times: 8 },
            Breaks { rule: "one_vote".into(), seen: t() },
            Draws { number: 217, from: 150, to: 300 },
            Holds { name: "t5".into(), promised: true, from_us: 1_000, until_us: 401_000 },
            Holds { name: "t5".into(), promised: false, from_us: 0, until_us: 392_000 },
            Ends { name: "t5".into() },
            Plots(Plot { name: "in time".into(), unit: "/s".into(), per_us: 500_000, values: vec![80, 0, 7], mark_us: Some(1_000_000) }),
            Plots(Plot::default()),
        ];
        (1..).zip(all).map(|(step, what)| Event { step, at: Time::from_micros(step * 1_234), lane: Lane::Node(0), what }).collect()
    }

    #[test]
    fn fields_round_trip() {
        for event in samples() {
            assert_eq!(Event::from_fields(&event.to_fields()).as_ref(), Some(&event));
        }
        assert_eq!(Event::from_fields(&["1".into(), "2".into(), "n1".into(), "flies".into()]), None);
    }

    #[test]
    fn the_notation() {
        let text: Vec<String> = samples().iter().map(ToString::to_string).collect();
        assert_eq!(text[2], "   3       3.702 ms  n1 receives m7 from n2: Vote { term: 3 }");
        assert_eq!(text[6], "   7       8.638 ms    n1 sends m8 to n2: Vote { term: 3 }");
        assert_eq!(text[18], "  19      23.446 ms  n1 crashes after 1 of 3 effects");
        assert_eq!(text[27], "  28      34.552 ms    n1 drew 217 of 150..300");
        assert_eq!(text[28], "  29      35.786 ms    n1 promises lease t5 until 401.000 ms, by its own clock");
        assert_eq!(text[31], "  32      39.488 ms    n1 in time (/s, each 500.000 ms, look at 1000.000 ms): 80 0 7");
        assert_eq!(text[29], "  30      37.020 ms    n1 may count on lease t5 from 0.000 ms to 392.000 ms, by its own clock");
    }

    #[test]
    fn lanes_are_counted_from_one_on_the_screen() {
        assert_eq!(Lane::parse("n1"), Some(Lane::Node(0)));
        assert_eq!(Lane::parse("c12"), Some(Lane::Client(11)));
        assert_eq!(Lane::parse("net"), Some(Lane::Network));
        assert!(["", "n", "n0", "x1", "nn"].iter().all(|t| Lane::parse(t).is_none()));
    }
}
