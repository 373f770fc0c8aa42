//! Smaller numbers in a run of a storm that breaks a rule: each draw of its dice is tried at less, as long as the same thing is
//! seen and less comes in for it. What is left of a number is the least with which it still breaks: the number itself tells the
//! threshold. Nothing is known here of what a draw means: whatever a run is told is text, and the text is weighed.
//!
//! Integrated shrinking, as in Hypothesis (MacIver & Donaldson 2020, "Test-case reduction via test-case generation"): the draws are
//! changed and not the values, so that a generator can make nothing that it could not have drawn.

use crate::rng::{Dice, Draw, Rng};
use std::cell::RefCell;
use std::fmt::{Debug, Write};
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// So many draws of one event, and so many events, are made smaller at most: of more nobody reads the numbers.
const DRAWS_MAX: usize = 150;
const EVENTS_MAX: usize = 40;
/// A draw of no more than so many numbers is tried at each of them.
const FEW: u64 = 16;
/// How often all draws are gone through: a number is often bounded by another one.
const ROUNDS: usize = 3;
/// Of so many large numbers each two are made smaller together.
const BOTH_MAX: usize = 6;
/// So many numbers are looked at for a contrast; one below this is none that anybody would ask about, except for nothing at all, in whose
/// place so many others are tried.
const CONTRASTS_MAX: usize = 8;
const TELLING: u64 = 3;
const OTHERS: u64 = 8;

/// How much comes in for a run: its steps, the text of what comes in but for the numbers, their digits, all that was drawn, and how
/// long it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Weight {
    steps: u64,
    text: usize,
    digits: usize,
    drawn: u128,
    micros: u64,
}

/// What was noted of one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    /// The draws of each of its dice, as far as they were cast.
    draws: Vec<Vec<Draw>>,
    /// Steps that it made, and when it ended.
    pub steps: u64,
    pub micros: u64,
    /// What came in, as text.
    text: String,
}

impl Noted {
    /// This comes in.
    pub fn comes(&mut self, what: &impl Debug) {
        // Nothing here fails.
        let _ = writeln!(self.text, "{what:?}");
    }

    /// The draws of few numbers of the first dice, and each other number that could have been drawn.
    pub fn choices(&self) -> Vec<(usize, u64)> {
        let draws = self.draws.first().into_iter().flatten().enumerate().filter(|(_, draw)| draw.most < FEW);
        draws.flat_map(|(at, draw)| (0..=draw.most).filter(|other| *other != draw.value).map(move |other| (at, other))).collect()
    }

    fn weight(&self) -> Weight {
        let digits = self.text.bytes().filter(u8::is_ascii_digit).count();
        let drawn = self.draws.iter().flatten().fold(0, |sum: u128, draw| sum.saturating_add(draw.value.into()));
        Weight { steps: self.steps, text: self.text.len() - digits, digits, drawn, micros: self.micros }
    }
}

/// Where a run is noted, if it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notebook(Option<Rc<RefCell<Noted>>>);

impl Notebook {
    /// An empty one.
    pub fn new() -> Self {
        Notebook(Some(Rc::default()))
    }

    /// Whether anything is noted in it.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Notes something.
    pub fn note(&self, note: impl FnOnce(&mut Noted)) {
        if let Some(noted) = &self.0 {
            note(&mut noted.borrow_mut());
        }
    }

    /// The generator of dice. What it has drawn is noted when it is dropped, in a panic, too.
    #[inline]
    pub fn cast(&self, dice: &Dice) -> Cast {
        Cast { rng: dice.rng(self.0.is_some()), book: self.clone() }
    }

    /// What was noted.
    pub fn noted(&self) -> Noted {
        self.0.as_ref().map(|noted| noted.borrow().clone()).unwrap_or_default()
    }
}

/// A generator whose draws are noted.
pub(crate) struct Cast {
    rng: Rng,
    book: Notebook,
}

impl Deref for Cast {
    type Target = Rng;
    #[inline]
    fn deref(&self) -> &Rng {
        &self.rng
    }
}

impl DerefMut for Cast {
    #[inline]
    fn deref_mut(&mut self) -> &mut Rng {
        &mut self.rng
    }
}

impl Drop for Cast {
    #[inline]
    fn drop(&mut self) {
        self.book.note(|noted| noted.draws.push(self.rng.drawn().to_vec()));
    }
}

/// What an attempt is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// Making the numbers smaller. One of more steps than these is heavier in any case, and need not be made to its end.
    Numbers(u64),
    /// Seeing with which nothing is broken: few attempts, whatever the others have cost.
    Contrast,
}

/// What became of a run with other numbers in it.
pub(crate) enum Tried {
    /// The same thing is seen.
    Same(Noted),
    /// Nothing is broken.
    Fine(Noted),
    /// Something else is seen.
    Other,
}

/// A sentence without what depends on its numbers: up to its first pause, without digits, plurals and repetitions.
pub(crate) fn gist(seen: &str) -> String {
    let first = seen.split([';', ':']).next().unwrap_or_default();
    let mut words: Vec<String> = first
        .split([' ', ','])
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().filter(|c| !c.is_ascii_digit()).collect::<String>().trim_end_matches('s').to_owned())
        .collect();
    words.dedup();
    words.join(" ")
}

/// Makes a run with these dice. Behind one door, so that the search is compiled once, and not with each judge.
pub(crate) type Attempt<'a> = &'a mut dyn FnMut(&[Dice], For) -> Option<Tried>;

/// The dice with the least in each draw for which `attempt` says that it is the same, and with which other number nothing is broken, if
/// that was seen. `attempt` gives nothing when the budget is spent.
pub(crate) fn smallest(dice: &[Dice], attempt: Attempt<'_>) -> (Vec<Dice>, Option<String>) {
    let mut search = Search { attempt, best: dice.to_vec(), noted: Noted::default() };
    match (search.attempt)(dice, For::Numbers(u64::MAX)) {
        Some(Tried::Same(noted)) => search.noted = noted,
        _ => return (search.best, None),
    }
    // When the budget is spent, what has been reached is told.
    let _ = search.rounds();
    let contrast = search.contrast();
    (search.best, contrast)
}

/// Whether other numbers are the best so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    Yes,
    No,
    /// The very same comes in: the draw has to do with something else.
    Alike,
}

struct Search<'a> {
    attempt: Attempt<'a>,
    best: Vec<Dice>,
    noted: Noted,
}

impl Search<'_> {
    fn rounds(&mut self) -> Option<()> {
        for round in 0..ROUNDS {
            let before = self.noted.weight();
            // What came last first: it is often drawn near what was there before, and is then a small difference.
            for at in (0..self.best.len().min(EVENTS_MAX)).rev() {
                let mut draw = 0;
                while draw < self.noted.draws.get(at).map_or(0, Vec::len).min(DRAWS_MAX) {
                    self.less(at, draw, round > 0)?;
                    draw += 1;
                }
            }
            self.both()?;
            if self.noted.weight() == before {
                break;
            }
        }
        Some(())
    }

    /// Two large numbers that are only large together, as one has to do with the other: both less by as much.
    fn both(&mut self) -> Option<()> {
        let large = |draw: &Draw| draw.most >= FEW && draw.value >= FEW;
        let places = |(at, draws): (usize, &Vec<Draw>)| {
            draws.iter().enumerate().filter(|(_, draw)| large(draw)).map(|(i, _)| (at, i)).collect::<Vec<_>>()
        };
        let places: Vec<_> = self.noted.draws.iter().enumerate().flat_map(places).take(BOTH_MAX).collect();
        for (i, one) in places.iter().enumerate() {
            for another in &places[..i] {
                let value = |(at, i): (usize, usize)| self.noted.draws.get(at).and_then(|draws| draws.get(i)).map_or(0, |draw| draw.value);
                let (a, b) = (value(*one), value(*another));
                let least = a.min(b);
                if least > 0 {
                    let mut other = self.with(&[*one], a - least);
                    other[another.0] = other[another.0].with(another.1, b - least);
                    self.tries(other)?;
                }
            }
        }
        Some(())
    }

    /// Less in one draw. `again`: it was made less before, and nothing is to be had where a little less and half of it are not.
    fn less(&mut self, at: usize, draw: usize, again: bool) -> Option<()> {
        let Draw { value, most } = self.noted.draws[at][draw];
        if most < FEW {
            for other in (0..=most).filter(|other| *other != value) {
                if self.takes(at, draw, other)? == Taken::Alike {
                    break;
                }
            }
            return Some(());
        }
        if again && value > 1 && self.takes(at, draw, value - 1)? != Taken::Yes && self.takes(at, draw, value / 2)? != Taken::Yes {
            return Some(());
        }
        let value = self.noted.draws[at].get(draw).map_or(0, |draw| draw.value);
        // Upwards from nothing, in ever larger strides, as most thresholds are small; and at powers of two and beside them, as it may be
        // one number alone that breaks it. Then between the last two.
        let (mut holds, mut breaks) = (None, value);
        let powers = (1..64).map(|power| 1_u64 << power);
        for less in
            [0, 1].into_iter().chain(powers.flat_map(|power| [power, power + 1, 2 * (power - 1) + 1])).take_while(|less| *less < value)
        {
            match self.takes(at, draw, less)? {
                Taken::Yes => {
                    breaks = less;
                    break;
                }
                Taken::Alike => return Some(()),
                Taken::No => holds = Some(less),
            }
        }
        let Some(mut holds) = holds else { return Some(()) };
        while breaks - holds > 1 {
            let middle = holds + (breaks - holds) / 2;
            match self.takes(at, draw, middle)? {
                Taken::Yes => breaks = middle,
                _ => holds = middle,
            }
        }
        Some(())
    }

    /// Whether it is the same with this number in the draw's place, and less comes in: then it is the best. A large number that was drawn
    /// in several places (an id that comes again in full) is tried in all of them first.
    fn takes(&mut self, at: usize, draw: usize, value: u64) -> Option<Taken> {
        let twins = self.twins(at, draw);
        if twins.len() > 1 && self.takes_all(&twins, value)? == Taken::Yes {
            return Some(Taken::Yes);
        }
        self.takes_all(&[(at, draw)], value)
    }

    /// The places at which the number of this draw was drawn, if it is a large one.
    fn twins(&self, at: usize, draw: usize) -> Vec<(usize, usize)> {
        let held = self.noted.draws[at].get(draw).map_or(0, |draw| draw.value);
        if held < FEW {
            return vec![(at, draw)];
        }
        let all = self.noted.draws.iter().enumerate().flat_map(|(i, draws)| draws.iter().enumerate().map(move |(j, draw)| ((i, j), draw)));
        all.filter(|(_, draw)| draw.value == held && draw.most >= FEW).map(|(place, _)| place).collect()
    }

    fn takes_all(&mut self, places: &[(usize, usize)], value: u64) -> Option<Taken> {
        self.tries(self.with(places, value))
    }

    fn tries(&mut self, other: Vec<Dice>) -> Option<Taken> {
        Some(match (self.attempt)(&other, For::Numbers(self.noted.steps))? {
            Tried::Same(noted) => {
                let alike = (noted.steps, noted.micros, &noted.text) == (self.noted.steps, self.noted.micros, &self.noted.text);
                match noted.weight() < self.noted.weight() {
                    _ if alike => Taken::Alike,
                    true => {
                        (self.best, self.noted) = (other, noted);
                        Taken::Yes
                    }
                    false => Taken::No,
                }
            }
            _ => Taken::No,
        })
    }

    fn with(&self, places: &[(usize, usize)], value: u64) -> Vec<Dice> {
        let mut other = self.best.clone();
        for (at, draw) in places {
            other[*at] = other[*at].with(*draw, value);
        }
        other
    }

    /// The largest of the numbers that came in, of those with whose neighbour nothing is broken: where its threshold is. Told only as
    /// it was seen.
    fn contrast(&mut self) -> Option<String> {
        let draws = self.noted.draws.iter().enumerate();
        let numbers = draws.flat_map(|(at, draws)| draws.iter().enumerate().map(move |(i, draw)| (draw.value, draw.most, at, i)));
        let mut numbers: Vec<_> = numbers.filter(|(_, most, ..)| *most >= FEW).collect();
        numbers.sort_unstable_by_key(|(value, _, at, draw)| (std::cmp::Reverse(*value), *at, *draw));
        for (value, most, at, draw) in numbers.into_iter().take(CONTRASTS_MAX).filter(|(value, ..)| *value >= TELLING) {
            let Some(below) = self.fine(at, draw, value - 1)? else { continue };
            let above = if value < most { self.fine(at, draw, value + 1)? } else { None };
            match above {
                Some(above) if value >= FEW => return Some(format!("{} or {} in the place of {}", below.1, above.1, below.0)),
                // Of small numbers, one that is equal to another by chance.
                Some(_) => {}
                None => return Some(format!("{} in the place of {}", below.1, below.0)),
            }
        }
        self.nothing_at_all()
    }

    /// Another number in the place of a zero, if nothing is broken with that; of two at least, as one could be equal to something by chance.
    fn nothing_at_all(&mut self) -> Option<String> {
        let draws = self.noted.draws.clone();
        let draws = draws.iter().enumerate().flat_map(|(at, draws)| draws.iter().enumerate().map(move |(i, draw)| (at, i, *draw)));
        let mut seen: Vec<(String, String)> = Vec::new();
        for (at, i, Draw { value, most }) in draws {
            // A number that is drawn near another one is drawn as a choice.
            let others = if most < FEW { 0..=most } else { 1..=OTHERS };
            for other in others.filter(|other| *other != value && (most < FEW || value == 0)) {
                let Some((zero, one)) = self.fine(at, i, other)? else { continue };
                // What stands elsewhere already, on a disk perhaps, could be right by that alone.
                let is_elsewhere = numbers(&one).last().is_some_and(|(_, one)| numbers(&self.noted.text).iter().any(|(_, n)| n == one));
                if is_elsewhere {
                    continue;
                }
                if numbers(&zero).last().is_some_and(|(_, number)| *number == "0") {
                    if let Some((_, first)) = seen.iter().find(|(before, another)| *before == zero && *another != one) {
                        let least = if (first.len(), first) < (one.len(), &one) { first } else { &one };
                        return Some(format!("{least} in the place of {zero}"));
                    }
                    seen.push((zero, one));
                }
            }
        }
        None
    }

    /// If nothing is broken with this number in the draw's place, and what comes in differs in that number alone: how it is written, and the
    /// one in its place. Nothing of one that is already there: it was only equal to it.
    fn fine(&mut self, at: usize, draw: usize, value: u64) -> Option<Option<(String, String)>> {
        let other = self.with(&self.twins(at, draw), value);
        Some(match (self.attempt)(&other, For::Contrast)? {
            Tried::Fine(noted) => differing(&self.noted.text, &noted.text),
            _ => None,
        })
    }
}

/// The number in which two texts differ, as each writes it, if it is one number: `OpId(3)` and `OpId(4)`.
fn differing(text: &str, other: &str) -> Option<(String, String)> {
    let (ours, theirs) = (numbers(text), numbers(other));
    let between = |text: &str, numbers: &[(usize, &str)]| {
        let mut from = 0;
        let mut parts = Vec::new();
        for (at, number) in numbers {
            parts.push(text[from..*at].to_owned());
            from = at + number.len();
        }
        parts.push(text[from..].to_owned());
        parts
    };
    if ours.len() != theirs.len() || between(text, &ours) != between(other, &theirs) {
        return None;
    }
    let mut pairs = ours.iter().zip(&theirs).filter(|(one, another)| one.1 != another.1);
    let (one, another) = pairs.next()?;
    let same = pairs.all(|(a, b)| (a.1, b.1) == (one.1, another.1));
    // Neither was there before, nor is the one there still: what is equal to it would tell the difference.
    let (one, another) = (named(text, one), named(other, another));
    let known = ours.iter().any(|number| named(text, number) == another) || theirs.iter().any(|number| named(other, number) == one);
    (same && !known).then_some((one, another))
}

/// The numbers in a text, and where each stands.
fn numbers(text: &str) -> Vec<(usize, &str)> {
    let starts = text.match_indices(|c: char| c.is_ascii_digit()).map(|(at, _)| at);
    let starts = starts.filter(|at| !text[..*at].ends_with(|c: char| c.is_ascii_digit()));
    starts.map(|at| (at, text[at..].split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default())).collect()
}

/// A number with what its text calls it: `OpId(3)`, `index 3`, `n1: 3`.
fn named(text: &str, (at, number): &(usize, &str)) -> String {
    let before = &text[..*at];
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let alone = text[at + number.len()..].starts_with(')');
    let (before, in_brackets) = match (before.strip_suffix('('), before.strip_suffix(": ")) {
        (Some(before), _) if alone => (before, true),
        (_, Some(before)) => (before, false),
        _ => return (*number).to_owned(),
    };
    let word = &before[before.trim_end_matches(is_word).len()..];
    match in_brackets {
        _ if word.is_empty() || word == "Some" => (*number).to_owned(),
        true => format!("{word}({number})"),
        // A field, or an entry of a map.
        false if word.ends_with(|c: char| c.is_ascii_digit()) => format!("{word}: {number}"),
        false => format!("{word} {number}"),
    }
}

#[cfg(test)]
mod tests;
