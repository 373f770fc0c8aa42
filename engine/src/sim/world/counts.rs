//! What a run met, as numbers: the network's side of a coverage.

use crate::rule::Coverage;
use crate::sim::engine::NODES_MAX;

/// Counts of the world itself, kept as numbers in the hot path.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub delivered: u64,
    pub lost: u64,
    pub repeated: u64,
    pub crashes: u64,
    pub crashes_mid_handler: u64,
    pub restarts: u64,
    pub pauses: u64,
    pub partitions: u64,
    pub clock_steps: u64,
    pub sent_by: [u64; NODES_MAX],
}

impl Counts {
    #[inline]
    pub fn coverage(&self) -> Coverage {
        let mut c = Coverage::default();
        for (name, n) in [
            ("messages delivered", self.delivered),
            ("messages lost", self.lost),
            ("messages repeated", self.repeated),
            ("crashes", self.crashes),
            ("crashes between two effects", self.crashes_mid_handler),
            ("restarts", self.restarts),
            ("pauses", self.pauses),
            ("partitions", self.partitions),
            ("clock steps", self.clock_steps),
        ] {
            c.add(name, n);
        }
        c
    }
}
