//! Retries and crashes, lost messages and lost replicas: the scenarios of `pn_counter`.

use super::vectors::{N1, N2, N3, Net, count, counts, done, down, net, talk, up, value_is};
use super::{ADDS_UP, CONVERGES, RETRY, SURVIVES};
use crate::exercises::kit::counters::ANSWER_MS;
use crate::exercises::pn_counter::{OpId, PnCounter, Request};
use crate::sim::Factory;
use crate::suite::Suite;
use crate::time::millis;
use crate::words::counted;

pub(super) fn add(suite: &mut Suite, f: Factory<PnCounter>) {
    retries(suite, f);
    crashes(suite, f);
    converges(suite, f);
}

fn retries(suite: &mut Suite, f: Factory<PnCounter>) {
    for (name, is_up) in [("an increment that is asked for twice", true), ("a decrement that is asked for twice", false)] {
        suite.vector(RETRY, name, move |p| {
            let mut w = net(f, p, 1)?;
            let kind = if is_up { "increment" } else { "decrement" };
            let first = count(&mut w, N1, is_up, 7)?;
            done(&w, first, &format!("a client asked n1 for {kind} 7"))?;
            let second = count(&mut w, N1, is_up, 7)?;
            value_is(&w, RETRY, N1, if is_up { 1 } else { -1 }, &format!("{kind} 7 was asked for twice"))?;
            done(&w, second, &format!("a client asked n1 for {kind} 7 a second time"))
        });
    }
    suite.vector(RETRY, "old retries after newer operations", move |p| {
        let mut w = net(f, p, 1)?;
        for (is_up, op) in [(true, 7), (true, 10), (false, 9), (true, 8), (true, 6), (false, 9), (true, 7), (true, 10)] {
            count(&mut w, N1, is_up, op)?;
        }
        value_is(&w, RETRY, N1, 3, "increments 7, 10, 8 and 6 and decrement 9 were asked for, then 9, 7 and 10 again")
    });
    suite.vector(RETRY, "retries after hundreds of newer operations", move |p| {
        let mut w = net(f, p, 1)?;
        // Each third one is a decrement.
        let ask = |w: &mut Net, op: u64| {
            w.request(N1, if op.is_multiple_of(3) { Request::Decrement(OpId(op)) } else { Request::Increment(OpId(op)) })?;
            w.wait(millis(5))
        };
        (1..=300).try_for_each(|op| ask(&mut w, op))?;
        w.wait(millis(ANSWER_MS))?;
        value_is(&w, ADDS_UP, N1, 100, "n1 took 200 increments and 100 decrements")?;
        (1..=300).try_for_each(|op| {
            ask(&mut w, op)?;
            let story = format!("n1 took 300 operations, of which 100 decrements, under the ids 1 to 300; then {op} was asked for again");
            value_is(&w, RETRY, N1, 100, &story)
        })?;
        w.wait(millis(ANSWER_MS))?;
        value_is(&w, RETRY, N1, 100, "n1 took 300 operations, of which 100 decrements, and then each was asked for again")
    });
    suite.vector(RETRY, "a retry after a merge", move |p| {
        let mut w = net(f, p, 1)?;
        down(&mut w, N1, 7)?;
        w.tell(N2, N1, counts(&[(N2, 2)], &[(N1, 1), (N2, 1)]))?;
        down(&mut w, N1, 7)?;
        value_is(&w, RETRY, N1, 0, "n1 took decrement 7, was told of two increments and a decrement at n2, and was asked for 7 again")
    });
}

fn crashes(suite: &mut Suite, f: Factory<PnCounter>) {
    suite.scenario(SURVIVES, "increments and decrements, with a crash after each", move |p| {
        let mut w = net(f, p, 1)?;
        for (op, is_up, value) in [(1, true, 1), (2, true, 2), (3, false, 1), (4, false, 0), (5, false, -1), (6, true, 0)] {
            let kind = if is_up { "increment" } else { "decrement" };
            let ticket = count(&mut w, N1, is_up, op)?;
            done(&w, ticket, &format!("a client asked n1 for {kind} {op}"))?;
            w.reboot(N1)?;
            value_is(&w, SURVIVES, N1, value, &format!("{kind} {op} was acknowledged, then n1 crashed and restarted"))?;
        }
        Ok(())
    });
    // The crash falls after each number of effects in turn, so that the answer is out before or after the save. Then the
    // client asks again.
    for (name, is_up) in
        [("a crash between any two effects of an increment", true), ("a crash between any two effects of a decrement", false)]
    {
        suite.scenario(SURVIVES, name, move |p| {
            (0..6).try_for_each(|effects| {
                let mut w = net(f, p, 1)?;
                let (kind, sign) = if is_up { ("increment", 1) } else { ("decrement", -1) };
                w.kill_after(N1, effects);
                let ticket = count(&mut w, N1, is_up, 7)?;
                let told = w.answer_to(ticket).is_some();
                w.boot(N1)?;
                let out = if told { "and Done was out by then" } else { "before Done was out" };
                let story = format!(
                    "a crash fell after {} of the handler that took {kind} 7, {out}; after the restart",
                    counted(effects, "effect")
                );
                if told {
                    value_is(&w, SURVIVES, N1, sign, &story)?;
                }
                let kept = w.view(N1).unwrap_or(0) == sign;
                count(&mut w, N1, is_up, 7)?;
                let rule = if kept { RETRY } else { SURVIVES };
                value_is(&w, rule, N1, sign, &format!("{story} the client asked again"))
            })
        });
    }
    for (name, is_up) in [
        ("the answer to an increment is lost, and the replica crashes", true),
        ("the answer to a decrement is lost, and the replica crashes", false),
    ] {
        suite.scenario(RETRY, name, move |p| {
            let mut w = net(f, p, 1)?;
            let (kind, sign) = if is_up { ("increment", 1) } else { ("decrement", -1) };
            count(&mut w, N1, is_up, 7)?;
            w.reboot(N1)?;
            value_is(&w, SURVIVES, N1, sign, &format!("{kind} 7 was acknowledged, then n1 crashed and restarted"))?;
            count(&mut w, N1, is_up, 7)?;
            value_is(&w, RETRY, N1, sign, &format!("{kind} 7 was counted and saved, n1 crashed, and the client asked again"))
        });
    }
}

fn converges(suite: &mut Suite, f: Factory<PnCounter>) {
    suite.scenario(CONVERGES, "a state that was lost is told again", move |p| {
        let mut w = net(f, p, 2)?;
        down(&mut w, N1, 1)?;
        w.let_run(millis(3_000), |_| true)?;
        talk(&mut w)?;
        let story = "n1 took a decrement; for 3 s all messages were lost, then the network was whole for 12 s";
        value_is(&w, CONVERGES, N2, -1, story)
    });
    suite.scenario(CONVERGES, "a restarted replica goes on telling", move |p| {
        let mut w = net(f, p, 2)?;
        down(&mut w, N1, 1)?;
        w.let_run(millis(500), |_| true)?;
        w.take_sent();
        w.reboot(N1)?;
        talk(&mut w)?;
        value_is(&w, CONVERGES, N2, -1, "n1 took a decrement that reached nobody, crashed and restarted; the network was whole for 12 s")
    });
    suite.scenario(CONVERGES, "who forgot in a crash is told again", move |p| {
        let mut w = net(f, p, 2)?;
        down(&mut w, N1, 1)?;
        talk(&mut w)?;
        w.reboot(N2)?;
        talk(&mut w)?;
        value_is(&w, CONVERGES, N2, -1, "n2 had heard of n1's decrement, crashed and restarted; then they talked for 12 s")
    });
    suite.scenario(CONVERGES, "the last who knows passes it on", move |p| {
        let mut w = net(f, p, 3)?;
        down(&mut w, N1, 1)?;
        // Until n2 has heard, or never does.
        for _ in 0..1_250 {
            if w.view(N2) == Some(-1) {
                break;
            }
            w.let_run(millis(10), |l| l.to == N3)?;
        }
        w.kill(N1)?;
        w.take_sent();
        talk(&mut w)?;
        let story = "n1's decrement reached n2 only, then n1 went down for good; n2 and n3 talked for 12 s";
        value_is(&w, CONVERGES, N3, -1, story)
    });
    suite.scenario(RETRY, "others were told, the replica crashed, and the client asks again", move |p| {
        (0..8).try_for_each(|effects| {
            let mut w = net(f, p, 2)?;
            w.kill_after(N1, effects);
            down(&mut w, N1, 7)?;
            w.boot(N1)?;
            talk(&mut w)?;
            down(&mut w, N1, 7)?;
            talk(&mut w)?;
            let story = format!(
                "a crash fell after {} of the handler that took decrement 7; what was sent by then arrived, n1 restarted, \
                 n1 and n2 talked, the client asked again, and they talked again",
                counted(effects, "effect")
            );
            value_is(&w, RETRY, N1, -1, &story)?;
            value_is(&w, RETRY, N2, -1, &story)
        })
    });
    suite.scenario(ADDS_UP, "what one replica added, another takes off", move |p| {
        let mut w = net(f, p, 2)?;
        for op in 1..=3 {
            up(&mut w, N1, op)?;
        }
        talk(&mut w)?;
        down(&mut w, N2, 4)?;
        down(&mut w, N2, 5)?;
        talk(&mut w)?;
        let story = "n1 took three increments; when n2 had heard of them it took two decrements, and they talked again";
        value_is(&w, ADDS_UP, N1, 1, story)?;
        value_is(&w, ADDS_UP, N2, 1, story)
    });
}
