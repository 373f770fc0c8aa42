//! `show [ID]`: the problem of an exercise.

use super::Desk;
use crate::cli::docs;
use crate::cli::error::{Exit, Result};
use crate::cli::markdown::page;
use crate::cli::out::Out;
use crate::cli::sanitize::visible;
use crate::cli::wrap::wrap;

pub fn run(id: Option<&str>, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let desk = Desk::open(out)?;
    let id = desk.exercise_or_current(id)?;
    let content = desk.workspace.content();
    let about = content.about(&id)?;
    let readme = content.text(&format!("exercises/{id}/README.md"))?;
    let file = desk.workspace.shown(&desk.workspace.stub(&id));
    if json {
        let references = about.references.iter().map(|r| serde_json::json!({ "title": r.title, "loc": r.loc })).collect::<Vec<_>>();
        out.json(&serde_json::json!({
            "exercise": id, "title": about.title, "summary": about.summary, "minutes": about.minutes, "lines": about.lines,
            "hints": about.hints.len(), "references": references, "file": file, "readme": readme,
        }));
    } else {
        let head = format!("{file} · about {} minutes · a good solution has about {} lines", about.minutes, about.lines);
        let contract = docs::contract(&content, &id).ok();
        let has_nodes = contract.as_deref().is_some_and(docs::has_nodes);
        let cx = if has_nodes { format!("\n\n{}", docs::NODE.trim_end()) } else { String::new() };
        let readme = page(&format!("{}{cx}", visible(readme.trim_end(), true)), out.width(), out.style);
        let contract = match contract {
            Some(_) => format!("the contract: splitbrain docs {id}"),
            None => format!("the contract is not there yet: write src/exercises/{id}/mod.rs"),
        };
        let topic = desk.course.topics.iter().find(|topic| topic.exercises.contains(&id)).and_then(|topic| topic.quiz.as_deref());
        let theory = topic.map_or(String::new(), |topic| format!(" · the theory: splitbrain learn {topic}"));
        let head = format!("{head} · {contract}{theory}");
        out.page(&format!("{}\n\n{}\n", readme.trim_end(), out.style.faint(wrap(&head, "", out.width()).trim_end())));
    }
    Ok(Exit::Passed)
}
