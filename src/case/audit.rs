//! The audit trail: who did what, when; every annotation with what was before and after.

use super::annotate::json;
use super::{Case, fault};
use crate::control::RunError;
use crate::domain::time;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write;

/// One line of the audit trail.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditLine {
    /// Counts the lines, from 1.
    pub id: i64,
    /// When, nanoseconds UTC.
    pub at: i64,
    /// Who.
    pub analyst: String,
    /// What was done: `annotate`, `ordinary`, `run`, `export`, ...
    pub action: String,
    /// For `undo` and `redo`, which versions before this one wrote: the line they speak of.
    pub of: Option<i64>,
    /// What changed, before and after; evidence by its SHA-256.
    pub changes: Value,
}

/// Letters of one text that a line in words shows.
const SHOWN: usize = 200;

impl AuditLine {
    /// As JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::json!({ "id": self.id, "at": time::iso(self.at), "analyst": self.analyst, "action": self.action, "of": self.of, "changes": self.changes })
    }

    /// What changed, in words: one line.
    #[must_use]
    pub fn words(&self) -> String {
        let mut text = match &self.changes {
            Value::Array(steps) if steps.is_empty() => self.of.map_or_else(String::new, |of| format!("of line {of}")),
            Value::Array(steps) => {
                let first = steps.first().map(step).unwrap_or_default();
                if steps.len() > 1 { format!("{} targets, first: {first}", steps.len()) } else { first }
            }
            Value::Object(what) => what.iter().map(|(name, value)| format!("{name}: {}", plain(value))).collect::<Vec<_>>().join(", "),
            other => plain(other),
        };
        if let Some((end, _)) = text.char_indices().nth(SHOWN * 3) {
            text.truncate(end);
            text.push('…');
        }
        text
    }
}

/// One annotated target: which event, and what was said of it before and after.
fn step(step: &Value) -> String {
    let plain = |name: &str| step.get(name).map(self::plain).unwrap_or_default();
    let mut text = format!("{} {} of {}", plain("unit"), plain("record"), plain("evidence").chars().take(16).collect::<String>());
    let side = |name: &str| step.get(name).filter(|said| !said.is_null()).map_or_else(|| "nothing".to_owned(), said);
    // Writing to a String cannot fail.
    write!(text, ": {} -> {}", side("before"), side("after")).ok();
    text
}

/// What an annotation says.
fn said(annotation: &Value) -> String {
    let mut parts = Vec::new();
    if annotation.get("flagged").and_then(Value::as_bool) == Some(true) {
        parts.push("flagged".to_owned());
    }
    parts.extend(annotation.get("tags").map(|tags| format!("tags {}", plain(tags))));
    parts.extend(annotation.get("note").map(|note| format!("note {note}")));
    if parts.is_empty() { "nothing".into() } else { parts.join(", ") }
}

fn plain(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

impl Case {
    /// Hands the lines of the audit trail to `each`, oldest first, until it says `false`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_audit(&self, each: &mut dyn FnMut(AuditLine) -> bool) -> Result<(), RunError> {
        self.with_db("the case's audit trail cannot be read; use a copy of the case from before", |db| {
            let mut names = db.prepare("SELECT id, sha256 FROM evidence")?;
            let names: HashMap<u32, String> = names.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
            let mut query = db.prepare("SELECT id, at, analyst, action, of, changes FROM audit ORDER BY id")?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                let mut changes: Value = serde_json::from_str(row.get_ref(5)?.as_str()?).map_err(json)?;
                for step in changes.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
                    let id = step.get("evidence").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
                    if let Some(name) = id.and_then(|id| names.get(&id)) {
                        step.insert("evidence".into(), name.as_str().into());
                    }
                }
                let line = AuditLine { id: row.get(0)?, at: row.get(1)?, analyst: row.get(2)?, action: row.get(3)?, of: row.get(4)?, changes };
                if !each(line) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Writes the audit trail as JSON lines: when, who, what, before and after.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn write_audit(&self, out: &mut dyn Write) -> Result<(), RunError> {
        let mut failed = None;
        self.read_audit(&mut |line| {
            failed = writeln!(out, "{}", line.json()).err();
            failed.is_none()
        })?;
        failed.map_or(Ok(()), |e| Err(fault("cannot write the audit trail (is the disk full?)", &e, self.dir())))
    }
}
