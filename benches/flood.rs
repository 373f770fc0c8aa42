//! The flood: how fast the simulator moves messages.
//!
//! Five nodes; 10, 100 or 1,000 messages in flight; each delivery forwards to a random other node; uniform delays of
//! 1–10 ms; about 1,000,000 deliveries. Bare; and with faults (loss, repetition, reordering, spikes, crashes, pauses and
//! partitions planned, clocks that drift) and with the fingerprint of every step on. Run by `cargo bench --bench flood`, or
//! `cargo bench --bench flood -- '100 in flight'` for the lines that say so; with `--once`, each is run once and no clock is
//! asked: for a tool that counts instructions.

#![allow(clippy::disallowed_methods, reason = "where there is no CPU clock, the wall clock")]

use splitbrain::sim::{Context, Cuts, Factory, Fault, LinkFaults, Node, NodeId, Observe, Plan, Protocol, Setup, World};
use splitbrain::time::Time;
use splitbrain::trace::Probe;

const NODES: usize = 5;
const DELIVERIES: u64 = 1_000_000;
const ROUNDS: usize = 5;

#[derive(Clone, Debug, Hash)]
struct Flood;

#[derive(Clone, Debug, Hash)]
struct Token {
    id: u32,
    hops: u32,
    value: u64,
}

impl Protocol for Flood {
    type Config = u32;
    type Message = Token;
    type Timer = ();
    type Request = ();
    type Response = ();
    type Durable = ();
    type View = ();
}

#[derive(Clone, Debug, Hash)]
struct Forwarder {
    seen: u64,
    last: u64,
    sum: u64,
    tokens: u32,
}

impl Node<Flood> for Forwarder {
    fn new(_: NodeId, _: &[NodeId], tokens: &u32, _: Option<()>) -> Self {
        Forwarder { seen: 0, last: 0, sum: 0, tokens: *tokens }
    }

    fn on_start(&mut self, cx: &mut Context<'_, Flood>) {
        for id in 0..self.tokens {
            self.forward(Token { id, hops: 0, value: u64::from(id) }, cx);
        }
    }

    fn on_message(&mut self, from: NodeId, token: Token, cx: &mut Context<'_, Flood>) {
        self.seen += 1;
        self.last = from.index() as u64;
        self.sum = self.sum.wrapping_add(token.value);
        self.forward(Token { id: token.id, hops: token.hops + 1, value: token.value.wrapping_mul(31) + 1 }, cx);
    }
}

impl Forwarder {
    fn forward(&self, token: Token, cx: &mut Context<'_, Flood>) {
        let to = cx.peers()[cx.random(0..=NODES as u64 - 2) as usize];
        cx.send(to, token);
    }
}

impl Observe<Forwarder> for Flood {
    fn view(_: &Forwarder) {}
}

/// Faults whose every check is paid. Rates are small and loss equals repetition, so that about as many messages stay in
/// flight; crashes and partitions are planned beyond the end.
fn faults() -> Plan {
    let links = LinkFaults { loss_ppm: 5, repeat_ppm: 5, spike_ppm: 1_000, spike_us: (10_000, 100_000), ..LinkFaults::none() };
    let never = Time::from_millis(1 << 40);
    let planned = vec![
        (never, Fault::Cut(Cuts::split(NODES, 0b00011))),
        (never, Fault::Crash { node: NodeId::from_index(0), mid_handler: true, down: None }),
    ];
    Plan { faults: planned, links, clocks: vec![(5_000, 100); NODES], down_for_good: 0, quiet_at: Time::from_millis(1 << 41) }
}

/// Runs until about a million deliveries were made; gives how many, and a fingerprint of the run.
fn run(in_flight: u32, plan: Plan, fingerprint: bool) -> (u64, u64) {
    let probe = Probe { fingerprint, ..Probe::default() };
    // A message is 5.5 ms under way on average.
    let end = Time::from_micros(DELIVERIES * 5_500 / u64::from(in_flight));
    let setup = Setup { plan, end, ..Setup::new(42, vec![in_flight / NODES as u32; NODES]) };
    let mut world = World::new(Factory::of::<Forwarder>(), setup, &probe, None).without_limits();
    assert_eq!(world.run(), Ok(()), "the flood breaks no rule");
    let delivered = world.coverage().0["messages delivered"];
    (delivered, splitbrain::hash::of(&(world.now(), world.fingerprints(), delivered)))
}

/// CPU seconds of this process so far.
fn cpu_seconds() -> f64 {
    #[cfg(unix)]
    {
        let t = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
    }
    #[cfg(not(unix))]
    {
        use std::sync::LazyLock;
        static START: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
        START.elapsed().as_secs_f64()
    }
}

fn main() {
    // Cargo itself says `--bench`.
    let once = std::env::args().any(|a| a == "--once");
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    for in_flight in [10, 100, 1_000] {
        for (name, faulty, fingerprint) in [("bare", false, false), ("with faults", true, false), ("with faults and trace", true, true)] {
            let line = format!("{in_flight} in flight, {name}");
            if !wanted.iter().all(|w| line.contains(w.as_str())) {
                continue;
            }
            let flood = || run(in_flight, if faulty { faults() } else { Plan::calm(NODES) }, fingerprint);
            if once {
                let (delivered, check) = flood();
                println!("flood, {line}: {delivered} deliveries, {check:016x}");
                continue;
            }
            let mut rates: Vec<f64> = Vec::new();
            let mut checks = Vec::new();
            for _ in 0..=ROUNDS {
                let start = cpu_seconds();
                let (delivered, check) = flood();
                rates.push(delivered as f64 / (cpu_seconds() - start) / 1e6);
                checks.push(check);
            }
            assert!(checks.iter().all(|c| *c == checks[0]), "the same seed gave different runs");
            rates.remove(0);
            rates.sort_by(f64::total_cmp);
            println!("flood, {line}: {:.1} M deliveries/CPU-s", rates[ROUNDS / 2]);
        }
    }
}
