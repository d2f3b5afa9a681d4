//! Saves what the recommended preset learned, and reads it back to score other evidence: counts and path embedding in the autoencoder's card,
//! the networks beside it. Only normalised names and single argument words leave; no command line does.

use super::contrast::{Contrast, config};
use super::counts::{Counts, WittenBell};
use super::embedding::Embedding;
use super::launch::Texts;
use super::scorer::{Networks, autoencoder};
use crate::control::RunError;
use crate::detect::Input;
use crate::detect::seen::{Seen, private};
use crate::nn::{Card, Dense, Mlp, load_card, load_weights, save};
use foldhash::HashMap;
use serde::{Deserialize, Serialize};
use std::path::Path;

const KIND: &str = "chains autoencoder";
const NAME: &str = "autoencoder";

/// The card's vocabulary.
#[derive(Serialize, Deserialize)]
struct Vocabulary {
    names: Vec<String>,
    child: Vec<(u32, u32, f64)>,
    rights: Vec<(u32, u32, f64)>,
    words: Vec<(u32, u32, f64)>,
    embedding: Vec<f32>,
    contrast: usize,
}

/// Writes counts and networks into `folder`; names that `seen` does not call shared are replaced by numbers.
///
/// # Errors
/// They cannot be written.
pub(super) fn write(folder: &Path, counts: &Counts, texts: &Texts, seen: Option<&Seen<u32>>, networks: &Networks, input: &Input<'_>) -> Result<(), RunError> {
    let mut names = Names { texts, seen, codes: HashMap::default(), list: Vec::new() };
    let child = names.pairs(&counts.child, true);
    let rights = names.pairs(&counts.rights, false);
    let words = names.pairs(&counts.words, true);
    let contrast = networks.contrast.iter().flat_map(|contrast| &contrast.networks);
    let embedding = networks.embedding.numbers().to_vec();
    let vocabulary = Vocabulary { names: names.list, child, rights, words, embedding, contrast: contrast.clone().count() };
    let card = Card {
        kind: KIND.into(),
        config: serde_json::json!({ "sizes": autoencoder().sizes, "settings": input.plan.settings.chains }),
        vocabulary: serde_json::to_value(vocabulary).map_err(anyhow::Error::from)?,
        seed: input.plan.seed,
        ..Card::default()
    };
    for (number, network) in contrast.enumerate() {
        let card = Card { kind: "chains contrastive network".into(), seed: input.plan.seed, ..Card::default() };
        save(folder, &contrast_name(number), network, &card)?;
    }
    save(folder, NAME, &networks.autoencoder, &card)?;
    Ok(())
}

/// Reads counts and networks; the counts' names get codes in `texts`.
///
/// # Errors
/// They are missing, damaged, or of another kind.
pub(super) fn read(folder: &Path, texts: &mut Texts, input: &Input<'_>) -> Result<(Counts, Networks), RunError> {
    let card = load_card(folder, NAME)?;
    let wrong = |what: &str| RunError::failed(format!("the saved chain model {what}; save it again: {}", folder.display()));
    if card.kind != KIND {
        return Err(wrong("is of another kind"));
    }
    let saved: Vocabulary = serde_json::from_value(card.vocabulary.clone()).map_err(|error| wrong(&format!("cannot be read ({error})")))?;
    let codes: Vec<u32> = saved.names.iter().map(|name| texts.intern(name)).collect();
    let code = |at: u32| codes.get(at as usize).copied().ok_or_else(|| wrong("names words that it does not hold"));
    let mut counts = Counts::default();
    for (pairs, into, named) in [(saved.child, &mut counts.child, true), (saved.rights, &mut counts.rights, false), (saved.words, &mut counts.words, true)] {
        for (context, item, weight) in pairs {
            if !weight.is_finite() || weight <= 0.0 {
                return Err(wrong("holds counts that are none"));
            }
            into.add(code(context)?, if named { code(item)? } else { item }, weight);
        }
    }
    let embedding = Embedding::from_numbers(saved.embedding).ok_or_else(|| wrong("holds an embedding of another size"))?;
    let autoencoder = load_weights(folder, NAME, &card, Dense::new(&autoencoder(), 0, input.device), input.device)?;
    let mut networks = Vec::new();
    for number in 0..saved.contrast {
        let name = contrast_name(number);
        networks.push(load_weights(folder, &name, &load_card(folder, &name)?, Mlp::new(&config(), 0, input.device), input.device)?);
    }
    let contrast = (!networks.is_empty()).then_some(Contrast { networks });
    Ok((counts, Networks { embedding, contrast, autoencoder }))
}

fn contrast_name(number: usize) -> String {
    format!("contrast-{}", number + 1)
}

/// Gives the names that counts use small numbers of their own.
struct Names<'a> {
    texts: &'a Texts,
    seen: Option<&'a Seen<u32>>,
    codes: HashMap<u32, u32>,
    list: Vec<String>,
}

impl Names<'_> {
    fn code(&mut self, text: u32) -> u32 {
        let (texts, seen, list) = (self.texts, self.seen, &mut self.list);
        *self.codes.entry(text).or_insert_with(|| {
            let may = texts.name(text).is_empty() || seen.is_none_or(|seen| seen.is_shared(&text));
            list.push(if may { texts.name(text).to_owned() } else { private(list.len()) });
            (list.len() - 1) as u32
        })
    }

    /// All pairs with their weights; `named` says whether the items are texts too.
    fn pairs(&mut self, counts: &WittenBell, named: bool) -> Vec<(u32, u32, f64)> {
        counts.pairs().into_iter().map(|(context, item, weight)| (self.code(context), if named { self.code(item) } else { item }, weight)).collect()
    }
}
