//! One data row, whether it was cells or a JSON object, as mappers see it.

use super::spec::key;
use super::split::Cells;
use crate::ingest::message::plain;
use crate::ingest::values::{Values, quote};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::HashSet;

/// Longest list of values that stands for a message.
const MAX_LIST: usize = 600;
const MAX_LISTED: usize = 120;

/// The columns a mapper asks for.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    keys: Vec<String>,
}

/// A column that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(usize);

impl Wanted {
    pub(super) fn slot(&mut self, name: &str) -> Slot {
        let key = key(name);
        let at = self.keys.iter().position(|known| *known == key);
        Slot(at.unwrap_or_else(|| {
            self.keys.push(key);
            self.keys.len() - 1
        }))
    }

    pub(super) fn slots(&mut self, names: &[String]) -> Vec<Slot> {
        names.iter().map(|name| self.slot(name)).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }
}

/// A delimited table's columns.
#[derive(Debug)]
pub(super) struct Header {
    /// As found; the same name again is numbered.
    pub(super) names: Vec<String>,
    /// As JSON strings.
    quoted: Vec<String>,
    /// Where each wanted column stands.
    places: Vec<Option<usize>>,
}

impl Header {
    pub(super) fn new(found: &[String], wanted: &Wanted) -> Self {
        let mut taken = HashSet::new();
        let mut names = Vec::with_capacity(found.len());
        for (at, name) in found.iter().enumerate() {
            let name = match name.trim() {
                "" => format!("column {}", at + 1),
                name => name.to_owned(),
            };
            let mut free = name.clone();
            let mut number = 1u64;
            while !taken.insert(free.clone()) {
                free = format!("{name}_{number}");
                number += 1;
            }
            names.push(free);
        }
        let quoted = names.iter().map(|name| json(name)).collect();
        let keys: Vec<String> = found.iter().map(|name| key(name)).collect();
        // Cells beyond the header are called by their number.
        let beyond = |wanted: &str| wanted.strip_prefix("column ")?.parse::<usize>().ok()?.checked_sub(1).filter(|at| *at >= found.len());
        let places = wanted.keys.iter().map(|wanted| keys.iter().position(|found| found == wanted).or_else(|| beyond(wanted))).collect();
        Self { names, quoted, places }
    }

    /// Leftmost cell a row must have: the last of the columns that tell its time.
    pub(super) fn place(&self, slot: Slot) -> Option<usize> {
        self.places.get(slot.0).copied().flatten()
    }
}

/// One data row.
pub(super) struct Row<'a> {
    /// From 1.
    pub(super) record: u64,
    pub(super) offset: Option<u64>,
    pub(super) body: Body<'a>,
}

/// What a row is made of.
pub(super) enum Body<'a> {
    Cells(&'a Header, &'a Cells),
    /// The object, its wanted values as text, and the text it stood in.
    Object {
        object: &'a Map<String, Value>,
        picked: Vec<String>,
        raw: &'a str,
    },
}

impl<'a> Body<'a> {
    pub(super) fn object(object: &'a Map<String, Value>, raw: &'a str, wanted: &Wanted) -> Self {
        let mut picked = vec![String::new(); wanted.len()];
        for (name, value) in object {
            let key = key(name);
            if let Some(slot) = wanted.keys.iter().position(|wanted| *wanted == key).and_then(|at| picked.get_mut(at)) {
                *slot = said(value).into_owned();
            }
        }
        // `a.b.c` is a member of a member.
        for (slot, wanted) in picked.iter_mut().zip(&wanted.keys).filter(|(slot, wanted)| slot.is_empty() && wanted.contains('.')) {
            if let Some(value) = member(object, wanted) {
                *slot = said(value).into_owned();
            }
        }
        Self::Object { object, picked, raw }
    }
}

/// The member at a dotted path of compared names; of a text with attributes the text.
fn member<'v>(object: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    let mut at: Option<&Value> = None;
    for part in path.split('.') {
        let object = at.map_or(Some(object), Value::as_object)?;
        at = object.iter().find(|(name, _)| key(name) == part).map(|(_, value)| value);
        at?;
    }
    at.and_then(|value| value.get("#text")).or(at)
}

/// A JSON value as text.
pub(super) fn said(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => "".into(),
        Value::String(text) => text.into(),
        Value::Object(object) => {
            // Hayabusa's details.
            let parts: Vec<String> = object.iter().map(|(name, value)| format!("{name}: {}", said(value))).collect();
            parts.join(" ¦ ").into()
        }
        Value::Array(items) => items.iter().map(said).collect::<Vec<_>>().join(", ").into(),
        other => other.to_string().into(),
    }
}

impl Row<'_> {
    /// Text of a column; empty when it is not there.
    pub(super) fn get(&self, slot: Slot) -> &str {
        match &self.body {
            Body::Cells(header, cells) => header.place(slot).and_then(|at| cells.get(at)).unwrap_or_default(),
            Body::Object { picked, .. } => picked.get(slot.0).map(String::as_str).unwrap_or_default(),
        }
    }

    /// The first of these columns that says something.
    pub(super) fn first(&self, slots: &[Slot]) -> Option<&str> {
        slots.iter().find_map(|slot| word(self.get(*slot)))
    }

    /// Every column by name, with its text.
    pub(super) fn each(&self, mut each: impl FnMut(&str, &str)) {
        match &self.body {
            Body::Cells(header, cells) => {
                for (at, cell) in cells.iter().enumerate() {
                    match header.names.get(at) {
                        Some(name) => each(name, cell),
                        None => each(&format!("column {}", at + 1), cell),
                    }
                }
            }
            Body::Object { object, .. } => {
                for (name, value) in *object {
                    each(name, &said(value));
                }
            }
        }
    }

    /// Every column that says something as a named value, but for `without`.
    pub(super) fn values(&self, without: &[&str]) -> Values<'static> {
        let mut values = Values::with_capacity(32);
        if let Body::Object { object, .. } = &self.body {
            for (name, value) in *object {
                if !value.is_null() && !without.contains(&key(name).as_str()) {
                    values.push(name.clone(), value.to_string());
                }
            }
        } else {
            self.each(|name, text| {
                if !text.is_empty() && !without.contains(&key(name).as_str()) {
                    values.push(name.to_owned(), json(text));
                }
            });
        }
        values
    }

    /// All columns as found, as a JSON object, and `more` behind them.
    pub(super) fn fields(&self, more: &[(&str, &str)]) -> String {
        let mut out = String::with_capacity(512);
        match &self.body {
            Body::Cells(header, cells) => {
                out.push('{');
                for (at, cell) in cells.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    match header.quoted.get(at) {
                        Some(name) => out.push_str(name),
                        None => quote(&format!("column {}", at + 1), &mut out),
                    }
                    out.push(':');
                    quote(cell, &mut out);
                }
            }
            Body::Object { raw, .. } => out.push_str(raw.strip_suffix('}').unwrap_or(raw)),
        }
        for (name, text) in more {
            if out.trim_end().len() > 1 {
                out.push(',');
            }
            quote(name, &mut out);
            out.push(':');
            quote(text, &mut out);
        }
        out.push('}');
        out
    }

    /// All columns that say something, in one line.
    pub(super) fn list(&self) -> String {
        let mut out = String::new();
        let mut full = false;
        self.each(|name, text| {
            if full || word(text).is_none() {
                return;
            }
            if out.len() > MAX_LIST {
                out.push('…');
                full = true;
                return;
            }
            if !out.is_empty() {
                out.push_str(", ");
            }
            plain(name, MAX_LISTED, &mut out);
            out.push('=');
            plain(text, MAX_LISTED, &mut out);
        });
        out
    }
}

/// A text that says something.
pub(super) fn word(text: &str) -> Option<&str> {
    let text = text.trim();
    (!matches!(text, "" | "-" | "n/a" | "N/A" | "None" | "null")).then_some(text)
}

/// A JSON string.
pub(super) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quote(text, &mut out);
    out
}
