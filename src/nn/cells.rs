//! Trainable layers outside burn, with Adam: what the networks over windows are made of.

use super::kernel::Kernel;
use super::layer::Activation;
use super::random::{glorot, orthogonal};
use rand::rngs::ChaCha8Rng;

/// One trainable array and Adam's two moments of it.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    pub(super) values: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Weights {
    pub(super) fn new(values: Vec<f32>) -> Self {
        let empty = vec![0.0; values.len()];
        Self { first: empty.clone(), second: empty, values }
    }

    /// One step of Adam (1e-3 as published, epsilon 1e-7) along `gradient` times `scale`; `step` counts from 1.
    pub(super) fn step(&mut self, gradient: &[f32], scale: f32, rate: f32, step: i32) {
        let (b1, b2) = (0.9f32, 0.999f32);
        let rate = rate * (1.0 - b2.powi(step)).sqrt() / (1.0 - b1.powi(step));
        for (((value, first), second), gradient) in self.values.iter_mut().zip(&mut self.first).zip(&mut self.second).zip(gradient) {
            let gradient = gradient * scale;
            *first = b1 * *first + (1.0 - b1) * gradient;
            *second = b2 * *second + (1.0 - b2) * gradient * gradient;
            *value -= rate * *first / (second.sqrt() + 1e-7);
        }
    }
}

/// A layer that keeps its own weights.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    pub(super) inputs: usize,
    pub(super) units: usize,
    activation: Activation,
    pub(super) input: Weights,
    pub(super) hidden: Weights,
    pub(super) bias: Weights,
}

/// Gradients of one layer's weights.
#[derive(Clone, Debug, Default)]
pub(super) struct Gradients {
    pub(super) input: Vec<f32>,
    pub(super) hidden: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

impl Cells {
    /// As in Keras: Glorot-uniform weights of the input, orthogonal ones of the state, the forget gate's bias at 1.
    pub(super) fn new(inputs: usize, units: usize, activation: Activation, generator: &mut ChaCha8Rng) -> Self {
        let mut bias = vec![0.0; 4 * units];
        bias.iter_mut().skip(units).take(units).for_each(|bias| *bias = 1.0);
        Self {
            inputs,
            units,
            activation,
            input: Weights::new(glorot(generator, inputs, 4 * units)),
            hidden: Weights::new(orthogonal(generator, units, 4 * units)),
            bias: Weights::new(bias),
        }
    }

    pub(super) fn parameters(&self) -> usize {
        self.input.values.len() + self.hidden.values.len() + self.bias.values.len()
    }

    pub(super) fn kernel(&self) -> Kernel<'_> {
        let Self { inputs, units, activation, input, hidden, bias } = self;
        Kernel { inputs: *inputs, units: *units, activation: *activation, input: &input.values, hidden: &hidden.values, bias: &bias.values }
    }

    pub(super) fn step(&mut self, gradients: &Gradients, scale: f32, rate: f32, step: i32) {
        self.input.step(&gradients.input, scale, rate, step);
        self.hidden.step(&gradients.hidden, scale, rate, step);
        self.bias.step(&gradients.bias, scale, rate, step);
    }
}

impl Gradients {
    /// Adds another part's.
    pub(super) fn add(&mut self, other: &Self) {
        for (own, other) in [(&mut self.input, &other.input), (&mut self.hidden, &other.hidden), (&mut self.bias, &other.bias)] {
            if own.is_empty() {
                own.clone_from(other);
            } else {
                own.iter_mut().zip(other).for_each(|(own, other)| *own += other);
            }
        }
    }

    /// Sum of the squares.
    pub(super) fn square(&self) -> f64 {
        [&self.input, &self.hidden, &self.bias].iter().flat_map(|values| values.iter()).map(|value| f64::from(*value) * f64::from(*value)).sum()
    }
}
