//! Verdicts that need not be judged again: what became of an implementation, kept under `target/` together with a fingerprint of all
//! that it hangs on. Knows neither how something is judged nor what a verdict means; whoever asks says what belongs to the
//! implementation, and keeps only what is as it should be, so that nothing that was ever seen to be wrong is passed over.

mod own;

use crate::cli::disk;
use crate::cli::error::{Result, Trouble};
use crate::cli::runner::env;
use crate::cli::workspace::Workspace;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A fingerprint of texts: FNV-1a with 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print(u128);

impl Print {
    pub const EMPTY: Print = Print(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);

    /// With one text more. Its length goes in, so that no two texts run into each other.
    #[must_use]
    pub fn and(self, text: &[u8]) -> Print {
        let length = (text.len() as u64).to_le_bytes();
        Print(length.iter().chain(text).fold(self.0, |h, b| (h ^ u128::from(*b)).wrapping_mul((1 << 88) + 0x13b)))
    }

    #[must_use]
    pub fn shown(self) -> String {
        format!("{:032x}", self.0)
    }
}

/// What is kept of one exercise.
pub struct Verdicts {
    path: PathBuf,
    root: PathBuf,
    id: String,
    basis: Print,
    lines: BTreeMap<String, Line>,
    /// Nothing that was kept is believed.
    anew: bool,
    changed: bool,
}

/// One verdict: under which name, what it hangs on, and what it is.
#[derive(Serialize, Deserialize)]
struct Line {
    name: String,
    of: String,
    verdict: serde_json::Value,
}

impl Verdicts {
    /// Those of one exercise and one kind (`mutants`). With `anew`, and where `CI` is set, all are judged again, and kept.
    ///
    /// # Errors
    /// No rustc; sources that cannot be read.
    pub fn open(workspace: &Workspace, id: &str, kind: &str, anew: bool) -> Result<Verdicts> {
        let target = std::env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty());
        let target = target.map_or_else(|| workspace.root.join("target"), |dir| workspace.root.join(dir));
        let anew = anew || std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
        Verdicts::at(&target.join("verdicts").join(format!("{id}-{kind}")), &workspace.root, id, anew)
    }

    fn at(path: &Path, root: &Path, id: &str, anew: bool) -> Result<Verdicts> {
        let lines = disk::read_text(path).ok().and_then(|text| lines_of(&text)).unwrap_or_default();
        Ok(Verdicts {
            path: path.to_owned(),
            root: root.to_owned(),
            id: id.to_owned(),
            basis: basis(root, id)?,
            lines,
            anew,
            changed: false,
        })
    }

    /// What was kept under that name, if it hangs on nothing but these texts and what all verdicts of the exercise hang on.
    #[must_use]
    pub fn get<T: for<'a> Deserialize<'a>>(&self, name: &str, texts: &[&str]) -> Option<T> {
        let line = self.lines.get(name).filter(|line| !self.anew && line.of == self.print(name, texts))?;
        T::deserialize(&line.verdict).ok()
    }

    /// Keeps one. What was kept under the name is gone.
    pub fn put<T: Serialize>(&mut self, name: &str, texts: &[&str], verdict: &T) {
        let Ok(verdict) = serde_json::to_value(verdict) else { return };
        self.lines.insert(name.to_owned(), Line { name: name.to_owned(), of: self.print(name, texts), verdict });
        self.changed = true;
    }

    /// Forgets what is kept under a name.
    pub fn forget(&mut self, name: &str) {
        self.changed |= self.lines.remove(name).is_some();
    }

    /// Writes them down: all or nothing. If a source has changed since they were asked for, nobody knows which text was judged, and
    /// nothing is written. That it cannot be written harms nobody.
    pub fn save(&self) {
        if !self.changed || basis(&self.root, &self.id).ok() != Some(self.basis) {
            return;
        }
        let all: String = self.lines.values().filter_map(|line| serde_json::to_string(line).ok()).map(|line| line + "\n").collect();
        let _ = self.path.parent().map(fs::create_dir_all);
        let _ = disk::write_atomically(&self.path, &format!("{}\n{all}", Print::EMPTY.and(all.as_bytes()).shown()));
    }

    fn print(&self, name: &str, texts: &[&str]) -> String {
        texts.iter().fold(self.basis.and(name.as_bytes()), |print, text| print.and(text.as_bytes())).shown()
    }
}

/// The lines of a file that is as it was written: its first line is the fingerprint of the others.
fn lines_of(text: &str) -> Option<BTreeMap<String, Line>> {
    let (print, all) = text.split_once('\n')?;
    if print != Print::EMPTY.and(all.as_bytes()).shown() {
        return None;
    }
    all.lines().map(|line| serde_json::from_str::<Line>(line).ok().map(|line| (line.name.clone(), line))).collect()
}

/// What every verdict of an exercise hangs on: the engine, the exercise's contract and judge, the files that all exercises share, what
/// this program does to build, judge and read, the compiler, and how the user has configured it.
fn basis(root: &Path, id: &str) -> Result<Print> {
    let mut paths = vec![root.join("src/lib.rs"), root.join("src/prelude.rs"), root.join("src/exercises/mod.rs")];
    files(&root.join("engine"), &mut paths);
    files(&root.join("src/exercises/kit"), &mut paths);
    files(&root.join("src/exercises").join(id), &mut paths);
    paths.sort();
    let mut print = own::FILES.iter().fold(Print::EMPTY, |print, (path, text)| print.and(path.as_bytes()).and(text.as_bytes()));
    print = print.and(root.as_os_str().as_encoded_bytes());
    for path in paths.into_iter().chain(configurations(root)) {
        if let Ok(text) = fs::read(&path) {
            print = print.and(path.as_os_str().as_encoded_bytes()).and(&text);
        }
    }
    for (program, arg) in [("rustc", "-vV"), ("cargo", "-V")] {
        print = print.and(&version(root, program, arg)?);
    }
    Ok(print)
}

/// Every file below a folder; not what is hidden, nor what was built there.
fn files(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if name.as_encoded_bytes().starts_with(b".") {
        } else if !path.is_dir() {
            paths.push(path);
        } else if name != "target" {
            files(&path, paths);
        }
    }
}

/// Where cargo reads how it is to build: in the folders above, and in its own.
fn configurations(root: &Path) -> Vec<PathBuf> {
    let home = std::env::home_dir().map(|home| home.join(".cargo"));
    let homes = std::env::var_os("CARGO_HOME").map(PathBuf::from).or(home);
    let folders = root.ancestors().map(|dir| dir.join(".cargo")).chain(homes);
    folders.flat_map(|dir| [dir.join("config"), dir.join("config.toml")]).collect()
}

/// What a program says of its version, in the folder, whose toolchain may be its own.
fn version(root: &Path, program: &str, arg: &str) -> Result<Vec<u8>> {
    let mut command = Command::new(program);
    command.arg(arg).current_dir(root).stdin(Stdio::null());
    let names: Vec<OsString> = std::env::vars_os().map(|(name, _)| name).collect();
    for name in env::unwanted(names.into_iter()) {
        command.env_remove(name);
    }
    let said = command.output().map_err(|e| Trouble::environment(format!("`{program} {arg}` cannot be run: {e}")))?;
    Ok(said.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clone in small, and the verdicts of its exercise `x`.
    struct Desk(tempfile::TempDir);

    impl Desk {
        fn new() -> Desk {
            let desk = Desk(tempfile::tempdir().unwrap());
            for path in ["src/lib.rs", "src/prelude.rs", "src/exercises/mod.rs", "src/exercises/x/mod.rs", "src/exercises/x/judge/a.rs"] {
                desk.write(path, path);
            }
            for path in ["engine/Cargo.toml", "engine/src/sim/a.rs", "src/exercises/y/mod.rs"] {
                desk.write(path, path);
            }
            desk
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn open(&self, anew: bool) -> Verdicts {
            Verdicts::at(&self.0.path().join("target/verdicts/x"), self.0.path(), "x", anew).unwrap()
        }

        fn kept(&self, texts: &[&str]) -> Option<u64> {
            self.open(false).get("m", texts)
        }

        fn keep(&self) {
            let mut verdicts = self.open(false);
            verdicts.put("m", &["mutant", "0"], &7);
            verdicts.save();
            assert_eq!(self.kept(&["mutant", "0"]), Some(7));
        }
    }

    #[test]
    fn a_verdict_hangs_on_all_that_it_comes_from() {
        let desk = Desk::new();
        desk.keep();
        for other in [["mutant!", "0"], ["mutant", "1"], ["mutan", "t0"]] {
            assert_eq!(desk.kept(&other), None, "{other:?}");
        }
        desk.write("src/exercises/y/mod.rs", "another exercise");
        assert_eq!(desk.kept(&["mutant", "0"]), Some(7));
        for path in [
            "src/exercises/x/judge/a.rs",
            "src/exercises/x/mod.rs",
            "src/exercises/kit/counters/mod.rs",
            "engine/src/sim/a.rs",
            "engine/Cargo.toml",
            "src/lib.rs",
            "src/prelude.rs",
        ] {
            desk.write(path, "something else");
            assert_eq!(desk.kept(&["mutant", "0"]), None, "{path}");
            desk.keep();
        }
        desk.write("src/exercises/x/judge/new.rs", "");
        assert_eq!(desk.kept(&["mutant", "0"]), None, "a new file of the judge");
        desk.keep();
        desk.write(".cargo/config.toml", "[build]\nrustflags = [\"-Copt-level=0\"]\n");
        assert_eq!(desk.kept(&["mutant", "0"]), None, "a configuration of cargo");
    }

    #[test]
    fn what_is_asked_for_anew_is_judged_anew() {
        let desk = Desk::new();
        desk.keep();
        assert_eq!(desk.open(true).get::<u64>("m", &["mutant", "0"]), None);
    }

    #[test]
    fn a_broken_file_is_as_none() {
        let desk = Desk::new();
        desk.keep();
        let path = desk.0.path().join("target/verdicts/x");
        let text = fs::read_to_string(&path).unwrap();
        for broken in [text.replace('7', "8"), text[..text.len() - 3].to_owned(), String::new(), "nothing".to_owned()] {
            fs::write(&path, broken).unwrap();
            assert_eq!(desk.kept(&["mutant", "0"]), None);
        }
        desk.keep();
    }

    #[test]
    fn what_changed_while_it_was_judged_is_not_kept() {
        let desk = Desk::new();
        let mut verdicts = desk.open(false);
        verdicts.put("m", &["mutant", "0"], &7);
        desk.write("src/exercises/x/judge/a.rs", "saved meanwhile");
        verdicts.save();
        desk.write("src/exercises/x/judge/a.rs", "src/exercises/x/judge/a.rs");
        assert_eq!(desk.kept(&["mutant", "0"]), None);
    }
}
