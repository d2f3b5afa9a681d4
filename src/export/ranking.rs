//! Streams a ranking into CSV and JSONL at once, so that every subject is explained only once.

use super::{COLUMNS, Mark, Members, row};
use crate::control::{Control, RunError};
use crate::domain::{EventKey, Explain, Ledger, Report, Subject};
use crate::files::{AtomicFile, OutputPath};
use anyhow::Context;
use serde_json::{Map, Value};
use std::io::Write;

/// Where to write; either may be left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Formats<'a> {
    /// CSV, for Timesketch, Timeline Explorer and spreadsheets.
    pub csv: Option<&'a OutputPath>,
    /// JSON lines, faithful to the byte.
    pub jsonl: Option<&'a OutputPath>,
}

/// What a row says beyond its subject.
pub struct Lookup<'a> {
    /// Contributions by rank index.
    pub explain: &'a dyn Explain,
    /// The case's sources, in key order.
    pub sources: &'a [Ledger],
    /// The case's events as members.
    pub members: &'a Members,
    /// What the analyst said of a subject.
    pub mark: &'a dyn Fn(&Subject) -> Mark,
    /// What rules found in a subject, where results of rules are in the case: `[{"rule", "level", "tactic"}...]`, JSON lines alone.
    pub rules: Option<&'a dyn Fn(&Subject) -> Value>,
}

/// Writes the subjects at `which` (rank indices, written in the order given); says how many rows were written.
///
/// # Errors
/// When a file cannot be written, or the job is cancelled; then no file appears.
pub fn write_ranking(
    report: &Report,
    lookup: &Lookup<'_>,
    which: impl Iterator<Item = usize>,
    formats: Formats<'_>,
    control: &Control,
) -> Result<u64, RunError> {
    let mut csv = formats.csv.map(AtomicFile::create).transpose()?.map(csv::Writer::from_writer);
    let mut jsonl = formats.jsonl.map(AtomicFile::create).transpose()?;
    if let Some(csv) = &mut csv {
        csv.write_record(COLUMNS).context("cannot write the CSV header")?;
    }
    let mut rows = 0;
    for index in which {
        let Some(subject) = report.subjects.get(index) else { continue };
        if rows % 256 == 0 {
            control.check()?;
        }
        let source = lookup.sources.get(subject.key.source as usize);
        let values = row::values(report, subject, &(lookup.mark)(subject), source);
        if let Some(csv) = &mut csv {
            csv.write_record(values.iter().map(row::cell)).context("cannot write a CSV row")?;
        }
        if let Some(jsonl) = &mut jsonl {
            write_object(jsonl, values, subject, index, lookup).context("cannot write a JSON line")?;
        }
        rows += 1;
    }
    if let Some(csv) = csv {
        csv.into_inner().map_err(csv::IntoInnerError::into_error).context("cannot finish the CSV file")?.finish()?;
    }
    if let Some(jsonl) = jsonl {
        jsonl.finish()?;
    }
    Ok(rows)
}

/// A row's values in the order of [`COLUMNS`], then all its members and all its contributions as JSON.
#[must_use]
pub fn full_row(report: &Report, index: usize, lookup: &Lookup<'_>) -> Option<Vec<Value>> {
    let subject = report.subjects.get(index)?;
    let source = lookup.sources.get(subject.key.source as usize);
    let mut values = Vec::from(row::values(report, subject, &(lookup.mark)(subject), source));
    values.push(subject.members.iter().map(|&key| member(key, lookup.sources, lookup.members)).collect());
    values.push(serde_json::to_value(lookup.explain.explain(index)).unwrap_or_default());
    Some(values)
}

fn write_object(out: &mut impl Write, values: [Value; 38], subject: &Subject, index: usize, lookup: &Lookup<'_>) -> anyhow::Result<()> {
    let mut object = row::object(values);
    let events = subject.members.iter().map(|&key| member(key, lookup.sources, lookup.members)).collect();
    object.insert("events".into(), Value::Array(events));
    object.insert("contributions".into(), serde_json::to_value(lookup.explain.explain(index))?);
    if let Some(rules) = lookup.rules {
        object.insert("rules".into(), rules(subject));
    }
    serde_json::to_writer(&mut *out, &object)?;
    out.write_all(b"\n")?;
    Ok(())
}

/// A member: `record_id` is the `EventRecordID`, or the position in the source where there is none.
#[must_use]
pub fn member(key: EventKey, sources: &[Ledger], members: &Members) -> Value {
    let known = members.get(key);
    let text = |t: Option<&str>| t.map_or(Value::Null, Value::from);
    let mut object = Map::new();
    let file = sources.get(key.source as usize).map(|s| s.source_file.as_str());
    object.insert("source_file".into(), text(file));
    object.insert("record_id".into(), known.and_then(|m| m.record_id).unwrap_or(key.record).into());
    object.insert("computer".into(), text(known.and_then(|m| m.computer.as_deref())));
    object.insert("process_guid".into(), text(known.and_then(|m| m.process_guid.as_deref())));
    Value::Object(object)
}
