//! What came of the learner's own tests, for people: below the verdict of the hidden tests, and told apart from it.

use super::Scene;
use super::compile_errors::compile_errors;
use crate::cli::figures::plural;
use crate::cli::runner::{OwnFailure, OwnTests};
use crate::cli::sanitize::visible;
use crate::cli::wrap::{clipped, wrap};
use std::fmt::Write as _;

/// Failures that are shown with what they said.
const SHOWN: usize = 5;
/// Lines of what one of them said.
const LINES: usize = 12;

/// The block; it begins on a line of its own.
#[must_use]
pub fn tests(own: &OwnTests, scene: &Scene) -> String {
    let mut out = String::new();
    let (style, failed) = (scene.style, own.failed.len() as u64);
    let mut parts = vec![format!("{} passed", own.passed), format!("{failed} failed")];
    parts.extend((own.ignored > 0).then(|| format!("{} ignored", own.ignored)));
    let said = if own.errors.is_empty() { parts.join(", ") } else { "do not compile".to_owned() };
    let mark = if own.hold() { style.good("✓") } else { style.bad("✗") };
    let _ = writeln!(out, "\n{mark} {}", style.strong(&format!("Your own tests: {said}")));
    for OwnFailure { name, at, said } in own.failed.iter().take(SHOWN) {
        let place = at.iter().map(|(file, line)| format!("  {file}:{line}")).collect::<String>();
        let _ = writeln!(out, "  {} {}", style.bad("✗"), visible(&format!("{name}{place}"), false));
        let lines: Vec<&str> = said.lines().collect();
        for line in lines.iter().take(LINES) {
            let _ = writeln!(out, "      {}", clipped(&visible(line, false), scene.width.saturating_sub(6).max(20)));
        }
        if lines.len() > LINES {
            let _ = writeln!(out, "      {}", style.faint(&format!("… {} more", plural((lines.len() - LINES) as u64, "line", "lines"))));
        }
    }
    if own.failed.len() > SHOWN {
        let _ = writeln!(out, "  {}", style.faint(&format!("… {} more failed: `cargo test` shows them all", own.failed.len() - SHOWN)));
    }
    if let Some(why) = &own.ended {
        let mut lines = why.lines();
        out.push_str(&wrap(&visible(lines.next().unwrap_or_default(), false), "  Not all were run: ", scene.width));
        for line in lines.take(LINES) {
            let _ = writeln!(out, "      {}", clipped(&visible(line, false), scene.width.saturating_sub(6).max(20)));
        }
    }
    compile_errors(&mut out, &own.errors);
    if !own.hold() {
        out.push_str(&wrap("The verdict of the exercise comes from the hidden tests above.", "  ", scene.width));
    }
    out
}
