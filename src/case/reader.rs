//! Reads a source's Parquet file back: row groups and single rows, as tables and as borrowed events.

use super::columns::Group;
use super::table::Table;
use crate::control::RunError;
use crate::domain::{Event, EventKey, EventRef};
use polars::prelude::{BooleanType, DataFrame, Int64Type, PolarsDataType, PolarsResult, StaticArray, StringType, UInt32Type, UInt64Type};
use std::ops::Range;
use std::path::PathBuf;

/// One source's events on disk.
#[derive(Debug)]
pub(super) struct EventFile {
    table: Table,
    groups: Vec<Group>,
    /// Row at which each group begins.
    starts: Vec<usize>,
}

impl EventFile {
    /// A file with its row-group index.
    pub(super) fn new(path: PathBuf, groups: Vec<Group>) -> Self {
        let starts = groups
            .iter()
            .scan(0, |at, group| {
                let start = *at;
                *at += group.rows;
                Some(start)
            })
            .collect();
        Self { table: Table::new(path, "ingest the source again"), groups, starts }
    }

    /// The row-group index.
    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The row at which a group begins.
    pub(super) fn start(&self, group: usize) -> usize {
        self.starts.get(group).copied().unwrap_or(0)
    }

    /// The row groups that may hold a key.
    pub(super) fn groups_of(&self, record: u64, part: u32) -> Range<usize> {
        let key = (record, part);
        self.groups.partition_point(|group| group.last < key)..self.groups.partition_point(|group| group.first <= key)
    }

    /// Reads the named columns of some rows.
    ///
    /// # Errors
    /// When the file is gone or damaged.
    pub(super) fn rows(&self, columns: &[&str], rows: Range<usize>) -> Result<DataFrame, RunError> {
        self.table.rows(columns, rows)
    }

    /// Reads the named columns of whole row groups, each one a chunk.
    ///
    /// # Errors
    /// When the file is gone or damaged.
    pub(super) fn read(&self, columns: &[&str], groups: Range<usize>) -> Result<DataFrame, RunError> {
        let end = groups.clone().next_back().map_or(0, |last| self.start(last) + self.groups[last].rows);
        self.rows(columns, self.start(groups.start)..end)
    }

    /// Reads the named columns of one row group, on the calling thread alone.
    ///
    /// # Errors
    /// When the file is gone or damaged.
    pub(super) fn group(&self, columns: &[&str], group: usize) -> Result<DataFrame, RunError> {
        let start = self.start(group);
        self.slice(columns, start..start + self.groups.get(group).map_or(0, |span| span.rows))
    }

    /// Reads the named columns of some rows, on the calling thread alone.
    ///
    /// # Errors
    /// When the file is gone or damaged.
    pub(super) fn slice(&self, columns: &[&str], rows: Range<usize>) -> Result<DataFrame, RunError> {
        self.table.rows_alone(columns, rows)
    }

    /// What to say when a column is not what was written.
    pub(super) fn damaged(&self, why: &dyn std::fmt::Display) -> RunError {
        self.table.damaged(why)
    }

    /// One chunk of what was read.
    ///
    /// # Errors
    /// When a column has another type than the schema says: the file is not ours.
    pub(super) fn view<'a>(&self, table: &'a DataFrame, chunk: usize) -> Result<View<'a>, RunError> {
        View::of(table, chunk).map_err(|e| self.table.damaged(&e))
    }
}

type Array<T> = <T as PolarsDataType>::Array;

/// One chunk of a table, borrowed column by column; columns that were not read are `None`.
#[derive(Default)]
pub(super) struct View<'a> {
    time: Option<&'a Array<Int64Type>>,
    record: Option<&'a Array<UInt64Type>>,
    part: Option<&'a Array<UInt32Type>>,
    record_id: Option<&'a Array<UInt64Type>>,
    offset: Option<&'a Array<UInt64Type>>,
    identity: Option<&'a Array<UInt64Type>>,
    pub computer: Option<&'a Array<StringType>>,
    recovered: Option<&'a Array<BooleanType>>,
    event_id: Option<&'a Array<UInt32Type>>,
    pid: Option<&'a Array<UInt32Type>>,
    ppid: Option<&'a Array<UInt32Type>>,
    time_text: Option<&'a Array<StringType>>,
    channel: Option<&'a Array<StringType>>,
    provider: Option<&'a Array<StringType>>,
    level: Option<&'a Array<StringType>>,
    user: Option<&'a Array<StringType>>,
    process_guid: Option<&'a Array<StringType>>,
    parent_guid: Option<&'a Array<StringType>>,
    image: Option<&'a Array<StringType>>,
    parent_image: Option<&'a Array<StringType>>,
    command_line: Option<&'a Array<StringType>>,
    message: Option<&'a Array<StringType>>,
    fields: Option<&'a Array<StringType>>,
}

impl<'a> View<'a> {
    /// The `chunk`-th chunk of a table that [`EventFile`] read.
    ///
    /// # Errors
    /// When a column has another type than the schema says: the file is not ours.
    fn of(table: &'a DataFrame, chunk: usize) -> PolarsResult<Self> {
        let mut view = Self::default();
        for column in table.columns() {
            match column.name().as_str() {
                "time" => view.time = column.datetime()?.physical().downcast_get(chunk),
                "record" => view.record = column.u64()?.downcast_get(chunk),
                "record_id" => view.record_id = column.u64()?.downcast_get(chunk),
                "offset" => view.offset = column.u64()?.downcast_get(chunk),
                "identity" => view.identity = column.u64()?.downcast_get(chunk),
                "part" => view.part = column.u32()?.downcast_get(chunk),
                "event_id" => view.event_id = column.u32()?.downcast_get(chunk),
                "pid" => view.pid = column.u32()?.downcast_get(chunk),
                "ppid" => view.ppid = column.u32()?.downcast_get(chunk),
                "recovered" => view.recovered = column.bool()?.downcast_get(chunk),
                name => {
                    let text = column.str()?.downcast_get(chunk);
                    match name {
                        "time_text" => view.time_text = text,
                        "computer" => view.computer = text,
                        "channel" => view.channel = text,
                        "provider" => view.provider = text,
                        "level" => view.level = text,
                        "user" => view.user = text,
                        "process_guid" => view.process_guid = text,
                        "parent_guid" => view.parent_guid = text,
                        "image" => view.image = text,
                        "parent_image" => view.parent_image = text,
                        "command_line" => view.command_line = text,
                        "message" => view.message = text,
                        "fields" => view.fields = text,
                        _ => {}
                    }
                }
            }
        }
        Ok(view)
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.record.map_or(0, Array::<UInt64Type>::len)
    }

    /// Time of a row.
    pub(super) fn time(&self, row: usize) -> Option<i64> {
        self.time.and_then(|a| a.get(row))
    }

    /// What tells a row from another source's, where it has an `EventRecordID`.
    pub(super) fn identity(&self, row: usize) -> Option<u64> {
        self.identity.and_then(|a| a.get(row))
    }

    /// (record, part) of a row.
    pub(super) fn key(&self, row: usize) -> (u64, u32) {
        (self.record.and_then(|a| a.get(row)).unwrap_or_default(), self.part.and_then(|a| a.get(row)).unwrap_or_default())
    }

    /// One row as a borrowed event.
    pub(super) fn event(&self, source: u32, row: usize) -> EventRef<'a> {
        let text = |array: Option<&'a Array<StringType>>| array.and_then(|a| a.get(row));
        let number = |array: Option<&'a Array<UInt32Type>>| array.and_then(|a| a.get(row));
        let (record, part) = self.key(row);
        EventRef {
            key: EventKey { source, part, record },
            time: self.time(row),
            time_text: text(self.time_text),
            record_id: self.record_id.and_then(|a| a.get(row)),
            recovered: self.recovered.and_then(|a| a.get(row)).unwrap_or_default(),
            computer: text(self.computer),
            channel: text(self.channel),
            provider: text(self.provider),
            event_id: number(self.event_id),
            level: text(self.level),
            user: text(self.user),
            pid: number(self.pid),
            ppid: number(self.ppid),
            process_guid: text(self.process_guid),
            parent_guid: text(self.parent_guid),
            image: text(self.image),
            parent_image: text(self.parent_image),
            command_line: text(self.command_line),
            message: text(self.message).unwrap_or_default(),
            fields: text(self.fields).unwrap_or_default(),
        }
    }

    /// One row as an owned event.
    pub(super) fn owned(&self, row: usize) -> Event {
        let e = self.event(0, row);
        let text = |value: Option<&str>| value.map(str::to_owned);
        Event {
            time: e.time,
            time_text: text(e.time_text),
            record: e.key.record,
            part: e.key.part,
            record_id: e.record_id,
            offset: self.offset.and_then(|a| a.get(row)),
            recovered: e.recovered,
            computer: text(e.computer),
            channel: text(e.channel),
            provider: text(e.provider),
            event_id: e.event_id,
            level: text(e.level),
            user: text(e.user),
            pid: e.pid,
            ppid: e.ppid,
            process_guid: text(e.process_guid),
            parent_guid: text(e.parent_guid),
            image: text(e.image),
            parent_image: text(e.parent_image),
            command_line: text(e.command_line),
            message: e.message.to_owned(),
            fields: e.fields.to_owned(),
        }
    }
}
