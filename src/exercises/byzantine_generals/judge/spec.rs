//! What one node of `byzantine_generals` may do: its ghost, kept from what others can observe. It is held to what has come in, by whom and when. Relaying
//! at once or at the round's end, saying Retreat for silence or nothing, saying it again, deciding as soon as nothing can change it: all
//! are allowed. What could come in is in `inputs`.

use super::book::{Battle, Book, How, ms};
use super::rules::{APART, LATE, MAJORITY, MISSING, RELAYS, ROUNDS, SENDERS, TELLS};
use crate::exercises::byzantine_generals::{ByzantineGenerals, GRACE, Message, Order, ROUND, Request, Response};
use crate::rule::{Broken, Check, Coverage};
use crate::sim::{Cause, Effect, NodeId, Seen, Spec};
use crate::time::Time;
use std::collections::{BTreeMap, BTreeSet};

/// What is met, for `must_meet`.
pub(super) const DECIDED: &str = "decisions of lieutenants";
pub(super) const COMMANDED: &str = "decisions of commanders";
pub(super) const NO_MAJORITY: &str = "decisions without a majority";
pub(super) const SILENT: &str = "decisions with a vote missing";
pub(super) const LATE_WORDS: &str = "words that came late";
pub(super) const AGAIN: &str = "second words of one general";
pub(super) const CLAIMED: &str = "words in another's name";
pub(super) const EARLY: &str = "words before their battle";
pub(super) const AT_ONCE: &str = "battles that overlap";

fn battle_of(message: &Message) -> &u64 {
    let (Message::Order { battle, .. } | Message::Relay { battle, .. }) = message;
    battle
}

/// The ghost of one node.
#[derive(Clone)]
pub(super) struct Ghost {
    pub book: Book,
    pub around: super::inputs::Surroundings,
    met: BTreeMap<&'static str, u64>,
}

impl Ghost {
    pub fn new(me: NodeId, generals: [NodeId; 4]) -> Self {
        Ghost { book: Book::new(me, generals), around: super::inputs::Surroundings::default(), met: BTreeMap::new() }
    }

    fn meets(&mut self, what: &'static str, so: bool) {
        *self.met.entry(what).or_default() += u64::from(so);
    }

    /// Adds what it has met.
    pub fn counts(&self, coverage: &mut Coverage) {
        self.met.iter().for_each(|(name, n)| coverage.add(name, *n));
    }

    fn comes(&mut self, seen: &Seen<'_, ByzantineGenerals>) {
        if let Some((ticket, Request::Battle { number, commander, order })) = seen.request() {
            let open = self.book.battles.values().any(|battle| battle.decided.is_none());
            self.meets(AT_ONCE, open);
            let battle = Battle::new(ticket, seen.now, seen.number, *commander, *order);
            self.book.begins(*number, battle);
        }
        if let Some((from, message)) = seen.message() {
            let (Message::Order { battle, by, .. } | Message::Relay { battle, by, .. }) = message;
            if let Some(battle) = self.book.battles.get(battle) {
                let late = seen.now >= battle.end(from);
                let again = battle.words.iter().any(|w| w.from == from && w.is_order == matches!(message, Message::Order { .. }));
                self.meets(LATE_WORDS, late);
                self.meets(AGAIN, again);
                self.meets(CLAIMED, *by != from);
            }
            let early = !self.book.battles.contains_key(battle_of(message));
            self.meets(EARLY, early);
            self.book.hears(from, message, seen.now, seen.number);
        }
    }

    fn sends(&mut self, to: NodeId, message: &Message, seen: &Seen<'_, ByzantineGenerals>) -> Check {
        let me = self.book.me;
        let (number, by, order) = match message {
            Message::Order { battle, by, order } | Message::Relay { battle, by, order } => (*battle, *by, *order),
        };
        let broken = |rule, seen_: String, marks: Vec<u64>| Err(Broken::new(rule, seen_).at(marks).at([seen.number]));
        let Some(battle) = self.book.battles.get(&number) else {
            let said = format!("{me} sent {to} {message:?}, but battle {number} has not begun here");
            return broken(APART, said, Vec::new());
        };
        let is_order = matches!(message, Message::Order { .. });
        if by != me {
            return broken(if is_order { TELLS } else { RELAYS }, format!("{me} sent {to} {message:?}, in the name of {by}"), Vec::new());
        }
        if battle.commander == me {
            if battle.given != Some(order) {
                let given = battle.given.unwrap_or_default();
                let said = format!("{me} commands in battle {number} and was given {given:?}, but it told {to} {order:?}");
                return broken(TELLS, said, vec![battle.step]);
            }
        } else if is_order {
            let said = format!("{me} sent {to} {message:?}, but {} commands in battle {number}", battle.commander);
            return broken(RELAYS, said, vec![battle.step]);
        } else if !battle.relays(seen.now).contains(&order) {
            return self.false_relay(number, battle, to, order, seen);
        }
        if is_order || battle.commander != me {
            let told = (order, seen.number);
            self.book.battles.get_mut(&number).map(|battle| battle.told.entry(to).or_insert(told));
        }
        Ok(())
    }

    /// Which rule it breaks to relay what the commander did not say.
    fn false_relay(&self, number: u64, battle: &Battle, to: NodeId, order: Order, seen: &Seen<'_, ByzantineGenerals>) -> Check {
        let (me, commander) = (self.book.me, battle.commander);
        let told = |text: &str| format!("{me} relayed {order:?} to {to} as the word of {commander} in battle {number}, {text}");
        let marks = |steps: Vec<u64>| [steps, vec![seen.number]].concat();
        if let Some((whom, (before, step))) = battle.told.iter().next() {
            let said = told(&format!("and had relayed {before:?} to {whom}"));
            return Err(Broken::new(RELAYS, said).at(marks(vec![*step])));
        }
        let mut same = battle.words.iter().filter(|w| w.order == order);
        let allowed = battle.relays(seen.now);
        let was: Vec<String> = allowed.iter().map(|order| format!("{order:?}")).collect();
        let first = battle.words.iter().find(|w| w.from == commander && w.is_order);
        let should = match first.filter(|w| allowed.contains(&w.order)) {
            Some(word) if same.clone().any(|w| w.from == commander && w.is_order) => {
                let second = same.find(|w| w.from == commander && w.is_order).map_or(0, |w| w.step);
                let said = told(&format!("which was its second word: its first was {:?}", word.order));
                return Err(Broken::new(SENDERS, said).at(marks(vec![word.step, second])));
            }
            Some(word) => format!("which told it {:?}", word.order),
            None if was.is_empty() => "and that had told it nothing yet: an order may still come".to_owned(),
            None => "which had told it nothing in time: relay Retreat, or nothing".to_owned(),
        };
        let end = battle.end(commander);
        let late = battle.words.iter().find(|w| w.order == order && w.from == commander && w.is_order && w.at >= end);
        if let Some(late) = late {
            let (came, now) = (ms(late.at.since(end)), ms(seen.now.since(end)));
            let (rule, said) = if late.at <= end + GRACE {
                (
                    RELAYS,
                    format!(
                        "which came {came} after the end of the first round, and relayed it {now} after it: 10 ms are allowed, or another lieutenant gets it too late"
                    ),
                )
            } else {
                (
                    LATE,
                    format!(
                        "which came {came} after the end of the first round: {commander} has said nothing in time, which counts as Retreat"
                    ),
                )
            };
            return Err(Broken::new(rule, told(&said)).at(marks(vec![late.step])));
        }
        if let Some(other) = same.next() {
            let kind = if other.is_order { "an Order" } else { "a Relay" };
            let name = if other.by == other.from { String::new() } else { format!(", which names {} in it", other.by) };
            let said = told(&format!("{should}; {order:?} was in {kind} of {}{name}", other.from));
            return Err(Broken::new(SENDERS, said).at(marks(vec![other.step])));
        }
        let elsewhere = self.book.battles.iter().find(|(n, b)| **n != number && b.words.iter().any(|w| w.order == order));
        if let Some((other, there)) = elsewhere {
            let steps = there.words.iter().filter(|w| w.order == order).map(|w| w.step).take(1).collect();
            return Err(Broken::new(APART, told(&format!("{should}; {order:?} was said in battle {other}"))).at(marks(steps)));
        }
        let steps = first.map(|w| w.step).into_iter().collect();
        Err(Broken::new(RELAYS, told(&should)).at(marks(steps)))
    }

    fn decides(&mut self, number: u64, order: Order, seen: &Seen<'_, ByzantineGenerals>) -> Check {
        let me = self.book.me;
        let Some(battle) = self.book.battles.get_mut(&number) else { return Ok(()) };
        if let Some((before, step)) = battle.decided {
            let said = format!("{me} answered the herald a second time in battle {number}: {before:?}, then {order:?}");
            return Err(Broken::new(ROUNDS, said).at([step, seen.number]));
        }
        battle.decided = Some((order, seen.number));
        let battle = &self.book.battles[&number];
        if battle.commander == me {
            let given = battle.given.unwrap_or_default();
            if order != given {
                let said = format!("{me} commands in battle {number} and was given {given:?}; it decided {order:?}");
                return Err(Broken::new(TELLS, said).at([battle.step, seen.number]));
            }
            self.meets(COMMANDED, true);
            return Ok(());
        }
        let right = self.book.decisions(battle, seen.now);
        if right.contains(&order) {
            let votes = self.book.voters(battle).map(|general| battle.vote(general, seen.now));
            let heard = self.book.voters(battle).iter().all(|g| battle.words.iter().any(|w| w.from == *g));
            let all: BTreeSet<Order> = votes.iter().flatten().flatten().copied().collect();
            let distinct = votes.iter().all(|v| v.len() == 1) && all.len() == 3;
            self.meets(DECIDED, true);
            self.meets(SILENT, !heard);
            self.meets(NO_MAJORITY, distinct);
            return Ok(());
        }
        let story = self.book.story(battle);
        let marks = [vec![battle.step], self.book.marks(battle), vec![seen.number]].concat();
        let end = battle.since + ROUND * 2;
        if seen.now < end {
            let before = ms(end.since(seen.now));
            let said = format!(
                "{me} decided {order:?} in battle {number}, {before} before the second round was over, with {story}: what may still come can change it"
            );
            return Err(Broken::new(ROUNDS, said).at(marks));
        }
        let (rule, why) = self.blame(battle, order);
        let should = right.first().map_or_else(String::new, |right| format!("{right:?}"));
        let said = format!("{me} decided {order:?} in battle {number}, but had {story}: it must be {should}{why}");
        Err(Broken::new(rule, said).at(marks))
    }

    /// Which rule a wrong decision breaks, by how one comes to it.
    fn blame(&self, battle: &Battle, order: Order) -> (&'static str, &'static str) {
        let how = How::default();
        let ways = [
            (How { late: true, ..how }, LATE, ", because a late message counts as missing"),
            (How { last: true, ..how }, SENDERS, ", because a general's first message is its vote, and a second one nobody's"),
            (How { names: true, ..how }, SENDERS, ", because a message is its sender's vote, whatever name stands in it"),
            (How { strict: true, ..how }, SENDERS, ", because a message is its sender's vote, whatever name stands in it"),
            (How { kinds: true, ..how }, SENDERS, ", because a commander's vote is its Order and a lieutenant's its Relay"),
            (How { present: true, ..how }, MISSING, ", because a missing vote is a vote for Retreat"),
            (How { each: true, ..how }, SENDERS, ", because votes are counted, one per general, not messages"),
            (How { everywhere: true, ..how }, APART, ", because what was said about another battle is not a vote in this one"),
        ];
        let mut here = battle.words.iter();
        // What a late word changes is what it says; and what was said here need not come from elsewhere.
        let late = here.clone().any(|w| w.order == order && w.at >= battle.end(w.from));
        let elsewhere = order != Order::Retreat && !here.any(|w| w.order == order);
        let may_be = |how: &How| (late || !how.late) && (elsewhere || !how.everywhere);
        let fits = |(how, ..): &&(How, &str, &str)| may_be(how) && self.book.wrongly(battle, *how).contains(&order);
        ways.iter().find(fits).map_or((MAJORITY, ""), |(_, rule, why)| (rule, why))
    }

    fn overdue(&self, number: u64, battle: &Battle, now: Time) -> Check {
        let me = self.book.me;
        let loyal = |g: &NodeId| *g != me && *g != battle.commander && g.role().is_none() && !battle.told.contains_key(g);
        let untold = self.book.generals.into_iter().find(loyal);
        if battle.commander == me {
            if let Some(to) = untold.filter(|_| now > battle.since + GRACE) {
                let given = battle.given.unwrap_or_default();
                let ms = GRACE.as_millis();
                let said = format!("{me} commands in battle {number} and was given {given:?}, but {ms} ms later it had not told {to}");
                return Err(Broken::new(TELLS, said).at([battle.step]));
            }
        } else if let (Some(to), Some(order)) = (untold, battle.ordered().filter(|_| now > battle.since + ROUND + GRACE)) {
            let word = battle.words.iter().find(|w| w.from == battle.commander && w.is_order && !w.early);
            let named =
                word.filter(|w| w.by != w.from).map_or_else(String::new, |w| format!(" (with {}'s name in it, which means nothing)", w.by));
            let (commander, ms, step) = (battle.commander, GRACE.as_millis(), word.map(|w| w.step));
            let said = format!(
                "{commander} told {me} {order:?} in battle {number}{named}, but {ms} ms after the end of the first round {me} had not relayed it to {to}"
            );
            return Err(Broken::new(RELAYS, said).at([battle.step]).at(step));
        }
        if battle.decided.is_none() && now > battle.since + ROUND * 2 + GRACE {
            let ms = GRACE.as_millis();
            let said = format!("battle {number} was told to {me}, but {ms} ms after the end of its second round {me} had not decided");
            return Err(Broken::new(ROUNDS, said).at([battle.step]).unanswered());
        }
        Ok(())
    }
}

impl Spec<ByzantineGenerals> for Ghost {
    fn step(&mut self, seen: &Seen<'_, ByzantineGenerals>) -> Check {
        if matches!(seen.cause, Cause::Start { .. } | Cause::Timer(_) | Cause::Crash) {
            // Nothing came.
        } else {
            self.comes(seen);
        }
        for effect in seen.effects {
            match effect {
                Effect::Send { to, message } if *to != self.book.me => self.sends(*to, message, seen)?,
                Effect::Reply { ticket, response: Response::Decided(order) } => {
                    let of = self.book.battles.iter().find(|(_, battle)| battle.ticket == *ticket).map(|(number, _)| *number);
                    of.map_or(Ok(()), |number| self.decides(number, *order, seen))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn time(&mut self, now: Time) -> Check {
        let over = |battle: &Battle| now > battle.since + ROUND * 2 + GRACE;
        self.book
            .battles
            .iter()
            .filter(|(_, battle)| !battle.settled)
            .try_for_each(|(number, battle)| self.overdue(*number, battle, now))?;
        self.book.battles.values_mut().filter(|battle| over(battle)).for_each(|battle| battle.settled = true);
        Ok(())
    }
}
