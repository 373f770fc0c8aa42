//! What a node must have done by now.

use super::{Due, Ghost, LATE};
use crate::exercises::kit::Taken;
use crate::exercises::primary_replica::judge::rules::{ANSWERS, CATCHES, DIVERGED, LEADS};
use crate::exercises::primary_replica::{BEAT, PrimaryReplica, Request, TAKES};
use crate::rule::{Broken, Check};
use crate::time::Time;
use crate::words::counted;

impl Ghost {
    pub(super) fn overdue(&self, now: Time) -> Check {
        let (me, ms) = (self.me, TAKES.as_millis());
        if let Some(owed) = self.owed.iter().find(|owed| now > owed.since + TAKES + LATE) {
            let to = owed.to;
            let (rule, seen) = match owed.what {
                Due::Report(epoch) => (ANSWERS, format!("{me} was told to seal {epoch:?}, but has not reported within {ms} ms")),
                Due::Have { epoch, fits: true, .. } if self.disk.agreed != epoch => (
                    DIVERGED,
                    format!(
                        "{to} sent {me} an append of {epoch:?} that fits, but {ms} ms later the log of {me} is still that of {:?}: {:?}",
                        self.disk.agreed, self.disk.log
                    ),
                ),
                Due::Have { epoch, end, fits: true, .. } => (
                    CATCHES,
                    format!(
                        "{to} sent {me} an append of {epoch:?} that ends at {end}, but {me} has not said within {ms} ms that it has that much"
                    ),
                ),
                Due::Have { epoch, .. } => (
                    CATCHES,
                    format!(
                        "{to} sent {me} an append of {epoch:?} that does not fit, but {me} has not said within {ms} ms how much it has"
                    ),
                ),
            };
            return Err(Broken::new(rule, seen).at([owed.step]).unanswered());
        }
        if let Some((ticket, (_, step))) = self.ripe.iter().find(|(_, (since, _))| now > *since + TAKES + LATE) {
            let k = counted(self.config.acks, "replica");
            let seen = format!("the write of request {ticket:?} is on {k}, but {me} has not answered it within {ms} ms");
            return Err(Broken::new(ANSWERS, seen).at([*step]).unanswered());
        }
        let late = |taken: &&Taken<PrimaryReplica>| {
            let ticket = &taken.ticket;
            now > taken.since + TAKES + LATE && !self.places.contains_key(ticket) && !self.excused.contains(ticket)
        };
        if let Some(taken) = self.open.of.values().find(late) {
            let (ticket, request) = (taken.ticket, &taken.request);
            let leads = self.lead.as_ref().is_some_and(|lead| taken.since > lead.since) && *request != Request::Read;
            let (rule, what) = if leads { (LEADS, "neither saved nor refused") } else { (ANSWERS, "not answered") };
            let seen = format!("{me} took request {ticket:?}, {request:?}, but had {what} it {ms} ms later");
            return Err(Broken::new(rule, seen).at([taken.step]).unanswered());
        }
        if let Some(lead) = &self.lead
            && let Some((to, _)) = lead.silent.iter().find(|(_, since)| now > **since + BEAT + LATE)
        {
            let what = match lead.told.get(to) {
                Some(told) => format!("an append that begins where {to} said that it ends, at {told}, or before"),
                None => "an append".to_owned(),
            };
            let seen = format!("{me} leads {:?}, but has not sent {to} {what} for {} ms", lead.epoch, BEAT.as_millis());
            return Err(Broken::new(CATCHES, seen).at([lead.step]).unanswered());
        }
        Ok(())
    }
}
