//! Annotating through the database: a change is committed before it is returned, with what was before and after in the audit trail.

use super::Case;
use super::annotations::{Annotation, Annotations, Change, Place, Target, Unit};
use super::store::held;
use crate::control::RunError;
use rusqlite::{CachedStatement, Connection, Transaction, params};
use serde::Serialize;
use std::sync::Arc;

/// One target before and after an action, as the audit trail keeps it.
#[derive(Serialize)]
struct Step {
    evidence: u32,
    record: u64,
    part: u32,
    unit: Unit,
    before: Option<Annotation>,
    after: Option<Annotation>,
}

/// Annotations.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub now: Arc<Annotations>,
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
            let place = Place { evidence: row.get(0)?, record: row.get::<_, i64>(1)?.cast_unsigned(), part: row.get(2)?, unit: unit(row.get(3)?)? };
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
        Ok(Self { now: Arc::new(now) })
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

    /// Makes one change to every target, in one step. It is on the disk when this returns.
    ///
    /// # Errors
    /// When it cannot be committed; then nothing has changed.
    pub fn annotate(&self, targets: &[Target], change: &Change) -> Result<Arc<Annotations>, RunError> {
        let (analyst, now) = (Arc::<str>::from(self.analyst()), now());
        self.act(targets.iter().map(|target| (target, ())), &|before, ()| change.apply(before, &analyst, now))
    }

    /// Adds what others said: flags and tags add up, notes stand one below the other; nothing said here is lost. One step.
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
                return Ok(false);
            }
            let steps = serde_json::to_string(&steps).map_err(json)?;
            action.commit(&analyst, now, &steps).map(|()| true)
        })?;
        if done {
            said.now = Arc::new(next);
        }
        Ok(said.now.clone())
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
}

const FAILED: &str = "the change could not be saved and was not made (is the disk full?)";

/// The present, nanoseconds UTC.
pub(super) fn now() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX)
}

/// What a code in the database means.
fn unit(code: i64) -> rusqlite::Result<Unit> {
    Unit::from_code(code).ok_or(rusqlite::Error::IntegralValueOutOfRange(3, code))
}

pub(super) fn json(e: serde_json::Error) -> rusqlite::Error {
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

    fn commit(self, analyst: &str, at: i64, changes: &str) -> rusqlite::Result<()> {
        self.0.prepare_cached("INSERT INTO audit (at, analyst, action, changes) VALUES (?1, ?2, 'annotate', ?3)")?.execute(params![at, analyst, changes])?;
        self.0.commit()
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
