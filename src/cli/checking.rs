//! One check of an exercise, for `check` and `watch` alike: what is said was found in the text that is there now. The text is
//! read before it is built and again before anything is said; if it changed meanwhile, there is no verdict. So it is with all
//! that the build read beside it: modules, included files, and what cargo reads of the folder.

use super::disk;
use super::error::Result;
use super::runner::{self, Builds, CompileError, Heard, Options, Outcome, Source, Stage};
use super::workspace::Workspace;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What cargo reads of a folder, whatever it builds there. It writes the second one itself.
const OF_CARGO: [&str; 7] =
    ["Cargo.toml", "Cargo.lock", "build.rs", "rust-toolchain.toml", "rust-toolchain", ".cargo/config.toml", ".cargo/config"];

/// A file as it was when it was read: its text, and what tells another text from it even if a third one, equal to this, has
/// come since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    bytes: Vec<u8>,
    /// Modified when (seconds, nanoseconds), and which file it was.
    stamp: Option<(i64, i64, u64)>,
    /// The other files that the build read, and which texts of them.
    beside: BTreeMap<PathBuf, Option<Stamp>>,
}

/// What tells one text of a file beside the learner's from the next: when it was changed last (seconds, nanoseconds), as the
/// file system says, and which file it was.
type Stamp = (i64, i64, u64);

fn stamp(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|m| (m.ctime(), m.ctime_nsec(), m.ino()))
}

impl Text {
    /// Reads it. A file that cannot be read has no text.
    #[must_use]
    pub fn read(path: &Path) -> Text {
        // In this order: a text that comes in between gets a stamp that no later reading has.
        let stamp = fs::metadata(path).ok().map(|m| (m.mtime(), m.mtime_nsec(), m.ino()));
        Text { bytes: disk::read(path).unwrap_or_default(), stamp, beside: BTreeMap::new() }
    }

    /// True if that file still holds it, and the files beside it hold what they held.
    #[must_use]
    pub fn is_in(&self, path: &Path) -> bool {
        let now = Text::read(path);
        now.bytes == self.bytes && now.stamp == self.stamp && self.beside.iter().all(|(path, was)| stamp(path) == *was)
    }

    /// The other files that the build read, or looked for.
    pub fn beside(&self) -> impl Iterator<Item = &Path> {
        self.beside.keys().map(PathBuf::as_path)
    }

    /// True if it is Rust's kind of text.
    #[must_use]
    pub fn source(&self) -> Option<String> {
        String::from_utf8(self.bytes.clone()).ok()
    }
}

/// How far a check is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Another cargo holds the target folder.
    Waiting,
    /// The build is at this.
    Building(Stage),
    /// The compiler found this.
    Error(CompileError),
    /// The hidden tests run.
    Judging,
}

/// What was built, and from which texts.
pub struct Prepared {
    builds: Builds,
    texts: BTreeMap<String, Text>,
    /// Exercises of which a file was saved while they were built.
    saved: BTreeSet<String>,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The outcome of this text, which is the file's.
    Of(Box<Outcome>, Text),
    /// The file changed meanwhile, or one beside it: the outcome, if there was one, is of this older text.
    Outdated(Option<Box<Outcome>>, Text),
}

/// Builds those exercises with one call of cargo.
///
/// # Errors
/// As [`runner::build_all`].
pub async fn build(
    workspace: &Workspace,
    ids: &[String],
    source: &Source,
    all: bool,
    colours: bool,
    on: &mut dyn FnMut(Step),
) -> Result<Prepared> {
    let read = |id: &String| (id.clone(), Text::read(&source.file(workspace, id)));
    let mut texts: BTreeMap<String, Text> = ids.iter().map(read).collect();
    let mut hear = |heard: Heard<'_>| match heard {
        Heard::Begins(stage) => on(Step::Building(stage)),
        Heard::Waiting => on(Step::Waiting),
        Heard::Error(_, error) => on(Step::Error(error.clone())),
    };
    let builds = runner::build_all(workspace, ids, source, all, colours, &mut hear).await?;
    for id in &builds.touched {
        let now = Text::read(&source.file(workspace, id));
        // Its time was changed by us; the second build read this text if it is still the first.
        if let Some(text) = texts.get_mut(id).filter(|text| text.bytes == now.bytes) {
            *text = now;
        }
    }
    let (began, mut saved) = (seconds_and_nanos(builds.began), BTreeSet::new());
    for (id, text) in &mut texts {
        let read = builds.inputs.get(id).into_iter().flatten();
        text.beside = read.map(|path| (path.clone(), stamp(path))).collect();
        if text.beside.values().flatten().any(|(s, ns, _)| (*s, *ns) > began) {
            saved.insert(id.clone());
        }
        if *source == Source::Own {
            text.beside.extend(OF_CARGO.iter().map(|name| workspace.root.join(name)).map(|path| (path.clone(), stamp(&path))));
        }
    }
    Ok(Prepared { builds, texts, saved })
}

fn seconds_and_nanos(time: SystemTime) -> (i64, i64) {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_secs().cast_signed(), since.subsec_nanos().into())
}

impl Prepared {
    /// Wall time of the build.
    #[must_use]
    pub fn wall(&self) -> std::time::Duration {
        self.builds.wall
    }

    /// Judges one of the exercises.
    ///
    /// # Errors
    /// As [`runner::judge`].
    pub async fn judge(&self, workspace: &Workspace, id: &str, source: &Source, options: &Options) -> Result<Checked> {
        self.with(workspace, id, source, options, false).await
    }

    /// The same, and after it the tests that the learner wrote.
    ///
    /// # Errors
    /// As [`runner::judge`].
    pub async fn judge_and_test(&self, workspace: &Workspace, id: &str, source: &Source, options: &Options) -> Result<Checked> {
        self.with(workspace, id, source, options, true).await
    }

    async fn with(&self, workspace: &Workspace, id: &str, source: &Source, options: &Options, own: bool) -> Result<Checked> {
        let mut outcome = runner::judge(workspace, &self.builds, id, options).await;
        // Who asks for one hidden test wants no other.
        if let Ok(outcome) = &mut outcome
            && own
            && *source != Source::Solution
            && options.test.is_none()
        {
            outcome.own = runner::own_tests(workspace, &self.builds, id, options).await;
        }
        let text = self.texts.get(id).cloned().unwrap_or(Text { bytes: Vec::new(), stamp: None, beside: BTreeMap::new() });
        // What went wrong around an old text may have gone wrong because it was being replaced.
        if *source != Source::Solution && (self.saved.contains(id) || !text.is_in(&source.file(workspace, id))) {
            return Ok(Checked::Outdated(outcome.ok().map(Box::new), text));
        }
        Ok(Checked::Of(Box::new(outcome?), text))
    }
}

/// Builds and judges one exercise: the learner's own file.
///
/// # Errors
/// Whatever is not the learner's code.
pub async fn check(workspace: &Workspace, id: &str, options: &Options, on: &mut dyn FnMut(Step)) -> Result<Checked> {
    let prepared = build(workspace, &[id.to_owned()], &Source::Own, false, options.colours, on).await?;
    if prepared.builds.compiled(id) {
        on(Step::Judging);
    }
    prepared.judge(workspace, id, &Source::Own, options).await
}
