//! The arbiter: a service that says who leads. It never crashes; its mail meets the network's faults like any other.
//!
//! What it promises, and README repeats: each epoch has a larger number than all before. It seals the first one when it starts, and another
//! one when it is asked to fail over. It asks every node, again and again, and when N − K of them have reported it names one of these with the largest
//! (agreed, length), compared in this order. It says so to that node alone, and again every 50 ms.

use crate::exercises::primary_replica::{Config, Epoch, Message, PrimaryReplica, Request, Response, Saved, Timer};
use crate::sim::{Context, Node, NodeId, Ticket};
use crate::time::millis;
use std::collections::BTreeMap;
use std::time::Duration;

const AGAIN: Duration = millis(50);

type Cx<'a> = Context<'a, PrimaryReplica>;

#[derive(Clone, Debug, Hash)]
pub(super) struct Arbiter {
    epoch: Epoch,
    /// How many must have reported.
    needed: usize,
    reports: BTreeMap<NodeId, (Epoch, usize)>,
    leads: Option<NodeId>,
    asked: Vec<Ticket>,
}

impl Arbiter {
    fn seal(&mut self, cx: &mut Cx<'_>) {
        self.epoch = Epoch(self.epoch.0 + 1);
        self.reports.clear();
        self.leads = None;
        self.says(cx);
    }

    fn says(&self, cx: &mut Cx<'_>) {
        match self.leads {
            Some(primary) => cx.send(primary, Message::Lead(self.epoch)),
            None => cx.broadcast(Message::Seal(self.epoch)),
        }
        cx.set_timer(Timer::Tick, AGAIN);
    }
}

impl Node<PrimaryReplica> for Arbiter {
    /// Its disk, if it has one, says which epochs were used before.
    fn new(_: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        let epoch = saved.unwrap_or_default().epoch;
        Arbiter { epoch, needed: peers.len() - config.acks, reports: BTreeMap::new(), leads: None, asked: Vec::new() }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        self.seal(cx);
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        let Message::Report { epoch, agreed, length } = message else { return };
        if epoch != self.epoch || self.leads.is_some() {
            return;
        }
        self.reports.insert(from, (agreed, length));
        if self.reports.len() < self.needed {
            return;
        }
        let largest = self.reports.iter().max_by_key(|(node, (agreed, length))| (*agreed, *length, **node));
        self.leads = largest.map(|(node, _)| *node);
        self.says(cx);
        if let Some(primary) = self.leads {
            self.asked.drain(..).for_each(|ticket| cx.reply(ticket, Response::Leads(epoch, primary)));
        }
    }

    fn on_timer(&mut self, _: Timer, cx: &mut Cx<'_>) {
        self.says(cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        if request == Request::FailOver {
            self.asked.push(ticket);
            self.seal(cx);
        }
    }
}
