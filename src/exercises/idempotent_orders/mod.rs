//! `idempotent_orders`: an API server that takes an order once, however often it is asked, before a database and a payment provider.
//!
//! The header is that of an IETF draft ("The Idempotency-Key HTTP Header Field"), the practice that of Stripe. This page is the contract; the
//! problem is told in the exercise's README, and what the two services promise stands there, too.

mod judge;

pub use judge::judge;

use crate::sim::{Node, NodeId, Observe, Protocol};
use crate::time::Time;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::time::Duration;

/// How long after a request came it must have been answered, if only with [`Response::TryAgain`].
pub const ANSWERS: Duration = Duration::from_millis(1_000);
/// When nothing goes wrong any more: how long a client has to ask again and again at the most, until its answer is final.
pub const FINAL: Duration = Duration::from_millis(3_000);
/// What is sent to a service arrives within this time, or never.
pub const UNDER_WAY: Duration = Duration::from_millis(2_000);

/// The words of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct IdempotentOrders;

/// The same for all nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// The address of the database.
    pub database: NodeId,
    /// The address of the payment provider.
    pub provider: NodeId,
    /// How long a key is good for at least, by the clock of the database: 10 s or more. A day, as a rule.
    pub keeps: Duration,
    /// How long the provider remembers a key at least, by its own clock: 10 s or more. A day, as a rule.
    pub forgets: Duration,
}

/// Numbers with a name, that are short when shown.
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
    /// An idempotency key, chosen by whoever asks: any number. `k7` when shown.
    Key "k";
    /// The number of an order, chosen by the server: no two orders have the same. `o7` when shown.
    OrderId "o";
    /// Which writing of a record it is: the database gives each a larger one. `v7` when shown; v0 is none.
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

/// An order as it stands in the database's table of orders. What stands there is packed and shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order {
    /// Whose it is, and under which key it was asked for.
    pub by: Asked,
    /// What is ordered.
    pub body: Body,
}

/// What the provider is to take from whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Charge {
    /// For which order.
    pub order: OrderId,
    /// Whose it is, and under which key it was asked for.
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
    /// The order stands: the end.
    Created,
    /// The provider has declined: the end.
    Declined,
}

/// What a server writes down of one key. Each field is yours to use.
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

/// A record as it stands in the database's table of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// What was written.
    pub record: Record,
    /// Which writing it is.
    pub version: Version,
    /// When the first record was written there, by the clock of the database; since then there always was one.
    pub created: Time,
    /// When this one was.
    pub written: Time,
}

/// What became of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The money is taken.
    Paid,
    /// The card is no good: nothing is taken.
    Declined,
    /// Something went wrong at the provider: nothing is taken, and nothing is remembered. It may be tried again.
    Failed,
    /// This key was used for another charge: nothing is taken.
    KeyReused,
}

/// Between a server and the two services. `call` is a number of the server's choice, which the answer repeats. Any of them may come late, twice or never.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// To the database: what stands there in the table of keys? It answers [`Message::Row`].
    Read {
        /// Yours.
        call: u64,
        /// Where.
        at: Asked,
    },
    /// To the database: write this into the table of keys, if what stands there now has that version. It answers [`Message::Row`].
    Write {
        /// Yours.
        call: u64,
        /// Where.
        at: Asked,
        /// What.
        record: Record,
        /// The version that stands there; v0: nothing does.
        expects: Version,
        /// The database deletes the record so long after this was written; never, if there is nothing here.
        keep: Option<Duration>,
    },
    /// From the database: this stands there now.
    Row {
        /// Yours.
        call: u64,
        /// Where.
        at: Asked,
        /// Whether this very message has written it: a second copy of a Write has not.
        written: bool,
        /// What stands there.
        row: Option<Row>,
        /// What the clock of the database says.
        now: Time,
    },
    /// To the database: put this into the table of orders, if nothing stands under that number. It answers [`Message::Placed`].
    Place {
        /// Yours.
        call: u64,
        /// Under which number.
        id: OrderId,
        /// What.
        order: Order,
    },
    /// From the database: this stands there now, for good.
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
        /// What comes again under it is not charged again.
        key: ChargeKey,
        /// What.
        charge: Charge,
    },
    /// From the provider: this became of it.
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
        /// What was taken first for it, if anything was.
        charge: Option<Charge>,
    },
}

/// Timers. Use those that you like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// A call was not answered.
    Call(u64),
    /// Something of one request's.
    Of(Asked),
    /// Something of one ticket's, by its number.
    Ticket(u32),
    /// Something of yours.
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
    /// 201: the order stands under this number, and is paid for. Final.
    Created(OrderId),
    /// 402: the provider has declined. Final.
    Declined,
    /// 422: this key was used with another body.
    Conflict,
    /// 409 or 503: not known yet. It is no answer: ask again, with the same key.
    TryAgain,
}

/// What survives a crash. A server has none: what must survive stands in the database. (The services have one.)
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

/// Messages and answers are looked at, and how much a server remembers.
impl<N: Node<IdempotentOrders>> Observe<N> for IdempotentOrders {
    fn view(node: &N) -> Size {
        let mut scales = Scales(0);
        node.hash(&mut scales);
        Size(scales.0)
    }
}
