//! Vectors of `quorum_write` for the coordinator's half: n1 runs, the script plays all its peers. A coordinator may ask
//! whom it likes in what order, answer as soon as it can or at the deadline, and ask again; the scripts leave it that.

use super::script::{DEADLINE, N1, N2, Net, Nwr, held, net, play, silent, story, text, until_answered, willing, write, wrong};
use super::{ANSWERS, ENOUGH, FAILED, GENUINE, WRITTEN};
use crate::exercises::quorum_write::{Held, Message, QuorumWrite, Request, Response};
use crate::rule::Broken;
use crate::sim::{Factory, Letter, NodeId, Ticket};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;
use crate::words::times;

const NEW: Held = held(2, 1, 20);

pub(super) fn add(suite: &mut Suite, f: Factory<QuorumWrite>) {
    enough(suite, f);
    written(suite, f);
    failed(suite, f);
    answers(suite, f);
}

/// Whether a peer in the first `k` (n2, n3, …) is meant.
fn among_first(k: usize, letter: &Letter<QuorumWrite>) -> bool {
    letter.to.index() <= k
}

/// Has n1 write while the first `k` of its peers acknowledge, and waits for the answer.
fn write_with(f: Factory<QuorumWrite>, p: &Probe, nwr: Nwr, k: usize) -> Result<(Net, Ticket), Broken> {
    let mut w = net(f, p, nwr, 1)?;
    let ticket = write(&mut w, N1, NEW)?;
    play(&mut w, until_answered(), |l| if among_first(k, l) { willing(l) } else { silent(l) })?;
    Ok((w, ticket))
}

fn enough(suite: &mut Suite, f: Factory<QuorumWrite>) {
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

fn written(suite: &mut Suite, f: Factory<QuorumWrite>) {
    for (name, nwr, k) in [
        ("nobody acknowledges, W = 2 of 3", Nwr(3, 2, 2), 0),
        ("one peer acknowledges, W = 3 of 3", Nwr(3, 3, 1), 1),
        ("one peer acknowledges, W = 3 of 5", Nwr(5, 3, 3), 1),
        ("a majority acknowledges, W = 5 of 5", Nwr(5, 5, 1), 2),
        ("all but one acknowledge, W = 4 of 4", Nwr(4, 4, 1), 2),
    ] {
        suite.vector(WRITTEN, name, move |p| {
            let (w, ticket) = write_with(f, p, nwr, k)?;
            if w.answer_to(ticket) != Some(&Response::Written) {
                return Ok(());
            }
            let what = format!("n1 was asked to write 2.c1 = 20, and {k} of its peers acknowledged");
            Err(wrong(&w, WRITTEN, &story(nwr, &what), ticket, "with n1 itself that is fewer than W, so it must not be called Written"))
        });
    }
    let refuted = |w: &Net, nwr: Nwr, ticket: Ticket, what: &str| {
        if w.answer_to(ticket) != Some(&Response::Written) {
            return Ok(());
        }
        Err(wrong(w, WRITTEN, &story(nwr, what), ticket, "fewer than W replicas have saved it, so it must not be called Written"))
    };
    suite.vector(WRITTEN, "one replica acknowledges three times", move |p| {
        let nwr = Nwr(5, 4, 2);
        let mut w = net(f, p, nwr, 1)?;
        let ticket = write(&mut w, N1, NEW)?;
        play(&mut w, until_answered(), |l| if l.to == N2 { [willing(l), willing(l), willing(l)].concat() } else { silent(l) })?;
        refuted(&w, nwr, ticket, "n1 was asked to write 2.c1 = 20, n2 acknowledged and the network repeated it, n3 to n5 are silent")
    });
    suite.vector(WRITTEN, "what n1 sends to itself arrives twice", move |p| {
        let nwr = Nwr(3, 2, 2);
        let mut w = net(f, p, nwr, 1)?;
        let ticket = write(&mut w, N1, NEW)?;
        for _ in 0..300 {
            for letter in w.take_sent() {
                if letter.to == N1 {
                    w.deliver(&letter)?;
                    w.deliver(&letter)?;
                }
            }
            w.wait(millis(1))?;
        }
        refuted(&w, nwr, ticket, "n1 was asked to write 2.c1 = 20 and nobody else can be reached")
    });
    suite.vector(WRITTEN, "an acknowledgement of an older version", move |p| {
        let nwr = Nwr(3, 2, 2);
        let mut w = net(f, p, nwr, 1)?;
        let ticket = write(&mut w, N1, NEW)?;
        let older = |l: &Letter<QuorumWrite>| match l.message {
            Message::Store(_) => vec![Message::Stored(held(1, 1, 10).version), Message::Stored(held(1, 9, 10).version)],
            _ => willing(l),
        };
        play(&mut w, until_answered(), older)?;
        refuted(&w, nwr, ticket, "n1 was asked to write 2.c1 = 20, and n2 and n3 said Stored(1.c1) and Stored(1.c9), which are older")
    });
    suite.vector(WRITTEN, "two writes at once, one of them acknowledged", move |p| {
        let nwr = Nwr(3, 2, 2);
        let mut w = net(f, p, nwr, 1)?;
        let (first, second) = (write(&mut w, N1, held(1, 2, 10))?, write(&mut w, N1, NEW)?);
        let only_first = |l: &Letter<QuorumWrite>| match l.message {
            Message::Store(h) if h != held(1, 2, 10) => Vec::new(),
            _ => willing(l),
        };
        play(&mut w, until_answered(), only_first)?;
        let what = "n1 was asked to write 1.c2 = 10 and 2.c1 = 20 at once; its peers acknowledged 1.c2, and Stores of 2.c1 were lost";
        if w.answer_to(first) != Some(&Response::Written) {
            return Err(wrong(&w, ENOUGH, &story(nwr, what), first, "the write of 1.c2 should be answered Written"));
        }
        refuted(&w, nwr, second, what)
    });
}

fn failed(suite: &mut Suite, f: Factory<QuorumWrite>) {
    for (name, nwr, k, heard) in [
        ("nobody acknowledges in time", Nwr(3, 2, 2), 0, "nobody acknowledged in time"),
        ("some acknowledge in time, fewer than W", Nwr(5, 4, 2), 2, "n2 and n3 acknowledged, n4 and n5 are silent"),
    ] {
        suite.vector(FAILED, name, move |p| {
            let mut w = net(f, p, nwr, 1)?;
            let ticket = write(&mut w, N1, NEW)?;
            let mut stores = 0;
            play(&mut w, until_answered(), |l| {
                stores += u64::from(l.message == Message::Store(NEW));
                if among_first(k, l) { willing(l) } else { silent(l) }
            })?;
            let saved = w.saved(N1).and_then(|s| s.held) == Some(NEW);
            if w.answer_to(ticket) != Some(&Response::Failed) || (stores == 0 && !saved) {
                return Ok(());
            }
            let had = match (stores, saved) {
                (0, _) => "it had saved the write itself".to_owned(),
                (n, false) => format!("it had sent {n} Stores that may be, or may yet be, received"),
                (n, true) => format!("it had saved the write itself and sent {n} Stores that may be, or may yet be, received"),
            };
            let what = format!("n1 was asked to write 2.c1 = 20; {heard}; {had}");
            Err(wrong(&w, FAILED, &story(nwr, &what), ticket, "it must not be called Failed"))
        });
    }
    for (name, nwr, again_after) in
        [("a client asks again for a write that became Unknown", Nwr(3, 2, 2), 0), ("it asks again much later", Nwr(5, 3, 3), 1_000)]
    {
        suite.vector(FAILED, name, move |p| {
            let mut w = net(f, p, nwr, 1)?;
            let first = write(&mut w, N1, NEW)?;
            let mut stores = 0;
            let mut cut_off = |l: &Letter<QuorumWrite>| {
                stores += u64::from(l.to != N1 && l.message == Message::Store(NEW));
                Vec::new()
            };
            play(&mut w, until_answered() + millis(again_after), &mut cut_off)?;
            let unsure = w.answer_to(first) != Some(&Response::Failed);
            let again = write(&mut w, N1, NEW)?;
            play(&mut w, until_answered(), &mut cut_off)?;
            let saved = w.saved(N1).and_then(|s| s.held) == Some(NEW);
            if !unsure || w.answer_to(again) != Some(&Response::Failed) || (stores == 0 && !saved) {
                return Ok(());
            }
            let had = if saved { "it had saved that write itself".to_owned() } else { format!("it had sent {stores} Stores of it") };
            let what = format!("n1 was asked to write 2.c1 = 20, and then for the same again, while nobody acknowledged; {had}");
            Err(wrong(&w, FAILED, &story(nwr, &what), again, "somebody may have it since the first time, so it must not be called Failed"))
        });
    }
    suite.vector(FAILED, "five writes at once", move |p| {
        let nwr = Nwr(3, 2, 2);
        let mut w = net(f, p, nwr, 1)?;
        let all = [1, 2, 3, 4, 5].map(|n| held(n, n as usize, n * 10));
        let mut tickets = Vec::new();
        for held in all {
            tickets.push(write(&mut w, N1, held)?);
        }
        let mut sent = Vec::new();
        play(&mut w, until_answered(), |l| {
            if let Message::Store(held) = l.message {
                sent.push(held);
            }
            willing(l)
        })?;
        for (held, ticket) in all.into_iter().zip(tickets) {
            if w.answer_to(ticket) == Some(&Response::Failed) && sent.contains(&held) {
                let what = format!("n1 was asked for five writes at once, and sent a Store of {}", text(Some(held)));
                return Err(wrong(&w, FAILED, &story(nwr, &what), ticket, "that write must not be called Failed"));
            }
        }
        Ok(())
    });
    suite.vector(FAILED, "nothing is sent after Failed", move |p| {
        let nwr = Nwr(3, 2, 2);
        let mut w = net(f, p, nwr, 1)?;
        let ticket = write(&mut w, N1, NEW)?;
        play(&mut w, until_answered(), silent)?;
        if w.answer_to(ticket) != Some(&Response::Failed) {
            return Ok(());
        }
        // Its peers are back, and answer whatever they were asked, late.
        let mut stores = 0;
        play(&mut w, millis(1_000), |l| {
            stores += u64::from(l.message == Message::Store(NEW));
            willing(l)
        })?;
        let saved = w.saved(N1).and_then(|s| s.held) == Some(NEW);
        if stores == 0 && !saved {
            return Ok(());
        }
        let what = "n1 was asked to write 2.c1 = 20, answered Failed, and stored it after that";
        Err(wrong(&w, FAILED, &story(nwr, what), ticket, "a write that failed must never appear"))
    });
}

fn answers(suite: &mut Suite, f: Factory<QuorumWrite>) {
    for (name, request, what) in [
        ("a write and silence", Request::Write(NEW), "was asked to write 2.c1 = 20"),
        ("a read and silence", Request::Read, "was asked to read"),
    ] {
        suite.vector(ANSWERS, name, move |p| {
            let nwr = Nwr(3, 3, 3);
            let mut w = net(f, p, nwr, 1)?;
            let ticket = w.request(N1, request.clone())?;
            play(&mut w, until_answered(), silent)?;
            if w.answer_to(ticket).is_some() {
                return Ok(());
            }
            let what = format!("n1 {what}, and nobody else can be reached");
            Err(wrong(&w, ANSWERS, &story(nwr, &what), ticket, "the deadline of 200 ms has passed (and 30 ms more)"))
        });
    }
    suite.vector(ANSWERS, "answers that trickle in do not move the deadline", move |p| {
        for request in [Request::Write(NEW), Request::Read] {
            let nwr = Nwr(5, 5, 5);
            let mut w = net(f, p, nwr, 1)?;
            let ticket = w.request(N1, request)?;
            // n2 answers after 60 ms, n3 after 120, n4 after 180, n5 never.
            let lag = |n: NodeId| 60 * n.index() as u64;
            super::script::play_late(&mut w, until_answered(), lag, |l| if among_first(3, l) { willing(l) } else { silent(l) })?;
            if w.answer_to(ticket).is_none() {
                let what = "n1 was asked; n2 answered after 60 ms, n3 after 120, n4 after 180, n5 never";
                return Err(wrong(&w, ANSWERS, &story(nwr, what), ticket, "the deadline is 200 ms after the request arrived"));
            }
        }
        Ok(())
    });
    suite.vector(ANSWERS, "an answer of the right kind", move |p| {
        let nwr = Nwr(3, 3, 3);
        let mut w = net(f, p, nwr, 1)?;
        let (written, read) = (write(&mut w, N1, NEW)?, w.request(N1, Request::Read)?);
        play(&mut w, until_answered(), silent)?;
        let what = "n1 was asked to write 2.c1 = 20 and to read, and nobody else can be reached";
        if matches!(w.answer_to(written), Some(Response::Read(_) | Response::Unavailable)) {
            return Err(wrong(&w, ANSWERS, &story(nwr, what), written, "the write should be answered Written, Failed or Unknown"));
        }
        if matches!(w.answer_to(read), Some(Response::Written | Response::Failed | Response::Unknown)) {
            return Err(wrong(&w, ANSWERS, &story(nwr, what), read, "the read should be answered Read or Unavailable"));
        }
        Ok(())
    });
    suite.vector(ANSWERS, "five requests at once", move |p| {
        let nwr = Nwr(3, 2, 2);
        let mut w = net(f, p, nwr, 1)?;
        let mut tickets = Vec::new();
        for number in 1..=3 {
            tickets.push(write(&mut w, N1, held(number, number as usize, number * 10))?);
            tickets.push(w.request(N1, Request::Read)?);
            w.wait(millis(10))?;
        }
        play(&mut w, until_answered(), silent)?;
        match tickets.iter().find(|t| w.answer_to(**t).is_none()) {
            Some(t) => {
                let what = "n1 was asked for three writes and three reads within 20 ms, and nobody else can be reached";
                Err(wrong(&w, ANSWERS, &story(nwr, what), *t, &format!("the deadline of request {t:?} has passed")))
            }
            None => Ok(()),
        }
    });
    suite.vector(ANSWERS, "acknowledgements after the answer", move |p| {
        let nwr = Nwr(3, 2, 2);
        for late in [0, 300] {
            let mut w = net(f, p, nwr, 1)?;
            let (written, read) = (write(&mut w, N1, NEW)?, w.request(N1, Request::Read)?);
            // n3's answers come with n2's, or after the deadline; all of them come twice.
            let lag = |n: NodeId| if n == N2 && late == 0 { 0 } else { late };
            super::script::play_late(&mut w, DEADLINE * 3, lag, |l| [willing(l), willing(l)].concat())?;
            let n = [written, read].map(|t| w.answers_to(t).len());
            if n != [1, 1] {
                let when = if late == 0 { "at once" } else { "100 ms after the deadline" };
                let seen = format!(
                    "n1 was asked to write and to read; n2 and n3 answered {when}, and the network repeated it; the write was answered {} and the read {}",
                    times(n[0]),
                    times(n[1])
                );
                let again = [written, read].iter().find_map(|t| w.answered_in(*t, 1));
                return Err(Broken::new(ANSWERS, seen).at([again.unwrap_or(w.steps())]).in_step(again));
            }
        }
        Ok(())
    });
}
