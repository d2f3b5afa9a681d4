//! Asks what the columns of a table mean, and reads it so.

use crate::app::command::Dialog;
use crate::app::mapping::{Looked, MappingForm, can_be_read_otherwise, file_of, is_guessed, is_mapped, is_unknown_table};
use crate::app::pace::Job;
use crate::app::session::Session;
use crate::domain::Ledger;
use crate::engine::Mapping;
use std::path::Path;
use std::sync::Arc;

impl Session {
    /// Asks about the first unknown table that was not asked about yet; of those that were opened by themselves, about one whose columns were
    /// guessed, too. In a folder a guess is not worth a question each.
    pub(super) fn ask_mapping(&mut self) {
        let opened = std::mem::take(&mut self.open.opened_files);
        let doubtful = |source: &Ledger| is_unknown_table(source) || is_guessed(source) && opened.iter().any(|file| *file == Path::new(&source.path));
        let new = self.open.sources.iter().position(|source| doubtful(source) && !self.open.mapping_asked.contains(&source.path));
        if let Some(source) = new.filter(|_| self.dialog.is_none()) {
            self.map_columns(source);
        }
    }

    /// Looks at a source, on a thread: it reads a file.
    pub(super) fn map_columns(&mut self, source: usize) {
        let Some(source) = self.open.sources.get(source) else { return };
        let (name, path) = (source.source_file.clone(), source.path.clone());
        self.open.mapping_asked.insert(path.clone());
        let engine = Arc::clone(&self.engine);
        self.open.mapping_found.start(move |_| {
            let preview = engine.preview(Path::new(&path));
            Some((name, path, preview))
        });
    }

    /// Hears what a table looks like.
    pub(super) fn hear_mapping(&mut self, (name, path, preview): Looked) {
        match preview {
            Ok(preview) => {
                let read = self.open.sources.iter().find(|source| source.path == path && can_be_read_otherwise(source));
                let (format, chosen) = (read.map(|source| source.format.clone()), read.is_some_and(is_mapped));
                self.open.mapping = Some(MappingForm { name, path, mapping: preview.guess.clone(), preview, format, chosen });
                self.dialog = Some(Dialog::Mapping);
            }
            Err(why) => self.say(why),
        }
    }

    /// Reads the table as the form says; or, as it says nothing any more, as it is told by its content.
    pub(super) fn read_mapped(&mut self, as_told: bool) {
        let Some(mut form) = self.open.mapping.take_if(|form| as_told || !form.mapping.time.is_empty()) else { return };
        self.dialog = None;
        if as_told {
            form.mapping = Mapping { columns: form.mapping.columns, ..Mapping::default() };
        }
        let zone = Some(self.open.choices.evidence_zone.clone()).filter(|z| z != "UTC");
        let work = self.engine.open_mapped(form.mapping, form.path.clone(), file_of(&form.path), self.open.case.clone(), zone);
        self.run(Job::Opening, work);
    }
}
