//! The linear autoencoder beside the count: what of an event's surprise four directions cannot explain.
//!
//! A row is sqrt(bits) at its type and at each of its (field, value) pairs, so that with no code at all the squared error is the row's surprise in
//! bits, and with one it is the surprise the network could not explain.

use super::knowledge::Knowledge;
use super::read::{Cell, Row};
use crate::control::{Control, RunError};
use crate::domain::{FieldsSettings, Plan};
use crate::nn::{Device, FitConfig, LinearAutoencoder, LinearConfig, Projection, SparseRows, fit};
use rayon::prelude::*;
use std::collections::HashMap;

/// Stands for "the type" where a cell names a field.
const KIND: u32 = u32::MAX;
/// Columns of the network: the most frequent ones. What has none counts with all of its bits.
const MOST_COLUMNS: usize = 1 << 15;
/// Rows that are trained on at most; more are sampled evenly.
const MOST_ROWS: usize = 1 << 15;

/// Which column each type and each (field, value) pair has.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Columns {
    pub cells: Vec<Cell>,
    index: HashMap<Cell, u32, foldhash::fast::RandomState>,
}

impl Columns {
    pub(super) fn new(cells: Vec<Cell>) -> Self {
        let index = cells.iter().enumerate().map(|(at, &cell)| (cell, at as u32)).collect();
        Self { cells, index }
    }

    /// Every pair that at least two rows have, the most frequent first where they are too many.
    fn learn(rows: &[(&Row, f64)]) -> Self {
        let mut cells: Vec<Cell> = rows.iter().flat_map(|(row, _)| std::iter::once((KIND, row.kind)).chain(row.cells.iter().copied())).collect();
        cells.par_sort_unstable();
        let mut counted: Vec<(usize, Cell)> = cells.chunk_by(|a, b| a == b).filter(|run| run.len() > 1).map(|run| (run.len(), run[0])).collect();
        counted.sort_unstable_by_key(|&(count, cell)| (std::cmp::Reverse(count), cell));
        counted.truncate(MOST_COLUMNS);
        let mut cells: Vec<Cell> = counted.into_iter().map(|(_, cell)| cell).collect();
        cells.sort_unstable();
        Self::new(cells)
    }

    /// A row in columns, type first, then its cells in order; what has no column gets one beyond the last, which the network takes for unexplained.
    fn encode(&self, row: &Row, knowledge: &Knowledge) -> Vec<(u32, f32)> {
        let column = |cell: Cell| self.index.get(&cell).copied().unwrap_or(u32::MAX);
        let root = |bits: f64| bits.max(0.0).sqrt() as f32;
        let kind = (column((KIND, row.kind)), root(knowledge.kind_bits(row)));
        let cells = row.cells.iter().zip(knowledge.cells_alone(row)).map(|(&cell, bits)| (column(cell), root(bits)));
        std::iter::once(kind).chain(cells).collect()
    }
}

/// A trained network, ready to score.
pub(super) struct Network {
    pub model: LinearAutoencoder,
    pub projection: Projection,
    pub columns: Columns,
    pub code: usize,
}

impl Network {
    /// Trains on weighted rows: a row counts by the logarithm of the minutes in which it was seen.
    pub(super) fn train(rows: &[(&Row, f64)], knowledge: &Knowledge, plan: &Plan, device: &Device, control: &Control) -> Result<Self, RunError> {
        let settings = &plan.settings.fields;
        let columns = Columns::learn(rows);
        let step = rows.len().div_ceil(MOST_ROWS).max(1);
        let sample: Vec<(&Row, f64)> = rows.iter().step_by(step).copied().collect();
        let mut data = SparseRows::new(columns.cells.len());
        for encoded in sample.par_iter().map(|(row, _)| columns.encode(row, knowledge)).collect::<Vec<_>>() {
            data.push(encoded);
        }
        let weights: Vec<f32> = sample.iter().map(|(_, weight)| (1.0 + weight).log2() as f32).collect();
        let code = settings.code.clamp(1, 64).min(columns.cells.len().max(1));
        let config = LinearConfig { columns: columns.cells.len().max(1), code };
        let batch = (sample.len() / 24).clamp(32, 1024);
        let device = device.for_work(config.columns * code, batch);
        let model = LinearAutoencoder::new(&config, plan.seed, &device);
        let fitted = fit(model, &data, Some(&weights), &training(settings, batch, plan.seed), &device, control)?;
        Self::ready(fitted.model, columns, code)
    }

    pub(super) fn ready(model: LinearAutoencoder, columns: Columns, code: usize) -> Result<Self, RunError> {
        Ok(Self { projection: model.projection()?, model, columns, code })
    }

    /// A row as the network sees it: type first, then its cells in order.
    pub(super) fn encode(&self, row: &Row, knowledge: &Knowledge) -> Vec<(u32, f32)> {
        self.columns.encode(row, knowledge)
    }

    /// Surprise in bits that the network cannot explain.
    pub(super) fn loss(&self, row: &Row, knowledge: &Knowledge) -> f64 {
        self.projection.loss(self.encode(row, knowledge))
    }
}

fn training(settings: &FieldsSettings, batch: usize, seed: u64) -> FitConfig {
    FitConfig {
        name: "event fields".into(),
        epochs: settings.epochs.max(1),
        batch,
        learning_rate: 2e-2,
        final_rate: 1e-3,
        validation: settings.validation,
        patience: Some(settings.patience.max(1)),
        min_delta: 1e-3,
        seed,
        ..FitConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of two families whose fields go together, and some of neither.
    fn rows() -> Vec<Row> {
        let row = |i: u32| {
            let family = i % 2;
            let odd = u32::from(i.is_multiple_of(17)) * 10;
            Row { kind: family, cells: [(0, family), (1, family * 3 + odd), (2, i % 5), (3, family + i % 3), (4, i / 7 % 4)].into() }
        };
        (0..400).map(row).collect()
    }

    /// Squared error left by the best four directions, found by orthogonal iteration over the weighted rows.
    fn best(rows: &[Vec<(u32, f32)>], weights: &[f64], columns: usize, code: usize) -> f64 {
        let mut basis: Vec<Vec<f64>> = (0..code).map(|k| (0..columns).map(|c| (((c * 7 + k * 13) % 11) as f64 - 5.0) / 11.0).collect()).collect();
        for _ in 0..300 {
            let mut next = vec![vec![0.0; columns]; code];
            for (row, weight) in rows.iter().zip(weights) {
                for (old, new) in basis.iter().zip(&mut next) {
                    let z: f64 = row.iter().map(|&(c, x)| old[c as usize] * f64::from(x)).sum();
                    for &(c, x) in row {
                        new[c as usize] += weight * z * f64::from(x);
                    }
                }
            }
            for k in 0..code {
                for j in 0..k {
                    let dot: f64 = next[k].iter().zip(&next[j]).map(|(a, b)| a * b).sum();
                    let other = next[j].clone();
                    next[k].iter_mut().zip(other).for_each(|(a, b)| *a -= dot * b);
                }
                let norm = next[k].iter().map(|a| a * a).sum::<f64>().sqrt().max(1e-12);
                next[k].iter_mut().for_each(|a| *a /= norm);
            }
            basis = next;
        }
        let left = |row: &Vec<(u32, f32)>| {
            let own: f64 = row.iter().map(|&(_, x)| f64::from(x).powi(2)).sum();
            own - basis.iter().map(|b| row.iter().map(|&(c, x)| b[c as usize] * f64::from(x)).sum::<f64>().powi(2)).sum::<f64>()
        };
        rows.iter().zip(weights).map(|(row, weight)| weight * left(row)).sum()
    }

    #[test]
    fn training_reaches_the_best_linear_code() {
        let rows = rows();
        let weighted: Vec<(&Row, f64)> = rows.iter().map(|row| (row, 1.0)).collect();
        let knowledge = Knowledge::counted(&weighted);
        let mut plan = Plan::standard();
        plan.settings.fields.validation = 0.0;
        let network = Network::train(&weighted, &knowledge, &plan, &Device::cpu(), &Control::silent()).expect("trained");
        let encoded: Vec<Vec<(u32, f32)>> = rows.iter().map(|row| network.encode(row, &knowledge)).collect();
        let weights = vec![1.0; rows.len()];
        let optimum = best(&encoded, &weights, network.columns.cells.len(), 4);
        let reached: f64 = rows.iter().map(|row| network.loss(row, &knowledge)).sum();
        let nothing: f64 = encoded.iter().flatten().map(|&(_, x)| f64::from(x).powi(2)).sum();
        assert!(optimum < 0.8 * nothing, "four directions explain something: {optimum} of {nothing}");
        assert!(reached < optimum + 0.02 * (nothing - optimum), "reached {reached}, best {optimum}, untrained {nothing}");
    }
}
