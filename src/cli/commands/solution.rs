//! `solution ID`: the reference beside the learner's own, or after it, after a pass or a give-up that is recorded; then what an
//! interviewer would ask next. `--diff` shows what differs.

use super::{Desk, told};
use crate::cli::disk;
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::follow_ups;
use crate::cli::likeness::{self, Row};
use crate::cli::out::Out;
use crate::cli::progress::record_give_up;
use crate::cli::prompter::{self, Leave};
use crate::cli::sanitize::visible;
use crate::cli::style::Style;
use crate::cli::wrap::{columns, wrap};
use std::io::IsTerminal as _;

/// Lines that are shown before and after what differs.
const AROUND: usize = 3;

pub fn run(id: Option<&str>, give_up: bool, diff: bool, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let desk = Desk::open(out)?;
    let id = desk.exercise_or_current(id)?;
    let entry = desk.progress.of(&id);
    if entry.passed_at.is_none() && entry.gave_up_at.is_none() {
        if !give_up && !gives_up(&id, json, out)? {
            return Ok(Exit::NotPassing);
        }
        told(record_give_up(&desk.workspace.store(), &id)?, out);
    }
    let content = desk.workspace.content();
    let reference = content.text(&format!("solutions/{id}.rs"))?;
    let path = desk.workspace.stub(&id);
    let own = disk::read_text(&path).ok();
    let next = content.about(&id)?.follow_ups;
    if json {
        let next = next.iter().map(|n| serde_json::json!({ "question": n.question, "answer": n.answer, "weak": n.weak }));
        let next: Vec<_> = next.collect();
        let same = own.as_deref().map(|own| likeness::is_same(own, &reference));
        out.json(&serde_json::json!({ "exercise": id, "reference": reference, "own": own, "same": same, "next_questions": next }));
        return Ok(Exit::Passed);
    }
    let file = desk.workspace.shown(&path);
    let text = match &own {
        None => format!("{file} does not exist; the reference:\n\n{}", out.source(&visible(&reference, true))),
        Some(own) if diff => match likeness::compare(own, &reference) {
            Some(rows) => differences(&rows, &file, out),
            None => {
                let why = format!("cannot parse {file} as Rust: `splitbrain check {id}` says where. Without --diff it is shown as it is");
                return Err(Trouble::usage(why));
            }
        },
        Some(own) => both([&visible(own, true), &visible(&reference, true)], &file, out.width(), |text| out.source(text), out.style),
    };
    let asked = if next.is_empty() { String::new() } else { format!("\n{}", follow_ups::page(&next, true, out.width(), out.style)) };
    out.page(&format!("{text}{asked}"));
    Ok(Exit::Passed)
}

/// Asks whether the learner gives up, which is remembered. Off a terminal it must be said in so many words.
fn gives_up(id: &str, json: bool, out: &Out) -> Result<bool> {
    let not_yet = || {
        Trouble::usage(format!(
            "{id} is not passed yet. `splitbrain hint {id}` gives a hint; `splitbrain solution {id} --give-up` shows the reference, and this is recorded"
        ))
    };
    if json || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(not_yet());
    }
    let question = format!("{id} is not passed yet. Give up and see the reference? (This is recorded; a later pass still counts.)");
    match prompter::for_this_process(out.ascii).confirm(&question, false) {
        Ok(yes) => Ok(yes),
        Err(Leave::Quit | Leave::DontKnow | Leave::Back) => Ok(false),
        Err(Leave::Ended(exit)) => Err(Trouble::ended(exit)),
        Err(Leave::Broken(e)) => Err(Trouble::environment(format!("cannot read from the terminal: {e}"))),
    }
}

/// Both whole: beside each other where no line is cut, else one after the other.
fn both([own, reference]: [&str; 2], file: &str, width: usize, source: impl Fn(&str) -> String, style: Style) -> String {
    let (own, reference) = (own.replace('\t', "    "), reference.replace('\t', "    "));
    let widest = |text: &str| text.lines().map(columns).max().unwrap_or(0);
    let column = widest(&own).max(columns(file)) + 3;
    if column + widest(&reference) > width {
        let (own, reference) = (source(&own), source(&reference));
        return format!("{}\n\n{}\n\n{}\n\n{}\n", style.strong(file), own.trim_end(), style.strong("The reference"), reference.trim_end());
    }
    let pad = |text: &str| " ".repeat(column.saturating_sub(columns(text)));
    let mut out = format!("{}{}{}\n\n", style.strong(file), pad(file), style.strong("The reference"));
    let (mut left, mut right) = (own.lines(), reference.lines());
    loop {
        let (l, r) = (left.next(), right.next());
        if l.is_none() && r.is_none() {
            return out;
        }
        let l = l.unwrap_or_default();
        out.push_str(format!("{l}{}{}", pad(l), r.unwrap_or_default()).trim_end());
        out.push('\n');
    }
}

/// What differs, with some lines around it: `-` stands before what only the learner has, `+` before what only the reference has.
fn differences(rows: &[Row], file: &str, out: &Out) -> String {
    let aside = "Comments, formatting, imports, redundant semicolons and names of local bindings are ignored.";
    let differs = |at: usize| !matches!(rows[at], Row::Same(_));
    if !(0..rows.len()).any(differs) {
        return wrap(&format!("No difference between {file} and the reference. {aside}"), "", out.width());
    }
    let style = out.style;
    let mut text = format!("{} {file}   {} the reference\n", style.bad("-"), style.good("+"));
    text.push_str(&wrap(aside, "", out.width()));
    let is_shown = |at: usize| (at.saturating_sub(AROUND)..=(at + AROUND).min(rows.len() - 1)).any(differs);
    for at in (0..rows.len()).filter(|at| is_shown(*at)) {
        if at == 0 || !is_shown(at - 1) {
            text.push('\n');
        }
        let line = match &rows[at] {
            Row::Same(line) => format!("  {}", visible(line, true)),
            Row::First(line) => style.bad(&format!("- {}", visible(line, true))),
            Row::Second(line) => style.good(&format!("+ {}", visible(line, true))),
        };
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_shown_whole() {
        let (own, reference) = ("fn a() {\n    1\n}\n", "fn a() {\n    one() + two()\n}\n\nfn two() {}\n");
        insta::assert_snapshot!(both([own, reference], "a.rs", 80, str::to_owned, Style::PLAIN), @r"
        a.rs       The reference

        fn a() {   fn a() {
            1          one() + two()
        }          }

                   fn two() {}
        ");
        insta::assert_snapshot!(both([own, reference], "a.rs", 20, str::to_owned, Style::PLAIN), @r"
        a.rs

        fn a() {
            1
        }

        The reference

        fn a() {
            one() + two()
        }

        fn two() {}
        ");
    }

    #[test]
    fn wide_characters_have_their_columns() {
        let shown = both(["let 漢字 = 1;\n", "let x = 1;\n"], "a.rs", 80, str::to_owned, Style::PLAIN);
        assert!(shown.lines().any(|line| line == "let 漢字 = 1;   let x = 1;"), "{shown}");
        let heading = shown.lines().next().and_then(|line| line.find("The reference"));
        assert_eq!(heading, Some(columns("let 漢字 = 1;") + 3), "{shown}");
    }
}
