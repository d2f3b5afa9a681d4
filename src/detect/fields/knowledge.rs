//! What is ordinary, learned by counting: the counts and the trees, from a baseline, the case, or both.

use super::counts::Counts;
use super::read::Row;
use super::tails::Tails;
use super::tree::Trees;
use super::unique::Uniques;
use std::collections::BTreeMap;

/// Counts and trees, and the surprises that follow from them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Knowledge {
    pub counts: Counts,
    pub trees: Trees,
}

/// One field's surprises in one row, in bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct CellBits {
    /// Given the type.
    pub alone: f64,
    /// Given the type and the field that foretells it best.
    pub given: f64,
}

impl CellBits {
    /// What counts towards the recommended score.
    pub(super) fn score(self) -> f64 {
        f64::midpoint(self.alone, self.given)
    }
}

/// Sightings (minutes) that make a baseline know a type.
const COVERS: f64 = 20.0;

/// Rows that teach, each with its weight: a baseline's by the minutes in which they were seen; the case's own each once at `own_weight` for types
/// that the baseline has seen often enough, and by their minutes for the others.
pub(super) fn teachers<'a>(baselines: &'a [Uniques], case: &'a Uniques, own_weight: f64) -> Vec<(&'a Row, f64)> {
    let mut rows: Vec<(&Row, f64)> = baselines.iter().flat_map(|base| base.rows.iter().zip(base.cells.iter().copied())).collect();
    let mut seen: BTreeMap<u32, f64> = BTreeMap::new();
    for (row, weight) in &rows {
        *seen.entry(row.kind).or_default() += weight;
    }
    let covered = |kind: u32| seen.get(&kind).is_some_and(|weight| *weight >= COVERS);
    rows.extend(case.rows.iter().zip(&case.cells).map(|(row, cells)| (row, if covered(row.kind) { own_weight } else { *cells })));
    rows.retain(|(_, weight)| *weight > 0.0);
    rows
}

impl Knowledge {
    /// Learns the counts alone: enough for rarity.
    pub(super) fn counted(rows: &[(&Row, f64)]) -> Self {
        Self { counts: Counts::new(rows.iter().copied()), trees: Trees::default() }
    }

    /// Learns the trees too.
    pub(super) fn grow(&mut self, rows: &[(&Row, f64)]) {
        self.trees = Trees::new(rows, &self.counts);
    }

    /// The type's own surprise.
    pub(super) fn kind_bits(&self, row: &Row) -> f64 {
        self.counts.kind_bits(row.kind)
    }

    /// Every cell's surprises.
    pub(super) fn cells(&self, row: &Row) -> impl Iterator<Item = CellBits> {
        row.cells.iter().map(|&cell| {
            let alone = self.counts.bits(row.kind, cell);
            CellBits { alone, given: self.trees.bits(row, cell, alone) }
        })
    }

    /// Every cell's surprise given the type alone.
    pub(super) fn cells_alone(&self, row: &Row) -> impl Iterator<Item = f64> {
        row.cells.iter().map(|&cell| self.counts.bits(row.kind, cell))
    }

    /// The additive score, without process context; with `tails` under the rule for one low-variety channel.
    pub(super) fn score(&self, row: &Row, tails: Option<&Tails>) -> f64 {
        let cells = row.cells.iter().zip(self.cells(row)).map(|(cell, bits)| tails.map_or_else(|| bits.score(), |tails| tails.score(cell.0, bits)));
        self.kind_score(row, tails.is_some()) + cells.sum::<f64>()
    }

    /// The type's part of the score.
    pub(super) fn kind_score(&self, row: &Row, low_variety: bool) -> f64 {
        self.kind_bits(row) * if low_variety { 0.5 } else { 1.0 }
    }

    /// The classic: a sum of -log2 of each value's share among its type's.
    pub(super) fn rarity(&self, row: &Row) -> f64 {
        row.cells.iter().map(|&cell| self.counts.classic_bits(row.kind, cell)).sum()
    }
}
