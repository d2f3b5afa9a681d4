//! The `published` preset's columns, read as found: nothing is normalised.

use super::read::{EventRow, NONE, Row, Table, head_of};
use super::unique::Kept;
use crate::control::{Control, RunError};
use crate::domain::{EventRef, EventStore};
use crate::features::Interner;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The seven features and what stands for a missing one.
const COLUMNS: [(&str, &str); 7] = [
    ("EventID", "d4_null"),
    ("EventData@Name", "d4_null"),
    ("TaskName", "d4_null"),
    ("Security@UserID", "d4_null"),
    ("ResultCode", "-64646464"),
    ("ActionName", "d4_null"),
    ("UserNC", "d4_null"),
];
pub(super) const CHANNEL: &str = "Microsoft-Windows-TaskScheduler/Operational";

/// Columns and their values as codes.
#[derive(Clone, Debug, Default)]
pub(super) struct Features {
    names: Vec<String>,
    values: Vec<Interner>,
}

impl Features {
    pub(super) fn columns(&self) -> usize {
        self.names.len()
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn value(&self, column: usize, code: u32) -> &str {
        self.values.get(column).map_or("", |values| values.name(code))
    }

    /// Number of values of a column.
    pub(super) fn values(&self, column: usize) -> usize {
        self.values.get(column).map_or(0, Interner::len)
    }

    /// Every column is modelled; all rows are of one kind.
    pub(super) fn kept(&self) -> Kept {
        (0..self.columns() as u32).map(|column| (0, column)).collect()
    }

    /// An event's values, coded.
    pub(super) fn row(&mut self, event: &EventRef<'_>) -> Row {
        if self.names.is_empty() {
            self.names = COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect();
            self.values = vec![Interner::default(); COLUMNS.len()];
        }
        let fields: Map<String, Value> = sonic_rs::from_str(event.fields).unwrap_or_default();
        let cells = COLUMNS.iter().zip(&mut self.values).enumerate().map(|(column, ((name, missing), values))| {
            let found = match *name {
                "EventID" => event.event_id.map(|id| id.to_string()),
                "Security@UserID" => text(fields.get("System").and_then(|system| system.get("Security")).and_then(|security| security.get("UserID"))),
                "UserNC" => user(text(fields.get("UserName")).or_else(|| text(fields.get("UserContext")))),
                name => text(fields.get(name)),
            };
            (column as u32, values.intern(found.as_deref().unwrap_or(missing)))
        });
        Row { kind: 0, cells: cells.collect() }
    }
}

/// A row's value codes, column by column.
pub(super) fn codes(row: &Row) -> Vec<u32> {
    row.cells.iter().map(|cell| cell.1).collect()
}

fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Lower case; a name without a domain gets one that says so.
fn user(name: Option<String>) -> Option<String> {
    let name = name?.to_lowercase();
    Some(if name.contains('\\') { name } else { format!("d4_null\\{name}") })
}

/// Reads the Task Scheduler channel, or every channel, into coded rows.
pub(super) fn read(store: &dyn EventStore, all: bool, heads: bool, features: &mut Features, control: &Control) -> Result<Table, RunError> {
    let (mut table, mut index, mut computers) = (Table::default(), HashMap::<Row, u32>::new(), Interner::default());
    let total = store.events();
    store.scan(true, control, &mut |batch| {
        control.check()?;
        for event in batch.iter().filter(|event| all || event.channel.is_some_and(|channel| channel.eq_ignore_ascii_case(CHANNEL))) {
            let row = features.row(event);
            let next = table.rows.len() as u32;
            let place = *index.entry(row.clone()).or_insert(next);
            let order = (event.time.is_none(), event.time.unwrap_or(i64::MIN), event.key);
            if place == next {
                table.rows.push(row);
                if heads {
                    table.heads.push(head_of(event, order, |text| text.map(Into::into)));
                }
            } else if heads && table.heads.get(place as usize).is_some_and(|head| order < head.order) {
                table.heads[place as usize] = head_of(event, order, |text| text.map(Into::into));
            }
            let computer = computers.intern(event.computer.unwrap_or(""));
            table.events.push(EventRow { key: event.key, time: order.1, computer, row: place, process: NONE, witness: 0 });
        }
        control.progress("counting", "fields", table.events.len() as u64, Some(total), "events");
        Ok(())
    })?;
    Ok(table)
}
