//! Breadth-first over rows of numbers. A state is one row of 32-bit words: each node's number; the invariant's; what is left
//! of the budgets; then the packets under way, sorted, so that equal clusters are equal rows.

use super::counterexample;
use super::invariant::{Invariant, When};
use super::scope::{EXPLORED_NODES_MAX, Explored, REQUESTS_MAX, Scope, UNLIMITED};
use super::seen::{PACKET, Seen, part};
use super::space::{Event, Move, Payload, Space, Transition, ticket};
use crate::hash::FastMap;
use crate::rule::Broken;
use crate::sim::node::{Factory, NodeId, Protocol, Ticket};
use crate::sim::step::{Cause, Step};
use crate::trace::Probe;

/// The most words that the states at hand may take: 256 MiB.
const WORDS_MAX: usize = 64 << 20;

/// Why a search ends before its end.
pub(super) enum Stop {
    Broken(Box<Broken>, Move),
    Panicked(Payload, Move),
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
            explored.path = counterexample::decisions(&mut search.space, scope, &moves);
            explored.broken = Some(*broken);
        }
        Some(Stop::Panicked(payload, last)) => {
            let moves = search.moves(last);
            let path = counterexample::decisions(&mut search.space, scope, &moves);
            let _ = counterexample::follow(factory, scope, invariant, &path, false, probe);
            std::panic::resume_unwind(payload);
        }
    }
    explored
}

/// The rows of one level, with their fingerprints.
#[derive(Default)]
struct Level {
    words: Vec<u32>,
    ends: Vec<u32>,
    fingerprints: Vec<u64>,
}

/// The state that is being expanded.
#[derive(Clone, Copy)]
struct Parent<'r> {
    row: &'r [u32],
    fingerprint: u64,
}

/// What becomes of it.
#[derive(Clone, Copy)]
struct Next {
    transition: u32,
    invariant: u32,
    /// Where in the row the message stands that is delivered.
    packet: Option<usize>,
    /// What is left of the word of faults.
    faults: u32,
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
            self.next.fingerprints.clear();
            self.depth += 1;
            let mut begin = 0;
            for (i, (end, fingerprint)) in (first..).zip(level.ends.iter().zip(&level.fingerprints)) {
                let end = *end as usize;
                self.from = i;
                if let Err(stop) = self.expand(Parent { row: &level.words[begin..end], fingerprint: *fingerprint }) {
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
            let next = Next { transition: t, invariant, packet: None, faults };
            let mut then = Vec::new();
            self.lay(&row, next, &mut then);
            row = then;
        }
        let (fixed, packets) = row.split_at(self.nodes + FIXED);
        let fixed = (0..).zip(fixed).map(|(place, word)| part(place, *word));
        let packets = packets.iter().map(|p| part(PACKET, *p));
        let fingerprint = fixed.chain(packets).fold(0, u64::wrapping_add);
        self.generated += 1;
        self.seen.insert(fingerprint);
        self.parents.push((self.from, Move { node: 0, cut: 0, event: Event::Start }));
        self.next = Level { ends: vec![row.len() as u32], words: row, fingerprints: vec![fingerprint] };
        Ok(())
    }

    fn expand(&mut self, from: Parent<'_>) -> Result<(), Stop> {
        let n = self.nodes;
        let (fixed, packets) = from.row.split_at(n + FIXED);
        let faults = fixed[n + FAULTS];
        for (i, &packet) in packets.iter().enumerate() {
            if i > 0 && packets[i - 1] == packet {
                continue;
            }
            let node = self.space.packet(packet).to.index();
            if self.space.is_up(fixed[node]) {
                self.act(from, node, Event::Deliver(packet), Some(i))?;
            }
        }
        for node in 0..n {
            let local = fixed[node];
            if !self.space.is_up(local) {
                self.act(from, node, Event::Start, None)?;
                continue;
            }
            if fixed[n + FIRINGS] >> (4 * node) & 15 > 0 {
                for k in 0..self.space.timers_of(local).len() {
                    let (timer, _) = self.space.timers_of(local)[k];
                    self.act(from, node, Event::Fire(timer), None)?;
                }
            }
            if faults >= CRASH && self.crashes(node) {
                self.act(from, node, Event::Crash, None)?;
            }
        }
        for i in 0..self.scope.requests.len() {
            if self.may_ask(fixed, i) {
                self.act(from, self.scope.requests[i].1.index(), Event::Ask(i as u32), None)?;
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
    fn act(&mut self, from: Parent<'_>, node: usize, event: Event, packet: Option<usize>) -> Result<(), Stop> {
        let n = self.nodes;
        let faults = from.row[n + FAULTS];
        let step = Move { node: node as u8, cut: 0, event };
        let t = self.transition(from.row[node], step)?;
        let before = from.row[n + INVARIANT];
        let invariant = self.advance(before, t, step)?;
        if invariant != DEAD_END {
            let idle = self.space.get(t).idle && invariant == before;
            if idle && !(self.scope.keep_idle && packet.is_some()) && !matches!(event, Event::Ask(_)) {
                return Ok(());
            }
            let left = if event == Event::Crash { faults - CRASH } else { faults };
            self.reached(from, Next { transition: t, invariant, packet, faults: left }, step);
            if packet.is_some() && !faults.is_multiple_of(CRASH) {
                self.reached(from, Next { transition: t, invariant, packet: None, faults: faults - REPEAT }, step);
            }
        }
        if faults >= CRASH && self.crashes(node) { self.cut_short(from, node, step, packet) } else { Ok(()) }
    }

    /// Whether a place may crash: services are spared.
    fn crashes(&self, place: usize) -> bool {
        self.space.id(place as u8).role().is_none()
    }

    /// The same event with a crash between two of its effects, wherever that makes a difference.
    fn cut_short(&mut self, from: Parent<'_>, node: usize, step: Move, packet: Option<usize>) -> Result<(), Stop> {
        let faults = from.row[self.nodes + FAULTS];
        let whole = self.transition(from.row[node], step)?;
        for k in 0..self.space.get(whole).cuts.len() {
            let step = Move { cut: self.space.get(whole).cuts[k], ..step };
            let t = self.transition(from.row[node], step)?;
            let invariant = self.advance(from.row[self.nodes + INVARIANT], t, step)?;
            if invariant != DEAD_END {
                self.reached(from, Next { transition: t, invariant, packet, faults: faults - CRASH }, step);
            }
        }
        Ok(())
    }

    #[inline]
    fn transition(&mut self, local: u32, step: Move) -> Result<u32, Stop> {
        self.space.transition(local, step.event, step.cut).map_err(|payload| Stop::Panicked(payload, step))
    }

    /// What a transition leaves of the words of requests and of firings.
    #[inline]
    fn budgets(&self, row: &[u32], transition: &Transition<P>) -> (u32, u32) {
        let (n, node) = (self.nodes, transition.node.index());
        let requests = row[n + REQUESTS] | transition.answers << 16;
        let firings = row[n + FIRINGS];
        match transition.event {
            Event::Ask(i) => (requests | 1 << i, firings),
            Event::Fire(_) if firings >> (4 * node) & 15 != u32::from(UNLIMITED) => (requests, firings - (1 << (4 * node))),
            _ => (requests, firings),
        }
    }

    /// Takes the state that a transition leads to down if it is new. Most are not: so it is known by its fingerprint before
    /// its row is laid out.
    #[inline]
    fn reached(&mut self, from: Parent<'_>, next: Next, step: Move) {
        self.generated += 1;
        let n = self.nodes;
        let transition = self.space.get(next.transition);
        let (requests, firings) = self.budgets(from.row, transition);
        let mut fingerprint = from.fingerprint;
        let mut becomes = |place: usize, word: u32| {
            if from.row[place] != word {
                fingerprint = fingerprint.wrapping_sub(part(place as u32, from.row[place])).wrapping_add(part(place as u32, word));
            }
        };
        becomes(transition.node.index(), transition.to);
        becomes(n + INVARIANT, next.invariant);
        becomes(n + FAULTS, next.faults);
        becomes(n + REQUESTS, requests);
        becomes(n + FIRINGS, firings);
        fingerprint = fingerprint.wrapping_add(transition.sent);
        if let Some(i) = next.packet {
            fingerprint = fingerprint.wrapping_sub(part(PACKET, from.row[n + FIXED + i]));
        }
        if self.seen.insert(fingerprint) {
            self.parents.push((self.from, step));
            let mut words = std::mem::take(&mut self.next.words);
            self.lay(from.row, next, &mut words);
            self.next.ends.push(words.len() as u32);
            self.next.words = words;
            self.next.fingerprints.push(fingerprint);
        }
    }

    /// Lays out the row that a transition leads to, at the end of `to`.
    fn lay(&self, row: &[u32], next: Next, to: &mut Vec<u32>) {
        let n = self.nodes;
        let transition = self.space.get(next.transition);
        let (requests, firings) = self.budgets(row, transition);
        let begin = to.len();
        to.extend_from_slice(&row[..n]);
        to[begin + transition.node.index()] = transition.to;
        to.extend([next.invariant, next.faults, requests, firings]);
        let mut sends = transition.sends.as_slice();
        for (i, &p) in row[n + FIXED..].iter().enumerate() {
            while let Some((&first, rest)) = sends.split_first()
                && first <= p
            {
                to.push(first);
                sends = rest;
            }
            if next.packet != Some(i) {
                to.push(p);
            }
        }
        to.extend_from_slice(sends);
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
                return Err(Stop::Broken(Box::new(broken), step));
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
        for (ticket, response) in counterexample::replies(&call.effects) {
            invariant.response(When::default(), asked_of(scope, ticket), ticket, response)?;
        }
    }
    Ok(())
}

/// Whom a request was made to.
fn asked_of<P: Protocol>(scope: &Scope<P>, ticket: Ticket) -> NodeId {
    scope.requests[ticket.number as usize - 1].1
}
