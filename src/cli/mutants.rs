//! The catalogue of wrong implementations: `tests/mutants/<id>.toml`, edits of the reference or whole files, each with the
//! rule that must refuse it. Reads it; builds many implementations as modules of one program, so that a hundred cost one
//! build; knows nothing of how a judge works.

use super::error::{Result, Trouble};
use super::runner::{Builds, Extra, build_modules};
use super::toml_reader::{At, Problem, Reader};
use super::workspace::Workspace;
use std::fs;
use std::path::Path;
use toml::de::DeValue;

/// One wrong implementation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// Its name, unique in its exercise.
    pub name: String,
    /// Its source.
    pub text: String,
    /// The rule that must refuse it.
    pub breaks: String,
    /// What the mistake is, and what it leads to.
    pub note: String,
}

/// The mutants of an exercise.
///
/// # Errors
/// Every mistake in the catalogue, one a line; among them a `find` that does not match exactly once.
pub fn catalogue(root: &Path, id: &str) -> Result<Vec<Mutant>> {
    let path = format!("tests/mutants/{id}.toml");
    let text = read(root, &path)?;
    let reference = read(root, &format!("solutions/{id}.rs"))?;
    parse(root, &path, &text, &reference).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Trouble::environment(lines.join("\n"))
    })
}

fn read(root: &Path, path: &str) -> Result<String> {
    fs::read_to_string(root.join(path)).map_err(|e| Trouble::environment(format!("cannot read {path}: {e}")))
}

fn parse(root: &Path, path: &str, text: &str, reference: &str) -> std::result::Result<Vec<Mutant>, Vec<Problem>> {
    let (mut reader, table) = Reader::parse(path, text);
    let top: At<'_, '_> = (table.get_ref(), table.span());
    reader.only(&top, &["mutant"]);
    let mut mutants: Vec<Mutant> = Vec::new();
    for at in reader.tables(&top, "mutant", "[[mutant]]") {
        reader.only(&at, &["name", "find", "replace", "edits", "file", "breaks", "note"]);
        let name = reader.string(&at, "name", "\"votes_twice\"");
        let breaks = reader.string(&at, "breaks", "\"one_vote_per_term\"");
        let note = reader.string(&at, "note", "\"The vote is not remembered.\"");
        let source = source(&mut reader, &at, root, reference);
        let (Some((name, span)), Some((breaks, _)), Some((note, _)), Some(text)) = (name, breaks, note, source) else { continue };
        if mutants.iter().any(|m| m.name == name) {
            reader.problem(span.clone(), format!("a second mutant `{name}`"), "give it a name of its own");
        }
        if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            reader.problem(span, format!("`{name}` is no name in snake case"), "use small letters, digits and _");
        }
        mutants.push(Mutant { name, text, breaks, note });
    }
    if reader.problems.is_empty() { Ok(mutants) } else { Err(reader.problems) }
}

/// The mutant's source: a file, one edit, or several.
fn source(reader: &mut Reader<'_>, at: &At<'_, '_>, root: &Path, reference: &str) -> Option<String> {
    if at.0.contains_key("file") {
        let (file, span) = reader.string(at, "file", "\"<id>/<name>.rs\"")?;
        return match fs::read_to_string(root.join("tests/mutants").join(&file)) {
            Ok(text) => Some(text),
            Err(e) => {
                reader.problem(span, format!("tests/mutants/{file} cannot be read: {e}"), "name a file beside this one");
                None
            }
        };
    }
    let mut text = reference.to_owned();
    let edits =
        if at.0.contains_key("edits") { reader.tables(at, "edits", "{ find = \"…\", replace = \"…\" }") } else { vec![at.clone()] };
    for edit in edits {
        let (find, span) = raw(reader, &edit, "find")?;
        let (replace, _) = raw(reader, &edit, "replace")?;
        match text.matches(&find).count() {
            1 => text = text.replacen(&find, &replace, 1),
            n => {
                reader.problem(span, format!("`find` matches {n} times in the reference"), "make it match exactly once");
                return None;
            }
        }
    }
    Some(text)
}

/// A text that may be empty.
fn raw(reader: &mut Reader<'_>, at: &At<'_, '_>, key: &str) -> Option<(String, std::ops::Range<usize>)> {
    match at.0.get(key).map(|v| (v.get_ref(), v.span())) {
        Some((DeValue::String(s), span)) => Some((s.to_string(), span)),
        _ => {
            reader.problem(at.1.clone(), format!("`{key}` is missing, or is no text"), format!("add `{key} = \"…\"`"));
            None
        }
    }
}

/// Every implementation of an exercise that must pass: the reference, and those built another way.
///
/// # Errors
/// A file or folder that cannot be read.
pub fn correct(root: &Path, id: &str) -> Result<Vec<(String, String)>> {
    let mut all = vec![("reference".to_owned(), read(root, &format!("solutions/{id}.rs"))?)];
    let folder = format!("tests/alternatives/{id}");
    let entries = fs::read_dir(root.join(&folder)).map_err(|e| Trouble::environment(format!("cannot read {folder}: {e}")))?;
    let mut names: Vec<String> = entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).filter(|n| n.ends_with(".rs")).collect();
    names.sort();
    for name in names {
        all.push((name.trim_end_matches(".rs").to_owned(), read(root, &format!("{folder}/{name}"))?));
    }
    Ok(all)
}

/// Builds implementations of one exercise with one call of cargo; they are judged under their names.
///
/// # Errors
/// As any build; also if one of them does not compile, which is a mistake of its author.
pub async fn build(workspace: &Workspace, id: &str, kind: &str, all: &[(String, String)]) -> Result<Builds> {
    let extras: Vec<Extra<'_>> = all.iter().map(|(name, text)| Extra { name, text }).collect();
    build_modules(workspace, id, kind, &extras).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        parse(Path::new("."), "m.toml", text, "let a = 1;\nlet b = 1;\n").unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn edits_are_applied() {
        let text = "[[mutant]]\nname = \"m\"\nedits = [{ find = \"a = 1\", replace = \"a = 2\" }, { find = \"let b = 1;\\n\", replace = \"\" }]\nbreaks = \"r\"\nnote = \"n\"\n";
        let mutants = parse(Path::new("."), "m.toml", text, "let a = 1;\nlet b = 1;\n").unwrap();
        assert_eq!(mutants[0].text, "let a = 2;\n");
    }

    #[test]
    fn a_find_that_does_not_match_once_is_named_with_its_line() {
        let twice = "[[mutant]]\nname = \"m\"\nfind = \" = 1\"\nreplace = \"\"\nbreaks = \"r\"\nnote = \"n\"\n";
        assert_eq!(problems(twice), ["m.toml:3:8: `find` matches 2 times in the reference; make it match exactly once"]);
    }

    #[test]
    fn every_mistake_is_said() {
        let text = "[[mutant]]\nname = \"M x\"\nfind = \"a\"\nreplace = \"b\"\nbreaks = \"r\"\nnote = \"n\"\n[[mutant]]\nname = \"n\"\nfnd = \"a = 1\"\n";
        let said = problems(text);
        assert!(said.iter().any(|p| p.contains("`M x` is no name in snake case")), "{said:?}");
        assert!(said.iter().any(|p| p.contains("unknown key `fnd`; did you mean `find`?")), "{said:?}");
        assert!(said.iter().any(|p| p.contains("`breaks` is missing")), "{said:?}");
    }
}
