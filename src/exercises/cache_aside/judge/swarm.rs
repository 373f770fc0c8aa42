//! The random runs of `cache_aside`: three servers, clients who read and write, a cache that restarts empty, and every fault. What one server does is
//! watched by its ghost; here is what shows at the cache, whoever was wrong.

use super::config;
use super::rules::{RULED, STALE_SET, TTL};
use super::spec::Ghost;
use crate::exercises::cache_aside::{CacheAside, Config, Key, LEASE, Message, Request, Value};
use crate::exercises::kit::{Between, Guarded};
use crate::rng::Rng;
use crate::rule::{Broken, Check};
use crate::sim::{Allowed, Cause, Effect, Factory, NodeId, Role, Step};
use crate::suite::Swarm;
use crate::time::{Time, millis};
use std::collections::{BTreeMap, BTreeSet};

const SERVERS: usize = 3;

/// A time to live that ends in a run, and little room.
fn of_runs() -> Config {
    let ttl = millis(1_000);
    Config { ttl, negative_ttl: ttl / 20, loads: 2, ..config(SERVERS) }
}

pub(super) fn swarm(factory: Factory<CacheAside>) -> Swarm {
    let guarded = Guarded {
        rules: RULED,
        must_meet: &[
            "crashes between two effects",
            "restarts",
            "messages repeated",
            "messages lost",
            "fills",
            "reads without a lease",
            "writes confirmed",
            "writes whose invalidation was not confirmed",
        ],
        nodes: &[SERVERS],
        faults_ms: 1_500,
        quiet_ms: 3_000,
        config: |_, _| of_runs(),
        ghost: |node, _| Ghost::new(node, of_runs()),
        next: |_, duty, rng| (duty < Some(6)).then(|| asks(rng)),
        between: |_| Mirror::default(),
    };
    // The database loses nothing: it is spared. The cache is not.
    let allowed = Allowed { spared: 1 << (SERVERS + 1), down_for_good: false, ..Allowed::everything(millis(150)) };
    guarded.swarm_in(factory, allowed)
}

fn asks(rng: &mut Rng) -> Request {
    let key = Key(rng.below(3));
    if rng.chance(600_000) {
        return Request::Get(key);
    }
    // No two are equal, so that one can be told from the other.
    let value = rng.chance(800_000).then(|| Value(rng.next_u64() >> 32));
    Request::Put { id: rng.next_u64() >> 16, key, value }
}

/// What was in a row, since when, and in which step it was written.
type Version = (Option<Value>, Time, u64);

/// What the rows were, and since which of these the cache has been told to forget a key.
#[derive(Clone, Default)]
pub(super) struct Mirror {
    came: Option<(NodeId, Message)>,
    rows: BTreeMap<Key, Vec<Version>>,
    done: BTreeSet<u64>,
    /// The row of that time, and the step.
    forgot: BTreeMap<Key, (usize, u64)>,
}

impl Mirror {
    fn rows(&mut self, key: Key) -> &mut Vec<Version> {
        self.rows.entry(key).or_insert_with(|| vec![(None, Time::ZERO, 0)])
    }

    /// The cache says what is in a row.
    fn says(&mut self, key: Key, value: Option<Value>, at: Time, number: u64) -> Check {
        let forgot = self.forgot.get(&key).copied();
        let rows = self.rows(key);
        let Some(is) = rows.iter().rposition(|(row, ..)| *row == value) else { return Ok(()) };
        let what = value.map_or("that there is no such row".to_owned(), |value| format!("{value:?}"));
        let Some((newer, since, written)) = rows.get(is + 1).copied() else { return Ok(()) };
        let newer = newer.map_or("nothing".to_owned(), |value| format!("{value:?}"));
        if let Some((_, step)) = forgot.filter(|(then, _)| is < *then) {
            let seen = format!(
                "the cache has {what} under {key:?}, but the database has had {newer} there since, and after that the cache was told to forget the key"
            );
            return Err(Broken::new(STALE_SET, seen).at([written, step, number]));
        }
        // The clock of the cache may be a hundredth slow; and what was read before that write may have been put in as late as a lease ends.
        let most = (of_runs().ttl + LEASE) * 103 / 100;
        if at > since + most {
            let ms = at.since(since).as_millis();
            let seen = format!(
                "the cache has {what} under {key:?}, but the database has had {newer} there for {ms} ms, and ttl is {} ms",
                of_runs().ttl.as_millis()
            );
            return Err(Broken::new(TTL, seen).at([written, number]));
        }
        Ok(())
    }
}

impl Between<CacheAside> for Mirror {
    fn cause(&mut self, node: NodeId, cause: &Cause<'_, CacheAside>) {
        self.came = match cause {
            Cause::Message { message, .. } => Some((node, (*message).clone())),
            _ => None,
        };
    }

    fn step(&mut self, step: &Step<'_, CacheAside>) -> Check {
        let came = self.came.take().filter(|(node, _)| *node == step.node).map(|(_, message)| message);
        match (step.node.role(), came) {
            (Some(Role::Database), Some(Message::Write { id, key, value })) if self.done.insert(id) => {
                self.rows(key).push((value, step.at, step.number));
            }
            (Some(Role::Cache), came) => {
                if let Some(Message::Delete { key, .. }) = came {
                    let newest = self.rows(key).len() - 1;
                    self.forgot.insert(key, (newest, step.number));
                }
                for effect in step.effects {
                    if let Effect::Send { message: Message::Hit { key, value }, .. } = effect {
                        self.says(*key, *value, step.at, step.number)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercises::cache_aside::judge::{cache, database};

    const K: Key = Key(1);
    const OLD: Option<Value> = Some(Value(7));
    const NEW: Option<Value> = Some(Value(8));

    fn at(mirror: &mut Mirror, ms: u64, node: NodeId, message: &Message, says: Option<Message>) -> Result<(), &'static str> {
        mirror.cause(node, &Cause::Message { from: NodeId::from_index(0), id: 1, message });
        let effects: Vec<Effect<CacheAside>> =
            says.map(|message| Effect::Send { to: NodeId::from_index(0), message }).into_iter().collect();
        let at = Time::from_millis(ms);
        let step = Step { number: ms, at, node, effects: &effects, first_message: 1, crashed: false, view: None };
        mirror.step(&step).map_err(|broken| broken.rule)
    }

    fn written() -> Mirror {
        let mut mirror = Mirror::default();
        for (id, value) in [(1, OLD), (2, NEW), (1, OLD)] {
            at(&mut mirror, 10 * id, database(SERVERS), &Message::Write { id, key: K, value }, None).expect("a write breaks nothing");
        }
        mirror
    }

    fn hit(mirror: &mut Mirror, ms: u64, value: Option<Value>) -> Result<(), &'static str> {
        at(mirror, ms, cache(SERVERS), &Message::Get(K), Some(Message::Hit { key: K, value }))
    }

    #[test]
    fn what_was_deleted_is_not_there_again() {
        let mut mirror = written();
        assert_eq!(hit(&mut mirror, 30, OLD), Ok(()), "no delete has come yet");
        at(&mut mirror, 40, cache(SERVERS), &Message::Delete { key: K, tag: 1 }, None).expect("a delete breaks nothing");
        assert_eq!(hit(&mut mirror, 50, NEW), Ok(()));
        assert_eq!(hit(&mut mirror, 60, OLD), Err(STALE_SET));
    }

    #[test]
    fn nothing_is_older_than_its_time() {
        let mut mirror = written();
        assert_eq!(hit(&mut mirror, 1_200, OLD), Ok(()));
        assert_eq!(hit(&mut mirror, 1_300, OLD), Err(TTL));
    }
}
