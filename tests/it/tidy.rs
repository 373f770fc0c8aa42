//! What a reviewer would otherwise have to look for each time: who imports whom, what may not stand in the core, how long a
//! file is, and whether what is written in two places is the same. By reading the text of the repository: what the compiler
//! and clippy check is left to them. Each failure names the file and the fix.

use crate::bench::ROOT;
use crate::code::{code_of, paths_after};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Which module of the library may use which others. The same table stands in `src/lib.rs` and in CONTRIBUTING.md, in words.
const LAYERS: &[(&str, &[&str])] = &[
    ("rng", &[]),
    ("hash", &[]),
    ("time", &[]),
    ("words", &[]),
    ("sources", &[]),
    ("rule", &["trace"]),
    ("seal", &[]),
    ("trace", &["time", "words"]),
    ("report", &["rule", "time", "trace"]),
    ("suite", &["report", "rule", "trace"]),
    ("check", &["hash", "rng", "time", "trace", "words"]),
    ("bench", &["rng", "rule", "sim", "suite", "time", "trace"]),
    ("sim", &["hash", "rng", "rule", "suite", "time", "trace", "words"]),
    ("echo", &[]),
    ("prelude", &["sim", "time"]),
    ("exercises", &["bench", "check", "echo", "hash", "rng", "rule", "sim", "suite", "time", "trace", "words"]),
    ("harness", &["echo", "report", "rule", "seal", "sim", "suite", "time", "trace", "words"]),
    ("cli", &["report", "rng", "rule", "seal", "time", "trace", "words"]),
];

/// Exceptions for one file, each with its reason.
const DOORS: &[(&str, &str, &str)] =
    &[("src/cli/author/prove.rs", "check", "the linter of quizzes proves answer keys with the checkers: the one door")];

/// What makes two runs of one seed differ, or takes the learner's process away from under its verdict; and where it may stand.
const NOT_IN_THE_CORE: &[(&str, &str, &[&str])] = &[
    (
        "Instant",
        "take `crate::time::Time`: virtual time",
        &[
            "engine/src/echo.rs",
            "engine/src/harness/deadline.rs",
            "engine/src/harness/early.rs",
            "engine/src/harness/mod.rs",
            "engine/src/harness/pool.rs",
            "engine/src/harness/replay.rs",
            "engine/src/harness/verdicts.rs",
        ],
    ),
    ("SystemTime", "take `crate::time::Time`: virtual time", &[]),
    (
        "thread::",
        "runs are spread over threads by harness/pool.rs alone",
        &[
            "engine/src/echo.rs",
            "engine/src/harness/early.rs",
            "engine/src/harness/mod.rs",
            "engine/src/harness/pool.rs",
            "engine/src/harness/watchdog.rs",
        ],
    ),
    ("HashMap", "its order differs from run to run: take BTreeMap, or `crate::hash::FastMap` for look-up alone", &["engine/src/hash.rs"]),
    (
        "HashSet",
        "its order differs from run to run: take BTreeSet, or `crate::hash::FastSet` for membership alone",
        &["engine/src/hash.rs"],
    ),
    ("RandomState", "its keys differ from run to run: take `crate::hash::of`", &[]),
    ("process::exit", "return an ExitCode: an exit skips the report", &["engine/src/harness/exit.rs"]),
    ("Command::new", "another process is asked through `crate::echo`", &["engine/src/echo.rs"]),
    ("std::net", "the network is simulated", &[]),
    ("std::env", "options are read by the harness alone", &["engine/src/echo.rs", "engine/src/harness/mod.rs"]),
];

/// Files over [`LINES_MAX`] lines, each with its reason.
const LONG: &[(&str, &str)] = &[("engine/src/sim/world/mod.rs", "the event loop, whose parts are in files of their own already")];
const LINES_MAX: usize = 500;

/// Lists of files that `dev sync` writes.
const GENERATED: [&str; 3] = ["src/cli/embedded.rs", "engine/src/sources.rs", "src/cli/author/verdicts/own.rs"];

/// Rules that no mutant has for its own, each with its reason.
const IMPLIED: &[(&str, &str, &str)] =
    &[("raft_election", "one_leader_per_term", "it follows from one_vote_per_term and majority_wins, which name the mistake itself")];

/// The texts of the repository (path, text), by a walk over the folders that hold some: what else lies in a clone is the
/// business of who put it there.
fn texts() -> Vec<(String, String)> {
    let mut paths = Vec::new();
    for folder in ["src", "engine", "tests", "benches", "exercises", "solutions", "quizzes", ".ci"] {
        walk(folder, &mut paths);
    }
    for name in ["Cargo.toml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "clippy.toml", "rustfmt.toml"] {
        paths.push(name.to_owned());
    }
    paths.sort();
    let read = |path: String| fs::read_to_string(Path::new(ROOT).join(&path)).map(|text| (path.clone(), text)).map_err(|e| (path, e));
    paths.into_iter().map(|path| read(path).unwrap_or_else(|(path, e)| panic!("{path} cannot be read as text: {e}"))).collect()
}

fn walk(folder: &str, paths: &mut Vec<String>) {
    for entry in fs::read_dir(Path::new(ROOT).join(folder)).unwrap_or_else(|e| panic!("{folder}/ cannot be read: {e}")).flatten() {
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{folder}/{name}");
        if entry.path().is_dir() {
            walk(&path, paths);
        } else if !name.starts_with('.') && !name.ends_with(".snap.new") && !name.ends_with(".pending-snap") {
            paths.push(path);
        }
    }
}

fn rust(folder: &str) -> Vec<(String, String)> {
    texts().into_iter().filter(|(path, _)| path.starts_with(folder) && path.ends_with(".rs")).collect()
}

/// The Rust files of the library with their code alone: neither comments nor strings nor tests, which may use whatever they
/// need.
pub fn library() -> Vec<(String, String)> {
    let files =
        rust("src/").into_iter().chain(rust("engine/src/")).filter(|(path, _)| !path.ends_with("/tests.rs") && !path.contains("/tests/"));
    let code = |text: &str| code_of(text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text));
    files.map(|(path, text)| (path, code(&text))).collect()
}

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|e| panic!("{path} cannot be read: {e}"))
}

/// The ids of the curriculum, by the lines `exercises = […]`.
fn ids() -> Vec<String> {
    let course = text("exercises/course.toml");
    let lists = course.split("exercises = [").skip(1).filter_map(|rest| rest.split_once(']').map(|(list, _)| list));
    let ids: Vec<String> = lists.flat_map(|list| list.split('"').skip(1).step_by(2)).map(str::to_owned).collect();
    assert!(!ids.is_empty(), "exercises/course.toml: found only {ids:?}: this test does not understand the file any more");
    ids
}

fn none(problems: &[String]) {
    let once: BTreeSet<&str> = problems.iter().map(String::as_str).collect();
    assert!(once.is_empty(), "\n{}\n", once.into_iter().collect::<Vec<_>>().join("\n"));
}

/// `engine/src/sim/world/faults.rs` → `["sim", "world", "faults"]`.
fn module_of(path: &str) -> Vec<&str> {
    let parts = path.trim_start_matches("engine/").trim_start_matches("src/").trim_end_matches(".rs").split('/');
    parts.filter(|p| !matches!(*p, "mod" | "lib" | "main")).collect()
}

#[test]
fn layers() {
    let table: BTreeMap<_, _> = LAYERS.iter().copied().collect();
    let mut problems = Vec::new();
    for (path, code) in library() {
        let module = module_of(&path);
        let Some(&own) = module.first() else { continue };
        let Some(allowed) = table.get(own) else {
            problems
                .push(format!("{path}: module `{own}` is in no layer: add it to LAYERS in tests/it/tidy.rs and to the map in src/lib.rs"));
            continue;
        };
        for used in paths_after(&code, module.len()) {
            let other = used[0].as_str();
            if other == own {
                // No exercise another one, and the kit none.
                if own == "exercises" && used.get(1).is_some_and(|id| id != "kit" && Some(&id.as_str()) != module.get(1)) {
                    problems.push(format!("{path} uses exercise `{}`: move what both need to `exercises::kit`", used[1]));
                }
            } else if table.contains_key(other)
                && !allowed.contains(&other)
                && !DOORS.iter().any(|(file, module, _)| (*file, *module) == (path.as_str(), other))
            {
                problems.push(format!("{path} uses `crate::{other}`, and `{own}` may use only {allowed:?}: see the layers in src/lib.rs"));
            }
        }
    }
    none(&problems);
}

/// Who may use whom is said in three places.
#[test]
fn the_tables_of_layers_agree() {
    let known = |word: &str| LAYERS.iter().any(|(module, _)| *module == word);
    for page in ["src/lib.rs", "CONTRIBUTING.md"] {
        let mut said = BTreeMap::new();
        for row in text(page).lines().filter_map(|line| line.trim_start_matches("//! ").strip_prefix("| ")) {
            let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
            let (modules, uses) = (cells[0].split('`').skip(1).step_by(2), cells[cells.len() - 1].split(';').next().unwrap_or_default());
            let uses: Vec<&str> = uses.split(", ").filter(|word| known(word)).collect();
            said.extend(modules.filter(|module| known(module)).map(|module| (module.to_owned(), uses.join(", "))));
        }
        let held: BTreeMap<String, String> = LAYERS.iter().map(|(module, uses)| ((*module).to_owned(), uses.join(", "))).collect();
        assert_eq!(said, held, "left what {page} says, right LAYERS in tests/it/tidy.rs: let them agree");
    }
}

/// The map of the program has each of its rooms, once.
#[test]
fn the_map_of_the_program_is_whole() {
    let page = text("src/cli/mod.rs");
    let rows = page.lines().filter_map(|line| line.strip_prefix("//! | ")?.rsplit_once(" | `"));
    let mut mapped: Vec<&str> = rows.flat_map(|(_, rooms)| rooms.split(|c: char| !c.is_alphanumeric() && c != '_')).collect();
    mapped.retain(|word| !word.is_empty());
    mapped.sort_unstable();
    let there: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(mapped, there, "left the map at the top of src/cli/mod.rs, right its modules, sorted: let them agree");
}

/// A learner's file uses its own contract and the prelude, and so does whatever stands in its place.
#[test]
fn what_implementations_import() {
    let mut problems = Vec::new();
    for folder in ["exercises/", "solutions/", "tests/alternatives/"] {
        for (path, text) in rust(folder) {
            let file = path.trim_start_matches(folder).trim_end_matches(".rs");
            let id = file.split('/').next().unwrap_or_default();
            for used in paths_after(&code_of(&text).replace("splitbrain::", "crate::"), 1) {
                let fine = match used[0].as_str() {
                    "exercises" => used.get(1).is_none_or(|u| u == id),
                    "prelude" | "harness" | "sim" | "time" => true,
                    _ => false,
                };
                if !fine {
                    problems.push(format!(
                        "{path} uses `splitbrain::{}`: a learner has prelude, harness and the own contract",
                        used.join("::")
                    ));
                }
            }
        }
    }
    none(&problems);
}

#[test]
fn nothing_in_the_core_makes_two_runs_differ() {
    let mut problems = Vec::new();
    let mut needed = BTreeSet::new();
    for (path, code) in library().into_iter().filter(|(path, _)| !path.starts_with("src/cli/")) {
        for (word, fix, places) in NOT_IN_THE_CORE {
            let place = places.iter().find(|p| **p == path);
            if let Some(place) = place.filter(|_| code.contains(word)) {
                needed.insert((*word, *place));
            } else if let Some(line) = code.lines().position(|l| l.contains(word)) {
                problems.push(format!("{path}:{}: `{word}` is not for the core: {fix}", line + 1));
            }
        }
    }
    let listed = NOT_IN_THE_CORE.iter().flat_map(|(word, _, places)| places.iter().map(move |p| (*word, *p)));
    problems.extend(
        listed.filter(|l| !needed.contains(l)).map(|(word, p)| format!("{p} has no `{word}`: take it off the list in tests/it/tidy.rs")),
    );
    none(&problems);
}

/// Whoever asks what time it is asks the program's clock, which tests can stop. A test that asks the machine is red on some
/// mornings, in some places, or on a busy machine.
const MOMENTS: &[(&str, &str)] = &[
    ("SystemTime::now", "ask `cli::clock`; in tests, `bench::now`"),
    ("Timestamp::now", "ask `cli::clock`; in tests, `bench::now`"),
    ("Zoned::now", "ask `cli::clock`; in tests, `bench::now`"),
    ("TimeZone::system", "ask `cli::clock`; in tests, `bench::now`"),
    ("SPLITBRAIN_NOW", "ask `cli::clock`; in tests, `bench::now`"),
];

#[test]
fn the_time_comes_through_one_door() {
    let doors = ["src/cli/clock.rs", "tests/it/bench.rs", "tests/it/tidy.rs"];
    let mut problems = Vec::new();
    for (path, text) in [rust("src/"), rust("tests/it/")].concat() {
        for (number, line) in text.lines().enumerate().filter(|_| !doors.contains(&path.as_str())) {
            let code = line.split("//").next().unwrap_or_default();
            let found = MOMENTS.iter().filter(|(word, _)| code.contains(word));
            problems.extend(found.map(|(word, fix)| format!("{path}:{}: `{word}`: {fix}", number + 1)));
        }
    }
    none(&problems);
}

/// A test that measures a span, or waits for one and looks then, fails on a machine that is busy with something else.
const SPANS: [&str; 3] = ["Instant::now", ".elapsed()", "thread::sleep"];
/// Where they may stand in tests, each with its reason.
const SPANS_MAY: &[(&str, &str, &str)] = &[
    ("tests/it/patience.rs", "", "the one place that waits"),
    ("engine/src/harness/tests.rs", "Instant::now", "when the judging began, which a report says"),
];

#[test]
fn tests_wait_in_one_place() {
    let words = |path: &str| [&SPANS[..], if path.starts_with("tests/it/") { &["Duration::from_"] } else { &[] }].concat();
    let mut problems = Vec::new();
    for (path, text) in [rust("tests/it/"), rust("src/"), rust("engine/src/")].concat() {
        // Of a file with tests at its end, these.
        let whole = path.starts_with("tests/it/") || path.ends_with("/tests.rs") || path.contains("/tests/");
        let code = code_of(&text);
        let from = if whole { Some(0) } else { code.find("\n#[cfg(test)]\nmod tests {") };
        for (number, line) in code.lines().enumerate().skip(from.map_or(usize::MAX, |at| code[..at].lines().count())) {
            let may = |word: &str| SPANS_MAY.iter().any(|(file, allowed, _)| *file == path && word.contains(allowed));
            let found = words(&path).into_iter().filter(|word| line.contains(word) && !may(word));
            problems.extend(found.map(|word| {
                format!(
                    "{path}:{}: `{word}` in a test: wait for what is to be seen (tests/it/patience.rs), and measure in benches/",
                    number + 1
                )
            }));
        }
    }
    none(&problems);
}

#[test]
fn files_are_short() {
    let mut problems = Vec::new();
    for (path, text) in texts().into_iter().filter(|(path, _)| path.ends_with(".rs") && !GENERATED.contains(&path.as_str())) {
        let (lines, listed) = (text.lines().count(), LONG.iter().any(|(p, _)| *p == path));
        if lines > LINES_MAX && !listed {
            problems.push(format!("{path} has {lines} lines: split it where a part has a name of its own (at most {LINES_MAX})"));
        } else if lines <= LINES_MAX && listed {
            problems.push(format!("{path} has {lines} lines: take it off LONG in tests/it/tidy.rs"));
        }
        // A `tests.rs` is for the file above it.
        if !text.starts_with("//!") && !path.ends_with("/tests.rs") {
            problems.push(format!("{path} does not say what it is for: begin it with a `//!` paragraph"));
        }
    }
    none(&problems);
}

/// The rules of an exercise: the constants that its judge gives to the `name` of a `Rule`.
fn rules_of(id: &str) -> BTreeSet<String> {
    let judge: String = rust(&format!("src/exercises/{id}/judge")).into_iter().map(|(_, text)| text).collect();
    let names = judge.split("name: ").skip(1).filter_map(|rest| rest.split_once(',').map(|(name, _)| name.trim()));
    let value = |name: &str| match name.strip_prefix('"') {
        Some(literal) => Some(literal.trim_end_matches('"').to_owned()),
        None => Some(judge.split_once(&format!("const {name}: &str = \""))?.1.split_once('"')?.0.to_owned()),
    };
    let rules: BTreeSet<String> = names.filter_map(value).collect();
    assert!(!rules.is_empty(), "src/exercises/{id}/judge: found no rule: this test does not understand the file any more");
    rules
}

#[test]
fn rules_are_the_same_in_judge_readme_and_mutants() {
    let mut problems = Vec::new();
    for id in ids() {
        let rules = rules_of(&id);
        let path = format!("exercises/{id}/README.md");
        let readme = text(&path);
        let section = readme.split_once("\n## The rules\n").map_or("", |(_, rest)| rest.split("\n## ").next().unwrap_or(rest));
        let row = |line: &str| Some(line.strip_prefix("| `").or(line.strip_prefix("- `"))?.split_once('`')?.0.to_owned());
        let told: BTreeSet<String> = section.lines().filter_map(row).collect();
        problems.extend(rules.difference(&told).map(|r| format!("{path}: rule `{r}` is not under \"The rules\": add it")));
        problems.extend(told.difference(&rules).map(|r| format!("{path}: no judge has a rule `{r}`: the judge's name, or leave it out")));
        let path = format!("tests/mutants/{id}.toml");
        let broken: BTreeSet<String> =
            text(&path).lines().filter_map(|l| Some(l.strip_prefix("breaks = \"")?.split_once('"')?.0.to_owned())).collect();
        let asleep = rules.difference(&broken).filter(|r| !IMPLIED.iter().any(|(i, rule, _)| (*i, *rule) == (id.as_str(), r.as_str())));
        problems.extend(asleep.map(|r| format!("{path}: no mutant breaks `{r}`: add one, or the rule may be asleep")));
        let common = ["deterministic", "no_crash", "bounded_work"].map(str::to_owned);
        let unknown = broken.difference(&rules).filter(|r| !common.contains(r));
        problems.extend(unknown.map(|r| format!("{path}: `breaks = \"{r}\"` names no rule of the judge: correct it")));
    }
    none(&problems);
}

/// Where a test may stand: what `cargo test` at the root builds, and `inside.rs` what it does not.
const TESTED: [&str; 3] = ["src/", "engine/src/", "tests/it/"];

/// A test that no command runs says nothing.
#[test]
fn every_test_is_run() {
    let manifest = text("Cargo.toml");
    let cli = manifest.lines().find(|line| line.starts_with("cli = [")).expect("the feature `cli`");
    let mut problems = Vec::new();
    for (path, text) in texts().into_iter().filter(|(path, _)| path.ends_with(".rs")) {
        let code = code_of(&text);
        // What stands for somebody else's file is no code of ours.
        let is_ours = !path.starts_with("benches/beside/");
        if is_ours && code.contains("#[test]") && !TESTED.iter().any(|folder| path.starts_with(folder)) {
            problems.push(format!("{path} has a test, and none of its folder is run: put it in one of {TESTED:?}"));
        }
        // Of the exercises, whose features `inside.rs` asks for, and of the program, whose feature is there by default.
        for feature in text.lines().filter_map(|line| Some(line.trim().strip_prefix("#[cfg(feature = \"")?.split_once('"')?.0)) {
            let on = feature == "cli" || cli.contains(&format!("splitbrain-engine/{feature}\"")) || path == "src/exercises/mod.rs";
            if !on {
                problems.push(format!("{path} is built in part with feature `{feature}` alone, which no test has: let `cli` ask for it"));
            }
        }
    }
    none(&problems);
}

/// A verdict that was kept is that of the sources it hangs on: an exercise's are in its folder.
#[test]
fn an_exercise_stands_in_its_folder() {
    let mut problems = Vec::new();
    for (path, code) in library().into_iter().filter(|(path, _)| path.starts_with("src/exercises/")) {
        let words = ["include!", "include_str!", "include_bytes!", "#[path", "env!"].into_iter().filter(|word| code.contains(word));
        problems.extend(words.map(|word| format!("{path}: `{word}`: what `src/cli/author/verdicts.rs` does not see may not be read")));
    }
    none(&problems);
}

#[test]
fn the_manifest_and_the_folders_agree() {
    let manifest = text("Cargo.toml");
    let field = |name: &str| manifest.split_once(&format!("\n{name} = \"")).and_then(|(_, rest)| Some(rest.split_once('"')?.0)).unwrap();
    let (version, rust_version) = (field("version"), field("rust-version"));
    let mut problems = Vec::new();
    if !text("CHANGELOG.md").lines().any(|l| l.starts_with(&format!("## {version}"))) {
        problems.push(format!("CHANGELOG.md: add `## {version}`, with what is new in it"));
    }
    if !text("README.md").contains(&format!("Rust {rust_version}")) {
        problems.push(format!("README.md: name the minimum, \"Rust {rust_version}\", as Cargo.toml does"));
    }
    let mut files = Vec::new();
    walk("benches", &mut files);
    let names: BTreeSet<String> = files
        .iter()
        .filter_map(|p| p.strip_prefix("benches/")?.strip_suffix(".rs"))
        .filter(|n| !n.contains('/'))
        .map(str::to_owned)
        .collect();
    let tables: BTreeSet<String> =
        manifest.split("\n[[bench]]\nname = \"").skip(1).filter_map(|t| t.split_once('"')).map(|(n, _)| n.to_owned()).collect();
    problems.extend(
        names.symmetric_difference(&tables).map(|n| {
            format!("bench `{n}`: benches/{n}.rs and `[[bench]] name = \"{n}\"`, `harness = false` in Cargo.toml belong together")
        }),
    );
    for entry in fs::read_dir(Path::new(ROOT).join("tests")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if name.ends_with(".rs") {
            problems.push(format!("tests/{name} would be a test binary of its own: make it a module of tests/it/main.rs"));
        }
    }
    none(&problems);
}

/// A path of somebody's machine helps nobody else.
#[test]
fn no_text_names_a_local_path() {
    // In two halves, so that this file may be read as well.
    let local = [["/wo", "rk/"], ["/ro", "ot/"], ["/ho", "me/"], ["/Use", "rs/"]].map(|halves| halves.concat());
    let mut problems = Vec::new();
    for (path, text) in texts() {
        for (number, line) in text.lines().enumerate() {
            if let Some(found) = local.iter().find(|l| line.contains(l.as_str())) {
                problems.push(format!("{path}:{}: names `{found}`: write the path from the repository's folder", number + 1));
            }
        }
    }
    none(&problems);
}

/// The map for strangers names files and functions: they exist.
#[test]
fn what_the_map_names_exists() {
    let mut problems = Vec::new();
    for (page, text) in [("src/lib.rs", text("src/lib.rs")), ("CONTRIBUTING.md", text("CONTRIBUTING.md"))] {
        let lines = text.lines().filter(|l| page.ends_with(".md") || l.starts_with("//!"));
        for quoted in lines.flat_map(|l| l.split('`').skip(1).step_by(2)) {
            let (path, item) = quoted.split_once("::").unwrap_or((quoted, ""));
            let is_path = path.contains('/') && path.ends_with(".rs") && !path.contains(['<', ' ', '*']);
            if !is_path {
                continue;
            }
            match fs::read_to_string(Path::new(ROOT).join(path)) {
                Err(_) => problems.push(format!("{page} names `{path}`, which is not there: correct the page")),
                Ok(file) => problems.extend(
                    item.split("::")
                        .filter(|word| !file.contains(word))
                        .map(|w| format!("{page} names `{quoted}`, and {path} has no `{w}`")),
                ),
            }
        }
    }
    none(&problems);
}
