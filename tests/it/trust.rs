//! A verdict can be trusted: what a learner's process writes, exits with or breaks on its way is never taken for a pass, and
//! never takes the verdicts of others away. On the toy course for what does not depend on the harness, on real exercises for
//! what does.

use crate::bench::{EXERCISES, ROOT, Said, shared_toy, splitbrain, toy_file};
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

const FORGED: &str = "The hidden tests did not write the report of this run";
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
        ("nothing_at_all", "std::process::exit(0)".to_owned(), "exit code 0, without a verdict"),
    ] {
        let text = format!("{wrong}{back}fn main() -> std::process::ExitCode {{ {main} }}\n");
        let done = check_toy(name, &text, &[]);
        assert!(done.code == Some(1) && done.out.contains(said), "{name}: {}", done.shown());
        assert!(!done.out.contains("passed") && !done.out.contains("--test"), "{name}: {}", done.shown());
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

/// Code that runs before `main` may end the process there: a verdict like others, and a whole JUnit file.
#[test]
#[cfg(target_os = "linux")]
fn what_ends_the_process_before_main_is_said() {
    let early = "#[used]\n#[unsafe(link_section = \".init_array\")]\nstatic EARLY: extern \"C\" fn() = early;\n\
                 extern \"C\" fn early() { std::process::exit(2) }\n";
    let text = format!("{}{early}", toy_file("n"));
    let done = check_toy("before_main", &text, &[]);
    assert!(done.code == Some(1) && done.out.contains("exit code 2, without a verdict"), "{}", done.shown());
    let junit = check_toy("before_main", &text, &["--format", "junit"]);
    assert_eq!(junit.code, Some(1), "{}", junit.shown());
    assert!(junit.out.contains("<error") || junit.out.contains("<failure"), "{}", junit.shown());
    assert!(junit.out.trim_end().ends_with("</testsuites>"), "{}", junit.shown());
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

/// One file that breaks in another way with each first seed: one build for all of them.
fn breaks_by_seed() -> String {
    let seed = "fn seed() -> u64 {\n    std::env::args().skip_while(|a| a != \"--seed\").nth(1).and_then(|n| n.parse().ok()).unwrap_or(0)\n}\n\
                fn is(way: u64) -> bool {\n    static SEED: std::sync::LazyLock<u64> = std::sync::LazyLock::new(seed);\n    *SEED == way\n}\n\
                fn breaks(way: u64, how: &str) {\n    if is(way) {\n        panic!(\"{how}\")\n    }\n}\n";
    let impls = "impl Drop for Replica {\n    fn drop(&mut self) {\n        breaks(1, \"dropped\")\n    }\n}\n\
                 struct Bomb;\n\
                 impl Clone for Bomb {\n    fn clone(&self) -> Bomb {\n        Bomb\n    }\n}\n\
                 impl std::fmt::Debug for Bomb {\n    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {\n        \
                 breaks(2, \"shown\");\n        if is(8) {\n            for _ in 0..30_000_000 {\n                f.write_str(\"x\")?;\n            }\n        }\n        Ok(())\n    }\n}\n\
                 impl std::hash::Hash for Bomb {\n    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {\n        breaks(3, \"hashed\")\n    }\n}\n\
                 impl PartialEq for Bomb {\n    fn eq(&self, _: &Bomb) -> bool {\n        breaks(10, \"compared\");\n        true\n    }\n}\n\
                 struct Gone;\nimpl Drop for Gone {\n    fn drop(&mut self) {\n        panic!(\"gone off\")\n    }\n}\n";
    let value = "if seed() == 4 {\n            std::panic::set_hook(Box::new(|_| {}));\n            panic!(\"hooked\")\n        }\n        \
                 if seed() == 5 {\n            std::panic::panic_any(Gone)\n        }\n        \
                 if is(9) {\n            assert_eq!((0..20_000).collect::<Vec<u32>>(), (1..20_001).collect::<Vec<u32>>())\n        }\n        \
                 let same = self.bomb == Bomb;\n        \
                 self.counts.values().sum::<u64>() + u64::from(same && (is(2) || is(8)) && self.counts.len() > 1)";
    let main = "fn main() -> std::process::ExitCode {\n    if seed() == 6 {\n        std::process::exit(2)\n    }";
    let mut text = solution("g_counter");
    for (old, new) in [
        ("struct Replica {", "struct Replica {\n    bomb: Bomb,".to_owned()),
        ("Replica { ", "Replica { bomb: Bomb, ".to_owned()),
        ("self.counts.values().sum()", value.to_owned()),
        ("fn main() -> std::process::ExitCode {", format!("{seed}{impls}{main}")),
    ] {
        assert!(text.contains(old), "the reference has changed: `{old}` is not in it");
        text = text.replacen(old, &new, 1);
    }
    let path = prep().join("breaks_by_seed.rs");
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// What breaks outside of a handler, or before the tests, is the learner's, with its line; nothing is a bug of ours. Nor is what
/// is said of it ever long.
#[test]
fn what_breaks_outside_of_a_handler_is_the_learners() {
    let file = breaks_by_seed();
    let check = |seed: &str, format: &str| {
        let done = splitbrain(prep(), &["check", "g_counter", "--file", &file, "--format", format, "--seed", seed]);
        assert!(done.code == Some(1) && done.out.len() < 64 << 10, "{seed}: {} bytes: {:.9000}", done.out.len(), done.shown());
        done
    };
    for (seed, said, has_line) in [
        ("1", "dropped", true),
        ("3", "hashed", true),
        ("4", "hooked", false),
        ("5", "panic", true),
        ("6", "exit code 2", false),
        ("9", "bytes left out", true),
        ("10", "compared", true),
    ] {
        let done = check(seed, "json");
        let report = json(&done);
        assert_eq!(report["verdict"], "crashed", "{said}: {}", done.shown());
        let broken: Vec<_> = report["tests"].as_array().unwrap().iter().filter(|t| t["verdict"] == "crashed").collect();
        assert!(broken.iter().any(|t| t["seen"].as_str().unwrap().contains(said)), "{said}: {}", done.shown());
        let at = |t: &&serde_json::Value| t.to_string().contains("breaks_by_seed.rs");
        assert!(!has_line || broken.iter().any(at), "{said}: {}", done.shown());
    }
    // Two nodes of the same history are shown: neither is what the code does, and the rule that it breaks is said all the same.
    for (seed, said) in [("2", "the `Debug` of your node panics: `shown` at"), ("8", "n1's value should be 8")] {
        let done = check(seed, "human");
        let text = done.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(said) && done.out.contains("✗ increments of different replicas add up"), "{}", done.shown());
        let same = json(&check(seed, "json"))["tests"].as_array().unwrap().iter().find(|t| t["name"] == "deterministic").cloned().unwrap();
        assert_eq!(same["verdict"], "passed", "{same}");
    }
    for seed in ["2", "9"] {
        let done = check(seed, "junit");
        assert!(done.out.contains("<testsuite name=\"g_counter\"") && done.out.trim_end().ends_with("</testsuites>"), "{}", done.shown());
    }
    // On the screen a sentence is short; whole, it is cut all the same.
    let short = check("9", "human").out;
    assert!(short.lines().count() <= 30 && short.contains("… (all of it: --verbose)"), "{short}");
    let long = splitbrain(prep(), &["check", "g_counter", "--file", &file, "--seed", "9", "--verbose"]);
    assert!(long.out.split_whitespace().collect::<Vec<_>>().join(" ").contains("bytes left out"), "{}", long.shown());
}

/// Nodes are cloned where every order is tried: a `clone` that panics there is the learner's, with its line.
#[test]
fn a_clone_that_panics_is_the_learners() {
    let bomb = "#[derive(Debug, Hash)]\nstruct Bomb;\nimpl Clone for Bomb {\n    fn clone(&self) -> Bomb {\n        panic!(\"cloned\")\n    }\n}\n";
    let mut text = solution("raft_election");
    for (old, new) in [
        ("struct Raft {", "struct Raft {\n    bomb: Bomb,".to_owned()),
        ("Raft {\n            me,", "Raft {\n            bomb: Bomb,\n            me,".to_owned()),
        ("fn main() -> std::process::ExitCode {", format!("{bomb}fn main() -> std::process::ExitCode {{")),
    ] {
        assert!(text.contains(old), "the reference has changed: `{old}` is not in it");
        text = text.replacen(old, &new, 1);
    }
    let path = prep().join("clones.rs");
    fs::write(&path, text).unwrap();
    let done = splitbrain(prep(), &["check", "raft_election", "--file", &path.display().to_string(), "--format", "json"]);
    assert_eq!(done.code, Some(1), "{}", done.shown());
    let report = json(&done);
    assert_eq!(report["verdict"], "crashed", "{}", done.shown());
    let crashed = report["tests"].as_array().unwrap().iter().find(|t| t["verdict"] == "crashed").unwrap();
    assert!(crashed["seen"].as_str().unwrap().contains("cloned") && crashed.to_string().contains("clones.rs"), "{crashed}");
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
    // Not all that there are: each that is there is built.
    let done = splitbrain(dir.path(), &["check", "g_counter", "durable_note", "view_counter", "--format", "junit"]);
    assert_eq!(done.code, Some(1), "{}", done.shown());
    let suite = |id: &str| {
        let (_, rest) = done.out.split_once(&format!("<testsuite name=\"{id}\"")).unwrap_or_else(|| panic!("{id}: {}", done.shown()));
        rest.split("</testsuite>").next().unwrap().to_owned()
    };
    assert!(suite("g_counter").contains("exit code 4"), "{}", done.shown());
    assert!(suite("durable_note").contains("failures=\"0\" errors=\"0\""), "{}", done.shown());
    assert!(suite("view_counter").contains("unfinished"), "{}", done.shown());
    what_is_no_file_does_not_spoil_the_others(dir.path());
}

/// Files that are empty, missing, or no files: each is said, and the others are judged.
fn what_is_no_file_does_not_spoil_the_others(dir: &Path) {
    let file = |id: &str| dir.join(format!("exercises/{id}/{id}.rs"));
    fs::write(file("g_counter"), "\n").unwrap();
    for id in ["pn_counter", "quorum_write", "quorum_register"] {
        fs::remove_file(file(id)).unwrap();
    }
    fs::create_dir(file("quorum_write")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(file("quorum_register")).status().unwrap().success());
    fs::write(file("hash_ring"), b"fn main() {}\xff\xfe").unwrap();
    let ids = ["g_counter", "durable_note", "view_counter", "pn_counter", "quorum_write", "quorum_register", "hash_ring"];
    let done = splitbrain(dir, &[&["check"], &ids[..], &["--format", "json"]].concat());
    assert_eq!(done.code, Some(3), "something around us, as the README says: {}", done.shown());
    let lines: Vec<serde_json::Value> = done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |id: &str| lines.iter().find(|line| line["exercise"] == id).unwrap_or_else(|| panic!("{id}: {}", done.shown()));
    for (id, verdict, said) in [
        ("g_counter", "unknown", "g_counter.rs is empty: `splitbrain reset g_counter` restores the stub"),
        ("pn_counter", "unknown", "pn_counter.rs is missing"),
        ("quorum_write", "unknown", "it is a folder, not a file"),
        ("quorum_register", "unknown", "it is a named pipe, not a file"),
        ("hash_ring", "does_not_compile", "UTF-8"),
    ] {
        let seen = of(id)["tests"][0]["seen"].as_str().unwrap();
        assert!(of(id)["verdict"] == verdict && seen.contains(said), "{id}: {}", of(id));
    }
    assert_eq!((&of("durable_note")["verdict"], &of("view_counter")["verdict"]), (&"passed".into(), &"unfinished".into()));
    // Named one by one, too, the same one twice; people are told below it.
    let done = splitbrain(dir, &["check", "pn_counter", "durable_note", "./exercises/pn_counter", "g_counter"]);
    assert_eq!(done.code, Some(3), "{}", done.shown());
    for said in ["? pn_counter", "✓ durable_note", "? g_counter", "g_counter.rs is empty", "1 of 3 exercises pass"] {
        assert!(done.out.matches(said).count() == 1, "{said}: {}", done.shown());
    }
}

/// Random runs of a judging. No rule has as many cases.
const RUNS: u64 = 1_000;

/// What each exercise's reference reports is what the program knows of it. As with the proofs, an exercise whose judge is on record as it
/// is now is built and asked if it is its turn; of the others the lines stay that were right when they were recorded.
#[test]
fn the_hidden_tests_are_known() {
    let known = fs::read_to_string(format!("{ROOT}/exercises/hidden_tests.txt")).unwrap_or_default();
    let mut wanted = String::new();
    for id in EXERCISES {
        if !crate::proof::is_judged(id) {
            let lines: Vec<&str> = known.lines().filter(|line| line.split(' ').next() == Some(id)).collect();
            assert!(!lines.is_empty(), "exercises/hidden_tests.txt has no line of {id}");
            lines.iter().for_each(|line| writeln!(wanted, "{line}").unwrap());
            continue;
        }
        let done = splitbrain(Path::new(ROOT), &["check", id, "--solution", "--format", "json"]);
        assert_eq!(done.code, Some(0), "{id}: {}", done.shown());
        let report: serde_json::Value = serde_json::from_str(done.out.lines().next().unwrap()).unwrap();
        for test in report["tests"].as_array().unwrap() {
            let (name, n) = (test["name"].as_str().unwrap(), test["runs"].as_u64().unwrap());
            // Storms come in even thousands, so an odd one is the random runs.
            let (cases, storms) = (n % RUNS, n / (2 * RUNS) * 2 * RUNS);
            let swarm = if n / RUNS % 2 == 1 { " runs" } else { "" };
            let storms = if storms > 0 { format!(" storms:{storms}") } else { String::new() };
            writeln!(wanted, "{id} {name} {cases}{swarm}{storms}").unwrap();
        }
    }
    let right = format!("{ROOT}/target/tmp/hidden_tests.txt");
    if wanted != known {
        fs::write(&right, &wanted).unwrap();
        panic!(
            "the hidden tests are not those of exercises/hidden_tests.txt; what it should be was written: cp target/tmp/hidden_tests.txt exercises/, then look at the difference"
        );
    }
}
