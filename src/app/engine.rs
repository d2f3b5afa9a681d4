//! The seam to the engine: what the session asks to be done, so that tests can put their own in its place.

use crate::app::marks::Mark;
use crate::case::Case;
use crate::case::events::Events;
use crate::control::Notice;
use crate::domain::{DetectorId, EventKey, Ledger, Plan, Rule};
use crate::engine::jobs::Question;
use crate::engine::{Extract, Mapping, Preview, Ranking, Work, jobs};
use crate::export::Format;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A case that nobody has saved, left by a window that was closed or killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsaved {
    /// Its folder.
    pub dir: PathBuf,
    /// When it was last used, nanoseconds UTC.
    pub used: Option<i64>,
}

/// Makes the parts of rankings that are to be written, the one on the screen first.
pub type Extracts = Box<dyn FnOnce() -> Vec<Extract> + Send>;

/// Makes the jobs that the session hands to its workers.
pub trait Engine: Send + Sync {
    /// Reads evidence into a case (a new one without `into`), or opens a case folder.
    fn open(&self, paths: Vec<PathBuf>, into: Option<Case>, zone: Option<String>) -> Work;
    /// Whether a path is a case to be opened as one: what lies in the evidence of the open case is evidence.
    fn is_case(&self, path: &Path, open: Option<&Case>) -> bool {
        Case::is_case_outside(path, &open.map(Case::evidence).unwrap_or_default())
    }
    /// What an unknown table looks like; called on a thread of its own.
    ///
    /// # Errors
    /// Why it is no table.
    fn preview(&self, path: &Path) -> Result<Preview, String> {
        crate::engine::preview(path)
    }
    /// Trains the networks of process behaviour side by side.
    fn compare(&self, case: Case, plan: Plan) -> Work {
        crate::engine::compare(case, plan)
    }
    /// Remembers what a table's columns mean, and reads it with them.
    fn open_mapped(&self, mapping: Mapping, source: String, file: PathBuf, into: Option<Case>, zone: Option<String>) -> Work {
        jobs::open_mapped(mapping, source, file, into, zone)
    }
    /// Unsaved cases of windows that are gone, newest first; may read folders.
    fn unsaved(&self) -> Vec<Unsaved>;
    /// Opens one of them again.
    fn recover(&self, dir: PathBuf) -> Work;
    /// Deletes one of them; called on the writer's thread.
    fn remove(&self, dir: PathBuf);
    /// Deletes a case once nobody uses it any more, if it was never saved.
    fn discard(&self, case: Case);
    /// Opens the built-in demo case.
    fn demo(&self) -> Work;
    /// Trains and ranks.
    fn analyse(&self, case: Case, plan: Plan) -> Work;
    /// Finds out what the drill-down shows.
    fn ask(&self, case: Case, question: Question) -> Work;
    /// Reads an event's record in the evidence again, as XML.
    fn render(&self, case: Case, key: EventKey) -> Work {
        jobs::render(case, key)
    }
    /// Writes parts of rankings, made on the job's thread, into files; `title` names the case, `part` says in words which rows.
    fn export(&self, case: Case, title: String, part: String, extracts: Extracts, files: Vec<(Format, PathBuf)>) -> Work;
    /// Writes events into a file.
    fn export_events(&self, case: Case, events: Arc<Events>, rows: Arc<Vec<u32>>, path: PathBuf) -> Work {
        jobs::export_events(case, events, rows, path)
    }
    /// Hashes every source again and tells what differs.
    fn verify(&self, case: Case) -> Work {
        crate::engine::jobs::verify(case)
    }
    /// Looks for a list of indicators in the case and its rankings.
    fn indicators(&self, case: Case, path: PathBuf, rankings: Vec<Ranking>) -> Work {
        jobs::indicators(case, path, rankings)
    }
    /// Saves what a plan's known-good evidence teaches as a file.
    fn save_baseline(&self, plan: Plan, description: String, out: PathBuf) -> Work {
        jobs::save_baseline(plan, description, out)
    }
    /// Adds what was said in an exported ranking.
    fn import(&self, case: Case, path: PathBuf) -> Work;
    /// Puts the case where it is to stay.
    fn save_as(&self, case: Case, dir: PathBuf) -> Work;
    /// Whether each detector can run on the case, from its ledger alone.
    fn applies(&self, case: &Case) -> Vec<(DetectorId, Result<(), String>)>;
    /// The case's ledger.
    fn sources(&self, case: &Case) -> Arc<Vec<Ledger>>;
    /// The case's name, once it has been saved under one.
    fn name(&self, case: &Case) -> Option<String>;
    /// What was worth knowing when it was opened.
    fn notices(&self, case: &Case) -> Vec<Notice>;
    /// Everything the analyst said of its events.
    fn marks(&self, case: &Case) -> Vec<(EventKey, Mark)>;
    /// Commits what the analyst said; called on the writer's thread.
    ///
    /// # Errors
    /// Why it could not be kept.
    fn annotate(&self, case: &Case, marks: &[(EventKey, Mark)]) -> Result<(), String>;
    /// Writes the labels that the analyst gave in the case; called on the writer's thread.
    ///
    /// # Errors
    /// Why they could not be written.
    fn export_labels(&self, case: &Case, path: &std::path::Path) -> Result<usize, String> {
        crate::engine::export_labels(case, path).map_err(|e| e.to_string())
    }
    /// What was called ordinary in the case.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn rules(&self, case: &Case) -> Result<Vec<Rule>, String> {
        case.rules().map_err(|e| e.to_string())
    }
    /// Keeps what was called ordinary in the case; called on the writer's thread.
    ///
    /// # Errors
    /// Why it could not be kept.
    fn set_rules(&self, case: &Case, rules: &[Rule]) -> Result<(), String> {
        case.set_rules(rules).map_err(|e| e.to_string())
    }
    /// A setting kept in the case.
    fn setting(&self, case: &Case, key: &str) -> Option<String>;
    /// Keeps a setting in the case; called on the writer's thread.
    ///
    /// # Errors
    /// Why it could not be kept.
    fn set_setting(&self, case: &Case, key: &str, value: &str) -> Result<(), String>;
    /// Which device trains by default, and why, in one line.
    fn device(&self) -> String;
}
