//! The reference: a clock of what is in the feed, and the posts that wait for something that is not.

use splitbrain::exercises::vector_clock::{
    Clock, Config, Member, Post, PostId, Relation, Request, Response, VectorClock, judge,
};
use splitbrain::prelude::*;

/// How many posts of `node` a clock counts: 0 where it has no entry.
fn count(clock: &Clock, node: NodeId) -> u64 {
    clock.get(&node).copied().unwrap_or(0)
}

/// `a` happened before `b`, or is the same, exactly if no entry of `a` is larger (Fidge 1988, Mattern 1989).
fn compare(a: &Clock, b: &Clock) -> Relation {
    let within = |a: &Clock, b: &Clock| a.iter().all(|(node, n)| *n <= count(b, *node));
    match (within(a, b), within(b, a)) {
        (true, true) => Relation::Equal,
        (true, false) => Relation::Before,
        (false, true) => Relation::After,
        (false, false) => Relation::Concurrent,
    }
}

#[derive(Clone, Debug, Hash)]
struct Process {
    me: NodeId,
    /// How many posts of each node are in the feed, with what was archived.
    clock: Clock,
    feed: Vec<PostId>,
    waiting: Vec<Post>,
}

impl Process {
    /// Whether it is its author's next one, and all that the author had read is here (Birman, Schiper & Stephenson 1991).
    fn is_ready(&self, post: &Post) -> bool {
        post.clock.iter().all(|(node, n)| {
            let here = count(&self.clock, *node);
            if *node == post.author {
                *n == here + 1
            } else {
                *n <= here
            }
        })
    }

    fn deliver(&mut self, id: PostId) {
        self.clock.insert(id.author, id.number);
        self.feed.push(id);
    }
}

impl Node<VectorClock> for Process {
    fn new(me: NodeId, _peers: &[NodeId], config: &Config, _saved: Option<()>) -> Self {
        Process {
            me,
            clock: config.archived.clone(),
            feed: Vec::new(),
            waiting: Vec::new(),
        }
    }

    fn on_message(&mut self, _from: NodeId, post: Post, _cx: &mut Context<'_, VectorClock>) {
        // One that comes again is in the feed, or waits.
        let is_new = post.id().number > count(&self.clock, post.author);
        if is_new && !self.waiting.contains(&post) {
            self.waiting.push(post);
        }
        // Each that is delivered may be what others were waiting for: all are looked at again.
        while let Some(at) = self.waiting.iter().position(|post| self.is_ready(post)) {
            let post = self.waiting.swap_remove(at);
            self.deliver(post.id());
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, VectorClock>) {
        match request {
            Request::Post => {
                let mut clock = self.clock.clone();
                *clock.entry(self.me).or_default() += 1;
                let post = Post {
                    author: self.me,
                    clock,
                };
                self.deliver(post.id());
                cx.broadcast(post.clone());
                cx.reply(ticket, Response::Posted(post));
            }
            Request::Compare(a, b) => {
                cx.reply(ticket, Response::Compared(compare(&a, &b)));
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
