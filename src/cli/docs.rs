//! What a node is written with, as pages: what a handler may do (one table, shown wherever it is needed), and the contract of an
//! exercise, taken from its source without what is private. Pure.

use super::content::Content;
use super::error::Result;

/// What a handler may do: Markdown, ten rows.
pub const NODE: &str = include_str!("docs.md");
/// Where the trait that a node implements stands.
const NODE_SOURCE: &str = "engine/src/sim/node.rs";

/// The handlers that a node has, as they stand in the library.
///
/// # Errors
/// If the program does not carry the library, which is a bug of ours.
pub fn handlers() -> Result<String> {
    let source = Content::Embedded.text(NODE_SOURCE)?;
    let all = items(&source);
    Ok(all.into_iter().filter(|item| code_of(item).starts_with("pub trait Node<")).map(|item| public(&item)).collect())
}

/// The contract of an exercise: its words, without the hidden tests and what is private.
///
/// # Errors
/// If there is none.
pub fn contract(content: &Content, id: &str) -> Result<String> {
    let source = content.text(&format!("src/exercises/{id}/mod.rs"))?;
    let mut parts = vec![format!("// use splitbrain::exercises::{id}::…;\n")];
    let head: Vec<&str> = source.lines().take_while(|line| line.starts_with("//!")).collect();
    parts.push(head.join("\n") + "\n");
    parts.extend(items(&source).iter().filter(|item| is_shown(code_of(item))).map(|item| public(item)));
    Ok(parts.join("\n").replace("crate::sim", "splitbrain::sim"))
}

/// Whether an exercise is about nodes that send messages.
#[must_use]
pub fn has_nodes(contract: &str) -> bool {
    contract.contains("impl Protocol for")
}

/// The items of a source that rustfmt wrote, each with its comments and attributes: an item ends at the first line that ends it
/// without being indented.
fn items(source: &str) -> Vec<String> {
    let mut items = Vec::new();
    let mut item = String::new();
    for line in source.lines().filter(|line| !line.starts_with("//!")) {
        if item.is_empty() && line.is_empty() {
            continue;
        }
        item.push_str(line);
        item.push('\n');
        let code = !line.starts_with([' ', '/', '#']);
        if code && (line.ends_with(';') || line.ends_with('}')) {
            items.push(std::mem::take(&mut item));
        }
    }
    items
}

/// An item from its first line of code on.
fn code_of(item: &str) -> &str {
    let before: usize = item.split_inclusive('\n').take_while(|line| line.starts_with(['/', '#'])).map(str::len).sum();
    &item[before..]
}

/// Whether a learner needs it: what is public, what the words are, and methods of its types.
fn is_shown(code: &str) -> bool {
    let inherent = code.starts_with("impl ") && !code.lines().next().is_some_and(|head| head.contains(" for "));
    (code.starts_with("pub ") && code != "pub use judge::judge;\n") || code.starts_with("impl Protocol for") || inherent
}

/// An item without attributes that only the compiler needs, bodies of functions, and fields that nobody may touch.
fn public(item: &str) -> String {
    let mut out = String::new();
    let mut closing: Option<String> = None;
    for line in item.lines() {
        let text = line.trim_start();
        let indent = &line[..line.len() - text.len()];
        if let Some(close) = &closing {
            if line == close {
                closing = None;
            }
            continue;
        }
        if text.starts_with("#[") && !text.starts_with("#[derive") {
            continue;
        }
        let function = text.starts_with("fn ") || (text.starts_with("pub ") && text.contains("fn "));
        if function && text.ends_with('{') {
            out.push_str(&format!("{}\n", line.trim_end_matches('{').trim_end().to_owned() + ";"));
            closing = Some(format!("{indent}}}"));
        } else if text.starts_with("pub struct ") && text.ends_with(");") && !text.contains("(pub ") {
            let name = text.split('(').next().unwrap_or(text);
            out.push_str(&format!("{name}(/* private */);\n"));
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_a_handler_may_do_is_on_the_page() {
        let source = Content::Embedded.text(NODE_SOURCE).unwrap();
        let all = items(&source);
        let context = all.iter().find(|item| code_of(item).contains("impl<'a, P: Protocol> Context<'a, P> {")).unwrap();
        let names = context.lines().filter_map(|line| line.strip_prefix("    pub fn ")?.split_once('(').map(|(name, _)| name));
        let names: Vec<&str> = names.collect();
        assert!(names.len() >= 11, "{names:?}");
        for name in names {
            assert!(NODE.contains(&format!("`cx.{name}(")), "docs.md has no row for cx.{name}");
        }
        assert_eq!(NODE.lines().filter(|line| line.starts_with("| `cx.")).count(), 10, "ten lines");
        assert!(handlers().unwrap().contains("fn on_timer(&mut self, timer: P::Timer, cx: &mut Context<'_, P>);"));
    }

    #[test]
    fn a_contract_is_shown_without_what_is_private() {
        for id in Content::Embedded.course().unwrap().exercises() {
            let text = contract(&Content::Embedded, id).unwrap();
            for private in ["mod judge", "judge::judge", "#[must_use]", "#[cfg", "thread_local", "Observe<", "use crate::", "#[test]"] {
                assert!(!text.contains(private), "{id}: {private}\n{text}");
            }
            let source = Content::Embedded.text(&format!("src/exercises/{id}/mod.rs")).unwrap();
            for line in source.lines().filter(|l| ["pub enum ", "pub trait ", "pub const ", "pub type "].iter().any(|k| l.starts_with(k))) {
                assert!(text.contains(line), "{id}: {line} is missing");
            }
            assert_eq!(has_nodes(&text), source.contains("impl Protocol for "), "{id}");
        }
        let ring = contract(&Content::Embedded, "hash_ring").unwrap();
        assert!(
            ring.contains("pub struct Token(/* private */);") && ring.contains("    pub const fn at(position: u64) -> Self;\n"),
            "{ring}"
        );
        assert!(!ring.contains("comparisons_in") && !ring.contains("count()"), "{ring}");
    }
}
