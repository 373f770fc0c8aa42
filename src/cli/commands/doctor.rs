//! `doctor`: what exercises and this program need of the machine, one line each, and what to do where something is missing.
//! It tries things rather than asking for their versions: a compiler that is there may still not link.

use super::export_import::EXPORTED;
use crate::cli::error::{Exit, Result};
use crate::cli::figures::{thousands, version};
use crate::cli::layout;
use crate::cli::out::Out;
use crate::cli::runner::env;
use crate::cli::runtime::Runtime;
use crate::cli::sanitize::visible;
use crate::cli::watch::files;
use crate::cli::workspace::{Place, Workspace};
use std::fs;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Good,
    /// It works, less well.
    Weak,
    Broken,
}

/// One line of the answer.
struct Line {
    what: &'static str,
    mark: Mark,
    seen: String,
    /// What to do about it; empty when all is well.
    todo: String,
}

impl Line {
    fn good(what: &'static str, seen: impl Into<String>) -> Line {
        Line { what, mark: Mark::Good, seen: seen.into(), todo: String::new() }
    }

    fn weak(what: &'static str, seen: impl Into<String>, todo: impl Into<String>) -> Line {
        Line { what, mark: Mark::Weak, seen: seen.into(), todo: todo.into() }
    }

    fn broken(what: &'static str, seen: impl Into<String>, todo: impl Into<String>) -> Line {
        Line { what, mark: Mark::Broken, seen: seen.into(), todo: todo.into() }
    }
}

/// Free space below which a first build may not fit (it takes about 60 MB), and that which is comfortable.
const DISK_LEAST: u64 = 200 << 20;
const DISK_GOOD: u64 = 1 << 30;

pub fn run(out: &mut Out) -> Result<Exit> {
    let json = out.wants_json()?;
    let workspace = Workspace::here();
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let root = workspace.as_ref().map_or(here.clone(), |w| w.root.clone());
    let mut lines = vec![cargo(&root), rustc(&root), linker(&root), folder(&workspace)];
    if let Ok(workspace) = &workspace {
        lines.push(state(workspace));
    }
    lines.extend([writable(&root), file_events(&root), disk(&root), terminal(out)]);
    let worst = lines.iter().any(|l| l.mark == Mark::Broken);
    for line in &lines {
        if json {
            let mark = match line.mark {
                Mark::Good => "good",
                Mark::Weak => "weak",
                Mark::Broken => "broken",
            };
            out.json(&serde_json::json!({ "what": line.what, "mark": mark, "seen": line.seen, "todo": line.todo }));
        } else {
            out.print(&said(line, out));
        }
    }
    if !json {
        out.print(if worst { "\nFix what is marked ✗, then run `splitbrain doctor` again.\n" } else { "\nReady.\n" });
    }
    Ok(if worst { Exit::Environment } else { Exit::Passed })
}

fn said(line: &Line, out: &Out) -> String {
    let mark = match line.mark {
        Mark::Good => out.style.good("✓"),
        Mark::Weak => out.style.warn("!"),
        Mark::Broken => out.style.bad("✗"),
    };
    let todo = if line.todo.is_empty() { String::new() } else { format!("    → {}\n", line.todo) };
    format!("{mark} {:<10} {}\n{todo}", line.what, visible(&line.seen, false))
}

/// Runs a program as a check would, in the folder where it would.
fn asked(program: &str, args: &[&str], dir: &Path) -> std::io::Result<Output> {
    let mut command = Command::new(program);
    command.args(args).current_dir(dir);
    for name in env::unwanted(std::env::vars_os().map(|(name, _)| name)) {
        command.env_remove(name);
    }
    command.output()
}

fn first_line(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).lines().find(|l| !l.trim().is_empty()).unwrap_or_default().trim().to_owned()
}

const GET_RUST: &str = "install Rust from https://rustup.rs, then open a new terminal";

fn cargo(root: &Path) -> Line {
    match asked("cargo", &["--version"], root) {
        Ok(output) if output.status.success() => Line::good("cargo", first_line(&output.stdout)),
        Ok(output) => Line::broken("cargo", first_line(&output.stderr), GET_RUST),
        Err(e) => Line::broken("cargo", format!("cannot run `cargo`: {e}"), GET_RUST),
    }
}

fn rustc(root: &Path) -> Line {
    let least = env!("CARGO_PKG_RUST_VERSION");
    let update = format!("exercises need Rust {least} or newer: `rustup update` installs it");
    match asked("rustc", &["--version"], root) {
        Ok(output) if output.status.success() => {
            let said = first_line(&output.stdout);
            match said.split_whitespace().nth(1).map(|v| version(v) >= version(least)) {
                Some(true) => Line::good("rustc", said),
                _ => Line::broken("rustc", said, update),
            }
        }
        Ok(output) => Line::broken("rustc", first_line(&output.stderr), update),
        Err(e) => Line::broken("rustc", format!("cannot run `rustc`: {e}"), GET_RUST),
    }
}

fn linker(root: &Path) -> Line {
    let todo = if cfg!(target_os = "macos") {
        "`xcode-select --install` installs one"
    } else {
        "install a C toolchain: `sudo apt install build-essential`, `sudo dnf install gcc` or the package of your system"
    };
    let tried = || -> std::io::Result<Output> {
        let dir = tempfile::tempdir()?;
        fs::write(dir.path().join("main.rs"), "fn main() {}")?;
        let [source, target] = ["main.rs", "main"].map(|name| dir.path().join(name).display().to_string());
        asked("rustc", &["--edition=2024", "-o", &target, &source], root)
    };
    match tried() {
        Ok(output) if output.status.success() => Line::good("linker", "a small program was compiled and linked"),
        Ok(output) => Line::broken("linker", first_line(&output.stderr), todo),
        Err(e) => Line::broken("linker", format!("not tried: {e}"), todo),
    }
}

fn folder(workspace: &Result<Workspace>) -> Line {
    match workspace {
        Err(_) => Line::weak("folder", "not in a splitbrain folder", "`splitbrain init prep`, then `cd prep`"),
        Ok(w) if w.place == Place::Clone => Line::good("folder", format!("{}, a clone of the repository", w.root.display())),
        Ok(w) => match layout::laid_out_by(w) {
            Err(e) => Line::broken("folder", e.message, "see above"),
            Ok(Some(version)) if version == env!("CARGO_PKG_VERSION") => Line::good("folder", format!("{}, up to date", w.root.display())),
            Ok(Some(version)) => Line::weak(
                "folder",
                format!("{} was laid out by splitbrain {version}; this is {}", w.root.display(), env!("CARGO_PKG_VERSION")),
                "`splitbrain update` brings what is new, and keeps your work",
            ),
            Ok(None) => Line::weak(
                "folder",
                format!("{} does not say which version laid it out", w.root.display()),
                "`splitbrain update` brings what is new, and keeps your work",
            ),
        },
    }
}

fn state(workspace: &Workspace) -> Line {
    let store = workspace.store();
    let read: Result<Vec<Vec<String>>> = EXPORTED.iter().map(|kind| store.read(*kind).map(|told| told.notices)).collect();
    match read.map(|notices| notices.concat()) {
        Ok(notices) if notices.is_empty() => Line::good("state", "your progress and answers can be read"),
        Ok(notices) => Line::weak("state", notices.join(" "), "nothing to do: unreadable files are kept beside the new ones"),
        Err(e) => Line::broken("state", e.message, "see above; the files are in .splitbrain/"),
    }
}

/// Whether `watch` is told of saves here.
fn file_events(root: &Path) -> Line {
    let why = Runtime::new().map(|runtime| runtime.block_on_alone(async { files::without_events(&[root.join("Cargo.toml")]) }));
    match why {
        Ok(None) => Line::good("saves", "the system reports file events"),
        Ok(Some(why)) => Line::weak("saves", format!("{why}; `watch` polls the files instead"), ""),
        Err(e) => Line::weak("saves", e.message, ""),
    }
}

fn writable(root: &Path) -> Line {
    match tempfile::Builder::new().prefix(".splitbrain-doctor-").tempfile_in(root) {
        Ok(_) => Line::good("writing", format!("{} can be written to", root.display())),
        Err(e) => Line::broken("writing", format!("{} cannot be written to: {e}", root.display()), "work in a folder of your own"),
    }
}

fn disk(root: &Path) -> Line {
    let Ok(about) = rustix::fs::statvfs(root) else { return Line::weak("disk", "the free space is unknown", "") };
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    let seen = format!("{} MB free", thousands(free / 1_000_000));
    let todo = "free some space; `splitbrain clean` deletes what was built here";
    match free {
        DISK_GOOD.. => Line::good("disk", seen),
        DISK_LEAST.. => Line::weak("disk", seen, todo),
        _ => Line::broken("disk", seen, todo),
    }
}

fn terminal(out: &Out) -> Line {
    if !std::io::stdout().is_terminal() {
        return Line::good("terminal", "none: plain text, and questions line by line");
    }
    let colours = if out.style.colours() { "with colours" } else { "without colours" };
    let seen = format!("{} columns, {colours}", out.width());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(|n| std::env::var(n).ok()).find(|v| !v.is_empty());
    let utf8 = locale.is_some_and(|l| l.to_lowercase().replace('-', "").contains("utf8"));
    if out.width() < 60 {
        return Line::weak("terminal", seen, "make it 60 columns wide or more: pictures are cut below that");
    }
    if !utf8 && !cfg!(target_os = "macos") {
        return Line::weak("terminal", format!("{seen}, no UTF-8 locale"), "if you see boxes, use --ascii or `export LANG=C.UTF-8`");
    }
    Line::good("terminal", seen)
}
