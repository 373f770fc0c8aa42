//! A verdict can be trusted: what a learner's process writes, exits with or breaks on its way is never taken for a pass, and
//! never takes the verdicts of others away. On the toy course for what does not depend on the harness, on real exercises for
//! what does.

use crate::bench::{ROOT, Said, shared_toy, splitbrain, toy_file};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use tempfile::TempDir;

/// A learner's folder.
fn prep() -> &'static Path {
    static PREP: OnceLock<TempDir> = OnceLock::new();
    let dir = PREP.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(splitbrain(dir.path(), &["init"]).code, Some(0));
        dir
    });
    dir.path()
}

fn check_toy(name: &str, text: &str, options: &[&str]) -> Said {
    let file = shared_toy().join(format!("{name}.rs"));
    fs::write(&file, text).unwrap();
    splitbrain(shared_toy(), &[&["check", "toy", "--file", &file.display().to_string()], options].concat())
}

/// The reference or another file with another `main`, and items behind it.
fn with_main(exercise: &str, text: &str, main: &str) -> String {
    let before = text.split("fn main()").next().unwrap();
    let path = prep().join(format!("{exercise}_{:x}.rs", main.len()));
    fs::write(&path, format!("{before}{main}")).unwrap();
    path.display().to_string()
}

fn solution(exercise: &str) -> String {
    fs::read_to_string(format!("{ROOT}/solutions/{exercise}.rs")).unwrap()
}

fn stub(exercise: &str) -> String {
    fs::read_to_string(format!("{ROOT}/exercises/{exercise}/{exercise}.rs")).unwrap()
}

fn json(said: &Said) -> serde_json::Value {
    serde_json::from_str(said.out.lines().next().unwrap_or_default()).unwrap_or_else(|e| panic!("{e}: {}", said.shown()))
}

const FORGED: &str = "not one that the hidden tests wrote";
/// A passed report, as anybody can write one.
const PASSED: &str = r#""splitbrain-report\t1\nexercise\ttoy\nverdict\tpassed\nseeds\t0\t5\njudge_micros\t7\ntest\tgives_back\twhat comes in goes out\tswarm\tpassed\t5\nend\n""#;

/// Each of these passes nothing, and says what it did. (`BACK` is the one end of the line to the program.)
#[test]
fn a_process_cannot_write_its_own_report() {
    let back = "use std::io::Write as _; use std::os::fd::FromRawFd as _;\n#[allow(unused)] fn back() -> std::fs::File { unsafe { std::fs::File::from_raw_fd(0) } }\n";
    let wrong = toy_file("if n == 3 { 4 } else { n }");
    let wrong = wrong.split("fn main()").next().unwrap();
    for (name, main, said) in [
        // The report was once a file, named in the arguments.
        (
            "to_the_argument",
            format!(
                "if let Some(path) = std::env::args().skip_while(|a| a != \"--report\").nth(1) {{ std::fs::write(path, {PASSED}).unwrap() }} std::process::exit(0)"
            ),
            "exit code 0",
        ),
        ("without_a_seal", format!("back().write_all({PASSED}.as_bytes()).unwrap(); std::process::exit(0)"), FORGED),
        (
            "with_a_guessed_seal",
            format!("write!(back(), \"{{}}seal\\t0123456789abcdef\\n\", {PASSED}).unwrap(); std::process::exit(0)"),
            FORGED,
        ),
        (
            "first_and_the_right_one_after",
            format!("back().write_all({PASSED}.as_bytes()).unwrap(); splitbrain::harness::main(echo)"),
            FORGED,
        ),
        (
            "after_the_end",
            format!("let code = splitbrain::harness::main(echo); back().write_all({PASSED}.as_bytes()).unwrap(); code"),
            FORGED,
        ),
        ("a_refusal", "back().write_all(b\"refusal\\t4\\na bug\\n\").unwrap(); std::process::exit(4)".to_owned(), FORGED),
        ("nothing_at_all", "std::process::exit(0)".to_owned(), "exit code 0, and left no verdict"),
    ] {
        let text = format!("{back}{wrong}fn main() -> std::process::ExitCode {{ {main} }}\n");
        let done = check_toy(name, &text, &[]);
        assert!(done.code == Some(1) && done.out.contains(said), "{name}: {}", done.shown());
        assert!(!done.out.contains("passed"), "{name}: {}", done.shown());
        let junit = check_toy(name, &text, &["--format", "junit"]);
        assert!(junit.out.contains("<failure") || junit.out.contains("<error"), "{name}: {}", junit.shown());
    }
}

/// A pass is one if the process leaves as one that passed.
#[test]
fn a_pass_ends_well() {
    let right = toy_file("n");
    let right = right.split("fn main()").next().unwrap();
    for (name, main, said) in [
        ("leaves_with_3", "let _ = splitbrain::harness::main(echo); std::process::exit(3)", "exit code 3"),
        ("panics_in_main", "let _ = splitbrain::harness::main(echo); panic!(\"so long\")", "exit code 101"),
        ("aborts_in_main", "let _ = splitbrain::harness::main(echo); std::process::abort()", "aborted"),
    ] {
        let done = check_toy(name, &format!("{right}fn main() -> std::process::ExitCode {{ {main} }}\n"), &[]);
        assert!(
            done.code == Some(1) && done.out.contains("Every hidden test passed. After that") && done.out.contains(said),
            "{}",
            done.shown()
        );
    }
}

/// The tests of another exercise, or tests of one's own, are not the tests of this one.
#[test]
fn other_tests_are_not_the_tests() {
    let dir = prep();
    let suite = "use splitbrain::suite::{Run, Suite, Swarm};\nfn none() -> Suite { Suite::new(\"g_counter\", &[], Swarm { rules: &[], must_meet: &[], \
                 run: Box::new(|_, _| Run { check: Ok(()), coverage: Default::default(), lessons: vec![], fingerprints: vec![], shrunk: None }) }) }\n";
    let own = with_main(
        "g_counter",
        &stub("g_counter"),
        &format!("fn main() -> std::process::ExitCode {{ splitbrain::harness::main(none) }}\n{suite}"),
    );
    let done = splitbrain(dir, &["check", "g_counter", "--file", &own]);
    assert!(done.code == Some(1) && done.out.contains(FORGED), "{}", done.shown());
    let renamed = with_main(
        "g_counter",
        &stub("g_counter"),
        &format!(
            "fn main() -> std::process::ExitCode {{ splitbrain::harness::main(|| Suite {{ exercise: \"pn_counter\", ..none() }}) }}\n{suite}"
        ),
    );
    let done = splitbrain(dir, &["check", "g_counter", "--file", &renamed]);
    assert!(done.code == Some(1) && done.out.contains("it is about pn_counter"), "{}", done.shown());
}

/// What breaks outside of a handler, or before the tests, is the learner's, with its line; nothing is a bug of ours.
#[test]
fn what_breaks_outside_of_a_handler_is_the_learners() {
    let sum = "self.counts.values().sum()";
    let main = "fn main() -> std::process::ExitCode {";
    let derived = "#[derive(Clone, Debug, Hash)]\nstruct Replica";
    for (name, old, new, said, has_line) in [
        (
            "panic_in_drop",
            main,
            "impl Drop for Replica {\n    fn drop(&mut self) {\n        panic!(\"dropped\")\n    }\n}\nfn main() -> std::process::ExitCode {",
            "dropped",
            true,
        ),
        (
            "abort_in_drop",
            main,
            "impl Drop for Replica {\n    fn drop(&mut self) {\n        std::process::abort()\n    }\n}\nfn main() -> std::process::ExitCode {",
            "aborted",
            false,
        ),
        (
            "panic_in_debug",
            derived,
            "impl std::fmt::Debug for Replica {\n    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {\n        panic!(\"shown\")\n    }\n}\n#[derive(Clone, Hash)]\nstruct Replica",
            "shown",
            true,
        ),
        (
            "panic_in_hash",
            derived,
            "impl std::hash::Hash for Replica {\n    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {\n        panic!(\"hashed\")\n    }\n}\n#[derive(Clone, Debug)]\nstruct Replica",
            "hashed",
            true,
        ),
        (
            "panic_in_clone",
            derived,
            "impl Clone for Replica {\n    fn clone(&self) -> Self {\n        panic!(\"cloned\")\n    }\n}\n#[derive(Debug, Hash)]\nstruct Replica",
            "cloned",
            true,
        ),
        ("a_hook_of_its_own", sum, "std::panic::set_hook(Box::new(|_| {})); panic!(\"hooked\")", "hooked", false),
        (
            "a_payload_that_panics",
            sum,
            "struct Bomb; impl Drop for Bomb { fn drop(&mut self) { panic!(\"gone off\") } } std::panic::panic_any(Bomb)",
            "panic",
            true,
        ),
        (
            "exit_in_main",
            main,
            "fn main() -> std::process::ExitCode { std::process::exit(2); #[allow(unreachable_code)]",
            "exit code 2, and left no verdict",
            false,
        ),
        (
            "exit_before_main",
            main,
            "extern \"C\" fn early() { std::process::exit(2) }\n#[used]\n#[unsafe(link_section = \".init_array\")]\nstatic EARLY: extern \"C\" fn() = early;\nfn main() -> std::process::ExitCode {",
            "exit code 2",
            false,
        ),
    ] {
        let text = solution("g_counter");
        assert!(text.contains(old), "{name}: the reference has changed");
        let path = prep().join(format!("{name}.rs"));
        fs::write(&path, text.replacen(old, new, 1)).unwrap();
        let done = splitbrain(prep(), &["check", "g_counter", "--file", &path.display().to_string(), "--format", "json"]);
        // What is derived may never be called: then it passes.
        assert!(done.code == Some(1) || (name == "panic_in_clone" && done.code == Some(0)), "{name}: {}", done.shown());
        let report = json(&done);
        if report["verdict"] == "passed" {
            continue;
        }
        assert_eq!(report["verdict"], "crashed", "{name}: {}", done.shown());
        let broken: Vec<_> = report["tests"].as_array().unwrap().iter().filter(|t| t["verdict"] == "crashed").collect();
        assert!(broken.iter().any(|t| t["seen"].as_str().unwrap().contains(said)), "{name}: {}", done.shown());
        let at = |t: &&serde_json::Value| t["file"].as_str().is_some_and(|f| f.contains(name)) && t["line"].as_u64().is_some();
        assert!(!has_line || broken.iter().any(at), "{name}: {}", done.shown());
    }
}

/// One file that ends the process before its tests takes no verdict of another away.
#[test]
fn one_file_does_not_spoil_the_others() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(splitbrain(dir.path(), &["init"]).code, Some(0));
    let broken = solution("g_counter").replacen(
        "fn main() -> std::process::ExitCode {",
        "fn main() -> std::process::ExitCode { std::process::exit(4); #[allow(unreachable_code)]",
        1,
    );
    fs::write(dir.path().join("exercises/g_counter/g_counter.rs"), broken).unwrap();
    fs::write(dir.path().join("exercises/durable_note/durable_note.rs"), solution("durable_note")).unwrap();
    let done = splitbrain(dir.path(), &["check", "--all", "--format", "junit"]);
    assert_eq!(done.code, Some(1), "{}", done.shown());
    let suite = |id: &str| {
        let (_, rest) = done.out.split_once(&format!("<testsuite name=\"{id}\"")).unwrap_or_else(|| panic!("{id}: {}", done.shown()));
        rest.split("</testsuite>").next().unwrap().to_owned()
    };
    assert!(suite("g_counter").contains("exit code 4"), "{}", done.shown());
    assert!(suite("durable_note").contains("failures=\"0\" errors=\"0\""), "{}", done.shown());
    assert!(suite("view_counter").contains("unfinished"), "{}", done.shown());
}

/// What each exercise's reference reports is what the program knows of it.
#[test]
fn the_hidden_tests_are_known() {
    let dir = prep();
    let done = splitbrain(dir, &["check", "--all", "--solution", "--format", "json"]);
    let mut wanted = String::new();
    for line in done.out.lines() {
        let report: serde_json::Value = serde_json::from_str(line).unwrap();
        let runs = report["runs"].as_u64().unwrap();
        for test in report["tests"].as_array().unwrap() {
            let (name, n) = (test["name"].as_str().unwrap(), test["runs"].as_u64().unwrap());
            let (cases, swarm) = if runs > 0 && n >= runs { (n - runs, " runs") } else { (n, "") };
            writeln!(wanted, "{} {name} {cases}{swarm}", report["exercise"].as_str().unwrap()).unwrap();
        }
    }
    let right = format!("{ROOT}/target/tmp/hidden_tests.txt");
    let there = fs::read_to_string(format!("{ROOT}/exercises/hidden_tests.txt")).unwrap_or_default();
    if wanted != there {
        fs::write(&right, &wanted).unwrap();
        panic!(
            "the hidden tests are not those of exercises/hidden_tests.txt; what it should be was written: cp target/tmp/hidden_tests.txt exercises/, then look at the difference\n{}",
            done.err
        );
    }
    assert_eq!(done.code, Some(0), "{}", done.shown());
}
