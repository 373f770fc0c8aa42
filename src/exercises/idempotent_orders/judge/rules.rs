//! The rules of `idempotent_orders`, in words.

use crate::rule::Rule;
use crate::trace::clues::Clue;
use crate::trace::evidence::Evidence;

pub(super) const CHARGED: &str = "charged_once";
pub(super) const SAME: &str = "same_answer_again";
pub(super) const TWINS: &str = "concurrent_twins_share_one_run";
pub(super) const CONFLICT: &str = "other_body_is_a_conflict";
pub(super) const PER_CLIENT: &str = "keys_are_per_client";
pub(super) const SURVIVES: &str = "survives_a_crash_anywhere";
pub(super) const SOON: &str = "expires_not_too_soon";
pub(super) const BOUNDED: &str = "memory_is_bounded";
pub(super) const ANSWERS_IN_TIME: &str = "answers_in_time";

const DRAFT: &str = "IETF draft, The Idempotency-Key HTTP Header Field";
const STRIPE: &str = "Stripe API reference, Idempotent requests";
const LEACH: &str = "Leach 2017, Implementing Stripe-like Idempotency Keys in Postgres";

pub(super) const RULES: [Rule; 9] = [
    Rule {
        name: CHARGED,
        title: "an order is paid for once, before it stands, with the amount that was asked for",
        why: "A customer who is charged twice sees it on the statement and calls the bank; an order that stands without a charge is shipped for nothing.",
        look: "What leaves for the provider. The same order always goes under the same key, which is written down before the first Charge leaves; what may be older than `forgets` is asked for with Find first. And Place leaves only once the provider has said Paid.",
        source: LEACH,
        clues: &[
            Clue::Heard(2),
            Clue::Sent,
            Clue::Look(
                Evidence::Says("under another key"),
                "what the ChargeKey is made from: the number of the order, which stands in the record, and nothing of this try, this run or this life.",
            ),
            Clue::Look(
                Evidence::Says("forgotten since"),
                "what comes before a Charge for a record that was there already: Find. What comes again under a key that was forgotten is a new charge.",
            ),
            Clue::Look(
                Evidence::Says("the provider has taken nothing"),
                "what leads to Place: Paid, or a charge that Find tells of; Declined and Failed do not.",
            ),
            Clue::Look(
                Evidence::Says("nobody had asked"),
                "what Charge and Place are made of: the amount and the body of this request, under its own account and key.",
            ),
            Clue::Look(
                Evidence::Says("which is another order"),
                "where the number of an order comes from: no two orders have one number, not over a restart and not at two servers.",
            ),
        ],
    },
    Rule {
        name: SAME,
        title: "a final answer is given again, whenever the same is asked again",
        why: "The client asks again because it did not hear the answer. Another answer now, or an order after a refusal, and its books and ours differ for good.",
        look: "What is an end: Created and Declined, once they stand in the record of the key. Failed is none: nothing was taken, and the next try may succeed. And what is looked at before anything is done: the record.",
        source: STRIPE,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("has not declined it"),
                "what ends with Declined: the provider's Declined alone. After Failed, and when nothing is heard, nobody knows: TryAgain.",
            ),
            Clue::Look(
                Evidence::Says("and now the provider takes"),
                "the refusal: it is written into the record before it is told, and who finds it there tells it and charges nothing.",
            ),
        ],
    },
    Rule {
        name: TWINS,
        title: "two requests with one key at the same time make one order",
        why: "A double click, a client with a short timeout, a proxy that asks again: both twins read that there is no record, and both go on.",
        look: "The first Write of a key: it expects v0, so that of two twins one writes and the other hears what stands there; then both go on with the order number that stands there, or one of them waits.",
        source: DRAFT,
        clues: &[Clue::Request, Clue::Heard(2)],
    },
    Rule {
        name: CONFLICT,
        title: "a key that was used with another body is a conflict, and else there is none",
        why: "A client that uses a key again by mistake would hear of an order that it did not ask for, and the second one is never made.",
        look: "What is compared: the whole body with the one in the record, item and amount, before anything is done or answered.",
        source: DRAFT,
        clues: &[
            Clue::Request,
            Clue::Heard(1),
            Clue::Look(
                Evidence::Says("very body"),
                "who knows which body was first: the record in the database. Who is under way at this server may be the other one.",
            ),
            Clue::Look(
                Evidence::Says("nobody has used this key"),
                "what becomes of the same request once more: it waits, or is told to try again; a conflict is another body.",
            ),
        ],
    },
    Rule {
        name: PER_CLIENT,
        title: "a key belongs to the account that uses it",
        why: "Two customers whose libraries both count from 1 get each other's orders: one of them hears of an order that is not its own, the other is never charged.",
        look: "What the record is kept under, and what is looked up in memory: account and key together.",
        source: LEACH,
        clues: &[Clue::Request, Clue::Heard(1)],
    },
    Rule {
        name: SURVIVES,
        title: "a server may crash between any two effects, and asked again the request comes to its end, once",
        why: "Between the charge and the order a crash takes the money and gives nothing; between the order and the answer it makes the next try a second order.",
        look: "What stands in the database before each effect that cannot be undone: the number of the order before its Charge, the order before Created. And what a server does that finds a record which is not at its end.",
        source: LEACH,
        clues: &[
            Clue::Crash,
            Clue::Heard(2),
            Clue::Sent,
            Clue::Look(
                Evidence::Says("no order stands"),
                "what leads to Created: Placed, and the end in the record. Paid alone is a customer without an order.",
            ),
            Clue::Look(
                Evidence::Says("a server had crashed"),
                "what is done with a record that is there and not at its end: its order number is used, not a new one.",
            ),
        ],
    },
    Rule {
        name: SOON,
        title: "a key is good for `keeps` at least, by the clock of the database",
        why: "A client that was offline overnight asks again in the morning. If its key has gone by then, it pays twice.",
        look: "`keep` of every Write of a record, also of one that is under way; and who says how old a record is: the database's clock, not this server's.",
        source: STRIPE,
        clues: &[Clue::Heard(2), Clue::Sent],
    },
    Rule {
        name: BOUNDED,
        title: "nothing of a request is kept for ever but its order",
        why: "A table that only grows is a table that is full one night; a map in memory that only grows is a server that dies every few days.",
        look: "`keep` of every Write, at most twice `keeps`; and what a server still has in its fields a while after all is answered.",
        source: STRIPE,
        clues: &[
            Clue::Sent,
            Clue::Look(
                Evidence::Says("its fields"),
                "what is put into this server's fields for each request, and where it is taken out again: a run when it ends, a cache when it is full.",
            ),
        ],
    },
    Rule {
        name: ANSWERS_IN_TIME,
        title: "every request is answered, once, within a second; and when nothing goes wrong any more, with a final answer within three",
        why: "A client that hears nothing cannot know whether to wait or to ask again; one that hears TryAgain for ever has no order, and perhaps has paid.",
        look: "What is sent again when no answer has come, what a second request finds that comes while the first is under way, and what becomes of a record whose server is gone.",
        source: DRAFT,
        clues: &[
            Clue::Request,
            Clue::Lost,
            Clue::Look(Evidence::Says("a second time"), "where a ticket is taken out: whoever is answered waits no more."),
        ],
    },
];
