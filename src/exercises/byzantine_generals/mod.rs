//! `byzantine_generals`: four generals, one of whom may be a traitor; the loyal ones must decide the same.
//!
//! Lamport, Shostak & Pease 1982 ("The Byzantine Generals Problem"), section 3: OM(1). This page is the contract; the problem is described in the
//! exercise's README.

mod judge;

pub use judge::judge;

use crate::sim::{Node, NodeId, Observe, Protocol};
use std::time::Duration;

/// How long a round lasts. Both begin with the battle: the first ends one `ROUND` later, the second two.
pub const ROUND: Duration = Duration::from_millis(100);
/// How much later than that you may send or answer what is due, and end a round of yours; never sooner.
pub const GRACE: Duration = Duration::from_millis(10);
/// The longest time that a message of a loyal general takes. None is lost.
pub const UNDER_WAY: Duration = Duration::from_millis(80);

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct ByzantineGenerals;

/// The same for all four.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// All four generals, including this node; their order means nothing.
    pub generals: [NodeId; 4],
}

/// What an army does.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// What is done when there is no order, and when no two agree.
    #[default]
    Retreat,
    /// At this hour: any number.
    Attack(u8),
}

/// From general to general. The sender is certain: it is `from` of [`Node::on_message`], and nobody can send in another's name. Everything
/// *in* a message is only what the sender says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Commander to each lieutenant, in the first round: this is my order.
    Order {
        /// In which battle.
        battle: u64,
        /// Who says this: the sender's name, if the sender is honest.
        by: NodeId,
        /// What is to be done.
        order: Order,
    },
    /// Lieutenant to each other lieutenant, in time for the end of the second round: this is what the commander told me.
    Relay {
        /// In which battle.
        battle: u64,
        /// Who says this: the sender's name, if the sender is honest.
        by: NodeId,
        /// What the commander said, as the sender says.
        order: Order,
    },
}

/// Timers. Use them as you like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The first round of this battle ends.
    First(u64),
    /// The second round of this battle ends.
    Second(u64),
    /// Yours to use.
    Tick,
}

/// From the herald, who tells all four generals in the same moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// A battle begins, now. Answer [`Response::Decided`] when its second round is over.
    Battle {
        /// Each battle has a different number; they need not be in order. Several battles may be open at once.
        number: u64,
        /// Who commands in it.
        commander: NodeId,
        /// What is to be done: told only to the commander.
        order: Option<Order>,
    },
}

/// To the herald: exactly one to each request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// What this general's army does.
    Decided(Order),
}

impl Protocol for ByzantineGenerals {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    /// Nobody crashes: nothing need be saved.
    type Durable = ();
    type View = ();
}

/// The hidden tests look only at messages and answers.
impl<N: Node<ByzantineGenerals>> Observe<N> for ByzantineGenerals {
    fn view(_: &N) {}
}
