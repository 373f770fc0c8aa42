//! What child processes inherit. Under `cargo run` and `cargo test` we carry cargo's variables, and users have their own:
//! `RUSTFLAGS` would rebuild everything, `CARGO_BUILD_TARGET` would build what cannot run here, a `CARGO_PROFILE_…` would
//! judge under other conditions than anywhere else.

use std::ffi::OsStr;

/// Variables of cargo that say where things are, not how to build.
const KEPT: [&str; 2] = ["CARGO_HOME", "CARGO_TARGET_DIR"];
/// And those that say how to reach a registry.
const KEPT_PREFIXES: [&str; 4] = ["CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTR", "CARGO_SOURCE_"];

/// Variables to take away from a child's environment.
pub fn unwanted(names: impl Iterator<Item = std::ffi::OsString>) -> Vec<std::ffi::OsString> {
    let names: Vec<_> = names.collect();
    let under_cargo = names.iter().any(|n| n == "CARGO_MANIFEST_DIR");
    names.into_iter().filter(|name| is_unwanted(name, under_cargo)).collect()
}

fn is_unwanted(name: &OsStr, under_cargo: bool) -> bool {
    let Some(name) = name.to_str() else { return false };
    match name {
        "RUSTFLAGS"
        | "RUSTDOCFLAGS"
        | "RUSTC"
        | "RUSTC_WRAPPER"
        | "RUSTC_WORKSPACE_WRAPPER"
        | "RUST_RECURSION_COUNT"
        | "RUST_BACKTRACE" => true,
        "RUST_LIB_BACKTRACE" | "RUST_MIN_STACK" | "CARGO" => true,
        // Set by the `cargo` that started us, it names that one's toolchain; set by the user, it is their choice.
        "RUSTUP_TOOLCHAIN" => under_cargo,
        _ => name.starts_with("CARGO_") && !KEPT.contains(&name) && !KEPT_PREFIXES.iter().any(|p| name.starts_with(p)),
    }
}

/// True if the user says where executables go.
#[must_use]
pub fn has_target_dir() -> bool {
    std::env::var_os("CARGO_TARGET_DIR").is_some_and(|dir| !dir.is_empty())
}

/// Takes them away, and switches backtraces off: they cost a tenth of a second, and our report names file and line.
pub fn clean(command: &mut tokio::process::Command) {
    for name in unwanted(std::env::vars_os().map(|(name, _)| name)) {
        command.env_remove(name);
    }
    // Cargo refuses a folder without a name; who empties a variable means that there is none.
    if !has_target_dir() {
        command.env_remove("CARGO_TARGET_DIR");
    }
    command.env("RUST_BACKTRACE", "0");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_children_do_not_inherit() {
        let gone = |names: &[&str]| -> Vec<String> {
            unwanted(names.iter().map(Into::into)).into_iter().map(|n| n.into_string().unwrap()).collect()
        };
        let names = ["PATH", "CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_NET_OFFLINE", "CARGO_BUILD_TARGET", "RUSTFLAGS", "RUSTUP_TOOLCHAIN"];
        assert_eq!(gone(&names), ["CARGO_BUILD_TARGET", "RUSTFLAGS"]);
        let names = ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "RUSTUP_TOOLCHAIN", "RUSTUP_HOME", "CARGO_PROFILE_DEV_OPT_LEVEL"];
        assert_eq!(gone(&names), ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "RUSTUP_TOOLCHAIN", "CARGO_PROFILE_DEV_OPT_LEVEL"]);
    }
}
