//! An event's key, and what takes events in (a sink) and hands them out (a store). What an event holds is in `columns.rs`.

use crate::control::{Control, RunError};
use crate::domain::{Event, EventRef, Ledger};
use serde::{Deserialize, Serialize};

/// Where an event stands: source (index into [`EventStore::sources`]), 1-based position in it, and part when one record yields several events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub struct EventKey {
    /// Index into the case's sources, which are sorted by (`source_file`, SHA-256).
    pub source: u32,
    /// 0.. when one record yields several events.
    pub part: u32,
    /// Position in the source, from 1 (EVTX: walk order; table: data row).
    pub record: u64,
}

/// Takes sources in. One [`SourceSink`] per source; sources arrive in parallel.
pub trait EventSink: Sync {
    /// Opens a place for one source's events; `source_file` is its [`Ledger::source_file`], written into the events' `source` column.
    ///
    /// # Errors
    /// When the place cannot be made.
    fn begin(&self, source_file: &str) -> Result<Box<dyn SourceSink>, RunError>;
    /// Records a source that gave no events (unreadable, not evidence, duplicate).
    ///
    /// # Errors
    /// When the ledger cannot be written.
    fn note(&self, ledger: Ledger) -> Result<(), RunError>;
}

/// Takes one source's events, in record order.
pub trait SourceSink: Send {
    /// Appends a batch.
    ///
    /// # Errors
    /// When it cannot be written (disk full).
    fn write(&mut self, batch: Vec<Event>) -> Result<(), RunError>;
    /// Commits the source under its final name together with its ledger row; dropping instead discards it.
    ///
    /// # Errors
    /// When it cannot be committed.
    fn finish(self: Box<Self>, ledger: Ledger) -> Result<(), RunError>;
}

/// A case's events as the detectors see them.
pub trait EventStore: Send + Sync {
    /// The ledger rows, sorted by (`source_file`, SHA-256): the order that [`EventKey::source`] counts in.
    fn sources(&self) -> &[Ledger];
    /// Number of events that [`EventStore::scan`] hands out at most.
    fn events(&self) -> u64;
    /// Hands every scored event (duplicates of another source's records are left out) to `each` in batches, in key order.
    /// `payload` says whether `fields` and `message` are wanted too (they cost the most to read).
    ///
    /// # Errors
    /// When the store cannot be read, `each` fails, or the job is cancelled.
    fn scan(&self, payload: bool, control: &Control, each: &mut dyn FnMut(&[EventRef<'_>]) -> Result<(), RunError>) -> Result<(), RunError>;
    /// Fetches one event with all its columns.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn fetch(&self, key: EventKey) -> Result<Option<Event>, RunError>;
}
