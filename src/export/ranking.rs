//! Streams a ranking into CSV and JSONL at once.

use super::row::{COLUMNS, RANKING_COLUMNS, RankedRow};
use super::{Mark, Members, cell};
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
        let mark = (lookup.mark)(subject);
        let row = lookup.row(report, subject, &mark);
        if let Some(csv) = &mut csv {
            cell::write_row(csv, RANKING_COLUMNS.iter().map(|column| (column.get)(&row))).context("cannot write a CSV row")?;
        }
        if let Some(jsonl) = &mut jsonl {
            write_object(jsonl, &row, index, lookup).context("cannot write a JSON line")?;
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

impl Lookup<'_> {
    /// A subject's row, without its members and contributions.
    #[must_use]
    pub fn row<'r>(&'r self, report: &'r Report, subject: &'r Subject, mark: &'r Mark) -> RankedRow<'r> {
        RankedRow { report, subject, mark, source: self.sources.get(subject.key.source as usize), events: "", contributions: "" }
    }

    /// All members of a subject as a JSON array.
    #[must_use]
    pub fn events(&self, subject: &Subject) -> String {
        let members: Vec<Value> = subject.members.iter().map(|&key| member(key, self.sources, self.members)).collect();
        Value::Array(members).to_string()
    }

    /// All contributions of a subject as a JSON array, by rank index: as they are stored, where they are.
    #[must_use]
    pub fn contributions(&self, index: usize) -> String {
        self.explain.json(index).unwrap_or_else(|| serde_json::to_string(&self.explain.explain(index)).unwrap_or_default())
    }
}

fn write_object(out: &mut impl Write, row: &RankedRow<'_>, index: usize, lookup: &Lookup<'_>) -> anyhow::Result<()> {
    out.write_all(b"{")?;
    cell::write_members(out, RANKING_COLUMNS.iter().map(|column| (column.name, (column.get)(row))))?;
    write!(out, ",\"events\":{},\"contributions\":{}", lookup.events(row.subject), lookup.contributions(index))?;
    if let Some(rules) = lookup.rules {
        write!(out, ",\"rules\":{}", rules(row.subject))?;
    }
    out.write_all(b"}\n")?;
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
