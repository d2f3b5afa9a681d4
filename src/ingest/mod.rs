//! Reads sources: told by content, every record becomes an event or a ledger entry.
//!
//! ```text
//! find (what is there) -> archive (what is packed in it) -> sniff (what it is) -> source (hash beside reading) -> a format (records)
//!     -> output (counts, batches) -> sink
//! ```
//! A format is one implementation of [`format::Format`] in a file or folder of its own, listed in [`sniff`]; walking, hashing, counting and
//! the ledger are done once, here, for all of them. Sources are opened read-only. What a source gives depends on its bytes alone, never on
//! the number of threads or the order of arguments.
//!
//! # The shape of `fields`
//! One flat JSON object; detectors read it. For EVTX:
//! * every `EventData` value stands at the top level under its name as found (`"TargetUserName": "bob"`); names that repeat are numbered
//!   `Name_1`, `Name_2` by the parser; unnamed `Data` are one array `"Data": ["a", "b"]` even when there is only one;
//! * `EventData`'s own name is `"EventData@Name"`; an attribute of an element that also has a text is `"Element@Attribute"`;
//! * `UserData` leaves stand at the top level under their leaf names, `Container.Leaf` where that name is taken; namespaces are left out;
//! * `"System"` is an object with the rest: `Provider: {Name, Guid}`, `EventID`, `EventID@Qualifiers`, `Version`, `Level`, `Task`, `Opcode`,
//!   `Keywords`, `TimeCreated: {SystemTime}`, `EventRecordID`, `Correlation: {ActivityID}`, `Execution: {ProcessID, ThreadID}`, `Channel`,
//!   `Computer`, `Security: {UserID}`, as far as the record has them;
//! * other parts of an event (`RenderingInfo`, ...) are flattened as `UserData` is, their names before a dot.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod archive;
mod error;
mod evtx;
mod find;
mod format;
mod hash;
pub mod mapping;
mod message;
mod output;
mod parallel;
mod read;
mod sniff;
mod source;
mod table;
mod values;
mod windows;
mod xml;

pub use error::ReadError;

use crate::control::{Control, RunError};
use crate::domain::{EventSink, Ledger};
use crate::files::SourcePath;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the analyst chose about reading.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Zone of local times (`--time-zone`).
    pub zone: Option<String>,
    /// Column mappings (`--map`): TOML with the keys of one entry of `assets/formats.toml`, or several entries under `[[format]]`. `time` is
    /// needed, `message`, `computer`, `user`, `image` and the rest are not. An entry that lists `columns` serves every table that has them all; one
    /// that lists none serves tables without a known signature that have its column of time.
    pub map: Option<PathBuf>,
}

/// Reads every source under `paths` into `sink`; returns all ledger rows sorted by (`source_file`, SHA-256).
///
/// Sources with the same bytes are read once: the first by `source_file` is read, the others are marked as its duplicates.
///
/// # Errors
/// Cancelled, the sink failed, the zone or the mapping is not understood. What is wrong with the evidence is in the ledger, not an error.
pub fn ingest(paths: &[PathBuf], sink: &dyn EventSink, options: &Options, control: &Control) -> Result<Vec<Ledger>, RunError> {
    let chosen = table::Chosen::new(options)?;
    archive::sweep();
    let found = find::find(paths, control)?;
    let room = archive::Room::new(paths);
    let sources = source::open_all(found, &chosen, &room, control)?;
    let mut rows = read::read_all(&sources, sink, control)?;
    if chosen.in_vain() && options.map != mapping::remembered() {
        control.warn("the mapping fits none of the tables: its columns stand in none of their headers (or their formats are known without it)");
    }
    rows.sort_by(|a, b| (&a.source_file, &a.sha256).cmp(&(&b.source_file, &b.sha256)));
    Ok(rows)
}

/// SHA-256 of a source (of archive members too, their unpacked bytes), in lower-case hex.
///
/// # Errors
/// When it cannot be read, or the job is cancelled.
pub fn sha256_of(path: &SourcePath, control: &Control) -> Result<String, ReadError> {
    match archive::at(path, control)? {
        Some((unpacked, _)) => Ok(unpacked.sha256),
        None => hash::sha256(path.open()?, control),
    }
}

/// The record at byte `offset` of an EVTX source, rendered again as indented XML. A member of an archive is unpacked into a small cache.
///
/// # Errors
/// The source is away, holds no readable record there any more, or the job is cancelled.
pub fn raw_xml(source: &Ledger, offset: u64, control: &Control) -> Result<String, RunError> {
    let path = SourcePath::parse(&source.path).map_err(|why| RunError::failed(format!("the record cannot be shown as XML: {why}: {}", source.path)))?;
    let unpacked = archive::member(&path, &source.sha256, control).map_err(|error| match error {
        ReadError::Cancelled => RunError::Cancelled,
        error => RunError::failed(format!("the record cannot be shown as XML: the archive cannot be read any more ({error}): {}", source.path)),
    })?;
    control.check()?;
    evtx::raw_xml(unpacked.as_ref().map_or(path.file(), |kept| kept.path()), offset)
}

/// Groups `items` by a key, in key order.
fn grouped<K: Ord, T>(items: impl IntoIterator<Item = T>, key: impl Fn(&T) -> K) -> BTreeMap<K, Vec<T>> {
    let mut groups: BTreeMap<K, Vec<T>> = BTreeMap::new();
    for item in items {
        groups.entry(key(&item)).or_default().push(item);
    }
    groups
}
