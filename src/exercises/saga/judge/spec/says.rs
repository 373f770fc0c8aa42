//! What may leave.

use super::{Answer, Booking, Ghost, Part};
use crate::exercises::kit::Taken;
use crate::exercises::saga::judge::rules::{EACH_ONCE, FORWARD, IN_TIME, MAYBE, ONLY, ORDER, REASON, RESUMES, REVERSE, TRUTH, TURNS};
use crate::exercises::saga::{Call, Message, Request, Response, Saga, Step, WAITS};
use crate::rule::{Broken, Check};
use crate::sim::{NodeId, Seen};

/// The step before this one.
fn before(step: Step) -> Option<Step> {
    Step::ALL.into_iter().rev().find(|before| *before < step)
}

impl Ghost {
    pub(super) fn sends(&mut self, to: NodeId, message: &Message, seen: &Seen<'_, Saga>) -> Check {
        let (Message::Do(call) | Message::Cancel(call)) = message else { return Ok(()) };
        let (me, now, life) = (self.me, seen.now, self.life);
        let Some(booking) = self.bookings.get(&call.booking) else {
            let said = format!("{me} called {call:?}, but no client had asked for {:?}", call.booking);
            return Err(Broken::new(ORDER, said).at([seen.number]));
        };
        let does = self.config.service(call.step);
        if to != does {
            return Err(Broken::new(ORDER, format!("{me} sent {message:?} to {to}; {:?} is for {does}", call.step)).at([seen.number]));
        }
        self.keys(*call, to, seen)?;
        let is_cancel = matches!(message, Message::Cancel(_));
        if is_cancel {
            self.may_cancel(*call, booking, seen)?;
        } else {
            self.may_do(*call, booking, seen)?;
        }
        self.around.leaves(to, message);
        self.last = Some(call.booking);
        self.keys.insert((to, call.key), (call.booking, call.step));
        let Some(booking) = self.bookings.get_mut(&call.booking) else { return Ok(()) };
        let has_turned = booking.turned.is_some();
        // What is said again promises nothing new.
        let is_new = booking.parts.get(&call.step).is_none_or(|part| is_cancel && part.cancel.is_none());
        self.promised |= is_new;
        // It goes on: what it has waited for before is no reason any more.
        booking.waited &= !is_new || is_cancel;
        let part = booking.parts.entry(call.step).or_insert_with(|| Part::new(call.key, seen.number, life));
        part.called = life;
        let helps = if is_cancel { part.told.is_none_or(|told| told == Answer::Done) } else { part.told.is_none() && !has_turned };
        if is_cancel {
            part.cancel.get_or_insert(seen.number);
            booking.turned.get_or_insert((seen.number, life));
        } else {
            part.since.get_or_insert(now);
        }
        booking.changed();
        if helps {
            (booking.called, booking.due) = (Some(now), None);
        }
        Ok(())
    }

    /// One key for one step, and one step for one key.
    fn keys(&self, call: Call, to: NodeId, seen: &Seen<'_, Saga>) -> Check {
        let (me, Call { booking: id, step, key }) = (self.me, call);
        let part = self.bookings.get(&id).and_then(|booking| booking.parts.get(&step));
        if let Some(part) = part.filter(|part| part.key != key) {
            let said = format!(
                "{me} had called {step:?} of {id:?} under {:?}, but called it now under {key:?}: to {to} that is something else",
                part.key
            );
            return Err(Broken::new(EACH_ONCE, said).at([part.asked, seen.number]));
        }
        match self.keys.get(&(to, key)) {
            Some((other, of)) if (*other, *of) != (id, step) => {
                let first = self.bookings.get(other).and_then(|booking| booking.parts.get(of)).map_or(0, |part| part.asked);
                let said =
                    format!("{me} called {step:?} of {id:?} under {key:?}, under which {to} had been called for {of:?} of {other:?}");
                Err(Broken::new(EACH_ONCE, said).at([first, seen.number]))
            }
            _ => Ok(()),
        }
    }

    fn may_do(&self, call: Call, booking: &Booking, seen: &Seen<'_, Saga>) -> Check {
        let (me, id, step) = (self.me, call.booking, call.step);
        let broken = |rule, why: String, mark: u64| {
            let said = format!("{me} called {step:?} of {id:?}, but {why}; state of {id:?}: {}", booking.table());
            Err(Broken::new(rule, said).at([mark, seen.number]))
        };
        if let Some((later, part)) = booking.parts.iter().next_back().filter(|(later, _)| **later > step) {
            let (rule, since) = if part.life == self.life { (ORDER, "") } else { (RESUMES, " before the restart") };
            return broken(rule, format!("{later:?} had been called{since}"), part.asked);
        }
        if booking.parts.contains_key(&step) {
            return Ok(());
        }
        if let Some((when, life)) = booking.turned {
            let since = if life == self.life { "" } else { " before the restart" };
            return broken(TURNS, format!("a Cancel of it had left{since}"), when);
        }
        if let Some((Response::Failed, when)) = booking.told {
            return broken(TRUTH, "a client had been told Failed".to_owned(), when);
        }
        let Some(before) = before(step) else { return Ok(()) };
        match booking.parts.get(&before).map(|part| (part.heard, part.asked)) {
            Some((Some((Answer::Done, _)), _)) => Ok(()),
            Some((Some((answer, when)), _)) => broken(ORDER, format!("{before:?} had been answered {answer:?}"), when),
            Some((None, asked)) => broken(ORDER, format!("{before:?} had not been answered"), asked),
            None => broken(ORDER, format!("{before:?}, which comes before it, had not been called"), booking.asked),
        }
    }

    fn may_cancel(&self, call: Call, booking: &Booking, seen: &Seen<'_, Saga>) -> Check {
        let (me, id, step) = (self.me, call.booking, call.step);
        let broken = |rule, why: String, mark: u64| {
            let said = format!("{me} cancelled {step:?} of {id:?}, but {why}; state of {id:?}: {}", booking.table());
            Err(Broken::new(rule, said).at([mark, seen.number]))
        };
        if let Some(payment) = booking.parts.get(&Step::Payment).filter(|payment| !payment.is_settled()) {
            let (why, when) = match payment.done {
                Some(when) => ("it was paid for", when),
                None => ("its payment had been called and not refused", payment.asked),
            };
            return broken(FORWARD, why.to_owned(), when);
        }
        if !matches!(step, Step::Flight | Step::Hotel) {
            return broken(ONLY, format!("a {step:?} cannot be cancelled"), booking.asked);
        }
        let Some(part) = booking.parts.get(&step) else {
            // Whoever writes down what it has heard, and not what it calls next, cannot know after a crash whether that was called.
            let may_be_called = booking.restarted && before(step).is_none_or(|before| booking.heard(before) == Some(Answer::Done));
            return if may_be_called { Ok(()) } else { broken(ONLY, "it had never been called".to_owned(), booking.asked) };
        };
        // Of what was heard in another life only what was written down counts.
        if let (None, Some(Answer::Refused), Some((_, when))) = (part.cancel, part.told, part.heard) {
            return broken(ONLY, "it had been refused".to_owned(), when);
        }
        match booking.parts.iter().rev().find(|(later, part)| **later > step && !part.is_settled()) {
            Some((later, Part { cancel: None, heard: None, asked, .. })) => {
                return broken(MAYBE, format!("{later:?}, which was called after it and may be booked, had not been cancelled"), *asked);
            }
            Some((later, Part { cancel: None, asked, .. })) => {
                return broken(REVERSE, format!("{later:?}, which was booked after it, had not been cancelled before it"), *asked);
            }
            Some((later, Part { cancel: Some(when), .. })) => {
                return broken(REVERSE, format!("the Cancel of {later:?}, which comes before it, had not been answered"), *when);
            }
            None => {}
        }
        self.has_reason(booking).or_else(|why| broken(REASON, why, booking.asked))
    }

    /// Whether it may be given up; if not, why.
    fn has_reason(&self, booking: &Booking) -> Result<(), String> {
        let refused = booking.parts.values().any(|part| matches!(part.heard, Some((Answer::Refused, _))));
        if refused || booking.restarted || booking.waited || booking.turned.is_some() {
            return Ok(());
        }
        Err(format!(
            "nothing had been refused, and it had not waited {} ms for the answer of a flight or hotel that was called last",
            WAITS.as_millis()
        ))
    }

    pub(super) fn replies(&mut self, taken: &Taken<Saga>, response: Response, seen: &Seen<'_, Saga>) -> Check {
        let Request::Book(id) = taken.request else { return Ok(()) };
        let me = self.me;
        let Some(booking) = self.bookings.get(&id) else { return Ok(()) };
        let broken = |rule, why: String, mark: u64| {
            let said = format!("{me} answered {response:?} for {id:?}, but {why}; state of {id:?}: {}", booking.table());
            Err(Broken::new(rule, said).at([mark, seen.number]))
        };
        if let Some((before, when)) = booking.told.filter(|(before, _)| *before != response) {
            return broken(TRUTH, format!("had answered {before:?} before"), when);
        }
        match response {
            Response::Noted => return broken(IN_TIME, "the client wants to know whether it is booked".to_owned(), taken.step),
            Response::Booked if booking.heard(Step::Payment) != Some(Answer::Done) => {
                return broken(TRUTH, "had not heard that it is paid for".to_owned(), taken.step);
            }
            Response::Failed => {
                if let Some((step, part)) = booking.last() {
                    return match (part.done, part.cancel) {
                        (None, None) => broken(MAYBE, format!("{step:?} was called, and may be booked"), part.asked),
                        (Some(when), None) => broken(TRUTH, format!("{step:?} is booked"), when),
                        (_, Some(when)) => broken(TRUTH, format!("the Cancel of {step:?} had not been answered"), when),
                    };
                }
                if let Err(why) = self.has_reason(booking) {
                    return broken(REASON, why, taken.step);
                }
            }
            Response::Booked => {}
        }
        self.promised = true;
        self.last = Some(id);
        if let Some(booking) = self.bookings.get_mut(&id) {
            booking.told.get_or_insert((response, seen.number));
            if response == Response::Failed {
                booking.due = None;
            }
            // It has shown that it knows.
            if response == Response::Failed || booking.over {
                booking.ended.get_or_insert(seen.now);
            }
        }
        Ok(())
    }
}
