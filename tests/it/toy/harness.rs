//! A tiny stand-in for the library, to drive the program without the simulator: an exercise is `fn(u64) -> u64`, which must
//! give back what it gets. It keeps the contract of an exercise's process: report, crumbs, tape, markers, one unit.

use crate::report::{self, Finding, First, Layer, Report, Test, Verdict};
use crate::seal::{Door, refusal};
use crate::time::Time;
use crate::trace::{Event, Lane, Trace, What};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;

static PANICKED: Mutex<Option<(String, String, u32)>> = Mutex::new(None);

pub fn main(echo: fn(u64) -> u64) -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| args.iter().position(|a| a == name).and_then(|i| args.get(i + 1)).cloned();
    let door = args.iter().any(|a| a == "--sealed").then(|| Door::open().unwrap());
    if value("--test").is_some_and(|t| t != "gives_back") {
        let message = "there is no hidden test of that name; there are: gives_back";
        door.unwrap().send(&refusal(2, message)).unwrap();
        return ExitCode::from(2);
    }
    std::panic::set_hook(Box::new(|info| {
        let at = info.location().unwrap();
        *PANICKED.lock().unwrap() = Some((info.payload_as_str().unwrap_or("?").to_owned(), at.file().to_owned(), at.line()));
    }));
    let only = value("--one").and_then(|u| u.strip_prefix("seed:")?.parse::<u64>().ok());
    let retried = value("--first").and_then(|unit| {
        let seed = unit.strip_prefix("seed:")?.parse::<u64>().ok()?;
        let holds = || (1..=2).all(|step| echo(seed + step) == seed + step);
        Some(First { unit, fine: catch_unwind(AssertUnwindSafe(holds)).unwrap_or(false), gone: None })
    });
    let first: u64 = value("--seed").and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut test = Test {
        name: "gives_back".to_owned(),
        title: "what comes in goes out".to_owned(),
        layer: Layer::Swarm,
        verdict: Verdict::Passed,
        runs: 0,
        explored: vec![],
        finding: None,
    };
    for seed in only.map_or(first..first + 5, |n| n..n + 1) {
        if let Some(crumbs) = value("--crumbs") {
            fs::write(crumbs, format!("{:<20}\n{:<20}\n", format!("seed:{seed}"), "idle")).unwrap();
        }
        test.runs += 1;
        let mut trace = Trace::default();
        let mut finding = Finding::default();
        let mut result = Ok(());
        for step in 1..=2 {
            let what = What::Receives { from: Lane::Client(0), id: step, text: format!("{}", seed + step) };
            let event = Event { step, at: Time::from_micros(step * 1_000), lane: Lane::Node(0), what };
            if let Some(tape) = value("--tape") {
                use std::io::Write as _;
                let mut file = fs::File::options().append(true).create(true).open(tape).unwrap();
                writeln!(file, "{}", report::encode_line("event", &event.to_fields())).unwrap();
            }
            trace.push(event);
            if args.iter().any(|a| a == "--markers") {
                println!("\u{1e}{step}");
            }
            result = match catch_unwind(AssertUnwindSafe(|| echo(seed + step))) {
                Ok(n) if n == seed + step => Ok(()),
                Ok(n) => Err((Verdict::Failed, format!("n1 was given {} and gave {n}", seed + step))),
                Err(_) => {
                    let (message, file, line) = PANICKED.lock().unwrap().take().unwrap();
                    finding.at = Some((file, line));
                    let todo = message.starts_with("not yet implemented");
                    Err((if todo { Verdict::Unfinished } else { Verdict::Crashed }, message))
                }
            };
            if result.is_err() {
                break;
            }
        }
        if let Err((verdict, seen)) = result {
            test.verdict = verdict;
            let why = "an echo that lies is no echo.".to_owned();
            test.finding = Some(Finding { seen, why, seed: Some(seed), trace, ..finding });
            break;
        }
    }
    let verdict = test.verdict;
    let exercise = "../../toy".to_owned();
    let report = Report {
        exercise,
        verdict,
        first_seed: first,
        runs: 5,
        judge_micros: 7,
        first: retried,
        coverage: vec![],
        lessons: vec!["echoes are simple.".to_owned()],
        tests: vec![test],
    };
    if let Some(door) = door {
        door.send(&report.to_text()).unwrap();
    }
    ExitCode::from(u8::from(verdict != Verdict::Passed))
}
