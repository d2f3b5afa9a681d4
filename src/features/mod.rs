//! What turns raw text into features: normaliser, classes, interner, paths, processes.
//!
//! Border: plain text, numbers and events; knows neither detectors nor files.

pub mod classes;
pub mod hashing;
mod interner;
pub mod lineage;
mod lineage_join;
mod normalise;
pub mod path;
pub mod projection;

pub use interner::Interner;
pub use normalise::normalise;
