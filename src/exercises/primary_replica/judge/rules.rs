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
        look: "What changes the log. The new primary starts with all that it has. A replica drops entries only in the one save in which it takes all of the new primary's log, and never entries that are known to be acknowledged.",
        source: CHANGE,
        clues: &[
            Clue::Heard(3),
            Clue::Crash,
            Clue::Saved,
            Clue::Look(
                Evidence::Says("what went may be acknowledged"),
                "on Lead: the log stays as it is, to its last entry. An entry may be acknowledged even if this node does not know it.",
            ),
            Clue::Look(
                Evidence::Says("what is missing may be acknowledged"),
                "on Append: take the whole of it, and save it together with the new `agreed`, in one save. An entry that is left for later is missing if the next epoch is sealed now.",
            ),
        ],
    },
    Rule {
        name: BY_K,
        title: "a write is acknowledged once K replicas have saved it, and not before",
        why: "N − K reports are enough for a failover. A write that fewer than K replicas have may be on none of the nodes that report.",
        look: "What is counted: replicas, each once, that have said in this epoch that they have the entry; the primary itself does not count. And what a replica takes for acknowledged: what its primary has told it, as far as its own log agrees with that primary's.",
        source: ALSBERG,
        clues: &[
            Clue::Heard(3),
            Clue::Saved,
            Clue::Look(Evidence::AtRequest("Read"), "on Read: Known covers the entries up to `committed`, not the whole log."),
            Clue::Look(
                Evidence::AtMessage("Append"),
                "on Append: `committed` counts entries of the primary's log. It says nothing about a log that does not agree with that one yet, nor about entries that have not come.",
            ),
            Clue::Look(
                Evidence::AtMessage("Have"),
                "on Have: a map from replica to its largest length; the K-th largest of these is acknowledged. Two messages from one replica count once.",
            ),
        ],
    },
    Rule {
        name: SEALED,
        title: "once an epoch is sealed, nothing of an older one is accepted or acknowledged",
        why: "The arbiter chooses by the reports. If a node that has reported still takes what the old primary sends, the old primary can acknowledge a write that is in no report.",
        look: "The epoch: it is on the disk before the Report leaves, it never falls, and it is compared first with that of every message. Older messages are dropped.",
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
        title: "what a node reports about its log is what is on its disk",
        why: "The arbiter compares the epochs in which the logs agreed with a primary, then their lengths. If a long log left over from an old epoch claims to be new, it beats the one that has the acknowledged writes.",
        look: "`agreed`: it becomes the epoch of an Append when that is taken, and that of Lead when this node starts to lead; in the same save as the log, before anything leaves. Report and Have are made from what was saved.",
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
            Clue::Look(Evidence::AtMessage("Append"), "on Append: save first, then send Have, with a length that is on the disk."),
        ],
    },
    Rule {
        name: PREFIX,
        title: "a replica's log is a prefix of its primary's, without gaps",
        why: "A reader here, or this node when it becomes primary, has entries in another order, or lacks one in the middle: from then on no two copies agree.",
        look: "on Append: `from` must not be beyond what is certain here; entries that are already there are not appended again; an older Append that comes late removes nothing.",
        source: NORMAL,
        clues: &[Clue::Heard(3), Clue::Saved, Clue::Crash],
    },
    Rule {
        name: DIVERGED,
        title: "entries that only an old primary had are removed when a replica agrees with a new one",
        why: "Two nodes have different entries in the same place, under the same number. One of these entries was never acknowledged, and is now read or replicated as if it had been.",
        look: "on the first Append of an epoch: beyond what is known to be acknowledged nothing of the old log is certain, even if it is long enough. What comes replaces it from `from` on; if `from` is beyond the certain part, Have says where to begin.",
        source: MONGO,
        clues: &[Clue::Heard(2), Clue::Saved],
    },
    Rule {
        name: SHIPS,
        title: "an Append carries what is on the primary's disk, from `from` to the end of the log",
        why: "A primary that loses in a crash what it has shipped writes something else in its place, in the same epoch. And a replica that gets only a part says that it agrees, but lacks what was acknowledged.",
        look: "on Write: cx.save comes before the Append. Its entries are all from `from` to the end of the log.",
        source: NORMAL,
        clues: &[
            Clue::Sent,
            Clue::Crash,
            Clue::Saved,
            Clue::Look(
                Evidence::LeftBeforeSave,
                "The order of cx.save and cx.send on Write: the Append leaves first, and a crash may fall between the two.",
            ),
        ],
    },
    Rule {
        name: READS,
        title: "a node never takes back what it has shown to a reader, not even after a restart",
        why: "A user sees a message, reloads the page, and it is gone.",
        look: "`committed`: it only rises, and is on the disk before a Read shows it.",
        source: TRANSFER,
        clues: &[
            Clue::Request,
            Clue::Promise,
            Clue::Crash,
            Clue::Saved,
            Clue::Look(
                Evidence::AtMessage("Append"),
                "on Append: an older one may come late, or a new primary may know less: `committed` is the larger of the two.",
            ),
        ],
    },
    Rule {
        name: CATCHES,
        title: "a replica that lags or was away catches up",
        why: "A replica that stays behind does not count: after the next crash there are fewer than K, and nobody can write any more.",
        look: "The primary's timer: set on Lead and again whenever it fires. What it sends to a replica begins where that replica's last Have ends, even if that is further back. Every Append is answered with Have.",
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
                "on Read: the newest that is known here; the `committed` of an Append counts as soon as the Append is answered.",
            ),
            Clue::Look(
                Evidence::Says("does not fit"),
                "on Append, where `from` is too far: Have tells how much is certain here, so that the primary begins there.",
            ),
        ],
    },
    Rule {
        name: STOPS,
        title: "only the node that the arbiter has named leads, and only until that node seals a newer epoch",
        why: "Two primaries take writes at the same time: split brain. The replaced one tells its clients things that no other node will ever know.",
        look: "on Seal, and on an Append of a newer epoch: a node that led is a replica from now on. on Lead: only the epoch that is sealed here counts; an older one is a late message.",
        source: CHANGE,
        clues: &[Clue::Heard(3), Clue::Crash],
    },
    Rule {
        name: LEADS,
        title: "the node that is named takes writes",
        why: "The failover is over, but nobody can write: the arbiter waits for a primary that does not believe that it leads.",
        look: "on Lead: if its epoch is the one that is sealed here, the node leads at once, even if it has just restarted. A repeated Seal of the same epoch does not end that.",
        source: NORMAL,
        clues: &[Clue::Heard(3), Clue::Request, Clue::Crash],
    },
    Rule {
        name: CLIENT,
        title: "a client hears the truth about its own write",
        why: "NotPrimary says: ask another node. If the write survives all the same, it is there twice. And a client that was given the wrong number looks for its write in the wrong place.",
        look: "NotPrimary only for a write that was never put into the log. Written has the length of the log with this write. An open write whose primary is replaced gets no answer: nobody knows yet.",
        source: NORMAL,
        clues: &[Clue::Request, Clue::Heard(2), Clue::Saved],
    },
    Rule {
        name: ANSWERS,
        title: "the arbiter and the clients are answered in time, and no request is answered twice",
        why: "A failover waits for N − K reports, and every write waits for the failover.",
        look: "on Seal: a Report each time, even if the Seal is repeated (the first Report may be lost). on Have: every write that it acknowledges is answered.",
        source: NORMAL,
        clues: &[
            Clue::Request,
            Clue::Heard(1),
            Clue::Look(
                Evidence::Says("has not reported"),
                "on Seal: a Report each time, even if the epoch is already sealed, because the first Report may be lost.",
            ),
            Clue::Look(
                Evidence::Says("has not answered it"),
                "on Have: all writes up to the K-th largest length are answered, not only the newest one.",
            ),
        ],
    },
];
