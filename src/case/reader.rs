//! Reads a source's Parquet file back: row groups and single rows, as tables and as borrowed events.

use super::builder::dtype;
use super::columns::{Group, KEY};
use super::table::Table;
use crate::control::RunError;
use crate::domain::{Cell, ColumnKind, EVENT_COLUMNS, EventColumn, EventKey, EventRef};
use polars::prelude::{BooleanType, Column, DataFrame, Int64Type, PolarsDataType, PolarsResult, StaticArray, StringType, UInt32Type, UInt64Type};
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
        self.whole(columns, |there| self.table.rows(there, rows.clone()))
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
        self.whole(columns, |there| self.table.rows_alone(there, rows.clone()))
    }

    /// Reads columns; those that an older version did not write are empty.
    fn whole(&self, columns: &[&str], read: impl Fn(&[&str]) -> Result<DataFrame, RunError>) -> Result<DataFrame, RunError> {
        let absent = self.table.absent(columns)?;
        if absent.is_empty() {
            return read(columns);
        }
        // The key is in every file: a table without columns would have no height.
        let there: Vec<&str> =
            columns.iter().copied().filter(|name| !absent.contains(name)).chain(KEY.into_iter().filter(|key| !columns.contains(key))).collect();
        let mut table = read(&there)?;
        let made: Vec<Column> = absent
            .iter()
            .filter_map(|name| EVENT_COLUMNS.iter().find(|column| column.name == *name))
            .map(|column| Column::full_null(column.name.into(), table.height(), &dtype(column.kind)))
            .collect();
        table.hstack_mut(&made).map_err(|e| self.table.damaged(&e))?;
        table.select(columns.iter().copied()).map_err(|e| self.table.damaged(&e))
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

/// One chunk of a column, borrowed.
#[derive(Clone, Copy)]
enum Values<'a> {
    Text(&'a Array<StringType>),
    Time(&'a Array<Int64Type>),
    Id(&'a Array<UInt64Type>),
    Number(&'a Array<UInt32Type>),
    Flag(&'a Array<BooleanType>),
}

impl<'a> Values<'a> {
    /// A chunk of a column that holds `kind`; `None` where there is no such chunk.
    ///
    /// # Errors
    /// When the column is of another type.
    fn of(column: &'a Column, kind: ColumnKind, chunk: usize) -> PolarsResult<Option<Self>> {
        Ok(match kind {
            ColumnKind::Text => column.str()?.downcast_get(chunk).map(Self::Text),
            ColumnKind::Time => column.datetime()?.physical().downcast_get(chunk).map(Self::Time),
            ColumnKind::Id => column.u64()?.downcast_get(chunk).map(Self::Id),
            ColumnKind::Number => column.u32()?.downcast_get(chunk).map(Self::Number),
            ColumnKind::Flag => column.bool()?.downcast_get(chunk).map(Self::Flag),
            ColumnKind::Real => None,
        })
    }

    fn len(self) -> usize {
        match self {
            Self::Text(a) => a.len(),
            Self::Time(a) => a.len(),
            Self::Id(a) => a.len(),
            Self::Number(a) => a.len(),
            Self::Flag(a) => a.len(),
        }
    }

    fn get(self, row: usize) -> Cell<'a> {
        match self {
            Self::Text(a) => StaticArray::get(a, row).into(),
            Self::Time(a) => StaticArray::get(a, row).map_or(Cell::Empty, Cell::Time),
            Self::Id(a) => StaticArray::get(a, row).map_or(Cell::Empty, Cell::Id),
            Self::Number(a) => StaticArray::get(a, row).map_or(Cell::Empty, Cell::Number),
            Self::Flag(a) => StaticArray::get(a, row).map_or(Cell::Empty, Cell::Flag),
        }
    }

    /// Hands each of some rows to `put`, with its place among them.
    fn each(self, rows: &[usize], mut put: impl FnMut(usize, Cell<'a>)) {
        fn all<'a, A: StaticArray>(array: &'a A, rows: &[usize], cell: impl Fn(A::ValueT<'a>) -> Cell<'a>, put: &mut impl FnMut(usize, Cell<'a>)) {
            for (at, row) in rows.iter().enumerate() {
                if let Some(value) = array.get(*row) {
                    put(at, cell(value));
                }
            }
        }
        match self {
            Self::Text(a) => all(a, rows, Cell::Text, &mut put),
            Self::Time(a) => all(a, rows, Cell::Time, &mut put),
            Self::Id(a) => all(a, rows, Cell::Id, &mut put),
            Self::Number(a) => all(a, rows, Cell::Number, &mut put),
            Self::Flag(a) => all(a, rows, Cell::Flag, &mut put),
        }
    }
}

/// One chunk of a table, borrowed column by column; columns that were not read stay empty in the events.
#[derive(Default)]
pub(super) struct View<'a> {
    rows: usize,
    record: Option<Values<'a>>,
    part: Option<Values<'a>>,
    identity: Option<Values<'a>>,
    own: Vec<(&'static EventColumn, Values<'a>)>,
}

impl<'a> View<'a> {
    /// The `chunk`-th chunk of a table that [`EventFile`] read.
    ///
    /// # Errors
    /// When a column has another type than the schema says: the file is not ours.
    fn of(table: &'a DataFrame, chunk: usize) -> PolarsResult<Self> {
        let [record, part] = KEY;
        let mut view = Self { rows: usize::MAX, ..Self::default() };
        for column in table.columns() {
            let name = column.name().as_str();
            let own = EVENT_COLUMNS.iter().find(|own| own.name == name);
            let kind = own.map_or(if name == part { ColumnKind::Number } else { ColumnKind::Id }, |own| own.kind);
            let Some(values) = Values::of(column, kind, chunk)? else { continue };
            // A column that an older version did not write is one chunk for all row groups.
            view.rows = view.rows.min(values.len());
            match own {
                Some(own) => view.own.push((own, values)),
                None if name == record => view.record = Some(values),
                None if name == part => view.part = Some(values),
                None => view.identity = Some(values),
            }
        }
        if view.rows == usize::MAX {
            view.rows = 0;
        }
        Ok(view)
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// What tells a row from another source's, where it has an `EventRecordID`.
    pub(super) fn identity(&self, row: usize) -> Option<u64> {
        self.identity.and_then(|values| values.get(row).id())
    }

    /// (record, part) of a row.
    pub(super) fn key(&self, row: usize) -> (u64, u32) {
        let number = |values: Option<Values<'a>>| values.and_then(|values| values.get(row).id()).unwrap_or_default();
        (number(self.record), u32::try_from(number(self.part)).unwrap_or_default())
    }

    /// Some rows as borrowed events, in the order asked for.
    pub(super) fn events(&self, source: u32, rows: &[usize]) -> Vec<EventRef<'a>> {
        let event = |row: &usize| {
            let (record, part) = self.key(*row);
            EventRef { key: EventKey { source, part, record }, ..EventRef::default() }
        };
        let mut events: Vec<EventRef<'a>> = rows.iter().map(event).collect();
        // Column by column: what a column is is asked once, not for every row.
        for (column, values) in &self.own {
            values.each(rows, |at, cell| (column.set)(&mut events[at], cell));
        }
        events
    }

    /// One row as a borrowed event.
    pub(super) fn event(&self, source: u32, row: usize) -> EventRef<'a> {
        self.events(source, &[row]).pop().unwrap_or_default()
    }
}
