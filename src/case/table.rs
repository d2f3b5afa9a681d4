//! One Parquet file: written row group by row group, read back by rows. What the columns mean is others' business.

use super::fault;
use crate::control::RunError;
use polars::polars_utils::compression::ZstdLevel;
use polars::prelude::{DataFrame, PolarsError, PolarsResult, Schema, SerReader};
use polars_io::parquet::metadata::{FileMetadata, FileMetadataRef};
use polars_io::parquet::read::{ParallelStrategy, ParquetReader};
use polars_io::parquet::write::{BatchedWriter, ParquetCompression, ParquetWriter, StatisticsOptions};
use std::fs::File;
use std::io::BufWriter;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

const GAVE_UP: &str = "the Parquet reader gave up";
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
    index: OnceLock<Index>,
}

/// Where the row groups lie.
#[derive(Debug)]
struct Index {
    whole: FileMetadataRef,
    /// The same without row groups.
    bare: FileMetadata,
    /// Row at which each group begins, and the end.
    starts: Vec<usize>,
}

impl Index {
    fn new(whole: FileMetadataRef) -> Self {
        let bare = FileMetadata { row_groups: Vec::new(), ..FileMetadata::clone(&whole) };
        let mut starts = vec![0];
        starts.extend(whole.row_groups.iter().scan(0, |at, group| {
            *at += group.num_rows();
            Some(*at)
        }));
        Self { whole, bare, starts }
    }

    /// The index of those row groups alone that hold some rows, and the first row of the first of them: without slices to skip the reader would
    /// begin to decode every row group before the first that is asked for.
    fn of(&self, rows: &Range<usize>) -> (FileMetadataRef, usize) {
        let first = self.starts.partition_point(|start| *start <= rows.start).saturating_sub(1);
        let end = self.starts.partition_point(|start| *start < rows.end).min(self.whole.row_groups.len());
        let row_groups = self.whole.row_groups.get(first..end).unwrap_or_default().to_vec();
        let start = |group: usize| self.starts.get(group).copied().unwrap_or_default();
        let num_rows = start(end).saturating_sub(start(first));
        (Arc::new(FileMetadata { num_rows, row_groups, ..self.bare.clone() }), start(first))
    }
}

impl Table {
    pub(super) fn new(path: PathBuf, remedy: &'static str) -> Self {
        Self { path, remedy, index: OnceLock::new() }
    }

    /// Number of rows.
    ///
    /// # Errors
    /// When the file is gone or damaged.
    pub(super) fn height(&self) -> Result<usize, RunError> {
        let read = || -> PolarsResult<usize> { Ok(self.index(&mut ParquetReader::new(File::open(&self.path)?))?.whole.num_rows) };
        // A damaged file can make the Parquet reader panic.
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(PolarsError::ComputeError(GAVE_UP.into()))).map_err(|e| self.damaged(&e))
    }

    fn index(&self, reader: &mut ParquetReader<File>) -> PolarsResult<&Index> {
        if let Some(index) = self.index.get() {
            return Ok(index);
        }
        let read = Index::new(reader.get_metadata()?.clone());
        Ok(self.index.get_or_init(|| read))
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
            let (metadata, start) = self.index(&mut reader)?.of(&rows);
            reader.set_metadata(metadata);
            reader
                .with_columns(Some(columns.iter().map(|name| (*name).to_owned()).collect()))
                .with_slice(Some((rows.start.saturating_sub(start), rows.len())))
                .read_parallel(strategy)
                .finish()
        };
        // A damaged file can make the Parquet reader panic.
        let table = catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(PolarsError::ComputeError(GAVE_UP.into())));
        match table {
            Ok(table) if table.height() == rows.len() => Ok(table),
            Ok(table) => Err(self.damaged(&format!("{} rows instead of {}", table.height(), rows.len()))),
            Err(e) => Err(self.damaged(&e)),
        }
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Those of the columns that the file does not have.
    ///
    /// # Errors
    /// When the file is gone or damaged.
    pub(super) fn absent<'n>(&self, columns: &[&'n str]) -> Result<Vec<&'n str>, RunError> {
        let index = self.known()?;
        let there = index.whole.schema();
        Ok(columns.iter().copied().filter(|name| !there.fields().iter().any(|field| field.name() == *name)).collect())
    }

    /// The row group that holds a row.
    ///
    /// # Errors
    /// When the file is gone or damaged.
    pub(super) fn group_of(&self, row: usize) -> Result<Range<usize>, RunError> {
        let starts = &self.known()?.starts;
        let after = starts.partition_point(|start| *start <= row);
        let start = |at: usize| starts.get(at).copied().unwrap_or_default();
        Ok(start(after.saturating_sub(1))..start(after))
    }

    /// Where the row groups lie, from the file's end.
    fn known(&self) -> Result<&Index, RunError> {
        if let Some(index) = self.index.get() {
            return Ok(index);
        }
        let read = || -> PolarsResult<Index> { Ok(Index::new(ParquetReader::new(File::open(&self.path)?).get_metadata()?.clone())) };
        // A damaged file can make the Parquet reader panic.
        let read = catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(PolarsError::ComputeError("the Parquet reader gave up".into())));
        let read = read.map_err(|e| self.damaged(&e))?;
        Ok(self.index.get_or_init(|| read))
    }

    /// What to say when the file is not what was written.
    pub(super) fn damaged(&self, why: &dyn std::fmt::Display) -> RunError {
        fault(&format!("a file of the case cannot be read; {}", self.remedy), why, &self.path)
    }
}
