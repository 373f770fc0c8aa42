//! work_queue: the broker between producers and workers. The problem is in README.md beside this file; the types (go to definition)
//! in `splitbrain::exercises::work_queue`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::work_queue::{
    Config, Event, JobId, Key, Message, Receipt, Record, Request, Response, Saved, State, Timer,
    WorkQueue, judge,
};
use splitbrain::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

type Cx<'a> = Context<'a, WorkQueue>;

#[derive(Clone, Debug, Hash)]
struct Broker {
    config: Config,
    // Your state.
}

impl Broker {
    /// A producer has a job, for the first time or again.
    fn enqueue(&mut self, job: JobId, key: Key, ticket: Ticket, cx: &mut Cx<'_>) {
        todo!("a twin, or new? is there room? what is on the disk before the answer?")
    }

    /// A worker wants a job.
    fn take(&mut self, ticket: Ticket, cx: &mut Cx<'_>) {
        todo!("which jobs are free now, after which others of their key? what is saved first?")
    }

    /// A worker has done its job.
    fn ack(&mut self, job: JobId, receipt: Receipt, ticket: Ticket, cx: &mut Cx<'_>) {
        todo!("is it still this worker's job? or was it, and this is the same once more?")
    }

    /// A worker gives its job back.
    fn fail(&mut self, job: JobId, receipt: Receipt, ticket: Ticket, cx: &mut Cx<'_>) {
        todo!("one more attempt is over: rest, and for how long, or was it the last?")
    }

    fn dead(&mut self, ticket: Ticket, cx: &mut Cx<'_>) {
        todo!("all that have had their last attempt")
    }
}

impl Node<WorkQueue> for Broker {
    /// The first start (`saved` is `None`) and every restart (what you saved last).
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<Saved>) -> Self {
        Broker {
            config: config.clone(),
        }
    }

    fn on_start(&mut self, cx: &mut Cx<'_>) {
        // Not only the first start: workers may have jobs.
    }

    fn on_request(&mut self, request: Request, ticket: Ticket, cx: &mut Cx<'_>) {
        match request {
            Request::Enqueue { job, key } => self.enqueue(job, key, ticket, cx),
            Request::Take => self.take(ticket, cx),
            Request::Ack { job, receipt } => self.ack(job, receipt, ticket, cx),
            Request::Fail { job, receipt } => self.fail(job, receipt, ticket, cx),
            Request::Dead => self.dead(ticket, cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        // Only if you want something to happen by itself.
    }

    /// There are no other nodes, so no message ever comes.
    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_>) {
        match message {}
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<Broker>)
}
