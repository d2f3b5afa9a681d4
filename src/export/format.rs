//! The formats a ranking is written in.

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// For Timesketch, Timeline Explorer and spreadsheets; neutralised.
    Csv,
    /// Faithful to the byte, with members and contributions.
    Jsonl,
    /// The same, for data frames.
    Parquet,
    /// For Excel; every text is a text.
    Xlsx,
    /// One file for people.
    Html,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Csv, Self::Jsonl, Self::Xlsx, Self::Parquet, Self::Html];

    /// The ending of its files.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
            Self::Xlsx => "xlsx",
            Self::Html => "html",
        }
    }

    /// The format of an ending, whatever the case.
    #[must_use]
    pub fn of(ending: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.ending().eq_ignore_ascii_case(ending))
    }

    /// The name shown.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Jsonl => "JSONL",
            Self::Parquet => "Parquet",
            Self::Xlsx => "XLSX",
            Self::Html => "HTML report",
        }
    }

    /// What it is good for.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Csv => "Imports into Timesketch and Timeline Explorer as it is",
            Self::Jsonl => "One object a line, text faithful to the evidence, every member event and contribution; can be imported again",
            Self::Parquet => "The same columns typed, for Polars, DuckDB, Spark",
            Self::Xlsx => "A workbook with a sheet for each detector; every text is a text, never a formula",
            Self::Html => "One page for people: summary, pictures, rows with reasons and notes; no network, no scripts",
        }
    }

    /// Whether one file holds the rankings of several detectors.
    #[must_use]
    pub fn holds_many(self) -> bool {
        matches!(self, Self::Xlsx | Self::Html)
    }
}
