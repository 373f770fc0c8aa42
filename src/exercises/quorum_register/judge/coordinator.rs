//! Vectors of `quorum_register` for the coordinator's half: n1 runs, the script plays all its peers. A coordinator may ask
//! whom it likes in what order, number its phases as it likes, and ask again; the scripts leave it that.

use super::script::{N1, N2, N3, Net, Post, held, holds_now, net, play, shows, store, willing, wrong};
use super::{BACK, ENDS, KEEPS, LINEAR, ONCE, SAVES};
use crate::exercises::quorum_register::{Held, Message, QuorumRegister, Request, Response, Value};
use crate::rule::{Broken, Check};
use crate::sim::{ClientId, Factory, Ticket};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use std::time::Duration;

const OLD: Held = Held::INITIAL;
const NEW: Held = held(5, 2, 50);
const WRITE: Request = Request::Write(Value(7));
/// Long enough to ask again a few times.
const LONG: Duration = millis(1_500);
/// More than anybody has room for who makes room for 32.
const CROWD: usize = 40;
/// Long enough to ask again; nobody answers.
const SILENCE: Duration = millis(400);
/// Also for those that take one after the other, each phase by a tick.
const VERY_LONG: Duration = millis(8_000);

pub(super) fn add(suite: &mut Suite, f: Factory<QuorumRegister>) {
    ends(suite, f);
    suite.vector(ENDS, "forty operations at once", move |p| crowd(f, p));
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

/// n1 of two nodes has been asked for so much at once, and n2 has been silent since.
fn crowded(f: Factory<QuorumRegister>, p: &Probe) -> Result<(Net, Vec<(Ticket, bool)>), Broken> {
    let (mut w, mut tickets) = (net(f, p, 2, 1)?, Vec::new());
    for nth in 0..CROWD {
        let (write, client) = (nth % 2 == 0, ClientId::from_index(nth));
        let request = if write { Request::Write(Value(nth as u64 + 100)) } else { Request::Read };
        tickets.push((w.request_of(client, N1, request)?, write));
    }
    play(&mut w, SILENCE, |_| Vec::new())?;
    Ok((w, tickets))
}

/// With many operations open a node is still a replica; and all of them end, each once, when the peer is back.
fn crowd(f: Factory<QuorumRegister>, p: &Probe) -> Check {
    let story = format!("N = 2; n1 was asked for {CROWD} operations at once, and n2 was silent for 400 ms");
    let stored = format!("{story}; then n2 had n1 store 5.n2 = 50");
    let (mut w, _) = crowded(f, p)?;
    if !store(&mut w, NEW)? {
        return Err(Broken::new(ENDS, format!("{stored}, and n1 did not answer Stored within 20 ms")).at([w.steps()]));
    }
    w.reboot(N1)?;
    holds_now(&mut w, SAVES, NEW, &format!("{stored}, and n1 restarted"))?;
    let (mut w, tickets) = crowded(f, p)?;
    store(&mut w, NEW)?;
    holds_now(&mut w, KEEPS, NEW, &stored)?;
    let mut n2 = NEW;
    let end = w.now() + VERY_LONG;
    while w.now() < end && tickets.iter().any(|(ticket, _)| w.answer_to(*ticket).is_none()) {
        play(&mut w, millis(20), |letter| {
            if let Message::Store(_, held) = letter.message
                && held.at > n2.at
            {
                n2 = held;
            }
            // Each answer comes twice.
            [willing(letter, n2), willing(letter, n2)].concat()
        })?;
    }
    let back = format!("{story}; then n2 was back for 8 s and answered at once, everything twice");
    for (ticket, write) in tickets {
        match w.answer_to(ticket) {
            None => return Err(wrong(&w, ENDS, &back, ticket, &format!("request {ticket:?} should be answered"))),
            Some(response) if (*response == Response::Written) != write => {
                let expected = format!("{ticket:?} was a {}", if write { "write" } else { "read" });
                return Err(wrong(&w, ONCE, &back, ticket, &expected));
            }
            Some(_) => {}
        }
        if let Some(step) = w.answered_in(ticket, 1) {
            let seen = format!("{back}, and n1 answered {ticket:?} a second time");
            return Err(Broken::new(ONCE, seen).at([step]).in_step(step));
        }
    }
    Ok(())
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
