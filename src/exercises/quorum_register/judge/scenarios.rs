//! Scenarios of `quorum_register`: several real nodes, the network in the script's hands, clients whose history is checked.

use super::script::{Desk, Post, ended, net, willing};
use super::{BUDGET, LINEAR, MAJORITY};
use crate::exercises::kit::{N1, N2, N3, N4, N5};
use crate::exercises::quorum_register::{Held, Message, QuorumRegister, Request, Value};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, NodeId, Numbers};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use std::time::Duration;

const PATIENCE: Duration = millis(1_500);

fn write(value: u64) -> Request {
    Request::Write(Value(value))
}

/// Whether a letter goes to or comes from another node than itself, and `n` is one of the two.
fn touches(l: &Post, n: NodeId) -> bool {
    l.from != l.to && (l.from == n || l.to == n)
}

fn fine(_: &Post) -> bool {
    false
}

pub(super) fn add(suite: &mut Suite, f: Factory<QuorumRegister>) {
    meets(suite, f);
    inversion(suite, f);
    suite.scenario(MAJORITY, "1,100 operations, one after the other", move |p| many(f, p));
    suite.scenario(BUDGET, "one write and one read in fair weather", move |p| {
        for request in [write(7), Request::Read] {
            let mut s = net(f, p, 5, 5)?;
            s.ask(N1, request)?;
            let mut sent = 0;
            s.world.let_run(millis(1_000), |_| {
                sent += 1;
                false
            })?;
            s.expect(BUDGET, sent <= 40, || {
                format!("with five nodes and no message lost, that took {sent} messages; two round trips to all are 20")
            })?;
        }
        Ok(())
    });
}

/// Of so many operations the last may still have something to say to those that were slow.
const LEFT: u64 = 10;

/// Each under a number of its own: so many that ten bits run out, and that what is drawn from sixteen comes again.
fn many(f: Factory<QuorumRegister>, p: &Probe) -> Check {
    let (mut w, mut numbers, mut n2) = (net(f, p, 2, 1)?.world, Numbers::default(), Held::INITIAL);
    for nth in 1..=1_100 {
        let ticket = w.request(N1, if nth % 2 == 0 { write(nth) } else { Request::Read })?;
        for _ in 0..100 {
            for letter in w.take_sent() {
                let (Message::Query(id) | Message::Store(id, _)) = letter.message else { continue };
                if let Some(first) = numbers.uses(id.0, nth, w.now(), nth.saturating_sub(LEFT)) {
                    let step = w.sent_in(letter.id);
                    let seen = format!(
                        "n1 was asked for {nth} operations, one after the other; for the last of them it asks under {id:?}, as it did for number {first}: a late answer to that one would count for this one"
                    );
                    return Err(Broken::new(MAJORITY, seen).at(step).in_step(step));
                }
                if let Message::Store(_, held) = letter.message
                    && held.at > n2.at
                {
                    n2 = held;
                }
                willing(&letter, n2).into_iter().try_for_each(|m| w.tell(N2, N1, m))?;
            }
            // Numbers may be times.
            w.wait(millis(2))?;
            if w.answer_to(ticket).is_some() {
                break;
            }
        }
        if w.answer_to(ticket).is_none() {
            // That is another rule's.
            return Ok(());
        }
    }
    Ok(())
}

fn meets(suite: &mut Suite, f: Factory<QuorumRegister>) {
    suite.scenario(LINEAR, "written to n1 and n2, read from n2 and n3", move |p| {
        let (mut s, mut desk) = (net(f, p, 3, 3)?.patient(PATIENCE), Desk::default());
        for (client, at, cut, request) in [(1, N1, N3, write(7)), (2, N3, N1, Request::Read)] {
            s.cut(&[cut]);
            let ticket = desk.does(&mut s, client, at, request.clone(), PATIENCE, fine)?;
            ended(&s, ticket, &request)?;
        }
        desk.check(&s, "the write reached n1 and n2, the read n2 and n3")
    });
}

fn inversion(suite: &mut Suite, f: Factory<QuorumRegister>) {
    // One client has seen the new value; the next reader asks a majority without the replica that had it.
    suite.scenario(LINEAR, "new–old inversion", move |p| {
        for reader in [N1, N2] {
            let (mut w, mut desk) = (net(f, p, 3, 3)?, Desk::default());
            let no_store_gets_out = |l: &Post| l.from == N1 && l.to != N1 && matches!(l.message, Message::Store(..));
            desk.does(&mut w, 1, N1, write(7), millis(200), no_store_gets_out)?;
            if reader == N1 {
                // The writer restarts, so that only its disk knows of the write, and reads.
                w.restart(N1)?;
            }
            desk.does(&mut w, 2, reader, Request::Read, PATIENCE, |l| touches(l, N3) || no_store_gets_out(l))?;
            w.crash(N1)?;
            desk.does(&mut w, 3, N3, Request::Read, PATIENCE, fine)?;
            desk.check(&w, "no Store of the write left n1; one reader asked n1 and n2, then n1 crashed and the next asked n2 and n3")?;
        }
        Ok(())
    });
    suite.scenario(LINEAR, "a write that was cut short, seen by one reader of five nodes", move |p| {
        let (mut w, mut desk) = (net(f, p, 5, 5)?, Desk::default());
        let only_n2 = |l: &Post| l.from == N1 && l.to != N2 && l.to != N1 && matches!(l.message, Message::Store(..));
        desk.does(&mut w, 1, N1, write(7), millis(100), only_n2)?;
        w.crash(N1)?;
        desk.does(&mut w, 2, N3, Request::Read, PATIENCE, |l| touches(l, N5))?;
        w.crash(N2)?;
        desk.does(&mut w, 3, N5, Request::Read, PATIENCE, fine)?;
        desk.does(&mut w, 2, N4, Request::Read, PATIENCE, fine)?;
        desk.check(&w, "the write reached n1 and n2 before n1 crashed; n3 read with n2 and n4, n2 crashed, n5 and n4 read with n3")
    });
}
