//! What `init` lays out: a plain Cargo project with the exercises, and in `.splitbrain/core` the library that they are
//! written against, without the program, under a manifest without dependencies, so that it builds offline with nothing
//! but a Rust toolchain.

mod core;
mod pristine;
mod update;

pub use core::mend_core;
pub use pristine::pristine;
pub use update::{Change, LAYOUT, is_core, laid_out_by, update};

use self::update::remember;
use super::content::Content;
use super::course::Course;
use super::disk;
use super::embedded::FILES;
use super::error::{Result, Trouble};
use super::likeness;
use super::manifest;
use super::state::Store;
use super::workspace::{OWN, Place, Workspace};
use splitbrain_engine::sources::FILES as ENGINE;
use std::fs;
use std::path::Path;
use std::process::Command;

/// By this file a folder is known for a learner's: see `workspace`.
const CORE_MANIFEST: &str = ".splitbrain/core/Cargo.toml";

/// Every file of a fresh folder: path with `/`, and text.
///
/// # Errors
/// A broken course, which is a bug of ours.
pub fn files() -> Result<Vec<(String, String)>> {
    let course = Content::Embedded.course()?;
    let ids: Vec<&str> = course.exercises().collect();
    let mut files = vec![
        ("Cargo.toml".to_owned(), manifest::learners(&ids)),
        (
            ".gitignore".to_owned(),
            "/target\n/.splitbrain/other\n/.splitbrain/findings\n/.splitbrain/backups\n/.splitbrain/*.lock\n/.splitbrain/sitting.toml\n.new-*\n".to_owned(),
        ),
        (
            ".gitattributes".to_owned(),
            "# Your progress and answers: one line a record, so git keeps the lines of both sides.\n/.splitbrain/*.toml merge=union\n"
                .to_owned(),
        ),
        ("rust-analyzer.toml".to_owned(), RUST_ANALYZER.to_owned()),
        ("rustfmt.toml".to_owned(), RUSTFMT.to_owned()),
        ("README.md".to_owned(), readme(&course)),
    ];
    for id in &ids {
        for path in [format!("exercises/{id}/README.md"), format!("exercises/{id}/{id}.rs")] {
            let text = Content::Embedded.text(&path)?.into_owned();
            files.push((path, text));
        }
    }
    files.extend(core_wanted()?);
    Ok(files)
}

/// The files of the library that exercises are judged by.
fn core_wanted() -> Result<Vec<(String, String)>> {
    let course = Content::Embedded.course()?;
    let ids: Vec<&str> = course.exercises().collect();
    let core = FILES.iter().filter(|(path, _)| path.starts_with("src/")).chain(ENGINE);
    let mut files =
        vec![(CORE_MANIFEST.to_owned(), manifest::core(&ids, "engine")), (format!("{OWN}/core/engine/Cargo.toml"), manifest::engine())];
    files.extend(core.map(|(path, text)| (format!("{OWN}/core/{path}"), (*text).to_owned())));
    Ok(files)
}

/// Lays the files out in a folder, which is made if need be. One whose laying out was cut short (a kill, a power cut) is finished.
///
/// # Errors
/// If the folder holds anything but a repository without files, or cannot be written; then nothing is left of it.
pub fn lay_out(dir: &Path) -> Result<()> {
    let (files, was_there, begun) = (files()?, dir.exists(), dir.join(OWN).is_dir());
    if begun && !is_unfinished(dir, &files) {
        return Err(Trouble::environment(format!("{} is a splitbrain folder already: `cd` there and run `splitbrain`", dir.display())));
    }
    let ours = |name: &str| name == ".git" || begun && (name == OWN || files.iter().any(|(path, _)| path.split('/').next() == Some(name)));
    match fs::read_dir(dir) {
        Ok(entries) => {
            let mut names: Vec<String> =
                entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).filter(|n| !ours(n)).collect();
            names.sort();
            if let Some(first) = names.first() {
                return Err(Trouble::environment(format!(
                    "{} is not empty (it holds {first}): name a new folder, as in `splitbrain init prep`",
                    dir.display()
                )));
            }
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(Trouble::file("read", dir, &e)),
    }
    let fill = || {
        // First what says that it is begun, last what makes it a learner's folder, then what says that it is whole.
        let own = dir.join(OWN);
        fs::create_dir_all(&own).map_err(|e| Trouble::file("make", &own, &e))?;
        let is_last = |path: &str| path == CORE_MANIFEST;
        files.iter().filter(|(path, _)| !is_last(path)).try_for_each(|(path, text)| write(&dir.join(path), text))?;
        files.iter().filter(|(path, _)| is_last(path)).try_for_each(|(path, text)| write(&dir.join(path), text))?;
        remember(&Store::new(own), &files)
    };
    fill().inspect_err(|_| {
        if !begun {
            take_back(dir, &files, was_there);
        }
    })
}

/// Whether laying out was cut short here: nothing says that it is whole, and each file is missing, ours, or the beginning of ours.
fn is_unfinished(dir: &Path, files: &[(String, String)]) -> bool {
    let fits = |(path, text): &(String, String)| match disk::read(&dir.join(path)) {
        Ok(there) => text.as_bytes().starts_with(&there),
        Err(e) => e.kind() == std::io::ErrorKind::NotFound,
    };
    !dir.join(OWN).join(LAYOUT.name).exists() && files.iter().all(fits)
}

/// Half a folder would be in the way of the next try. The folder was empty: what has one of our names is ours.
fn take_back(dir: &Path, files: &[(String, String)], was_there: bool) {
    let own = format!("{OWN}/");
    for path in files.iter().map(|(path, _)| path).chain([&own]) {
        let top = dir.join(path.split('/').next().unwrap_or_default());
        // What cannot be taken away is named by the next try.
        let _ = if top.is_dir() { fs::remove_dir_all(&top) } else { fs::remove_file(&top) };
    }
    if !was_there {
        let _ = fs::remove_dir(dir);
    }
}

/// The stub as it was handed out. In a clone the file itself is the learner's; the repository remembers the stub.
///
/// # Errors
/// In a clone, if git does not know it.
pub fn stub(workspace: &Workspace, id: &str) -> Result<String> {
    let path = format!("exercises/{id}/{id}.rs");
    if workspace.place == Place::Learner {
        return Ok(workspace.content().text(&path)?.into_owned());
    }
    let shown = Command::new("git").args(["show", &format!("HEAD:./{path}")]).current_dir(&workspace.root).output();
    match shown {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => {
            Err(Trouble::environment(format!("git does not know the stub of {id}: {}", String::from_utf8_lossy(&output.stderr).trim())))
        }
        Err(e) => Err(Trouble::environment(format!("in a clone the stub comes from git, but git cannot be run: {e}"))),
    }
}

/// Whether a learner's text is the stub as it was laid out, by this version or by an older one: formatting, comments and names aside.
#[must_use]
pub fn is_untouched_stub(workspace: &Workspace, id: &str, own: &str) -> bool {
    let is_older = || update::is_as_laid_out(&workspace.store(), &format!("exercises/{id}/{id}.rs"), own);
    stub(workspace, id).is_ok_and(|stub| likeness::is_same(own, &stub)) || is_older()
}

fn write(path: &Path, text: &str) -> Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|e| Trouble::file("make", parent, &e))?;
    fs::write(path, text).map_err(|e| Trouble::file("write", path, &e))
}

const RUST_ANALYZER: &str = "# Check what is open against all exercises.\n[cargo]\nfeatures = \"all\"\n";

/// Whatever a folder above asks for, format on save leaves a stub as it was laid out.
const RUSTFMT: &str = "# The formatter's own defaults, as the stubs and references are written.\nedition = \"2024\"\n";

fn readme(course: &Course) -> String {
    let mut text = String::from(
        "# Distributed systems, by hand\n\n\
         `splitbrain` says where you are and what is next; `splitbrain check` builds your file and runs the hidden tests against it.\n\
         Each exercise is a folder: its README states the problem, the `.rs` file is yours.\n\n\
         You may write tests of your own (`#[test]`) into that file: `splitbrain check` runs them after the hidden ones (`watch` does\n\
         not), and so does `cargo test`, which does not run the hidden ones.\n",
    );
    for topic in course.topics.iter().filter(|topic| !topic.exercises.is_empty()) {
        let exercises = topic.exercises.iter().map(|id| format!("- [{id}](exercises/{id}/README.md)\n"));
        text.push_str(&format!("\n## {}\n{}", topic.title, exercises.collect::<String>()));
    }
    text.push_str(&format!("\n{}\n`splitbrain docs ID` shows the contract of an exercise as text.\n", super::docs::NODE));
    text
}
