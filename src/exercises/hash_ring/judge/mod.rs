//! The hidden tests of `hash_ring`.

mod bench;
mod names;
mod processes;
mod spec;
mod statistics;
mod twins;
mod vectors;
mod why;

use super::HashRing;
use crate::rule::Rule;
use crate::suite::Suite;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;
use bench::Make;

const KARGER: &str = "Karger et al. 1997, Consistent hashing and random trees, section 4";
const DYNAMO_PARTITION: &str = "DeCandia et al. 2007, Dynamo: Amazon's highly available key-value store, section 4.2";
const DYNAMO_REPLICAS: &str = "DeCandia et al. 2007, Dynamo: Amazon's highly available key-value store, section 4.3";

pub(super) const OWNED: &str = "every_key_has_an_owner";
pub(super) const MEMBERS: &str = "only_members_own";
pub(super) const MOVES: &str = "keys_move_only_with_the_node";
pub(super) const SAME: &str = "same_members_same_owners";
pub(super) const REPLICAS: &str = "distinct_replicas";
pub(super) const TAKEOVER: &str = "next_replica_takes_over";
pub(super) const BALANCE: &str = "balanced";
pub(super) const WEIGHT: &str = "share_follows_weight";
pub(super) const COST: &str = "lookup_cost";

/// Where to look when [`why`] has found out why two rings disagree.
const BY_CHANCE: Clue = Clue::Look(
    Evidence::Says("now this answer, now that"),
    "The hash: RandomState, addresses, time and process ids differ from ring to ring; the hash must be the same function everywhere.",
);
const LEFT_OVER: Clue = Clue::Look(
    Evidence::Says("something is left"),
    "What add does with a node that is there already, and what remove does: both must remove all tokens of the node's old weight and everything else that was kept of it; add then puts those of the new weight, as for a node that was never there. And no token may replace another node's token at the same position: when it goes, both are gone.",
);
const FEW_BITS: Clue = Clue::Look(
    Evidence::Says("positions that are cut to few bits"),
    "The positions: all 64 bits of a good hash, without a remainder, a cast or a float. And what happens when two tokens still fall on one position: the order of joining must not decide.",
);
const LABELS: Clue = Clue::Look(
    Evidence::Says("the labels of two of their tokens are equal"),
    "What is hashed for a token: name and number need something between them that no name contains, or a length (`n1` + `12` and `n11` + `2` are the same text); and the whole name must be hashed, every byte of it.",
);
const OTHERS: Clue = Clue::Look(
    Evidence::Says("decides it, though it is neither"),
    "What decides an owner: not the number of nodes; and no token of one node may ever be replaced, moved or removed by another node.",
);

const RULES: [Rule; 9] = [
    Rule {
        name: OWNED,
        title: "every key has an owner while there is a node, and none on an empty ring",
        why: "A key without an owner is a request that nobody serves: it fails on every server of the cluster, for as long as the membership lasts.",
        look: "A key whose position lies beyond the last token: after the largest position comes the smallest. And the lookup on a ring without tokens.",
        source: KARGER,
        clues: &[
            Clue::Calls,
            Clue::Look(
                Evidence::Says("but there are members"),
                "A key whose position lies beyond the last token: after the largest position comes the smallest. And a member that puts nothing on the ring, or is not counted: a member is a member, whatever its name and weight.",
            ),
        ],
    },
    Rule {
        name: MEMBERS,
        title: "only members own keys: a node that left owns nothing",
        why: "Requests that are routed to a machine that was switched off will time out, one by one, until somebody restarts every router.",
        look: "What a node puts on the ring when it joins, and whether remove removes all of it: for the weight that it had then, and also if it was added twice.",
        source: DYNAMO_PARTITION,
        clues: &[
            Clue::Calls,
            Clue::Look(
                Evidence::Says("is not there; the members"),
                "Under which name a node is put on the ring, and returned: exactly as it was given, every byte of it. And whether remove removes everything that add has put there.",
            ),
        ],
    },
    Rule {
        name: MOVES,
        title: "a key changes its owner only from or to the node that joined or left, and only that node's share of the keys moves",
        why: "Every key that moves means data to copy, or a cold cache: with hash mod N, the eleventh server moves nine keys in ten; with a ring, one in eleven.",
        look: "What decides an owner: it must not be the number of nodes. And no token of one node may ever be replaced or removed by another node.",
        source: KARGER,
        clues: &[Clue::Calls, BY_CHANCE, LEFT_OVER, FEW_BITS, LABELS, OTHERS],
    },
    Rule {
        name: SAME,
        title: "the same members give the same owners, in every process and in whatever order they joined",
        why: "Each server has a ring of its own. If two servers disagree about a key, one writes it where the other does not look.",
        look: "The hash: RandomState, addresses, time and process ids differ from ring to ring. Then the order of joining: two tokens at one position, or equal labels of two nodes (`n1` + `12`, `n11` + `2`), where the last one wins. Then what is left over from earlier members or earlier weights.",
        source: DYNAMO_PARTITION,
        clues: &[Clue::Calls, BY_CHANCE, LEFT_OVER, FEW_BITS, LABELS, OTHERS],
    },
    Rule {
        name: REPLICAS,
        title: "replicas are different nodes, the owner first: k of them, or all if there are fewer",
        why: "Three copies on one machine are one copy, and a node that the walk never finds holds none: when a machine fails, the data is gone.",
        look: "The walk round the ring: the next k tokens are not the next k nodes. It must skip nodes that it has already, continue at the start of the ring when it reaches the end, and not stop before it has k nodes or has seen every token: a heavy node may own hundreds in a row.",
        source: DYNAMO_REPLICAS,
        clues: &[
            Clue::Calls,
            Clue::Look(
                Evidence::Says("that is 255 nodes"),
                "The type in which k, or the number of members, is held: 255 is the largest number of eight bits, and a ring may have thousands of members.",
            ),
            Clue::Look(
                Evidence::Says("the owner comes first"),
                "How owner and replicas find their nodes: both from the same position, in the same order, and on the ring as it is now, not from anything remembered of an earlier ring.",
            ),
            Clue::Look(
                Evidence::Says("there should be"),
                "When the walk round the ring ends: not before it has k nodes or has seen every token. It must continue at the start of the ring, and skip nodes that it has already (a heavy node may own hundreds in a row) but no others: two nodes are the same only if their whole names are equal. And k is held in its full width.",
            ),
        ],
    },
    Rule {
        name: TAKEOVER,
        title: "when the owner leaves, the next replica takes over",
        why: "The second replica is the one that has the data. If the key goes to another node, that node answers `not found` for data that exists.",
        look: "How owner and replicas go round the ring: both from the key's position on, in the order of the tokens, and from the last token on to the first. Which of two nodes comes first for a key depends only on these two; a node that joins or leaves changes nothing between them.",
        source: DYNAMO_REPLICAS,
        clues: &[Clue::Calls, BY_CHANCE, LEFT_OVER, FEW_BITS, LABELS, OTHERS],
    },
    Rule {
        name: BALANCE,
        title: "keys are spread evenly: over 50 memberships of 10 nodes, the fullest node has at most 1.25 times the mean, in the median",
        why: "The fullest node limits the whole cluster: if it has twice the mean, half of the capacity that you pay for stays empty.",
        look: "How many tokens a node has: with one, chance decides, and the fullest node has about three times the mean; 128 even that out. Then the hash: do `user:1` and `user:2`, `n1#1` and `n1#2` land far from each other, over all 64 bits? With sums of bytes, small moduli, and hashes whose last byte hardly reaches the upper bits, they do not.",
        source: DYNAMO_PARTITION,
        clues: &[
            Clue::Look(
                Evidence::Says("as if the tokens"),
                "What the tokens are made of: the whole name and a number, so that two names share no token. And whether a lookup returns an earlier result: nothing that was remembered may outlive a join or a leave.",
            ),
            Clue::Look(
                Evidence::Says("have one list"),
                "What the hash is given: the key or the name as it is, every byte of it, in order; nothing is trimmed, parsed, cut off or changed to another case before.",
            ),
        ],
    },
    Rule {
        name: WEIGHT,
        title: "a node's share of the keys follows its weight",
        why: "The new machines have four times the disk. If the ring gives them the same share as the old ones, the old ones overflow while the new ones are idle.",
        look: "How many tokens a node gets: TOKENS_PER_WEIGHT for each unit of its weight. If that is right: whether each token has a position of its own. If a hash is cut to few bits (a remainder, a cast), several tokens fall on one position, and all but one of them are lost.",
        source: DYNAMO_PARTITION,
        clues: &[],
    },
    Rule {
        name: COST,
        title: "a lookup compares tokens at most 4 × log2(tokens) times, also among 77,000",
        why: "Every request begins with a lookup. A scan over 128,000 tokens (1,000 nodes) costs a tenth of a millisecond each time: the router is slower than the database.",
        look: "How owner finds the first token from the key onwards: keep the tokens sorted, and use binary search (partition_point, BTreeMap::range).",
        source: KARGER,
        clues: &[],
    },
];

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<R: HashRing>() -> Suite {
    suite(|| Box::new(R::new()))
}

fn suite(make: Make) -> Suite {
    let mut suite = Suite::plain("hash_ring", &RULES, spec::storms(make));
    suite.echo = Some(Box::new(move |text| processes::answer(make, text)));
    vectors::add(&mut suite, make);
    processes::add(&mut suite, make);
    statistics::add(&mut suite, make);
    vectors::add_heavy(&mut suite, make);
    suite
}
