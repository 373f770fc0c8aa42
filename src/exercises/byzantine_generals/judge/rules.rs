//! The rules of `byzantine_generals`, in words.

use crate::rule::Rule;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

pub(super) const AGREE: &str = "loyal_agree";
pub(super) const OBEY: &str = "loyal_obey_a_loyal_commander";
pub(super) const TELLS: &str = "commander_tells_all_the_same";
pub(super) const RELAYS: &str = "relays_what_it_was_told";
pub(super) const MAJORITY: &str = "majority_of_three_decides";
pub(super) const MISSING: &str = "missing_is_retreat";
pub(super) const LATE: &str = "late_is_missing";
pub(super) const SENDERS: &str = "counts_senders_not_messages";
pub(super) const ROUNDS: &str = "decides_in_two_rounds";
pub(super) const APART: &str = "battles_stay_apart";

const SECTION_1: &str = "Lamport, Shostak & Pease 1982, The Byzantine Generals Problem, section 1 (IC1 and IC2)";
const OM: &str = "Lamport, Shostak & Pease 1982, The Byzantine Generals Problem, section 3 (algorithm OM(m))";
const EACH_IS_RELAYED: &str = "The end of the first round: the order that the commander sent in time goes to both other lieutenants, in each battle, whatever else has come, even if the battle is already decided.";
const A1_A3: &str = "Lamport, Shostak & Pease 1982, The Byzantine Generals Problem, section 3 (assumptions A1 to A3)";

pub(super) const RULES: [Rule; 10] = [
    Rule {
        name: AGREE,
        title: "all loyal lieutenants decide the same, whoever commands",
        why: "One army attacks and the other goes home: the very defeat that the protocol must prevent. In a computer system: two of three flight computers steer left, or half of the replicas have a transfer that the others never saw.",
        look: "The three votes must be the same at every loyal lieutenant: what the commander told each of them, as each of them relays it. Then the same function of the three votes decides everywhere.",
        source: SECTION_1,
        clues: &[Clue::Heard(3)],
    },
    Rule {
        name: OBEY,
        title: "if the commander is loyal, every loyal lieutenant does what it ordered",
        why: "One traitor among four overrules the commander: one broken sensor, and the value of the good ones is thrown away.",
        look: "How the votes are counted: the commander's order and one loyal relay are two of three. The traitor has one vote, whatever it sends, however often, and in whatever name.",
        source: SECTION_1,
        clues: &[Clue::Heard(3)],
    },
    Rule {
        name: TELLS,
        title: "a loyal commander tells each lieutenant its order at once, and does it",
        why: "A commander that tells one of them something else, or nothing, is a traitor, whatever it meant; and then there may be two traitors.",
        look: "on_request, where `order` is Some: one Message::Order to each of the three others, with that order, the battle's number and the commander's own name; and Decided with the same order.",
        source: OM,
        clues: &[
            Clue::Request,
            Clue::Look(
                Evidence::Says("it decided"),
                "What the commander answers the herald: its own order, whatever the lieutenants send it.",
            ),
            Clue::Look(
                Evidence::Says("had not told"),
                "on_request: the Order leaves at once, for each of config.generals except this one.",
            ),
        ],
    },
    Rule {
        name: RELAYS,
        title: "each lieutenant tells the two others what the commander told it, the same to both, and nothing else",
        why: "Without the second round nobody sees that the commander has two faces. And a lieutenant that relays something other than what it heard lies, like the traitor: among four generals, two liars are too many.",
        look: "Where Message::Relay is sent: the order is the one that the commander sent, not a decision and not what most others say; to both other lieutenants, by the end of the first round.",
        source: OM,
        clues: &[
            Clue::Heard(2),
            Clue::Sent,
            Clue::Look(
                Evidence::Says("which means nothing"),
                "on_message: the commander's Order counts by `from`, whatever name stands in `by`.",
            ),
            Clue::Look(Evidence::Says("had not relayed it"), EACH_IS_RELAYED),
            Clue::Look(Evidence::Says("has sent it []"), EACH_IS_RELAYED),
            Clue::Look(Evidence::Says("must have sent"), EACH_IS_RELAYED),
            Clue::Look(Evidence::Says("and had relayed"), "The relays to the two others: one value for both, read once."),
            Clue::Look(
                Evidence::Says("an order may still come"),
                "The relay for a silent commander: that it is silent is known only when the first round is over.",
            ),
        ],
    },
    Rule {
        name: MAJORITY,
        title: "a lieutenant does what two of its three votes say: the commander's and the two relays; if no two agree, Retreat",
        why: "Any other choice can be made to differ between two loyal lieutenants that have the same three votes, or lets one vote of a traitor win against two.",
        look: "The last step: three values, the commander's word to you counted once, like the two relays. Two equal values win; three different ones mean Retreat, for everybody.",
        source: OM,
        clues: &[Clue::Heard(3)],
    },
    Rule {
        name: MISSING,
        title: "a general that says nothing in time has said Retreat",
        why: "Silence is one of the traitor's choices. A lieutenant that leaves a silent general out decides by two votes, which can tie, and each lieutenant breaks the tie in its own way.",
        look: "What stands for a vote that did not come: Order::Retreat (Order::default()), in all three places, the commander's too.",
        source: A1_A3,
        clues: &[Clue::Heard(3)],
    },
    Rule {
        name: LATE,
        title: "a message that comes after its round is over does not count",
        why: "A traitor can wait until the round is over at one lieutenant and not yet at another: an order that comes so late cannot be relayed in time, and one lieutenant has a vote that the others do not have.",
        look: "on_message: an Order counts while the first round lasts, a Relay until the end of the second. A timer or the clock must say whether the round is over.",
        source: A1_A3,
        clues: &[
            Clue::Heard(1),
            Clue::Look(Evidence::Says("end of the first round"), "on_message, an Order: does the first round of its battle still last?"),
        ],
    },
    Rule {
        name: SENDERS,
        title: "each general has one vote: its first message of the right kind, whatever name it contains",
        why: "A lieutenant that counts messages gives the traitor as many votes as it cares to send; one that believes the name in a message lets the traitor vote in the name of the loyal ones.",
        look: "The key under which a vote is kept: `from`, which the network guarantees, never `by`; the first vote stays. The commander's vote is its Order, a lieutenant's its Relay.",
        source: A1_A3,
        clues: &[
            Clue::Heard(3),
            Clue::Look(Evidence::Says("whatever name stands in it"), "The key under which a vote is kept: `from` and not `by`."),
            Clue::Look(
                Evidence::Says("an Order of"),
                "on_message, an Order: only that of this battle's commander (`from`) counts. A lieutenant's Order is not a vote.",
            ),
            Clue::Look(
                Evidence::Says("second word"),
                "Where an order is recorded: the first one that the commander sends stays (entry().or_insert).",
            ),
            Clue::Look(
                Evidence::Says("a second one nobody's"),
                "Where a vote is recorded: the first one of each general stays (entry().or_insert).",
            ),
        ],
    },
    Rule {
        name: ROUNDS,
        title: "the herald is answered once, when the second round is over, or sooner if nothing can change the decision",
        why: "A general that decides on what has come so far lets network delays decide. And an army that waits for a message that never comes waits for ever.",
        look: "The end of the second round, two ROUNDs after the battle began: there the answer leaves, whatever has come. Sooner only with two equal votes, or all three.",
        source: A1_A3,
        clues: &[
            Clue::Request,
            Clue::Look(
                Evidence::Says("before the second round was over"),
                "What leads to cx.reply before the timer of the second round: two equal votes are enough, or all three; fewer are not.",
            ),
            Clue::Look(
                Evidence::Says("a second time"),
                "cx.reply: once for each battle, with the ticket of that battle; remove or mark a battle that was answered.",
            ),
            Clue::Look(
                Evidence::All(&[Evidence::Says("n1 has not decided"), Evidence::NoTimer]),
                "No timer is set: what ends the second round of a battle in which no more messages come?",
            ),
        ],
    },
    Rule {
        name: APART,
        title: "what is said about one battle has no effect on another",
        why: "Two open decisions at once are the normal case (one for each entry of a log). A vote that slips from one into the other is a lie that no traitor had to tell.",
        look: "The number of the battle: it must be in the key of everything that is kept (votes, ticket, timers) and in what is sent.",
        source: OM,
        clues: &[Clue::Heard(3), Clue::Inputs(3)],
    },
];
