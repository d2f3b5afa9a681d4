//! Saved models: burn's own record beside a JSON card that says what the network is and what it was fed.
//!
//! The weights file is checked against the card's SHA-256 before it is parsed, and its shapes against the network the caller builds from the
//! card: a damaged or foreign file is an error in words.

use super::device::Device;
use crate::control::RunError;
use burn::module::{Module, ModuleVisitor, Param};
use burn::store::ModuleRecord;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

const FORMAT: u32 = 1;

/// What a saved model is: everything but its weights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Version of this layout.
    #[serde(default)]
    pub format: u32,
    /// What the network is for (`fields linear autoencoder`).
    pub kind: String,
    /// The network's shape and whatever else must be the same to use it.
    pub config: serde_json::Value,
    /// What the inputs were counted or looked up in.
    #[serde(default)]
    pub vocabulary: serde_json::Value,
    /// Names of the input columns, where they are few.
    #[serde(default)]
    pub features: Vec<String>,
    /// Seed it was trained with.
    pub seed: u64,
    /// Version of Residue that wrote it.
    #[serde(default)]
    pub version: String,
    /// SHA-256 of the weights file.
    #[serde(default)]
    pub weights_sha256: String,
    /// See [`model_id`].
    #[serde(default)]
    pub model_id: String,
}

/// Identifies a model: lower-case hex of the SHA-256 over its kind, configuration, vocabulary, features and weights.
///
/// # Errors
/// The device failed.
pub fn model_id<M: Module>(card: &Card, model: &M) -> Result<String, RunError> {
    let mut weights = WeightHash { hash: Sha256::new(), failed: None };
    let words = serde_json::to_vec(&(&card.kind, &card.config, &card.vocabulary, &card.features)).map_err(anyhow::Error::from)?;
    weights.hash.update((words.len() as u64).to_le_bytes());
    weights.hash.update(&words);
    model.valid().visit(&mut weights);
    match weights.failed {
        Some(error) => Err(error),
        None => Ok(hex(&weights.hash.finalize())),
    }
}

struct WeightHash {
    hash: Sha256,
    failed: Option<RunError>,
}

impl ModuleVisitor for WeightHash {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        tensor.dims().iter().for_each(|&size| self.hash.update((size as u64).to_le_bytes()));
        match super::matrix::read(tensor) {
            Ok(values) => values.iter().for_each(|value| self.hash.update(value.to_le_bytes())),
            Err(error) => self.failed = Some(error),
        }
    }
}

/// Writes `NAME.burn` and `NAME.json` into `folder` (made if missing), each whole or not at all; returns the model's id.
///
/// # Errors
/// They cannot be written.
pub fn save<M: Module>(folder: &Path, name: &str, model: &M, card: &Card) -> Result<String, RunError> {
    let id = model_id(card, model)?;
    let bytes = model.valid().into_record().into_bytes().map_err(|error| RunError::failed(format!("the model cannot be saved: {error}")))?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let card = Card { format: FORMAT, version, weights_sha256: hex(&Sha256::digest(&bytes[..])), model_id: id.clone(), ..card.clone() };
    place(&folder.join(format!("{name}.burn")), &bytes)?;
    place(&folder.join(format!("{name}.json")), &serde_json::to_vec_pretty(&card).map_err(anyhow::Error::from)?)?;
    Ok(id)
}

/// Reads the card of a saved model.
///
/// # Errors
/// It is missing, is not a card, or was written by a newer version.
pub fn load_card(folder: &Path, name: &str) -> Result<Card, RunError> {
    let path = folder.join(format!("{name}.json"));
    let text = std::fs::read(&path).map_err(|error| io("the saved model cannot be read", &error, &path))?;
    let card: Card = serde_json::from_slice(&text).map_err(|error| RunError::failed(format!("not a saved model's card ({error}): {}", path.display())))?;
    if card.format != FORMAT {
        return Err(RunError::failed(format!(
            "the saved model has layout {}, this version reads layout {FORMAT}; train it again: {}",
            card.format,
            path.display()
        )));
    }
    Ok(card)
}

/// Puts the saved weights into `model`, which the caller has built from the card.
///
/// # Errors
/// The file is missing, differs from what the card says, or holds another network.
pub fn load_weights<M: Module>(folder: &Path, name: &str, card: &Card, model: M, device: &Device) -> Result<M, RunError> {
    let path = folder.join(format!("{name}.burn"));
    let wrong = |what: &str| RunError::failed(format!("{what}; save the model again: {}", path.display()));
    let bytes = std::fs::read(&path).map_err(|error| io("the saved weights cannot be read", &error, &path))?;
    if hex(&Sha256::digest(&bytes)) != card.weights_sha256 {
        return Err(wrong("the saved weights are damaged or belong to another model (their SHA-256 differs from the card's)"));
    }
    let shapes = shapes(&model);
    let plain = device.plain();
    let loaded = catch_unwind(AssertUnwindSafe(|| {
        let record = ModuleRecord::from_bytes(burn::tensor::Bytes::from_bytes_vec(bytes))?;
        model.valid().to_device(&plain).try_load_record(record)
    }));
    let model = match loaded {
        Ok(Ok(model)) => model,
        Ok(Err(error)) => return Err(wrong(&format!("the saved weights do not fit the network ({error})"))),
        Err(_) => return Err(wrong("the saved weights cannot be parsed")),
    };
    if self::shapes(&model) != shapes || model_id(card, &model)? != card.model_id {
        return Err(wrong("the saved weights and the card are not of the same model"));
    }
    Ok(model)
}

fn shapes<M: Module>(model: &M) -> Vec<Vec<usize>> {
    struct Shapes(Vec<Vec<usize>>);
    impl ModuleVisitor for Shapes {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(param.val().dims().to_vec());
        }
    }
    let mut shapes = Shapes(Vec::new());
    model.visit(&mut shapes);
    shapes.0
}

/// Writes a file under its final name only when it is whole.
fn place(path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    crate::files::write_whole(path, bytes).map_err(|error| io("the model cannot be saved", &error, path))
}

fn io(what: &str, error: &std::io::Error, path: &Path) -> RunError {
    RunError::failed(format!("{what}: {error}: {}", path.display()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}
