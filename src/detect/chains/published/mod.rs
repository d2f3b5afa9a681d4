//! The method as published: paths as sentences, FastText words, a normaliser made of clusters, and a two-way LSTM autoencoder over chains of paths.
//!
//! Two things are ours. The autoencoder also sees chains in another order and learns not to rebuild them: trained on real chains alone it rebuilds
//! shifted ones nearly as well (ROC-AUC .93 instead of the published separation); half of those have two neighbours exchanged, which uniform
//! draws show too seldom. And what all paths have in common is taken out of their vectors before the network sees them, and Adam begins at 3e-3
//! instead of 1e-3: the programs of one directory would differ too little for their order to matter.

mod clusters;
mod explain;
mod normaliser;
mod order;
mod patterns;
mod words;

use super::counts::WittenBell;
use super::launch::{Launches, Texts};
use super::subjects::Chain;
use crate::control::{Control, RunError};
use crate::detect::Input;
use crate::domain::{Detection, Processes, Roc, Stage, Step};
use crate::nn::{Card, FitConfig, SequenceAutoencoder, SequenceConfig, Sequences, fit, model_id};
use explain::Explanation;
use foldhash::{HashMap, HashSet};
use normaliser::Normaliser;
use std::sync::Arc;

/// The published threshold of the masked mean squared error.
pub(super) const THRESHOLD: f64 = 0.004;
/// Error that chains in another order shall have: twice what predicting nothing costs (1/64).
const MARGIN: f32 = 0.03;
/// Rows of an epoch at least: few chains are repeated until there are as many.
const EPOCH: usize = 8192;
/// Units of each LSTM in each direction.
const UNITS: usize = 32;

/// Distinct chains of raw paths, in lower case, in order of first appearance.
#[derive(Default)]
struct RawChains {
    paths: Texts,
    chains: Vec<Box<[u32]>>,
    known: HashMap<Box<[u32]>, u32>,
}

impl RawChains {
    /// Adds a case's chains; gives the index of each process's chain.
    fn add(&mut self, processes: &Processes, length: usize) -> Vec<u32> {
        let codes: Vec<u32> = processes.list.iter().map(|process| self.paths.intern(&process.image.to_lowercase())).collect();
        let stubs: Vec<u32> = processes.stubs.iter().map(|stub| self.paths.intern(&stub.image.to_lowercase())).collect();
        let code = |step: &Step| match step {
            Step::Process(index) => codes[*index as usize],
            Step::Stub(index) => stubs[*index as usize],
        };
        (0..processes.list.len() as u32)
            .map(|leaf| {
                let chain: Box<[u32]> = processes.lineage(leaf, length).iter().map(code).collect();
                let next = self.chains.len() as u32;
                *self.known.entry(chain).or_insert_with_key(|chain| {
                    self.chains.push(chain.clone());
                    next
                })
            })
            .collect()
    }
}

/// Runs the published preset.
///
/// # Errors
/// A store cannot be read, training failed, or the job is cancelled.
pub(super) fn run(input: &Input<'_>, length: usize) -> Result<Detection, RunError> {
    let (mut texts, mut pairs) = (Texts::default(), WittenBell::default());
    let case = Launches::read(input.case, &mut texts, input.control)?;
    let mut known = RawChains::default();
    for store in input.baseline {
        let baseline = Launches::read(*store, &mut texts, input.control)?;
        baseline.shapes.iter().for_each(|shape| pairs.add(shape.parent.name, shape.child.name, 1.0));
        known.add(&baseline.processes, length);
    }
    let own = if known.chains.is_empty() { 1.0 } else { input.plan.settings.chains.own_weight };
    case.shapes.iter().for_each(|shape| pairs.add(shape.parent.name, shape.child.name, own));
    let training = known.chains.len();
    let chain_of = known.add(&case.processes, length);
    let training = if training == 0 { known.chains.len() } else { training };
    let trained = Trained::learn(&known, training, length, input)?;
    let losses = trained.losses(&known.chains, input)?;
    let chains = merge(&trained, &known.chains, &chain_of);
    let subjects = chains
        .iter()
        .map(|(chain, raw)| {
            let leaf = chain.leaves.first().copied().unwrap_or_default();
            let shape = case.shapes[case.shape_of[leaf as usize] as usize];
            let parts = super::scorer::Parts {
                rarity: pairs.pair_rarity(shape.parent.name, shape.child.name),
                loss: Some(f64::from(losses[*raw as usize])),
                ..super::scorer::Parts::default()
            };
            let mut subject = chain.subject(leaf, &case, &parts, 1.0, length);
            (subject.learned, subject.prior) = (None, None);
            subject.score = f64::from(losses[*raw as usize]);
            subject
        })
        .collect();
    let (remarks, model_id) = (trained.remarks(), trained.id(input)?);
    let raw = chains.into_iter().map(|(_, raw)| raw).collect();
    let explain = Explanation::new(trained, known.paths, known.chains, raw, input.device.clone());
    Ok(Detection { subjects, explain: Arc::new(explain), model_id, stage: Stage::Final, remarks, trials: None })
}

/// Vectors of these words, learned from these paths.
///
/// # Errors
/// As [`words::WordVectors::learn`].
pub(super) fn word_vectors(paths: &[&str], of: &[&str], seed: u64, control: &Control) -> Result<Vec<Vec<f32>>, RunError> {
    let learned = words::WordVectors::learn(paths.iter().copied(), seed, control)?;
    Ok(of.iter().map(|word| learned.of(word)).collect())
}

/// Chains that are the same after normalisation make one subject. Each with the raw chain of its first leaf.
fn merge(trained: &Trained, raw: &[Box<[u32]>], chain_of: &[u32]) -> Vec<(Chain, u32)> {
    let mut known: HashMap<Vec<u32>, usize> = HashMap::default();
    let mut chains: Vec<(Chain, u32)> = Vec::new();
    for (leaf, chain) in chain_of.iter().enumerate() {
        let key: Vec<u32> = raw[*chain as usize].iter().map(|path| trained.rewritten[*path as usize]).collect();
        let at = *known.entry(key).or_insert(chains.len());
        match chains.get_mut(at) {
            Some((known, _)) => known.leaves.push(leaf as u32),
            None => chains.push((Chain { leaves: vec![leaf as u32] }, *chain)),
        }
    }
    chains
}

/// What the published method learned.
struct Trained {
    normaliser: Normaliser,
    network: SequenceAutoencoder,
    /// Code of every raw path's normalised form.
    rewritten: Vec<u32>,
    /// Normalised paths and their vectors, centred.
    normalised: Texts,
    vectors: Vec<Vec<f32>>,
    length: usize,
    /// The order self-test, on the chains trained on.
    order: Roc,
    /// Share of the chains trained on that lie under the published threshold.
    under: f64,
}

impl Trained {
    fn learn(known: &RawChains, training: usize, length: usize, input: &Input<'_>) -> Result<Self, RunError> {
        let (seed, control) = (input.plan.seed, input.control);
        let mut used: Vec<u32> = known.chains[..training].iter().flat_map(|chain| chain.iter().copied()).collect();
        used.sort_unstable();
        used.dedup();
        let mut paths: Vec<&str> = used.iter().map(|code| known.paths.name(*code)).collect();
        paths.sort_unstable();
        let normaliser = Normaliser::learn(&paths, &input.plan.settings.chains.expressions, seed, control)?;
        let mut normalised = Texts::default();
        let rewritten: Vec<u32> = known.paths.names().map(|path| normalised.intern(&normaliser.rewrite(path))).collect();
        let mut vectors: Vec<Vec<f32>> = normalised.names().map(|path| normaliser.vectors.path(path)).collect();
        let learned: HashSet<u32> = used.iter().map(|code| rewritten[*code as usize]).collect();
        words::centre(&mut vectors, &|path| learned.contains(&(path as u32)));
        let device = input.device.for_work(60_000, 64);
        let network = SequenceAutoencoder::new(&SequenceConfig { size: words::SIZE, units: UNITS }, seed, &device);
        let mut trained = Self { normaliser, network, rewritten, normalised, vectors, length, order: Roc::default(), under: 0.0 };
        let mut distinct: Vec<Vec<u32>> = known.chains[..training].iter().map(|chain| chain.iter().map(|p| trained.rewritten[*p as usize]).collect()).collect();
        distinct.sort_unstable();
        distinct.dedup();
        let data = trained.lessons(&distinct, seed);
        let config = FitConfig {
            name: "chains, two-way LSTM".into(),
            epochs: 50,
            batch: 64,
            patience: Some(5),
            learning_rate: 3e-3,
            final_rate: 3e-4,
            seed,
            ..FitConfig::default()
        };
        trained.network = fit(trained.network.clone(), &data, None, &config, &device, control)?.model;
        trained.order = trained.order_test(&distinct, input)?;
        let losses = trained.normalised_losses(&distinct, input)?;
        trained.under = losses.iter().filter(|loss| f64::from(**loss) < THRESHOLD).count() as f64 / losses.len().max(1) as f64;
        Ok(trained)
    }

    /// What the network learns from: each chain, to be rebuilt, and each in another order, not to be; few chains again and again, in ever other orders.
    fn lessons(&self, chains: &[Vec<u32>], seed: u64) -> Sequences {
        let mut data = Sequences::new(self.length, words::SIZE);
        let vectors = |chain: &[u32]| chain.iter().map(|path| self.vectors[*path as usize].as_slice()).collect::<Vec<_>>();
        for round in 0..(EPOCH / 2).div_ceil(chains.len().max(1)) as u64 {
            for chain in chains {
                data.push(vectors(chain));
            }
            // Of all orders those that differ least are the hardest to tell: every other round has them alone.
            let seed = seed.wrapping_add(round);
            let others = if round % 2 == 0 { order::shifted(chains, seed).1 } else { order::swapped(chains, seed) };
            for chain in others {
                data.push_against(vectors(&chain), MARGIN);
            }
        }
        data
    }

    /// Chains of codes of normalised paths as sequences of their vectors.
    fn sequences<C: IntoIterator<Item = u32>>(&self, chains: impl IntoIterator<Item = C>) -> Sequences {
        let mut data = Sequences::new(self.length, words::SIZE);
        for chain in chains {
            let chain: Vec<u32> = chain.into_iter().collect();
            data.push(chain.iter().map(|path| self.vectors[*path as usize].as_slice()));
        }
        data
    }

    /// The loss of chains of raw paths.
    fn losses(&self, chains: &[Box<[u32]>], input: &Input<'_>) -> Result<Vec<f32>, RunError> {
        let chains: Vec<Vec<u32>> = chains.iter().map(|chain| chain.iter().map(|path| self.rewritten[*path as usize]).collect()).collect();
        self.normalised_losses(&chains, input)
    }

    /// The loss of chains of normalised paths.
    fn normalised_losses(&self, chains: &[Vec<u32>], input: &Input<'_>) -> Result<Vec<f32>, RunError> {
        let data = self.sequences(chains.iter().map(|chain| chain.iter().copied()));
        self.network.sequence_losses(&data, &input.device.for_work(60_000, 64), input.control)
    }

    /// The order self-test on these chains.
    fn order_test(&self, chains: &[Vec<u32>], input: &Input<'_>) -> Result<Roc, RunError> {
        let (real, shifted) = order::shifted(chains, input.plan.seed);
        Ok(order::roc(&self.normalised_losses(&real, input)?, &self.normalised_losses(&shifted, input)?))
    }

    fn remarks(&self) -> Vec<String> {
        let normaliser = &self.normaliser;
        let mut remarks = vec![
            format!("distinct paths {}, distinct words {}; {} clusters", normaliser.paths, normaliser.words, normaliser.clusters),
            format!("{:.0} % of the chains trained on lie under the published threshold: --threshold {THRESHOLD}", self.under * 100.0),
            format!("order self-test: real chains against the same in another order, ROC-AUC {:.3}", self.order.area),
        ];
        for pattern in &normaliser.patterns {
            remarks.push(format!("{} merges {} words: {}", pattern.regex.as_str(), pattern.merges, pattern.examples.join(", ")));
        }
        remarks
    }

    fn id(&self, input: &Input<'_>) -> Result<String, RunError> {
        let patterns: Vec<&str> = self.normaliser.patterns.iter().map(|pattern| pattern.name.as_str()).collect();
        let config = serde_json::json!({ "units": UNITS, "length": self.length, "patterns": patterns });
        model_id(&Card { kind: "chains published".into(), config, seed: input.plan.seed, ..Card::default() }, &self.network)
    }
}

#[cfg(test)]
mod tests;
