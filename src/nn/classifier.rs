//! What the classifiers of sequences share: one logit a row, and binary cross-entropy against its label.

use super::by_hand::ByHand;
use super::device::Device;
use super::fit::{Model, chunks_of};
use super::matrix::read;
use super::mlp::cross_entropy;
use crate::control::{Control, RunError};
use burn::module::Module;
use burn::tensor::{Device as Backend, Tensor, TensorData};

/// Sequences scored at once: 128 steps of 128 units stay small.
const CHUNK: usize = 256;

/// Rows with a label each, 0 or 1.
pub trait Labels: Sync {
    /// The label of every row.
    fn labels(&self) -> &[f32];
}

/// A network that gives each row of its data a logit, whose sigmoid is the probability of label 1.
pub trait SequenceClassifier: Module {
    /// What it learns from.
    type Data: Labels;

    /// # Shapes
    /// `[rows]` logits
    fn forward(&self, data: &Self::Data, rows: &[usize], device: &Backend) -> Tensor<1>;

    /// Its own passes on the CPU, where it has any.
    ///
    /// # Errors
    /// The device failed.
    fn own_passes(&self) -> Result<Option<Box<dyn Logits<Self::Data> + '_>>, RunError> {
        Ok(None)
    }

    /// The logit of every sequence.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    fn logits(&self, data: &Self::Data, device: &Device, control: &Control) -> Result<Vec<f32>, RunError> {
        let mut logits = Vec::with_capacity(data.labels().len());
        let own = if device.is_gpu() { None } else { self.own_passes()? };
        if let Some(own) = own {
            chunks_of(CHUNK, data.labels().len(), control, |rows| {
                logits.extend(own.logits(data, rows));
                Ok(())
            })?;
            return Ok(logits);
        }
        let (model, device) = (self.valid(), device.plain());
        chunks_of(CHUNK, data.labels().len(), control, |rows| {
            logits.extend(read(model.forward(data, rows, &device))?);
            Ok(())
        })?;
        Ok(logits)
    }
}

/// A classifier's own passes.
pub trait Logits<D: ?Sized> {
    /// The logit of each of the named rows, outside training.
    fn logits(&self, data: &D, rows: &[usize]) -> Vec<f32>;
    /// Sum of the rows' losses, each times its weight, and the gradients of that sum, in the order of the network's parameters.
    fn gradients(&self, data: &D, rows: &[usize], weights: &[f32]) -> (f64, Vec<Vec<f32>>);
}

/// The cross-entropy of a logit against its label, and its derivative.
pub(super) fn entropy(logit: f32, label: f32) -> (f32, f32) {
    let loss = logit.max(0.0) - logit * label + (-logit.abs()).exp().ln_1p();
    (loss, 1.0 / (1.0 + (-logit).exp()) - label)
}

struct Losses<'a, D>(Box<dyn Logits<D> + 'a>);

impl<D: Labels> ByHand<D> for Losses<'_, D> {
    fn losses(&self, data: &D, rows: &[usize]) -> Vec<f32> {
        self.0.logits(data, rows).into_iter().zip(rows).map(|(logit, row)| entropy(logit, data.labels()[*row]).0).collect()
    }

    fn gradients(&self, data: &D, rows: &[usize], weights: &[f32]) -> (f64, Vec<Vec<f32>>) {
        self.0.gradients(data, rows, weights)
    }
}

impl<C: SequenceClassifier> Model for C {
    type Data = C::Data;
    const CHUNK: usize = CHUNK;

    fn rows(data: &Self::Data) -> usize {
        data.labels().len()
    }

    fn losses(&self, data: &Self::Data, rows: &[usize], device: &Backend) -> Tensor<1> {
        let labels: Vec<f32> = rows.iter().map(|&row| data.labels()[row]).collect();
        let labels = Tensor::<1>::from_data(TensorData::new(labels, [rows.len()]), device);
        cross_entropy(self.forward(data, rows, device), labels)
    }

    fn by_hand(&self) -> Result<Option<Box<dyn ByHand<Self::Data> + '_>>, RunError> {
        Ok(self.own_passes()?.map(|own| Box::new(Losses(own)) as Box<dyn ByHand<Self::Data>>))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_of_known_logits() {
        // ln 2, 1/2 - 1; ln(1 + e^2), 1 / (1 + e^-2); 200, -1
        for (logit, label, loss, slope) in [(0.0, 1.0, std::f32::consts::LN_2, -0.5), (2.0, 0.0, 2.126_928, 0.880_797), (-200.0, 1.0, 200.0, -1.0)] {
            let got = entropy(logit, label);
            assert!((got.0 - loss).abs() < 1e-5 && (got.1 - slope).abs() < 1e-6, "{logit} {label}: {got:?}");
        }
    }
}
