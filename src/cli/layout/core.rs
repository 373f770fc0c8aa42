//! The library that exercises are judged by, as it lies in a learner's folder: before a build it is held against what this
//! version lays out, and put right. It is a megabyte: all of it is read, which no size and no time can deceive.

use super::{core_wanted, laid_out_by, write};
use crate::cli::clock::stamp;
use crate::cli::error::{Result, Trouble};
use crate::cli::figures::{plural, version};
use crate::cli::workspace::{OWN, Place, Workspace};
use std::fs;
use std::path::Path;

/// Puts the library right, and says what was wrong with it. What somebody has changed or added is kept.
///
/// # Errors
/// A folder that a newer version laid out; what cannot be read or written.
pub fn mend_core(workspace: &Workspace) -> Result<Option<String>> {
    if workspace.place != Place::Learner {
        return Ok(None);
    }
    let (by, ours) = (laid_out_by(workspace).ok().flatten(), env!("CARGO_PKG_VERSION"));
    if let Some(by) = by.as_ref().filter(|by| version(by) > version(ours)) {
        return Err(Trouble::environment(format!(
            "this folder was laid out by splitbrain {by}, and this is {ours}: install the newer version"
        )));
    }
    let wanted = core_wanted()?;
    let root = &workspace.root;
    let mut strange = Vec::new();
    walk(root, &format!("{OWN}/core"), &mut |path, is_file| {
        let good =
            is_file && wanted.iter().any(|(p, text)| p == path && fs::read(root.join(p)).is_ok_and(|there| there == text.as_bytes()));
        if !good {
            strange.push(path.to_owned());
        }
    });
    let gone = |p: &String| !root.join(p).is_file();
    if strange.is_empty() && !wanted.iter().any(|(p, _)| gone(p)) {
        return Ok(None);
    }
    let was_there = root.join(OWN).join("core").is_dir();
    let time = stamp().to_string().replace(':', "-");
    let kept = (0..).map(|n| format!("{OWN}/backups/core/{time}_{n}")).find(|kept| !root.join(kept).exists());
    let kept = kept.unwrap_or_else(|| unreachable!("some number is free"));
    for path in &strange {
        let (from, to) = (root.join(path), root.join(&kept).join(path.trim_start_matches(&format!("{OWN}/core/"))));
        let parent = to.parent().unwrap_or(root);
        fs::create_dir_all(parent).map_err(|e| Trouble::file("make", parent, &e))?;
        // The thing itself, were it a link to somewhere else.
        fs::rename(&from, &to).map_err(|e| Trouble::file("move", &from, &e))?;
    }
    // Only now is it seen what is not there: a folder may have been a link.
    for (path, text) in wanted.iter().filter(|(p, _)| gone(p)) {
        write(&root.join(path), text)?;
    }
    Ok(Some(match by {
        Some(by) if by != ours => format!(
            "this folder was laid out by splitbrain {by}: the library in {OWN}/core is now that of {ours}; `splitbrain update` updates the rest"
        ),
        _ if !was_there => format!("{OWN}/core was missing, and has been restored"),
        _ if strange.is_empty() => format!("files of {OWN}/core were missing, and have been restored"),
        _ => format!(
            "{} in {OWN}/core, the library that judges exercises, {} changed or added: restored; what was there is in {kept}",
            plural(strange.len() as u64, "file", "files"),
            if strange.len() == 1 { "was" } else { "were" }
        ),
    }))
}

/// Everything below a folder that is no folder itself, by its path from the root, and whether it is a plain file. What cargo makes
/// there when somebody builds the library by itself is passed over.
fn walk(root: &Path, folder: &str, seen: &mut dyn FnMut(&str, bool)) {
    if fs::symlink_metadata(root.join(folder)).is_ok_and(|m| !m.is_dir()) {
        return seen(folder, false);
    }
    for entry in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        match entry.file_type() {
            _ if [format!("{OWN}/core/target"), format!("{OWN}/core/Cargo.lock")].contains(&path) => {}
            Ok(kind) if kind.is_dir() => walk(root, &path, seen),
            kind => seen(&path, kind.is_ok_and(|kind| kind.is_file())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lay_out;
    use super::*;

    const LIB: &str = ".splitbrain/core/src/lib.rs";

    #[test]
    fn what_judges_is_what_this_version_lays_out() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("prep");
        lay_out(&root).unwrap();
        let workspace = Workspace { root: root.clone(), place: Place::Learner };
        let mend = || mend_core(&workspace).unwrap().unwrap_or_default();
        assert_eq!(mend(), "");
        let lib = fs::read_to_string(root.join(LIB)).unwrap();
        // Of the same length: a size says nothing.
        fs::write(root.join(LIB), lib.replacen("pub", "PUB", 1)).unwrap();
        fs::write(root.join(".splitbrain/core/build.rs"), "fn main() {}").unwrap();
        let said = mend();
        assert!(said.starts_with("2 files in .splitbrain/core, the library that judges exercises, were changed or added"), "{said}");
        assert_eq!(fs::read_to_string(root.join(LIB)).unwrap(), lib);
        let kept = root.join(said.rsplit_once(' ').unwrap().1);
        assert!(fs::read_to_string(kept.join("src/lib.rs")).unwrap().contains("PUB") && kept.join("build.rs").exists(), "{said}");
        assert_eq!(mend(), "");
        fs::remove_dir_all(root.join(".splitbrain/core")).unwrap();
        assert_eq!(mend(), ".splitbrain/core was missing, and has been restored");
        assert_eq!(mend(), "");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("prep");
        lay_out(&root).unwrap();
        let workspace = Workspace { root: root.clone(), place: Place::Learner };
        for (i, linked) in ["src", "src/lib.rs", "."].into_iter().enumerate() {
            let other = dir.path().join(format!("other{i}"));
            let path: std::path::PathBuf = root.join(".splitbrain/core").join(linked).components().collect();
            fs::rename(&path, &other).unwrap();
            std::os::unix::fs::symlink(&other, &path).unwrap();
            assert!(mend_core(&workspace).unwrap().is_some(), "{linked}");
            assert!(!fs::symlink_metadata(&path).unwrap().is_symlink(), "{linked}");
            assert_eq!(mend_core(&workspace).unwrap(), None, "{linked}");
        }
    }
}
