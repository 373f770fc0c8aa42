//! The log as far as it is known, by position: what must be true of a value and its token.

use super::{NEWEST, SAVED, TOKEN, YOURS};
use crate::exercises::read_your_writes::{Key, Position, Value, Write};
use crate::words::shown;
use std::collections::{BTreeMap, BTreeSet};

/// The log. There may be gaps in it: what nobody has spoken of yet.
#[derive(Clone, Default)]
pub(super) struct Known {
    writes: BTreeMap<u64, Write>,
    of: BTreeMap<Key, BTreeSet<u64>>,
}

/// What a node answers, and what it must be measured with.
pub(super) struct Shown {
    pub key: Key,
    /// The client's token.
    pub asked: Position,
    /// What was on the disk when the read came.
    pub low: u64,
    /// What the node has now.
    pub has: u64,
    pub value: Option<Value>,
    pub token: Position,
    /// At the primary: what clients wait for, and is not on its disk.
    pub unsaved: Vec<Write>,
    pub is_primary: bool,
}

impl Known {
    pub fn insert(&mut self, position: u64, write: Write) {
        self.writes.insert(position, write);
        self.of.entry(write.key).or_default().insert(position);
    }

    pub fn get(&self, position: u64) -> Option<Write> {
        self.writes.get(&position).copied()
    }

    /// The position of the last write of a key among the first so many; 0 if there is none.
    pub fn last(&self, key: Key, upto: u64) -> u64 {
        self.of.get(&key).and_then(|of| of.range(..=upto).next_back()).copied().unwrap_or(0)
    }

    /// What so many writes have made of a key.
    pub fn value(&self, key: Key, upto: u64) -> Option<Value> {
        self.get(self.last(key, upto)).map(|write| write.value)
    }

    /// The last write of the key, among the first so many, that stored this; 0 for nothing, as before the first.
    fn origin(&self, key: Key, value: Option<Value>, upto: u64) -> Option<u64> {
        let Some(value) = value else { return Some(0) };
        let of = self.of.get(&key)?;
        of.range(..=upto).rev().copied().find(|at| self.writes[at].value == value)
    }

    /// Which rule an answer breaks, and how: said after "n2 answered …".
    pub fn judge(&self, s: &Shown) -> Option<(&'static str, String)> {
        let Shown { key, asked, low, has, value, token, .. } = s;
        if *has < asked.0 {
            return Some((YOURS, format!("the client's token is {asked:?}, but it has the log up to {:?} alone", Position(*has))));
        }
        let Some(from) = self.origin(*key, *value, *has) else {
            return Some(match value {
                Some(value) if s.unsaved.contains(&Write { key: *key, value: *value }) => {
                    (SAVED, "that write is not on its disk yet".to_owned())
                }
                _ => (NEWEST, format!("no write has stored that: the newest is {}", self.text(*key, *has))),
            });
        };
        let wanted = self.last(*key, asked.0);
        if from < wanted {
            return Some((YOURS, format!("the client's token {asked:?} covers {}", self.text(*key, wanted))));
        }
        let wanted = self.last(*key, *low);
        if from < wanted {
            return Some((NEWEST, format!("it had {} when the read came", self.text(*key, wanted))));
        }
        if token < asked {
            return Some((TOKEN, format!("the client came with {asked:?}: it would go back")));
        }
        if token.0 > *has {
            let (rule, place) = if s.is_primary { (SAVED, "on its disk") } else { (TOKEN, "here") };
            return Some((rule, format!("the log {place} ends at {:?}", Position(*has))));
        }
        let at = self.last(*key, token.0);
        if self.value(*key, token.0) == *value {
            return None;
        }
        let what = if at < from {
            format!("it showed {}, but the token does not cover that: the next read may miss it", self.text(*key, from))
        } else {
            format!("the token says that {} was shown", self.text(*key, at))
        };
        Some((TOKEN, what))
    }

    /// `k1 = v7 (@3)`.
    pub fn text(&self, key: Key, upto: u64) -> String {
        let at = self.last(key, upto);
        match self.get(at) {
            Some(write) => format!("{} ({:?})", shown(&write), Position(at)),
            None => format!("no write of {key:?}"),
        }
    }
}
