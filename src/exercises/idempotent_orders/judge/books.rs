//! The books of `idempotent_orders`: what was asked for, taken, placed and answered, whoever did it and in whatever way. They are fed with what happens
//! at the services and at the clients, and never look into a server; time is that of the database.
//!
//! A key is *bound* by the first thing that cannot be undone: a charge, or a refusal that was told. It stays bound until `keeps` after the record that
//! stood there then was first written (of a server that writes none, after that moment). After that the old answer is as right as a new order.

use super::rules::{BOUNDED, CHARGED, CONFLICT, PER_CLIENT, SAME, SOON, SURVIVES, TWINS};
use super::services::Did;
use crate::exercises::idempotent_orders::{Account, Asked, Body, Charge, ChargeKey, Order, OrderId, Record, Response};
use crate::rule::{Broken, Check, Coverage};
use crate::sim::{NodeId, Ticket};
use crate::time::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::time::Duration;

/// As long as a message is under way, and a run of a server that sends it.
const SETTLES: Duration = Duration::from_secs(5);

/// A key that is bound.
#[derive(Clone, Debug)]
struct Bound {
    /// Under which number it was charged; nothing, if it was refused.
    order: Option<OrderId>,
    body: Option<Body>,
    answered: bool,
    until: Time,
    step: u64,
    /// What may explain a second charge: how old its record was when it had gone, or another order was written over it; and that two requests were open
    /// at once.
    gone: Option<Duration>,
    twins: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Books {
    keeps: Duration,
    /// Who asked for what under each key, and when first.
    asked: BTreeMap<Asked, BTreeMap<Body, u64>>,
    open: BTreeMap<Ticket, (NodeId, Asked, Body, u64)>,
    taken: BTreeMap<OrderId, (Charge, ChargeKey, u64)>,
    placed: BTreeMap<OrderId, Order>,
    /// Under which keys the provider has declined which amounts.
    declined: BTreeSet<(Asked, u64)>,
    records: BTreeMap<Asked, (Record, Time)>,
    bound: BTreeMap<Asked, Bound>,
    /// When a key came to its end, and was used anew: what is under way of the old time may still come.
    anew: BTreeMap<Asked, Time>,
    /// When a server came back last.
    restarted: u64,
    pub met: Coverage,
}

/// Steps tell nothing of what may come.
impl Hash for Books {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.open.iter().for_each(|(ticket, (node, by, body, _))| (ticket.number(), node, by, body).hash(state));
        self.taken.keys().for_each(|order| order.hash(state));
        (&self.placed, &self.declined).hash(state);
        self.bound
            .iter()
            .for_each(|(by, bound)| (by, bound.order, bound.body, bound.answered, bound.gone.is_some(), bound.twins).hash(state));
        self.asked.iter().for_each(|(by, bodies)| (by, bodies.len()).hash(state));
    }
}

fn said(rule: &'static str, seen: String, steps: impl IntoIterator<Item = u64>) -> Check {
    Err(Broken::new(rule, seen).at(steps))
}

impl Books {
    pub fn new(keeps: Duration) -> Self {
        Books {
            keeps,
            asked: BTreeMap::new(),
            open: BTreeMap::new(),
            taken: BTreeMap::new(),
            placed: BTreeMap::new(),
            declined: BTreeSet::new(),
            records: BTreeMap::new(),
            bound: BTreeMap::new(),
            anew: BTreeMap::new(),
            restarted: 0,
            met: Coverage::default(),
        }
    }

    /// What a client asks of a server.
    pub fn asks(&mut self, ticket: Ticket, server: NodeId, by: Asked, body: Body, step: u64) {
        let bodies = self.asked.entry(by).or_default();
        self.met.add("keys with another body", u64::from(!bodies.is_empty() && !bodies.contains_key(&body)));
        bodies.entry(body).or_insert(step);
        let twin = self.open.values().any(|(_, other, ..)| *other == by);
        self.met.add("concurrent twins", u64::from(twin));
        if let Some(bound) = self.bound.get_mut(&by) {
            bound.twins |= twin;
        }
        self.open.insert(ticket, (server, by, body, step));
    }

    /// A server crashed, and is back: nobody is answered any more whom it had taken.
    pub fn starts(&mut self, server: NodeId, step: u64) {
        self.open.retain(|_, (taken, ..)| *taken != server);
        self.restarted = step;
    }

    fn is_bound(&self, by: Asked, now: Time) -> Option<&Bound> {
        self.bound.get(&by).filter(|bound| now < bound.until)
    }

    /// Whether the key was used anew a moment ago: nobody can tell then which of the two a message belongs to.
    fn is_mixed(&self, by: Asked, now: Time) -> bool {
        self.anew.get(&by).is_some_and(|since| now < *since + SETTLES)
    }

    fn binds(&mut self, by: Asked, order: Option<OrderId>, body: Option<Body>, now: Time, step: u64) {
        let since = self.records.get(&by).map_or(now, |(_, created)| *created);
        let twins = self.open.values().filter(|(_, other, ..)| *other == by).count() > 1;
        if self.bound.contains_key(&by) {
            self.met.add("keys used again after they expired", 1);
            self.anew.insert(by, now);
        }
        let bound = Bound { order, body, answered: order.is_none(), until: since + self.keeps, step, gone: None, twins };
        self.bound.insert(by, bound);
    }

    /// What a service did, for a message that left in `step`.
    pub fn did(&mut self, did: Did, now: Time, step: u64) -> Check {
        match did {
            Did::Nothing => Ok(()),
            Did::Wrote { at, record, first, created, keep, .. } => self.writes(at, record, first, created, keep, now, step),
            Did::Took(charge, key) => self.takes(charge, key, now, step),
            Did::Placed(id, order) => self.places(id, order, step),
            Did::Declined(charge) => {
                self.met.add("charges declined", 1);
                self.declined.insert((charge.by, charge.amount));
                Ok(())
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn writes(&mut self, at: Asked, record: Record, first: bool, created: Time, keep: Option<Duration>, now: Time, step: u64) -> Check {
        let most = self.keeps * 2;
        let days = |keep: Duration| format!("{} ms", keep.as_millis());
        match keep {
            None => return said(BOUNDED, format!("the record of {at:?} was written to be kept for ever"), [step]),
            Some(keep) if keep > most => {
                let seen =
                    format!("the record of {at:?} was written to be kept for {}, but a key is valid for {}", days(keep), days(self.keeps));
                return said(BOUNDED, seen, [step]);
            }
            _ => {}
        }
        let old = self.records.insert(at, (record, created));
        if first && old.is_some_and(|(_, created)| now >= created + self.keeps) {
            self.anew.insert(at, now);
        }
        if let Some(bound) = self.bound.get_mut(&at).filter(|bound| now < bound.until)
            && let Some((_, since)) = old.filter(|(old, _)| first || old.order != record.order)
        {
            bound.gone.get_or_insert(now.since(since));
        }
        Ok(())
    }

    fn takes(&mut self, charge: Charge, key: ChargeKey, now: Time, step: u64) -> Check {
        let Charge { order, by, amount } = charge;
        let bodies: Vec<Body> = self.asked.get(&by).into_iter().flatten().map(|(body, _)| *body).filter(|b| b.amount == amount).collect();
        if bodies.is_empty() {
            let seen = format!(
                "the provider took {amount} for {order:?} of {by:?}, but nobody had asked for an order of that amount under that key"
            );
            return said(CHARGED, seen, [step]);
        }
        if let Some((before, under, when)) = self.taken.insert(order, (charge, key, step)) {
            let how = if before.by != by {
                format!("which is another order, of {:?}", before.by)
            } else if under == key {
                format!("under the same key, {key:?}, which it has forgotten since")
            } else {
                format!("under another key: {under:?}, and now {key:?}")
            };
            let seen = format!(
                "the provider had taken {} for {order:?} of {by:?}, and takes {amount} for {order:?} once more, {how}",
                before.amount
            );
            return said(CHARGED, seen, [when, step]);
        }
        self.met.add("charges", 1);
        if self.is_mixed(by, now) && self.is_bound(by, now).is_some() {
            return Ok(());
        }
        let Some(bound) = self.is_bound(by, now) else {
            self.binds(by, Some(order), (bodies.len() == 1).then(|| bodies[0]), now, step);
            return Ok(());
        };
        let since = bound.step;
        let Some(before) = bound.order else {
            let seen =
                format!("{by:?} was answered with Declined, which is final, and now the provider takes {amount} for {order:?} of it");
            return said(SAME, seen, [since, step]);
        };
        let (gone, answered, restarted) = (bound.gone, bound.answered, self.restarted > since);
        let (rule, how) = match gone {
            Some(age) => {
                let (age, keeps) = (age.as_millis(), self.keeps.as_millis());
                (
                    SOON,
                    format!(
                        "the record of the first was deleted or overwritten when it was {age} ms old, but a key is valid for {keeps} ms"
                    ),
                )
            }
            None if restarted => (SURVIVES, "a server had crashed in between".to_owned()),
            None if answered => (SAME, "the first had been answered".to_owned()),
            None if bound.twins => (TWINS, "two requests for it were open at once".to_owned()),
            None => (CHARGED, "the first is not answered yet".to_owned()),
        };
        said(
            rule,
            format!("the provider had taken money for {before:?} of {by:?}, and now also takes {amount} for its {order:?}; {how}"),
            [since, step],
        )
    }

    fn places(&mut self, id: OrderId, order: Order, step: u64) -> Check {
        let Order { by, body } = order;
        let fits = |(charge, ..): &(Charge, ChargeKey, u64)| charge.by == by && charge.amount == body.amount;
        if !self.taken.get(&id).is_some_and(fits) {
            let taken = self.taken.get(&id).map_or("nothing".to_owned(), |(charge, ..)| format!("{} from {:?}", charge.amount, charge.by));
            let seen =
                format!("{id:?} of {by:?} for {} was put into the table of orders, but the provider has taken {taken} for it", body.amount);
            return said(CHARGED, seen, [step]);
        }
        if !self.asked.get(&by).is_some_and(|bodies| bodies.contains_key(&body)) {
            return said(
                CHARGED,
                format!("{id:?} of {by:?} was put into the table of orders with {body:?}, but nobody had asked for that"),
                [step],
            );
        }
        self.met.add("orders placed", 1);
        self.placed.insert(id, order);
        if let Some(bound) = self.bound.get_mut(&by).filter(|bound| bound.order == Some(id)) {
            bound.body = Some(body);
        }
        Ok(())
    }

    /// What a client is told.
    pub fn answers(&mut self, ticket: Ticket, response: Response, now: Time, step: u64) -> Check {
        let Some((server, by, body, came)) = self.open.remove(&ticket) else { return Ok(()) };
        let did = format!("{server} answered {by:?}, {body:?}, with {response:?}");
        match response {
            Response::TryAgain => {
                self.met.add("answers TryAgain", 1);
                Ok(())
            }
            Response::Conflict => self.conflicts(by, body, &did, now, [came, step]),
            Response::Created(id) => self.created(by, body, id, &did, [came, step]),
            Response::Declined => self.refuses(by, body, &did, now, [came, step]),
        }
    }

    fn conflicts(&mut self, by: Asked, body: Body, did: &str, now: Time, steps: [u64; 2]) -> Check {
        self.met.add("conflicts", 1);
        if self.is_mixed(by, now) {
            return Ok(());
        }
        if let Some(bound) = self.is_bound(by, now).filter(|bound| bound.body == Some(body)) {
            let rule = if bound.answered { SAME } else { CONFLICT };
            return said(
                rule,
                format!("{did}, but this is the very body that the key was used with"),
                [bound.step].into_iter().chain(steps),
            );
        }
        if self.asked.get(&by).is_none_or(|bodies| bodies.keys().all(|other| *other == body)) {
            let of = |account: Account| account != by.account && self.asked.contains_key(&Asked { account, ..by });
            let another = self.asked.keys().map(|asked| asked.account).find(|account| of(*account));
            return match another {
                Some(other) => {
                    said(PER_CLIENT, format!("{did}; {other:?} has used {:?}, and {:?} only with this body", by.key, by.account), steps)
                }
                None => said(CONFLICT, format!("{did}, but nobody has used this key with another body"), steps),
            };
        }
        Ok(())
    }

    fn created(&mut self, by: Asked, body: Body, id: OrderId, did: &str, steps: [u64; 2]) -> Check {
        let Some(order) = self.placed.get(&id).copied() else {
            return said(SURVIVES, format!("{did}, but no order stands under that number in the database"), steps);
        };
        let paid = self.taken.get(&id).map(|(.., step)| *step);
        if order.by != by {
            let rule = if order.by.account == by.account { SAME } else { PER_CLIENT };
            return said(rule, format!("{did}, but {id:?} is the order of {:?}", order.by), paid.into_iter().chain(steps));
        }
        if order.body != body {
            return said(CONFLICT, format!("{did}, but {id:?} is {:?}", order.body), paid.into_iter().chain(steps));
        }
        self.met.add("answers Created", 1);
        if let Some(bound) = self.bound.get_mut(&by).filter(|bound| bound.order == Some(id)) {
            self.met.add("the same answer again", u64::from(bound.answered));
            bound.answered = true;
        }
        Ok(())
    }

    fn refuses(&mut self, by: Asked, body: Body, did: &str, now: Time, steps: [u64; 2]) -> Check {
        if !self.declined.contains(&(by, body.amount)) {
            if let Some((other, _)) = self.declined.iter().find(|(other, _)| other.key == by.key && *other != by) {
                return said(PER_CLIENT, format!("{did}, but the provider has declined the order of {other:?}, not this one"), steps);
            }
            return said(SAME, format!("{did}, which is final, but the provider has not declined it"), steps);
        }
        self.met.add("answers Declined", 1);
        if self.is_mixed(by, now) && self.is_bound(by, now).is_some() {
            return Ok(());
        }
        let Some(bound) = self.is_bound(by, now) else {
            self.binds(by, None, Some(body), now, steps[1]);
            return Ok(());
        };
        let steps = [bound.step].into_iter().chain(steps);
        match bound.order {
            Some(order) if bound.answered => said(SAME, format!("{did}, but had answered Created({order:?}) before"), steps),
            Some(order) => said(CHARGED, format!("{did}, but the provider had taken the money for {order:?}"), steps),
            None if bound.body != Some(body) => {
                said(CONFLICT, format!("{did}, but the key was used with {:?}", bound.body.unwrap_or_default()), steps)
            }
            None => Ok(()),
        }
    }
}
