//! Mock interviews: what is asked ([`choice`]), the talk itself ([`talk`]), what came of it ([`card`], on paper in [`paper`]), and
//! what is kept ([`history`]).

pub mod card;
pub mod choice;
pub mod history;
pub mod paper;
pub mod talk;
#[cfg(test)]
mod tests;
