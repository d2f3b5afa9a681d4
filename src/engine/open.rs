//! Opens evidence into a case.

use crate::case::Case;
use crate::control::{Control, RunError};
use crate::domain::{Ledger, SourceStatus};
use crate::files::{Evidence, OutputPath};
use crate::ingest::{self, Options as ReadOptions};
use std::path::{Path, PathBuf};

/// Reads evidence into a case and says in notices what could not be read whole.
///
/// # Errors
/// When a path does not exist, the case cannot be written, or the job is cancelled. Unreadable evidence is a ledger row, not an error.
pub fn read_into(case: &Case, paths: &[PathBuf], zone: Option<&str>, control: &Control) -> Result<Vec<Ledger>, RunError> {
    read_with(case, paths, &ReadOptions { zone: zone.map(str::to_owned), ..ReadOptions::default() }, control)
}

/// Reads evidence into a case as the analyst chose.
///
/// # Errors
/// As [`read_into`]; also when the zone or the mapping is not understood.
pub fn read_with(case: &Case, paths: &[PathBuf], options: &ReadOptions, control: &Control) -> Result<Vec<Ledger>, RunError> {
    for path in paths {
        if !path.exists() {
            return Err(RunError::failed(format!("nothing is there: {}", path.display())));
        }
    }
    let evidence = Evidence::of(paths);
    OutputPath::outside(case.dir(), &evidence)?;
    for path in paths {
        if let Some(text) = mistaken(path) {
            control.warn(text);
        }
    }
    let ledger = ingest::ingest(paths, case, options, control)?;
    for row in &ledger {
        if let Some(text) = complaint(row) {
            control.warn(text);
        }
    }
    Ok(ledger)
}

/// What to say of a folder that is called like a case and is none: it is read as evidence.
fn mistaken(path: &Path) -> Option<String> {
    let called = path.extension().is_some_and(|ending| ending == "residue") && path.is_dir() && !Case::is_case(path);
    called.then(|| {
        format!("called like a case, but residue made no case of it, or it is damaged: read as evidence, and nothing in it is changed: {}", path.display())
    })
}

/// What is wrong with a source, in one line; `None` when nothing is.
#[must_use]
pub fn complaint(row: &Ledger) -> Option<String> {
    let first = row.entries.first().map_or("no reason is known", |e| e.what.as_str());
    match row.status {
        SourceStatus::Whole | SourceStatus::NotEvidence | SourceStatus::Duplicate => None,
        SourceStatus::Partial => {
            Some(format!("read in part, {} records, {} defects (first: {first}): {}", row.records_ok + row.records_recovered, row.defects, row.source_file))
        }
        SourceStatus::Unreadable => Some(format!("could not be read ({first}): {}", row.source_file)),
    }
}

/// Whether any evidence could not be read whole (exit status 1).
#[must_use]
pub fn is_partial(ledger: &[Ledger]) -> bool {
    ledger.iter().any(|row| matches!(row.status, SourceStatus::Partial | SourceStatus::Unreadable))
}
