//! Sends each post again after 20 ms, three times, as one does where messages are lost; waiting posts lie in the order of their sums,
//! which is one in which they can be delivered.

use splitbrain::exercises::vector_clock::Timer;
use splitbrain::exercises::vector_clock::{Clock, Config, Member, Post, PostId, Relation, Request, Response, VectorClock, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

const TIMES: u8 = 3;

fn sum(clock: &Clock) -> u128 {
    clock.values().map(|n| u128::from(*n)).sum()
}

fn is_within(a: &Clock, b: &Clock) -> bool {
    a.iter().all(|(node, n)| *n == 0 || b.get(node).is_some_and(|m| *m >= *n))
}

fn compare(a: &Clock, b: &Clock) -> Relation {
    // Of two that are ordered, the one with the smaller sum is the earlier.
    match sum(a).cmp(&sum(b)) {
        std::cmp::Ordering::Less if is_within(a, b) => Relation::Before,
        std::cmp::Ordering::Equal if is_within(a, b) => Relation::Equal,
        std::cmp::Ordering::Greater if is_within(b, a) => Relation::After,
        _ => Relation::Concurrent,
    }
}

#[derive(Clone, Debug, Hash)]
struct Process {
    me: NodeId,
    clock: Clock,
    feed: Vec<PostId>,
    waiting: BTreeMap<(u128, PostId), Clock>,
    again: Vec<(u8, Post)>,
}

impl Process {
    fn put(&mut self, id: PostId) {
        self.clock.insert(id.author, id.number);
        self.feed.push(id);
    }
}

impl Node<VectorClock> for Process {
    fn new(me: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Process { me, clock: config.archived.clone(), feed: Vec::new(), waiting: BTreeMap::new(), again: Vec::new() }
    }

    fn on_message(&mut self, _: NodeId, post: Post, _: &mut Context<'_, VectorClock>) {
        let id = post.id();
        if id.number <= self.clock.get(&id.author).copied().unwrap_or(0) {
            return;
        }
        self.waiting.insert((sum(&post.clock), id), post.clock);
        // In this order one pass is enough: what a post needs has a smaller sum.
        let mut left = BTreeMap::new();
        for ((sum, id), clock) in std::mem::take(&mut self.waiting) {
            let mut needs = clock.clone();
            needs.insert(id.author, id.number - 1);
            if is_within(&needs, &self.clock) {
                self.put(id);
            } else {
                left.insert((sum, id), clock);
            }
        }
        self.waiting = left;
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, VectorClock>) {
        for (left, post) in &mut self.again {
            *left -= 1;
            cx.broadcast(post.clone());
        }
        self.again.retain(|(left, _)| *left > 0);
        if !self.again.is_empty() {
            cx.set_timer(Timer::Tick, Duration::from_millis(20));
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, VectorClock>) {
        match request {
            Request::Compare(a, b) => cx.reply(ticket, Response::Compared(compare(&a, &b))),
            Request::Post => {
                let mut clock = self.clock.clone();
                clock.entry(self.me).and_modify(|n| *n += 1).or_insert(1);
                let post = Post { author: self.me, clock };
                cx.reply(ticket, Response::Posted(post.clone()));
                cx.broadcast(post.clone());
                self.put(post.id());
                self.again.push((TIMES, post));
                cx.set_timer(Timer::Tick, Duration::from_millis(20));
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
