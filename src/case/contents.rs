//! What a case's database says, read whole before anything in the case is written or removed. What residue never writes makes the case a damaged one.

use super::annotate::Said;
use super::columns::Group;
use super::layout::{Folder, is_own_file};
use super::names::{EventFileName, RunId};
use super::reader::EventFile;
use super::sink::GROUP_ROWS;
use super::store::SourceId;
use super::{database, fault};
use crate::control::{Notice, RunError, Severity};
use crate::domain::Ledger;
use rusqlite::Connection;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// More events, bytes or records than any source has; sums of such numbers must not run over.
const MOST: u64 = 1 << 40;

/// Everything that is read of a case when it is opened.
pub(super) struct Contents {
    pub(super) rows: BTreeMap<SourceId, (Ledger, Option<Arc<EventFile>>)>,
    /// Names of event files and of runs: what else lies there was left behind by a killed run.
    pub(super) files: HashSet<EventFileName>,
    pub(super) runs: HashSet<RunId>,
    pub(super) said: Said,
    pub(super) notices: Vec<Notice>,
}

impl Contents {
    /// Reads a case that is locked.
    ///
    /// # Errors
    /// When the database cannot be read or says something that residue does not write: then the case is as it was.
    pub(super) fn read(folder: &Folder) -> Result<Self, RunError> {
        let path = folder.database();
        let db = database::look(&path)?;
        let damaged = |why: &dyn std::fmt::Display| {
            fault("the case is damaged and was left as it is; use a copy of it from before, or open its evidence again", why, &path)
        };
        check_schema(&db).map_err(|e| damaged(&e))?;
        let runs = read_runs(&db).map_err(|e| damaged(&e))?;
        let said = Said::load(&db).map_err(|e| damaged(&e))?;
        let mut contents = Self { rows: BTreeMap::new(), files: HashSet::new(), runs, said, notices: Vec::new() };
        contents.read_sources(&db, folder).map_err(|e| damaged(&e))?;
        Ok(contents)
    }

    fn read_sources(&mut self, db: &Connection, folder: &Folder) -> anyhow::Result<()> {
        let mut query = db.prepare("SELECT source_file, sha256, events, row_groups, ledger FROM sources")?;
        let mut found = query.query([])?;
        while let Some(row) = found.next()? {
            let source_file: String = row.get(0)?;
            let source = || format!("in the row of the source {source_file:?}");
            let ledger: Ledger = parsed(row.get_ref(4)?.as_str()?).map_err(|e| anyhow::anyhow!("{}, the ledger: {e}", source()))?;
            let groups: Vec<Group> = parsed(row.get_ref(3)?.as_str()?).map_err(|e| anyhow::anyhow!("{}, the row groups: {e}", source()))?;
            check_numbers(&ledger, &groups).map_err(|e| anyhow::anyhow!("{}: {e}", source()))?;
            let file = match row.get::<_, Option<String>>(2)? {
                None => None,
                Some(name) => {
                    let name = EventFileName::parse(&name)
                        .ok_or_else(|| anyhow::anyhow!("{}, the file of its events is called {name:?}, as residue calls none", source()))?;
                    let path = folder.event_file(&name);
                    if !is_own_file(&path) {
                        let text = format!("the case's events of {source_file} are missing; open the source again: {}", path.display());
                        self.notices.push(Notice { severity: Severity::Error, text });
                    }
                    self.files.insert(name);
                    Some(Arc::new(EventFile::new(path, groups)))
                }
            };
            self.rows.insert((source_file, row.get(1)?), (ledger, file));
        }
        Ok(())
    }
}

fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    serde_json::from_str(text)
}

/// A database of ours has tables and their indexes: views and triggers would act on their own.
fn check_schema(db: &Connection) -> anyhow::Result<()> {
    let strange: i64 = db.query_row("SELECT count(*) FROM sqlite_master WHERE type NOT IN ('table', 'index')", [], |row| row.get(0))?;
    anyhow::ensure!(strange == 0, "it has {strange} views or triggers, and residue makes none");
    Ok(())
}

fn read_runs(db: &Connection) -> anyhow::Result<HashSet<RunId>> {
    let mut query = db.prepare("SELECT id, number, detector FROM runs")?;
    let mut found = query.query([])?;
    let mut runs = HashSet::new();
    while let Some(row) = found.next()? {
        let (text, number, detector): (String, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let id = RunId::parse(&text).filter(|id| id.detector() == detector && id.number() == number.to_string());
        runs.insert(id.ok_or_else(|| anyhow::anyhow!("a run is called {text:?}, as residue calls none"))?);
    }
    Ok(runs)
}

/// Numbers that evidence can have: no sum of them runs over, no index is longer than its file.
fn check_numbers(ledger: &Ledger, groups: &[Group]) -> anyhow::Result<()> {
    let numbers =
        [ledger.bytes, ledger.records_ok, ledger.records_recovered, ledger.records_joined, ledger.records_bad, ledger.events, ledger.no_time, ledger.defects];
    let seen = ledger.seen.iter().map(|(_, _, events)| *events);
    anyhow::ensure!(numbers.into_iter().chain(seen).all(|number| number <= MOST), "a number in the ledger is larger than any source has");
    let whole = |group: &Group| (1..=GROUP_ROWS).contains(&group.rows);
    anyhow::ensure!(groups.iter().all(whole), "a row group is larger than residue makes any");
    Ok(())
}
