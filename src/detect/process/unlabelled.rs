//! Without labels: an autoencoder over the same sequences.
//!
//! An event is a vector: its words' fixed pseudo-random directions, rare words longer, in all of length 1. Runs of equal events are folded
//! into one; the last steps count.

use super::column::Column;
use super::facts::NONE;
use super::sequences::{Sequence, Sequences, Step};
use crate::control::{Control, RunError};
use crate::features::hashing::murmur3;
use crate::nn::{Device, FitConfig, SequenceAutoencoder, SequenceConfig, fit};

/// Steps of the autoencoder.
pub(super) const STEPS: usize = 32;
/// Numbers per event.
const SIZE: usize = 24;
/// Units of its LSTMs.
const UNITS: usize = 16;
/// Processes it learns from at most, spread evenly over all.
const MOST: usize = 4_000;

/// The events that the autoencoder sees: runs of equal ones folded, the last `steps` of them.
pub(super) fn folded(sequence: &Sequence, steps: usize) -> Vec<&Step> {
    let mut folded: Vec<&Step> = Vec::new();
    for (step, _) in Sequences::last(sequence, steps) {
        if folded.last().is_none_or(|last| last.row != step.row) {
            folded.push(step);
        }
    }
    let begin = folded.len().saturating_sub(STEPS);
    folded.split_off(begin)
}

/// The vectors of every distinct event.
struct Vectors(Vec<[f32; SIZE]>);

impl Vectors {
    fn of(sequences: &Sequences, columns: &[Column]) -> Self {
        let directions: Vec<Vec<[f32; SIZE]>> =
            columns.iter().map(|&column| sequences.words[column as usize].names().map(|word| direction(column, word)).collect()).collect();
        let vector = |row: &super::facts::Row| {
            let mut sum = [0.0_f32; SIZE];
            for (&column, directions) in columns.iter().zip(&directions) {
                let code = row[column as usize];
                if let Some(direction) = directions.get(code as usize).filter(|_| code != NONE) {
                    sum.iter_mut().zip(direction).for_each(|(sum, part)| *sum += part);
                }
            }
            let length = sum.iter().map(|v| v * v).sum::<f32>().sqrt();
            if length > 1e-6 { sum.map(|v| v / length) } else { sum }
        };
        Self(sequences.rows.iter().map(vector).collect())
    }
}

/// A word's direction: signs from its hash.
fn direction(column: Column, word: &str) -> [f32; SIZE] {
    let bits = murmur3(word.as_bytes(), 0x5eed + column as u32);
    // What the event is and whom it is about weigh more than the rest.
    let weight = if matches!(column, Column::Event | Column::Image | Column::Target) { 2.0 } else { 1.0 };
    std::array::from_fn(|at| if bits >> at & 1 == 0 { weight } else { -weight })
}

/// The loss of every process.
pub(super) struct Losses {
    pub(super) whole: Vec<f32>,
    pub(super) model: SequenceAutoencoder,
    data: crate::nn::Sequences,
}

/// Trains on `learn` (the baseline's sequences, or the case's own) and scores every process of `sequences`.
///
/// # Errors
/// Cancelled, nothing to learn from, or the device failed.
pub(super) fn losses(
    sequences: &Sequences,
    learn: &Sequences,
    columns: &[Column],
    steps: usize,
    config: &FitConfig,
    device: &Device,
    control: &Control,
) -> Result<Losses, RunError> {
    let data = |from: &Sequences, stride: usize| {
        let (vectors, mut data) = (Vectors::of(from, columns), crate::nn::Sequences::new(STEPS, SIZE));
        for sequence in from.list.iter().step_by(stride) {
            data.push(folded(sequence, steps).into_iter().filter_map(|step| vectors.0.get(step.row as usize)).map(<[f32; SIZE]>::as_slice));
        }
        data
    };
    let training = data(learn, learn.list.len().div_ceil(MOST).max(1));
    let shape = SequenceConfig { size: SIZE, units: UNITS };
    let model = fit(SequenceAutoencoder::new(&shape, config.seed, device), &training, None, config, device, control)?.model;
    let all = data(sequences, 1);
    let whole = model.sequence_losses(&all, device, control)?;
    Ok(Losses { whole, model, data: all })
}

impl Losses {
    /// The error of each folded step of every process.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub(super) fn errors(
        &self,
        sequences: &Sequences,
        columns: &[Column],
        steps: usize,
        device: &Device,
        control: &Control,
    ) -> Result<Vec<Vec<f32>>, RunError> {
        let (rebuilt, vectors) = (self.model.rebuilt(&self.data, device, control)?, Vectors::of(sequences, columns));
        let errors = sequences.list.iter().zip(rebuilt.chunks(STEPS * SIZE)).map(|(sequence, rebuilt)| {
            let folded = folded(sequence, steps);
            let first = STEPS - folded.len();
            let error = |(at, step): (usize, &&Step)| {
                let vector = vectors.0.get(step.row as usize).copied().unwrap_or([0.0; SIZE]);
                let begin = (first + at) * SIZE;
                rebuilt.get(begin..begin + SIZE).unwrap_or_default().iter().zip(&vector).map(|(a, b)| (a - b) * (a - b)).sum()
            };
            folded.iter().enumerate().map(error).collect()
        });
        Ok(errors.collect())
    }
}
