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
        title: "an order is paid for once, before it is placed, with the amount that was asked for",
        why: "A customer who is charged twice sees it on the statement and calls the bank; an order that is placed without a charge is shipped for free.",
        look: "What is sent to the provider. The same order always uses the same key, which is in the database before the first Charge leaves; if the charge may be older than `forgets`, ask with Find first. And Place leaves only after the provider has said Paid.",
        source: LEACH,
        clues: &[
            Clue::Heard(2),
            Clue::Sent,
            Clue::Look(
                Evidence::Says("under another key"),
                "what the ChargeKey is made from: the number of the order, which is in the record, and nothing of this try, this run or this life.",
            ),
            Clue::Look(
                Evidence::Says("forgotten since"),
                "what comes before a Charge for a record that was already there: Find. A charge under a key that the provider has forgotten is a new charge.",
            ),
            Clue::Look(
                Evidence::Says("the provider has taken nothing"),
                "what leads to Place: Paid, or a charge that Find reports; Declined and Failed do not.",
            ),
            Clue::Look(
                Evidence::Says("nobody had asked"),
                "what Charge and Place are made of: the amount and the body of this request, under its own account and key.",
            ),
            Clue::Look(
                Evidence::Says("which is another order"),
                "where the number of an order comes from: no two orders have the same number, not across a restart and not at two servers.",
            ),
        ],
    },
    Rule {
        name: SAME,
        title: "a final answer is given again, whenever the same request comes again",
        why: "The client asks again because it did not get the answer. If it gets a different answer now, or an order after a refusal, its books and ours differ for good.",
        look: "What is final: Created and Declined, once they are in the record of the key. Failed is not: nothing was taken, and the next try may succeed. And what is read before anything is done: the record.",
        source: STRIPE,
        clues: &[
            Clue::Request,
            Clue::Heard(2),
            Clue::Look(
                Evidence::Says("has not declined it"),
                "what leads to Declined: only the provider's Declined. After Failed, or without an answer, nobody knows: TryAgain.",
            ),
            Clue::Look(
                Evidence::Says("and now the provider takes"),
                "the refusal: it is written into the record before the client is told, and a server that finds it there tells it and charges nothing.",
            ),
        ],
    },
    Rule {
        name: TWINS,
        title: "two requests with one key at the same time make one order",
        why: "A double click, a client with a short timeout, a proxy that asks again: both twins read that there is no record, and both go on.",
        look: "The first Write of a key: it expects v0, so that one of two twins writes and the other learns what is there; then both go on with the order number that is there, or one of them waits.",
        source: DRAFT,
        clues: &[Clue::Request, Clue::Heard(2)],
    },
    Rule {
        name: CONFLICT,
        title: "a key that was used with another body is a conflict, and nothing else is",
        why: "A client that uses a key again by mistake would be told of an order that it did not ask for, and its second order would never be made.",
        look: "What is compared: the whole body with the one in the record, item and amount, before anything is done or answered.",
        source: DRAFT,
        clues: &[
            Clue::Request,
            Clue::Heard(1),
            Clue::Look(
                Evidence::Says("very body"),
                "which body was first: only the record in the database knows. The run at this server may have the other body.",
            ),
            Clue::Look(
                Evidence::Says("nobody has used this key"),
                "what happens to the same request when it comes again: it waits, or gets TryAgain; only another body is a conflict.",
            ),
        ],
    },
    Rule {
        name: PER_CLIENT,
        title: "a key belongs to the account that uses it",
        why: "Two customers whose libraries both count from 1 get each other's orders: one of them is told of an order that is not its own, and its own order is never charged.",
        look: "What the record is stored under, and what is looked up in memory: account and key together.",
        source: LEACH,
        clues: &[Clue::Request, Clue::Heard(1)],
    },
    Rule {
        name: SURVIVES,
        title: "a server may crash between any two effects; when the request is sent again it is completed, once",
        why: "Between the charge and the order a crash takes the money and gives nothing; between the order and the answer it makes the next try a second order.",
        look: "What is in the database before each effect that cannot be undone: the number of the order before its Charge, the order before Created. And what a server does when it finds an unfinished record.",
        source: LEACH,
        clues: &[
            Clue::Crash,
            Clue::Heard(2),
            Clue::Sent,
            Clue::Look(
                Evidence::Says("no order stands"),
                "what leads to Created: Placed, and the outcome in the record. After Paid alone the customer has no order.",
            ),
            Clue::Look(
                Evidence::Says("a server had crashed"),
                "what is done with an unfinished record: its order number is used, not a new one.",
            ),
        ],
    },
    Rule {
        name: SOON,
        title: "a key is valid for at least `keeps`, by the clock of the database",
        why: "A client that was offline overnight asks again in the morning. If its key has gone by then, it pays twice.",
        look: "`keep` of every Write of a record, even of an unfinished one; and which clock says how old a record is: the database's clock, not this server's.",
        source: STRIPE,
        clues: &[Clue::Heard(2), Clue::Sent],
    },
    Rule {
        name: BOUNDED,
        title: "nothing of a request is kept for ever except its order",
        why: "A table that only grows is full one night; a map in memory that only grows kills the server every few days.",
        look: "`keep` of every Write, at most twice `keeps`; and what a server still has in its fields a while after everything is answered.",
        source: STRIPE,
        clues: &[
            Clue::Sent,
            Clue::Look(
                Evidence::Says("its fields"),
                "what is put into this server's fields for each request, and where it is removed: a run when it ends, a cache entry when the cache is full.",
            ),
        ],
    },
    Rule {
        name: ANSWERS_IN_TIME,
        title: "every request is answered once, within a second; when nothing goes wrong any more, the answer is final within three",
        why: "A client that gets no answer cannot know whether to wait or to ask again; one that gets TryAgain for ever has no order, and perhaps has paid.",
        look: "What is sent again when no answer has come, what a second request finds while the first is still open, and what happens to a record whose server is gone.",
        source: DRAFT,
        clues: &[
            Clue::Request,
            Clue::Lost,
            Clue::Look(Evidence::Says("a second time"), "where a ticket is removed: a client that was answered no longer waits."),
        ],
    },
];
