//! Vectors of `quorum_write` for the replica's half: one node, exact messages in, what it holds and acknowledges.

use super::script::{N1, N2, Nwr, ask_replica, fetch, held, holds_now, net, play, store, text};
use super::{ENOUGH, GENUINE, KEEPS, SAVES, WRITTEN};
use crate::exercises::quorum_write::{Message, QuorumWrite, ReadId, Response};
use crate::rule::Broken;
use crate::sim::Factory;
use crate::suite::Suite;
use crate::time::millis;
use crate::words::counted;

const THREE: Nwr = Nwr(3, 2, 2);

pub(super) fn add(suite: &mut Suite, f: Factory<QuorumWrite>) {
    keeps(suite, f);
    saves(suite, f);
}

fn keeps(suite: &mut Suite, f: Factory<QuorumWrite>) {
    suite.vector(ENOUGH, "a replica acknowledges a Store and answers a Fetch", move |p| {
        let mut w = net(f, p, THREE, 1)?;
        holds_now(&mut w, GENUINE, None, "nothing was ever stored")?;
        if !store(&mut w, held(1, 1, 10))? {
            return Err(Broken::new(ENOUGH, "n2 sent n1 Store(1.c1 = 10), and n1 did not answer Stored(1.c1) within 20 ms"));
        }
        holds_now(&mut w, KEEPS, Some(held(1, 1, 10)), "n1 received Store(1.c1 = 10)")
    });
    suite.vector(KEEPS, "a newer version replaces an older one", move |p| {
        let mut w = net(f, p, THREE, 1)?;
        store(&mut w, held(1, 1, 10))?;
        store(&mut w, held(2, 1, 20))?;
        holds_now(&mut w, KEEPS, Some(held(2, 1, 20)), "n1 received Store(1.c1 = 10), then Store(2.c1 = 20)")
    });
    suite.vector(KEEPS, "an older version after a newer one", move |p| {
        let mut w = net(f, p, THREE, 1)?;
        store(&mut w, held(2, 1, 20))?;
        store(&mut w, held(1, 2, 10))?;
        holds_now(&mut w, KEEPS, Some(held(2, 1, 20)), "n1 received Store(2.c1 = 20), then the older Store(1.c2 = 10)")
    });
    suite.vector(KEEPS, "equal numbers: the larger writer, in either order", move |p| {
        for (first, second, order) in [(1, 2, "1.c1 = 10, then 1.c2 = 20"), (2, 1, "1.c2 = 20, then 1.c1 = 10")] {
            let mut w = net(f, p, THREE, 1)?;
            store(&mut w, held(1, first, first as u64 * 10))?;
            store(&mut w, held(1, second, second as u64 * 10))?;
            holds_now(&mut w, KEEPS, Some(held(1, 2, 20)), &format!("n1 received Store({order})"))?;
        }
        Ok(())
    });
    suite.vector(KEEPS, "the number counts before the writer", move |p| {
        for (first, second) in [(held(1, 3, 10), held(2, 1, 20)), (held(2, 1, 20), held(1, 3, 10))] {
            let mut w = net(f, p, THREE, 1)?;
            store(&mut w, first)?;
            store(&mut w, second)?;
            let story = format!("n1 received Store({}), then Store({})", text(Some(first)), text(Some(second)));
            holds_now(&mut w, KEEPS, Some(held(2, 1, 20)), &story)?;
        }
        Ok(())
    });
    suite.vector(KEEPS, "the version counts, not the value", move |p| {
        let mut w = net(f, p, THREE, 1)?;
        store(&mut w, held(1, 1, 90))?;
        store(&mut w, held(2, 1, 20))?;
        store(&mut w, held(3, 2, 7))?;
        holds_now(&mut w, KEEPS, Some(held(3, 2, 7)), "n1 received Store(1.c1 = 90), Store(2.c1 = 20), Store(3.c2 = 7)")
    });
    suite.vector(KEEPS, "the coordinator's own replica keeps the newest too", move |p| {
        let mut w = net(f, p, THREE, 1)?;
        store(&mut w, held(5, 1, 50))?;
        super::script::write(&mut w, N1, held(3, 2, 30))?;
        let story = "n1 held 5.c1 = 50, and a client then asked it to write the older 3.c2 = 30";
        holds_now(&mut w, KEEPS, Some(held(5, 1, 50)), story)
    });
    suite.vector(ENOUGH, "a superseded or repeated Store is acknowledged", move |p| {
        let mut w = net(f, p, THREE, 1)?;
        store(&mut w, held(2, 1, 20))?;
        for (again, what) in [(held(1, 2, 10), "the older Store(1.c2 = 10)"), (held(2, 1, 20), "Store(2.c1 = 20) once more")] {
            if !store(&mut w, again)? {
                let seen = format!(
                    "n1 held 2.c1 = 20 and received {what}: it holds this or something newer, but did not answer Stored within 20 ms; \
                     the coordinator whose first acknowledgement was lost will never count it"
                );
                return Err(Broken::new(ENOUGH, seen).at([w.steps()]));
            }
        }
        Ok(())
    });
}

fn saves(suite: &mut Suite, f: Factory<QuorumWrite>) {
    suite.vector(SAVES, "what was acknowledged is there after a restart", move |p| {
        let mut w = net(f, p, THREE, 1)?;
        for number in 1..=3 {
            let write = held(number, 1, number * 10);
            if store(&mut w, write)? {
                w.reboot(N1)?;
                let story = format!("n1 acknowledged {}, crashed and restarted", text(Some(write)));
                holds_now(&mut w, SAVES, Some(write), &story)?;
            }
        }
        Ok(())
    });
    suite.vector(SAVES, "an older Store before the restart does not replace what was saved", move |p| {
        let mut w = net(f, p, THREE, 1)?;
        store(&mut w, held(2, 1, 20))?;
        store(&mut w, held(1, 2, 10))?;
        w.reboot(N1)?;
        let story = "n1 acknowledged 2.c1 = 20, then the older 1.c2 = 10, crashed and restarted";
        holds_now(&mut w, SAVES, Some(held(2, 1, 20)), story)
    });
    // The crash falls after each number of effects in turn, so that the acknowledgement is out before or after the save.
    suite.vector(SAVES, "a crash between any two effects of a Store", move |p| {
        for effects in 0..6 {
            let mut w = net(f, p, THREE, 1)?;
            store(&mut w, held(1, 1, 10))?;
            w.kill_after(N1, effects);
            w.tell(N2, N1, Message::Store(held(2, 1, 20)))?;
            let out = w.take_sent().iter().any(|l| matches!(l.message, Message::Stored(v) if v >= held(2, 1, 0).version));
            // A node that saves and acknowledges later meets no crash here: let it.
            play(&mut w, millis(30), |_| Vec::new())?;
            w.reboot(N1)?;
            if out {
                let story = format!(
                    "n1 received Store(2.c1 = 20) and crashed after {} of that handler; Stored(2.c1) had left; after the restart",
                    counted(effects, "effect")
                );
                holds_now(&mut w, SAVES, Some(held(2, 1, 20)), &story)?;
            }
        }
        Ok(())
    });
    suite.vector(SAVES, "the own replica is as durable as the others", move |p| {
        let mut w = net(f, p, Nwr(3, 1, 2), 1)?;
        let ticket = super::script::write(&mut w, N1, held(1, 1, 10))?;
        play(&mut w, millis(100), |_| Vec::new())?;
        let told = w.answer_to(ticket).is_some_and(|r| *r == Response::Written);
        w.reboot(N1)?;
        if told && fetch(&mut w, "n1 restarted")? != Some(held(1, 1, 10)) {
            let seen = "W = 1: n1 answered Written to 1.c1 = 10 with nobody else reachable, crashed, restarted, and does not hold it";
            return Err(Broken::new(SAVES, seen).at([w.steps()]));
        }
        Ok(())
    });
    suite.vector(WRITTEN, "W = 1, and a crash between any two effects of a write", move |p| {
        for effects in 0..8 {
            let mut w = net(f, p, Nwr(3, 1, 3), 1)?;
            w.kill_after(N1, effects);
            let ticket = super::script::write(&mut w, N1, held(1, 1, 10))?;
            let told = w.answer_to(ticket) == Some(&Response::Written);
            play(&mut w, millis(30), |_| Vec::new())?;
            w.reboot(N1)?;
            if told {
                let story = format!(
                    "W = 1: n1 was asked to write 1.c1 = 10 and crashed after {} of that handler, when Written had left; \
                     nobody else can be reached; after the restart",
                    counted(effects, "effect")
                );
                holds_now(&mut w, WRITTEN, Some(held(1, 1, 10)), &story)?;
            }
        }
        Ok(())
    });
    suite.vector(GENUINE, "a restarted replica that never stored anything", move |p| {
        let mut w = net(f, p, THREE, 1)?;
        w.reboot(N1)?;
        let said = ask_replica(&mut w, Message::Fetch(ReadId(1)))?;
        match said.iter().find(|m| matches!(m, Message::Fetched(_, Some(_)))) {
            Some(m) => Err(Broken::new(GENUINE, format!("nothing was ever stored at n1, and it answered n2 {m:?}"))),
            None => Ok(()),
        }
    });
}
