//! Mock interviews: what is asked ([`choice`]), the talk itself ([`talk`]; its design rounds, and how it pushes back), what it is worth
//! ([`marks`]), what came of it ([`card`], on paper in [`paper`]), and what is kept ([`history`], of each thing asked a [`part`];
//! of one that was [`broken_off`] also what it asks).

pub mod broken_off;
pub mod card;
pub mod choice;
mod going;
pub mod history;
pub mod marks;
mod missed;
pub mod paper;
pub mod part;
mod push;
mod round;
pub mod talk;
#[cfg(test)]
mod tests;
