//! A host's log to files: one EVTX per channel, rows in order of time, and what truth says of them.

use super::estate::{Estate, random};
use super::evtx_writer::EvtxWriter;
use super::host::{Label, Row};
use super::shape::{Header, Shape};
use super::tables::Tables;
use anyhow::{Context, Result};
use rand::RngExt;
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;

/// What one host's files hold.
pub(super) struct Written {
    pub(super) events: u64,
    pub(super) bytes: u64,
    pub(super) files: u64,
    /// Lines of truth, in the files' order.
    pub(super) truth: String,
    pub(super) attack_records: u64,
}

/// Writes the files of one host under temporary names and renames them when whole.
pub(super) fn write(folder: &Path, tables: &'static Tables, estate: &Estate, host: usize, mut rows: Vec<Row>) -> Result<Written> {
    let computer = &estate.hosts[host];
    let shapes = Shape::all(tables, &computer.computer)?;
    rows.sort_by_key(|row| row.time);
    let mut channels: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in &rows {
        channels.entry(shapes[row.shape].row.channel).or_default().push(row);
    }
    let mut written = Written { events: rows.len() as u64, bytes: 0, files: 0, truth: String::new(), attack_records: 0 };
    let mut rng = random(estate.seed, 5000 + host as u64);
    for (channel, rows) in channels {
        let name = format!("{}_{}.evtx", computer.name, channel.replace('/', "%4"));
        let mut temporary = tempfile::Builder::new()
            .prefix(".residue-")
            .suffix(".part")
            .tempfile_in(folder)
            .with_context(|| format!("cannot write into {}", folder.display()))?;
        let mut writer = EvtxWriter::new(BufWriter::with_capacity(1 << 18, temporary.as_file_mut()))?;
        let first = rng.random_range(1..90_000u64);
        for (id, row) in (first..).zip(rows) {
            let shape = &shapes[row.shape];
            let header = Header { id, time: row.time, pid: row.pid, tid: row.tid, user: row.user.as_deref() };
            shape
                .values(&header, &row.fields, |values| writer.record(id, row.time, &shape.template, values))
                .with_context(|| format!("cannot write {name}"))?;
            if row.label != Label::Ordinary {
                let label = if row.label == Label::Attack { "attack" } else { "ignore" };
                written.attack_records += u64::from(row.label == Label::Attack);
                written.truth += &serde_json::json!({"source_file": name, "record_id": id, "label": label}).to_string();
                written.truth.push('\n');
            }
        }
        writer.finish()?.flush()?;
        written.bytes += temporary.as_file().metadata()?.len();
        written.files += 1;
        temporary.persist(folder.join(&name)).with_context(|| format!("cannot finish {name}"))?;
    }
    Ok(written)
}
