//! Vectors and scenarios of `quorum_register` for the numbers of writes: above what is there, and never used twice.

use super::script::{N1, N2, N3, Net, Post, held, net, play, shows, store, text, willing};
use super::{ABOVE, UNIQUE};
use crate::exercises::quorum_register::{Held, Message, QuorumRegister, Request, Value};
use crate::rule::{Broken, Check};
use crate::sim::Factory;
use crate::suite::Suite;
use crate::time::millis;
use crate::words::counted;
use std::collections::BTreeMap;

/// What was stored under each timestamp, and under which timestamp each value: by messages and disks, not by calls.
#[derive(Default)]
struct Numbers {
    by_time: BTreeMap<crate::exercises::quorum_register::Timestamp, Value>,
    by_value: BTreeMap<u64, Held>,
}

impl Numbers {
    fn sees(&mut self, held: Held, story: &str) -> Check {
        if held == Held::INITIAL {
            return Ok(());
        }
        let first = *self.by_time.entry(held.at).or_insert(held.value);
        if first != held.value {
            let seen = format!("{story}: {:?} is the timestamp of {} and of {}", held.at, first.0, held.value.0);
            return Err(Broken::new(UNIQUE, seen));
        }
        let earlier = *self.by_value.entry(held.value.0).or_insert(held);
        if earlier.at != held.at {
            let seen = format!("{story}: {} was written once, and is stored as {:?} and as {:?}", held.value.0, earlier.at, held.at);
            return Err(Broken::new(UNIQUE, seen));
        }
        Ok(())
    }

    fn letters<'a>(&mut self, letters: impl IntoIterator<Item = &'a Post>, story: &str) -> Check {
        letters.into_iter().try_for_each(|l| if let Message::Store(_, held) = l.message { self.sees(held, story) } else { Ok(()) })
    }

    fn disk(&mut self, w: &Net, story: &str) -> Check {
        [N1, N2, N3].iter().try_for_each(|n| w.saved(*n).map_or(Ok(()), |s| self.sees(s.held, story)))
    }
}

/// The Stores of `value` that n1 sends in the next while, when `peer` is what its peers do.
fn stores_of(w: &mut Net, value: u64, mut peer: impl FnMut(&Post) -> Vec<Message>) -> Result<Vec<(Held, Option<u64>)>, Broken> {
    let mut stored = Vec::new();
    play(w, millis(600), |l| {
        if let Message::Store(_, held) = l.message
            && held.value == Value(value)
        {
            stored.push((held, l.id));
        }
        peer(l)
    })?;
    let mut stored: Vec<_> = stored.into_iter().map(|(held, id)| (held, w.sent_in(id))).collect();
    if let Some(saved) = w.saved(N1).map(|s| s.held).filter(|h| h.value == Value(value)) {
        stored.push((saved, None));
    }
    Ok(stored)
}

pub(super) fn add(suite: &mut Suite, f: Factory<QuorumRegister>) {
    above(suite, f);
    unique(suite, f);
    suite.scenario(UNIQUE, "a crash between any two effects of a write, and the next write after it", move |p| {
        for calls in 0..6 {
            for effects in 0..7 {
                crash_and_write(f, p, calls, effects)?;
            }
        }
        Ok(())
    });
}

fn above(suite: &mut Suite, f: Factory<QuorumRegister>) {
    suite.vector(ABOVE, "above the largest that a majority shows", move |p| {
        let shown = [held(7, 3, 70), held(4, 2, 40)];
        for (first, second) in [(0, 1), (1, 0)] {
            let mut w = net(f, p, 5, 1)?;
            w.request(N1, Request::Write(Value(9)))?;
            let peer = |l: &Post| match l.to.index() {
                1 => shows(l, shown[first]),
                2 => shows(l, shown[second]),
                _ => Vec::new(),
            };
            for (stored, step) in stores_of(&mut w, 9, peer)? {
                if stored.at <= shown[0].at {
                    let seen = format!(
                        "N = 5; n1 was asked to write 9; n2 showed {}, n3 showed {}, and n1 stored {}, which is not above both",
                        text(shown[first]),
                        text(shown[second]),
                        text(stored)
                    );
                    return Err(Broken::new(ABOVE, seen).at([step.unwrap_or(w.steps())]).in_step(step));
                }
            }
        }
        Ok(())
    });
    suite.vector(ABOVE, "above what this replica holds itself", move |p| {
        let mut w = net(f, p, 3, 1)?;
        store(&mut w, held(7, 3, 70))?;
        w.request(N1, Request::Write(Value(9)))?;
        for (stored, step) in stores_of(&mut w, 9, |l| if l.to == N2 { shows(l, held(4, 2, 40)) } else { Vec::new() })? {
            if stored.at <= held(7, 3, 70).at {
                let seen = format!(
                    "N = 3; n1 held 7.n3 = 70 and was asked to write 9; n2 showed 4.n2 = 40, n3 was silent, and n1 stored {}: \
                     n3's write may be complete with n1 and n3",
                    text(stored)
                );
                return Err(Broken::new(ABOVE, seen).at([step.unwrap_or(w.steps())]).in_step(step));
            }
        }
        Ok(())
    });
}

fn unique(suite: &mut Suite, f: Factory<QuorumRegister>) {
    suite.vector(UNIQUE, "a write bears its coordinator's name", move |p| {
        let mut w = net(f, p, 3, 1)?;
        w.request(N1, Request::Write(Value(9)))?;
        match stores_of(&mut w, 9, |l| willing(l, held(7, 3, 70)))?.iter().find(|(held, _)| held.at.writer != N1) {
            Some((odd, step)) => {
                let seen = format!(
                    "n1 was asked to write 9; its peers showed 7.n3 = 70, and it stored {}: another node may choose the same number under that name",
                    text(*odd)
                );
                Err(Broken::new(UNIQUE, seen).at([step.unwrap_or(w.steps())]).in_step(*step))
            }
            None => Ok(()),
        }
    });
    suite.vector(UNIQUE, "three writes at one coordinator at once", move |p| {
        let mut w = net(f, p, 3, 1)?;
        for value in [7, 8, 9] {
            w.request(N1, Request::Write(Value(value)))?;
        }
        let (mut numbers, mut check) = (Numbers::default(), Ok(()));
        let story = "N = 3; n1 was asked to write 7, 8 and 9 at once, its peers showed 0.n1 = 0 and acknowledge";
        play(&mut w, millis(600), |l| {
            check = check.clone().and_then(|()| numbers.letters([l], story));
            willing(l, Held::INITIAL)
        })?;
        check
    });
    suite.vector(UNIQUE, "a write that is stored again keeps its timestamp", move |p| {
        let mut w = net(f, p, 3, 1)?;
        w.request(N1, Request::Write(Value(9)))?;
        let (mut numbers, mut check) = (Numbers::default(), Ok(()));
        let (story, mut shown) = ("N = 3; n1 was asked to write 9; its peers showed more every time, and acknowledged nothing", 0);
        play(&mut w, millis(1_500), |l| {
            check = check.clone().and_then(|()| numbers.letters([l], story));
            shown += 1;
            shows(l, held(shown, 3, 1_000 + shown))
        })?;
        check
    });
    suite.vector(UNIQUE, "a crash after the Stores have left, and the next write", move |p| {
        let mut w = net(f, p, 3, 1)?;
        w.request(N1, Request::Write(Value(7)))?;
        let first = stores_of(&mut w, 7, |l| shows(l, Held::INITIAL))?;
        w.reboot(N1)?;
        w.request(N1, Request::Write(Value(8)))?;
        let second = stores_of(&mut w, 8, |l| shows(l, Held::INITIAL))?;
        let story = "N = 3; n1 was asked to write 7 and sent Stores that nobody acknowledged; it crashed, restarted, and was asked to write 8; \
                     its peers showed 0.n1 = 0 both times";
        let mut numbers = Numbers::default();
        first.into_iter().chain(second).try_for_each(|(held, _)| numbers.sees(held, story))
    });
}

/// n1 is asked to write 7 and crashes after `effects` effects of the `calls`th handler call from then on. What it had sent
/// reaches n3 alone. It restarts, n3 is cut off, and it is asked to write 8: never with the same timestamp.
fn crash_and_write(f: Factory<QuorumRegister>, p: &crate::trace::Probe, calls: usize, effects: usize) -> Check {
    let mut w = net(f, p, 3, 3)?;
    let mut numbers = Numbers::default();
    let story = format!(
        "n1 was asked to write 7 and crashed after {} of step {} that it made from then on; what it had sent reached n3 alone; \
         n1 restarted, n3 was cut off, and n1 was asked to write 8",
        counted(effects, "effect"),
        calls + 1
    );
    if calls == 0 {
        w.kill_after(N1, effects);
    }
    w.request(N1, Request::Write(Value(7)))?;
    let mut n1_calls = 1;
    for _ in 0..200 {
        let letters = w.take_sent();
        numbers.letters(&letters, &story)?;
        for letter in letters {
            if letter.to == N1 {
                if n1_calls == calls {
                    w.kill_after(N1, effects);
                }
                n1_calls += 1;
            }
            // From the crash on, and for Stores always, n2 hears nothing.
            if letter.to == N2 && (!w.is_up(N1) || matches!(letter.message, Message::Store(..))) {
                continue;
            }
            w.deliver(&letter)?;
        }
        w.wait(millis(1))?;
    }
    w.kill(N1)?;
    numbers.disk(&w, &story)?;
    w.take_sent();
    w.boot(N1)?;
    w.request(N1, Request::Write(Value(8)))?;
    let mut check = Ok(());
    w.let_run(millis(500), |l| {
        check = check.clone().and_then(|()| numbers.letters([l], &story));
        l.to != l.from && (l.from == N3 || l.to == N3)
    })?;
    check?;
    numbers.disk(&w, &story)
}
