//! The hidden tests of `vector_clock`: what one node may do is in `spec`, what comes in in `surroundings`; here are examples and traps.

mod exploration;
mod spec;
mod surroundings;

use super::{Clock, Config, Member, Post, PostId, Relation, Request, Response, VectorClock};
use crate::exercises::kit::{Guarded, N1, N2, N3, Script, rows};
use crate::rule::{Broken, Check, Rule};
use crate::sim::{Allowed, Factory, NodeId};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;
use spec::Ghost;

pub(super) const COMPARE: &str = "compare_is_causality";
pub(super) const CLOCKS: &str = "clock_counts_posts";
pub(super) const CAUSALLY: &str = "delivers_causally";
pub(super) const ONCE: &str = "delivers_once";
pub(super) const ALL: &str = "delivers_all";
pub(super) const HELD: &str = "nothing_held_without_need";
pub(super) const OWN: &str = "own_posts_at_once";
pub(super) const ANSWERS: &str = "answers_once_in_time";

const FIDGE: &str = "Fidge 1988, Timestamps in message-passing systems that preserve the partial ordering; Mattern 1989, Virtual time and global states of distributed systems, section 7 (vector time)";
const BSS: &str = "Birman, Schiper & Stephenson 1991, Lightweight causal and atomic group multicast: the protocol CBCAST";

const RULES: [Rule; 8] = [
    Rule {
        name: COMPARE,
        title: "one clock is before another if none of its entries is larger and one is smaller; if neither is before the other, and they are not equal, they are concurrent",
        why: "If a conflict is taken for an order, one of two writes is silently thrown away; if an order is taken for a conflict, the user is asked to resolve a conflict that does not exist.",
        look: "compare: every entry of both clocks counts, and a missing entry counts 0. Two questions are enough: is no entry of a larger than b's, and is no entry of b larger than a's?",
        source: FIDGE,
        clues: &[Clue::Request],
    },
    Rule {
        name: CLOCKS,
        title: "a post's clock counts, for each node, its posts in the author's feed, the post itself included",
        why: "The clock is all that others know of what the author had read: if it counts too little, a reply is shown before its question; if it counts too much, readers wait for a post that does not exist.",
        look: "Request::Post: the clock of what is in the feed, with one more in the node's own entry. The clock moves only when a post is put into the feed.",
        source: BSS,
        clues: &[
            Clue::Inputs(2),
            Clue::Look(
                Evidence::Says(" answered with "),
                "Response::Posted(post): the same post, with the same clock, that is sent to the others and put into the feed.",
            ),
        ],
    },
    Rule {
        name: CAUSALLY,
        title: "a post is put into the feed after everything that its author had read when writing it",
        why: "A reader sees the answer but not the question; a replica applies \"remove him from the group\" after the photo that he should not see.",
        look: "The test whether a post is ready: it is its author's next post, and for every other node its clock counts no more than is in this feed.",
        source: BSS,
        clues: &[Clue::Heard(2)],
    },
    Rule {
        name: ONCE,
        title: "a post that came is added at the end of the feed, once, and stays there",
        why: "Networks repeat messages, and nodes pass them on: a post that is applied twice is like a payment that is made twice.",
        look: "A post is in the feed already if its number is not larger than the clock's entry for its author; that goes for the node's own posts too. A post that waits can also come again.",
        source: BSS,
        clues: &[
            Clue::Twice,
            Clue::Look(
                Evidence::Says("which had not come"),
                "What is pushed to the feed: author and number of the post itself (Post::id), not the node from which it came, and not a count of your own.",
            ),
            Clue::Look(
                Evidence::Says("which is in the archive"),
                "Config's `archived`: the clock begins there, so the posts that it counts are not new.",
            ),
            Clue::Look(
                Evidence::Says("what was read stays"),
                "The feed only grows, at its end: nothing in it is sorted, replaced or removed, however long it gets.",
            ),
        ],
    },
    Rule {
        name: ALL,
        title: "every post reaches every feed: it is sent to all, and a post that had to wait is shown as soon as the last post that it waited for is",
        why: "A post that waits for ever holds up everything that its readers write afterwards: one feed after another stops.",
        look: "After each post that is put into the feed, look through the waiting posts again, until none is ready: a chain may have come in reverse order.",
        source: BSS,
        clues: &[
            Clue::Heard(3),
            Clue::Look(
                Evidence::Says("did not send it to"),
                "Request::Post: the post goes to every other node (cx.broadcast) at once, whatever waits and whoever wrote last.",
            ),
            Clue::Look(
                Evidence::Says("in the opposite order"),
                "Every post that comes too early waits, however many there are: none is thrown out to make room. And the waiting posts are looked through again until none is ready.",
            ),
        ],
    },
    Rule {
        name: HELD,
        title: "a post that comes is put into the feed at once if everything that its author had read is there",
        why: "Causal order is cheap because concurrent posts need not wait. A node that waits without need pays the price of a total order and gets nothing for it.",
        look: "The test whether a post is ready: an entry that counts less than the feed has is no reason to wait, nor is a post that the author had not read.",
        source: BSS,
        clues: &[Clue::Heard(1)],
    },
    Rule {
        name: OWN,
        title: "a node's own post is in its feed when its handler returns",
        why: "A user who presses send and does not see the post presses again.",
        look: "Request::Post: put the post into the feed there and then; it need not wait, because everything that it counts is in the feed.",
        source: BSS,
        clues: &[Clue::Request],
    },
    Rule {
        name: ANSWERS,
        title: "every request is answered, once, within 100 ms",
        why: "A client that hears nothing holds up its own callers; a client that hears twice takes the second answer for the answer to its next request.",
        look: "Each arm of the match on the request reaches cx.reply(ticket, …) once.",
        source: "Birrell & Nelson 1984, Implementing remote procedure calls, section 3",
        clues: &[Clue::Request],
    },
];

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Member>() -> Suite {
    suite(Factory::of::<N>())
}

/// Two clocks as counts of n1, n2 and n3, and how the first stands to the second; what is 0 is left out.
type Compared = ([u64; 3], [u64; 3], Relation);
const CLOCKS_COMPARED: [(&str, Compared); 4] = [
    ("two clocks of which one has gone on", ([1, 2, 0], [1, 3, 0], Relation::Before)),
    ("a clock that has never heard of a node", ([2, 0, 1], [2, 0, 0], Relation::After)),
    ("two clocks that have gone on apart", ([2, 0, 0], [1, 0, 5], Relation::Concurrent)),
    ("a clock with itself", ([1, 0, 2], [1, 0, 2], Relation::Equal)),
];

fn suite(f: Factory<VectorClock>) -> Suite {
    let swarm = Guarded {
        rules: &[CLOCKS, CAUSALLY, ONCE, ALL, HELD, OWN, ANSWERS],
        must_meet: &["messages repeated", "pauses", "posts", "posts that waited", "posts that came again"],
        nodes: &[2, 3, 3, 4, 5],
        faults_ms: 700,
        quiet_ms: 1_000,
        config: |_, _| Config::default(),
        ghost: |node, nodes| Ghost::new(node, vec![0; nodes]),
        next: |_, duty, _| (duty < Some(4)).then_some(Request::Post),
        between: |_| (),
    };
    let allowed = Allowed { loss: false, partitions: false, crashes: false, down_for_good: false, ..Allowed::everything(millis(200)) };
    let mut suite = Suite::new("vector_clock", &RULES, swarm.swarm_in(f, allowed)).with_storms(surroundings::storms(f));
    rows(&mut suite, COMPARE, CLOCKS_COMPARED, move |p, (a, b, relation)| {
        let mut s = up(f, p)?;
        let ticket = s.call(N1, Request::Compare(spec::named(a), spec::named(b)))?;
        s.answered(COMPARE, ticket, &[Response::Compared(*relation)])
    });
    suite.vector(COMPARE, "an entry of 0 and one that is missing", move |p| {
        let mut s = up(f, p)?;
        let with: Clock = [(N1, 2), (N3, 0)].into();
        let ticket = s.call(N1, Request::Compare([(N1, 2)].into(), with))?;
        s.answered(COMPARE, ticket, &[Response::Compared(Relation::Equal)])
    });
    suite.vector(CLOCKS, "a post, and a reply", move |p| {
        let mut s = up(f, p)?;
        s.call(N1, Request::Post)?;
        s.tell(N2, N1, post(N2, &[1, 1, 0]))?;
        let ticket = s.call(N1, Request::Post)?;
        let clock = if let Some(Response::Posted(post)) = s.answer_to(ticket) { Some(&post.clock) } else { None };
        let should = [2, 1, 0];
        let so = clock.is_none_or(|clock| spec::is_same(clock, &should));
        s.expect(CLOCKS, so, || format!("the clock of this second post must be {:?}", spec::named(&should)))
    });
    let mut feed = |rule, name, posts: &'static [(NodeId, [u64; 3])], then: &'static [(NodeId, u64)]| {
        suite.vector(rule, name, move |p| {
            let mut s = up(f, p)?;
            posts.iter().try_for_each(|(author, clock)| s.tell(*author, N1, post(*author, clock)))?;
            shows(&s, rule, then)
        });
    };
    feed(CAUSALLY, "a reply that comes before its question", &[(N3, [0, 1, 1])], &[]);
    feed(ALL, "the question comes after the reply", &[(N3, [0, 1, 1]), (N2, [0, 1, 0])], &[(N2, 1), (N3, 1)]);
    feed(HELD, "two posts of authors who have not read each other", &[(N3, [0, 0, 1]), (N2, [0, 1, 0])], &[(N3, 1), (N2, 1)]);
    feed(ONCE, "the same post twice", &[(N2, [0, 1, 0]), (N2, [0, 1, 0])], &[(N2, 1)]);
    feed(
        ALL,
        "a conversation of two that comes backwards",
        &[(N2, [0, 3, 2]), (N3, [0, 2, 2]), (N2, [0, 2, 1]), (N3, [0, 1, 1]), (N2, [0, 1, 0])],
        &[(N2, 1), (N3, 1), (N2, 2), (N3, 2), (N2, 3)],
    );
    suite.scenario(ALL, "three hundred posts, the last one first", move |p| {
        let mut s = up(f, p)?;
        (1..=300).rev().try_for_each(|n| s.tell(N2, N1, post(N2, &[0, n, 0])))?;
        s.say("n2 wrote n2#1 to n2#300, and they came to n1 in the opposite order");
        let feed = s.view(N1).unwrap_or_default();
        let all: Vec<PostId> = (1..=300).map(|number| PostId { author: N2, number }).collect();
        let has = match (feed.first(), feed.last()) {
            (Some(first), Some(last)) => format!("it has {} of them, from {first:?} to {last:?}", feed.len()),
            _ => "it has none".to_owned(),
        };
        // What was read stays in the feed.
        let rule = if all.starts_with(&feed) { ALL } else { ONCE };
        s.expect(rule, feed == all, || format!("all 300 must then be in n1's feed, in order, but {has}"))
    });
    exploration::add(&mut suite, f);
    suite
}

/// n1 of three runs; the script speaks for the others.
fn up(f: Factory<VectorClock>, p: &Probe) -> Result<Script<'static, VectorClock>, Broken> {
    let mut s = Script::new(f, p, vec![Config::default(); 3]);
    s.start(N1)?;
    Ok(s)
}

fn post(author: NodeId, counts: &[u64]) -> Post {
    Post { author, clock: spec::named(counts) }
}

/// n1's feed must be this.
fn shows(s: &Script<'_, VectorClock>, rule: &'static str, feed: &[(NodeId, u64)]) -> Check {
    let feed = feed.iter().map(|(author, number)| PostId { author: *author, number: *number }).collect();
    s.shows(rule, N1, &feed)
}
