//! How often each value was seen: of each field, and of each field given the event type; and the surprises in bits that follow.

use super::read::{Cell, Row};
use std::collections::HashMap;

/// How many sightings of its own a type needs before they outweigh what other types say of a field.
const PULL: f64 = 20.0;
/// Bits of a field that the counts do not know at all.
pub(super) const UNSEEN_FIELD: f64 = 6.0;

/// One field of one type: its total and its values' weights, by code.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Slot {
    pub total: f64,
    pub values: Vec<(u32, f64)>,
}

impl Slot {
    /// Adds weight to a value; values must come in ascending order.
    pub(super) fn add(&mut self, value: u32, weight: f64) {
        self.total += weight;
        match self.values.last_mut() {
            Some(last) if last.0 == value => last.1 += weight,
            _ => self.values.push((value, weight)),
        }
    }

    pub(super) fn of(&self, value: u32) -> f64 {
        self.values.binary_search_by_key(&value, |pair| pair.0).map_or(0.0, |at| self.values[at].1)
    }
}

/// Weighted counts over unique events.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counts {
    /// By type code.
    pub kinds: Vec<f64>,
    pub total: f64,
    pub known_kinds: f64,
    /// By field code.
    pub fields: Vec<Slot>,
    /// By (type, field).
    pub slots: HashMap<(u32, u32), Slot, foldhash::fast::RandomState>,
}

impl Counts {
    /// Counts rows, each by its weight; the order of rows fixes the order of the sums.
    pub(super) fn new<'a>(rows: impl Iterator<Item = (&'a Row, f64)>) -> Self {
        let mut counts = Self::default();
        let mut triples: Vec<(u32, u32, u32, f64)> = Vec::new();
        for (row, weight) in rows {
            let kind = row.kind as usize;
            if counts.kinds.len() <= kind {
                counts.kinds.resize(kind + 1, 0.0);
            }
            counts.kinds[kind] += weight;
            triples.extend(row.cells.iter().map(|&(field, value)| (row.kind, field, value, weight)));
        }
        // Stable: equal keys keep row order, so that sums do not depend on the sort.
        triples.sort_by_key(|&(kind, field, value, _)| (field, value, kind));
        for &(_, field, value, weight) in &triples {
            let field = field as usize;
            if counts.fields.len() <= field {
                counts.fields.resize(field + 1, Slot::default());
            }
            counts.fields[field].add(value, weight);
        }
        for (kind, field, value, weight) in triples {
            counts.slots.entry((kind, field)).or_default().add(value, weight);
        }
        counts.finish();
        counts
    }

    /// Recomputes the totals that follow from the rest.
    pub(super) fn finish(&mut self) {
        self.total = self.kinds.iter().sum();
        self.known_kinds = self.kinds.iter().filter(|weight| **weight > 0.0).count() as f64;
    }

    /// -log2 of the type's share.
    pub(super) fn kind_bits(&self, kind: u32) -> f64 {
        let seen = self.kinds.get(kind as usize).copied().unwrap_or(0.0);
        -((seen + 0.5) / (self.total + 0.5 * (self.known_kinds + 1.0))).log2()
    }

    /// p(value | field), over all types.
    fn field_probability(&self, (field, value): Cell) -> f64 {
        let Some(slot) = self.fields.get(field as usize) else { return 1.0 };
        (slot.of(value) + 1.0 / (slot.values.len() as f64 + 1.0)) / (slot.total + 1.0)
    }

    /// p(value | type, field), leaning on p(value | field) where the type was seen little.
    pub(super) fn probability(&self, kind: u32, cell: Cell) -> f64 {
        let back = self.field_probability(cell);
        self.slots.get(&(kind, cell.0)).map_or(back, |slot| (slot.of(cell.1) + PULL * back) / (slot.total + PULL))
    }

    /// Surprise of a value, in bits.
    pub(super) fn bits(&self, kind: u32, cell: Cell) -> f64 {
        let known = self.fields.get(cell.0 as usize).is_some_and(|slot| slot.total > 0.0);
        if known { -self.probability(kind, cell).log2() } else { UNSEEN_FIELD }
    }

    /// The classic: -log2 of the smoothed share of the value among its type's.
    pub(super) fn classic_bits(&self, kind: u32, cell: Cell) -> f64 {
        let Some(slot) = self.slots.get(&(kind, cell.0)) else { return UNSEEN_FIELD };
        -((slot.of(cell.1) + 1.0) / (slot.total + slot.values.len() as f64 + 1.0)).log2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: u32, cells: &[Cell]) -> Row {
        Row { kind, cells: cells.into() }
    }

    #[test]
    fn probabilities_follow_the_formulas() {
        // Type 0 thrice with value 0 of field 0, once with value 1; type 1 once with value 1.
        let (a, b, c) = (row(0, &[(0, 0)]), row(0, &[(0, 1)]), row(1, &[(0, 1)]));
        let counts = Counts::new([(&a, 3.0), (&b, 1.0), (&c, 1.0)].into_iter());
        assert_eq!((counts.total, counts.known_kinds), (5.0, 2.0));
        // p(v=1 | f) = (2 + 1/3) / 6; p(v=1 | t=0, f) = (1 + 20 p) / 24.
        let back = (2.0 + 1.0 / 3.0) / 6.0;
        assert!((counts.probability(0, (0, 1)) - (1.0 + 20.0 * back) / 24.0).abs() < 1e-12);
        assert!((counts.kind_bits(1) + (1.5f64 / 6.5).log2()).abs() < 1e-12);
        // Never seen: (0 + 1/3) / 6 and (0 + 20 p) / 24.
        assert!((counts.bits(0, (0, 9)) + (20.0 / 18.0 / 24.0f64).log2()).abs() < 1e-12);
        assert_eq!(counts.bits(0, (7, 0)), UNSEEN_FIELD);
        // (3 + 1) / (4 + 2 + 1).
        assert!((counts.classic_bits(0, (0, 0)) + (4.0f64 / 7.0).log2()).abs() < 1e-12);
    }
}
