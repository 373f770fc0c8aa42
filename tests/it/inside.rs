//! The tests inside contracts and judges. They are built with the feature of their exercise alone, which `cargo test` does not ask
//! for: so they are run from here, in a package without the program.

use crate::bench::{ROOT, cargo};
use splitbrain::cli::manifest;
use std::fs;
use std::path::Path;

/// How many tests stand in a file or below a folder.
fn tests_in(path: &Path) -> usize {
    if !path.exists() {
        return 0;
    }
    if path.is_dir() {
        return fs::read_dir(path).unwrap().flatten().map(|entry| tests_in(&entry.path())).sum();
    }
    fs::read_to_string(path).unwrap().lines().filter(|line| line.trim() == "#[test]").count()
}

/// Of each room of the kit that is compiled for some exercises alone and has tests, the first of these.
fn rooms_for_some(kit: &Path) -> Vec<String> {
    let map = fs::read_to_string(kit.join("mod.rs")).unwrap();
    let lines: Vec<&str> = map.lines().collect();
    let room = |two: &[&str]| {
        let (_, name) = two[1].strip_suffix(';')?.split_once("mod ")?;
        let feature = two[0].strip_prefix("#[cfg(any(feature = \"")?.split('"').next()?;
        let tests = tests_in(&kit.join(name)) + tests_in(&kit.join(format!("{name}.rs")));
        (tests > 0).then(|| feature.to_owned())
    };
    lines.windows(2).filter_map(room).collect()
}

#[test]
fn tests_of_contracts_and_judges() {
    let exercises = Path::new(ROOT).join("src/exercises");
    let mut ids: Vec<String> = fs::read_dir(&exercises).unwrap().flatten().map(|e| e.file_name().into_string().unwrap()).collect();
    ids.retain(|id| tests_in(&exercises.join(id)) > 0);
    ids.extend(rooms_for_some(&exercises.join("kit")));
    ids.sort();
    ids.dedup();
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("inside");
    fs::create_dir_all(&dir).unwrap();
    let features: Vec<&str> = ids.iter().map(String::as_str).collect();
    let manifest = manifest::core(&features, &format!("{ROOT}/engine"));
    fs::write(dir.join("Cargo.toml"), format!("{manifest}\n[lib]\npath = \"{ROOT}/src/lib.rs\"\n[workspace]\n")).unwrap();
    let output = cargo(&dir).args(["test", "--offline", "--lib", "--features", &features.join(",")]).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    let ran: usize = said.lines().find_map(|line| line.strip_prefix("running ")?.split(' ').next()?.parse().ok()).unwrap();
    assert_eq!(ran, tests_in(&exercises), "a test in {} was not run:\n{said}", exercises.display());
}
