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
        why: "Two workers write at once, each sure that it is alone. What the lock was to protect is mixed up of both.",
        look: "on Acquire at the server: a lease that runs, of somebody else, is answered with silence. It runs until a whole lease after the grant that left last, a renewal included.",
        source: GRAY,
        clues: &[
            Clue::Heard(2),
            Clue::Sent,
            Clue::Look(
                Evidence::Says("had given"),
                "Whose fault is it? Compare when the server counts the lease from and to, and when the worker does: the worker counts from when its question left, by its own clock.",
            ),
        ],
    },
    Rule {
        name: RESTART,
        title: "a server that restarts honours the leases of its last life",
        why: "Its holder does not know that the server was away, and has every right to go on. A server that begins with an empty table gives the lock to a second one.",
        look: "on_start at the server: either the lease is read from what was saved before the grant left, with its end by this clock, which runs on; or nothing is given for one whole lease.",
        source: RECOVERY,
        clues: &[
            Clue::Promise,
            Clue::Crash,
            Clue::Look(
                Evidence::LeftBeforeSave,
                "The order of cx.save and the grant: it leaves first, and a crash may fall between the two. (Who waits for one lease after each start need not save the lease.)",
            ),
        ],
    },
    Rule {
        name: TOKENS,
        title: "each new lease has a larger token than every one before it, over restarts too",
        why: "The storage tells an old holder from the new one by the token alone. One that comes again, or a smaller one, lets the old one in, or keeps the new one out.",
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
                "What is granted once more is a lease that runs. One that was given back, or is over, is no more: the next one has a new token, whoever asks.",
            ),
        ],
    },
    Rule {
        name: TWICE,
        title: "a holder that asks again has the same lease, not a second one",
        why: "The answer was lost, so it asked again. A second lease fences off what it has written under the first, and a renewal of the first is refused.",
        look: "on Acquire at the server, where a lease runs and its holder is the one who asks: grant it again, with the same token, and let it run anew.",
        source: GRAY,
        clues: &[
            Clue::Heard(2),
            Clue::Sent,
            Clue::Look(
                Evidence::Says("was not granted"),
                "on Acquire from the holder itself: its first answer may be lost. It is granted again, at once, with its token.",
            ),
        ],
    },
    Rule {
        name: RENEWAL,
        title: "what is over is not renewed",
        why: "Its holder has stopped, or should have; others may have had the lock since. Whoever is told that its lease goes on does not look at what they have changed.",
        look: "on Renew at the server: only the lease that runs now, with this very token, goes on. To anything else it is silent.",
        source: GRAY,
        clues: &[
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("no other lease"),
                "on Renew: it is the lease of that token that goes on. If it is over, nothing is granted: a new lease is asked for with Acquire.",
            ),
        ],
    },
    Rule {
        name: FREED,
        title: "a lease that is over or given back is no obstacle: whoever asks gets the lock",
        why: "A worker that dies with the lock takes it along: nobody works any more, and somebody is called at night to delete a row.",
        look: "on Acquire at the server, where no lease runs: it is over by the clock, or given back. Nobody need come to say so. And after a start nothing waits for longer than one lease.",
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
        title: "only its holder ends a lease, and only that lease",
        why: "A Release may come late, when its sender has lost the lock and another has it. Whoever frees the lock then has let a third one in beside the second.",
        look: "on Release at the server: does the lease that runs now have this token? If not, it is not meant. At a worker: what goes into a Release is a token that was granted to it.",
        source: REDIS,
        clues: &[Clue::Heard(2), Clue::Sent],
    },
    Rule {
        name: ECHO,
        title: "a grant repeats the number of the question that it answers",
        why: "The worker counts from that question. With the number of a later one it counts from later, and works on when the lease is over.",
        look: "Where Granted is sent: `asked` is that of the Acquire or Renew which is answered, in its full width.",
        source: GRAY,
        clues: &[Clue::Heard(2), Clue::Sent],
    },
    Rule {
        name: STOPS,
        title: "a holder stops before its lease is over, counted from its question",
        why: "The server counts from when the question came, by a clock that may be faster. Whoever counts from the answer, or to the very end, works on while another has the lock.",
        look: "Where a worker decides whether it holds the lock: now < when the question left + 0.98 of the lease, by cx.now(), looked at again for each write and each Locked.",
        source: GRAY,
        clues: &[
            Clue::Heard(2),
            Clue::Sent,
            Clue::Crash,
            Clue::Look(
                Evidence::Says("of its last life"),
                "What `asked` holds: a number that is used again after a restart makes an old grant look like the answer to a new question. The time on cx.now() as a number is never the same again.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("was never granted"), Evidence::AtRequest("Write")]),
                "on Write from a client: the lease that it names must be the one that is held now.",
            ),
            Clue::Look(
                Evidence::AtMessage("Granted"),
                "on Granted: the lease counts from when the question left that `asked` names, not from now; it may be over already.",
            ),
            Clue::Look(
                Evidence::AtRequest("Write"),
                "on Write from a client: ask cx.now() each time, and count 0.98 of the lease from when the question left. A timer that fell due while the process stood still has not fired yet; and a grant that comes late may answer a question older than the last one.",
            ),
            Clue::Look(
                Evidence::AtRequest("Lock"),
                "on Lock, where it believes that it has the lock: is that so now, by cx.now() and 0.98 of the lease from when the question left?",
            ),
        ],
    },
    Rule {
        name: GIVEN,
        title: "a lease that was given back is never used again",
        why: "The Release may still be under way while the server, which knows of nothing, grants the same lease once more. When it comes, another gets the lock.",
        look: "At a worker, where a lease is given back: the largest such token is saved (Saved::released) before the Release leaves, and a grant of it or of a smaller one is not taken.",
        source: CHUBBY,
        clues: &[
            Clue::Sent,
            Clue::Crash,
            Clue::Saved,
            Clue::Look(Evidence::Says("its disk has"), "Where a Release is sent: cx.save with Saved::released comes before it, each time."),
            Clue::Look(
                Evidence::Says("before it restarted"),
                "`new` at a worker: what was given back is read from the disk, and on Granted a token up to it is not taken.",
            ),
        ],
    },
    Rule {
        name: KEEPS,
        title: "who holds the lock keeps it as long as it is wanted",
        why: "A lock that is lost for no reason in the middle of the work leaves it half done.",
        look: "At a worker: a timer from each grant on that sends Renew when half of the lease is over at the latest, and again every 50 ms until it is granted. At the server: a Renew of the lease that runs is granted.",
        source: GRAY,
        clues: &[
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("was not granted it"),
                "on Renew at the server: the lease with this token runs, so it is granted, from now on.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("has not asked to renew"), Evidence::NoTimer]),
                "The timer for the renewal: in the end none is set. Each grant sets it, and when it fires it is set again.",
            ),
            Clue::Look(
                Evidence::Says("has not asked to renew"),
                "When the timer for the renewal is due: before half of the lease is over, counted from the question; then every 50 ms at least.",
            ),
            Clue::Look(
                Evidence::Says("with NotHeld"),
                "on Write from a client: is the lease held? The latest question that was granted counts, in full width; a grant that comes late or twice takes nothing away.",
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
        title: "who waits for the lock gets it",
        why: "A client that waits for ever holds up everything behind it, and the lock lies there, free.",
        look: "At a worker: Acquire at once and then every 50 ms at least, by a timer that is set again each time, as long as a client waits; and Locked to every one of them as soon as the lock is there.",
        source: CHUBBY,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Look(
                Evidence::All(&[Evidence::Says("has not asked for it"), Evidence::NoTimer]),
                "The timer for the next Acquire: in the end none is set, and somebody waits. It is set with each Acquire, and again when it fires.",
            ),
            Clue::Look(
                Evidence::Says("did not tell"),
                "on Granted: every client that waits is told, not only one; and on Lock where the lock is held already.",
            ),
            Clue::Look(
                Evidence::Says("no Unlock had come"),
                "Where Lock is answered with NotHeld: only on Unlock. A lock that is lost, or taken by another, is waited for.",
            ),
        ],
    },
    Rule {
        name: DONE,
        title: "who does not want the lock gives it back, and does not ask for it",
        why: "The others wait for a whole lease, every time, for somebody who has gone home.",
        look: "on Unlock: Release at once, if a lease is held. on Granted, when no client waits and none holds the lock, or the lease was given back before: Release. And the timers: they ask only while somebody waits or holds.",
        source: REDIS,
        clues: &[
            Clue::Heard(2),
            Clue::Request,
            Clue::Look(
                Evidence::All(&[Evidence::Says("no client waits"), Evidence::AtTimer]),
                "The timer for the next Acquire: when it fires, does anybody still wait?",
            ),
            Clue::Look(Evidence::Says("asked to renew"), "The timer for the renewal: when it fires, is the lease still held?"),
        ],
    },
    Rule {
        name: STORAGE,
        title: "the storage takes the latest entries, and none that is older than what it has",
        why: "A worker that stood still for a minute wakes up and sends its write. The lock is long another's; only the storage can still stop it.",
        look: "on Write at the storage: compare (token, number) with those of the last entry; the later one is saved whole before Wrote leaves; the same once more is Wrote again; an older one is Refused. After a restart it is read from the disk.",
        source: KLEPPMANN,
        clues: &[
            Clue::Heard(2),
            Clue::Saved,
            Clue::Crash,
            Clue::Look(Evidence::Says("its disk has"), "on Write at the storage: cx.save comes before cx.send with Wrote."),
            Clue::Look(
                Evidence::Says("come again"),
                "on Write of the very entry that is there: its answer was lost. It is written, so it is Wrote again.",
            ),
        ],
    },
    Rule {
        name: TRUTH,
        title: "a client hears what is known of its write, and a reader what was written last",
        why: "It acts on the answer: it does the work again, or does not. A refusal is not a proof either: an earlier copy of the same write may have been taken.",
        look: "At a worker: Written when the storage has said Wrote to this very token and number; NotHeld only if nothing was sent; else Unknown, when it is refused or 100 ms have passed. At the storage: Read is answered with the last entry's value.",
        source: KLEPPMANN,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("with NotHeld, and it had sent"),
                "Where a write is answered that was sent already: it may have been written, whatever became of the lease. That is Unknown.",
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
        title: "every request is answered once, and a write and a read in time",
        why: "A client that hears nothing holds its own client up.",
        look: "A timer for each write that was sent, set when it leaves; every ticket is answered where what it waits for ends, and forgotten then. The storage answers each Write, also one that comes again.",
        source: KLEPPMANN,
        clues: &[
            Clue::Request,
            Clue::Heard(1),
            Clue::Look(
                Evidence::All(&[Evidence::Says("had not answered"), Evidence::NoTimer]),
                "In the end no timer is set, and the request is open. Each write that leaves needs a timer of its own.",
            ),
        ],
    },
];
