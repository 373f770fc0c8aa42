//! `solution ID`: the reference beside the learner's own, after a pass or a give-up that is recorded; then what an interviewer
//! would ask next.

use super::{Desk, told};
use crate::cli::disk;
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::follow_ups;
use crate::cli::out::Out;
use crate::cli::progress::record_give_up;
use crate::cli::prompter::{self, Leave};
use crate::cli::style::Style;
use crate::cli::words::{clipped, visible};
use crate::cli::wrap::padded;
use similar::{ChangeTag, TextDiff};
use std::io::IsTerminal as _;

/// From this width on, the two stand beside each other.
const BESIDE: usize = 140;

pub fn run(id: Option<&str>, give_up: bool, out: &mut Out) -> Result<Exit> {
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
        out.json(&serde_json::json!({ "exercise": id, "reference": reference, "own": own, "next_questions": next }));
        return Ok(Exit::Passed);
    }
    let file = desk.workspace.shown(&path);
    let text = match &own {
        None => format!("{file} is not there; the reference:\n\n{}", visible(&reference, true)),
        Some(own) if out.width() >= BESIDE => beside(&visible(own, true), &visible(&reference, true), &file, out.width(), out.style),
        Some(own) => below(&visible(own, true), &visible(&reference, true), &file, out.style),
    };
    out.print(&text);
    if !next.is_empty() {
        out.print(&format!(
            "
{}",
            follow_ups::page(&next, true, out.width(), out.style)
        ));
    }
    Ok(Exit::Passed)
}

/// Asks whether the learner gives up, which is remembered. Off a terminal it must be said in so many words.
fn gives_up(id: &str, json: bool, out: &Out) -> Result<bool> {
    let not_yet = || {
        Trouble::usage(format!(
            "{id} is not passed yet. `splitbrain hint {id}` helps a step further; `splitbrain solution {id} --give-up` shows the reference, and is remembered"
        ))
    };
    if json || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(not_yet());
    }
    let question = format!("{id} is not passed yet. Give up and see the reference? (It is remembered; a pass still counts.)");
    match prompter::for_this_process(out.ascii).confirm(&question, false) {
        Ok(yes) => Ok(yes),
        Err(Leave::Quit) => Ok(false),
        Err(Leave::Ended(exit)) => Err(Trouble::ended(exit)),
        Err(Leave::Broken(e)) => Err(Trouble::environment(format!("the terminal cannot be read: {e}"))),
    }
}

/// One under the other: `-` stands before what only the learner has, `+` before what only the reference has.
fn below(own: &str, reference: &str, file: &str, style: Style) -> String {
    let diff = TextDiff::from_lines(own, reference);
    let mut out = format!("{} {file}   {} the reference\n\n", style.bad("-"), style.good("+"));
    for change in diff.iter_all_changes() {
        let line = change.value().trim_end_matches('\n');
        let line = match change.tag() {
            ChangeTag::Equal => format!("  {line}"),
            ChangeTag::Delete => style.bad(&format!("- {line}")),
            ChangeTag::Insert => style.good(&format!("+ {line}")),
        };
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Beside each other, what differs marked between the two.
fn beside(own: &str, reference: &str, file: &str, width: usize, style: Style) -> String {
    let column = (width - 3) / 2;
    let diff = TextDiff::from_lines(own, reference);
    let mut rows: Vec<(String, &str, String)> = Vec::new();
    for op in diff.ops() {
        let lines = |tag: ChangeTag| -> Vec<String> {
            let of_side = |t: ChangeTag| t == tag || t == ChangeTag::Equal;
            diff.iter_changes(op).filter(|c| of_side(c.tag())).map(|c| c.value().trim_end_matches('\n').to_owned()).collect()
        };
        let (left, right) = (lines(ChangeTag::Delete), lines(ChangeTag::Insert));
        let same = op.tag() == similar::DiffTag::Equal;
        for i in 0..left.len().max(right.len()) {
            let [l, r] = [left.get(i), right.get(i)].map(|line| line.cloned().unwrap_or_default());
            let mark = match (same, left.get(i), right.get(i)) {
                (true, ..) => " ",
                (_, Some(_), Some(_)) => "|",
                (_, Some(_), None) => "<",
                _ => ">",
            };
            rows.push((l, mark, r));
        }
    }
    let cell = |text: &str| padded(&clipped(&text.replace('\t', "    "), column - 1), column);
    let mut out = format!("{}   {}\n\n", style.strong(&cell(file)), style.strong("the reference"));
    for (left, mark, right) in rows {
        let (left, right) = (cell(&left), cell(&right));
        let line = if mark == " " { format!("{left}   {right}") } else { format!("{} {mark} {}", style.bad(&left), style.good(&right)) };
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "fn a() {\n    1\n}\nfn only_mine() {}\n";
    const REFERENCE: &str = "fn a() {\n    2\n}\n";

    #[test]
    fn both_ways_to_see_what_differs() {
        insta::assert_snapshot!(below(OWN, REFERENCE, "a.rs", Style::PLAIN), @r"
        - a.rs   + the reference

          fn a() {
        -     1
        +     2
          }
        - fn only_mine() {}
        ");
        insta::assert_snapshot!(beside(OWN, REFERENCE, "a.rs", 60, Style::PLAIN), @r"
        a.rs                           the reference

        fn a() {                       fn a() {
            1                        |     2
        }                              }
        fn only_mine() {}            <
        ");
    }
}
