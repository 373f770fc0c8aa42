//! Notices that a file was saved: by the kernel's file events where there are some (Linux, local file systems), otherwise by
//! looking at the files' times often. Where events are promised but do not come (some containers, some network file
//! systems), a slow look notices, and fast looks take over. It knows paths, not exercises.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};

#[cfg(target_os = "linux")]
mod events;
#[cfg(not(target_os = "linux"))]
mod events {
    //! No file events here: the files are looked at.

    use std::path::PathBuf;

    pub struct Events(std::convert::Infallible);

    impl Events {
        pub fn of(_: &[PathBuf]) -> Result<Events, String> {
            Err("this system has none that splitbrain knows".to_owned())
        }

        pub async fn next(&mut self) -> std::io::Result<Vec<usize>> {
            match self.0 {}
        }

        pub fn waiting(&mut self) -> std::io::Result<Vec<usize>> {
            match self.0 {}
        }

        pub fn renew(&mut self, _: &[PathBuf]) {
            match self.0 {}
        }
    }

    pub fn unreliable(_: &std::path::Path) -> Option<&'static str> {
        None
    }
}

/// How long after a save a fast look may come.
const FAST: Duration = Duration::from_millis(15);
/// How often the files are looked at where events come.
const SLOW: Duration = Duration::from_millis(500);

/// What tells one text of a file from the next, without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: (i64, i64),
    changed: (i64, i64),
    length: u64,
    inode: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Stamp> {
        let m = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some(Stamp { modified: (m.mtime(), m.mtime_nsec()), changed: (m.ctime(), m.ctime_nsec()), length: m.size(), inode: m.ino() })
    }
}

/// Listens for saves, or says why that cannot be done.
fn listen(paths: &[PathBuf]) -> Result<events::Events, String> {
    match paths.first().and_then(|path| events::unreliable(path)) {
        Some(file_system) => Err(format!("{file_system} reports no saves")),
        None => events::Events::of(paths),
    }
}

/// Why no events tell of saves of those files, if none do.
#[must_use]
pub fn without_events(paths: &[PathBuf]) -> Option<String> {
    listen(paths).err()
}

/// Files, and whether they were saved.
pub struct Files {
    paths: Vec<PathBuf>,
    seen: Vec<Option<Stamp>>,
    events: Option<events::Events>,
    look: Interval,
    /// Why there are no events.
    polling: Option<String>,
    /// Saves of which no event told, one after the other.
    missed: u32,
}

impl Files {
    /// Watches those files from now on. `poll`: without events.
    #[must_use]
    pub fn new(paths: Vec<PathBuf>, poll: bool) -> Files {
        let (events, polling) = match if poll { Err("asked for".to_owned()) } else { listen(&paths) } {
            Ok(events) => (Some(events), None),
            Err(why) => (None, Some(why)),
        };
        let seen = paths.iter().map(|path| Stamp::of(path)).collect();
        let look = every(if events.is_some() { SLOW } else { FAST });
        Files { paths, seen, events, look, polling, missed: 0 }
    }

    /// Watches those too, from now on; their indexes follow those that there are.
    pub fn add<'a>(&mut self, more: impl Iterator<Item = &'a Path>) {
        for path in more {
            if !self.paths.iter().any(|known| known == path) {
                self.paths.push(path.to_owned());
                self.seen.push(Stamp::of(path));
            }
        }
        if let Some(events) = &mut self.events {
            events.renew(&self.paths);
        }
    }

    /// The file of that index.
    #[must_use]
    pub fn path(&self, index: usize) -> Option<&Path> {
        self.paths.get(index).map(PathBuf::as_path)
    }

    /// Why the files are looked at all the time, if they are.
    #[must_use]
    pub fn polling(&self) -> Option<&str> {
        self.polling.as_deref()
    }

    /// Waits for saves (or deletions), and gives the files' indexes. Nothing is lost if this is dropped.
    pub async fn next(&mut self) -> Vec<usize> {
        loop {
            let Some(events) = &mut self.events else {
                self.look.tick().await;
                let changed = self.changed();
                if changed.is_empty() {
                    continue;
                }
                return changed;
            };
            let looks = tokio::select! {
                found = events.next() => (found, false),
                _ = self.look.tick() => {
                    events.renew(&self.paths);
                    // Events first: what they explain needs no other explanation.
                    (events.waiting(), true)
                }
            };
            let saved = match looks {
                (Err(e), _) => {
                    self.poll(format!("file events ended: {e}"));
                    continue;
                }
                (Ok(found), true) if found.is_empty() => self.unannounced(),
                (Ok(found), _) => {
                    self.missed = 0;
                    found.iter().for_each(|i| self.seen[*i] = Stamp::of(&self.paths[*i]));
                    found
                }
            };
            if !saved.is_empty() {
                return saved;
            }
        }
    }

    /// Saves that no event told of.
    fn unannounced(&mut self) -> Vec<usize> {
        let before = self.seen.clone();
        let changed = self.changed();
        let saved: Vec<usize> = changed.into_iter().filter(|i| before[*i].map(content) != self.seen[*i].map(content)).collect();
        // A writer may be about to close its file, and then an event comes. Twice is no accident.
        self.missed += u32::from(!saved.is_empty());
        if self.missed > 1 {
            self.poll("the system sends no file events here".to_owned());
        }
        saved
    }

    fn poll(&mut self, why: String) {
        (self.events, self.polling, self.look) = (None, Some(why), every(FAST));
    }

    /// The files that are not what they were, as far as a look tells.
    fn changed(&mut self) -> Vec<usize> {
        let mut changed = Vec::new();
        for (i, path) in self.paths.iter().enumerate() {
            let now = Stamp::of(path);
            if std::mem::replace(&mut self.seen[i], now) != now {
                changed.push(i);
            }
        }
        changed
    }
}

fn content(stamp: Stamp) -> (u64, u64, (i64, i64)) {
    (stamp.length, stamp.inode, stamp.modified)
}

fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

#[cfg(test)]
mod tests;
