//! Events of a case as a list in a file, whether or not a ranking knows them: CSV that Timesketch imports, or JSON lines.

use crate::case::events::{Events, Line};
use crate::case::{Annotations, Case, Unit};
use crate::control::{Control, RunError};
use crate::domain::{Ledger, time};
use crate::export::{Format, origin, write_plain};
use crate::files::OutputPath;
use serde_json::Value;
use std::path::Path;

const COLUMNS: [&str; 20] = [
    "message",
    "datetime",
    "timestamp_desc",
    "tag",
    "flagged",
    "note",
    "computer",
    "user",
    "channel",
    "provider",
    "event_id",
    "record_id",
    "level",
    "pid",
    "image",
    "parent_image",
    "command_line",
    "source_file",
    "source_sha256",
    "source_record",
];
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
    let values = lines.map(|line| {
        line.map(|line: Line| {
            untimed += usize::from(line.event.time.is_none());
            values(&line, &sources, &annotations)
        })
    });
    let written = write_plain(&path, format, &COLUMNS, values)?;
    if untimed > 0 && format == Format::Csv {
        control.warn(format!("{untimed} events have no time: Timesketch leaves such rows out when it imports the CSV"));
    }
    case.log("export", &serde_json::json!({ "file": path.display().to_string(), "rows": written, "part": "events" }))?;
    Ok(written)
}

fn values(line: &Line, sources: &[Ledger], annotations: &Annotations) -> Vec<Value> {
    let (event, source) = (&line.event, sources.get(line.key.source as usize));
    let said = source.and_then(|source| annotations.get(Unit::Subject, source, line.key));
    let [source_file, source_sha256] = origin(source);
    let text = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
    vec![
        event.message.as_str().into(),
        event.time.map(time::iso).or_else(|| event.time_text.clone()).map_or(Value::Null, Value::from),
        "Event".into(),
        said.map_or_else(Vec::new, |said| said.tags.clone()).into(),
        said.is_some_and(|said| said.flagged).into(),
        said.map_or("", |said| said.note.as_str()).into(),
        text(&event.computer),
        text(&event.user),
        text(&event.channel),
        text(&event.provider),
        event.event_id.into(),
        event.record_id.into(),
        text(&event.level),
        event.pid.into(),
        text(&event.image),
        text(&event.parent_image),
        text(&event.command_line),
        source_file,
        source_sha256,
        line.key.record.into(),
    ]
}
