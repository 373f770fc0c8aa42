//! What an exercise's process says of itself, taken only from its hidden tests: the text that came back sealed (see
//! `crate::seal`), and that says what the program knows already. What a learner's code writes there is no report.

use super::Options;
use super::known::Known;
use super::process::{End, Output, Ran, run};
use crate::cli::error::{Result, Trouble};
use crate::report::{Report, Verdict};
use crate::seal::{Key, parse_refusal};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

/// A report has some hundred kilobytes at most; what is longer is none.
const MOST: usize = 16 << 20;

/// What came back.
#[derive(Debug)]
pub enum Answer {
    /// A whole report.
    Report(Box<Report>),
    /// The tests could not run: the exit code that it is worth, and why.
    Refused(u8, String),
    /// Nothing, or less than a whole report of a process that died.
    Nothing,
    /// Something that the tests did not write; what is wrong with it.
    Forged(String),
}

/// Runs an exercise's process, and takes its answer.
///
/// # Errors
/// If it cannot be started.
pub async fn ask(program: &Path, args: &[String], dir: &Path, output: Output, deadline: Duration) -> Result<(Ran, Answer)> {
    let cannot = |e: std::io::Error| Trouble::environment(format!("cannot communicate with {}: {e}", program.display()));
    let mut bytes = [0; 16];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).map_err(cannot)?;
    let key = Key::of(bytes);
    let (mut ours, theirs) = UnixStream::pair().map_err(cannot)?;
    ours.write_all(key.to_text().as_bytes()).and_then(|()| ours.shutdown(Shutdown::Write)).map_err(cannot)?;
    ours.set_nonblocking(true).map_err(cannot)?;
    let ours = tokio::net::UnixStream::from_std(ours).map_err(cannot)?;
    let said = Arc::new(Mutex::new(Vec::new()));
    let listening = tokio::spawn(listen(ours, Arc::clone(&said)));
    let mut args = args.to_vec();
    args.push("--sealed".to_owned());
    let ran = run(program, &args, dir, Stdio::from(OwnedFd::from(theirs)), output, deadline).await?;
    // A grandchild that left the group may still hold the other end: it is not waited for.
    let _ = tokio::time::timeout(Duration::from_millis(500), listening).await;
    let said = std::mem::take(&mut *said.lock().expect("nobody panics with it"));
    let answer = read(key, &said, &ran);
    Ok((ran, answer))
}

async fn listen(mut pipe: tokio::net::UnixStream, said: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(n @ 1..) = pipe.read(&mut buffer).await {
        let mut said = said.lock().expect("nobody panics with it");
        // One byte too many is kept, so that it is seen. The rest is taken, so that nobody waits.
        let room = (MOST + 1).saturating_sub(said.len());
        said.extend_from_slice(&buffer[..n.min(room)]);
    }
}

fn read(key: Key, said: &[u8], ran: &Ran) -> Answer {
    if said.len() > MOST {
        return Answer::Forged(format!("it is longer than {} MiB", MOST >> 20));
    }
    let text = std::str::from_utf8(said).ok().and_then(|text| key.open(text));
    let Some(text) = text else {
        // A process that is killed while it writes leaves half of it.
        let ended = matches!(ran.end, End::Exited(status) if status.code().is_some());
        return if said.is_empty() || !ended { Answer::Nothing } else { Answer::Forged("it does not carry their seal".to_owned()) };
    };
    if let Some((code, why)) = parse_refusal(text) {
        return Answer::Refused(code, why.to_owned());
    }
    match Report::parse(text) {
        Ok(report) => Answer::Report(Box::new(report)),
        Err(why) => Answer::Forged(why),
    }
}

/// What a report of that exercise cannot say, if the hidden tests of this version wrote it.
pub fn at_odds(report: &Report, known: Option<&Known>, options: &Options) -> Option<String> {
    if report.verdict != report.overall() || report.tests.is_empty() {
        return Some("its verdict does not follow from its tests".to_owned());
    }
    let known = known?;
    if report.exercise != known.exercise {
        return Some(format!("it is about {}, not about {}", report.exercise, known.exercise));
    }
    let names = report.tests.iter().map(|test| test.name.as_str());
    let expected: Vec<&str> = match &options.test {
        Some(test) => vec![test],
        None => known.tests.iter().map(|test| test.name.as_str()).collect(),
    };
    if !names.eq(expected.iter().copied()) {
        return Some(format!("it has {} hidden tests, and their names differ from the {} known ones", report.tests.len(), expected.len()));
    }
    if report.verdict != Verdict::Passed || options.test.is_some() {
        return None;
    }
    let asked = options.runs.unwrap_or(if options.thorough { 10_000 } else { 1_000 });
    for (test, known) in report.tests.iter().zip(&known.tests) {
        let runs = known.cases + known.storms * asked / 1_000 + if known.in_swarm { asked } else { 0 };
        if test.runs != runs {
            return Some(format!("{} was tried in {} runs and cases, not in {runs}", test.name, test.runs));
        }
    }
    let first_seed = options.seed.unwrap_or(0);
    (report.first_seed != first_seed).then(|| format!("its first seed is {}, not {first_seed}", report.first_seed))
}

#[cfg(test)]
mod tests {
    use super::super::known;
    use super::*;
    use crate::report::{Layer, Test};

    #[test]
    fn an_answer_that_is_too_long_is_taken_and_not_kept() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        // It comes to its end: nobody waits for a reader.
        let writer = std::thread::spawn(move || (0..48).try_for_each(|_| theirs.write_all(&vec![b'x'; MOST / 16])));
        let kept = Arc::clone(&said);
        runtime.block_on(async { listen(tokio::net::UnixStream::from_std(ours).unwrap(), kept).await });
        writer.join().unwrap().unwrap();
        let said = said.lock().unwrap();
        assert_eq!(said.len(), MOST + 1);
        let ended = std::os::unix::process::ExitStatusExt::from_raw(0);
        let ran = Ran { end: End::Exited(ended), stdout: Default::default(), stderr: Default::default(), wall: Duration::ZERO };
        assert!(matches!(read(Key::of([0; 16]), &said, &ran), Answer::Forged(why) if why.contains("longer than 16 MiB")));
    }

    fn test(name: &str, runs: u64) -> Test {
        let (name, title) = (name.to_owned(), String::new());
        Test { name, title, layer: Layer::Swarm, verdict: Verdict::Passed, runs, explored: Vec::new(), finding: None }
    }

    fn asked(test: Option<&str>) -> Options {
        Options { test: test.map(str::to_owned), ..Options::of(Duration::from_secs(20)) }
    }

    fn report() -> Report {
        Report {
            exercise: "echo".to_owned(),
            verdict: Verdict::Passed,
            first_seed: 0,
            runs: 1_000,
            judge_micros: 0,
            first: None,
            coverage: Vec::new(),
            lessons: Vec::new(),
            tests: vec![test("sums", 3), test("no_crash", 1_000)],
        }
    }

    #[test]
    fn a_pass_says_what_is_known_and_nothing_else() {
        let known = known::read("echo sums 3\necho no_crash 0 runs\nother sums 1\n", "echo").unwrap();
        let options = asked(None);
        let odd = |report: &Report| at_odds(report, Some(&known), &options).unwrap_or_default();
        assert_eq!(odd(&report()), "");
        let but = |change: fn(&mut Report)| {
            let mut report = report();
            change(&mut report);
            odd(&report)
        };
        assert!(but(|r| r.tests.clear()).contains("does not follow"));
        assert!(but(|r| r.tests[0].verdict = Verdict::Failed).contains("does not follow"));
        assert!(but(|r| r.exercise = "other".to_owned()).contains("about other"));
        assert!(but(|r| r.tests.truncate(1)).contains("1 hidden tests"));
        assert!(but(|r| r.tests[0].name = "sum".to_owned()).contains("their names differ"));
        assert!(but(|r| r.tests[0].runs = 2).contains("2 runs and cases"));
        assert!(but(|r| r.tests[1].runs = 999).contains("999 runs"));
        assert!(but(|r| r.first_seed = 1).contains("first seed"));
        let options = asked(Some("sums"));
        assert!(at_odds(&report(), Some(&known), &options).is_some());
        assert_eq!(at_odds(&Report { tests: vec![test("sums", 3)], ..report() }, Some(&known), &options), None);
        assert_eq!(at_odds(&report(), None, &asked(None)), None, "of an exercise that is being written nothing is known");
    }
}
