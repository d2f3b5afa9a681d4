//! The detectors: one trait, one registry, one file or folder per method.
//!
//! Border: a detector reads events through [`EventStore`], trains on the given device, and hands back a [`Detection`]; it knows nothing of
//! cases on disk, exports or front ends.

pub mod chains;
pub mod fields;
pub mod groups;
pub mod memory;
pub mod process;
mod seen;
pub mod timeline;

pub(crate) use seen::is_private;

use crate::control::{Control, RunError};
use crate::domain::{Detection, DetectorId, EventStore, Plan};
use crate::nn::Device;
use std::path::Path;

/// What a detector works on.
pub struct Input<'a> {
    /// The evidence to score.
    pub case: &'a dyn EventStore,
    /// Known-good evidence; empty = learn from the case itself.
    pub baseline: &'a [&'a dyn EventStore],
    /// What is wanted.
    pub plan: &'a Plan,
    /// Where to train.
    pub device: &'a Device,
    /// Folder of a saved model to score with, of this detector alone.
    pub model: Option<&'a Path>,
    /// Folder to save the trained model into, of this detector alone.
    pub save_model: Option<&'a Path>,
    /// How to stop it and hear it.
    pub control: &'a Control,
}

/// One method.
pub trait Detector: Sync {
    /// Which one.
    fn id(&self) -> DetectorId;
    /// Whether it can run on these events, from the ledger alone.
    ///
    /// # Errors
    /// The reason why not, in one sentence.
    fn applies(&self, case: &dyn EventStore) -> Result<(), String>;
    /// Scores the case. A ranking by counting alone is handed to `first` as soon as it is there; the final one is returned.
    ///
    /// # Errors
    /// Cancelled, or what failed.
    fn run(&self, input: &Input<'_>, first: &mut dyn FnMut(Detection)) -> Result<Detection, RunError>;
}

/// Every detector there is, in the order of the contract.
#[must_use]
pub fn registry() -> Vec<&'static dyn Detector> {
    vec![&groups::Groups, &chains::Chains, &fields::Fields, &process::ProcessBehaviour, &timeline::Timeline]
}
