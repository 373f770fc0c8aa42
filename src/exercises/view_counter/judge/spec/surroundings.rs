//! What comes in from outside in a storm: viewers and a store around a server, servers and readers around the store.

use super::{Ghost, SETTLE_INTERVALS, SETTLE_MORE_MS, Server, Store};
use crate::exercises::view_counter::{Config, FlushId, Message, Request, Role, Saved, ViewCounter};
use crate::rng::Rng;
use crate::rule::{Check, Coverage};
use crate::sim::{ClientId, Input, NodeId, Seen, Setting, Spec, Storm};
use crate::time::{Time, millis};
use std::collections::BTreeMap;

/// All flushes together hold less: counters do not overflow.
const VIEWS_MAX: u64 = 1 << 62;
/// An outage, or an answer that comes late.
const LONG_RESTS_MS: [u64; 4] = [60_000, 60_000, 60_000, 200_000];

/// In so many storms around a store, in millionths, flushes come in a stream, until there are as many as are judged, or nearly; then
/// late copies of them: what forgets a flush after 64 or 512 others is seen.
const STREAMS: u32 = 6_000;
const STREAM_MAX: usize = 590;

/// A server as the store sees it: it sends its next flush when the last one was acknowledged.
#[derive(Clone)]
struct Peer {
    node: NodeId,
    id: FlushId,
    /// All flushes that it has sent, the last one last: any of them may arrive, once, again or for the first time.
    sent: Vec<(FlushId, u64)>,
}

#[derive(Clone)]
pub struct Surroundings {
    ghost: Ghost,
    store: NodeId,
    /// How likely a view is, or a new flush; and how likely what is out is acknowledged at once, or servers restart.
    views: u32,
    prompt: u32,
    restarts: u32,
    empty: bool,
    peers: Vec<Peer>,
    total: u64,
    /// Whether flushes come in a stream.
    stream: bool,
}

impl Spec<ViewCounter> for Surroundings {
    fn step(&mut self, seen: &Seen<'_, ViewCounter>) -> Check {
        self.ghost.step(seen)
    }

    fn time(&mut self, now: Time) -> Check {
        self.ghost.time(now)
    }
}

/// Any life of a server, so that more follow.
fn incarnation(rng: &mut Rng) -> u64 {
    (rng.wild() % VIEWS_MAX).saturating_sub(rng.below(4))
}

/// The disk of a store that has counted for years, and its ghost. Each server is at the flush that was acknowledged to it last.
fn a_past(me: NodeId, peers: &mut [Peer], rng: &mut Rng) -> (Store, Saved, u64) {
    for peer in peers.iter_mut() {
        peer.id.number = (rng.wild() % VIEWS_MAX).saturating_sub(rng.below(4)).max(1);
        peer.sent.push((peer.id, 1 + rng.below(9)));
    }
    let last = || peers.iter().filter_map(|peer| peer.sent.last().map(|(id, views)| (peer.node, *id, *views)));
    let least: u64 = last().map(|(_, _, views)| views).sum();
    let total = (rng.wild() % (VIEWS_MAX / 2)).max(least);
    let saved = Saved::Store {
        total,
        last: last().map(|(node, id, _)| (node, id)).collect(),
        seen: last().map(|(node, id, _)| (node, id)).collect(),
    };
    (Store::with_a_past(me, total, last()), saved, total)
}

impl Surroundings {
    fn view_or_acknowledgement(server: &Server, (views, prompt): (u32, u32), store: NodeId, rng: &mut Rng) -> Input<ViewCounter> {
        let all: Vec<FlushId> = server.batches.keys().copied().collect();
        let out: Vec<FlushId> = server.out.keys().copied().collect();
        let id = if !out.is_empty() && rng.chance(prompt) {
            if rng.chance(700_000) { out.last().copied() } else { rng.pick(&out).copied() }
        } else if all.is_empty() || rng.chance(views) {
            None
        } else {
            match rng.below(4) {
                0 => out.first().copied(),
                1 => rng.pick(&all).copied(),
                // The one before, and one of the last of an earlier life.
                2 => all.iter().rev().nth(1).copied(),
                _ => all.iter().rev().find(|id| server.batches.get(id).is_some_and(|b| b.life < server.life)).copied(),
            }
        };
        match id {
            Some(id) => Input::Message(store, Message::Flushed { id }),
            None => Input::Request(ClientId::from_index(rng.below(2) as usize), Request::View),
        }
    }

    fn views_of_a_flush(&mut self, last: u64, rng: &mut Rng) -> u64 {
        let views = match rng.below(7) {
            0..=2 => 1 + rng.below(9),
            3 => last,
            4 => 0,
            5 => rng.near(last),
            _ => rng.wild(),
        };
        let views = if views == 0 && !self.empty { 1 } else { views };
        if views > VIEWS_MAX - self.total { 1 } else { views }
    }

    fn flush_or_read(&mut self, rng: &mut Rng) -> Input<ViewCounter> {
        if rng.chance(80_000) {
            return Input::Request(ClientId::from_index(0), Request::Read);
        }
        let i = if rng.chance(400_000) { 0 } else { rng.below(self.peers.len() as u64) as usize };
        let node = self.peers[i].node;
        let last = self.peers[i].sent.last().copied();
        let enough = self.stream && self.peers.iter().map(|peer| peer.sent.len()).sum::<usize>() >= STREAM_MAX;
        if (enough || !rng.chance(self.views))
            && let Some((id, views)) = rng.pick(&self.peers[i].sent)
        {
            // One of all that were sent, or else one of the last.
            let (id, views) = if enough && rng.chance(500_000) {
                self.peers[i].sent[rng.below(20) as usize % self.peers[i].sent.len()]
            } else if rng.chance(500_000) {
                (*id, *views)
            } else {
                let back = rng.below(self.peers[i].sent.len().min(3) as u64) as usize;
                self.peers[i].sent[self.peers[i].sent.len() - 1 - back]
            };
            return Input::Message(node, Message::Flush { id, views });
        }
        let through = last.is_none_or(|(id, _)| match &self.ghost {
            Ghost::Store(store) => store.flushes.get(&(node, id)).is_some_and(|flush| flush.acknowledged),
            Ghost::Server(_) => false,
        });
        let restarts = rng.chance(self.restarts);
        if let Some((id, views)) = last.filter(|_| !through && !restarts) {
            return Input::Message(node, Message::Flush { id, views });
        }
        let views = self.views_of_a_flush(last.map_or(1, |(_, views)| views), rng);
        let peer = &mut self.peers[i];
        if restarts {
            let by = if rng.chance(700_000) { 1 } else { 1 + rng.below(300) };
            peer.id = FlushId { incarnation: peer.id.incarnation + by, number: 0 };
        }
        peer.id.number += 1;
        peer.sent.push((peer.id, views));
        self.total += views;
        Input::Message(node, Message::Flush { id: peer.id, views })
    }
}

impl Storm<ViewCounter> for Surroundings {
    fn setting(rng: &mut Rng) -> (Self, Setting<ViewCounter>) {
        let nodes = rng.range(2..=5) as usize;
        let store = NodeId::from_index(rng.below(nodes as u64) as usize);
        let me = if rng.chance(400_000) { store } else { NodeId::from_index((store.index() + 1) % nodes) };
        let every_ms = *rng.pick(&[100, 150, 200, 400, 1_000]).unwrap_or(&200);
        let every = millis(every_ms);
        let others = (0..nodes).map(NodeId::from_index).filter(|node| *node != store);
        // The store is away for a minute, or for longer. It has few timers itself, so an hour costs nothing.
        let long_ms = if !rng.chance(30_000) { 0 } else { *rng.pick(&LONG_RESTS_MS).unwrap_or(&0) };
        // A server ticks also while nobody watches: some wait for hundreds of its intervals.
        let quiet: &'static [u64] = if rng.chance(150_000) { &[5, 5, 5, 5, 5, 5, 5, 60_000] } else { &[5, 5, 3_000] };
        let waits: [&'static [u64]; 4] = [&[2, 20, 150], &[20, 400], if me == store { &[10, 20_000, 4_000_000] } else { quiet }, &[1, 10]];
        let (ghost, role, rest_ms) = if me == store {
            (Ghost::Store(Store::new(me)), Role::Store, 500)
        } else {
            let rest = every_ms * u64::from(SETTLE_INTERVALS + 3) + 2 * SETTLE_MORE_MS;
            (Ghost::Server(Server::new(me, store, every, true)), Role::Server { store }, rest)
        };
        let wild = rng.chance(300_000);
        let peers = others.map(|node| {
            let incarnation = if wild { incarnation(rng) } else { 1 };
            Peer { node, id: FlushId { incarnation, number: 0 }, sent: Vec::new() }
        });
        let mut peers: Vec<Peer> = peers.collect();
        // A server that was there before, and left nothing but its incarnation; a store that has counted for years.
        let before = rng.chance(300_000);
        let (ghost, saved, total) = match ghost {
            Ghost::Store(_) if before => {
                let (ghost, saved, total) = a_past(store, &mut peers, rng);
                (Ghost::Store(ghost), Some(saved), total)
            }
            Ghost::Server(_) if before => {
                (ghost, Some(Saved::Server { incarnation: incarnation(rng), unflushed: 0, outbox: BTreeMap::new() }), 0)
            }
            ghost => (ghost, None, 0),
        };
        // Of dice of its own: what else is drawn stays as it was.
        let stream = me == store && rng.clone().chance(STREAMS);
        let surroundings = Surroundings {
            ghost,
            store,
            peers,
            views: if stream { 980_000 } else { [980_000, 800_000, 500_000][rng.below(3) as usize] },
            prompt: [900_000, 300_000, 10_000][rng.below(3) as usize],
            restarts: [0, 0, 20_000, 200_000][rng.below(4) as usize],
            empty: rng.chance(300_000),
            total,
            stream,
        };
        let setting = Setting {
            saved,
            waits_ms: waits[rng.below(4) as usize],
            rest_ms: rest_ms + long_ms,
            ..Setting::new(nodes, me, Config { role, flush_every: every })
        };
        if stream {
            return (surroundings, Setting { waits_ms: &[3_000], whole: true, waits_until_ms: 12_000, steady_ms: 12, ..setting });
        }
        (surroundings, setting)
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<ViewCounter>> {
        Some(match &self.ghost {
            Ghost::Server(server) => Self::view_or_acknowledgement(server, (self.views, self.prompt), self.store, rng),
            Ghost::Store(_) => self.flush_or_read(rng),
        })
    }

    fn promised(&self) -> bool {
        matches!(&self.ghost, Ghost::Store(store) if store.promised.is_some())
    }

    /// A flush that was acknowledged comes again: mostly the last one.
    fn betray(&mut self, rng: &mut Rng) -> Option<Input<ViewCounter>> {
        let Ghost::Store(store) = &self.ghost else { return None };
        let ((node, id), flush) = match store.last.filter(|_| rng.chance(700_000)) {
            Some(last) => (last, store.flushes.get(&last)?),
            None => store.flushes.iter().nth(rng.below(store.flushes.len() as u64) as usize).map(|(id, flush)| (*id, flush))?,
        };
        Some(Input::Message(node, Message::Flush { id, views: flush.views }))
    }

    fn tally(&self, coverage: &mut Coverage) {
        match &self.ghost {
            Ghost::Server(server) => {
                coverage.add("storm: views", server.taken);
                coverage.add("storm: flushes of servers", server.batches.len() as u64);
                coverage.add(
                    "storm: flushes of servers that were acknowledged",
                    server.batches.values().filter(|b| b.acknowledged.is_some()).count() as u64,
                );
                coverage.add("storm: flushes after a restart of the server", server.flushed_after_restart);
            }
            Ghost::Store(store) => {
                coverage.add("storm: flushes that reached the store", store.flushes.len() as u64);
                coverage.add("storm: flushes that reached it again", store.repeats);
                coverage.add("storm: reads", store.read);
                coverage.add("storm: restarts of the store after it had acknowledged", store.restarts_with_views);
            }
        }
    }
}
