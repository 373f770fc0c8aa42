//! `two_banks`: two servers, each the home of one account and with a copy of both: what clients are told while the link between them is cut,
//! under either choice.
//!
//! Gilbert & Lynch 2002 for the theorem, Brewer 2012 for what the choice is worth. This page is the contract; the problem is described in the
//! exercise's README.

mod judge;

pub use judge::judge;

use crate::sim::{Node, NodeId, Observe, Protocol, Ticket};
use std::fmt;
use std::time::Duration;

/// How long a server may take to send what a message, request or timer calls for: room to handle several at once.
pub const TAKES: Duration = Duration::from_millis(20);
/// If no confirmation or answer has come for this long, the message must be sent again.
pub const AGAIN: Duration = Duration::from_millis(50);
/// Under [`Choice::Cp`]: a request is not given up sooner than this, counted from when this server took it.
pub const PATIENCE: Duration = Duration::from_millis(150);
/// Under [`Choice::Cp`]: a server must have answered a request within this time after it took it.
pub const ANSWERS: Duration = Duration::from_millis(200);

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct TwoBanks;

/// What is given up while the two servers cannot hear each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Choice {
    /// Consistency is kept, and availability given up: the home of an account decides, once the other server has the entry.
    Cp,
    /// Availability is kept, and consistency given up: every server decides from what it knows, and the two are merged afterwards.
    Ap,
}

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Choice::Cp { "CP" } else { "AP" })
    }
}

/// The same for both servers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// The choice. One file serves both.
    pub choice: Choice,
    /// What is in each account before the first change: at most 2⁶⁰.
    pub opening: u64,
}

/// The two accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// Her home is n1.
    Alice,
    /// His home is n2.
    Bob,
}

impl Account {
    /// The server that alone decides about this account, under [`Choice::Cp`].
    #[must_use]
    pub const fn home(self) -> NodeId {
        NodeId::from_index(self as usize)
    }
}

/// The id of a client's request, unique in the whole bank, at whichever server it was made; so it is also the name of its change.
/// Shown as `r7`, like its ticket.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u32);

impl RequestId {
    /// The id of the request with this ticket.
    #[must_use]
    pub fn of(ticket: Ticket) -> Self {
        RequestId(ticket.number())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

/// A change that a server has decided on, in its book. It is known by its request. Shown as `r7: Alice -60`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// The request that asked for it.
    pub request: RequestId,
    /// Which account.
    pub account: Account,
    /// What it adds to the balance; below 0 if money is taken out.
    pub by: i64,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?} {:+}", self.request, self.account, self.by)
    }
}

/// Between the two servers. Any message can be sent again, even after it was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// This is an entry of my book. Answer [`Message::Have`], each time.
    Entry(Entry),
    /// I have the entry of your book for this request.
    Have(RequestId),
    /// Under [`Choice::Cp`], to the home of its account: a client asks this, and you decide. Answer [`Message::Answer`].
    Ask(RequestId, Request),
    /// Answer the client with this. A repeated Ask gets the same answer; only an [`Response::Unknown`] may become [`Response::Done`], once the
    /// change is confirmed.
    Answer(RequestId, Response),
}

/// Timers. Use those that you like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Time to answer this request, whatever is known.
    GiveUp(RequestId),
    /// Time to send again what has not been answered.
    Again,
    /// Yours to use.
    Tick,
}

/// From a client. Every server is asked about both accounts. Amounts are 1 to 2⁶⁰, and no balance ever exceeds 2⁶².
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Put this much in. Answer [`Response::Done`]; under [`Choice::Cp`] also [`Response::Unavailable`] or [`Response::Unknown`].
    Deposit(Account, u64),
    /// Take this much out. Answer as to [`Request::Deposit`], or [`Response::Refused`] if the balance does not suffice.
    Withdraw(Account, u64),
    /// How much is in it? Answer [`Response::Balance`]; under [`Choice::Cp`] also [`Response::Unavailable`], under [`Choice::Ap`] also
    /// [`Response::Overdrawn`].
    Read(Account),
}

impl Request {
    /// Whose account.
    #[must_use]
    pub const fn account(&self) -> Account {
        let (Request::Deposit(account, _) | Request::Withdraw(account, _) | Request::Read(account)) = self;
        *account
    }

    /// By how much it changes the balance; `None` for a read.
    #[must_use]
    pub const fn by(&self) -> Option<i64> {
        match self {
            Request::Deposit(_, amount) => Some(*amount as i64),
            Request::Withdraw(_, amount) => Some(-(*amount as i64)),
            Request::Read(_) => None,
        }
    }
}

/// To a client: exactly one to each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// The change is made.
    Done,
    /// It was not made, and never will be: the balance does not suffice.
    Refused,
    /// This much is in the account.
    Balance(u64),
    /// Under [`Choice::Ap`]: this much is missing. Both sides have paid out, and together more than there was.
    Overdrawn(u64),
    /// Under [`Choice::Cp`]: nothing was changed, and never will be for this request. Try again later.
    Unavailable,
    /// Under [`Choice::Cp`]: the change may have been made, or may yet be.
    Unknown,
}

impl Protocol for TwoBanks {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    /// Servers do not crash here.
    type Durable = ();
    type View = [i64; 2];
}

/// A server of the bank.
pub trait Server: Node<TwoBanks> {
    /// What its copy of this account says. The hidden tests read it after every step.
    fn copy(&self, account: Account) -> i64;
}

impl<N: Server> Observe<N> for TwoBanks {
    fn view(node: &N) -> [i64; 2] {
        [node.copy(Account::Alice), node.copy(Account::Bob)]
    }
}
