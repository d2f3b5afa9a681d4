//! Autoencoder over short sequences of vectors: two-way LSTM to one code, repeated, two-way LSTM, one linear layer per step.

mod by_hand;

use super::by_hand::{ByHand, weights};
use super::device::Device;
use super::fit::{Model, chunks};
use super::layer::Layer;
use super::lstm::Lstm;
use super::matrix::read;
use super::random::{Purpose, generator};
use crate::control::{Control, RunError};
use burn::module::Module;
use burn::tensor::{Device as Backend, Tensor, TensorData};
use by_hand::OwnPasses;
use serde::{Deserialize, Serialize};

/// Sequences of at most `steps` vectors, padded on the left.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequences {
    values: Vec<f32>,
    lengths: Vec<usize>,
    /// 0, or the error below which a sequence that should not be rebuilt costs.
    margins: Vec<f32>,
    steps: usize,
    size: usize,
}

impl Sequences {
    /// None yet, of at most `steps` vectors of `size` numbers each.
    #[must_use]
    pub fn new(steps: usize, size: usize) -> Self {
        Self { values: Vec::new(), lengths: Vec::new(), margins: Vec::new(), steps: steps.max(1), size: size.max(1) }
    }

    /// Adds a sequence; of more vectors than there are steps the last ones count, a vector is cut or filled with zeros to its size.
    pub fn push<'a>(&mut self, vectors: impl IntoIterator<Item = &'a [f32]>) {
        let vectors: Vec<&[f32]> = vectors.into_iter().collect();
        let kept = &vectors[vectors.len().saturating_sub(self.steps)..];
        self.values.extend(std::iter::repeat_n(0.0, (self.steps - kept.len()) * self.size));
        for vector in kept {
            self.values.extend(vector.iter().copied().chain(std::iter::repeat(0.0)).take(self.size));
        }
        self.lengths.push(kept.len());
        self.margins.push(0.0);
    }

    /// Adds a sequence that a network trained on this should fail to rebuild: it costs what its error lacks to `margin`.
    pub fn push_against<'a>(&mut self, vectors: impl IntoIterator<Item = &'a [f32]>, margin: f32) {
        self.push(vectors);
        if let Some(last) = self.margins.last_mut() {
            *last = margin;
        }
    }

    /// Number of sequences.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.lengths.len()
    }

    /// # Shapes
    /// per step values `[rows, size]` and masks `[rows, 1]`
    fn gather(&self, rows: &[usize], device: &Backend) -> (Vec<Tensor<2>>, Vec<Tensor<2>>) {
        let (mut values, mut masks) = (Vec::with_capacity(self.steps), Vec::with_capacity(self.steps));
        for step in 0..self.steps {
            let mut cells = Vec::with_capacity(rows.len() * self.size);
            for &row in rows {
                let at = (row * self.steps + step) * self.size;
                cells.extend_from_slice(&self.values[at..at + self.size]);
            }
            let mask: Vec<f32> = rows.iter().map(|&row| f32::from(u8::from(step + self.lengths[row] >= self.steps))).collect();
            values.push(Tensor::from_data(TensorData::new(cells, [rows.len(), self.size]), device));
            masks.push(Tensor::from_data(TensorData::new(mask, [rows.len(), 1]), device));
        }
        (values, masks)
    }
}

/// The shape of a sequence autoencoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SequenceConfig {
    /// Numbers per vector.
    pub size: usize,
    /// Units of each LSTM in each direction.
    pub units: usize,
}

/// A sequence autoencoder; the loss of a sequence is the mean squared error over the steps it has (see [`Sequences::push_against`] for the others).
#[derive(Module, Debug)]
pub struct SequenceAutoencoder {
    encoder: Vec<Lstm>,
    decoder: Vec<Lstm>,
    head: Layer,
}

impl SequenceAutoencoder {
    /// Glorot-uniform weights drawn from `seed`.
    #[must_use]
    pub fn new(config: &SequenceConfig, seed: u64, device: &Device) -> Self {
        let (mut weights, device) = (generator(seed, Purpose::Weights), device.training());
        let mut pair = |inputs: usize, first: usize| -> Vec<Lstm> {
            (0..2).map(|direction| Lstm::new(inputs, config.units, first + direction, &mut weights, &device)).collect()
        };
        let (encoder, decoder) = (pair(config.size, 0), pair(2 * config.units, 2));
        Self { encoder, decoder, head: Layer::new(2 * config.units, config.size, 100, &mut weights, &device) }
    }

    /// Number of trainable numbers.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.num_params()
    }

    /// # Shapes
    /// per step `[rows, size] -> [rows, size]`
    fn forward(&self, values: &[Tensor<2>], masks: &[Tensor<2>]) -> Vec<Tensor<2>> {
        let mut codes = Vec::new();
        for (lstm, reverse) in self.encoder.iter().zip([false, true]) {
            let steps: Vec<Tensor<2>> = values.iter().map(|x| lstm.project(x.clone())).collect();
            let mut states = lstm.run(&steps, masks, reverse);
            codes.extend(if reverse { states.drain(..).next() } else { states.pop() });
        }
        let code = Tensor::cat(codes, 1);
        let decoded: Vec<Vec<Tensor<2>>> =
            self.decoder.iter().zip([false, true]).map(|(lstm, reverse)| lstm.run(&vec![lstm.project(code.clone()); values.len()], masks, reverse)).collect();
        (0..values.len())
            .map(|step| {
                let both: Vec<Tensor<2>> = decoded.iter().filter_map(|states| states.get(step).cloned()).collect();
                self.head.forward(Tensor::cat(both, 1))
            })
            .collect()
    }

    /// What it makes of every sequence, padding included.
    ///
    /// # Shapes
    /// `[rows, steps, size]`, row by row
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub fn rebuilt(&self, data: &Sequences, device: &Device, control: &Control) -> Result<Vec<f32>, RunError> {
        let mut values = Vec::new();
        if !device.is_gpu() {
            let passes = OwnPasses::new(weights(self)?);
            chunks(data.rows(), control, |rows| {
                values.extend(passes.rebuilt(data, rows));
                Ok(())
            })?;
            return Ok(values);
        }
        let (model, device) = (self.valid(), device.plain());
        chunks(data.rows(), control, |rows| {
            let (steps, masks) = data.gather(rows, &device);
            let out: Vec<Tensor<3>> = model.forward(&steps, &masks).into_iter().map(|step| step.unsqueeze_dim(1)).collect();
            values.extend(read(Tensor::cat(out, 1))?);
            Ok(())
        })?;
        Ok(values)
    }

    /// The loss of every sequence.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub fn sequence_losses(&self, data: &Sequences, device: &Device, control: &Control) -> Result<Vec<f32>, RunError> {
        let mut losses = Vec::with_capacity(data.rows());
        if !device.is_gpu() {
            let passes = OwnPasses::new(weights(self)?);
            chunks(data.rows(), control, |rows| {
                losses.extend(passes.losses(data, rows));
                Ok(())
            })?;
            return Ok(losses);
        }
        let (model, device) = (self.valid(), device.plain());
        chunks(data.rows(), control, |rows| {
            losses.extend(read(model.losses(data, rows, &device))?);
            Ok(())
        })?;
        Ok(losses)
    }
}

impl Model for SequenceAutoencoder {
    type Data = Sequences;

    fn rows(data: &Sequences) -> usize {
        data.rows()
    }

    fn losses(&self, data: &Sequences, rows: &[usize], device: &Backend) -> Tensor<1> {
        let (values, masks) = data.gather(rows, device);
        let rebuilt = self.forward(&values, &masks);
        let errors = values.into_iter().zip(rebuilt).zip(&masks).map(|((x, y), mask)| (y - x).square().sum_dim(1) * mask.clone());
        let sum = errors.reduce(|a, b| a + b).unwrap_or_else(|| Tensor::zeros([rows.len(), 1], device));
        let cells: Vec<f32> = rows.iter().map(|&row| (data.lengths[row].max(1) * data.size) as f32).collect();
        let cells = Tensor::<1>::from_data(TensorData::new(cells, [rows.len()]), device);
        let errors = sum.squeeze_dim(1) / cells;
        let margins: Vec<f32> = rows.iter().map(|&row| data.margins[row]).collect();
        if margins.iter().all(|margin| *margin == 0.0) {
            return errors;
        }
        let against: Vec<f32> = margins.iter().map(|margin| f32::from(u8::from(*margin > 0.0))).collect();
        let tensor = |values: Vec<f32>| Tensor::<1>::from_data(TensorData::new(values, [rows.len()]), device);
        let (margins, against) = (tensor(margins), tensor(against));
        errors.clone() * (against.clone().neg() + 1.0) + (margins - errors).clamp_min(0.0) * against
    }

    fn by_hand(&self) -> Result<Option<Box<dyn ByHand<Sequences> + '_>>, RunError> {
        Ok(Some(Box::new(OwnPasses::new(weights(self)?))))
    }
}
