//! What shows only between nodes: nobody acts under a lease when the server has given a later one.

use super::ONE;
use crate::exercises::lease_lock::{Config, LeaseLock, Message, Response, Token};
use crate::rule::{Broken, Check};
use crate::sim::{Effect, NodeId, Step};

pub(super) struct Safety {
    server: NodeId,
    storage: NodeId,
    /// The last lease, whose, and in which step it was given.
    last: Option<(Token, NodeId, u64)>,
}

impl Safety {
    pub fn new(config: &Config) -> Self {
        Safety { server: config.server, storage: config.storage, last: None }
    }

    pub fn watches(&mut self, step: &Step<'_, LeaseLock>) -> Check {
        for effect in step.effects {
            match effect {
                Effect::Send { to, message: Message::Granted { token, .. } }
                    if step.node == self.server && self.last.is_none_or(|(last, ..)| *token > last) =>
                {
                    self.last = Some((*token, *to, step.number));
                }
                Effect::Send { to, message: Message::Write(entry) } if *to == self.storage => self.acts(step, entry.token, "wrote")?,
                Effect::Reply { response: Response::Locked(token), .. } => self.acts(step, *token, "took the lock")?,
                _ => {}
            }
        }
        Ok(())
    }

    fn acts(&self, step: &Step<'_, LeaseLock>, token: Token, did: &str) -> Check {
        let Some((last, holder, when)) = self.last.filter(|(last, ..)| token < *last) else { return Ok(()) };
        let seen = format!("{} {did} under {token:?} when {} had given {last:?} to {holder} already", step.node, self.server);
        Err(Broken::new(ONE, seen).at([when, step.number]))
    }
}
