//! What one node of `work_queue` may do: a ghost of it, kept from what others can observe; and what its peers and clients could say in a
//! storm.

use super::{ANSWERS, RISE};
use crate::exercises::kit::Open;
use crate::exercises::work_queue::{Request, Response, Saved, WorkQueue};
use crate::rng::Rng;
use crate::rule::{Broken, Check, Coverage};
use crate::sim::{ClientId, Factory, Input, NodeId, Seen, Setting, Spec, Storm, storm};
use crate::suite::Storms;
use crate::time::{Time, millis};

pub(super) fn storms(factory: Factory<WorkQueue>) -> Storms {
    Storms {
        rules: &[RISE, ANSWERS],
        must_meet: &["storm crashes between two effects", "storm shadows", "numbers given"],
        count: 10_000,
        run: Box::new(move |seed, probe| storm::<WorkQueue, Ghost>(factory, seed, probe)),
    }
}

#[derive(Clone)]
pub(super) struct Ghost {
    me: NodeId,
    open: Open<WorkQueue>,
    /// The last number that a client was given, or that was on the first disk, and in which step.
    last: Option<(u64, u64)>,
    promised: bool,
    given: u64,
}

impl Ghost {
    pub fn new(me: NodeId, saved: Option<&Saved>) -> Self {
        let last = saved.map(|saved| (saved.last, 0));
        Ghost { me, open: Open::new(ANSWERS, me), last, promised: false, given: 0 }
    }
}

impl Spec<WorkQueue> for Ghost {
    fn step(&mut self, seen: &Seen<'_, WorkQueue>) -> Check {
        self.promised = false;
        for (_, Response::Number(number)) in self.open.step(seen)? {
            if let Some((last, step)) = self.last.filter(|(last, _)| last >= number) {
                let said = format!("{} gave {number}, and had {last} before", self.me);
                return Err(Broken::new(RISE, said).at([step, seen.number]));
            }
            self.last = Some((*number, seen.number));
            self.promised = true;
            self.given += 1;
        }
        Ok(())
    }

    fn time(&mut self, now: Time) -> Check {
        // A timer may be a little late.
        self.open.in_time(now, millis(105))
    }
}

impl Storm<WorkQueue> for Ghost {
    fn setting(rng: &mut Rng) -> (Self, Setting<WorkQueue>) {
        let nodes = rng.range(1..=3) as usize;
        let me = NodeId::from_index(rng.below(nodes as u64) as usize);
        // Only what the protocol can leave on a disk; here any number with room above it.
        let saved = rng.chance(500_000).then(|| Saved { last: rng.wild() / 2 });
        (Ghost::new(me, saved.as_ref()), Setting { saved, ..Setting::new(nodes, me, ()) })
    }

    /// What correct peers and clients could say now; peers say nothing here.
    fn input(&mut self, rng: &mut Rng) -> Option<Input<WorkQueue>> {
        Some(Input::Request(ClientId::from_index(rng.below(3) as usize), Request::Next))
    }

    /// A number that was given is a promise: a copy that restarts from the disk is asked for another one.
    fn promised(&self) -> bool {
        self.promised
    }

    fn tally(&self, coverage: &mut Coverage) {
        coverage.add("numbers given", self.given);
    }
}
