//! The event columns of a Parquet file: their names and types, and the builder that turns events into a table.
//!
//! The names are a contract (DuckDB, Spark and Polars users rely on them): add at the end, never rename.

use crate::domain::Event;
use polars::prelude::{
    BooleanChunked, Column, DataFrame, DataType, Field, Int64Chunked, IntoColumn, NamedFrom, NewChunkedArray, PolarsResult, Schema, Series,
    StringChunkedBuilder, TimeUnit, TimeZone, UInt32Chunked, UInt64Chunked,
};
use sha2::{Digest, Sha256};

/// What is needed of every event to score it.
pub(super) const PLAIN: [&str; 20] = [
    "time",
    "time_text",
    "record",
    "part",
    "record_id",
    "recovered",
    "computer",
    "channel",
    "provider",
    "event_id",
    "level",
    "user",
    "pid",
    "ppid",
    "process_guid",
    "parent_guid",
    "image",
    "parent_image",
    "command_line",
    "identity",
];
/// What costs the most to read.
pub(super) const PAYLOAD: [&str; 2] = ["message", "fields"];

type Text = fn(&Event) -> Option<&str>;

const TEXTS: [(&str, Text); 13] = [
    ("time_text", |e| e.time_text.as_deref()),
    ("computer", |e| e.computer.as_deref()),
    ("channel", |e| e.channel.as_deref()),
    ("provider", |e| e.provider.as_deref()),
    ("level", |e| e.level.as_deref()),
    ("user", |e| e.user.as_deref()),
    ("process_guid", |e| e.process_guid.as_deref()),
    ("parent_guid", |e| e.parent_guid.as_deref()),
    ("image", |e| e.image.as_deref()),
    ("parent_image", |e| e.parent_image.as_deref()),
    ("command_line", |e| e.command_line.as_deref()),
    ("message", |e| Some(&e.message)),
    ("fields", |e| Some(&e.fields)),
];

/// The columns' order in the file.
const ORDER: [&str; 24] = [
    "time",
    "time_text",
    "source",
    "record",
    "part",
    "record_id",
    "offset",
    "recovered",
    "computer",
    "channel",
    "provider",
    "event_id",
    "level",
    "user",
    "pid",
    "ppid",
    "process_guid",
    "parent_guid",
    "image",
    "parent_image",
    "command_line",
    "message",
    "fields",
    "identity",
];

/// The file's schema.
pub(super) fn schema() -> Schema {
    let dtype = |name| match name {
        "time" => DataType::Datetime(TimeUnit::Nanoseconds, Some(TimeZone::UTC)),
        "record" | "record_id" | "offset" | "identity" => DataType::UInt64,
        "part" | "event_id" | "pid" | "ppid" => DataType::UInt32,
        "recovered" => DataType::Boolean,
        _ => DataType::String,
    };
    Schema::from_iter(ORDER.map(|name| Field::new(name.into(), dtype(name))))
}

/// Tells equal records of two sources: the first 64 bits of the SHA-256 of (computer, channel, `EventRecordID`, time, fields).
/// Records without an `EventRecordID` have none: they are never taken for another source's.
fn identity(event: &Event) -> Option<u64> {
    let id = event.record_id?;
    let mut hash = Sha256::new();
    for text in [event.computer.as_deref(), event.channel.as_deref()] {
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
    rows: usize,
    bytes: usize,
    time: Vec<Option<i64>>,
    record: Vec<u64>,
    part: Vec<u32>,
    record_id: Vec<Option<u64>>,
    offset: Vec<Option<u64>>,
    recovered: Vec<bool>,
    event_id: Vec<Option<u32>>,
    pid: Vec<Option<u32>>,
    ppid: Vec<Option<u32>>,
    identity: Vec<Option<u64>>,
    texts: Vec<StringChunkedBuilder>,
}

impl Columns {
    /// Room for one row group of a source.
    pub(super) fn new(source: &str, rows: usize) -> Self {
        Self {
            source: source.to_owned(),
            rows: 0,
            bytes: 0,
            time: Vec::with_capacity(rows),
            record: Vec::with_capacity(rows),
            part: Vec::with_capacity(rows),
            record_id: Vec::with_capacity(rows),
            offset: Vec::with_capacity(rows),
            recovered: Vec::with_capacity(rows),
            event_id: Vec::with_capacity(rows),
            pid: Vec::with_capacity(rows),
            ppid: Vec::with_capacity(rows),
            identity: Vec::with_capacity(rows),
            texts: TEXTS.iter().map(|(name, _)| StringChunkedBuilder::new((*name).into(), rows)).collect(),
        }
    }

    /// Appends one event.
    pub(super) fn push(&mut self, event: &Event) {
        self.rows += 1;
        self.bytes += event.fields.len() + event.message.len() + event.command_line.as_ref().map_or(0, String::len);
        self.time.push(event.time);
        self.record.push(event.record);
        self.part.push(event.part);
        self.record_id.push(event.record_id);
        self.offset.push(event.offset);
        self.recovered.push(event.recovered);
        self.event_id.push(event.event_id);
        self.pid.push(event.pid);
        self.ppid.push(event.ppid);
        self.identity.push(identity(event));
        for ((_, get), builder) in TEXTS.iter().zip(&mut self.texts) {
            builder.append_option(get(event));
        }
    }

    /// Number of events waiting.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of payload waiting.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Where the waiting events lie in key and time.
    pub(super) fn span(&self) -> Group {
        let key = |at: Option<usize>| at.map_or((0, 0), |at| (self.record[at], self.part[at]));
        Group {
            rows: self.rows,
            first: key(self.rows.checked_sub(1).map(|_| 0)),
            last: key(self.rows.checked_sub(1)),
            from: self.time.iter().flatten().min().copied(),
            to: self.time.iter().flatten().max().copied(),
        }
    }

    /// The waiting events as a table.
    ///
    /// # Errors
    /// When polars refuses the columns.
    pub(super) fn table(self) -> PolarsResult<DataFrame> {
        let height = self.rows;
        let mut made: Vec<Column> = vec![
            Int64Chunked::from_slice_options("time".into(), &self.time).into_datetime(TimeUnit::Nanoseconds, Some(TimeZone::UTC)).into_column(),
            Series::new("source".into(), vec![self.source.as_str(); height]).into_column(),
            UInt64Chunked::from_slice("record".into(), &self.record).into_column(),
            UInt32Chunked::from_slice("part".into(), &self.part).into_column(),
            UInt64Chunked::from_slice_options("record_id".into(), &self.record_id).into_column(),
            UInt64Chunked::from_slice_options("offset".into(), &self.offset).into_column(),
            BooleanChunked::from_slice("recovered".into(), &self.recovered).into_column(),
            UInt32Chunked::from_slice_options("event_id".into(), &self.event_id).into_column(),
            UInt32Chunked::from_slice_options("pid".into(), &self.pid).into_column(),
            UInt32Chunked::from_slice_options("ppid".into(), &self.ppid).into_column(),
            UInt64Chunked::from_slice_options("identity".into(), &self.identity).into_column(),
        ];
        made.extend(self.texts.into_iter().map(|builder| builder.finish().into_column()));
        let place = |column: &Column| ORDER.iter().position(|name| *name == column.name().as_str()).unwrap_or(ORDER.len());
        made.sort_by_key(place);
        DataFrame::new(height, made)
    }
}

/// Where one row group lies in key and time, so that it need not be opened to be ruled out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
