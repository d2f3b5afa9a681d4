//! Trains and applies the classifiers, the published ones and ours, on one kind of example.

use super::column::Column;
use super::sequences::Sequences;
use super::vocabulary::{Examples, Vocabulary};
use crate::control::{Control, RunError};
use crate::domain::{Plan, Preset};
use crate::nn::{
    Card, Device, FitConfig, LabelledSequences, Recurrent, RecurrentConfig, SequenceClassifier, TokenClassifier, TokenConfig, TokenSequences, fit, load_card,
    load_weights, model_id, save,
};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Name of the saved model's files.
const SAVED: &str = "process";
/// Fewest examples of which some are kept for validation.
const ENOUGH: usize = 60;

/// Everything that decides what a classifier is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Setup {
    /// `recommended`, `linear`, or a published name.
    pub(super) network: String,
    pub(super) names: bool,
    pub(super) steps: usize,
    pub(super) least: usize,
    pub(super) strict: bool,
    pub(super) epochs: usize,
    pub(super) patience: usize,
    pub(super) seed: u64,
}

impl Setup {
    /// From the plan.
    ///
    /// # Errors
    /// The network's name is not known.
    pub(super) fn planned(plan: &Plan) -> Result<Self, RunError> {
        let settings = &plan.settings.process;
        let published = plan.preset == Preset::Published;
        let network = match settings.network.as_str() {
            "" if published => "conv_rnn",
            "" => "recommended",
            name => name,
        };
        let known = ["recommended", "linear"].contains(&network) || RecurrentConfig::NAMES.contains(&network);
        if !known {
            return Err(RunError::failed(format!(
                "process.network = \"{network}\" is none of recommended, linear, {}: correct the settings",
                RecurrentConfig::NAMES.join(", ")
            )));
        }
        let (steps, least) = (settings.steps.clamp(4, 4096), settings.min_events.max(1));
        Ok(Self {
            network: network.into(),
            names: settings.names,
            steps,
            least,
            strict: published,
            epochs: settings.epochs.max(1),
            patience: settings.patience,
            seed: plan.seed,
        })
    }

    /// The columns it looks at.
    pub(super) fn columns(&self) -> Vec<Column> {
        match RecurrentConfig::published(&self.network) {
            Some(_) => Column::PUBLISHED.into_iter().filter(|column| self.names || !matches!(column, Column::Image | Column::Path)).collect(),
            None => Column::recommended(self.names),
        }
    }

    fn recurrent(&self) -> Option<RecurrentConfig> {
        RecurrentConfig::published(&self.network).map(|config| RecurrentConfig { inputs: self.columns().len(), ..config })
    }

    fn tokens(&self, words: usize) -> TokenConfig {
        let linear = self.network == "linear";
        let units = if linear { 0 } else { 16 };
        TokenConfig { words, size: 8, filters: 16, units, dense: 16, dropout: if linear { 0.0 } else { 0.3 } }
    }

    fn fit(&self, rows: usize) -> FitConfig {
        let published = self.recurrent().is_some();
        let enough = rows >= ENOUGH;
        FitConfig {
            name: self.network.clone(),
            epochs: self.epochs,
            batch: 32,
            learning_rate: 5e-3,
            final_rate: if published { 5e-3 } else { 1e-3 },
            epsilon: 1e-7,
            validation: if enough { 0.15 } else { 0.0 },
            patience: enough.then_some(self.patience),
            min_delta: 0.0,
            l2: if published { 0.0 } else { 6e-3 },
            seed: self.seed,
        }
    }
}

/// A trained classifier.
pub(super) struct Classifier {
    pub(super) setup: Setup,
    vocabulary: Vocabulary,
    net: Net,
}

enum Net {
    Tokens(Box<TokenClassifier>),
    Recurrent(Box<Recurrent>),
}

/// Sequences as a network takes them.
enum Data {
    Tokens(TokenSequences),
    Recurrent(LabelledSequences),
}

impl Classifier {
    /// Trains on the named examples, each with its label. Malicious ones weigh as much as benign ones in all.
    ///
    /// # Errors
    /// Cancelled, nothing to learn from, or the device failed.
    pub(super) fn train(
        setup: &Setup,
        sequences: &Sequences,
        examples: &Examples,
        which: &[(usize, bool)],
        device: &Device,
        control: &Control,
    ) -> Result<Self, RunError> {
        let rows: Vec<usize> = which.iter().map(|(at, _)| *at).collect();
        let published = setup.recurrent();
        let least = if published.is_some() { 1 } else { 2 };
        let vocabulary = Vocabulary::learn(sequences, examples, &rows, &setup.columns(), least);
        let prefixes = which.iter().map(|&(at, malicious)| (at, examples.events[at].len(), malicious));
        let data = data(setup, &vocabulary, sequences, examples, prefixes);
        let heavy = class_weight(which) as f32;
        let weights: Vec<f32> = which.iter().map(|(_, malicious)| if *malicious { heavy } else { 1.0 }).collect();
        let config = setup.fit(which.len());
        let net = match (&data, published) {
            (Data::Recurrent(data), Some(shape)) => {
                Net::Recurrent(Box::new(fit(Recurrent::new(&shape, setup.seed, device), data, Some(&weights), &config, device, control)?.model))
            }
            (Data::Tokens(data), _) => {
                let shape = setup.tokens(vocabulary.size());
                Net::Tokens(Box::new(fit(TokenClassifier::new(&shape, setup.seed, device), data, Some(&weights), &config, device, control)?.model))
            }
            (Data::Recurrent(_), None) => return Err(RunError::failed("an internal error: a published network without its shape; please report it")),
        };
        Ok(Self { setup: setup.clone(), vocabulary, net })
    }

    /// Log-odds that each of the named examples is malicious.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub(super) fn score(&self, sequences: &Sequences, examples: &Examples, which: &[usize], device: &Device, control: &Control) -> Result<Vec<f32>, RunError> {
        self.logits(sequences, examples, which.iter().map(|&at| (at, examples.events[at].len(), false)), device, control)
    }

    /// Log-odds after each of these numbers of events of one example.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub(super) fn running(&self, sequences: &Sequences, examples: &Examples, at: usize, cuts: &[usize], device: &Device) -> Result<Vec<f32>, RunError> {
        self.logits(sequences, examples, cuts.iter().map(|&cut| (at, cut, false)), device, &Control::silent())
    }

    fn logits(
        &self,
        sequences: &Sequences,
        examples: &Examples,
        prefixes: impl Iterator<Item = (usize, usize, bool)>,
        device: &Device,
        control: &Control,
    ) -> Result<Vec<f32>, RunError> {
        match (&self.net, data(&self.setup, &self.vocabulary, sequences, examples, prefixes)) {
            (Net::Tokens(net), Data::Tokens(data)) => net.logits(&data, device, control),
            (Net::Recurrent(net), Data::Recurrent(data)) => net.logits(&data, device, control),
            _ => Err(RunError::failed("an internal error: examples of another network; please report it")),
        }
    }

    /// Share of the words of these examples that it does not know.
    pub(super) fn strangers(&self, sequences: &Sequences, examples: &Examples) -> f64 {
        let (all, other) = self.vocabulary.numbers(sequences).strangers(sequences, examples);
        other as f64 / all.max(1) as f64
    }

    /// Its id; saves it where that is wanted.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn keep(&self, folder: Option<&Path>) -> Result<String, RunError> {
        let json = |value: Result<serde_json::Value, serde_json::Error>| value.map_err(|error| RunError::Failed(error.into()));
        let card = Card {
            kind: "process behaviour".into(),
            config: json(serde_json::to_value(&self.setup))?,
            vocabulary: json(serde_json::to_value(&self.vocabulary))?,
            features: self.setup.columns().iter().map(|column| column.name().to_owned()).collect(),
            seed: self.setup.seed,
            ..Card::default()
        };
        match (&self.net, folder) {
            (Net::Tokens(net), Some(folder)) => save(folder, SAVED, net.as_ref(), &card),
            (Net::Tokens(net), None) => model_id(&card, net.as_ref()),
            (Net::Recurrent(net), Some(folder)) => save(folder, SAVED, net.as_ref(), &card),
            (Net::Recurrent(net), None) => model_id(&card, net.as_ref()),
        }
    }

    /// What a saved one needs of its sequences, before they are read.
    ///
    /// # Errors
    /// There is none, or it cannot be used.
    pub(super) fn saved(folder: &Path) -> Result<(Setup, Card), RunError> {
        let card = load_card(folder, SAVED)?;
        let setup: Setup = Setup::deserialize(&card.config).map_err(|error| unusable(&error.to_string(), folder))?;
        if setup.steps == 0 || setup.steps > 4096 {
            return Err(unusable("its sequences have no sensible length", folder));
        }
        Ok((setup, card))
    }

    /// Reads the weights of a saved one.
    ///
    /// # Errors
    /// They are missing, or of another network.
    pub(super) fn load(setup: Setup, card: &Card, folder: &Path, device: &Device) -> Result<Self, RunError> {
        let vocabulary = Vocabulary::deserialize(&card.vocabulary).map_err(|error| unusable(&error.to_string(), folder))?;
        if !vocabulary.is_sound() {
            return Err(unusable("its vocabulary is not in order", folder));
        }
        let net = match setup.recurrent() {
            Some(shape) => Net::Recurrent(Box::new(load_weights(folder, SAVED, card, Recurrent::new(&shape, 0, device), device)?)),
            None => Net::Tokens(Box::new(load_weights(folder, SAVED, card, TokenClassifier::new(&setup.tokens(vocabulary.size()), 0, device), device)?)),
        };
        Ok(Self { setup, vocabulary, net })
    }
}

fn unusable(why: &str, folder: &Path) -> RunError {
    RunError::failed(format!("the saved model of process behaviour cannot be used ({why}); train it again: {}", folder.display()))
}

/// Benign examples per malicious one.
pub(super) fn class_weight(which: &[(usize, bool)]) -> f64 {
    let malicious = which.iter().filter(|(_, malicious)| *malicious).count();
    (which.len() - malicious) as f64 / malicious.max(1) as f64
}

/// The first events of each of these: (example, how many, malicious).
fn data(setup: &Setup, vocabulary: &Vocabulary, sequences: &Sequences, examples: &Examples, which: impl Iterator<Item = (usize, usize, bool)>) -> Data {
    let numbers = vocabulary.numbers(sequences);
    let label = |malicious: bool| f32::from(u8::from(malicious));
    if setup.recurrent().is_some() {
        let mut data = LabelledSequences::new(setup.steps, numbers.width(), setup.seed);
        for (at, length, malicious) in which {
            let mut ordinals = numbers.ordinals(sequences, examples, at);
            ordinals.truncate(length * numbers.width());
            data.push(ordinals, label(malicious));
        }
        return Data::Recurrent(data);
    }
    let mut data = TokenSequences::new(numbers.events(sequences, examples), numbers.width(), setup.seed);
    for (at, length, malicious) in which {
        data.push(examples.events[at].get(..length).unwrap_or(&examples.events[at]).to_vec(), label(malicious));
    }
    Data::Tokens(data)
}
