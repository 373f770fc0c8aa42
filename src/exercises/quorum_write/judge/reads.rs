//! Vectors of `quorum_write` for what a read makes of its answers. The peers that answer are so few that a correct
//! coordinator must hear every one of them, whomever it asks first.

use super::script::{
    N1, N2, N3, N4, N5, Net, Nwr, held, holds, net, play, play_late, silent, store, story, text, until_answered, willing, wrong,
};
use super::{NEWEST, WRITTEN};
use crate::exercises::quorum_write::{Held, Message, QuorumWrite, ReadId, Request, Response};
use crate::rule::Check;
use crate::sim::{Factory, NodeId, Ticket};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use crate::words::counted;

const OLD: Held = held(1, 1, 10);
const NEW: Held = held(2, 2, 20);

/// What a replica shows to a read: `None` in the outer option if it is silent.
type Shows = (NodeId, Option<Held>);

/// Has n1, which holds `own`, read while `peers` show what they hold, 5 ms after one another. The answer must be `expected`.
fn reads(f: Factory<QuorumWrite>, p: &Probe, nwr: Nwr, own: Option<Held>, peers: &[Shows], expected: Held) -> Check {
    let mut w = net(f, p, nwr, 1)?;
    if let Some(own) = own {
        store(&mut w, own)?;
    }
    let ticket = w.request(N1, Request::Read)?;
    let rank = |n: NodeId| peers.iter().position(|(peer, _)| *peer == n);
    let lag = |n: NodeId| rank(n).map_or(0, |i| 5 * (i as u64 + 1));
    play_late(&mut w, until_answered(), lag, |l| rank(l.to).map_or_else(Vec::new, |i| holds(l, peers[i].1)))?;
    if w.answer_to(ticket) == Some(&Response::Read(Some(expected))) {
        return Ok(());
    }
    let shown: Vec<String> = peers.iter().map(|(n, held)| format!("{n} answered {}", text(*held))).collect();
    let what = format!("n1 held {} and was asked to read; {}", text(own), shown.join(", "));
    let expected = format!("the newest of these {} is {}", peers.len() + 1, text(Some(expected)));
    Err(wrong(&w, NEWEST, &story(nwr, &what), ticket, &expected))
}

pub(super) fn add(suite: &mut Suite, f: Factory<QuorumWrite>) {
    let three = Nwr(3, 1, 3);
    suite.vector(NEWEST, "the newest comes first, last, or from n1 itself", move |p| {
        reads(f, p, three, Some(OLD), &[(N2, Some(NEW)), (N3, Some(OLD))], NEW)?;
        reads(f, p, three, Some(OLD), &[(N2, Some(OLD)), (N3, Some(NEW))], NEW)?;
        reads(f, p, three, Some(OLD), &[(N3, Some(OLD)), (N2, Some(NEW))], NEW)?;
        reads(f, p, three, Some(NEW), &[(N2, Some(OLD)), (N3, Some(OLD))], NEW)
    });
    suite.vector(NEWEST, "a replica that has nothing does not hide one that has", move |p| {
        reads(f, p, three, None, &[(N2, Some(OLD)), (N3, None)], OLD)?;
        reads(f, p, three, Some(OLD), &[(N2, None), (N3, None)], OLD)?;
        reads(f, p, Nwr(3, 2, 2), None, &[(N2, Some(OLD))], OLD)
    });
    suite.vector(NEWEST, "one new answer among many old ones", move |p| {
        let five = Nwr(5, 1, 5);
        let old = Some(OLD);
        reads(f, p, five, old, &[(N2, old), (N3, Some(NEW)), (N4, old), (N5, old)], NEW)?;
        reads(f, p, five, old, &[(N5, old), (N4, old), (N3, old), (N2, Some(NEW))], NEW)?;
        reads(f, p, Nwr(5, 3, 3), old, &[(N4, Some(NEW)), (N2, old)], NEW)
    });
    suite.vector(NEWEST, "equal numbers, and a larger value in the older version", move |p| {
        let (a, b) = (held(7, 1, 99), held(7, 2, 1));
        reads(f, p, three, None, &[(N2, Some(a)), (N3, Some(b))], b)?;
        reads(f, p, three, None, &[(N2, Some(b)), (N3, Some(a))], b)?;
        reads(f, p, three, Some(held(8, 1, 5)), &[(N2, Some(held(7, 3, 50))), (N3, None)], held(8, 1, 5))
    });
    distinct(suite, f);
    stale(suite, f);
}

/// A read that too few replicas answered: it must not be answered with a value.
fn refuted(w: &Net, nwr: Nwr, ticket: Ticket, what: &str) -> Check {
    match w.answer_to(ticket) {
        Some(Response::Read(_)) => {
            Err(wrong(w, NEWEST, &story(nwr, what), ticket, "fewer than R replicas answered this read, so it has no answer"))
        }
        _ => Ok(()),
    }
}

fn distinct(suite: &mut Suite, f: Factory<QuorumWrite>) {
    for (name, nwr, k) in [
        ("nobody answers, R = 2 of 3", Nwr(3, 2, 2), 0),
        ("one peer answers, R = 3 of 3", Nwr(3, 1, 3), 1),
        ("a majority answers, R = 5 of 5", Nwr(5, 1, 5), 2),
        ("one peer answers, R = 3 of 5", Nwr(5, 3, 3), 1),
    ] {
        suite.vector(NEWEST, name, move |p| {
            let mut w = net(f, p, nwr, 1)?;
            let ticket = w.request(N1, Request::Read)?;
            play(&mut w, until_answered(), |l| if l.to.index() <= k { holds(l, Some(OLD)) } else { silent(l) })?;
            refuted(&w, nwr, ticket, &format!("n1 was asked to read, and {k} of its peers answered"))
        });
    }
    suite.vector(NEWEST, "one replica answers three times", move |p| {
        let nwr = Nwr(5, 2, 4);
        let mut w = net(f, p, nwr, 1)?;
        let ticket = w.request(N1, Request::Read)?;
        let thrice = |n| {
            move |l: &crate::sim::Letter<QuorumWrite>| {
                if l.to == n { [holds(l, None), holds(l, None), holds(l, None)].concat() } else { Vec::new() }
            }
        };
        play(&mut w, until_answered(), thrice(N2))?;
        refuted(&w, nwr, ticket, "n1 was asked to read, n2 answered and the network repeated it, n3 to n5 are silent")
    });
    suite.vector(WRITTEN, "an answer to a read is no acknowledgement of a write", move |p| {
        let nwr = Nwr(3, 2, 2);
        let mut w = net(f, p, nwr, 1)?;
        let ticket = super::script::write(&mut w, N1, NEW)?;
        w.request(N1, Request::Read)?;
        play(&mut w, until_answered(), |l| holds(l, Some(OLD)))?;
        if w.answer_to(ticket) != Some(&Response::Written) {
            return Ok(());
        }
        let what = "n1 was asked to write 2.c2 = 20 and to read; all Stores were lost, and n2 and n3 answered the read with 1.c1 = 10";
        Err(wrong(&w, WRITTEN, &story(nwr, what), ticket, "only n1 has saved the write, so it must not be called Written"))
    });
}

/// How the read goes to which the late answers belong.
#[derive(Clone, Copy)]
enum Before {
    Ends,
    /// After `earlier` others, and after so many of its effects if that is not when it has ended.
    Crashes {
        earlier: u64,
        effects: Option<usize>,
    },
}

/// A read that nobody answers in time; then another one, while the answers to the first arrive.
fn late_answers(f: Factory<QuorumWrite>, p: &Probe, before: Before) -> Check {
    let nwr = Nwr(3, 2, 2);
    let mut w = net(f, p, nwr, 1)?;
    let mut asked: Vec<(NodeId, ReadId)> = Vec::new();
    let note = |l: &crate::sim::Letter<QuorumWrite>| {
        if let Message::Fetch(id) = l.message {
            asked.push((l.to, id));
        }
        Vec::new()
    };
    let between = match before {
        Before::Crashes { earlier, effects: Some(effects) } => {
            for _ in 0..earlier {
                w.request(N1, Request::Read)?;
                play(&mut w, millis(40), willing)?;
            }
            w.kill_after(N1, effects);
            w.request(N1, Request::Read)?;
            play(&mut w, millis(3), note)?;
            w.reboot(N1)?;
            format!("crashed after {} of that; it restarted, ", counted(effects, "effect"))
        }
        Before::Crashes { effects: None, .. } => {
            w.request(N1, Request::Read)?;
            play(&mut w, until_answered(), note)?;
            w.reboot(N1)?;
            "nobody answered in time; it crashed and restarted, ".to_owned()
        }
        Before::Ends => {
            w.request(N1, Request::Read)?;
            play(&mut w, until_answered(), note)?;
            "nobody answered in time; it ".to_owned()
        }
    };
    let ticket = w.request(N1, Request::Read)?;
    play(&mut w, millis(3), silent)?;
    for (peer, id) in asked.into_iter().filter(|(peer, _)| *peer != N1) {
        w.tell(peer, N1, Message::Fetched(id, None))?;
    }
    play(&mut w, until_answered(), silent)?;
    let what = format!("n1 was asked to read and {between}was asked to read again, and the answers to the first read arrived");
    match w.answer_to(ticket) {
        Some(Response::Read(_)) => Err(wrong(&w, NEWEST, &story(nwr, &what), ticket, "they say what was held before this read began")),
        _ => Ok(()),
    }
}

fn stale(suite: &mut Suite, f: Factory<QuorumWrite>) {
    suite.vector(NEWEST, "answers to an earlier read come late", move |p| late_answers(f, p, Before::Ends));
    suite.vector(NEWEST, "answers to a read from before a crash come late", move |p| {
        late_answers(f, p, Before::Crashes { earlier: 0, effects: None })?;
        for effects in 1..=6 {
            for earlier in 0..=2 {
                late_answers(f, p, Before::Crashes { earlier, effects: Some(effects) })?;
            }
        }
        Ok(())
    });
    suite.vector(NEWEST, "each of two reads counts its own answers", move |p| {
        let nwr = Nwr(5, 3, 3);
        let mut w = net(f, p, nwr, 1)?;
        let (first, second) = (w.request(N1, Request::Read)?, w.request(N1, Request::Read)?);
        let mut numbers: Vec<ReadId> = Vec::new();
        // n2 answers one of the reads, n3 the other: neither has three answers.
        play(&mut w, until_answered(), |l| {
            let Message::Fetch(id) = l.message else { return Vec::new() };
            if !numbers.contains(&id) {
                numbers.push(id);
            }
            let one_of_two = numbers.iter().position(|n| *n == id).unwrap_or(0);
            if (l.to, one_of_two) == (N2, 0) || (l.to, one_of_two) == (N3, 1) { holds(l, Some(OLD)) } else { Vec::new() }
        })?;
        let what = "n1 was asked to read twice at once; n2 answered under the number of one read, n3 under that of the other";
        [first, second].into_iter().try_for_each(|t| refuted(&w, nwr, t, what))
    });
}
