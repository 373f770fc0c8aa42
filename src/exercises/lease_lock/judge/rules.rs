//! The rules of `lease_lock`, in words.

use crate::rule::Rule;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

pub(super) const ONE: &str = "one_holder";
pub(super) const RESTART: &str = "restart_honours_leases";
pub(super) const TOKENS: &str = "tokens_rise";
pub(super) const TWICE: &str = "asking_twice_is_one_lease";
pub(super) const RENEWAL: &str = "no_renewal_after_expiry";
pub(super) const FREED: &str = "freed_at_expiry";
pub(super) const RELEASE: &str = "only_the_holder_releases";
pub(super) const ECHO: &str = "grant_names_its_question";
pub(super) const STOPS: &str = "holder_stops_in_time";
pub(super) const GIVEN: &str = "given_back_stays_so";
pub(super) const KEEPS: &str = "holder_keeps_it";
pub(super) const WAITER: &str = "waiter_gets_it";
pub(super) const DONE: &str = "who_is_done_gives_it_back";
pub(super) const STORAGE: &str = "storage_refuses_older";
pub(super) const TRUTH: &str = "client_hears_the_truth";
pub(super) const IN_TIME: &str = "answers_once_in_time";

const GRAY: &str = "Gray & Cheriton 1989, Leases: an efficient fault-tolerant mechanism for distributed file cache consistency";
const RECOVERY: &str = "Gray & Cheriton 1989, Leases: an efficient fault-tolerant mechanism for distributed file cache consistency";
const KLEPPMANN: &str = "Kleppmann 2016, How to do distributed locking (fencing tokens)";
const CHUBBY: &str = "Burrows 2006, The Chubby lock service for loosely-coupled distributed systems (locks and sequencers)";
const REDIS: &str = "Kleppmann 2016, How to do distributed locking";

pub(super) const RULES: [Rule; 16] = [
    Rule {
        name: ONE,
        title: "one worker holds the lock at a time",
        why: "Two workers write at once, each sure that it is alone. What the lock should protect becomes a mix of both.",
        look: "on Acquire at the server: if another worker's lease runs, there is no answer. A lease runs for one whole lease time after its last grant left, and a renewal is a grant too.",
        source: GRAY,
        clues: &[
            Clue::Heard(2),
            Clue::Sent,
            Clue::Look(
                Evidence::Says("had given"),
                "Which of them is wrong? Compare from when until when the server counts the lease, and from when until when the worker does: the worker counts from when its request left, by its own clock.",
            ),
        ],
    },
    Rule {
        name: RESTART,
        title: "a server that restarts honours the leases of its last life",
        why: "Its holder does not know that the server was away, and has every right to go on. A server that starts with an empty table gives the lock to a second worker.",
        look: "on_start at the server: either the lease is read from what was saved before the grant left, with its end by this clock, which keeps running; or nothing is granted for one whole lease.",
        source: RECOVERY,
        clues: &[
            Clue::Promise,
            Clue::Crash,
            Clue::Look(
                Evidence::LeftBeforeSave,
                "The order of cx.save and the grant: the grant leaves first, and a crash may fall between the two. (A server that waits for one lease after each start need not save the lease.)",
            ),
        ],
    },
    Rule {
        name: TOKENS,
        title: "each new lease has a larger token than every one before it, even across restarts",
        why: "The storage tells an old holder from the new one only by the token. A token that is used again, or a smaller one, lets the old holder in, or keeps the new one out.",
        look: "on Acquire at the server, where a new lease begins: the token is one more than the last one, and Saved::token goes to the disk before the grant leaves.",
        source: KLEPPMANN,
        clues: &[
            Clue::Promise,
            Clue::Crash,
            Clue::Saved,
            Clue::Look(
                Evidence::Says("on its disk"),
                "Where a new lease begins: cx.save with the new token comes before cx.send with the grant, each time.",
            ),
            Clue::Look(
                Evidence::Says("given"),
                "Only a lease that still runs may be granted again. One that was given back, or is over, has ended: the next lease has a new token, whichever worker asks.",
            ),
        ],
    },
    Rule {
        name: TWICE,
        title: "a holder that asks again gets the same lease, not a second one",
        why: "The answer was lost, so the holder asked again. A second lease fences off its own writes under the first, and a renewal of the first is refused.",
        look: "on Acquire at the server, where a lease runs and its holder is the worker that asks: grant it again, with the same token, and renew it.",
        source: GRAY,
        clues: &[
            Clue::Heard(2),
            Clue::Sent,
            Clue::Look(
                Evidence::Says("was not granted"),
                "on Acquire from the holder itself: the first answer may be lost. Grant the lease again, at once, with its token.",
            ),
        ],
    },
    Rule {
        name: RENEWAL,
        title: "a lease that is over is not renewed",
        why: "Its holder has stopped, or should have; others may have had the lock since. A worker that is told that its lease goes on does not check what they have changed.",
        look: "on Renew at the server: only the lease that runs now, with exactly this token, is renewed. Anything else gets no answer.",
        source: GRAY,
        clues: &[
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("no other lease"),
                "on Renew: only the lease with that token can go on. If it is over, nothing is granted: a new lease needs an Acquire.",
            ),
        ],
    },
    Rule {
        name: FREED,
        title: "a lease that is over or given back blocks nobody: the next worker that asks gets the lock",
        why: "Otherwise a worker that dies with the lock takes it along: no worker can go on, and somebody is called at night to delete a row.",
        look: "on Acquire at the server, where no lease runs: the last one is over by the clock, or was given back. No message is needed for that. And after a start nothing waits for longer than one lease.",
        source: GRAY,
        clues: &[
            Clue::Heard(2),
            Clue::Crash,
            Clue::Look(
                Evidence::Says("had been given back"),
                "on Release: the lease with this token is over at once, and the next Acquire is granted.",
            ),
            Clue::Look(
                Evidence::Says("was over"),
                "on Acquire: compare the end of the lease with cx.now(). A holder that is gone sends nothing.",
            ),
            Clue::Look(
                Evidence::Says("no lease was ever given"),
                "The wait after a start: one lease by this clock, and not longer; then the lock is free.",
            ),
        ],
    },
    Rule {
        name: RELEASE,
        title: "only its holder releases a lease, and only that lease",
        why: "A Release may come late, when its sender has lost the lock and another worker has it. A server that frees the lock then lets a third worker in beside the second.",
        look: "on Release at the server: does the lease that runs now have this token? If not, the Release is for another lease. At a worker: what goes into a Release is a token that was granted to it.",
        source: REDIS,
        clues: &[Clue::Heard(2), Clue::Sent],
    },
    Rule {
        name: ECHO,
        title: "a grant repeats the number of the request that it answers",
        why: "The worker counts from that request. With the number of a later request it counts from later, and works on when the lease is over.",
        look: "Where Granted is sent: `asked` is that of the Acquire or Renew that is answered, in its full width.",
        source: GRAY,
        clues: &[Clue::Heard(2), Clue::Sent],
    },
    Rule {
        name: STOPS,
        title: "a holder stops before its lease is over, counted from its request",
        why: "The server counts from when the request came, by a clock that may be faster. A worker that counts from the answer, or to the very end, works on while another has the lock.",
        look: "Where a worker decides whether it holds the lock: now < when the request left + 0.98 of the lease, by cx.now(), checked again for each write and each Locked.",
        source: GRAY,
        clues: &[
            Clue::Heard(2),
            Clue::Sent,
            Clue::Crash,
            Clue::Look(
                Evidence::Says("of its last life"),
                "What `asked` holds: a number that is used again after a restart makes an old grant look like the answer to a new request. The time of cx.now(), as a number, never comes twice.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("was never granted"), Evidence::AtRequest("Write")]),
                "on Write from a client: the lease that the entry names must be the one that is held now.",
            ),
            Clue::Look(
                Evidence::AtMessage("Granted"),
                "on Granted: the lease counts from when the request left that `asked` names, not from now; it may already be over.",
            ),
            Clue::Look(
                Evidence::AtRequest("Write"),
                "on Write from a client: ask cx.now() each time, and count 0.98 of the lease from when the request left. A timer that fell due during a pause has not fired yet; and a late grant may answer a request older than the last one.",
            ),
            Clue::Look(
                Evidence::AtRequest("Lock"),
                "on Lock, where it believes that it has the lock: is that true now, by cx.now() and 0.98 of the lease from when the request left?",
            ),
        ],
    },
    Rule {
        name: GIVEN,
        title: "a lease that was given back is never used again",
        why: "The Release may still be under way while the server, which does not know of it, grants the same lease again. When the Release comes, another worker gets the lock.",
        look: "At a worker, where a lease is given back: the largest such token is saved (Saved::released) before the Release leaves, and a grant of that token or a smaller one is not accepted.",
        source: CHUBBY,
        clues: &[
            Clue::Sent,
            Clue::Crash,
            Clue::Saved,
            Clue::Look(Evidence::Says("its disk has"), "Where a Release is sent: cx.save with Saved::released comes before it, each time."),
            Clue::Look(
                Evidence::Says("before it restarted"),
                "`new` at a worker: what was given back is read from the disk, and on Granted a token up to it is not accepted.",
            ),
        ],
    },
    Rule {
        name: KEEPS,
        title: "the holder keeps the lock as long as it is wanted",
        why: "A lock that is lost for no reason in the middle of the work leaves the work half done.",
        look: "At a worker: a timer, set at each grant, that sends Renew at the latest when half of the lease is over, and again every 50 ms until it is granted. At the server: a Renew of the lease that runs is granted.",
        source: GRAY,
        clues: &[
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("was not granted it"),
                "on Renew at the server: the lease with this token runs, so grant it, from now on.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("has not asked to renew"), Evidence::NoTimer]),
                "The renewal timer: in the end none is set. Set it at each grant, and again when it fires.",
            ),
            Clue::Look(
                Evidence::Says("has not asked to renew"),
                "When the renewal timer is due: before half of the lease is over, counted from the request; then at least every 50 ms.",
            ),
            Clue::Look(
                Evidence::Says("with NotHeld"),
                "on Write from a client: is the lease held? The latest request that was granted counts, in full width; a late or repeated grant takes nothing away.",
            ),
            Clue::Look(Evidence::Says("no Unlock has come"), "Where a Release is sent: only for a lease that nobody wants."),
            Clue::Look(
                Evidence::Says("did not send"),
                "on Write from a client, where the lease is held: the entry goes to the storage at once.",
            ),
        ],
    },
    Rule {
        name: WAITER,
        title: "a client that waits for the lock gets it",
        why: "A client that waits for ever holds up everything behind it, although the lock is free.",
        look: "At a worker: Acquire at once and then at least every 50 ms, by a timer that is set again each time, as long as a client waits; and Locked to every waiting client as soon as the worker has the lock.",
        source: CHUBBY,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Look(
                Evidence::All(&[Evidence::Says("has not asked for it"), Evidence::NoTimer]),
                "The timer for the next Acquire: in the end none is set, but a client waits. Set it with each Acquire, and again when it fires.",
            ),
            Clue::Look(
                Evidence::Says("did not tell"),
                "on Granted: every client that waits is told, not only one; and on Lock if the lock is already held.",
            ),
            Clue::Look(
                Evidence::Says("no Unlock had come"),
                "Where Lock is answered with NotHeld: only on Unlock. If the lock is lost, or another worker has it, the client waits.",
            ),
        ],
    },
    Rule {
        name: DONE,
        title: "a worker that does not want the lock gives it back, and does not ask for it",
        why: "Every time, the others wait a whole lease for a worker that no longer needs the lock.",
        look: "on Unlock: Release at once, if a lease is held. on Granted, when no client waits and none holds the lock, or the lease was given back before: Release. And the timers: they ask only while a client waits or holds the lock.",
        source: REDIS,
        clues: &[
            Clue::Heard(2),
            Clue::Request,
            Clue::Look(
                Evidence::All(&[Evidence::Says("no client waits"), Evidence::AtTimer]),
                "The timer for the next Acquire: when it fires, does any client still wait?",
            ),
            Clue::Look(Evidence::Says("asked to renew"), "The renewal timer: when it fires, is the lease still held?"),
        ],
    },
    Rule {
        name: STORAGE,
        title: "the storage accepts an entry that is later than its last one, and none that is older",
        why: "A worker that paused for a minute wakes up and sends its write. Another worker has had the lock for long; only the storage can still stop the write.",
        look: "on Write at the storage: compare (token, number) with those of the last entry. A later entry is saved whole before Wrote leaves; the same entry again gets Wrote again; an older one is Refused. After a restart the last entry is read from the disk.",
        source: KLEPPMANN,
        clues: &[
            Clue::Heard(2),
            Clue::Saved,
            Clue::Crash,
            Clue::Look(Evidence::Says("its disk has"), "on Write at the storage: cx.save comes before cx.send with Wrote."),
            Clue::Look(
                Evidence::Says("come again"),
                "on Write of the same entry that is there: its answer was lost. It is written, so answer Wrote again.",
            ),
        ],
    },
    Rule {
        name: TRUTH,
        title: "a client hears what is known about its write, and a reader what was written last",
        why: "The client acts on the answer: it does the work again, or does not. A refusal proves nothing either: an earlier copy of the same write may have been accepted.",
        look: "At a worker: Written when the storage has answered Wrote for exactly this token and number; NotHeld only if nothing was sent; otherwise Unknown, when it is refused or 100 ms have passed. At the storage: Read is answered with the last entry's value.",
        source: KLEPPMANN,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("with NotHeld, and it had sent"),
                "Where the worker answers a write that it has already sent: it may have been written, whatever happened to the lease. The answer is Unknown.",
            ),
            Clue::Look(
                Evidence::Says("could still answer"),
                "The timer for a write that is not answered: 100 ms at least, one for each write.",
            ),
            Clue::Look(Evidence::Says("answered a read"), "on Read at the storage: the value of the last entry that was saved."),
        ],
    },
    Rule {
        name: IN_TIME,
        title: "every request is answered once, and writes and reads in time",
        why: "A client that gets no answer makes its own client wait.",
        look: "A timer for each write that was sent, set when it leaves; every ticket is answered when what it waits for is over, and then forgotten. The storage answers each Write, even a repeated one.",
        source: KLEPPMANN,
        clues: &[
            Clue::Request,
            Clue::Heard(1),
            Clue::Look(
                Evidence::All(&[Evidence::Says("had not answered"), Evidence::NoTimer]),
                "In the end no timer is set, but the request is still open. Each write that leaves needs a timer of its own.",
            ),
        ],
    },
];
