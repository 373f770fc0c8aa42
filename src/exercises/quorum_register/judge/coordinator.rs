//! Vectors of `quorum_register` for the coordinator's half: n1 runs, the script plays all its peers. A coordinator may ask
//! whom it likes in what order, number its phases as it likes, and ask again; the scripts leave it that.

use super::script::{N1, N2, N3, Net, Post, held, net, play, shows, store, willing, wrong};
use super::{BACK, ENDS, LINEAR, ONCE};
use crate::exercises::quorum_register::{Held, QuorumRegister, Request, Response, Value};
use crate::rule::Check;
use crate::sim::{Factory, Ticket};
use crate::suite::Suite;
use crate::time::millis;
use std::time::Duration;

const OLD: Held = Held::INITIAL;
const NEW: Held = held(5, 2, 50);
const WRITE: Request = Request::Write(Value(7));
/// Long enough to ask again a few times.
const LONG: Duration = millis(1_500);

pub(super) fn add(suite: &mut Suite, f: Factory<QuorumRegister>) {
    ends(suite, f);
    write_back(suite, f);
}

fn asked(request: &Request) -> &'static str {
    if *request == Request::Read { "to read" } else { "to write 7" }
}

/// Whether a peer in the first `k` (n2, n3, …) is meant.
fn among_first(k: usize, letter: &Post) -> bool {
    letter.to.index() <= k
}

fn ends(suite: &mut Suite, f: Factory<QuorumRegister>) {
    for (name, n, k) in [
        ("one peer of two answers", 3, 1),
        ("two peers of four answer", 5, 2),
        ("two peers of three answer", 4, 2),
        ("a register on one node", 1, 0),
        ("a register on two nodes", 2, 1),
    ] {
        suite.vector(ENDS, name, move |p| {
            for (request, expected) in [(WRITE, Response::Written), (Request::Read, Response::Read(Value(0)))] {
                let mut w = net(f, p, n, 1)?;
                let ticket = w.request(N1, request.clone())?;
                play(&mut w, LONG, |l| if among_first(k, l) { willing(l, OLD) } else { Vec::new() })?;
                if w.answer_to(ticket) != Some(&expected) {
                    let other_kind = w.answer_to(ticket).is_some_and(|r| (*r == Response::Written) != (request == WRITE));
                    let rule = if other_kind { ONCE } else { ENDS };
                    let story = format!("N = {n}; n1 was asked {}, and {k} of its peers answered at once", asked(&request));
                    return Err(wrong(
                        &w,
                        rule,
                        &story,
                        ticket,
                        &format!("with n1 that is a majority, so it should be answered {expected:?}"),
                    ));
                }
            }
            Ok(())
        });
    }
}

/// A request that must not have been answered yet.
fn open(w: &Net, rule: &'static str, ticket: Ticket, story: &str, why: &str) -> Check {
    if w.answer_to(ticket).is_none() { Ok(()) } else { Err(wrong(w, rule, story, ticket, &format!("{why}, so it must not be answered"))) }
}

fn write_back(suite: &mut Suite, f: Factory<QuorumRegister>) {
    // So few peers answer that every one of them is needed, and none of them has heard of any Store.
    suite.vector(BACK, "a read's value is with a majority before the answer", move |p| {
        for (newest, n) in [(N2, 5), (N3, 5), (N2, 4)] {
            let mut w = net(f, p, n, 1)?;
            let ticket = w.request(N1, Request::Read)?;
            play(&mut w, LONG, |l| match l.to {
                to if to == newest => shows(l, NEW),
                N2 | N3 => shows(l, OLD),
                _ => Vec::new(),
            })?;
            let story = format!(
                "N = {n}; n1 was asked to read; of n2 and n3, {newest} showed 5.n2 = 50 and the other the older 0.n1 = 0; no Store was acknowledged"
            );
            if w.answer_to(ticket) == Some(&Response::Read(Value(0))) {
                let expected = format!("{newest} is in every majority that answered, so what it showed must not be missed");
                return Err(wrong(&w, LINEAR, &story, ticket, &expected));
            }
            open(&w, BACK, ticket, &story, &format!("nobody but {newest} and n1 has what was read"))?;
        }
        Ok(())
    });
    suite.vector(BACK, "n1's own newest value is written back too", move |p| {
        let mut w = net(f, p, 3, 1)?;
        store(&mut w, NEW)?;
        let ticket = w.request(N1, Request::Read)?;
        play(&mut w, LONG, |l| if l.to == N2 { shows(l, OLD) } else { Vec::new() })?;
        let story =
            "N = 3; n1 held 5.n2 = 50 and was asked to read; n2 showed the older 0.n1 = 0, n3 was silent, and no Store was acknowledged";
        open(&w, BACK, ticket, story, "nobody but n1 has what was read")
    });
}
