//! What is late.

use super::{Answer, Booking, Ghost};
use crate::exercises::saga::judge::rules::{ENDS, IN_TIME, RESUMES, RETRIED};
use crate::exercises::saga::{AGAIN, BookingId, Request, TAKES};
use crate::rule::{Broken, Check};
use crate::time::{Time, millis};
use std::time::Duration;

/// What a timer that is a little late is forgiven.
const LATE: Duration = millis(10);

impl Ghost {
    pub(super) fn overdue(&self, now: Time) -> Check {
        self.bookings.iter().try_for_each(|(id, booking)| self.must_call(*id, booking, now))?;
        for taken in self.open.of.values() {
            let Request::Book(id) = taken.request else { continue };
            let Some(booking) = self.bookings.get(&id).filter(|booking| booking.over) else { continue };
            // What it has heard in another life it may have to ask for again.
            let knows = booking.ended.or_else(|| booking.called.map(|called| called + AGAIN));
            let since = knows.map_or(taken.since, |knows| knows.max(taken.since));
            if now > since + TAKES + LATE {
                let stands = booking.table();
                let said = format!("{id:?} has ended ({stands}), but {} had not told its client within {} ms", self.me, TAKES.as_millis());
                return Err(Broken::new(IN_TIME, said).at([taken.step]).unanswered());
            }
        }
        Ok(())
    }

    /// A booking that has not ended waits for an answer, and not for ever.
    fn must_call(&self, id: BookingId, booking: &Booking, now: Time) -> Check {
        if booking.over {
            return Ok(());
        }
        let me = self.me;
        let is_back = booking.turned.is_some() || booking.parts.values().any(|part| matches!(part.heard, Some((Answer::Refused, _))));
        if let Some((_, step)) = booking.due.filter(|(since, _)| now > *since + TAKES + LATE) {
            let (rule, why) = match () {
                () if step == self.born => (RESUMES, "started again"),
                () if is_back => (RETRIED, "could go back further"),
                () if booking.parts.is_empty() => (ENDS, "was asked for it"),
                () => (ENDS, "could go on"),
            };
            let ms = TAKES.as_millis();
            let said = format!("{me} {why}, but called nobody for {id:?} within {ms} ms; its state: {}", booking.table());
            return Err(Broken::new(rule, said).at([step]).stuck());
        }
        let waits = booking.called.is_some_and(|called| booking.due.is_none() && now > called + AGAIN + LATE);
        let Some((step, part)) = booking.last().filter(|_| waits) else { return Ok(()) };
        let what = if is_back { "Cancel" } else { "Do" };
        let said = format!(
            "{me} had no answer to its {what} for {step:?} of {id:?}, but did not send it again within {} ms; state of {id:?}: {}",
            AGAIN.as_millis(),
            booking.table()
        );
        let rule = if is_back { RETRIED } else { ENDS };
        Err(Broken::new(rule, said).at([part.cancel.unwrap_or(part.asked)]).stuck())
    }
}
