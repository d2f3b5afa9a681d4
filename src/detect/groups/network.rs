//! The hashed autoencoder of process groups: encoding, shapes, training, distance.

use super::windows::Windows;
use crate::control::{Control, RunError};
use crate::features::Interner;
use crate::features::hashing::bucket;
use crate::nn::{Activation, Dense, DenseConfig, Device, FitConfig, Matrix, PlainDense, fit};
use serde::{Deserialize, Serialize};

/// How windows are encoded and learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// Hash buckets.
    pub buckets: usize,
    /// Launches count as ln(1 + launches).
    pub log: bool,
    /// Layers.
    pub shape: DenseConfig,
    /// Training.
    pub fit: FitConfig,
}

impl Network {
    /// As published: 16 buckets, plain counts, 16-8-4-8-16 with `LeakyReLU` 0.3 after every layer, 10 epochs of Adam in batches of 8.
    #[must_use]
    pub fn published(seed: u64) -> Self {
        let leaky = Activation::LeakyRelu(0.3);
        let fit = FitConfig {
            name: "process groups".into(),
            epochs: 10,
            batch: 8,
            learning_rate: 1e-3,
            final_rate: 1e-3,
            epsilon: 1e-7,
            validation: 0.0,
            patience: None,
            seed,
            ..FitConfig::default()
        };
        Self { buckets: 16, log: false, shape: DenseConfig::new(&[16, 8, 4, 8, 16], leaky, leaky), fit }
    }

    /// Ours: as many buckets as asked for, damped counts, a linear output, validation and early stopping.
    #[must_use]
    pub fn recommended(buckets: usize, seed: u64) -> Self {
        let buckets = buckets.clamp(2, 4096);
        let shape = DenseConfig::new(&[buckets, 32, 8, 32, buckets], Activation::LeakyRelu(0.3), Activation::Linear);
        let fit = FitConfig {
            name: "process groups".into(),
            epochs: 60,
            batch: 32,
            learning_rate: 2e-3,
            final_rate: 5e-4,
            patience: Some(8),
            seed,
            ..FitConfig::default()
        };
        Self { buckets, log: true, shape, fit }
    }

    /// Signed bucket sums of (name, launches).
    pub fn encode<'a>(&self, counts: impl IntoIterator<Item = (&'a str, u32)>) -> Vec<f32> {
        let mut row = vec![0.0; self.buckets];
        for (name, launches) in counts {
            let (place, sign) = bucket(name, self.buckets);
            row[place] += sign * if self.log { (launches as f32).ln_1p() } else { launches as f32 };
        }
        row
    }

    fn rows(&self, windows: &Windows, names: &Interner) -> Matrix {
        let mut rows = Matrix::with_columns(self.buckets);
        for pattern in &windows.patterns {
            rows.push(&self.encode(pattern.iter().map(|&(name, launches)| (names.name(name), launches))));
        }
        rows
    }

    /// Trains on the windows.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub(super) fn train(&self, windows: &Windows, names: &Interner, device: &Device, control: &Control) -> Result<Dense, RunError> {
        let rows = self.rows(windows, names);
        let model = Dense::new(&self.shape, self.fit.seed, device);
        if self.log {
            // Windows with the same contents are one example that counts as often as it was seen.
            let mut times = vec![0.0; rows.rows()];
            for window in &windows.list {
                times[window.pattern as usize] += 1.0;
            }
            return Ok(fit(model, &rows, Some(&times), &self.fit, device, control)?.model);
        }
        let mut all = Matrix::with_columns(self.buckets);
        for window in &windows.list {
            all.push(rows.row(window.pattern as usize));
        }
        Ok(fit(model, &all, None, &self.fit, device, control)?.model)
    }

    /// Euclidean distance between input and reconstruction, by pattern.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub(super) fn distances(&self, model: &Dense, windows: &Windows, names: &Interner, device: &Device, control: &Control) -> Result<Vec<f64>, RunError> {
        let rows = self.rows(windows, names);
        if rows.rows() == 0 {
            return Ok(Vec::new());
        }
        let errors = model.squared_errors(&rows, device, control)?;
        Ok((0..rows.rows()).map(|row| norm(errors.row(row).iter().copied())).collect())
    }

    /// The same distance for one row of (name, launches), in plain arithmetic.
    pub(super) fn distance<'a>(&self, model: &PlainDense, counts: impl IntoIterator<Item = (&'a str, u32)>) -> f64 {
        let row = self.encode(counts);
        norm(model.output(&row).iter().zip(&row).map(|(y, x)| (y - x) * (y - x)))
    }
}

fn norm(squares: impl Iterator<Item = f32>) -> f64 {
    squares.map(f64::from).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_encoding_of_two_windows() {
        let network = Network::published(42);
        let normal = network.encode([("cmd.exe", 3), ("conhost.exe", 3), ("svchost.exe", 5), ("werfault.exe", 0)]);
        let mut wanted = [0.0; 16];
        (wanted[0], wanted[1]) = (-3.0, 2.0);
        assert_eq!(normal, wanted);
        let burst = network.encode([("whoami.exe", 1), ("net.exe", 3), ("ver.exe", 1), ("query.exe", 2), ("sc.exe", 5)]);
        let mut wanted = [0.0; 16];
        (wanted[0], wanted[2], wanted[5], wanted[14]) = (1.0, 5.0, 3.0, 1.0);
        assert_eq!(burst, wanted);
        assert_eq!(norm(burst.iter().map(|v| v * v)), 6.0);
    }
}
