//! Counters with an entry for each replica that only its owner raises: what one replica may show, say and answer, and what it
//! owes. The ghost of `g_counter` and of `pn_counter`; the second counts two kinds, and shows their difference.
//!
//! Of its own entry a replica must know what it found on its first disk, acknowledged or told others; it may know of whatever
//! was asked. Of another's entry it must know what it was told since its last start; it may know what it ever heard. Group
//! commit, deltas, extra saves, mail to oneself: all are allowed that keep this.

pub(crate) mod clues;
mod kind;
mod storm;
mod swarm;
pub(crate) mod vectors;

use crate::rule::{Broken, Check};
use crate::sim::{Cause, Effect, NodeId, Protocol, Seen, Spec, Ticket};
use crate::time::{Time, millis};
use crate::words::counted;
use kind::Kind;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
pub(crate) use storm::MUST_MEET;
pub(crate) use swarm::swarm;
pub(crate) use vectors::vectors;

/// For each replica, how many operations of one kind it has taken.
pub(crate) type Counts = BTreeMap<NodeId, u64>;

// The names that both exercises give their rules.
const MERGE_LAWS: &str = "merge_laws";
const READS: &str = "reads_need_nobody";
const RETRY: &str = "retry_counts_once";
const SURVIVES: &str = "acknowledged_survives";
const BOUNDS: &str = "value_in_bounds";
const CONVERGES: &str = "converges";

/// How long an answer may take.
pub(crate) const ANSWER_MS: u64 = 1_000;
/// How long a replica may keep to itself what it knows.
pub(crate) const TELL_MS: u64 = 12_000;
/// What a timer that is a little late is forgiven.
const GRACE_MS: u64 = 10;
/// How long after it first asked a client may ask again.
const RETRIES_MS: u64 = 600_000;

/// How an exercise says it. Of a counter that only grows the second kind is empty.
pub(crate) trait Words: Protocol {
    /// What is counted up, and what down.
    const KINDS: &'static [&'static str];
    /// Its rule that operations add up.
    const ADDS_UP: &'static str;
    /// Its rule that a value may be negative, if it may.
    const NEGATIVE: Option<&'static str>;

    /// What a message carries.
    fn carried(message: &Self::Message) -> [Option<&Counts>; 2];
    /// The message that carries it.
    fn message(counts: [Counts; 2]) -> Self::Message;
    /// The kind of the operation that is asked for, and its id; of a read, nothing.
    fn asks(request: &Self::Request) -> Option<(usize, u64)>;
    /// The request for it.
    fn request(op: Option<(usize, u64)>) -> Self::Request;
    /// The value that a read is answered with; of an operation, nothing.
    fn answer(response: &Self::Response) -> Option<i128>;
    /// The value that is shown.
    fn value(view: &Self::View) -> i128;
    /// What is on a disk.
    fn disk(counts: [Counts; 2], ids: BTreeSet<u64>) -> Self::Durable;
}

/// What is known of an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// It was asked for in this life, and is not answered.
    Open,
    /// A crash came before the answer: it counts or not, and nobody knows.
    Limbo,
    /// It counts, and is safe.
    Certain,
    /// It is known not to count.
    Lost,
}

#[derive(Clone, Copy)]
struct Op {
    kind: usize,
    state: State,
    /// When it was asked for first; of one from the first disk, no later than the first start.
    first: Time,
}

/// A request that the replica has taken in this life and not answered.
#[derive(Clone)]
pub(crate) struct Open {
    pub step: u64,
    since: Time,
    /// Kind and id; of a read, nothing.
    pub op: Option<(usize, u64)>,
    /// Of a read, all that was right to answer since it came in.
    range: (i128, i128),
}

/// What it has met.
#[derive(Clone, Default)]
pub(crate) struct Met {
    pub acked: [u64; 2],
    pub retries: u64,
    pub after_a_crash: u64,
    pub reads: u64,
    pub heard: u64,
    pub below_zero: u64,
}

/// The ghost of one replica.
#[derive(Clone)]
pub(crate) struct Ghost<P: Words> {
    me: NodeId,
    kinds: [Kind; 2],
    ops: BTreeMap<u64, Op>,
    /// When it started first, and what its clock said last.
    born: Time,
    now: Time,
    pub open: BTreeMap<Ticket, Open>,
    /// What a crash cut off before the answer.
    cut: BTreeSet<Ticket>,
    restarted: bool,
    /// Whether the last request was a retry.
    retried: bool,
    /// Whether an operation was acknowledged in the last step.
    promised: bool,
    pub met: Met,
    weather: storm::Weather,
    words: std::marker::PhantomData<fn() -> P>,
}

impl<P: Words> Ghost<P> {
    /// Of `me` of so many, with an empty disk.
    pub fn new(nodes: usize, me: NodeId) -> Self {
        Ghost {
            me,
            kinds: [Kind::new(nodes, me), Kind::new(nodes, me)],
            ops: BTreeMap::new(),
            born: Time::ZERO,
            now: Time::ZERO,
            open: BTreeMap::new(),
            cut: BTreeSet::new(),
            restarted: false,
            retried: false,
            promised: false,
            met: Met::default(),
            weather: storm::Weather::default(),
            words: std::marker::PhantomData,
        }
    }

    /// What the value may be now.
    fn range(&self) -> (i128, i128) {
        let [up, down] = self.kinds.each_ref().map(Kind::range);
        (up.0 - down.1, up.1 - down.0)
    }

    /// A crash cuts off what is open: it has happened by now, or it never will.
    fn cut_off(&mut self) {
        for (ticket, open) in std::mem::take(&mut self.open) {
            self.cut.insert(ticket);
            if let Some(op) = open.op.and_then(|(_, id)| self.ops.get_mut(&id)).filter(|op| op.state == State::Open) {
                op.state = State::Limbo;
            }
        }
    }

    fn comes(&mut self, seen: &Seen<'_, P>) {
        match seen.cause {
            Cause::Start { again } => {
                self.restarted |= again;
                if !again {
                    self.born = seen.now;
                }
                self.cut_off();
                self.kinds.iter_mut().for_each(|kind| kind.starts(seen.now));
            }
            Cause::Message { from, message, .. } if from != self.me => {
                self.met.heard += 1;
                for (kind, counts) in self.kinds.iter_mut().zip(P::carried(message)) {
                    kind.hears(counts, seen.now);
                }
            }
            Cause::Request { ticket, request } => {
                let op = P::asks(request);
                if let Some((kind, id)) = op {
                    self.is_asked(kind, id, seen.now);
                }
                let range = self.range();
                self.open.insert(ticket, Open { step: seen.number, since: seen.now, op, range });
            }
            _ => {}
        }
    }

    fn is_asked(&mut self, kind: usize, id: u64, now: Time) {
        let known = self.ops.get(&id).map(|op| op.state);
        let of = &mut self.kinds[kind];
        if matches!(known, None | Some(State::Lost)) {
            of.arrived += 1;
            let first = self.ops.get(&id).map_or(now, |op| op.first);
            self.ops.insert(id, Op { kind, state: State::Open, first });
        }
        self.retried = known.is_some();
        if self.retried {
            of.again += 1;
            self.met.retries += 1;
            self.met.after_a_crash += u64::from(known != Some(State::Open) && self.restarted);
        }
    }

    fn reply(&mut self, ticket: Ticket, response: &P::Response, seen: &Seen<'_, P>) -> Check {
        let me = self.me;
        let Some(open) = self.open.remove(&ticket) else {
            if self.cut.contains(&ticket) {
                return Ok(());
            }
            let rule = if P::answer(response).is_some() { READS } else { RETRY };
            let text = format!("{me} answered {:?}'s request {ticket:?} a second time, with {response:?}", ticket.client());
            return Err(Broken::new(rule, text).at([seen.number]));
        };
        match (open.op, P::answer(response)) {
            (Some((kind, id)), None) => {
                self.met.acked[kind] += 1;
                if let Some(op) = self.ops.get_mut(&id).filter(|op| op.state != State::Certain) {
                    op.state = State::Certain;
                    self.promised = true;
                    self.kinds[kind].is_certain(seen.now);
                }
                Ok(())
            }
            (None, Some(value)) => {
                self.met.reads += 1;
                let now = self.range();
                let (least, most) = (open.range.0.min(now.0), open.range.1.max(now.1));
                if value >= least && value <= most {
                    return Ok(());
                }
                let rule = P::NEGATIVE.filter(|_| most < 0 && value >= 0).unwrap_or(READS);
                Err(self.outside(rule, "answered a read with", value, (least, most), "").at([open.step, seen.number]))
            }
            (op, _) => {
                let (rule, asked) = op.map_or((READS, "a read".to_owned()), |(kind, id)| (RETRY, format!("{} {id}", P::KINDS[kind])));
                Err(Broken::new(rule, format!("{me} answered {asked} with {response:?}")).at([open.step, seen.number]))
            }
        }
    }

    /// What it tells another replica must be what it can know.
    fn says(&mut self, to: NodeId, message: &P::Message, seen: &Seen<'_, P>) -> Check {
        let me = self.me;
        for ((kind, name), counts) in self.kinds.iter_mut().zip(P::KINDS).zip(P::carried(message)) {
            let Err((of, n, most)) = kind.says(counts, seen.now) else { continue };
            let (rule, more) = if of == me && n <= most + kind.again {
                (RETRY, format!("; its clients had asked again for {} of them", kind.again))
            } else {
                (BOUNDS, String::new())
            };
            let heard = if of == me { "it can have taken only" } else { "by then it can have heard of only" };
            let text = format!(
                "{me} told {to} of {} at {of}, but {heard} {}{more}",
                counted(n, name),
                counted(most, &format!("different {name}"))
            );
            return Err(Broken::new(rule, text).at([seen.number]));
        }
        Ok(())
    }

    /// What it shows must be what it knows.
    fn shows(&mut self, value: i128, seen: &Seen<'_, P>) -> Check {
        let (least, most) = self.range();
        self.met.below_zero += u64::from(value < 0);
        if value >= least && value <= most {
            self.settles(value);
            return Ok(());
        }
        let (rule, more) = self.which(value, (least, most), seen);
        Err(self.outside(rule, "shows", value, (least, most), &more).at([seen.number]))
    }

    /// Which rule a wrong value breaks: it depends on what it was asked or told in this step.
    fn which(&self, value: i128, (least, most): (i128, i128), seen: &Seen<'_, P>) -> (&'static str, String) {
        let again: u64 = self.kinds.iter().map(|kind| kind.again).sum();
        if let Some(rule) = P::NEGATIVE.filter(|_| most < 0 && value >= 0 && value - most > i128::from(again)) {
            return (rule, String::new());
        }
        // What is missing is of the first kind if the value is too low, else of the second.
        let (off, missing) = if value > most { (value - most, &self.kinds[1]) } else { (least - value, &self.kinds[0]) };
        match seen.cause {
            Cause::Start { .. } if off <= i128::from(missing.told_unsafe()) => {
                (SURVIVES, " when it starts again: it had told others of more than was safe".to_owned())
            }
            Cause::Start { .. } if off <= i128::from(missing.acked()) => (SURVIVES, " when it starts again".to_owned()),
            Cause::Request { request, .. } if let Some((kind, id)) = P::asks(request) => {
                let name = P::KINDS[kind];
                if self.retried {
                    (RETRY, format!(" when {name} {id} was asked for again"))
                } else {
                    (P::ADDS_UP, format!(" when it took {name} {id}"))
                }
            }
            Cause::Message { from, .. } if from != self.me => {
                if self.kinds.iter().any(|kind| kind.news) {
                    (BOUNDS, format!(" when it had heard {from}"))
                } else {
                    (MERGE_LAWS, format!(" when {from} had told it nothing new"))
                }
            }
            _ if again > 0 && off <= i128::from(again) => (RETRY, format!(" ({} came)", counted(again, "retry"))),
            _ => (BOUNDS, String::new()),
        }
    }

    fn outside(&self, rule: &'static str, what: &str, value: i128, (least, most): (i128, i128), more: &str) -> Broken {
        let should = if least == most { format!("{least}") } else { format!("{least} to {most}") };
        let kinds = self.kinds.iter().zip(P::KINDS).filter(|(kind, _)| !kind.is_empty());
        let stories: Vec<String> = kinds.map(|(kind, name)| kind.story(self.me, name, self.restarted)).collect();
        let story = if stories.is_empty() { format!("{} was asked and told of nothing", self.me) } else { stories.join("; ") };
        let may = if least < most { "; what it need not know it may know" } else { "" };
        let text = format!("{} {what} {value}{more}; it should be {should}: {story}{may}", self.me);
        Broken::new(rule, text)
    }

    /// What it shows may tell which operations that a crash cut off do count.
    fn settles(&mut self, value: i128) {
        let limbo = |kind: usize| self.ops.values().filter(|op| op.kind == kind && op.state == State::Limbo).count() as i128;
        let wide = self.kinds.iter().any(|kind| !kind.others_are_exact());
        if wide || self.kinds.iter().all(|kind| kind.arrived == kind.certain) || self.open.values().any(|open| open.op.is_some()) {
            return;
        }
        let [up, down] = self.kinds.each_ref().map(Kind::surely);
        let (ups, downs, off) = (limbo(0), limbo(1), value - (up - down));
        let all = if off == ups {
            0
        } else if off == -downs {
            1
        } else {
            return;
        };
        for op in self.ops.values_mut().filter(|op| op.state == State::Limbo) {
            let kind = &mut self.kinds[op.kind];
            if op.kind == all {
                op.state = State::Certain;
                kind.certain += 1;
            } else {
                op.state = State::Lost;
                kind.arrived -= 1;
            }
        }
    }
}

impl<P: Words> Spec<P> for Ghost<P> {
    fn step(&mut self, seen: &Seen<'_, P>) -> Check {
        self.now = seen.now;
        self.promised = false;
        self.comes(seen);
        for effect in seen.effects {
            match effect {
                Effect::Send { to, message } if *to != self.me => self.says(*to, message, seen)?,
                Effect::Reply { ticket, response } => self.reply(*ticket, response, seen)?,
                _ => {}
            }
        }
        if let Some(view) = seen.view {
            self.shows(P::value(view), seen)?;
        }
        if seen.crashed {
            self.cut_off();
        }
        if !self.open.is_empty() {
            let (least, most) = self.range();
            for open in self.open.values_mut() {
                open.range = (open.range.0.min(least), open.range.1.max(most));
            }
        }
        Ok(())
    }

    fn resumes(&mut self, now: Time, _: Duration) {
        self.kinds.iter_mut().for_each(|kind| kind.resumes(now));
        self.open.values_mut().for_each(|open| open.since = now);
    }

    fn time(&mut self, now: Time) -> Check {
        let me = self.me;
        self.now = now;
        if let Some(open) = self.open.values().find(|open| now > open.since + millis(ANSWER_MS + GRACE_MS)) {
            let (rule, asked) = open.op.map_or((READS, "a read".to_owned()), |(kind, id)| (RETRY, format!("{} {id}", P::KINDS[kind])));
            let text = format!("{me} was asked for {asked} at {}, and did not answer within a second", open.since);
            return Err(Broken::new(rule, text).at([open.step]).unanswered());
        }
        for (kind, name) in self.kinds.iter().zip(P::KINDS) {
            if let Some((of, n, since)) = kind.untold(now) {
                let text = format!(
                    "{me} knows of {} at {of}, and since {since} has told no other replica of {}; it is {now}",
                    counted(n, name),
                    if n == 1 { "it" } else { "all of them" }
                );
                return Err(Broken::new(CONVERGES, text).stuck());
            }
        }
        Ok(())
    }
}
