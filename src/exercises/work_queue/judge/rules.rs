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
        title: "an accepted job is handed out until it is over, and nothing else is",
        why: "The producer got Enqueued and forgets the job. If the broker does not have it, nobody has it: a picture never gets its thumbnail, and there is no error anywhere.",
        look: "What is saved before Enqueued is answered; and where a job is removed from the queue: only by an Ack, not by a Take.",
        source: BERNSTEIN,
        clues: &[
            Clue::Request,
            Clue::Look(Evidence::Says("nobody had put it there"), "where the ids that are handed out come from: each from an Enqueue."),
        ],
    },
    Rule {
        name: TIMEOUT,
        title: "a job that nobody acknowledges is handed out again when its lease has ended, and not before",
        why: "If it comes too late or never, a crashed worker keeps its job for good. If it comes too early, two workers do the same job at the same time, each sure that it is alone.",
        look: "How long a lease lasts, and from when: from Work, by this node's clock. And what ends it: each Take must see the leases that have ended, even of jobs that nobody asks for by name.",
        source: SQS,
        clues: &[Clue::Request],
    },
    Rule {
        name: GONE,
        title: "an acknowledgement within the lease is accepted, and the job never runs again",
        why: "A worker that did its work in time but gets Stale throws its work away; a job that comes back after Done is charged, mailed or printed a second time.",
        look: "What Ack changes, and what is compared before that: job and receipt, not another worker's attempt. And whether the change is made before Done is answered.",
        source: SQS,
        clues: &[Clue::Request],
    },
    Rule {
        name: STALE,
        title: "a worker that comes after another worker got the job is refused; one that repeats an accepted Ack is not",
        why: "A worker that hung for an hour acknowledges the job that another one is about to fail: the job is gone, and was never done. And a worker that got no answer to its Ack must learn that all is well, or it undoes its work.",
        look: "What an Ack must show: the receipt of the last time that the job was handed out. Receipts come from a number that is saved and never goes back. A worker that repeats the receipt that ended the job gets Done.",
        source: SQS,
        clues: &[
            Clue::Request,
            Clue::Look(
                Evidence::Says("had given before"),
                "where receipts come from: a number that is counted per life, or per job, comes again after a restart or when the id is forgotten.",
            ),
            Clue::Look(
                Evidence::Says("once more"),
                "what is kept of a job that is done, and for how long: its receipt, for `remembers`. The same receipt again gets Done.",
            ),
        ],
    },
    Rule {
        name: DEAD,
        title: "after `attempts` attempts, and not before, a job is a dead letter, for ever; until then it is in the queue",
        why: "Without a limit, a poison job kills a worker once in every lease, for ever. If it is dropped, or is in neither place for a moment, nobody can find out what went wrong, or run it again.",
        look: "Where attempts are counted and compared: both a Fail and the end of a lease can be the last. The move is one change of one saved state.",
        source: SQS_DEAD,
        clues: &[
            Clue::Request,
            Clue::Look(
                Evidence::Says("must be attempt"),
                "when the number goes up: each time the job is handed out, saved before Work; not only at a Fail, and not at a repeated Enqueue.",
            ),
        ],
    },
    Rule {
        name: RESTS,
        title: "a failed job rests, twice as long each time, up to a maximum",
        why: "A job that failed because a database is down fails again a millisecond later. Without a rest all attempts are used up in a second, and the job is a dead letter before the database is back.",
        look: "pause · 2ⁿ⁻¹ after the n-th attempt, at most `most`, counted from the Fail; what happens when the doubling overflows its type; and whether a Take checks the rest.",
        source: BEANSTALK,
        clues: &[
            Clue::Request,
            Clue::Look(Evidence::Restarted, "what is saved about a rest: until when it lasts, or at least that there is one."),
        ],
    },
    Rule {
        name: ORDER,
        title: "jobs of one key run one after the other, in the order in which they were accepted",
        why: "Open the account, then pay into it: if the first job rests after a failure and the second goes ahead, the second fails through no fault of its own, or works on an account that does not exist.",
        look: "What holds a key: the first of its jobs that is not over, even while it rests or a worker has it. Only its acknowledgement, or its move to the dead letters, lets the next one go, and then it must go.",
        source: SQS_FIFO,
        clues: &[Clue::Request],
    },
    Rule {
        name: POISON,
        title: "while a job rests, or a worker hangs, the jobs of other keys are handed out",
        why: "One broken picture at the head of the queue, and nobody's pictures are done: the classic outage of a queue that always retries its head.",
        look: "What a Take does when the first job is not free: it looks at the next one, to the end of the queue. Only the job rests, not the queue.",
        source: SQS_FIFO,
        clues: &[Clue::Request],
    },
    Rule {
        name: TWINS,
        title: "a repeated `Enqueue` makes no second job",
        why: "The producer got no answer and asks again, as it must. If that makes a second job, the mail goes out twice, and no worker can know.",
        look: "What is looked up before a job is put into the queue: the id, among jobs that wait, are taken, rest, are dead letters, or were acknowledged up to `remembers` ago. Room is checked after that.",
        source: SQS_FIFO,
        clues: &[Clue::Request],
    },
    Rule {
        name: ROOM,
        title: "a full queue says so, and one with room does not",
        why: "A queue without a limit fills the broker's disk, and then no job is accepted. One that says Full although it has room turns work away.",
        look: "What is counted: jobs that are accepted and not over, including those with a worker and those that rest; not dead letters and acknowledged jobs. And where the limit is: with `capacity` jobs the next one is Full.",
        source: BERNSTEIN,
        clues: &[Clue::Request],
    },
    Rule {
        name: SURVIVES,
        title: "a restart changes nothing: jobs, leases, rests, attempts, acknowledgements",
        why: "A deployment of the broker is no reason to lose a job, to do one twice, or to give a poison job all its attempts again.",
        look: "For each answer: what it promises, and whether that is on the disk before the answer (a job, a lease with its receipt and attempt, a rest, an acknowledgement). Then what `new` does with what was saved.",
        source: BERNSTEIN,
        clues: &[
            Clue::Promise,
            Clue::Crash,
            Clue::Look(
                Evidence::LeftBeforeSave,
                "the order of save and reply: the node may crash between any two effects, and what was answered before the save is then promised and forgotten.",
            ),
            Clue::Look(
                Evidence::LeftWithoutSave,
                "the answer that is marked: nothing was saved before it, so the node knows nothing of it after the restart.",
            ),
        ],
    },
    Rule {
        name: IN_TIME,
        title: "every request is answered once, within 200 ms, with an answer of the right kind",
        why: "A worker that gets no answer cannot work; a producer that gets no answer asks again, and again.",
        look: "Each path through each handler ends with one reply. A Take that waits has its own timer, and is removed from the list when it is answered.",
        source: BEANSTALK,
        clues: &[
            Clue::Request,
            Clue::Look(
                Evidence::Says("a second time"),
                "where a ticket is removed from the list of waiting requests: when it is answered.",
            ),
        ],
    },
];
