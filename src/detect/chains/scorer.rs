//! The recommended score: named parts that a responder can read aloud, summed.

use super::contrast::{Contrast, INPUTS, Inputs};
use super::counts::{Counts, words};
use super::embedding::Embedding;
use super::knowledge::{Flags, Knowledge};
use super::launch::{Launches, Shape, Texts};
use super::saved;
use crate::control::RunError;
use crate::detect::Input;
use crate::detect::seen::Seen;
use crate::domain::EventStore;
use crate::nn::{Activation, Card, Dense, DenseConfig, FitConfig, Matrix, fit, model_id};
use rayon::prelude::*;
use std::collections::HashSet;

/// Weight of the surprise of a child given its parent.
pub(super) const CHILD: f64 = 0.5;
/// Weight of the surprise of user class and integrity given the child.
pub(super) const RIGHTS: f64 = 0.5;
/// Weight of the rarest argument word's surprise given the child.
pub(super) const WORD: f64 = 0.15;
/// Weight of the contrastive network.
pub(super) const NETWORK: f64 = 1.0 / 3.0;
/// Shapes the autoencoder learns from at most, spread evenly over all.
const MOST: usize = 50_000;
/// Shapes scored between two looks at the cancel flag.
const CHUNK: usize = 8192;

/// What was counted in baseline and case.
pub(super) struct Counted {
    pub(super) texts: Texts,
    pub(super) counts: Counts,
    pub(super) knowledge: Knowledge,
    /// How far the baseline knows the case's parents and children: lowers the counts where it is foreign. 1 without a baseline.
    pub(super) coverage: f64,
    /// Whether there is a baseline.
    pub(super) baseline: bool,
    /// Weight of one of the case's own launches in the counts.
    pub(super) own: f64,
}

/// What needs training.
pub(super) struct Networks {
    pub(super) embedding: Embedding,
    /// Only with a baseline: trained on the attacked case itself it ranks worse than chance.
    pub(super) contrast: Option<Contrast>,
    pub(super) autoencoder: Dense,
}

/// The parts of one shape's score.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    pub(super) child: f64,
    pub(super) rights: f64,
    pub(super) word: f64,
    pub(super) network: Option<f64>,
    pub(super) flags: Flags,
    pub(super) rarity: f64,
    pub(super) loss: Option<f64>,
}

impl Parts {
    /// Everything learned from evidence.
    pub(super) fn learned(&self, coverage: f64) -> f64 {
        coverage * (CHILD * self.child + RIGHTS * self.rights + WORD * self.word) + NETWORK * self.network.unwrap_or(0.0)
    }

    /// Everything that vanishes with empty tables.
    pub(super) fn prior(&self) -> f64 {
        self.flags.points()
    }
}

/// What was read and counted before any training.
pub(super) struct Evidence {
    pub(super) counted: Counted,
    pub(super) case: Launches,
    /// The baseline's distinct launches, case by case; empty with a saved model.
    pub(super) baseline: Vec<Shape>,
    /// From a saved model.
    pub(super) networks: Option<Networks>,
    /// The baseline's counts alone, where they are to be saved.
    pub(super) known: Option<Counts>,
    /// What of them may be saved, where not all may.
    pub(super) seen: Option<Seen<u32>>,
}

impl Counted {
    /// Reads baseline (or saved model) and case and counts them.
    ///
    /// # Errors
    /// A store or the model cannot be read, or the job is cancelled.
    pub(super) fn read(input: &Input<'_>) -> Result<Evidence, RunError> {
        let (mut texts, mut counts, mut networks, mut baseline) = (Texts::default(), Counts::default(), None, Vec::new());
        let mut seen = (input.save_model.is_some() && input.plan.save_shared_only).then(Seen::default);
        if let Some(folder) = input.model {
            let saved = saved::read(folder, &mut texts, input)?;
            (counts, networks) = (saved.0, Some(saved.1));
        } else {
            // In an order that does not depend on the order of arguments.
            let mut stores: Vec<&dyn EventStore> = input.baseline.to_vec();
            stores.sort_by_cached_key(|store| store.sources().iter().map(|source| source.sha256.clone()).collect::<Vec<_>>());
            for store in stores {
                let launches = Launches::read(store, &mut texts, input.control)?;
                if let Some(seen) = &mut seen {
                    launches.witness(&mut texts, seen);
                }
                baseline.extend(launches.shapes);
            }
            counts.add(&baseline, 1.0, &mut texts);
        }
        let case = Launches::read(input.case, &mut texts, input.control)?;
        let foreign = !counts.is_empty();
        let coverage = if foreign { coverage(&case.shapes, &counts) } else { 1.0 };
        let known = (input.save_model.is_some() && foreign).then(|| counts.clone());
        let own = if foreign { input.plan.settings.chains.own_weight } else { 1.0 };
        counts.add(&case.shapes, own, &mut texts);
        let knowledge = if input.plan.prior { Knowledge::standard() } else { Knowledge::default() };
        Ok(Evidence { counted: Self { texts, counts, knowledge, coverage, baseline: foreign, own }, case, baseline, networks, known, seen })
    }

    /// The parts that need no network, shape by shape.
    ///
    /// # Errors
    /// Cancelled.
    pub(super) fn score(&self, shapes: &[Shape], input: &Input<'_>) -> Result<Vec<Parts>, RunError> {
        let mut parts: Vec<Parts> = Vec::with_capacity(shapes.len());
        for chunk in shapes.chunks(CHUNK) {
            input.control.check()?;
            parts.par_extend(chunk.par_iter().map(|shape| self.part(shape)));
        }
        Ok(parts)
    }

    /// The words of a launch's arguments that another launch has too; runs of others become `*`.
    pub(super) fn common_words(&self, shape: &Shape) -> String {
        let mut kept = Vec::new();
        for word in words(self.texts.name(shape.arguments)) {
            let common = self.texts.get(word).is_some_and(|code| self.counts.words.seen(shape.child.name, code) >= 2.0 * self.own);
            match (common, kept.last()) {
                (true, _) => kept.push(word),
                (false, Some(&"*")) => {}
                (false, _) => kept.push("*"),
            }
        }
        kept.join(" ")
    }

    fn part(&self, shape: &Shape) -> Parts {
        Parts {
            child: self.counts.child.bits(shape.parent.name, shape.child.name),
            rights: self.counts.rights.bits(shape.child.name, shape.rights()),
            word: self.counts.rarest_word(shape, &self.texts).map_or(0.0, |(_, bits)| bits),
            network: None,
            flags: self.knowledge.flags(shape, &self.texts),
            rarity: self.counts.child.pair_rarity(shape.parent.name, shape.child.name),
            loss: None,
        }
    }
}

impl Networks {
    /// Trains on the baseline's distinct launches, the autoencoder on the case's too, at their own weight.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub(super) fn learn(counted: &Counted, case: &[Shape], baseline: &[Shape], input: &Input<'_>) -> Result<Self, RunError> {
        let (seed, device, control) = (input.plan.seed, input.device, input.control);
        let known = if baseline.is_empty() { case } else { baseline };
        let mut paths: Vec<&str> = known.iter().flat_map(|s| [s.grand.full, s.parent.full, s.child.full]).map(|code| counted.texts.name(code)).collect();
        paths.sort_unstable();
        paths.dedup();
        let embedding = Embedding::learn(&paths, seed, control)?;
        let inputs = Inputs { embedding: &embedding, texts: &counted.texts };
        let contrast = if baseline.is_empty() { None } else { Some(Contrast::learn(baseline, &inputs, seed, device, control)?) };
        let step = (baseline.len() + case.len()).div_ceil(MOST).max(1);
        let weighed = baseline.iter().map(|shape| (shape, 1.0)).chain(case.iter().map(|shape| (shape, counted.own as f32)));
        let (chosen, weights): (Vec<&Shape>, Vec<f32>) = weighed.step_by(step).unzip();
        let config = FitConfig { name: "chains, autoencoder".into(), epochs: 60, batch: 128, patience: Some(5), seed, ..FitConfig::default() };
        let small = device.for_work(2 * (INPUTS * 32 + 32 * 8), config.batch);
        let network = Dense::new(&autoencoder(), seed, &small);
        let autoencoder = fit(network, &inputs.rows(chosen), Some(&weights), &config, &small, control)?.model;
        Ok(Self { embedding, contrast, autoencoder })
    }

    /// Adds the networks' parts.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub(super) fn judge(&self, counted: &Counted, shapes: &[Shape], parts: &mut [Parts], input: &Input<'_>) -> Result<(), RunError> {
        let inputs = Inputs { embedding: &self.embedding, texts: &counted.texts };
        for (shapes, parts) in shapes.chunks(CHUNK).zip(parts.chunks_mut(CHUNK)) {
            self.judge_rows(&inputs.rows(shapes), parts, input)?;
        }
        Ok(())
    }

    /// Identifies what was trained.
    ///
    /// # Errors
    /// The device failed.
    pub(super) fn id(&self, input: &Input<'_>) -> Result<String, RunError> {
        let contrast = self.contrast.iter().flat_map(|contrast| &contrast.networks);
        let ids = contrast.map(|network| model_id(&Card::default(), network)).collect::<Result<Vec<_>, _>>()?;
        let config = serde_json::json!({ "sizes": autoencoder().sizes, "settings": input.plan.settings.chains, "contrast": ids });
        let card = Card { kind: "chains".into(), config, seed: input.plan.seed, ..Card::default() };
        model_id(&card, &self.autoencoder)
    }

    fn judge_rows(&self, rows: &Matrix, parts: &mut [Parts], input: &Input<'_>) -> Result<(), RunError> {
        if let Some(contrast) = &self.contrast {
            let surprise = contrast.surprise(rows, input.device, input.control)?;
            parts.iter_mut().zip(surprise).for_each(|(part, nce)| part.network = Some(nce));
        }
        let errors = self.autoencoder.squared_errors(rows, input.device, input.control)?;
        for (at, part) in parts.iter_mut().enumerate() {
            let row = errors.row(at);
            part.loss = Some(row.iter().map(|e| f64::from(*e)).sum::<f64>() / row.len().max(1) as f64);
        }
        Ok(())
    }
}

/// The dense autoencoder over a launch's numbers.
pub(super) fn autoencoder() -> DenseConfig {
    DenseConfig::new(&[INPUTS, 32, 8, 32, INPUTS], Activation::Relu, Activation::Linear)
}

/// Share of the case's distinct (parent, child) pairs that the baseline knows, one known and one unknown lent.
fn coverage(case: &[Shape], counts: &Counts) -> f64 {
    let pairs: HashSet<(u32, u32)> = case.iter().map(|shape| (shape.parent.name, shape.child.name)).collect();
    let known = pairs.iter().filter(|(parent, child)| counts.child.seen(*parent, *child) > 0.0).count();
    (known as f64 + 1.0) / (pairs.len() as f64 + 2.0)
}
