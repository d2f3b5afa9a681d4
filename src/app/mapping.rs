//! What the columns of a table mean: asked once when one without a known format was opened, and of any table whenever the analyst wants.

use crate::app::command::Dialog;
use crate::app::session::Session;
use crate::domain::{Ledger, SourceStatus};
use crate::engine::{Mapping, Preview};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The dialog's contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingForm {
    /// The table's name.
    pub name: String,
    /// The table, as in the ledger.
    pub path: String,
    /// What it looks like.
    pub preview: Preview,
    /// What its columns are to mean.
    pub mapping: Mapping,
    /// The format as which it was read, where it was.
    pub format: Option<String>,
    /// It was read as the analyst said.
    pub chosen: bool,
}

/// Formats of tables that no known tool writes.
const GENERIC: [&str; 3] = ["CSV", "JSONL", "JSON"];

/// A table that was looked at.
pub(super) type Looked = (String, String, Result<Preview, String>);

/// Whether a source is a table that only lacks a meaning for its columns.
#[must_use]
pub fn is_unknown_table(source: &Ledger) -> bool {
    source.status == SourceStatus::NotEvidence && source.entries.iter().any(|entry| entry.what.starts_with("a table without a known signature"))
}

/// Whether a source was read, and not as Windows' own logs: its columns could mean something else.
#[must_use]
pub fn can_be_read_otherwise(source: &Ledger) -> bool {
    source.events > 0 && source.format != "EVTX" && !source.format.contains("XML")
}

/// Whether a table was read by what its columns are called alone.
fn is_guessed(source: &Ledger) -> bool {
    source.events > 0 && source.certainty <= 0.5 && GENERIC.contains(&source.format.as_str())
}

/// Whether a table was read as the analyst said.
fn is_mapped(source: &Ledger) -> bool {
    source.certainty >= 1.0 && GENERIC.contains(&source.format.as_str())
}

impl Session {
    /// Asks about the first unknown table that was not asked about yet; of those that were opened by themselves, about one whose columns were
    /// guessed, too. In a folder a guess is not worth a question each.
    pub(super) fn ask_mapping(&mut self) {
        let opened = std::mem::take(&mut self.opened_files);
        let doubtful = |source: &Ledger| is_unknown_table(source) || is_guessed(source) && opened.iter().any(|file| *file == Path::new(&source.path));
        let new = self.sources.iter().position(|source| doubtful(source) && !self.mapping_asked.contains(&source.path));
        if let Some(source) = new.filter(|_| self.dialog.is_none()) {
            self.map_columns(source);
        }
    }

    /// Looks at a source, on a thread: it reads a file.
    pub(super) fn map_columns(&mut self, source: usize) {
        let Some(source) = self.sources.get(source) else { return };
        let (name, path) = (source.source_file.clone(), source.path.clone());
        self.mapping_asked.insert(path.clone());
        let engine = Arc::clone(&self.engine);
        self.mapping_found.start(move |_| {
            let preview = engine.preview(Path::new(&path));
            Some((name, path, preview))
        });
    }

    /// Hears what a table looks like.
    pub(super) fn hear_mapping(&mut self, (name, path, preview): Looked) {
        match preview {
            Ok(preview) => {
                let read = self.sources.iter().find(|source| source.path == path && can_be_read_otherwise(source));
                let (format, chosen) = (read.map(|source| source.format.clone()), read.is_some_and(is_mapped));
                self.mapping = Some(MappingForm { name, path, mapping: preview.guess.clone(), preview, format, chosen });
                self.dialog = Some(Dialog::Mapping);
            }
            Err(why) => self.say(why),
        }
    }

    /// Reads the table as the form says; or, as it says nothing any more, as it is told by its content.
    pub(super) fn read_mapped(&mut self, as_told: bool) {
        let Some(mut form) = self.mapping.take_if(|form| as_told || !form.mapping.time.is_empty()) else { return };
        self.dialog = None;
        if as_told {
            form.mapping = Mapping { columns: form.mapping.columns, ..Mapping::default() };
        }
        let zone = Some(self.evidence_zone.clone()).filter(|z| z != "UTC");
        let work = self.engine.open_mapped(form.mapping, form.path.clone(), file_of(&form.path), self.case.clone(), zone);
        self.run("Opening", work);
    }
}

/// The file that a source is, or is packed in.
fn file_of(path: &str) -> PathBuf {
    let outer = path.match_indices("!/").map(|(at, _)| path.get(..at).unwrap_or(path)).find(|outer| Path::new(outer).is_file());
    PathBuf::from(if Path::new(path).exists() { path } else { outer.unwrap_or(path) })
}
