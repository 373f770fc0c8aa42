//! What a server may put into the cache, read and answer.

use super::{A_LITTLE, Fresh, Ghost, LATE, OfKey, Reading};
use crate::exercises::cache_aside::judge::rules::{DOWN, FILLS, FLOOD, INVALIDATES, JITTER, NEGATIVE, ONE, STALE_SET, TRUTH, TTL};
use crate::exercises::cache_aside::{AGAIN, CacheAside, Key, LEASE, Lease, Message, PATIENCE, Request, Response, SILENT, Value};
use crate::exercises::kit::Taken;
use crate::rule::{Broken, Check};
use crate::sim::Seen;
use crate::time::Time;
use crate::words::{counted, shown};
use std::time::Duration;

impl Ghost {
    /// Is it to be put into the cache, and for so long?
    pub(super) fn puts_in(&mut self, key: Key, lease: Option<Lease>, value: Option<Value>, ttl: Duration, step: u64) -> Check {
        let (me, most, brief) = (self.me, self.config.ttl, self.config.negative_ttl);
        let did = || {
            let what = value.map_or("that there is no such row".to_owned(), |value| format!("{value:?}"));
            format!("{me} put into the cache, under {key:?}, {what}")
        };
        let Some(lease) = lease else {
            return Err(Broken::new(STALE_SET, format!("{}, without a lease: no delete can keep that out", did())).at([step]));
        };
        let of = self.keys.entry(key).or_default();
        let given = self.given.get(&(key, lease)).copied().filter(|_| of.leases.contains_key(&lease));
        let Some(given) = given else {
            let seen = format!("{}, under {lease:?}, but the cache has not given it that lease", did());
            return Err(Broken::new(STALE_SET, seen).at([step]));
        };
        let first = |(tag, row): &(u64, Option<Value>)| (*row == value).then(|| self.reads.get(&(key, *tag)).copied()).flatten();
        match of.rows.iter().filter_map(first).max() {
            Some(read) if read >= given => {}
            Some(read) => {
                let why = "but had read it before that lease was given: a delete between the two did not void it";
                let seen = format!("{}, under {lease:?}, {why}", did());
                return Err(Broken::new(STALE_SET, seen).at([read, given, step]));
            }
            None => {
                let seen = format!("{}, under {lease:?}, but that is not what the database has answered", did());
                return Err(Broken::new(STALE_SET, seen).at([given, step]));
            }
        }
        self.fills.remove(&key);
        let broken = |rule, bound: String| Err(Broken::new(rule, format!("{}, for {}, {bound}", did(), shown(&ttl))).at([step]));
        match value {
            Some(_) if ttl > most => broken(TTL, format!("but ttl is {}", shown(&most))),
            Some(_) if ttl < most / 2 => broken(JITTER, format!("which is less than half of ttl, {}", shown(&most))),
            None if ttl > brief => broken(NEGATIVE, format!("but negative_ttl is {}", shown(&brief))),
            None if ttl < brief / 2 => broken(NEGATIVE, format!("which is less than half of negative_ttl, {}", shown(&brief))),
            _ => {
                self.met.add(if value.is_some() { "fills" } else { "fills that say that there is no row" }, 1);
                Ok(())
            }
        }
    }

    /// May it read that from the database now?
    pub(super) fn loads(&mut self, key: Key, tag: u64, seen: &Seen<'_, CacheAside>) -> Check {
        let (me, most, now, step) = (self.me, self.config.loads, seen.now, seen.number);
        let is_waited_for = |key: &Key| self.waited.contains(key);
        let silent = |since: Option<Time>| since.is_some_and(|since| now + A_LITTLE >= since + SILENT);
        let nothing = OfKey::default();
        let of = self.keys.get(&key).unwrap_or(&nothing);
        let goes_on = of.read.as_ref().filter(|read| !read.has_come && (read.tag == tag || !read.is_left && is_waited_for(&key)));
        let cache_is_silent = of.was_silent || silent(of.unanswered.map(|(at, _)| at)) || silent(self.quiet);
        let (ended, fresh) = match of.fresh {
            Some(fresh) if self.is_over(fresh.given, now) => (Some(fresh), None),
            fresh => (None, fresh),
        };
        if fresh.is_none() {
            let ms = |since: Time| now.since(since).as_millis();
            let came_again = match seen.message() {
                Some((_, Message::Miss { lease, .. })) if of.used.contains(lease) => Some(*lease),
                _ => None,
            };
            let why = match (goes_on, &of.read) {
                (Some(read), _) if now + A_LITTLE < read.sent + SILENT && came_again.is_some() => {
                    came_again.map(|lease| format!("it had done so {} ms before, under {lease:?}, which came again", ms(read.sent)))
                }
                (Some(read), _) if now + A_LITTLE < read.sent + SILENT => Some(format!("it had done so {} ms before", ms(read.sent))),
                (Some(_), _) => None,
                _ if cache_is_silent => None,
                (None, _) if ended.is_some() => ended.map(|Fresh { lease, given, .. }| {
                    format!("{lease:?} had come {} ms before: it has ended, and another server may have the next one", ms(given))
                }),
                _ if of.waits => Some("the cache had told it to wait for the server that has the lease".to_owned()),
                (None, Some(read)) if of.unanswered.is_none() && of.asked.is_some() => {
                    Some(format!("the lease of the read that it sent {} ms before is used up: the cache gives another one", ms(read.sent)))
                }
                _ => Some(format!("had no lease, and the cache had not been silent for {} ms", SILENT.as_millis())),
            };
            if let Some(why) = why {
                let marks = of.read.iter().map(|read| read.first).chain(ended.map(|fresh| fresh.step)).chain([step]);
                return Err(Broken::new(ONE, format!("{me} read {key:?} from the database, but {why}")).at(marks));
            }
        }
        let without = u64::from(fresh.is_none() && goes_on.is_none());
        let under_way = |other: &Key| {
            let read = self.keys.get(other).and_then(|of| of.read.as_ref())?;
            let is = *other != key && !read.has_any && !read.is_left && now < read.sent + AGAIN && is_waited_for(other);
            is.then_some(read.first)
        };
        let others: Vec<u64> = if self.busy.len() < most { Vec::new() } else { self.busy.keys().filter_map(under_way).collect() };
        // Whom it would have answered in the same step a crash may have cut off.
        if others.len() >= most && !seen.crashed {
            let seen = format!(
                "{me} read {key:?} from the database, but already had reads of {} under way: {most} are allowed",
                counted(others.len(), "other key")
            );
            let marks = others.iter().copied().take(3).chain([step]);
            return Err(Broken::new(FLOOD, seen).at(marks));
        }
        self.met.add("reads without a lease", without);
        self.busy.insert(key, now + AGAIN + SILENT);
        let is_first = !self.reads.contains_key(&(key, tag));
        let first = *self.reads.entry((key, tag)).or_insert(step);
        let of = self.of(key);
        let goes_on = of.read.as_ref().is_some_and(|read| read.tag == tag && !read.has_come) && !is_first;
        let fills = fresh.is_some_and(|fresh| fresh.must);
        // One that came twice is as old as it was when it came first.
        let came = |fresh: &Fresh| of.leases.get(&fresh.lease).map_or(fresh.given, |(given, _)| *given);
        let is_used = |fresh: &Fresh| fresh.is_kept && now + LATE < came(fresh) + LEASE / 2;
        of.used.extend(fresh.filter(is_used).map(|fresh| fresh.lease));
        (of.fresh, of.was_silent) = (None, false);
        match &mut of.read {
            Some(read) if goes_on => read.sent = now,
            read => *read = Some(Reading { tag, first, sent: now, fills, has_come: false, has_any: false, is_left: false }),
        }
        Ok(())
    }

    /// Who waits for that key was answered, maybe all.
    pub(super) fn is_done_with(&mut self, key: Key, step: u64) -> Check {
        if self.gets(key).next().is_none() {
            let me = self.me;
            let of = self.of(key);
            if let (Some((_, begun)), Some(read)) = (of.begun.take(), &of.read)
                && read.has_come
                && read.first >= begun
            {
                let seen =
                    format!("{me} was asked for {key:?}, which it read from the database and answered, but it has not asked the cache");
                return Err(Broken::new(FILLS, seen).at([begun, read.first, step]));
            }
            of.was_silent = false;
            // Who forgets the key may forget them as well.
            of.used.clear();
            if let Some(fresh) = &mut of.fresh {
                (fresh.must, fresh.is_kept) = (false, false);
            }
            if let Some(read) = &mut of.read {
                read.is_left = true;
            }
        }
        Ok(())
    }

    pub(super) fn replies(&mut self, taken: &Taken<CacheAside>, response: Response, seen: &Seen<'_, CacheAside>) -> Check {
        let (me, step) = (self.me, seen.number);
        let waited = seen.now.since(taken.since);
        let gives_up_early = waited + A_LITTLE < PATIENCE;
        let due = self.due.remove(&taken.ticket);
        let broken = |rule, why: String, marks: &[u64]| {
            let said = format!("{me} answered {:?} with {response:?}", taken.request);
            Err(Broken::new(rule, format!("{said}, but {why}")).at([taken.step].into_iter().chain(marks.iter().copied()).chain([step])))
        };
        let early = || format!("it had come only {} ms before", waited.as_millis());
        match (taken.request, response) {
            (Request::Get(key), Response::Value(value)) => {
                let known = self.of(key).came.iter().rev().find(|(_, came)| *came == value).map(|(at, _)| *at);
                match known {
                    Some(at) if at > taken.step => Ok(()),
                    Some(at) => {
                        broken(TTL, "had that from before the question came: nobody knows how long it stayed true".to_owned(), &[at])
                    }
                    None => broken(TRUTH, "neither the cache nor the database has told it that".to_owned(), &[]),
                }
            }
            (Request::Get(key), Response::Failed) => {
                let is_silent = self.keys.get(&key).is_some_and(|of| of.unanswered.is_some());
                match due {
                    Some((_, at)) => broken(TRUTH, "had been told what is in the row".to_owned(), &[at]),
                    None if gives_up_early => broken(if is_silent { DOWN } else { TRUTH }, early(), &[]),
                    None => Ok(()),
                }
            }
            (Request::Put { id, .. }, response) => {
                let Some(put) = self.puts.get_mut(&id) else { return Ok(()) };
                put.is_open = false;
                let (written, confirmed, is_certain) = (put.written, put.confirmed, put.is_certain);
                match (response, written, confirmed) {
                    (Response::Written, None, _) => broken(TRUTH, "the database has not confirmed it".to_owned(), &[]),
                    (Response::Written, Some((_, at)), None) => broken(
                        INVALIDATES,
                        "the cache has confirmed no delete that was sent after the database had the write".to_owned(),
                        &[at],
                    ),
                    (Response::Stale, None, _) => broken(TRUTH, "the database has not confirmed it".to_owned(), &[]),
                    (Response::Unknown, Some((_, at)), _) => broken(TRUTH, "the database had confirmed it".to_owned(), &[at]),
                    (Response::Stale, _, Some((_, at))) if is_certain => {
                        broken(TRUTH, "the cache had confirmed that it forgot the key".to_owned(), &[at])
                    }
                    (Response::Stale | Response::Unknown, ..) if gives_up_early => broken(TRUTH, early(), &[]),
                    (Response::Written, ..) => {
                        self.met.add("writes confirmed", 1);
                        Ok(())
                    }
                    (Response::Stale, ..) => {
                        self.met.add("writes whose invalidation was not confirmed", 1);
                        Ok(())
                    }
                    (Response::Unknown, ..) => {
                        self.met.add("writes that nobody confirmed", 1);
                        Ok(())
                    }
                    _ => broken(TRUTH, "that is not an answer to a Put".to_owned(), &[]),
                }
            }
            _ => broken(TRUTH, "that is not an answer to a Get".to_owned(), &[]),
        }
    }
}
