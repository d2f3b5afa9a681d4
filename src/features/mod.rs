//! What turns raw text into features: normaliser, classes, interner.
//!
//! Border: plain text and numbers; knows neither detectors nor files.

pub mod classes;
mod interner;
mod normalise;

pub use interner::Interner;
pub use normalise::normalise;
