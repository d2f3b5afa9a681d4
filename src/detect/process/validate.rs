//! Held-out scores: whole groups in turn, and the same processes dealt at random.

use super::classify::{Classifier, Setup};
use super::labels::Labelled;
use super::sequences::Sequences;
use super::vocabulary::Examples;
use crate::control::{Control, RunError, Silent};
use crate::nn::Device;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Parts of the random split.
const RANDOM: usize = 5;

/// One part held out: its scores, and the classifier that gave them.
pub(super) struct Fold {
    /// (index into [`Labelled::rows`], log-odds).
    pub(super) scores: Vec<(usize, f64)>,
    pub(super) classifier: Classifier,
}

/// What a split needs.
pub(super) struct Validator<'a> {
    pub(super) setup: &'a Setup,
    pub(super) sequences: &'a Sequences,
    /// Of the labelled processes, in their order.
    pub(super) examples: &'a Examples,
    pub(super) labelled: &'a Labelled,
    pub(super) device: &'a Device,
    pub(super) control: &'a Control,
}

impl Validator<'_> {
    /// Trains without each part in turn and scores it. Parts without which one class is missing give no scores.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub(super) fn run(&self, what: &str, part: &[usize]) -> Result<Vec<Fold>, RunError> {
        let parts = part.iter().max().map_or(0, |last| last + 1);
        let (done, quiet) = (AtomicU64::new(0), Control { cancel: self.control.cancel.clone(), reporter: Arc::new(Silent) });
        let fold = |held: usize| -> Result<Option<Fold>, RunError> {
            self.control.check()?;
            let (out, kept): (Vec<usize>, Vec<usize>) = (0..part.len()).partition(|&at| part[at] == held);
            let train: Vec<(usize, bool)> = kept.into_iter().map(|at| (at, self.labelled.rows[at].1)).collect();
            let malicious = train.iter().filter(|(_, malicious)| *malicious).count();
            if out.is_empty() || malicious == 0 || malicious == train.len() {
                return Ok(None);
            }
            let classifier = Classifier::train(self.setup, self.sequences, self.examples, &train, self.device, &quiet)?;
            let scores = classifier.score(self.sequences, self.examples, &out, self.device, &quiet)?;
            self.control.progress("validating", what, done.fetch_add(1, Ordering::Relaxed) + 1, Some(parts as u64), "parts");
            Ok(Some(Fold { scores: out.into_iter().zip(scores.into_iter().map(f64::from)).collect(), classifier }))
        };
        // Each training is small and its own: the parts share the cores, and their number changes nothing.
        let folds: Result<Vec<Option<Fold>>, RunError> = (0..parts).into_par_iter().map(fold).collect();
        Ok(folds?.into_iter().flatten().collect())
    }

    /// Groups gathered into at most `most` parts of about equal size.
    pub(super) fn by_group(&self, most: usize) -> Vec<usize> {
        let groups = &self.labelled.groups;
        let mut sizes = vec![0_usize; self.labelled.group_count()];
        for &group in groups {
            sizes[group] += 1;
        }
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        order.sort_by_key(|&group| (std::cmp::Reverse(sizes[group]), group));
        let mut filled = vec![0_usize; most.clamp(1, sizes.len().max(1))];
        let mut place = vec![0; sizes.len()];
        for group in order {
            let least = (0..filled.len()).min_by_key(|&part| (filled[part], part)).unwrap_or(0);
            place[group] = least;
            filled[least] += sizes[group];
        }
        groups.iter().map(|&group| place[group]).collect()
    }

    /// Each class dealt at random.
    pub(super) fn at_random(&self, most: usize) -> Vec<usize> {
        let parts = most.clamp(2, RANDOM);
        let mut random = ChaCha8Rng::seed_from_u64(self.setup.seed);
        let mut part = vec![0; self.labelled.rows.len()];
        for class in [false, true] {
            let mut rows: Vec<usize> = (0..part.len()).filter(|&at| self.labelled.rows[at].1 == class).collect();
            rows.shuffle(&mut random);
            for (place, row) in rows.into_iter().enumerate() {
                part[row] = place % parts;
            }
        }
        part
    }
}
