//! The hidden tests of `two_phase_commit`: what one node may do is in `spec`, what shows only between nodes in `safety`, `swarm` and
//! `exploration`; here are examples, traps, and the blocking window, which is shown.

mod coordinator;
mod exploration;
mod participant;
mod rules;
mod safety;
mod spec;
mod swarm;

use super::{ANSWERS, ASKS, Account, Change, Config, Message, Outcome, Record, Request, Response, TAKES, TwoPhaseCommit, TxId, Vote};
use crate::exercises::kit::{N1, N2, N3, Script, crash_sweep};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, Node, NodeId};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use rules::{ABORTS, ATOMIC, CHANGES, ENDS, FREES, IDS, IN_TIME, LOCKS, NEEDS, ONCE, RULES, SAVED, TRUTH, VOTES, WAITS, YES};
use std::collections::BTreeSet;

const A1: Account = Account(1);
const T7: TxId = TxId(7);
/// How long the coordinator is down in the scenario that shows what blocks.
const DOWN_MS: u64 = 2_000;

/// n1 coordinates, and every account opens with 100.
fn config() -> Config {
    Config { coordinator: N1, opening: 100 }
}

/// 30 from an account of n2 to one of n3.
fn transfer() -> Request {
    Request::Transact([(N2, Change { account: A1, by: -30 }), (N3, Change { account: A1, by: 30 })].into())
}

/// The hidden tests, for one implementation.
#[must_use]
pub fn judge<N: Node<TwoPhaseCommit>>() -> Suite {
    suite(Factory::of::<N>())
}

fn suite(f: Factory<TwoPhaseCommit>) -> Suite {
    let mut suite = Suite::new("two_phase_commit", &RULES, swarm::swarm(f)).with_storms(spec::storms(f));
    examples(&mut suite, f);
    suite.scenario(YES, "a crash between any two effects of a vote", move |p| {
        for swept in crash_sweep(N2, || participant(f, p), |s| prepare(s, T7, -30)) {
            let (mut s, ()) = swept?;
            // Only what has left binds.
            let voted = s.world.take_sent_to(N1).iter().any(|e| e.message == Message::Voted(T7, Vote::Yes));
            if voted {
                reads(&mut s, YES, N2, Response::Locked)?;
            }
        }
        Ok(())
    });
    suite.scenario(ONCE, "a crash between any two effects of a commit, which is sent again", move |p| {
        let prepared = || {
            let mut s = participant(f, p)?;
            prepare(&mut s, T7, -30)?;
            s.wait(TAKES)?;
            Ok(s)
        };
        for swept in crash_sweep(N2, prepared, |s| s.tell(N1, N2, Message::Decided(T7, Outcome::Commit))) {
            let (mut s, ()) = swept?;
            s.tell(N1, N2, Message::Decided(T7, Outcome::Commit))?;
            s.wait(TAKES)?;
            reads(&mut s, ONCE, N2, Response::Balance(70))?;
        }
        Ok(())
    });
    suite.scenario(WAITS, "the coordinator is down when all have voted", move |p| blocks(f, p));
    exploration::add(&mut suite, f);
    suite
}

fn examples(suite: &mut Suite, f: Factory<TwoPhaseCommit>) {
    suite.vector(ABORTS, "a transfer to which both say Yes", move |p| {
        let mut s = Script::up(f, p, vec![config(); 3])?;
        let ticket = s.ask(N1, transfer())?;
        s.run(millis(400))?;
        s.one_answer(ABORTS, ticket, "Committed", |answer| matches!(answer, Response::Committed(_)))?;
        reads(&mut s, ONCE, N2, Response::Balance(70))?;
        reads(&mut s, ONCE, N3, Response::Balance(130))
    });
    suite.vector(NEEDS, "a transfer that one of two cannot make", move |p| {
        let mut s = Script::up(f, p, vec![config(); 3])?;
        let much = [(N2, Change { account: A1, by: -101 }), (N3, Change { account: A1, by: 101 })].into();
        let ticket = s.ask(N1, Request::Transact(much))?;
        s.run(millis(400))?;
        s.one_answer(NEEDS, ticket, "Aborted", |answer| matches!(answer, Response::Aborted(_)))?;
        reads(&mut s, ATOMIC, N2, Response::Balance(100))?;
        reads(&mut s, ATOMIC, N3, Response::Balance(100))
    });
    suite.vector(LOCKS, "a read between the vote and the decision", move |p| {
        let mut s = participant(f, p)?;
        prepare(&mut s, T7, -30)?;
        s.wait(TAKES)?;
        reads(&mut s, LOCKS, N2, Response::Locked)?;
        s.tell(N1, N2, Message::Decided(T7, Outcome::Commit))?;
        s.wait(TAKES)?;
        reads(&mut s, FREES, N2, Response::Balance(70))
    });
    suite.vector(IDS, "three hundred transactions of one life", move |p| many(f, p));
    suite.vector(FREES, "sixty accounts of one life", move |p| long(f, p));
    suite.vector(FREES, "six hundred transactions that end before they are prepared", move |p| over(f, p));
    suite.vector(FREES, "a Prepare that comes after the abort", move |p| {
        let mut s = participant(f, p)?;
        s.tell(N1, N2, Message::Decided(T7, Outcome::Abort))?;
        prepare(&mut s, T7, -30)?;
        s.wait(TAKES)?;
        reads(&mut s, FREES, N2, Response::Balance(100))
    });
}

/// One of three commits, one is refused, and one gets no vote; the participant is never done, so that all commits are kept.
fn many(f: Factory<TwoPhaseCommit>, p: &Probe) -> Check {
    let mut s = Script::new(f, p, vec![config(); 2]);
    s.start(N1)?;
    let mut numbers = BTreeSet::new();
    let mut begin = |s: &mut Script<'static, TwoPhaseCommit>| {
        let ticket = s.ask(N1, Request::Transact([(N2, Change { account: A1, by: 1 })].into()))?;
        s.wait(TAKES)?;
        let number = |message: &Message| if let Message::Prepare { tx, .. } = message { Some(*tx) } else { None };
        let tx = s.world.take_sent_to(N2).iter().find_map(|e| number(&e.message));
        let Some(tx) = tx else { return Err(s.broken(ABORTS, "n1 was asked for a transaction, but did not ask n2 to prepare it")) };
        s.expect(IDS, numbers.insert(tx), || format!("each must have its own number, but {tx:?} comes a second time"))?;
        Ok((ticket, tx))
    };
    let mut last = None;
    for i in 0..=300 {
        let (ticket, tx) = begin(&mut s)?;
        match i % 3 {
            0 => s.tell(N2, N1, Message::Voted(tx, Vote::Yes))?,
            1 => s.tell(N2, N1, Message::Voted(tx, Vote::No))?,
            _ => {}
        }
        s.wait(ANSWERS)?;
        let (expected, outcome) =
            if i % 3 == 0 { (Response::Committed(tx), Outcome::Commit) } else { (Response::Aborted(tx), Outcome::Abort) };
        s.one_answer(ABORTS, ticket, &format!("{expected:?}"), |answer| *answer == expected)?;
        let told = s.world.take_sent_to(N2).iter().any(|e| e.message == Message::Decided(tx, outcome));
        s.expect(FREES, told || i % 3 == 1, || format!("n2 must have been told {:?}, but was not", Message::Decided(tx, outcome)))?;
        last = if i % 3 == 0 { Some(tx) } else { last };
    }
    s.restart(N1)?;
    begin(&mut s)?;
    let Some(tx) = last else { return Ok(()) };
    s.tell(N2, N1, Message::Ask(tx))?;
    s.wait(TAKES)?;
    let told = s.world.take_sent_to(N2).iter().any(|e| e.message == Message::Decided(tx, Outcome::Commit));
    s.expect(CHANGES, told, || format!("n2 must be told that {tx:?} has committed, but was not"))
}

/// A transaction on each of many accounts: refused, prepared, asked for in doubt, ended, and told again.
fn long(f: Factory<TwoPhaseCommit>, p: &Probe) -> Check {
    let mut s = participant(f, p)?;
    let prepare = |s: &mut Script<'static, TwoPhaseCommit>, tx: u64, account: Account, by: i64| {
        s.tell(N1, N2, Message::Prepare { tx: TxId(tx), change: Change { account, by }, participants: [N2, N3].into() })?;
        s.wait(TAKES)?;
        Ok::<bool, Broken>(s.world.take_sent_to(N1).iter().any(|e| e.message == Message::Voted(TxId(tx), Vote::Yes)))
    };
    let asks = |s: &mut Script<'static, TwoPhaseCommit>, tx: u64| {
        s.wait(ASKS + TAKES)?;
        let asks = s.world.take_sent_to(N1).iter().any(|e| e.message == Message::Ask(TxId(tx)));
        s.expect(ENDS, asks, || format!("n2 is in doubt about t{tx}, but has not asked n1 for {} ms", ASKS.as_millis()))
    };
    for i in 0..60 {
        let account = Account(i);
        let (refused, tx, late) = (TxId(3 * i), 3 * i + 1, TxId(3 * i + 2));
        s.say(format!("n2 is at its account {account:?}, with 100 in it"));
        s.tell(N1, N2, Message::Decided(late, Outcome::Abort))?;
        let yes = prepare(&mut s, refused.0, account, -101)?;
        s.expect(VOTES, !yes, || format!("it was asked for {:?}, but voted Yes", Change { account, by: -101 }))?;
        let yes = prepare(&mut s, tx, account, 10)?;
        s.expect(ABORTS, yes, || format!("it was asked for {:?}, but did not vote Yes", Change { account, by: 10 }))?;
        if i == 59 {
            s.restart(N2)?;
        }
        asks(&mut s, tx)?;
        read(&mut s, LOCKS, N2, account, Response::Locked)?;
        let (outcome, balance) = if i % 4 == 3 { (Outcome::Abort, 100) } else { (Outcome::Commit, 110) };
        for _ in 0..2 {
            s.tell(N1, N2, Message::Decided(TxId(tx), outcome))?;
            s.wait(TAKES)?;
            let done = s.world.take_sent_to(N1).iter().any(|e| e.message == Message::Done(TxId(tx)));
            s.expect(FREES, done, || format!("it was told {outcome:?} for t{tx}, but did not answer Done"))?;
            read(&mut s, ONCE, N2, account, Response::Balance(balance))?;
        }
        prepare(&mut s, tx, account, 10)?;
        prepare(&mut s, late.0, account, 10)?;
        read(&mut s, FREES, N2, account, Response::Balance(balance))?;
        if i < 59 {
            let yes = prepare(&mut s, refused.0, account, -101)?;
            s.expect(CHANGES, !yes, || format!("it had voted No to {refused:?}, but now votes Yes"))?;
        }
    }
    Ok(())
}

/// Three hundred are refused while another one holds the account, and three hundred aborts overtake their Prepare; then the account is
/// free, and all of them are asked for again.
fn over(f: Factory<TwoPhaseCommit>, p: &Probe) -> Check {
    let mut s = participant(f, p)?;
    let refused = 1..=300;
    let yes = |s: &mut Script<'static, TwoPhaseCommit>, mut txs: std::ops::RangeInclusive<u64>| {
        txs.clone().try_for_each(|tx| prepare(s, TxId(tx), 10))?;
        s.wait(TAKES)?;
        let sent = s.world.take_sent_to(N1);
        let found = txs.find(|tx| sent.iter().any(|e| e.message == Message::Voted(TxId(*tx), Vote::Yes)));
        Ok::<Option<TxId>, Broken>(found.map(TxId))
    };
    let holds = yes(&mut s, 0..=0)?;
    s.expect(ABORTS, holds.is_some(), || "it must vote Yes to that, but did not".to_owned())?;
    let other = yes(&mut s, refused.clone())?;
    s.say("n2 voted Yes to t0, and was then asked for t1 to t300 on the same account");
    s.expect(LOCKS, other.is_none(), || format!("t0 holds that account, but n2 voted Yes to {other:?}"))?;
    (301..=600).try_for_each(|tx| s.tell(N1, N2, Message::Decided(TxId(tx), Outcome::Abort)))?;
    s.wait(TAKES)?;
    s.tell(N1, N2, Message::Decided(TxId(0), Outcome::Abort))?;
    s.wait(TAKES)?;
    let again = yes(&mut s, 1..=600)?;
    s.say(
        "n2 voted Yes to t0, and No to t1 to t300 on the same account; it was told that t301 to t600 had aborted, and so had t0; then it was asked for t1 to t600",
    );
    if let Some(tx) = again {
        let had = if refused.contains(&tx.0) { "voted No to it" } else { "been told that it has aborted" };
        return Err(s.broken(if refused.contains(&tx.0) { CHANGES } else { FREES }, &format!("it voted Yes to {tx:?}, but had {had}")));
    }
    reads(&mut s, FREES, N2, Response::Balance(100))
}

/// n2 is up, and the script speaks for the others.
fn participant(f: Factory<TwoPhaseCommit>, p: &Probe) -> Result<Script<'static, TwoPhaseCommit>, Broken> {
    let mut s = Script::new(f, p, vec![config(); 3]);
    s.start(N2)?;
    Ok(s)
}

fn prepare(s: &mut Script<'static, TwoPhaseCommit>, tx: TxId, by: i64) -> Check {
    s.tell(N1, N2, Message::Prepare { tx, change: Change { account: A1, by }, participants: [N2, N3].into() })
}

/// Its account 1 is read, and must be answered with this.
fn reads(s: &mut Script<'static, TwoPhaseCommit>, rule: &'static str, node: NodeId, expected: Response) -> Check {
    read(s, rule, node, A1, expected)
}

fn read(s: &mut Script<'static, TwoPhaseCommit>, rule: &'static str, node: NodeId, account: Account, expected: Response) -> Check {
    let ticket = s.call(node, Request::Read(account))?;
    // Another balance is another mistake than a lock that is not there, or still is.
    let balances = [Some(&expected), s.answer_to(ticket)].into_iter().flatten().all(|answer| matches!(answer, Response::Balance(_)));
    s.answered(if balances { ONCE } else { rule }, ticket, &[expected])
}

/// The votes are lost with the coordinator: nobody can go on, and nobody may. How long, and what could not be done, is the lesson.
fn blocks(f: Factory<TwoPhaseCommit>, p: &Probe) -> Check {
    let mut s = Script::up(f, p, vec![config(); 3])?;
    s.ask(N1, transfer())?;
    let is_vote = |message: &Message| matches!(message, Message::Voted(..));
    let in_doubt = |s: &Script<'static, TwoPhaseCommit>, node| {
        s.saved(node).is_some_and(|saved| saved.log.values().any(|record| matches!(record, Record::Prepared(..))))
    };
    let mut since = None;
    // It may not give up yet.
    for _ in 0..50 {
        s.run_losing(millis(1), |e| is_vote(&e.message))?;
        since = since.or((in_doubt(&s, N2) && in_doubt(&s, N3)).then(|| s.now()));
    }
    let Some(since) = since else { return Ok(()) };
    s.say("n1 asked n2 and n3 to prepare a transfer; both voted Yes, but the votes were lost");
    s.crash(N1)?;
    let mut refused = 0;
    for _ in 0..DOWN_MS / 100 {
        s.run_losing(millis(100), |_| false)?;
        for node in [N2, N3] {
            reads(&mut s, WAITS, node, Response::Locked)?;
            refused += 1;
        }
    }
    s.start(N1)?;
    let end = s.now() + ANSWERS + ASKS + TAKES * 2;
    while s.now() < end && (in_doubt(&s, N2) || in_doubt(&s, N3)) {
        s.run_losing(millis(1), |_| false)?;
    }
    let doubt = s.now().since(since).as_millis();
    for node in [N2, N3] {
        s.expect(ENDS, !in_doubt(&s, node), || format!("{node} must have learned how the transfer ended, but is still in doubt"))?;
        reads(&mut s, ENDS, node, Response::Balance(100))?;
    }
    p.remark(format!(
        "The blocking window. n2 and n3 voted Yes to a transfer, and n1 crashed before it had the votes. It was down for {DOWN_MS} ms, and they were in \
         doubt for {doubt} ms: {refused} reads of the account were answered with Locked, and every other transfer that touches it would have been refused. Even if \
         each knew that the other was in doubt too, neither could commit or abort. That is not a bug of yours: it is the price of \
         two-phase commit."
    ));
    Ok(())
}
