//! The part of the world that knows no exercise: virtual time, the queue of what is to come, links with their faults, and
//! the random streams. It moves numbers only; the payloads lie with [`World`](super::World), so that this code is
//! compiled once however many exercises there are.

use super::heap::Heap;
use super::node::NodeId;
use crate::rng::Rng;
use crate::time::Time;

// What is to come, in order: the time (64 bits), then a sequence number that breaks ties by the order of scheduling (39),
// whether it is a message (1), and a slot (24): one number to compare and to move.

const SLOT_BITS: u32 = 24;
const MESSAGE_BIT: u128 = 1 << SLOT_BITS;

/// The most nodes that a world has: links are rows of bits.
pub const NODES_MAX: usize = 16;

/// What is to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// A message arrives: payload slot.
    Message {
        slot: u32,
    },
    /// A timer of a node's life fires, unless it was re-armed or cancelled since (its token is gone then).
    Timer {
        node: u8,
        token: u32,
    },
    /// A request arrives at a node / a response arrives at a client: payload slot.
    Request {
        slot: u32,
    },
    Response {
        slot: u32,
    },
    /// A client wakes, with the tag that it chose.
    Wake {
        client: u8,
        tag: u64,
    },
    /// The nemesis acts: index into its plan.
    Fault {
        index: u32,
    },
    /// A node comes back from a crash, or runs on after a pause.
    Restart {
        node: u8,
    },
    Resume {
        node: u8,
        epoch: u32,
    },
}

/// How links behave, apart from cuts. Rates are per message, in millionths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkFaults {
    /// Messages lost.
    pub loss_ppm: u32,
    /// Messages that arrive twice, the second time with a delay of its own.
    pub repeat_ppm: u32,
    /// Messages delayed by a further `spike_us`.
    pub spike_ppm: u32,
    /// Range of that delay in microseconds.
    pub spike_us: (u64, u64),
    /// Whether messages of one link may overtake each other.
    pub reorder: bool,
    /// Requests and responses of clients lost.
    pub client_loss_ppm: u32,
    /// A node all of whose messages take so many times longer, from and to it; 1 or 0 for none.
    pub slow: Option<(NodeId, u64)>,
}

impl LinkFaults {
    /// Links without a fault. Messages may still overtake each other, as their delays differ.
    #[must_use]
    #[inline]
    pub const fn none() -> Self {
        LinkFaults { loss_ppm: 0, repeat_ppm: 0, spike_ppm: 0, spike_us: (0, 0), reorder: true, client_loss_ppm: 0, slow: None }
    }
}

/// What becomes of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Lost,
    Once(Time),
    Twice(Time, Time),
}

/// Chances as thresholds on 32 random bits, so that one draw decides loss and repetition.
#[inline]
fn threshold(ppm: u32) -> u32 {
    ((u64::from(ppm) << 32) / 1_000_000).min(u64::from(u32::MAX)) as u32
}

pub(crate) struct Engine {
    pub now: Time,
    seq: u64,
    heap: Heap,
    /// What is due, for all but messages, whose slot is the world's own.
    due: Slab<Due>,
    /// `cut[from]` has a bit for each node that `from` cannot reach.
    cut: [u16; NODES_MAX],
    delay_us: (u64, u64),
    faults: LinkFaults,
    random_faults: bool,
    loss: u32,
    repeat: u32,
    /// Last arrival on each link, for links that keep order.
    last: Box<[[u64; NODES_MAX]; NODES_MAX]>,
    latency: Rng,
    dice: Rng,
}

impl Engine {
    #[inline]
    pub fn new(seed: u64, delay_us: (u64, u64)) -> Self {
        Engine {
            now: Time::ZERO,
            seq: 0,
            heap: Heap::with_capacity(256),
            due: Slab::new(),
            cut: [0; NODES_MAX],
            delay_us,
            faults: LinkFaults::none(),
            random_faults: false,
            loss: 0,
            repeat: 0,
            last: Box::new([[0; NODES_MAX]; NODES_MAX]),
            latency: Rng::stream(seed, 1),
            dice: Rng::stream(seed, 2),
        }
    }

    #[inline]
    pub fn set_faults(&mut self, faults: LinkFaults) {
        self.loss = threshold(faults.loss_ppm);
        self.repeat = threshold(faults.repeat_ppm);
        self.random_faults = faults != LinkFaults::none();
        self.faults = faults;
    }

    #[inline]
    pub fn set_cuts(&mut self, cut: [u16; NODES_MAX]) {
        self.cut = cut;
    }

    #[inline]
    pub fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.cut[from.index() % NODES_MAX] >> to.index() & 1 == 1
    }

    /// How many things are still to come.
    #[inline]
    pub fn pending(&self) -> usize {
        self.heap.len()
    }

    #[inline]
    pub fn schedule(&mut self, at: Time, due: Due) {
        if let Due::Message { slot } = due {
            return self.schedule_message(at, slot);
        }
        let slot = self.due.put(due);
        self.enqueue(at, u128::from(slot));
    }

    /// A message arrives: most of what is ever scheduled.
    #[inline]
    pub fn schedule_message(&mut self, at: Time, slot: u32) {
        self.enqueue(at, u128::from(slot) | MESSAGE_BIT);
    }

    #[inline]
    fn enqueue(&mut self, at: Time, slot: u128) {
        debug_assert!(slot < 2 * MESSAGE_BIT, "no more than 16 million things are under way");
        self.heap.push(u128::from(at.as_micros()) << 64 | u128::from(self.seq) << (SLOT_BITS + 1) | slot);
        self.seq += 1;
    }

    /// The next thing to happen, if it is not later than `until`; time moves on to it.
    #[inline]
    pub fn pop(&mut self, until: Time) -> Option<Due> {
        let key = self.heap.pop_up_to(u128::from(until.as_micros()) << 64 | u128::from(u64::MAX))?;
        self.now = self.now.max(Time::from_micros((key >> 64) as u64));
        let slot = (key & (MESSAGE_BIT - 1)) as u32;
        if key & MESSAGE_BIT != 0 { Some(Due::Message { slot }) } else { self.due.take(slot) }
    }

    /// Decides what becomes of a message that leaves now.
    #[inline]
    pub fn route(&mut self, from: NodeId, to: NodeId) -> Fate {
        if self.is_cut(from, to) {
            return Fate::Lost;
        }
        if !self.random_faults {
            return Fate::Once(self.arrival(from, to));
        }
        let draw = self.dice.next_u64();
        if (draw as u32) < self.loss {
            return Fate::Lost;
        }
        let first = self.arrival(from, to);
        if ((draw >> 32) as u32) < self.repeat { Fate::Twice(first, self.arrival(from, to)) } else { Fate::Once(first) }
    }

    #[inline]
    fn arrival(&mut self, from: NodeId, to: NodeId) -> Time {
        let (low, high) = self.delay_us;
        let mut delay = low + self.latency.below(high - low + 1);
        if self.random_faults {
            let f = &self.faults;
            if let Some((node, times)) = f.slow
                && (node == from || node == to)
            {
                delay *= times.max(1);
            }
            if f.spike_ppm > 0 && self.dice.chance(f.spike_ppm) {
                delay += self.dice.range(f.spike_us.0..=f.spike_us.1);
            }
            if !f.reorder {
                let last = &mut self.last[from.index() % NODES_MAX][to.index() % NODES_MAX];
                *last = (*last + 1).max(self.now.as_micros() + delay);
                return Time::from_micros(*last);
            }
        }
        Time::from_micros(self.now.as_micros() + delay)
    }

    /// When a message between a client and a node arrives, or `None` if it is lost. Client links are not cut by
    /// partitions and repeat nothing: a client that wants certainty asks again.
    #[inline]
    pub fn client_arrival(&mut self) -> Option<Time> {
        if self.faults.client_loss_ppm > 0 && self.dice.chance(self.faults.client_loss_ppm) {
            return None;
        }
        let (low, high) = self.delay_us;
        Some(Time::from_micros(self.now.as_micros() + low + self.latency.below(high - low + 1)))
    }
}

/// Payloads of one kind that are under way, by slot.
pub(crate) struct Slab<T> {
    items: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    #[inline]
    pub fn new() -> Self {
        Slab { items: Vec::with_capacity(64), free: Vec::with_capacity(64) }
    }

    #[inline]
    pub fn put(&mut self, item: T) -> u32 {
        match self.free.pop() {
            Some(slot) => {
                self.items[slot as usize] = Some(item);
                slot
            }
            None => {
                self.items.push(Some(item));
                self.items.len() as u32 - 1
            }
        }
    }

    #[inline]
    pub fn take(&mut self, slot: u32) -> Option<T> {
        let item = self.items.get_mut(slot as usize)?.take();
        if item.is_some() {
            self.free.push(slot);
        }
        item
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.items.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: NodeId = NodeId::from_index(0);
    const B: NodeId = NodeId::from_index(1);

    #[test]
    fn things_happen_in_order_of_time_then_of_scheduling() {
        let mut e = Engine::new(1, (1, 1));
        for (at, index) in [(5, 0), (3, 1), (5, 2), (3, 3)] {
            e.schedule(Time::from_micros(at), Due::Fault { index });
        }
        let order: Vec<Due> = std::iter::from_fn(|| e.pop(Time::from_micros(9))).collect();
        assert_eq!(order, [1, 3, 0, 2].map(|index| Due::Fault { index }));
        assert_eq!(e.now, Time::from_micros(5));
    }

    #[test]
    fn nothing_later_than_asked_happens() {
        let mut e = Engine::new(1, (1, 1));
        e.schedule(Time::from_micros(7), Due::Fault { index: 0 });
        assert_eq!(e.pop(Time::from_micros(6)), None);
        assert!(e.pop(Time::from_micros(7)).is_some());
    }

    #[test]
    fn a_cut_goes_one_way() {
        let mut e = Engine::new(1, (1, 1));
        let mut cut = [0; NODES_MAX];
        cut[0] = 0b10;
        e.set_cuts(cut);
        assert_eq!(e.route(A, B), Fate::Lost);
        assert_ne!(e.route(B, A), Fate::Lost);
    }

    #[test]
    fn rates_are_kept() {
        let mut e = Engine::new(1, (1_000, 10_000));
        e.set_faults(LinkFaults { loss_ppm: 100_000, repeat_ppm: 200_000, ..LinkFaults::none() });
        let fates: Vec<Fate> = (0..10_000).map(|_| e.route(A, B)).collect();
        let lost = fates.iter().filter(|f| **f == Fate::Lost).count();
        let twice = fates.iter().filter(|f| matches!(f, Fate::Twice(..))).count();
        assert!((850..1_150).contains(&lost), "{lost}");
        assert!((1_600..2_000).contains(&twice), "{twice}");
    }

    #[test]
    fn links_that_keep_order_do() {
        let mut e = Engine::new(1, (1_000, 10_000));
        e.set_faults(LinkFaults { reorder: false, spike_ppm: 200_000, spike_us: (50_000, 90_000), ..LinkFaults::none() });
        let at: Vec<u64> = (0..200).filter_map(|_| if let Fate::Once(t) = e.route(A, B) { Some(t.as_micros()) } else { None }).collect();
        assert!(at.len() == 200 && at.is_sorted());
    }

    #[test]
    fn a_slow_node_is_slow_both_ways() {
        let mut e = Engine::new(1, (1_000, 1_000));
        e.set_faults(LinkFaults { slow: Some((B, 10)), ..LinkFaults::none() });
        let at = |f| if let Fate::Once(t) = f { t.as_micros() } else { 0 };
        assert_eq!((at(e.route(A, B)), at(e.route(B, A)), at(e.route(A, A))), (10_000, 10_000, 1_000));
    }
}
