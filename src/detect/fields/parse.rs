//! Takes an event apart: its leaves, and which process it is of. Knows field names, JSON and the normaliser; writes nothing, so that many events can be
//! taken apart side by side.

use super::read::Reader;
use crate::domain::EventRef;
use crate::features::classes::OwnNames;
use crate::features::normalise;
use sonic_rs::LazyValue;
use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Leaves of one event that are looked at.
const LEAVES: usize = 256;

/// An event taken apart.
pub(super) struct Parsed<'a> {
    pub cells: Vec<(FieldName<'a>, Value<'a>)>,
    pub process: Option<u64>,
    /// `process` stands for a computer and a process ID.
    pub by_id: bool,
    pub parent: Option<u64>,
    /// Computer, process ID and creation or exit, where the event is one of these.
    pub twin: Option<u64>,
}

/// A field, by its code where it has one.
pub(super) enum FieldName<'a> {
    Known(u32),
    New(Cow<'a, str>),
}

/// A value, by its code and raw length where it has a code.
pub(super) enum Value<'a> {
    Known(u32, usize),
    New { raw: &'a str, normal: String },
}

impl Reader {
    /// The parallel half: nothing is written.
    pub(super) fn parse<'a>(&self, event: &EventRef<'a>, own: &OwnNames) -> Parsed<'a> {
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
