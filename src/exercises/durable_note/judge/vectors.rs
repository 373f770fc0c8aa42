//! Vectors and scenarios of `durable_note`: one server, asked and crashed by hand. This is the first thing that a learner
//! is ever shown, so each case has as few events as will do.

use super::{ONCE, READS, REMEMBERS, SAVED};
use crate::exercises::durable_note::{DurableNote, Request, Response};
use crate::rule::{Broken, Check};
use crate::sim::{Factory, NodeId, Setup, Ticket, World};
use crate::suite::Suite;
use crate::time::millis;
use crate::trace::Probe;

const N1: NodeId = NodeId::from_index(0);

type Net = World<'static, DurableNote>;

fn server(factory: Factory<DurableNote>, probe: &Probe) -> Net {
    World::by_hand(factory, Setup::new(1, vec![()]), probe)
}

/// A server at its first start.
fn fresh(factory: Factory<DurableNote>, probe: &Probe) -> Result<Net, Broken> {
    let mut world = server(factory, probe);
    world.boot(N1)?;
    Ok(world)
}

/// Gives the server the second that it has for an answer, unless it has answered at once.
fn ask(w: &mut Net, request: Request) -> Result<Ticket, Broken> {
    let ticket = w.request(N1, request)?;
    if w.answer_to(ticket).is_none() {
        w.wait(millis(1_000))?;
    }
    Ok(ticket)
}

/// A write must be answered with Written.
fn write(w: &mut Net, note: u64) -> Check {
    let ticket = ask(w, Request::Write(note))?;
    one_answer(w, ticket, &Request::Write(note), "Written", |r| *r == Response::Written)
}

fn one_answer(w: &Net, ticket: Ticket, request: &Request, expected: &str, fits: impl Fn(&Response) -> bool) -> Check {
    let seen = match w.answers_to(ticket)[..] {
        [one] if fits(one) => return Ok(()),
        [] => {
            let seen = format!("{N1} got {request:?}, and did not answer it within a second");
            return Err(Broken::new(ONCE, seen).at([w.steps()]).unanswered());
        }
        [one] => format!("{N1} got {request:?}, which is answered with {expected}; it answered {one:?}"),
        [first, .., last] => format!("{N1} got {request:?} once, and answered it twice: {first:?} and {last:?}"),
    };
    let step = w.answered_in(ticket, usize::from(w.answers_to(ticket).len() > 1));
    Err(Broken::new(ONCE, seen).at(step).in_step(step))
}

/// A read must be answered with one of `allowed`, of which the first is what one would expect; `story` says why.
fn read(w: &mut Net, rule: &'static str, allowed: &[u64], story: &str) -> Check {
    let ticket = ask(w, Request::Read)?;
    one_answer(w, ticket, &Request::Read, "a Note", |r| matches!(r, Response::Note(_)))?;
    match w.answer_to(ticket) {
        Some(Response::Note(note)) if !allowed.contains(note) => {
            let expected: Vec<String> = allowed.iter().map(|n| format!("Note({n})")).collect();
            let seen = format!("{story}; a read must then find {}, and {N1} answered Note({note})", expected.join(" or "));
            let step = w.answered_in(ticket, 0);
            Err(Broken::new(rule, seen).at(step).in_step(step))
        }
        _ => Ok(()),
    }
}

pub(super) fn add(suite: &mut Suite, f: Factory<DurableNote>) {
    notes(suite, f);
    answers(suite, f);
    restarts(suite, f);
    crashes(suite, f);
}

fn notes(suite: &mut Suite, f: Factory<DurableNote>) {
    let cases: [(&str, &'static [u64]); 6] = [
        ("a write, then a read", &[7]),
        ("a read before anything was written", &[]),
        ("a newer note replaces the older", &[7, 9]),
        ("a newer note that is smaller", &[9, 4]),
        ("0 is a note, too", &[9, 0]),
        ("a large note", &[u64::MAX]),
    ];
    for (name, notes) in cases {
        suite.vector(READS, name, move |p| {
            let mut w = fresh(f, p)?;
            notes.iter().try_for_each(|note| write(&mut w, *note))?;
            let story = match notes {
                [] => "nothing was written yet".to_owned(),
                [note] => format!("{note} was written"),
                [first, .., last] => format!("{first} was written, then {last}"),
            };
            read(&mut w, READS, &[notes.last().copied().unwrap_or(0)], &story)
        });
    }
}

fn answers(suite: &mut Suite, f: Factory<DurableNote>) {
    suite.vector(ONCE, "the same note written twice", move |p| {
        let mut w = fresh(f, p)?;
        write(&mut w, 7)?;
        write(&mut w, 7)?;
        read(&mut w, READS, &[7], "7 was written twice")
    });
    suite.vector(ONCE, "four requests at the same time", move |p| {
        let mut w = fresh(f, p)?;
        let mut tickets = Vec::new();
        for request in [Request::Write(7), Request::Read, Request::Read, Request::Write(9)] {
            tickets.push((w.request(N1, request.clone())?, request));
        }
        // Longer than an answer may take: nothing more may be said later.
        w.wait(millis(5_000))?;
        tickets.iter().try_for_each(|(ticket, request)| match request {
            Request::Write(_) => one_answer(&w, *ticket, request, "Written", |r| *r == Response::Written),
            Request::Read => one_answer(&w, *ticket, request, "a Note", |r| matches!(r, Response::Note(_))),
        })
    });
}

fn restarts(suite: &mut Suite, f: Factory<DurableNote>) {
    suite.vector(REMEMBERS, "a start with 7 on the disk", move |p| {
        let mut w = server(f, p);
        w.on_disk(N1, 7);
        w.boot(N1)?;
        read(&mut w, REMEMBERS, &[7], "7 is on the disk, and n1 started")
    });
    suite.vector(REMEMBERS, "two starts with 7 on the disk", move |p| {
        let mut w = server(f, p);
        w.on_disk(N1, 7);
        w.boot(N1)?;
        w.reboot(N1)?;
        read(&mut w, REMEMBERS, &[7], "7 was on the disk, and n1 started, crashed and started again")
    });
}

fn crashes(suite: &mut Suite, f: Factory<DurableNote>) {
    suite.scenario(SAVED, "a crash after the answer", move |p| {
        let mut w = fresh(f, p)?;
        write(&mut w, 7)?;
        w.reboot(N1)?;
        read(&mut w, SAVED, &[7], "n1 answered Write(7) with Written, crashed and restarted")
    });
    // The crash falls after each number of effects in turn, so that the answer is out before or after the save.
    for (name, before) in [("a crash between any two effects of a write", None), ("the same, of a second write", Some(4))] {
        suite.scenario(SAVED, name, move |p| (0..6).try_for_each(|effects| between(&mut fresh(f, p)?, before, effects)));
    }
    // More than any batch, queue or log that is emptied now and then.
    suite.scenario(SAVED, "two thousand writes and reads, and a crash", move |p| {
        let mut w = fresh(f, p)?;
        for note in 1..=2_000 {
            write(&mut w, note)?;
            read(&mut w, READS, &[note], &format!("{note} notes were written, {note} was the last"))?;
        }
        w.reboot(N1)?;
        read(&mut w, SAVED, &[2_000], "n1 answered Write(1) to Write(2000) with Written, crashed and restarted")
    });
}

/// A crash after so many effects of the handler that takes a write. If the write was answered by then it must have stayed;
/// if not, the client knows nothing, and either note will do.
fn between(w: &mut Net, before: Option<u64>, effects: usize) -> Check {
    before.map_or(Ok(()), |note| write(w, note))?;
    w.kill_after(N1, effects);
    let ticket = w.request(N1, Request::Write(7))?;
    let told = w.answer_to(ticket).is_some();
    let when = if w.saved(N1) == Some(&7) { "after 7 was saved" } else { "before 7 was saved" };
    w.boot(N1)?;
    let old = before.unwrap_or(0);
    if told {
        return read(w, SAVED, &[7], &format!("n1 answered Write(7) with Written, crashed {when}, and restarted"));
    }
    let story = format!("n1 had the note {old}, took Write(7), crashed {when} and before it answered, and restarted");
    read(w, if before.is_some() { SAVED } else { READS }, &[old, 7], &story)
}
