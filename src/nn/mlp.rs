//! Two-class classifier: dense layers with ReLU, one logit, binary cross-entropy.

use super::dense::{Dense, DenseConfig};
use super::device::Device;
use super::fit::Model;
use super::layer::Activation;
use super::matrix::Matrix;
use crate::control::{Control, RunError};
use burn::module::Module;
use burn::tensor::{Device as Backend, Tensor, TensorData};
use serde::{Deserialize, Serialize};

/// The shape of a classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MlpConfig {
    /// Widths from the input to the last hidden layer: `[107, 64, 32]`; the logit follows.
    pub sizes: Vec<usize>,
}

/// Rows with their labels, 0 or 1 (or a probability between).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labelled {
    inputs: Matrix,
    labels: Vec<f32>,
}

impl Labelled {
    /// Pairs rows with labels.
    ///
    /// # Errors
    /// When their numbers differ.
    pub fn new(inputs: Matrix, labels: Vec<f32>) -> Result<Self, RunError> {
        if inputs.rows() != labels.len() {
            return Err(RunError::failed(format!("{} rows, but {} labels", inputs.rows(), labels.len())));
        }
        Ok(Self { inputs, labels })
    }
}

/// A classifier.
#[derive(Module, Debug)]
pub struct Mlp {
    net: Dense,
}

impl Mlp {
    /// Glorot-uniform weights drawn from `seed`, zero bias.
    #[must_use]
    pub fn new(config: &MlpConfig, seed: u64, device: &Device) -> Self {
        let mut sizes = config.sizes.clone();
        sizes.push(1);
        Self { net: Dense::new(&DenseConfig::new(&sizes, Activation::Relu, Activation::Linear), seed, device) }
    }

    /// The logit of every row; its sigmoid is the probability of label 1.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub fn logits(&self, inputs: &Matrix, device: &Device, control: &Control) -> Result<Vec<f32>, RunError> {
        Ok(self.net.outputs(inputs, device, control)?.values().to_vec())
    }
}

impl Model for Mlp {
    type Data = Labelled;

    fn rows(data: &Labelled) -> usize {
        data.labels.len()
    }

    fn losses(&self, data: &Labelled, rows: &[usize], device: &Backend) -> Tensor<1> {
        let labels: Vec<f32> = rows.iter().filter_map(|&row| data.labels.get(row).copied()).collect();
        let y = Tensor::<1>::from_data(TensorData::new(labels, [rows.len()]), device);
        let z: Tensor<1> = self.net.forward(data.inputs.gather(rows, device)).squeeze_dim(1);
        cross_entropy(z, y)
    }
}

/// Binary cross-entropy from logits, in nats: `max(z, 0) - z y + ln(1 + e^-|z|)`, which overflows for no logit.
pub(super) fn cross_entropy<const D: usize>(logits: Tensor<D>, labels: Tensor<D>) -> Tensor<D> {
    logits.clone().clamp_min(0.0) - logits.clone() * labels + (-logits.abs()).exp().log1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cross_entropy_of_known_logits() {
        let device = Backend::flex();
        let tensor = |v: [f32; 4]| Tensor::<1>::from_data(TensorData::from(v), &device);
        let loss = cross_entropy(tensor([0.0, 2.0, -200.0, 200.0]), tensor([1.0, 0.0, 1.0, 1.0]));
        let loss: Vec<f32> = super::super::matrix::read(loss).expect("four numbers");
        // ln 2; ln(1 + e^2); 200; 0
        for (got, wanted) in loss.iter().zip([std::f32::consts::LN_2, 2.126_928, 200.0, 0.0]) {
            assert!((got - wanted).abs() < 1e-5, "{got} {wanted}");
        }
    }
}
