//! One check of an exercise, for `check` and `watch` alike: what is said was found in the text that is there now. The text is
//! read before it is built and again before anything is said; if it changed meanwhile, there is no verdict.

use super::disk;
use super::error::Result;
use super::runner::{self, Builds, CompileError, Heard, Options, Outcome, Source};
use super::workspace::Workspace;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// A file as it was when it was read: its text, and what tells another text from it even if a third one, equal to this, has
/// come since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    bytes: Vec<u8>,
    /// Modified when (seconds, nanoseconds), and which file it was.
    stamp: Option<(i64, i64, u64)>,
}

impl Text {
    /// Reads it. A file that cannot be read has no text.
    #[must_use]
    pub fn read(path: &Path) -> Text {
        // In this order: a text that comes in between gets a stamp that no later reading has.
        let stamp = fs::metadata(path).ok().map(|m| (m.mtime(), m.mtime_nsec(), m.ino()));
        Text { bytes: disk::read(path).unwrap_or_default(), stamp }
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
    /// The library is built.
    CoreReady,
    /// The compiler found this.
    Error(CompileError),
    /// The hidden tests run.
    Judging,
}

/// What was built, and from which texts.
pub struct Prepared {
    builds: Builds,
    texts: BTreeMap<String, Text>,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The outcome of this text, which is the file's.
    Of(Box<Outcome>, Text),
    /// The file changed meanwhile.
    Outdated,
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
        Heard::CoreReady => on(Step::CoreReady),
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
    Ok(Prepared { builds, texts })
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
        let outcome = runner::judge(workspace, &self.builds, id, options).await;
        let text = self.texts.get(id).cloned().unwrap_or(Text { bytes: Vec::new(), stamp: None });
        // What went wrong around an old text may have gone wrong because it was being replaced.
        if *source != Source::Solution && Text::read(&source.file(workspace, id)) != text {
            return Ok(Checked::Outdated);
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
