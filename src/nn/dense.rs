//! Dense autoencoder: any layer sizes, an activation after every layer.

use super::device::Device;
use super::fit::{Model, chunks};
use super::layer::{Activation, Layer};
use super::matrix::{Matrix, read};
use super::random::{Purpose, generator};
use crate::control::{Control, RunError};
use burn::module::Module;
use burn::tensor::{Device as Backend, Tensor};
use serde::{Deserialize, Serialize};

/// The shape of a dense network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DenseConfig {
    /// Widths from the input to the output: `[16, 8, 4, 8, 16]`.
    pub sizes: Vec<usize>,
    /// One activation per layer (one fewer than sizes); missing ones are linear.
    pub activations: Vec<Activation>,
}

impl DenseConfig {
    /// The same activation after every layer but the last, which has `last`.
    #[must_use]
    pub fn new(sizes: &[usize], inner: Activation, last: Activation) -> Self {
        let mut activations = vec![inner; sizes.len().saturating_sub(2)];
        activations.push(last);
        Self { sizes: sizes.to_vec(), activations }
    }
}

/// A dense network; trained by [`super::fit`] it reconstructs its input: the loss of a row is its mean squared error.
#[derive(Module, Debug)]
pub struct Dense {
    layers: Vec<Layer>,
    #[module(skip)]
    activations: Vec<Activation>,
}

impl Dense {
    /// Glorot-uniform weights drawn from `seed`, zero bias.
    #[must_use]
    pub fn new(config: &DenseConfig, seed: u64, device: &Device) -> Self {
        let (mut weights, device) = (generator(seed, Purpose::Weights), device.training());
        let layer = |(number, pair): (usize, &[usize])| match pair {
            [inputs, outputs] => Some(Layer::new(*inputs, *outputs, number, &mut weights, &device)),
            _ => None,
        };
        let layers: Vec<Layer> = config.sizes.windows(2).enumerate().filter_map(layer).collect();
        let activations = (0..layers.len()).map(|i| config.activations.get(i).copied().unwrap_or(Activation::Linear)).collect();
        Self { layers, activations }
    }

    /// Number of trainable numbers.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.num_params()
    }

    /// # Shapes
    /// `[rows, first size] -> [rows, last size]`
    pub(super) fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.layers.iter().zip(&self.activations).fold(x, |x, (layer, activation)| activation.apply(layer.forward(x)))
    }

    /// Takes the weights out.
    ///
    /// # Errors
    /// The device failed.
    pub fn plain(&self) -> Result<PlainDense, RunError> {
        let taken = self.valid();
        let layer = |(layer, activation): (&Layer, &Activation)| layer.weights().map(|(weights, bias)| (weights, bias, *activation));
        Ok(PlainDense { layers: taken.layers.iter().zip(&taken.activations).map(layer).collect::<Result<_, _>>()? })
    }

    /// The output for every row.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub fn outputs(&self, data: &Matrix, device: &Device, control: &Control) -> Result<Matrix, RunError> {
        let (model, device) = (self.valid(), device.plain());
        let (mut values, mut width) = (Vec::new(), 1);
        chunks(data.rows(), control, |rows| {
            let output = model.forward(data.gather(rows, &device));
            width = output.dims()[1];
            values.extend(read(output)?);
            Ok(())
        })?;
        Matrix::new(values, width)
    }

    /// Squared error of every row and column.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub fn squared_errors(&self, data: &Matrix, device: &Device, control: &Control) -> Result<Matrix, RunError> {
        let output = self.outputs(data, device, control)?;
        let errors = data.values().iter().zip(output.values()).map(|(x, y)| (x - y) * (x - y)).collect();
        Matrix::new(errors, data.columns())
    }
}

/// A dense network's weights taken out, for a few rows at a time in plain arithmetic: the same on every device, and shareable between threads.
#[derive(Clone, Debug, PartialEq)]
pub struct PlainDense {
    layers: Vec<(Vec<f32>, Vec<f32>, Activation)>,
}

impl PlainDense {
    /// The output for one row.
    #[must_use]
    pub fn output(&self, row: &[f32]) -> Vec<f32> {
        let mut x = row.to_vec();
        for (weights, bias, activation) in &self.layers {
            let mut y = bias.clone();
            for (x, weights) in x.iter().zip(weights.chunks(bias.len().max(1))) {
                for (y, w) in y.iter_mut().zip(weights) {
                    *y += x * w;
                }
            }
            x = y.into_iter().map(|y| activation.value(y)).collect();
        }
        x
    }
}

impl Model for Dense {
    type Data = Matrix;

    fn rows(data: &Matrix) -> usize {
        data.rows()
    }

    fn losses(&self, data: &Matrix, rows: &[usize], device: &Backend) -> Tensor<1> {
        let x = data.gather(rows, device);
        (self.forward(x.clone()) - x).square().mean_dim(1).squeeze_dim(1)
    }
}
