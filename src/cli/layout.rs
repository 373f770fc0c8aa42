//! What `init` lays out: a plain Cargo project with the exercises, and in `.splitbrain/core` the library that they are
//! written against, without the program, under a manifest without dependencies, so that it builds offline with nothing
//! but a Rust toolchain.

mod core;
mod pristine;
mod update;

pub use core::mend_core;
pub use pristine::pristine;
pub use update::{Change, is_core, laid_out_by, update};

use self::update::{LAYOUT, remember};
use super::content::Content;
use super::course::Course;
use super::disk;
use super::embedded::FILES;
use super::error::{Result, Trouble};
use super::state::Store;
use super::sync::{bin_tables, feature_lines};
use super::workspace::OWN;
use splitbrain_engine::sources::FILES as ENGINE;
use std::fs;
use std::path::Path;

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
        ("Cargo.toml".to_owned(), manifest(&ids)),
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
        vec![(CORE_MANIFEST.to_owned(), core_manifest(&ids, "engine")), (format!("{OWN}/core/engine/Cargo.toml"), engine_manifest())];
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
        return Err(Trouble::environment(format!("{} is laid out already: `cd` there and run `splitbrain`", dir.display())));
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

fn write(path: &Path, text: &str) -> Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|e| Trouble::file("make", parent, &e))?;
    fs::write(path, text).map_err(|e| Trouble::file("write", path, &e))
}

const RUST_ANALYZER: &str = "# Check what is open against all exercises.\n[cargo]\nfeatures = \"all\"\n";

/// Whatever a folder above asks for, format on save leaves a stub as it was laid out.
const RUSTFMT: &str = "# The formatter's own defaults, as the stubs and references are written.\nedition = \"2024\"\n";

/// How exercises are built: the core (engine and judge) is optimized once (a judge runs a thousand simulations), the learner's file a little,
/// panics know their line, and the core is not built incrementally (it is never edited) and without what only a debugger
/// reads: that is a fifth of the wait for the first verdict. Overflow is still checked, in both.
pub const PROFILE: &str = "[profile.dev]\nopt-level = 1\ndebug = \"line-tables-only\"\n\n\
                           [profile.dev.package.splitbrain-engine]\nopt-level = 3\nincremental = false\ndebug = false\n\
                           debug-assertions = false\noverflow-checks = true\n\n\
                           [profile.dev.package.splitbrain]\nopt-level = 3\nincremental = false\ndebug = false\n\
                           debug-assertions = false\noverflow-checks = true\n";

fn manifest(ids: &[&str]) -> String {
    let defaults = ids.iter().map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(", ");
    format!(
        "# Laid out by splitbrain {version}. `splitbrain check` builds an exercise as `cargo build --bin NAME` does.\n\
         [package]\nname = \"splitbrain-exercises\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\nautobins = false\n\n\
         # A workspace of its own, also inside another one.\n[workspace]\nexclude = [\"{OWN}\"]\n\n\
         [features]\ndefault = [{defaults}]\n{features}\n\
         [dependencies]\nsplitbrain = {{ path = \"{OWN}/core\", default-features = false }}\n\n\
         {PROFILE}\n{bins}",
        version = env!("CARGO_PKG_VERSION"),
        features = feature_lines(ids, "splitbrain/"),
        bins = bin_tables(ids),
    )
}

/// The manifest of the exercises' library without the program; `engine` is the folder of what it stands on, as seen from there.
pub fn core_manifest(ids: &[&str], engine: &str) -> String {
    format!(
        "# The library that the exercises are written against. Laid out by splitbrain; changes here are lost.\n\
         {package}[features]\n{features}\n\
         [dependencies]\nsplitbrain-engine = {{ path = {engine} }}\n\n{LINTS}",
        package = package("splitbrain"),
        features = feature_lines(ids, ""),
        engine = toml::Value::String(engine.to_owned()),
    )
}

/// The manifest of the engine, in a learner's folder.
fn engine_manifest() -> String {
    format!(
        "# What every exercise is judged with. Laid out by splitbrain; changes here are lost.\n{package}{LINTS}",
        package = package("splitbrain-engine")
    )
}

fn package(name: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2024\"\nrust-version = \"{rust}\"\npublish = false\n\n",
        version = env!("CARGO_PKG_VERSION"),
        rust = env!("CARGO_PKG_RUST_VERSION"),
    )
}

/// The program, and what only it asks of the engine, are no part of what is laid out.
const LINTS: &str = "# The program itself is not part of this.\n[lints.rust]\n\
                     unexpected_cfgs = { level = \"warn\", check-cfg = ['cfg(feature, values(any()))'] }\n";

fn readme(course: &Course) -> String {
    let mut text = String::from(
        "# Distributed systems, by hand\n\n\
         `splitbrain` says where you are and what is next; `splitbrain check` builds your file and runs the hidden tests against it.\n\
         Each exercise is a folder: its README states the problem, the `.rs` file is yours.\n",
    );
    for topic in course.topics.iter().filter(|topic| !topic.exercises.is_empty()) {
        let exercises = topic.exercises.iter().map(|id| format!("- [{id}](exercises/{id}/README.md)\n"));
        text.push_str(&format!("\n## {}\n{}", topic.title, exercises.collect::<String>()));
    }
    text.push_str(&format!("\n{}\n`splitbrain docs ID` shows the contract of an exercise as text.\n", super::docs::NODE));
    text
}
