//! What is generated from the curriculum, for `dev sync` and for the test that nothing is out of date: the blocks of
//! `Cargo.toml` (a feature and a bin an exercise) and `embedded.rs` (the list of files that the program carries).
//! [`generated`] is pure: from a clone's folder to texts.

mod readme;

use crate::cli::course::{COURSE, Course};
use crate::cli::disk::write_atomically;
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::manifest::{bin_tables, feature_lines};
use crate::cli::out::Out;
use crate::cli::runner::HIDDEN_TESTS;
use crate::cli::toml_reader::lines_of;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// A generated file: its path in the repository, and the text that it should have.
pub struct Generated {
    /// Path with `/`.
    pub path: &'static str,
    /// What should stand there.
    pub wanted: String,
    /// What stands there.
    pub found: String,
}

/// The generated list of embedded files.
pub const EMBEDDED: &str = "src/cli/embedded.rs";

/// That of the engine, which exports its own sources: a package holds nothing that stands above its folder.
pub const ENGINE_SOURCES: &str = "engine/src/sources.rs";

/// What the program does to judge, as texts: a kept verdict hangs on them.
pub const JUDGING_SOURCES: &str = "src/cli/author/verdicts/own.rs";

/// The exercises, for tests that each of them has for itself.
pub const TESTS: &str = "tests/it/exercises.rs";

/// What it says of the course.
pub const README: &str = "README.md";

/// Writes what is out of date; with `check`, says so alone.
///
/// # Errors
/// As [`generated`]; a file that cannot be written.
pub fn run(root: &Path, check: bool, out: &mut Out) -> Result<Exit> {
    let stale: Vec<_> = generated(root)?.into_iter().filter(|f| f.wanted != f.found).collect();
    let missing = missing(root)?;
    for file in &stale {
        if check {
            out.print(&format!("{} is out of date: run `splitbrain dev sync`\n", file.path));
        } else {
            write_atomically(&root.join(file.path), &file.wanted)?;
            out.print(&format!("{} written\n", file.path));
        }
    }
    for problem in &missing {
        out.print(&format!("{problem}\n"));
    }
    if stale.is_empty() && missing.is_empty() {
        out.print("Nothing is out of date.\n");
    }
    let fine = missing.is_empty() && (stale.is_empty() || !check);
    Ok(if fine { Exit::Passed } else { Exit::NotPassing })
}

/// Everything that is generated, as it should be and as it is.
///
/// # Errors
/// A broken curriculum, a manifest without its markers, an unreadable folder.
pub fn generated(root: &Path) -> Result<Vec<Generated>> {
    let text = read(root, COURSE)?;
    let course = Course::parse(COURSE, &text).map_err(|p| Trouble::environment(lines_of(&p)))?;
    let manifest = read(root, "Cargo.toml")?;
    let ids: Vec<&str> = course.exercises().collect();
    let drafts = drafts(root, &course);
    let with_drafts: Vec<&str> = ids.iter().copied().chain(drafts.iter().map(String::as_str)).collect();
    let wanted = replace_block(&manifest, "features", &feature_lines(&with_drafts, ""))?;
    let wanted = replace_block(&wanted, "bins", &bin_tables(&with_drafts, "test = false\n"))?;
    let found = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let mut files = vec![
        Generated { path: "Cargo.toml", wanted, found: manifest },
        Generated { path: EMBEDDED, wanted: embedded_rs(root, &ids)?, found: found(EMBEDDED) },
    ];
    if root.join("engine/src").is_dir() {
        files.push(Generated { path: ENGINE_SOURCES, wanted: engine_sources_rs(root)?, found: found(ENGINE_SOURCES) });
    }
    if root.join("src/cli/author/verdicts").is_dir() {
        files.push(Generated { path: JUDGING_SOURCES, wanted: judging_sources_rs(root)?, found: found(JUDGING_SOURCES) });
    }
    if root.join("tests/it").is_dir() {
        files.push(Generated { path: TESTS, wanted: tests_rs(&ids), found: found(TESTS) });
    }
    if root.join("README.md").is_file() {
        files.push(Generated { path: README, wanted: readme::written(root, &course, &found(README))?, found: found(README) });
    }
    Ok(files)
}

/// Files of an exercise that should be there and are not, and folders that the curriculum does not list: one sentence each,
/// with the fix.
///
/// # Errors
/// A broken curriculum.
pub fn missing(root: &Path) -> Result<Vec<String>> {
    let course = Course::parse(COURSE, &read(root, COURSE)?).map_err(|p| Trouble::environment(lines_of(&p)))?;
    let mut problems = Vec::new();
    let modules = fs::read_to_string(root.join("src/exercises/mod.rs")).unwrap_or_default();
    for id in course.exercises() {
        for path in exercise_files(id) {
            // A judge that outgrew its file is a folder.
            let folder = path.replace("/judge.rs", "/judge/mod.rs");
            if !root.join(&path).is_file() && !root.join(&folder).is_file() {
                problems.push(format!("{path} is missing: write it; the one of another exercise, or `splitbrain dev new`, shows the form"));
            }
        }
        if !modules.contains(&format!("pub mod {id};")) {
            problems.push(format!("src/exercises/mod.rs does not have {id}: add `pub mod {id};`"));
        }
    }
    for topic in &course.topics {
        if let Some(quiz) = &topic.quiz
            && !root.join(format!("quizzes/{quiz}.toml")).is_file()
        {
            problems.push(format!("quizzes/{quiz}.toml is missing: write it, or drop `quiz` from topic {} in {COURSE}", topic.id));
        }
    }
    let mut banks = Vec::new();
    walk(root, "quizzes", &|path| path.ends_with(".toml"), &mut banks)?;
    for path in banks {
        if !course.topics.iter().filter_map(|t| t.quiz.as_ref()).any(|q| path == format!("quizzes/{q}.toml")) {
            problems.push(format!("{path} is the quiz of no topic: add `quiz = \"…\"` to one in {COURSE}"));
        }
    }
    for id in drafts(root, &course) {
        // A draft is one as long as it has no exercise.toml.
        if root.join(format!("exercises/{id}/exercise.toml")).is_file() {
            problems.push(format!("exercises/{id}/ is not in {COURSE}: add \"{id}\" to its topic's `exercises`"));
        }
    }
    Ok(problems)
}

/// Exercises that are being written: they have a stub, so that it can be built, and are not in the curriculum.
fn drafts(root: &Path, course: &Course) -> Vec<String> {
    let mut ids = folders(&root.join("exercises"));
    ids.retain(|id| !course.exercises().any(|e| e == id) && root.join(format!("exercises/{id}/{id}.rs")).is_file());
    ids
}

/// Every file that belongs to an exercise.
#[must_use]
pub fn exercise_files(id: &str) -> [String; 7] {
    [
        format!("exercises/{id}/README.md"),
        format!("exercises/{id}/exercise.toml"),
        format!("exercises/{id}/{id}.rs"),
        format!("solutions/{id}.rs"),
        format!("src/exercises/{id}/mod.rs"),
        format!("src/exercises/{id}/judge.rs"),
        format!("tests/mutants/{id}.toml"),
    ]
}

fn replace_block(manifest: &str, name: &str, body: &str) -> Result<String> {
    let (begin, end) = (format!("# >>> {name}: written by `splitbrain dev sync`\n"), format!("# <<< {name}\n"));
    let parts = manifest.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let Some((before, after)) = parts else {
        return Err(Trouble::environment(format!(
            "Cargo.toml has lost its markers: put the lines\n{begin}{end}back where the {name} stood"
        )));
    };
    Ok(format!("{before}{begin}{body}{end}{after}"))
}

fn embedded_rs(root: &Path, ids: &[&str]) -> Result<String> {
    let mut paths = vec![COURSE.to_owned()];
    paths.extend(Some(HIDDEN_TESTS.to_owned()).filter(|p| root.join(p).is_file()));
    for id in ids {
        paths.extend(exercise_files(id).into_iter().take(4).filter(|p| root.join(p).is_file()));
    }
    walk(root, "quizzes", &|path| path.ends_with(".toml"), &mut paths)?;
    walk(root, "lessons", &|path| [".md", ".run", ".shown"].iter().any(|end| path.ends_with(end)), &mut paths)?;
    // Quizzes show them: "spot the bug".
    let shown = |path: &str| {
        let is_for_authors = [".equivalent.toml", ".score.toml", ".proof.toml"].iter().any(|end| path.ends_with(end));
        path.ends_with(".rs") || path.ends_with(".toml") && !is_for_authors
    };
    walk(root, "tests/mutants", &shown, &mut paths)?;
    // The exercises and their judges, which `init` lays out in a learner's folder: everything but the program.
    walk(root, "src", &|path| path.ends_with(".rs") && path != "src/main.rs" && !path.starts_with("src/cli/"), &mut paths)?;
    Ok(list_of_files(
        "//! The files that the program carries, by their path in the repository, sorted; but for those of the engine, which carries its\n\
         //! own. Written by `splitbrain dev sync`; if a file was deleted and this does not compile any more, delete its line by hand\n\
         //! first.\n",
        paths,
        |path| format!("../../{path}"),
    ))
}

fn engine_sources_rs(root: &Path) -> Result<String> {
    let mut paths = Vec::new();
    walk(root, "engine/src", &|path| path.ends_with(".rs") && path != ENGINE_SOURCES, &mut paths)?;
    Ok(list_of_files(
        "//! The engine's own sources, by their path in the repository, sorted: what the program lays out in a learner's folder. Written\n\
         //! by `splitbrain dev sync`; if a file was deleted and this does not compile any more, delete its line by hand first.\n",
        paths,
        |path| path.trim_start_matches("engine/src/").to_owned(),
    ))
}

fn judging_sources_rs(root: &Path) -> Result<String> {
    let shown = ["args", "ascii", "disk", "figures", "layout", "manifest", "mutants", "sanitize", "wrap"];
    let judged = ["implementations", "kill_table", "soak", "verdicts"].map(|name| format!("src/cli/author/{name}.rs"));
    let mut paths: Vec<String> = shown.map(|name| format!("src/cli/{name}.rs")).into_iter().chain(judged).collect();
    // How a score is counted and shown is no part of what is judged.
    let mutate = ["judging.rs", "matrix.rs", "operators.rs", "places.rs", "program.rs", "runtime.rs.txt", "sample.rs", "types.rs"];
    paths.extend(mutate.map(|name| format!("src/cli/author/mutate/{name}")));
    for folder in ["src/cli/runner", "src/cli/render"] {
        walk(root, folder, &|path| path.ends_with(".rs"), &mut paths)?;
    }
    paths.retain(|path| root.join(path).is_file());
    Ok(list_of_files(
        "//! What this program does to build, judge and read a verdict, as it was compiled: a verdict that was kept by another program may\n\
         //! be another one. Written by `splitbrain dev sync`; if a file was deleted and this does not compile any more, delete its line by\n\
         //! hand first.\n",
        paths,
        |path| format!("../../{}", path.trim_start_matches("src/cli/")),
    ))
}

fn tests_rs(ids: &[&str]) -> String {
    format!(
        "//! The exercises, for tests that each of them has for itself: `each!(name)` is `name!(id id …)`. Written by `splitbrain dev sync`.\n\n\
         macro_rules! each {{\n    ($name:ident) => {{\n        $name! {{ {} }}\n    }};\n}}\npub(crate) use each;\n",
        ids.join(" ")
    )
}

/// A list of files as a module: `include` is how it names a file of that path.
fn list_of_files(head: &str, mut paths: Vec<String>, include: impl Fn(&str) -> String) -> String {
    paths.sort();
    let mut out = format!("{head}\n/// Path and text.\n#[rustfmt::skip]\npub static FILES: &[(&str, &str)] = &[\n");
    for path in paths {
        let _ = writeln!(out, "    (\"{path}\", include_str!(\"{}\")),", include(&path));
    }
    out.push_str("];\n");
    out
}

fn walk(root: &Path, folder: &str, wanted: &dyn Fn(&str) -> bool, paths: &mut Vec<String>) -> Result<()> {
    let Ok(entries) = fs::read_dir(root.join(folder)) else { return Ok(()) };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{folder}/{name}");
        if name.starts_with('.') {
        } else if entry.path().is_dir() {
            walk(root, &path, wanted, paths)?;
        } else if wanted(&path) {
            paths.push(path);
        }
    }
    Ok(())
}

fn folders(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter(|e| e.path().is_dir()).filter_map(|e| e.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn read(root: &Path, path: &str) -> Result<String> {
    fs::read_to_string(root.join(path)).map_err(|e| Trouble::file("read", &root.join(path), &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_generated_is_out_of_date() {
        for file in generated(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap() {
            assert!(file.wanted == file.found, "{} is out of date: run `cargo run -- dev sync` and commit what it writes", file.path);
        }
    }

    #[test]
    fn the_readme_says_what_is_there() {
        use crate::cli::{bank, content::Content, rules};
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let content = Content::Disk(root.to_owned());
        let course = content.course().unwrap();
        // However its lines are broken.
        let readme = fs::read_to_string(root.join("README.md")).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        let names = bank::names(&course);
        let questions: usize = names.iter().map(|name| bank::sketch(&content, name).unwrap().questions.len()).sum();
        let minutes: u32 = course.exercises().map(|id| content.about(id).unwrap().minutes).sum();
        let sizes = [
            format!(" {} topics,", names.len()),
            format!(" {questions} questions,"),
            format!(" {} exercises, about {minutes} minutes", course.exercises().count()),
        ];
        for size in sizes {
            assert!(readme.contains(&size), "README.md does not say `{}`", size.trim());
        }
        for id in course.exercises() {
            let row = readme
                .split("| [")
                .find(|row| row.starts_with(&format!("`{id}`]")))
                .unwrap_or_else(|| panic!("README.md has no row for {id}"));
            let wanted = format!("| {} | {} |", content.about(id).unwrap().minutes, rules::names(&content, id).len());
            assert!(row.contains(&wanted), "the row of {id} in README.md does not end with `{wanted}`: {row}");
        }
    }

    #[test]
    fn every_exercise_has_all_its_files() {
        let missing = missing(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert!(missing.is_empty(), "{}", missing.join("\n"));
    }

    #[test]
    fn blocks_are_replaced_and_nothing_else() {
        let manifest = "a\n# >>> bins: written by `splitbrain dev sync`\nold\n# <<< bins\nz\n";
        let wanted = "a\n# >>> bins: written by `splitbrain dev sync`\nnew\n# <<< bins\nz\n";
        assert_eq!(replace_block(manifest, "bins", "new\n").unwrap(), wanted);
        assert!(replace_block("a\n", "bins", "").unwrap_err().message.contains("# <<< bins"));
    }
}
