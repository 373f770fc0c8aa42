//! What `list` needs of all answers, kept beside them so that it need not read them: the memory of each question. It is derived:
//! whenever it does not fit the log that is there, it is worked out from the log anew, and it can be taken away at any time.

use super::answers::{Answers, QUIZ};
use super::dates::Now;
use super::disk;
use super::error::Result;
use super::memory::Memories;
use super::state::{Store, Told};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Changes with what is kept, and with how it is worked out.
const FORMAT: u32 = 3;
/// Within so many nanoseconds two texts may have the same time on disk.
const TICK_NS: i128 = 50_000_000;

/// What the learner remembers now.
///
/// # Errors
/// As [`Answers::read`].
pub fn memories(store: &Store, now: &Now) -> Result<Told<Memories>> {
    let log = store.dir().join(QUIZ.name);
    // Before the log is read: what is written meanwhile has another stamp.
    let stamp = fs::metadata(&log).ok().filter(Metadata::is_file).map(|about| stamp(&about, now));
    if let Some(stamp) = &stamp
        && let Some(value) = kept(store, &log, stamp, now)
    {
        return Ok(Told { value, notices: Vec::new() });
    }
    let Told { value: answers, notices } = Answers::read(store)?;
    let value = Memories::of(&answers, now);
    // Few answers are read faster than this is worth; and what has a stamp of the future is judged anew as time goes on.
    let newest = answers.all().iter().map(|given| given.at_unix_s).max().unwrap_or(0);
    if let Some(stamp) = stamp.filter(|_| answers.all().len() >= 500 && newest <= now.unix_s) {
        // It does no harm if it cannot be kept.
        let path = path(store);
        let _ = path.parent().map(fs::create_dir_all);
        let _ = disk::write_atomically(&path, &format!("{stamp}\n{newest}\n{}", value.to_text()));
    }
    Ok(Told { value, notices })
}

fn path(store: &Store) -> PathBuf {
    // With what is built, which is in no repository, and which `clean` takes away.
    store.dir().join("other").join("digest")
}

/// What tells a text of the log from another one, and another way to work it out: a day is one of the zone.
fn stamp(about: &Metadata, now: &Now) -> String {
    let numbers = [about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec()].map(|n| n.to_string()).join(" ");
    format!("{FORMAT} {} {} {} {numbers} {}", env!("CARGO_PKG_VERSION"), about.len(), about.ino(), now.zone_name())
}

fn kept(store: &Store, log: &Path, stamp: &str, now: &Now) -> Option<Memories> {
    let path = path(store);
    // A log that was written just before may have been written once more in the same tick of the disk's clock.
    let is_settled = changed_ns(&path)? - changed_ns(log)? > TICK_NS;
    let text = disk::read_text(&path).ok().filter(|_| is_settled)?;
    let mut lines = text.splitn(3, '\n');
    let fits = lines.next() == Some(stamp) && lines.next()?.parse::<u64>().is_ok_and(|newest| newest <= now.unix_s);
    Memories::from_text(lines.next().filter(|_| fits)?, now)
}

fn changed_ns(path: &Path) -> Option<i128> {
    fs::metadata(path).ok().map(|m| i128::from(m.ctime()) * 1_000_000_000 + i128::from(m.ctime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(unix_s: u64) -> Now {
        Now::at(unix_s, jiff::tz::TimeZone::UTC)
    }

    /// A log of so many answers to ten questions; the last of them as said.
    fn log(path: &Path, n: u64, last_is_right: bool) {
        let row = |i: u64| {
            let right = i + 1 < n || last_is_right;
            let right = if right { " true" } else { "false" };
            format!("{{ topic = \"cap\", question = \"q{}\", rev = 1, right = {right}, at_unix_s = {} }},\n", i % 10, 1_000_000 + i * 3_600)
        };
        fs::write(path, format!("version = 1\nanswer = [\n{}]\n", (0..n).map(row).collect::<String>())).unwrap();
    }

    /// Lets the disk's clock go on, as change times cannot be set. A busy machine only waits longer.
    fn settle(store: &Store) {
        let (probe, quiz) = (store.dir().join("probe"), store.dir().join("quiz.toml"));
        loop {
            fs::write(&probe, "").unwrap();
            if changed_ns(&probe).unwrap() - changed_ns(&quiz).unwrap() > TICK_NS {
                return;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn it_is_what_the_log_says_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (store, quiz, now) = (Store::new(dir.path()), dir.path().join("quiz.toml"), at(1_000_000_000));
        let fresh = || Memories::of(&Answers::read(&store).unwrap().value, &now);
        let asked = || memories(&store, &now).unwrap().value;
        let used = || kept(&store, &quiz, &stamp(&fs::metadata(&quiz).unwrap(), &now), &now);
        assert_eq!(asked(), fresh(), "without a log");
        log(&quiz, 600, true);
        settle(&store);
        assert_eq!(asked(), fresh());
        assert_eq!(used(), Some(fresh()), "it is kept, and read as it was written");
        let last_day = now.day_of(1_000_000 + 599 * 3_600);
        let on_it = fresh().answered_on(last_day).map(|(_, _, times)| times).sum::<u64>();
        assert!((1..=24).contains(&on_it), "{on_it}: the last day, and no other");
        assert_eq!(fresh().answered_on(now.today()).count(), 0);
        // Another text of the same length, with the time of the one before.
        let time = fs::metadata(&quiz).unwrap().modified().unwrap();
        let before = fresh();
        log(&quiz, 600, false);
        fs::File::options().write(true).open(&quiz).unwrap().set_modified(time).unwrap();
        assert_eq!(used(), None);
        assert_eq!(asked(), fresh());
        assert_ne!(asked(), before);
        // Written in the tick of the log: not trusted.
        log(&quiz, 600, true);
        assert_eq!(asked(), fresh());
        // A clock before the last answer, and a digest of nonsense.
        settle(&store);
        assert_eq!(asked(), fresh());
        let early = at(1_100_000);
        assert_eq!(memories(&store, &early).unwrap().value, Memories::of(&Answers::read(&store).unwrap().value, &early));
        let text = fs::read_to_string(path(&store)).unwrap();
        fs::write(path(&store), &text[..text.len() - 9]).unwrap();
        assert_eq!((used(), asked()), (None, fresh()));
    }
}
