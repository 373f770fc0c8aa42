//! All that the traitor can do in one battle, to its end: as commander and as lieutenant, to each of the others one of a dozen faces, before the loyal
//! ones are heard and after them. The engine's explorer lets timers fire at any moment and messages come at any time, so in it there
//! are no rounds; here time is the contract's, and what is tried is every choice of the traitor.

use super::book::{Battle, Book};
use super::rules::{AGREE, OBEY};
use super::safety::contradiction;
use super::{TRAITOR, configs, generals};
use crate::exercises::byzantine_generals::{ByzantineGenerals, Message, Order, Request, Response};
use crate::exercises::kit::{N1, N2, N3, Script};
use crate::rule::Check;
use crate::sim::{Factory, NodeId, Ticket};
use crate::suite::Suite;
use crate::time::{Time, millis};
use crate::trace::{Extent, Probe};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

const LOYAL: [NodeId; 3] = [N1, N2, N3];
const FOUR: Order = Order::Attack(4);
const FIVE: Order = Order::Attack(5);
const NO: Order = Order::Retreat;

/// What the traitor says to one general in one battle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Face {
    Says(Order),
    Silent,
    /// One after the other.
    Both(Order, Order),
    /// After the end of its round.
    Late(Order),
    /// With another lieutenant's name in it.
    Named(Order),
    /// The commander's kind of message from a lieutenant, and the other way round.
    Kind(Order),
    /// The same with the commander's name in it.
    KindNamed(Order),
}

const AS_COMMANDER: [Face; 9] = [
    Face::Says(FOUR),
    Face::Says(NO),
    Face::Says(FIVE),
    Face::Silent,
    Face::Both(FOUR, NO),
    Face::Both(NO, FOUR),
    Face::Late(FOUR),
    Face::Named(FOUR),
    Face::Kind(FOUR),
];

const AS_LIEUTENANT: [Face; 11] = [
    Face::Says(FOUR),
    Face::Says(NO),
    Face::Says(FIVE),
    Face::Silent,
    Face::Both(FOUR, NO),
    Face::Both(NO, FOUR),
    Face::Named(FOUR),
    Face::Named(NO),
    Face::Kind(FOUR),
    Face::KindNamed(FOUR),
    Face::KindNamed(NO),
];

/// One battle.
#[derive(Clone, Debug)]
struct Plot {
    commander: NodeId,
    /// A loyal commander's order.
    order: Option<Order>,
    faces: Vec<(NodeId, Face)>,
    /// Whether the traitor is heard before the loyal ones.
    first: bool,
}

/// Each plot, the plainest first.
fn plots() -> Vec<Plot> {
    let mut plots = Vec::new();
    for first in [false, true] {
        for a in AS_COMMANDER {
            for b in AS_COMMANDER {
                for c in AS_COMMANDER {
                    plots.push(Plot { commander: TRAITOR, order: None, faces: vec![(N1, a), (N2, b), (N3, c)], first });
                }
            }
        }
        for (commander, one, other) in [(N1, N2, N3), (N2, N1, N3), (N3, N1, N2)] {
            for order in [FOUR, NO] {
                for a in AS_LIEUTENANT {
                    for b in AS_LIEUTENANT {
                        plots.push(Plot { commander, order: Some(order), faces: vec![(one, a), (other, b)], first });
                    }
                }
            }
        }
    }
    let plain = |plot: &Plot| plot.faces.iter().filter(|(_, face)| !matches!(face, Face::Says(_))).count();
    plots.sort_by_key(plain);
    plots
}

impl Plot {
    /// What it says to one general: when, and what.
    fn words(&self, to: NodeId, face: Face) -> Vec<(u64, Message)> {
        let commands = self.commander == TRAITOR;
        let other = LOYAL.into_iter().find(|g| *g != to && *g != self.commander).unwrap_or(to);
        let at = match (commands, self.first) {
            (_, true) => 1,
            (true, false) => 95,
            (false, false) => 190,
        };
        let word = |is_order: bool, by, order| {
            let battle = 1;
            if is_order { Message::Order { battle, by, order } } else { Message::Relay { battle, by, order } }
        };
        match face {
            Face::Silent => Vec::new(),
            Face::Says(order) => vec![(at, word(commands, TRAITOR, order))],
            Face::Both(one, two) => vec![(at, word(commands, TRAITOR, one)), (at, word(commands, TRAITOR, two))],
            Face::Late(order) => vec![(115, word(commands, TRAITOR, order))],
            Face::Named(order) => vec![(at, word(commands, other, order))],
            Face::Kind(order) => vec![(at, word(!commands, TRAITOR, order))],
            // A false order must come in the first round to do any harm.
            Face::KindNamed(order) => vec![(at.min(95), word(!commands, self.commander, order))],
        }
    }

    fn told(&self) -> String {
        let role = if self.commander == TRAITOR { "commands" } else { "is a lieutenant" };
        let faces: Vec<String> = self.faces.iter().map(|(to, face)| format!("{to} {}", face.told())).collect();
        format!("the traitor {role}, and told {}", faces.join(", "))
    }

    /// The battle, and the first contradiction in it. `told`: what each general heard is kept, to be told.
    fn fought(&self, f: Factory<ByzantineGenerals>, p: &Probe, told: bool) -> Check {
        let mut s = Script::new(f, p, configs(generals()));
        LOYAL.into_iter().try_for_each(|node| s.start(node))?;
        let mut tickets: Vec<(NodeId, Ticket)> = Vec::new();
        let mut books = LOYAL.map(|node| Book::new(node, generals()));
        for (node, book) in LOYAL.into_iter().zip(&mut books) {
            let order = self.order.filter(|_| node == self.commander);
            let ticket = s.ask(node, Request::Battle { number: 1, commander: self.commander, order })?;
            tickets.push((node, ticket));
            book.begins(1, Battle::new(ticket, s.now(), s.steps(), self.commander, order));
        }
        let mut words: Vec<(u64, NodeId, Message)> =
            self.faces.iter().flat_map(|(to, face)| self.words(*to, *face).into_iter().map(|(at, word)| (at, *to, word))).collect();
        words.sort_by_key(|(at, ..)| *at);
        let mut words = words.into_iter().peekable();
        for at in [1, 40, 80, 95, 115, 150, 190] {
            let now = Time::from_millis(at);
            s.wait(now.since(s.now()))?;
            let mut hears = |s: &Script<'_, ByzantineGenerals>, from, to: NodeId, message: &Message| {
                if let Some(book) = books.get_mut(to.index()).filter(|_| told) {
                    book.hears(from, message, now, s.steps());
                }
            };
            // What is sent by 40 ms comes then, by 80 then, relays of the end of the first round at 150.
            if [40, 80, 150].contains(&at) {
                for envelope in s.world.take_sent().into_iter().filter(|e| e.to != TRAITOR) {
                    s.world.deliver(&envelope)?;
                    hears(&s, envelope.from, envelope.to, &envelope.message);
                }
            }
            while let Some((_, to, word)) = words.next_if(|(when, ..)| *when <= at) {
                s.tell(TRAITOR, to, word.clone())?;
                hears(&s, TRAITOR, to, &word);
            }
        }
        s.wait(millis(25))?;
        let answers = tickets.iter().filter_map(|(node, ticket)| {
            let Response::Decided(order) = s.answer_to(*ticket)?;
            Some((*node, (*order, s.answered_in(*ticket, 0).unwrap_or(0))))
        });
        let Some(found) = contradiction(1, self.commander, self.order, &answers.collect()) else { return Ok(()) };
        if p.sought.is_some_and(|sought| sought.rule != found.rule || found.step() >= sought.steps_below) {
            return Ok(());
        }
        Err(found.broken(&format!("{}; ", self.told()), |node| {
            let book = &books[node.index()];
            book.battles.get(&1).filter(|_| told).map(|battle| book.story(battle))
        }))
    }
}

impl Face {
    fn told(self) -> String {
        match self {
            Face::Says(order) => format!("{order:?}"),
            Face::Silent => "nothing".to_owned(),
            Face::Both(one, two) => format!("{one:?} and then {two:?}"),
            Face::Late(order) => format!("{order:?}, too late"),
            Face::Named(order) => format!("{order:?} with another lieutenant's name in it"),
            Face::Kind(order) => format!("{order:?} in a kind of message that it may not send"),
            Face::KindNamed(order) => format!("{order:?} as if it were the commander"),
        }
    }
}

pub(super) fn add(suite: &mut Suite, f: Factory<ByzantineGenerals>) {
    suite.explored = &[AGREE, OBEY];
    suite.exploration(AGREE, "every choice of the traitor in one battle", move |p: &Probe| {
        let untaped = Probe { tape: None, regression: None, ..p.clone() };
        let plots = plots();
        let mut extent = Extent { states: 0, depth: 0, complete: true };
        let found = plots.iter().find(|plot| {
            extent.states += 1;
            match catch_unwind(AssertUnwindSafe(|| plot.fought(f, &untaped, false))) {
                Ok(check) => check.is_err(),
                Err(payload) if p.tape.is_none() => resume_unwind(payload),
                Err(payload) => {
                    // It panics once more, on the tape. What a learner panics with may panic again when it is dropped.
                    p.leave();
                    std::mem::forget(payload);
                    true
                }
            }
        });
        extent.complete = found.is_none();
        p.count("battles explored", extent.states);
        p.explored(extent);
        // Once more, on the tape.
        found.map_or(Ok(()), |plot| plot.fought(f, p, true))
    });
}
