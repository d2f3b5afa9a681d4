//! Runs a plan over a case: open evidence, choose a device, let each detector run, rank, keep the run, tell.
//!
//! Border: no screen and no command line; front ends hand in a [`crate::domain::Plan`] and hear what happens through a
//! [`crate::control::Control`] and [`Emit`].

mod analyse;
mod baseline;
mod baseline_file;
mod compare;
mod coverage;
mod decode;
mod explained;
mod export;
mod findings;
mod fusion;
mod indicators;
pub mod jobs;
mod labels;
mod leads;
mod listing;
mod logon;
mod manifest;
mod open;
mod pool;
mod script;
mod stored;
mod stores;
mod suppress;
mod tree;
mod validation;
mod verify;
mod worker;

pub use crate::ingest::Options as ReadOptions;
pub use crate::ingest::mapping::{Mapping, Preview, preview};
pub use crate::leads::Ground;
pub use analyse::{Analysis, Keep, analyse, applies};
pub use baseline_file::{About, is_baseline_file, list_baseline, save_baseline};
pub use compare::{Compared, compare, networks};
pub use coverage::{Coverage, Gap, Log, SLICES, coverage};
pub use decode::decoded;
pub use export::{Extract, Imported, Part, extract, import_annotations, write_extracts, write_lead_files, write_order};
pub use findings::{Finding, Findings, Level, holds_findings};
pub use fusion::{FusedRow, Fusion, Standing, fuse};
pub use indicators::{Indicators, Met};
pub use labels::{export_labels, said};
pub use leads::{lead_mark, lead_target, leads_of, survey, unsuppressed};
pub use listing::write_events;
pub use logon::logon_ids;
pub use manifest::{Clock, manifest};
pub use open::{complaint, is_partial, read_into, read_with};
pub use script::{Script, script};
pub use stored::stored_rankings;
pub use suppress::{read_rules, without, write_rules};
pub use tree::{Forest, Scores, Tree, TreeRow};
pub use verify::{Verdict, verdict_line, verify};
pub use worker::{Answer, Emit, Happening, JobId, Outcome, Ranking, Work, Worker, WorkerEvent};
