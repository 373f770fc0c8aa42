//! A post sleeps on the first one that it lacks, and on that alone; woken, it looks again, and may sleep on the next.

use splitbrain::exercises::vector_clock::{Clock, Config, Member, Post, PostId, Relation, Request, Response, VectorClock, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

/// How `a` stands to `b`. A node without an entry counts 0.
fn compare(a: &Clock, b: &Clock) -> Relation {
    let (mut less, mut more) = (false, false);
    for node in a.keys().chain(b.keys()) {
        let x = a.get(node).copied().unwrap_or(0);
        let y = b.get(node).copied().unwrap_or(0);
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

#[derive(Clone, Debug, Hash)]
struct Process {
    me: NodeId,
    shown: Clock,
    asleep: BTreeMap<PostId, Vec<Post>>,
    feed: Vec<PostId>,
}

impl Process {
    fn first_missing(&self, post: &Post) -> Option<PostId> {
        post.clock.iter().find_map(|(&author, &count)| {
            let number = if author == post.author { count - 1 } else { count };
            (number > self.shown.get(&author).copied().unwrap_or(0)).then_some(PostId { author, number })
        })
    }

    fn take(&mut self, post: Post) {
        let mut awake = vec![post];
        while let Some(post) = awake.pop() {
            let id = post.id();
            if id.number <= self.shown.get(&id.author).copied().unwrap_or(0) {
                continue;
            }
            match self.first_missing(&post) {
                Some(missing) => self.asleep.entry(missing).or_default().push(post),
                None => {
                    self.shown.insert(id.author, id.number);
                    self.feed.push(id);
                    awake.extend(self.asleep.remove(&id).unwrap_or_default());
                }
            }
        }
    }
}

impl Node<VectorClock> for Process {
    fn new(me: NodeId, _peers: &[NodeId], config: &Config, _saved: Option<()>) -> Self {
        Process { me, shown: config.archived.clone(), asleep: BTreeMap::new(), feed: Vec::new() }
    }
    fn on_message(&mut self, _from: NodeId, post: Post, _cx: &mut Context<'_, VectorClock>) {
        self.take(post);
    }
    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, VectorClock>) {
        match request {
            Request::Post => {
                let mut clock = self.shown.clone();
                *clock.entry(self.me).or_default() += 1;
                let post = Post { author: self.me, clock };
                cx.reply(ticket, Response::Posted(post.clone()));
                cx.broadcast(post.clone());
                self.take(post);
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
