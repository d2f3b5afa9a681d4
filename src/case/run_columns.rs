//! The columns of a run's subjects: each of them written once, with the way out and the way back.

use super::builder::{ColumnBuilder, dtype};
use crate::domain::{Cell, ColumnKind, EventKey, Subject};
use polars::prelude::{Column, DataFrame, DataType, Field, PolarsError, PolarsResult, Schema, StringChunkedBuilder};
use polars::prelude::{IntoColumn, StringChunked};
use std::collections::HashSet;
use std::sync::Arc;

/// (source, record, part) as it is stored.
type Member = (u32, u64, u32);

/// One column: its name, what it holds of a subject, and how that is put back.
struct Part {
    name: &'static str,
    of: Of,
}

/// What a column holds.
enum Of {
    Number(fn(&Subject) -> Option<u32>, fn(&mut Subject, Option<u32>)),
    Id(fn(&Subject) -> Option<u64>, fn(&mut Subject, Option<u64>)),
    /// Nanoseconds, stored as a plain number.
    Moment(fn(&Subject) -> Option<i64>, fn(&mut Subject, Option<i64>)),
    Real(fn(&Subject) -> Option<f64>, fn(&mut Subject, Option<f64>)),
    Text(fn(&Subject) -> Option<&str>, fn(&mut Subject, Option<Arc<str>>)),
}

impl Of {
    fn dtype(&self) -> DataType {
        match self {
            Self::Number(..) => dtype(ColumnKind::Number),
            Self::Id(..) => dtype(ColumnKind::Id),
            Self::Moment(..) => DataType::Int64,
            Self::Real(..) => dtype(ColumnKind::Real),
            Self::Text(..) => dtype(ColumnKind::Text),
        }
    }
}

const fn part(name: &'static str, of: Of) -> Part {
    Part { name, of }
}

const MEMBERS: &str = "members";

/// The columns in the order of the file; the members follow. A source that is gone is `u32::MAX`.
const PARTS: [Part; 26] = [
    part("source", Of::Number(|s| Some(s.key.source), |s, n| s.key.source = n.unwrap_or(u32::MAX))),
    part("part", Of::Number(|s| Some(s.key.part), |s, n| s.key.part = n.unwrap_or_default())),
    part("event_id", Of::Number(|s| s.event_id, |s, n| s.event_id = n)),
    part("record", Of::Id(|s| Some(s.key.record), |s, n| s.key.record = n.unwrap_or_default())),
    part("count", Of::Id(|s| Some(s.count), |s, n| s.count = n.unwrap_or_default())),
    part("record_id", Of::Id(|s| s.record_id, |s, n| s.record_id = n)),
    part("rank", Of::Id(|s| Some(s.rank), |s, n| s.rank = n.unwrap_or_default())),
    part("first_seen", Of::Moment(|s| s.first_seen, |s, n| s.first_seen = n)),
    part("last_seen", Of::Moment(|s| s.last_seen, |s, n| s.last_seen = n)),
    part("learned", Of::Real(|s| s.learned, |s, n| s.learned = n)),
    part("prior", Of::Real(|s| s.prior, |s, n| s.prior = n)),
    part("loss", Of::Real(|s| s.loss, |s, n| s.loss = n)),
    part("rarity", Of::Real(|s| s.rarity, |s, n| s.rarity = n)),
    part("score", Of::Real(|s| Some(s.score), |s, n| s.score = n.unwrap_or_default())),
    part("percentile", Of::Real(|s| Some(s.percentile), |s, n| s.percentile = n.unwrap_or_default())),
    part("title", Of::Text(|s| Some(&s.title), |s, t| s.title = t.unwrap_or_default())),
    part("subject", Of::Text(|s| Some(&s.subject), |s, t| s.subject = t.unwrap_or_default())),
    part("computer", Of::Text(|s| s.computer.as_deref(), |s, t| s.computer = t)),
    part("user", Of::Text(|s| s.user.as_deref(), |s, t| s.user = t)),
    part("channel", Of::Text(|s| s.channel.as_deref(), |s, t| s.channel = t)),
    part("provider", Of::Text(|s| s.provider.as_deref(), |s, t| s.provider = t)),
    part("image", Of::Text(|s| s.image.as_deref(), |s, t| s.image = t)),
    part("command_line", Of::Text(|s| s.command_line.as_deref(), |s, t| s.command_line = t)),
    part("reason_1", Of::Text(|s| Some(&s.reasons[0]), |s, t| s.reasons[0] = t.unwrap_or_default())),
    part("reason_2", Of::Text(|s| Some(&s.reasons[1]), |s, t| s.reasons[1] = t.unwrap_or_default())),
    part("reason_3", Of::Text(|s| Some(&s.reasons[2]), |s, t| s.reasons[2] = t.unwrap_or_default())),
];

/// The file's schema.
pub(super) fn schema() -> Schema {
    PARTS.iter().map(|part| Field::new(part.name.into(), part.of.dtype())).chain([Field::new(MEMBERS.into(), DataType::String)]).collect()
}

/// Subjects in rank order as a table.
///
/// # Errors
/// When polars refuses the columns.
pub(super) fn table(subjects: &[Subject]) -> PolarsResult<DataFrame> {
    let mut columns: Vec<Column> = PARTS.iter().map(|part| column(part, subjects)).collect();
    let mut members = StringChunkedBuilder::new(MEMBERS.into(), subjects.len());
    for subject in subjects {
        let keys: Vec<Member> = subject.members.iter().map(|key| (key.source, key.record, key.part)).collect();
        members.append_value(serde_json::to_string(&keys).map_err(|e| PolarsError::ComputeError(e.to_string().into()))?);
    }
    columns.push(members.finish().into_column());
    DataFrame::new(subjects.len(), columns)
}

fn column(part: &Part, subjects: &[Subject]) -> Column {
    use polars::prelude::{Int64Chunked, NewChunkedArray};
    let made = |kind, cell: &dyn for<'s> Fn(&'s Subject) -> Cell<'s>| {
        let mut builder = ColumnBuilder::new(part.name, kind, subjects.len());
        for subject in subjects {
            builder.push(cell(subject));
        }
        builder.finish()
    };
    match &part.of {
        Of::Number(get, _) => made(ColumnKind::Number, &|s| get(s).map_or(Cell::Empty, Cell::Number)),
        Of::Id(get, _) => made(ColumnKind::Id, &|s| get(s).map_or(Cell::Empty, Cell::Id)),
        Of::Moment(get, _) => Int64Chunked::from_iter_options(part.name.into(), subjects.iter().map(get)).into_column(),
        Of::Real(get, _) => made(ColumnKind::Real, &|s| get(s).map_or(Cell::Empty, Cell::Real)),
        Of::Text(get, _) => made(ColumnKind::Text, &|s| get(s).into()),
    }
}

/// Subjects being loaded; texts that repeat are kept once.
pub(super) struct Wanted<'a> {
    subjects: Vec<Subject>,
    texts: HashSet<Arc<str>>,
    /// Where each stored source is now.
    places: &'a [Option<u32>],
}

impl<'a> Wanted<'a> {
    pub(super) fn new(subjects: usize, places: &'a [Option<u32>]) -> Self {
        Self { subjects: Vec::with_capacity(subjects), texts: HashSet::new(), places }
    }

    pub(super) fn done(self) -> Vec<Subject> {
        self.subjects
    }

    fn place(&self, source: u32) -> Option<u32> {
        self.places.get(source as usize).copied().flatten()
    }

    /// Takes a table's rows.
    ///
    /// # Errors
    /// When a column is missing or of another type.
    pub(super) fn take(&mut self, table: &DataFrame) -> PolarsResult<()> {
        let mut made = vec![Subject::default(); table.height()];
        for part in &PARTS {
            put(part, table.column(part.name)?, &mut made, &mut self.texts)?;
        }
        let members: &StringChunked = table.column(MEMBERS)?.str()?;
        for (subject, members) in made.iter_mut().zip(members.iter()) {
            let kept: Vec<Member> = serde_json::from_str(members.unwrap_or("[]")).map_err(|e| PolarsError::ComputeError(e.to_string().into()))?;
            subject.members = kept.into_iter().filter_map(|(source, record, part)| Some(EventKey { source: self.place(source)?, part, record })).collect();
            subject.key.source = self.place(subject.key.source).unwrap_or(u32::MAX);
        }
        self.subjects.append(&mut made);
        Ok(())
    }
}

/// Puts a column's cells into the subjects.
fn put(part: &Part, column: &Column, subjects: &mut [Subject], texts: &mut HashSet<Arc<str>>) -> PolarsResult<()> {
    match &part.of {
        Of::Number(_, set) => subjects.iter_mut().zip(column.u32()?.iter()).for_each(|(subject, value)| set(subject, value)),
        Of::Id(_, set) => subjects.iter_mut().zip(column.u64()?.iter()).for_each(|(subject, value)| set(subject, value)),
        Of::Moment(_, set) => subjects.iter_mut().zip(column.i64()?.iter()).for_each(|(subject, value)| set(subject, value)),
        Of::Real(_, set) => subjects.iter_mut().zip(column.f64()?.iter()).for_each(|(subject, value)| set(subject, value)),
        Of::Text(_, set) => subjects.iter_mut().zip(column.str()?.iter()).for_each(|(subject, value)| set(subject, value.map(|text| shared(text, texts)))),
    }
    Ok(())
}

fn shared(text: &str, texts: &mut HashSet<Arc<str>>) -> Arc<str> {
    if let Some(known) = texts.get(text) {
        return Arc::clone(known);
    }
    let new: Arc<str> = text.into();
    texts.insert(Arc::clone(&new));
    new
}
