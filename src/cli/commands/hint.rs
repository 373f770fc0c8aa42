//! `hint [ID]`: the next hint of an exercise's ladder, which is recorded; `--again` shows those given.

use super::Desk;
use crate::cli::error::{Exit, Result};
use crate::cli::markdown::page;
use crate::cli::out::Out;
use crate::cli::progress::record_hint;

pub fn run(id: Option<&str>, again: bool, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let desk = Desk::open(out)?;
    let id = desk.exercise_or_current(id)?;
    let hints = desk.workspace.content().about(&id)?.hints;
    let given = usize::try_from(desk.progress.of(&id).hints).unwrap_or(usize::MAX).min(hints.len());
    let shown = if again {
        1..=given
    } else {
        let (next, notices) = next(&desk, &id, given, hints.len());
        for notice in notices {
            out.tell(&notice);
        }
        match next {
            Some(number) => number..=number,
            None if json => hints.len()..=hints.len(),
            None => {
                let last = format!("You have seen all {} hints of {id}: `splitbrain hint {id} --again` shows them again.\n", hints.len());
                out.print(&last);
                return Ok(Exit::Passed);
            }
        }
    };
    if shown.is_empty() && !json {
        out.print(&format!("You have not seen a hint of {id} yet: `splitbrain hint {id}` gives the first.\n"));
    }
    let first = *shown.start();
    for number in shown {
        let text = &hints[number - 1];
        if json {
            out.json(&serde_json::json!({ "exercise": id, "hint": number, "of": hints.len(), "text": text }));
        } else {
            let head = out.style.strong(&format!("Hint {number} of {} for {id}", hints.len()));
            let gap = if number > first { "\n" } else { "" };
            out.print(&format!("{gap}{head}\n{}", page(text.trim_end(), out.width(), out.style)));
        }
    }
    Ok(Exit::Passed)
}

/// The number of the next hint, which is recorded, if there is one; and what is to be told. That it cannot be recorded is no
/// reason not to give it.
pub(super) fn next(desk: &Desk, id: &str, given: usize, of: usize) -> (Option<usize>, Vec<String>) {
    match record_hint(&desk.workspace.store(), id, of) {
        Ok(told) => (told.value, told.notices),
        Err(trouble) => ((given < of).then_some(given + 1), vec![format!("not recorded: {trouble}")]),
    }
}
