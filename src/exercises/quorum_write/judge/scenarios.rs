//! Scenarios of `quorum_write`: several real nodes, the network in the script's hands.

use super::script::{DEADLINE, N1, N2, N3, Net, Nwr, held, net, story, text, until_answered, write, wrong};
use super::{ENOUGH, NEWEST, SAVES, WRITTEN};
use crate::exercises::quorum_write::{Held, QuorumWrite, Request, Response};
use crate::rule::Check;
use crate::sim::{Envelope, Factory, NodeId};
use crate::suite::Suite;
use crate::time::millis;

const NEW: Held = held(2, 1, 20);

fn touches(l: &Envelope<QuorumWrite>, n: NodeId) -> bool {
    l.from == n || l.to == n
}

/// Has `at` read, and demands `expected` under `rule`.
fn read_is(w: &mut Net, rule: &'static str, nwr: Nwr, at: NodeId, lost: &[NodeId], expected: Option<Held>, what: &str) -> Check {
    let ticket = w.request(at, Request::Read)?;
    w.let_run(until_answered(), |l| lost.iter().any(|n| touches(l, *n)))?;
    match w.answer_to(ticket) {
        Some(Response::Read(held)) if *held == expected => Ok(()),
        Some(Response::Read(_)) => Err(wrong(w, rule, &story(nwr, what), ticket, &format!("a read at {at} should see {}", text(expected)))),
        _ => Err(wrong(w, ENOUGH, &story(nwr, what), ticket, &format!("R replicas answer, so a read at {at} should be answered"))),
    }
}

pub(super) fn add(suite: &mut Suite, f: Factory<QuorumWrite>) {
    for (name, nwr, down) in [
        ("three replicas, one of them down", Nwr(3, 2, 2), 1),
        ("five replicas, two of them down", Nwr(5, 3, 3), 2),
        ("four replicas, two of them down, W = 2", Nwr(4, 2, 2), 2),
    ] {
        suite.scenario(ENOUGH, name, move |p| {
            let mut w = net(f, p, nwr, nwr.0 - down)?;
            let ticket = write(&mut w, N1, NEW)?;
            w.let_run(until_answered(), |_| false)?;
            let what = format!("{down} of the nodes are down; n1 was asked to write 2.c1 = 20");
            if w.answer_to(ticket) != Some(&Response::Written) {
                return Err(wrong(&w, ENOUGH, &story(nwr, &what), ticket, "W replicas are up, so it should be answered Written"));
            }
            read_is(&mut w, NEWEST, nwr, N2, &[], Some(NEW), &format!("{what}, and said Written"))
        });
    }
    suite.scenario(NEWEST, "written to n1 and n2, read from n2 and n3", move |p| {
        let nwr = Nwr(3, 2, 2);
        let mut w = net(f, p, nwr, 3)?;
        let ticket = write(&mut w, N1, NEW)?;
        w.let_run(until_answered(), |l| touches(l, N3))?;
        let what = "n3 was cut off; n1 was asked to write 2.c1 = 20";
        if w.answer_to(ticket) != Some(&Response::Written) {
            return Err(wrong(&w, ENOUGH, &story(nwr, what), ticket, "n2 could be reached, so it should be answered Written"));
        }
        w.kill(N1)?;
        read_is(&mut w, NEWEST, nwr, N3, &[], Some(NEW), &format!("{what} and said Written; n1 crashed, n3 was reconnected"))
    });
    suite.scenario(SAVES, "the replica that acknowledged restarts", move |p| {
        let nwr = Nwr(3, 2, 2);
        let mut w = net(f, p, nwr, 3)?;
        let ticket = write(&mut w, N1, NEW)?;
        w.let_run(until_answered(), |l| touches(l, N3))?;
        if w.answer_to(ticket) != Some(&Response::Written) {
            return Ok(());
        }
        w.kill(N1)?;
        w.reboot(N2)?;
        let what = "n3 was cut off; n1 was asked to write 2.c1 = 20 and said Written; n1 crashed, n2 restarted, n3 was reconnected";
        read_is(&mut w, SAVES, nwr, N3, &[], Some(NEW), what)
    });
    suite.scenario(WRITTEN, "what was sent is lost: W = 3 of 3", move |p| {
        let nwr = Nwr(3, 3, 1);
        let mut w = net(f, p, nwr, 3)?;
        let ticket = write(&mut w, N1, NEW)?;
        w.let_run(until_answered(), |l| l.from == N1 && l.to == N3)?;
        let what = "n1 was asked to write 2.c1 = 20; n2 has it, and everything from n1 to n3 was lost";
        if w.answer_to(ticket) == Some(&Response::Written) {
            return Err(wrong(&w, WRITTEN, &story(nwr, what), ticket, "only two of three have saved it, so it must not be called Written"));
        }
        Ok(())
    });
    suite.scenario(NEWEST, "a write that lost its race is Written and superseded", move |p| {
        let nwr = Nwr(3, 2, 2);
        let mut w = net(f, p, nwr, 3)?;
        let (newer, older) = (write(&mut w, N1, NEW)?, write(&mut w, N2, held(1, 3, 10))?);
        w.let_run(until_answered(), |_| false)?;
        let what = "n1 was asked to write 2.c1 = 20 and n2 to write the older 1.c3 = 10 at the same time";
        for ticket in [newer, older] {
            if w.answer_to(ticket) != Some(&Response::Written) {
                return Err(wrong(&w, ENOUGH, &story(nwr, what), ticket, "all replicas have saved this or a newer write: Written"));
            }
        }
        [N1, N2, N3].into_iter().try_for_each(|n| read_is(&mut w, NEWEST, nwr, n, &[], Some(NEW), what))
    });
    suite.scenario(ENOUGH, "a client asks again elsewhere for the write that became Unknown", move |p| {
        let nwr = Nwr(3, 2, 2);
        let mut w = net(f, p, nwr, 3)?;
        write(&mut w, N1, NEW)?;
        w.let_run(DEADLINE + millis(40), |l| touches(l, N1))?;
        let again = write(&mut w, N2, NEW)?;
        w.let_run(until_answered(), |_| false)?;
        let what = "n1 was asked to write 2.c1 = 20 while it was cut off; the client asked n2 for the same write";
        if w.answer_to(again) != Some(&Response::Written) {
            return Err(wrong(&w, ENOUGH, &story(nwr, what), again, "all replicas can be reached, so it should be answered Written"));
        }
        read_is(&mut w, NEWEST, nwr, N3, &[], Some(NEW), what)
    });
}
