//! What is known about a table's format: its signature and what its columns mean. The knowledge is `assets/formats.toml`; a mapping file
//! (`--map`) is one entry of the same shape.

use serde::Deserialize;
use std::path::Path;
use std::sync::LazyLock;

/// One name or several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Names")]
pub(super) struct Columns(pub(super) Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

impl From<Names> for Columns {
    fn from(names: Names) -> Self {
        Self(match names {
            Names::One(name) => vec![name],
            Names::Several(names) => names,
        })
    }
}

/// How times without a zone are to be taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Zone {
    /// The tool writes UTC.
    #[default]
    Utc,
    /// The tool states a zone with each time.
    Stated,
    /// The tool writes the time of some place; the analyst says which.
    Local,
}

/// Which mapper reads the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Shape {
    /// By the columns of the entry alone.
    #[default]
    Columns,
    L2tcsv,
    Dynamic,
    Bodyfile,
    Mft,
    Evtxecmd,
    Sysmon,
    Winevent,
    EvtxDump,
    Winlogbeat,
    Nxlog,
}

/// What speaks for a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strength {
    /// Its list of columns.
    Columns,
    /// A column of time.
    Time,
}

/// One format of tables.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Spec {
    /// Name of the delimited form in the ledger.
    pub(super) name: Option<String>,
    /// Name of the form with one JSON object a line.
    pub(super) json: Option<String>,
    /// Columns that tell the format: all must be there, in any order and case.
    pub(super) columns: Vec<String>,
    /// Other sets of columns that tell it as well.
    pub(super) other: Vec<Vec<String>>,
    /// Which mapper.
    pub(super) shape: Shape,
    /// Cells are split at every delimiter.
    pub(super) unquoted: bool,
    /// Zone of times that state none.
    pub(super) zone: Zone,
    /// Columns of time; several become one event for each distinct instant.
    pub(super) time: Columns,
    /// Columns that say the row in words.
    pub(super) message: Columns,
    /// The first of these that says something is the computer; and so on.
    pub(super) computer: Columns,
    pub(super) user: Columns,
    pub(super) channel: Columns,
    pub(super) provider: Columns,
    pub(super) event_id: Columns,
    pub(super) record_id: Columns,
    pub(super) level: Columns,
    /// Path of what the row is about; several are joined.
    pub(super) image: Columns,
    pub(super) command_line: Columns,
    /// Channel of every row.
    pub(super) family: Option<String>,
    /// Provider of every row.
    pub(super) tool: Option<String>,
}

#[derive(Deserialize)]
struct Book {
    format: Vec<Spec>,
}

static BOOK: LazyLock<Vec<Spec>> =
    LazyLock::new(|| toml::from_str::<Book>(include_str!("../../../assets/formats.toml")).map(|book| book.format).unwrap_or_default());

/// All known formats.
pub(super) fn all() -> &'static [Spec] {
    &BOOK
}

/// Reads a mapping file: the keys of one format, or several as `[[format]]`.
///
/// # Errors
/// In words: what, where, what to do.
pub(super) fn mappings(path: &Path) -> Result<Vec<Spec>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("the mapping cannot be read ({error}): {}", path.display()))?;
    let wrong = |error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
        format!(
            "the mapping is not understood: line {line}: {} (`residue inspect --help` says what it may hold): {}",
            error.message().replace('\n', " "),
            path.display()
        )
    };
    let several = text.lines().any(|line| line.trim() == "[[format]]");
    let specs = if several { toml::from_str::<Book>(&text).map_err(wrong)?.format } else { vec![toml::from_str::<Spec>(&text).map_err(wrong)?] };
    for (at, spec) in specs.iter().enumerate() {
        if spec.time.0.iter().all(|name| name.trim().is_empty()) {
            let which = if several { format!("format {} of the mapping", at + 1) } else { "the mapping".to_owned() };
            return Err(format!("{which} names no column of time: write time = \"COLUMN\" into {}", path.display()));
        }
    }
    Ok(specs)
}

impl Spec {
    /// Whether this mapping was made for a table with these (compared) columns: all that it lists are there, or, where it lists none, one of
    /// its columns of time. Only a list outweighs a known signature.
    pub(super) fn maps(&self, keys: &[String]) -> Option<Strength> {
        if self.columns.is_empty() {
            return self.time.0.iter().any(|time| keys.contains(&key(time))).then_some(Strength::Time);
        }
        self.tells(keys).map(|_| Strength::Columns)
    }

    /// How many columns tell that these (compared names) are of this format; `None` when they do not.
    pub(super) fn tells(&self, keys: &[String]) -> Option<usize> {
        let all = |columns: &&Vec<String>| !columns.is_empty() && columns.iter().all(|column| keys.contains(&key(column)));
        std::iter::once(&self.columns).chain(&self.other).filter(all).map(Vec::len).max()
    }
}

/// A column's name as names are compared.
pub(super) fn key(name: &str) -> String {
    name.trim().trim_matches('"').trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Ledger;

    #[test]
    fn the_book_of_formats_reads_and_agrees_with_the_ledger_on_what_is_a_timeline() {
        toml::from_str::<Book>(include_str!("../../../assets/formats.toml")).unwrap();
        let mut names: Vec<&str> = all().iter().flat_map(|spec| spec.name.iter().chain(&spec.json)).map(String::as_str).collect();
        assert!(names.len() > 60, "{}", names.len());
        for spec in all() {
            let events = matches!(spec.shape, Shape::Evtxecmd | Shape::Sysmon | Shape::Winevent | Shape::EvtxDump | Shape::Winlogbeat | Shape::Nxlog);
            for name in spec.name.iter().chain(&spec.json) {
                let timeline = Ledger { format: name.clone(), ..Ledger::default() }.is_timeline();
                let findings = name.starts_with("Hayabusa") || name.starts_with("Chainsaw CSV") || name == "Chainsaw JSON";
                assert_eq!(timeline, !(events || findings), "{name}");
            }
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "a name stands twice");
    }
}
