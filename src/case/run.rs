//! Runs: one detector's ranking with every contribution, written whole or not at all, so that reopening a case neither parses nor trains.
//!
//! `runs/ID/` holds `report.json` (what the ranking says of itself), `subjects.parquet` (in rank order) and `contributions.parquet`, which is
//! written while the ranking is explained and moves here.

use super::annotate::now;
use super::contributions::{CONTRIBUTIONS, Contributions};
use super::layout::{is_own_file, is_own_folder, remove};
use super::names::RunId;
use super::run_columns::{self, Wanted, schema};
use super::table::{Table, TableWriter};
use super::{Case, fault};
use crate::control::{Control, RunError};
use crate::domain::{Contribution, CurvePoint, DetectorId, Explain, Preset, RankBy, Report, Stage, Validation};
use polars::prelude::PlSmallStr;
use rusqlite::params;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

const REPORT: &str = "report.json";
const SUBJECTS: &str = "subjects.parquet";
/// Subjects of one row group.
const GROUP: usize = 8_192;
/// Runs kept of each detector.
const KEPT: usize = 5;
pub(super) const REMEDY: &str = "analyse again";

/// What a ranking says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Header {
    detector: DetectorId,
    preset: Preset,
    rank_by: RankBy,
    stage: Stage,
    /// None above every score: JSON has no infinity.
    threshold: Option<f64>,
    model_id: String,
    device: String,
    curve: Vec<CurvePoint>,
    remarks: Vec<String>,
    #[serde(default)]
    validation: Option<Validation>,
    subjects: usize,
    /// (`source_file`, SHA-256) in the order that the stored keys count in.
    sources: Vec<(String, String)>,
}

/// One stored run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunInfo {
    /// Its name, for [`Case::load_run`].
    pub id: RunId,
    /// Which method.
    pub detector: DetectorId,
    /// Number of subjects.
    pub subjects: u64,
    /// When it was stored, nanoseconds UTC.
    pub made: i64,
}

impl Case {
    /// Stores a ranking with the contributions of every subject, which `explain` gives by rank index (from 0), asked for in order.
    ///
    /// # Errors
    /// When it cannot be written, or the job is cancelled; then nothing is left of it.
    pub fn store_run(&self, report: &Report, explain: &mut dyn FnMut(usize) -> Vec<Contribution>, control: &Control) -> Result<RunId, RunError> {
        let mut contributions = self.begin_contributions()?;
        for index in 0..report.subjects.len() {
            if index % GROUP == 0 {
                control.check()?;
            }
            contributions.push(&serde_json::to_string(&explain(index)).map_err(anyhow::Error::from)?)?;
        }
        Ok(self.keep_run(report, contributions.finish()?, control)?.0)
    }

    /// Stores a ranking with the contributions of its subjects. The oldest runs of the same detector beyond five are removed. Returns the run's id,
    /// for [`Report::run`], and the contributions where they are now.
    ///
    /// # Errors
    /// When it cannot be written, or the job is cancelled; then nothing is left of it.
    pub fn keep_run(&self, report: &Report, contributions: Contributions, control: &Control) -> Result<(RunId, Contributions), RunError> {
        let temp = contributions.folder();
        write_subjects(&temp.join(SUBJECTS), report, control)?;
        let header = Header {
            detector: report.detector,
            preset: report.preset,
            rank_by: report.rank_by,
            stage: report.stage,
            threshold: Some(report.threshold).filter(|threshold| threshold.is_finite()),
            model_id: report.model_id.clone(),
            device: report.device.clone(),
            curve: report.curve.clone(),
            remarks: report.remarks.clone(),
            validation: report.validation.clone(),
            subjects: report.subjects.len(),
            sources: self.sources().iter().map(|s| (s.source_file.clone(), s.sha256.clone())).collect(),
        };
        write_json(&temp.join(REPORT), &header)?;
        let name = report.detector.name();
        let analyst = self.analyst();
        let id = self.with_db("cannot store the run in the case (is the disk full?)", |db| {
            let action = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let number: u64 =
                action.query_row("SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'runs'", [], |row| row.get::<_, i64>(0))?.cast_unsigned();
            let id = RunId::new(report.detector, number);
            let stage = serde_json::to_string(&report.stage).unwrap_or_default();
            action.execute(
                "INSERT INTO runs (number, id, detector, stage, made, subjects) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![number.cast_signed(), id.as_str(), name, stage, now(), report.subjects.len() as i64],
            )?;
            let said = serde_json::json!({ "run": id.as_str(), "subjects": report.subjects.len(), "model_id": report.model_id });
            action.execute("INSERT INTO audit (at, analyst, action, changes) VALUES (?1, ?2, 'run', ?3)", params![now(), analyst, said.to_string()])?;
            // The folder first: a name without its row is removed at the next start, a row without its folder is not.
            fs::rename(temp, self.folder().run(&id)).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
            action.commit()?;
            Ok(id)
        })?;
        let contributions = contributions.moved(part(&self.folder().run(&id), CONTRIBUTIONS)?);
        self.prune(report.detector);
        Ok((id, contributions))
    }

    /// Every stored run, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn runs(&self) -> Result<Vec<RunInfo>, RunError> {
        self.with_db("cannot read the case's runs", |db| {
            let mut query = db.prepare("SELECT id, subjects, made FROM runs ORDER BY number")?;
            let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get(2)?)))?;
            let mut runs = Vec::new();
            for row in rows {
                let (id, subjects, made) = row?;
                let Some(id) = RunId::parse(&id) else { continue };
                // A detector of a newer version is none that this one can show.
                if let Some(detector) = DetectorId::ALL.into_iter().find(|known| known.name() == id.detector()) {
                    runs.push(RunInfo { id, detector, subjects: subjects.cast_unsigned(), made });
                }
            }
            Ok(runs)
        })
    }

    /// The runs of each detector that has any, newest first, in the order of the detectors.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn runs_by_detector(&self) -> Result<Vec<Vec<RunInfo>>, RunError> {
        let runs = self.runs()?;
        let of = |detector| runs.iter().rev().filter(|run| run.detector == detector).cloned().collect::<Vec<_>>();
        Ok(DetectorId::ALL.into_iter().map(of).filter(|runs| !runs.is_empty()).collect())
    }

    /// Loads a stored ranking; keys count in the sources as they are now. Members in sources that are gone are left out.
    ///
    /// # Errors
    /// When it is not there, or damaged.
    pub fn load_run(&self, id: &RunId) -> Result<Report, RunError> {
        let folder = self.folder().run(id);
        let header = read_header(&folder)?;
        let (table, contributions) = (part(&folder, SUBJECTS)?, part(&folder, CONTRIBUTIONS)?);
        for table in [&table, &contributions] {
            // The header may say anything; the tables are what there is.
            if table.height()? != header.subjects {
                return Err(table.damaged(&"it does not hold as many subjects as the run says"));
            }
        }
        if header.detector.name() != id.detector() {
            return Err(table.damaged(&format!("it is a ranking of {}", header.detector.title())));
        }
        let now = self.sources();
        let place = |(file, sha): &(String, String)| {
            let same = now.iter().position(|s| s.source_file == *file && s.sha256 == *sha);
            same.or_else(|| now.iter().position(|s| !sha.is_empty() && s.sha256 == *sha && s.events > 0)).and_then(|at| u32::try_from(at).ok())
        };
        let places: Vec<Option<u32>> = header.sources.iter().map(place).collect();
        let mut subjects = Wanted::new(header.subjects, &places);
        let schema = schema();
        let names: Vec<&str> = schema.iter_names().map(PlSmallStr::as_str).collect();
        for start in (0..header.subjects).step_by(GROUP) {
            let rows = table.rows(&names, start..(start + GROUP).min(header.subjects))?;
            subjects.take(&rows).map_err(|e| table.damaged(&e))?;
        }
        let subjects = subjects.done();
        if !subjects.iter().zip(1..).all(|(subject, rank)| subject.rank == rank && !subject.score.is_nan()) {
            return Err(table.damaged(&"its subjects are not in the order of their ranks"));
        }
        Ok(Report {
            detector: header.detector,
            preset: header.preset,
            rank_by: header.rank_by,
            stage: header.stage,
            threshold: header.threshold.unwrap_or(f64::INFINITY),
            model_id: header.model_id,
            device: header.device,
            curve: header.curve,
            remarks: header.remarks,
            validation: header.validation,
            subjects,
            run: id.to_string(),
        })
    }

    /// Explains a stored run by rank index. A run that cannot be read explains itself by saying so.
    #[must_use]
    pub fn explain_run(&self, id: &RunId) -> Arc<dyn Explain> {
        let folder = self.folder().run(id);
        match read_header(&folder).and_then(|header| Ok(Contributions::of_run(part(&folder, CONTRIBUTIONS)?, header.subjects))) {
            Ok(contributions) => Arc::new(contributions),
            Err(e) => Arc::new(Unread(e.to_string())),
        }
    }

    /// Removes the oldest runs of a detector; one that resists (still being read on Windows) is removed at the next start.
    fn prune(&self, detector: DetectorId) {
        let Ok(runs) = self.runs() else { return };
        let own: Vec<_> = runs.into_iter().filter(|run| run.detector == detector).collect();
        for old in own.iter().rev().skip(KEPT) {
            let forgotten = self.with_db("cannot forget a run", |db| db.execute("DELETE FROM runs WHERE id = ?1", [old.id.as_str()]));
            if forgotten.is_err() || !remove(&self.folder().run(&old.id)) {
                return;
            }
        }
    }
}

fn write_subjects(path: &Path, report: &Report, control: &Control) -> Result<(), RunError> {
    let mut out = TableWriter::begin(create(path)?, path, &schema())?;
    for chunk in report.subjects.chunks(GROUP) {
        control.check()?;
        out.write(run_columns::table(chunk))?;
    }
    out.finish()
}

fn create(path: &Path) -> Result<File, RunError> {
    File::create_new(path).map_err(|e| fault("cannot write in the case", &e, path))
}

fn write_json(path: &Path, header: &Header) -> Result<(), RunError> {
    let full = |e: &dyn std::fmt::Display| fault("cannot write into the case (is the disk full?)", e, path);
    let file = create(path)?;
    serde_json::to_writer_pretty(&file, header).map_err(|e| full(&e))?;
    file.sync_all().map_err(|e| full(&e))
}

/// A run's table; one that is a link, or lies in a folder that is one, is not read: it leads out of the case.
fn part(folder: &Path, name: &str) -> Result<Table, RunError> {
    let path = folder.join(name);
    if !is_own_folder(folder) || !is_own_file(&path) {
        return Err(RunError::failed(format!("a file of the run is missing or a link; {REMEDY}: {}", path.display())));
    }
    Ok(Table::new(path, REMEDY))
}

fn read_header(folder: &Path) -> Result<Header, RunError> {
    let path = folder.join(REPORT);
    if !is_own_folder(folder) || !is_own_file(&path) {
        return Err(RunError::failed(format!("the run's description is missing or a link; {REMEDY}: {}", path.display())));
    }
    let text = fs::read_to_string(&path).map_err(|e| fault("the run cannot be read; analyse again", &e, &path))?;
    serde_json::from_str(&text).map_err(|e| fault("the run is damaged; analyse again", &e, &path))
}

/// A run whose description cannot be read.
struct Unread(String);

impl Explain for Unread {
    fn explain(&self, _: usize) -> Vec<Contribution> {
        vec![Contribution { name: self.0.clone(), share: 0.0, observed: String::new(), expected: String::new() }]
    }
}
