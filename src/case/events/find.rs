//! Which events a search finds: what is known of typed columns first, texts only of the rows that are left.

use super::coded::Coded;
use super::messages::Messages;
use super::{Chunk, Events, NONE, held_as, stored};
use crate::case::columns::KEY;
use crate::case::search::{Cell, Column, Number, Pattern, Search, Span, Term};
use crate::control::{Control, RunError};
use crate::domain::{EventKey, Held, WORDS};
use foldhash::HashMap;
use foldhash::HashMapExt as _;
use polars::prelude::{DataFrame, PolarsResult, StaticArray};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the analyst said of one event.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// Which event.
    pub key: EventKey,
    /// Flagged.
    pub flagged: bool,
    /// Tags.
    pub tags: Vec<String>,
    /// Note.
    pub note: String,
}

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The search; the empty one finds everything.
    pub search: Search,
    /// Times from..=to, nanoseconds UTC.
    pub time: Option<(i64, i64)>,
    /// What was said of events, for searches of flags, tags and notes ([`Search::asks_marks`]).
    pub said: Vec<Said>,
}

/// One term, with what of it is known without reading texts.
#[derive(Default)]
struct Asked<'a> {
    coded: Vec<(Arc<Coded>, Vec<bool>)>,
    numbers: Option<(Arc<Vec<i64>>, &'a [Span])>,
    /// Rows of which something was said, whether they are meant, and whether all others are.
    said: Option<(BTreeMap<u32, bool>, bool)>,
    /// Columns whose text decides the rest, as they are stored.
    texts: Vec<&'static str>,
    pattern: Option<&'a Pattern>,
    /// Which of the plan's patterns it is, where messages are among the texts.
    message: usize,
}

struct Plan<'a> {
    any: Vec<Asked<'a>>,
    must: Vec<Asked<'a>>,
    not: Vec<Asked<'a>>,
    /// What is looked for in messages.
    patterns: Vec<&'a Pattern>,
    /// From, to, and the times of all rows.
    time: Option<(i64, i64, Arc<Vec<i64>>)>,
}

impl Events {
    /// The rows that a query finds, ascending.
    ///
    /// # Errors
    /// When the search names a column that events do not have, the case cannot be read, or the job is cancelled.
    pub fn find(&self, query: &Query, control: &Control) -> Result<Vec<u32>, RunError> {
        if query.search.is_empty() && query.time.is_none() {
            return Ok((0..self.rows as u32).collect());
        }
        let (any, must, not) = query.search.terms();
        let time = query.time.map(|(from, to)| Ok::<_, RunError>((from, to, self.numbers(Column::Time, control)?))).transpose()?;
        let [any, must, not] = [any, must, not].map(|terms| self.ask_all(terms, query, control));
        let plan = Plan::new(any?, must?, not?, time);
        let _running = self.turn.begin();
        let done = AtomicU64::new(0);
        let found: Vec<Vec<u32>> = self
            .chunks
            .par_iter()
            .enumerate()
            .map(|(at, chunk)| {
                control.check()?;
                let rows = plan.sift(chunk, self.messages(at))?;
                let done = done.fetch_add(chunk.rows as u64, Ordering::Relaxed) + chunk.rows as u64;
                control.progress("searching", "", done, Some(self.rows as u64), "events");
                Ok(rows)
            })
            .collect::<Result<_, RunError>>()?;
        Ok(found.concat())
    }

    fn ask_all<'a>(&self, terms: &'a [Term], query: &Query, control: &Control) -> Result<Vec<Asked<'a>>, RunError> {
        terms.iter().map(|term| self.ask(term, query, control)).collect()
    }

    fn ask<'a>(&self, term: &'a Term, query: &Query, control: &Control) -> Result<Asked<'a>, RunError> {
        let mut asked = Asked::default();
        match term {
            Term::Ids(spans) => self.ask_spans(&mut asked, Column::EventId, spans, query, control)?,
            Term::Number(column, spans) => self.ask_spans(&mut asked, *column, spans, query, control)?,
            Term::Text(column @ (Column::Tag | Column::Note), pattern) => {
                asked.said = Some(self.ask_said(query, false, &|said| match column {
                    Column::Tag => Cell::List(&said.tags).any_text(|text| pattern.is_in(text)),
                    _ => pattern.is_in(&said.note),
                })?);
            }
            Term::Text(column, pattern) => self.ask_text(&mut asked, *column, pattern, control)?,
            Term::Anywhere(pattern, id) => {
                if let Some(id) = id {
                    self.ask_spans(&mut asked, Column::EventId, std::slice::from_ref(id), query, control)?;
                }
                // Messages last: what is known without reading texts comes first. All fields are searched when they are named (`fields:word`).
                for column in WORDS.into_iter().rev() {
                    self.ask_text(&mut asked, column, pattern, control)?;
                }
            }
        }
        Ok(asked)
    }

    fn ask_spans<'a>(&self, asked: &mut Asked<'a>, column: Column, spans: &'a [Span], query: &Query, control: &Control) -> Result<(), RunError> {
        let holds = |number: i64| spans.iter().any(|span| span.holds(Number::Whole(number)));
        match held_as(column) {
            Some(Held::Names | Held::Codes) => {
                let coded = self.coded(column, control)?.ok_or_else(|| too_varied(column))?;
                asked.add_coded(&coded, |value| value.parse().is_ok_and(holds));
            }
            Some(Held::Numbers) => asked.numbers = Some((self.numbers(column, control)?, spans)),
            _ if column == Column::Flagged => asked.said = Some(self.ask_said(query, holds(0), &|said| holds(i64::from(said.flagged)))?),
            _ => return Err(foreign(column)),
        }
        Ok(())
    }

    fn ask_text<'a>(&self, asked: &mut Asked<'a>, column: Column, pattern: &'a Pattern, control: &Control) -> Result<(), RunError> {
        asked.pattern = Some(pattern);
        match column {
            _ if column == Column::Logon || held_as(column) == Some(Held::Texts) => asked.texts.push(stored(column)),
            _ if Self::GROUPED.contains(&column) => match self.coded(column, control)? {
                Some(coded) => asked.add_coded(&coded, |value| pattern.is_in(value)),
                None => asked.texts.push(stored(column)),
            },
            _ => return Err(foreign(column)),
        }
        Ok(())
    }

    /// The rows of which something was said, with whether they are meant.
    fn ask_said(&self, query: &Query, others: bool, meant: &dyn Fn(&Said) -> bool) -> Result<(BTreeMap<u32, bool>, bool), RunError> {
        let keys: Vec<EventKey> = query.said.iter().map(|said| said.key).collect();
        let rows = self.rows_of(&keys)?;
        Ok((rows.into_iter().zip(&query.said).filter_map(|(row, said)| Some((row?, meant(said)))).collect(), others))
    }

    /// The rows of keys.
    fn rows_of(&self, keys: &[EventKey]) -> Result<Vec<Option<u32>>, RunError> {
        let mut wanted: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, key) in keys.iter().enumerate() {
            let first = self.chunks.partition_point(|chunk| chunk.source < key.source);
            let Some(chunk) = self.chunks.get(first).filter(|chunk| chunk.source == key.source) else { continue };
            for group in chunk.file.groups_of(key.record, key.part) {
                wanted.entry(first + group).or_default().push(at);
            }
        }
        let found: Vec<Vec<(usize, u32)>> = wanted
            .into_par_iter()
            .map(|(chunk, asked)| {
                let chunk = &self.chunks[chunk];
                let table = chunk.file.group(&KEY, chunk.group)?;
                let view = chunk.file.view(&table, 0)?;
                let places: HashMap<(u64, u32), usize> = asked.into_iter().map(|at| ((keys[at].record, keys[at].part), at)).collect();
                Ok((0..view.len()).filter_map(|row| Some((*places.get(&view.key(row))?, (chunk.first + row) as u32))).collect())
            })
            .collect::<Result<_, RunError>>()?;
        let mut rows = vec![None; keys.len()];
        found.into_iter().flatten().for_each(|(at, row)| rows[at] = Some(row));
        Ok(rows)
    }
}

impl Search {
    /// Whether it asks for flags, tags or notes.
    #[must_use]
    pub fn asks_marks(&self) -> bool {
        let (any, must, not) = self.terms();
        let marks = |term: &Term| matches!(term, Term::Number(Column::Flagged, _) | Term::Text(Column::Tag | Column::Note, _));
        any.iter().chain(must).chain(not).any(marks)
    }
}

fn foreign(column: Column) -> RunError {
    RunError::failed(format!("{}: events have no such column; it belongs to rankings", column.name()))
}

pub(super) fn too_varied(column: Column) -> RunError {
    RunError::failed(format!("{}: there are too many different values to sort or group by; narrow by another column", column.name()))
}

impl<'a> Plan<'a> {
    fn new(any: Vec<Asked<'a>>, must: Vec<Asked<'a>>, not: Vec<Asked<'a>>, time: Option<(i64, i64, Arc<Vec<i64>>)>) -> Self {
        let mut plan = Plan { any, must, not, patterns: Vec::new(), time };
        for asked in [&mut plan.any, &mut plan.must, &mut plan.not].into_iter().flatten() {
            if let Some(pattern) = asked.pattern.filter(|_| asked.texts.contains(&stored(Column::Message))) {
                asked.message = plan.patterns.len();
                plan.patterns.push(pattern);
            }
        }
        plan
    }

    /// The rows of a chunk that pass.
    fn sift(&self, chunk: &Chunk, messages: Option<&Messages>) -> Result<Vec<u32>, RunError> {
        let mut alive = vec![true; chunk.rows];
        if let Some((from, to, times)) = &self.time {
            let span = chunk.file.groups().get(chunk.group);
            if span.is_some_and(|span| span.from.is_none_or(|first| first > *to) || span.to.is_none_or(|last| last < *from)) {
                return Ok(Vec::new());
            }
            for (alive, time) in alive.iter_mut().zip(&times[chunk.first..]) {
                *alive = *time != NONE && (*from..=*to).contains(time);
            }
        }
        let settled = |list: &[Asked<'_>]| list.iter().all(|asked| asked.texts.is_empty());
        for asked in self.must.iter().filter(|asked| asked.texts.is_empty()) {
            and(&mut alive, &asked.known(chunk));
        }
        for asked in &self.not {
            and_not(&mut alive, &asked.known(chunk));
        }
        let any_settled = settled(&self.any);
        if any_settled && !self.any.is_empty() {
            let mut hits = vec![false; chunk.rows];
            self.any.iter().for_each(|asked| asked.add_known(chunk, &mut hits));
            and(&mut alive, &hits);
        }
        if !(any_settled && settled(&self.must) && settled(&self.not)) && alive.contains(&true) {
            self.sift_texts(chunk, messages, &mut alive)?;
        }
        Ok(alive.iter().enumerate().filter(|(_, alive)| **alive).map(|(row, _)| (chunk.first + row) as u32).collect())
    }

    fn sift_texts(&self, chunk: &Chunk, kept: Option<&Messages>, alive: &mut [bool]) -> Result<(), RunError> {
        let asked = [&self.any, &self.must, &self.not].into_iter().flatten();
        let mut columns: Vec<&str> = asked.flat_map(|asked| asked.texts.iter().copied()).collect();
        columns.sort_unstable();
        columns.dedup();
        columns.retain(|column| kept.is_none() || *column != stored(Column::Message));
        let table = if columns.is_empty() { DataFrame::empty() } else { chunk.file.group(&columns, chunk.group)? };
        let messages = kept.filter(|_| !self.patterns.is_empty()).map(|kept| kept.rows_with(&self.patterns)).transpose()?;
        let texts = SearchedTexts { chunk, table, messages };
        for asked in self.must.iter().filter(|asked| !asked.texts.is_empty()) {
            let mut hits = asked.known(chunk);
            asked.add_texts(&texts, alive, &mut hits)?;
            and(alive, &hits);
        }
        for asked in self.not.iter().filter(|asked| !asked.texts.is_empty()) {
            let mut hits = vec![false; chunk.rows];
            asked.add_texts(&texts, alive, &mut hits)?;
            and_not(alive, &hits);
        }
        if self.any.iter().any(|asked| !asked.texts.is_empty()) {
            let mut hits = vec![false; chunk.rows];
            for asked in &self.any {
                asked.add_known(chunk, &mut hits);
                asked.add_texts(&texts, alive, &mut hits)?;
            }
            and(alive, &hits);
        }
        Ok(())
    }
}

/// The texts of a row group that are searched.
struct SearchedTexts<'a> {
    chunk: &'a Chunk,
    table: DataFrame,
    /// Of the plan's patterns, in which rows' messages each is; `None` where messages are in the table.
    messages: Option<Vec<Vec<bool>>>,
}

fn and(alive: &mut [bool], hits: &[bool]) {
    alive.iter_mut().zip(hits).for_each(|(alive, hit)| *alive &= hit);
}

fn or(hits: &mut [bool], others: &[bool]) {
    hits.iter_mut().zip(others).for_each(|(hit, other)| *hit |= other);
}

fn and_not(alive: &mut [bool], hits: &[bool]) {
    alive.iter_mut().zip(hits).for_each(|(alive, hit)| *alive &= !hit);
}

impl Asked<'_> {
    /// Adds a column of names, unless none of them is meant.
    fn add_coded(&mut self, coded: &Arc<Coded>, is_meant: impl Fn(&str) -> bool + Sync) {
        let meant: Vec<bool> = coded.values.par_iter().enumerate().map(|(code, value)| code > 0 && is_meant(value)).collect();
        if meant.contains(&true) {
            self.coded.push((Arc::clone(coded), meant));
        }
    }

    fn known(&self, chunk: &Chunk) -> Vec<bool> {
        let mut hits = vec![false; chunk.rows];
        self.add_known(chunk, &mut hits);
        hits
    }

    /// Adds what typed columns and marks say.
    fn add_known(&self, chunk: &Chunk, hits: &mut [bool]) {
        for (coded, meant) in &self.coded {
            hits.iter_mut().zip(&coded.codes[chunk.first..]).for_each(|(hit, code)| *hit |= meant[*code as usize]);
        }
        if let Some((numbers, spans)) = &self.numbers {
            let holds = |n: i64| n != NONE && spans.iter().any(|span| span.holds(Number::Whole(n)));
            hits.iter_mut().zip(&numbers[chunk.first..]).for_each(|(hit, number)| *hit |= holds(*number));
        }
        if let Some((said, others)) = &self.said {
            let meant = |row: usize| said.get(&((chunk.first + row) as u32)).copied().unwrap_or(*others);
            hits.iter_mut().enumerate().for_each(|(row, hit)| *hit |= meant(row));
        }
    }

    /// Adds what the texts of the rows in question say.
    fn add_texts(&self, texts: &SearchedTexts<'_>, alive: &[bool], hits: &mut [bool]) -> Result<(), RunError> {
        let Some(pattern) = self.pattern.filter(|_| alive.contains(&true)) else { return Ok(()) };
        for name in &self.texts {
            match texts.messages.as_ref().filter(|_| *name == stored(Column::Message)) {
                Some(messages) => messages.get(self.message).into_iter().for_each(|found| or(hits, found)),
                None => add_column(&texts.table, name, pattern, alive, hits).map_err(|e| texts.chunk.file.damaged(&e))?,
            }
        }
        Ok(())
    }
}

fn add_column(table: &DataFrame, name: &str, pattern: &Pattern, alive: &[bool], hits: &mut [bool]) -> PolarsResult<()> {
    let mut row = 0;
    for array in table.column(name)?.str()?.downcast_iter() {
        // Where equal texts are stored once they are looked into once.
        let shared = array.total_bytes_len() > 2 * array.total_buffer_len();
        let mut known: HashMap<u128, bool> = HashMap::new();
        for (at, view) in array.views().iter().enumerate() {
            if alive[row] && !hits[row] {
                let look = || StaticArray::get(array, at).is_some_and(|text| pattern.is_in(text));
                hits[row] = if shared { *known.entry(view.as_u128()).or_insert_with(look) } else { look() };
            }
            row += 1;
        }
    }
    Ok(())
}
