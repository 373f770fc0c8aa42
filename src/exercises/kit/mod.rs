//! What judges of several exercises share: it knows the simulator, and of exercises only what they tell it.

#[cfg(any(feature = "g_counter", feature = "pn_counter"))]
pub(crate) mod counters;
