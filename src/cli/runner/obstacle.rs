//! What stands in the way of a build that is not the learner's code, told from what cargo, rustc, rustup and the linker say of
//! it; and in one sentence what to do. What is not known here is shown as it was said.

/// Words of theirs, and our sentence.
const KNOWN: &[(&[&str], &str)] = &[
    (
        &["No space left on device", "os error 28", "Disk quota exceeded"],
        "the disk is full: `cargo clean` in this folder frees what was built; then try again",
    ),
    (
        &["(signal: 25", "File too large (os error"],
        "a limit of this shell keeps files smaller than a build needs: `ulimit -f unlimited` lifts it, then try again",
    ),
    (
        &["is not installed\nhelp: run `rustup toolchain", "toolchain is not installed", "is not installed for the toolchain"],
        "the Rust that a rust-toolchain file (here or in a folder above) or RUSTUP_TOOLCHAIN asks for is not installed: install it, \
         or put your own rust-toolchain.toml beside Cargo.toml",
    ),
    (
        &["rustup could not choose a version", "could not create home directory", "no default toolchain configured"],
        "rustup does not find its toolchains: set HOME or RUSTUP_HOME to where they were installed, or run `rustup default stable`",
    ),
    (
        &["edition2024", "is not supported by the following package", "requires rustc", "edition specified in the manifest"],
        concat!("this Rust is too old: ", env!("CARGO_PKG_RUST_VERSION"), " or newer is needed; `rustup update stable` installs it"),
    ),
    (
        &["can't find crate for `std`", "can't find crate for `core`", "Exec format error"],
        "exercises must be built for this machine, but a .cargo/config.toml (here, above, or in your home) sets another `build.target`: \
         remove it there",
    ),
    (&["linker `"], "there is no linker: install a C compiler (`apt install gcc`, `dnf install gcc`, `xcode-select --install`)"),
    (
        &["no matching package named", "you're using offline mode", "--offline was specified", "failed to select a version for"],
        "exercises are built offline, and Cargo.toml names a crate that is not on this machine: run `cargo fetch` in this folder once, \
         with a network; or remove the crate from Cargo.toml",
    ),
    (&["package cache lock", ".package-cache"], "cargo cannot write to its own folder: set CARGO_HOME to a folder that you can write to"),
    (
        &["Permission denied (os error 13)", "Read-only file system"],
        "cargo has no permission to write its build output: change the owner of this folder, or set CARGO_TARGET_DIR to a folder that you can write to",
    ),
];

/// The sentence, with the line of theirs that it rests on.
#[must_use]
pub fn sentence(said: &str) -> Option<String> {
    let (word, ours) = KNOWN.iter().find_map(|(words, ours)| Some((words.iter().find(|w| said.contains(**w))?, ours)))?;
    // The linker's name stands before "not found"; elsewhere a linker that is named has found something to complain about.
    if *word == "linker `" && !said.contains("` not found") {
        return None;
    }
    let first = word.lines().next().unwrap_or_default();
    let line = said.lines().find(|line| line.contains(first)).unwrap_or_default();
    Some(format!("{ours}\n  ({})", crate::cli::wrap::clipped(&crate::cli::sanitize::visible(line.trim(), false), 200)))
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn what_is_said_of_what_they_say() {
        let begins = |said: &str| sentence(said).unwrap_or_default().split(':').next().unwrap_or_default().to_owned();
        assert_eq!(begins("error: failed to write `x`\n\nCaused by:\n  No space left on device (os error 28)"), "the disk is full");
        assert!(
            begins("error: toolchain '1.70.0' is not installed\nhelp: run `rustup toolchain install` to install it")
                .starts_with("the Rust that a rust-toolchain file")
        );
        assert!(begins("error: rustup could not choose a version of cargo to run").starts_with("rustup does not find"));
        assert_eq!(begins("error: rustc 1.70.0 is not supported by the following package:"), "this Rust is too old");
        assert!(begins("error[E0463]: can't find crate for `std`").starts_with("exercises must be built for this machine"));
        assert_eq!(begins("error: linker `cc` not found\n |\n"), "there is no linker");
        assert_eq!(sentence("error: linking with linker `cc` failed: exit status: 1"), None);
        assert!(begins("error: failed to acquire package cache lock").starts_with("cargo cannot write to its own folder"));
        let limit = "error: could not compile `x`\n\nCaused by:\n  didn't exit successfully: `rustc` (signal: 25)";
        assert!(begins(limit).starts_with("a limit of this shell keeps files smaller"));
        assert!(begins("error: failed to write `x`: File too large (os error 27)").starts_with("a limit of this shell"));
        assert_eq!(sentence("error: expected one of `!` or `::`"), None);
    }
}
