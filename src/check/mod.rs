//! Checkers: from a history or a trace to a verdict. None of them knows the simulator.
pub mod knowledge;
