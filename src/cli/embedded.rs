//! The files that the program carries, by their path in the repository, sorted. Written by `splitbrain dev sync`;
//! if a file was deleted and this does not compile any more, delete its line by hand first.

/// Path and text.
#[rustfmt::skip]
pub static FILES: &[(&str, &str)] = &[
    ("exercises/course.toml", include_str!("../../exercises/course.toml")),
    ("src/check/mod.rs", include_str!("../../src/check/mod.rs")),
    ("src/lib.rs", include_str!("../../src/lib.rs")),
    ("src/report.rs", include_str!("../../src/report.rs")),
    ("src/rng.rs", include_str!("../../src/rng.rs")),
    ("src/time.rs", include_str!("../../src/time.rs")),
    ("src/trace/mod.rs", include_str!("../../src/trace/mod.rs")),
    ("src/trace/text.rs", include_str!("../../src/trace/text.rs")),
];
