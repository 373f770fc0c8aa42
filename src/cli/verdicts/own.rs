//! What this program does to build, judge and read a verdict, as it was compiled: a verdict that was kept by another program may
//! be another one. Written by `splitbrain dev sync`; if a file was deleted and this does not compile any more, delete its line by
//! hand first.

/// Path and text.
#[rustfmt::skip]
pub static FILES: &[(&str, &str)] = &[
    ("src/cli/commands/mutants.rs", include_str!("../commands/mutants.rs")),
    ("src/cli/layout.rs", include_str!("../layout.rs")),
    ("src/cli/mutants.rs", include_str!("../mutants.rs")),
    ("src/cli/render/human.rs", include_str!("../render/human.rs")),
    ("src/cli/render/human/tests.rs", include_str!("../render/human/tests.rs")),
    ("src/cli/render/json.rs", include_str!("../render/json.rs")),
    ("src/cli/render/junit.rs", include_str!("../render/junit.rs")),
    ("src/cli/render/mod.rs", include_str!("../render/mod.rs")),
    ("src/cli/render/own.rs", include_str!("../render/own.rs")),
    ("src/cli/render/steps.rs", include_str!("../render/steps.rs")),
    ("src/cli/runner/answer.rs", include_str!("../runner/answer.rs")),
    ("src/cli/runner/build.rs", include_str!("../runner/build.rs")),
    ("src/cli/runner/crash.rs", include_str!("../runner/crash.rs")),
    ("src/cli/runner/ends.rs", include_str!("../runner/ends.rs")),
    ("src/cli/runner/env.rs", include_str!("../runner/env.rs")),
    ("src/cli/runner/group.rs", include_str!("../runner/group.rs")),
    ("src/cli/runner/inputs.rs", include_str!("../runner/inputs.rs")),
    ("src/cli/runner/known.rs", include_str!("../runner/known.rs")),
    ("src/cli/runner/lines.rs", include_str!("../runner/lines.rs")),
    ("src/cli/runner/mod.rs", include_str!("../runner/mod.rs")),
    ("src/cli/runner/modules.rs", include_str!("../runner/modules.rs")),
    ("src/cli/runner/obstacle.rs", include_str!("../runner/obstacle.rs")),
    ("src/cli/runner/own.rs", include_str!("../runner/own.rs")),
    ("src/cli/runner/package.rs", include_str!("../runner/package.rs")),
    ("src/cli/runner/prints.rs", include_str!("../runner/prints.rs")),
    ("src/cli/runner/process.rs", include_str!("../runner/process.rs")),
    ("src/cli/runner/stall.rs", include_str!("../runner/stall.rs")),
    ("src/cli/runner/tree.rs", include_str!("../runner/tree.rs")),
    ("src/cli/verdicts.rs", include_str!("../verdicts.rs")),
];
