//! What could come in: clients who ask for bookings, new and known ones, and what services would say to the calls that have left, at once, late,
//! in another order, or never. Their answers are those of the real ones ([`answer`]).

use super::{Ghost, config};
use crate::exercises::saga::judge::desk::{Book, answer};
use crate::exercises::saga::{BookingId, Message, Request, Saga};
use crate::rng::Rng;
use crate::rule::Coverage;
use crate::sim::{ClientId, Input, NodeId, Setting, Storm};
use std::collections::BTreeMap;

/// So many calls are under way at most, and so many answers.
const POST: usize = 48;

#[derive(Clone, Default)]
pub(super) struct Surroundings {
    books: BTreeMap<NodeId, Book>,
    /// Calls that have left and have not arrived, the last one at the end; and answers likewise.
    calls: Vec<(NodeId, Message)>,
    answers: Vec<(NodeId, Message)>,
    /// How often a new key is refused, and an answer is late or lost, in millionths.
    refuses: u32,
    late: u32,
    /// How many bookings there are at most.
    most: usize,
    /// Whether one booking comes after another, without a pause, while the first calls have no answer.
    crowd: bool,
}

impl Surroundings {
    pub(super) fn leaves(&mut self, to: NodeId, message: &Message) {
        if self.calls.len() == POST {
            self.calls.remove(0);
        }
        self.calls.push((to, message.clone()));
    }

    /// A call arrives, and what it is answered.
    fn arrives(&mut self, at: usize, rng: &mut Rng) -> Option<(NodeId, Message)> {
        let (to, message) = self.calls.remove(at);
        let refuses = rng.chance(self.refuses);
        let answer = answer(self.books.entry(to).or_default(), refuses, &message)?;
        // A network that repeats it.
        if rng.chance(60_000) {
            self.calls.push((to, message));
        }
        Some((to, answer))
    }
}

impl Ghost {
    fn answers(&mut self, at: usize, late: u32, rng: &mut Rng) -> Option<Input<Saga>> {
        let (from, answer) = self.around.arrives(at, rng)?;
        if rng.chance(late) {
            if self.around.answers.len() < POST {
                self.around.answers.push((from, answer));
            }
            return None;
        }
        Some(Input::Message(from, answer))
    }

    fn asks(&mut self, rng: &mut Rng) -> Option<Input<Saga>> {
        let client = ClientId::from_index(rng.below(3) as usize);
        let known: Vec<BookingId> = self.bookings.keys().copied().collect();
        let is_full = known.len() >= self.around.most;
        let old = if rng.chance(500_000) { self.last } else { rng.pick(&known).copied() };
        let again = old.filter(|_| is_full || rng.chance(300_000));
        let id = again.unwrap_or_else(|| {
            let any = if rng.chance(700_000) { 1 + rng.below(8) } else { rng.wild() >> 8 };
            // Next to a known one; or one bit away, which is the same to whoever keeps the low ones.
            let kin = old.filter(|_| rng.chance(500_000)).map(|old| match rng.chance(500_000) {
                true => rng.near(old.0).min(u64::MAX >> 8),
                false => old.0 ^ (1 << rng.below(56)),
            });
            BookingId(kin.unwrap_or(any))
        });
        Some(Input::Request(client, Request::Book(id)))
    }
}

impl Storm<Saga> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<Saga>) {
        let me = NodeId::from_index(0);
        let mut ghost = Ghost::new(me);
        ghost.around.refuses = [0, 150_000, 400_000][rng.below(3) as usize];
        ghost.around.late = [0, 100_000, 400_000][rng.below(3) as usize];
        ghost.around.most = [1, 2, 2, 4, 4, 16][rng.below(6) as usize];
        let setting = Setting {
            clock_ahead_us: if rng.chance(300_000) { rng.below(1_000_000) } else { 0 },
            drift_ppm: if rng.chance(300_000) { rng.below(20_001) as i32 - 10_000 } else { 0 },
            waits_ms: [&[2, 10, 30][..], &[2, 20, 60, 250], &[20, 450]][rng.below(3) as usize],
            rest_ms: 500,
            ..Setting::new(1, me, config())
        };
        if rng.chance(50_000) {
            // Whoever sets one clock for all, and anew for each, never hears it.
            (ghost.around.crowd, ghost.around.most) = (true, 64);
            let setting = Setting { waits_ms: &[60, 500], steady_ms: 5 + rng.below(30), ..setting };
            return (ghost, setting);
        }
        (ghost, setting)
    }

    fn input(&mut self, rng: &mut Rng) -> Option<Input<Saga>> {
        let calls = self.around.calls.len() as u64;
        let late = self.around.answers.len() as u64;
        if late > 0 && rng.chance(150_000) {
            let at = rng.below(late) as usize;
            let (from, answer) = self.around.answers.remove(at);
            return Some(Input::Message(from, answer));
        }
        let answers = if self.around.crowd { 100_000 } else { 800_000 };
        if calls > 0 && rng.chance(answers) {
            // Mostly the last one; the others are late.
            let back = if rng.chance(700_000) { 0 } else { rng.below(calls) };
            return self.answers((calls - 1 - back) as usize, self.around.late, rng);
        }
        self.asks(rng)
    }

    fn promised(&self) -> bool {
        self.promised
    }

    /// The answers that lead on, if it goes another way than before; or the client once more.
    fn betray(&mut self, rng: &mut Rng) -> Option<Input<Saga>> {
        let calls = self.around.calls.len();
        if calls > 0 && rng.chance(700_000) {
            return self.answers(calls - 1, 0, rng);
        }
        let client = ClientId::from_index(rng.below(3) as usize);
        self.last.map(|last| Input::Request(client, Request::Book(last)))
    }

    fn tally(&self, coverage: &mut Coverage) {
        self.counts(coverage);
    }
}
