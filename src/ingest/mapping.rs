//! Mappings of unknown tables as the window makes them: what a table looks like, what its columns seem to mean, and what was chosen before, by
//! header. Kept in a file of the same form as `--map` takes.

use super::archive;
use super::error::ReadError;
use super::sniff::HEAD;
use super::table;
use crate::control::Control;
use crate::files::SourcePath;
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a table's columns mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mapping {
    /// The table's header, by which it is known again.
    pub columns: Vec<String>,
    /// Columns of time; several give one event for each distinct instant.
    pub time: Vec<String>,
    /// Columns that say the row in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub message: Vec<String>,
    /// The computer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub computer: Vec<String>,
    /// The user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user: Vec<String>,
    /// Path of what the row is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub image: Vec<String>,
    /// The artefact's family.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channel: Vec<String>,
    /// A Windows event's number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub event_id: Vec<String>,
}

/// The beginning of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// Names of the columns.
    pub header: Vec<String>,
    /// A few rows.
    pub rows: Vec<Vec<String>>,
    /// How the first cell of each column reads as a time, if it does.
    pub times: Vec<Option<String>>,
    /// What the columns seem to mean.
    pub guess: Mapping,
}

#[derive(Default, Serialize, Deserialize)]
struct Book {
    #[serde(default)]
    format: Vec<Mapping>,
}

/// Looks at the table at `path` (a ledger's `path`: archive members too).
///
/// # Errors
/// In words, why it is no table.
pub fn preview(path: &Path) -> Result<Preview, String> {
    let failed = |error: ReadError| format!("cannot be opened ({error}): {}", path.display());
    let source =
        if path.is_file() { SourcePath::of_file(path) } else { SourcePath::parse(&path.to_string_lossy()).map_err(ReadError::Archive).map_err(failed)? };
    let unpacked = archive::at(&source, &Control::silent()).map_err(failed)?;
    let file = std::fs::File::open(unpacked.as_ref().map_or(path, |(unpacked, _)| &unpacked.file)).map_err(ReadError::from).map_err(failed)?;
    let mut head = Vec::new();
    file.take(HEAD as u64).read_to_end(&mut head).map_err(ReadError::from).map_err(failed)?;
    let mut preview = table::preview(&head).ok_or_else(|| format!("not a table with a header: {}", path.display()))?;
    let chosen = place().and_then(|place| book(&place).ok()).and_then(|book| book.format.into_iter().find(|known| known.columns == preview.header));
    if let Some(chosen) = chosen {
        preview.guess = chosen;
    }
    Ok(preview)
}

/// Where mappings are kept; none without a place for settings.
fn place() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "residue").map(|dirs| dirs.config_dir().join("mappings.toml"))
}

/// The file of mappings, once there is one.
#[must_use]
pub fn remembered() -> Option<PathBuf> {
    place().filter(|path| path.is_file())
}

/// Keeps a mapping in the place of any older one for the same header; without a time the header has none any more.
///
/// # Errors
/// In words, why it cannot be kept.
pub fn remember(mapping: &Mapping) -> Result<(), String> {
    let path = place().ok_or("there is no place for settings, so that the mapping cannot be remembered")?;
    keep(&path, mapping)
}

fn book(path: &Path) -> Result<Book, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => toml::from_str(&text).map_err(|error| error.message().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Book::default()),
        Err(error) => Err(error.to_string()),
    }
}

fn keep(path: &Path, mapping: &Mapping) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("the mapping cannot be remembered ({error}): {}", path.display());
    let mut book = book(path).map_err(|error| failed(&error))?;
    book.format.retain(|known| known.columns != mapping.columns);
    if !mapping.time.is_empty() {
        book.format.push(mapping.clone());
    }
    let text = toml::to_string(&book).map_err(|error| failed(&error))?;
    let text = format!("# Mappings of tables, made in Residue's window; also good for --map.\n{text}");
    crate::files::write_whole(path, text.as_bytes()).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_kept_by_header_and_serves_the_command_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/mappings.toml");
        let mapping = |time: &str| Mapping { columns: vec!["a".into(), "b \"c\"".into()], time: vec![time.into()], ..Mapping::default() };
        keep(&path, &mapping("a")).unwrap();
        keep(&path, &Mapping { columns: vec!["x".into()], ..mapping("x") }).unwrap();
        keep(&path, &mapping("b \"c\"")).unwrap();
        let book: Book = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(book.format.iter().map(|known| known.time[0].as_str()).collect::<Vec<_>>(), ["x", "b \"c\""]);
        keep(&path, &Mapping { columns: vec!["x".into()], ..Mapping::default() }).unwrap();
        assert_eq!(super::book(&path).unwrap().format.len(), 1, "a mapping without a time is forgotten");
        assert!(table::Chosen::new(&crate::ingest::Options { zone: None, map: Some(path.clone()) }).is_ok());
        std::fs::write(&path, "not toml").unwrap();
        assert!(keep(&path, &mapping("a")).unwrap_err().ends_with("mappings.toml"));
    }

    #[test]
    fn an_unknown_table_is_shown_with_guesses() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.csv");
        std::fs::write(&path, "a;what;box\n1614834367;a longer text about it;WS1\n1614834368;another text;WS1\n").unwrap();
        let seen = preview(&path).unwrap();
        assert_eq!((seen.header.len(), seen.rows.len(), seen.times[0].as_deref()), (3, 2, Some("2021-03-04T05:06:07.0000000+00:00")));
        assert_eq!((seen.guess.time, seen.guess.message, seen.guess.columns), (vec!["a".to_owned()], vec!["what".to_owned()], seen.header));
        std::fs::write(&path, "just words").unwrap();
        assert!(preview(&path).is_err());
    }
}
