//! Saved models: the unique events that taught, with their weights, in normalised words; and the network's weights beside them.
//!
//! Counts and trees follow from the rows, so rows are all that is kept. No raw value, no time and no event key is written.

use super::linear::{Columns, Network};
use super::read::{Cell, Row, Table};
use super::unique::{Kept, Uniques};
use super::vocabulary::Vocabulary;
use crate::control::RunError;
use crate::detect::seen::{Seen, Witness, private};
use crate::features::Interner;
use crate::nn::{Card, Device, LinearAutoencoder, LinearConfig, load_card, load_weights, model_id, save};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

const NAME: &str = "fields";
const WORDS: &str = "fields-words.json";
const KIND: &str = "event fields, linear autoencoder";

/// What is written beside the card.
#[derive(Serialize, Deserialize)]
struct Words {
    kinds: Vec<String>,
    fields: Vec<String>,
    values: Vec<Vec<String>>,
    /// (type, field) pairs that are modelled, sorted.
    kept: Vec<(u32, u32)>,
    /// Type, cells, weight.
    rows: Vec<(u32, Vec<Cell>, f64)>,
    columns: Vec<Cell>,
}

#[derive(Serialize, Deserialize)]
struct Config {
    network: LinearConfig,
    words_sha256: String,
}

/// A model read back.
pub(super) struct Saved {
    pub vocabulary: Vocabulary,
    pub kept: Kept,
    pub rows: Uniques,
    pub network: Network,
}

/// What more than one computer and person have shown.
#[derive(Default)]
pub(super) struct Shared {
    kinds: Seen<u32>,
    fields: Seen<u32>,
    values: Seen<Cell>,
}

impl Shared {
    /// Looks through baselines; `witnesses` are the pairs that their events name.
    pub(super) fn new<'a>(baselines: impl Iterator<Item = (&'a Table, &'a Uniques)>, witnesses: &[Witness]) -> Self {
        let mut shared = Self::default();
        for (table, uniques) in baselines {
            for (at, row) in uniques.rows.iter().enumerate() {
                let seen: BTreeSet<u32> = uniques.members(at).iter().map(|event| table.events[*event as usize].witness).collect();
                for witness in seen.into_iter().filter_map(|code| witnesses.get(code as usize).copied()) {
                    shared.kinds.note(row.kind, witness);
                    for cell in &row.cells {
                        shared.fields.note(cell.0, witness);
                        shared.values.note(*cell, witness);
                    }
                }
            }
        }
        shared
    }
}

/// A model ready to be named or written.
pub(super) struct Written {
    words: Vec<u8>,
    card: Card,
}

impl Written {
    /// Puts the model in words, those that may not leave replaced by numbers. `rows` are those of the baseline where there is one, else the case's.
    pub(super) fn new(
        vocabulary: &Vocabulary,
        kept: &Kept,
        rows: &[(&Row, f64)],
        network: &Network,
        seed: u64,
        shared: Option<&Shared>,
    ) -> Result<Self, RunError> {
        let names = |interner: &Interner, may: &dyn Fn(&Shared, u32) -> bool| {
            let name = |(code, name): (usize, &str)| if shared.is_none_or(|s| may(s, code as u32)) { name.to_owned() } else { private(code) };
            interner.names().enumerate().map(name).collect::<Vec<_>>()
        };
        let mut kept: Vec<(u32, u32)> = kept.iter().copied().collect();
        kept.sort_unstable();
        let words = Words {
            kinds: names(&vocabulary.kinds, &|s, code| s.kinds.is_shared(&code)),
            fields: names(&vocabulary.fields, &|s, code| s.fields.is_shared(&code)),
            values: vocabulary.values.iter().enumerate().map(|(field, values)| names(values, &|s, code| s.values.is_shared(&(field as u32, code)))).collect(),
            kept,
            rows: rows.iter().map(|(row, weight)| (row.kind, row.cells.to_vec(), *weight)).collect(),
            columns: network.columns.cells.clone(),
        };
        let words = serde_json::to_vec(&words).map_err(anyhow::Error::from)?;
        let network = LinearConfig { columns: network.columns.cells.len().max(1), code: network.code };
        let config = Config { network, words_sha256: hex(&Sha256::digest(&words)) };
        let config = serde_json::to_value(config).map_err(anyhow::Error::from)?;
        Ok(Self { words, card: Card { kind: KIND.into(), config, seed, ..Card::default() } })
    }

    /// The model's name: hex of its configuration, words and weights.
    pub(super) fn id(&self, network: &Network) -> Result<String, RunError> {
        model_id(&self.card, &network.model)
    }

    /// Writes it into `folder`, every file whole or not at all.
    pub(super) fn save(&self, folder: &Path, network: &Network) -> Result<(), RunError> {
        let failed = |error: std::io::Error| RunError::failed(format!("the model cannot be saved: {error}: {}", folder.display()));
        crate::files::write_whole(&folder.join(WORDS), &self.words).map_err(failed)?;
        save(folder, NAME, &network.model, &self.card).map(drop)
    }
}

/// Reads a saved model.
///
/// # Errors
/// A file is missing, damaged, or of another kind of model.
pub(super) fn load(folder: &Path, device: &Device) -> Result<Saved, RunError> {
    let wrong = |what: String| RunError::failed(format!("{what}; save the model again: {}", folder.display()));
    let card = load_card(folder, NAME)?;
    if card.kind != KIND {
        return Err(wrong(format!("the saved model is of another kind ({})", card.kind)));
    }
    let config: Config = serde_json::from_value(card.config.clone()).map_err(|error| wrong(format!("the model's card cannot be read ({error})")))?;
    let bytes = std::fs::read(folder.join(WORDS)).map_err(|error| wrong(format!("the model's words cannot be read ({error})")))?;
    if hex(&Sha256::digest(&bytes)) != config.words_sha256 {
        return Err(wrong("the model's words are damaged (their SHA-256 differs from the card's)".into()));
    }
    let words: Words = serde_json::from_slice(&bytes).map_err(|error| wrong(format!("the model's words cannot be read ({error})")))?;
    let model = LinearAutoencoder::new(&config.network, card.seed, device);
    let model = load_weights(folder, NAME, &card, model, device)?;
    let network = Network::ready(model, Columns::new(words.columns), config.network.code)?;
    let mut vocabulary = Vocabulary::default();
    for kind in &words.kinds {
        vocabulary.kinds.intern(kind);
    }
    for (field, values) in words.fields.iter().zip(&words.values) {
        let field = vocabulary.field(field);
        for value in values {
            vocabulary.intern(field, value);
        }
    }
    let mut rows = Uniques::default();
    for (kind, cells, weight) in words.rows {
        let known = (kind as usize) < vocabulary.kinds.len() && cells.iter().all(|cell| (cell.0 as usize) < vocabulary.fields.len());
        if !known || !weight.is_finite() || weight < 0.0 {
            return Err(wrong("the model's words contradict themselves".into()));
        }
        rows.rows.push(Row { kind, cells: cells.into() });
        rows.cells.push(weight);
    }
    Ok(Saved { vocabulary, kept: words.kept.into_iter().collect(), rows, network })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}
