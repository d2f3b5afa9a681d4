//! The networks: device choice, one training loop, models that can be saved.
//!
//! Border: plain slices and matrices in and out; burn's types stay inside (and in `detect`). Everything random is drawn from our own seeded
//! generator, because burn's is shared by the whole process: two fits in two threads do not disturb each other.

mod adapters;
mod by_hand;
mod cells;
mod classifier;
mod curves;
mod dense;
mod device;
mod fit;
mod kernel;
mod layer;
mod linear;
mod lstm;
mod matrix;
mod mlp;
mod next;
mod product;
mod random;
mod record;
mod recurrent;
mod repeat;
mod sequence;
mod tokens;
mod windows;

pub use adapters::{Adapter, adapters};
pub use classifier::SequenceClassifier;
pub use dense::{Dense, DenseConfig, PlainDense};
pub use device::Device;
pub use fit::{FitConfig, Fitted, Model, Stop, fit};
pub use layer::Activation;
pub use linear::{LinearAutoencoder, LinearConfig, Projection, SparseRows};
pub use matrix::Matrix;
pub use mlp::{Labelled, Mlp, MlpConfig};
pub use next::{NextConfig, NextRow};
pub use record::{Card, load_card, load_weights, model_id, save};
pub use recurrent::{LabelledSequences, Recurrent, RecurrentConfig};
pub use repeat::Rebuilder;
pub use sequence::{SequenceAutoencoder, SequenceConfig, Sequences};
pub use tokens::{TokenClassifier, TokenConfig, TokenSequences};
pub use windows::{Rows, WindowFit};
