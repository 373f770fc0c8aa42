//! The program: everything with a dependency. Nothing here knows the simulator or the judges: the two programs meet at the report.
//!
//! | what for | rooms |
//! |---|---|
//! | the command line, and the verbs, one file each | `args`, `commands` |
//! | what only authors use: `dev …` | `author` |
//! | where we are, and what there is to learn | `workspace`, `content`, `embedded`, `course`, `lessons`, `docs`, `follow_ups`, `rules`, `mutants` |
//! | a learner's folder: laid out, updated; its manifests | `layout`, `manifest` |
//! | from a learner's file to a report; of the text that is there; what was found; are two sources the same | `runner`, `checking`, `findings`, `likeness` |
//! | a report for people and programs; on every save | `render`, `watch` |
//! | the questions: which there are, asked, about which hidden test; a mock interview | `bank`, `quiz`, `theory`, `interview` |
//! | what is remembered: the files; of exercises, answers, sittings, the date of the interview | `state`, `records`, `progress`, `answers`, `sittings`, `appointment` |
//! | what follows from it: what is due, what is next, which evening, which days | `memory`, `fsrs`, `digest`, `agenda`, `plan`, `activity` |
//! | asking a person; keys and screen; the streams, their colours and signs | `prompter`, `terminal`, `out`, `pager`, `style`, `ascii`, `patience` |
//! | text: measured and broken, Markdown, made harmless, figures, a misspelt name, words for a shell, fingerprints | `wrap`, `markdown`, `sanitize`, `figures`, `nearest`, `shell`, `fingerprint` |
//! | the world outside: files, time and days, processes and signals, several things at once | `disk`, `clock`, `dates`, `runtime`, `bounded_concurrency` |
//! | files that people write; errors | `toml_reader`, `error` |
//!
//! A room's first lines say what it is for and what it must not know. No two need each other, which `tests/it/circles.rs` holds;
//! `tests/it/tidy.rs` holds this table against the list below.

#![allow(clippy::disallowed_methods, reason = "the program has real deadlines, and nothing in it is replayed")]

pub mod activity;
pub mod agenda;
pub mod answers;
pub mod appointment;
pub mod args;
pub mod ascii;
pub mod author;
pub mod bank;
pub mod bounded_concurrency;
pub mod checking;
pub mod clock;
pub mod commands;
pub mod content;
pub mod course;
pub mod dates;
pub mod digest;
pub mod disk;
pub mod docs;
pub mod embedded;
pub mod error;
pub mod figures;
pub mod findings;
pub mod fingerprint;
pub mod follow_ups;
pub mod fsrs;
pub mod interview;
pub mod layout;
pub mod lessons;
pub mod likeness;
pub mod manifest;
pub mod markdown;
pub mod memory;
pub mod mutants;
pub mod nearest;
pub mod out;
pub mod pager;
pub mod patience;
pub mod plan;
pub mod progress;
pub mod prompter;
pub mod quiz;
pub mod records;
pub mod render;
pub mod rules;
pub mod runner;
pub mod runtime;
pub mod sanitize;
pub mod shell;
pub mod sittings;
pub mod state;
pub mod style;
pub mod terminal;
pub mod theory;
pub mod toml_reader;
pub mod watch;
pub mod workspace;
pub mod wrap;

use clap::Parser as _;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// The program's entry: reads the command line, runs the verb, and gives its exit code.
pub fn main() -> ExitCode {
    runtime::survive_file_limit();
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are no errors; a closed pipe is none either.
            let plain = ascii::wanted_by_locale() || std::env::args_os().any(|arg| arg == "--ascii");
            let printed = match (plain, e.use_stderr()) {
                (false, _) => e.print(),
                (true, true) => std::io::stderr().write_all(ascii::to_ascii(&e.render().to_string()).as_bytes()),
                (true, false) => std::io::stdout().write_all(ascii::to_ascii(&e.render().to_string()).as_bytes()),
            };
            if let Err(why) = printed
                && why.kind() != std::io::ErrorKind::BrokenPipe
                && !e.use_stderr()
            {
                out::Out::new(style::ColorChoice::Auto, args::Format::Human, false).trouble(&out::unwritten(&why));
                return ExitCode::from(error::Exit::Environment as u8);
            }
            return ExitCode::from(u8::from(e.use_stderr()) * 2);
        }
    };
    let mut out = out::Out { pager: !cli.no_pager, ..out::Out::new(cli.color, cli.format, cli.ascii) };
    // A panic is a bug of ours; the default hook has said where.
    let result = catch_unwind(AssertUnwindSafe(|| clock::start().and_then(|()| commands::run(cli.verb, &mut out))));
    let result = result.unwrap_or_else(|_| Err(error::Trouble::bug("this is a bug in splitbrain; please report the text above")));
    let exit = result.unwrap_or_else(|trouble| {
        out.trouble(&trouble);
        trouble.exit
    });
    ExitCode::from(exit as u8)
}
