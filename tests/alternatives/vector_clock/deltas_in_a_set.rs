//! Posts wait in a set, each with what it needs as a list; what is there is a set of ids, from which the clock is read.

use splitbrain::exercises::vector_clock::{Clock, Config, Member, Post, PostId, Relation, Request, Response, VectorClock, judge};
use splitbrain::prelude::*;
use std::collections::BTreeSet;
use std::rc::Rc;

fn compare(a: &Clock, b: &Clock) -> Relation {
    let (mut less, mut more) = (false, false);
    let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());
    // Both are sorted by node: merge them.
    loop {
        let (x, y) = match (left.peek(), right.peek()) {
            (None, None) => break,
            (Some(_), None) => (left.next().map_or(0, |e| *e.1), 0),
            (None, Some(_)) => (0, right.next().map_or(0, |e| *e.1)),
            (Some((p, _)), Some((q, _))) if p < q => (left.next().map_or(0, |e| *e.1), 0),
            (Some((p, _)), Some((q, _))) if p > q => (0, right.next().map_or(0, |e| *e.1)),
            _ => (left.next().map_or(0, |e| *e.1), right.next().map_or(0, |e| *e.1)),
        };
        less |= x < y;
        more |= x > y;
    }
    match (less, more) {
        (false, false) => Relation::Equal,
        (true, false) => Relation::Before,
        (false, true) => Relation::After,
        (true, true) => Relation::Concurrent,
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
struct Waits {
    needs: Vec<PostId>,
    id: PostId,
}

#[derive(Clone, Debug, Hash)]
struct Process {
    me: NodeId,
    archived: Rc<Clock>,
    there: BTreeSet<PostId>,
    waits: BTreeSet<Rc<Waits>>,
    feed: Vec<PostId>,
}

impl Process {
    fn is_there(&self, id: PostId) -> bool {
        id.number <= self.archived.get(&id.author).copied().unwrap_or(0) || self.there.contains(&id)
    }

    fn last(&self, author: NodeId) -> u64 {
        let all = PostId { author, number: 0 }..=PostId { author, number: u64::MAX };
        self.there.range(all).next_back().map_or_else(|| self.archived.get(&author).copied().unwrap_or(0), |id| id.number)
    }

    fn put(&mut self, id: PostId) {
        if self.there.insert(id) {
            self.feed.push(id);
        }
    }
}

impl Node<VectorClock> for Process {
    fn new(me: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Process { me, archived: Rc::new(config.archived.clone()), there: BTreeSet::new(), waits: BTreeSet::new(), feed: Vec::new() }
    }

    fn on_message(&mut self, _: NodeId, post: Post, _: &mut Context<'_, VectorClock>) {
        let id = post.id();
        if self.is_there(id) {
            return;
        }
        let need = |(author, n): (&NodeId, &u64)| PostId { author: *author, number: if *author == id.author { n - 1 } else { *n } };
        self.waits.insert(Rc::new(Waits { needs: post.clock.iter().map(need).collect(), id }));
        loop {
            let (ready, waits): (BTreeSet<_>, BTreeSet<_>) =
                self.waits.iter().cloned().partition(|waits| waits.needs.iter().all(|need| self.is_there(*need)));
            if ready.is_empty() {
                break;
            }
            self.waits = waits;
            for waits in ready {
                self.put(waits.id);
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, VectorClock>) {
        match request {
            Request::Compare(a, b) => cx.reply(ticket, Response::Compared(compare(&a, &b))),
            Request::Post => {
                self.put(PostId { author: self.me, number: self.last(self.me) + 1 });
                let clock = cx.peers().iter().chain([&self.me]).map(|node| (*node, self.last(*node))).collect();
                let post = Post { author: self.me, clock };
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
