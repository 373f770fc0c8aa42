//! Watches the workers: leaves crumbs for whoever finds the process dead, and notices a handler that never returns.

use super::options::{Options, Unit};
use crate::suite::Suite;
use crate::trace::Probe;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Length of a worker's line in the crumbs file in bytes, with its end of line.
const CRUMB: usize = 160;
/// How often the watch looks.
const TICK: Duration = Duration::from_millis(20);

/// Why a judging is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alarm {
    /// A handler does not return, in this unit.
    Hangs(Unit),
    /// The process will be ended soon.
    TimeIsUp,
}

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
    thread: Mutex<Option<Queueing>>,
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
        let worker = || Worker { pulse: Arc::default(), thread: Mutex::new(None), unit: Mutex::new(None) };
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

    /// Says that the calling thread is this worker.
    pub fn works(&self, worker: usize) {
        *self.workers[worker].thread.lock().unwrap_or_else(PoisonError::into_inner) = Queueing::of_this_thread();
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

    /// The units that are being worked at, in their order.
    pub fn units(&self) -> Vec<Unit> {
        let units: BTreeSet<Unit> = self.workers.iter().filter_map(|w| *w.unit.lock().unwrap_or_else(PoisonError::into_inner)).collect();
        units.into_iter().collect()
    }

    /// Waits until a handler has not returned for `handler_ms`, or the time is up; `None` when the work is over.
    ///
    /// The watch counts its own ticks and not the clock: a machine that sleeps, or a process that is stopped, is no
    /// handler that hangs. Nor is one that other programs keep from the cores: that time is not its own. `time_is_up` is
    /// told how long a worker has waited for a core in all, of those that waited the longest.
    pub fn watch(&self, handler_ms: u64, time_is_up: impl Fn(Duration) -> bool) -> Option<Alarm> {
        let limit = Duration::from_millis(handler_ms).max(TICK);
        let mut calls: Vec<Call> = self.workers.iter().map(|_| Call::default()).collect();
        while !self.over.load(Ordering::Relaxed) {
            std::thread::sleep(TICK);
            let mut waited = Duration::ZERO;
            for (worker, call) in self.workers.iter().zip(&mut calls) {
                let thread = worker.thread.lock().unwrap_or_else(PoisonError::into_inner);
                call.look(worker.pulse.load(Ordering::Relaxed), thread.as_ref());
                waited = waited.max(thread.as_ref().map_or(Duration::ZERO, |thread| thread.turns().waited));
            }
            let up = time_is_up(waited);
            let hanging = self.workers.iter().zip(&calls).filter(|(_, call)| call.own() >= limit);
            let hanging = hanging.filter_map(|(w, _)| *w.unit.lock().unwrap_or_else(PoisonError::into_inner)).min();
            // The first in order that hangs, and all before it are done: the same on every machine, however busy it is.
            if let Some(unit) = hanging.filter(|unit| up || self.units().first() == Some(unit)) {
                return Some(Alarm::Hangs(unit));
            }
            if up {
                return Some(Alarm::TimeIsUp);
            }
        }
        None
    }
}

/// The call that a worker is in.
#[derive(Default)]
struct Call {
    pulse: u64,
    /// How long it has been seen there.
    since: Duration,
    /// What the system said of the thread when it was seen there first, and since then.
    first: Turns,
    now: Turns,
}

impl Call {
    /// Looks again, a tick later.
    fn look(&mut self, pulse: u64, thread: Option<&Queueing>) {
        let inside = pulse & 1 == 1;
        if inside && pulse == self.pulse {
            self.since += TICK;
        } else {
            *self = Call { pulse, ..Call::default() };
        }
        self.now = thread.filter(|_| inside).map_or_else(Turns::default, Queueing::turns);
        if self.since.is_zero() {
            self.first = self.now;
        }
    }

    /// How long it has run, or slept by its own will. On a busy machine the watch's ticks are late as well, and what they
    /// count is less than the clock's time; what the thread had of a core is its own whatever the ticks say.
    fn own(&self) -> Duration {
        let waited = self.now.waited.saturating_sub(self.first.waited);
        self.since.saturating_sub(waited).max(self.now.ran.saturating_sub(self.first.ran))
    }
}

/// How long a thread has been on a core, and has waited for one, since it began.
#[derive(Clone, Copy, Default)]
struct Turns {
    ran: Duration,
    waited: Duration,
}

/// Where the system says how a thread comes by its cores: Linux does.
pub(super) struct Queueing(PathBuf);

impl Queueing {
    pub fn of_this_thread() -> Option<Queueing> {
        let thread = std::fs::read_link("/proc/thread-self").ok()?;
        Some(Queueing(Path::new("/proc").join(thread).join("schedstat")))
    }

    /// Nothing where that is not known.
    fn turns(&self) -> Turns {
        // Nanoseconds on a core, nanoseconds in its queue, turns.
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        let mut numbers = text.split(' ').map(|n| n.parse().map_or(Duration::ZERO, Duration::from_nanos));
        let mut next = || numbers.next().unwrap_or_default();
        Turns { ran: next(), waited: next() }
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
/// over. True if it hangs. The time that `thread` waited for a core does not count.
pub(super) fn hangs(probe: &Probe, span: Duration, thread: &OnceLock<Option<Queueing>>, ended: impl Fn() -> bool) -> bool {
    let mut call = Call::default();
    while call.own() < span.max(TICK) {
        if ended() {
            return false;
        }
        std::thread::sleep(TICK);
        call.look(probe.pulse.load(Ordering::Relaxed), thread.get().and_then(Option::as_ref));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_watched_from_when_it_is_seen() {
        let mut call = Call::default();
        let mut seen = |pulse| {
            call.look(pulse, None);
            call.own() / u32::try_from(TICK.as_millis()).expect("small")
        };
        let ms = Duration::from_millis;
        assert_eq!([seen(1), seen(1), seen(1), seen(2), seen(2), seen(3), seen(3)], [ms(0), ms(1), ms(2), ms(0), ms(0), ms(0), ms(1)]);
    }

    /// A thread that waits for a core has not run: what the system says of it is taken off. What it ran counts, however late
    /// the watch looks.
    #[test]
    fn waiting_for_a_core_is_not_ones_own_time() {
        let dir = std::env::temp_dir().join(format!("splitbrain-schedstat-{}", std::process::id()));
        let thread = Queueing(dir.clone());
        let mut call = Call::default();
        for (ran_ms, waited_ms, own_ms) in [(77, 500, 0), (97, 500, 20), (98, 519, 21), (98, 539, 21), (118, 539, 41), (200, 900, 123)] {
            std::fs::write(&dir, format!("{} {} 3", ran_ms * 1_000_000, waited_ms * 1_000_000)).expect("a temporary file");
            call.look(5, Some(&thread));
            assert_eq!(call.own(), Duration::from_millis(own_ms));
        }
        std::fs::remove_file(&dir).expect("it is there");
        assert_eq!(thread.turns().waited, Duration::ZERO);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_system_says_how_long_this_thread_has_waited() {
        let thread = Queueing::of_this_thread().expect("there is /proc");
        let before = thread.turns();
        assert!(thread.0.ends_with("schedstat") && thread.turns().waited >= before.waited && thread.turns().ran >= before.ran);
    }
    fn options(threads: usize) -> Options {
        Options { threads, ..Options::default() }
    }

    fn no_cases() -> Suite {
        let swarm = crate::suite::Swarm { rules: &[], must_meet: &[], run: Box::new(|_, _| unreachable!("nothing is run")) };
        Suite::new("toy", &[], swarm)
    }

    /// Which of several that hang is told does not hang on which began first, nor on what runs beside them.
    #[test]
    fn of_two_that_hang_the_first_in_order_is_told() {
        let board = Board::new(&options(3), &no_cases()).expect("a board");
        let hang = |worker: usize, unit| {
            board.at(worker, Some(unit));
            board.probe(worker).enter();
        };
        let (limit_ms, never) = (60, |_: Duration| false);
        // The later one hangs first, by many ticks: as long as one before it is at work, nothing is told of it.
        hang(0, Unit::Seed(9));
        board.at(1, Some(Unit::Seed(4)));
        let looks = std::cell::Cell::new(0);
        let told = board.watch(limit_ms, |_| {
            looks.set(looks.get() + 1);
            if looks.get() == 10 {
                hang(1, Unit::Seed(4));
            }
            false
        });
        assert_eq!(told, Some(Alarm::Hangs(Unit::Seed(4))));
        assert!(looks.get() > 10);
        // The one before it returns: then it is the first.
        board.probe(1).leave();
        board.at(1, None);
        assert_eq!(board.watch(limit_ms, never), Some(Alarm::Hangs(Unit::Seed(9))));
        // One before it is at work to the end: what hangs is told all the same, as it is sure.
        board.at(1, Some(Unit::Case(0)));
        let looks = std::cell::Cell::new(0);
        let at_last = |_: Duration| looks.replace(looks.get() + 1) == 10;
        assert_eq!(board.watch(limit_ms, at_last), Some(Alarm::Hangs(Unit::Seed(9))));
        board.probe(0).leave();
        assert_eq!(board.watch(limit_ms, |_| true), Some(Alarm::TimeIsUp));
        board.finish();
        assert_eq!(board.watch(limit_ms, never), None);
    }
}
