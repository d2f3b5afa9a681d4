//! Reads a store's events into coded rows: equal events collapse as they come, so that memory follows what is different, not what there is.
//!
//! Border: knows field names, JSON and the normaliser; which fields are worth modelling is decided afterwards (`choose`).

use super::choose::{FieldStats, dropped_by_name};
use super::vocabulary::Vocabulary;
use crate::control::{Control, RunError};
use crate::detect::seen::Witness;
use crate::domain::{EventKey, EventRef, EventStore};
use crate::features::classes::OwnNames;
use crate::features::{Interner, normalise};
use rayon::prelude::*;
use sonic_rs::LazyValue;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// No process, no time, no code.
pub(super) const NONE: u32 = u32::MAX;
/// Raw values remembered per field; beyond that a value is normalised each time it comes.
const CACHE: usize = 1 << 16;
/// Leaves of one event that are looked at.
const LEAVES: usize = 256;
/// A process creation or exit of the Security log belongs to the Sysmon one of the same process ID this near to it.
const TWIN: i64 = 5_000_000_000;
/// Marks a process code made of a computer and a process ID until it is known whether the computer has better ones.
const BY_ID: u32 = 1 << 31;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

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
    raw: Vec<Map<Box<str>, u32>>,
    ignored: Vec<bool>,
    /// (type, field) pairs given up while reading.
    closed: HashSet<(u32, u32), foldhash::fast::RandomState>,
    processes: Processes,
    computers: Interner,
    /// Who may be told apart by an event, where that is wanted.
    pub witnesses: Option<Witnesses>,
    shared: Map<Box<str>, Arc<str>>,
}

/// An event as the parallel half leaves it.
struct Parsed<'a> {
    cells: Vec<(FieldName<'a>, Value<'a>)>,
    process: Option<u64>,
    /// `process` stands for a computer and a process ID.
    by_id: bool,
    parent: Option<u64>,
    /// Computer, process ID and creation or exit, where the event is one of these.
    twin: Option<u64>,
}

enum FieldName<'a> {
    Known(u32),
    New(Cow<'a, str>),
}

enum Value<'a> {
    Known(u32, usize),
    New { raw: &'a str, normal: String },
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

    /// The parallel half: nothing is written.
    fn parse<'a>(&self, event: &EventRef<'a>, own: &OwnNames) -> Parsed<'a> {
        let mut found = Found { reader: self, own, cells: Vec::with_capacity(24), pids: [None; 4], guid: event.process_guid.map(Cow::Borrowed) };
        found.object(event.fields, 0);
        let guid_hash = |guid: &str| hash(&guid.trim_matches(['{', '}']).to_ascii_lowercase());
        let computer = event.computer.unwrap_or("").to_lowercase();
        let security = event.channel.is_some_and(|channel| channel.eq_ignore_ascii_case("security"));
        let by_guid = found.guid.as_deref().map(guid_hash);
        let by_id = found.pids.into_iter().flatten().next().filter(|_| security && by_guid.is_none()).map(|pid| hash(&(&computer, pid)));
        let created = match (event.event_id, by_guid.is_some()) {
            (Some(1), true) | (Some(4688), false) => Some(true),
            (Some(5), true) | (Some(4689), false) => Some(false),
            _ => None,
        };
        let twin = created.zip(event.pid).map(|(created, pid)| hash(&(&computer, pid, created)));
        let parent = event.parent_guid.filter(|_| by_guid.is_some()).map(guid_hash);
        Parsed { cells: found.cells, process: by_guid.or(by_id), by_id: by_guid.is_none(), parent, twin }
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

/// Tells processes apart and links those of the Security log with Sysmon's.
#[derive(Default)]
struct Processes {
    codes: Map<u64, u32>,
    /// (process, parent).
    parents: Vec<(u32, u32)>,
    /// Sysmon's creations and exits: time and process.
    known: Map<u64, Vec<(i64, u32)>>,
    /// The Security log's: event, what `known` may call it.
    unknown: Vec<(usize, u64)>,
}

impl Processes {
    fn code(&mut self, process: u64) -> u32 {
        let next = self.codes.len() as u32;
        *self.codes.entry(process).or_insert(next)
    }

    fn take(&mut self, parsed: &Parsed<'_>, time: i64, event: usize) -> u32 {
        let Some(process) = parsed.process else { return NONE };
        let code = self.code(process);
        if let Some(parent) = parsed.parent {
            let parent = self.code(parent);
            self.parents.push((code, parent));
        }
        match parsed.twin {
            Some(twin) if parsed.by_id => self.unknown.push((event, twin)),
            Some(twin) => self.known.entry(twin).or_default().push((time, code)),
            None => {}
        }
        if parsed.by_id { code | BY_ID } else { code }
    }

    /// Process IDs are used again and again, so they tell processes apart only on computers that record no process GUIDs; elsewhere the Security
    /// log's creations and exits join Sysmon's of the same process.
    fn settle(self, table: &mut Table) {
        for &(event, twin) in &self.unknown {
            let event = &mut table.events[event];
            let near = self.known.get(&twin).into_iter().flatten().map(|&(time, code)| (time.abs_diff(event.time), code)).min();
            if let Some((_, code)) = near.filter(|(apart, _)| *apart < TWIN as u64) {
                event.process = code;
            }
        }
        let by_guid: HashSet<u32> =
            table.events.iter().filter(|event| event.process != NONE && event.process & BY_ID == 0).map(|event| event.computer).collect();
        for event in table.events.iter_mut().filter(|event| event.process != NONE && event.process & BY_ID != 0) {
            event.process = if by_guid.contains(&event.computer) { NONE } else { event.process & !BY_ID };
        }
        table.parents = vec![NONE; self.codes.len()];
        for (process, parent) in self.parents {
            table.parents[process as usize] = parent;
        }
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Walks one event's JSON.
struct Found<'a, 'r> {
    reader: &'r Reader,
    own: &'r OwnNames,
    cells: Vec<(FieldName<'a>, Value<'a>)>,
    /// `NewProcessId`, `ProcessId`, `ClientProcessId`, `CallerProcessId`.
    pids: [Option<u64>; 4],
    guid: Option<Cow<'a, str>>,
}

impl<'a> Found<'a, '_> {
    fn object(&mut self, json: &'a str, depth: usize) {
        for item in sonic_rs::to_object_iter(json) {
            // Damaged JSON ends the event's fields; what was read before it counts.
            let Ok((key, value)) = item else { return };
            if self.cells.len() >= LEAVES {
                return;
            }
            let raw = slice_of(json, &value);
            match raw.as_bytes().first() {
                Some(b'{') if depth == 0 && key == "System" => self.system(raw),
                Some(b'{') if depth < 4 => self.object(raw, depth + 1),
                Some(b'[') => self.array(&key, raw),
                _ => self.leaf(Cow::Owned(key.to_string()), raw),
            }
        }
    }

    fn array(&mut self, key: &str, json: &'a str) {
        for (at, item) in sonic_rs::to_array_iter(json).enumerate() {
            let Ok(value) = item else { return };
            if at >= 32 {
                return;
            }
            let raw = slice_of(json, &value);
            if raw.starts_with(['{', '[']) {
                continue;
            }
            let name = if at == 0 { key.to_owned() } else { format!("{key}[{}]", at + 1) };
            self.leaf(Cow::Owned(name), raw);
        }
    }

    /// Only who acted and the keywords are modelled of the envelope.
    fn system(&mut self, json: &'a str) {
        for item in sonic_rs::to_object_iter(json) {
            let Ok((key, value)) = item else { return };
            let raw = slice_of(json, &value);
            match &*key {
                "Keywords" => self.leaf(Cow::Borrowed("Keywords"), raw),
                "Security@UserID" | "UserID" => self.leaf(Cow::Borrowed("Security@UserID"), raw),
                "Security" => {
                    for inner in sonic_rs::to_object_iter(raw).flatten() {
                        if matches!(&*inner.0, "UserID" | "@UserID") {
                            let user = slice_of(raw, &inner.1);
                            self.leaf(Cow::Borrowed("Security@UserID"), user);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn leaf(&mut self, name: Cow<'a, str>, raw: &'a str) {
        if matches!(raw, "null" | "\"\"" | "") {
            return;
        }
        self.process(&name, raw);
        let field = match self.reader.vocabulary.fields.get(&name) {
            Some(field) if self.reader.ignored[field as usize] => return,
            Some(field) => FieldName::Known(field),
            None => FieldName::New(name),
        };
        let known = if let FieldName::Known(field) = &field { self.reader.raw[*field as usize].get(raw).copied() } else { None };
        let value = match known {
            Some(code) => Value::Known(code, raw.len()),
            None => Value::New { raw, normal: normalise(&text_of(raw), self.own) },
        };
        self.cells.push((field, value));
    }

    fn process(&mut self, name: &str, raw: &'a str) {
        let pid = match name {
            "SourceProcessGUID" | "SourceProcessGuid" => {
                self.guid.get_or_insert_with(|| text_of(raw));
                return;
            }
            "NewProcessId" => 0,
            "ProcessId" => 1,
            "ClientProcessId" => 2,
            "CallerProcessId" => 3,
            _ => return,
        };
        let text = raw.trim_matches('"').trim();
        let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => text.parse().ok(),
        };
        self.pids[pid] = parsed;
    }
}

/// The value's own bytes inside `json`, with `json`'s lifetime.
fn slice_of<'a>(json: &'a str, value: &LazyValue<'_>) -> &'a str {
    let raw = value.as_raw_str();
    let start = (raw.as_ptr() as usize).wrapping_sub(json.as_ptr() as usize);
    start.checked_add(raw.len()).and_then(|end| json.get(start..end)).unwrap_or("")
}

/// A JSON scalar as text: strings without quotes and escapes, everything else as written.
fn text_of(raw: &str) -> Cow<'_, str> {
    match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if !inner.contains('\\') => Cow::Borrowed(inner),
        Some(inner) => Cow::Owned(sonic_rs::from_str::<String>(raw).unwrap_or_else(|_| inner.to_owned())),
        None => Cow::Borrowed(raw),
    }
}
