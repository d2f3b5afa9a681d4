//! The `published` preset: a small dense autoencoder over ordinals of seven Task Scheduler features (DS4N6).
//!
//! Each column's values are numbered in the order of their text and scaled to 0..1; Dense(3, ReLU) -> Dense(n, linear); squared error. Single
//! runs are unstable, so several restarts are averaged by rank. The original's Adadelta leaves the weights nearly untrained; Adam is used instead.

use super::knowledge::Knowledge;
use super::published_read::{Features, codes, read};
use super::subjects::{Scores, subjects};
use super::unique::Uniques;
use crate::control::RunError;
use crate::detect::Input;
use crate::domain::{Contribution, Detection, Explain, RankBy, Stage};
use crate::nn::{Activation, Dense, DenseConfig, FitConfig, Matrix, fit};
use std::sync::Arc;

/// Rows of the channel that are needed.
const FEWEST: usize = 100;

pub(super) fn run(input: &Input<'_>, first: &mut dyn FnMut(Detection)) -> Result<Detection, RunError> {
    if input.model.is_some() || input.save_model.is_some() {
        return Err(RunError::failed("the published preset of event fields numbers the values of one case and cannot be saved or loaded: use recommended"));
    }
    let all = input.plan.settings.fields.published_all_channels;
    let mut features = Features::default();
    let baselines = input.baseline.iter().map(|store| read(*store, all, false, &mut features, input.control)).collect::<Result<Vec<_>, _>>()?;
    let table = read(input.case, all, true, &mut features, input.control)?;
    if table.events.len() < FEWEST {
        let what = if all { "events" } else { "Task Scheduler events (Microsoft-Windows-TaskScheduler/Operational)" };
        return Err(RunError::failed(format!("the published preset needs at least {FEWEST} {what}; there are {}", table.events.len())));
    }
    let kept = features.kept();
    let baselines: Vec<Uniques> = baselines.iter().map(|table| Uniques::new(table, &kept)).collect();
    let uniques = Uniques::new(&table, &kept);
    let rows: Vec<_> = baselines.iter().chain([&uniques]).flat_map(|part| part.rows.iter().zip(part.cells.iter().copied())).collect();
    let learned_from = if baselines.is_empty() { 0..rows.len() } else { 0..rows.len() - uniques.rows.len() };
    let knowledge = Knowledge::counted(&rows[learned_from.clone()]);
    let rarity: Vec<f64> = uniques.rows.iter().map(|row| knowledge.rarity(row)).collect();
    let encoder = Encoder::new(&features, rows.iter().map(|(row, _)| *row));
    let mut reasons = Reasons { encoder, codes: uniques.rows.iter().map(codes).collect(), errors: Vec::new(), outputs: Vec::new(), features };
    let scores = Scores { rank_by: RankBy::Rarity, rarity: &rarity, learned: None, loss: None };
    let early = subjects(&table, &uniques, &scores);
    first(Detection { subjects: early, explain: Arc::new(reasons.clone()), model_id: String::new(), stage: Stage::First, remarks: vec![], trials: None });

    let teach: Vec<Vec<u32>> = rows[learned_from].iter().map(|(row, _)| codes(row)).collect();
    let teach = reasons.encoder.matrix(&teach)?;
    let data = reasons.encoder.matrix(&reasons.codes)?;
    let restarts = Restarts::train(input, &teach, &data)?;
    let loss = restarts.averaged();
    reasons.errors = restarts.errors;
    reasons.outputs = restarts.outputs;
    let rank_by = if input.plan.rank_by == RankBy::Rarity { RankBy::Rarity } else { RankBy::Loss };
    let subjects = subjects(&table, &uniques, &Scores { rank_by, rarity: &rarity, learned: None, loss: Some(&loss) });
    let remarks = vec![
        format!("{} restarts averaged by rank; the top 1 % of two of them share {:.0} %", restarts.ranks.len(), restarts.overlap * 100.0),
        format!("columns: {}", reasons.features.names().join(", ")),
    ];
    Ok(Detection { subjects, explain: Arc::new(reasons), model_id: restarts.id, stage: Stage::Final, remarks, trials: None })
}

/// Numbers each column's values in the order of their text.
#[derive(Clone)]
pub(super) struct Encoder {
    /// By column: scaled place (0..1) of each value code.
    places: Vec<Vec<f32>>,
    /// By column: value codes in order.
    sorted: Vec<Vec<u32>>,
}

impl Encoder {
    pub(super) fn new<'a>(features: &Features, rows: impl Iterator<Item = &'a super::read::Row>) -> Self {
        let mut sorted: Vec<Vec<u32>> = vec![Vec::new(); features.columns()];
        for row in rows {
            for (column, code) in sorted.iter_mut().zip(codes(row)) {
                column.push(code);
            }
        }
        let mut places = Vec::new();
        for (column, values) in sorted.iter_mut().enumerate() {
            values.sort_unstable();
            values.dedup();
            values.sort_by(|a, b| features.value(column, *a).cmp(features.value(column, *b)));
            let mut scaled = vec![0.0; features.values(column)];
            let last = (values.len().max(2) - 1) as f32;
            for (at, code) in values.iter().enumerate() {
                scaled[*code as usize] = at as f32 / last;
            }
            places.push(scaled);
        }
        Self { places, sorted }
    }

    pub(super) fn matrix(&self, rows: &[Vec<u32>]) -> Result<Matrix, RunError> {
        let values = rows.iter().flat_map(|row| row.iter().zip(&self.places).map(|(code, places)| places[*code as usize])).collect();
        Matrix::new(values, self.places.len())
    }

    /// The value whose place is nearest.
    pub(super) fn nearest(&self, column: usize, place: f32) -> Option<u32> {
        let values = self.sorted.get(column)?;
        let at = (place.clamp(0.0, 1.0) * (values.len().max(1) - 1) as f32).round() as usize;
        values.get(at).copied()
    }
}

/// What several independently trained networks say.
struct Restarts {
    /// By restart: rank of each row, 0 = largest error.
    ranks: Vec<Vec<usize>>,
    /// Mean squared error of each row and column.
    errors: Vec<f32>,
    outputs: Vec<f32>,
    columns: usize,
    /// Mean share of the top 1 % that two restarts have in common.
    overlap: f64,
    id: String,
}

impl Restarts {
    fn train(input: &Input<'_>, teach: &Matrix, data: &Matrix) -> Result<Self, RunError> {
        let settings = &input.plan.settings.fields;
        let columns = data.columns();
        let config = DenseConfig::new(&[columns, 3, columns], Activation::Relu, Activation::Linear);
        let device = input.device.for_work(7 * columns, 32);
        let count = settings.restarts.max(1);
        let mut all = Self {
            ranks: Vec::new(),
            errors: vec![0.0; data.values().len()],
            outputs: vec![0.0; data.values().len()],
            columns,
            overlap: 1.0,
            id: String::new(),
        };
        for restart in 0..count as u64 {
            let seed = input.plan.seed.wrapping_add(restart);
            let training = FitConfig {
                name: format!("event fields, restart {} of {count}", restart + 1),
                epochs: 40,
                batch: 32,
                learning_rate: 1e-3,
                final_rate: 1e-3,
                epsilon: 1e-7,
                validation: settings.validation,
                patience: None,
                seed,
                ..FitConfig::default()
            };
            let fitted = fit(Dense::new(&config, seed, &device), teach, None, &training, &device, input.control)?;
            let outputs = fitted.model.outputs(data, &device, input.control)?;
            let mut errors = vec![0.0f64; data.rows()];
            for (at, (output, value)) in outputs.values().iter().zip(data.values()).enumerate() {
                let error = (output - value) * (output - value);
                all.errors[at] += error / count as f32;
                all.outputs[at] += output / count as f32;
                errors[at / columns] += f64::from(error);
            }
            all.ranks.push(ranks(&errors));
            let card = crate::nn::Card { kind: "event fields, published".into(), seed, ..crate::nn::Card::default() };
            all.id = crate::nn::model_id(&card, &fitted.model)?;
        }
        all.overlap = overlap(&all.ranks);
        Ok(all)
    }

    /// One loss per row that orders rows by their mean rank: the row at place i gets the i-th largest mean squared error.
    fn averaged(&self) -> Vec<f64> {
        let rows = self.errors.len() / self.columns.max(1);
        let mean: Vec<f64> = self.errors.chunks(self.columns.max(1)).map(|row| row.iter().map(|e| f64::from(*e)).sum::<f64>() / row.len() as f64).collect();
        let sum = |row: usize| self.ranks.iter().map(|ranks| ranks[row]).sum::<usize>();
        let mut order: Vec<usize> = (0..rows).collect();
        order.sort_by(|&a, &b| sum(a).cmp(&sum(b)).then(mean[b].total_cmp(&mean[a])).then(a.cmp(&b)));
        let mut sorted = mean.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let mut losses = vec![0.0; rows];
        for (place, row) in order.into_iter().enumerate() {
            losses[row] = sorted[place];
        }
        losses
    }
}

/// The rank of each row, 0 = largest.
fn ranks(errors: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..errors.len()).collect();
    order.sort_by(|&a, &b| errors[b].total_cmp(&errors[a]).then(a.cmp(&b)));
    let mut ranks = vec![0; errors.len()];
    for (rank, row) in order.into_iter().enumerate() {
        ranks[row] = rank;
    }
    ranks
}

/// Mean share of the top 1 % that two restarts have in common.
fn overlap(ranks: &[Vec<usize>]) -> f64 {
    let top = (ranks.first().map_or(0, Vec::len) / 100).max(1);
    let mut shares = Vec::new();
    for (at, a) in ranks.iter().enumerate() {
        for b in &ranks[at + 1..] {
            shares.push(a.iter().zip(b).filter(|(x, y)| **x < top && **y < top).count() as f64 / top as f64);
        }
    }
    if shares.is_empty() { 1.0 } else { shares.iter().sum::<f64>() / shares.len() as f64 }
}

#[derive(Clone)]
struct Reasons {
    features: Features,
    encoder: Encoder,
    codes: Vec<Vec<u32>>,
    errors: Vec<f32>,
    outputs: Vec<f32>,
}

impl Explain for Reasons {
    fn explain(&self, index: usize) -> Vec<Contribution> {
        let columns = self.features.columns();
        let Some(values) = self.codes.get(index) else { return Vec::new() };
        let slice = |values: &[f32]| values.get(index * columns..(index + 1) * columns).map(<[f32]>::to_vec).unwrap_or_default();
        let (errors, outputs) = (slice(&self.errors), slice(&self.outputs));
        let whole: f32 = errors.iter().sum();
        let mut parts: Vec<Contribution> = errors
            .iter()
            .zip(&outputs)
            .zip(values)
            .enumerate()
            .map(|(column, ((error, output), code))| Contribution {
                name: self.features.names()[column].clone(),
                share: if whole > 0.0 { f64::from(error / whole) } else { 0.0 },
                observed: self.features.value(column, *code).to_owned(),
                expected: self.encoder.nearest(column, *output).map_or_else(String::new, |code| self.features.value(column, code).to_owned()),
            })
            .collect();
        parts.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.name.cmp(&b.name)));
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_are_averaged_by_rank() {
        // Row 0: ranks 0 and 1; row 1: 1 and 2; row 2: 2 and 0. Sums 1, 3, 2.
        let ranks = vec![ranks(&[3.0, 2.0, 1.0]), ranks(&[2.0, 1.0, 3.0])];
        assert_eq!(ranks, [[0, 1, 2], [1, 2, 0]]);
        let all = Restarts { overlap: overlap(&ranks), ranks, errors: vec![2.0, 5.0, 1.0], outputs: vec![], columns: 1, id: String::new() };
        assert_eq!(all.averaged(), [5.0, 1.0, 2.0]);
        assert_eq!(all.overlap, 0.0);
    }
}
