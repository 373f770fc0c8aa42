//! What one general has heard of each battle, and what follows from it: whose words count, and for what. Kept by the ghost of a node; the random runs
//! tell from it what each had.
//!
//! Where the contract leaves a choice there are several values: what came before the battle had begun, or within [`GRACE`] after a round's
//! end, may count or not.

use crate::exercises::byzantine_generals::{GRACE, Message, Order, ROUND};
use crate::sim::{NodeId, Ticket};
use crate::time::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A message as it came.
#[derive(Clone)]
pub(super) struct Word {
    pub from: NodeId,
    /// In whose name.
    pub by: NodeId,
    pub is_order: bool,
    pub order: Order,
    pub at: Time,
    pub step: u64,
    /// Before the battle had begun here.
    pub early: bool,
}

/// What a vote may be; `None` while it may still come.
pub(super) type Votes = Vec<Option<Order>>;

/// A battle as one general sees it.
#[derive(Clone)]
pub(super) struct Battle {
    pub ticket: Ticket,
    pub since: Time,
    pub step: u64,
    pub commander: NodeId,
    /// The commander's own order.
    pub given: Option<Order>,
    pub words: Vec<Word>,
    /// What this node has told each of the others, and in which step.
    pub told: BTreeMap<NodeId, (Order, u64)>,
    pub decided: Option<(Order, u64)>,
    /// It is over, and nothing was overdue.
    pub settled: bool,
}

/// One way to count that is wrong.
#[derive(Clone, Copy, Default)]
pub(super) struct How {
    pub late: bool,
    pub last: bool,
    pub names: bool,
    pub strict: bool,
    pub kinds: bool,
    pub everywhere: bool,
    pub each: bool,
    pub present: bool,
}

#[derive(Clone)]
pub(super) struct Book {
    pub me: NodeId,
    pub generals: [NodeId; 4],
    pub battles: BTreeMap<u64, Battle>,
    early: BTreeMap<u64, Vec<Word>>,
}

impl Battle {
    /// One that begins now.
    pub fn new(ticket: Ticket, since: Time, step: u64, commander: NodeId, given: Option<Order>) -> Self {
        let (words, told) = (Vec::new(), BTreeMap::new());
        Battle { ticket, since, step, commander, given, words, told, decided: None, settled: false }
    }

    /// The end of the round in which this general's word must come.
    pub fn end(&self, general: NodeId) -> Time {
        self.since + if general == self.commander { ROUND } else { ROUND * 2 }
    }

    /// What counts of a general without a doubt, what may count as it came early, and what as it came within the grace.
    fn heard(&self, general: NodeId) -> [Option<Order>; 3] {
        let end = self.end(general);
        let is_word = |w: &&Word| w.from == general && w.is_order == (general == self.commander);
        let first = |fits: &dyn Fn(&Word) -> bool| self.words.iter().filter(is_word).find(|w| fits(w)).map(|w| w.order);
        [first(&|w| !w.early && w.at < end), first(&|w| w.early), first(&|w| !w.early && (end..=end + GRACE).contains(&w.at))]
    }

    /// What the vote of a general may be at this time.
    pub fn vote(&self, general: NodeId, now: Time) -> Votes {
        if general == self.commander {
            if let Some((told, _)) = self.told.values().next() {
                return vec![Some(*told)];
            }
            if now > self.end(general) + GRACE {
                // Whatever it was, nobody was told.
                return vec![self.heard(general)[0].or(Some(Order::Retreat))];
            }
        }
        let [certain, early, grace] = self.heard(general);
        let missing = if now < self.end(general) { None } else { Some(Order::Retreat) };
        let mut votes = vec![certain.or(missing)];
        votes.extend(early.map(Some));
        votes.extend(grace.filter(|_| certain.is_none()).map(Some));
        votes
    }

    /// The order that came in time for certain.
    pub fn ordered(&self) -> Option<Order> {
        self.heard(self.commander)[0]
    }

    /// What may be relayed now as the commander's word.
    pub fn relays(&self, now: Time) -> BTreeSet<Order> {
        self.vote(self.commander, now).into_iter().flatten().collect()
    }
}

/// What two of three say, else Retreat; `None` while what is still to come can change it.
pub(super) fn majority(votes: [Option<Order>; 3]) -> Option<Order> {
    let [a, b, c] = votes;
    match votes {
        _ if a.is_some() && (a == b || a == c) => a,
        _ if b.is_some() && b == c => b,
        [Some(_), Some(_), Some(_)] => Some(Order::Retreat),
        _ => None,
    }
}

impl Book {
    pub fn new(me: NodeId, generals: [NodeId; 4]) -> Self {
        Book { me, generals, battles: BTreeMap::new(), early: BTreeMap::new() }
    }

    pub fn begins(&mut self, number: u64, battle: Battle) {
        let words = self.early.remove(&number).unwrap_or_default();
        self.battles.insert(number, Battle { words, ..battle });
    }

    /// A message came.
    pub fn hears(&mut self, from: NodeId, message: &Message, at: Time, step: u64) {
        let is_order = matches!(message, Message::Order { .. });
        let (Message::Order { battle, by, order } | Message::Relay { battle, by, order }) = message;
        let word = Word { from, by: *by, is_order, order: *order, at, step, early: false };
        match self.battles.get_mut(battle) {
            Some(state) => state.words.push(word),
            None => self.early.entry(*battle).or_default().push(Word { early: true, ..word }),
        }
    }

    /// The two lieutenants beside this one.
    pub fn others(&self, battle: &Battle) -> impl Iterator<Item = NodeId> {
        let (me, commander) = (self.me, battle.commander);
        self.generals.into_iter().filter(move |g| *g != me && *g != commander)
    }

    /// Whose votes decide here.
    pub fn voters(&self, battle: &Battle) -> [NodeId; 3] {
        let mut others = self.others(battle);
        [battle.commander, others.next().unwrap_or(self.me), others.next().unwrap_or(self.me)]
    }

    /// What may be decided at this time.
    pub fn decisions(&self, battle: &Battle, now: Time) -> BTreeSet<Order> {
        let [a, b, c] = self.voters(battle).map(|general| battle.vote(general, now));
        let all = a.iter().flat_map(|x| b.iter().map(move |y| (x, y))).flat_map(|(x, y)| c.iter().map(move |z| [*x, *y, *z]));
        all.filter_map(majority).collect()
    }

    /// What a node would decide that counts like this.
    pub fn wrongly(&self, battle: &Battle, how: How) -> Vec<Order> {
        let own: Vec<&Word> = battle.words.iter().collect();
        let everywhere: Vec<&Word> = self.battles.values().flat_map(|b| &b.words).collect();
        let words = if how.everywhere { everywhere } else { own };
        let of = |general: NodeId| {
            let end = battle.end(general);
            let fits = |w: &&&Word| {
                (if how.names { w.by } else { w.from }) == general
                    && !(how.strict && w.by != w.from)
                    && (how.kinds || w.is_order == (general == battle.commander))
                    && (how.late || how.everywhere || !w.early && w.at < end)
            };
            let mut fitting = words.iter().filter(fits).map(|w| w.order);
            if how.last { fitting.next_back() } else { fitting.next() }
        };
        let votes = self.voters(battle).map(of);
        if how.each {
            let mut tally: BTreeMap<Order, usize> = BTreeMap::new();
            battle.words.iter().filter(|w| !w.early).for_each(|w| *tally.entry(w.order).or_default() += 1);
            return most(&tally);
        }
        if how.present && votes.contains(&None) {
            let mut tally: BTreeMap<Order, usize> = BTreeMap::new();
            votes.iter().flatten().for_each(|order| *tally.entry(*order).or_default() += 1);
            return most(&tally);
        }
        majority(votes.map(|vote| vote.or(Some(Order::Retreat)))).into_iter().collect()
    }

    /// What it had of each, as a sentence: `Attack(4) from the commander n1, Retreat from n3 and nothing in time from n4`.
    pub fn story(&self, battle: &Battle) -> String {
        let [a, b, c] = self.voters(battle).map(|general| {
            let end = battle.end(general);
            let who = if general == battle.commander { commander(general) } else { name(general) };
            let mut words = battle.words.iter().filter(|w| w.from == general);
            let counted = battle.heard(general)[0];
            let aside: Vec<String> = words.by_ref().filter_map(|w| aside(w, general == battle.commander, end, counted)).collect();
            let aside = if aside.is_empty() { String::new() } else { format!(" ({})", aside.join(", ")) };
            let what = counted.map_or_else(|| "nothing that counts".to_owned(), |order| format!("{order:?}"));
            format!("{what} from {who}{aside}")
        });
        format!("{a}, {b} and {c}")
    }

    /// The steps in which the words of a battle came.
    pub fn marks(&self, battle: &Battle) -> Vec<u64> {
        battle.words.iter().map(|w| w.step).collect()
    }
}

/// `the commander n1`; `the commander (the traitor)`.
fn commander(general: NodeId) -> String {
    if general.role().is_some() { format!("the commander (the {general})") } else { format!("the commander {general}") }
}

/// `n1`; `the traitor`.
pub(super) fn name(general: NodeId) -> String {
    if general.role().is_some() { format!("the {general}") } else { general.to_string() }
}

/// `0.1 ms`.
pub(super) fn ms(span: Duration) -> String {
    format!("{:.1} ms", span.as_micros() as f64 / 1e3)
}

fn most(tally: &BTreeMap<Order, usize>) -> Vec<Order> {
    let most = tally.values().max().copied().unwrap_or(0);
    tally.iter().filter(|(_, n)| **n == most).map(|(order, _)| *order).collect()
}

/// What is to be said of a word that does not count, or of one in another's name.
fn aside(word: &Word, is_commander: bool, end: Time, counted: Option<Order>) -> Option<String> {
    let order = word.order;
    if word.is_order != is_commander {
        let kind = if word.is_order { "an Order" } else { "a Relay" };
        return Some(format!("{kind} of {order:?}, which is not the kind that it sends"));
    }
    if word.early {
        return Some(format!("{order:?} before the battle had begun"));
    }
    if word.at >= end {
        let late = if word.at == end {
            "exactly when the round was over".to_owned()
        } else {
            format!("{} after the round's end", ms(word.at.since(end)))
        };
        return Some(format!("{order:?} came {late}"));
    }
    if word.by != word.from {
        return Some(format!("{order:?} in the name of {}", word.by));
    }
    (Some(order) != counted).then(|| format!("{order:?} after that"))
}
