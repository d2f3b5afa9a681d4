//! A host's log to files: one EVTX per channel, rows in order of time, and what truth says of them.

use super::estate::{Estate, random};
use super::evtx_writer::EvtxWriter;
use super::host::{Label, MadeEvent};
use super::shape::{Header, Shape};
use super::tables::{ShapeRow, Tables};
use anyhow::{Context, Result};
use rand::RngExt;
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;

/// A row with its place in its log.
pub(super) struct Numbered<'a> {
    pub(super) row: &'a MadeEvent,
    pub(super) shape: &'static ShapeRow,
    pub(super) id: u64,
}

/// Numbers the rows, which are in order of time, within their channels, as `EventRecordID` does. Logs begin anywhere: they were rotated before.
pub(super) fn number<'a>(tables: &'static Tables, estate: &Estate, host: usize, rows: &'a [MadeEvent]) -> Vec<Numbered<'a>> {
    let mut rng = random(estate.seed, 5000 + host as u64);
    let mut channels: BTreeMap<&str, u64> = BTreeMap::new();
    for shape in &tables.shapes {
        channels.entry(shape.channel).or_insert_with(|| rng.random_range(1..90_000));
    }
    let mut next = |shape: &ShapeRow| {
        let id = channels.entry(shape.channel).or_insert(1);
        *id += 1;
        *id
    };
    rows.iter().map(|row| (row, &tables.shapes[row.shape])).map(|(row, shape)| Numbered { row, shape, id: next(shape) }).collect()
}

/// Appends a line of truth, unless the row is ordinary.
pub(super) fn judge(truth: &mut String, file: &str, record: u64, label: Label) {
    let label = match label {
        Label::Ordinary => return,
        Label::Attack => "attack",
        Label::Ignore => "ignore",
    };
    *truth += &serde_json::json!({"source_file": file, "record_id": record, "label": label}).to_string();
    truth.push('\n');
}

/// Writes the logs of one host under temporary names and renames them when whole. Returns files and bytes.
pub(super) fn write(folder: &Path, tables: &'static Tables, host: &super::estate::Host, rows: &[Numbered<'_>], truth: &mut String) -> Result<(u64, u64)> {
    let shapes = Shape::all(tables, &host.computer)?;
    let mut channels: BTreeMap<&str, Vec<&Numbered<'_>>> = BTreeMap::new();
    for row in rows {
        channels.entry(row.shape.channel).or_default().push(row);
    }
    let (mut files, mut bytes) = (0, 0);
    for (channel, rows) in channels {
        let name = format!("{}_{}.evtx", host.name, channel.replace('/', "%4"));
        let mut temporary = crate::files::part(folder, ".residue-", ".part").with_context(|| format!("cannot write into {}", folder.display()))?;
        let mut writer = EvtxWriter::new(BufWriter::with_capacity(1 << 18, temporary.as_file_mut()))?;
        for Numbered { row, id, .. } in rows {
            let shape = &shapes[row.shape];
            let header = Header { id: *id, time: row.time, pid: row.pid, tid: row.tid, user: row.user.as_deref() };
            shape
                .values(&header, &row.fields, |values| writer.record(*id, row.time, &shape.template, values))
                .with_context(|| format!("cannot write {name}"))?;
            judge(truth, &name, *id, row.label);
        }
        writer.finish()?.flush()?;
        bytes += temporary.as_file().metadata()?.len();
        files += 1;
        temporary.persist(folder.join(&name)).with_context(|| format!("cannot finish {name}"))?;
    }
    Ok((files, bytes))
}
