//! Exports: which rows, re-ranked as the screen shows them, and what the dialog remembers.

use crate::app::command::{ExportOrder, Which};
use crate::app::marks::Marks;
use crate::app::order::Order;
use crate::app::view::View;
use crate::domain::{Contribution, EventKey, Explain, Report};
use crate::engine::{Part, Ranking};
use crate::export::Format;
use foldhash::HashSet;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// What the export dialog holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportForm {
    /// Which rows.
    pub which: Which,
    /// Path without ending.
    pub path: String,
    /// Which formats.
    pub formats: BTreeSet<Format>,
    /// Files that are there already, once they were found; a second go replaces them.
    pub existing: Vec<PathBuf>,
    /// Why nothing was written.
    pub refusal: Option<String>,
}

impl Default for ExportForm {
    fn default() -> Self {
        Self { which: Which::Flagged, path: String::new(), formats: [Format::Csv, Format::Jsonl].into(), existing: vec![], refusal: None }
    }
}

impl ExportForm {
    /// The order this form gives: an ending typed by hand is taken away, so that all files share a stem.
    #[must_use]
    pub fn order(&self) -> ExportOrder {
        let typed = self.path.trim();
        let stem = Format::ALL.iter().find_map(|f| typed.strip_suffix(f.ending())?.strip_suffix('.')).unwrap_or(typed);
        let wanted = self.formats.iter().filter(|_| !stem.is_empty());
        let files = wanted.map(|f| (*f, PathBuf::from(format!("{stem}.{}", f.ending())))).collect();
        ExportOrder { which: self.which, files, replace: !self.existing.is_empty() }
    }
}

/// The same part of the rankings that are not on the screen; what is visible there says nothing of them.
#[must_use]
pub(super) fn elsewhere(which: Which) -> Option<Part> {
    match which {
        Which::Flagged => Some(Part::Flagged),
        Which::Above => Some(Part::Above),
        Which::All => Some(Part::All),
        Which::Visible => None,
    }
}

/// How many rows an export would write.
#[must_use]
pub fn count(view: &View, marks: &Marks, which: Which) -> usize {
    match which {
        Which::Above => view.above(),
        Which::Visible => view.shown(),
        Which::All => view.total(),
        Which::Flagged => {
            let flagged = marks.flagged();
            let Some((ranking, order)) = view.ranking.as_ref().zip(view.order.as_ref()) else { return 0 };
            if flagged.is_empty() { 0 } else { order.subjects.iter().filter(|&&i| flagged.contains(&ranking.report.subjects[i as usize].key)).count() }
        }
    }
}

/// Positions of the rows to write, in rank order.
pub(super) fn positions(view: &View, flagged: &HashSet<EventKey>, which: Which) -> Vec<u32> {
    let Some((ranking, order)) = view.ranking.as_ref().zip(view.order.as_ref()) else { return vec![] };
    match which {
        Which::All => (0..order.len() as u32).collect(),
        Which::Above => (0..view.above() as u32).collect(),
        Which::Visible => {
            let mut positions: Vec<u32> = view.rows.iter(view.shown()).collect();
            positions.sort_unstable();
            positions
        }
        Which::Flagged => (0..order.len() as u32).filter(|&p| flagged.contains(&ranking.report.subjects[order.subjects[p as usize] as usize].key)).collect(),
    }
}

struct Mapped {
    inner: Arc<dyn Explain>,
    subjects: Vec<u32>,
}

impl Explain for Mapped {
    fn explain(&self, index: usize) -> Vec<Contribution> {
        self.subjects.get(index).map(|&i| self.inner.explain(i as usize)).unwrap_or_default()
    }
}

/// The ranking as the screen shows it, cut to `positions`, and the indices to write: the engine's own ranking where nothing differs, else one with
/// the screen's measure, ranks and threshold.
pub(super) fn as_shown(ranking: &Ranking, order: &Order, threshold: f64, positions: &[u32]) -> (Ranking, Vec<usize>) {
    let report = &ranking.report;
    let same = order.by == report.rank_by && threshold == report.threshold && order.len() == report.subjects.len();
    let subjects: Vec<u32> = positions.iter().map(|&p| order.subjects[p as usize]).collect();
    if same {
        return (ranking.clone(), subjects.into_iter().map(|i| i as usize).collect());
    }
    let percentiles = crate::score::percentiles(order.histogram.scores().iter().copied());
    let rows = positions.iter().zip(&subjects).map(|(&position, &i)| {
        let mut subject = report.subjects[i as usize].clone();
        (subject.rank, subject.score, subject.percentile) = (u64::from(position) + 1, order.score(position), percentiles[position as usize]);
        subject
    });
    let shown = Report {
        rank_by: order.by,
        threshold,
        subjects: rows.collect(),
        detector: report.detector,
        preset: report.preset,
        stage: report.stage,
        model_id: report.model_id.clone(),
        device: report.device.clone(),
        curve: report.curve.clone(),
        remarks: report.remarks.clone(),
        validation: report.validation.clone(),
        run: report.run.clone(),
    };
    let which = (0..subjects.len()).collect();
    (Ranking { report: Arc::new(shown), explain: Arc::new(Mapped { inner: Arc::clone(&ranking.explain), subjects }) }, which)
}
