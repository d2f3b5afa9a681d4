//! The networks: device choice, one training loop, models that can be saved.
//!
//! Border: plain slices and matrices in and out; burn's types stay inside (and in `detect`).

/// Where tensors live, and why there.
#[derive(Clone, Debug)]
pub struct Device {
    /// Shown in words: `CPU (no GPU adapter found)`.
    pub reason: String,
}
