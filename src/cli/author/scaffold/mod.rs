//! What `dev new` writes: every file of an exercise, from templates beside this file, so that the new exercise compiles, its
//! stub is unfinished and its reference passes; and its lines in the curriculum and in the list of modules.

use crate::cli::course::{COURSE, Course, is_id};
use crate::cli::error::{Result, Trouble};
use crate::cli::toml_reader::lines_of;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Where each template goes, for an exercise on the simulated network and for one whose code is called directly.
const NET: [(&str, &str); 8] = [
    ("exercises/__id__/README.md", include_str!("net_README.md.txt")),
    ("exercises/__id__/exercise.toml", include_str!("exercise.toml.txt")),
    ("exercises/__id__/__id__.rs", include_str!("net_stub.rs.txt")),
    ("solutions/__id__.rs", include_str!("net_solution.rs.txt")),
    ("src/exercises/__id__/mod.rs", include_str!("net_contract.rs.txt")),
    ("src/exercises/__id__/judge/mod.rs", include_str!("net_judge.rs.txt")),
    ("src/exercises/__id__/judge/spec.rs", include_str!("net_spec.rs.txt")),
    ("tests/mutants/__id__.toml", include_str!("net_mutants.toml.txt")),
];
/// See [`NET`].
const PLAIN: [(&str, &str); 8] = [
    ("exercises/__id__/README.md", include_str!("plain_README.md.txt")),
    ("exercises/__id__/exercise.toml", include_str!("exercise.toml.txt")),
    ("exercises/__id__/__id__.rs", include_str!("plain_stub.rs.txt")),
    ("solutions/__id__.rs", include_str!("plain_solution.rs.txt")),
    ("src/exercises/__id__/mod.rs", include_str!("plain_contract.rs.txt")),
    ("src/exercises/__id__/judge/mod.rs", include_str!("plain_judge.rs.txt")),
    ("src/exercises/__id__/judge/spec.rs", include_str!("plain_spec.rs.txt")),
    ("tests/mutants/__id__.toml", include_str!("plain_mutants.toml.txt")),
];

/// Writes a new exercise into a clone, without a network if it is `plain`, and returns the paths written or changed.
///
/// # Errors
/// An id that is none or is taken; a topic that is not there; a file that exists.
pub fn write(root: &Path, id: &str, topic: &str, plain: bool) -> Result<Vec<String>> {
    let course_text = read(root, COURSE)?;
    let course = Course::parse(COURSE, &course_text).map_err(|p| Trouble::environment(lines_of(&p)))?;
    if !is_id(id) || id == "splitbrain" {
        return Err(Trouble::usage(format!("`{id}` is no id: use a-z, 0-9 and _, a letter first")));
    }
    if !course.topics.iter().any(|t| t.id == topic) {
        let topics = course.topics.iter().map(|t| t.id.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Trouble::usage(format!("there is no topic `{topic}` in {COURSE}; there are: {topics}")));
    }
    let files: Vec<(String, String)> =
        if plain { PLAIN } else { NET }.iter().map(|(path, text)| (filled(path, id), filled(text, id))).collect();
    if let Some((path, _)) = files.iter().find(|(path, _)| root.join(path).exists()) {
        return Err(Trouble::usage(format!("{path} exists: choose another id")));
    }
    let course_text = listed(&course_text, topic, id).ok_or_else(|| {
        Trouble::environment(format!("cannot find the list `exercises = […]` of topic {topic} in {COURSE}: add \"{id}\" by hand first"))
    })?;
    let modules = read(root, "src/exercises/mod.rs")?;
    let modules = format!("{}\n\n#[cfg(feature = \"{id}\")]\npub mod {id};\n", modules.trim_end());
    let mut written = Vec::new();
    for (path, text) in files.into_iter().chain([(COURSE.to_owned(), course_text), ("src/exercises/mod.rs".to_owned(), modules)]) {
        let full = root.join(&path);
        let parent = full.parent().unwrap_or(root);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&full, text))
            .map_err(|e| Trouble::environment(format!("cannot write {path}: {e}")))?;
        written.push(path);
    }
    format(root, &written);
    Ok(written)
}

/// `two_generals` → `TwoGenerals` for types, `Two generals` for people.
fn filled(template: &str, id: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    let words: Vec<&str> = id.split('_').filter(|w| !w.is_empty()).collect();
    let camel: String = words.iter().map(|w| capital(w)).collect();
    template.replace("__id__", id).replace("__Type__", &camel).replace("__Title__", &capital(&words.join(" ")))
}

/// As `cargo fmt` would leave them: how wide a line is depends on the id. Where there is no rustfmt, its author will see to it.
fn format(root: &Path, paths: &[String]) {
    let files = paths.iter().filter(|path| path.ends_with(".rs"));
    let _ = Command::new("rustfmt").args(["--quiet", "--edition", "2024"]).args(files).current_dir(root).status();
}

/// The curriculum with one more exercise at the end of a topic. The text is edited, not written anew: comments stay.
fn listed(course: &str, topic: &str, id: &str) -> Option<String> {
    let at = course.find(&format!("id = \"{topic}\""))?;
    let list = at + course[at..].find("exercises = [")? + "exercises = [".len();
    let end = list + course[list..].find(']')?;
    // Nothing of another topic.
    if course[at..list].contains("[[topic]]") {
        return None;
    }
    let before = course[list..end].trim_end().trim_end_matches(',');
    let comma = if before.trim().is_empty() { "" } else { ", " };
    Some(format!("{}{before}{comma}\"{id}\"{}", &course[..list], &course[end..]))
}

fn read(root: &Path, path: &str) -> Result<String> {
    fs::read_to_string(root.join(path)).map_err(|e| Trouble::environment(format!("cannot read {path}: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(filled("__id__ __Type__ __Title__", "two_generals"), "two_generals TwoGenerals Two generals");
    }

    #[test]
    fn an_exercise_is_added_to_its_topic() {
        let course = "# c\n[[topic]]\nid = \"a\"\nexercises = [] # none\n[[topic]]\nid = \"b\"\nexercises = [\"x\",\n  \"y\",\n]\n";
        assert_eq!(listed(course, "a", "z").unwrap(), course.replace("[] # none", "[\"z\"] # none"));
        assert_eq!(listed(course, "b", "z").unwrap(), course.replace("  \"y\",\n]", "  \"y\", \"z\"]"));
        assert_eq!(listed("[[topic]]\nid = \"a\"\n[[topic]]\nid = \"b\"\nexercises = []\n", "a", "z"), None);
    }
}
