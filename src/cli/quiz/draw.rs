//! Variables of questions, so that none can be learnt by heart: each showing draws their values by a seed, and texts, keys and near misses are
//! written with them.
//!
//! ```text
//! vars  = ["NAME in A..B", "NAME in A..B by STEP", "NAME in V, V, V", "NAME of WORD, WORD", "NAME = EXPRESSION", …]
//! where = "CONDITION"
//! ```
//!
//! Expressions are those of [`expr`](super::expr), with the variables before them. A range has both its ends; `of` draws words, and several `of`
//! the same list draw different ones. In texts `{EXPRESSION}` or `{EXPRESSION:DECIMALS}` is replaced by its value, `{NAME}` also by a word, and
//! `{answer}` by the key; `{{` is a brace. A draw that does not meet `where` is made anew.

use super::expr::{Value, evaluate_with};
use crate::cli::figures::thousands;
use crate::rng::Rng;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Draws until `where` holds; if none of so many does, it is as good as never.
const TRIES: usize = 1_000;
/// A list is no longer.
const MOST: f64 = 100_000.0;
/// Fields whose texts are no texts for people: they name, or are computed.
const AS_THEY_ARE: [&str; 14] =
    ["id", "kind", "vars", "where", "verify", "scenario", "exercise", "rule", "mutant", "breaks", "run", "trace", "url", "tags"];

/// One draw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draw {
    /// Values of variables.
    pub numbers: BTreeMap<String, f64>,
    /// Words of variables.
    pub words: BTreeMap<String, String>,
}

/// Draws the values of variables, beside those that are there.
///
/// # Errors
/// A variable that cannot be read; a condition that no draw meets.
pub fn draw(base: &Draw, vars: &[String], condition: Option<&str>, seed: u64) -> Result<Draw, String> {
    let mut rng = Rng::stream(seed, 17);
    for _ in 0..TRIES {
        let mut draw = base.clone();
        for var in vars {
            draw.one(var, &mut rng).map_err(|why| format!("'{var}': {why}"))?;
        }
        match condition.map_or(Ok(Value::Truth(true)), |condition| evaluate_with(condition, &draw.numbers))? {
            Value::Truth(true) => return Ok(draw),
            Value::Truth(false) => {}
            Value::Number(_) => return Err("'where' is no condition; write one such as \"n > 2 * f\"".to_owned()),
        }
    }
    Err(format!("none of {TRIES} draws meets 'where'; widen the ranges"))
}

impl Draw {
    fn one(&mut self, var: &str, rng: &mut Rng) -> Result<(), String> {
        let name_of = |name: &str| {
            let name = name.trim();
            let fine = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if fine { Ok(name.to_owned()) } else { Err(format!("'{name}' is no name; write letters, digits and _")) }
        };
        if let Some((name, words)) = var.split_once(" of ") {
            let name = name_of(name)?;
            let free: Vec<&str> = words.split(',').map(str::trim).filter(|word| !self.words.values().any(|taken| taken == word)).collect();
            if free.is_empty() || free.contains(&"") {
                return Err("no word is left to draw; list more of them".to_owned());
            }
            let word = free[rng.below(free.len() as u64) as usize];
            self.words.insert(name, word.to_owned());
        } else if let Some((name, values)) = var.split_once(" in ") {
            let name = name_of(name)?;
            let value = match values.split_once("..") {
                Some((from, rest)) => {
                    let (to, step) = rest.split_once(" by ").unwrap_or((rest, "1"));
                    let (from, to, step) = (self.number(from)?, self.number(to)?, self.number(step)?);
                    let count = ((to - from) / step).floor() + 1.0;
                    if !(1.0..=MOST).contains(&count) {
                        return Err(format!("{from}..{to} by {step} has no values, or too many"));
                    }
                    from + step * rng.below(count as u64) as f64
                }
                None => {
                    let all = values.split(',').map(|value| self.number(value)).collect::<Result<Vec<f64>, String>>()?;
                    all[rng.below(all.len() as u64) as usize]
                }
            };
            self.numbers.insert(name, value);
        } else if let Some((name, expression)) = var.split_once('=') {
            let value = self.number(expression)?;
            self.numbers.insert(name_of(name)?, value);
        } else {
            return Err("write \"n in 3..9\", \"n in 1, 2, 5\", \"who of Ana, Ben\" or \"f = (n - 1) / 3\"".to_owned());
        }
        Ok(())
    }

    /// An expression of the variables.
    ///
    /// # Errors
    /// If it is none, or comes to no number.
    pub fn number(&self, expression: &str) -> Result<f64, String> {
        match evaluate_with(expression.trim(), &self.numbers)? {
            Value::Number(number) => Ok(number),
            Value::Truth(_) => Err(format!("'{}' is a condition, and a number belongs here", expression.trim())),
        }
    }

    /// A text with the variables in it.
    ///
    /// # Errors
    /// A brace without its end, an expression that cannot be computed.
    pub fn text(&self, text: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            out.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                out.push_str(brace);
                rest = after;
            } else if brace == "{" {
                let Some(end) = rest.find('}') else { return Err("a '{' without its '}'; a brace itself is written '{{'".to_owned()) };
                out.push_str(&self.placed(&rest[..end])?);
                rest = &rest[end + 1..];
            } else {
                return Err("a '}' without its '{'; a brace itself is written '}}'".to_owned());
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    fn placed(&self, inner: &str) -> Result<String, String> {
        if let Some(word) = self.words.get(inner.trim()) {
            return Ok(word.clone());
        }
        let (expression, decimals) = match inner.rsplit_once(':') {
            Some((expression, decimals)) if decimals.trim().chars().all(|c| c.is_ascii_digit()) && !decimals.trim().is_empty() => {
                (expression, decimals.trim().parse().ok())
            }
            _ => (inner, None),
        };
        Ok(shown(self.number(expression)?, decimals))
    }

    /// Puts the variables into every text of a table that is for people.
    ///
    /// # Errors
    /// The place of a text and what is wrong with it.
    pub fn fill(&self, table: &mut DeTable<'_>) -> Result<(), (std::ops::Range<usize>, String)> {
        for (key, value) in table.iter_mut() {
            if !AS_THEY_ARE.contains(&key.get_ref().as_ref()) {
                self.fill_value(value)?;
            }
        }
        Ok(())
    }

    fn fill_value(&self, value: &mut Spanned<DeValue<'_>>) -> Result<(), (std::ops::Range<usize>, String)> {
        let span = value.span();
        match value.get_mut() {
            DeValue::String(text) => {
                let filled = self.text(text).map_err(|why| (span, why))?;
                *text = filled.into();
            }
            DeValue::Array(items) => items.iter_mut().try_for_each(|item| self.fill_value(item))?,
            DeValue::Table(table) => self.fill(table)?,
            _ => {}
        }
        Ok(())
    }
}

/// A number as it stands in a text: `12,000`, `0.25`, with so many decimals if that is asked for.
#[must_use]
pub fn shown(number: f64, decimals: Option<usize>) -> String {
    let text = match decimals {
        Some(decimals) => format!("{number:.decimals$}"),
        None => {
            // What arithmetic leaves behind the twelfth digit is no part of it.
            let rounded = format!("{number:.9}");
            rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    };
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("−", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, String::new()), |(whole, fraction)| (whole, format!(".{fraction}")));
    let whole = match whole.parse::<u64>() {
        Ok(n) if n >= 1_000 => thousands(n),
        _ => whole.to_owned(),
    };
    format!("{sign}{whole}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn vars(vars: &[&str]) -> Vec<String> {
        vars.iter().map(|var| (*var).to_owned()).collect()
    }

    #[test]
    fn one_seed_gives_one_draw_and_many_give_them_all() {
        let of = |seed| {
            draw(&Draw::default(), &vars(&["n in 3..9", "w in 2..n by 2", "d in 100, 250", "f = (n - 1) / 2"]), Some("w > 2"), seed)
                .unwrap()
        };
        assert_eq!(of(5), of(5));
        let all: Vec<Draw> = (0..500).map(of).collect();
        let seen = |name: &str| all.iter().map(|draw| draw.numbers[name].to_string()).collect::<BTreeSet<_>>();
        assert_eq!(seen("n").len(), 6, "3 leaves nothing for w");
        assert_eq!((seen("w").len(), seen("d").len()), (3, 2));
        assert!(all.iter().all(|draw| draw.numbers["f"] * 2.0 + 1.0 == draw.numbers["n"] && draw.numbers["w"] <= draw.numbers["n"]));
    }

    #[test]
    fn words_are_different_ones() {
        for seed in 0..50 {
            let draw = draw(&Draw::default(), &vars(&["a of Ana, Ben", "b of Ana, Ben"]), None, seed).unwrap();
            assert_ne!(draw.words["a"], draw.words["b"]);
        }
        assert!(draw(&Draw::default(), &vars(&["a of Ana", "b of Ana"]), None, 1).unwrap_err().contains("no word is left"));
    }

    #[test]
    fn texts_are_written_with_them() {
        let draw = Draw {
            numbers: [("n".to_owned(), 12_000.0), ("p".to_owned(), 0.125)].into(),
            words: [("who".to_owned(), "Ana".to_owned())].into(),
        };
        let text = draw.text("{who} sends {n} calls, {n / 7:1} a second; {{who}} is {p} or {p * 100} %, {0 - n}").unwrap();
        assert_eq!(text, "Ana sends 12,000 calls, 1,714.3 a second; {who} is 0.125 or 12.5 %, −12,000");
        for (bad, why) in [("{n", "without its '}'"), ("n}", "without its '{'"), ("{m}", "m"), ("{n > 1}", "is a condition")] {
            assert!(draw.text(bad).unwrap_err().contains(why), "{bad}: {:?}", draw.text(bad));
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_said() {
        let why = |var: &str, condition| draw(&Draw::default(), &vars(&[var]), condition, 1).unwrap_err();
        assert!(why("n", None).contains("write \"n in 3..9\""));
        assert!(why("n in 5..3", None).contains("has no values"));
        assert!(why("2n in 1..3", None).contains("is no name"));
        assert!(why("n in 1..3", Some("n > 3")).contains("none of 1000 draws"));
        assert!(why("n in 1..3", Some("n + 1")).contains("is no condition"));
    }
}
