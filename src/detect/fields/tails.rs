//! For a log of one low-variety channel, such as a Task Scheduler log alone: how far out in the tail each field's surprise lies among all events.
//!
//! Source: Li et al., COPOD: Copula-Based Outlier Detection, 2020. Only the right tail counts, since only much surprise is unusual.

use super::knowledge::{CellBits, Knowledge};
use super::read::Row;
use std::collections::BTreeMap;

/// Event types and modelled fields up to which one channel counts as low-variety.
const MOST_KINDS: usize = 48;
const MOST_FIELDS: usize = 16;
/// Unique events below which a tail means nothing.
const FEWEST_ROWS: usize = 20;

/// Each field's surprises over all unique events, sorted; events without the field have none.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tails {
    columns: BTreeMap<u32, Vec<f64>>,
    rows: f64,
}

impl Tails {
    /// `None` where the rule does not apply: several channels, or one with many types or fields.
    pub(super) fn of(rows: &[Row], channels: usize, knowledge: &Knowledge) -> Option<Self> {
        let kinds: std::collections::BTreeSet<u32> = rows.iter().map(|row| row.kind).collect();
        if channels != 1 || rows.len() < FEWEST_ROWS || kinds.len() > MOST_KINDS {
            return None;
        }
        let mut columns: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
        for row in rows {
            for (cell, bits) in row.cells.iter().zip(knowledge.cells(row)) {
                columns.entry(cell.0).or_default().push(bits.score());
            }
            if columns.len() > MOST_FIELDS {
                return None;
            }
        }
        for column in columns.values_mut() {
            column.sort_unstable_by(f64::total_cmp);
        }
        Some(Self { columns, rows: rows.len() as f64 })
    }

    /// -log2 of the share of unique events whose surprise in `field` is at least `bits`.
    pub(super) fn bits(&self, field: u32, bits: f64) -> f64 {
        let Some(column) = self.columns.get(&field) else { return 0.0 };
        let at_least = column.len() - column.partition_point(|other| *other < bits);
        if bits <= 0.0 || at_least == 0 { 0.0 } else { (self.rows / at_least as f64).log2() }
    }

    /// A field's part of the score under this rule: the mean of its surprise and how far out that lies.
    pub(super) fn score(&self, field: u32, bits: CellBits) -> f64 {
        f64::midpoint(bits.score(), self.bits(field, bits.score()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_shares_of_rows_at_or_above() {
        let tails = Tails { columns: [(7, vec![1.0, 1.0, 3.0])].into(), rows: 4.0 };
        assert_eq!((tails.bits(7, 3.0), tails.bits(7, 1.0), tails.bits(7, 0.0), tails.bits(8, 3.0)), (2.0, (4.0f64 / 3.0).log2(), 0.0, 0.0));
    }
}
