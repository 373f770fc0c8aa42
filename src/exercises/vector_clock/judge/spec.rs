//! What one node of `vector_clock` may do: a ghost of it, kept from what others can observe. As nothing may be held without need, the
//! feed after each step is known up to the order of what is concurrent. What comes in in a storm is in `surroundings`.

use super::surroundings::Haste;
use super::{ALL, ANSWERS, CAUSALLY, CLOCKS, COMPARE, HELD, ONCE, OWN};
use crate::exercises::kit::Open;
use crate::exercises::vector_clock::{Clock, Post, PostId, Relation, Request, Response, VectorClock};
use crate::rule::{Broken, Check};
use crate::sim::{NodeId, Seen, Spec, Ticket};
use crate::time::{Time, millis};
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

/// A post that was written somewhere.
#[derive(Clone)]
pub(super) struct Written {
    /// How many posts of each node its author had in its feed.
    pub clock: Vec<u64>,
    /// The same as it was sent.
    pub sent: Clock,
    /// In which step it came, or was written here.
    pub came: Option<u64>,
}

#[derive(Clone)]
pub(super) struct Ghost {
    pub me: NodeId,
    pub open: Open<VectorClock>,
    /// How many posts of each node are in the feed, with the archived ones.
    pub delivered: Vec<u64>,
    archived: Vec<u64>,
    feed: Vec<PostId>,
    /// Those that came or were written here, and in a storm what peers have written.
    pub posts: BTreeMap<PostId, Written>,
    /// Own posts that no client was told of yet.
    told: BTreeMap<Ticket, PostId>,
    /// In a storm: what each node has read, and what is under way.
    pub read: Vec<Vec<u64>>,
    pub under_way: Vec<PostId>,
    pub haste: Haste,
    /// Whether the clients hardly stop writing: hundreds of posts of one's own in a long life.
    pub busy: bool,
    /// How many came or were written here.
    came: usize,
    pub met: [u64; 5],
}

/// For an exploration: what the rest of a run can depend on.
impl Hash for Ghost {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.feed, self.open.of.len()).hash(state);
        self.posts.iter().for_each(|(id, written)| (id, &written.clock).hash(state));
    }
}

impl Ghost {
    pub fn new(me: NodeId, archived: Vec<u64>) -> Self {
        Ghost {
            me,
            open: Open::new(ANSWERS, me),
            read: vec![archived.clone(); archived.len()],
            delivered: archived.clone(),
            archived,
            feed: Vec::new(),
            posts: BTreeMap::new(),
            told: BTreeMap::new(),
            under_way: Vec::new(),
            haste: Haste::Any,
            busy: false,
            came: 0,
            met: [0; 5],
        }
    }

    /// For the end of a sentence: what was archived.
    fn old(&self) -> String {
        let archived = named(&self.archived);
        if archived.is_empty() { String::new() } else { format!("; Config has {archived:?} as archived") }
    }

    /// How many posts wait.
    pub fn waiting(&self) -> usize {
        self.came - self.feed.len()
    }

    /// The first post that must be in a feed of so many before this one, and is not; a post of the past lacks itself.
    fn lacks(&self, id: PostId, clock: &[u64]) -> Option<PostId> {
        let author = id.author.index();
        let before = |node: usize| clock[node].saturating_sub(u64::from(node == author));
        let node = (0..clock.len()).find(|node| before(*node) > self.delivered[*node])?;
        Some(PostId { author: NodeId::from_index(node), number: self.delivered[node] + 1 })
    }

    /// A post of one's own: the next one, and it counts all that is in the feed.
    fn writes(&mut self, ticket: Ticket, step: u64) -> PostId {
        let mut clock = self.delivered.clone();
        clock[self.me.index()] += 1;
        let id = PostId { author: self.me, number: clock[self.me.index()] };
        self.posts.insert(id, Written { sent: named(&clock), clock, came: Some(step) });
        self.told.insert(ticket, id);
        self.came += 1;
        self.met[0] += 1;
        id
    }

    fn arrives(&mut self, post: &Post, step: u64) {
        let id = post.id();
        let nodes = self.delivered.len();
        let written = self.posts.entry(id).or_insert_with(|| Written {
            clock: (0..nodes).map(|i| post.clock.get(&NodeId::from_index(i)).copied().unwrap_or(0)).collect(),
            sent: post.clock.clone(),
            came: None,
        });
        if written.came.is_some() {
            self.met[2] += 1;
        } else {
            written.came = Some(step);
            self.came += 1;
        }
    }

    /// A post that is said to somebody must be one that was written here or came, with its clock. `own`: the one that this is about.
    fn says(&self, post: &Post, how: &str, own: Option<PostId>, step: u64) -> Check {
        let (me, id) = (self.me, post.id());
        let written = |id: &PostId| self.posts.get(id).filter(|written| written.came.is_some());
        if written(&id).is_some_and(|written| is_same(&post.clock, &written.clock)) {
            return Ok(());
        }
        let seen = match (own.and_then(|own| Some((own, written(&own)?))), written(&id)) {
            (Some((own, new)), _) if post.author == me || how != "sent" => {
                format!("{me} {how} {post:?}; by its feed, the post should be {own:?} {:?}", named(&new.clock))
            }
            (_, Some(came)) => format!("{me} {how} {post:?}, but that post has the clock {:?}", named(&came.clock)),
            _ => format!("{me} {how} {post:?}, which neither came to it nor was written by it"),
        };
        Err(Broken::new(CLOCKS, seen + &self.old()).at([step]))
    }

    /// What was sent: of a new post of one's own a copy to everybody; besides that any post that is known.
    fn sends(&mut self, seen: &Seen<'_, VectorClock>, own: Option<PostId>) -> Check {
        let mut reached = vec![false; self.delivered.len()];
        for (to, post) in seen.sent() {
            self.says(post, "sent", own, seen.number)?;
            if Some(post.id()) == own {
                reached[to.index()] = true;
                self.posts.entry(post.id()).and_modify(|written| written.sent.clone_from(&post.clock));
            }
        }
        let Some(own) = own else { return Ok(()) };
        match (0..reached.len()).map(NodeId::from_index).find(|node| *node != self.me && !reached[node.index()]) {
            Some(node) => Err(Broken::new(ALL, format!("{} wrote {own:?}, but did not send it to {node}", self.me)).at([seen.number])),
            None => Ok(()),
        }
    }

    /// What was put into the feed.
    fn grows(&mut self, feed: &[PostId], step: u64) -> Check {
        let (me, old) = (self.me, self.feed.len());
        if feed.len() < old || feed[..old] != self.feed {
            let at = self.feed.iter().zip(feed).position(|(was, is)| was != is).unwrap_or(feed.len());
            let now = feed.get(at).map_or("nothing".to_owned(), |id| format!("{id:?}"));
            let seen = format!("number {} in {me}'s feed was {:?}, but is {now} now: what was read stays", at + 1, self.feed[at]);
            return Err(Broken::new(ONCE, seen).at([step]));
        }
        for id in &feed[old..] {
            self.delivers(*id, step)?;
        }
        Ok(())
    }

    fn delivers(&mut self, id: PostId, step: u64) -> Check {
        let (me, author) = (self.me, id.author.index());
        let written = self.posts.get(&id).filter(|written| written.came.is_some());
        let Some((written, came)) = written.and_then(|written| Some((written, written.came?))) else {
            return Err(Broken::new(ONCE, format!("{me} put {id:?} into its feed, which had not come")).at([step]));
        };
        if id.number <= self.delivered[author] {
            let seen = if self.feed.contains(&id) {
                format!("{me} put {id:?} into its feed a second time")
            } else {
                format!("{me} put {id:?} into its feed, which is in the archive")
            };
            return Err(Broken::new(ONCE, seen).at([came, step]));
        }
        if let Some(before) = self.lacks(id, &written.clock) {
            let had = if before.author == id.author { "wrote" } else { "had read" };
            let clock = named(&written.clock);
            let seen = format!("{me} put {id:?} {clock:?} into its feed without {before:?}, which {} {had} before", id.author);
            return Err(Broken::new(CAUSALLY, seen + &self.old()).at([came, step]));
        }
        self.met[1] += u64::from(came != step);
        self.delivered[author] = id.number;
        self.feed.push(id);
        Ok(())
    }

    /// Whether something is left out of the feed that has all that it needs.
    fn holds(&self, own: Option<PostId>, step: u64) -> Check {
        let next = |author: usize| PostId { author: NodeId::from_index(author), number: self.delivered[author] + 1 };
        for id in (0..self.delivered.len()).map(next) {
            let Some(written) = self.posts.get(&id) else { continue };
            let Some(came) = written.came.filter(|_| self.lacks(id, &written.clock).is_none()) else { continue };
            let (me, clock) = (self.me, named(&written.clock));
            return Err(if own == Some(id) {
                Broken::new(OWN, format!("{me} wrote {id:?}, but its feed does not have it")).at([step])
            } else if came == step {
                let seen =
                    format!("{id:?} {clock:?} came to {me}, which had all that {} had read, but its feed does not have it", id.author);
                Broken::new(HELD, seen + &self.old()).at([step])
            } else {
                let seen = format!(
                    "{id:?} {clock:?} had come to {me} too early, and waited; everything that {} had read is in {me}'s feed now, but {id:?} is not",
                    id.author
                );
                Broken::new(ALL, seen + &self.old()).at([came, step])
            });
        }
        Ok(())
    }

    fn answers(&mut self, ticket: Ticket, request: &Request, response: &Response, step: u64) -> Check {
        let me = self.me;
        match (request, response) {
            (Request::Compare(a, b), Response::Compared(relation)) => {
                self.met[3] += 1;
                let should = relation_of(a, b);
                if *relation == should {
                    return Ok(());
                }
                let seen = format!("{me} was to compare {a:?} with {b:?}: that is {should:?}, but it answered {relation:?}");
                Err(Broken::new(COMPARE, seen).at([step]))
            }
            (Request::Post, Response::Posted(post)) => {
                let own = self.told.remove(&ticket);
                self.says(post, "answered with", own, step)?;
                if own == Some(post.id()) {
                    return Ok(());
                }
                Err(Broken::new(CLOCKS, format!("{me} answered {ticket:?} with {post:?}, which is not the post that it wrote for it"))
                    .at([step]))
            }
            _ => Err(Broken::new(ANSWERS, format!("{me} answered {request:?} with {response:?}")).at([step])),
        }
    }
}

impl Spec<VectorClock> for Ghost {
    fn step(&mut self, seen: &Seen<'_, VectorClock>) -> Check {
        let answered = self.open.step(seen)?;
        let own = match seen.request() {
            Some((ticket, Request::Post)) => Some(self.writes(ticket, seen.number)),
            _ => None,
        };
        if let Some((_, post)) = seen.message() {
            self.arrives(post, seen.number);
        }
        self.sends(seen, own)?;
        for (taken, response) in answered {
            self.answers(taken.ticket, &taken.request, response, seen.number)?;
        }
        if let Some(feed) = seen.view {
            self.grows(feed, seen.number)?;
            self.holds(own, seen.number)?;
        }
        Ok(())
    }

    fn time(&mut self, now: Time) -> Check {
        // A timer may be a little late. Nobody answers posts, so what is missing is not an answer of others.
        self.open.in_time(now, millis(105)).map_err(|broken| match broken.marks[..] {
            [since, ..] => broken.late(since),
            _ => broken,
        })
    }
}

/// The entries that are not 0.
pub(super) fn named(counts: &[u64]) -> Clock {
    (0..).map(NodeId::from_index).zip(counts.iter().copied()).filter(|(_, n)| *n > 0).collect()
}

/// Whether it is this clock: an entry of 0 may be there or missing.
pub(super) fn is_same(clock: &Clock, counts: &[u64]) -> bool {
    clock.iter().all(|(node, n)| counts.get(node.index()).copied().unwrap_or(0) == *n)
        && counts.iter().zip(0..).all(|(n, i)| *n == 0 || clock.contains_key(&NodeId::from_index(i)))
}

/// How `a` stands to `b`.
fn relation_of(a: &Clock, b: &Clock) -> Relation {
    let exceeds = |a: &Clock, b: &Clock| a.iter().any(|(node, n)| *n > b.get(node).copied().unwrap_or(0));
    match (exceeds(a, b), exceeds(b, a)) {
        (false, false) => Relation::Equal,
        (false, true) => Relation::Before,
        (true, false) => Relation::After,
        (true, true) => Relation::Concurrent,
    }
}
