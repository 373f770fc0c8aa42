//! The hidden tests of `raft_election`.

mod exploration;
mod safety;
mod scenarios;
mod spec;
mod stuck;
mod swarm;
mod vectors;

use super::{Elector, RaftElection};
use crate::rule::Rule;
use crate::sim::Factory;
use crate::suite::Suite;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

pub(super) const ONE_LEADER: &str = "one_leader_per_term";
pub(super) const ONE_VOTE: &str = "one_vote_per_term";
pub(super) const TERMS: &str = "terms_never_fall";
pub(super) const MAJORITY: &str = "majority_wins";
pub(super) const UP_TO_DATE: &str = "up_to_date_log";
pub(super) const HIGHER: &str = "higher_term_steps_down";
pub(super) const LOWER: &str = "lower_term_changes_nothing";
pub(super) const TIMER: &str = "election_timer_resets";
pub(super) const YIELDS: &str = "candidate_yields";
pub(super) const AGAIN: &str = "tries_again";
pub(super) const AT_ONCE: &str = "leader_speaks_at_once";
pub(super) const EMERGES: &str = "leader_emerges";
pub(super) const STAYS: &str = "leader_stays";
pub(super) const BUDGET: &str = "message_budget";

const RULES: [Rule; 14] = [
    Rule {
        name: UP_TO_DATE,
        title: "a node votes only for a candidate whose log is at least as up to date as its own",
        why: "A leader imposes its log. One that lacks committed entries erases them on every node: acknowledged writes vanish.",
        look: "The comparison of logs before a vote: the later last term wins; with equal last terms the higher index; equal logs are good enough.",
        source: "Ongaro & Ousterhout 2014, section 5.4.1 (election restriction)",
        clues: &[
            Clue::Look(
                Evidence::Says("and it asked"),
                "What a candidate puts into its RequestVote: where its own log ends, as it was given, the same to every node and in every term.",
            ),
            Clue::Look(
                Evidence::Says("did not grant"),
                "What keeps this vote from being granted: the comparison of logs (the later last term wins; with equal terms the higher index; equal logs are good enough), or a vote that the node believes it has already given.",
            ),
        ],
    },
    Rule {
        name: ONE_VOTE,
        title: "a node votes at most once per term, even across a restart",
        why: "Majorities overlap in at least one node. If that node votes twice, two candidates of one term both collect a majority: split brain.",
        look: "Where the vote is remembered, that it is saved before the answer leaves, and that only a higher term clears it: a node that steps down within a term has still voted in it. A candidate has voted too: for itself.",
        source: "Ongaro & Ousterhout 2014, section 5.2; Figure 2 (votedFor, persistent state)",
        clues: &[
            Clue::Promise,
            Clue::Crash,
            Clue::Look(
                Evidence::NeverRestarted,
                "What clears or overwrites the vote: only a higher term may. A node that steps down within a term has still voted in it, and a candidate has voted for itself.",
            ),
            Clue::Look(
                Evidence::LeftBeforeSave,
                "The order of cx.save and cx.send: the vote leaves before it is saved, and a crash may fall between the two.",
            ),
            Clue::Look(
                Evidence::LeftWithoutSave,
                "Where the node votes in the marked step: nothing is saved there. Both term and vote must be on the disk before the answer leaves, every time.",
            ),
            Clue::Look(
                Evidence::SavedNone,
                "What clears the vote within its term, and saves that: only a higher term may clear it, not a timer and not stepping down.",
            ),
            Clue::Look(Evidence::Restarted, "What `new` does with what was saved: the vote belongs to the saved term, and is still given."),
        ],
    },
    Rule {
        name: TERMS,
        title: "a node's term never falls, even across a restart",
        why: "Only the term shows that a leader's messages are old. A node that forgets its term obeys an old leader, and can vote in an old term again.",
        look: "Where the term is saved: before any message that carries it.",
        source: "Ongaro & Ousterhout 2014, section 5.1; Figure 2 (currentTerm, persistent state)",
        clues: &[
            Clue::Promise,
            Clue::Crash,
            Clue::Look(Evidence::Says("starts as"), "The role in which `new` starts the node: a follower, whatever is on the disk."),
            Clue::Look(Evidence::Says("starts in term"), "What `new` does with what was saved: the term must come back as it was."),
            Clue::Look(
                Evidence::Says("and shows itself as"),
                "The order when an election begins: term, role and vote first, then the RequestVote of that term.",
            ),
            Clue::Look(
                Evidence::NeverRestarted,
                "Each place where the term is set: it may only rise. Never adopt the term of a message whose term is lower, however the two are compared.",
            ),
            Clue::Look(Evidence::LeftBeforeSave, "The order of cx.save and cx.send: a term leaves before it is saved."),
            Clue::Look(
                Evidence::LeftWithoutSave,
                "Where the term is raised in the marked step: its messages left, but nothing was saved. The term must be on the disk before any message that carries it, each time.",
            ),
        ],
    },
    Rule {
        name: MAJORITY,
        title: "a candidate becomes leader when a majority of the cluster has voted for it in its term, and not before",
        why: "If less than a majority is enough, two halves of a split cluster elect a leader each. If more than a majority is needed, one dead node can stop all elections.",
        look: "What is counted (voters, not answers, and only grants of this term), and against what (the whole cluster, this node included).",
        source: "Ongaro & Ousterhout 2014, section 5.2",
        clues: &[Clue::Fired, Clue::Heard(2)],
    },
    Rule {
        name: HIGHER,
        title: "a higher term in any message, request or answer, is adopted, and makes a leader or candidate step down",
        why: "A leader that was cut off learns only from such a message that it has been replaced. If it ignores the message, it goes on taking writes that will be lost.",
        look: "The very first thing that happens with a message, of every kind: compare its term with yours.",
        source: "Ongaro & Ousterhout 2014, section 5.1; Figure 2 (rules for all servers)",
        clues: &[Clue::Look(
            Evidence::Says("a heartbeat of term"),
            "Who sends heartbeats, and of which term: only a leader, of its own term. A heartbeat timer that was set before the node stepped down must send nothing.",
        )],
    },
    Rule {
        name: LOWER,
        title: "a message of a lower term changes nothing, not even a timer",
        why: "Old messages arrive late. If a heartbeat of a deposed leader keeps a follower quiet, or a vote of a past election is counted in this one, terms have lost their purpose.",
        look: "Each place that acts on a message: does it first check that the term is the current one?",
        source: "Ongaro & Ousterhout 2014, section 5.1 (stale term numbers are rejected)",
        clues: &[
            Clue::Heard(1),
            Clue::Look(
                Evidence::AtMessage("RequestVoteReply"),
                "Where an answer is counted: an answer of another term than the node's own does not count, whatever it grants.",
            ),
            Clue::Look(
                Evidence::AtMessage("AppendEntries"),
                "What a heartbeat of a lower term does: it must not change role, term or timer. And how the terms are compared.",
            ),
            Clue::Look(
                Evidence::Says("had not asked"),
                "For whom, and in which term, a vote is given and saved: for the candidate that asks, in the term in which it asks.",
            ),
        ],
    },
    Rule {
        name: YIELDS,
        title: "a candidate that hears the leader of its own term follows it",
        why: "Its election is lost. A candidate that goes on asks for votes in a new term and topples a healthy leader.",
        look: "What an AppendEntries of your own term does to a candidate.",
        source: "Ongaro & Ousterhout 2014, section 5.2; Figure 2 (rules for candidates)",
        clues: &[Clue::Fired, Clue::Heard(1)],
    },
    Rule {
        name: TIMER,
        title: "a heartbeat of the leader and a granted vote restart the election timer",
        why: "A node whose timer runs on starts an election against a healthy leader or candidate.",
        look: "Where the timer is set again: on an AppendEntries of the current term, and when a vote is granted.",
        source: "Ongaro & Ousterhout 2014, Figure 2 (rules for followers)",
        clues: &[Clue::Heard(1), Clue::Fired],
    },
    Rule {
        name: AGAIN,
        title: "an election without a winner is followed by another, in a new term with new votes",
        why: "Votes split, candidates die, answers are lost. If each node tries only once, or votes are never free again, the cluster stays without a leader.",
        look: "What a candidate does when its timer fires: next term, a vote for itself, new requests, a new random timeout. And what a higher term does to the vote.",
        source: "Ongaro & Ousterhout 2014, section 5.2 (third outcome of an election)",
        clues: &[
            Clue::Fired,
            Clue::Look(
                Evidence::All(&[Evidence::Says("has not started an election"), Evidence::PutOff]),
                "For how long the election timer is set, and what resets it before it fires: only the leader's heartbeat of this term, a granted vote, and a new election may; 150 to 300 ms each time.",
            ),
            Clue::Look(
                Evidence::Says("saved a vote for itself"),
                "Where the term rises because of a message: nobody has voted in the new term yet, and this node is not a candidate in it.",
            ),
            Clue::Look(
                Evidence::Says("the wait is to be drawn anew"),
                "How long the election timer is set for: drawn at random each time, not once.",
            ),
            Clue::Look(Evidence::Says("has not asked"), "Whom a candidate asks when its election begins: every other node, at once."),
            Clue::Look(Evidence::Says("did not grant"), "What clears the vote: in a higher term nobody has voted yet."),
            Clue::Look(
                Evidence::All(&[Evidence::Says("has not started an election"), Evidence::NoTimer]),
                "The election timer: in the end none is set. A node that is not the leader always has one: set it when the node starts, when it steps down, and again each time it fires.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("has not started an election"), Evidence::Fired]),
                "What the node does when its timer fires, and for how long it sets it then: a follower or candidate starts an election each time.",
            ),
            Clue::Look(
                Evidence::Says("has not started an election"),
                "What resets or cancels the election timer although it may not: only the leader's heartbeat, a granted vote, and a new election may reset it, for 150 to 300 ms.",
            ),
        ],
    },
    Rule {
        name: AT_ONCE,
        title: "a new leader sends heartbeats at once",
        why: "Until the other nodes hear of the new leader, their timers run: a leader that waits for its first interval loses followers to a new election.",
        look: "The step in which the deciding vote is counted.",
        source: "Ongaro & Ousterhout 2014, Figure 2 (rules for leaders: upon election)",
        clues: &[Clue::Heard(1)],
    },
    Rule {
        name: ONE_LEADER,
        title: "there is at most one leader per term, ever",
        why: "Two leaders of one term give two answers to the same question, and nobody can tell which is right: the split brain that Raft exists to prevent.",
        look: "The two leaders named above: who voted for each? Look for a vote given twice, a vote lost in a crash, or a count that is too small.",
        source: "Ongaro & Ousterhout 2014, Figure 3 (election safety)",
        clues: &[Clue::Promise, Clue::Crash],
    },
    Rule {
        name: EMERGES,
        title: "once the network heals, a leader emerges, even with a minority down",
        why: "Safety alone is easy: a cluster that never elects anybody breaks no promise, but takes no writes.",
        look: "What the nodes do instead: terms that rise while votes split (equal timeouts?), a timer that nobody sets again, a vote that is never free, a count that waits for the dead.",
        source: "Ongaro & Ousterhout 2014, section 5.2 (randomized election timeouts)",
        clues: &[
            Clue::Look(
                Evidence::Says("who did not lead"),
                "What happens when the deciding vote comes in: who is counted, against what (the whole cluster, this node included), and whether the node then leads, and tells the others at once.",
            ),
            Clue::Look(
                Evidence::Says(" never asked n"),
                "Whom a candidate asks for a vote: every other node of the cluster, in every term, even those that it believes to be down.",
            ),
            Clue::Look(
                Evidence::Says("votes were split"),
                "For how long the election timer is set: drawn at random each time, so that one node is first. And whether a vote is free again in the next term.",
            ),
            Clue::Look(
                Evidence::Says("nobody asked for a vote"),
                "The election timer: a node that is not the leader always has one. Where is it not set: at the start, after a restart, after stepping down, when it has fired?",
            ),
        ],
    },
    Rule {
        name: STAYS,
        title: "a quiet cluster keeps its leader",
        why: "Each needless election is a pause for every client. If the timer is shorter than a heartbeat takes to arrive, a cluster does nothing else.",
        look: "Why a node starts an election although the leader is healthy: is a heartbeat sent often enough, and does it reset every follower's timer?",
        source: "Ongaro & Ousterhout 2014, section 5.6 (timing requirement)",
        clues: &[
            Clue::Began,
            Clue::Look(Evidence::Says("it gave up its lead"), "What makes a leader step down: a higher term, and nothing else."),
            Clue::Look(
                Evidence::All(&[Evidence::Says("a heartbeat is due"), Evidence::NoTimer]),
                "The heartbeat timer: in the end none is set. A leader sets it when it is elected and each time it fires.",
            ),
            Clue::Look(
                Evidence::Says("a heartbeat is due"),
                "What a leader does when its heartbeat timer fires: AppendEntries to every other node, and the timer set again.",
            ),
        ],
    },
    Rule {
        name: BUDGET,
        title: "heartbeats and vote requests are paced",
        why: "A leader that answers each answer, or a candidate that asks without pause, floods the network that elections depend on.",
        look: "Every place that sends: is it paced by a timer, or is each answer answered with the next request?",
        source: "Ongaro & Ousterhout 2014, section 5.2 (periodic heartbeats)",
        clues: &[Clue::Sent],
    },
];

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Elector>() -> Suite {
    suite(Factory::of::<N>())
}

fn suite(factory: Factory<RaftElection>) -> Suite {
    let mut suite = Suite::new("raft_election", &RULES, swarm::swarm(factory)).with_storms(spec::storms(factory));
    vectors::add(&mut suite, factory);
    scenarios::add(&mut suite, factory);
    exploration::add(&mut suite, factory);
    suite
}
