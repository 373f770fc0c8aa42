//! What the peers and clients of a node of `vector_clock` could say in a storm: the peers read and write, and what they write comes
//! late, early, twice, or from somebody who passes it on.

use super::spec::{Ghost, Written, named};
use super::{ALL, ANSWERS, CAUSALLY, CLOCKS, COMPARE, HELD, ONCE, OWN};
use crate::exercises::vector_clock::{Clock, Config, Post, PostId, Request, VectorClock};
use crate::rng::Rng;
use crate::rule::Coverage;
use crate::sim::{ClientId, Factory, Input, NodeId, Setting, Storm, storm};
use crate::suite::Storms;

/// No count of a storm comes near the end of the numbers.
const FAR: u64 = 1 << 62;

/// So many posts may wait before those that have been under way for longest come.
const WAITING_MAX: usize = 60;

/// What storms tally.
const MET: [&str; 5] = ["posts", "posts that waited", "posts that came again", "clocks compared", "posts passed on"];

pub(super) fn storms(factory: Factory<VectorClock>) -> Storms {
    Storms {
        rules: &[COMPARE, CLOCKS, CAUSALLY, ONCE, ALL, HELD, OWN, ANSWERS],
        must_meet: &MET,
        count: 8_000,
        run: Box::new(move |seed, probe| storm::<VectorClock, Ghost>(factory, seed, probe)),
    }
}

/// In which order what is under way comes.
#[derive(Clone, Copy)]
pub(super) enum Haste {
    InOrder,
    LastFirst,
    OneKeptBack,
    Any,
}

impl Ghost {
    /// A peer reads some of what there is, each after what its author had read.
    fn reads(&mut self, peer: usize, rng: &mut Rng) {
        let nodes = self.delivered.len();
        for author in (0..2 * nodes).map(|_| rng.below(nodes as u64) as usize) {
            let next = PostId { author: NodeId::from_index(author), number: self.read[peer][author] + 1 };
            let Some(written) = self.posts.get(&next) else { continue };
            let is_there = |node: usize| written.clock[node] <= self.read[peer][node] + u64::from(node == author);
            if (0..nodes).all(is_there) {
                self.read[peer][author] = next.number;
            }
        }
    }

    /// A peer writes, and its post is under way.
    fn peer_writes(&mut self, peer: NodeId, rng: &mut Rng) {
        self.reads(peer.index(), rng);
        let clock = &mut self.read[peer.index()];
        clock[peer.index()] += 1;
        let id = PostId { author: peer, number: clock[peer.index()] };
        let mut sent = named(clock);
        if rng.chance(300_000) {
            sent.extend((0..).map(NodeId::from_index).zip(clock.iter().copied()));
        }
        self.posts.insert(id, Written { clock: clock.clone(), sent, came: None });
        self.under_way.push(id);
    }

    fn peer(&self, rng: &mut Rng) -> Option<NodeId> {
        let node = NodeId::from_index(rng.below(self.delivered.len() as u64) as usize);
        Some(node).filter(|node| *node != self.me)
    }

    /// A post that a peer has comes from it; mostly that is its author.
    fn comes(&mut self, id: PostId, rng: &mut Rng) -> Option<Input<VectorClock>> {
        let from = if id.author == self.me || rng.chance(200_000) { self.peer(rng) } else { None };
        self.met[4] += u64::from(from.is_some_and(|from| from != id.author));
        let from = from.or(Some(id.author).filter(|author| *author != self.me))?;
        let post = Post { author: id.author, clock: self.posts.get(&id)?.sent.clone() };
        Some(Input::Message(from, post))
    }
}

impl Storm<VectorClock> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<VectorClock>) {
        let nodes = [1, 2, 2, 3, 3, 3, 4, 5][rng.below(8) as usize];
        let me = NodeId::from_index(rng.below(nodes as u64) as usize);
        let is_old = rng.chance(150_000);
        let archived: Vec<u64> = (0..nodes).map(|_| if is_old && rng.chance(700_000) { rng.wild() % FAR } else { 0 }).collect();
        let mut config = Config { archived: named(&archived) };
        if rng.chance(100_000) {
            config.archived.extend((0..).map(NodeId::from_index).zip(archived.iter().copied()));
        }
        let mut ghost = Ghost::new(me, archived);
        ghost.haste = [Haste::InOrder, Haste::LastFirst, Haste::OneKeptBack, Haste::Any, Haste::Any][rng.below(5) as usize];
        ghost.busy = rng.chance(80_000);
        let setting = Setting { crashes: false, ..Setting::new(nodes, me, config) };
        if rng.chance(20_000) {
            // Minutes in which nothing comes: what is old is still known after them, and what waits still waits.
            return (ghost, Setting { waits_ms: &[20, 5_000, 65_000], whole: true, waits_until_ms: 250_000, ..setting });
        }
        (ghost, setting)
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<VectorClock>> {
        let client = ClientId::from_index(rng.below(3) as usize);
        if self.busy && rng.chance(900_000) {
            return Some(Input::Request(client, Request::Post));
        }
        match rng.below(10) {
            0 | 1 => return Some(Input::Request(client, Request::Post)),
            2 => {
                let (a, b) = two_clocks(self, rng);
                return Some(Input::Request(client, Request::Compare(a, b)));
            }
            3 => {
                let any = rng.below(self.posts.len() as u64) as usize;
                let id = self.posts.iter().nth(any).filter(|(_, written)| written.came.is_some()).map(|(id, _)| *id)?;
                return self.comes(id, rng);
            }
            _ => {}
        }
        let enough = if matches!(self.haste, Haste::OneKeptBack) { 2 } else { 1 };
        if self.under_way.len() < enough || rng.chance(400_000) {
            for _ in 0..=rng.below(3) {
                if let Some(peer) = self.peer(rng) {
                    self.peer_writes(peer, rng);
                }
            }
        }
        let many = self.under_way.len() as u64;
        // What waits is looked through again and again by some: not by hundreds in every storm.
        let at = match self.haste {
            _ if self.waiting() > WAITING_MAX => 0,
            Haste::InOrder => 0,
            Haste::LastFirst => many.checked_sub(1)?,
            Haste::OneKeptBack => (1 + rng.below(many.saturating_sub(1))).min(many.saturating_sub(1)),
            Haste::Any => rng.below(many),
        };
        let id = *self.under_way.get(at as usize)?;
        self.under_way.remove(at as usize);
        self.comes(id, rng)
    }

    fn tally(&self, coverage: &mut Coverage) {
        for (name, met) in MET.into_iter().zip(self.met) {
            coverage.add(name, met);
        }
    }
}

/// Two clocks that are easily taken for one another.
fn two_clocks(ghost: &Ghost, rng: &mut Rng) -> (Clock, Clock) {
    let node = |rng: &mut Rng| NodeId::from_index([0, 1, 2, 15, 254][rng.below(5) as usize]);
    let number = |rng: &mut Rng| if rng.chance(700_000) { rng.below(4) } else { rng.wild() };
    let most = if rng.chance(20_000) { 200 } else { 4 };
    let mut a: Clock =
        (0..rng.below(most)).map(|i| (if i < 4 { node(rng) } else { NodeId::from_index(i as usize) }, number(rng))).collect();
    if rng.chance(100_000) {
        a = named(&ghost.delivered);
    }
    let mut b = a.clone();
    for _ in 0..rng.below(4) {
        let node = node(rng);
        match rng.below(4) {
            0 => drop(b.remove(&node)),
            1 => drop(b.insert(node, number(rng))),
            2 => drop(b.entry(node).and_modify(|n| *n = rng.near(*n))),
            _ => drop(b.entry(node).or_insert(0)),
        }
    }
    if rng.chance(500_000) { (a, b) } else { (b, a) }
}
