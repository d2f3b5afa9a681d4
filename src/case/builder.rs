//! Makes a column of a Parquet file out of cells, one after the other.

use crate::domain::{Cell, ColumnKind, time};
use polars::prelude::{
    BooleanChunkedBuilder, ChunkedBuilder, Column, DataType, Float64Type, Int64Type, IntoColumn, PrimitiveChunkedBuilder, StringChunkedBuilder, TimeUnit,
    TimeZone, UInt32Type, UInt64Type,
};

/// How a column of a kind is stored.
pub(super) fn dtype(kind: ColumnKind) -> DataType {
    match kind {
        ColumnKind::Text => DataType::String,
        ColumnKind::Time => DataType::Datetime(TimeUnit::Nanoseconds, Some(TimeZone::UTC)),
        ColumnKind::Id => DataType::UInt64,
        ColumnKind::Number => DataType::UInt32,
        ColumnKind::Real => DataType::Float64,
        ColumnKind::Flag => DataType::Boolean,
    }
}

/// Cells on their way into a column.
pub(super) enum ColumnBuilder {
    Text(StringChunkedBuilder),
    Time(PrimitiveChunkedBuilder<Int64Type>),
    Id(PrimitiveChunkedBuilder<UInt64Type>),
    Number(PrimitiveChunkedBuilder<UInt32Type>),
    Real(PrimitiveChunkedBuilder<Float64Type>),
    Flag(BooleanChunkedBuilder),
}

impl ColumnBuilder {
    /// Room for some rows.
    pub(super) fn new(name: &str, kind: ColumnKind, rows: usize) -> Self {
        let name = name.into();
        match kind {
            ColumnKind::Text => Self::Text(StringChunkedBuilder::new(name, rows)),
            ColumnKind::Time => Self::Time(PrimitiveChunkedBuilder::new(name, rows)),
            ColumnKind::Id => Self::Id(PrimitiveChunkedBuilder::new(name, rows)),
            ColumnKind::Number => Self::Number(PrimitiveChunkedBuilder::new(name, rows)),
            ColumnKind::Real => Self::Real(PrimitiveChunkedBuilder::new(name, rows)),
            ColumnKind::Flag => Self::Flag(BooleanChunkedBuilder::new(name, rows)),
        }
    }

    /// Appends a cell. In a column of text what is no text is written as JSON writes it; elsewhere a cell of another kind is null.
    pub(super) fn push(&mut self, cell: Cell<'_>) {
        match self {
            Self::Text(texts) => match cell {
                Cell::Empty => texts.append_null(),
                Cell::Text(text) => texts.append_value(text),
                Cell::Time(ns) => texts.append_value(time::iso(ns)),
                other => texts.append_option(serde_json::to_string(&other).ok()),
            },
            Self::Time(times) => times.append_option(cell.time()),
            Self::Id(ids) => ids.append_option(cell.id()),
            Self::Number(numbers) => numbers.append_option(cell.id().and_then(|id| u32::try_from(id).ok())),
            Self::Real(reals) => reals.append_option(cell.real()),
            Self::Flag(flags) => flags.append_option(cell.flag()),
        }
    }

    /// The column.
    pub(super) fn finish(self) -> Column {
        match self {
            Self::Text(texts) => texts.finish().into_column(),
            Self::Time(times) => times.finish().into_datetime(TimeUnit::Nanoseconds, Some(TimeZone::UTC)).into_column(),
            Self::Id(ids) => ids.finish().into_column(),
            Self::Number(numbers) => numbers.finish().into_column(),
            Self::Real(reals) => reals.finish().into_column(),
            Self::Flag(flags) => flags.finish().into_column(),
        }
    }
}
