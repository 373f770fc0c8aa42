//! Watches the workers: leaves crumbs for whoever finds the process dead, and notices a handler that never returns.

use super::options::{Options, Unit};
use crate::suite::Suite;
use crate::trace::Probe;
use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Length of a worker's line in the crumbs file in bytes, with its end of line.
const CRUMB: usize = 160;
/// How often the watch looks.
const TICK: Duration = Duration::from_millis(20);

/// Where every worker is.
pub(super) struct Board {
    workers: Vec<Worker>,
    crumbs: Option<File>,
    over: AtomicBool,
    thorough: bool,
    /// The names of the cases.
    names: Vec<&'static str>,
}

struct Worker {
    pulse: Arc<AtomicU64>,
    unit: Mutex<Option<Unit>>,
}

impl Board {
    /// A board for as many workers as asked.
    ///
    /// # Errors
    /// The crumbs file cannot be written.
    pub fn new(options: &Options, suite: &Suite) -> Result<Board, String> {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let n = match options.threads {
            0 => cores(),
            n => n,
        }
        .clamp(1, 64);
        let crumbs = options.crumbs.as_ref().map(File::create).transpose().map_err(|e| format!("--crumbs: {e}"))?;
        let worker = || Worker { pulse: Arc::default(), unit: Mutex::new(None) };
        let (workers, over) = ((0..n).map(|_| worker()).collect(), AtomicBool::new(false));
        let names = suite.cases.iter().map(|case| case.name).collect();
        let board = Board { workers, crumbs, over, thorough: options.thorough, names };
        (0..n).for_each(|w| board.crumb(w, None));
        Ok(board)
    }

    pub fn workers(&self) -> usize {
        self.workers.len()
    }

    /// The probe of a worker.
    pub fn probe(&self, worker: usize) -> Probe {
        Probe { thorough: self.thorough, ..Probe::with_pulse(Arc::clone(&self.workers[worker].pulse)) }
    }

    /// Says what a worker is at.
    pub fn at(&self, worker: usize, unit: Option<Unit>) {
        *self.workers[worker].unit.lock().unwrap_or_else(PoisonError::into_inner) = unit;
        self.crumb(worker, unit);
    }

    /// All work is done: the watch may end.
    pub fn finish(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    fn crumb(&self, worker: usize, unit: Option<Unit>) {
        let Some(file) = &self.crumbs else { return };
        let mut line = unit.map_or_else(|| "idle".to_owned(), |u| u.to_string()).into_bytes();
        // A case also by its name, which a later version of the judge still knows it by.
        if let Some(Unit::Case(i)) = unit
            && let Some(name) = self.names.get(i).filter(|name| line.len() + 1 + name.len() < CRUMB)
        {
            line.push(b' ');
            line.extend_from_slice(name.as_bytes());
        }
        line.resize(CRUMB - 1, b' ');
        line.push(b'\n');
        write_at(file, &line, (worker * CRUMB) as u64);
    }

    /// Waits until a handler has not returned for `handler_ms`, and says in which unit; `None` when the work is over.
    ///
    /// The watch counts its own ticks and not the clock: a machine that sleeps, or a process that is stopped, is no
    /// handler that hangs.
    pub fn watch(&self, handler_ms: u64) -> Option<Unit> {
        let ticks_max = (handler_ms / TICK.as_millis() as u64).max(1);
        let mut seen = vec![(0, 0); self.workers.len()];
        while !self.over.load(Ordering::Relaxed) {
            std::thread::sleep(TICK);
            for (worker, (last, ticks)) in self.workers.iter().zip(&mut seen) {
                let pulse = worker.pulse.load(Ordering::Relaxed);
                let stuck = pulse & 1 == 1 && pulse == *last;
                *ticks = if stuck { *ticks + 1 } else { 0 };
                *last = pulse;
            }
            // Of several that hang, the first in order, which has hung at least about as long: the same on every machine.
            if seen.iter().any(|(_, ticks)| *ticks >= ticks_max) {
                let hanging = self.workers.iter().zip(&seen).filter(|(_, (_, ticks))| *ticks >= ticks_max / 2);
                return hanging.filter_map(|(w, _)| *w.unit.lock().unwrap_or_else(PoisonError::into_inner)).min();
            }
        }
        None
    }
}

/// Crumbs are a courtesy to whoever looks at a dead process: a failed write loses no verdict.
#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], offset: u64) {
    let _ = std::os::unix::fs::FileExt::write_all_at(file, bytes, offset);
}

#[cfg(windows)]
fn write_at(file: &File, bytes: &[u8], offset: u64) {
    let _ = std::os::windows::fs::FileExt::seek_write(file, bytes, offset);
}

/// Waits until the code behind `probe` has been inside one call for `span` without returning, or `ended` says that it is
/// over. True if it hangs.
pub(super) fn hangs(probe: &Probe, span: Duration, ended: impl Fn() -> bool) -> bool {
    let (mut last, mut ticks) = (0, 0);
    let ticks_max = (span.as_millis() / TICK.as_millis()).max(1);
    loop {
        if ended() {
            return false;
        }
        std::thread::sleep(TICK);
        let pulse = probe.pulse.load(Ordering::Relaxed);
        ticks = if pulse & 1 == 1 && pulse == last { ticks + 1 } else { 0 };
        last = pulse;
        if ticks >= ticks_max {
            return true;
        }
    }
}
