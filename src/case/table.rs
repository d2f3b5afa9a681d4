//! One Parquet file: written row group by row group, read back by rows. What the columns mean is others' business.

use super::fault;
use crate::control::RunError;
use polars::polars_utils::compression::ZstdLevel;
use polars::prelude::{DataFrame, PolarsError, PolarsResult, Schema, SerReader};
use polars_io::parquet::metadata::FileMetadataRef;
use polars_io::parquet::read::{ParallelStrategy, ParquetReader};
use polars_io::parquet::write::{BatchedWriter, ParquetCompression, ParquetWriter, StatisticsOptions};
use std::fs::File;
use std::io::BufWriter;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const FULL: &str = "cannot write into the case (is the disk full?)";

/// A file being written.
pub(super) struct TableWriter {
    path: PathBuf,
    file: File,
    writer: BatchedWriter<BufWriter<File>>,
}

impl TableWriter {
    /// Begins a file in `file`, which lies at `path`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn begin(file: File, path: &Path, schema: &Schema) -> Result<Self, RunError> {
        let twin = file.try_clone().map_err(|e| fault(FULL, &e, path))?;
        let writer = ParquetWriter::new(BufWriter::with_capacity(1 << 18, twin))
            .with_compression(ParquetCompression::Zstd(ZstdLevel::try_new(1).ok()))
            .with_statistics(StatisticsOptions::default())
            .with_data_page_size(Some(256 << 10))
            .set_parallel(false)
            .batched(schema)
            .map_err(|e| fault(FULL, &e, path))?;
        Ok(Self { path: path.to_owned(), file, writer })
    }

    /// Appends one row group.
    ///
    /// # Errors
    /// When it cannot be written (disk full).
    pub(super) fn write(&mut self, table: PolarsResult<DataFrame>) -> Result<(), RunError> {
        table.and_then(|table| self.writer.write_batch(&table)).map_err(|e| fault(FULL, &e, &self.path))
    }

    /// Ends the file and puts it on the disk.
    ///
    /// # Errors
    /// When it cannot be written (disk full).
    pub(super) fn finish(self) -> Result<(), RunError> {
        self.writer.finish().map_err(|e| fault(FULL, &e, &self.path))?;
        drop(self.writer);
        self.file.sync_all().map_err(|e| fault(FULL, &e, &self.path))
    }
}

/// A finished file. It is opened when it is needed and never changes.
#[derive(Debug)]
pub(super) struct Table {
    path: PathBuf,
    /// What to do when it cannot be read.
    remedy: &'static str,
    metadata: OnceLock<FileMetadataRef>,
}

impl Table {
    pub(super) fn new(path: PathBuf, remedy: &'static str) -> Self {
        Self { path, remedy, metadata: OnceLock::new() }
    }

    /// Reads the named columns of some rows; they come in the order of the file, one chunk for each row group touched.
    ///
    /// # Errors
    /// When the file is gone or damaged.
    pub(super) fn rows(&self, columns: &[&str], rows: Range<usize>) -> Result<DataFrame, RunError> {
        self.read(columns, rows, ParallelStrategy::RowGroups)
    }

    /// The same on the calling thread alone, for callers that read many row groups side by side.
    ///
    /// # Errors
    /// As there.
    pub(super) fn rows_alone(&self, columns: &[&str], rows: Range<usize>) -> Result<DataFrame, RunError> {
        self.read(columns, rows, ParallelStrategy::None)
    }

    fn read(&self, columns: &[&str], rows: Range<usize>, strategy: ParallelStrategy) -> Result<DataFrame, RunError> {
        let read = || -> PolarsResult<DataFrame> {
            let mut reader = ParquetReader::new(File::open(&self.path)?);
            if let Some(known) = self.metadata.get() {
                reader.set_metadata(known.clone());
            } else {
                let read = reader.get_metadata()?.clone();
                self.metadata.get_or_init(|| read);
            }
            reader
                .with_columns(Some(columns.iter().map(|name| (*name).to_owned()).collect()))
                .with_slice(Some((rows.start, rows.len())))
                .read_parallel(strategy)
                .finish()
        };
        // A damaged file can make the Parquet reader panic.
        let table = catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(PolarsError::ComputeError("the Parquet reader gave up".into())));
        match table {
            Ok(table) if table.height() == rows.len() => Ok(table),
            Ok(table) => Err(self.damaged(&format!("{} rows instead of {}", table.height(), rows.len()))),
            Err(e) => Err(self.damaged(&e)),
        }
    }

    /// What to say when the file is not what was written.
    pub(super) fn damaged(&self, why: &dyn std::fmt::Display) -> RunError {
        fault(&format!("a file of the case cannot be read; {}", self.remedy), why, &self.path)
    }
}
