//! An interview that was broken off, in `sitting.toml`: what it asks. What was answered stands in `interviews.toml`, by the moment at which
//! it began. So whoever calls the same again goes on where they left, however that came about.

use super::choice::{Choice, Pool};
use super::history::Interview;
use crate::cli::error::Result;
use crate::cli::quiz::session::Ask;
use crate::cli::sittings::Place;
use crate::cli::state::Told;
use toml::{Table, Value};

/// Whoever comes back later than this many seconds begins another one: what was said before is forgotten by then.
pub const GOES_ON_S: u64 = 3 * 24 * 60 * 60;

/// What is left of one.
pub struct Left<'a> {
    /// What it asks, all of it.
    pub choice: Choice<'a>,
    /// What was answered, and when it began.
    pub interview: Interview,
    /// Decides every order.
    pub seed: u64,
}

/// An interview begins.
///
/// # Errors
/// As [`Place::remember`].
pub fn begin(place: &Place, choice: &Choice<'_>, started_unix_s: u64, seed: u64) -> Result<Told<()>> {
    let name = |kind: &str, ask: &Ask<'_>| format!("{kind} {}/{}/{}", ask.topic.id, ask.question.id, ask.question.rev);
    let quick = choice.quick.iter().map(|ask| name("quick", ask));
    let round = choice.round.iter().map(|(topic, round)| format!("round {}/{}/{}", topic.id, round.head.id, round.head.rev));
    let open = choice.open.iter().map(|ask| name("open", ask));
    let case = choice.case.iter().map(|case| format!("case {}", case.id));
    let asks = quick.chain(round).chain(open).chain(case).map(Value::String).collect();
    let mut row = Table::new();
    row.insert("seed".to_owned(), seed.to_string().into());
    row.insert("started_unix_s".to_owned(), started_unix_s.to_string().into());
    row.insert("asks".to_owned(), Value::Array(asks));
    place.remember(row)
}

/// The interview that was broken off there, not long before that moment, if there is one. Another seed than its own asks for another one.
///
/// # Errors
/// As [`Place::remembered`].
pub fn left<'a>(place: &Place, pool: &Pool<'a>, held: &[Interview], seed: Option<u64>, now_unix_s: u64) -> Result<Told<Option<Left<'a>>>> {
    let Told { value: row, notices } = place.remembered()?;
    let left = row.and_then(|row| read(&row, pool, held));
    let recent = |left: &Left<'_>| now_unix_s.saturating_sub(left.interview.started_unix_s) <= GOES_ON_S;
    let value = left.filter(|left| recent(left) && seed.is_none_or(|seed| seed == left.seed));
    Ok(Told { value, notices })
}

/// `None` too where something that was chosen is no longer asked as it was.
fn read<'a>(row: &Table, pool: &Pool<'a>, held: &[Interview]) -> Option<Left<'a>> {
    let number = |key: &str| row.get(key)?.as_str()?.parse::<u64>().ok();
    let (seed, started) = (number("seed")?, number("started_unix_s")?);
    let interview = held.iter().find(|interview| interview.started_unix_s == started && !interview.finished)?.clone();
    let mut choice = Choice { quick: Vec::new(), round: None, open: Vec::new(), case: None };
    for name in row.get("asks")?.as_array()? {
        let (kind, name) = name.as_str()?.split_once(' ')?;
        if kind == "case" {
            choice.case = Some(pool.cases.iter().find(|case| case.id == name)?.clone());
            continue;
        }
        let (name, rev) = name.rsplit_once('/')?;
        let (topic, id) = name.split_once('/')?;
        let rev: u32 = rev.parse().ok()?;
        let (topic, _) = pool.topics.iter().find(|(known, _)| known.id == topic)?;
        let ask =
            || topic.questions.iter().find(|question| question.id == id && question.rev == rev).map(|question| Ask { topic, question });
        match kind {
            "quick" => choice.quick.push(ask()?),
            "open" => choice.open.push(ask()?),
            "round" => choice.round = Some((topic, topic.rounds.iter().find(|round| round.head.id == id && round.head.rev == rev)?)),
            _ => return None,
        }
    }
    Some(Left { choice, interview, seed })
}
