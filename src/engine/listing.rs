//! Events of a case as a list in a file, whether or not a ranking knows them: CSV that Timesketch imports, or JSON lines.

use crate::case::events::{Events, Line};
use crate::case::{Annotations, Case, Unit};
use crate::control::{Control, RunError};
use crate::domain::{Column, ColumnKind, EVENT_COLUMNS, EventColumn, Ledger, time};
use crate::export::{Format, origin, write_plain};
use crate::files::OutputPath;
use serde_json::Value;
use std::path::Path;

/// What stands before the event's own columns.
const BEFORE: [&str; 6] = ["message", "datetime", "timestamp_desc", "tag", "flagged", "note"];
/// The event's own columns that stand first among them; the others follow in their order.
const FIRST: [Column; 6] = [Column::Computer, Column::User, Column::Channel, Column::Provider, Column::EventId, Column::RecordId];
/// What stands after them.
const AFTER: [&str; 3] = ["source_file", "source_sha256", "source_record"];

/// The event's own columns: all that a line of the list has, but those that are told before.
fn own() -> Vec<&'static EventColumn> {
    let told = |column: &EventColumn| column.kind == ColumnKind::Time || column.name == "time_text" || BEFORE.contains(&column.name);
    let is_first = |column: &EventColumn| column.search.is_some_and(|(searched, _)| FIRST.contains(&searched));
    let rest = EVENT_COLUMNS.iter().filter(|column| column.listed && !told(column) && !is_first(column));
    FIRST.into_iter().filter_map(Column::of_events).chain(rest).collect()
}

/// Events read at once.
const BATCH: usize = 1 << 15;

/// Writes the events of `rows` in their order; the ending of the file says in which format. Returns how many.
///
/// # Errors
/// When the case cannot be read or the file cannot be written, or the job is cancelled; the file appears whole or not at all.
pub fn write_events(case: &Case, events: &Events, rows: &[u32], path: &Path, control: &Control) -> Result<u64, RunError> {
    let format = path.extension().and_then(|ending| Format::of(ending.to_str()?));
    let format = format.ok_or_else(|| RunError::failed(format!("events are written as .csv or .jsonl: {}", path.display())))?;
    let path = OutputPath::new(path, &case.evidence())?;
    let (sources, annotations) = (case.sources(), case.annotations());
    let (mut done, mut untimed) = (0, 0);
    let lines = rows.chunks(BATCH).flat_map(|batch| {
        let page = control.check().and_then(|()| events.page(batch, control));
        let lines = page.map_or_else(|error| vec![Err(error)], |lines| lines.into_iter().map(Ok).collect());
        done += lines.len() as u64;
        control.progress("writing", "events", done, Some(rows.len() as u64), "events");
        lines
    });
    let own = own();
    let columns: Vec<&str> = BEFORE.into_iter().chain(own.iter().map(|column| column.name)).chain(AFTER).collect();
    let values = lines.map(|line| {
        line.map(|line: Line| {
            untimed += usize::from(line.event.time.is_none());
            values(&line, &own, &sources, &annotations)
        })
    });
    let written = write_plain(&path, format, &columns, values)?;
    if untimed > 0 && format == Format::Csv {
        control.warn(format!("{untimed} events have no time: Timesketch leaves such rows out when it imports the CSV"));
    }
    case.log("export", &serde_json::json!({ "file": path.display().to_string(), "rows": written, "part": "events" }))?;
    Ok(written)
}

fn values(line: &Line, own: &[&EventColumn], sources: &[Ledger], annotations: &Annotations) -> Vec<Value> {
    let (event, source) = (&line.event, sources.get(line.key.source as usize));
    let said = source.and_then(|source| annotations.get(Unit::Subject, source, line.key));
    let borrowed = event.borrowed(line.key.source);
    let mut values = vec![
        event.message.as_str().into(),
        event.time.map(time::iso).or_else(|| event.time_text.clone()).map_or(Value::Null, Value::from),
        "Event".into(),
        said.map_or_else(Vec::new, |said| said.tags.clone()).into(),
        said.is_some_and(|said| said.flagged).into(),
        said.map_or("", |said| said.note.as_str()).into(),
    ];
    values.extend(own.iter().map(|column| serde_json::to_value((column.get)(&borrowed)).unwrap_or_default()));
    values.extend(origin(source));
    values.push(line.key.record.into());
    values
}
