//! Reliable broadcast: what a node sees for the first time it passes on to all others, itself included.

use splitbrain::exercises::vector_clock::{Clock, Config, Member, Post, PostId, Relation, Request, Response, VectorClock, judge};
use splitbrain::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
struct Version(Clock);

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let in_one = |a: &Clock, b: &Clock| a.iter().filter(|(_, n)| **n > 0).all(|(node, n)| b.get(node).is_some_and(|m| m >= n));
        match (in_one(&self.0, &other.0), in_one(&other.0, &self.0)) {
            (true, true) => Some(Equal),
            (true, false) => Some(Less),
            (false, true) => Some(Greater),
            (false, false) => None,
        }
    }
}

fn compare(a: Clock, b: Clock) -> Relation {
    use std::cmp::Ordering::{Equal, Greater, Less};
    match Version(a).partial_cmp(&Version(b)) {
        Some(Less) => Relation::Before,
        Some(Equal) => Relation::Equal,
        Some(Greater) => Relation::After,
        None => Relation::Concurrent,
    }
}

#[derive(Clone, Debug, Hash)]
struct Process {
    seen: BTreeSet<PostId>,
    version: Version,
    early: Vec<Post>,
    feed: Vec<PostId>,
}

impl Process {
    fn count(&self, node: NodeId) -> u64 {
        self.version.0.get(&node).copied().unwrap_or_default()
    }

    fn fits(&self, post: &Post) -> bool {
        // With this post the clock would count no less than the post does, and not one more of its author.
        let mut with = self.version.clone();
        *with.0.entry(post.author).or_default() += 1;
        with.0.get(&post.author) == post.clock.get(&post.author) && Version(post.clock.clone()) <= with
    }
}

impl Node<VectorClock> for Process {
    fn new(_: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Process { seen: BTreeSet::new(), version: Version(config.archived.clone()), early: Vec::new(), feed: Vec::new() }
    }

    fn on_message(&mut self, from: NodeId, post: Post, cx: &mut Context<'_, VectorClock>) {
        if !self.seen.insert(post.id()) {
            return;
        }
        for peer in cx.peers() {
            if *peer != from && *peer != post.author {
                cx.send(*peer, post.clone());
            }
        }
        cx.send(cx.me(), post.clone());
        self.early.push(post);
        while let Some(at) = self.early.iter().position(|post| self.fits(post)) {
            let id = self.early.remove(at).id();
            *self.version.0.entry(id.author).or_default() += 1;
            self.feed.push(id);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, VectorClock>) {
        match request {
            Request::Compare(a, b) => cx.reply(ticket, Response::Compared(compare(a, b))),
            Request::Post => {
                let me = cx.me();
                let id = PostId { author: me, number: self.count(me) + 1 };
                self.version.0.insert(me, id.number);
                self.seen.insert(id);
                self.feed.push(id);
                let post = Post { author: me, clock: self.version.0.clone() };
                cx.send(me, post.clone());
                cx.broadcast(post.clone());
                cx.reply(ticket, Response::Posted(post));
            }
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
