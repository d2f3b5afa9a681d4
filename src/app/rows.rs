//! Which subjects the table shows, and in which order.

use crate::app::columns::{Column, compare};
use crate::app::order::Order;
use crate::domain::Report;
use serde::{Deserialize, Serialize};

/// A step of the selection through the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Step {
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
}

/// Which part of the ranking the table shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Show {
    /// Everything.
    #[default]
    All,
    /// At or above the threshold.
    Above,
    /// Carrying the analyst's flag.
    Flagged,
    /// Above the threshold, and a rule hit.
    Both,
    /// Above the threshold, and no rule hit.
    OnlyUnusual,
    /// A rule hit, and below the threshold.
    OnlyRules,
}

/// What narrows the table besides the search text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Narrow {
    /// The search text.
    pub search: String,
    /// The search marks what it finds and takes nothing away.
    pub highlight: bool,
    /// Scores from..=to of the bar that was clicked.
    pub bar: Option<(f64, f64)>,
    /// Times from..=to of the strip's brush, nanoseconds UTC.
    pub brush: Option<(i64, i64)>,
    /// Which part of the ranking.
    pub show: Show,
}

impl Narrow {
    /// Whether anything is narrowed besides [`Narrow::show`].
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.is_searching() || self.bar.is_some() || self.brush.is_some()
    }

    /// Whether the search takes rows away.
    #[must_use]
    pub fn is_searching(&self) -> bool {
        !self.highlight && !self.search.trim().is_empty()
    }
}

/// How the table is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// By what.
    pub column: Column,
    /// Largest or last first.
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { column: Column::Rank, descending: false }
    }
}

/// The subjects that pass, as positions in an [`Order`], in the order in which they are shown; *above* is applied when looked at, so that a
/// dragged threshold costs nothing.
#[derive(Debug, Default)]
pub struct Rows {
    /// Positions, in shown order.
    positions: Vec<u32>,
    /// Positions ascending, kept when the shown order differs.
    ranked: Option<Vec<u32>>,
    /// Rank order upside down.
    reversed: bool,
}

impl Rows {
    /// Passes every position for which `keep` holds and sorts them. `None` when stale.
    #[must_use]
    pub fn new(report: &Report, order: &Order, sort: Sort, keep: &dyn Fn(u32) -> bool, stale: &dyn Fn() -> bool) -> Option<Self> {
        let mut positions = vec![];
        for position in 0..order.len() as u32 {
            if position % 4096 == 0 && stale() {
                return None;
            }
            if keep(position) {
                positions.push(position);
            }
        }
        if matches!(sort.column, Column::Rank | Column::Score) {
            return Some(Self { positions, ranked: None, reversed: sort.descending != (sort.column == Column::Score) });
        }
        let ranked = positions.clone();
        let subject = |p: u32| order.subjects[p as usize];
        positions.sort_by(|&a, &b| {
            let by = compare(report, order, sort.column, subject(a), subject(b), sort.descending);
            by.then(a.cmp(&b))
        });
        (!stale()).then_some(Self { positions, ranked: Some(ranked), reversed: false })
    }

    /// How many pass.
    #[must_use]
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Whether none passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// How many of them are among the first `above` positions.
    #[must_use]
    pub fn above(&self, above: usize) -> usize {
        self.ranked.as_ref().unwrap_or(&self.positions).partition_point(|&p| (p as usize) < above)
    }

    /// The position shown in row `row` of `shown` rows (all of them, or [`Rows::above`] many when only those above are shown in rank order).
    #[must_use]
    pub fn get(&self, row: usize, shown: usize) -> Option<u32> {
        let at = if self.reversed { shown.checked_sub(row + 1)? } else { row };
        self.positions.get(at).copied()
    }

    /// The row that shows a position, among `shown`.
    #[must_use]
    pub fn find(&self, position: u32, shown: usize) -> Option<usize> {
        let at = match self.ranked {
            None => self.positions.binary_search(&position).ok()?,
            Some(_) => self.positions.iter().position(|&p| p == position)?,
        };
        if at >= shown {
            return None;
        }
        Some(if self.reversed { shown - 1 - at } else { at })
    }

    /// The positions that pass.
    #[must_use]
    pub fn positions(&self) -> &[u32] {
        &self.positions
    }

    /// Whether cutting the shown order at a rank is the same as keeping what is above it.
    #[must_use]
    pub fn is_ranked(&self) -> bool {
        self.ranked.is_none()
    }

    /// The positions in shown order.
    pub fn iter(&self, shown: usize) -> impl Iterator<Item = u32> + '_ {
        (0..shown).filter_map(move |row| self.get(row, shown))
    }
}
