//! What networks over windows of earlier rows share: how windows are cut from a table of rows, on the fly, and how such a network is trained.

use super::cells::Gradients;
use super::kernel::Batch;
use super::random::{Purpose, generator};
use crate::control::{Control, RunError};
use crate::domain::CurvePoint;
use rand::seq::SliceRandom;
use rayon::prelude::*;

/// A batch is taken apart into this many, whatever the number of threads.
const PARTS: usize = 2;
/// A longer step than this is shortened to it: recurrent layers with ReLU are unbounded.
const LONGEST: f64 = 5.0;
/// A shorter step than this is none, and a network that takes none for so many batches has come to a halt.
const SHORTEST: f64 = 1e-9;
const HALTED: usize = 20;

/// Rows in order, of which any number of columns can be asked for by row.
pub trait Rows: Sync {
    /// Number of rows.
    fn count(&self) -> usize;
    /// Numbers in a row.
    fn width(&self) -> usize;
    /// The first row that is no earlier than `row`: rows of the same moment have no order among them, and do not foretell each other.
    fn end(&self, row: usize) -> usize {
        row
    }
    /// Writes a row.
    fn write(&self, row: usize, into: &mut Vec<f32>);
}

/// How to train over windows.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowFit {
    /// What is trained, for the progress line.
    pub name: String,
    /// Passes over the windows.
    pub epochs: usize,
    /// Windows in a minibatch.
    pub batch: usize,
    /// Adam's learning rate.
    pub rate: f32,
    /// Seeds weights and order.
    pub seed: u64,
}

/// Windows of the same length, laid out step by step.
pub(super) struct Cut {
    pub(super) values: Vec<f32>,
    pub(super) present: Vec<bool>,
    pub(super) steps: usize,
    pub(super) places: usize,
}

impl Cut {
    /// The `steps` rows that end with row `end - 1` of each of `ends`; what lies before the first row is not present.
    pub(super) fn new(rows: &dyn Rows, ends: &[usize], steps: usize) -> Self {
        let (width, places) = (rows.width(), ends.len());
        let mut values = Vec::with_capacity(steps * places * width);
        let mut present = Vec::with_capacity(steps * places);
        for step in 0..steps {
            for end in ends {
                let row = (end + step).checked_sub(steps);
                present.push(row.is_some());
                match row {
                    Some(row) => rows.write(row, &mut values),
                    None => values.resize(values.len() + width, 0.0),
                }
            }
        }
        Self { values, present, steps, places }
    }

    pub(super) fn batch(&self) -> Batch<'_> {
        Batch { steps: self.steps, places: self.places, present: &self.present, reverse: false, dropped: None }
    }
}

/// A network over windows, trained by [`train`].
pub(super) trait Windowed: Sync {
    /// Sum of the windows' losses, and the gradients of that sum.
    fn gradients(&self, rows: &dyn Rows, windows: &[usize]) -> (f64, Vec<Gradients>);
    /// One step along the gradients times `scale`.
    fn step(&mut self, gradients: &[Gradients], scale: f32, rate: f32, step: i32);
}

/// Trains on the named windows; gives the mean loss of each epoch. A network whose gradients are nothing, or no longer numbers, is left at that: the
/// last epoch's loss tells, which in the second case is infinite.
pub(super) fn train(
    network: &mut impl Windowed,
    rows: &dyn Rows,
    windows: &[usize],
    config: &WindowFit,
    control: &Control,
) -> Result<Vec<CurvePoint>, RunError> {
    let mut order = windows.to_vec();
    let mut random = generator(config.seed, Purpose::Order);
    let (mut curve, mut count) = (Vec::new(), 0);
    let total = (config.epochs * order.len()) as u64;
    let (mut done, mut still) = (0u64, 0);
    for epoch in 1..=config.epochs {
        order.shuffle(&mut random);
        let (mut sum, mut seen) = (0.0, 0);
        for batch in order.chunks(config.batch.max(1)) {
            control.check()?;
            let parts: Vec<_> = batch.par_chunks(batch.len().div_ceil(PARTS)).map(|part| network.gradients(rows, part)).collect();
            let mut all: Vec<Gradients> = Vec::new();
            for (loss, gradients) in parts {
                sum += loss;
                all.resize_with(gradients.len(), Gradients::default);
                all.iter_mut().zip(&gradients).for_each(|(all, part)| all.add(part));
            }
            let scale = 1.0 / batch.len() as f64;
            let length = all.iter().map(Gradients::square).sum::<f64>().sqrt() * scale;
            seen += batch.len();
            still = if length < SHORTEST { still + 1 } else { 0 };
            if !length.is_finite() || still == HALTED {
                sum += if length.is_finite() { 0.0 } else { f64::INFINITY };
                break;
            }
            count += 1;
            network.step(&all, (scale * (LONGEST / length.max(1e-12)).min(1.0)) as f32, config.rate, count);
            done += batch.len() as u64;
            control.progress("training", &config.name, done, Some(total), "windows");
        }
        let point = CurvePoint { epoch: epoch as u32, train: sum / seen.max(1) as f64, validation: None, figures: None };
        control.reporter.epoch(point);
        curve.push(point);
        if seen < order.len() {
            break;
        }
    }
    Ok(curve)
}
