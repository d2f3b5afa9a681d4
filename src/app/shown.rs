//! The rows that the screen shows, re-ranked as it shows them, for a thread to count and to write.

use crate::app::export::Which;
use crate::app::marks::Marks;
use crate::app::order::Order;
use crate::app::rows::Rows;
use crate::app::view::View;
use crate::domain::{Contribution, EventKey, Explain, Report};
use crate::engine::{Part, Ranking};
use foldhash::HashSet;
use std::sync::Arc;

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

/// What the screen shows, for a thread to count and to write.
#[derive(Clone)]
pub(super) struct Shown {
    pub ranking: Ranking,
    pub order: Arc<Order>,
    rows: Arc<Rows>,
    above: usize,
    visible: usize,
    flagged: Arc<HashSet<EventKey>>,
}

impl Shown {
    /// What a view shows now; `None` without a ranking.
    pub(super) fn of(view: &View, marks: &Marks) -> Option<Self> {
        Some(Self {
            ranking: view.ranking.clone()?,
            order: view.order.clone()?,
            rows: Arc::clone(&view.rows),
            above: view.above(),
            visible: view.shown(),
            flagged: Arc::clone(marks.flagged()),
        })
    }

    /// Positions of the rows to write, in rank order.
    pub(super) fn positions(&self, which: Which) -> Vec<u32> {
        match which {
            Which::All => (0..self.order.len() as u32).collect(),
            Which::Above => (0..self.above as u32).collect(),
            Which::Visible => {
                let mut positions: Vec<u32> = self.rows.iter(self.visible).collect();
                positions.sort_unstable();
                positions
            }
            Which::Flagged => {
                let subjects = &self.ranking.report.subjects;
                let flagged = |p: &u32| self.flagged.contains(&subjects[self.order.subjects[*p as usize] as usize].key);
                if self.flagged.is_empty() { vec![] } else { (0..self.order.len() as u32).filter(flagged).collect() }
            }
        }
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

    fn json(&self, index: usize) -> Option<String> {
        self.inner.json(*self.subjects.get(index)? as usize)
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
