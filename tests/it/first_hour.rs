//! What the README and `learn start` show is what the program shows: the pictures in docs/pictures and the screens of the first
//! exercise are recorded here from a real terminal, and compared. `SPLITBRAIN_RECORD=1 cargo test --test it first_hour` writes
//! them anew. Times differ from run to run: they are left out.

use crate::bench::{ROOT, program, splitbrain};
use crate::pty::full::{Cell, Dress, PATIENCE, Pty};
use splitbrain::cli::content::Content;
use splitbrain::cli::mutants::catalogue;
use std::fs;
use std::path::{Path, PathBuf};

const FILE: &str = "exercises/durable_note/durable_note.rs";
const START: &str = "src/cli/start.md";

/// The answers that the walk tells to write.
const WRONG: [&str; 3] = ["self.note = note;", "cx.reply(ticket, Response::Written);", "cx.save(note);"];
const RIGHT: [&str; 3] = ["self.note = note;", "cx.save(note);", "cx.reply(ticket, Response::Written);"];

/// A learner's folder at a place of its own, kept between runs: what was built stays built. Its state is that of a first day.
fn prep() -> PathBuf {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR")).join("first_hour");
    let prep = parent.join("prep");
    fs::create_dir_all(&parent).unwrap();
    if !prep.join(".splitbrain/core").is_dir() {
        let _ = fs::remove_dir_all(&prep);
        assert_eq!(splitbrain(&parent, &["init", "prep"]).code, Some(0));
    }
    for id in ["durable_note", "quorum_register"] {
        let file = format!("exercises/{id}/{id}.rs");
        fs::copy(Path::new(ROOT).join(&file), prep.join(&file)).unwrap();
    }
    let said = splitbrain(&prep, &["update"]);
    assert_eq!(said.code, Some(0), "{}", said.shown());
    prep
}

/// What was checked before is forgotten: it would be said again.
fn forget(prep: &Path) {
    let _ = fs::remove_file(prep.join(".splitbrain/progress.toml"));
    let _ = fs::remove_dir_all(prep.join(".splitbrain/findings"));
}

/// The stub, with what the page tells to write at its three `todo!`s.
fn written(write: &[&str]) -> String {
    let mut text = fs::read_to_string(Path::new(ROOT).join(FILE)).unwrap();
    for (todo, code) in [
        ("todo!(\"make the server: its note is what was saved, or 0 if nothing was\")", "Server { note: saved.unwrap_or(0) }"),
        ("todo!(\"keep the note, make it safe, and answer Response::Written\")", &write.join("\n                ")),
        ("todo!(\"answer Response::Note(…) with the note\")", "cx.reply(ticket, Response::Note(self.note))"),
    ] {
        assert!(text.contains(todo), "{FILE} has no {todo}: say here and in {START} what is to be written now");
        text = text.replace(todo, code);
    }
    text
}

/// What a verb leaves on a terminal of so many columns, without times and what only says that one has to wait.
fn check(prep: &Path, id: &str, code: i32, columns: u16) -> Vec<Vec<Cell>> {
    // Building takes as long as it takes; on the terminal there is a limit.
    splitbrain(prep, &["check", id]);
    forget(prep);
    let mut command = program(prep);
    command.args(["check", id]);
    let mut pty = Pty::start(command, columns, 90);
    assert_eq!(pty.end().code(), Some(code), "{}", pty.now());
    let waiting = |row: &[Cell]| text(row).starts_with("building;");
    rows(pty.cells().iter().filter(|row| !waiting(row)).map(|row| timeless(row)).collect())
}

fn text(row: &[Cell]) -> String {
    row.iter().map(|cell| cell.0).collect::<String>().trim_end().to_owned()
}

fn timeless(row: &[Cell]) -> Vec<Cell> {
    let text = text(row);
    let timed = text.contains(" s · judge ").then(|| text.find("  build ")).flatten();
    row[..timed.map_or(row.len(), |at| text[..at].chars().count())].to_vec()
}

/// Rows up to the last that has something.
fn rows(mut rows: Vec<Vec<Cell>>) -> Vec<Vec<Cell>> {
    rows.truncate(rows.iter().rposition(|row| !text(row).is_empty()).map_or(0, |last| last + 1));
    rows
}

/// Compares a file of the repository with what it should be, or writes it.
fn same(path: &str, wanted: &str) {
    let full = Path::new(ROOT).join(path);
    if std::env::var_os("SPLITBRAIN_RECORD").is_some() {
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        fs::write(&full, wanted).unwrap();
    }
    let found = fs::read_to_string(&full).unwrap_or_default();
    let differs = found.lines().zip(wanted.lines()).find(|(found, wanted)| found != wanted);
    assert!(
        found == wanted,
        "{path} is not what the program shows: `SPLITBRAIN_RECORD=1 cargo test --test it first_hour` records it, then look at it\n{differs:#?}"
    );
}

/// The walk with its screens: whole ones are put in, pieces must be in the whole one.
#[track_caller]
fn with_screen(page: &str, name: &str, screen: &str) -> String {
    let open = format!("```console {name}\n");
    let (before, rest) = page.split_once(&open).unwrap_or_else(|| panic!("{START} has no block `{name}`"));
    let (_, after) = rest.split_once("```").unwrap();
    for piece in after.split(&format!("```console from {name}\n")).skip(1).filter_map(|piece| piece.split("```").next()) {
        assert!(screen.contains(piece), "{START}, part of `{name}`: this is not on the screen any more:\n{piece}\nbut\n{screen}");
    }
    format!("{before}{open}$ splitbrain check durable_note\n{screen}```{after}")
}

/// One test, as all of it happens in one folder.
#[test]
fn what_is_shown_is_what_the_program_shows() {
    let prep = prep();
    let mut page = fs::read_to_string(Path::new(ROOT).join(START)).unwrap();
    for code in [WRONG, RIGHT] {
        assert!(page.contains(&code.join("\n")), "{START} does not show {code:?}");
    }
    for (name, file, code) in [("stub", None, 1), ("wrong", Some(written(&WRONG)), 1), ("right", Some(written(&RIGHT)), 0)] {
        if let Some(file) = file {
            fs::write(prep.join(FILE), file).unwrap();
        }
        let screen: String = check(&prep, "durable_note", code, 80).iter().map(|row| text(row) + "\n").collect();
        page = with_screen(&page, name, &screen);
    }
    same(START, &page);

    fs::write(prep.join(FILE), written(&WRONG)).unwrap();
    forget(&prep);
    let mut command = program(&prep);
    command.args(["watch", "durable_note"]);
    let mut pty = Pty::start(command, 88, 28);
    pty.sees("does not pass");
    let cells: Vec<_> = pty.cells().iter().map(|row| timeless(row)).collect();
    same("docs/pictures/watch.svg", &drawn("splitbrain watch durable_note", &cells));
    pty.send("q");
    pty.end();

    let content = Content::Disk(PathBuf::from(ROOT));
    let wrong = catalogue(&content, "quorum_register").unwrap().into_iter().find(|m| m.name == "read_without_write_back").unwrap();
    fs::write(prep.join("exercises/quorum_register/quorum_register.rs"), wrong.text).unwrap();
    same("docs/pictures/finding.svg", &drawn("splitbrain check quorum_register", &check(&prep, "quorum_register", 1, 88)));
}

#[test]
fn the_picture_of_a_quiz_is_its_screen() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(splitbrain(dir.path(), &["init", "prep"]).code, Some(0));
    let mut command = program(&dir.path().join("prep"));
    command.args(["quiz", "idempotency", "--seed", "1", "--limit", "2"]);
    let mut pty = Pty::start(command, 88, 60);
    for (question, keys) in [("All that apply (", "2\r"), ("How sure", "3\r")] {
        pty.sees(question);
        pty.send(keys);
    }
    assert!(pty.pump(PATIENCE, |screen| screen.contains("Next question (")), "{}", pty.now());
    same("docs/pictures/quiz.svg", &drawn("splitbrain quiz idempotency", &rows(pty.cells().to_vec())));
}

#[test]
fn the_walk_is_read_a_screen_at_a_time_or_in_one_piece() {
    let dir = tempfile::tempdir().unwrap();
    let said = splitbrain(dir.path(), &["learn", "start"]);
    let whole = fs::read_to_string(Path::new(ROOT).join(START)).unwrap();
    assert!(said.code == Some(0) && said.out.contains("a note that was acknowledged survives a crash"), "{}", said.shown());
    assert!(said.out.lines().all(|line| line.chars().count() <= 100), "{}", said.out);
    assert_eq!(said.out.matches("splitbrain check durable_note").count(), whole.matches("splitbrain check durable_note").count());
    let contents = splitbrain(dir.path(), &["learn"]).out;
    assert!(contents.starts_with("splitbrain learn start ") && contents.contains("splitbrain learn cap "), "{contents}");
    let mut command = program(dir.path());
    command.args(["learn", "start"]);
    let mut pty = Pty::start(command, 80, 24);
    let mut leaf = 1;
    loop {
        let asked = format!("Read on, {leaf} of ");
        let end = |screen: &str| screen.contains("where you are, and what is next.");
        assert!(pty.pump(PATIENCE, |screen| screen.contains(&asked) || end(screen)), "{}", pty.now());
        let screen = pty.now();
        if end(&screen) {
            break;
        }
        let last = screen.lines().rev().find(|line| !line.is_empty()).unwrap().to_owned();
        assert!(last.starts_with(&asked), "{screen}");
        pty.send("\r");
        leaf += 1;
    }
    assert!(leaf > 5, "{leaf}");
    assert_eq!(pty.end().code(), Some(0));
    pty.is_as_found();
}

/// Columns and rows of a picture, in pixels.
const COLUMN: f64 = 8.4;
const ROW: usize = 17;

/// A terminal with that in it, as SVG: no script, and no font but the reader's own.
fn drawn(command: &str, rows: &[Vec<Cell>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0).max(88);
    let (width, height) = ((columns as f64 * COLUMN) as usize + 32, rows.len() * ROW + 58);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>{command}</title>\n\
         <style>text {{ font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #d4d7dd }} \
         .b {{ font-weight: 700 }} .d {{ fill: #8b93a1 }} .r {{ fill: #ff7b72 }} .g {{ fill: #7ee787 }} .y {{ fill: #e3b341 }}</style>\n\
         <rect x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"#161b22\" stroke=\"#3d444d\"/>\n\
         <path d=\"M0 30.5h{width}\" stroke=\"#3d444d\"/>\n\
         <text class=\"d\" x=\"16\" y=\"20\">{command}</text>\n",
        width - 1,
        height - 1,
    );
    for (number, row) in rows.iter().enumerate() {
        let mut at = 0;
        while at < row.len() {
            let length = run(&row[at..]);
            let words: String = row[at..at + length].iter().map(|cell| cell.0).collect();
            if !words.trim().is_empty() {
                let words = words.trim_end();
                // Each piece stands where it belongs, however wide a reader's font is.
                out.push_str(&format!(
                    "<text{} x=\"{:.1}\" y=\"{}\" textLength=\"{:.1}\" lengthAdjust=\"spacingAndGlyphs\">{}</text>\n",
                    class(row[at].1),
                    16.0 + at as f64 * COLUMN,
                    52 + number * ROW,
                    words.chars().count() as f64 * COLUMN,
                    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
                ));
            }
            at += length;
        }
    }
    out + "</svg>\n"
}

/// Cells from the first on that are one piece: blanks, or what is dressed alike, of letters alone or of one sign, without a gap.
fn run(cells: &[Cell]) -> usize {
    let blank = |at: usize| cells.get(at).is_none_or(|cell| cell.0 == ' ');
    if blank(0) {
        return cells.iter().take_while(|cell| cell.0 == ' ').count();
    }
    let letters = cells[0].0.is_ascii();
    let same = |at: usize| cells[at].1 == cells[0].1 && (if letters { cells[at].0.is_ascii() } else { cells[at].0 == cells[0].0 });
    (1..cells.len()).find(|at| !same(*at) || blank(*at) && blank(*at + 1)).unwrap_or(cells.len())
}

fn class(dress: Dress) -> String {
    let colour = match dress.colour {
        0 => "",
        31 => "r",
        32 => "g",
        33 => "y",
        other => panic!("give colour {other} a class"),
    };
    let all = [if dress.bold { "b" } else { "" }, if dress.dim { "d" } else { "" }, colour];
    let all: Vec<&str> = all.into_iter().filter(|class| !class.is_empty()).collect();
    if all.is_empty() { String::new() } else { format!(" class=\"{}\"", all.join(" ")) }
}
