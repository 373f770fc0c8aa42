//! Drives the real program in folders of its own. One binary: each further one would be linked anew.

#![allow(clippy::disallowed_methods, reason = "tests wait for real processes")]

mod around;
mod at_rest;
mod bench;
#[cfg(target_os = "linux")]
mod beside;
mod circles;
mod clipped;
mod code;
mod course;
#[cfg(target_os = "linux")]
mod evening;
mod exercises;
#[cfg(target_os = "linux")]
mod export_import;
mod first_hour;
mod init;
mod inside;
mod learners;
#[cfg(target_os = "linux")]
mod lent;
mod lessons;
mod misbehaviour;
mod mutate;
mod own;
mod page;
#[cfg(target_os = "linux")]
mod paged;
mod patience;
mod pictures;
mod prepare;
mod pristine;
mod prompts;
mod proof;
#[cfg(target_os = "linux")]
mod pty;
mod quiz;
mod reset;
#[cfg(target_os = "linux")]
mod resumed;
#[cfg(target_os = "linux")]
mod rounds;
mod scaffold;
#[cfg(target_os = "linux")]
mod sitting;
mod state;
mod streams;
mod surroundings;
mod syllabus;
mod tidy;
mod trust;
#[cfg(target_os = "linux")]
mod watch;
