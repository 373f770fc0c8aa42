//! What a build read: rustc writes it down (dep-info) for each bin, modules and included files among it. Where it could not,
//! as the text does not compile, its errors name what it read, and what it looked for and did not find.

use super::compile_error::CompileError;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The files that rustc read for a bin, by what it wrote into that folder (`target/…/deps`). There is a note for each set of
/// options with which the bin was built once; a file too many is a look too many.
pub fn of_bin(deps: &Path, bin: &str, root: &Path) -> BTreeSet<PathBuf> {
    let prefix = format!("{}-", bin.replace('-', "_"));
    let is_note = |name: &str| name.strip_prefix(&prefix).is_some_and(|rest| rest.ends_with(".d") && !rest.contains('-'));
    let Ok(entries) = fs::read_dir(deps) else { return BTreeSet::new() };
    let notes = entries.flatten().filter(|e| e.file_name().to_str().is_some_and(is_note));
    notes.filter_map(|e| fs::read_to_string(e.path()).ok()).flat_map(|text| parse(&text)).map(|path| root.join(path)).collect()
}

/// The files in a note in make's notation: `out: a.rs b\ c.rs`.
fn parse(text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((_, files)) = line.split_once(": ") else { continue };
        let mut word = String::new();
        let mut chars = files.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' if chars.peek() == Some(&' ') => word.extend(chars.next()),
                ' ' => found.push(PathBuf::from(std::mem::take(&mut word))),
                c => word.push(c),
            }
        }
        found.push(PathBuf::from(word));
    }
    found.retain(|path| !path.as_os_str().is_empty());
    found
}

/// The files that errors are in, and those that they name in quotes: `create file "exercises/x/helper.rs"`.
pub fn of_errors(errors: &[CompileError], root: &Path) -> BTreeSet<PathBuf> {
    let mut found: BTreeSet<PathBuf> = errors.iter().filter_map(|e| Some(root.join(&e.at.as_ref()?.0))).collect();
    for error in errors {
        let quoted = error.rendered.split(['"', '`']).skip(1).step_by(2);
        let paths = quoted.filter(|word| word.len() < 500 && word.contains(['/', '.']) && !word.contains(char::is_whitespace));
        found
            .extend(paths.map(|word| root.join(word)).filter(|path| path.extension().is_some() && path.parent().is_some_and(Path::is_dir)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_of_rustc() {
        let text = "/t/deps/a-1: exercises/a/a.rs exercises/a/help\\ er.rs\n\nexercises/a/a.rs:\n# env-dep:CARGO=x: y\n";
        assert_eq!(parse(text), ["exercises/a/a.rs", "exercises/a/help er.rs"].map(PathBuf::from));
    }

    #[test]
    fn notes_of_that_bin_alone() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a_b-1f.d", "a_b-2e.d", "a_b_c-1.d", "a_b-1f.o", "a-1.d"] {
            fs::write(dir.path().join(name), format!("out: {name}.rs\n")).unwrap();
        }
        let found = of_bin(dir.path(), "a-b", Path::new("/r"));
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["/r/a_b-1f.d.rs", "/r/a_b-2e.d.rs"].map(PathBuf::from));
    }

    #[test]
    fn what_was_looked_for_and_not_found() {
        let dir = tempfile::tempdir().unwrap();
        let rendered = "file not found for module `helper`\n = help: create file \"helper.rs\" or \"helper/mod.rs\"".to_owned();
        let error = CompileError { message: String::new(), at: Some(("a.rs".to_owned(), 1)), rendered, advice: None, bytes: Vec::new() };
        let found: Vec<PathBuf> = of_errors(&[error], dir.path()).into_iter().collect();
        assert_eq!(found, ["a.rs", "helper.rs"].map(|name| dir.path().join(name)));
    }
}
