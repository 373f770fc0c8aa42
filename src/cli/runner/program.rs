//! One program of generated files that is many implementations of one exercise: the name under which it is started says which. Where
//! it does not compile, whoever generated it hears where, and tries again.

use super::build::{Built, build};
use super::modules::{linked, manifest, plan};
use super::package::write_if_changed;
use super::{Builds, CompileError, Workspace};
use crate::cli::error::{Result, Trouble};

/// What became of an attempt to build it.
pub enum Attempt {
    /// It compiles: [`Builds::named`] gives it names.
    Ready(Builds),
    /// What the compiler said.
    Refused(Vec<CompileError>),
}

/// Builds it. `files` are those of its `src/`, `main.rs` first; the errors speak of that one.
///
/// # Errors
/// Files that cannot be written; whatever is not the program's fault.
pub async fn build_program(workspace: &Workspace, id: &str, kind: &str, level: u8, files: &[(&str, &str)]) -> Result<Attempt> {
    let bin = format!("{id}-{kind}");
    let folder = workspace.own().join("other").join(&bin);
    for (name, text) in files {
        write_if_changed(&folder.join("src").join(name), text)?;
    }
    write_if_changed(&folder.join("Cargo.toml"), &manifest(workspace, id, &bin, Some(level))?)?;
    let plan = plan(workspace, id, &bin, folder.join("src/main.rs"), usize::MAX);
    let mut done = build(workspace, &plan, false, &mut |_| {}).await?;
    match done.built.remove(id) {
        Some(Built::Refused(errors)) => Ok(Attempt::Refused(errors)),
        Some(ready) => {
            let (wall, inputs, began) = (done.wall, done.inputs, done.began);
            Ok(Attempt::Ready(Builds { built: [(id.to_owned(), ready)].into(), plan, wall, touched: Vec::new(), inputs, began }))
        }
        None => Err(Trouble::bug(format!("{id} was not built"))),
    }
}

impl Builds {
    /// Gives the one program that was built each of those names, under which it is judged; earlier names are gone.
    ///
    /// # Errors
    /// Files that cannot be written.
    pub fn named<'a>(&mut self, names: impl Iterator<Item = &'a str>) -> Result<()> {
        let id = self.plan.bins.first().map(|bin| bin.id.clone()).unwrap_or_default();
        let Some(Built::Ready(program)) = self.built.get(&id).cloned() else { return Err(Trouble::bug(format!("{id} was not built"))) };
        self.built = linked(&program, names)?;
        self.built.insert(id, Built::Ready(program));
        Ok(())
    }

    /// Where something lies that a program of that name wrote beside itself.
    #[must_use]
    pub fn beside(&self, name: &str, ending: &str) -> Option<std::path::PathBuf> {
        match self.built.get(name) {
            Some(Built::Ready(path)) => Some(path.with_file_name(format!("{name}.{ending}"))),
            _ => None,
        }
    }
}
