//! The reference: one record on the disk, which is always true of this node, and a primary that knows how far each replica has come.

use splitbrain::exercises::primary_replica::{
    Config, Epoch, Message, PrimaryReplica, Request, Response, Saved, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, PrimaryReplica>;

/// Half of what is allowed, so that one that comes late is in time.
const BEAT: Duration = Duration::from_millis(50);

/// What only the primary of an epoch knows; a crash forgets it, and the arbiter names it again.
#[derive(Clone, Debug, Hash, Default)]
struct Lead {
    /// How many entries each replica has told that it has.
    have: BTreeMap<NodeId, usize>,
    /// The writes that are not acknowledged yet, by how many entries there are with each.
    open: BTreeMap<usize, Ticket>,
}

#[derive(Clone, Debug, Hash)]
struct Replica {
    config: Config,
    /// As it is on the disk, whenever anything is said to others.
    saved: Saved,
    lead: Option<Lead>,
}

impl Replica {
    fn save(&self, cx: &mut Cx<'_>) {
        cx.save(self.saved.clone());
    }

    /// From now on nothing of an older epoch counts, and whoever led in one does so no longer. Its open writes may survive or not: nothing
    /// true can be said of them.
    fn seal(&mut self, epoch: Epoch, cx: &mut Cx<'_>) {
        if epoch > self.saved.epoch {
            self.saved.epoch = epoch;
            self.lead = None;
            self.save(cx);
        }
    }

    fn report(&self, cx: &mut Cx<'_>) {
        let report = Message::Report {
            epoch: self.saved.epoch,
            agreed: self.saved.agreed,
            length: self.saved.log.len(),
        };
        cx.send(self.config.arbiter, report);
    }

    /// The log of this epoch is what this node has, whatever anybody knows of it: what was acknowledged is among it.
    fn lead(&mut self, epoch: Epoch, cx: &mut Cx<'_>) {
        if epoch != self.saved.epoch || self.lead.is_some() {
            return;
        }
        self.lead = Some(Lead::default());
        self.saved.agreed = epoch;
        self.save(cx);
        self.beat(cx);
    }

    fn beat(&self, cx: &mut Cx<'_>) {
        if self.lead.is_some() {
            cx.peers().iter().for_each(|peer| self.ship(*peer, cx));
            cx.set_timer(Timer::Beat, BEAT);
        }
    }

    /// All that a replica may lack. One that has said nothing yet has at least what it knows to be acknowledged; if that is less than
    /// what is known here, it says so.
    fn ship(&self, peer: NodeId, cx: &mut Cx<'_>) {
        let have = self.lead.as_ref().and_then(|lead| lead.have.get(&peer));
        let from = have.copied().unwrap_or(self.saved.committed);
        let append = Message::Append {
            epoch: self.saved.epoch,
            from,
            entries: self.saved.log[from..].to_vec(),
            committed: self.saved.committed,
        };
        cx.send(peer, append);
    }

    /// How many entries of this log are a primary's for certain: all, if it has agreed with the one of this epoch, and otherwise what was
    /// acknowledged, as every later primary has that.
    fn certain(&self) -> usize {
        if self.saved.agreed == self.saved.epoch {
            self.saved.log.len()
        } else {
            self.saved.committed
        }
    }

    /// Gives whether there is anything new.
    fn append(&mut self, from: usize, entries: &[u64]) -> bool {
        let certain = self.certain();
        let end = from + entries.len();
        let has_agreed = self.saved.agreed == self.saved.epoch;
        // A gap; or an older append, which was overtaken.
        if from > certain || has_agreed && end <= certain {
            return false;
        }
        // What only an older primary had goes, and in the same save all that this one had comes.
        self.saved.log.truncate(from);
        self.saved.log.extend(entries);
        self.saved.agreed = self.saved.epoch;
        true
    }

    fn have(&mut self, from: NodeId, length: usize, cx: &mut Cx<'_>) {
        let Some(lead) = &mut self.lead else { return };
        let have = lead.have.entry(from).or_insert(length);
        *have = length.max(*have);
        // Replicas, not messages: as many as must, have this much or more.
        let mut lengths: Vec<usize> = lead.have.values().copied().collect();
        lengths.sort_unstable_by(|a, b| b.cmp(a));
        let Some(everywhere) = lengths.get(self.config.acks - 1) else {
            return;
        };
        if *everywhere > self.saved.committed {
            self.saved.committed = *everywhere;
            let still_open = lead.open.split_off(&(everywhere + 1));
            let written = std::mem::replace(&mut lead.open, still_open);
            self.save(cx);
            for (length, ticket) in written {
                cx.reply(ticket, Response::Written(length));
            }
        }
    }

    fn write(&mut self, value: u64, ticket: Ticket, cx: &mut Cx<'_>) {
        let Some(lead) = &mut self.lead else {
            return cx.reply(ticket, Response::NotPrimary);
        };
        self.saved.log.push(value);
        lead.open.insert(self.saved.log.len(), ticket);
        // Before it is shipped: a primary that forgets an entry would put another one into its place, under the same epoch.
        self.save(cx);
        self.beat(cx);
    }
}

impl Node<PrimaryReplica> for Replica {
    fn new(_me: NodeId, _peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Replica {
            config: config.clone(),
            saved: saved.unwrap_or_default(),
            lead: None,
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Seal(epoch) if epoch >= self.saved.epoch => {
                self.seal(epoch, cx);
                self.report(cx);
            }
            Message::Lead(epoch) => self.lead(epoch, cx),
            Message::Append {
                epoch,
                from: at,
                entries,
                committed,
            } if epoch >= self.saved.epoch => {
                self.seal(epoch, cx);
                let is_new = self.append(at, &entries);
                // It counts entries of the primary's log: here of those that are certain to be the same.
                let known = committed.min(self.certain());
                let knows_more = known > self.saved.committed;
                if knows_more {
                    self.saved.committed = known;
                }
                if is_new || knows_more {
                    self.save(cx);
                }
                let length = self.certain();
                cx.send(from, Message::Have { epoch, length });
            }
            Message::Have { epoch, length } if epoch == self.saved.epoch => {
                self.have(from, length, cx);
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, _timer: Timer, cx: &mut Cx<'_>) {
        self.beat(cx);
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match request {
            Request::Write(value) => self.write(value, ticket, cx),
            Request::Read => {
                let last = self.saved.log[..self.saved.committed].last().copied();
                cx.reply(ticket, Response::Known(self.saved.committed, last));
            }
            Request::FailOver => {}
        }
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Replica>)
}
