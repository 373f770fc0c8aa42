//! What the compiler said, for people.

use crate::cli::runner::CompileError;
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
}

/// Some of them stay below what anyone reads: a macro may name a type of a megabyte.
fn brief_error(rendered: &str) -> std::borrow::Cow<'_, str> {
    if rendered.len() <= 3 * BRIEF { rendered.into() } else { middle(rendered, 3 * BRIEF).into() }
}
