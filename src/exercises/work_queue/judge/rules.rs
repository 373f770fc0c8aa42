//! The rules of `work_queue`, in words.

use crate::rule::Rule;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

pub(super) const LOST: &str = "accepted_is_not_lost";
pub(super) const TIMEOUT: &str = "redelivered_after_the_timeout";
pub(super) const GONE: &str = "acknowledged_is_gone";
pub(super) const STALE: &str = "late_acknowledgement_is_refused";
pub(super) const DEAD: &str = "dead_letter_after_n";
pub(super) const RESTS: &str = "backs_off";
pub(super) const ORDER: &str = "order_per_key";
pub(super) const POISON: &str = "poison_blocks_nobody";
pub(super) const TWINS: &str = "twins_are_one";
pub(super) const ROOM: &str = "back_pressure";
pub(super) const SURVIVES: &str = "survives_restart";
pub(super) const IN_TIME: &str = "answers_in_time";

const BERNSTEIN: &str = "Bernstein, Hsu & Mann 1990, Implementing recoverable requests using queues";
const SQS: &str = "Amazon SQS Developer Guide, visibility timeout";
const SQS_FIFO: &str = "Amazon SQS Developer Guide, FIFO queues";
const SQS_DEAD: &str = "Amazon SQS Developer Guide, dead-letter queues";
const BEANSTALK: &str = "beanstalkd protocol, reserve, release and bury";

pub(super) const RULES: [Rule; 12] = [
    Rule {
        name: LOST,
        title: "what was accepted is handed out until it is over, and nothing else is",
        why: "The producer has heard Enqueued and forgets the job. If the broker does not have it, nobody has: a picture that never gets its thumbnail, without an error anywhere.",
        look: "What is saved before Enqueued is answered; and what is taken out of the queue, where: by an Ack alone, not by a Take.",
        source: BERNSTEIN,
        clues: &[
            Clue::Request,
            Clue::Look(Evidence::Says("nobody had put it there"), "where the ids come from that are handed out: each from an Enqueue."),
        ],
    },
    Rule {
        name: TIMEOUT,
        title: "a job that nobody acknowledges is handed out again when its lease has ended, and not before",
        why: "Too late or never, and a worker that has crashed keeps its job for good. Too early, and two workers do the same at the same time, each sure that it is alone.",
        look: "How long a lease lasts, and from when on: from Work, by this node's clock. And who ends it: each Take must see leases that have ended, also of jobs that nobody asks for by name.",
        source: SQS,
        clues: &[Clue::Request],
    },
    Rule {
        name: GONE,
        title: "an acknowledgement within the lease is accepted, and the job never runs again",
        why: "A worker that did its work in time and is told Stale throws its work away; a job that comes back after Done is charged, mailed or printed a second time.",
        look: "What Ack changes, and what is compared before it: job and receipt, not the attempt that somebody else had; whether it is done before Done is answered.",
        source: SQS,
        clues: &[Clue::Request],
    },
    Rule {
        name: STALE,
        title: "whoever comes when another worker has had the job is refused; whoever repeats what was accepted is not",
        why: "A worker that hung for an hour acknowledges the job that another one is about to fail: the job is gone, and was never done. And one that heard no answer to its Ack must learn that all is well, or it undoes its work.",
        look: "What an Ack must show: the receipt of the last time that the job was handed out. Receipts come from a number that is saved and never goes back. Whoever repeats the receipt that ended the job hears Done.",
        source: SQS,
        clues: &[
            Clue::Request,
            Clue::Look(
                Evidence::Says("had given before"),
                "where receipts come from: a number of this life, or of this job, comes again after a restart or when the id is forgotten.",
            ),
            Clue::Look(
                Evidence::Says("once more"),
                "what is kept of a job that is done, for how long: its receipt, for `remembers`. The same receipt again hears Done.",
            ),
        ],
    },
    Rule {
        name: DEAD,
        title: "after `attempts` attempts, and not before, a job is a dead letter, for ever; until then it is in the queue",
        why: "Without an end a poison job takes a worker down once in every lease, for ever. If it is dropped, or is in neither place for a moment, nobody can look at what went wrong, nor run it again.",
        look: "Where attempts are counted and compared: both a Fail and the end of a lease can be the last. The move is one change of one saved state.",
        source: SQS_DEAD,
        clues: &[
            Clue::Request,
            Clue::Look(
                Evidence::Says("must be attempt"),
                "when the number goes up: each time that the job is handed out, saved before Work; not at a Fail alone, and not at a twin.",
            ),
        ],
    },
    Rule {
        name: RESTS,
        title: "a job that failed rests, twice as long each time, up to a ceiling",
        why: "What failed because a database is down fails again a millisecond later. Without a rest all attempts are used up in a second, and the job is a dead letter before the database is back.",
        look: "pause · 2ⁿ⁻¹ of the n-th attempt, at most `most`, counted from the Fail; what a doubling does that is too large for its number; and whether a Take looks at it.",
        source: BEANSTALK,
        clues: &[
            Clue::Request,
            Clue::Look(Evidence::Restarted, "what is saved of a rest: until when it lasts, or at least that there is one."),
        ],
    },
    Rule {
        name: ORDER,
        title: "jobs of one key run one after the other, in the order in which they were accepted",
        why: "Open the account, then pay into it: if the first one rests after a failure and the second goes ahead, it fails for no reason of its own, or works on what is not there.",
        look: "What holds a key: the first of its jobs that is not over, also while it rests or a worker has it. Only an acknowledgement or the dead letters let the next one go, and then it does go.",
        source: SQS_FIFO,
        clues: &[Clue::Request],
    },
    Rule {
        name: POISON,
        title: "while a job rests, or a worker hangs, the jobs of other keys are handed out",
        why: "One broken picture at the head of the queue, and nobody's pictures are done: the classic outage of a queue that is tried again from its head.",
        look: "What a Take does when the first job is not free: it looks at the next one, to the end. A rest is the job's alone, not the queue's.",
        source: SQS_FIFO,
        clues: &[Clue::Request],
    },
    Rule {
        name: TWINS,
        title: "an `Enqueue` that comes again makes no second job",
        why: "The producer heard no answer and asks again, as it must. If that is a second job, the mail goes out twice, and no worker can know.",
        look: "What is looked up before a job is put into the queue: the id, among jobs that wait, are taken, rest, are dead letters, or were acknowledged up to `remembers` ago. Room is asked for after that.",
        source: SQS_FIFO,
        clues: &[Clue::Request],
    },
    Rule {
        name: ROOM,
        title: "a full queue says so, and one with room does not",
        why: "A queue without a bound fills the disk of the broker, and then nobody's jobs are taken. One that says Full with room in it turns work away.",
        look: "What is counted: jobs that are accepted and not over, those with a worker and those that rest too; dead letters and acknowledged jobs are not among them. And where the bound is: with `capacity` jobs the next one is Full.",
        source: BERNSTEIN,
        clues: &[Clue::Request],
    },
    Rule {
        name: SURVIVES,
        title: "a restart changes nothing: jobs, leases, rests, attempts, acknowledgements",
        why: "A deployment of the broker is no reason to lose an order, to do one twice, or to give a poison job all its attempts anew.",
        look: "For each answer what it promises, and whether that is on the disk before it: a job, a lease with its receipt and attempt, a rest, an acknowledgement. Then what `new` makes of what was saved.",
        source: BERNSTEIN,
        clues: &[
            Clue::Promise,
            Clue::Crash,
            Clue::Look(
                Evidence::LeftBeforeSave,
                "the order of save and reply: the node may crash between any two effects, and what was answered first is then promised and forgotten.",
            ),
            Clue::Look(
                Evidence::LeftWithoutSave,
                "the answer that is marked: nothing was saved before it, so the restart knows nothing of it.",
            ),
        ],
    },
    Rule {
        name: IN_TIME,
        title: "every request is answered, once, within 200 ms, with an answer to what was asked",
        why: "A worker that hears nothing cannot work; a producer that hears nothing asks again, and again.",
        look: "Each way through each handler ends with one reply. A Take that waits has a timer of its own, and is taken out of the list when it is answered.",
        source: BEANSTALK,
        clues: &[
            Clue::Request,
            Clue::Look(Evidence::Says("a second time"), "where a ticket is taken out of the list of those who wait: when it is answered."),
        ],
    },
];
