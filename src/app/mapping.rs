//! What the columns of an unknown table mean: asked once when such a table was opened, and whenever the analyst wants.

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
}

/// A table that was looked at.
pub(super) type Looked = (String, String, Result<Preview, String>);

/// Whether a source is a table that only lacks a meaning for its columns.
#[must_use]
pub fn is_unknown_table(source: &Ledger) -> bool {
    source.status == SourceStatus::NotEvidence && source.entries.iter().any(|entry| entry.what.starts_with("a table without a known signature"))
}

impl Session {
    /// Asks about the first unknown table that was not asked about yet.
    pub(super) fn ask_mapping(&mut self) {
        let new = self.sources.iter().position(|source| is_unknown_table(source) && !self.mapping_asked.contains(&source.path));
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
                self.mapping = Some(MappingForm { name, path, mapping: preview.guess.clone(), preview });
                self.dialog = Some(Dialog::Mapping);
            }
            Err(why) => self.say(why),
        }
    }

    /// Reads the table as the form says.
    pub(super) fn read_mapped(&mut self) {
        let Some(form) = self.mapping.take_if(|form| !form.mapping.time.is_empty()) else { return };
        self.dialog = None;
        let zone = Some(self.evidence_zone.clone()).filter(|z| z != "UTC");
        let work = self.engine.open_mapped(form.mapping, vec![file_of(&form.path)], self.case.clone(), zone);
        self.run("Opening", work);
    }
}

/// The file that a source is, or is packed in.
fn file_of(path: &str) -> PathBuf {
    let outer = path.match_indices("!/").map(|(at, _)| path.get(..at).unwrap_or(path)).find(|outer| Path::new(outer).is_file());
    PathBuf::from(if Path::new(path).exists() { path } else { outer.unwrap_or(path) })
}
