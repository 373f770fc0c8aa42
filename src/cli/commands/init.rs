//! `init [DIR]`: lays out a learner's folder.

use crate::cli::error::{Exit, Result};
use crate::cli::layout::lay_out;
use crate::cli::out::Out;
use crate::cli::shell::pasted;
use std::path::Path;

pub fn run(dir: &Path, out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    lay_out(dir)?;
    if json {
        out.json(&serde_json::json!({ "folder": dir.display().to_string() }));
    } else {
        let go = if dir == Path::new(".") { String::new() } else { format!("cd {} && ", pasted(&dir.display().to_string())) };
        out.print(&format!(
            "Laid out {}. Next: {go}splitbrain\nNew here? `splitbrain learn start` walks you through a first exercise.\n",
            if dir == Path::new(".") { "this folder".into() } else { dir.display().to_string() }
        ));
    }
    Ok(Exit::Passed)
}
