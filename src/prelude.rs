//! What a stub imports: everything that a node is written with.

pub use crate::sim::{Context, Node, NodeId, Ticket};
pub use crate::time::{Time, millis};
pub use std::time::Duration;
