//! Writes normalised events as CSV or JSON lines, in key order.

use super::row::cell;
use crate::control::{Control, RunError};
use crate::domain::{EventRef, EventStore, time};
use crate::files::{AtomicFile, OutputPath};
use anyhow::Context;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
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

const COLUMNS: [&str; 23] = [
    "time",
    "time_text",
    "source",
    "record",
    "part",
    "record_id",
    "recovered",
    "computer",
    "channel",
    "provider",
    "event_id",
    "level",
    "user",
    "pid",
    "ppid",
    "process_guid",
    "parent_guid",
    "image",
    "parent_image",
    "command_line",
    "message",
    "source_sha256",
    "fields",
];

/// Writes every event of a store as CSV or JSON lines; says how many.
///
/// # Errors
/// When the store cannot be read, the file cannot be written, or the job is cancelled; then no file appears.
pub fn write_events(store: &dyn EventStore, path: &OutputPath, format: EventFormat, control: &Control) -> Result<u64, RunError> {
    let mut rows = 0;
    match format {
        EventFormat::Jsonl => {
            let mut file = AtomicFile::create(path)?;
            store.scan(true, control, &mut |batch| {
                rows += batch.len() as u64;
                batch.iter().try_for_each(|event| write_line(&mut file, store, event)).with_context(|| format!("cannot write {}", path.display()))?;
                Ok(())
            })?;
            file.finish()?;
        }
        EventFormat::Csv | EventFormat::Parquet => {
            let mut file = csv::Writer::from_writer(AtomicFile::create(path)?);
            file.write_record(COLUMNS).with_context(|| format!("cannot write {}", path.display()))?;
            store.scan(true, control, &mut |batch| {
                rows += batch.len() as u64;
                for event in batch {
                    let cells = values(store, event).into_iter().map(|v| cell(&v)).chain([cell(&event.fields.into())]);
                    file.write_record(cells).with_context(|| format!("cannot write {}", path.display()))?;
                }
                Ok(())
            })?;
            file.into_inner().map_err(csv::IntoInnerError::into_error).with_context(|| format!("cannot write {}", path.display()))?.finish()?;
        }
    }
    Ok(rows)
}

/// All columns but the last.
fn values(store: &dyn EventStore, event: &EventRef<'_>) -> [Value; 22] {
    let text = |t: Option<&str>| t.map_or(Value::Null, Value::from);
    let source = store.sources().get(event.key.source as usize);
    [
        event.time.map_or(Value::Null, |ns| time::iso(ns).into()),
        text(event.time_text),
        text(source.map(|s| s.source_file.as_str())),
        event.key.record.into(),
        event.key.part.into(),
        event.record_id.into(),
        event.recovered.into(),
        text(event.computer),
        text(event.channel),
        text(event.provider),
        event.event_id.into(),
        text(event.level),
        text(event.user),
        event.pid.into(),
        event.ppid.into(),
        text(event.process_guid),
        text(event.parent_guid),
        text(event.image),
        text(event.parent_image),
        text(event.command_line),
        event.message.into(),
        text(source.map(|s| s.sha256.as_str())),
    ]
}

fn write_line(file: &mut impl Write, store: &dyn EventStore, event: &EventRef<'_>) -> anyhow::Result<()> {
    let object: Map<String, Value> = COLUMNS.iter().map(|c| (*c).to_owned()).zip(values(store, event)).collect();
    let head = serde_json::to_string(&object)?;
    // The fields are JSON already and go through as they are; text that is none is kept as a text.
    let fields = if serde_json::from_str::<IgnoredAny>(event.fields).is_ok() { event.fields.to_owned() } else { serde_json::to_string(event.fields)? };
    let head = head.strip_suffix('}').unwrap_or(&head);
    writeln!(file, "{head},\"fields\":{fields}}}")?;
    Ok(())
}
