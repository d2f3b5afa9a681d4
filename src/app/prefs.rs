//! What is remembered about the analyst's window between runs: theme, size, zone, columns, recent cases. A home that cannot be written changes
//! nothing but that.

use crate::app::columns::Column;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Look {
    #[default]
    System,
    Dark,
    Light,
}

impl Look {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::System, Self::Dark, Self::Light];

    /// The name shown.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::System => "Follow the system",
            Self::Dark => "Dark",
            Self::Light => "Light",
        }
    }
}

/// A search with a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedSearch {
    /// Its name.
    pub name: String,
    /// The search text.
    pub search: String,
}

/// The analyst's window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prefs {
    /// Light or dark.
    pub look: Look,
    /// Size of everything.
    pub scale: f32,
    /// Zone in which times are shown (`UTC` or an IANA name).
    pub zone: String,
    /// Columns shown.
    pub columns: Vec<Column>,
    /// Evidence and cases opened before, the last one first.
    pub recent: Vec<PathBuf>,
    /// The panels at the sides.
    pub panels: (bool, bool),
    /// Searches kept under a name, sorted by it.
    pub searches: Vec<SavedSearch>,
}

impl Default for Prefs {
    fn default() -> Self {
        Self { look: Look::System, scale: 1.0, zone: "UTC".into(), columns: Column::USUAL.into(), recent: vec![], panels: (true, true), searches: vec![] }
    }
}

impl Prefs {
    const RECENT: usize = 8;

    /// Where they are kept: the system's place for settings, unless there is none.
    #[must_use]
    pub fn place() -> Option<PathBuf> {
        directories::ProjectDirs::from("", "", "residue").map(|dirs| dirs.config_dir().join("window.json"))
    }

    /// Reads them; whatever is wrong with the file gives the defaults.
    #[must_use]
    pub fn read(place: Option<&Path>) -> Self {
        let read = || serde_json::from_slice::<Self>(&std::fs::read(place?).ok()?).ok();
        let mut prefs: Self = read().unwrap_or_default();
        prefs.scale = if prefs.scale.is_finite() { prefs.scale.clamp(0.5, 3.0) } else { 1.0 };
        prefs.columns.retain({
            let mut seen = vec![];
            move |c| {
                !seen.contains(c) && {
                    seen.push(*c);
                    true
                }
            }
        });
        if prefs.columns.is_empty() {
            prefs.columns = Column::USUAL.into();
        }
        if jiff::tz::TimeZone::get(&prefs.zone).is_err() {
            prefs.zone = "UTC".into();
        }
        prefs
    }

    /// Writes them whole or not at all.
    ///
    /// # Errors
    /// When the place cannot be written.
    pub fn write(&self, place: &Path) -> std::io::Result<()> {
        crate::files::write_whole(place, &serde_json::to_vec_pretty(self)?)
    }

    /// Keeps a search under a name, in place of one that had it before.
    pub(super) fn keep_search(&mut self, name: &str, search: &str) {
        self.searches.retain(|kept| kept.name != name);
        self.searches.push(SavedSearch { name: name.into(), search: search.into() });
        self.searches.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// Remembers what was opened.
    pub(super) fn opened(&mut self, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.recent.retain(|p| *p != path);
        self.recent.insert(0, path);
        self.recent.truncate(Self::RECENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_come_back_and_a_broken_file_gives_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("deep/window.json");
        let mut prefs = Prefs { zone: "Europe/Berlin".into(), ..Prefs::default() };
        prefs.opened(Path::new("/evidence/a"));
        prefs.opened(Path::new("/evidence/b"));
        prefs.opened(Path::new("/evidence/a"));
        assert_eq!(prefs.recent, [PathBuf::from("/evidence/a"), PathBuf::from("/evidence/b")]);
        prefs.keep_search("shells", "powershell cmd");
        prefs.keep_search("logons", "4624");
        prefs.keep_search("shells", "+powershell");
        assert_eq!(prefs.searches.iter().map(|s| (s.name.as_str(), s.search.as_str())).collect::<Vec<_>>(), [("logons", "4624"), ("shells", "+powershell")]);
        prefs.write(&place).unwrap();
        assert_eq!(Prefs::read(Some(&place)), prefs);
        std::fs::write(&place, b"{ not json").unwrap();
        assert_eq!(Prefs::read(Some(&place)), Prefs::default());
        std::fs::write(&place, br#"{"scale": 900.0, "zone": "Nowhere/None", "columns": []}"#).unwrap();
        let mended = Prefs::read(Some(&place));
        assert_eq!((mended.scale, mended.zone.as_str(), mended.columns.len()), (3.0, "UTC", Column::USUAL.len()));
    }
}
