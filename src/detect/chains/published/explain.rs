//! Which step of a chain the autoencoder could not rebuild, and what it expected there.

use super::Trained;
use super::clusters::cosine;
use super::words;
use crate::control::Control;
use crate::detect::chains::launch::Texts;
use crate::domain::{Contribution, Explain, Words};
use crate::nn::Device;
use std::sync::Arc;

/// Everything needed to explain a run's chains, computed when asked.
pub(super) struct Explanation {
    trained: Trained,
    paths: Texts,
    chains: Vec<Box<[u32]>>,
    /// Raw chain of every subject.
    of: Vec<u32>,
    device: Device,
    words: Arc<Words>,
}

impl Explanation {
    pub(super) fn new(trained: Trained, paths: Texts, chains: Vec<Box<[u32]>>, of: Vec<u32>, device: Device) -> Self {
        let words = Words { order: Some(trained.order.clone()), ..trained.normaliser.learned.clone() };
        Self { trained, paths, chains, of, device, words: Arc::new(words) }
    }

    /// The known path nearest to a vector.
    fn nearest(&self, vector: &[f32]) -> &str {
        let near =
            (0..self.trained.vectors.len()).map(|at| (cosine(vector, &self.trained.vectors[at]), at)).max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        near.map_or("", |(_, at)| self.trained.normalised.name(at as u32))
    }
}

impl Explain for Explanation {
    fn explain(&self, index: usize) -> Vec<Contribution> {
        let Some(chain) = self.of.get(index).and_then(|raw| self.chains.get(*raw as usize)) else { return Vec::new() };
        let codes: Vec<u32> = chain.iter().map(|path| self.trained.rewritten[*path as usize]).collect();
        let data = self.trained.sequences([codes.iter().copied()]);
        let Ok(rebuilt) = self.trained.network.rebuilt(&data, &self.device, &Control::silent()) else { return Vec::new() };
        let steps: Vec<&[f32]> = rebuilt.chunks_exact(words::SIZE).collect();
        let padded = steps.len().saturating_sub(codes.len());
        let mut list: Vec<Contribution> = Vec::new();
        for (at, (code, raw)) in codes.iter().zip(chain.iter()).enumerate() {
            let Some(step) = steps.get(padded + at) else { continue };
            let error: f32 = step.iter().zip(&self.trained.vectors[*code as usize]).map(|(a, b)| (a - b) * (a - b)).sum();
            let name = match codes.len() - at {
                1 => "process".to_owned(),
                2 => "parent".to_owned(),
                3 => "grandparent".to_owned(),
                n => format!("{} steps up", n - 1),
            };
            list.push(Contribution { name, share: f64::from(error), observed: self.paths.name(*raw).to_owned(), expected: self.nearest(step).to_owned() });
        }
        let whole: f64 = list.iter().map(|c| c.share).sum::<f64>().max(f64::MIN_POSITIVE);
        for contribution in &mut list {
            contribution.share /= whole;
        }
        list.sort_by(|a, b| b.share.total_cmp(&a.share));
        list
    }

    fn words(&self) -> Option<Arc<Words>> {
        Some(Arc::clone(&self.words))
    }
}
