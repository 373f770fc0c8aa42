//! What a service of ours is, and is called: a place of the world that is not the learner's. See `sim::Service`.

/// A service. There is at most one of each in a world, so its name says which one is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Decides between nodes: who leads next.
    Arbiter,
    /// A general who may say anything.
    Traitor,
    /// A database.
    Database,
    /// A cache, or a store of keys that forget themselves.
    Cache,
    /// What takes money.
    Payments,
    /// A queue of work.
    Queue,
    /// Whom a node depends on.
    Upstream,
    /// Books flights.
    Flight,
    /// Books rooms.
    Hotel,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 9] =
        [Role::Arbiter, Role::Traitor, Role::Database, Role::Cache, Role::Payments, Role::Queue, Role::Upstream, Role::Flight, Role::Hotel];

    /// Its name, in pictures and sentences.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Role::Arbiter => "arbiter",
            Role::Traitor => "traitor",
            Role::Database => "database",
            Role::Cache => "cache",
            Role::Payments => "payments",
            Role::Queue => "queue",
            Role::Upstream => "upstream",
            Role::Flight => "flight",
            Role::Hotel => "hotel",
        }
    }
}
