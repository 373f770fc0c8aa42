//! The exercises. Each has a public contract (`mod.rs`: protocol, messages, trait; what a learner writes against) and private
//! hidden tests (`judge`), both behind the feature of its id. No exercise imports another; what their judges share is in `kit`.

#[cfg(feature = "durable_note")]
pub mod durable_note;
#[cfg(feature = "g_counter")]
pub mod g_counter;
#[cfg(feature = "hash_ring")]
pub mod hash_ring;
mod kit;
#[cfg(feature = "pn_counter")]
pub mod pn_counter;
#[cfg(feature = "quorum_register")]
pub mod quorum_register;
#[cfg(feature = "quorum_write")]
pub mod quorum_write;
#[cfg(feature = "raft_election")]
pub mod raft_election;
#[cfg(feature = "view_counter")]
pub mod view_counter;

#[cfg(feature = "lamport_clock")]
pub mod lamport_clock;

#[cfg(feature = "two_phase_commit")]
pub mod two_phase_commit;
#[cfg(feature = "vector_clock")]
pub mod vector_clock;

#[cfg(feature = "primary_replica")]
pub mod primary_replica;
#[cfg(feature = "read_your_writes")]
pub mod read_your_writes;
#[cfg(feature = "two_banks")]
pub mod two_banks;

#[cfg(feature = "byzantine_generals")]
pub mod byzantine_generals;

#[cfg(feature = "raft_log")]
pub mod raft_log;

#[cfg(feature = "lease_lock")]
pub mod lease_lock;

#[cfg(feature = "cache_aside")]
pub mod cache_aside;
#[cfg(feature = "circuit_breaker")]
pub mod circuit_breaker;
#[cfg(feature = "idempotent_orders")]
pub mod idempotent_orders;
#[cfg(feature = "retry_backoff")]
pub mod retry_backoff;
#[cfg(feature = "saga")]
pub mod saga;

#[cfg(feature = "trace_context")]
pub mod trace_context;
#[cfg(feature = "work_queue")]
pub mod work_queue;
