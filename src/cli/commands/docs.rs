//! `docs [ID]`: what a node is written with; the contract of an exercise, as text.

use super::Desk;
use crate::cli::docs::{NODE, contract, handlers, has_nodes};
use crate::cli::error::{Exit, Result, Trouble};
use crate::cli::markdown::page;
use crate::cli::out::Out;
use crate::cli::sanitize::visible;
use crate::cli::wrap::wrap;

pub fn run(id: Option<&str>, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let Some(id) = id else { return node(json, out) };
    let desk = Desk::open(out)?;
    let id = desk.exercise(id)?;
    let missing = |_| Trouble::environment(format!("the contract of {id} is not there yet: write src/exercises/{id}/mod.rs"));
    let text = contract(&desk.workspace.content(), &id).map_err(missing)?;
    if json {
        out.json(&serde_json::json!({ "exercise": id, "contract": text }));
        return Ok(Exit::Passed);
    }
    let more = if has_nodes(&text) { "`splitbrain docs`: what a handler may do. " } else { "" };
    let more = format!("{more}`splitbrain show {id}`: the problem.");
    let text = out.source(&visible(text.trim_end(), true));
    out.page(&format!("{}\n\n{}", text.trim_end(), wrap(&more, "", out.width())));
    Ok(Exit::Passed)
}

/// The page on nodes. It needs no folder.
fn node(json: bool, out: &mut Out) -> Result<Exit> {
    let handlers = handlers()?;
    if json {
        out.json(&serde_json::json!({ "effects": NODE, "handlers": handlers }));
        return Ok(Exit::Passed);
    }
    let handlers = format!("## The handlers\n\n```rust\n{}\n```\n", handlers.trim_end());
    let more = "## More\n\n`splitbrain docs ID` shows the contract of an exercise: its messages, timers, requests, and what is saved.\n";
    out.page(&page(&format!("# A node\n\n{}\n\n{handlers}\n{more}", NODE.trim_end()), out.width(), out.style));
    Ok(Exit::Passed)
}
