//! Writes rankings as CSV and JSONL, normalised events, and the manifest. Files appear whole or not at all.
//!
//! Border: gets reports and plain lookups; knows neither the case's files nor a screen.

mod atomic;
mod events;
mod labels;
mod members;
mod ranking;
mod row;

pub use atomic::{AtomicFile, remove_leftovers};
pub use events::{EventFormat, write_events};
pub use labels::{LabelFile, SaidLabel, read_labels, write_labels};
pub use members::{Member, Members};
pub use ranking::{Formats, Lookup, write_ranking};
pub use row::{COLUMNS, Mark};
