//! Annotating through the database: a change is committed before it is returned, and undone as it was done.

use super::annotations::{Annotation, Annotations, Change, Place, Target, Unit};
use super::store::held;
use super::{Case, fault};
use crate::control::RunError;
use rusqlite::{CachedStatement, Connection, Transaction, params};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::sync::Arc;

/// One target before and after an action, as the audit trail keeps it.
#[derive(Serialize, Deserialize)]
struct Step {
    evidence: u32,
    record: u64,
    part: u32,
    unit: Unit,
    before: Option<Annotation>,
    after: Option<Annotation>,
}

impl Step {
    fn place(&self) -> Place {
        Place { record: self.record, evidence: self.evidence, part: self.part, unit: self.unit }
    }
}

/// Ids of the actions that can be undone and redone, the next one last.
#[derive(Debug, Default, Clone)]
pub(super) struct History {
    undo: Vec<i64>,
    redo: Vec<i64>,
}

impl History {
    fn note(&mut self, action: &str, id: i64, of: Option<i64>) {
        match (action, of) {
            ("annotate", _) => {
                self.undo.push(id);
                self.redo.clear();
            }
            ("undo", Some(of)) => {
                self.undo.retain(|id| *id != of);
                self.redo.push(of);
            }
            ("redo", Some(of)) => {
                self.redo.retain(|id| *id != of);
                self.undo.push(of);
            }
            _ => {}
        }
    }
}

/// Annotations with their history.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub now: Arc<Annotations>,
    pub history: History,
}

impl Said {
    /// Reads all of them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub(super) fn load(db: &Connection) -> rusqlite::Result<Self> {
        let mut now = Annotations::default();
        let mut names = db.prepare("SELECT sha256, id FROM evidence")?;
        let mut rows = names.query([])?;
        while let Some(row) = rows.next()? {
            now.name_evidence(row.get::<_, String>(0)?.into(), row.get(1)?);
        }
        let mut last: Arc<str> = "".into();
        let mut query = db.prepare("SELECT evidence, record, part, unit, flagged, tags, note, analyst, version, flagged_at FROM annotations")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let place = Place { evidence: row.get(0)?, record: row.get::<_, i64>(1)?.cast_unsigned(), part: row.get(2)?, unit: Unit::from_code(row.get(3)?) };
            let tags = match row.get::<_, Option<String>>(5)? {
                Some(text) => {
                    serde_json::from_str(&text).map_err(|e| rusqlite::Error::FromSqlConversionFailure(5, rusqlite::types::Type::Text, Box::new(e)))?
                }
                None => Vec::new(),
            };
            let analyst = row.get_ref(7)?.as_str()?;
            if *last != *analyst {
                last = analyst.into();
            }
            let note = row.get::<_, Option<String>>(6)?.unwrap_or_default();
            let said = Annotation { flagged: row.get(4)?, tags, note, analyst: last.clone(), version: row.get(8)?, flagged_at: row.get(9)? };
            now.set(place, Some(Arc::new(said)));
        }
        let mut history = History::default();
        let mut query = db.prepare("SELECT action, id, of FROM audit WHERE action IN ('annotate', 'undo', 'redo') ORDER BY id")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            history.note(row.get_ref(0)?.as_str()?, row.get(1)?, row.get(2)?);
        }
        Ok(Self { now: Arc::new(now), history })
    }
}

impl Case {
    /// What the analyst has said so far; later changes are not in it.
    #[must_use]
    pub fn annotations(&self) -> Arc<Annotations> {
        held(self.said()).now.clone()
    }

    /// Who annotates: the case's setting `analyst`, else the system's user name.
    #[must_use]
    pub fn analyst(&self) -> String {
        let system = || ["USER", "USERNAME", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        self.setting("analyst").or_else(system).unwrap_or_else(|| "analyst".into())
    }

    /// Makes one change to every target, in one step that can be undone. It is on the disk when this returns.
    ///
    /// # Errors
    /// When it cannot be committed; then nothing has changed.
    pub fn annotate(&self, targets: &[Target], change: &Change) -> Result<Arc<Annotations>, RunError> {
        let (analyst, now) = (Arc::<str>::from(self.analyst()), now());
        self.act(targets.iter().map(|target| (target, ())), &|before, ()| change.apply(before, &analyst, now))
    }

    /// Adds what others said: flags and tags add up, notes stand one below the other; nothing said here is lost. One step that can be undone.
    ///
    /// # Errors
    /// When it cannot be committed; then nothing has changed.
    pub fn add_annotations(&self, said: &[(Target, Annotation)]) -> Result<Arc<Annotations>, RunError> {
        self.act(said.iter().map(|(target, theirs)| (target, theirs)), &|before, theirs| theirs.added_to(before))
    }

    /// Makes one step of what `after` says of every target.
    fn act<'t, T: Copy>(
        &self,
        targets: impl Iterator<Item = (&'t Target, T)>,
        after: &dyn Fn(Option<&Annotation>, T) -> Option<Annotation>,
    ) -> Result<Arc<Annotations>, RunError> {
        let analyst: Arc<str> = self.analyst().into();
        let mut said = held(self.said());
        let mut next = (*said.now).clone();
        let now = now();
        let done = self.with_db(FAILED, |db| {
            let action = Action::begin(db)?;
            let mut steps = Vec::new();
            let mut pen = action.pen()?;
            for (target, what) in targets {
                let evidence = action.evidence(&mut next, &target.evidence)?;
                let place = Place { record: target.record, evidence, part: target.part, unit: target.unit };
                let before = next.at(place).cloned();
                let after = after(before.as_ref(), what);
                if before == after {
                    continue;
                }
                pen.put(place, after.as_ref())?;
                next.set(place, after.clone().map(Arc::new));
                steps.push(Step { evidence, record: target.record, part: target.part, unit: target.unit, before, after });
            }
            drop(pen);
            if steps.is_empty() {
                return Ok(None);
            }
            let steps = serde_json::to_string(&steps).map_err(json)?;
            action.commit("annotate", None, &analyst, now, &steps).map(Some)
        })?;
        if let Some(id) = done {
            said.history.note("annotate", id, None);
            said.now = Arc::new(next);
        }
        Ok(said.now.clone())
    }

    /// Takes back the last annotation that was not taken back yet; `false` when there is none.
    ///
    /// # Errors
    /// When it cannot be committed; then nothing has changed.
    pub fn undo(&self) -> Result<bool, RunError> {
        self.again("undo", |history| history.undo.last().copied(), |step| step.before.as_ref())
    }

    /// Makes again the last annotation that was taken back; `false` when there is none.
    ///
    /// # Errors
    /// When it cannot be committed; then nothing has changed.
    pub fn redo(&self) -> Result<bool, RunError> {
        self.again("redo", |history| history.redo.last().copied(), |step| step.after.as_ref())
    }

    /// Whether there is something to undo, and something to redo.
    #[must_use]
    pub fn can_undo_redo(&self) -> (bool, bool) {
        let said = held(self.said());
        (!said.history.undo.is_empty(), !said.history.redo.is_empty())
    }

    fn again(&self, action: &str, which: fn(&History) -> Option<i64>, side: fn(&Step) -> Option<&Annotation>) -> Result<bool, RunError> {
        let analyst = self.analyst();
        let mut said = held(self.said());
        let Some(of) = which(&said.history) else { return Ok(false) };
        let mut next = (*said.now).clone();
        let id = self.with_db(FAILED, |db| {
            let doing = Action::begin(db)?;
            let mut pen = doing.pen()?;
            for step in doing.steps(of)? {
                pen.put(step.place(), side(&step))?;
                next.set(step.place(), side(&step).cloned().map(Arc::new));
            }
            drop(pen);
            doing.commit(action, Some(of), &analyst, now(), "[]")
        })?;
        said.history.note(action, id, Some(of));
        said.now = Arc::new(next);
        Ok(true)
    }

    /// Adds a line of its own to the audit trail: an export, a rule, a source.
    ///
    /// # Errors
    /// When it cannot be committed.
    pub fn log(&self, action: &str, what: &serde_json::Value) -> Result<(), RunError> {
        let analyst = self.analyst();
        self.with_db("cannot write the case's audit trail", |db| {
            let mut insert = db.prepare_cached("INSERT INTO audit (at, analyst, action, changes) VALUES (?1, ?2, ?3, ?4)")?;
            insert.execute(params![now(), analyst, action, what.to_string()]).map(|_| ())
        })
    }

    /// Writes the audit trail as JSON lines: when, who, what, before and after.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn write_audit(&self, out: &mut dyn Write) -> Result<(), RunError> {
        let mut failed = None;
        self.with_db("cannot read the case's audit trail", |db| {
            let mut names = db.prepare("SELECT id, sha256 FROM evidence")?;
            let names: std::collections::HashMap<u32, String> = names.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
            let mut query = db.prepare("SELECT id, at, analyst, action, of, changes FROM audit ORDER BY id")?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                let mut changes: serde_json::Value = serde_json::from_str(row.get_ref(5)?.as_str()?).map_err(json)?;
                for step in changes.as_array_mut().into_iter().flatten() {
                    let name = step.get("evidence").and_then(serde_json::Value::as_u64).and_then(|id| names.get(&u32::try_from(id).ok()?));
                    if let Some(name) = name {
                        step["evidence"] = name.as_str().into();
                    }
                }
                let line = serde_json::json!({
                    "id": row.get::<_, i64>(0)?, "at": crate::domain::time::iso(row.get(1)?), "analyst": row.get::<_, String>(2)?,
                    "action": row.get::<_, String>(3)?, "of": row.get::<_, Option<i64>>(4)?, "changes": changes,
                });
                if let Err(e) = writeln!(out, "{line}") {
                    failed = Some(e);
                    break;
                }
            }
            Ok(())
        })?;
        failed.map_or(Ok(()), |e| Err(fault("cannot write the audit trail (is the disk full?)", &e, self.dir())))
    }
}

const FAILED: &str = "the change could not be saved and was not made (is the disk full?)";

/// The present, nanoseconds UTC.
pub(super) fn now() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX)
}

fn json(e: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(e))
}

/// One step being written: nothing of it is there until it is committed.
struct Action<'a>(Transaction<'a>);

impl<'a> Action<'a> {
    fn begin(db: &'a mut Connection) -> rusqlite::Result<Self> {
        db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map(Self)
    }

    fn evidence(&self, next: &mut Annotations, name: &Arc<str>) -> rusqlite::Result<u32> {
        if let Some(id) = next.evidence_id(name) {
            return Ok(id);
        }
        let id = self.0.prepare_cached("INSERT INTO evidence (sha256) VALUES (?1) RETURNING id")?.query_row([name.as_ref()], |row| row.get(0))?;
        next.name_evidence(name.clone(), id);
        Ok(id)
    }

    fn pen(&self) -> rusqlite::Result<Pen<'_>> {
        Ok(Pen {
            put: self.0.prepare_cached(
                "INSERT OR REPLACE INTO annotations (evidence, record, part, unit, flagged, tags, note, analyst, version, flagged_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?,
            delete: self.0.prepare_cached("DELETE FROM annotations WHERE evidence = ?1 AND record = ?2 AND part = ?3 AND unit = ?4")?,
        })
    }

    fn steps(&self, of: i64) -> rusqlite::Result<Vec<Step>> {
        let text: String = self.0.prepare_cached("SELECT changes FROM audit WHERE id = ?1")?.query_row([of], |row| row.get(0))?;
        serde_json::from_str(&text).map_err(json)
    }

    fn commit(self, action: &str, of: Option<i64>, analyst: &str, at: i64, changes: &str) -> rusqlite::Result<i64> {
        self.0
            .prepare_cached("INSERT INTO audit (at, analyst, action, of, changes) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![at, analyst, action, of, changes])?;
        let id = self.0.last_insert_rowid();
        self.0.commit()?;
        Ok(id)
    }
}

/// Writes annotations within an action.
struct Pen<'a> {
    put: CachedStatement<'a>,
    delete: CachedStatement<'a>,
}

impl Pen<'_> {
    fn put(&mut self, place: Place, said: Option<&Annotation>) -> rusqlite::Result<()> {
        let (record, unit) = (place.record.cast_signed(), place.unit.code());
        let Some(said) = said else {
            return self.delete.execute(params![place.evidence, record, place.part, unit]).map(|_| ());
        };
        let tags = if said.tags.is_empty() { None } else { Some(serde_json::to_string(&said.tags).map_err(json)?) };
        let note = (!said.note.is_empty()).then_some(said.note.as_str());
        let analyst: &str = &said.analyst;
        self.put.execute(params![place.evidence, record, place.part, unit, said.flagged, tags, note, analyst, said.version, said.flagged_at]).map(|_| ())
    }
}
