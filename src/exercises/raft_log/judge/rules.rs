//! The rules of `raft_log`, in words.

use crate::rule::Rule;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

pub(super) const MACHINE: &str = "state_machine_safety";
pub(super) const COMPLETE: &str = "leader_completeness";
pub(super) const OWN: &str = "commits_only_own_term_by_counting";
pub(super) const COUNTS: &str = "committed_is_on_a_majority";
pub(super) const ACKED: &str = "acknowledged_is_committed";
pub(super) const SAVED: &str = "saved_before_answered";
pub(super) const MATCHING: &str = "log_matching";
pub(super) const CONFLICT: &str = "conflicts_are_overwritten";
pub(super) const APPEND: &str = "leader_append_only";
pub(super) const LOWER: &str = "lower_term_changes_nothing";
pub(super) const ELECTION: &str = "election_safety";
pub(super) const CATCHES: &str = "catches_up_fast";
pub(super) const REPLICATES: &str = "leader_replicates";
pub(super) const PROGRESS: &str = "progress_with_a_minority_down";
pub(super) const BUDGET: &str = "message_budget";
pub(super) const ANSWERS: &str = "answers_in_time";

const FIGURE_2: &str = "Ongaro & Ousterhout 2014, Figure 2 (rules for servers)";

pub(super) const RULES: [Rule; 16] = [
    Rule {
        name: OWN,
        title: "an entry of an older term is never committed by counting replicas",
        why: "A majority that has an entry of an older term is not enough: a node whose log ends with a later term can still win an election without it, and overwrite it everywhere. Then the answer that a client already has is wrong: Figure 8 of the paper.",
        look: "Where the leader raises its commit index: the entry at the index that a majority has must be of the current term. The entries before it are committed with it.",
        source: "Ongaro & Ousterhout 2014, section 5.4.2 (committing entries from previous terms) and Figure 8",
        clues: &[Clue::Heard(3)],
    },
    Rule {
        name: COUNTS,
        title: "an entry is committed once a majority has it on disk, and not before",
        why: "Two majorities share a node, so the next leader has what a majority has. What fewer nodes have can be gone after the first crash, although a client was told that it is safe.",
        look: "What is counted and against what: how far each follower has said in this term that its log matches (the largest it said, once for each node), this node's own disk, and more than half of the whole cluster.",
        source: FIGURE_2,
        clues: &[
            Clue::Heard(3),
            Clue::Look(
                Evidence::Says("are committed by that"),
                "When the leader counts: each time a follower says Matches. The largest index that a majority has (the leader included) is committed, if the entry there is of this term, whatever comes after it.",
            ),
            Clue::Look(
                Evidence::AtMessage("Refused"),
                "What a refusal changes: only where to send from next, not what the follower is known to have.",
            ),
        ],
    },
    Rule {
        name: MATCHING,
        title: "a follower takes entries only after one that is the same as the leader's, and as they were sent",
        why: "If two logs have the same term at the same index, they are the same up to there: everything in Raft depends on that. A follower that appends without checking the entry before breaks it for ever, and nobody notices until it leads.",
        look: "How the node handles AppendEntries: is `prev` compared by index and term, at which index do the entries begin (counted from 1), and does Matches go no further than the last entry of this append?",
        source: "Ongaro & Ousterhout 2014, section 5.3 (consistency check) and Figure 3 (Log Matching)",
        clues: &[
            Clue::Heard(1),
            Clue::Look(
                Evidence::Says("says so up to"),
                "Which index goes into Matches: `prev.index` plus the number of entries of *this* append. Anything else in the follower's log may come from an older leader.",
            ),
            Clue::Look(
                Evidence::Says(" refused "),
                "When an append is refused: only if the entry at prev.index is missing or of another term. Index 0 is before the first entry, and always fits.",
            ),
            Clue::Look(
                Evidence::Says("and in its log that is"),
                "Which entries the leader sends after `prev`: those of its log from index prev.index + 1 on.",
            ),
            Clue::Look(
                Evidence::Says(" entries after #"),
                "What the leader puts into `prev`: the index and the term of the entry before the first one that it sends; (0, 0) if that is the first of the log.",
            ),
            Clue::Look(
                Evidence::Says("an entry has the term of its leader"),
                "Where the leader makes an entry: its term is the election's current term.",
            ),
        ],
    },
    Rule {
        name: CONFLICT,
        title: "a follower removes entries only where the leader of the term has different ones, and then all that follow them",
        why: "Appends overtake each other. A follower that cuts its log at each of them throws away entries that it has told the leader it has, and that may be committed. One that keeps the tail of an old leader behind new entries has a log that no other node has.",
        look: "What an AppendEntries does with entries that are already there: compare them one by one, by term; at the first that differs, cut the log there and take all the rest; if none differs, remove nothing.",
        source: "Ongaro & Ousterhout 2014, Figure 2 (AppendEntries, steps 3 and 4)",
        clues: &[
            Clue::Heard(2),
            Clue::Saved,
            Clue::Look(
                Evidence::Says("in the leader's log"),
                "How an entry that is there is compared with the one that comes: by its term. Another term is another entry, whatever its command: remove it, with all that follow.",
            ),
        ],
    },
    Rule {
        name: APPEND,
        title: "a leader only appends to its log: it never changes or removes an entry",
        why: "Followers rely on what a leader has in its log. If an entry changes but keeps its index and term, there are two entries with one name.",
        look: "What changes the log of a leader: a client's write, at the end. Not what it hears from others, and not its election.",
        source: "Ongaro & Ousterhout 2014, Figure 3 (Leader Append-Only)",
        clues: &[Clue::Saved],
    },
    Rule {
        name: SAVED,
        title: "what a node says it has is on its disk",
        why: "The leader counts this node. If the node loses the entry in a crash, the acknowledged write no longer has a majority.",
        look: "The order of cx.save and cx.send(…, Matches): the log is saved first, whenever it has changed.",
        source: "Ongaro & Ousterhout 2014, Figure 2 (persistent state: updated on stable storage before responding)",
        clues: &[
            Clue::Heard(1),
            Clue::Saved,
            Clue::Look(
                Evidence::Says("no leader had sent it anything then"),
                "Which log is saved there: what `new` does with what was saved, and what you give the election as this node's log, which it saves with its ballot. It must be the whole log, each time.",
            ),
            Clue::Look(
                Evidence::LeftBeforeSave,
                "The order of cx.save and cx.send: Matches leaves before the log is saved, and a crash may fall between the two.",
            ),
            Clue::Look(
                Evidence::LeftWithoutSave,
                "Where the node takes the entries in the marked step: nothing is saved there, but Matches leaves. Save whenever the log has changed.",
            ),
        ],
    },
    Rule {
        name: LOWER,
        title: "a message of a lower term changes nothing",
        why: "An old leader does not know that it was replaced, and its messages come late. What it says about its log or yours is no longer true.",
        look: "Each place that acts on a message: after the election has seen it, is its term compared with the election's?",
        source: "Ongaro & Ousterhout 2014, section 5.1 and Figure 2 (AppendEntries, step 1)",
        clues: &[Clue::Heard(2)],
    },
    Rule {
        name: MACHINE,
        title: "every node applies the same commands in the same order, each once, and only what is committed",
        why: "This is what the log is for. A state machine that applies what may still be overwritten, or applies one command twice, differs from the others for ever, and clients read different values from different nodes.",
        look: "What is applied: entry after entry from the first, up to the commit index. And how far that index may rise on a follower: to the smaller of the leader's commit and the last index that this append has shown to be the same.",
        source: "Ongaro & Ousterhout 2014, Figure 3 (State Machine Safety) and Figure 2 (rules for all servers)",
        clues: &[
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("are known to be on this disk"),
                "How a follower raises its commit index: to min(leader's commit, index of the last entry of this append), and no further, even if its own log is longer. What comes after may be an old leader's.",
            ),
            Clue::Look(
                Evidence::Says("has applied only"),
                "What makes a node apply: each time the commit index rises, all entries up to it, on followers and on the leader.",
            ),
            Clue::Look(
                Evidence::Says("the next that is not applied yet"),
                "Which entry is applied next: one index remembers how far it has come, and rises by one with each entry, with or without a command.",
            ),
        ],
    },
    Rule {
        name: ACKED,
        title: "a client hears the truth: Applied once its own entry is committed and applied, NotLeader if it never will be",
        why: "A client passes on what it was told. A write that is acknowledged and then lost, or refused and then done, is a bug that nobody can find afterwards.",
        look: "Which request belongs to which entry: store the ticket under the index of its entry, answer it where that entry is applied, and forget it when you no longer lead.",
        source: "Ongaro & Ousterhout 2014, section 5.3; Figure 2 (rules for leaders: respond after entry applied to state machine)",
        clues: &[
            Clue::Request,
            Clue::Look(
                Evidence::Says("it may still be committed"),
                "Who is told NotLeader: only a client whose command was never put into this log. Whether a deposed leader's entries survive is not known, so it says nothing about them.",
            ),
            Clue::Look(Evidence::Says("no client that waits"), "How often a write is put into the log: once, when it is asked for."),
        ],
    },
    Rule {
        name: COMPLETE,
        title: "what was committed is in the log of every later leader",
        why: "A leader makes all logs like its own. One that lacks a committed entry erases it everywhere.",
        look: "What the election is given as this node's log (all of it, each time), and what a node has told others before that was on its disk.",
        source: "Ongaro & Ousterhout 2014, section 5.4.3 and Figure 3 (Leader Completeness)",
        clues: &[Clue::Crash, Clue::Promise],
    },
    Rule {
        name: ELECTION,
        title: "the election hears every message and its timer, its ballot is saved, and the node leads exactly when the election says so",
        why: "There is at most one leader per term only if the finished half is used: tell it of every message and of its timer, give it the whole log, and put its ballot on the disk with every save.",
        look: "The first line of on_message: election.on_message(…), for every kind. Timer::Election goes to election.on_timer. Each save contains election.ballot() of that moment. And AppendEntries are sent only while election.role() is Leader.",
        source: "Ongaro & Ousterhout 2014, section 5.2 and Figure 3 (Election Safety)",
        clues: &[
            Clue::Heard(1),
            Clue::Look(
                Evidence::Says("its timer did not reach it"),
                "What on_timer does with Timer::Election (it must always go to the election), and on_start: election.on_start(cx).",
            ),
            Clue::Look(Evidence::Says("its term falls"), "What a save holds as `ballot`: election.ballot() of that moment."),
            Clue::Look(Evidence::Says("election starts with"), "What `new` gives to Election::new: what was saved."),
            Clue::Look(
                Evidence::Says("has made it the leader"),
                "What ends the sending: when the election says Follower, this node no longer leads, whatever timers are still set.",
            ),
            Clue::Look(Evidence::Says("its log on the disk ends"), "Which log the election is given: all of this node's, as it is now."),
        ],
    },
    Rule {
        name: CATCHES,
        title: "a follower whose log differs is detected and repaired in few messages",
        why: "A node that was away for an hour has thousands of entries that nobody else has. One message for each of them is an outage of its own.",
        look: "What a leader does with Refused: it goes back at once, by more than one entry at a time. With the hint it skips all entries of the conflicting term.",
        source: "Ongaro & Ousterhout 2014, section 5.3 (the optimization of rejected AppendEntries)",
        clues: &[
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("with the hint"),
                "What the hint is made of: the term of the follower's entry at that prev, and the first index of that term in its log; beyond its end, term 0 and the index after its last entry.",
            ),
            Clue::Look(
                Evidence::Says("it must go back"),
                "What Refused does to where the next append begins: before the index that was refused.",
            ),
        ],
    },
    Rule {
        name: REPLICATES,
        title: "a leader sends every follower what it lacks and what is committed, again and again, and at once when it wins",
        why: "Messages get lost. What is sent only once reaches only some nodes, and a follower that hears nothing starts an election.",
        look: "What the heartbeat sends to each follower: what comes after the last entry that this follower is known to have; and the commit index.",
        source: FIGURE_2,
        clues: &[
            Clue::Heard(1),
            Clue::Fired,
            Clue::Look(
                Evidence::Says("no AppendEntries"),
                "Where the election says Leader: AppendEntries to every other node at once, and the heartbeat timer set.",
            ),
            Clue::Look(
                Evidence::Says("is due every"),
                "The heartbeat timer: when it fires, AppendEntries to every other node, and the timer set again, as long as this node leads.",
            ),
            Clue::Look(
                Evidence::Says("nothing that asks for it"),
                "Where an append begins: after what the follower has said it has. What was sent but not answered may be lost, and must be sent again.",
            ),
        ],
    },
    Rule {
        name: PROGRESS,
        title: "with a majority up and the network healed, writes are acknowledged and all logs become the same",
        why: "Safety alone is easy: a log that takes no writes breaks no promise.",
        look: "What is stuck: does the leader count a majority or wait for all, is a follower that refuses brought back to where the logs agree, does the commit index reach the followers?",
        source: "Ongaro & Ousterhout 2014, section 5.3 (a minority of slow servers)",
        clues: &[Clue::Began],
    },
    Rule {
        name: BUDGET,
        title: "what a follower has said it has is not sent to it again, and messages are paced",
        why: "A leader that ships its whole log with every heartbeat, or answers each answer with an append, floods the network that it needs.",
        look: "Where an append begins, for each follower: after the last index of its Matches. And every place that sends: is it a write, a refusal, or the heartbeat timer?",
        source: "Ongaro & Ousterhout 2014, Figure 2 (nextIndex, matchIndex)",
        clues: &[Clue::Heard(1), Clue::Sent],
    },
    Rule {
        name: ANSWERS,
        title: "appends and clients are answered in time, and no request is answered twice",
        why: "A leader that gets no answer sends everything again; a client that gets no answer asks again, and its command is done twice.",
        look: "Each path through on_message and on_request: does it end with an answer, or with a ticket that is kept until its entry is applied?",
        source: FIGURE_2,
        clues: &[
            Clue::Request,
            Clue::Heard(1),
            Clue::Look(
                Evidence::Says("it has not answered its client"),
                "Where entries are applied, every time the commit index rises: for each entry, does a client wait for that index?",
            ),
        ],
    },
];
