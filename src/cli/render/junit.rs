//! Outcomes as `JUnit`'s XML, for machines that show test results.

use crate::cli::runner::Outcome;
use crate::cli::words::brief;
use crate::report::{Test, Verdict};
use std::fmt::Write as _;

/// The outcomes of all exercises that were checked, as one document.
#[must_use]
pub fn document(outcomes: &[Outcome]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"splitbrain\">\n");
    for Outcome { report, build, judge, .. } in outcomes {
        let failures = report.tests.iter().filter(|t| is_failure(t)).count();
        let errors = report.tests.iter().filter(|t| t.verdict != Verdict::Passed).count() - failures;
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{:.3}\">",
            escaped(&report.exercise),
            report.tests.len(),
            (*build + *judge).as_secs_f64(),
        );
        for test in &report.tests {
            case(&mut out, &report.exercise, test);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
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
        let outcome = Outcome { report, build: ms(200), judge: ms(300), errors: vec![], printed: 0 };
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
