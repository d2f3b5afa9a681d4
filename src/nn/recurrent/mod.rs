//! The six published classifiers of event sequences: an LSTM, some behind a convolution, with a logistic head.
//!
//! Sequences are padded on the left; padding is masked out, so that it changes no score. Keras keeps one bias vector per LSTM gate, and so do
//! we: the published parameter counts hold exactly (a framework with two, as PyTorch, counts 4 more per unit and direction).

mod by_hand;
mod data;

use super::by_hand::weights;
use super::classifier::{Logits, SequenceClassifier};
use super::device::Device;
use super::layer::{Activation, Layer};
use super::lstm::Lstm;
use super::random::{Purpose, generator};
use crate::control::RunError;
use burn::module::Module;
use burn::tensor::{Device as Backend, Tensor};
use by_hand::OwnPasses;
pub use data::LabelledSequences;
use serde::{Deserialize, Serialize};

/// Width of the convolution.
const KERNEL: usize = 3;

/// The shape of a classifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecurrentConfig {
    /// Its published name.
    pub name: String,
    /// Numbers per step.
    pub inputs: usize,
    /// Filters of a convolution over 3 steps, with ReLU and the larger of each two; 0 = none.
    pub filters: usize,
    /// Units of each LSTM.
    pub units: Vec<usize>,
    /// Whether the LSTM reads in both directions.
    pub both_ways: bool,
    /// Dense layers with ReLU before the logit.
    pub dense: Vec<usize>,
    /// Dropout after the last LSTM.
    pub after: f64,
    /// Dropout of each LSTM's input and of its state.
    pub inside: f64,
}

impl RecurrentConfig {
    /// The published networks, in their order.
    pub const NAMES: [&str; 6] = ["simplest", "dd", "deep", "deeper", "conv_rnn", "conv_birnn"];

    /// A published network by name, over six features.
    #[must_use]
    pub fn published(name: &str) -> Option<Self> {
        let (filters, units, dense): (usize, &[usize], &[usize]) = match name {
            "simplest" => (0, &[32], &[]),
            "dd" => (0, &[32], &[32]),
            "deep" => (0, &[128], &[128, 16]),
            "deeper" => (0, &[128, 128], &[128, 16]),
            "conv_rnn" | "conv_birnn" => (64, &[64], &[32]),
            _ => return None,
        };
        let (after, inside) = if filters > 0 { (0.2, 0.0) } else { (0.0, 0.2) };
        let both_ways = name == "conv_birnn";
        Some(Self { name: name.into(), inputs: 6, filters, units: units.into(), both_ways, dense: dense.into(), after, inside })
    }
}

/// A classifier of sequences.
#[derive(Module, Debug)]
pub struct Recurrent {
    convolution: Vec<Layer>,
    layers: Vec<Lstm>,
    dense: Vec<Layer>,
    #[module(skip)]
    config: RecurrentConfig,
}

impl Recurrent {
    /// Glorot-uniform weights drawn from `seed`.
    #[must_use]
    pub fn new(config: &RecurrentConfig, seed: u64, device: &Device) -> Self {
        let (mut weights, device) = (generator(seed, Purpose::Weights), device.training());
        let mut inputs = config.inputs;
        let mut convolution = Vec::new();
        if config.filters > 0 {
            convolution.push(Layer::new(KERNEL * inputs, config.filters, 200, &mut weights, &device));
            inputs = config.filters;
        }
        let mut layers = Vec::new();
        for &units in &config.units {
            for _ in 0..=usize::from(config.both_ways) {
                layers.push(Lstm::new(inputs, units, layers.len(), &mut weights, &device));
            }
            inputs = if config.both_ways { 2 * units } else { units };
        }
        let mut dense = Vec::new();
        for &width in config.dense.iter().chain([&1]) {
            dense.push(Layer::new(inputs, width, 100 + dense.len(), &mut weights, &device));
            inputs = width;
        }
        Self { convolution, layers, dense, config: config.clone() }
    }

    /// Number of trainable numbers.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.num_params()
    }

    /// # Shapes
    /// per step `[rows, inputs]` or `[rows, filters]`, and masks `[rows, 1]`
    fn steps(&self, data: &LabelledSequences, rows: &[usize], device: &Backend) -> (Vec<Tensor<2>>, Vec<Option<Tensor<2>>>) {
        // What is shorter than the convolution is padded to it.
        let longest = data.longest(rows).max(if self.convolution.is_empty() { 1 } else { KERNEL });
        let Some(convolution) = self.convolution.first() else {
            return (0..longest).map(|step| (data.gather(rows, step, 1, longest, device), data.mask(rows, step, longest, device))).unzip();
        };
        // A place counts where all three steps are real; places are paired from the end, so that padding moves no pair.
        let places = longest + 1 - KERNEL;
        let at = |place: usize| {
            let x = convolution.forward(data.gather(rows, place, KERNEL, longest, device));
            let mask = data.mask(rows, place, longest, device);
            // ReLU comes after: below 0 nothing passes, so a masked place never wins.
            (
                match &mask {
                    Some(mask) => x * mask.clone(),
                    None => x,
                },
                mask,
            )
        };
        let pair = |end: usize| {
            let (later, mask) = at(end);
            let largest = match end.checked_sub(1) {
                Some(earlier) => later.max_pair(at(earlier).0),
                None => later,
            };
            (Activation::Relu.apply(largest), mask)
        };
        let mut pairs: Vec<usize> = (0..places).rev().step_by(2).collect();
        pairs.reverse();
        pairs.into_iter().map(pair).unzip()
    }
}

impl SequenceClassifier for Recurrent {
    type Data = LabelledSequences;

    fn forward(&self, data: &LabelledSequences, rows: &[usize], device: &Backend) -> Tensor<1> {
        let (mut steps, masks) = self.steps(data, rows, device);
        let mut state = None;
        for (layer, pair) in self.layers.chunks(1 + usize::from(self.config.both_ways)).enumerate() {
            let inside = |width: usize| data.draws.keep(rows.len(), width, self.config.inside, device);
            let width = steps.first().map_or(1, |step| step.dims()[1]);
            if let Some(kept) = inside(width) {
                steps = steps.into_iter().map(|step| step * kept.clone()).collect();
            }
            let mut ends = Vec::new();
            let mut outs: Vec<Vec<Tensor<2>>> = Vec::new();
            for (lstm, reverse) in pair.iter().zip([false, true]) {
                let projected: Vec<Tensor<2>> = steps.iter().map(|step| lstm.project(step.clone())).collect();
                let dropped = inside(self.config.units[layer]);
                let states = lstm.walk(&projected, &masks, reverse, dropped.as_ref());
                ends.extend(if reverse { states.first().cloned() } else { states.last().cloned() });
                outs.push(states);
            }
            state = Some(Tensor::cat(ends, 1));
            if layer + 1 < self.config.units.len() {
                steps = (0..steps.len()).map(|at| Tensor::cat(outs.iter().map(|states| states[at].clone()).collect(), 1)).collect();
            }
        }
        let mut x = state.unwrap_or_else(|| Tensor::zeros([rows.len(), 1], device));
        if let Some(kept) = data.draws.keep(rows.len(), x.dims()[1], self.config.after, device) {
            x = x * kept;
        }
        let last = self.dense.len().saturating_sub(1);
        for (at, layer) in self.dense.iter().enumerate() {
            x = layer.forward(x);
            if at < last {
                x = Activation::Relu.apply(x);
            }
        }
        x.squeeze_dim(1)
    }

    fn own_passes(&self) -> Result<Option<Box<dyn Logits<LabelledSequences> + '_>>, RunError> {
        Ok(Some(Box::new(OwnPasses::new(&self.config, weights(self)?))))
    }
}

#[cfg(test)]
mod tests;
