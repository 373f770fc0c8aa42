//! Notices a build that waits for what never comes: a pipe that nobody writes to, a build script that sleeps. It looks at the
//! processor time that the build uses, and counts its own looks: a slow machine, or one that was asleep, is no stall.

/// Seconds without any processor time: a build waits for the disk, for a registry, for nothing else so long.
const IDLE: u32 = 30;
/// Seconds without a message: the longest crate of any course takes less, a loop in a macro takes for ever.
const SILENT: u32 = 1_200;

/// How long nothing has been seen of a build, in looks of a second each.
#[derive(Default)]
pub struct Stall {
    ticks: u64,
    idle: u32,
    silent: u32,
}

impl Stall {
    /// Something was heard.
    pub fn heard(&mut self) {
        (self.idle, self.silent) = (0, 0);
    }

    /// A second later: what the build does wrong, if it has stalled. `ticks` is the processor time that it has used.
    pub fn look(&mut self, ticks: u64) -> Option<String> {
        self.idle = if self.ticks == ticks { self.idle + 1 } else { 0 };
        self.silent += 1;
        self.ticks = ticks;
        if self.idle >= IDLE {
            return Some(format!("the build is stuck: it has used no processor time for {IDLE} seconds"));
        }
        (self.silent >= SILENT).then(|| format!("the build does not end: it has printed nothing for {} minutes", SILENT / 60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_works_does_not_stall() {
        let mut slow = Stall::default();
        assert!((0..SILENT - 1).all(|n| slow.look(u64::from(n / 20)).is_none()));
        slow.heard();
        assert!((0..SILENT - 1).all(|n| slow.look(u64::from(n)).is_none()));
        assert!(slow.look(0).unwrap().contains("20 minutes"));
        let mut waits = Stall::default();
        waits.look(5);
        assert!((1..IDLE).all(|_| waits.look(5).is_none()));
        assert!(waits.look(5).unwrap().contains("no processor time"));
    }
}
