//! Vectors of `quorum_register` for the coordinator's half: n1 runs, the script plays all its peers. A coordinator may ask
//! whom it likes in what order, number its phases as it likes, and ask again; the scripts leave it that.

use super::script::{Net, ended, held, holds_now, net, shows, store, willing};
use super::{BACK, ENDS, KEEPS, LINEAR, SAVES};
use crate::exercises::kit::{N1, N2, N3, rows};
use crate::exercises::quorum_register::{Held, Message, QuorumRegister, Request, Response, Value};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, Ticket};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use std::time::Duration;

const OLD: Held = Held::INITIAL;
const NEW: Held = held(5, 2, 50);
/// Long enough to ask again a few times.
const LONG: Duration = millis(1_500);
/// More than anybody has room for who makes room for 32.
const CROWD: u64 = 40;
/// Long enough to ask again; nobody answers.
const SILENCE: Duration = millis(400);
/// Also for those that take one after the other, each phase by a tick.
const VERY_LONG: Duration = millis(8_000);

/// How many nodes there are, and how many of n1's peers answer.
const MAJORITIES: [(&str, (usize, usize)); 5] = [
    ("one peer of two answers", (3, 1)),
    ("two peers of four answer", (5, 2)),
    ("two peers of three answer", (4, 2)),
    ("a register on one node", (1, 0)),
    ("a register on two nodes", (2, 1)),
];

pub(super) fn add(suite: &mut Suite, f: Factory<QuorumRegister>) {
    rows(suite, ENDS, MAJORITIES, move |p, &(n, k)| {
        for (request, expected) in [(Request::Write(Value(7)), Response::Written), (Request::Read, Response::Read(Value(0)))] {
            let mut s = net(f, p, n, 1)?.patient(LONG);
            s.say(format!("of {n} nodes, n1 and {k} of its peers are up, a majority, and the peers answer at once"));
            let ticket = s.ask(N1, request.clone())?;
            s.play(LONG, |l| if l.to.index() <= k { willing(l, OLD) } else { Vec::new() })?;
            ended(&s, ticket, &request)?;
            s.answered(ENDS, ticket, &[expected])?;
        }
        Ok(())
    });
    suite.vector(ENDS, "forty operations at once", move |p| crowd(f, p));
    write_back(suite, f);
}

/// n1 of two nodes has been asked for so much at once, and n2 has been silent since.
fn crowded(f: Factory<QuorumRegister>, p: &Probe) -> Result<(Net, Vec<(Ticket, Request)>), Broken> {
    let (mut s, mut tickets) = (net(f, p, 2, 1)?.patient(VERY_LONG), Vec::new());
    for nth in 0..CROWD {
        let request = if nth % 2 == 0 { Request::Write(Value(nth + 100)) } else { Request::Read };
        tickets.push((s.ask_by(nth as usize, N1, request.clone())?, request));
    }
    s.play(SILENCE, |_| Vec::new())?;
    s.say(format!("with two nodes, n1 was asked for {CROWD} operations at once, and n2 was silent for 400 ms"));
    Ok((s, tickets))
}

/// With many operations open a node is still a replica; and all of them end, each once, when the peer is back.
fn crowd(f: Factory<QuorumRegister>, p: &Probe) -> Check {
    let (mut s, _) = crowded(f, p)?;
    store(&mut s, NEW)?;
    s.restart(N1)?;
    holds_now(&mut s, SAVES, NEW)?;
    let (mut s, tickets) = crowded(f, p)?;
    store(&mut s, NEW)?;
    holds_now(&mut s, KEEPS, NEW)?;
    let mut n2 = NEW;
    let end = s.now() + VERY_LONG;
    while s.now() < end && tickets.iter().any(|(ticket, _)| s.answer_to(*ticket).is_none()) {
        s.play(millis(20), |letter| {
            if let Message::Store(_, held) = letter.message
                && held.at > n2.at
            {
                n2 = held;
            }
            // Each answer comes twice.
            [willing(letter, n2), willing(letter, n2)].concat()
        })?;
    }
    s.say(format!(
        "with two nodes, n1 was asked for {CROWD} operations at once, and n2 was silent for 400 ms; then n2 was back for 8 s and answered everything at once, and twice"
    ));
    tickets.iter().try_for_each(|(ticket, request)| ended(&s, *ticket, request))
}

/// A request that must not have been answered yet.
fn open(s: &Net, ticket: Ticket, why: &str) -> Check {
    let step = s.answered_in(ticket, 0);
    s.expect(BACK, step.is_none(), || format!("{why}, so the read must not be answered yet")).map_err(|broken| broken.in_step(step))
}

fn write_back(suite: &mut Suite, f: Factory<QuorumRegister>) {
    // So few peers answer that every one of them is needed, and none of them has heard of any Store.
    suite.vector(BACK, "a read's value is with a majority before the answer", move |p| {
        for (newest, n) in [(N2, 5), (N3, 5), (N2, 4)] {
            let mut s = net(f, p, n, 1)?;
            s.say(format!("with {n} nodes, n2 and n3 answered n1: {newest} with 5.n2 = 50, the other with the older 0.n1 = 0; neither acknowledged a Store"));
            let ticket = s.ask(N1, Request::Read)?;
            s.play(LONG, |l| match l.to {
                to if to == newest => shows(l, NEW),
                N2 | N3 => shows(l, OLD),
                _ => Vec::new(),
            })?;
            if s.answer_to(ticket) == Some(&Response::Read(Value(0))) {
                return s.answered(LINEAR, ticket, &[Response::Read(Value(50))]);
            }
            open(&s, ticket, &format!("only {newest} and n1 have the value that was read"))?;
        }
        Ok(())
    });
    suite.vector(BACK, "n1's own newest value is written back too", move |p| {
        let mut s = net(f, p, 3, 1)?;
        store(&mut s, NEW)?;
        s.say("with 3 nodes, n1 held 5.n2 = 50; n2 showed it the older 0.n1 = 0 and acknowledged no Store, and n3 was silent");
        let ticket = s.ask(N1, Request::Read)?;
        s.play(LONG, |l| if l.to == N2 { shows(l, OLD) } else { Vec::new() })?;
        open(&s, ticket, "only n1 has the value that was read")
    });
}
