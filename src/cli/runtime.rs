//! What drives child processes, deadlines, keys and signals: one thread, which waits almost all the time. A signal that asks
//! us to end lets go of whatever is waited for, so that processes are killed and folders removed, and becomes the exit code
//! that shells expect.

use super::error::{Exit, Result, Trouble};
use std::future::poll_fn;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A write beyond a limit of this shell (`ulimit -f`) is an error like others, and not the program's end. A handler, not "ignored":
/// what we start has the system's own way again, so that the limit ends a process of a learner. (A pipe without a reader is ignored
/// by Rust's runtime, and given back to what is started, too.)
pub fn survive_file_limit() {
    let number = rustix::process::Signal::XFSZ.as_raw();
    // SAFETY: the action does nothing, which is safe wherever a signal comes. Where it is refused, all is as it was.
    let _ = unsafe { signal_hook_registry::register(number, || {}) };
}

/// The one runtime of a verb.
pub struct Runtime(Option<tokio::runtime::Runtime>);

impl Runtime {
    /// Makes it.
    ///
    /// # Errors
    /// If the system refuses what it needs.
    pub fn new() -> Result<Runtime> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map(|r| Runtime(Some(r))).map_err(|e| cannot(&e))
    }

    /// Runs something to its end, or until a signal asks us to end: then it is dropped where it stands.
    ///
    /// # Errors
    /// What it returns, or [`Trouble::ended`].
    pub fn block_on<T>(&self, what: impl Future<Output = Result<T>>) -> Result<T> {
        let runtime = self.0.as_ref().expect("it is taken in `drop` alone");
        runtime.block_on(async {
            let mut ends = Ends::new()?;
            tokio::select! {
                result = what => result,
                exit = ends.next() => Err(Trouble::ended(exit)),
            }
        })
    }

    /// Runs something that looks after signals itself.
    pub fn block_on_alone<T>(&self, what: impl Future<Output = T>) -> T {
        self.0.as_ref().expect("it is taken in `drop` alone").block_on(what)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // A grandchild that left its group may still hold a pipe, and a thread of ours reading it: do not wait for it.
            runtime.shutdown_background();
        }
    }
}

/// The signals that ask us to end: whoever has this listens. One that comes while nobody waits is not lost, it meets the next
/// who does: between two questions of a quiz, or before the first picture of a screen.
pub struct Ends(());

/// Each with how the program ends. The last ones are sent by hand, or by a limit on processor time, and would end a program where it
/// stands: with the terminal as it had it.
fn kinds() -> [(SignalKind, Exit); 8] {
    let limit = SignalKind::from_raw(rustix::process::Signal::XCPU.as_raw());
    [
        (SignalKind::hangup(), Exit::HungUp),
        (SignalKind::terminate(), Exit::Terminated),
        (SignalKind::interrupt(), Exit::Interrupted),
        (SignalKind::quit(), Exit::Quit),
        (SignalKind::user_defined1(), Exit::Terminated),
        (SignalKind::user_defined2(), Exit::Terminated),
        (SignalKind::alarm(), Exit::Terminated),
        (limit, Exit::Terminated),
    ]
}

/// A process has its signals once, however many runtimes it makes. From the first listener on, none ends us by itself any more.
static SIGNALS: Mutex<Vec<(Signal, Exit)>> = Mutex::new(Vec::new());

fn signals() -> MutexGuard<'static, Vec<(Signal, Exit)>> {
    SIGNALS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ends {
    /// Listens from now on.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn new() -> Result<Ends> {
        let mut signals = signals();
        if signals.is_empty() {
            let listen = |(kind, exit)| signal(kind).map(|signal| (signal, exit)).map_err(|e| cannot(&e));
            *signals = kinds().into_iter().map(listen).collect::<Result<_>>()?;
        }
        Ok(Ends(()))
    }

    /// Waits for one, and says how the program ends.
    pub async fn next(&mut self) -> Exit {
        poll_fn(|context| {
            let mut signals = signals();
            // Each is asked: only who is asked is woken.
            let came: Vec<Exit> = signals.iter_mut().filter_map(|(s, exit)| s.poll_recv(context).is_ready().then_some(*exit)).collect();
            came.first().map_or(Poll::Pending, |exit| Poll::Ready(*exit))
        })
        .await
    }
}

/// A descriptor that owns what it names, to wait for what can be read from it.
pub trait Owning: AsRawFd {}
impl Owning for io::Stdin {}
impl Owning for std::os::fd::OwnedFd {}

/// Waits for what can be read.
///
/// # Errors
/// If that cannot be waited for: of a plain file, for example.
pub fn readable<T: Owning>(inner: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: the descriptor stays open, and the same, as long as its owner lives, which is in here; standard input is never
    // closed by us.
    Ok(unsafe { AsyncFd::register_with_interest(inner, Interest::READABLE) }?)
}

fn cannot(e: &std::io::Error) -> Trouble {
    Trouble::environment(format!("the system refuses to start processes: {e}"))
}
