//! The exercises, for tests that each of them has for itself: `each!(name)` is `name!(id id …)`. Written by `splitbrain dev sync`.

macro_rules! each {
    ($name:ident) => {
        $name! { durable_note two_banks lamport_clock vector_clock read_your_writes view_counter g_counter pn_counter quorum_write quorum_register primary_replica hash_ring raft_election raft_log lease_lock byzantine_generals retry_backoff circuit_breaker two_phase_commit saga idempotent_orders work_queue trace_context cache_aside }
    };
}
pub(crate) use each;
