//! The folder that the program works on: a learner's, laid out by `init`, or a clone of the repository. Found from any folder
//! inside it. Everything that differs between the two is said here, once; nothing else asks which it is.

use super::content::Content;
use super::course::COURSE;
use super::disk;
use super::error::{Result, Trouble};
use super::state::Store;
use std::path::{Path, PathBuf};

/// The folder of what is the program's own: state, findings, the core of a learner's folder.
pub const OWN: &str = ".splitbrain";

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A learner's folder.
    Learner,
    /// A clone of the repository.
    Clone,
}

/// A workspace.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// Its root.
    pub root: PathBuf,
    /// Which of the two.
    pub place: Place,
}

impl Workspace {
    /// The workspace that the folder is in.
    ///
    /// # Errors
    /// If it is in none.
    pub fn find(from: &Path) -> Result<Workspace> {
        let found = from.ancestors().find_map(|dir| {
            let place = if is_learners(dir) {
                Place::Learner
            } else if is_clone(dir) {
                Place::Clone
            } else {
                return None;
            };
            Some(Workspace { root: dir.to_owned(), place })
        });
        found.ok_or_else(|| {
            Trouble::environment(format!(
                "{} is not in a splitbrain folder: `splitbrain init NAME` makes one, then `cd NAME`",
                from.display()
            ))
        })
    }

    /// The workspace of the current folder.
    ///
    /// # Errors
    /// If there is none.
    pub fn here() -> Result<Workspace> {
        let here = std::env::current_dir().map_err(|e| Trouble::environment(format!("cannot read the current folder: {e}")))?;
        Workspace::find(&here)
    }

    /// The course's texts.
    #[must_use]
    pub fn content(&self) -> Content {
        match self.place {
            Place::Learner => Content::Embedded,
            Place::Clone => Content::Disk(self.root.clone()),
        }
    }

    /// The learner's file of an exercise.
    #[must_use]
    pub fn stub(&self, id: &str) -> PathBuf {
        self.root.join(format!("exercises/{id}/{id}.rs"))
    }

    /// A path as a person in the current folder writes it: from the workspace's root if it is inside.
    #[must_use]
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    /// The package that exercises depend on.
    #[must_use]
    pub fn core(&self) -> PathBuf {
        match self.place {
            Place::Learner => self.root.join(OWN).join("core"),
            Place::Clone => self.root.clone(),
        }
    }

    /// The program's own folder.
    #[must_use]
    pub fn own(&self) -> PathBuf {
        self.root.join(OWN)
    }

    /// The state files.
    #[must_use]
    pub fn store(&self) -> Store {
        Store::new(self.own())
    }
}

fn is_learners(dir: &Path) -> bool {
    // Where `.splitbrain` or the library in it was not put into git, the manifest says what the folder is; but not of one whose
    // laying out was cut short, which holds nothing but the library.
    let manifest = || disk::read_text(&dir.join("Cargo.toml")).is_ok_and(|m| m.contains("name = \"splitbrain-exercises\""));
    let begun = |own: &Path| {
        own.is_dir()
            && !std::fs::read_dir(own).is_ok_and(|all| all.flatten().any(|entry| entry.path().extension().is_some_and(|e| e == "toml")))
    };
    let own = dir.join(OWN);
    dir.join("exercises").is_dir() && (own.join("core/Cargo.toml").is_file() || !begun(&own) && manifest())
}

fn is_clone(dir: &Path) -> bool {
    let Ok(manifest) = disk::read_text(&dir.join("Cargo.toml")) else { return false };
    dir.join(COURSE).is_file() && manifest.lines().any(|line| line.trim_end() == "name = \"splitbrain\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::error::Exit;
    use std::fs;

    #[test]
    fn found_from_any_folder_inside() {
        let dir = tempfile::tempdir().unwrap();
        let clone = dir.path().join("clone");
        fs::create_dir_all(clone.join("exercises/a/b")).unwrap();
        fs::write(clone.join("Cargo.toml"), "[package]\nname = \"splitbrain\"\n").unwrap();
        fs::write(clone.join(COURSE), "").unwrap();
        let prep = clone.join("prep");
        fs::create_dir_all(prep.join(".splitbrain/core")).unwrap();
        fs::create_dir_all(prep.join("exercises/x")).unwrap();
        fs::write(prep.join(".splitbrain/core/Cargo.toml"), "[package]\nname = \"splitbrain\"\n").unwrap();
        let found = |from: &Path| Workspace::find(from).map(|w| (w.root, w.place));
        assert_eq!(found(&clone.join("exercises/a/b")).unwrap(), (clone.clone(), Place::Clone));
        assert_eq!(found(&prep.join("exercises/x")).unwrap(), (prep.clone(), Place::Learner), "the nearest wins");
        assert_eq!(found(&prep.join(".splitbrain/core")).unwrap(), (prep, Place::Learner));
        assert_eq!(found(dir.path()).unwrap_err().exit, Exit::Environment);
    }
}
