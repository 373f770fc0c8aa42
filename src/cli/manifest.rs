//! The manifests of what is built: a learner's folder, the library that exercises are written against, the engine below it; and the
//! lines about exercises that they share with the repository's own. Texts alone: knows neither folders nor cargo.

use super::workspace::OWN;
use std::fmt::Write as _;

/// How exercises are built: the judge is optimized once (it runs a thousand simulations), the learner's file a little less, panics know
/// their line; the core is not built incrementally (it is never edited) and without what only a debugger reads. Overflow is still checked.
/// The engine is not optimized at all: what of it is hot is generic, and so compiled with the judge, or carries `#[inline]`, and so is
/// compiled there, too; the rest writes pictures and reports. Optimized, it was three fifths of the wait for the first verdict.
/// (The learner's file is built at level 2, as at level 1 rustc takes instances of the standard library's functions from crates below,
/// and those of the engine are slow ones. Level 2 costs a learner's file no time that could be measured.)
pub const PROFILE: &str = "[profile.dev]\nopt-level = 2\ndebug = \"line-tables-only\"\n\n\
                           [profile.dev.package.splitbrain-engine]\nopt-level = 0\nincremental = false\ndebug = false\n\
                           debug-assertions = false\noverflow-checks = true\n\n\
                           [profile.dev.package.splitbrain]\nopt-level = 3\nincremental = false\ndebug = false\n\
                           debug-assertions = false\noverflow-checks = true\n";

/// The manifest of a learner's folder.
#[must_use]
pub fn learners(ids: &[&str]) -> String {
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
        // What a learner tests in their file, `cargo test` runs.
        bins = bin_tables(ids, ""),
    )
}

/// The manifest of the exercises' library without the program; `engine` is the folder of what it stands on, as seen from there.
#[must_use]
pub fn core(ids: &[&str], engine: &str) -> String {
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
#[must_use]
pub fn engine() -> String {
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

/// `id = ["<prefix>id"]` lines and `all-exercises`; without a prefix the features are empty.
#[must_use]
pub fn feature_lines(ids: &[&str], prefix: &str) -> String {
    let mut out = String::new();
    for id in ids {
        let _ = if prefix.is_empty() { writeln!(out, "{id} = []") } else { writeln!(out, "{id} = [\"{prefix}{id}\"]") };
    }
    let _ = writeln!(out, "all-exercises = [{}]", ids.iter().map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(", "));
    out
}

/// One gated bin an exercise; `more` is what else is said of each.
#[must_use]
pub fn bin_tables(ids: &[&str], more: &str) -> String {
    let bins = ids.iter().map(|id| {
        format!("[[bin]]\nname = \"{id}\"\npath = \"exercises/{id}/{id}.rs\"\nrequired-features = [\"{id}\"]\n{more}bench = false\n")
    });
    bins.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_of_exercises() {
        assert_eq!(
            feature_lines(&["a", "b"], "splitbrain/"),
            "a = [\"splitbrain/a\"]\nb = [\"splitbrain/b\"]\nall-exercises = [\"a\", \"b\"]\n"
        );
    }
}
