//! byzantine_generals: four generals, one of whom may lie; the loyal ones must decide the same. The problem is in README.md beside this
//! file; the types (go to definition) in `splitbrain::exercises::byzantine_generals`.
#![allow(unused_imports, unused_variables, dead_code)]

use splitbrain::exercises::byzantine_generals::{
    ByzantineGenerals, Config, GRACE, Message, Order, ROUND, Request, Response, Timer, judge,
};
use splitbrain::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Hash)]
struct General {
    me: NodeId,
    generals: [NodeId; 4],
    // Your state: of each battle that is under way.
}

impl Node<ByzantineGenerals> for General {
    fn new(me: NodeId, peers: &[NodeId], config: &Config, saved: Option<()>) -> Self {
        General {
            me,
            generals: config.generals,
        }
    }

    fn on_request(
        &mut self,
        request: Request,
        ticket: Ticket,
        cx: &mut Context<'_, ByzantineGenerals>,
    ) {
        let Request::Battle {
            number,
            commander,
            order,
        } = request;
        todo!("a battle begins: what does the commander send, and when do the rounds end?")
    }

    fn on_message(
        &mut self,
        from: NodeId,
        message: Message,
        cx: &mut Context<'_, ByzantineGenerals>,
    ) {
        match message {
            Message::Order { battle, by, order } => todo!("does it count, and as whose word?"),
            Message::Relay { battle, by, order } => todo!("does it count, and as whose word?"),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Context<'_, ByzantineGenerals>) {
        todo!("a round ends: relay, or decide and cx.reply(ticket, Response::Decided(…))")
    }
}

fn main() -> std::process::ExitCode {
    splitbrain::harness::main(judge::<General>)
}
