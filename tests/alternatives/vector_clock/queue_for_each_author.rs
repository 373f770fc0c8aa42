//! A queue for each author; only its head can be ready, and round after round is made until none is.

use splitbrain::exercises::vector_clock::{Clock, Config, Member, Post, PostId, Relation, Request, Response, VectorClock, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

fn compare(a: &Clock, b: &Clock) -> Relation {
    let mut all: Clock = a.clone();
    for (node, n) in b {
        let larger = all.entry(*node).or_insert(0);
        *larger = (*larger).max(*n);
    }
    // One that is the larger of both in every entry is not before the other.
    let is_larger = |clock: &Clock| all.iter().all(|(node, n)| clock.get(node).copied().unwrap_or(0) == *n);
    match (is_larger(a), is_larger(b)) {
        (true, true) => Relation::Equal,
        (true, false) => Relation::After,
        (false, true) => Relation::Before,
        (false, false) => Relation::Concurrent,
    }
}

#[derive(Clone, Debug, Hash)]
struct Author {
    count: u64,
    early: BTreeMap<u64, Clock>,
}

#[derive(Clone, Debug, Hash)]
struct Process {
    me: NodeId,
    authors: BTreeMap<NodeId, Author>,
    feed: Vec<PostId>,
}

impl Process {
    fn put(&mut self, author: NodeId) {
        let Some(of) = self.authors.get_mut(&author) else { return };
        of.count += 1;
        of.early.remove(&of.count);
        self.feed.push(PostId { author, number: of.count });
    }

    fn head_is_ready(&self, author: NodeId) -> bool {
        let of = &self.authors[&author];
        let Some(clock) = of.early.get(&(of.count + 1)) else { return false };
        clock.iter().all(|(node, n)| *node == author || self.authors.get(node).map_or(0, |of| of.count) >= *n)
    }
}

impl Node<VectorClock> for Process {
    fn new(me: NodeId, peers: &[NodeId], config: &Config, _: Option<()>) -> Self {
        let author = |node: &NodeId| (*node, Author { count: config.archived.get(node).copied().unwrap_or(0), early: BTreeMap::new() });
        Process { me, authors: peers.iter().chain([&me]).map(author).collect(), feed: Vec::new() }
    }

    fn on_message(&mut self, _: NodeId, post: Post, _: &mut Context<'_, VectorClock>) {
        let number = post.id().number;
        let Some(of) = self.authors.get_mut(&post.author) else { return };
        if number <= of.count {
            return;
        }
        of.early.entry(number).or_insert(post.clock);
        let everybody: Vec<NodeId> = self.authors.keys().rev().copied().collect();
        let mut goes_on = true;
        while goes_on {
            goes_on = false;
            for author in &everybody {
                while self.head_is_ready(*author) {
                    self.put(*author);
                    goes_on = true;
                }
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, VectorClock>) {
        match request {
            Request::Post => {
                self.put(self.me);
                let clock = self.authors.iter().map(|(node, of)| (*node, of.count)).filter(|(_, n)| *n > 0).collect();
                let post = Post { author: self.me, clock };
                cx.reply(ticket, Response::Posted(post.clone()));
                for peer in cx.peers().iter().rev() {
                    cx.send(*peer, post.clone());
                }
            }
            Request::Compare(a, b) => cx.reply(ticket, Response::Compared(compare(&a, &b))),
        }
    }
}

impl Member for Process {
    fn feed(&self) -> &[PostId] {
        &self.feed
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Process>)
}
