//! Typed rows as one Parquet file outside the case: rankings for data frames.

use super::builder::{ColumnBuilder, dtype};
use super::fault;
use crate::control::RunError;
use crate::domain::{Cell, ColumnKind};
use polars::polars_utils::compression::ZstdLevel;
use polars::prelude::{DataFrame, Field, Schema};
use polars_io::parquet::write::{ParquetCompression, ParquetWriter};
use std::io::Write;
use std::path::Path;

/// Rows of one row group.
const GROUP: usize = 8_192;

/// Writes rows under named columns; `cell` gives a row's cell in a column, by the column's place. Says how many rows.
///
/// # Errors
/// When `out`, which is named `path` in errors, cannot be written, or a row is an error.
pub fn write_rows<R>(
    out: impl Write,
    path: &Path,
    columns: &[(&str, ColumnKind)],
    rows: impl Iterator<Item = Result<R, RunError>>,
    cell: impl for<'r> Fn(&'r R, usize) -> Cell<'r>,
) -> Result<u64, RunError> {
    let full = |e: &dyn std::fmt::Display| fault("cannot write the Parquet file (is the disk full?)", e, path);
    let schema: Schema = columns.iter().map(|(name, kind)| Field::new((*name).into(), dtype(*kind))).collect();
    let writer = ParquetWriter::new(out).with_compression(ParquetCompression::Zstd(ZstdLevel::try_new(1).ok()));
    let mut writer = writer.set_parallel(false).batched(&schema).map_err(|e| full(&e))?;
    let empty = || columns.iter().map(|(name, kind)| ColumnBuilder::new(name, *kind, GROUP)).collect::<Vec<_>>();
    let table = |builders: Vec<ColumnBuilder>, height| DataFrame::new(height, builders.into_iter().map(ColumnBuilder::finish).collect());
    let (mut builders, mut waiting, mut total) = (empty(), 0, 0);
    for row in rows {
        let row = row?;
        for (at, builder) in builders.iter_mut().enumerate() {
            builder.push(cell(&row, at));
        }
        waiting += 1;
        total += 1;
        if waiting == GROUP {
            let table = table(std::mem::replace(&mut builders, empty()), waiting);
            table.and_then(|table| writer.write_batch(&table)).map_err(|e| full(&e))?;
            waiting = 0;
        }
    }
    if waiting > 0 || total == 0 {
        table(builders, waiting).and_then(|table| writer.write_batch(&table)).map_err(|e| full(&e))?;
    }
    writer.finish().map_err(|e| full(&e))?;
    Ok(total)
}
