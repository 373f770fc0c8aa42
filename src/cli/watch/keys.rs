//! The keys of the two screens, `watch` and `replay`: a line of them for the last rows, and what each does for who asks with `?`.
//! What they do is the business of those who take them.

use crate::cli::wrap::{padded, wrap};

/// The keys that there are where one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    /// In a few words.
    pub line: &'static str,
    /// What each does.
    each: &'static [(&'static str, &'static str)],
}

/// While the help is read.
pub const HELP: &str = "any other key: back";

const NEXT_HINT: (&str, &str) = ("h", "the next hint");
const ASKED_NEXT: (&str, &str) = ("a", "what an interviewer asks next");
const CHECK: (&str, &str) = ("c, Enter", "check now");
const LINES: (&str, &str) = ("arrows, j, k", "up and down");
const PAGES: (&str, &str) = ("PgUp, Space", "a page up, a page down");
const ENDS: (&str, &str) = ("g, G", "to the start, to the end");
const BACK: (&str, &str) = ("b, Esc", "back to the verdict");
const LEAVE: (&str, &str) = ("q", "leave");
const STEP: (&str, &str) = ("right, left", "next step, previous step; also j and k");
const MARK: (&str, &str) = ("n, p", "the next step that led to it, the one before");
const MORE: (&str, &str) = ("PgDn, PgUp", "scroll the text of the step");
const VIOLATION: (&str, &str) = ("v", "where the rule breaks");

/// At the verdict.
pub const VERDICT: Keys = Keys {
    line: "[h]int [m]ore [n]ext [p]rev [l]ist [r]eplay qui[z] [a]sk me [x]reset [q]uit [?]",
    each: &[
        NEXT_HINT,
        ("m", "why it matters, each rule, sources; and back"),
        ("n, p", "the next exercise, the one before"),
        ("l", "the list of exercises, to choose one"),
        ("r", "the run, step by step"),
        ("z", "the quiz of the topic"),
        ASKED_NEXT,
        ("x", "put the stub back; your file is kept"),
        CHECK,
        LINES,
        PAGES,
        ENDS,
        BACK,
        LEAVE,
    ],
};

/// At a text: hints, what is asked next.
pub const TEXT: Keys =
    Keys { line: "[b]ack [h]int [a]sk me [c]heck [q]uit [?]", each: &[NEXT_HINT, ASKED_NEXT, CHECK, LINES, PAGES, ENDS, BACK, LEAVE] };

/// In the list of exercises.
pub const LIST: Keys = Keys {
    line: "arrows or j, k: choose   Enter: go there   [b]ack [q]uit [?]",
    each: &[LINES, PAGES, ENDS, ("Enter", "go there"), BACK, LEAVE],
};

/// In a run, in `watch`.
pub const RUN: Keys = Keys {
    line: "left, right: step  [n]ext [p]rev mark  [v]iolation  PgDn: more [b]ack [q]uit [?]",
    each: &[STEP, MARK, VIOLATION, MORE, ENDS, BACK, LEAVE],
};

/// In a run, in `replay`.
pub const RUN_ALONE: Keys = Keys {
    line: "left, right: step   [n]ext, [p]rev mark   [v]iolation   PgDn: more   [q]uit [?]",
    each: &[STEP, MARK, VIOLATION, MORE, ENDS, ("q, Esc", "leave")],
};

/// In a run of a lesson.
pub const RUN_OF_A_LESSON: Keys = Keys {
    line: "right: next step   left: back  [n]ext, [p]rev note  [q] on with the lesson [?]",
    each: &[STEP, ("n, p", "the next step with something to see, the one before"), VIOLATION, MORE, ENDS, ("q, Esc", "on with the lesson")],
};

/// Where it is asked whether the stub is to be put back.
pub const RESET: Keys = Keys {
    line: "[y]es, put the stub back   [n]o [?]",
    each: &[("y", "put the stub back; your file is kept"), ("n, Esc", "leave your file as it is")],
};

impl Keys {
    /// A key in a line, what it does behind it.
    #[must_use]
    pub fn help(self, columns: usize) -> String {
        self.each.iter().map(|(key, does)| wrap(does, &padded(key, 14), columns)).collect()
    }
}

/// What a key that says nothing here is answered with.
#[must_use]
pub fn wrong(key: &str) -> String {
    format!("{key} does nothing here; ? explains the keys below")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::wrap::columns;

    #[test]
    fn every_line_of_keys_has_one_row_of_eighty_columns_and_the_help_fits_forty() {
        for keys in [VERDICT, TEXT, LIST, RUN, RUN_ALONE, RUN_OF_A_LESSON, RESET] {
            assert!(columns(keys.line) <= 80 && keys.line.ends_with("[?]"), "{}", keys.line);
            let help = keys.help(40);
            assert!(help.lines().all(|line| columns(line) <= 40), "{help}");
            // So many rows stand between the rulers of a terminal of 24.
            assert!(help.lines().count() <= 19, "{help}");
        }
    }
}
