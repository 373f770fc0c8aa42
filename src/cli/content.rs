//! The course's texts: embedded in the program for learners, read from the disk in a clone, so that an author sees what
//! they have just written. Paths are those of the repository, with `/`.

use super::course::{About, COURSE, Course};
use super::disk;
use super::embedded::FILES;
use super::error::{Result, Trouble};
use super::toml_reader::{Problem, lines_of};
use splitbrain_engine::sources::FILES as ENGINE;
use std::borrow::Cow;
use std::path::PathBuf;

/// Where the texts come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// From inside the program.
    Embedded,
    /// From a clone with that root.
    Disk(PathBuf),
}

impl Content {
    /// The text of a file.
    ///
    /// # Errors
    /// If there is none.
    pub fn text(&self, path: &str) -> Result<Cow<'static, str>> {
        match self {
            Content::Embedded => match [FILES, ENGINE].iter().find_map(|files| find(files, path)) {
                Some(text) => Ok(Cow::Borrowed(text)),
                None => {
                    Err(Trouble::bug(format!("{path} is not in the program: run `splitbrain dev sync` in the repository and build again")))
                }
            },
            Content::Disk(root) => {
                disk::read_text(&root.join(path)).map(Cow::Owned).map_err(|e| Trouble::file("read", &root.join(path), &e))
            }
        }
    }

    /// The curriculum.
    ///
    /// # Errors
    /// Every mistake in it, one a line.
    pub fn course(&self) -> Result<Course> {
        Course::parse(COURSE, &self.text(COURSE)?).map_err(|p| self.mistakes(&p))
    }

    /// What is said of an exercise.
    ///
    /// # Errors
    /// Every mistake in it, one a line.
    pub fn about(&self, id: &str) -> Result<About> {
        let path = format!("exercises/{id}/exercise.toml");
        About::parse(&path, &self.text(&path)?).map_err(|p| self.mistakes(&p))
    }

    fn mistakes(&self, problems: &[Problem]) -> Trouble {
        let lines = lines_of(problems);
        if *self == Content::Embedded { Trouble::bug(lines) } else { Trouble::environment(lines) }
    }
}

fn find(files: &'static [(&str, &str)], path: &str) -> Option<&'static str> {
    Some(files[files.binary_search_by_key(&path, |(p, _)| p).ok()?].1)
}
