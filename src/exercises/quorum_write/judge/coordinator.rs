//! Vectors of `quorum_write` for the coordinator's half: n1 runs, the script plays all its peers. A coordinator may ask
//! whom it likes in what order, answer as soon as it can or at the deadline, and ask again; the scripts leave it that.

use super::script::{N1, Net, Nwr, held, net, play, silent, story, text, until_answered, willing, write, wrong};
use super::{ENOUGH, GENUINE};
use crate::exercises::quorum_write::{Held, QuorumWrite, Request, Response};
use crate::rule::Broken;
use crate::sim::{Envelope, Factory, Ticket};
use crate::suite::Suite;
use crate::trace::Probe;

const NEW: Held = held(2, 1, 20);

/// Whether a peer in the first `k` (n2, n3, …) is meant.
fn among_first(k: usize, letter: &Envelope<QuorumWrite>) -> bool {
    letter.to.index() <= k
}

/// Has n1 write while the first `k` of its peers acknowledge, and waits for the answer.
fn write_with(f: Factory<QuorumWrite>, p: &Probe, nwr: Nwr, k: usize) -> Result<(Net, Ticket), Broken> {
    let mut w = net(f, p, nwr, 1)?;
    let ticket = write(&mut w, N1, NEW)?;
    play(&mut w, until_answered(), |l| if among_first(k, l) { willing(l) } else { silent(l) })?;
    Ok((w, ticket))
}

pub(super) fn add(suite: &mut Suite, f: Factory<QuorumWrite>) {
    for (name, nwr, k) in [
        ("a write with one peer, W = 2 of 3", Nwr(3, 2, 2), 1),
        ("a write with nobody else, W = 1 of 3", Nwr(3, 1, 3), 0),
        ("a write with two peers, W = 3 of 5", Nwr(5, 3, 3), 2),
        ("a write with one peer, W = 2 of 5", Nwr(5, 2, 4), 1),
        ("a write with all, W = 4 of 4", Nwr(4, 4, 1), 3),
        ("a write of one replica alone", Nwr(1, 1, 1), 0),
    ] {
        suite.vector(ENOUGH, name, move |p| {
            let (w, ticket) = write_with(f, p, nwr, k)?;
            if w.answer_to(ticket) == Some(&Response::Written) {
                return Ok(());
            }
            let what = format!("n1 was asked to write 2.c1 = 20, and {k} of its peers acknowledged at once");
            Err(wrong(&w, ENOUGH, &story(nwr, &what), ticket, "with n1 itself that is W, so the write should be answered Written"))
        });
    }
    for (name, nwr, k) in [
        ("a read with one peer, R = 2 of 3", Nwr(3, 2, 2), 1),
        ("a read with nobody else, R = 1 of 3", Nwr(3, 3, 1), 0),
        ("a read with two peers, R = 3 of 5", Nwr(5, 3, 3), 2),
        ("a read with one peer, R = 2 of 5", Nwr(5, 4, 2), 1),
    ] {
        suite.vector(ENOUGH, name, move |p| {
            let mut w = net(f, p, nwr, 1)?;
            let ticket = w.request(N1, Request::Read)?;
            play(&mut w, until_answered(), |l| if among_first(k, l) { willing(l) } else { silent(l) })?;
            if let Some(Response::Read(held)) = w.answer_to(ticket) {
                return match held {
                    None => Ok(()),
                    some => Err(Broken::new(GENUINE, format!("nothing was ever written, and a read was answered {}", text(*some)))),
                };
            }
            let what = format!("n1 was asked to read, and {k} of its peers answered at once");
            Err(wrong(&w, ENOUGH, &story(nwr, &what), ticket, "with n1 itself that is R, so the read should be answered Read(…)"))
        });
    }
}
