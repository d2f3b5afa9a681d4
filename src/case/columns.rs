//! The columns of a Parquet file of events: those of every event, its key, and what tells equal records of two sources.

use super::builder::{ColumnBuilder, dtype};
use crate::domain::{Access, BEFORE_KEY, Cell, ColumnKind, EVENT_COLUMNS, Event, EventColumn, EventRef};
use polars::prelude::{DataFrame, Field, PolarsResult, Schema};
use sha2::{Digest, Sha256};

/// What orders the events of a source.
pub(super) const KEY: [&str; 2] = ["record", "part"];
/// What tells equal records of two sources.
pub(super) const IDENTITY: &str = "identity";

/// A column of the file.
#[derive(Clone, Copy)]
enum Stored {
    /// One of the event's own.
    Own(&'static EventColumn),
    /// The name of its source.
    Source,
    /// Its position in the source.
    Record,
    /// Which of the events of one record.
    Part,
    /// See [`identity`].
    Identity,
}

impl Stored {
    fn all() -> impl Iterator<Item = Self> {
        let (before, after) = EVENT_COLUMNS.split_at(BEFORE_KEY);
        before.iter().map(Self::Own).chain([Self::Source, Self::Record, Self::Part]).chain(after.iter().map(Self::Own)).chain([Self::Identity])
    }

    fn named(self) -> (&'static str, ColumnKind) {
        let [record, part] = KEY;
        match self {
            Self::Own(column) => (column.name, column.kind),
            Self::Source => ("source", ColumnKind::Text),
            Self::Record => (record, ColumnKind::Id),
            Self::Part => (part, ColumnKind::Number),
            Self::Identity => (IDENTITY, ColumnKind::Id),
        }
    }

    fn cell<'a>(self, source: &'a str, event: &EventRef<'a>) -> Cell<'a> {
        match self {
            Self::Own(column) => (column.get)(event),
            Self::Source => Cell::Text(source),
            Self::Record => Cell::Id(event.key.record),
            Self::Part => Cell::Number(event.key.part),
            Self::Identity => identity(event).map_or(Cell::Empty, Cell::Id),
        }
    }
}

/// The file's schema.
pub(super) fn schema() -> Schema {
    Stored::all().map(Stored::named).map(|(name, kind)| Field::new(name.into(), dtype(kind))).collect()
}

/// The key, and the columns of events for which `which` holds.
pub(super) fn names(which: impl Fn(&EventColumn) -> bool) -> Vec<&'static str> {
    KEY.into_iter().chain(EVENT_COLUMNS.iter().filter(|column| which(column)).map(|column| column.name)).collect()
}

/// What a scan reads.
pub(super) fn scanned(payload: bool) -> Vec<&'static str> {
    names(|column| column.access == Access::Scanned || (payload && column.access == Access::Payload))
}

/// Tells equal records of two sources: the first 64 bits of the SHA-256 of (computer, channel, `EventRecordID`, time, fields).
/// Records without an `EventRecordID` have none: they are never taken for another source's.
fn identity(event: &EventRef<'_>) -> Option<u64> {
    let id = event.record_id?;
    let mut hash = Sha256::new();
    for text in [event.computer, event.channel] {
        hash.update(text.unwrap_or_default().as_bytes());
        hash.update([0, u8::from(text.is_some())]);
    }
    hash.update(id.to_le_bytes());
    hash.update(event.time.unwrap_or(i64::MIN).to_le_bytes());
    hash.update(event.fields.as_bytes());
    hash.finalize().first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// Events on their way to a row group.
pub(super) struct Columns {
    source: String,
    bytes: usize,
    span: Group,
    builders: Vec<(Stored, ColumnBuilder)>,
}

impl Columns {
    /// Room for one row group of a source.
    pub(super) fn new(source: &str, rows: usize) -> Self {
        let builder = |stored: Stored| {
            let (name, kind) = stored.named();
            (stored, ColumnBuilder::new(name, kind, rows))
        };
        Self { source: source.to_owned(), bytes: 0, span: Group::default(), builders: Stored::all().map(builder).collect() }
    }

    /// Appends one event.
    pub(super) fn push(&mut self, event: &Event) {
        self.bytes += event.fields.len() + event.message.len() + event.command_line.as_ref().map_or(0, String::len);
        self.span.add((event.record, event.part), event.time);
        let event = event.borrowed(0);
        for (stored, builder) in &mut self.builders {
            builder.push(stored.cell(&self.source, &event));
        }
    }

    /// Bytes of payload waiting.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Number of the waiting events, and where they lie in key and time.
    pub(super) fn span(&self) -> Group {
        self.span
    }

    /// The waiting events as a table.
    ///
    /// # Errors
    /// When polars refuses the columns.
    pub(super) fn table(self) -> PolarsResult<DataFrame> {
        DataFrame::new(self.span.rows, self.builders.into_iter().map(|(_, builder)| builder.finish()).collect())
    }
}

/// Where one row group lies in key and time, so that it need not be opened to be ruled out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Group {
    /// Number of rows.
    pub rows: usize,
    /// (record, part) of the first row.
    pub first: (u64, u32),
    /// (record, part) of the last row.
    pub last: (u64, u32),
    /// Earliest time, nanoseconds UTC.
    pub from: Option<i64>,
    /// Latest time, nanoseconds UTC.
    pub to: Option<i64>,
}

impl Group {
    fn add(&mut self, key: (u64, u32), time: Option<i64>) {
        if self.rows == 0 {
            self.first = key;
        }
        self.rows += 1;
        self.last = key;
        self.from = self.from.into_iter().chain(time).min();
        self.to = self.to.into_iter().chain(time).max();
    }
}
