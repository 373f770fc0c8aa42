//! What could come in at one node in a storm: the herald's battles, and anything that anybody could say of them, at any time, in any order. One node cannot
//! know how many of the others lie, and what it must do does not hang on that; so all three may.

use super::rules::{APART, LATE, MAJORITY, MISSING, RELAYS, ROUNDS, SENDERS, TELLS};
use super::spec::{AGAIN, AT_ONCE, CLAIMED, COMMANDED, DECIDED, EARLY, Ghost, LATE_WORDS, NO_MAJORITY, SILENT};
use crate::exercises::byzantine_generals::{ByzantineGenerals, Config, Message, Order, Request};
use crate::rng::Rng;
use crate::rule::Coverage;
use crate::sim::{ClientId, Factory, Input, NodeId, Setting, Storm, storm};
use crate::suite::Storms;

pub(super) fn storms(factory: Factory<ByzantineGenerals>) -> Storms {
    Storms {
        rules: &[TELLS, RELAYS, MAJORITY, MISSING, LATE, SENDERS, ROUNDS, APART],
        must_meet: &[DECIDED, COMMANDED, NO_MAJORITY, SILENT, LATE_WORDS, AGAIN, CLAIMED, EARLY, AT_ONCE],
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<ByzantineGenerals, Ghost>(factory, seed, probe)),
    }
}

/// What a storm keeps to.
#[derive(Clone, Default)]
pub(super) struct Surroundings {
    /// The few orders of which most messages have one.
    orders: Vec<Order>,
    /// How many battles are under way at once, at most.
    at_once: usize,
    /// The number of the next battle: some messages come before it begins.
    next: u64,
    /// How often what is said is said as it should be, in millionths.
    honest: u32,
}

/// The number of a battle: small ones mostly, and those in which a narrow number overflows.
fn number(rng: &mut Rng) -> u64 {
    match rng.below(8) {
        0 => rng.wild(),
        1 => 250 + rng.below(12),
        2 => 65_530 + rng.below(12),
        3 => (1 << 32) - 4 + rng.below(8),
        _ => 1 + rng.below(6),
    }
}

fn order(rng: &mut Rng) -> Order {
    if rng.chance(300_000) { Order::Retreat } else { Order::Attack(rng.below(256) as u8) }
}

impl Ghost {
    fn battle(&mut self, rng: &mut Rng) -> Input<ByzantineGenerals> {
        let number = self.around.next;
        self.around.next = self::number(rng);
        while self.book.battles.contains_key(&self.around.next) || self.around.next == number {
            self.around.next = self.around.next.wrapping_add(1);
        }
        let me = self.book.me;
        let others = rng.chance(800_000);
        let commander = *rng.pick(&self.book.generals).filter(|g| !others || **g != me).unwrap_or(&self.another(rng));
        let order = (commander == me).then(|| self.says(rng));
        Input::Request(ClientId::from_index(rng.below(3) as usize), Request::Battle { number, commander, order })
    }

    /// Another general.
    fn another(&self, rng: &mut Rng) -> NodeId {
        let others: Vec<NodeId> = self.book.generals.into_iter().filter(|g| *g != self.book.me).collect();
        rng.pick(&others).copied().unwrap_or(self.book.me)
    }

    fn says(&self, rng: &mut Rng) -> Order {
        if rng.chance(50_000) { order(rng) } else { rng.pick(&self.around.orders).copied().unwrap_or_default() }
    }

    fn word(&self, rng: &mut Rng) -> Input<ByzantineGenerals> {
        let numbers: Vec<u64> = self.book.battles.iter().filter(|(_, b)| b.decided.is_none()).map(|(n, _)| *n).collect();
        let any: Vec<u64> = self.book.battles.keys().copied().collect();
        let battle = match rng.below(12) {
            0 => self.around.next,
            1 => rng.pick(&any).copied().unwrap_or(self.around.next),
            2 => rng.near(rng.clone().pick(&numbers).copied().unwrap_or(self.around.next)),
            _ => rng.pick(&numbers).copied().unwrap_or(self.around.next),
        };
        let from = self.another(rng);
        let commands = self.book.battles.get(&battle).is_none_or(|b| b.commander == from);
        let honest = rng.chance(self.around.honest);
        let by = if honest { from } else { self.book.generals[rng.below(4) as usize] };
        let is_order = if honest || rng.chance(600_000) { commands } else { !commands };
        let order = self.says(rng);
        let message = if is_order { Message::Order { battle, by, order } } else { Message::Relay { battle, by, order } };
        Input::Message(from, message)
    }
}

impl Storm<ByzantineGenerals> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<ByzantineGenerals>) {
        let me = NodeId::from_index(rng.below(4) as usize);
        let mut generals = [0, 1, 2, 3].map(NodeId::from_index);
        rng.shuffle(&mut generals);
        let mut ghost = Ghost::new(me, generals);
        let orders = (0..[1, 2, 2, 3][rng.below(4) as usize]).map(|_| order(rng)).collect();
        let at_once = [1, 1, 2, 4, 40][rng.below(5) as usize];
        ghost.around = Surroundings { orders, at_once, next: number(rng), honest: [1_000_000, 900_000, 500_000][rng.below(3) as usize] };
        let waits: [&'static [u64]; 4] = [&[2, 20, 60, 60, 200], &[1, 10, 30], &[20, 100], &[2, 5, 95, 105, 205, 400]];
        let setting = Setting {
            waits_ms: waits[rng.below(4) as usize],
            whole: rng.chance(200_000),
            clock_ahead_us: if rng.chance(500_000) { rng.below(1 << 40) } else { 0 },
            crashes: false,
            ..Setting::new(4, me, Config { generals })
        };
        (ghost, setting)
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<ByzantineGenerals>> {
        let open = self.book.battles.values().filter(|battle| battle.decided.is_none()).count();
        let begins = if open == 0 { 900_000 } else { 150_000 };
        Some(if open < self.around.at_once && rng.chance(begins) { self.battle(rng) } else { self.word(rng) })
    }

    fn tally(&self, coverage: &mut Coverage) {
        self.counts(coverage);
    }
}
