//! Writes rankings as CSV, JSONL, workbooks and pages, normalised events, and the manifest; reads annotations back. Files appear whole or not at all.
//!
//! Border: gets reports and plain lookups; knows neither the case's files nor a screen.

mod cell;
mod chapter;
mod events;
mod format;
mod html;
mod labels;
mod leads;
mod manifest;
mod members;
mod plain;
mod ranking;
mod read_back;
mod row;
mod xlsx;

pub use cell::tab_row;
pub use chapter::{Chapter, Facts, LeadChapter};
pub use events::{EventFormat, write_events};
pub use format::Format;
pub use html::write_html;
pub use labels::{LabelFile, SaidLabel, read_labels, write_labels};
pub use leads::{LeadFiles, LeadLookup, LeadMark, write_leads};
pub use members::{Member, Members};
pub use plain::write_plain;
pub use ranking::{Formats, Lookup, member, write_ranking};
pub use read_back::{WrittenMark, read_annotations};
pub use row::{COLUMNS, Mark, RANKING_COLUMNS, RankedRow, RankingColumn, WHOLE_COLUMNS, origin};
pub use xlsx::write_xlsx;
