//! Vectors of `quorum_register` for the coordinator's half: n1 runs, the script plays all its peers. A coordinator may ask
//! whom it likes in what order, number its phases as it likes, and ask again; the scripts leave it that.

use super::script::{N1, N2, N3, Net, Post, ask_replica, held, net, play, shows, store, willing, wrong};
use super::{BACK, BUDGET, ENDS, LINEAR, MAJORITY, ONCE};
use crate::exercises::quorum_register::{Held, Message, OpId, QuorumRegister, Request, Response, Value};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, NodeId, Ticket};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use crate::words::times;
use std::time::Duration;

const OLD: Held = Held::INITIAL;
const NEW: Held = held(5, 2, 50);
const WRITE: Request = Request::Write(Value(7));
/// Long enough to ask again a few times.
const LONG: Duration = millis(1_500);

pub(super) fn add(suite: &mut Suite, f: Factory<QuorumRegister>) {
    ends(suite, f);
    majority(suite, f);
    write_back(suite, f);
    stale(suite, f);
    once(suite, f);
    budget(suite, f);
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
    suite.vector(ENDS, "three operations at once, and what was lost", move |p| all_end(&mut net(f, p, 3, 1)?));
    suite.vector(ENDS, "what was lost is asked again", move |p| {
        for request in [WRITE, Request::Read] {
            let mut w = net(f, p, 3, 1)?;
            let ticket = w.request(N1, request.clone())?;
            // Of every kind the first three letters to n2 are lost; n3 is down.
            let mut lost = [0, 0];
            play(&mut w, millis(3_000), |l| {
                let kind = usize::from(matches!(l.message, Message::Store(..)));
                if l.to == N3 || lost[kind] < 3 {
                    lost[kind] += u32::from(l.to == N2);
                    return Vec::new();
                }
                willing(l, NEW)
            })?;
            if w.answer_to(ticket).is_none() {
                let story = format!(
                    "N = 3, n3 is down; n1 was asked {}; the first three Queries and the first three Stores to n2 were lost, \
                     everything after that was answered, for 3 s",
                    asked(&request)
                );
                return Err(wrong(&w, ENDS, &story, ticket, "it should end"));
            }
        }
        Ok(())
    });
}

/// Several operations wait, each for its own answers.
fn all_end(w: &mut Net) -> Check {
    let tickets = [w.request(N1, WRITE)?, w.request(N1, Request::Read)?, w.request(N1, Request::Write(Value(8)))?];
    play(w, millis(60), |_| Vec::new())?;
    play(w, LONG, |l| if l.to == N2 { willing(l, OLD) } else { Vec::new() })?;
    match tickets.iter().find(|t| w.answer_to(**t).is_none()) {
        Some(t) => {
            let story = format!(
                "N = 3, n3 is down; n1 was asked to write 7, to read, and to write 8, all at once; n2 could not be reached for 60 ms and \
                 then answered everything, for 1.5 s; request {t:?}"
            );
            Err(wrong(w, ENDS, &story, *t, "each of the three should end"))
        }
        None => Ok(()),
    }
}

/// A request that must not have been answered yet.
fn open(w: &Net, rule: &'static str, ticket: Ticket, story: &str, why: &str) -> Check {
    if w.answer_to(ticket).is_none() { Ok(()) } else { Err(wrong(w, rule, story, ticket, &format!("{why}, so it must not be answered"))) }
}

fn majority(suite: &mut Suite, f: Factory<QuorumRegister>) {
    for (name, n, k) in [
        ("nobody answers, N = 3", 3, 0),
        ("one peer answers, N = 4", 4, 1),
        ("one peer answers, N = 5", 5, 1),
        ("nobody answers, N = 2", 2, 0),
    ] {
        suite.vector(MAJORITY, name, move |p| {
            for request in [WRITE, Request::Read] {
                let mut w = net(f, p, n, 1)?;
                let ticket = w.request(N1, request.clone())?;
                let story = format!("N = {n}; n1 was asked {}", asked(&request));
                open(&w, MAJORITY, ticket, &story, "no other replica could answer it yet, in the step in which it was asked")?;
                play(&mut w, LONG, |l| if among_first(k, l) { willing(l, OLD) } else { Vec::new() })?;
                let story = format!("N = {n}; n1 was asked {}, and {k} of its peers answered", asked(&request));
                open(&w, MAJORITY, ticket, &story, "with n1 that is no majority")?;
            }
            Ok(())
        });
    }
    suite.vector(MAJORITY, "a write stores with a majority", move |p| {
        for (n, k) in [(3, 0), (5, 1), (4, 1)] {
            let mut w = net(f, p, n, 1)?;
            let ticket = w.request(N1, WRITE)?;
            play(&mut w, LONG, |l| if among_first(k, l) { willing(l, OLD) } else { shows(l, OLD) })?;
            let story =
                format!("N = {n}; n1 was asked to write 7; all its peers answered its Queries, {k} of them acknowledged its Stores");
            open(&w, MAJORITY, ticket, &story, "with n1 that is no majority")?;
        }
        Ok(())
    });
    suite.vector(MAJORITY, "one replica answers three times", move |p| {
        // A read might find a majority that agrees, and need no Store: so only the write's Stores are tried alone.
        for (request, only_stores) in [(WRITE, true), (WRITE, false), (Request::Read, false)] {
            let mut w = net(f, p, 5, 1)?;
            let ticket = w.request(N1, request.clone())?;
            play(&mut w, LONG, |l| match l.message {
                _ if l.to == N2 => [willing(l, NEW), willing(l, NEW), willing(l, NEW)].concat(),
                Message::Query(_) if only_stores => willing(l, OLD),
                _ => Vec::new(),
            })?;
            let what = if only_stores { "all answered its Queries; its Stores" } else { "its Queries and Stores" };
            let story = format!(
                "N = 5; n1 was asked {}; {what} were answered by n2 alone, and each of n2's answers arrived three times",
                asked(&request)
            );
            open(&w, MAJORITY, ticket, &story, "n1 and n2 are no majority")?;
        }
        Ok(())
    });
    suite.vector(MAJORITY, "what n1 sends to itself arrives twice", move |p| {
        let mut w = net(f, p, 3, 1)?;
        let tickets = [w.request(N1, WRITE)?, w.request(N1, Request::Read)?];
        for _ in 0..500 {
            for letter in w.take_sent().into_iter().filter(|l| l.to == N1) {
                w.deliver(&letter)?;
                w.deliver(&letter)?;
            }
            w.wait(millis(1))?;
        }
        tickets.into_iter().try_for_each(|t| {
            open(&w, MAJORITY, t, "N = 3; n1 was asked to write 7 and to read; nobody else can be reached", "n1 alone is no majority")
        })
    });
}

fn stale(suite: &mut Suite, f: Factory<QuorumRegister>) {
    suite.vector(MAJORITY, "late answers to the first phase do not count for the second", move |p| {
        for request in [WRITE, Request::Read] {
            let mut w = net(f, p, 5, 1)?;
            let ticket = w.request(N1, request.clone())?;
            // n2 and n3 answer at once, n4 and n5 after 30 ms, when n1 is storing; all come again later. No Store arrives.
            let lag = |n: NodeId| if n.index() <= 2 { Duration::ZERO } else { millis(30) };
            w.play(LONG, lag, |l| if l.to == N2 { shows(l, NEW) } else { shows(l, OLD) })?;
            let story = format!(
                "N = 5; n1 was asked {}; n2 answered its Query with 5.n2 = 50, n3 too with 0.n1 = 0, n4 and n5 when n1 was storing; no Store was acknowledged",
                asked(&request)
            );
            // A majority without n2 may have shown a reader 0, and nothing newer is complete.
            if w.answer_to(ticket) == Some(&Response::Read(Value(0))) {
                continue;
            }
            open(&w, if request == WRITE { MAJORITY } else { BACK }, ticket, &story, "nobody but n1 and n2 can have the value")?;
        }
        Ok(())
    });
    for (name, restart) in [("late answers to an earlier operation do not count", false), ("nor those to one from before a crash", true)] {
        suite.vector(MAJORITY, name, move |p| {
            let mut w = net(f, p, 3, 1)?;
            let mut queries: Vec<(NodeId, OpId)> = Vec::new();
            let mut stores: Vec<(NodeId, OpId)> = Vec::new();
            // The first operation: n2 answers it, n3's answers are late.
            w.request(N1, WRITE)?;
            play(&mut w, millis(100), |l| {
                match l.message {
                    Message::Query(id) => queries.push((l.to, id)),
                    Message::Store(id, _) => stores.push((l.to, id)),
                    _ => {}
                }
                if l.to == N2 { willing(l, OLD) } else { Vec::new() }
            })?;
            if restart {
                w.reboot(N1)?;
            }
            // The second one: nobody answers, and everything that answers the first arrives once more.
            let ticket = w.request(N1, Request::Read)?;
            let late = |w: &mut Net| -> Check {
                queries.iter().try_for_each(|(peer, id)| w.tell(*peer, N1, Message::Answer(*id, OLD)))?;
                stores.iter().try_for_each(|(peer, id)| w.tell(*peer, N1, Message::Stored(*id)))
            };
            for _ in 0..3 {
                play(&mut w, millis(3), |_| Vec::new())?;
                late(&mut w)?;
            }
            let between = if restart { "crashed, restarted, and " } else { "" };
            let story = format!(
                "N = 3; n1 was asked to write 7, and n2 answered; n1 {between}was asked to read; nobody answered that, \
                 but n2's and n3's answers to the write's messages arrived, late"
            );
            open(&w, MAJORITY, ticket, &story, "they say what was held before the read began")
        });
    }
    suite.vector(MAJORITY, "nor those to an operation that a crash interrupted while it asked", move |p| {
        for effects in 1..=6 {
            for earlier in 0..=2 {
                for (before, after) in [(WRITE, Request::Read), (Request::Read, WRITE)] {
                    crash_while_asking(f, p, earlier, effects, &before, &after)?;
                }
            }
        }
        Ok(())
    });
}

/// A crash in the middle of the first round trip, after `earlier` reads and `effects` effects of `before`; then what its
/// Queries are answered with arrives while `after` asks in vain.
fn crash_while_asking(f: Factory<QuorumRegister>, p: &Probe, earlier: u64, effects: usize, before: &Request, after: &Request) -> Check {
    let mut w = net(f, p, 3, 1)?;
    for _ in 0..earlier {
        w.request(N1, Request::Read)?;
        play(&mut w, millis(40), |l| willing(l, OLD))?;
    }
    let mut queries: Vec<(NodeId, OpId)> = Vec::new();
    let mut note = |l: &Post| {
        if let Message::Query(id) = l.message {
            queries.push((l.to, id));
        }
        Vec::new()
    };
    w.kill_after(N1, effects);
    w.request(N1, before.clone())?;
    play(&mut w, millis(3), &mut note)?;
    w.reboot(N1)?;
    // n2 and n3 have stored 5.n2 = 50 since they answered. Of what n1 asks now only Stores reach them.
    let ticket = w.request(N1, after.clone())?;
    let storing = |l: &Post| if matches!(l.message, Message::Store(..)) { willing(l, NEW) } else { Vec::new() };
    play(&mut w, millis(3), storing)?;
    queries.retain(|(peer, _)| *peer != N1);
    let late: Vec<String> = queries.iter().map(|(peer, _)| format!("{peer}'s")).collect();
    let late = if late.is_empty() { "nobody's".to_owned() } else { late.join(" and ") };
    for (peer, id) in queries {
        w.tell(peer, N1, Message::Answer(id, OLD))?;
        play(&mut w, millis(3), storing)?;
    }
    play(&mut w, millis(60), storing)?;
    let story = format!(
        "N = 3; n1 was asked {} and crashed after {effects} of its effects; 5.n2 = 50 was written with n2 and n3; n1 restarted and was \
         asked {}; the Queries of that were lost, and {late} answer to a Query from before the crash arrived: 0.n1 = 0",
        asked(before),
        asked(after)
    );
    open(&w, MAJORITY, ticket, &story, "nobody has answered a Query of this operation")
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
    suite.vector(BACK, "what is read is what is written back", move |p| {
        let mut w = net(f, p, 5, 1)?;
        let ticket = w.request(N1, Request::Read)?;
        let mut stored = Vec::new();
        // The newest comes first, in the middle, last.
        let newest = |l: &Post| if l.to == N3 { NEW } else { held(l.to.index() as u64, 1, 1) };
        play(&mut w, LONG, |l| {
            if let Message::Store(_, held) = l.message {
                stored.push((l.id, held));
            }
            if l.to == N2 || l.to == N3 { willing(l, newest(l)) } else { Vec::new() }
        })?;
        let story = "N = 5; n1 was asked to read; n2 showed 1.n1 = 1 and n3 showed 5.n2 = 50, both acknowledge, n4 and n5 are silent";
        if w.answer_to(ticket) != Some(&Response::Read(Value(50))) {
            return Err(wrong(&w, LINEAR, story, ticket, "it should be answered Read(50)"));
        }
        match stored.iter().find(|(_, held)| *held != NEW) {
            Some((id, odd)) => {
                let seen = format!("{story}: n1 stored {} with others, which is not what was read", super::script::text(*odd));
                Err(Broken::new(BACK, seen).at(w.sent_in(*id)).in_step(w.sent_in(*id)))
            }
            None => Ok(()),
        }
    });
}

fn once(suite: &mut Suite, f: Factory<QuorumRegister>) {
    suite.vector(ONCE, "late and repeated answers", move |p| {
        for late in [0, 40, 700] {
            let mut w = net(f, p, 5, 1)?;
            let tickets = [w.request(N1, WRITE)?, w.request(N1, Request::Read)?];
            let lag = |n: NodeId| if n.index() <= 2 { Duration::ZERO } else { millis(late) };
            w.play(LONG, lag, |l| [willing(l, OLD), willing(l, OLD)].concat())?;
            let n = tickets.map(|t| w.answers_to(t).len());
            if n.iter().any(|n| *n > 1) {
                let seen = format!(
                    "N = 5; n1 was asked to write 7 and to read; n4 and n5 answered {late} ms after n2 and n3, and all answers came twice; \
                     the write was answered {} and the read {}",
                    times(n[0]),
                    times(n[1])
                );
                let again = tickets.iter().find_map(|t| w.answered_in(*t, 1));
                return Err(Broken::new(ONCE, seen).at(again).in_step(again));
            }
            let kinds = (w.answer_to(tickets[0]), w.answer_to(tickets[1]));
            if matches!(kinds.0, Some(Response::Read(_))) || matches!(kinds.1, Some(Response::Written)) {
                return Err(Broken::new(ONCE, format!("a write was answered {:?} and a read {:?}", kinds.0, kinds.1)));
            }
        }
        Ok(())
    });
    suite.vector(ONCE, "five operations at once", move |p| {
        let mut w = net(f, p, 3, 1)?;
        let mut tickets = Vec::new();
        for value in 1..=3 {
            tickets.push(w.request(N1, Request::Write(Value(value)))?);
            tickets.push(w.request(N1, Request::Read)?);
        }
        play(&mut w, LONG, |l| willing(l, OLD))?;
        match tickets.iter().find(|t| w.answers_to(**t).len() != 1) {
            Some(t) => {
                let story = format!(
                    "N = 3; n1 was asked for three writes and three reads at once, its peers answer everything; request {t:?} was answered {}",
                    times(w.answers_to(*t).len())
                );
                let rule = if w.answer_to(*t).is_none() { ENDS } else { ONCE };
                Err(wrong(&w, rule, &story, *t, "each should be answered once"))
            }
            None => Ok(()),
        }
    });
}

fn budget(suite: &mut Suite, f: Factory<QuorumRegister>) {
    suite.vector(BUDGET, "an operation that nobody answers", move |p| {
        for request in [WRITE, Request::Read] {
            let mut w = net(f, p, 5, 1)?;
            w.request(N1, request.clone())?;
            let mut sent = 0;
            play(&mut w, millis(1_000), |_| {
                sent += 1;
                Vec::new()
            })?;
            // Five letters every 20 ms for a second, and some to begin with.
            if sent > 300 {
                let seen = format!(
                    "N = 5; n1 was asked {}, and nobody answered for a second: it sent {sent} messages; asking each peer every 20 ms is 200",
                    asked(&request)
                );
                return Err(Broken::new(BUDGET, seen).at([w.steps()]));
            }
        }
        Ok(())
    });
    suite.vector(BUDGET, "a replica answers once, and tells nobody else", move |p| {
        let mut w = net(f, p, 5, 1)?;
        let mut sent = ask_replica(&mut w, Message::Query(OpId(1)))?.len() + ask_replica(&mut w, Message::Store(OpId(2), NEW))?.len();
        play(&mut w, millis(500), |_| {
            sent += 1;
            Vec::new()
        })?;
        if sent > 4 {
            let seen = format!("n2 sent n1 a Query and a Store, and in the next half a second n1 sent {sent} messages");
            return Err(Broken::new(BUDGET, seen).at([w.steps()]));
        }
        Ok(())
    });
}
