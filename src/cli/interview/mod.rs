//! Mock interviews: which questions ([`choice`]), the talk itself ([`talk`]), what came of it ([`card`]), and what is kept
//! ([`history`]).

pub mod history;
