//! Breadth-first over rows of numbers. A state is one row of 32-bit words: each node's number; the invariant's; what is left
//! of the budgets; then the packets under way, sorted, so that equal clusters are equal rows.

use super::space::{Event, Payload, Space};
use super::{EXPLORED_NODES_MAX, Explored, Invariant, REQUESTS_MAX, Scope, UNLIMITED, When, show};
use crate::hash::FastMap;
use crate::rule::Broken;
use crate::sim::node::{ClientId, Factory, NodeId, Protocol, Ticket};
use crate::sim::referee::{Cause, Step};
use crate::trace::Probe;

/// The most words that the states at hand may take: 256 MiB.
const WORDS_MAX: usize = 64 << 20;

/// What leads from one state to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    pub node: u8,
    /// A crash after so many effects of the last call; 0 for none.
    pub cut: u16,
    pub event: Event,
}

/// Why a search ends before its end.
pub(super) enum Stop {
    Broken(Broken, Move),
    Panicked(Payload, Move),
}

/// The ticket of the request at `index`.
pub(super) fn ticket(client: ClientId, index: u32) -> Ticket {
    Ticket { client, number: index + 1 }
}

pub(super) fn explore<P: Protocol, G: Invariant<P>>(factory: Factory<P>, scope: &Scope<P>, invariant: &G, probe: &Probe) -> Explored<P> {
    assert!(scope.configs.len() <= EXPLORED_NODES_MAX && scope.requests.len() <= REQUESTS_MAX, "a scope this large is not explored");
    let sought = probe.sought.map(|s| s.rule);
    let mut search = Search::new(Space::new(factory, scope, probe, false), scope, invariant, sought);
    let mut stop = search.run();
    if search.space.must_start_again() {
        // Somebody reads a clock: from the start, with clocks.
        search = Search::new(Space::new(factory, scope, probe, true), scope, invariant, sought);
        stop = search.run();
    }
    let mut explored = Explored {
        states: search.parents.len() as u64,
        generated: search.generated,
        depth: search.depth,
        complete: search.complete && stop.is_none(),
        broken: None,
        path: Vec::new(),
    };
    match stop {
        None => {}
        Some(Stop::Broken(broken, last)) => {
            let moves = search.moves(last);
            explored.path = show::decisions(&mut search.space, scope, &moves);
            explored.broken = Some(broken);
        }
        Some(Stop::Panicked(payload, last)) => {
            let moves = search.moves(last);
            let path = show::decisions(&mut search.space, scope, &moves);
            let _ = show::follow(factory, scope, invariant, &path, false, probe);
            std::panic::resume_unwind(payload);
        }
    }
    explored
}

/// The rows of one level.
#[derive(Default)]
struct Level {
    words: Vec<u32>,
    ends: Vec<u32>,
}

pub(super) struct Search<'a, P: Protocol, G> {
    pub space: Space<'a, P>,
    scope: &'a Scope<P>,
    nodes: usize,
    invariants: Vec<G>,
    invariant_ids: FastMap<u64, u32>,
    /// What a transition makes of an invariant.
    advanced: FastMap<u64, u32>,
    seen: Seen,
    /// Each state's parent, and the move from there.
    parents: Vec<(u32, Move)>,
    next: Level,
    row: Vec<u32>,
    /// Only this rule ends the search.
    sought: Option<&'static str>,
    /// The state that is being expanded.
    from: u32,
    generated: u64,
    depth: u32,
    complete: bool,
}

/// Where what is in a row, after the nodes.
const INVARIANT: usize = 0;
const FAULTS: usize = 1;
const REQUESTS: usize = 2;
const FIRINGS: usize = 3;
const FIXED: usize = 4;
/// In the word of faults.
const CRASH: u32 = 1 << 8;
const REPEAT: u32 = 1;
const NO_PARENT: u32 = u32::MAX;
/// In the place of an invariant: a rule was broken that is not the one that is sought.
const DEAD_END: u32 = u32::MAX;

impl<'a, P: Protocol, G: Invariant<P>> Search<'a, P, G> {
    fn new(space: Space<'a, P>, scope: &'a Scope<P>, invariant: &G, sought: Option<&'static str>) -> Self {
        Search {
            space,
            sought,
            scope,
            nodes: scope.configs.len(),
            invariant_ids: FastMap::from_iter([(crate::hash::of(invariant), 0)]),
            invariants: vec![invariant.clone()],
            advanced: FastMap::default(),
            seen: Seen::new(),
            parents: Vec::new(),
            next: Level::default(),
            row: Vec::new(),
            from: NO_PARENT,
            generated: 0,
            depth: 0,
            complete: true,
        }
    }

    fn run(&mut self) -> Option<Stop> {
        if let Err(stop) = self.start() {
            return Some(stop);
        }
        let mut level = Level::default();
        let mut first = 0;
        while !self.next.ends.is_empty() {
            if self.depth >= self.scope.depth_max {
                self.complete = false;
                break;
            }
            std::mem::swap(&mut level, &mut self.next);
            self.next.words.clear();
            self.next.ends.clear();
            self.depth += 1;
            let mut begin = 0;
            for (i, end) in (first..).zip(&level.ends) {
                let end = *end as usize;
                self.from = i;
                if let Err(stop) = self.expand(&level.words[begin..end]) {
                    return Some(stop);
                }
                let much = self.parents.len() >= self.scope.states_max || self.next.words.len() + level.words.len() > WORDS_MAX;
                if much || self.space.is_full() {
                    self.complete = i as usize + 1 == self.parents.len();
                    return None;
                }
                if self.space.must_start_again() {
                    return None;
                }
                begin = end;
            }
            first += level.ends.len() as u32;
        }
        if self.complete {
            // The last level had nothing new.
            self.depth -= 1;
        }
        None
    }

    /// The first state: all nodes have started.
    fn start(&mut self) -> Result<(), Stop> {
        let firings = (0u32..).zip(&self.scope.firings).map(|(i, f)| u32::from(*f).min(15) << (4 * i)).sum();
        let faults = u32::from(self.scope.crashes) * CRASH + u32::from(self.scope.repeats) * REPEAT;
        let mut row: Vec<u32> = (0..self.nodes as u32).chain([0, faults, 0, firings]).collect();
        for node in 0..self.nodes {
            let step = Move { node: node as u8, cut: 0, event: Event::Start };
            let t = self.transition(row[node], step)?;
            let invariant = self.advance(row[self.nodes + INVARIANT], t, step)?;
            if invariant == DEAD_END {
                return Ok(());
            }
            self.lay(&row, t, invariant, None, row[self.nodes + FAULTS]);
            std::mem::swap(&mut row, &mut self.row);
        }
        self.row = row;
        self.reached(Move { node: 0, cut: 0, event: Event::Start });
        Ok(())
    }

    fn expand(&mut self, row: &[u32]) -> Result<(), Stop> {
        let n = self.nodes;
        let (fixed, packets) = row.split_at(n + FIXED);
        let faults = fixed[n + FAULTS];
        for (i, &packet) in packets.iter().enumerate() {
            if i > 0 && packets[i - 1] == packet {
                continue;
            }
            let node = self.space.packet(packet).to.index();
            if self.space.is_up(fixed[node]) {
                self.act(row, node, Event::Deliver(packet), Some(i))?;
            }
        }
        for node in 0..n {
            let local = fixed[node];
            if !self.space.is_up(local) {
                self.act(row, node, Event::Start, None)?;
                continue;
            }
            if fixed[n + FIRINGS] >> (4 * node) & 15 > 0 {
                for k in 0..self.space.timers_of(local).len() {
                    let (timer, _) = self.space.timers_of(local)[k];
                    self.act(row, node, Event::Fire(timer), None)?;
                }
            }
            if faults >= CRASH {
                self.act(row, node, Event::Crash, None)?;
            }
        }
        for i in 0..self.scope.requests.len() {
            if self.may_ask(fixed, i) {
                self.act(row, self.scope.requests[i].1.index(), Event::Ask(i as u32), None)?;
            }
        }
        Ok(())
    }

    /// Whether request `i` was not made, all earlier ones of its client were answered, and its node is up.
    fn may_ask(&self, fixed: &[u32], i: usize) -> bool {
        let (asked, answered) = (fixed[self.nodes + REQUESTS] & 0xFFFF, fixed[self.nodes + REQUESTS] >> 16);
        let (client, to, _) = &self.scope.requests[i];
        let earlier = self.scope.requests[..i].iter().enumerate().filter(|(_, (c, ..))| c == client);
        asked >> i & 1 == 0 && earlier.map(|(j, _)| j).all(|j| answered >> j & 1 == 1) && self.space.is_up(fixed[to.index()])
    }

    /// An event, with what may go wrong in it. `packet`: where in the row the message stands that it delivers.
    #[inline]
    fn act(&mut self, row: &[u32], node: usize, event: Event, packet: Option<usize>) -> Result<(), Stop> {
        let n = self.nodes;
        let faults = row[n + FAULTS];
        let step = Move { node: node as u8, cut: 0, event };
        let t = self.transition(row[node], step)?;
        let invariant = self.advance(row[n + INVARIANT], t, step)?;
        if invariant == DEAD_END {
            return self.cut_short(row, node, step, packet);
        }
        let idle = self.space.get(t).idle && invariant == row[n + INVARIANT];
        if idle && !(self.scope.keep_idle && packet.is_some()) && !matches!(event, Event::Ask(_)) {
            return Ok(());
        }
        let left = if event == Event::Crash { faults - CRASH } else { faults };
        self.lay(row, t, invariant, packet, left);
        self.reached(step);
        if packet.is_some() && !faults.is_multiple_of(CRASH) {
            self.lay(row, t, invariant, None, faults - REPEAT);
            self.reached(step);
        }
        self.cut_short(row, node, step, packet)
    }

    /// The same event with a crash between two of its effects, wherever that makes a difference.
    #[inline]
    fn cut_short(&mut self, row: &[u32], node: usize, step: Move, packet: Option<usize>) -> Result<(), Stop> {
        let faults = row[self.nodes + FAULTS];
        if faults < CRASH {
            return Ok(());
        }
        let whole = self.transition(row[node], step)?;
        for k in 0..self.space.get(whole).cuts.len() {
            let step = Move { cut: self.space.get(whole).cuts[k], ..step };
            let t = self.transition(row[node], step)?;
            let invariant = self.advance(row[self.nodes + INVARIANT], t, step)?;
            if invariant != DEAD_END {
                self.lay(row, t, invariant, packet, faults - CRASH);
                self.reached(step);
            }
        }
        Ok(())
    }

    #[inline]
    fn transition(&mut self, local: u32, step: Move) -> Result<u32, Stop> {
        self.space.transition(local, step.event, step.cut).map_err(|payload| Stop::Panicked(payload, step))
    }

    /// Lays out the row that a transition leads to.
    #[inline]
    fn lay(&mut self, row: &[u32], t: u32, invariant: u32, packet: Option<usize>, faults: u32) {
        let n = self.nodes;
        let transition = self.space.get(t);
        let node = transition.node.index();
        let to = &mut self.row;
        to.clear();
        to.extend_from_slice(&row[..n + FIXED]);
        to[node] = transition.to;
        to[n + INVARIANT] = invariant;
        to[n + FAULTS] = faults;
        to[n + REQUESTS] |= transition.answers << 16;
        match transition.event {
            Event::Ask(i) => to[n + REQUESTS] |= 1 << i,
            Event::Fire(_) if to[n + FIRINGS] >> (4 * node) & 15 != u32::from(UNLIMITED) => to[n + FIRINGS] -= 1 << (4 * node),
            _ => {}
        }
        let mut sends = transition.sends.as_slice();
        for (i, &p) in row[n + FIXED..].iter().enumerate() {
            while let Some((&first, rest)) = sends.split_first()
                && first <= p
            {
                to.push(first);
                sends = rest;
            }
            if packet != Some(i) {
                to.push(p);
            }
        }
        to.extend_from_slice(sends);
    }

    /// Takes the row down if it is new.
    #[inline]
    fn reached(&mut self, step: Move) {
        self.generated += 1;
        if self.seen.insert(fingerprint(&self.row)) {
            self.parents.push((self.from, step));
            self.next.words.extend_from_slice(&self.row);
            self.next.ends.push(self.next.words.len() as u32);
        }
    }

    /// The invariant after a transition.
    #[inline]
    fn advance(&mut self, invariant: u32, t: u32, step: Move) -> Result<u32, Stop> {
        let key = u64::from(invariant) << 32 | u64::from(t);
        if let Some(next) = self.advanced.get(&key) {
            return Ok(*next);
        }
        let mut next = self.invariants[invariant as usize].clone();
        if let Err(broken) = judge(&self.space, self.scope, &mut next, t) {
            if self.sought.is_none_or(|rule| rule == broken.rule) {
                return Err(Stop::Broken(broken, step));
            }
            self.advanced.insert(key, DEAD_END);
            return Ok(DEAD_END);
        }
        let number = *self.invariant_ids.entry(crate::hash::of(&next)).or_insert_with(|| {
            self.invariants.push(next);
            self.invariants.len() as u32 - 1
        });
        self.advanced.insert(key, number);
        Ok(number)
    }

    /// The moves to the state that is being expanded, from the first state on, and the last one.
    fn moves(&self, last: Move) -> Vec<Move> {
        let mut moves = vec![last];
        let mut at = self.from;
        while at != NO_PARENT {
            let (parent, step) = self.parents[at as usize];
            if parent != NO_PARENT {
                moves.push(step);
            }
            at = parent;
        }
        let begun = if self.from == NO_PARENT { last.node } else { self.nodes as u8 };
        moves.extend((0..begun).rev().map(|node| Move { node, cut: 0, event: Event::Start }));
        moves.reverse();
        moves
    }
}

/// Shows a transition to an invariant.
fn judge<P: Protocol, G: Invariant<P>>(space: &Space<'_, P>, scope: &Scope<P>, invariant: &mut G, t: u32) -> crate::rule::Check {
    let transition = space.get(t);
    let node = transition.node;
    if let Event::Ask(n) = transition.event {
        let (client, to, request) = &scope.requests[n as usize];
        invariant.asked(When::default(), *to, ticket(*client, n), request);
    }
    let cause = || match transition.event {
        Event::Start => Cause::Start { again: transition.again },
        Event::Crash => Cause::Crash,
        Event::Deliver(n) => {
            let packet = space.packet(n);
            Cause::Message { from: packet.from, id: 0, message: &packet.message }
        }
        Event::Fire(n) => Cause::Timer(space.timer(n)),
        Event::Ask(n) => {
            let (client, _, request) = &scope.requests[n as usize];
            Cause::Request { ticket: ticket(*client, n), request }
        }
    };
    if transition.event == Event::Crash {
        return invariant.cause(node, cause());
    }
    for call in &transition.calls {
        invariant.cause(node, cause())?;
        let crashed = call.view.is_none();
        let step = Step { number: 0, at: call.clock, node, effects: &call.effects, first_message: 0, crashed, view: call.view.clone() };
        invariant.step(&step)?;
        for (ticket, response) in show::replies(&call.effects) {
            invariant.response(When::default(), asked_of(scope, ticket), ticket, response)?;
        }
    }
    Ok(())
}

/// Whom a request was made to.
fn asked_of<P: Protocol>(scope: &Scope<P>, ticket: Ticket) -> NodeId {
    scope.requests[ticket.number as usize - 1].1
}

/// 64 bits of a row: a folded multiplication for each two words, which lets every bit of one reach every bit of the result.
#[inline]
fn fingerprint(row: &[u32]) -> u64 {
    let fold = |h: u64, x: u64| {
        let product = u128::from(h ^ x) * 0x9E37_79B9_7F4A_7C15;
        (product as u64) ^ (product >> 64) as u64
    };
    let (pairs, rest) = row.as_chunks::<2>();
    let mut h = 0x2545_F491_4F6C_DD1D ^ row.len() as u64;
    for [a, b] in pairs {
        h = fold(h, u64::from(*a) << 32 | u64::from(*b));
    }
    if let [last] = rest {
        h = fold(h, u64::from(*last));
    }
    fold(h, h >> 32)
}

/// A set of fingerprints: open addressing, at most half full. Nothing but a table of numbers, as it is most of the work.
struct Seen {
    table: Vec<u64>,
    count: usize,
}

impl Seen {
    fn new() -> Self {
        Seen { table: vec![0; 1 << 12], count: 0 }
    }

    /// Whether it was not in it.
    #[inline]
    fn insert(&mut self, fingerprint: u64) -> bool {
        // Zero is an empty place.
        let key = fingerprint.max(1);
        let mask = self.table.len() - 1;
        let mut at = key as usize & mask;
        loop {
            match self.table[at] {
                0 => break,
                found if found == key => return false,
                _ => at = (at + 1) & mask,
            }
        }
        self.table[at] = key;
        self.count += 1;
        if self.count * 2 > self.table.len() {
            self.grow();
        }
        true
    }

    #[cold]
    fn grow(&mut self) {
        let larger = vec![0; self.table.len() * 4];
        let mask = larger.len() - 1;
        let old = std::mem::replace(&mut self.table, larger);
        for key in old.into_iter().filter(|k| *k != 0) {
            let mut at = key as usize & mask;
            while self.table[at] != 0 {
                at = (at + 1) & mask;
            }
            self.table[at] = key;
        }
    }
}
