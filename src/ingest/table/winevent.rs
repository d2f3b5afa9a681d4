//! Rows that hold whole Windows events, brought into the shape that events of the logs themselves have: named values at the top of `fields`,
//! the rest in `System`, process columns filled by [`crate::ingest::windows`].

use super::generic::{Generic, timed};
use super::row::{Body, Row, Slot, Wanted, json, word};
use super::spec::{Shape, Spec, key};
use super::times::Reading;
use crate::domain::Event;
use crate::ingest::values::{Values, quote, text};
use crate::ingest::{evtx, windows};
use serde_json::{Map, Value};

/// Nested objects are flattened this deep.
const MAX_DEPTH: usize = 16;
const SYSMON: &str = "Microsoft-Windows-Sysmon";

/// A mapper of event tables.
pub(super) struct WinEvent {
    shape: Shape,
    generic: Generic,
    time: Vec<Slot>,
    reading: Reading,
    /// Columns that go into `System`.
    system: Vec<String>,
    payload: Slot,
    user_id: Vec<Slot>,
}

impl WinEvent {
    pub(super) fn new(spec: &Spec, name: &str, reading: Reading, wanted: &mut Wanted) -> Self {
        let generic = Generic::new(spec, name, reading.clone(), wanted);
        let parts = [&spec.time, &spec.computer, &spec.channel, &spec.provider, &spec.event_id, &spec.record_id, &spec.level, &spec.message];
        let system = parts.into_iter().flat_map(|columns| &columns.0).map(|name| key(name)).collect();
        let payload = wanted.slot("payload");
        let user_id = ["userid", "userid", "usersid", "user_sid"].map(|name| wanted.slot(name)).to_vec();
        Self { shape: spec.shape, time: generic.times().collect(), generic, reading, system, payload, user_id }
    }

    /// The row's event.
    ///
    /// # Errors
    /// In words, when it is none.
    pub(super) fn map(&self, row: &Row<'_>, out: &mut Vec<Event>) -> Result<(), String> {
        let event = match (self.shape, &row.body) {
            (Shape::EvtxDump, Body::Object { object, raw, .. }) => dumped(object, raw, row)?,
            (Shape::Winlogbeat, Body::Object { object, .. }) => self.winlogbeat(object, row),
            (Shape::Evtxecmd, _) => self.evtxecmd(row),
            _ => self.by_columns(row),
        };
        out.push(event);
        Ok(())
    }

    /// Every column that is not the event's own is one of its values.
    fn by_columns(&self, row: &Row<'_>) -> Event {
        let mut event = self.base(row);
        if self.shape == Shape::Sysmon {
            event.provider = event.provider.or_else(|| Some(SYSMON.into()));
            event.channel = event.channel.or_else(|| Some("Microsoft-Windows-Sysmon/Operational".into()));
        }
        let without: Vec<&str> = self.system.iter().map(String::as_str).collect();
        let said = std::mem::take(&mut event.message);
        let stated = event.user.take();
        let mut values = row.values(&without);
        if let Body::Cells(..) = row.body {
            for column in ["EventData", "UserData"] {
                unfold(column, &mut values);
            }
        }
        let mut system = Map::new();
        row.each(|name, text| {
            // What `System` says already under its own names is not said twice.
            if self.system.contains(&key(name)) && word(text).is_some() && self.shape != Shape::Sysmon {
                system.insert(name.to_owned(), Value::String(text.to_owned()));
            }
        });
        finish(&mut event, values, system, row.first(&self.user_id));
        event.user = event.user.or(stated);
        // The tool's own words, where it has the event's text.
        if !said.is_empty() && matches!(self.shape, Shape::Winevent) && self.generic.says(row) {
            event.message = said;
        }
        event
    }

    fn base(&self, row: &Row<'_>) -> Event {
        let mut event = self.generic.base(row);
        let level = event.level.as_deref().and_then(|text| text.parse::<u64>().ok());
        if let Some(level) = level {
            event.level = Some(windows::level(level));
        } else if let Some(text) = &event.level {
            event.level = Some(level_word(text).to_owned());
        }
        let stated = self.time.iter().map(|slot| row.get(*slot)).find(|text| word(text).is_some()).unwrap_or_default();
        timed(&mut event, stated, &self.reading);
        event
    }

    /// EvtxECmd: `Payload` is JSON of `EventData` or `UserData`; its own readings of it go into `System`.
    fn evtxecmd(&self, row: &Row<'_>) -> Event {
        let mut event = self.base(row);
        let mut values = Values::default();
        if let Ok(Value::Object(payload)) = serde_json::from_str::<Value>(row.get(self.payload)) {
            for (name, value) in &payload {
                match (name.as_str(), value) {
                    ("EventData" | "UserData", Value::Object(inner)) => inner.iter().for_each(|(name, value)| add(&mut values, name, value, 0)),
                    _ => add(&mut values, name, value, 0),
                }
            }
        }
        let mut system = Map::new();
        row.each(|name, text| {
            if !matches!(key(name).as_str(), "payload" | "channel" | "computer" | "eventid" | "eventrecordid") && !text.is_empty() {
                system.insert(name.to_owned(), Value::String(text.to_owned()));
            }
        });
        let stated = event.user.take();
        finish(&mut event, values, system, row.first(&self.user_id));
        event.user = event.user.or(stated);
        event
    }

    /// Winlogbeat: the event under `winlog`, or at the top in its old form.
    fn winlogbeat(&self, object: &Map<String, Value>, row: &Row<'_>) -> Event {
        let inner = object.get("winlog").and_then(Value::as_object).unwrap_or(object);
        let find = |names: &[&str]| names.iter().find_map(|name| inner.get(*name)).filter(|value| !value.is_null());
        let own = |names: &[&str]| find(names).map(said).filter(|text| !text.is_empty());
        let mut event = Event {
            record: row.record,
            offset: row.offset,
            computer: own(&["computer_name"]),
            channel: own(&["channel", "log_name"]),
            provider: own(&["provider_name", "source_name"]),
            event_id: own(&["event_id"]).and_then(|text| text.parse().ok()),
            record_id: own(&["record_id", "record_number"]).and_then(|text| text.parse().ok()),
            level: object.get("log").and_then(|log| log.get("level")).or_else(|| object.get("level")).map(said).map(|text| level_word(&text).to_owned()),
            ..Event::default()
        };
        let stated = self.time.iter().map(|slot| row.get(*slot)).find(|text| word(text).is_some()).unwrap_or_default();
        timed(&mut event, stated, &self.reading);
        let mut values = Values::default();
        for name in ["event_data", "user_data"] {
            if let Some(Value::Object(data)) = inner.get(name) {
                data.iter().for_each(|(name, value)| add(&mut values, name, value, 0));
            }
        }
        let mut system = Map::new();
        for (name, value) in inner.iter().filter(|(name, _)| !matches!(name.as_str(), "event_data" | "user_data" | "winlog" | "message")) {
            system.insert(name.clone(), value.clone());
        }
        let sid = inner.get("user").and_then(|user| user.get("identifier").or_else(|| user.get("sid"))).map(said);
        finish(&mut event, values, system, sid.as_deref());
        event
    }
}

impl Generic {
    /// Whether the tool's own words are there.
    fn says(&self, row: &Row<'_>) -> bool {
        row.first(self.words()).is_some()
    }
}

/// An event as `evtx_dump` writes it, bare or under `data`.
fn dumped(object: &Map<String, Value>, raw: &str, row: &Row<'_>) -> Result<Event, String> {
    let nested = object.get("data").filter(|_| !object.contains_key("Event")).map(Value::to_string);
    let mut event = evtx::event_from_json(nested.as_deref().unwrap_or(raw).as_bytes())?;
    (event.record, event.offset) = (row.record, row.offset);
    Ok(event)
}

/// Fills the columns and `fields`.
fn finish(event: &mut Event, values: Values<'_>, system: Map<String, Value>, system_user: Option<&str>) {
    windows::complete(event, &values, system_user);
    let mut whole = Map::new();
    if let Some(provider) = &event.provider {
        let mut named = Map::new();
        named.insert("Name".into(), Value::String(provider.clone()));
        whole.insert("Provider".into(), Value::Object(named));
    }
    for (name, value) in [
        ("EventID", event.event_id.map(Value::from)),
        ("EventRecordID", event.record_id.map(Value::from)),
        ("Channel", event.channel.clone().map(Value::from)),
        ("Computer", event.computer.clone().map(Value::from)),
    ] {
        if let Some(value) = value {
            whole.insert(name.into(), value);
        }
    }
    for (name, value) in system {
        whole.entry(name).or_insert(value);
    }
    event.fields.push('{');
    values.write_members(&mut event.fields);
    if event.fields.len() > 1 {
        event.fields.push(',');
    }
    quote("System", &mut event.fields);
    event.fields.push(':');
    event.fields.push_str(&Value::Object(whole).to_string());
    event.fields.push('}');
}

/// A column that holds a JSON object becomes its members.
fn unfold(column: &str, values: &mut Values<'static>) {
    let Some(inner) = values.get(column).and_then(text).map(std::borrow::Cow::into_owned) else { return };
    let Ok(Value::Object(object)) = serde_json::from_str::<Value>(&inner) else { return };
    object.iter().for_each(|(name, value)| add(values, name, value, 0));
}

/// Adds a value of an event, flattened; `Data` of named elements by those names.
fn add(values: &mut Values<'_>, name: &str, value: &Value, depth: usize) {
    match value {
        Value::Null => {}
        Value::Object(object) if depth < MAX_DEPTH => {
            for (inner, value) in object {
                match inner.as_str() {
                    "#text" => values.push_beside("", name.to_owned(), value.to_string()),
                    "#attributes" => {}
                    _ => add(values, inner.trim_start_matches('@'), value, depth + 1),
                }
            }
        }
        Value::Array(items) if name == "Data" && items.iter().all(|item| item.get("@Name").is_some()) => {
            for item in items {
                let named = item.get("@Name").map(said).unwrap_or_default();
                let value = item.get("#text").unwrap_or(&Value::Null);
                let text = if value.is_null() { json("") } else { value.to_string() };
                values.push_beside("", named, text);
            }
        }
        Value::String(_) if name == "Data" => values.push_beside("", "Data", format!("[{value}]")),
        other => values.push_beside("", name.to_owned(), other.to_string()),
    }
}

fn said(value: &Value) -> String {
    super::row::said(value).into_owned()
}

/// A level in the words events have.
fn level_word(text: &str) -> &str {
    match text.trim().to_ascii_lowercase().as_str() {
        "info" | "information" | "informational" | "logalways" | "log always" => "Information",
        "warn" | "warning" => "Warning",
        "error" => "Error",
        "critical" => "Critical",
        "verbose" => "Verbose",
        _ => text,
    }
}
