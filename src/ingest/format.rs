//! What a format of evidence is to the rest of ingest.

use super::output::Output;
use super::table::Chosen;
use crate::control::{Control, RunError};
use std::fs::File;

/// What may tell a source's format.
pub(super) struct Head<'a> {
    /// Up to [`super::sniff::HEAD`] bytes.
    pub(super) bytes: &'a [u8],
}

/// One source, open, as a format reads it.
pub(super) struct Input<'a> {
    /// Opens the source, read-only, with a position of its own; may be called by several threads.
    pub(super) open: &'a (dyn Fn() -> std::io::Result<File> + Sync),
    /// Size when it was opened.
    pub(super) size: u64,
    /// What the analyst chose.
    pub(super) chosen: &'a Chosen,
    /// Says that so many more bytes of the source are read.
    pub(super) progress: &'a (dyn Fn(u64) + Sync),
    /// How to stop it and hear it.
    pub(super) control: &'a Control,
}

/// A format of evidence.
pub(super) trait Format: Sync {
    /// Its name in the ledger.
    fn name(&self) -> &'static str;
    /// How times are stated (`stated`, `UTC`): the ledger's `zone`, unless reading finds out better.
    fn zone(&self) -> &'static str;
    /// How sure the content is this format, 0..1; `None` = it is not.
    fn recognise(&self, head: &Head<'_>) -> Option<f32>;
    /// Reads every record into `output`, as an event or as a defect.
    ///
    /// # Errors
    /// Cancelled or the sink failed; never for what is wrong with the source.
    fn read(&self, input: &Input<'_>, output: &mut Output<'_>) -> Result<(), RunError>;
}
