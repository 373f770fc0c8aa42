//! A node: all that a learner must know to write one.
//!
//! A node is a state machine. The world calls its handlers, one at a time: a message has arrived, a timer has fired, a
//! client asks. A handler changes the node's fields and *records* what is to be done through its [`Context`]: send, set a
//! timer, save, answer. It never blocks, sleeps, starts threads, reads a clock or rolls dice of its own; so a run can be
//! repeated exactly from its seed.
//!
//! Effects happen in the order in which they were recorded, **and the node may crash between any two of them**: what was
//! sent before it was saved may be known to others and lost to the node. After a crash the node's fields are gone; it is
//! made anew by [`Node::new`] from what was last saved.

use crate::rng::Rng;
use crate::time::{Time, micros};
use crate::trace::{Lane, Role};
use crate::words::{SHOWN, middle, shown};
use std::fmt::{self, Debug};
use std::hash::Hash;
use std::ops::RangeInclusive;
use std::time::Duration;

/// A node of the cluster, shown as `n1`, `n2`, …; or a service of the exercise's (a database, an arbiter), shown by its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u16);

/// Its index is in the low bits; in the high ones its role, if it is a service: 1 for the first in [`Role::ALL`].
const INDEX_BITS: u16 = 8;

impl NodeId {
    /// The node at `index`, from 0 to 255. A cluster has at most 16 nodes, services included; in a stamp or a clock there may be others.
    #[must_use]
    #[inline]
    pub const fn from_index(index: usize) -> Self {
        NodeId(index as u8 as u16)
    }

    /// A service at that place of the world: behind the nodes. Its address is given to nodes by their configuration.
    #[must_use]
    #[inline]
    pub const fn service(role: Role, index: usize) -> Self {
        NodeId(NodeId::from_index(index).0 | (role as u16 + 1) << INDEX_BITS)
    }

    /// Its index, from 0.
    #[must_use]
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as u8 as usize
    }

    /// Which service it is; `None` of a node of the cluster.
    #[must_use]
    #[inline]
    pub fn role(self) -> Option<Role> {
        (self.0 >> INDEX_BITS).checked_sub(1).and_then(|role| Role::ALL.get(role as usize).copied())
    }

    /// Its lane in a picture.
    #[must_use]
    #[inline]
    pub fn lane(self) -> Lane {
        self.role().map_or(Lane::Node(self.index() as u8), Lane::Service)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.lane(), f)
    }
}

impl Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A client. Shown as `c1`, `c2`, …
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub(crate) u8);

impl ClientId {
    /// The client at `index`, from 0.
    #[must_use]
    #[inline]
    pub const fn from_index(index: usize) -> Self {
        ClientId(index as u8)
    }

    /// Its index, from 0.
    #[must_use]
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", u16::from(self.0) + 1)
    }
}

/// One request of one client, to be answered with [`Context::reply`]. Keep it until you know the answer. It does not
/// survive a crash: after one the client has to ask again, and does so under a new ticket.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    pub(crate) client: ClientId,
    pub(crate) number: u32,
}

impl Ticket {
    /// Whose request it is.
    #[must_use]
    #[inline]
    pub fn client(self) -> ClientId {
        self.client
    }

    /// Its number: each request of a run has another one, counted from 0.
    #[must_use]
    #[inline]
    pub fn number(self) -> u32 {
        self.number
    }
}

impl Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.number)
    }
}

/// What messages, timers and the like are: plain values.
pub trait Payload: Clone + Debug + Hash + 'static {}
impl<T: Clone + Debug + Hash + 'static> Payload for T {}

/// What a node is: a plain value that can be copied, shown and compared. Derive the three; take `BTreeMap` and `BTreeSet`
/// where you would take their `Hash…` twins, whose order differs from run to run.
pub trait State: Clone + Debug + Hash + 'static {}
impl<T: Clone + Debug + Hash + 'static> State for T {}

/// The words of one exercise: what nodes and clients say to each other.
///
/// Implemented by an empty type of the exercise's contract, which derives `Clone`, `Debug` and `Hash`.
pub trait Protocol: Sized + Payload {
    /// What a node is told about the problem when it is made; the same at every restart.
    type Config: Payload;
    /// Between nodes.
    type Message: Payload;
    /// Names of timers. Setting an equal timer again re-arms it.
    type Timer: Payload + Eq;
    /// From a client to a node.
    type Request: Payload;
    /// From a node to a client.
    type Response: Payload;
    /// What survives a crash. Each save replaces the last one whole.
    type Durable: Payload;
    /// What the hidden tests look at in a node after each of its steps; given by the exercise's own trait.
    type View: Clone + Debug + PartialEq + 'static;

    /// What a message says of a lease, if it says anything: pictures show by it who holds what until when, by whose clock. Nothing is judged by it.
    fn lease(config: &Self::Config, message: &Self::Message) -> Option<super::Lease> {
        let _ = (config, message);
        None
    }
}

/// A node of protocol `P`. A handler changes the node's fields and records effects
/// in its [`Context`]; it never blocks, sleeps, starts threads, reads a clock or rolls dice of its own.
pub trait Node<P: Protocol>: State {
    /// Makes the node: at its first start, and again at every restart. `peers` are the other nodes, without `me`. `saved`
    /// is what the node saved last, if it ever did (an exercise may also give it something at the first start).
    fn new(me: NodeId, peers: &[NodeId], config: &P::Config, saved: Option<P::Durable>) -> Self;

    /// Called once after [`Node::new`], at the first start and at every restart: the place to set timers.
    fn on_start(&mut self, cx: &mut Context<'_, P>) {
        let _ = cx;
    }

    /// A message has arrived. It may be late, repeated, or from before a crash.
    fn on_message(&mut self, from: NodeId, message: P::Message, cx: &mut Context<'_, P>);

    /// A timer has fired. It is no longer set.
    fn on_timer(&mut self, timer: P::Timer, cx: &mut Context<'_, P>) {
        let _ = (timer, cx);
    }

    /// A client asks. Answer now or later, with [`Context::reply`].
    fn on_request(&mut self, request: P::Request, ticket: Ticket, cx: &mut Context<'_, P>) {
        let _ = (request, ticket, cx);
    }
}

/// A node whose exercise lets the hidden tests see a part of its state. Implemented for every type that implements the
/// exercise's trait; a learner never writes it.
///
/// A trait of the protocol, not of the node, since contracts implement it for every node at once, and stand in another crate.
pub trait Observe<N: Node<Self>>: Protocol {
    /// That part.
    fn view(node: &N) -> Self::View;
}

/// One thing that a handler asked for.
#[derive(Clone, Debug, Hash)]
pub enum Effect<P: Protocol> {
    /// Send a message.
    Send {
        /// To whom.
        to: NodeId,
        /// What.
        message: P::Message,
    },
    /// Answer a client.
    Reply {
        /// Which request.
        ticket: Ticket,
        /// What.
        response: P::Response,
    },
    /// Replace what survives a crash.
    Save(P::Durable),
    /// Arm a timer.
    SetTimer {
        /// Which.
        timer: P::Timer,
        /// When, in microseconds of the node's own clock from now.
        after_us: u64,
    },
    /// Disarm a timer.
    CancelTimer(P::Timer),
    /// A remark for the one run that is shown.
    Note(String),
}

impl<P: Protocol> Effect<P> {
    /// Whether others hear it, of node `me`.
    pub(in crate::sim) fn is_heard_beside(&self, me: NodeId) -> bool {
        match self {
            Effect::Send { to, .. } => *to != me,
            Effect::Reply { .. } => true,
            _ => false,
        }
    }
}

/// The payload of the panic by which a handler is stopped that records more than [`Context::EFFECTS_MAX`] effects.
pub struct TooManyEffects;

/// What a handler may do. Nothing happens at once: effects are recorded and happen, in order, when the handler returns.
pub struct Context<'a, P: Protocol> {
    pub(crate) me: NodeId,
    pub(crate) peers: &'a [NodeId],
    pub(crate) now: Time,
    /// Whether the clock was read: exploration keeps clocks apart only where they are.
    pub(crate) looked: std::cell::Cell<bool>,
    pub(crate) rng: &'a mut Rng,
    /// What else is told of the one run that is shown.
    pub(crate) aside: Option<super::Aside>,
    pub(crate) effects: &'a mut Vec<Effect<P>>,
}

impl<'a, P: Protocol> Context<'a, P> {
    /// The most effects that one call of a handler may record. More than that is a loop that never ends.
    pub const EFFECTS_MAX: usize = 10_000;

    /// This node.
    #[must_use]
    pub fn me(&self) -> NodeId {
        self.me
    }

    /// The other nodes, in the order of their ids. The list outlives the call, so `for p in cx.peers() { cx.send(…) }` works.
    #[must_use]
    pub fn peers(&self) -> &'a [NodeId] {
        self.peers
    }

    /// What this node's clock says. Clocks of different nodes differ, and may run a little fast or slow.
    #[must_use]
    pub fn now(&self) -> Time {
        self.looked.set(true);
        self.now
    }

    /// A random number in the range, both ends included, from the run's own dice.
    pub fn random(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (from, to) = (*range.start(), *range.end());
        let number = self.rng.range(range);
        if let Some(aside) = &mut self.aside {
            aside.drawn.push([number, from, to]);
        }
        number
    }

    /// Sends a message. It may be lost, late, repeated or overtaken. Sending to oneself works like any other message.
    #[inline]
    #[track_caller]
    pub fn send(&mut self, to: NodeId, message: P::Message) {
        self.record(Effect::Send { to, message });
    }

    /// Sends a message to every other node, in the order of their ids.
    #[track_caller]
    pub fn broadcast(&mut self, message: P::Message) {
        let peers = self.peers;
        for &to in peers {
            self.send(to, message.clone());
        }
    }

    /// Sets a timer to fire `after` from now by this node's clock. If an equal timer is set, it is re-armed.
    #[track_caller]
    pub fn set_timer(&mut self, timer: P::Timer, after: Duration) {
        self.record(Effect::SetTimer { timer, after_us: micros(after) });
    }

    /// Disarms a timer; nothing happens if it is not set.
    #[track_caller]
    pub fn cancel_timer(&mut self, timer: P::Timer) {
        self.record(Effect::CancelTimer(timer));
    }

    /// Answers a client's request.
    #[track_caller]
    pub fn reply(&mut self, ticket: Ticket, response: P::Response) {
        self.record(Effect::Reply { ticket, response });
    }

    /// Writes to durable storage, replacing what was saved before, and waits until it is safe there: every effect that is
    /// recorded after this one happens after the write. It survives a crash; nothing else does.
    #[track_caller]
    pub fn save(&mut self, durable: P::Durable) {
        self.record(Effect::Save(durable));
    }

    /// Leaves a remark that is shown beside this step if this run is shown. Costs nothing to write, changes nothing.
    #[track_caller]
    pub fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        // Nobody reads more, and a thousand of them are held at once.
        self.record(Effect::Note(if text.len() > SHOWN { middle(&text, SHOWN) } else { text }));
    }

    #[inline]
    #[track_caller]
    fn record(&mut self, effect: Effect<P>) {
        if self.effects.len() >= Self::EFFECTS_MAX {
            std::panic::panic_any(TooManyEffects);
        }
        if let Some(aside) = &mut self.aside {
            aside.lines.push(std::panic::Location::caller().line());
        }
        self.effects.push(effect);
    }
}

/// A learner's node behind one door: everything past it is compiled once, in the library.
pub(crate) trait AnyNode<P: Protocol> {
    fn on_start(&mut self, cx: &mut Context<'_, P>);
    fn on_message(&mut self, from: NodeId, message: P::Message, cx: &mut Context<'_, P>);
    fn on_timer(&mut self, timer: P::Timer, cx: &mut Context<'_, P>);
    fn on_request(&mut self, request: P::Request, ticket: Ticket, cx: &mut Context<'_, P>);
    /// `None` of a service.
    fn view(&self) -> Option<P::View>;
    fn text(&self) -> String;
    fn hash64(&self) -> u64;
    fn boxed(&self) -> Box<dyn AnyNode<P>>;
}

impl<P: Observe<N>, N: Node<P>> AnyNode<P> for N {
    fn on_start(&mut self, cx: &mut Context<'_, P>) {
        Node::on_start(self, cx);
    }
    fn on_message(&mut self, from: NodeId, message: P::Message, cx: &mut Context<'_, P>) {
        Node::on_message(self, from, message, cx);
    }
    fn on_timer(&mut self, timer: P::Timer, cx: &mut Context<'_, P>) {
        Node::on_timer(self, timer, cx);
    }
    fn on_request(&mut self, request: P::Request, ticket: Ticket, cx: &mut Context<'_, P>) {
        Node::on_request(self, request, ticket, cx);
    }
    fn view(&self) -> Option<P::View> {
        Some(P::view(self))
    }
    fn text(&self) -> String {
        shown(self)
    }
    fn hash64(&self) -> u64 {
        crate::hash::of(self)
    }
    fn boxed(&self) -> Box<dyn AnyNode<P>> {
        Box::new(self.clone())
    }
}

/// A service's code behind the same door.
#[derive(Clone)]
struct Ours<N>(N);

impl<P: Protocol, N: Node<P>> AnyNode<P> for Ours<N> {
    fn on_start(&mut self, cx: &mut Context<'_, P>) {
        self.0.on_start(cx);
    }
    fn on_message(&mut self, from: NodeId, message: P::Message, cx: &mut Context<'_, P>) {
        self.0.on_message(from, message, cx);
    }
    fn on_timer(&mut self, timer: P::Timer, cx: &mut Context<'_, P>) {
        self.0.on_timer(timer, cx);
    }
    fn on_request(&mut self, request: P::Request, ticket: Ticket, cx: &mut Context<'_, P>) {
        self.0.on_request(request, ticket, cx);
    }
    fn view(&self) -> Option<P::View> {
        None
    }
    fn text(&self) -> String {
        shown(&self.0)
    }
    fn hash64(&self) -> u64 {
        crate::hash::of(&self.0)
    }
    fn boxed(&self) -> Box<dyn AnyNode<P>> {
        Box::new(self.clone())
    }
}

type Make<P> = fn(NodeId, &[NodeId], &<P as Protocol>::Config, Option<<P as Protocol>::Durable>) -> Box<dyn AnyNode<P>>;

/// A place of the world with code of ours: a database, an arbiter, a payment provider. It stands beside the learner's nodes, behind them in
/// number, on the same network, with the same faults unless it is spared, and is drawn under its own name. Nodes talk to it in messages of the
/// contract, and learn its address ([`NodeId::service`]) from their configuration; [`Context::peers`] does not list it. To it, all nodes are
/// peers. It has no view, no ghost watches it, and what it does wrong is our bug.
pub struct Service<P: Protocol> {
    role: Role,
    make: Make<P>,
}

impl<P: Protocol> Service<P> {
    /// The service whose code is `N`.
    #[must_use]
    pub const fn of<N: Node<P>>(role: Role) -> Self {
        Service { role, make: |me, peers, config, saved| Box::new(Ours(N::new(me, peers, config, saved))) }
    }
}

/// Makes nodes of one type, which it has forgotten, and the services beside them.
pub struct Factory<P: Protocol> {
    make: Make<P>,
    services: &'static [Service<P>],
}

impl<P: Protocol> Clone for Factory<P> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<P: Protocol> Copy for Factory<P> {}

impl<P: Protocol> Factory<P> {
    /// The factory of `N`.
    #[must_use]
    pub fn of<N: Node<P>>() -> Self
    where
        P: Observe<N>,
    {
        Factory { make: |me, peers, config, saved| Box::new(N::new(me, peers, config, saved)), services: &[] }
    }

    /// The same with services: the last configurations of a world are theirs.
    #[must_use]
    pub const fn with(self, services: &'static [Service<P>]) -> Self {
        Factory { services, ..self }
    }

    /// How many services there are.
    #[must_use]
    #[inline]
    pub const fn services(self) -> usize {
        self.services.len()
    }

    /// Who stands at each of so many places: nodes, then the services.
    pub(crate) fn ids(self, places: usize) -> Vec<NodeId> {
        let nodes = places.saturating_sub(self.services.len());
        let service = |(i, service): (usize, &Service<P>)| NodeId::service(service.role, nodes + i);
        (0..nodes).map(NodeId::from_index).chain(self.services.iter().enumerate().map(service)).collect()
    }

    /// Makes whoever that is.
    #[inline]
    pub(crate) fn make(self, me: NodeId, peers: &[NodeId], config: &P::Config, saved: Option<P::Durable>) -> Box<dyn AnyNode<P>> {
        let make = match me.role() {
            Some(role) => self.services.iter().find(|service| service.role == role).map_or(self.make, |service| service.make),
            None => self.make,
        };
        make(me, peers, config, saved)
    }
}
