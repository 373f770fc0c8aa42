//! The rules of `primary_replica`, in words.

use crate::rule::Rule;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

pub(super) const ACKED: &str = "acknowledged_survives_failover";
pub(super) const BY_K: &str = "acknowledged_is_on_k_replicas";
pub(super) const SEALED: &str = "sealed_is_sealed";
pub(super) const TRUTH: &str = "tells_the_truth";
pub(super) const PREFIX: &str = "replica_is_a_prefix";
pub(super) const DIVERGED: &str = "diverged_suffix_goes";
pub(super) const SHIPS: &str = "ships_what_it_has_saved";
pub(super) const READS: &str = "replica_reads_never_go_back";
pub(super) const CATCHES: &str = "catches_up";
pub(super) const STOPS: &str = "old_primary_stops";
pub(super) const LEADS: &str = "leads_when_named";
pub(super) const CLIENT: &str = "client_hears_the_truth";
pub(super) const ANSWERS: &str = "answers_in_time";

const NORMAL: &str = "Liskov & Cowling 2012, Viewstamped Replication Revisited, section 4.1 (normal operation)";
const CHANGE: &str = "Liskov & Cowling 2012, Viewstamped Replication Revisited, section 4.2 (view changes)";
const TRANSFER: &str = "Liskov & Cowling 2012, Viewstamped Replication Revisited, section 5.2 (state transfer)";
const ALSBERG: &str = "Alsberg & Day 1976, A principle for resilient sharing of distributed resources";
const MONGO: &str = "MongoDB manual, Rollbacks During Replica Set Failover";

pub(super) const RULES: [Rule; 13] = [
    Rule {
        name: ACKED,
        title: "what was acknowledged is in the log of every later primary",
        why: "The client was told that its write is safe. After a failover it is gone, and nobody gets an error: each node believes that it is up to date.",
        look: "What changes the log. The new primary begins with all that it has. A replica lets go of nothing before it has all of the new primary's log, in one save, and never of what is known to be acknowledged.",
        source: CHANGE,
        clues: &[
            Clue::Heard(3),
            Clue::Crash,
            Clue::Saved,
            Clue::Look(
                Evidence::Says("what went may be acknowledged"),
                "on Lead: the log stays as it is, to its last entry. What this node does not know to be acknowledged may be so all the same.",
            ),
            Clue::Look(
                Evidence::Says("what is missing may be acknowledged"),
                "on Append: the whole of it is taken, and saved in one save with the new `agreed`. An entry that is left out for later is missing if the next epoch is sealed now.",
            ),
        ],
    },
    Rule {
        name: BY_K,
        title: "a write is acknowledged once K replicas have saved it, and not before",
        why: "N − K reports are enough for a failover. A write that fewer than K replicas have may be on none of the nodes that report.",
        look: "What is counted: replicas, each once, that have said in this epoch that they have the entry; the primary itself is none of them. And what a replica takes for acknowledged: what its primary has told, as far as its own log is that primary's.",
        source: ALSBERG,
        clues: &[
            Clue::Heard(3),
            Clue::Saved,
            Clue::Look(Evidence::AtRequest("Read"), "on Read: Known has entries up to `committed`, and not the whole log."),
            Clue::Look(
                Evidence::AtMessage("Append"),
                "on Append: `committed` counts entries of the primary's log. It says nothing of a log that is not that one yet, nor of entries that have not come.",
            ),
            Clue::Look(
                Evidence::AtMessage("Have"),
                "on Have: a map from replica to its largest length; the K-th largest of these is acknowledged. Two messages of one replica are one replica.",
            ),
        ],
    },
    Rule {
        name: SEALED,
        title: "once an epoch is sealed, nothing of an older one is taken or acknowledged",
        why: "The arbiter chooses by the reports. If a node still takes what the old primary sends after it has reported, the old primary can acknowledge a write that no report knew.",
        look: "The epoch goes to the disk before the Report leaves, never falls, and is compared first with that of every message: what is older is dropped.",
        source: CHANGE,
        clues: &[
            Clue::Heard(2),
            Clue::Crash,
            Clue::Saved,
            Clue::Look(
                Evidence::AtMessage("Append"),
                "on Append: one of an older epoch than `saved.epoch` changes nothing, and is not answered with Have. One of a newer epoch seals it: saved first.",
            ),
            Clue::Look(
                Evidence::AtMessage("Seal"),
                "on Seal: cx.save with the new epoch comes before the Report; an older one changes nothing.",
            ),
        ],
    },
    Rule {
        name: TRUTH,
        title: "what a node tells of its log is what is on its disk",
        why: "The arbiter compares the epochs in which the logs agreed with a primary, then their lengths. A long log that was left over from an old epoch beats, if it pretends to be new, the one that has what was acknowledged.",
        look: "`agreed`: it becomes the epoch of an Append when that is taken, and of Lead when this node leads; in the same save as the log, before anything leaves. Report and Have are made from what was saved.",
        source: CHANGE,
        clues: &[
            Clue::Heard(3),
            Clue::Crash,
            Clue::Saved,
            Clue::Look(Evidence::AtMessage("Lead"), "on Lead: `agreed` becomes this epoch, and is saved before the first Append leaves."),
            Clue::Look(
                Evidence::Says("its log is still that of"),
                "Have: as long as `agreed` is an older epoch, only what is known to be acknowledged is certain to be in the new primary's log.",
            ),
            Clue::Look(Evidence::AtMessage("Append"), "on Append: save first, then say Have, with a length that is on the disk."),
        ],
    },
    Rule {
        name: PREFIX,
        title: "a replica's log is the beginning of its primary's, without gaps",
        why: "Whoever reads here, or is made primary, has entries in another order, or lacks one in the middle: from then on no two copies agree.",
        look: "on Append: `from` may not be beyond what is certain here; entries that are there already are not appended again; an older Append that comes late takes nothing away.",
        source: NORMAL,
        clues: &[Clue::Heard(3), Clue::Saved, Clue::Crash],
    },
    Rule {
        name: DIVERGED,
        title: "what only an old primary had goes when a replica agrees with a new one",
        why: "Two nodes have different entries in the same place, under the same number. One of them was never acknowledged, and is read or replicated now as if it had been.",
        look: "on the first Append of an epoch: beyond what is known to be acknowledged nothing of the old log is certain, also if it is long enough. What comes replaces it from `from` on; if `from` is beyond that, Have says from where.",
        source: MONGO,
        clues: &[Clue::Heard(2), Clue::Saved],
    },
    Rule {
        name: SHIPS,
        title: "an Append has what is on the primary's disk from `from` on, to its end",
        why: "A primary that forgets in a crash what it has shipped writes something else in its place, under the same epoch. And a replica that gets a part only says that it agrees, and lacks what was acknowledged.",
        look: "on Write: cx.save comes before the Append. Its entries are all from `from` to the end of the log.",
        source: NORMAL,
        clues: &[
            Clue::Sent,
            Clue::Crash,
            Clue::Saved,
            Clue::Look(
                Evidence::LeftBeforeSave,
                "The order of cx.save and cx.send on Write: it leaves first, and a crash may fall between the two.",
            ),
        ],
    },
    Rule {
        name: READS,
        title: "what a node has shown to a reader it never takes back, not over a restart either",
        why: "Somebody sees a message, reloads the page, and it is gone.",
        look: "`committed`: it only rises, and is on the disk before a Read shows it.",
        source: TRANSFER,
        clues: &[
            Clue::Request,
            Clue::Promise,
            Clue::Crash,
            Clue::Saved,
            Clue::Look(
                Evidence::AtMessage("Append"),
                "on Append: an older one may come late, or a new primary may know less: `committed` is the larger of both.",
            ),
        ],
    },
    Rule {
        name: CATCHES,
        title: "a replica that lags or was away catches up",
        why: "A replica that stays behind counts for nothing: at the next crash there are fewer than K, and nobody can write any more.",
        look: "The primary's timer: set on Lead and again whenever it fires. What it sends a replica begins where the last Have of that replica ends, also if that is further back. Every Append is answered with Have.",
        source: TRANSFER,
        clues: &[
            Clue::Heard(2),
            Clue::Sent,
            Clue::Look(
                Evidence::NoTimer,
                "In the end no timer is set. The primary sets one on Lead, and again each time it fires: once every 100 ms each replica is sent an Append.",
            ),
            Clue::Look(
                Evidence::AtRequest("Read"),
                "on Read: the newest that is known here; what an Append tells of `committed` counts when it is answered.",
            ),
            Clue::Look(
                Evidence::Says("does not fit"),
                "on Append, where `from` is too far: Have tells how much is certain here, so that the primary begins there.",
            ),
        ],
    },
    Rule {
        name: STOPS,
        title: "only the node that the arbiter has named leads, and only until it seals a newer epoch",
        why: "Two primaries take writes at the same time: split brain. The one that was replaced tells its clients things that nobody else will ever know of.",
        look: "on Seal, and on an Append of a newer epoch: whoever led is a replica from now on. on Lead: only the epoch that is sealed here counts; an older one is a letter that comes late.",
        source: CHANGE,
        clues: &[Clue::Heard(3), Clue::Crash],
    },
    Rule {
        name: LEADS,
        title: "whoever is named takes writes",
        why: "The failover is over and nobody can write: the arbiter waits for a primary that believes that it is none.",
        look: "on Lead: if it is the epoch that is sealed here, it leads at once, also if it has just restarted. A Seal of the same epoch that comes again does not end that.",
        source: NORMAL,
        clues: &[Clue::Heard(3), Clue::Request, Clue::Crash],
    },
    Rule {
        name: CLIENT,
        title: "a client hears what is true of its own write",
        why: "NotPrimary says: ask somebody else. If the write survives all the same it is there twice; and who has the wrong number in hand looks for it in the wrong place.",
        look: "NotPrimary only for what was never put into the log. Written has the length of the log with this write. An open write whose primary is replaced gets no answer: nobody knows yet.",
        source: NORMAL,
        clues: &[Clue::Request, Clue::Heard(2), Clue::Saved],
    },
    Rule {
        name: ANSWERS,
        title: "the arbiter and the clients are answered, in time, and no request twice",
        why: "A failover waits for N − K reports, and every write waits for the failover.",
        look: "on Seal: a Report each time, also if it comes again (the first may be lost). on Have: whatever is acknowledged by it is answered, all of it.",
        source: NORMAL,
        clues: &[
            Clue::Request,
            Clue::Heard(1),
            Clue::Look(
                Evidence::Says("has not reported"),
                "on Seal: a Report each time, also for the epoch that is sealed already, as the first one may be lost.",
            ),
            Clue::Look(
                Evidence::Says("has not answered it"),
                "on Have: all writes up to the K-th largest length are answered, not the newest one alone.",
            ),
        ],
    },
];
