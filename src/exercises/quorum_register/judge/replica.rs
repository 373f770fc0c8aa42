//! Vectors of `quorum_register` for the replica's half: one node, exact messages in, what it holds and acknowledges.

use super::script::{N1, N2, Net, ask_replica, held, holds_now, net, play, store, text, willing};
use super::{ENDS, KEEPS, SAVES};
use crate::exercises::quorum_register::{Held, Message, OpId, QuorumRegister, Request, Value};
use crate::rule::Broken;
use crate::sim::Factory;
use crate::suite::Suite;
use crate::time::millis;
use crate::words::counted;

pub(super) fn add(suite: &mut Suite, f: Factory<QuorumRegister>) {
    suite.vector(ENDS, "a replica acknowledges a Store and answers a Query", move |p| {
        let mut w = net(f, p, 3, 1)?;
        holds_now(&mut w, KEEPS, Held::INITIAL, "nothing was ever written")?;
        if !store(&mut w, held(1, 2, 10))? {
            return Err(Broken::new(ENDS, "n2 sent n1 Store(1.n2 = 10), and n1 did not answer Stored under that number within 20 ms"));
        }
        holds_now(&mut w, KEEPS, held(1, 2, 10), "n1 received Store(1.n2 = 10)")
    });
    // In each line the Stores that n1 receives one after the other, and which of them it must hold then.
    const ORDERS: [(&str, &[Held], usize); 6] = [
        ("a newer value replaces an older one", &[held(1, 2, 10), held(2, 2, 20)], 1),
        ("an older value after a newer one", &[held(2, 2, 20), held(1, 3, 10)], 0),
        ("equal numbers: the larger writer, arriving last", &[held(1, 1, 10), held(1, 2, 20)], 1),
        ("equal numbers: the larger writer, arriving first", &[held(1, 2, 20), held(1, 1, 10)], 0),
        ("the number counts before the writer", &[held(1, 3, 30), held(2, 1, 20), held(1, 3, 30)], 1),
        ("the timestamp counts, not the value", &[held(1, 2, 90), held(2, 2, 20), held(3, 1, 7)], 2),
    ];
    for (name, stores, newest) in ORDERS {
        suite.vector(KEEPS, name, move |p| {
            let mut w = net(f, p, 3, 1)?;
            let mut told = Vec::new();
            for held in stores {
                store(&mut w, *held)?;
                told.push(text(*held));
            }
            holds_now(&mut w, KEEPS, stores[newest], &format!("n1 received Stores of {}", told.join(", then ")))
        });
    }
    suite.vector(ENDS, "a superseded or repeated Store is acknowledged", move |p| {
        let mut w = net(f, p, 3, 1)?;
        store(&mut w, held(2, 2, 20))?;
        for (again, what) in [(held(1, 3, 10), "the older Store(1.n3 = 10)"), (held(2, 2, 20), "Store(2.n2 = 20) once more")] {
            if !store(&mut w, again)? {
                let seen = format!(
                    "n1 held 2.n2 = 20 and received {what}: it holds this or something newer, but did not answer Stored within 20 ms; \
                     a coordinator that needs it waits for ever"
                );
                return Err(Broken::new(ENDS, seen).at([w.steps()]));
            }
        }
        Ok(())
    });
    saves(suite, f);
}

/// What n1 says it holds.
fn holds(w: &mut Net) -> Result<Option<Held>, Broken> {
    let id = OpId(900_000 + w.steps());
    let said = ask_replica(w, Message::Query(id))?;
    Ok(said.iter().find_map(|m| if let Message::Answer(i, held) = m { (*i == id).then_some(*held) } else { None }))
}

fn saves(suite: &mut Suite, f: Factory<QuorumRegister>) {
    suite.vector(SAVES, "what was acknowledged is there after a restart", move |p| {
        let mut w = net(f, p, 3, 1)?;
        for number in 1..=3 {
            let written = held(number, 2, number * 10);
            if store(&mut w, written)? {
                w.reboot(N1)?;
                holds_now(&mut w, SAVES, written, &format!("n1 acknowledged {}, crashed and restarted", text(written)))?;
            }
        }
        Ok(())
    });
    suite.vector(SAVES, "an older Store does not replace what was saved", move |p| {
        let mut w = net(f, p, 3, 1)?;
        store(&mut w, held(2, 2, 20))?;
        store(&mut w, held(1, 3, 10))?;
        w.reboot(N1)?;
        holds_now(&mut w, SAVES, held(2, 2, 20), "n1 acknowledged 2.n2 = 20, then the older 1.n3 = 10, crashed and restarted")
    });
    // The crash falls after each number of effects in turn, so that the acknowledgement is out before or after the save.
    suite.vector(SAVES, "a crash between any two effects of a Store", move |p| {
        for effects in 0..6 {
            let mut w = net(f, p, 3, 1)?;
            store(&mut w, held(1, 2, 10))?;
            w.kill_after(N1, effects);
            w.tell(N2, N1, Message::Store(OpId(7), held(2, 2, 20)))?;
            let out = w.take_sent().iter().any(|l| l.message == Message::Stored(OpId(7)));
            play(&mut w, millis(30), |_| Vec::new())?;
            w.reboot(N1)?;
            if out {
                let story = format!(
                    "n1 received Store(2.n2 = 20) and crashed after {} of that handler; Stored had left; after the restart",
                    counted(effects, "effect")
                );
                holds_now(&mut w, SAVES, held(2, 2, 20), &story)?;
            }
        }
        Ok(())
    });
    suite.vector(SAVES, "the coordinator's own replica is as durable as the others", move |p| {
        let mut w = net(f, p, 3, 1)?;
        let ticket = w.request(N1, Request::Write(Value(7)))?;
        play(&mut w, millis(1_000), |l| if l.to == N2 { willing(l, Held::INITIAL) } else { Vec::new() })?;
        if w.answer_to(ticket).is_none() {
            return Ok(());
        }
        if holds(&mut w)?.is_none_or(|before| before.value != Value(7)) {
            // Not stored at all, or not counted: that is no matter of crashes.
            return Ok(());
        }
        w.reboot(N1)?;
        match holds(&mut w)? {
            Some(found) if found.value != Value(7) => {
                let seen = format!(
                    "N = 3; n1 was asked to write 7, only n2 acknowledged its Store, and n1 answered Written, so its own replica was counted; \
                     n1 crashed, restarted, and holds {}: if n2 is down next, the write is gone",
                    text(found)
                );
                Err(Broken::new(SAVES, seen).at([w.steps()]))
            }
            _ => Ok(()),
        }
    });
}
