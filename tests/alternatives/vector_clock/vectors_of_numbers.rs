//! Clocks as rows of numbers, one place a node, translated at the door; merged by the larger entry; zeros are sent, too.

use splitbrain::exercises::vector_clock::{Clock, Config, Member, Post, PostId, Relation, Request, Response, VectorClock, judge};
use splitbrain::prelude::*;
use std::cmp::Ordering;

fn row(clock: &Clock, nodes: usize) -> Vec<u64> {
    (0..nodes).map(|i| clock.get(&NodeId::from_index(i)).copied().unwrap_or_default()).collect()
}

fn compare(a: &Clock, b: &Clock) -> Relation {
    let nodes = a.keys().chain(b.keys()).map(|node| node.index() + 1).max().unwrap_or(0);
    let (a, b) = (row(a, nodes), row(b, nodes));
    let mut so_far = Relation::Equal;
    for (x, y) in a.iter().zip(&b) {
        so_far = match (x.cmp(y), so_far) {
            (Ordering::Equal, same) => same,
            (Ordering::Less, Relation::Equal | Relation::Before) => Relation::Before,
            (Ordering::Greater, Relation::Equal | Relation::After) => Relation::After,
            _ => return Relation::Concurrent,
        };
    }
    so_far
}

#[derive(Clone, Debug, Hash)]
struct Process {
    me: usize,
    row: Vec<u64>,
    waiting: Vec<(usize, Vec<u64>)>,
    feed: Vec<PostId>,
}

impl Process {
    fn put(&mut self, author: usize, theirs: &[u64]) {
        for (mine, theirs) in self.row.iter_mut().zip(theirs) {
            *mine = (*mine).max(*theirs);
        }
        self.feed.push(PostId { author: NodeId::from_index(author), number: theirs[author] });
    }

    fn due(&self, author: usize, theirs: &[u64]) -> bool {
        let ahead: Vec<usize> = (0..self.row.len()).filter(|i| theirs[*i] > self.row[*i]).collect();
        ahead == [author] && theirs[author] - self.row[author] == 1
    }
}

impl Node<VectorClock> for Process {
    fn new(me: NodeId, peers: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Process { me: me.index(), row: row(&config.archived, peers.len() + 1), waiting: Vec::new(), feed: Vec::new() }
    }

    fn on_message(&mut self, _: NodeId, post: Post, _: &mut Context<'_, VectorClock>) {
        self.waiting.push((post.author.index(), row(&post.clock, self.row.len())));
        while let Some(at) = (0..self.waiting.len()).rev().find(|at| self.due(self.waiting[*at].0, &self.waiting[*at].1)) {
            let (author, theirs) = self.waiting.swap_remove(at);
            self.put(author, &theirs);
        }
        let row = self.row.clone();
        self.waiting.retain(|(author, theirs)| theirs[*author] > row[*author]);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, VectorClock>) {
        match request {
            Request::Compare(a, b) => cx.reply(ticket, Response::Compared(compare(&a, &b))),
            Request::Post => {
                let mut next = self.row.clone();
                next[self.me] += 1;
                self.put(self.me, &next);
                let clock = next.iter().enumerate().map(|(i, n)| (NodeId::from_index(i), *n)).collect();
                let post = Post { author: cx.me(), clock };
                cx.reply(ticket, Response::Posted(post.clone()));
                cx.broadcast(post);
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
