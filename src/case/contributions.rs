//! The contributions of a ranking's subjects: written once, in rank order, as the ranking is explained; read back one by one or in a row.
//!
//! Each subject's are one JSON array, which exports write as it is. They lie in a folder of their own under a temporary name until the ranking is
//! stored as a run; a ranking that is not stored takes them with it when it goes.

use super::run::REMEDY;
use super::table::{Table, TableWriter};
use super::{Case, TEMPORARY, fault};
use crate::control::RunError;
use crate::domain::{Contribution, Explain};
use crate::files::{self, TempDir};
use polars::prelude::{DataFrame, DataType, Field, IntoColumn, Schema, StringChunkedBuilder};
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The file's name in a run's folder.
pub(super) const CONTRIBUTIONS: &str = "contributions.parquet";
const COLUMN: &str = "contributions";
/// Subjects of one row group: few, because one is read at a time.
const GROUP: usize = 512;
/// Text of one row group, at most about this.
const GROUP_BYTES: usize = 8 << 20;

/// Contributions on their way to the disk.
pub struct ContributionsWriter {
    folder: TempDir,
    out: TableWriter,
    texts: StringChunkedBuilder,
    rows: usize,
    bytes: usize,
    total: usize,
}

/// Contributions on the disk.
pub struct Contributions {
    table: Table,
    subjects: usize,
    /// The row group that was read last: who asks in order reads each only once.
    last: Mutex<(Range<usize>, Vec<String>)>,
    folder: Folder,
}

/// Where they lie.
enum Folder {
    /// In a folder that goes with them.
    Own(TempDir),
    /// In a run of the case.
    Run,
}

impl Case {
    /// Begins to write the contributions of a ranking.
    ///
    /// # Errors
    /// When the case cannot be written.
    pub fn begin_contributions(&self) -> Result<ContributionsWriter, RunError> {
        let runs = self.folder().runs();
        let folder = files::part_folder(&runs, "run-", TEMPORARY).map_err(|e| fault("cannot write in the case", &e, &runs))?;
        let path = folder.path().join(CONTRIBUTIONS);
        let file = File::create_new(&path).map_err(|e| fault("cannot write in the case", &e, &path))?;
        let out = TableWriter::begin(file, &path, &Schema::from_iter([Field::new(COLUMN.into(), DataType::String)]))?;
        Ok(ContributionsWriter { folder, out, texts: StringChunkedBuilder::new(COLUMN.into(), GROUP), rows: 0, bytes: 0, total: 0 })
    }
}

impl ContributionsWriter {
    /// Appends the contributions of the next subject, as a JSON array.
    ///
    /// # Errors
    /// When they cannot be written (disk full).
    pub fn push(&mut self, json: &str) -> Result<(), RunError> {
        self.texts.append_value(json);
        self.rows += 1;
        self.bytes += json.len();
        if self.rows == GROUP || self.bytes >= GROUP_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), RunError> {
        let full = std::mem::replace(&mut self.texts, StringChunkedBuilder::new(COLUMN.into(), GROUP));
        self.out.write(DataFrame::new(self.rows, vec![full.finish().into_column()]))?;
        self.total += self.rows;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When it cannot be written (disk full).
    pub fn finish(mut self) -> Result<Contributions, RunError> {
        if self.rows > 0 {
            self.flush()?;
        }
        self.out.finish()?;
        let table = Table::new(self.folder.path().join(CONTRIBUTIONS), REMEDY);
        Ok(Contributions { table, subjects: self.total, last: Mutex::default(), folder: Folder::Own(self.folder) })
    }
}

impl Contributions {
    /// Those of a stored run, in its table.
    pub(super) fn of_run(table: Table, subjects: usize) -> Self {
        Self { table, subjects, last: Mutex::default(), folder: Folder::Run }
    }

    /// The folder they lie in, which becomes the run's.
    pub(super) fn folder(&self) -> &Path {
        match &self.folder {
            Folder::Own(folder) => folder.path(),
            Folder::Run => self.table.path().parent().unwrap_or(Path::new("")),
        }
    }

    /// The same after their folder was moved.
    pub(super) fn moved(self, to: Table) -> Self {
        if let Folder::Own(folder) = self.folder {
            // There is nothing left to delete under the old name.
            let _ = folder.keep();
        }
        Self::of_run(to, self.subjects)
    }

    /// Those of a subject as a JSON array, by rank index from 0.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn json(&self, index: usize) -> Result<String, RunError> {
        if index >= self.subjects {
            return Ok("[]".into());
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if !last.0.contains(&index) {
            let rows = self.table.group_of(index)?;
            let read = self.table.rows_alone(&[COLUMN], rows.clone())?;
            let texts = read.column(COLUMN).and_then(|column| column.str()).map_err(|e| self.table.damaged(&e))?;
            *last = (rows, texts.iter().map(|text| text.unwrap_or("[]").to_owned()).collect());
        }
        let place = index - last.0.start;
        Ok(last.1.get(place).cloned().unwrap_or_else(|| "[]".into()))
    }

    /// Those of a subject, by rank index from 0.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn get(&self, index: usize) -> Result<Vec<Contribution>, RunError> {
        serde_json::from_str(&self.json(index)?).map_err(|e| self.table.damaged(&e))
    }
}

impl Explain for Contributions {
    fn explain(&self, index: usize) -> Vec<Contribution> {
        self.get(index).unwrap_or_else(|e| vec![Contribution { name: e.to_string(), share: 0.0, observed: String::new(), expected: String::new() }])
    }

    fn json(&self, index: usize) -> Option<String> {
        Contributions::json(self, index).ok()
    }
}
