//! The one training loop: minibatches of rows, Adam, validation, early stopping, cancel, live loss.
//!
//! Deterministic on the CPU, whatever the number of threads: every draw comes from the seed, and sums are taken in a fixed order.

use super::by_hand::{ByHand, registered};
use super::device::Device;
use super::matrix::read;
use super::random::{Purpose, generator};
use crate::control::{Control, RunError};
use crate::domain::{CurvePoint, Figures};
use burn::module::Module;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device as Backend, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

/// Rows evaluated at once.
const CHUNK: usize = 4096;
/// Batches between two read-backs on a GPU: its queue never runs further ahead than this, so that a cancel is prompt.
const SYNC: usize = 16;

/// A network that [`fit`] can train.
pub trait Model: Module {
    /// What it learns from, addressed by row number.
    type Data: Sync + ?Sized;
    /// Rows evaluated at once.
    const CHUNK: usize = CHUNK;
    /// Number of rows.
    fn rows(data: &Self::Data) -> usize;
    /// Loss of each of the named rows, each at least 0; a mean over a batch of them is minimised.
    ///
    /// # Shapes
    /// `[rows]`
    fn losses(&self, data: &Self::Data, rows: &[usize], device: &Backend) -> Tensor<1>;
    /// What a classifier makes of the named rows, from their losses; none of other networks.
    fn figures(_data: &Self::Data, _rows: &[usize], _losses: &[f32]) -> Option<Figures> {
        None
    }
    /// Its own passes over its weights as they are, for the CPU, where it has any.
    ///
    /// # Errors
    /// The device failed.
    fn by_hand(&self) -> Result<Option<Box<dyn ByHand<Self::Data> + '_>>, RunError> {
        Ok(None)
    }
}

/// How to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitConfig {
    /// What is trained, for the progress line.
    pub name: String,
    /// Most epochs.
    pub epochs: usize,
    /// Rows in a minibatch.
    pub batch: usize,
    /// Adam's learning rate in the first epoch.
    pub learning_rate: f64,
    /// Its value in the last epoch, reached geometrically; equal to `learning_rate` = constant.
    pub final_rate: f64,
    /// Adam's epsilon.
    pub epsilon: f32,
    /// Share of rows kept for validation, 0..0.5; the mean training loss stands in where it is 0.
    pub validation: f64,
    /// Epochs without a better validation loss before training stops; the best weights are restored. None = every epoch is run and the last weights stay.
    pub patience: Option<usize>,
    /// How much better counts as better.
    pub min_delta: f64,
    /// Weight decay: this times each parameter is added to its gradient.
    pub l2: f32,
    /// Seeds the split and the order of rows.
    pub seed: u64,
}

impl Default for FitConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            epochs: 100,
            batch: 64,
            learning_rate: 1e-3,
            final_rate: 1e-3,
            epsilon: 1e-8,
            validation: 0.1,
            patience: Some(10),
            min_delta: 0.0,
            l2: 0.0,
            seed: 42,
        }
    }
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// All epochs were run.
    Epochs,
    /// Patience ran out.
    Early,
    /// The loss was no longer a number.
    NotFinite,
}

/// A trained network.
#[derive(Clone, Debug)]
pub struct Fitted<M> {
    /// With the best weights, ready for inference.
    pub model: M,
    /// The losses, epoch by epoch.
    pub curve: Vec<CurvePoint>,
    /// The epoch the weights are from, from 1; 0 = the initial weights.
    pub best_epoch: u32,
    /// Why it ended.
    pub stop: Stop,
}

/// Trains `model` on the rows of `data`, each counting `weights[row]` times (none = once).
///
/// # Errors
/// Cancelled (within one batch), nothing to learn from, or the device failed.
pub fn fit<M: Model>(model: M, data: &M::Data, weights: Option<&[f32]>, config: &FitConfig, device: &Device, control: &Control) -> Result<Fitted<M>, RunError> {
    let rows = M::rows(data);
    if rows == 0 {
        return Err(RunError::failed(format!("{}: no rows to learn from", config.name)));
    }
    if weights.is_some_and(|weights| weights.len() != rows) {
        return Err(RunError::failed(format!("{}: {rows} rows, but another number of weights", config.name)));
    }
    let (train, validation) = split(rows, config);
    let mut trainer = Trainer { data, weights: Weights::new(weights, &train), config, device, control, order: generator(config.seed, Purpose::Order) };
    trainer.run(model, train, &validation)
}

/// Training and validation rows. A validation set needs at least one row and leaves at least one.
fn split(rows: usize, config: &FitConfig) -> (Vec<usize>, Vec<usize>) {
    let mut all: Vec<usize> = (0..rows).collect();
    let kept = ((rows as f64 * config.validation.clamp(0.0, 0.5)).round() as usize).min(rows - 1);
    if kept == 0 {
        return (all, Vec::new());
    }
    all.shuffle(&mut generator(config.seed, Purpose::Split));
    let mut train = all.split_off(kept);
    train.sort_unstable();
    all.sort_unstable();
    (train, all)
}

/// Row weights scaled to a mean of 1 over the training rows.
struct Weights<'a> {
    given: Option<&'a [f32]>,
    scale: f32,
}

impl<'a> Weights<'a> {
    fn new(given: Option<&'a [f32]>, train: &[usize]) -> Self {
        let sum: f64 = given.map_or(0.0, |given| train.iter().filter_map(|&row| given.get(row)).map(|&w| f64::from(w)).sum());
        let scale = if sum > 0.0 { (train.len() as f64 / sum) as f32 } else { 1.0 };
        Self { given, scale }
    }

    fn of(&self, row: usize) -> f32 {
        self.given.map_or(1.0, |given| given.get(row).copied().unwrap_or(0.0) * self.scale)
    }
}

struct Trainer<'a, D: ?Sized> {
    data: &'a D,
    weights: Weights<'a>,
    config: &'a FitConfig,
    device: &'a Device,
    control: &'a Control,
    order: ChaCha8Rng,
}

impl<D: Sync + ?Sized> Trainer<'_, D> {
    fn run<M: Model<Data = D>>(&mut self, model: M, mut train: Vec<usize>, validation: &[usize]) -> Result<Fitted<M>, RunError> {
        let config = self.config;
        let decay = (config.l2 > 0.0).then(|| WeightDecayConfig::new(config.l2));
        let mut optimizer = AdamConfig::new().with_epsilon(config.epsilon).with_weight_decay(decay).init();
        let mut best = (f64::INFINITY, 0, model.valid());
        let (mut model, mut curve, mut stop) = (model, Vec::new(), Stop::Epochs);
        for epoch in 1..=config.epochs {
            train.shuffle(&mut self.order);
            let loss;
            (model, loss) = self.epoch(model, &mut optimizer, &train, self.rate(epoch))?;
            let (held, figures) = if validation.is_empty() { (None, None) } else { self.evaluate(&model.valid(), validation)? };
            let point = CurvePoint { epoch: epoch as u32, train: loss, validation: held, figures };
            let watched = held.unwrap_or(loss);
            if !loss.is_finite() || !watched.is_finite() {
                stop = Stop::NotFinite;
                self.control.warn(format!(
                    "training ({}) stopped at epoch {epoch}: the loss is no longer a finite number; the weights of epoch {} are used",
                    config.name, best.1
                ));
                break;
            }
            curve.push(point);
            self.control.reporter.epoch(point);
            self.control.progress("training", &config.name, epoch as u64, Some(config.epochs as u64), "epochs");
            if config.patience.is_none() || watched < best.0 - config.min_delta {
                best = (watched, epoch, model.valid());
            } else if config.patience.is_some_and(|patience| epoch - best.1 >= patience.max(1)) {
                stop = Stop::Early;
                break;
            }
        }
        Ok(Fitted { model: best.2, curve, best_epoch: best.1 as u32, stop })
    }

    /// The learning rate of an epoch.
    fn rate(&self, epoch: usize) -> f64 {
        let (first, last) = (self.config.learning_rate, self.config.final_rate);
        if self.config.epochs < 2 || first <= 0.0 || last <= 0.0 || first == last {
            return first;
        }
        first * (last / first).powf((epoch - 1) as f64 / (self.config.epochs - 1) as f64)
    }

    /// One pass over the training rows; gives the mean loss seen on the way.
    fn epoch<M: Model<Data = D>>(&self, mut model: M, optimizer: &mut ModuleOptimizer, rows: &[usize], rate: f64) -> Result<(M, f64), RunError> {
        let device = self.device.training();
        let (mut sum, mut pending) = (0.0, Vec::new());
        for batch in rows.chunks(self.config.batch.max(1)) {
            self.control.check()?;
            if let Some((loss, gradients)) = self.by_hand(&model, batch)? {
                sum += loss;
                model = optimizer.step(rate, model, gradients);
                continue;
            }
            let loss = self.total(&model, batch, &device);
            pending.push(loss.clone().detach());
            let gradients = GradientsParams::from_grads((loss / batch.len() as f32).backward(), &model);
            model = optimizer.step(rate, model, gradients);
            if !self.device.is_gpu() || pending.len() >= SYNC {
                sum += drain(&mut pending)?;
            }
        }
        sum += drain(&mut pending)?;
        Ok((model, sum / rows.len() as f64))
    }

    /// Weighted sum of the losses of a batch and the gradients of their mean, where the network has its own passes.
    fn by_hand<M: Model<Data = D>>(&self, model: &M, batch: &[usize]) -> Result<Option<(f64, GradientsParams)>, RunError> {
        let passes = if self.device.is_gpu() { None } else { model.by_hand()? };
        let Some(passes) = passes else { return Ok(None) };
        let weights: Vec<f32> = batch.iter().map(|&row| self.weights.of(row)).collect();
        let (loss, gradients) = passes.gradients(self.data, batch, &weights);
        Ok(Some((loss, registered(model, gradients, 1.0 / batch.len() as f32, &self.device.plain()))))
    }

    /// Mean weighted loss of the named rows, and what a classifier makes of them.
    fn evaluate<M: Model<Data = D>>(&self, model: &M, rows: &[usize]) -> Result<(Option<f64>, Option<Figures>), RunError> {
        let (mut sum, mut all, device) = (0.0, Vec::with_capacity(rows.len()), self.device.plain());
        let passes = if self.device.is_gpu() { None } else { model.by_hand()? };
        for chunk in rows.chunks(M::CHUNK) {
            self.control.check()?;
            if let Some(passes) = &passes {
                let losses = passes.losses(self.data, chunk);
                sum += losses.iter().zip(chunk).map(|(loss, &row)| f64::from(loss * self.weights.of(row))).sum::<f64>();
                all.extend(losses);
                continue;
            }
            let losses = model.losses(self.data, chunk, &device);
            sum += drain(&mut vec![self.weighted(losses.clone(), chunk, &device)])?;
            all.extend(read(losses)?);
        }
        Ok((Some(sum / rows.len() as f64), M::figures(self.data, rows, &all)))
    }

    /// Weighted sum of the rows' losses.
    fn total<M: Model<Data = D>>(&self, model: &M, rows: &[usize], device: &Backend) -> Tensor<1> {
        self.weighted(model.losses(self.data, rows, device), rows, device)
    }

    fn weighted(&self, losses: Tensor<1>, rows: &[usize], device: &Backend) -> Tensor<1> {
        if self.weights.given.is_none() {
            return losses.sum();
        }
        let weights: Vec<f32> = rows.iter().map(|&row| self.weights.of(row)).collect();
        (losses * Tensor::from_data(TensorData::new(weights, [rows.len()]), device)).sum()
    }
}

fn drain(pending: &mut Vec<Tensor<1>>) -> Result<f64, RunError> {
    let mut sum = 0.0;
    for loss in pending.drain(..) {
        sum += read(loss)?.iter().map(|&v| f64::from(v)).sum::<f64>();
    }
    Ok(sum)
}

/// Rows in the order given, in chunks fit for inference, each after a look at the cancel flag.
pub(super) fn chunks(rows: usize, control: &Control, each: impl FnMut(&[usize]) -> Result<(), RunError>) -> Result<(), RunError> {
    chunks_of(CHUNK, rows, control, each)
}

/// The same with chunks of another size.
pub(super) fn chunks_of(size: usize, rows: usize, control: &Control, mut each: impl FnMut(&[usize]) -> Result<(), RunError>) -> Result<(), RunError> {
    let all: Vec<usize> = (0..rows).collect();
    for chunk in all.chunks(size.max(1)) {
        control.check()?;
        each(chunk)?;
    }
    Ok(())
}
