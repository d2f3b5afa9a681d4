//! Turns the shapes of events into BinXML templates, and rows of values into records.

use super::evtx_writer::{Node, Template, Value, ValueType, element};
use super::tables::{ShapeRow, Tables};
use anyhow::{Result, bail};
use std::sync::Arc;

/// A value as the estate's rows hold it; the shape says which kind it becomes.
#[derive(Clone, Debug)]
pub(super) enum Field {
    Text(Arc<str>),
    Number(u64),
    Guid([u8; 16]),
    List(Vec<String>),
    Bytes(Vec<u8>),
}

impl From<&str> for Field {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Field {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<&Arc<str>> for Field {
    fn from(text: &Arc<str>) -> Self {
        Self::Text(text.clone())
    }
}

impl From<[u8; 16]> for Field {
    fn from(guid: [u8; 16]) -> Self {
        Self::Guid(guid)
    }
}

impl From<u64> for Field {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Field {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

/// What stands in a record's System part besides what its shape fixes.
#[derive(Clone, Debug)]
pub(super) struct Header<'a> {
    pub(super) id: u64,
    pub(super) time: i64,
    pub(super) pid: u32,
    pub(super) tid: u32,
    pub(super) user: Option<&'a str>,
}

/// One shape of one computer, ready to write.
pub(super) struct Shape {
    pub(super) row: &'static ShapeRow,
    pub(super) template: Template,
    kinds: Vec<ValueType>,
}

impl Shape {
    /// Every shape of the tables, for one computer.
    pub(super) fn all(tables: &'static Tables, computer: &str) -> Result<Vec<Self>> {
        tables.shapes.iter().map(|row| Self::new(row, computer)).collect()
    }

    fn new(row: &'static ShapeRow, computer: &str) -> Result<Self> {
        let mut kinds = Vec::new();
        for (_, kind) in &row.fields {
            kinds.push(match *kind {
                "text" => ValueType::Text,
                "u16" => ValueType::U16,
                "u32" => ValueType::U32,
                "hex32" => ValueType::Hex32,
                "hex64" => ValueType::Hex64,
                "bool" => ValueType::Bool,
                "guid" => ValueType::Guid,
                "sid" => ValueType::Sid,
                "time" => ValueType::FileTime,
                "list" => ValueType::TextArray,
                "binary" => ValueType::Binary,
                other => bail!("events.tsv, {}: unknown kind {other}", row.key),
            });
        }
        Ok(Self { row, template: template(row, computer, &kinds), kinds })
    }

    /// Hands the record's values to `write`.
    pub(super) fn values<R>(&self, header: &Header<'_>, fields: &[Field], write: impl FnOnce(&[Value<'_>]) -> R) -> R {
        let row = self.row;
        let lists: Vec<Vec<&str>> =
            fields.iter().map(|field| if let Field::List(texts) = field { texts.iter().map(String::as_str).collect() } else { Vec::new() }).collect();
        let mut values = vec![
            Value::U8(row.level),
            Value::U8(row.opcode),
            Value::U16(row.task),
            Value::U16(row.id),
            row.qualifiers.map_or(Value::Null, Value::U16),
            Value::Hex64(row.keywords),
            Value::FileTime(header.time),
            Value::Null,
            Value::U32(header.pid),
            Value::U32(header.tid),
            Value::U64(header.id),
            Value::U8(row.version),
            header.user.map_or(Value::Null, Value::Sid),
        ];
        for ((field, kind), list) in fields.iter().zip(&self.kinds).zip(&lists) {
            values.push(value(field, *kind, list));
        }
        write(&values)
    }
}

fn value<'a>(field: &'a Field, kind: ValueType, list: &'a [&'a str]) -> Value<'a> {
    match (field, kind) {
        (Field::Text(text), ValueType::Sid) => Value::Sid(text),
        (Field::Text(text), _) => Value::Text(text),
        (Field::Guid(guid), _) => Value::Guid(*guid),
        (Field::Bytes(bytes), _) => Value::Binary(bytes),
        (Field::List(_), _) => Value::TextArray(list),
        (Field::Number(number), ValueType::U16) => Value::U16(*number as u16),
        (Field::Number(number), ValueType::U32) => Value::U32(*number as u32),
        (Field::Number(number), ValueType::Hex32) => Value::Hex32(*number as u32),
        (Field::Number(number), ValueType::Hex64) => Value::Hex64(*number),
        (Field::Number(number), ValueType::Bool) => Value::Bool(*number != 0),
        (Field::Number(number), ValueType::FileTime) => Value::FileTime(*number as i64),
        (Field::Number(number), _) => Value::U64(*number),
    }
}

const EVENTS: &str = "http://schemas.microsoft.com/win/2004/08/events/event";
const LOG_EVENTS: &str = "http://manifests.microsoft.com/win/2004/08/windows/eventlog";
/// Places 0 to 12 belong to System.
const FIRST_FIELD: u16 = 13;

fn template(row: &ShapeRow, computer: &str, kinds: &[ValueType]) -> Template {
    let text = |text: &str| Node::Text(text.into());
    let mut provider = element("Provider").attribute("Name", text(row.provider));
    if row.guid != "-" {
        provider = provider.attribute("Guid", text(&format!("{{{}}}", row.guid)));
    }
    if row.provider == "Service Control Manager" {
        provider = provider.attribute("EventSourceName", text(row.provider));
    }
    let leaf = |name: &str, place, kind| Node::Element(element(name).with(Node::Optional(place, kind)));
    let pair = |name: &str, first: &str, place, second: &str, other, kind| {
        Node::Element(element(name).attribute(first, Node::Optional(place, kind)).attribute(second, Node::Optional(other, kind)))
    };
    let system = element("System")
        .with(Node::Element(provider))
        .with(Node::Element(element("EventID").attribute("Qualifiers", Node::Optional(4, ValueType::U16)).with(Node::Optional(3, ValueType::U16))))
        .with(leaf("Version", 11, ValueType::U8))
        .with(leaf("Level", 0, ValueType::U8))
        .with(leaf("Task", 2, ValueType::U16))
        .with(leaf("Opcode", 1, ValueType::U8))
        .with(leaf("Keywords", 5, ValueType::Hex64))
        .with(Node::Element(element("TimeCreated").attribute("SystemTime", Node::Optional(6, ValueType::FileTime))))
        .with(leaf("EventRecordID", 10, ValueType::U64))
        .with(Node::Element(element("Correlation").attribute("ActivityID", Node::Optional(7, ValueType::Guid))))
        .with(pair("Execution", "ProcessID", 8, "ThreadID", 9, ValueType::U32))
        .with(Node::Element(element("Channel").with(text(row.channel))))
        .with(Node::Element(element("Computer").with(text(computer))))
        .with(Node::Element(element("Security").attribute("UserID", Node::Optional(12, ValueType::Sid))));
    let root = element("Event").attribute("xmlns", text(EVENTS)).with(Node::Element(system));
    Template::new(root.with(Node::Element(payload(row, kinds))))
}

fn payload(row: &ShapeRow, kinds: &[ValueType]) -> super::evtx_writer::Element {
    let fields = row.fields.iter().zip(kinds).zip(FIRST_FIELD..);
    let (name, inner) = row.element.split_once(':').unwrap_or((row.element, ""));
    if name == "UserData" {
        let mut cleared = element(inner).attribute("xmlns", Node::Text(LOG_EVENTS.into()));
        for (((field, _), kind), place) in fields {
            cleared = cleared.with(Node::Element(element(field).with(Node::Place(place, *kind))));
        }
        return element(name).with(Node::Element(cleared));
    }
    let mut data = element(name);
    if !inner.is_empty() {
        data = data.attribute("Name", Node::Text(inner.into()));
    }
    for (((field, _), kind), place) in fields {
        let part = match (*field, kind) {
            ("Binary", ValueType::Binary) => element("Binary"),
            ("", _) => element("Data"),
            (name, _) => element("Data").attribute("Name", Node::Text(name.into())),
        };
        data = data.with(Node::Element(part.with(Node::Place(place, *kind))));
    }
    data
}
