//! A dense layer and its activation.

use super::matrix::read;
use super::random::glorot;
use crate::control::RunError;
use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData, activation, module::linear};
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// What follows a layer's weighted sums.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Nothing.
    Linear,
    /// Negative values become 0.
    Relu,
    /// Negative values are multiplied by this slope.
    LeakyRelu(f32),
    /// Into (0, 1).
    Sigmoid,
    /// Into (-1, 1).
    Tanh,
}

impl Activation {
    pub(super) fn apply<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Linear => x,
            Self::Relu => activation::relu(x),
            Self::LeakyRelu(slope) => activation::leaky_relu(x, f64::from(slope)),
            Self::Sigmoid => activation::sigmoid(x),
            // 2 sigmoid(2x) - 1: the CPU backend's sigmoid is vectorised, its tanh is not.
            Self::Tanh => activation::sigmoid(x * 2.0) * 2.0 - 1.0,
        }
    }
}

impl Activation {
    /// The same for one number.
    pub(super) fn value(self, x: f32) -> f32 {
        match self {
            Self::Linear => x,
            Self::Relu => x.max(0.0),
            Self::LeakyRelu(slope) => x.max(0.0) + slope * x.min(0.0),
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Self::Tanh => x.tanh(),
        }
    }
}

/// `x W + b`.
#[derive(Module, Debug)]
pub(super) struct Layer {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

impl Layer {
    /// Glorot-uniform weights, zero bias.
    pub(super) fn new(inputs: usize, outputs: usize, number: usize, generator: &mut ChaCha8Rng, device: &Device) -> Self {
        let weights = glorot(generator, inputs, outputs);
        Self {
            weight: parameter(TensorData::new(weights, [inputs, outputs]), 2 * number, device),
            bias: parameter(TensorData::new(vec![0.0_f32; outputs], [outputs]), 2 * number + 1, device),
        }
    }

    /// All zero: a layer that adds nothing until it has learned something.
    pub(super) fn zeros(inputs: usize, outputs: usize, number: usize, device: &Device) -> Self {
        Self {
            weight: parameter(TensorData::new(vec![0.0_f32; inputs * outputs], [inputs, outputs]), 2 * number, device),
            bias: parameter(TensorData::new(vec![0.0_f32; outputs], [outputs]), 2 * number + 1, device),
        }
    }

    /// Weights, row by row of inputs, and bias.
    pub(super) fn weights(&self) -> Result<(Vec<f32>, Vec<f32>), RunError> {
        Ok((read(self.weight.val())?, read(self.bias.val())?))
    }

    /// # Shapes
    /// `[rows, inputs] -> [rows, outputs]`
    pub(super) fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        linear(x, self.weight.val(), Some(self.bias.val()))
    }
}

/// A trainable parameter with a fixed number instead of a random one, so that equal models make equal files.
pub(super) fn parameter<const D: usize>(data: TensorData, number: usize, device: &Device) -> Param<Tensor<D>> {
    let mut parameter = Param::<Tensor<D>>::from_data(data, device);
    parameter.id = ParamId::from(number as u64 + 1);
    parameter
}
