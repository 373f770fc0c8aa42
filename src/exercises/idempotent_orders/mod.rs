//! `idempotent_orders`: an API server that takes an order once, however often it is asked, in front of a database and a payment provider.
//!
//! The header comes from an IETF draft ("The Idempotency-Key HTTP Header Field"), the practice from Stripe. This page is the contract; the
//! problem is described in the exercise's README, and so is what the two services promise.

mod judge;

pub use judge::judge;

use crate::sim::{Node, NodeId, Observe, Protocol};
use crate::time::Time;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::time::Duration;

/// Within this time after a request came it must be answered, if only with [`Response::TryAgain`].
pub const ANSWERS: Duration = Duration::from_millis(1_000);
/// When nothing goes wrong any more: how long at most a client must ask again and again, until its answer is final.
pub const FINAL: Duration = Duration::from_millis(3_000);
/// What is sent to a service arrives within this time, or never.
pub const UNDER_WAY: Duration = Duration::from_millis(2_000);

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct IdempotentOrders;

/// The same for all nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// The address of the database.
    pub database: NodeId,
    /// The address of the payment provider.
    pub provider: NodeId,
    /// How long a key is valid at least, by the clock of the database: 10 s or more. Usually a day.
    pub keeps: Duration,
    /// How long the provider remembers a key at least, by its own clock: 10 s or more. Usually a day.
    pub forgets: Duration,
}

/// Numbers with a name, short when shown.
macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident $letter:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "{}"), self.0)
            }
        }
    )*};
}

numbers! {
    /// Who asks, as the API has authenticated it: any number. `a7` when shown.
    Account "a";
    /// An idempotency key, chosen by the client: any number. `k7` when shown.
    Key "k";
    /// The number of an order, chosen by the server: no two orders have the same. `o7` when shown.
    OrderId "o";
    /// The version of a record: the database gives each write a larger one. `v7` when shown; v0 is none.
    Version "v";
    /// An idempotency key for the provider, chosen by the server. `p7` when shown.
    ChargeKey "p";
}

/// Whose request it is, under which key. `a1/k7` when shown.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asked {
    /// Who asks.
    pub account: Account,
    /// Under which key.
    pub key: Key,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{:?}", self.account, self.key)
    }
}

/// What is ordered: the body of the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Body {
    /// What.
    pub item: u64,
    /// For how much.
    pub amount: u64,
}

/// An order in the database's table of orders. What is there is packed and shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order {
    /// Whose order it is, and under which key it was requested.
    pub by: Asked,
    /// What is ordered.
    pub body: Body,
}

/// What the provider is to take from whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Charge {
    /// For which order.
    pub order: OrderId,
    /// Whose order it is, and under which key it was requested.
    pub by: Asked,
    /// How much.
    pub amount: u64,
}

/// How far a request has come. Use those that you like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Begun.
    #[default]
    Started,
    /// The provider is being asked.
    Charging,
    /// The provider has taken the money.
    Paid,
    /// The order exists: the end.
    Created,
    /// The provider has declined: the end.
    Declined,
}

/// What a server records about one key. Each field is yours to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// What was ordered.
    pub body: Body,
    /// Under which number.
    pub order: OrderId,
    /// How far it is.
    pub stage: Stage,
    /// Who works on it, if you need that.
    pub owner: u64,
    /// A number of yours.
    pub note: u64,
}

/// A record in the database's table of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// What was written.
    pub record: Record,
    /// Its version.
    pub version: Version,
    /// When the first record was written there, by the clock of the database; since then there has always been one.
    pub created: Time,
    /// When this record was written.
    pub written: Time,
}

/// The result of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The money is taken.
    Paid,
    /// The card is declined: nothing is taken.
    Declined,
    /// Something went wrong at the provider: nothing is taken, and nothing is remembered. It may be tried again.
    Failed,
    /// This key was used for another charge: nothing is taken.
    KeyReused,
}

/// Between a server and the two services. `call` is a number that the server chooses and the answer repeats. Any message may come late, twice or never.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// To the database: what is there in the table of keys? It answers [`Message::Row`].
    Read {
        /// Yours.
        call: u64,
        /// Where.
        at: Asked,
    },
    /// To the database: write this into the table of keys, if the record there now has that version. It answers [`Message::Row`].
    Write {
        /// Yours.
        call: u64,
        /// Where.
        at: Asked,
        /// What.
        record: Record,
        /// The version of the record that is there; v0: there is none.
        expects: Version,
        /// The database deletes the record this long after it was written; never, if this is `None`.
        keep: Option<Duration>,
    },
    /// From the database: this is there now.
    Row {
        /// Yours.
        call: u64,
        /// Where.
        at: Asked,
        /// Whether this message itself has written it: a second copy of a Write has not.
        written: bool,
        /// The record that is there.
        row: Option<Row>,
        /// What the clock of the database says.
        now: Time,
    },
    /// To the database: put this into the table of orders, if nothing there has that number. It answers [`Message::Placed`].
    Place {
        /// Yours.
        call: u64,
        /// Under which number.
        id: OrderId,
        /// What.
        order: Order,
    },
    /// From the database: this is there now, for good.
    Placed {
        /// Yours.
        call: u64,
        /// Under which number.
        id: OrderId,
        /// What.
        order: Order,
    },
    /// To the provider: take this money. It answers [`Message::Charged`].
    Charge {
        /// Yours.
        call: u64,
        /// A charge that comes again under this key is not charged again.
        key: ChargeKey,
        /// What.
        charge: Charge,
    },
    /// From the provider: the result of the charge.
    Charged {
        /// Yours.
        call: u64,
        /// That of the charge.
        key: ChargeKey,
        /// What.
        outcome: Outcome,
    },
    /// To the provider: did you take money for that order? It answers [`Message::Found`].
    Find {
        /// Yours.
        call: u64,
        /// Which order.
        order: OrderId,
    },
    /// From the provider: this was taken.
    Found {
        /// Yours.
        call: u64,
        /// Which order.
        order: OrderId,
        /// The first charge that was taken for it, if any.
        charge: Option<Charge>,
    },
}

/// Timers. Use those that you like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// A call was not answered.
    Call(u64),
    /// Yours to use, for one request.
    Of(Asked),
    /// Yours to use, for one ticket, by its number.
    Ticket(u32),
    /// Yours to use.
    Tick,
}

/// From a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request {
    /// `POST /orders`, with an idempotency key.
    Post {
        /// Who asks, and under which key.
        by: Asked,
        /// What is ordered.
        body: Body,
    },
}

/// To a client: exactly one to each request, unless the node crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Response {
    /// 201: the order exists under this number, and is paid for. Final.
    Created(OrderId),
    /// 402: the provider has declined. Final.
    Declined,
    /// 422: this key was used with another body.
    Conflict,
    /// 409 or 503: not known yet. It is not final: ask again, with the same key.
    TryAgain,
}

/// What survives a crash. A server has no disk: what must survive must be in the database. (The services have one.)
#[derive(Clone, Debug, Hash)]
pub struct Disk(judge::Kept);

impl Protocol for IdempotentOrders {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    type Durable = Disk;
    type View = Size;
}

/// How many bytes a server has in its fields, roughly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub usize);

/// Counts what a node's state is made of.
struct Scales(usize);

impl Hasher for Scales {
    fn write(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// The hidden tests look at messages, at answers, and at how much a server remembers.
impl<N: Node<IdempotentOrders>> Observe<N> for IdempotentOrders {
    fn view(node: &N) -> Size {
        let mut scales = Scales(0);
        node.hash(&mut scales);
        Size(scales.0)
    }
}
