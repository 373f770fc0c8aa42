//! The engine of splitbrain: all that an exercise is judged with, whatever it asks for. No dependency at all, so that a learner's
//! folder builds it offline, once for all exercises. It knows no exercise and not the program; `splitbrain` (the package above
//! it) re-exports its modules, and its `src/lib.rs` has the map of both.
//!
//! A learner's folder builds it without optimization, which is two thirds of the wait for a first verdict, and optimizes the judge. So
//! a function that a judge calls a million times must be compiled with the judge: it is generic, or it carries `#[inline]` (then all
//! that it calls does, too). `perf record` on a judge that was built so shows what was forgotten.

#![warn(missing_docs)]

pub mod bench;
pub mod check;
pub mod echo;
pub mod harness;
pub mod hash;
pub mod report;
pub mod rng;
pub mod rule;
pub mod seal;
pub mod sim;
#[cfg(feature = "sources")]
pub mod sources;
pub mod suite;
pub mod time;
pub mod trace;
pub mod words;
