//! Reads a store's events into coded rows: equal events collapse as they come, so that memory follows what is different, not what there is.
//!
//! Border: gives codes to what `parse` found; which fields are worth modelling is decided afterwards (`choose`).

use super::choose::{FieldStats, dropped_by_name};
use super::parse::{FieldName, Parsed, Value};
use super::processes::Processes;
use super::vocabulary::Vocabulary;
use crate::control::{Control, RunError};
use crate::detect::seen::Witness;
use crate::domain::{EventKey, EventRef, EventStore};
use crate::features::Interner;
use crate::features::classes::OwnNames;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// No process, no time, no code.
pub(super) const NONE: u32 = u32::MAX;
/// Raw values remembered per field; beyond that a value is normalised each time it comes.
const CACHE: usize = 1 << 16;

pub(super) type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// One event of the case.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventRow {
    pub key: EventKey,
    /// `i64::MIN` = none, so that no-time rows form one minute.
    pub time: i64,
    pub computer: u32,
    /// Index into [`Table::rows`].
    pub row: u32,
    /// The acting or new process; [`NONE`] = unknown.
    pub process: u32,
    /// Index into [`Reader::witnesses`], where they are wanted.
    pub witness: u32,
}

/// Every pair of computer and user, once.
#[derive(Default)]
pub(super) struct Witnesses {
    codes: Map<(Box<str>, Box<str>), u32>,
    pub list: Vec<Witness>,
}

impl Witnesses {
    fn code(&mut self, event: &EventRef<'_>) -> u32 {
        let next = self.list.len() as u32;
        let pair = (event.computer.unwrap_or_default().into(), event.user.unwrap_or_default().into());
        let code = *self.codes.entry(pair).or_insert(next);
        if code == next {
            self.list.push(Witness::new(event.computer, event.user));
        }
        code
    }
}

/// What the screen shows of a row's first event.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    /// Of the event it was taken from: no time counts as last.
    pub order: (bool, i64, EventKey),
    pub message: Box<str>,
    pub computer: Option<Arc<str>>,
    pub user: Option<Arc<str>>,
    pub channel: Option<Arc<str>>,
    pub provider: Option<Arc<str>>,
    pub image: Option<Arc<str>>,
    pub command_line: Option<Arc<str>>,
    pub event_id: Option<u32>,
    pub record_id: Option<u64>,
}

/// A (field, value) pair in codes.
pub(super) type Cell = (u32, u32);

/// Equal events: type and cells, sorted by field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Row {
    pub kind: u32,
    pub cells: Box<[Cell]>,
}

/// A store's events in codes.
#[derive(Default)]
pub(super) struct Table {
    pub rows: Vec<Row>,
    /// Parallel to `rows`; empty for a baseline.
    pub heads: Vec<Head>,
    /// In key order.
    pub events: Vec<EventRow>,
    /// By process: its parent, or [`NONE`].
    pub parents: Vec<u32>,
}

/// Reads stores one after the other into one vocabulary.
pub(super) struct Reader {
    pub vocabulary: Vocabulary,
    /// By (type, field).
    pub stats: Map<(u32, u32), FieldStats>,
    /// By field: the code of a raw value.
    pub(super) raw: Vec<Map<Box<str>, u32>>,
    /// By field.
    pub(super) ignored: Vec<bool>,
    /// (type, field) pairs given up while reading.
    closed: HashSet<(u32, u32), foldhash::fast::RandomState>,
    processes: Processes,
    computers: Interner,
    /// Who may be told apart by an event, where that is wanted.
    pub witnesses: Option<Witnesses>,
    shared: Map<Box<str>, Arc<str>>,
}

impl Reader {
    pub(super) fn new(vocabulary: Vocabulary) -> Self {
        let ignored = vocabulary.fields.names().map(dropped_by_name).collect();
        let fields = vocabulary.fields.len();
        Self {
            vocabulary,
            stats: Map::default(),
            raw: vec![Map::default(); fields],
            ignored,
            closed: HashSet::default(),
            processes: Processes::default(),
            computers: Interner::default(),
            witnesses: None,
            shared: Map::default(),
        }
    }

    /// Reads every event of `store`. `heads` asks for what the screen shows of each row's first event.
    pub(super) fn read(&mut self, store: &dyn EventStore, heads: bool, control: &Control) -> Result<Table, RunError> {
        let own = OwnNames::new(store.sources().iter().flat_map(|source| source.seen.iter().map(|(computer, _, _)| computer.as_str())));
        // The same text may mean another class beside other own names.
        self.raw.iter_mut().for_each(Map::clear);
        self.processes = Processes::default();
        let (mut table, mut index) = (Table::default(), Map::<Row, u32>::default());
        let total = store.events();
        store.scan(true, control, &mut |batch| {
            for chunk in batch.chunks(8192) {
                control.check()?;
                let parsed: Vec<Parsed<'_>> = chunk.par_iter().with_min_len(32).map(|event| self.parse(event, &own)).collect();
                for (event, parsed) in chunk.iter().zip(parsed) {
                    self.take(event, parsed, heads, &mut table, &mut index);
                }
                control.progress("counting", "fields", table.events.len() as u64, Some(total), "events");
            }
            Ok(())
        })?;
        std::mem::take(&mut self.processes).settle(&mut table);
        Ok(table)
    }

    /// The (type, field) pairs worth modelling.
    pub(super) fn kept(&self) -> HashSet<(u32, u32), foldhash::fast::RandomState> {
        let mut whole: Vec<FieldStats> = vec![FieldStats::default(); self.vocabulary.fields.len()];
        #[expect(clippy::iter_over_hash_type, reason = "sums and sets of whole numbers: any order gives the same")]
        for ((_, field), stats) in &self.stats {
            whole[*field as usize].merge(stats);
        }
        self.stats.keys().filter(|slot| !self.closed.contains(slot) && whole[slot.1 as usize].keep()).copied().collect()
    }

    /// Names of fields that no type models, sorted.
    pub(super) fn ignored(&self, kept: &HashSet<(u32, u32), foldhash::fast::RandomState>) -> Vec<String> {
        let modelled: HashSet<u32> = kept.iter().map(|slot| slot.1).collect();
        let mut names: Vec<String> =
            (0..self.vocabulary.fields.len() as u32).filter(|f| !modelled.contains(f)).map(|f| self.vocabulary.fields.name(f).to_owned()).collect();
        names.sort_unstable();
        names
    }

    /// The sequential half: codes are given in event order.
    fn take(&mut self, event: &EventRef<'_>, mut parsed: Parsed<'_>, heads: bool, table: &mut Table, index: &mut Map<Row, u32>) {
        let kind = self.vocabulary.kind(event.provider.or(event.channel).unwrap_or(""), event.event_id);
        let mut cells: Vec<Cell> = Vec::with_capacity(parsed.cells.len());
        for (field, value) in std::mem::take(&mut parsed.cells) {
            let field = match field {
                FieldName::Known(field) => field,
                FieldName::New(name) => self.field(&name),
            };
            if self.ignored[field as usize] || self.closed.contains(&(kind, field)) {
                continue;
            }
            let (code, length) = self.value(field, value);
            let stats = self.stats.entry((kind, field)).or_default();
            stats.note(code, crate::features::classes::is_number(self.vocabulary.value(field, code)), length);
            if stats.hopeless() {
                self.closed.insert((kind, field));
                continue;
            }
            cells.push((field, code));
        }
        cells.sort_unstable();
        cells.dedup_by_key(|cell| cell.0);
        let row = Row { kind, cells: cells.into_boxed_slice() };
        let time = event.time.unwrap_or(i64::MIN);
        let order = (event.time.is_none(), time, event.key);
        let place = if let Some(&place) = index.get(&row) {
            if heads && table.heads.get(place as usize).is_some_and(|head| order < head.order) {
                table.heads[place as usize] = self.head(event, order);
            }
            place
        } else {
            let place = table.rows.len() as u32;
            table.rows.push(row.clone());
            index.insert(row, place);
            if heads {
                let head = self.head(event, order);
                table.heads.push(head);
            }
            place
        };
        let process = self.processes.take(&parsed, time, table.events.len());
        let computer = self.computers.intern(event.computer.unwrap_or(""));
        let witness = self.witnesses.as_mut().map_or(0, |witnesses| witnesses.code(event));
        table.events.push(EventRow { key: event.key, time, computer, row: place, process, witness });
    }

    fn field(&mut self, name: &str) -> u32 {
        let field = self.vocabulary.field(name);
        if field as usize >= self.ignored.len() {
            self.ignored.push(dropped_by_name(name));
            self.raw.push(Map::default());
        }
        field
    }

    fn value(&mut self, field: u32, value: Value<'_>) -> (u32, usize) {
        match value {
            Value::Known(code, length) => (code, length),
            Value::New { raw, normal } => {
                let code = self.vocabulary.intern(field, &normal);
                let cache = &mut self.raw[field as usize];
                if cache.len() < CACHE {
                    cache.insert(raw.into(), code);
                }
                (code, raw.len())
            }
        }
    }

    fn head(&mut self, event: &EventRef<'_>, order: (bool, i64, EventKey)) -> Head {
        head_of(event, order, |text| {
            let text = text?;
            if let Some(shared) = self.shared.get(text) {
                return Some(shared.clone());
            }
            let shared: Arc<str> = text.into();
            self.shared.insert(text.into(), shared.clone());
            Some(shared)
        })
    }
}

/// What the screen shows of an event; `share` keeps texts that many events have.
pub(super) fn head_of(event: &EventRef<'_>, order: (bool, i64, EventKey), mut share: impl FnMut(Option<&str>) -> Option<Arc<str>>) -> Head {
    Head {
        order,
        computer: share(event.computer),
        user: share(event.user),
        channel: share(event.channel),
        provider: share(event.provider),
        image: share(event.image),
        message: event.message.into(),
        command_line: event.command_line.map(Into::into),
        event_id: event.event_id,
        record_id: event.record_id,
    }
}
