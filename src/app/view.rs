//! The ranking on the screen: measure, threshold, narrowing, sorting, selection.
//!
//! Small rankings are rebuilt at once; big ones on a thread, while the old view stays.

use crate::app::background::{Background, Wake};
use crate::app::hits::Hits;
use crate::app::order::Order;
use crate::app::rows::{Narrow, Rows, Show, Sort, Step};
use crate::app::search::Matcher;
use crate::domain::{DetectorId, EventKey, Ledger, RankBy, Report, Subject, Suppression};
use crate::engine::{Findings, Level, Ranking};
use crate::score::quantile;
use foldhash::HashSet;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a rebuild needs to know besides the ranking.
#[derive(Clone, Default)]
pub(super) struct Sieve {
    /// The search, when there is one.
    pub search: Option<Matcher>,
    /// Events that carry the analyst's flag.
    pub flagged: Arc<HashSet<EventKey>>,
    /// What the analyst called ordinary.
    pub rules: Arc<Suppression>,
    /// What rules found.
    pub findings: Arc<Findings>,
    /// The ledger, which some rules ask.
    pub sources: Arc<Vec<Ledger>>,
}

impl Sieve {
    /// Which subjects rules take out (nothing when there are no rules), and how many each rule does.
    fn out(&self, report: &Report) -> (Vec<bool>, Vec<usize>) {
        let mut counts = vec![0; self.rules.rules().len()];
        if counts.is_empty() {
            return (vec![], counts);
        }
        let found: Vec<Option<usize>> = report.subjects.par_iter().map(|s| self.rules.find(report.detector, s, &self.sources)).collect();
        for rule in found.iter().flatten() {
            counts[*rule] += 1;
        }
        (found.into_iter().map(|rule| rule.is_some()).collect(), counts)
    }
}

impl Sieve {
    /// Positions at which a critical, and at which a high rule is the highest that hit.
    fn severe(&self, report: &Report, order: &Order) -> [Vec<u32>; 2] {
        if self.findings.is_empty() {
            return [vec![], vec![]];
        }
        let levels: Vec<Option<Level>> = order.subjects.par_iter().map(|i| self.findings.highest(&report.subjects[*i as usize])).collect();
        [Level::Critical, Level::High].map(|level| (0..levels.len() as u32).filter(|p| levels[*p as usize] == Some(level)).collect())
    }
}

struct Built {
    order: Arc<Order>,
    suppressed: Option<Vec<usize>>,
    severe: Option<[Vec<u32>; 2]>,
    rows: Arc<Rows>,
    hits: Hits,
}

/// The ranking on the screen.
pub struct View {
    /// What is shown.
    pub ranking: Option<Ranking>,
    /// By which measure.
    pub by: RankBy,
    /// The measure the analyst asked for; a ranking that lacks it is shown by its own.
    pub wanted: Option<RankBy>,
    /// In which order; lags behind `by` while a big one is built.
    pub order: Option<Arc<Order>>,
    /// Which rows.
    pub rows: Arc<Rows>,
    /// What the search marks where it takes nothing away.
    pub hits: Hits,
    /// How many subjects each rule takes out of this ranking.
    pub suppressed: Vec<usize>,
    /// Positions of subjects in which a rule of level critical, or of level high, hit.
    severe: [Vec<u32>; 2],
    /// Where *above* begins.
    pub threshold: f64,
    /// What narrows the rows.
    pub narrow: Narrow,
    /// How they are sorted.
    pub sort: Sort,
    /// The selected subject's index in the report.
    pub selected: Option<u32>,
    /// Those that the analyst chose.
    thresholds: BTreeMap<(DetectorId, RankBy), f64>,
    building: Background<Built>,
}

impl View {
    /// Rankings up to this size are rebuilt at once.
    pub const SMALL: usize = 20_000;
    /// Rows that a page step moves.
    pub const PAGE: usize = 20;

    pub(super) fn new(wake: Wake) -> Self {
        Self {
            ranking: None,
            by: RankBy::default(),
            wanted: None,
            order: None,
            rows: Arc::default(),
            hits: Hits::default(),
            suppressed: vec![],
            severe: [vec![], vec![]],
            threshold: f64::INFINITY,
            narrow: Narrow::default(),
            sort: Sort::default(),
            selected: None,
            thresholds: BTreeMap::new(),
            building: Background::new(wake),
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.building.forget();
        (self.ranking, self.order, self.rows, self.selected) = (None, None, Arc::default(), None);
        (self.threshold, self.narrow, self.by, self.wanted) = (f64::INFINITY, Narrow::default(), RankBy::default(), None);
        self.thresholds.clear();
    }

    /// Shows a ranking; the selection stays on the same event where it is there too.
    pub(super) fn show(&mut self, ranking: Ranking, sieve: &Sieve) {
        let kept = self.subject().map(|s| s.key);
        self.selected = None;
        self.by = self.wanted.filter(|by| has(&ranking, *by)).unwrap_or(ranking.report.rank_by);
        self.ranking = Some(ranking);
        (self.order, self.rows, self.hits) = (None, Arc::default(), Hits::default());
        self.rebuild(sieve, true);
        if let (Some(key), Some(ranking)) = (kept, &self.ranking) {
            self.selected = ranking.report.subjects.iter().position(|s| s.key == key).map(|i| i as u32);
        }
    }

    /// Ranks by another measure.
    pub(super) fn rank_by(&mut self, by: RankBy, sieve: &Sieve) {
        if self.by != by && self.ranking.as_ref().is_some_and(|r| has(r, by)) {
            (self.by, self.wanted) = (by, Some(by));
            self.narrow.bar = None;
            self.rebuild(sieve, true);
        }
    }

    /// Whether the ranking on the screen has a measure.
    #[must_use]
    pub fn has(&self, by: RankBy) -> bool {
        self.ranking.as_ref().is_some_and(|r| has(r, by))
    }

    /// Builds order (when `reorder`) and rows anew.
    pub(super) fn rebuild(&mut self, sieve: &Sieve, reorder: bool) {
        let Some(ranking) = self.ranking.clone() else { return };
        let (by, sort, narrow, threshold) = (self.by, self.sort, self.narrow.clone(), self.threshold);
        let (sieve, old) = (sieve.clone(), self.order.clone().filter(|o| !reorder && o.by == by));
        let small = ranking.report.subjects.len() <= Self::SMALL;
        let work = move |stale: &dyn Fn() -> bool| {
            let report = &ranking.report;
            let (mut suppressed, mut severe) = (None, None);
            let order = if let Some(order) = old {
                order
            } else {
                let (out, counts) = sieve.out(report);
                suppressed = Some(counts);
                let order = Arc::new(Order::new(report, by, &|i| out.get(i as usize).copied().unwrap_or(false), stale)?);
                severe = Some(sieve.severe(report, &order));
                order
            };
            let above = order.histogram.above(threshold);
            let found = |position: u32| {
                let subject = &report.subjects[order.subjects[position as usize] as usize];
                sieve.search.as_ref().is_none_or(|m| m.matches(subject, &order, position, above))
            };
            let keep = |position: u32| {
                let subject = &report.subjects[order.subjects[position as usize] as usize];
                passes(&narrow, subject, order.score(position))
                    && match narrow.show {
                        Show::All => true,
                        Show::Above => ranked(sort) || (position as usize) < above,
                        Show::Flagged => sieve.flagged.contains(&subject.key),
                        Show::Both => (ranked(sort) || (position as usize) < above) && sieve.findings.highest(subject).is_some(),
                        Show::OnlyUnusual => (ranked(sort) || (position as usize) < above) && sieve.findings.highest(subject).is_none(),
                        Show::OnlyRules => (position as usize) >= above && sieve.findings.highest(subject).is_some(),
                    }
                    && (narrow.highlight || found(position))
            };
            let rows = Arc::new(Rows::new(report, &order, sort, &keep, stale)?);
            let hits = if narrow.highlight && sieve.search.is_some() { Hits::new(rows.positions(), order.len(), &found, stale)? } else { Hits::default() };
            Some(Built { order, suppressed, severe, rows, hits })
        };
        if small {
            self.building.forget();
            if let Some(built) = work(&|| false) {
                self.put(built);
            }
        } else {
            self.building.start(work);
        }
    }

    /// Takes what was built.
    pub(super) fn drain(&mut self) {
        if let Some(built) = self.building.take() {
            self.put(built);
        }
    }

    /// Whether a rebuild is under way.
    #[must_use]
    pub fn is_building(&self) -> bool {
        self.building.is_waiting()
    }

    fn put(&mut self, built: Built) {
        let fresh = self.order.as_ref().is_none_or(|old| old.by != built.order.by);
        self.order = Some(built.order);
        self.suppressed = built.suppressed.unwrap_or_else(|| std::mem::take(&mut self.suppressed));
        self.severe = built.severe.unwrap_or_else(|| std::mem::take(&mut self.severe));
        (self.rows, self.hits) = (built.rows, built.hits);
        if fresh {
            self.threshold = self.usual_threshold();
        }
    }

    /// The thresholds that the analyst chose.
    pub(super) fn thresholds(&self) -> Vec<(DetectorId, RankBy, f64)> {
        self.thresholds.iter().filter(|(_, value)| value.is_finite()).map(|(&(detector, by), &value)| (detector, by, value)).collect()
    }

    /// Remembers them for when the rankings they belong to are shown.
    pub(super) fn recall_thresholds(&mut self, kept: Vec<(DetectorId, RankBy, f64)>) {
        self.thresholds.extend(kept.into_iter().map(|(detector, by, value)| ((detector, by), value)));
    }

    fn usual_threshold(&self) -> f64 {
        let (Some(ranking), Some(order)) = (&self.ranking, &self.order) else { return f64::INFINITY };
        let kept = self.thresholds.get(&(ranking.report.detector, order.by)).map(|kept| self.range().map_or(*kept, |(low, high)| kept.clamp(low, high)));
        let own = (order.by == ranking.report.rank_by).then_some(ranking.report.threshold);
        kept.or(own).unwrap_or_else(|| quantile(order.histogram.scores(), 0.99))
    }

    /// Sets the threshold, within the range of scores (a little beyond its top = nothing above).
    pub(super) fn set_threshold(&mut self, value: f64, sieve: &Sieve) {
        let (Some(ranking), Some(order)) = (&self.ranking, &self.order) else { return };
        let Some((low, high)) = self.range() else { return };
        if value.is_nan() {
            return;
        }
        self.threshold = value.clamp(low, high);
        self.thresholds.insert((ranking.report.detector, order.by), self.threshold);
        if self.narrow.show == Show::OnlyRules || cut(self.narrow.show) && !ranked(self.sort) {
            self.rebuild(sieve, false);
        }
    }

    /// The range within which the threshold moves.
    #[must_use]
    pub fn range(&self) -> Option<(f64, f64)> {
        let (low, high) = self.order.as_ref()?.histogram.range()?;
        Some((low, if high > low { high + (high - low) * 0.01 } else { low + low.abs().max(1.0) * 0.01 }))
    }

    /// The score at a quantile.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        self.order.as_ref().map(|o| quantile(o.histogram.scores(), q))
    }

    /// How many subjects are above the threshold.
    #[must_use]
    pub fn above(&self) -> usize {
        self.order.as_ref().map_or(0, |o| o.histogram.above(self.threshold))
    }

    /// Of the subjects in which a critical, or a high, rule hit: how many are above the threshold, and how many there are.
    #[must_use]
    pub fn severe(&self) -> [(usize, usize); 2] {
        let above = self.above();
        self.severe.each_ref().map(|at| (at.partition_point(|p| (*p as usize) < above), at.len()))
    }

    /// How many subjects take part.
    #[must_use]
    pub fn total(&self) -> usize {
        self.order.as_ref().map_or(0, |o| o.len())
    }

    /// How many rows the table shows.
    #[must_use]
    pub fn shown(&self) -> usize {
        match self.narrow.show {
            show if cut(show) && self.rows.is_ranked() => self.rows.above(self.above()),
            _ => self.rows.len(),
        }
    }

    /// The subject index in a row.
    #[must_use]
    pub fn at_row(&self, row: usize) -> Option<u32> {
        let position = self.rows.get(row, self.shown())?;
        self.order.as_ref()?.subjects.get(position as usize).copied()
    }

    /// The row of a subject.
    #[must_use]
    pub fn row_of(&self, subject: u32) -> Option<usize> {
        let position = *self.order.as_ref()?.positions.get(subject as usize)?;
        self.rows.find(position, self.shown())
    }

    /// The selected subject.
    #[must_use]
    pub fn subject(&self) -> Option<&Subject> {
        self.ranking.as_ref()?.report.subjects.get(self.selected? as usize)
    }

    /// A subject by its index.
    #[must_use]
    pub fn subject_at(&self, index: u32) -> Option<&Subject> {
        self.ranking.as_ref()?.report.subjects.get(index as usize)
    }

    /// Moves the selection; whether it moved.
    pub(super) fn step(&mut self, step: Step) -> bool {
        let shown = self.shown();
        let Some(last) = shown.checked_sub(1) else { return false };
        let row = self.selected.and_then(|s| self.row_of(s));
        let to = match (step, row) {
            (Step::Home, _) => 0,
            (Step::End, _) => last,
            (Step::Down | Step::PageDown, None) => 0,
            (Step::Up | Step::PageUp, None) => last,
            (Step::Up, Some(row)) => row.saturating_sub(1),
            (Step::Down, Some(row)) => (row + 1).min(last),
            (Step::PageUp, Some(row)) => row.saturating_sub(Self::PAGE),
            (Step::PageDown, Some(row)) => (row + Self::PAGE).min(last),
        };
        let found = self.at_row(to);
        let moved = found.is_some() && found != self.selected;
        self.selected = found.or(self.selected);
        moved
    }

    /// The nearest subject below the threshold that resembles the selected one: same kind, channel and event ID, then most values in common.
    #[must_use]
    pub fn nearest_ordinary(&self) -> Option<u32> {
        const LOOK_AT: usize = 50_000;
        let (report, order, chosen) = (&self.ranking.as_ref()?.report, self.order.as_ref()?, self.subject()?);
        let alike = |s: &Subject| s.subject == chosen.subject && s.channel == chosen.channel && s.provider == chosen.provider && s.event_id == chosen.event_id;
        let common = |s: &Subject| {
            u32::from(s.image == chosen.image) * 4
                + u32::from(s.computer == chosen.computer) * 2
                + u32::from(s.user == chosen.user) * 2
                + u32::from(s.command_line == chosen.command_line)
        };
        let ordinary = order.subjects.iter().skip(self.above()).take(LOOK_AT).filter(|&&i| Some(i) != self.selected);
        let candidates = ordinary.map(|&i| (i, &report.subjects[i as usize])).filter(|(_, s)| alike(s));
        // The first of the best: the one nearest to the threshold.
        candidates.fold(None::<(u32, u32)>, |best, (i, s)| if best.is_none_or(|(_, c)| common(s) > c) { Some((i, common(s))) } else { best }).map(|(i, _)| i)
    }
}

/// Whether a part of the ranking ends at the threshold.
fn cut(show: Show) -> bool {
    matches!(show, Show::Above | Show::Both | Show::OnlyUnusual)
}

fn ranked(sort: Sort) -> bool {
    matches!(sort.column, crate::app::columns::Column::Rank | crate::app::columns::Column::Score)
}

fn passes(narrow: &Narrow, subject: &Subject, score: f64) -> bool {
    narrow.bar.is_none_or(|(low, high)| (low..=high).contains(&score))
        && narrow.brush.is_none_or(|(from, to)| subject.first_seen.is_some_and(|first| first <= to && subject.last_seen.unwrap_or(first) >= from))
}

/// Whether any subject has a measure: the first ones tell, but all are asked before it is denied.
fn has(ranking: &Ranking, by: RankBy) -> bool {
    let report = &ranking.report;
    report.subjects.is_empty() && by == report.rank_by || report.subjects.iter().any(|s| crate::app::order::value(s, report, by).is_some())
}
