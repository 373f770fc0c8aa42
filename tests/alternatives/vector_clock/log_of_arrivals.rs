//! Keeps everything that ever came, and no clock: that is counted from the feed whenever it is needed.

use splitbrain::exercises::vector_clock::{Clock, Config, Member, Post, PostId, Relation, Request, Response, VectorClock, judge};
use splitbrain::prelude::*;

#[derive(Clone, Debug, Hash)]
struct Process {
    me: NodeId,
    archived: Clock,
    log: Vec<Post>,
    feed: Vec<PostId>,
}

impl Process {
    fn clock(&self) -> Clock {
        let mut clock = self.archived.clone();
        for id in &self.feed {
            clock.entry(id.author).and_modify(|n| *n += 1).or_insert(1);
        }
        clock
    }
}

impl Node<VectorClock> for Process {
    fn new(me: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Process { me, archived: config.archived.clone(), log: Vec::new(), feed: Vec::new() }
    }

    fn on_message(&mut self, _: NodeId, post: Post, _: &mut Context<'_, VectorClock>) {
        self.log.push(post);
        let mut clock = self.clock();
        loop {
            let before = self.feed.len();
            for post in self.log.iter().rev() {
                let missing: u64 =
                    post.clock.iter().map(|(node, n)| n.saturating_sub(clock.get(node).copied().unwrap_or(0))).fold(0, u64::saturating_add);
                let next = clock.get(&post.author).map_or(1, |n| n + 1);
                // It is itself the only one that is missing.
                if missing == 1 && post.id().number == next {
                    clock.insert(post.author, next);
                    self.feed.push(post.id());
                }
            }
            if self.feed.len() == before {
                break;
            }
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, VectorClock>) {
        match request {
            Request::Compare(a, b) => {
                let (a, b): (Clock, Clock) = (a.into_iter().filter(|e| e.1 > 0).collect(), b.into_iter().filter(|e| e.1 > 0).collect());
                let relation = if a == b {
                    Relation::Equal
                } else if a.iter().all(|(k, v)| b.get(k) >= Some(v)) {
                    Relation::Before
                } else if b.iter().all(|(k, v)| a.get(k) >= Some(v)) {
                    Relation::After
                } else {
                    Relation::Concurrent
                };
                cx.reply(ticket, Response::Compared(relation));
            }
            Request::Post => {
                let number = self.clock().get(&self.me).map_or(1, |n| n + 1);
                self.feed.push(PostId { author: self.me, number });
                let post = Post { author: self.me, clock: self.clock() };
                self.log.push(post.clone());
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
