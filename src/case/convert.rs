//! Writes all events of a case into one Parquet file, for bigger engines.

use super::columns::schema;
use super::{Snapshot, fault};
use crate::control::{Control, RunError};
use polars::polars_utils::compression::ZstdLevel;
use polars_io::parquet::write::{ParquetCompression, ParquetWriter};
use std::io::Write;
use std::path::Path;

impl Snapshot {
    /// Streams every event, those that repeat another source's included, in key order; row group by row group as they stand.
    ///
    /// # Errors
    /// When the case cannot be read, `out` cannot be written, or the job is cancelled. `out` is named `path` in errors.
    pub fn write_parquet(&self, out: impl Write, path: &Path, control: &Control) -> Result<(), RunError> {
        let full = |e: &dyn std::fmt::Display| fault("cannot write the Parquet file (is the disk full?)", e, path);
        let schema = schema();
        let columns: Vec<&str> = schema.iter_names().map(polars::prelude::PlSmallStr::as_str).collect();
        let writer = ParquetWriter::new(out).with_compression(ParquetCompression::Zstd(ZstdLevel::try_new(1).ok()));
        let mut writer = writer.set_parallel(false).batched(&schema).map_err(|e| full(&e))?;
        for (_, file) in self.files() {
            for group in 0..file.groups().len() {
                control.check()?;
                writer.write_batch(&file.read(&columns, group..group + 1)?).map_err(|e| full(&e))?;
            }
        }
        writer.finish().map(drop).map_err(|e| full(&e))
    }
}
