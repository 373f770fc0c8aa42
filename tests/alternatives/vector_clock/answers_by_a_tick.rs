//! Answers are given in a batch, up to 80 ms later; a post is delivered by going down to whatever waited for it.

use splitbrain::exercises::vector_clock::Timer;
use splitbrain::exercises::vector_clock::{Clock, Config, Member, Post, PostId, Relation, Request, Response, VectorClock, judge};
use splitbrain::prelude::*;
use std::collections::BTreeSet;

fn at(clock: &Clock, node: NodeId) -> u64 {
    *clock.get(&node).unwrap_or(&0)
}

fn compare(a: &Clock, b: &Clock) -> Relation {
    let nodes: BTreeSet<NodeId> = a.keys().chain(b.keys()).copied().collect();
    let less = nodes.iter().any(|node| at(a, *node) < at(b, *node));
    let more = nodes.iter().any(|node| at(a, *node) > at(b, *node));
    if less && more {
        Relation::Concurrent
    } else if less {
        Relation::Before
    } else if more {
        Relation::After
    } else {
        Relation::Equal
    }
}

#[derive(Clone, Debug, Hash)]
struct Process {
    me: NodeId,
    clock: Clock,
    feed: Vec<PostId>,
    early: Vec<Post>,
    unanswered: Vec<(Ticket, Response)>,
}

impl Process {
    fn put(&mut self, id: PostId) {
        self.clock.insert(id.author, id.number);
        self.feed.push(id);
        let clock = self.clock.clone();
        // What it was waiting for may have been this one.
        let (old, early): (Vec<Post>, Vec<Post>) =
            std::mem::take(&mut self.early).into_iter().partition(|post| post.id().number <= at(&clock, post.author));
        drop(old);
        self.early = early;
        if let Some(next) = self.early.iter().find(|post| self.is_due(post)).map(Post::id) {
            self.put(next);
        }
    }

    fn is_due(&self, post: &Post) -> bool {
        let mut needs = post.clock.clone();
        needs.insert(post.author, post.id().number - 1);
        at(&self.clock, post.author) == post.id().number - 1
            && !matches!(compare(&needs, &self.clock), Relation::After | Relation::Concurrent)
    }

    fn later(&mut self, ticket: Ticket, response: Response, cx: &mut Context<'_, VectorClock>) {
        if self.unanswered.is_empty() {
            cx.set_timer(Timer::Tick, Duration::from_millis(80));
        }
        self.unanswered.push((ticket, response));
    }
}

impl Node<VectorClock> for Process {
    fn new(me: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Process { me, clock: config.archived.clone(), feed: Vec::new(), early: Vec::new(), unanswered: Vec::new() }
    }

    fn on_message(&mut self, _: NodeId, post: Post, _: &mut Context<'_, VectorClock>) {
        if self.is_due(&post) {
            self.put(post.id());
        } else if post.id().number > at(&self.clock, post.author) {
            self.early.push(post);
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Context<'_, VectorClock>) {
        for (ticket, response) in self.unanswered.drain(..).rev() {
            cx.reply(ticket, response);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, VectorClock>) {
        let response = match request {
            Request::Compare(a, b) => Response::Compared(compare(&a, &b)),
            Request::Post => {
                self.put(PostId { author: self.me, number: at(&self.clock, self.me) + 1 });
                let post = Post { author: self.me, clock: self.clock.clone() };
                cx.broadcast(post.clone());
                Response::Posted(post)
            }
        };
        self.later(ticket, response, cx);
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
