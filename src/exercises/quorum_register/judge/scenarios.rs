//! Scenarios of `quorum_register`: several real nodes, the network in the script's hands, clients whose history is checked.

use super::script::{Desk, N1, N2, N3, N4, N5, Net, Post, net, willing};
use super::{BUDGET, ENDS, MAJORITY, SAVES};
use crate::exercises::quorum_register::{Held, Message, QuorumRegister, Request, Response, Value};
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

/// An operation that a majority could have answered in all that time must have ended.
fn ended(answer: Option<Response>, w: &Net, story: &str) -> Check {
    match answer {
        Some(_) => Ok(()),
        None => Err(Broken::new(ENDS, format!("{story}: a majority could be reached for 1.5 s, and it did not end"))
            .unanswered()
            .at([w.steps()])),
    }
}

pub(super) fn add(suite: &mut Suite, f: Factory<QuorumRegister>) {
    ends(suite, f);
    survives(suite, f);
    meets(suite, f);
    inversion(suite, f);
    suite.scenario(MAJORITY, "a thousand operations, one after the other", move |p| many(f, p));
    suite.scenario(BUDGET, "one write and one read in fair weather", move |p| {
        for request in [write(7), Request::Read] {
            let mut w = net(f, p, 5, 5)?;
            w.request(N1, request.clone())?;
            let mut sent = 0;
            w.let_run(millis(1_000), |_| {
                sent += 1;
                false
            })?;
            if sent > 40 {
                let seen = format!("N = 5, nothing is lost: {sent} messages for one {request:?}; two round trips to all are 20");
                return Err(Broken::new(BUDGET, seen).at([w.steps()]));
            }
        }
        Ok(())
    });
}

/// Of so many operations the last may still have something to say to those that were slow.
const LEFT: u64 = 10;

/// Each under a number of its own: so many that eight bits run out, and that what is drawn from sixteen comes again.
fn many(f: Factory<QuorumRegister>, p: &Probe) -> Check {
    let (mut w, mut numbers, mut n2) = (net(f, p, 2, 1)?, Numbers::default(), Held::INITIAL);
    for nth in 1..=1_000 {
        let ticket = w.request(N1, if nth % 2 == 0 { write(nth) } else { Request::Read })?;
        for _ in 0..100 {
            for letter in w.take_sent() {
                let (Message::Query(id) | Message::Store(id, _)) = letter.message else { continue };
                if let Some(first) = numbers.uses(id.0, nth, w.now(), nth.saturating_sub(LEFT)) {
                    let step = w.sent_in(letter.id);
                    let seen = format!(
                        "n1 was asked for {nth} operations, one after the other; for the last of them it asks under {id:?}, as for number {first}: a late answer to that would count for this"
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

fn ends(suite: &mut Suite, f: Factory<QuorumRegister>) {
    for (name, n, down) in
        [("three nodes, one of them down", 3, 1), ("five nodes, two of them down", 5, 2), ("four nodes, one of them down", 4, 1)]
    {
        suite.scenario(ENDS, name, move |p| {
            let (mut w, mut desk) = (net(f, p, n, n - down)?, Desk::default());
            let story = format!("N = {n}, {down} of them down");
            let written = desk.does(&mut w, 1, N1, write(7), PATIENCE, fine)?;
            ended(written, &w, &format!("{story}; n1 was asked to write 7"))?;
            let read = desk.does(&mut w, 2, N2, Request::Read, PATIENCE, fine)?;
            ended(read, &w, &format!("{story}; n2 was asked to read"))?;
            desk.check(&w, &story)
        });
    }
    suite.scenario(ENDS, "everything is lost for a while", move |p| {
        let (mut w, mut desk) = (net(f, p, 3, 3)?, Desk::default());
        for (at, request) in [(N1, write(7)), (N2, Request::Read)] {
            let from = w.now();
            let end = from + millis(300);
            // The filter cannot see the clock: the first 300 ms are waited for in pieces.
            let ticket = w.request(at, request.clone())?;
            while w.now() < end {
                w.let_run(millis(1), |_| true)?;
            }
            w.let_run(PATIENCE, fine)?;
            let answer = w.answer_to(ticket).cloned();
            ended(answer, &w, &format!("{at} got {request:?}, everything was lost for 300 ms, and nothing after that"))?;
        }
        let read = desk.does(&mut w, 1, N3, Request::Read, PATIENCE, fine)?;
        ended(read, &w, "then n3 was asked to read")
    });
}

fn survives(suite: &mut Suite, f: Factory<QuorumRegister>) {
    suite.scenario(SAVES, "all nodes restart after an acknowledged write", move |p| {
        let (mut w, mut desk) = (net(f, p, 3, 3)?, Desk::default());
        if desk.does(&mut w, 1, N1, write(7), PATIENCE, fine)?.is_none() {
            return Ok(());
        }
        for n in [N1, N2, N3] {
            w.kill(n)?;
        }
        for n in [N1, N2, N3] {
            w.boot(n)?;
        }
        match desk.does(&mut w, 2, N2, Request::Read, PATIENCE, fine)? {
            Some(Response::Read(v)) if v != Value(7) => {
                let seen = format!("n1 acknowledged a write of 7; all three nodes crashed and restarted; n2 then read {}", v.0);
                Err(Broken::new(SAVES, seen).at([w.steps()]))
            }
            _ => Ok(()),
        }
    });
    suite.scenario(SAVES, "the only replica in which two majorities meet restarts", move |p| {
        for coordinator in [N1, N2] {
            let (mut w, mut desk) = (net(f, p, 3, 3)?, Desk::default());
            if desk.does(&mut w, 1, coordinator, write(7), PATIENCE, |l| touches(l, N3))?.is_none() {
                continue;
            }
            w.kill(N1)?;
            w.reboot(N2)?;
            if let Some(Response::Read(v)) = desk.does(&mut w, 2, N3, Request::Read, PATIENCE, fine)?
                && v != Value(7)
            {
                let seen = format!(
                    "{coordinator} acknowledged a write of 7 while n3 was cut off; n1 crashed, n2 crashed and restarted, n3 was reconnected and read {}",
                    v.0
                );
                return Err(Broken::new(SAVES, seen).at([w.steps()]));
            }
        }
        Ok(())
    });
}

fn meets(suite: &mut Suite, f: Factory<QuorumRegister>) {
    suite.scenario(super::LINEAR, "written to n1 and n2, read from n2 and n3", move |p| {
        let (mut w, mut desk) = (net(f, p, 3, 3)?, Desk::default());
        let written = desk.does(&mut w, 1, N1, write(7), PATIENCE, |l| touches(l, N3))?;
        ended(written, &w, "n3 was cut off, n1 was asked to write 7")?;
        let read = desk.does(&mut w, 2, N3, Request::Read, PATIENCE, |l| touches(l, N1))?;
        ended(read, &w, "n1 was cut off, n3 was asked to read")?;
        desk.check(&w, "the write met n1 and n2, the read n2 and n3")
    });
    suite.scenario(super::LINEAR, "writers take turns, each with another majority", move |p| {
        let (mut w, mut desk) = (net(f, p, 3, 3)?, Desk::default());
        // (who writes, who is cut off): each write's majority differs from the last one's.
        for (value, at, cut) in [(1, N1, N3), (2, N1, N3), (3, N1, N3), (4, N3, N1), (5, N2, N3), (6, N1, N2), (7, N3, N1)] {
            desk.does(&mut w, 1 + at.index() as u32, at, write(value), PATIENCE, |l| touches(l, cut))?;
            for reader in [N1, N2, N3].into_iter().filter(|r| *r != cut) {
                desk.does(&mut w, 4, reader, Request::Read, PATIENCE, |l| touches(l, cut))?;
            }
        }
        desk.check(&w, "three writers took turns, one node cut off at a time")
    });
    suite.scenario(super::LINEAR, "five nodes, majorities that meet in one", move |p| {
        let (mut w, mut desk) = (net(f, p, 5, 5)?, Desk::default());
        let left = |l: &Post| touches(l, N4) || touches(l, N5);
        let right = |l: &Post| touches(l, N1) || touches(l, N2);
        desk.does(&mut w, 1, N1, write(1), PATIENCE, left)?;
        desk.does(&mut w, 2, N5, Request::Read, PATIENCE, right)?;
        desk.does(&mut w, 2, N5, write(2), PATIENCE, right)?;
        desk.does(&mut w, 1, N1, Request::Read, PATIENCE, left)?;
        desk.does(&mut w, 1, N2, write(3), PATIENCE, left)?;
        desk.does(&mut w, 2, N4, Request::Read, PATIENCE, right)?;
        desk.check(&w, "n1, n2 and n3 were one majority, n3, n4 and n5 the other")
    });
    suite.scenario(super::LINEAR, "four nodes in two halves", move |p| {
        let (mut w, mut desk) = (net(f, p, 4, 4)?, Desk::default());
        let halves = |l: &Post| (l.from.index() < 2) != (l.to.index() < 2);
        desk.does(&mut w, 1, N1, write(1), millis(600), halves)?;
        desk.does(&mut w, 2, N3, Request::Read, millis(600), halves)?;
        desk.does(&mut w, 2, N4, write(2), millis(600), halves)?;
        desk.does(&mut w, 1, N2, Request::Read, millis(600), halves)?;
        desk.check(&w, "n1 and n2 could not reach n3 and n4: neither half is a majority")
    });
}

fn inversion(suite: &mut Suite, f: Factory<QuorumRegister>) {
    // One client has seen the new value; the next reader asks a majority without the replica that had it.
    suite.scenario(super::LINEAR, "new–old inversion", move |p| {
        for reader in [N1, N2] {
            let (mut w, mut desk) = (net(f, p, 3, 3)?, Desk::default());
            let no_store_gets_out = |l: &Post| l.from == N1 && l.to != N1 && matches!(l.message, Message::Store(..));
            desk.does(&mut w, 1, N1, write(7), millis(200), no_store_gets_out)?;
            if reader == N1 {
                // The writer restarts, so that only its disk knows of the write, and reads.
                w.reboot(N1)?;
            }
            desk.does(&mut w, 2, reader, Request::Read, PATIENCE, |l| touches(l, N3) || no_store_gets_out(l))?;
            w.kill(N1)?;
            desk.does(&mut w, 3, N3, Request::Read, PATIENCE, fine)?;
            desk.check(
                &w,
                "no Store of the write got out of n1; one reader asked n1 and n2, then n1 crashed and the next asked n2 and n3",
            )?;
        }
        Ok(())
    });
    suite.scenario(super::LINEAR, "a write that was cut short, seen by one reader of five nodes", move |p| {
        let (mut w, mut desk) = (net(f, p, 5, 5)?, Desk::default());
        let only_n2 = |l: &Post| l.from == N1 && l.to != N2 && l.to != N1 && matches!(l.message, Message::Store(..));
        desk.does(&mut w, 1, N1, write(7), millis(100), only_n2)?;
        w.kill(N1)?;
        desk.does(&mut w, 2, N3, Request::Read, PATIENCE, |l| touches(l, N5))?;
        w.kill(N2)?;
        desk.does(&mut w, 3, N5, Request::Read, PATIENCE, fine)?;
        desk.does(&mut w, 2, N4, Request::Read, PATIENCE, fine)?;
        desk.check(&w, "the write reached n1 and n2 before n1 crashed; n3 read with n2 and n4, n2 crashed, n5 and n4 read with n3")
    });
}
