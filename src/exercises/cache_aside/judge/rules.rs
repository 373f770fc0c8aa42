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
        title: "a read asks the cache first, and what a miss has loaded is put into it",
        why: "A cache that nobody fills, or nobody asks, costs a round trip and saves nothing: all reads come to the database.",
        look: "on Get: Message::Get to the cache, at once. on Miss: Message::Read. on Row: Message::Set with the lease of that Miss, beside the answers to the clients.",
        source: ASIDE,
        clues: &[
            Clue::Heard(2),
            Clue::Request,
            Clue::Look(
                Evidence::Says("it has not asked the cache"),
                "Also while the cache is held for silent it is asked at each Get, beside the read: how else would it be found that it is back?",
            ),
            Clue::Look(
                Evidence::Says("has not put that into the cache"),
                "on Row: beside the answers to the clients, Message::Set with the lease under which it was read.",
            ),
            Clue::Look(
                Evidence::Says("has not read that from the database"),
                "on Miss: it is the leave to load that key, and nobody else has it as long as the lease runs. If all room for reads is taken, it is next when a row comes.",
            ),
        ],
    },
    Rule {
        name: INVALIDATES,
        title: "after a write the cache is told to forget the key, when the database has the write and not before, until it confirms",
        why: "If the key is deleted before the write, a reader between the two fetches the old value and puts it back; nothing deletes it after that. If the delete is lost the same is seen.",
        look: "on Written: Message::Delete, and again every 100 ms until Deleted comes. Only a delete that was sent after Written counts.",
        source: LEASES,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Sent,
            Clue::Look(
                Evidence::Says("has confirmed no delete"),
                "on Deleted: it answers the delete with that tag. One that left before the database had the write has removed nothing that a reader did not put back since; nor does Written alone tell anything of the cache.",
            ),
            Clue::Look(
                Evidence::Says("which a delete had that left before"),
                "A delete that left before the write and one that left after it must have two tags, or the answer to the first is taken for that to the second.",
            ),
            Clue::Look(
                Evidence::Says("has not told it again"),
                "The delete may be lost like anything: a timer sends it again until Deleted comes, every 100 ms.",
            ),
        ],
    },
    Rule {
        name: STALE_SET,
        title: "a slow reader does not put back what a writer has removed: what is put in was read under the lease with which it is put in",
        why: "The reader has the old row in its hands while the writer writes and deletes; then it puts the old row into the cache, and everybody reads it until its time is over. Nobody gets an error.",
        look: "The order is Miss, Read, Row, Set, with one lease. A row that was asked for before this lease was there (an older read, an older life) may be answered to clients, and is not put in; nor is what a client writes.",
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
                "What a client writes is not put into the cache: of two writers the one may write last, and the other put in last. A delete is the same in any order.",
            ),
            Clue::Look(
                Evidence::Says("before that lease was given"),
                "on Row: the tag says which read it answers. Take a new tag for each read, one that no earlier life of this server has used either (cx.random), and keep the lease beside it.",
            ),
        ],
    },
    Rule {
        name: TTL,
        title: "what an invalidation did not reach is gone after ttl: nothing is put in for longer, and servers keep no copies of their own",
        why: "A server that dies between the write and the delete leaves the old value in the cache. Its time to live is then all that ends it; without one it is read for ever.",
        look: "Message::Set: `ttl` is at most Config::ttl, so the jitter goes downwards. A client is answered with what the cache or the database has said since it asked.",
        source: ASIDE,
        clues: &[
            Clue::Heard(3),
            Clue::Sent,
            Clue::Request,
            Clue::Look(
                Evidence::Says("before the question came"),
                "A value that is kept in the server is deleted by nobody: what was fetched for one question is the answer to those that were open then, and is forgotten.",
            ),
        ],
    },
    Rule {
        name: ONE,
        title: "one at a time loads a key: who has the lease, until it ends",
        why: "A hot key is deleted, and a thousand readers miss in the same moment. If each of them reads the row the database falls over: a thundering herd.",
        look: "on Wait: no read; ask the cache again in a little while. Message::Read is for who was given a lease, once, or if the cache has left a question about this key (or all that it was asked) without an answer for 50 ms. A read is repeated after 50 ms, and no sooner.",
        source: LEASES,
        clues: &[
            Clue::Heard(3),
            Clue::Sent,
            Clue::Request,
            Clue::Look(
                Evidence::Says("had told it to wait"),
                "on Wait: somebody else loads that. Ask the cache again in 20 ms or so: it has the value then, or, if the lease has ended, a lease for you.",
            ),
            Clue::Look(
                Evidence::Says("which came again"),
                "on Miss: it may be one that comes for the second time. A lease is good for one read; while that is under way, no Miss with the same number begins another.",
            ),
            Clue::Look(
                Evidence::Says("it has ended"),
                "A lease lasts 200 ms, also while its key waits in your queue for room. Keep beside it when it came; at 100 ms ask the cache anew.",
            ),
            Clue::Look(
                Evidence::Says("it had done so"),
                "A read of this key is under way from here: whoever asks for the key meanwhile joins it (a map from key to those who wait). It is repeated only when 50 ms have passed without a row.",
            ),
        ],
    },
    Rule {
        name: JITTER,
        title: "keys that are filled at the same time do not all end at the same time",
        why: "After a restart everything is loaded within a second. With one time to live for all, everything is gone within the same second, ttl later, and again, for ever.",
        look: "Message::Set: of `ttl` a random part is taken away (cx.random), for each key anew: a fifth of it, say.",
        source: "Amazon Builders' Library, Timeouts, retries, and backoff with jitter",
        clues: &[Clue::Sent],
    },
    Rule {
        name: NEGATIVE,
        title: "that there is no such row is put into the cache as well, for negative_ttl at most",
        why: "Who asks for rows that do not exist (a crawler, an attacker, a broken link) goes past the cache to the database each time. And a row that was just made must not be missing for the whole of ttl.",
        look: "on Row with `None`: Message::Set with `value: None` and a ttl of Config::negative_ttl.",
        source: "RFC 2308, Negative Caching of DNS Queries, section 5",
        clues: &[Clue::Heard(2), Clue::Sent],
    },
    Rule {
        name: DOWN,
        title: "if the cache is silent reads go to the database, and are answered from there",
        why: "A cache is there to make things fast. If everything fails when it fails, one more machine has to be up, and one that is built to forget.",
        look: "The timer that is set when the cache is asked: after 50 to 100 ms without a word about this key, Message::Read without a lease. Its row is answered, and not put in. Failed is for when the database is silent too, after 400 ms.",
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
        why: "The cache restarts empty. All keys miss at the same time, each with a lease of its own, and the database gets in a second what it is built for in a minute.",
        look: "Message::Read: count the reads that are under way; what is too much waits in a queue, and goes on when a row comes, or when somebody gives up.",
        source: FAILURES,
        clues: &[Clue::Heard(3), Clue::Sent],
    },
    Rule {
        name: TRUTH,
        title: "a client hears what is true of its question or its write",
        why: "Written says that the old value is gone everywhere. A client that hears it too early shows its user the old one; one that hears Unknown of a write that is done writes it again.",
        look: "Put: Unknown until the database has confirmed, Stale until the cache has, then Written; the first two not before 400 ms. Get: a value that came since it asked; Failed after 400 ms, if none did.",
        source: ASIDE,
        clues: &[Clue::Request, Clue::Heard(3)],
    },
    Rule {
        name: ANSWERS,
        title: "every request is answered, once, in time, and what is lost is asked for again",
        why: "One message is lost, and a page hangs until the user goes away.",
        look: "Each open request has a timer: every 50 ms what is missing is asked for again; at 400 to 600 ms it ends. All who wait for a key are answered when its value comes.",
        source: "Deutsch, Fallacies of Distributed Computing (1: the network is reliable)",
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Look(
                Evidence::NoTimer,
                "In the end no timer is set: what was asked for and lost is asked for again by nobody. Set it anew each time it fires.",
            ),
        ],
    },
];
