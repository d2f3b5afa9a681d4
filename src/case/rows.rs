//! Typed rows as one Parquet file outside the case: rankings for data frames.

use super::fault;
use crate::control::RunError;
use polars::polars_utils::compression::ZstdLevel;
use polars::prelude::{
    BooleanChunked, Column, DataFrame, DataType, Field, Float64Chunked, IntoColumn, NewChunkedArray, PolarsResult, Schema, StringChunkedBuilder, UInt64Chunked,
};
use polars_io::parquet::write::{ParquetCompression, ParquetWriter};
use serde_json::Value;
use std::io::Write;
use std::path::Path;

/// Rows of one row group.
const GROUP: usize = 8_192;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text; anything else is written as JSON.
    Text,
    /// Whole numbers from 0.
    Whole,
    /// Numbers.
    Real,
    /// Yes or no.
    Flag,
}

impl Kind {
    fn dtype(self) -> DataType {
        match self {
            Self::Text => DataType::String,
            Self::Whole => DataType::UInt64,
            Self::Real => DataType::Float64,
            Self::Flag => DataType::Boolean,
        }
    }

    fn column(self, name: &str, values: impl ExactSizeIterator<Item = Value>) -> Column {
        match self {
            Self::Text => {
                let mut texts = StringChunkedBuilder::new(name.into(), values.len());
                for value in values {
                    match value {
                        Value::Null => texts.append_null(),
                        Value::String(text) => texts.append_value(text),
                        other => texts.append_value(other.to_string()),
                    }
                }
                texts.finish().into_column()
            }
            Self::Whole => UInt64Chunked::from_iter_options(name.into(), values.map(|v| v.as_u64())).into_column(),
            Self::Real => Float64Chunked::from_iter_options(name.into(), values.map(|v| v.as_f64())).into_column(),
            Self::Flag => BooleanChunked::from_iter_options(name.into(), values.map(|v| v.as_bool())).into_column(),
        }
    }
}

/// Writes rows under named columns; values that are not of their column's kind become null. Says how many rows.
///
/// # Errors
/// When `out`, which is named `path` in errors, cannot be written, or a row is an error.
pub fn write_rows(out: impl Write, path: &Path, columns: &[(&str, Kind)], rows: impl Iterator<Item = Result<Vec<Value>, RunError>>) -> Result<u64, RunError> {
    let full = |e: &dyn std::fmt::Display| fault("cannot write the Parquet file (is the disk full?)", e, path);
    let schema: Schema = columns.iter().map(|(name, kind)| Field::new((*name).into(), kind.dtype())).collect();
    let writer = ParquetWriter::new(out).with_compression(ParquetCompression::Zstd(ZstdLevel::try_new(1).ok()));
    let mut writer = writer.set_parallel(false).batched(&schema).map_err(|e| full(&e))?;
    let (mut group, mut total) = (Vec::with_capacity(GROUP), 0);
    for row in rows {
        group.push(row?);
        total += 1;
        if group.len() == GROUP {
            writer.write_batch(&table(columns, std::mem::take(&mut group)).map_err(|e| full(&e))?).map_err(|e| full(&e))?;
        }
    }
    if !group.is_empty() || total == 0 {
        writer.write_batch(&table(columns, group).map_err(|e| full(&e))?).map_err(|e| full(&e))?;
    }
    writer.finish().map_err(|e| full(&e))?;
    Ok(total)
}

fn table(columns: &[(&str, Kind)], mut rows: Vec<Vec<Value>>) -> PolarsResult<DataFrame> {
    let height = rows.len();
    let mut made = Vec::with_capacity(columns.len());
    for (at, (name, kind)) in columns.iter().enumerate() {
        made.push(kind.column(name, rows.iter_mut().map(|row| row.get_mut(at).map(Value::take).unwrap_or_default())));
    }
    DataFrame::new(height, made)
}
