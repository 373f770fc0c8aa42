//! Outcomes as `JUnit`'s XML, for machines that show test results.

use crate::cli::figures::plural;
use crate::cli::runner::{Outcome, OwnTests};
use crate::cli::wrap::brief;
use crate::report::{Test, Verdict};
use std::fmt::Write as _;

/// The outcomes of all exercises that were checked, as one document.
#[must_use]
pub fn document(outcomes: &[Outcome]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"splitbrain\">\n");
    for Outcome { report, build, judge, own, .. } in outcomes {
        let mut failures = report.tests.iter().filter(|t| is_failure(t)).count();
        let mut errors = report.tests.iter().filter(|t| t.verdict != Verdict::Passed).count() - failures;
        let own = own.as_ref().map(cases_of_own).unwrap_or_default();
        failures += own.failures;
        errors += own.errors;
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{:.3}\">",
            escaped(&report.exercise),
            report.tests.len() + own.count,
            (*build + *judge).as_secs_f64(),
        );
        for test in &report.tests {
            case(&mut out, &report.exercise, test);
        }
        out.push_str(&own.text);
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// The learner's own tests, under a class of their own. Of those that hold the number is known, not the names: they are one case.
#[derive(Default)]
struct Own {
    text: String,
    count: usize,
    failures: usize,
    errors: usize,
}

fn cases_of_own(own: &OwnTests) -> Own {
    let mut text = String::new();
    let mut put = |name: &str, body: Option<(&str, &str, &str)>| {
        let _ = write!(text, "    <testcase classname=\"own tests\" name=\"{}\"", escaped(name));
        let _ = match body {
            None => writeln!(text, "/>"),
            Some((kind, message, said)) => {
                let (message, said) = (escaped(&brief(message)), escaped(said));
                writeln!(text, ">\n      <{kind} type=\"own\" message=\"{message}\">{said}</{kind}>\n    </testcase>")
            }
        };
    };
    if own.passed > 0 {
        put(&plural(own.passed, "own test passes", "own tests pass"), None);
    }
    for failure in &own.failed {
        let at = failure.at.iter().map(|(file, line)| format!("at {file}:{line}")).collect::<String>();
        put(&failure.name, Some(("failure", &failure.said, &at)));
    }
    let why = own.why();
    if let Some(why) = &why {
        put("all of them are run", Some(("error", why, "")));
    }
    let errors = usize::from(why.is_some());
    Own { text, count: usize::from(own.passed > 0) + own.failed.len() + errors, failures: own.failed.len(), errors }
}

/// A rule that is broken, or code that is not there yet; all else (a crash, code that does not compile) is an error.
fn is_failure(test: &Test) -> bool {
    matches!(test.verdict, Verdict::Failed | Verdict::Unfinished)
}

fn case(out: &mut String, exercise: &str, test: &Test) {
    let _ = write!(out, "    <testcase classname=\"{}\" name=\"{}\"", escaped(exercise), escaped(&test.name));
    if test.verdict == Verdict::Passed {
        out.push_str("/>\n");
        return;
    }
    let kind = if is_failure(test) { "failure" } else { "error" };
    let finding = test.finding.as_ref();
    let seen = finding.map_or_else(String::new, |f| brief(&f.seen));
    let mut text = test.title.clone();
    if let Some(f) = finding {
        let at = f.at.iter().map(|(file, line)| format!("\nat {file}:{line}")).collect::<String>();
        let seed = f.seed.iter().map(|n| format!("\nseed {n}")).collect::<String>();
        text.push_str(&(at + &seed));
    }
    let (seen, text) = (escaped(&seen), escaped(&text));
    let _ = writeln!(out, ">\n      <{kind} type=\"{}\" message=\"{seen}\">{text}</{kind}>\n    </testcase>", test.verdict.name());
}

/// For attributes and text. What XML 1.0 cannot hold at all, not even escaped, becomes `U+FFFD`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Finding, Layer, Report};
    use std::time::Duration;

    #[test]
    fn one_of_each() {
        let finding = Finding { seen: "a < b & \"c\"\u{1b}".into(), seed: Some(7), at: Some(("x.rs".into(), 3)), ..Finding::default() };
        let test = |name: &str, verdict, finding| Test {
            name: name.into(),
            title: "a title".into(),
            layer: Layer::Swarm,
            verdict,
            runs: 1,
            explored: vec![],
            finding,
        };
        let report = Report {
            exercise: "g_counter".into(),
            verdict: Verdict::Failed,
            first_seed: 0,
            runs: 1,
            judge_micros: 1,
            first: None,
            coverage: vec![],
            lessons: vec![],
            tests: vec![
                test("one", Verdict::Passed, None),
                test("two", Verdict::Failed, Some(finding.clone())),
                test("three", Verdict::Crashed, Some(finding)),
            ],
        };
        let ms = Duration::from_millis;
        let outcome = Outcome { report, build: ms(200), judge: ms(300), errors: vec![], printed: 0, own: None };
        insta::assert_snapshot!(document(&[outcome]), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="splitbrain">
          <testsuite name="g_counter" tests="3" failures="1" errors="1" time="0.500">
            <testcase classname="g_counter" name="one"/>
            <testcase classname="g_counter" name="two">
              <failure type="failed" message="a &lt; b &amp; &quot;c&quot;�">a title&#10;at x.rs:3&#10;seed 7</failure>
            </testcase>
            <testcase classname="g_counter" name="three">
              <error type="crashed" message="a &lt; b &amp; &quot;c&quot;�">a title&#10;at x.rs:3&#10;seed 7</error>
            </testcase>
          </testsuite>
        </testsuites>
        "#);
    }
}
