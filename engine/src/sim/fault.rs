//! The nemesis: which faults a run meets, and when. A [`Plan`] is drawn from the seed before the run starts.
//!
//! Swarm testing (Groce et al. 2012): each run switches a random half of the kinds off entirely and draws its own rates for
//! the others, so that a bug which needs few faults is not drowned by the rest, and one which needs many still meets them.

use super::engine::{LinkFaults, NODES_MAX};
use super::node::NodeId;
use crate::rng::Rng;
use crate::time::{Time, micros, millis};
use std::fmt::Write as _;
use std::time::Duration;

/// What the nemesis does at one moment. To add a fault: a variant here, a switch in [`Allowed`], drawn in [`Plan::draw`],
/// applied in `World::apply_fault` (world/faults.rs), and a count with its name in `Counts` (referee.rs).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Cuts links; replaces whatever was cut before.
    Cut(Cuts),
    /// Makes all links whole.
    Heal,
    /// Crashes a node: now, or (`mid_handler`) between two effects of what it does next. It restarts from what it had
    /// saved after `down`, or never.
    Crash {
        /// Who.
        node: NodeId,
        /// Whether to wait for its next handler call and fall between two of its effects.
        mid_handler: bool,
        /// How long it stays down; `None` for good.
        down: Option<Duration>,
    },
    /// Stops a node for a while, its memory intact: a long garbage collection, a suspended machine.
    Pause {
        /// Who.
        node: NodeId,
        /// How long.
        span: Duration,
    },
    /// Sets a node's clock forward. (Backward steps are not made: monotonic clocks exist, and timers should use them.)
    ClockStep {
        /// Who.
        node: NodeId,
        /// How far.
        by: Duration,
    },
}

/// Which links are cut, and how to say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cuts {
    /// `rows[from]` has a bit for each node that cannot be reached from there.
    pub rows: [u16; NODES_MAX],
    /// For the reader: `n1 n2 | n3`.
    pub text: String,
}

impl Cuts {
    /// Cuts every link for which `cut(from, to)` holds.
    #[inline]
    fn of(nodes: usize, text: String, cut: impl Fn(usize, usize) -> bool) -> Cuts {
        let mut rows = [0; NODES_MAX];
        for (from, row) in rows.iter_mut().enumerate().take(nodes) {
            for to in (0..nodes).filter(|&to| to != from && cut(from, to)) {
                *row |= 1 << to;
            }
        }
        Cuts { rows, text }
    }

    /// Two groups that cannot reach each other: the bits of `group`, and the rest.
    #[must_use]
    #[inline]
    pub fn split(nodes: usize, group: u16) -> Cuts {
        let names = |bit: u16| {
            (0..nodes).filter(|i| group >> i & 1 == bit).fold(String::new(), |t, i| t + &NodeId::from_index(i).to_string() + " ")
        };
        Cuts::of(nodes, format!("{}| {}", names(1), names(0).trim_end()), |a, b| (group >> a ^ group >> b) & 1 == 1)
    }

    /// What `node` sends is lost (`outgoing`), or what is sent to it.
    #[must_use]
    #[inline]
    pub fn one_way(nodes: usize, node: NodeId, outgoing: bool) -> Cuts {
        let (text, n) = if outgoing {
            (format!("nothing gets out of {node}"), node.index())
        } else {
            (format!("nothing gets in to {node}"), node.index())
        };
        Cuts::of(nodes, text, |a, b| if outgoing { a == n } else { b == n })
    }

    /// Two groups that meet only in `bridge`.
    #[must_use]
    #[inline]
    pub fn bridge(nodes: usize, bridge: NodeId, group: u16) -> Cuts {
        let mut cuts = Cuts::split(nodes, group & !(1 << bridge.index()));
        for row in &mut cuts.rows {
            *row &= !(1 << bridge.index());
        }
        cuts.rows[bridge.index()] = 0;
        let _ = write!(cuts.text, ", bridged by {bridge}");
        cuts
    }

    /// Each node reaches only its two neighbours.
    #[must_use]
    #[inline]
    pub fn ring(nodes: usize) -> Cuts {
        Cuts::of(nodes, "each node reaches only its neighbours in a ring".to_owned(), |a, b| (a + 1) % nodes != b && (b + 1) % nodes != a)
    }
}

/// What the nemesis may use in an exercise. The kinds that are on are still drawn run by run.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// Loss of messages between nodes, and their repetition.
    pub loss: bool,
    /// Messages that arrive twice.
    pub repeats: bool,
    /// Extra delay of single messages, in microseconds: should reach past the exercise's timeouts. `None` for none.
    pub spike_us: Option<(u64, u64)>,
    /// Loss of requests and responses of clients.
    pub client_loss: bool,
    /// Partitions of all shapes: two groups, one node alone, one way only, a bridge, a ring.
    pub partitions: bool,
    /// Crashes with restart.
    pub crashes: bool,
    /// Whether a minority may stay down for good from some moment before the quiet phase.
    pub down_for_good: bool,
    /// Pauses.
    pub pauses: bool,
    /// Clocks that differ, drift (at most 1 %) and step forward.
    pub clocks: bool,
    /// One node whose links are slow.
    pub slow: bool,
    /// Nodes that never crash, by bit.
    pub spared: u16,
    /// How many of the last places are services. They are never down for good, and the minority that may be is one of the nodes.
    pub services: usize,
    /// Range of the time between faults of one kind.
    pub every: (Duration, Duration),
    /// Range of the time that a partition, a crash or a pause lasts.
    pub lasts: (Duration, Duration),
}

impl Allowed {
    /// Everything, with spikes and faults that last up to `long`: choose it beyond the exercise's longest timeout.
    #[must_use]
    pub fn everything(long: Duration) -> Self {
        Allowed {
            loss: true,
            repeats: true,
            spike_us: Some((micros(long) / 10, micros(long))),
            client_loss: true,
            partitions: true,
            crashes: true,
            down_for_good: true,
            pauses: true,
            clocks: true,
            slow: true,
            spared: 0,
            services: 0,
            every: (long / 2, long * 4),
            lasts: (millis(1), long * 2),
        }
    }

    /// Nothing: a run in fair weather.
    #[must_use]
    pub fn nothing() -> Self {
        Allowed {
            loss: false,
            repeats: false,
            spike_us: None,
            client_loss: false,
            partitions: false,
            crashes: false,
            down_for_good: false,
            pauses: false,
            clocks: false,
            slow: false,
            ..Allowed::everything(millis(1))
        }
    }
}

/// The faults of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What happens when, in order of time; all before `quiet_at`.
    pub faults: Vec<(Time, Fault)>,
    /// How links behave until `quiet_at`.
    pub links: LinkFaults,
    /// Each node's clock: how far ahead it starts, in microseconds, and how much too fast it runs, in millionths.
    pub clocks: Vec<(u64, i32)>,
    /// Nodes that will be down for good by `quiet_at`, by bit.
    pub down_for_good: u16,
    /// When all links are whole again, everybody who is not down for good is back, and nothing new goes wrong.
    pub quiet_at: Time,
}

impl Plan {
    /// Fair weather from the start.
    #[must_use]
    #[inline]
    pub fn calm(nodes: usize) -> Plan {
        Plan { faults: Vec::new(), links: LinkFaults::none(), clocks: vec![(0, 0); nodes], down_for_good: 0, quiet_at: Time::ZERO }
    }

    /// Draws the faults of run `seed`.
    #[must_use]
    #[inline]
    pub fn draw(seed: u64, nodes: usize, allowed: &Allowed, quiet_at: Time) -> Plan {
        let mut rng = Rng::stream(seed, 3);
        let mut on = |kind: bool| rng.chance(500_000) && kind;
        let (loss, repeats, spikes, client_loss) =
            (on(allowed.loss), on(allowed.repeats), on(allowed.spike_us.is_some()), on(allowed.client_loss));
        let (partitions, crashes, pauses, clocks, slow) =
            (on(allowed.partitions), on(allowed.crashes), on(allowed.pauses), on(allowed.clocks), on(allowed.slow));
        let (for_good, reorder) = (on(allowed.down_for_good), on(true));
        let mut rate = |is_on: bool, most: u64| if is_on { rng.range(1_000..=most) as u32 } else { 0 };
        let links = LinkFaults {
            loss_ppm: rate(loss, 300_000),
            repeat_ppm: rate(repeats, 300_000),
            spike_ppm: rate(spikes, 150_000),
            spike_us: allowed.spike_us.unwrap_or((0, 0)),
            reorder,
            client_loss_ppm: rate(client_loss, 300_000),
            slow: slow.then(|| (NodeId::from_index(rng.below(nodes as u64) as usize), rng.range(2..=20))),
        };
        let mut plan = Plan { faults: Vec::new(), links, clocks: vec![(0, 0); nodes], down_for_good: 0, quiet_at };
        if clocks {
            for clock in &mut plan.clocks {
                *clock = (rng.below(10_000_000), rng.below(20_001) as i32 - 10_000);
            }
        }
        let crashable: Vec<NodeId> = (0..nodes).filter(|i| allowed.spared >> i & 1 == 0).map(NodeId::from_index).collect();
        if partitions {
            plan.repeatedly(&mut rng, allowed, |rng, span, add| {
                add(Duration::ZERO, Fault::Cut(draw_cuts(rng, nodes)));
                add(span, Fault::Heal);
            });
        }
        if crashes && !crashable.is_empty() {
            plan.repeatedly(&mut rng, allowed, |rng, span, add| {
                let node = *rng.pick(&crashable).unwrap_or(&crashable[0]);
                add(Duration::ZERO, Fault::Crash { node, mid_handler: rng.chance(600_000), down: Some(span) });
            });
        }
        if pauses {
            plan.repeatedly(&mut rng, allowed, |rng, span, add| {
                add(Duration::ZERO, Fault::Pause { node: NodeId::from_index(rng.below(nodes as u64) as usize), span });
            });
        }
        if clocks {
            plan.repeatedly(&mut rng, allowed, |rng, span, add| {
                add(Duration::ZERO, Fault::ClockStep { node: NodeId::from_index(rng.below(nodes as u64) as usize), by: span });
            });
        }
        if for_good {
            let nodes = nodes - allowed.services;
            plan.lose_a_minority(&mut rng, nodes, crashable.into_iter().filter(|node| node.index() < nodes).collect());
        }
        plan.faults.sort_by_key(|(at, _)| *at);
        plan
    }

    /// Calls `make` at random moments until `quiet_at`; what it adds after that is left out.
    #[inline]
    fn repeatedly(&mut self, rng: &mut Rng, allowed: &Allowed, make: impl Fn(&mut Rng, Duration, &mut dyn FnMut(Duration, Fault))) {
        let between = |rng: &mut Rng, (low, high): (Duration, Duration)| Duration::from_micros(rng.range(micros(low)..=micros(high)));
        let mut at = Time::ZERO + Duration::from_micros(rng.below(micros(allowed.every.1)));
        while at < self.quiet_at {
            let span = between(rng, allowed.lasts);
            make(rng, span, &mut |after, fault| {
                if at + after < self.quiet_at {
                    self.faults.push((at + after, fault));
                }
            });
            at = at + between(rng, allowed.every);
        }
    }

    #[inline]
    fn lose_a_minority(&mut self, rng: &mut Rng, nodes: usize, mut crashable: Vec<NodeId>) {
        rng.shuffle(&mut crashable);
        let most = ((nodes - 1) / 2).min(crashable.len());
        if most == 0 || self.quiet_at == Time::ZERO {
            return;
        }
        for &node in &crashable[..rng.range(1..=most as u64) as usize] {
            self.down_for_good |= 1 << node.index();
            let at = Time::from_micros(rng.below(self.quiet_at.as_micros()));
            self.faults.push((at, Fault::Crash { node, mid_handler: rng.chance(500_000), down: None }));
        }
    }
}

#[inline]
fn draw_cuts(rng: &mut Rng, nodes: usize) -> Cuts {
    let all = (1u64 << nodes) - 1;
    let some = NodeId::from_index(rng.below(nodes as u64) as usize);
    match rng.below(8) {
        0..=2 => Cuts::split(nodes, rng.range(1..=all.saturating_sub(1).max(1)) as u16),
        3 => Cuts::split(nodes, 1 << some.index()),
        4 => Cuts::one_way(nodes, some, true),
        5 => Cuts::one_way(nodes, some, false),
        6 => Cuts::bridge(nodes, some, rng.range(1..=all) as u16),
        _ => Cuts::ring(nodes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plans(allowed: &Allowed) -> Vec<Plan> {
        (0..400).map(|seed| Plan::draw(seed, 5, allowed, Time::from_millis(5_000))).collect()
    }

    #[test]
    fn every_kind_is_on_in_some_runs_and_off_in_others() {
        let plans = plans(&Allowed::everything(millis(300)));
        let share = |f: &dyn Fn(&Plan) -> bool| plans.iter().filter(|p| f(p)).count();
        let has = |p: &Plan, f: &dyn Fn(&Fault) -> bool| p.faults.iter().any(|(_, x)| f(x));
        for (name, n) in [
            ("loss", share(&|p| p.links.loss_ppm > 0)),
            ("repeats", share(&|p| p.links.repeat_ppm > 0)),
            ("spikes", share(&|p| p.links.spike_ppm > 0)),
            ("order kept", share(&|p| !p.links.reorder)),
            ("client loss", share(&|p| p.links.client_loss_ppm > 0)),
            ("slow", share(&|p| p.links.slow.is_some())),
            ("cuts", share(&|p| has(p, &|f| matches!(f, Fault::Cut(_))))),
            ("crashes", share(&|p| has(p, &|f| matches!(f, Fault::Crash { down: Some(_), .. })))),
            ("pauses", share(&|p| has(p, &|f| matches!(f, Fault::Pause { .. })))),
            ("clock steps", share(&|p| has(p, &|f| matches!(f, Fault::ClockStep { .. })))),
            ("down for good", share(&|p| p.down_for_good != 0)),
        ] {
            assert!((140..=260).contains(&n), "{name} in {n} of 400 runs");
        }
    }

    #[test]
    fn a_majority_stays_and_nothing_goes_wrong_in_the_quiet_phase() {
        for p in plans(&Allowed::everything(millis(300))) {
            assert!(p.down_for_good.count_ones() <= 2);
            assert!(p.faults.iter().all(|(at, _)| *at < p.quiet_at) && p.faults.is_sorted_by_key(|(at, _)| *at));
        }
    }

    #[test]
    fn what_is_not_allowed_does_not_happen() {
        for p in plans(&Allowed::nothing()) {
            assert!(p.faults.is_empty() && p.down_for_good == 0 && p.clocks.iter().all(|c| *c == (0, 0)));
            assert!(LinkFaults { reorder: true, ..p.links } == LinkFaults { spike_us: (0, 0), ..LinkFaults::none() });
        }
    }

    #[test]
    fn shapes_of_partitions() {
        let split = Cuts::split(5, 0b00011);
        assert_eq!(split.text, "n1 n2 | n3 n4 n5");
        assert_eq!(split.rows[..5], [0b11100, 0b11100, 0b00011, 0b00011, 0b00011]);
        let bridge = Cuts::bridge(3, NodeId::from_index(1), 0b001);
        assert_eq!(bridge.rows[..3], [0b100, 0, 0b001], "n1 and n3 meet only in n2");
        let ring = Cuts::ring(5);
        assert_eq!(ring.rows[0], 0b01100);
        assert_eq!(Cuts::one_way(3, NodeId::from_index(0), true).rows[..3], [0b110, 0, 0]);
        assert_eq!(Cuts::one_way(3, NodeId::from_index(0), false).rows[..3], [0, 0b001, 0b001]);
    }
}
