//! What the classifiers of sequences share: one logit a row, and binary cross-entropy against its label.

use super::by_hand::ByHand;
use super::device::Device;
use super::fit::{Model, chunks_of};
use super::matrix::read;
use super::mlp::cross_entropy;
use crate::control::{Control, RunError};
use crate::domain::Figures;
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

/// Hits and misses from these logits and labels; called malicious from 0 on.
fn figures(mut rows: Vec<(f64, bool)>) -> Figures {
    let count = |called: bool, malicious: bool| rows.iter().filter(|(logit, label)| (*logit >= 0.0) == called && *label == malicious).count() as u64;
    let (hits, false_alarms, rejected, misses) = (count(true, true), count(true, false), count(false, false), count(false, true));
    let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut won) = (0.0, 0.0);
    for tied in rows.chunk_by(|a, b| a.0 == b.0) {
        let malicious = tied.iter().filter(|(_, malicious)| *malicious).count() as f64;
        let benign = tied.len() as f64 - malicious;
        won += malicious * (below + benign / 2.0);
        below += benign;
    }
    let pairs = (hits + misses) as f64 * (false_alarms + rejected) as f64;
    Figures {
        true_positives: hits,
        false_positives: false_alarms,
        true_negatives: rejected,
        false_negatives: misses,
        precision: share(hits, hits + false_alarms),
        recall: share(hits, hits + misses),
        roc_auc: (pairs > 0.0).then(|| won / pairs),
        average_precision: None,
    }
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

    fn figures(data: &Self::Data, rows: &[usize], losses: &[f32]) -> Option<Figures> {
        // A loss is ln(1 + e^z) of a logit z against label 0, and ln(1 + e^-z) against label 1.
        let logit = |(&row, &loss): (&usize, &f32)| {
            let (against, malicious) = (f64::from(loss).exp_m1().ln(), data.labels()[row] > 0.5);
            (if malicious { -against } else { against }, malicious)
        };
        Some(figures(rows.iter().zip(losses).map(logit).collect()))
    }

    fn by_hand(&self) -> Result<Option<Box<dyn ByHand<Self::Data> + '_>>, RunError> {
        Ok(self.own_passes()?.map(|own| Box::new(Losses(own)) as Box<dyn ByHand<Self::Data>>))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_by_hand() {
        let found = figures(vec![(2.0, true), (1.0, false), (-1.0, true), (-2.0, false), (-3.0, false)]);
        assert_eq!((found.true_positives, found.false_positives, found.true_negatives, found.false_negatives), (1, 1, 2, 1));
        assert_eq!((found.precision, found.recall), (Some(0.5), Some(0.5)));
        // Pairs won: 2.0 beats three, -1.0 beats two, of six.
        assert!((found.roc_auc.unwrap() - 5.0 / 6.0).abs() < 1e-12);
        assert_eq!(figures(vec![(0.0, true)]).roc_auc, None);
    }

    #[test]
    fn entropy_of_known_logits() {
        // ln 2, 1/2 - 1; ln(1 + e^2), 1 / (1 + e^-2); 200, -1
        for (logit, label, loss, slope) in [(0.0, 1.0, std::f32::consts::LN_2, -0.5), (2.0, 0.0, 2.126_928, 0.880_797), (-200.0, 1.0, 200.0, -1.0)] {
            let got = entropy(logit, label);
            assert!((got.0 - loss).abs() < 1e-5 && (got.1 - slope).abs() < 1e-6, "{logit} {label}: {got:?}");
        }
    }
}
