//! What the export dialog holds, and the order it gives.

use crate::export::Format;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Which rows an export writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Which {
    #[default]
    Flagged,
    Above,
    Visible,
    All,
}

impl Which {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Flagged, Self::Above, Self::Visible, Self::All];

    /// The name shown.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Flagged => "Flagged",
            Self::Above => "Above the threshold",
            Self::Visible => "Visible in the table",
            Self::All => "All",
        }
    }
}

/// What an export writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportOrder {
    /// Which rows.
    pub which: Which,
    /// The files.
    pub files: Vec<(Format, PathBuf)>,
    /// Existing files may be replaced.
    pub replace: bool,
}

/// What the export dialog holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportForm {
    /// Which rows.
    pub which: Which,
    /// Path without ending.
    pub path: String,
    /// Which formats.
    pub formats: BTreeSet<Format>,
    /// Files that are there already, once they were found; a second go replaces them.
    pub existing: Vec<PathBuf>,
    /// Why nothing was written.
    pub refusal: Option<String>,
}

impl Default for ExportForm {
    fn default() -> Self {
        Self { which: Which::Flagged, path: String::new(), formats: [Format::Csv, Format::Jsonl].into(), existing: vec![], refusal: None }
    }
}

impl ExportForm {
    /// The order this form gives: an ending typed by hand is taken away, so that all files share a stem.
    #[must_use]
    pub fn order(&self) -> ExportOrder {
        let typed = self.path.trim();
        let stem = Format::ALL.iter().find_map(|f| typed.strip_suffix(f.ending())?.strip_suffix('.')).unwrap_or(typed);
        let wanted = self.formats.iter().filter(|_| !stem.is_empty());
        let files = wanted.map(|f| (*f, PathBuf::from(format!("{stem}.{}", f.ending())))).collect();
        ExportOrder { which: self.which, files, replace: !self.existing.is_empty() }
    }
}
