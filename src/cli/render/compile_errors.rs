//! What the compiler said, for people.

use crate::cli::figures::plural;
use crate::cli::runner::{CompileError, ERRORS};
use crate::cli::wrap::BRIEF;
use crate::words::middle;
use std::fmt::Write as _;

/// Errors that are shown: the first ones are often the cause of the rest.
const SHOWN_ERRORS: usize = 10;

/// What the compiler said.
pub fn compile_errors(out: &mut String, errors: &[CompileError]) {
    for error in errors.iter().take(SHOWN_ERRORS) {
        // Colours in it are rustc's, asked for by us; the quoted source is the learner's own file.
        let _ = write!(out, "\n{}", brief_error(&error.rendered));
        if let Some(advice) = error.advice {
            let _ = writeln!(out, "   = splitbrain: {advice}");
        }
    }
    // Of very many only the first are kept.
    if let more @ 1.. = errors.len().saturating_sub(SHOWN_ERRORS) {
        let at_least = if errors.len() == ERRORS { "at least " } else { "" };
        let more = plural(more as u64, "more error is", "more errors are");
        let _ = writeln!(out, "\n… {at_least}{more} left out: the first ones often cause the rest.");
    }
}

/// Some of them stay below what anyone reads: a macro may name a type of a megabyte.
fn brief_error(rendered: &str) -> std::borrow::Cow<'_, str> {
    if rendered.len() <= 3 * BRIEF { rendered.into() } else { middle(rendered, 3 * BRIEF).into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted() {
        let said = |n: usize| {
            let error =
                |n| CompileError { message: String::new(), at: None, rendered: format!("error: {n}\n"), advice: None, bytes: Vec::new() };
            let mut out = String::new();
            compile_errors(&mut out, &(0..n).map(error).collect::<Vec<_>>());
            out.lines().last().unwrap_or_default().to_owned()
        };
        assert_eq!(said(10), "error: 9");
        assert_eq!(said(11), "… 1 more error is left out: the first ones often cause the rest.");
        assert_eq!(said(ERRORS), "… at least 40 more errors are left out: the first ones often cause the rest.");
    }
}
