//! The autoencoder 17-32-6-32-17 over standardised features.

use super::features::COUNT;
use crate::control::RunError;
use crate::detect::Input;
use crate::nn::{Activation, Card, Dense, DenseConfig, FitConfig, Matrix, PlainDense, fit, model_id};
use rayon::prelude::*;
use std::ops::Range;

/// Rows learned from at most, spread evenly over the timeline.
const MOST: usize = 60_000;
const LOWEST: f32 = -5.0;
const HIGHEST: f32 = 12.0;

/// Means and spreads of the features.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    pub(super) means: [f64; COUNT],
    pub(super) spreads: [f64; COUNT],
}

impl Scale {
    pub(super) fn of(values: &Matrix) -> Self {
        let count = values.rows().max(1) as f64;
        let (mut means, mut spreads) = ([0.0; COUNT], [0.0; COUNT]);
        let rows = || values.values().chunks_exact(COUNT);
        for row in rows() {
            means.iter_mut().zip(row).for_each(|(mean, value)| *mean += f64::from(*value) / count);
        }
        for row in rows() {
            for ((spread, mean), value) in spreads.iter_mut().zip(means).zip(row) {
                *spread += (f64::from(*value) - mean).powi(2) / count;
            }
        }
        Self { means, spreads: spreads.map(f64::sqrt) }
    }

    /// z-scores, cut off; a feature that never varies is 0.
    pub(super) fn apply(&self, row: &[f32]) -> [f32; COUNT] {
        let mut out = [0.0; COUNT];
        for (((out, value), mean), spread) in out.iter_mut().zip(row).zip(self.means).zip(self.spreads) {
            if spread > 1e-9 {
                *out = (((f64::from(*value) - mean) / spread) as f32).clamp(LOWEST, HIGHEST);
            }
        }
        out
    }
}

/// The trained network.
pub(super) struct Network {
    pub(super) scale: Scale,
    pub(super) plain: PlainDense,
    pub(super) id: String,
}

impl Network {
    /// Learns from some of the rows.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub(super) fn train(values: &Matrix, rows: Range<usize>, input: &Input<'_>) -> Result<Self, RunError> {
        let taught = Matrix::new(values.values().get(rows.start * COUNT..rows.end * COUNT).unwrap_or_default().to_vec(), COUNT)?;
        let values = &taught;
        let scale = Scale::of(values);
        let step = values.rows().div_ceil(MOST).max(1);
        let mut data = Matrix::with_columns(COUNT);
        for row in (0..values.rows()).step_by(step) {
            data.push(&scale.apply(values.row(row)));
        }
        let seed = input.plan.seed;
        let shape = DenseConfig::new(&[COUNT, 32, 6, 32, COUNT], Activation::Relu, Activation::Linear);
        let batch = if data.rows() > 20_000 { 256 } else { 64 };
        let config = FitConfig {
            name: "timeline, autoencoder".into(),
            epochs: 20,
            batch,
            learning_rate: 2e-3,
            final_rate: 2e-3,
            patience: None,
            seed,
            ..FitConfig::default()
        };
        let device = input.device.for_work(2 * (COUNT * 32 + 32 * 6), batch);
        let model = fit(Dense::new(&shape, seed, &device), &data, None, &config, &device, input.control)?.model;
        let card = Card {
            kind: "timeline, autoencoder".into(),
            config: serde_json::json!({"sizes": shape.sizes, "means": scale.means, "spreads": scale.spreads}),
            seed,
            ..Card::default()
        };
        Ok(Self { id: model_id(&card, &model)?, plain: model.plain()?, scale })
    }

    /// Squared error of every feature of a row.
    pub(super) fn errors(&self, row: &[f32]) -> Vec<f32> {
        let x = self.scale.apply(row);
        self.plain.output(&x).iter().zip(x).map(|(y, x)| (x - y) * (x - y)).collect()
    }

    /// What the network expected of a row, in the features' own units.
    pub(super) fn expected(&self, row: &[f32]) -> Vec<f64> {
        let output = self.plain.output(&self.scale.apply(row));
        output.iter().zip(self.scale.means).zip(self.scale.spreads).map(|((y, mean), spread)| f64::from(*y) * spread + mean).collect()
    }

    /// Mean squared error of each of the first `count` rows.
    ///
    /// # Errors
    /// Cancelled.
    pub(super) fn losses(&self, values: &Matrix, count: usize, input: &Input<'_>) -> Result<Vec<f64>, RunError> {
        let mut losses = Vec::with_capacity(count);
        for from in (0..count).step_by(8192) {
            input.control.check()?;
            let to = (from + 8192).min(count);
            losses.par_extend((from..to).into_par_iter().map(|row| self.errors(values.row(row)).iter().map(|e| f64::from(*e)).sum::<f64>() / COUNT as f64));
        }
        Ok(losses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_standardised_and_cut() {
        let mut values = Matrix::with_columns(COUNT);
        for value in [0.0, 2.0] {
            values.push(&[value]);
        }
        let scale = Scale::of(&values);
        assert_eq!((scale.means[0], scale.spreads[0], scale.spreads[1]), (1.0, 1.0, 0.0));
        assert_eq!(scale.apply(&[100.0])[..2], [HIGHEST, 0.0]);
        assert_eq!(scale.apply(&[0.5, 9.0])[..2], [-0.5, 0.0]);
    }
}
