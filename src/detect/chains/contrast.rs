//! The contrastive network: tells launches as the baseline knows them from the same parts recombined at random.

use super::embedding::{Embedding, SIZE};
use super::launch::{Shape, Texts, UserClass};
use crate::control::{Control, RunError};
use crate::domain::Integrity;
use crate::nn::{Device, FitConfig, Labelled, Matrix, Mlp, MlpConfig, fit};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

/// User classes and integrity levels.
const RIGHTS: usize = UserClass::COUNT + Integrity::ALL.len();
/// Numbers per launch: grandparent, parent, child, rights.
pub(super) const INPUTS: usize = 3 * SIZE + RIGHTS;
/// What a set bit of the rights counts beside paths of length 1.
const RIGHT: f32 = 0.5;
/// Recombined launches per real one.
const NEGATIVES: usize = 4;
/// Real launches learned from at most, drawn by the seed.
const MOST: usize = 8_000;
/// Networks averaged.
const NETWORKS: u64 = 3;
/// Logits beyond this say no more.
const CLIP: f64 = 8.0;

/// The shape of each network.
pub(super) fn config() -> MlpConfig {
    MlpConfig { sizes: vec![INPUTS, 64, 32] }
}

/// The trained networks; their mean judges.
#[derive(Clone, Debug)]
pub(super) struct Contrast {
    pub(super) networks: Vec<Mlp>,
}

impl Contrast {
    /// Learns from the baseline's distinct launches.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub(super) fn learn(shapes: &[Shape], inputs: &Inputs<'_>, seed: u64, device: &Device, control: &Control) -> Result<Self, RunError> {
        let mut networks = Vec::new();
        for number in 0..NETWORKS {
            let seed = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9));
            let data = examples(shapes, inputs, seed)?;
            let config_ = FitConfig {
                name: format!("chains, contrastive network {} of {NETWORKS}", number + 1),
                epochs: 30,
                batch: 64,
                learning_rate: 3e-3,
                final_rate: 3e-3,
                validation: 0.0,
                patience: None,
                l2: 1e-3,
                seed,
                ..FitConfig::default()
            };
            let network = Mlp::new(&config(), seed, device);
            networks.push(fit(network, &data, None, &config_, device, control)?.model);
        }
        Ok(Self { networks })
    }

    /// How little each launch looks like the baseline's: minus the mean logit, clipped.
    ///
    /// # Errors
    /// Cancelled, or the device failed.
    pub(super) fn surprise(&self, rows: &Matrix, device: &Device, control: &Control) -> Result<Vec<f64>, RunError> {
        let mut sums = vec![0.0; rows.rows()];
        for network in &self.networks {
            let logits = network.logits(rows, device, control)?;
            sums.iter_mut().zip(logits).for_each(|(sum, logit)| *sum += f64::from(logit));
        }
        let count = self.networks.len().max(1) as f64;
        Ok(sums.iter().map(|sum| (-sum / count).clamp(-CLIP, CLIP)).collect())
    }
}

/// Turns launches into rows of numbers.
pub(super) struct Inputs<'a> {
    pub(super) embedding: &'a Embedding,
    pub(super) texts: &'a Texts,
}

impl Inputs<'_> {
    pub(super) fn row(&self, shape: &Shape) -> [f32; INPUTS] {
        let mut row = [0.0; INPUTS];
        for (place, path) in [shape.grand, shape.parent, shape.child].into_iter().enumerate() {
            row[place * SIZE..(place + 1) * SIZE].copy_from_slice(&self.embedding.of(self.texts.name(path.full)));
        }
        row[3 * SIZE + shape.user as usize] = RIGHT;
        row[3 * SIZE + UserClass::COUNT + shape.integrity as usize] = RIGHT;
        row
    }

    pub(super) fn rows<'s>(&self, shapes: impl IntoIterator<Item = &'s Shape>) -> Matrix {
        let mut rows = Matrix::with_columns(INPUTS);
        shapes.into_iter().for_each(|shape| rows.push(&self.row(shape)));
        rows
    }
}

/// Real launches (label 1), each with [`NEGATIVES`] recombined ones (label 0).
fn examples(shapes: &[Shape], inputs: &Inputs<'_>, seed: u64) -> Result<Labelled, RunError> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut chosen: Vec<usize> = (0..shapes.len()).collect();
    if chosen.len() > MOST {
        chosen.shuffle(&mut random);
        chosen.truncate(MOST);
        chosen.sort_unstable();
    }
    let (mut rows, mut labels) = (Matrix::with_columns(INPUTS), Vec::new());
    for at in chosen {
        rows.push(&inputs.row(&shapes[at]));
        labels.push(1.0);
        for _ in 0..NEGATIVES {
            rows.push(&inputs.row(&recombined(shapes[at], shapes, &mut random)));
        }
        labels.extend([0.0; NEGATIVES]);
    }
    Labelled::new(rows, labels)
}

/// The child, the child and who ran it, or parent and grandparent, taken from another launch.
fn recombined(shape: Shape, shapes: &[Shape], random: &mut ChaCha8Rng) -> Shape {
    let other = shapes[random.random_range(0..shapes.len())];
    match random.random_range(0..3) {
        0 => Shape { child: other.child, ..shape },
        1 => Shape { child: other.child, user: other.user, integrity: other.integrity, ..shape },
        _ => Shape { parent: other.parent, grand: shapes[random.random_range(0..shapes.len())].grand, ..shape },
    }
}
