//! The rules of `cache_aside`, in words.

use crate::rule::Rule;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

pub(super) const FILLS: &str = "miss_fills";
pub(super) const INVALIDATES: &str = "write_invalidates_after_the_database";
pub(super) const STALE_SET: &str = "no_stale_set";
pub(super) const TTL: &str = "stale_at_most_ttl";
pub(super) const ONE: &str = "one_loader";
pub(super) const JITTER: &str = "ttl_jitter";
pub(super) const NEGATIVE: &str = "negative_answers_are_cached_briefly";
pub(super) const DOWN: &str = "cache_down_is_slow_not_wrong";
pub(super) const FLOOD: &str = "database_is_not_flooded";
pub(super) const TRUTH: &str = "client_hears_the_truth";
pub(super) const ANSWERS: &str = "answers_in_time";

/// All of them.
pub(super) const RULED: &[&str] = &[FILLS, INVALIDATES, STALE_SET, TTL, ONE, JITTER, NEGATIVE, DOWN, FLOOD, TRUTH, ANSWERS];

const LEASES: &str = "Nishtala et al. 2013, Scaling Memcache at Facebook, section 3.2.1 (leases)";
const FAILURES: &str = "Nishtala et al. 2013, Scaling Memcache at Facebook, section 3.3 (handling failures)";
const ASIDE: &str = "Nishtala et al. 2013, Scaling Memcache at Facebook, section 2";

pub(super) const RULES: [Rule; 11] = [
    Rule {
        name: FILLS,
        title: "a read asks the cache first, and what is loaded after a miss is put into the cache",
        why: "A cache that nobody fills, or nobody asks, costs a round trip and saves nothing: all reads go to the database.",
        look: "on Get: Message::Get to the cache, at once. on Miss: Message::Read. on Row: Message::Set with the lease of that Miss, as well as the answers to the clients.",
        source: ASIDE,
        clues: &[
            Clue::Heard(2),
            Clue::Request,
            Clue::Look(
                Evidence::Says("it has not asked the cache"),
                "Ask the cache at each Get, as well as the database, even while you believe that it is silent: how else would you notice that it is back?",
            ),
            Clue::Look(
                Evidence::Says("has not put that into the cache"),
                "on Row: as well as the answers to the clients, Message::Set with the lease under which it was read.",
            ),
            Clue::Look(
                Evidence::Says("has not read that from the database"),
                "on Miss: it is the permission to load that key, and no other server has it as long as the lease runs. If all room for reads is taken, the key is next when a row comes.",
            ),
        ],
    },
    Rule {
        name: INVALIDATES,
        title: "once the database has a write, and not before, the cache is told to forget the key, until it confirms",
        why: "If the key is deleted before the write, a reader between the two fetches the old value and puts it back; nothing deletes it after that. If the delete is lost, readers see the same.",
        look: "on Written: Message::Delete, and again every 100 ms until Deleted comes. Only a delete that was sent after Written counts.",
        source: LEASES,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Sent,
            Clue::Look(
                Evidence::Says("has confirmed no delete"),
                "on Deleted: it answers the delete with that tag. A reader may have put back what a delete removed that left before the database had the write. And Written alone says nothing about the cache.",
            ),
            Clue::Look(
                Evidence::Says("which a delete had that left before"),
                "A delete that left before the write and one that left after it must have different tags, or the answer to the first is taken for the answer to the second.",
            ),
            Clue::Look(
                Evidence::Says("has not told it again"),
                "The delete may be lost like any message: a timer sends it again until Deleted comes, every 100 ms.",
            ),
        ],
    },
    Rule {
        name: STALE_SET,
        title: "a slow reader does not put back what a writer has removed: a value is put into the cache with the lease under which it was read",
        why: "The reader holds the old row while the writer writes and deletes; then it puts the old row into the cache, and everybody reads it until it expires. Nobody gets an error.",
        look: "The order is Miss, Read, Row, Set, with one lease. A row that was read before this lease was given (an older read, an older life) may be given to clients, but is not put into the cache; nor is what a client writes.",
        source: LEASES,
        clues: &[
            Clue::Heard(3),
            Clue::Sent,
            Clue::Crash,
            Clue::Look(
                Evidence::Says("without a lease"),
                "Message::Set with `lease: None` is kept whatever was deleted meanwhile. Take the lease that Miss gave.",
            ),
            Clue::Look(
                Evidence::Says("is not what the database has answered"),
                "What a client writes is not put into the cache: of two writers, one may be last at the database and the other last at the cache. A delete is the same in any order.",
            ),
            Clue::Look(
                Evidence::Says("before that lease was given"),
                "on Row: the tag says which read it answers. Take a new tag for each read, one that no earlier life of this server has used either (cx.random), and keep the lease beside it.",
            ),
        ],
    },
    Rule {
        name: TTL,
        title: "a value that no invalidation reached is gone after ttl: nothing is cached for longer, and servers keep no copies of their own",
        why: "A server that dies between the write and the delete leaves the old value in the cache. Then only its time to live ends it; without one it is read for ever.",
        look: "Message::Set: `ttl` is at most Config::ttl, so the jitter goes downwards. A client is answered with what the cache or the database has said since it asked.",
        source: ASIDE,
        clues: &[
            Clue::Heard(3),
            Clue::Sent,
            Clue::Request,
            Clue::Look(
                Evidence::Says("before the question came"),
                "Nobody deletes a value that is kept in the server: what was fetched answers the requests that were open then, and is forgotten.",
            ),
        ],
    },
    Rule {
        name: ONE,
        title: "one server at a time loads a key: the one that has the lease, until the lease ends",
        why: "A hot key is deleted, and a thousand readers miss in the same moment. If each of them reads the row, the database falls over: a thundering herd.",
        look: "on Wait: no read; ask the cache again in a little while. Send Message::Read once if you were given a lease, or if the cache has left a request about this key (or all that it was asked) without an answer for 50 ms. A read is repeated after 50 ms, and no sooner.",
        source: LEASES,
        clues: &[
            Clue::Heard(3),
            Clue::Sent,
            Clue::Request,
            Clue::Look(
                Evidence::Says("had told it to wait"),
                "on Wait: another server loads that key. Ask the cache again in 20 ms or so: by then it has the value, or, if the lease has ended, a lease for you.",
            ),
            Clue::Look(
                Evidence::Says("which came again"),
                "on Miss: it may be a repeated one. A lease is good for one read; while that read is under way, no Miss with the same number starts another.",
            ),
            Clue::Look(
                Evidence::Says("it has ended"),
                "A lease lasts 200 ms, even while its key waits in your queue for room. Remember when it came; after 100 ms ask the cache again.",
            ),
            Clue::Look(
                Evidence::Says("it had done so"),
                "A read of this key is already under way from here: requests that come meanwhile join it (a map from key to the waiting requests). It is repeated only when 50 ms have passed without a row.",
            ),
        ],
    },
    Rule {
        name: JITTER,
        title: "keys that are filled at the same time do not all expire at the same time",
        why: "After a restart everything is loaded within a second. If all have the same time to live, everything expires within one second, ttl later, and again, for ever.",
        look: "Message::Set: subtract a random part of `ttl` (cx.random), drawn again for each key: up to a fifth of it, say.",
        source: "Amazon Builders' Library, Timeouts, retries, and backoff with jitter",
        clues: &[Clue::Sent],
    },
    Rule {
        name: NEGATIVE,
        title: "that there is no such row is cached as well, for at most negative_ttl",
        why: "Otherwise a client that asks for rows that do not exist (a crawler, an attacker, a broken link) goes past the cache to the database each time. And a row that was just created must not be missing for the whole of ttl.",
        look: "on Row with `None`: Message::Set with `value: None` and a ttl of Config::negative_ttl.",
        source: "RFC 2308, Negative Caching of DNS Queries, section 5",
        clues: &[Clue::Heard(2), Clue::Sent],
    },
    Rule {
        name: DOWN,
        title: "if the cache is silent, reads go to the database, and are answered from there",
        why: "A cache is there to make things fast. If everything fails when the cache fails, one more machine has to be up, and one that is built to forget.",
        look: "The timer that is set when the cache is asked: after 50 to 100 ms without an answer about this key, Message::Read without a lease. Its row is given to clients, but not put into the cache. Answer Failed only if the database is silent too, after 400 ms.",
        source: FAILURES,
        clues: &[
            Clue::Request,
            Clue::Sent,
            Clue::Look(Evidence::NoTimer, "In the end no timer is set: nothing wakes this server if the cache does not answer."),
        ],
    },
    Rule {
        name: FLOOD,
        title: "a server has reads of at most `loads` keys under way at the database",
        why: "The cache restarts empty. All keys miss at the same time, each with its own lease, and the database gets as many reads in a second as it is built for in a minute.",
        look: "Message::Read: count the reads that are under way; further reads wait in a queue, and leave when a row comes, or when a read is given up.",
        source: FAILURES,
        clues: &[Clue::Heard(3), Clue::Sent],
    },
    Rule {
        name: TRUTH,
        title: "a client hears the truth about its read or its write",
        why: "Written says that the old value is gone everywhere. A client that gets it too early shows its user the old value; one that gets Unknown for a write that is done writes it again.",
        look: "Put: Unknown until the database has confirmed, Stale until the cache has, then Written; the first two not before 400 ms. Get: a value that came since it asked; Failed after 400 ms, if none did.",
        source: ASIDE,
        clues: &[Clue::Request, Clue::Heard(3)],
    },
    Rule {
        name: ANSWERS,
        title: "every request is answered once, in time, and what is lost is asked for again",
        why: "One message is lost, and a page hangs until the user goes away.",
        look: "Each open request has a timer: every 50 ms what is missing is asked for again; at 400 to 600 ms it ends. All requests that wait for a key are answered when its value comes.",
        source: "Deutsch, Fallacies of Distributed Computing (1: the network is reliable)",
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Look(
                Evidence::NoTimer,
                "In the end no timer is set: what was asked for and lost is never asked for again. Set the timer again each time it fires.",
            ),
        ],
    },
];
