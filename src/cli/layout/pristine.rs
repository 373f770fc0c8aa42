//! A fresh folder with nothing of a learner's but the files of their exercises: the library, the manifest and `main` are ours.
//! For a class, where the folder comes from somebody who may have changed any of these. What one process can do to its own
//! memory it still can: docs/teaching.md says what remains.

use super::{lay_out, write};
use crate::cli::content::Content;
use crate::cli::error::{Result, Trouble};
use crate::cli::workspace::{Place, Workspace};
use std::fs;
use std::path::Path;

/// The function at the end of the learner's file that hands their type to the judge.
const ENTRY: &str = "judged_by_splitbrain";

/// Lays a folder out below `dir`, with the files of those exercises from `from`.
///
/// # Errors
/// A file that is missing or cannot be read; a folder that cannot be written.
pub fn pristine(from: &Workspace, ids: &[String], dir: &Path) -> Result<Workspace> {
    let root = dir.join("prep");
    lay_out(&root)?;
    let root = fs::canonicalize(&root).map_err(|e| Trouble::file("read", &root, &e))?;
    let manifest = root.join("Cargo.toml");
    let mut text = fs::read_to_string(&manifest).map_err(|e| Trouble::file("read", &manifest, &e))?;
    for id in ids {
        let folder = root.join("exercises").join(id);
        fs::remove_dir_all(&folder).map_err(|e| Trouble::file("remove", &folder, &e))?;
        copy(&from.root.join("exercises").join(id), &folder)?;
        // What is missing is said by the build.
        let file = folder.join(format!("{id}.rs"));
        if let Ok(own) = fs::read_to_string(&file)
            && !own.trim().is_empty()
        {
            let stub = Content::Embedded.text(&format!("exercises/{id}/{id}.rs"))?;
            let judged = judged(&own).or_else(|| judged(&stub)).ok_or_else(|| Trouble::bug(format!("the stub of {id} names no type")))?;
            write(&file, &with_entry(&own, id, judged))?;
        }
        let main = format!(
            "#[path = \"../exercises/{id}/{id}.rs\"]\nmod learner;\n\nfn main() -> std::process::ExitCode {{\n    learner::{ENTRY}()\n}}\n"
        );
        write(&root.join(format!("main/{id}.rs")), &main)?;
        text = text.replace(&format!("path = \"exercises/{id}/{id}.rs\""), &format!("path = \"main/{id}.rs\""));
    }
    write(&manifest, &text)?;
    Ok(Workspace { root, place: Place::Learner })
}

/// The type that a file's `main` hands to the judge.
fn judged(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("harness::main(judge::<")?;
    let (name, _) = rest.split_once(">)")?;
    (!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')).then_some(name)
}

/// The learner's file as a module of our program: its `main` is a function like others. As a module it can neither leave `main`
/// out for the linker nor give another crate the name `splitbrain`; and the constant takes an attribute at the file's end that
/// would have taken our function away.
fn with_entry(own: &str, id: &str, judged: &str) -> String {
    format!(
        "{}\n#[allow(unused)]\nconst _: () = ();\n/// Our `main`.\npub fn {ENTRY}() -> ::std::process::ExitCode {{\n    \
         ::splitbrain::harness::main(::splitbrain::exercises::{id}::judge::<{judged}>)\n}}\n",
        rooted(own)
    )
}

/// Paths from the root of the learner's program, which is a module of ours now.
fn rooted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("crate::") {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let whole = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        out.push_str(if whole { "crate::learner::" } else { "crate::" });
        rest = &after["crate::".len()..];
    }
    out.push_str(rest);
    out
}

/// Plain files alone: a link may lead anywhere.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).map_err(|e| Trouble::file("make", to, &e))?;
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => copy(&path, &target)?,
            Ok(kind) if kind.is_file() => {
                let bytes = fs::read(&path).map_err(|e| Trouble::file("read", &path, &e))?;
                let is_rust = path.extension().is_some_and(|e| e == "rs");
                let bytes = match std::str::from_utf8(&bytes) {
                    Ok(text) if is_rust && !path.ends_with(Path::new(&format!("{}.rs", name_of(from)))) => rooted(text).into_bytes(),
                    _ => bytes,
                };
                fs::write(&target, bytes).map_err(|e| Trouble::file("write", &target, &e))?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
