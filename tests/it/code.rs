//! Just enough of Rust's grammar to search code by words: comments and strings taken out, and the paths that are used.

/// The code of a file: comments and what stands in string literals become nothing, lines stay where they were.
pub fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("r#\"") {
            rest.find("\"#").map_or(rest.len(), |end| end + 2)
        } else if c == '"' {
            string_length(rest)
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\\"'") {
            rest[1..].find("'").map_or(rest.len(), |end| end + 2)
        } else {
            code.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        code.extend(rest[..skipped].chars().filter(|c| *c == '\n'));
        rest = &rest[skipped..];
    }
    code
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    text.len()
}

/// The paths in `code` that begin at the crate's root, without `crate`: those after `crate::`, with groups in braces taken
/// apart, and those after as many `super::` as the module is deep.
pub fn paths_after(code: &str, depth: usize) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let supers = "super::".repeat(depth);
    for root in ["crate::", &supers] {
        for (at, _) in code.match_indices(root) {
            let before = code[..at].chars().next_back();
            if !root.is_empty() && !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                path_at(&code[at + root.len()..], &mut Vec::new(), &mut paths);
            }
        }
    }
    paths
}

/// The paths in `code` that begin with one of these words, whole. Visibilities (`pub(in crate::sim)`) are none.
pub fn paths_from(code: &str, roots: &[&str]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for root in roots {
        for (at, _) in code.match_indices(&format!("{root}::")) {
            let before = &code[..at];
            if !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') && !before.ends_with("(in ") {
                path_at(&code[at..], &mut Vec::new(), &mut paths);
            }
        }
    }
    paths
}

/// The code without its `pub use`, of whatever visibility, and the paths that stand there.
pub fn reexports(code: &str) -> (String, Vec<Vec<String>>) {
    let (mut rest, mut passed) = (String::new(), Vec::new());
    for statement in code.split_inclusive(';') {
        let begin = statement.find("pub").filter(|at| statement[..*at].trim().is_empty() || statement[..*at].trim_end().ends_with(']'));
        match begin
            .and_then(|at| statement[at..].split_once(" use "))
            .filter(|(public, _)| !public.contains(['{', ' ']) || public.starts_with("pub(in "))
        {
            Some((_, paths)) => drop(path_at(paths, &mut Vec::new(), &mut passed)),
            None => rest.push_str(statement),
        }
    }
    (rest, passed)
}

/// Reads a path, or a group of them, and returns what follows it.
fn path_at<'a>(code: &'a str, begun: &mut Vec<String>, paths: &mut Vec<Vec<String>>) -> &'a str {
    let code = code.trim_start();
    if let Some(mut rest) = code.strip_prefix('{') {
        loop {
            rest = path_at(rest, &mut begun.clone(), paths).trim_start();
            match rest.strip_prefix(',') {
                Some(more) if more.trim_start().starts_with('}') => return &more.trim_start()[1..],
                Some(more) => rest = more,
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let end = code.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(code.len());
    let (name, rest) = code.split_at(end);
    if !name.is_empty() {
        begun.push(name.to_owned());
    }
    match rest.strip_prefix("::") {
        Some(more) if !name.is_empty() => path_at(more, begun, paths),
        _ => {
            if !begun.is_empty() {
                paths.push(begun.clone());
            }
            // `as name` and `*` end a path as well.
            let end = rest.find([',', '}', ';', '\n']).unwrap_or(rest.len());
            &rest[end..]
        }
    }
}

#[test]
fn code_without_comments_and_strings() {
    let text = "let a = \"HashMap \\\" // no\"; // HashMap\nlet q = '\"'; let b = r#\"say \"x\"\"#;\nHashMap::new()";
    assert_eq!(code_of(text), "let a = ; \nlet q = ; let b = ;\nHashMap::new()");
}

#[test]
fn paths_from_the_root() {
    let found = |code: &str, depth| -> Vec<String> { paths_after(code, depth).iter().map(|p| p.join("::")).collect() };
    assert_eq!(
        found("use crate::{sim::{self, Node}, time::Time as T, rng};\nx(crate::check::y(z))", 1),
        ["sim::self", "sim::Node", "time::Time", "rng", "check::y"]
    );
    assert_eq!(found("use super::sim::World;", 1), ["sim::World"], "from src/time.rs, say");
    assert_eq!(found("use super::check::scene;", 2), [""; 0], "a sibling's");
}
