//! The run that broke last time, made again from its trace, which was kept. Its steps are decisions, told in the words of
//! messages, timers and requests; after an edit some of them may mean nothing any more, and which is said.

use super::World;
use super::replay::UnderWay;
use crate::rule::Check;
use crate::sim::decision::{Choice, Decision};
use crate::sim::node::{ClientId, Protocol, Ticket};
use crate::trace::{Event, Lane, What};
use crate::words::shown;

/// What became of a run that was made again.
pub(in crate::sim) enum Again {
    /// All of its steps happened, and this came of them.
    Happened(Check),
    /// A step is not there any more.
    Gone(String),
}

impl<'r, P: Protocol> World<'r, P> {
    /// Makes the steps of `shown` happen, in a world [`World::by_hand`] with a referee. `asked` are decisions of a run of the
    /// same seed: what clients ask is found among them. `None` if this is no list of decisions, but a whole run, or a part
    /// of one.
    pub(in crate::sim) fn again(&mut self, shown: &[Event], asked: &[Decision<P>]) -> Option<Again> {
        let whole = |e: &Event| e.lane == Lane::Network || matches!(e.what, What::Pauses { .. } | What::Repeats { .. });
        if shown.is_empty() || shown.iter().any(whole) {
            return None;
        }
        let mut way = UnderWay::new();
        for step in shown.chunk_by(|a, b| a.step == b.step) {
            let first = &step[0];
            self.engine.now = self.engine.now.max(first.at);
            let Some(choice) = self.meant(first, asked, &way) else { return Some(Again::Gone(gone(first))) };
            let crash_after =
                step[1..].iter().find_map(|e| if let What::Crashes { done, .. } = e.what { Some(done as usize) } else { None });
            let decision = Decision { at: first.at, clock: self.engine.now, choice, crash_after };
            match self.follow_one(&decision, &mut way) {
                Ok(true) => way.sent(self.take_sent()),
                Ok(false) => return Some(Again::Gone(gone(first))),
                Err(broken) => return Some(Again::Happened(Err(broken))),
            }
        }
        Some(Again::Happened(self.with_referee(|referee, world| referee.verdict(world))))
    }

    /// The decision that a step tells of, in the world as it is now.
    fn meant(&self, event: &Event, asked: &[Decision<P>], way: &UnderWay<P>) -> Option<Choice<P>> {
        let node = |lane: Lane| self.slots.iter().map(|slot| slot.id).find(|id| id.lane() == lane);
        let ticket = |lane: Lane, id: u64| {
            if let Lane::Client(c) = lane { Some(Ticket { client: ClientId(c), number: u32::try_from(id).ok()? }) } else { None }
        };
        Some(match &event.what {
            What::Starts { .. } => Choice::Start(node(event.lane)?),
            What::Crashes { .. } => Choice::Crash(node(event.lane)?),
            What::Fires { timer } => {
                let node = node(event.lane)?;
                let (timer, ..) = self.slots.get(node.index())?.timers.iter().find(|(t, ..)| shown(t) == *timer)?;
                Choice::Fire { node, timer: timer.clone() }
            }
            What::Receives { from, text, .. } => way.saying(node(*from)?, node(event.lane)?, text)?,
            What::Asks { to, id, text } => {
                let (ticket, to) = (ticket(event.lane, *id)?, node(*to)?);
                let same = |d: &&Decision<P>| matches!(&d.choice, Choice::Ask { request, .. } if shown(request) == *text);
                let Choice::Ask { request, .. } = &asked.iter().find(same)?.choice else { return None };
                Choice::Ask { ticket, to, request: request.clone() }
            }
            What::Takes { from, id, .. } => Choice::Take(ticket(*from, *id)?),
            What::Gets { id, .. } => Choice::Answer(ticket(event.lane, *id)?),
            _ => return None,
        })
    }
}

/// `step 5 delivers a message that is not sent any more`.
fn gone(event: &Event) -> String {
    let what = match event.what {
        What::Receives { .. } => "delivers a message that is not sent any more",
        What::Fires { .. } => "fires a timer that is not set any more",
        What::Asks { .. } => "makes a request that no client makes any more",
        What::Takes { .. } | What::Starts { .. } | What::Crashes { .. } => "needs a node that is not as it was",
        What::Gets { .. } => "delivers an answer that is not given any more",
        _ => "is of another kind now",
    };
    format!("step {} {what}", event.step)
}
