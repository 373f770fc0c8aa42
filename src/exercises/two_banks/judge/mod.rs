//! The hidden tests of `two_banks`: what one server may do is in `spec`, `cp` and `ap`, what comes in in `surroundings`; here are examples and
//! traps. `lesson` shows one partition under both choices.

mod ap;
mod cp;
mod exploration;
mod lesson;
mod rules;
mod spec;
mod surroundings;
mod swarm;

use super::{AGAIN, ANSWERS, Account, Choice, Config, Entry, Message, Request, RequestId, Response, Server, TAKES, TwoBanks};
use crate::exercises::kit::{N1, N2, Script};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, NodeId, Ticket};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use std::collections::BTreeSet;

pub(super) const BOTH: &str = "done_is_on_both";
pub(super) const LINEAR: &str = "linearizable";
pub(super) const HONEST: &str = "honest_words";
pub(super) const ORDER: &str = "one_change_after_the_other";
pub(super) const SERVES: &str = "serves_when_it_can";
pub(super) const AVAILABLE: &str = "always_available";
pub(super) const SUFFICES: &str = "pays_what_is_there";
pub(super) const MERGES: &str = "each_entry_counts_once";
pub(super) const OVERDRAWN: &str = "overdrawn_is_said";
pub(super) const SENDS: &str = "sent_until_confirmed";
pub(super) const BOOK: &str = "entries_say_what_was_done";
pub(super) const EQUAL: &str = "both_sides_end_equal";
pub(super) const ONCE: &str = "answers_once_in_time";

const ALICE: Account = Account::Alice;

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Server>() -> Suite {
    suite(Factory::of::<N>())
}

fn config(choice: Choice) -> Config {
    Config { choice, opening: 100 }
}

/// One server runs; the script speaks for the other.
fn alone(f: Factory<TwoBanks>, p: &Probe, node: NodeId, choice: Choice) -> Result<Script<'static, TwoBanks>, Broken> {
    let mut s = Script::new(f, p, vec![config(choice); 2]).patient(ANSWERS + millis(10));
    s.start(node)?;
    Ok(s)
}

const fn entry(request: u32, by: i64) -> Entry {
    Entry { request: RequestId(request), account: ALICE, by }
}

fn suite(f: Factory<TwoBanks>) -> Suite {
    let mut suite = Suite::new("two_banks", &rules::RULES, swarm::swarm(f)).with_storms(surroundings::storms(f));
    consistent(&mut suite, f);
    available(&mut suite, f);
    exploration::add(&mut suite, f);
    suite.scenario(EQUAL, "the same partition under both choices", move |p| lesson::shown(f, p));
    suite
}

fn consistent(suite: &mut Suite, f: Factory<TwoBanks>) {
    suite.vector(BOTH, "CP: a withdrawal at the account's home", move |p| {
        let mut s = alone(f, p, N1, Choice::Cp)?;
        let ticket = s.ask(N1, Request::Withdraw(ALICE, 60))?;
        s.wait(TAKES)?;
        is_open(&s, BOTH, ticket, "n2 has not said Have to its entry")?;
        let sent = taken(&mut s);
        confirms(&mut s, &sent)?;
        s.wait(TAKES)?;
        told(&s, BOTH, ticket, "Done", |answer| *answer == Response::Done)
    });
    suite.vector(LINEAR, "CP: a read while a withdrawal is under way", move |p| {
        let mut s = alone(f, p, N1, Choice::Cp)?;
        s.ask(N1, Request::Withdraw(ALICE, 60))?;
        s.wait(TAKES)?;
        reads(&mut s, &[Response::Balance(100), Response::Unavailable], "n2 has not said Have to its Entry, so it does not count yet")?;
        let sent = taken(&mut s);
        confirms(&mut s, &sent)?;
        reads(&mut s, &[Response::Balance(40)], "n2 has the entry, so it counts")
    });
    suite.vector(LINEAR, "CP: a read at the server that has a copy", move |p| {
        let mut s = alone(f, p, N2, Choice::Cp)?;
        s.tell(N1, N2, Message::Entry(entry(7, -60)))?;
        let ticket = s.ask(N2, Request::Read(ALICE))?;
        s.wait(TAKES)?;
        is_open(&s, LINEAR, ticket, "n1, the home of Alice's account, has not answered")?;
        s.tell(N1, N2, Message::Answer(RequestId::of(ticket), Response::Balance(100)))?;
        s.wait(TAKES)?;
        told(&s, LINEAR, ticket, "Balance(100)", |answer| *answer == Response::Balance(100))
    });
    suite.vector(HONEST, "CP: two withdrawals while the link is cut", move |p| {
        let mut s = alone(f, p, N1, Choice::Cp)?;
        let first = s.ask(N1, Request::Withdraw(ALICE, 60))?;
        s.wait(TAKES)?;
        let second = s.ask_by(1, N1, Request::Withdraw(ALICE, 10))?;
        s.wait(ANSWERS)?;
        told(&s, HONEST, first, "Unknown", |answer| *answer == Response::Unknown)?;
        told(&s, HONEST, second, "Unavailable", |answer| *answer == Response::Unavailable)
    });
    suite.vector(ORDER, "CP: two withdrawals, of which the balance suffices for one", move |p| {
        let mut s = alone(f, p, N1, Choice::Cp)?;
        let first = s.ask(N1, Request::Withdraw(ALICE, 60))?;
        let second = s.ask_by(1, N1, Request::Withdraw(ALICE, 60))?;
        s.wait(TAKES)?;
        let is_second = |message: &Message| matches!(message, Message::Entry(entry) if entry.request == RequestId::of(second));
        let sent = taken(&mut s);
        s.expect(ORDER, !sent.iter().any(is_second), || {
            format!("the second must wait, but its Entry left before n2 had said Have to that of {first:?}")
        })?;
        is_open(&s, ORDER, second, "it is not known whether the first is done")?;
        confirms(&mut s, &sent)?;
        s.wait(TAKES)?;
        told(&s, SUFFICES, second, "Refused", |answer| *answer == Response::Refused)
    });
    suite.vector(SERVES, "CP: the other server asks the same thing three times", move |p| {
        let mut s = alone(f, p, N1, Choice::Cp)?;
        let ask = Message::Ask(RequestId(7), Request::Withdraw(ALICE, 60));
        s.tell(N2, N1, ask.clone())?;
        s.tell(N2, N1, ask.clone())?;
        s.wait(TAKES)?;
        let sent = taken(&mut s);
        confirms(&mut s, &sent)?;
        s.wait(TAKES)?;
        taken(&mut s);
        s.tell(N2, N1, ask)?;
        s.wait(TAKES)?;
        let sent = taken(&mut s).contains(&Message::Answer(RequestId(7), Response::Done));
        s.expect(SERVES, sent, || "the third must be answered like the first, with Done, and was not".to_owned())?;
        reads(&mut s, &[Response::Balance(40)], "r7 was asked three times, and is one change")
    });
}

fn available(suite: &mut Suite, f: Factory<TwoBanks>) {
    suite.vector(AVAILABLE, "AP: a withdrawal and a read while the link is cut", move |p| {
        let mut s = alone(f, p, N2, Choice::Ap)?;
        let ticket = s.ask(N2, Request::Withdraw(ALICE, 60))?;
        s.one_answer(AVAILABLE, ticket, "Done", |answer| *answer == Response::Done)?;
        let ticket = s.call(N2, Request::Read(ALICE))?;
        s.answered(MERGES, ticket, &[Response::Balance(40)])
    });
    suite.vector(MERGES, "AP: two entries, the last one first, and one of them twice", move |p| {
        let mut s = alone(f, p, N1, Choice::Ap)?;
        s.tell(N2, N1, Message::Entry(entry(8, -20)))?;
        s.tell(N2, N1, Message::Entry(entry(7, 5)))?;
        s.tell(N2, N1, Message::Entry(entry(8, -20)))?;
        let ticket = s.call(N1, Request::Read(ALICE))?;
        s.answered(MERGES, ticket, &[Response::Balance(85)])
    });
    suite.vector(OVERDRAWN, "AP: a withdrawal of 60 at each side, of 100", move |p| {
        let mut s = alone(f, p, N1, Choice::Ap)?;
        s.call(N1, Request::Withdraw(ALICE, 60))?;
        s.tell(N2, N1, Message::Entry(entry(7, -60)))?;
        let ticket = s.call(N1, Request::Read(ALICE))?;
        s.answered(OVERDRAWN, ticket, &[Response::Overdrawn(20)])
    });
    suite.vector(SUFFICES, "AP: a withdrawal of all, and one of 1", move |p| {
        let mut s = alone(f, p, N1, Choice::Ap)?;
        let all = s.call(N1, Request::Withdraw(ALICE, 100))?;
        s.answered(SUFFICES, all, &[Response::Done])?;
        let one = s.call(N1, Request::Withdraw(ALICE, 1))?;
        s.answered(SUFFICES, one, &[Response::Refused])
    });
    suite.vector(SENDS, "AP: a deposit whose entry is lost", move |p| {
        let mut s = alone(f, p, N1, Choice::Ap)?;
        s.call(N1, Request::Deposit(ALICE, 5))?;
        s.wait(TAKES)?;
        taken(&mut s);
        s.wait(AGAIN + millis(5))?;
        let sent = taken(&mut s).iter().any(|message| matches!(message, Message::Entry(Entry { account: ALICE, by: 5, .. })));
        s.expect(SENDS, sent, || "n2 has not said Have, but the entry was not sent again".to_owned())
    });
}

/// It may not have been answered yet.
fn is_open(s: &Script<'static, TwoBanks>, rule: &'static str, ticket: Ticket, why: &str) -> Check {
    let Some(answer) = s.answer_to(ticket) else { return Ok(()) };
    Err(s.broken(rule, &format!("{why}, but {ticket:?} was answered with {answer:?}")))
}

/// A request must have been answered so; that it was not answered at all is another rule.
fn told(s: &Script<'static, TwoBanks>, rule: &'static str, ticket: Ticket, kind: &str, fits: impl Fn(&Response) -> bool) -> Check {
    let rule = if s.answers_to(ticket).len() == 1 { rule } else { ONCE };
    s.one_answer(rule, ticket, kind, fits)
}

/// What n1 has sent since the last time.
fn taken(s: &mut Script<'static, TwoBanks>) -> Vec<Message> {
    s.world.take_sent_to(N2).into_iter().map(|e| e.message).collect()
}

/// n2 confirms each of these entries.
fn confirms(s: &mut Script<'static, TwoBanks>, sent: &[Message]) -> Check {
    let id = |message: &Message| if let Message::Entry(entry) = message { Some(entry.request) } else { None };
    let ids: BTreeSet<RequestId> = sent.iter().filter_map(id).collect();
    ids.into_iter().try_for_each(|id| s.tell(N2, N1, Message::Have(id)))
}

/// What is in Alice's account, and why.
fn reads(s: &mut Script<'static, TwoBanks>, allowed: &[Response], why: &str) -> Check {
    let ticket = s.call(N1, Request::Read(ALICE))?;
    s.one_answer(SERVES, ticket, "the balance", |_| true)?;
    let Some(answer) = s.answer_to(ticket).filter(|answer| !allowed.contains(answer)) else { return Ok(()) };
    let all: Vec<String> = allowed.iter().map(|answer| format!("{answer:?}")).collect();
    Err(s.broken(LINEAR, &format!("{why}: Read(Alice) must be answered with {}, and was with {answer:?}", all.join(" or "))))
}
