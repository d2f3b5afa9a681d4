//! Any typed rows as CSV or JSON lines.

use super::Format;
use super::cell::value;
use crate::control::RunError;
use crate::files::{AtomicFile, OutputPath};
use anyhow::Context;
use serde_json::{Map, Value};
use std::io::Write;

/// Writes rows under named columns: CSV neutralised, JSON lines faithful.
///
/// # Errors
/// When a row cannot be made, the file cannot be written, or the format is another one; then there is no file.
pub fn write_plain(path: &OutputPath, format: Format, columns: &[&str], rows: impl Iterator<Item = Result<Vec<Value>, RunError>>) -> Result<u64, RunError> {
    let failed = || format!("cannot write {}", path.display());
    let mut number = 0;
    match format {
        Format::Csv => {
            let mut csv = csv::Writer::from_writer(AtomicFile::create(path)?);
            csv.write_record(columns).with_context(failed)?;
            for row in rows {
                csv.write_record(row?.iter().map(value)).with_context(failed)?;
                number += 1;
            }
            csv.into_inner().map_err(csv::IntoInnerError::into_error).with_context(failed)?.finish()?;
        }
        Format::Jsonl => {
            let mut file = AtomicFile::create(path)?;
            for row in rows {
                let object: Map<String, Value> = columns.iter().map(|c| (*c).to_owned()).zip(row?).collect();
                serde_json::to_writer(&mut file, &object).with_context(failed)?;
                file.write_all(b"\n")?;
                number += 1;
            }
            file.finish()?;
        }
        other => return Err(RunError::failed(format!("a list is written as CSV or JSONL, not as {}", other.title()))),
    }
    Ok(number)
}
