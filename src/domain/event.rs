//! The normalised event, its key, and the two doors through which events pass: a sink that takes them in and a store that hands them out.

use crate::control::{Control, RunError};
use crate::domain::Ledger;
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

/// One normalised event, owned: what ingest produces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Nanoseconds since the Unix epoch, UTC; none = the no-time bucket.
    pub time: Option<i64>,
    /// The time as found, kept when it is not a plain UTC time stamp or lies outside what `time` can hold.
    pub time_text: Option<String>,
    /// Position in the source, from 1.
    pub record: u64,
    /// 0.. when one record yields several events.
    pub part: u32,
    /// `EventRecordID`, where there is one.
    pub record_id: Option<u64>,
    /// Byte offset of the record in the source, where it is known.
    pub offset: Option<u64>,
    /// Carved from slack or an unlinked chunk rather than read in order.
    pub recovered: bool,
    /// Computer as found.
    pub computer: Option<String>,
    /// Windows event channel, or the artefact family of a timeline row.
    pub channel: Option<String>,
    /// Windows event provider, or the parser of a timeline row.
    pub provider: Option<String>,
    /// Windows event ID.
    pub event_id: Option<u32>,
    /// Level in words (`Information`, `Warning`, `Error`, `Critical`, `Verbose`).
    pub level: Option<String>,
    /// `DOMAIN\name` of the acting user (DECISIONS: Sysmon User; 4688 Subject; 4624/4625 Target; else System UserID).
    pub user: Option<String>,
    /// The acting or new process in `EventData`, never System/Execution.
    pub pid: Option<u32>,
    /// Its parent.
    pub ppid: Option<u32>,
    /// Braced lower-case GUID of the acting or new process.
    pub process_guid: Option<String>,
    /// Braced lower-case GUID of its parent.
    pub parent_guid: Option<String>,
    /// Full path of the process image.
    pub image: Option<String>,
    /// Full path of the parent's image.
    pub parent_image: Option<String>,
    /// Command line.
    pub command_line: Option<String>,
    /// One line in words.
    pub message: String,
    /// JSON object of all of `EventData`, `UserData` and `System` (or of a row's columns) as found.
    pub fields: String,
}

/// One event borrowed from a store's batch; columns that were not asked for are `None` or empty.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "each field is the borrowed twin of the field of the same name in Event")]
pub struct EventRef<'a> {
    pub key: EventKey,
    pub time: Option<i64>,
    pub time_text: Option<&'a str>,
    pub record_id: Option<u64>,
    pub recovered: bool,
    pub computer: Option<&'a str>,
    pub channel: Option<&'a str>,
    pub provider: Option<&'a str>,
    pub event_id: Option<u32>,
    pub level: Option<&'a str>,
    pub user: Option<&'a str>,
    pub pid: Option<u32>,
    pub ppid: Option<u32>,
    pub process_guid: Option<&'a str>,
    pub parent_guid: Option<&'a str>,
    pub image: Option<&'a str>,
    pub parent_image: Option<&'a str>,
    pub command_line: Option<&'a str>,
    pub message: &'a str,
    /// JSON object text; empty unless asked for.
    pub fields: &'a str,
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
