//! What cargo is asked to build: the learner's own bin, or a small generated package around another file (the reference, or
//! what `--file` names), in `.splitbrain/other/`, so that one folder never disturbs the other.

use super::Source;
use crate::cli::disk::{self, write_atomically};
use crate::cli::error::{Result, Trouble};
use crate::cli::fingerprint::fnv;
use crate::cli::manifest;
use crate::cli::workspace::{Place, Workspace};
use std::fs;
use std::path::{Path, PathBuf};

/// Errors that are kept of one bin: nobody reads more, and a macro can make a million.
pub const ERRORS: usize = 50;

/// One bin to build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bin {
    /// The exercise.
    pub id: String,
    /// The bin's name for cargo.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
}

/// One call of cargo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// The bins.
    pub bins: Vec<Bin>,
    /// What comes after `cargo build`, but for bins and message format.
    pub args: Vec<String>,
    /// The learner's own tests of them instead, as `cargo test` builds them.
    pub tests: bool,
    /// Nobody waits for it: it takes the time that others leave.
    pub ahead: bool,
    /// How many errors are kept of one bin.
    pub errors: usize,
}

/// Prepares the build of those exercises from that source; `all` builds the core once, with every judge.
///
/// # Errors
/// If a file is missing, or a generated one cannot be written.
pub fn prepare(workspace: &Workspace, ids: &[String], source: &Source, all: bool) -> Result<Build> {
    let features = if all { "all-exercises".to_owned() } else { ids.join(",") };
    let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
    if *source == Source::Own {
        let bins: Vec<Bin> = ids.iter().map(|id| Bin { id: id.clone(), name: id.clone(), file: workspace.stub(id) }).collect();
        ids.iter().try_for_each(|id| present(workspace, id))?;
        let how = match workspace.place {
            Place::Learner => "--offline",
            Place::Clone => "--profile=judge",
        };
        return Ok(Build {
            bins,
            args: words(&[how, "--no-default-features", "--features", &features]),
            tests: false,
            errors: ERRORS,
            ahead: false,
        });
    }
    let folder = workspace.own().join("other").join(slug(ids, source, all));
    let bins = ids.iter().map(|id| other_bin(workspace, id, source, &folder)).collect::<Result<Vec<_>>>()?;
    write_if_changed(&folder.join("Cargo.toml"), &manifest(&core(workspace, ids)?, &features, &bins))?;
    let manifest = folder.join("Cargo.toml").display().to_string();
    let target = workspace.root.join("target").display().to_string();
    let mut args = words(&["--offline", "--manifest-path", &manifest]);
    if !super::env::has_target_dir() {
        args.extend(words(&["--target-dir", &target]));
    }
    Ok(Build { bins, args, tests: false, errors: ERRORS, ahead: false })
}

/// Whether there is a file of the learner's to build.
///
/// # Errors
/// It is missing, empty, or cannot be read. A pipe or a device in its place is named, and nothing waits for it.
pub fn present(workspace: &Workspace, id: &str) -> Result<()> {
    let path = workspace.stub(id);
    let file = workspace.shown(&path);
    let what = match disk::read(&path) {
        Ok(text) if !text.trim_ascii().is_empty() => return Ok(()),
        Ok(_) => "is empty",
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => "is missing",
        Err(e) => return Err(Trouble::file("read", Path::new(&file), &e)),
    };
    Err(Trouble::environment(format!("{file} {what}: `splitbrain reset {id}` restores the stub")))
}

fn slug(ids: &[String], source: &Source, all: bool) -> String {
    match source {
        _ if all => "solutions".to_owned(),
        Source::File(path) => format!("{}-{:016x}", ids.join("-"), fnv(path.as_os_str().as_encoded_bytes())),
        _ => format!("{}-solution", ids.join("-")),
    }
}

/// The bin of another file. Its name differs from the learner's: both land in one folder of executables.
fn other_bin(workspace: &Workspace, id: &str, source: &Source, folder: &Path) -> Result<Bin> {
    let (name, file) = match source {
        Source::File(path) => (format!("{id}-{:016x}", fnv(path.as_os_str().as_encoded_bytes())), path.clone()),
        _ if workspace.place == Place::Clone => (format!("{id}-solution"), workspace.root.join(format!("solutions/{id}.rs"))),
        _ => {
            // A learner's folder does not hold the references; the program does.
            let file = folder.join(format!("{id}.rs"));
            fs::create_dir_all(folder).map_err(|e| Trouble::file("make", folder, &e))?;
            write_if_changed(&file, &workspace.content().text(&format!("solutions/{id}.rs"))?)?;
            (format!("{id}-solution"), file)
        }
    };
    if file.is_file() {
        return Ok(Bin { id: id.to_owned(), name, file });
    }
    Err(Trouble::usage(format!("{} does not exist, or is not a file", file.display())))
}

/// The package of the core: that of a learner's folder, or in a clone a manifest without dependencies around its sources, so
/// that cargo need not ask a registry about what the program depends on.
pub(super) fn core(workspace: &Workspace, ids: &[String]) -> Result<PathBuf> {
    if workspace.place == Place::Learner {
        return Ok(workspace.own().join("core"));
    }
    let folder = workspace.own().join("other/core");
    let mut all: Vec<String> = workspace.content().course()?.exercises().map(str::to_owned).collect();
    all.extend(ids.iter().filter(|id| !all.contains(id)).cloned().collect::<Vec<_>>());
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let lib = workspace.root.join("src/lib.rs");
    let engine = workspace.root.join("engine").display().to_string();
    write_if_changed(&folder.join("Cargo.toml"), &format!("{}\n[lib]\npath = {}\n", manifest::core(&all, &engine), quoted(&lib)))?;
    Ok(folder)
}

fn manifest(core: &Path, features: &str, bins: &[Bin]) -> String {
    let features = features.split(',').map(|f| format!("\"{f}\"")).collect::<Vec<_>>().join(", ");
    let bins = bins.iter().map(|b| format!("[[bin]]\nname = \"{}\"\npath = {}\n", b.name, quoted(&b.file))).collect::<Vec<_>>().join("\n");
    format!(
        "# Generated by splitbrain.\n[package]\nname = \"splitbrain-other\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
         [workspace]\n\n[dependencies]\nsplitbrain = {{ path = {core}, default-features = false, features = [{features}] }}\n\n\
         {profile}\n{bins}",
        core = quoted(core),
        profile = manifest::PROFILE,
    )
}

/// A path as a TOML string.
fn quoted(path: &Path) -> String {
    toml::Value::String(path.display().to_string()).to_string()
}

pub(super) fn write_if_changed(path: &Path, text: &str) -> Result<()> {
    if disk::read_text(path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(|e| Trouble::file("make", parent, &e))?;
    write_atomically(path, text)
}
