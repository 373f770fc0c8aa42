//! Each post that waits knows how many posts it lacks, and each post that is lacking who waits for it: nothing is looked through.

use splitbrain::exercises::vector_clock::{Clock, Config, Member, Post, PostId, Relation, Request, Response, VectorClock, judge};
use splitbrain::prelude::*;
use std::collections::BTreeMap;

fn compare(a: &Clock, b: &Clock) -> Relation {
    let more = |a: &Clock, b: &Clock| a.iter().any(|(node, n)| n > b.get(node).unwrap_or(&0));
    match (more(a, b), more(b, a)) {
        (true, true) => Relation::Concurrent,
        (true, false) => Relation::After,
        (false, true) => Relation::Before,
        (false, false) => Relation::Equal,
    }
}

#[derive(Clone, Debug, Hash)]
struct Process {
    me: NodeId,
    clock: Clock,
    feed: Vec<PostId>,
    /// How many posts it still lacks, by post.
    lacks: BTreeMap<PostId, usize>,
    /// Who waits for a post.
    wanted: BTreeMap<PostId, Vec<PostId>>,
}

impl Process {
    fn has(&self, id: PostId) -> bool {
        self.clock.get(&id.author).is_some_and(|n| *n >= id.number)
    }

    fn put(&mut self, id: PostId) {
        let mut ready = vec![id];
        while let Some(id) = ready.pop() {
            self.lacks.remove(&id);
            self.clock.insert(id.author, id.number);
            self.feed.push(id);
            for other in self.wanted.remove(&id).unwrap_or_default() {
                let Some(left) = self.lacks.get_mut(&other) else { continue };
                *left -= 1;
                if *left == 0 {
                    ready.push(other);
                }
            }
        }
    }
}

impl Node<VectorClock> for Process {
    fn new(me: NodeId, _: &[NodeId], config: &Config, _: Option<()>) -> Self {
        Process { me, clock: config.archived.clone(), feed: Vec::new(), lacks: BTreeMap::new(), wanted: BTreeMap::new() }
    }

    fn on_message(&mut self, _: NodeId, post: Post, _: &mut Context<'_, VectorClock>) {
        let id = post.id();
        if self.has(id) || self.lacks.contains_key(&id) {
            return;
        }
        // Of each node the last one that it needs: those before it are needed by that one.
        let needs = post.clock.iter().map(|(author, n)| PostId { author: *author, number: n - u64::from(*author == id.author) });
        let missing: Vec<PostId> = needs.filter(|need| need.number > 0 && !self.has(*need)).collect();
        if missing.is_empty() {
            return self.put(id);
        }
        self.lacks.insert(id, missing.len());
        for need in missing {
            self.wanted.entry(need).or_default().push(id);
        }
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Context<'_, VectorClock>) {
        let response = match request {
            Request::Compare(a, b) => Response::Compared(compare(&a, &b)),
            Request::Post => {
                let number = self.clock.get(&self.me).map_or(1, |n| n + 1);
                self.put(PostId { author: self.me, number });
                let post = Post { author: self.me, clock: self.clock.clone() };
                cx.broadcast(post.clone());
                Response::Posted(post)
            }
        };
        cx.reply(ticket, response);
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
