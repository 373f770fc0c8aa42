//! What surrounds a check: variables, configuration, folders, tools. Each works, or is said in one sentence with what to do.

use crate::bench::{Said, program, toy, toy_file};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tempfile::TempDir;

fn check(dir: &Path, envs: &[(&str, &str)]) -> Said {
    let mut command = program(dir);
    command.env_remove("CARGO_TARGET_DIR").envs(envs.iter().copied());
    let output = command.args(["check", "toy"]).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// A toy course that passes, in a folder of that name.
fn passing(name: &str) -> TempDir {
    let parent = tempfile::tempdir().unwrap();
    fs::rename(toy().keep(), parent.path().join(name)).unwrap();
    fs::write(parent.path().join(name).join("exercises/toy/toy.rs"), toy_file("n")).unwrap();
    parent
}

#[track_caller]
fn passes(said: &Said) {
    assert!(said.code == Some(0) && said.out.contains("the hidden test holds"), "{}", said.shown());
}

#[test]
fn variables_and_names_of_folders() {
    let parent = passing("mit Platz, é und 漢字 'x'");
    let dir = fs::read_dir(parent.path()).unwrap().next().unwrap().unwrap().path();
    passes(&check(&dir, &[]));
    assert!(dir.join("target/judge/toy").is_file());
    // What would build for another machine, with other flags, by another compiler.
    let hostile = [
        ("CARGO_BUILD_TARGET", "wasm32-unknown-unknown"),
        ("RUSTFLAGS", "--cfg nonsense -D warnings -C nonsense"),
        ("RUSTC", "/nowhere/rustc"),
        ("RUSTC_WRAPPER", "/nowhere/sccache"),
        ("CARGO_PROFILE_JUDGE_OPT_LEVEL", "nonsense"),
        ("CARGO_TARGET_DIR", ""),
    ];
    passes(&check(&dir, &hostile));
    let elsewhere = parent.path().join("else where");
    passes(&check(&dir, &[("CARGO_TARGET_DIR", elsewhere.to_str().unwrap())]));
    assert!(elsewhere.join("judge/toy").is_file());
    passes(&check(&dir, &[("CARGO_TARGET_DIR", "../relative")]));
    assert!(parent.path().join("relative/judge/toy").is_file());
}

#[test]
fn a_target_that_is_not_this_machine() {
    let parent = passing("prep");
    fs::create_dir(parent.path().join(".cargo")).unwrap();
    fs::write(parent.path().join(".cargo/config.toml"), "[build]\ntarget = \"wasm32-unknown-unknown\"\n").unwrap();
    let said = check(&parent.path().join("prep"), &[]);
    assert_eq!(said.code, Some(3), "{}", said.shown());
    assert!(said.err.starts_with("error: exercises must be built for this machine"), "{}", said.err);
}

/// What cargo and its kin say, played by a script in their place.
#[test]
fn one_sentence_each() {
    let parent = passing("prep");
    let bin = parent.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    for (says, sentence) in [
        (
            "toolchain '1.70.0' is not installed\nhelp: run `rustup toolchain install` to install it",
            "install it, or put your own rust-toolchain.toml",
        ),
        ("failed to write `target/x`\n\nCaused by:\n  No space left on device (os error 28)", "the disk is full"),
        ("failed to acquire package cache lock\n\nCaused by:\n  failed to open: /x/.package-cache", "set CARGO_HOME"),
        ("failed to open: target/judge/.cargo-lock\n\nCaused by:\n  Read-only file system (os error 30)", "set CARGO_TARGET_DIR"),
        ("rustc 1.80.0 is not supported by the following package:\n  splitbrain@0.1.0 requires rustc 1.89", "this Rust is too old"),
    ] {
        let cargo = bin.join("cargo");
        fs::write(&cargo, format!("#!/bin/sh\ncat >&2 <<'END'\nerror: {says}\nEND\nexit 101\n")).unwrap();
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
        let said = check(&parent.path().join("prep"), &[("PATH", &path)]);
        assert_eq!((said.code, said.out.as_str()), (Some(3), ""), "{}", said.shown());
        assert!(said.err.contains(sentence) && said.err.lines().count() <= 2, "{}", said.err);
    }
    // A cargo that is there and cannot be run.
    fs::write(bin.join("cargo"), "#!/nowhere/sh\n").unwrap();
    let said = check(&parent.path().join("prep"), &[("PATH", bin.to_str().unwrap())]);
    assert_eq!(said.code, Some(3), "{}", said.shown());
}

/// Runs a script with mounts of its own, so that a disk can really be full or read-only. `None` where the system does not
/// let us mount (said on standard error).
#[cfg(target_os = "linux")]
fn with_mounts(dir: &Path, script: &str) -> Option<String> {
    let mounts = |extra: &[&str], script: &str| {
        let mut command = program(dir);
        let program = command.get_program().to_owned();
        command = std::process::Command::new("unshare");
        command.args(["--mount", "--propagation", "private"]).args(extra).args(["sh", "-ec", script]);
        command.current_dir(dir).env("S", program).env_remove("CARGO_TARGET_DIR").stdin(std::process::Stdio::null()).output()
    };
    // As ourselves if we may, else as the root of a name space for users.
    let tried: [&[&str]; 2] = [&[], &["--user", "--map-root-user"]];
    let allowed = |extra: &&&[&str]| mounts(extra, "mount -t tmpfs none .").is_ok_and(|o| o.status.success());
    let Some(extra) = tried.iter().find(allowed) else {
        eprintln!("not tested: mounting is not allowed here");
        return None;
    };
    let output = mounts(extra, script).unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{out}{err}");
    Some(out)
}

/// No room for the folder, for what is built, for what is remembered: each is one sentence, and nothing half is left.
#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_is_really_full() {
    let dir = tempfile::tempdir().unwrap();
    let said = with_mounts(
        dir.path(),
        "mkdir m; mount -t tmpfs -o size=500k none m; cd m
         $S init prep 2>&1 || echo code $?; ls -a
         mount -o remount,size=64m .; $S init prep; cd prep; cp exercises/g_counter/g_counter.rs ../stub
         # Room for what is laid out, however much that is, and for little else.
         mount -o remount,size=$(($(du -sk .. | cut -f1) + 600))k ..
         $S check g_counter 2>&1 || echo code $?
         dd if=/dev/zero of=fill bs=1k 2>/dev/null || true
         $S hint g_counter 2>&1; $S list --format json | head -c 20; echo
         $S reset g_counter --yes 2>&1 || echo code $?
         rm fill; echo '// mine' >> exercises/g_counter/g_counter.rs
         dd if=/dev/zero of=fill bs=1k 2>/dev/null || true
         $S reset g_counter --yes 2>&1 || echo code $?
         grep -c mine exercises/g_counter/g_counter.rs",
    );
    if let Some(said) = said {
        let mut settings = crate::bench::settings(dir.path());
        // Which file is the first without room hangs on how long the files are.
        settings.add_filter(r"core/src/[^:]*", "core/src/[file]");
        settings.add_filter(r"\((error: failed|rustc-LLVM)[^\n]*No space left", "([file]: No space left");
        settings.add_filter(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ", "[now]");
        settings.bind(|| insta::assert_snapshot!("a_full_disk", said));
    }
}

/// A home, and then a folder, in which nothing can be written.
#[test]
#[cfg(target_os = "linux")]
fn what_can_only_be_read() {
    let parent = passing("prep");
    let said = with_mounts(
        parent.path(),
        "mkdir home out; mount -t tmpfs none home; mount -o remount,ro home
         PATH=$(dirname \"$(rustup which cargo 2>/dev/null || command -v cargo)\"):$PATH; export PATH
         unset CARGO_HOME; export HOME=$PWD/home; cd prep
         $S check toy | tail -n 1
         mount --bind . .; cd ../prep; mount -o remount,ro,bind .
         echo '-- the folder'; $S check toy 2>&1 || echo code $?
         CARGO_TARGET_DIR=$PWD/../out $S check toy 2>&1 || echo code $?
         $S hint toy 2>&1 || echo code $?",
    );
    if let Some(said) = said {
        crate::bench::settings(parent.path()).bind(|| insta::assert_snapshot!("only_read", said));
    }
}

/// What the tests cannot write is not the learner's crash, and no bug of ours.
#[test]
#[cfg(target_os = "linux")]
fn no_room_for_what_the_tests_write() {
    let parent = passing("prep");
    let dir = parent.path().join("prep");
    // As the library's harness says it.
    let main = "use splitbrain::seal::{Door, refusal};\nfn main() -> std::process::ExitCode {\n    \
                let why = \"this is a bug: --crumbs: No space left on device (os error 28)\";\n    \
                Door::open().unwrap().send(&refusal(4, why)).unwrap();\n    std::process::ExitCode::from(4)\n}\n";
    fs::write(dir.join("exercises/toy/toy.rs"), main).unwrap();
    let said = check(&dir, &[]);
    assert_eq!(said.code, Some(3), "{}", said.shown());
    assert!(said.err.starts_with("error: the disk is full"), "{}", said.err);
}
