//! Writes normalised events as CSV or JSON lines, in key order.

use super::cell;
use crate::control::{Control, RunError};
use crate::domain::{Access, BEFORE_KEY, Cell, EVENT_COLUMNS, EventColumn, EventRef, EventStore};
use crate::files::{AtomicFile, OutputPath};
use anyhow::Context;
use serde::de::IgnoredAny;
use std::io::Write;

/// What the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventFormat {
    /// The case's own columns.
    Parquet,
    /// Text, neutralised for spreadsheets.
    Csv,
    /// Faithful text.
    Jsonl,
}

/// Where a column's cell comes from.
#[derive(Clone, Copy)]
enum From {
    Event(&'static EventColumn),
    SourceFile,
    Record,
    Part,
    Sha256,
}

/// The columns but the last, which is `fields`: the event's with its key among them, and its source's hash. Where a record lies in its source is
/// left out: it means nothing without the source's own bytes.
fn columns() -> Vec<(&'static str, From)> {
    let (before, after) = EVENT_COLUMNS.split_at(BEFORE_KEY);
    let own = |columns: &'static [EventColumn]| {
        columns.iter().filter(|column| column.access != Access::Fetched && column.name != FIELDS).map(|column| (column.name, From::Event(column)))
    };
    own(before)
        .chain([("source", From::SourceFile), ("record", From::Record), ("part", From::Part)])
        .chain(own(after))
        .chain([("source_sha256", From::Sha256)])
        .collect()
}

/// JSON already: goes into JSON lines as it is.
const FIELDS: &str = "fields";

/// Writes every event of a store as CSV or JSON lines; says how many.
///
/// # Errors
/// When the store cannot be read, the file cannot be written, or the job is cancelled; then no file appears.
pub fn write_events(store: &dyn EventStore, path: &OutputPath, format: EventFormat, control: &Control) -> Result<u64, RunError> {
    let (mut rows, columns) = (0, columns());
    match format {
        EventFormat::Jsonl => {
            let mut file = AtomicFile::create(path)?;
            store.scan(true, control, &mut |batch| {
                rows += batch.len() as u64;
                batch.iter().try_for_each(|event| write_line(&mut file, &columns, store, event)).with_context(|| format!("cannot write {}", path.display()))?;
                Ok(())
            })?;
            file.finish()?;
        }
        EventFormat::Csv | EventFormat::Parquet => {
            let mut file = csv::Writer::from_writer(AtomicFile::create(path)?);
            file.write_record(columns.iter().map(|(name, _)| *name).chain([FIELDS])).with_context(|| format!("cannot write {}", path.display()))?;
            store.scan(true, control, &mut |batch| {
                rows += batch.len() as u64;
                for event in batch {
                    let cells = cells(&columns, store, event).map(|(_, cell)| cell).chain([Cell::Text(event.fields)]);
                    cell::write_row(&mut file, cells).with_context(|| format!("cannot write {}", path.display()))?;
                }
                Ok(())
            })?;
            file.into_inner().map_err(csv::IntoInnerError::into_error).with_context(|| format!("cannot write {}", path.display()))?.finish()?;
        }
    }
    Ok(rows)
}

/// An event's cells in all columns but the last.
fn cells<'a>(columns: &'a [(&'static str, From)], store: &'a dyn EventStore, event: &'a EventRef<'a>) -> impl Iterator<Item = (&'static str, Cell<'a>)> {
    let source = store.sources().get(event.key.source as usize);
    columns.iter().map(move |(name, from)| {
        let cell = match from {
            From::Event(column) => (column.get)(event),
            From::SourceFile => source.map(|source| source.source_file.as_str()).into(),
            From::Record => Cell::Id(event.key.record),
            From::Part => Cell::Number(event.key.part),
            From::Sha256 => source.map(|source| source.sha256.as_str()).into(),
        };
        (*name, cell)
    })
}

fn write_line(file: &mut impl Write, columns: &[(&'static str, From)], store: &dyn EventStore, event: &EventRef<'_>) -> anyhow::Result<()> {
    file.write_all(b"{")?;
    cell::write_members(file, cells(columns, store, event))?;
    // Text that is no JSON is kept as a text.
    if serde_json::from_str::<IgnoredAny>(event.fields).is_ok() {
        writeln!(file, ",\"{FIELDS}\":{}}}", event.fields)?;
    } else {
        writeln!(file, ",\"{FIELDS}\":{}}}", serde_json::to_string(event.fields)?)?;
    }
    Ok(())
}
