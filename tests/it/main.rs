//! Drives the real program in folders of its own. One binary: each further one would be linked anew.

mod bench;
mod course;
mod init;
mod learners;
mod misbehaviour;
mod quiz;
mod scaffold;
mod state;
mod streams;
