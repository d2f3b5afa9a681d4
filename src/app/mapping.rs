//! What the columns of a table mean: asked once when one without a known format was opened, and of any table whenever the analyst wants.

use crate::domain::{Ledger, SourceStatus};
use crate::engine::{Mapping, Preview};
use std::path::{Path, PathBuf};

/// The dialog's contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingForm {
    /// The table's name.
    pub name: String,
    /// The table, as in the ledger.
    pub path: String,
    /// What it looks like.
    pub preview: Preview,
    /// What its columns are to mean.
    pub mapping: Mapping,
    /// The format as which it was read, where it was.
    pub format: Option<String>,
    /// It was read as the analyst said.
    pub chosen: bool,
}

/// Formats of tables that no known tool writes.
const GENERIC: [&str; 3] = ["CSV", "JSONL", "JSON"];

/// A table that was looked at.
pub(super) type Looked = (String, String, Result<Preview, String>);

/// Whether a source is a table that only lacks a meaning for its columns.
#[must_use]
pub fn is_unknown_table(source: &Ledger) -> bool {
    source.status == SourceStatus::NotEvidence && source.entries.iter().any(|entry| entry.what.starts_with("a table without a known signature"))
}

/// Whether a source was read, and not as Windows' own logs: its columns could mean something else.
#[must_use]
pub fn can_be_read_otherwise(source: &Ledger) -> bool {
    source.events > 0 && source.format != "EVTX" && !source.format.contains("XML")
}

/// Whether a table was read by what its columns are called alone.
pub(super) fn is_guessed(source: &Ledger) -> bool {
    source.events > 0 && source.certainty <= 0.5 && GENERIC.contains(&source.format.as_str())
}

/// Whether a table was read as the analyst said.
pub(super) fn is_mapped(source: &Ledger) -> bool {
    source.certainty >= 1.0 && GENERIC.contains(&source.format.as_str())
}

/// The file that a source is, or is packed in.
pub(super) fn file_of(path: &str) -> PathBuf {
    let outer = path.match_indices("!/").map(|(at, _)| path.get(..at).unwrap_or(path)).find(|outer| Path::new(outer).is_file());
    PathBuf::from(if Path::new(path).exists() { path } else { outer.unwrap_or(path) })
}
