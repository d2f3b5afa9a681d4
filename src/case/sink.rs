//! Writes one source's events into a Parquet file of the case: row group by row group, under a temporary name until it is whole.

use super::columns::{Columns, Group, schema};
use super::table::TableWriter;
use super::{Case, fault};
use crate::control::RunError;
use crate::domain::{Event, Ledger, SourceSink};
use crate::files::{self, NamedTempFile};
use std::path::Path;

/// Rows of a row group: few enough that one event is fetched in milliseconds.
pub(super) const GROUP_ROWS: usize = 8_192;
/// Payload bytes after which a row group is closed early, so that memory stays bounded.
const GROUP_BYTES: usize = 24 << 20;

/// A source's events on their way into the case.
pub(super) struct Sink {
    case: Case,
    source_file: String,
    temp: NamedTempFile,
    writer: TableWriter,
    waiting: Columns,
    groups: Vec<Group>,
}

impl Sink {
    /// Opens a temporary file in `folder`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn begin(case: Case, folder: &Path, source_file: &str) -> Result<Self, RunError> {
        let temp = files::part(folder, "events-", super::TEMPORARY).map_err(|e| fault("cannot write in the case", &e, folder))?;
        let file = temp.reopen().map_err(|e| fault("cannot write in the case", &e, folder))?;
        let writer = TableWriter::begin(file, temp.path(), &schema())?;
        Ok(Self { case, source_file: source_file.to_owned(), temp, writer, waiting: Columns::new(source_file, GROUP_ROWS), groups: Vec::new() })
    }

    fn flush(&mut self) -> Result<(), RunError> {
        if self.waiting.span().rows == 0 {
            return Ok(());
        }
        let full = std::mem::replace(&mut self.waiting, Columns::new(&self.source_file, GROUP_ROWS));
        self.groups.push(full.span());
        self.writer.write(full.table())
    }
}

impl SourceSink for Sink {
    fn write(&mut self, batch: Vec<Event>) -> Result<(), RunError> {
        for event in batch {
            self.waiting.push(&event);
            if self.waiting.span().rows >= GROUP_ROWS || self.waiting.bytes() >= GROUP_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, ledger: Ledger) -> Result<(), RunError> {
        self.flush()?;
        let Self { case, temp, writer, groups, .. } = *self;
        if groups.is_empty() {
            return case.record(ledger, None);
        }
        writer.finish()?;
        case.record(ledger, Some((temp, groups)))
    }
}
