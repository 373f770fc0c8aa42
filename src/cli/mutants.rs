//! The catalogue of wrong implementations: `tests/mutants/<id>.toml`, edits of the reference or whole files, each with the
//! rule that must refuse it. Reads it; knows nothing of how they are built and judged.

use super::content::Content;
use super::error::{Result, Trouble};
use super::nearest::nearest;
use super::quiz::excerpt::{Wrong, excerpt};
use super::toml_reader::{At, Problem, Reader, lines_of};
use std::borrow::Cow;
use std::ops::Range;
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
    /// What the edits changed, as bytes of `text`; nothing if the mutant is a file of its own.
    pub edited: Vec<Range<usize>>,
}

/// Reads a file of the repository by its path.
type Read<'a> = &'a dyn Fn(&str) -> Result<Cow<'static, str>>;

/// The mutants of an exercise.
///
/// # Errors
/// Every mistake in the catalogue, one a line; among them a `find` that does not match exactly once.
pub fn catalogue(content: &Content, id: &str) -> Result<Vec<Mutant>> {
    let path = format!("tests/mutants/{id}.toml");
    let text = content.text(&path)?;
    let reference = content.text(&format!("solutions/{id}.rs"))?;
    parse(&|path| content.text(path), &path, &text, &reference).map_err(|problems| Trouble::environment(lines_of(&problems)))
}

/// One mutant as a quiz shows it: the code around its edits, and the rule that it breaks. The error is for its author.
///
/// # Errors
/// If there is none of that name, or it is a whole file.
pub fn shown(content: &Content, exercise: &str, name: &str) -> std::result::Result<Wrong, String> {
    if !content.course().map_err(|trouble| trouble.message)?.exercises().any(|id| id == exercise) {
        return Err(format!("no exercise '{exercise}'"));
    }
    let mutants = catalogue(content, exercise).map_err(|trouble| trouble.message)?;
    let Some(mutant) = mutants.iter().find(|m| m.name == name) else {
        let near = nearest(name, mutants.iter().map(|m| m.name.as_str())).map(|near| format!("; did you mean '{near}'?"));
        return Err(format!("no mutant '{name}' in tests/mutants/{exercise}.toml{}", near.unwrap_or_default()));
    };
    if mutant.edited.is_empty() {
        return Err(format!("'{name}' is a file of its own: there is no reference to spot the difference from; choose one of edits"));
    }
    Ok(Wrong { code: excerpt(&mutant.text, &mutant.edited), breaks: mutant.breaks.clone() })
}

fn parse(read: Read<'_>, path: &str, text: &str, reference: &str) -> std::result::Result<Vec<Mutant>, Vec<Problem>> {
    let (mut reader, table) = Reader::parse(path, text);
    let top: At<'_, '_> = (table.get_ref(), table.span());
    reader.only(&top, &["mutant"]);
    let mut mutants: Vec<Mutant> = Vec::new();
    for at in reader.tables(&top, "mutant", "[[mutant]]") {
        reader.only(&at, &["name", "find", "replace", "edits", "file", "breaks", "note"]);
        let name = reader.string(&at, "name", "\"votes_twice\"");
        let breaks = reader.string(&at, "breaks", "\"one_vote_per_term\"");
        let note = reader.string(&at, "note", "\"The vote is not remembered.\"");
        let source = source(&mut reader, &at, read, reference);
        let (Some((name, span)), Some((breaks, _)), Some((note, _)), Some((text, edited))) = (name, breaks, note, source) else { continue };
        if mutants.iter().any(|m| m.name == name) {
            reader.problem(span.clone(), format!("a second mutant `{name}`"), "give it a name of its own");
        }
        if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            reader.problem(span, format!("`{name}` is not a name in snake case"), "use small letters, digits and _");
        }
        mutants.push(Mutant { name, text, breaks, note, edited });
    }
    if reader.problems.is_empty() { Ok(mutants) } else { Err(reader.problems) }
}

/// The mutant's source: a file, one edit, or several; and what the edits changed in it.
fn source(reader: &mut Reader<'_>, at: &At<'_, '_>, read: Read<'_>, reference: &str) -> Option<(String, Vec<Range<usize>>)> {
    if at.0.contains_key("file") {
        let (file, span) = reader.string(at, "file", "\"<id>/<name>.rs\"")?;
        return match read(&format!("tests/mutants/{file}")) {
            Ok(text) => Some((text.into_owned(), Vec::new())),
            Err(e) => {
                reader.problem(span, e.message, "name a file beside this one");
                None
            }
        };
    }
    let mut text = reference.to_owned();
    let mut edited = Vec::new();
    let edits =
        if at.0.contains_key("edits") { reader.tables(at, "edits", "{ find = \"…\", replace = \"…\" }") } else { vec![at.clone()] };
    for edit in edits {
        let (find, span) = raw(reader, &edit, "find")?;
        let (replace, _) = raw(reader, &edit, "replace")?;
        match text.match_indices(&find).map(|(at, _)| at).collect::<Vec<_>>().as_slice() {
            [at] => {
                let at = *at;
                apply(&mut text, &mut edited, at, &find, &replace);
            }
            all => {
                reader.problem(span, format!("`find` matches {} times in the reference", all.len()), "make it match exactly once");
                return None;
            }
        }
    }
    Some((text, edited))
}

/// Makes one edit, and keeps the ranges of earlier ones where their text now is. What `find` and `replace` begin and end with
/// alike was not changed: it is there to find the place.
fn apply(text: &mut String, edited: &mut Vec<Range<usize>>, at: usize, find: &str, replace: &str) {
    for range in edited.iter_mut().filter(|range| range.start >= at + find.len()) {
        *range = range.start - find.len() + replace.len()..range.end - find.len() + replace.len();
    }
    let alike: usize = find.chars().zip(replace.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let rest = (find[alike..].chars().rev()).zip(replace[alike..].chars().rev());
    let tail: usize = rest.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    text.replace_range(at..at + find.len(), replace);
    edited.push(at + alike..at + replace.len() - tail);
}

/// A text that may be empty.
fn raw(reader: &mut Reader<'_>, at: &At<'_, '_>, key: &str) -> Option<(String, std::ops::Range<usize>)> {
    match at.0.get(key).map(|v| (v.get_ref(), v.span())) {
        Some((DeValue::String(s), span)) => Some((s.to_string(), span)),
        _ => {
            reader.problem(at.1.clone(), format!("`{key}` is missing, or is not text"), format!("add `{key} = \"…\"`"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(path: &str) -> Result<Cow<'static, str>> {
        Err(Trouble::environment(format!("{path} is not there")))
    }

    fn problems(text: &str) -> Vec<String> {
        parse(&nothing, "m.toml", text, "let a = 1;\nlet b = 1;\n").unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_find_of_the_catalogue_matches_once() {
        for id in Content::Embedded.course().unwrap().exercises() {
            assert!(!catalogue(&Content::Embedded, id).unwrap().is_empty(), "{id}");
        }
    }

    #[test]
    fn edits_are_applied() {
        let text = "[[mutant]]\nname = \"m\"\nedits = [{ find = \"a = 1\", replace = \"a = 2\" }, { find = \"let b = 1;\\n\", replace = \"\" }]\nbreaks = \"r\"\nnote = \"n\"\n";
        let mutants = parse(&nothing, "m.toml", text, "let a = 1;\nlet b = 1;\n").unwrap();
        assert_eq!(mutants[0].text, "let a = 2;\n");
        assert_eq!(mutants[0].edited, [8..9, 11..11], "the 2, and where the line was");
    }

    #[test]
    fn ranges_follow_their_text() {
        let (mut text, mut edited) = ("one two three".to_owned(), Vec::new());
        apply(&mut text, &mut edited, 8, "three", "tree");
        apply(&mut text, &mut edited, 0, "one", "eleven");
        assert_eq!((text.as_str(), edited.as_slice()), ("eleven two tree", [12..12, 0..6].as_slice()));
        let said = |exercise, name| shown(&Content::Embedded, exercise, name).unwrap_err();
        assert!(said("raft_election", "votes_twice").contains("did you mean 'votes_twice_in_a_term'?"));
        assert!(said("hash_ring", "rendezvous").contains("a file of its own"));
        assert_eq!(said("raft", "x"), "no exercise 'raft'");
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
        assert!(said.iter().any(|p| p.contains("`M x` is not a name in snake case")), "{said:?}");
        assert!(said.iter().any(|p| p.contains("unknown key `fnd`; did you mean `find`?")), "{said:?}");
        assert!(said.iter().any(|p| p.contains("`breaks` is missing")), "{said:?}");
    }
}
