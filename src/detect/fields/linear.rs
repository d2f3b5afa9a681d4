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
