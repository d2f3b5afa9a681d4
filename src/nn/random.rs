//! Our own seeded random draws: initial weights, the validation split, the order of rows.

use burn::tensor::{Device, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use std::sync::atomic::{AtomicU64, Ordering};

/// What a generator is for; each purpose has its own stream of the same seed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Weights = 1,
    Split = 2,
    Order = 3,
    Dropout = 4,
}

/// A generator for one purpose.
pub(super) fn generator(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(purpose as u64);
    generator
}

/// What dropout leaves out: another draw at each call, the same at the same call of every run. Training calls it from one thread.
#[derive(Debug)]
pub(super) struct Draws {
    seed: u64,
    calls: AtomicU64,
}

impl Draws {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, calls: AtomicU64::new(0) }
    }

    /// What each cell is multiplied by: 0 with probability `rate`, else `1 / (1 - rate)`. None where nothing is left out: outside training.
    pub(super) fn cells(&self, cells: usize, rate: f64, device: &Device) -> Option<Vec<f32>> {
        if device.is_autodiff() { self.draw(cells, rate) } else { None }
    }

    /// The same in training.
    pub(super) fn draw(&self, cells: usize, rate: f64) -> Option<Vec<f32>> {
        if rate <= 0.0 {
            return None;
        }
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let mut generator = generator(self.seed.wrapping_add(call.wrapping_mul(0x9e37_79b9_7f4a_7c15)), Purpose::Dropout);
        let (rate, kept) = (rate.min(0.95) as f32, (1.0 / (1.0 - rate.min(0.95))) as f32);
        Some((0..cells).map(|_| if generator.random::<f32>() < rate { 0.0 } else { kept }).collect())
    }

    /// # Shapes
    /// `[rows, width]`
    pub(super) fn keep(&self, rows: usize, width: usize, rate: f64, device: &Device) -> Option<Tensor<2>> {
        self.cells(rows * width, rate, device).map(|cells| Tensor::from_data(TensorData::new(cells, [rows, width]), device))
    }
}

/// Glorot-uniform weights: `U(-a, a)` with `a = sqrt(6 / (inputs + outputs))`, row by row.
pub(super) fn glorot(generator: &mut ChaCha8Rng, inputs: usize, outputs: usize) -> Vec<f32> {
    let bound = (6.0 / (inputs + outputs).max(1) as f32).sqrt();
    (0..inputs * outputs).map(|_| (generator.random::<f32>() * 2.0 - 1.0) * bound).collect()
}

/// Orthonormal rows in directions drawn evenly, row by row, for `rows <= columns`: what a recurrent layer begins with, so that a state is neither
/// lost nor grows over many steps.
pub(super) fn orthogonal(generator: &mut ChaCha8Rng, rows: usize, columns: usize) -> Vec<f32> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut done: Vec<Vec<f64>> = Vec::with_capacity(rows);
    for _ in 0..rows {
        let mut row: Vec<f64> = (0..columns).map(|_| StandardNormal.sample(generator)).collect();
        // Twice: the first time leaves what rounding leaves.
        for _ in 0..2 {
            for other in &done {
                let along = dot(&row, other);
                row.iter_mut().zip(other).for_each(|(value, other)| *value -= along * other);
            }
        }
        let length = dot(&row, &row).sqrt().max(1e-12);
        done.push(row.into_iter().map(|value| value / length).collect());
    }
    done.into_iter().flatten().map(|value| value as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_stay_in_bounds_and_repeat() {
        let draw = |purpose| glorot(&mut generator(42, purpose), 30, 20);
        let weights = draw(Purpose::Weights);
        let bound = (6.0_f32 / 50.0).sqrt();
        assert!(weights.iter().all(|w| w.abs() <= bound));
        let variance = weights.iter().map(|w| w * w).sum::<f32>() / 600.0;
        assert!((variance - bound * bound / 3.0).abs() < 0.1 * bound * bound, "{variance}");
        assert_eq!(weights, draw(Purpose::Weights));
        assert_ne!(weights, draw(Purpose::Order));
    }

    #[test]
    fn rows_of_recurrent_weights_are_orthonormal() {
        let weights = orthogonal(&mut generator(42, Purpose::Weights), 12, 48);
        for (a, left) in weights.chunks(48).enumerate() {
            for (b, right) in weights.chunks(48).enumerate() {
                let dot: f32 = left.iter().zip(right).map(|(a, b)| a * b).sum();
                assert!((dot - f32::from(u8::from(a == b))).abs() < 1e-5, "{a} {b} {dot}");
            }
        }
    }
}
