//! The columns of a run's subjects, out and back.

use crate::domain::{EventKey, Subject};
use polars::prelude::{
    Column, DataFrame, DataType, Field, Float64Chunked, Int64Chunked, IntoColumn, NewChunkedArray, PolarsError, PolarsResult, Schema, StringChunked,
    StringChunkedBuilder, UInt32Chunked, UInt64Chunked,
};
use std::collections::HashSet;
use std::sync::Arc;

/// (source, record, part) as it is stored.
type Member = (u32, u64, u32);

/// The file's schema, in the order in which [`Ranked::table`] makes the columns.
pub(super) fn schema() -> Schema {
    let of = |dtype: DataType, names: &[&str]| names.iter().map(|name| Field::new((*name).into(), dtype.clone())).collect::<Vec<_>>();
    let fields = [
        of(DataType::UInt32, &["source", "part", "event_id"]),
        of(DataType::UInt64, &["record", "count", "record_id", "rank"]),
        of(DataType::Int64, &["first_seen", "last_seen"]),
        of(DataType::Float64, &["learned", "prior", "loss", "rarity", "score", "percentile"]),
        of(
            DataType::String,
            &["title", "subject", "computer", "user", "channel", "provider", "image", "command_line", "reason_1", "reason_2", "reason_3", "members"],
        ),
    ];
    fields.into_iter().flatten().collect()
}

/// Subjects in rank order, to be stored.
pub(super) struct Ranked<'a>(pub &'a [Subject]);

impl Ranked<'_> {
    fn u32(&self, name: &str, get: impl Fn(&Subject) -> Option<u32>) -> Column {
        UInt32Chunked::from_iter_options(name.into(), self.0.iter().map(get)).into_column()
    }

    fn u64(&self, name: &str, get: impl Fn(&Subject) -> Option<u64>) -> Column {
        UInt64Chunked::from_iter_options(name.into(), self.0.iter().map(get)).into_column()
    }

    fn i64(&self, name: &str, get: impl Fn(&Subject) -> Option<i64>) -> Column {
        Int64Chunked::from_iter_options(name.into(), self.0.iter().map(get)).into_column()
    }

    fn f64(&self, name: &str, get: impl Fn(&Subject) -> Option<f64>) -> Column {
        Float64Chunked::from_iter_options(name.into(), self.0.iter().map(get)).into_column()
    }

    fn text<'s>(&'s self, name: &str, get: impl Fn(&'s Subject) -> Option<&'s str>) -> Column {
        let mut builder = StringChunkedBuilder::new(name.into(), self.0.len());
        for subject in self.0 {
            builder.append_option(get(subject));
        }
        builder.finish().into_column()
    }

    fn members(&self) -> PolarsResult<Column> {
        let mut builder = StringChunkedBuilder::new("members".into(), self.0.len());
        for subject in self.0 {
            let members: Vec<Member> = subject.members.iter().map(|key| (key.source, key.record, key.part)).collect();
            builder.append_value(serde_json::to_string(&members).map_err(|e| PolarsError::ComputeError(e.to_string().into()))?);
        }
        Ok(builder.finish().into_column())
    }

    /// As a table.
    ///
    /// # Errors
    /// When polars refuses the columns.
    pub(super) fn table(&self) -> PolarsResult<DataFrame> {
        let columns = vec![
            self.u32("source", |s| Some(s.key.source)),
            self.u32("part", |s| Some(s.key.part)),
            self.u32("event_id", |s| s.event_id),
            self.u64("record", |s| Some(s.key.record)),
            self.u64("count", |s| Some(s.count)),
            self.u64("record_id", |s| s.record_id),
            self.u64("rank", |s| Some(s.rank)),
            self.i64("first_seen", |s| s.first_seen),
            self.i64("last_seen", |s| s.last_seen),
            self.f64("learned", |s| s.learned),
            self.f64("prior", |s| s.prior),
            self.f64("loss", |s| s.loss),
            self.f64("rarity", |s| s.rarity),
            self.f64("score", |s| Some(s.score)),
            self.f64("percentile", |s| Some(s.percentile)),
            self.text("title", |s| Some(&s.title)),
            self.text("subject", |s| Some(&s.subject)),
            self.text("computer", |s| s.computer.as_deref()),
            self.text("user", |s| s.user.as_deref()),
            self.text("channel", |s| s.channel.as_deref()),
            self.text("provider", |s| s.provider.as_deref()),
            self.text("image", |s| s.image.as_deref()),
            self.text("command_line", |s| s.command_line.as_deref()),
            self.text("reason_1", |s| Some(&s.reasons[0])),
            self.text("reason_2", |s| Some(&s.reasons[1])),
            self.text("reason_3", |s| Some(&s.reasons[2])),
            self.members()?,
        ];
        DataFrame::new(self.0.len(), columns)
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

    fn shared(&mut self, text: Option<&str>) -> Option<Arc<str>> {
        let text = text?;
        if let Some(known) = self.texts.get(text) {
            return Some(known.clone());
        }
        let new: Arc<str> = text.into();
        self.texts.insert(new.clone());
        Some(new)
    }

    fn place(&self, source: u32) -> Option<u32> {
        self.places.get(source as usize).copied().flatten()
    }

    /// Takes a table's rows.
    ///
    /// # Errors
    /// When a column is missing or of another type.
    pub(super) fn take(&mut self, table: &DataFrame) -> PolarsResult<()> {
        let text = |name: &str| -> PolarsResult<&StringChunked> { table.column(name)?.str() };
        let u32s = |name: &str| -> PolarsResult<&UInt32Chunked> { table.column(name)?.u32() };
        let u64s = |name: &str| -> PolarsResult<&UInt64Chunked> { table.column(name)?.u64() };
        let i64s = |name: &str| -> PolarsResult<&Int64Chunked> { table.column(name)?.i64() };
        let f64s = |name: &str| -> PolarsResult<&Float64Chunked> { table.column(name)?.f64() };
        let (source, part, event_id) = (u32s("source")?, u32s("part")?, u32s("event_id")?);
        let (record, count, record_id, rank) = (u64s("record")?, u64s("count")?, u64s("record_id")?, u64s("rank")?);
        let (first_seen, last_seen) = (i64s("first_seen")?, i64s("last_seen")?);
        let (learned, prior, loss, rarity) = (f64s("learned")?, f64s("prior")?, f64s("loss")?, f64s("rarity")?);
        let (score, percentile) = (f64s("score")?, f64s("percentile")?);
        let (title, subject, members) = (text("title")?, text("subject")?, text("members")?);
        let (computer, user, channel, provider) = (text("computer")?, text("user")?, text("channel")?, text("provider")?);
        let (image, command_line) = (text("image")?, text("command_line")?);
        let reasons = [text("reason_1")?, text("reason_2")?, text("reason_3")?];
        for row in 0..table.height() {
            let kept: Vec<Member> = serde_json::from_str(members.get(row).unwrap_or("[]")).map_err(|e| PolarsError::ComputeError(e.to_string().into()))?;
            let members = kept.into_iter().filter_map(|(source, record, part)| Some(EventKey { source: self.place(source)?, part, record })).collect();
            let key = EventKey {
                source: source.get(row).and_then(|source| self.place(source)).unwrap_or(u32::MAX),
                part: part.get(row).unwrap_or_default(),
                record: record.get(row).unwrap_or_default(),
            };
            let made = Subject {
                key,
                title: title.get(row).unwrap_or_default().into(),
                subject: self.shared(subject.get(row)).unwrap_or_default(),
                count: count.get(row).unwrap_or_default(),
                first_seen: first_seen.get(row),
                last_seen: last_seen.get(row),
                computer: self.shared(computer.get(row)),
                user: self.shared(user.get(row)),
                channel: self.shared(channel.get(row)),
                provider: self.shared(provider.get(row)),
                event_id: event_id.get(row),
                record_id: record_id.get(row),
                image: self.shared(image.get(row)),
                command_line: self.shared(command_line.get(row)),
                learned: learned.get(row),
                prior: prior.get(row),
                loss: loss.get(row),
                rarity: rarity.get(row),
                score: score.get(row).unwrap_or_default(),
                rank: rank.get(row).unwrap_or_default(),
                percentile: percentile.get(row).unwrap_or_default(),
                reasons: reasons.map(|column| self.shared(column.get(row)).unwrap_or_default()),
                members,
            };
            self.subjects.push(made);
        }
        Ok(())
    }
}
