//! One error of the compiler, from what rustc says of it as JSON; and the sentence that rustc cannot say.

use serde::Deserialize;
use std::ops::Range;
use std::path::Path;

/// One error of the compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// Its one sentence.
    pub message: String,
    /// File and line.
    pub at: Option<(String, u32)>,
    /// As rustc renders it.
    pub rendered: String,
    /// What we add.
    pub advice: Option<&'static str>,
    /// The bytes of its file that it speaks of, what is wrong first.
    pub bytes: Vec<Range<usize>>,
}

/// The error, if it is one that says something.
pub fn error_of(diagnostic: &Diagnostic, root: &Path) -> Option<CompileError> {
    if !diagnostic.level.starts_with("error") {
        return None;
    }
    // "aborting due to 2 previous errors" and the like say nothing new. An error without a place that is none of them
    // (the linker's) does.
    if diagnostic.spans.is_empty()
        && (diagnostic.message.starts_with("aborting due to") || diagnostic.message.starts_with("could not compile"))
    {
        return None;
    }
    let span = diagnostic.spans.iter().find(|s| s.is_primary).or(diagnostic.spans.first());
    let mut spans: Vec<&Span> = diagnostic.spans.iter().filter(|s| span.is_some_and(|first| first.file_name == s.file_name)).collect();
    spans.sort_by_key(|s| !s.is_primary);
    let bytes = spans.iter().map(|s| s.byte_start..s.byte_end).collect();
    let at =
        span.map(|s| (Path::new(&s.file_name).strip_prefix(root).map_or(s.file_name.clone(), |p| p.display().to_string()), s.line_start));
    Some(CompileError {
        message: diagnostic.message.clone(),
        at,
        rendered: diagnostic.rendered.clone().unwrap_or_else(|| diagnostic.message.clone()),
        advice: advice(diagnostic),
        bytes,
    })
}

/// The sentence that rustc cannot say: why a node's state may not hold what it holds, or that the file is of another exercise.
fn advice(diagnostic: &Diagnostic) -> Option<&'static str> {
    match diagnostic.code.as_ref()?.code.as_str() {
        // Each exercise's contract is compiled only when that exercise is checked.
        "E0432" | "E0433" if diagnostic.message.contains("exercises") => {
            return Some("this file belongs to another exercise than the one you named: name that one in `splitbrain check`");
        }
        "E0277" => {}
        _ => return None,
    }
    let (subject, bound) = diagnostic.message.split_once("`")?.1.split_once("`")?.0.rsplit_once(": ")?;
    let (subject, bound) = (subject.trim_start_matches("std::collections::"), bound.rsplit("::").next()?);
    match bound {
        "Hash" | "State" | "Eq" | "Ord" => {}
        _ => return None,
    }
    if subject.contains("HashMap") {
        Some("use BTreeMap: its order is the same in every run, so a failing run can be replayed")
    } else if subject.contains("HashSet") {
        Some("use BTreeSet: its order is the same in every run, so a failing run can be replayed")
    } else if ["f32", "f64"].contains(&subject) {
        Some("use whole numbers (counts, microseconds, thousandths): states are compared and hashed, so that a failing run can be replayed")
    } else {
        None
    }
}

/// As rustc writes it.
#[derive(Deserialize)]
pub struct Diagnostic {
    pub message: String,
    pub level: String,
    #[serde(default)]
    code: Option<Code>,
    #[serde(default)]
    spans: Vec<Span>,
    #[serde(default)]
    pub rendered: Option<String>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    line_start: u32,
    #[serde(default)]
    byte_start: usize,
    #[serde(default)]
    byte_end: usize,
    #[serde(default)]
    is_primary: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic(code: &str, message: &str) -> Diagnostic {
        let code = Some(Code { code: code.to_owned() });
        Diagnostic { message: message.to_owned(), level: "error".to_owned(), code, spans: Vec::new(), rendered: None }
    }

    #[test]
    fn our_sentence_where_rustc_cannot_say_it() {
        let says = |message: &str| advice(&diagnostic("E0277", message)).unwrap_or("");
        assert!(says("the trait bound `HashMap<NodeId, u64>: Hash` is not satisfied").starts_with("use BTreeMap"));
        assert!(
            says("the trait bound `std::collections::HashMap<u8, Vec<u8>>: std::hash::Hash` is not satisfied").starts_with("use BTreeMap")
        );
        assert!(says("the trait bound `HashSet<u64>: Hash` is not satisfied").starts_with("use BTreeSet"));
        assert!(says("the trait bound `f64: Hash` is not satisfied").starts_with("use whole numbers"));
        assert_eq!(says("the trait bound `MyType: Hash` is not satisfied"), "");
        assert_eq!(says("`HashMap<u8, u8>` cannot be sent between threads safely"), "");
        let other = advice(&diagnostic("E0432", "unresolved import `splitbrain::exercises::g_counter`"));
        assert!(other.is_some_and(|a| a.contains("another exercise")));
        assert_eq!(advice(&diagnostic("E0432", "unresolved import `std::colections`")), None);
        assert_eq!(advice(&diagnostic("E0308", "the trait bound `f64: Hash` is not satisfied")), None);
    }
}
