//! What is overdue at a server.

use super::{Fresh, Ghost, LATE, OfKey, PutOf, When};
use crate::exercises::cache_aside::judge::rules::{ANSWERS, DOWN, FILLS, INVALIDATES, NEGATIVE};
use crate::exercises::cache_aside::{AGAIN, ANSWERS as ANSWERED, Key, LEASE, Request, TAKES};
use crate::rule::{Broken, Check};
use crate::time::Time;

impl Ghost {
    pub(super) fn overdue(&self, now: Time) -> Check {
        let (me, takes) = (self.me, TAKES.as_millis());
        for (key, (since, step, value)) in &self.fills {
            if now > *since + TAKES + LATE {
                let what = value.map_or("that there is no such row".to_owned(), |value| format!("{value:?}"));
                let ms = now.since(*since).as_millis();
                let seen = format!("{me} had a lease for {key:?} and read {what}, but has not put that into the cache {ms} ms later");
                return Err(Broken::new(if value.is_some() { FILLS } else { NEGATIVE }, seen).at([*step]).stuck());
            }
        }
        if self.open.of.is_empty() {
            return Ok(());
        }
        let full = self.full.max(self.is_full_until().min(now));
        if let Some((ticket, (_, step))) = self.due.iter().find(|(_, (since, _))| now > *since + TAKES + LATE) {
            let request = self.open.of.get(ticket).map_or_else(|| "a request".to_owned(), |taken| format!("{:?}", taken.request));
            let seen = format!("{me} had what {request}, request {ticket:?}, asks for, but had not answered it {takes} ms later");
            return Err(Broken::new(ANSWERS, seen).at([*step]).unanswered());
        }
        self.open.in_time(now, ANSWERED + LATE)?;
        let nothing = OfKey::default();
        self.open.of.values().try_for_each(|taken| match taken.request {
            Request::Get(key) => self.get_is_late(key, self.keys.get(&key).unwrap_or(&nothing), (taken.since, taken.step), full, now),
            Request::Put { id, .. } => self.puts.get(&id).map_or(Ok(()), |put| self.put_is_late(id, put, now)),
        })
    }

    fn get_is_late(&self, key: Key, of: &OfKey, (since, came): When, full: Time, now: Time) -> Check {
        let (me, takes, again) = (self.me, TAKES.as_millis(), AGAIN.as_millis());
        let stuck = |rule, seen: String, step: u64| Err(Broken::new(rule, seen).at([step]).stuck());
        if let Some((_, step)) = of.begun.filter(|(begun, _)| now > *begun + TAKES + LATE) {
            return stuck(FILLS, format!("{me} was asked for {key:?}, but has not asked the cache within {takes} ms"), step);
        }
        // One that had to wait for room for long may have ended: who drops it, and asks the cache anew, is right.
        if let Some(Fresh { lease, given, step, must: true, .. }) = of.fresh
            && full + TAKES + LATE <= given + LEASE / 2
            && now > given.max(full) + TAKES + LATE
        {
            let seen = format!("{me} was given {lease:?} for {key:?}, but has not read that from the database within {takes} ms");
            return stuck(FILLS, seen, step);
        }
        let read = of.read.as_ref().filter(|read| !read.has_come).map(|read| read.sent);
        if let Some((left, step)) = of.unanswered.filter(|_| of.fresh.is_none_or(|fresh| !fresh.must))
            && read.is_none_or(|read| read < left)
            && now > left.max(since).max(full + TAKES) + AGAIN + LATE
        {
            let seen = format!(
                "{me} asked the cache for {key:?}, which has been silent for {} ms since, but has not read that from the database",
                now.since(left).as_millis()
            );
            return stuck(DOWN, seen, step);
        }
        let latest = of.asked.max(of.told).max(of.read.as_ref().map(|read| read.sent)).unwrap_or(Time::ZERO);
        if now > since + TAKES + LATE && now > latest.max(full) + AGAIN + LATE {
            return match (of.asked.filter(|asked| *asked >= since), read) {
                (None, None) => stuck(FILLS, format!("{me} was asked for {key:?}, but has not asked the cache within {takes} ms"), came),
                (_, Some(_)) => {
                    stuck(ANSWERS, format!("{me} read {key:?} from the database, but has not read it again for {again} ms"), came)
                }
                _ => stuck(
                    ANSWERS,
                    format!("{me} was asked for {key:?}, but has asked neither cache nor database again for {again} ms"),
                    came,
                ),
            };
        }
        Ok(())
    }

    fn put_is_late(&self, id: u64, put: &PutOf, now: Time) -> Check {
        let (me, takes, again) = (self.me, TAKES.as_millis(), AGAIN.as_millis());
        let (since, step) = put.written.unwrap_or(put.came);
        let is_late = match put.sent {
            None => now > since + TAKES + LATE,
            Some(sent) => now > sent + AGAIN + LATE,
        };
        if !is_late || put.confirmed.is_some() {
            return Ok(());
        }
        let (rule, what, to) = if put.written.is_some() {
            (INVALIDATES, "the database has write", "the cache to forget")
        } else {
            (ANSWERS, "it was asked for write", "the database")
        };
        let key = put.key;
        let seen = match (put.sent, put.written) {
            (None, Some(_)) if put.old_tag.is_some() => {
                let tag = put.old_tag.unwrap_or_default();
                format!(
                    "{what} {id}, but {me} told {to} {key:?} under tag {tag}, which a delete had that left before: the answer may be that to the older one"
                )
            }
            (None, Some(_)) => format!("{what} {id}, and {me} knows that, but has not told {to} {key:?} within {takes} ms"),
            (Some(_), Some(_)) => format!("{me} told {to} {key:?}, got no confirmation, and has not told it again for {again} ms"),
            (None, None) => format!("{me}: {what} {id}, but has not sent it to {to} within {takes} ms"),
            (Some(_), None) => {
                format!("{me} sent write {id} to {to}, got no confirmation, and has not sent it again for {again} ms")
            }
        };
        Err(Broken::new(rule, seen).at([step]).stuck())
    }
}
