//! Reads what the analyst said back from a ranking that was exported as CSV or JSONL.

use super::cell::restore;
use crate::control::RunError;
use anyhow::{Context, bail};
use serde_json::{Map, Value};
use std::io::BufRead;
use std::path::Path;

/// What the analyst said of a subject, as a row of an exported ranking has it, and which subject that is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenMark {
    /// SHA-256 of its source.
    pub sha256: String,
    /// The source's name, for those without a hash.
    pub source_file: String,
    /// Position in the source.
    pub record: u64,
    /// Which detector's subject it was.
    pub detector: String,
    /// The subject's line: tells apart what one record yields.
    pub message: String,
    /// The analyst's flag.
    pub flagged: bool,
    /// Free tags.
    pub tags: Vec<String>,
    /// The analyst's note.
    pub note: String,
    /// When it was flagged, ISO 8601.
    pub flagged_at: String,
    /// Who said it.
    pub analyst: String,
}

/// Reads every row on which something was said; the file's ending says what it is.
///
/// # Errors
/// When the file cannot be read, or is no ranking that residue exported.
pub fn read_annotations(path: &Path) -> Result<Vec<WrittenMark>, RunError> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let read = match ending.as_str() {
        "csv" => csv(path),
        "jsonl" => jsonl(path),
        _ => Err(anyhow::anyhow!("annotations are read from a ranking exported as .csv or .jsonl")),
    };
    Ok(read.with_context(|| path.display().to_string())?.into_iter().filter(|said| said.flagged || !said.note.is_empty() || !said.tags.is_empty()).collect())
}

fn csv(path: &Path) -> anyhow::Result<Vec<WrittenMark>> {
    let mut reader = csv::Reader::from_path(path).context("cannot read the ranking")?;
    let header = reader.headers()?.clone();
    let mut rows = Vec::new();
    for (line, record) in reader.records().enumerate() {
        let record = record.with_context(|| format!("row {} is damaged", line + 1))?;
        let text = |name: &str| header.iter().position(|h| h == name).and_then(|at| record.get(at)).map(restore);
        let value = |name: &str| match (name, text(name)) {
            (_, None) => Value::Null,
            ("source_record", Some(n)) => n.parse::<u64>().map_or(Value::Null, Value::from),
            ("flagged", Some(yes)) => Value::Bool(yes == "true"),
            ("tags", Some(list)) => serde_json::from_str(list).unwrap_or_default(),
            (_, Some(text)) => text.into(),
        };
        rows.push(said(&value).with_context(|| format!("row {}", line + 1))?);
    }
    Ok(rows)
}

fn jsonl(path: &Path) -> anyhow::Result<Vec<WrittenMark>> {
    let file = std::fs::File::open(path).context("cannot read the ranking")?;
    let mut rows = Vec::new();
    for (number, line) in std::io::BufReader::new(file).lines().enumerate() {
        let line = line.with_context(|| format!("line {} cannot be read", number + 1))?;
        if line.trim().is_empty() {
            continue;
        }
        let object: Map<String, Value> = serde_json::from_str(&line).with_context(|| format!("line {} is no JSON object", number + 1))?;
        rows.push(said(&|name| object.get(name).cloned().unwrap_or_default()).with_context(|| format!("line {}", number + 1))?);
    }
    Ok(rows)
}

fn said(value: &dyn Fn(&str) -> Value) -> anyhow::Result<WrittenMark> {
    let text = |name: &str| value(name).as_str().map(str::to_owned).unwrap_or_default();
    let Some(record) = value("source_record").as_u64() else { bail!("there is no source_record: not a ranking that residue exported") };
    let tags = value("tags").as_array().map(|list| list.iter().filter_map(|t| t.as_str().map(str::to_owned)).collect()).unwrap_or_default();
    Ok(WrittenMark {
        sha256: text("source_sha256"),
        source_file: text("source_file"),
        record,
        detector: text("detector"),
        message: text("message"),
        flagged: value("flagged") == Value::Bool(true),
        tags,
        note: text("note"),
        flagged_at: text("flagged_at"),
        analyst: text("analyst"),
    })
}
