//! Which field of a type foretells which: a maximum spanning tree over mutual information (Chow and Liu), and the counts along its edges.

use super::counts::Counts;
use super::read::{NONE, Row};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// Fields of a type that take part: the best filled.
const FIELDS: usize = 24;
/// Bits below which two fields count as independent.
const EDGE: f64 = 0.05;
/// How many sightings of a parent's value outweigh what the field says alone.
const PULL: f64 = 8.0;
/// Rows of a type that the mutual information is measured on.
const SAMPLE: usize = 20_000;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Parents and joint counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Trees {
    /// (type, field) -> parent field.
    pub parents: Map<(u32, u32), u32>,
    /// (type, field, parent's value) -> values of the field with their weights; a missing parent has the value [`NONE`].
    pub given: Map<(u32, u32, u32), super::counts::Slot>,
}

impl Trees {
    /// Learns one tree per type from weighted rows.
    pub(super) fn new(rows: &[(&Row, f64)], counts: &Counts) -> Self {
        let mut by_kind: BTreeMap<u32, Vec<(&Row, f64)>> = BTreeMap::new();
        for &(row, weight) in rows {
            by_kind.entry(row.kind).or_default().push((row, weight));
        }
        let kinds: Vec<(u32, Vec<(&Row, f64)>)> = by_kind.into_iter().collect();
        let learned: Vec<_> = kinds.par_iter().map(|(kind, rows)| (*kind, parents(*kind, rows, counts))).collect();
        let mut trees = Self::default();
        for ((kind, rows), (_, parents)) in kinds.iter().zip(learned) {
            for &(field, parent) in &parents {
                trees.parents.insert((*kind, field), parent);
            }
            trees.count(*kind, rows, &parents);
        }
        trees
    }

    fn count(&mut self, kind: u32, rows: &[(&Row, f64)], parents: &[(u32, u32)]) {
        for &(field, parent) in parents {
            let mut pairs: Vec<(u32, u32, f64)> = rows.iter().filter_map(|(row, weight)| Some((value(row, parent), present(row, field)?, *weight))).collect();
            pairs.sort_by_key(|&(u, v, _)| (u, v));
            for (u, v, weight) in pairs {
                self.given.entry((kind, field, u)).or_default().add(v, weight);
            }
        }
    }

    /// Surprise of a cell given the value of its field's parent in the same row, in bits; `alone` where the field has no parent.
    pub(super) fn bits(&self, row: &Row, (field, value_seen): (u32, u32), alone: f64) -> f64 {
        let Some(&parent) = self.parents.get(&(row.kind, field)) else { return alone };
        let back = PULL * (-alone).exp2();
        let (seen, total) = self.given.get(&(row.kind, field, value(row, parent))).map_or((0.0, 0.0), |slot| (slot.of(value_seen), slot.total));
        -((seen + back) / (total + PULL)).log2()
    }
}

/// The code of a field's value in a row, if it is there.
pub(super) fn present(row: &Row, field: u32) -> Option<u32> {
    row.cells.binary_search_by_key(&field, |cell| cell.0).ok().map(|at| row.cells[at].1)
}

/// The same with [`NONE`] for a missing field.
fn value(row: &Row, field: u32) -> u32 {
    present(row, field).unwrap_or(NONE)
}

/// (field, parent) for every field of a type that has a parent.
fn parents(kind: u32, rows: &[(&Row, f64)], counts: &Counts) -> Vec<(u32, u32)> {
    let mut fields: Vec<u32> = rows.iter().flat_map(|(row, _)| row.cells.iter().map(|cell| cell.0)).collect();
    fields.sort_unstable();
    fields.dedup();
    let filled = |field: u32| counts.slots.get(&(kind, field)).map_or(0.0, |slot| slot.total);
    fields.sort_by(|a, b| filled(*b).total_cmp(&filled(*a)).then(a.cmp(b)));
    fields.truncate(FIELDS);
    let step = rows.len().div_ceil(SAMPLE).max(1);
    let sample: Vec<(Vec<u32>, f64)> =
        rows.iter().step_by(step).map(|(row, weight)| (fields.iter().map(|&field| value(row, field)).collect(), *weight)).collect();
    let columns: Vec<Column> = (0..fields.len()).map(|at| Column::new(&sample, at)).collect();
    let mut edges: Vec<(f64, usize, usize)> = Vec::new();
    for a in 0..fields.len() {
        for b in a + 1..fields.len() {
            let bits = information(&sample, &columns, a, b);
            if bits > EDGE {
                edges.push((bits, a, b));
            }
        }
    }
    edges.sort_by(|x, y| y.0.total_cmp(&x.0).then((x.1, x.2).cmp(&(y.1, y.2))));
    orient(&edges, fields.len()).into_iter().map(|(child, parent)| (fields[child], fields[parent])).collect()
}

/// The weights of one column's values, renumbered from 0.
struct Column {
    codes: Vec<u32>,
    weights: Vec<f64>,
}

impl Column {
    fn new(sample: &[(Vec<u32>, f64)], at: usize) -> Self {
        let mut index: Map<u32, u32> = Map::default();
        let mut column = Self { codes: Vec::with_capacity(sample.len()), weights: Vec::new() };
        for (row, weight) in sample {
            let next = column.weights.len() as u32;
            let code = *index.entry(row[at]).or_insert(next);
            if code == next {
                column.weights.push(0.0);
            }
            column.weights[code as usize] += weight;
            column.codes.push(code);
        }
        column
    }
}

/// Mutual information in bits, less what chance alone gives (Miller and Madow).
fn information(sample: &[(Vec<u32>, f64)], columns: &[Column], a: usize, b: usize) -> f64 {
    let (left, right) = (&columns[a], &columns[b]);
    if left.weights.len() < 2 || right.weights.len() < 2 {
        return 0.0;
    }
    let mut index: Map<(u32, u32), u32> = Map::default();
    let mut joint: Vec<(u32, u32, f64)> = Vec::new();
    for ((&u, &v), (_, weight)) in left.codes.iter().zip(&right.codes).zip(sample) {
        let next = joint.len() as u32;
        let at = *index.entry((u, v)).or_insert(next);
        if at == next {
            joint.push((u, v, 0.0));
        }
        joint[at as usize].2 += weight;
    }
    let total: f64 = left.weights.iter().sum();
    let bits: f64 = joint.iter().map(|&(u, v, w)| w / total * (w * total / (left.weights[u as usize] * right.weights[v as usize])).log2()).sum();
    let chance = (joint.len() as f64 - left.weights.len() as f64 - right.weights.len() as f64 + 1.0) / (2.0 * total * std::f64::consts::LN_2);
    bits - chance
}

/// A spanning forest of the best edges, each tree hung from its best-filled field; (child, parent) pairs.
fn orient(edges: &[(f64, usize, usize)], fields: usize) -> Vec<(usize, usize)> {
    let mut group: Vec<usize> = (0..fields).collect();
    let mut neighbours: Vec<Vec<usize>> = vec![Vec::new(); fields];
    for &(_, a, b) in edges {
        let (from, to) = (group[b], group[a]);
        if from != to {
            group.iter_mut().filter(|g| **g == from).for_each(|g| *g = to);
            neighbours[a].push(b);
            neighbours[b].push(a);
        }
    }
    let mut pairs = Vec::new();
    let mut seen = vec![false; fields];
    for root in 0..fields {
        let mut queue = vec![root];
        if std::mem::replace(&mut seen[root], true) {
            continue;
        }
        while let Some(parent) = queue.pop() {
            for &child in &neighbours[parent] {
                if !std::mem::replace(&mut seen[child], true) {
                    pairs.push((child, parent));
                    queue.push(child);
                }
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_follows_another_hangs_from_it_and_an_independent_one_does_not() {
        // Field 1 repeats field 0; field 2 is independent of both.
        let rows: Vec<Row> = (0..64u32).map(|i| Row { kind: 0, cells: [(0, i % 2), (1, i % 2), (2, i / 2 % 2)].into() }).collect();
        let weighted: Vec<(&Row, f64)> = rows.iter().map(|row| (row, 1.0)).collect();
        let counts = Counts::new(weighted.iter().copied());
        let trees = Trees::new(&weighted, &counts);
        assert_eq!(trees.parents.get(&(0, 1)), Some(&0));
        assert_eq!(trees.parents.len(), 1);
        // The usual pair: (32 + 8 * .5) / (32 + 8); a recombined one: (0 + 8 * .5) / (32 + 8).
        assert!((trees.bits(&rows[0], (1, 0), 1.0) + (36.0f64 / 40.0).log2()).abs() < 1e-12);
        assert!((trees.bits(&rows[0], (1, 1), 1.0) + (4.0f64 / 40.0).log2()).abs() < 1e-12);
        assert_eq!(trees.bits(&rows[0], (2, 0), 1.0), 1.0);
    }
}
