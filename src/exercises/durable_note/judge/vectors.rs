//! Vectors and scenarios of `durable_note`: one server, asked and crashed by hand. This is the first thing that a learner
//! is ever shown, so each case has as few events as will do.

use super::{ONCE, READS, REMEMBERS, SAVED};
use crate::exercises::durable_note::{DurableNote, Request, Response};
use crate::exercises::kit::{N1, Script, crash_sweep, rows};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, Ticket};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;

type Server = Script<'static, DurableNote>;

const NOTES: [(&str, &[u64]); 6] = [
    ("a write, then a read", &[7]),
    ("a read before anything was written", &[]),
    ("a newer note replaces the older", &[7, 9]),
    ("a newer note that is smaller", &[9, 4]),
    ("0 is a note, too", &[9, 0]),
    ("a large note", &[u64::MAX]),
];

/// A server that starts with this on its disk.
fn with(f: Factory<DurableNote>, probe: &Probe, disk: Option<u64>) -> Result<Server, Broken> {
    let mut s = Script::new(f, probe, vec![()]);
    disk.into_iter().for_each(|note| s.world.on_disk(N1, note));
    s.start(N1)?;
    Ok(s)
}

/// An answer there must be, one, and of the request's kind.
fn one_answer(s: &Server, ticket: Ticket, request: &Request) -> Check {
    match request {
        Request::Write(_) => s.one_answer(ONCE, ticket, "Written", |r| *r == Response::Written),
        Request::Read => s.one_answer(ONCE, ticket, "a Note", |r| matches!(r, Response::Note(_))),
    }
}

fn write(s: &mut Server, note: u64) -> Check {
    let ticket = s.call(N1, Request::Write(note))?;
    one_answer(s, ticket, &Request::Write(note))
}

/// A read must be answered with one of `allowed`, of which the first is what one would expect.
fn read(s: &mut Server, rule: &'static str, allowed: &[u64]) -> Check {
    let ticket = s.call(N1, Request::Read)?;
    one_answer(s, ticket, &Request::Read)?;
    let allowed: Vec<Response> = allowed.iter().copied().map(Response::Note).collect();
    s.answered(rule, ticket, &allowed)
}

pub(super) fn add(suite: &mut Suite, f: Factory<DurableNote>) {
    rows(suite, READS, NOTES, move |p, notes| {
        let mut s = with(f, p, None)?;
        notes.iter().try_for_each(|note| write(&mut s, *note))?;
        read(&mut s, READS, &[notes.last().copied().unwrap_or(0)])
    });
    suite.vector(ONCE, "the same note written twice", move |p| {
        let mut s = with(f, p, None)?;
        write(&mut s, 7)?;
        write(&mut s, 7)?;
        read(&mut s, READS, &[7])
    });
    suite.vector(ONCE, "four requests at the same time", move |p| {
        let (mut s, mut tickets) = (with(f, p, None)?, Vec::new());
        for request in [Request::Write(7), Request::Read, Request::Read, Request::Write(9)] {
            tickets.push((s.ask(N1, request.clone())?, request));
        }
        // Longer than an answer may take: nothing more may be said later.
        s.world.wait(millis(5_000))?;
        tickets.iter().try_for_each(|(ticket, request)| one_answer(&s, *ticket, request))
    });
    rows(suite, REMEMBERS, [("a start with 7 on the disk", false), ("two starts with 7 on the disk", true)], move |p, twice| {
        let mut s = with(f, p, Some(7))?;
        if *twice {
            s.restart(N1)?;
        }
        read(&mut s, REMEMBERS, &[7])
    });
    crashes(suite, f);
}

fn crashes(suite: &mut Suite, f: Factory<DurableNote>) {
    suite.scenario(SAVED, "a crash after the answer", move |p| {
        let mut s = with(f, p, None)?;
        write(&mut s, 7)?;
        s.restart(N1)?;
        read(&mut s, SAVED, &[7])
    });
    // If the write was answered by then it must have stayed; if not, the client knows nothing, and either note will do.
    for (name, before) in [("a crash between any two effects of a write", 0), ("the same, of a second write", 4)] {
        suite.scenario(SAVED, name, move |p| {
            let set = || {
                let mut s = with(f, p, None)?;
                if before > 0 {
                    write(&mut s, before)?;
                }
                Ok(s)
            };
            for swept in crash_sweep(N1, set, |s| s.ask(N1, Request::Write(7))) {
                let (mut s, ticket) = swept?;
                match s.answer_to(ticket) {
                    Some(_) => read(&mut s, SAVED, &[7])?,
                    None => read(&mut s, if before > 0 { SAVED } else { READS }, &[before, 7])?,
                }
            }
            Ok(())
        });
    }
    // More than any batch, queue or log that is emptied now and then.
    suite.scenario(SAVED, "two thousand writes and reads, and a crash", move |p| {
        let mut s = with(f, p, None)?;
        for note in 1..=2_000 {
            write(&mut s, note)?;
            read(&mut s, READS, &[note])?;
        }
        s.restart(N1)?;
        read(&mut s, SAVED, &[2_000])
    });
}
