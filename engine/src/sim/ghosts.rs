//! The ghosts of a world's nodes: between the world, which tells of causes and steps as they happen, and the
//! [specification](super::Spec), which wants each step whole.

use super::node::{NodeId, Protocol, Ticket};
use super::spec::{Seen, Spec};
use super::step::{Cause, Step};
use super::world::World;
use crate::rule::Check;
use crate::time::Time;
use std::time::Duration;

/// Why a handler runs, with what it was given. The node gets the original.
#[derive(Clone)]
enum Came<P: Protocol> {
    Start { again: bool },
    Message { from: NodeId, id: u64, message: P::Message },
    Timer(P::Timer),
    Request { ticket: Ticket, request: P::Request },
}

/// Ghosts of the nodes of a world. Whoever watches the world tells them of every cause and every step.
#[derive(Clone)]
pub struct Ghosts<P: Protocol, S> {
    of: Vec<Option<S>>,
    came: Option<Came<P>>,
    overdue: bool,
}

impl<P: Protocol, S: Spec<P>> Ghosts<P, S> {
    /// One ghost for each node, in their order.
    #[must_use]
    pub fn new(of: impl IntoIterator<Item = S>) -> Self {
        Ghosts { of: of.into_iter().map(Some).collect(), came: None, overdue: true }
    }

    /// The ghost of one node of many.
    #[must_use]
    pub fn of(node: NodeId, ghost: S) -> Self {
        let mut of: Vec<Option<S>> = vec![None; node.index()];
        of.push(Some(ghost));
        Ghosts { of, came: None, overdue: true }
    }

    /// Without deadlines: where nodes pause, late is not wrong.
    #[must_use]
    pub fn patient(self) -> Self {
        Ghosts { overdue: false, ..self }
    }

    /// The ghost of a node.
    ///
    /// # Panics
    /// If the node has none: a bug of the judge.
    pub fn ghost(&mut self, node: NodeId) -> &mut S {
        self.of.get_mut(node.index()).and_then(Option::as_mut).expect("a judge asks for the ghosts that it made")
    }

    /// The same, to look at.
    ///
    /// # Panics
    /// If the node has none: a bug of the judge.
    #[must_use]
    pub fn seen(&self, node: NodeId) -> &S {
        self.of.get(node.index()).and_then(Option::as_ref).expect("a judge asks for the ghosts that it made")
    }

    /// As [`Referee::cause`](super::Referee::cause).
    pub fn cause(&mut self, node: NodeId, cause: Cause<'_, P>) {
        if self.of.get(node.index()).is_none_or(Option::is_none) {
            return;
        }
        self.came = match cause {
            Cause::Start { again } => Some(Came::Start { again }),
            Cause::Message { from, id, message } => Some(Came::Message { from, id, message: message.clone() }),
            Cause::Timer(timer) => Some(Came::Timer(timer.clone())),
            Cause::Request { ticket, request } => Some(Came::Request { ticket, request: request.clone() }),
            Cause::Crash => None,
        };
    }

    /// As [`Referee::step`](super::Referee::step).
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn step(&mut self, step: &Step<'_, P>, world: &World<'_, P>) -> Check {
        self.step_at(step, world.clock(step.node))
    }

    /// The same where there is no world: what the node's clock says is given.
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn step_at(&mut self, step: &Step<'_, P>, now: Time) -> Check {
        let Some(came) = self.came.take() else { return Ok(()) };
        let Some(ghost) = self.of.get_mut(step.node.index()).and_then(Option::as_mut) else { return Ok(()) };
        let cause = match &came {
            Came::Start { again } => Cause::Start { again: *again },
            Came::Message { from, id, message } => Cause::Message { from: *from, id: *id, message },
            Came::Timer(timer) => Cause::Timer(timer),
            Came::Request { ticket, request } => Cause::Request { ticket: *ticket, request },
        };
        if self.overdue && !matches!(came, Came::Start { .. }) {
            ghost.time(now)?;
        }
        ghost.step(&Seen { number: step.number, now, cause, effects: step.effects, crashed: step.crashed, view: step.view.as_ref() })
    }

    /// As [`Spec::resumes`].
    pub fn resumes(&mut self, node: NodeId, after: Duration, world: &World<'_, P>) {
        if let Some(ghost) = self.of.get_mut(node.index()).and_then(Option::as_mut) {
            ghost.resumes(world.clock(node), after);
        }
    }

    /// Time has passed in which nothing came in. Is anything overdue at the node, if it is up?
    ///
    /// # Errors
    /// The rule that is broken.
    pub fn time(&mut self, node: NodeId, world: &World<'_, P>) -> Check {
        match self.of.get_mut(node.index()).and_then(Option::as_mut) {
            Some(ghost) if self.overdue && world.is_up(node) => ghost.time(world.clock(node)),
            _ => Ok(()),
        }
    }
}
