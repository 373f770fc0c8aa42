//! `saga`: a trip is a flight, a hotel and a payment at three companies, and one node makes sure that all of it is booked, or none of it.
//!
//! Garcia-Molina & Salem 1987 ("Sagas"). The companies are provided services. This page is the contract; the problem is described in the exercise's
//! README.

mod judge;

pub use judge::judge;

use crate::sim::{Node, NodeId, Observe, Protocol};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How long it may take until the next call leaves, or the client is answered, after an answer that allows it, a request, or a restart.
pub const TAKES: Duration = Duration::from_millis(50);
/// How long you wait for the flight or the hotel before you may give up a booking, counted from the first [`Message::Do`].
pub const WAITS: Duration = Duration::from_millis(200);
/// While a call has no answer it is made again at least this often.
pub const AGAIN: Duration = Duration::from_millis(400);

/// The protocol of this exercise.
#[derive(Clone, Debug, Hash)]
pub struct Saga;

/// Where the services are. They are not among the peers. `Config` when shown: it is always the same.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Config {
    /// Does [`Step::Flight`] and [`Step::Ticket`].
    pub flight: NodeId,
    /// Does [`Step::Hotel`].
    pub hotel: NodeId,
    /// Does [`Step::Payment`].
    pub payments: NodeId,
}

impl Config {
    /// Which service does this step.
    #[must_use]
    pub fn service(&self, step: Step) -> NodeId {
        match step {
            Step::Flight | Step::Ticket => self.flight,
            Step::Hotel => self.hotel,
            Step::Payment => self.payments,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Config")
    }
}

/// The number of a booking, chosen by its client: below 2⁵⁶, and no two bookings share one. `b7` when shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BookingId(pub u64);

impl fmt::Debug for BookingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b{}", self.0)
    }
}

/// An idempotency key, chosen by you: a service does what it is asked for under a key once, however often it is asked. It looks at nothing else.
/// `k7` when shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u64);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}

/// The steps of a booking, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A seat is booked. Can be refused, and cancelled.
    Flight,
    /// A room is booked. Can be refused, and cancelled.
    Hotel,
    /// Money is taken: the pivot. Can be refused; there is no way to cancel it.
    Payment,
    /// The ticket for the seat is issued. It is never refused, and cannot be cancelled.
    Ticket,
}

impl Step {
    /// All of them, in their order.
    pub const ALL: [Step; 4] = [Step::Flight, Step::Hotel, Step::Payment, Step::Ticket];
}

/// What a service is asked for, and what it answers to. `b7 Hotel k3` when shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call {
    /// For which booking.
    pub booking: BookingId,
    /// Which step of it.
    pub step: Step,
    /// Under which key.
    pub key: Key,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} {:?}", self.booking, self.step, self.key)
    }
}

/// Between your node and the services. Any of them may come late, twice or never.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// To a service: do this step. Answered [`Message::Done`] or [`Message::Refused`], the same each time while it is not cancelled.
    Do(Call),
    /// From it: it is done.
    Done(Call),
    /// From it: nothing is booked under this key, and nothing ever will be.
    Refused(Call),
    /// To the flight or the hotel: undo what was done under this key, if anything was, and do nothing under it from now on, whatever comes later. Answered
    /// [`Message::Cancelled`].
    Cancel(Call),
    /// From it: nothing is booked under this key, and nothing ever will be.
    Cancelled(Call),
}

/// Timers. Use those that you like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Yours to use for each booking: time to call again.
    Again(BookingId),
    /// Yours to use for each booking: time to give up.
    Late(BookingId),
    /// Yours to use.
    Tick,
}

/// From a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Book this trip. Answer [`Response::Booked`] or [`Response::Failed`] when you know. The same number again is the same booking.
    Book(BookingId),
    /// Only to a service: refuse new keys from now on (`true`), or no longer (`false`).
    Refuse(bool),
}

/// To a client: at most one to each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// It is paid for, and all of it is booked, or will be.
    Booked,
    /// None of it is booked, and none ever will be.
    Failed,
    /// From a service: understood.
    Noted,
}

/// What you may record about a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// It was asked for, or is about to be.
    Asked,
    /// It is done.
    Done,
    /// It was refused.
    Refused,
    /// It is cancelled.
    Cancelled,
}

/// What you may record about a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Course {
    /// Step by step to the end.
    Forward,
    /// Step by step back.
    Back,
    /// It has ended: all of it is booked.
    Booked,
    /// It has ended: none of it is booked.
    Failed,
}

/// A line of a log of events, if you write one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of a booking.
    Takes(BookingId, Course),
    /// Of a step.
    Step(Call, Mark),
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Takes(booking, course) => write!(f, "{booking:?} {course:?}"),
            Event::Step(call, mark) => write!(f, "{call:?} {mark:?}"),
        }
    }
}

/// The state of a booking, if you keep one for each. `Back { Flight: k1 Done, Hotel: k2 Refused }` when shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Record {
    /// Where it goes.
    pub course: Course,
    /// The steps that were asked for.
    pub steps: BTreeMap<Step, (Key, Mark)>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let course = format!("{:?}", self.course);
        let mut record = f.debug_struct(&course);
        for (step, (key, mark)) in &self.steps {
            record.field(&format!("{step:?}"), &format_args!("{key:?} {mark:?}"));
        }
        record.finish()
    }
}

/// What survives a crash: `None` at the first start. All of it is yours: save what you need, in any way you like. What is
/// empty is not shown.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Saved {
    /// A state of each booking ...
    pub bookings: BTreeMap<BookingId, Record>,
    /// ... or a log of events. (The services keep one too.)
    pub events: Vec<Event>,
    /// A number, if you need one.
    pub counter: u64,
}

impl fmt::Debug for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut saved = f.debug_struct("Saved");
        if !self.bookings.is_empty() {
            saved.field("bookings", &self.bookings);
        }
        if !self.events.is_empty() {
            saved.field("events", &self.events);
        }
        if self.counter > 0 {
            saved.field("counter", &self.counter);
        }
        saved.finish()
    }
}

impl Protocol for Saga {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Request = Request;
    type Response = Response;
    type Durable = Saved;
    type View = ();
}

/// The hidden tests look only at messages and answers.
impl<N: Node<Saga>> Observe<N> for Saga {
    fn view(_: &N) {}
}
