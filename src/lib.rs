//! Residue: learns on the responder's own machine what is ordinary in EVTX logs and timelines, and ranks what is left over.
//!
//! ```text
//!         ui ---> app ---+
//!                        +--> engine --> leads ---> features
//!         cli -----------+       |   detect --> nn, features
//!                                +-----> ingest, case, score, export, synth
//!    everything may use: domain, control, files   (plain data, and where files go; no egui, burn, polars, evtx)
//! ```
//! Front ends turn intent into a plan; the engine runs the plan over a case and returns reports; front ends show reports.
//! `tests/it/architecture.rs` holds the imports against this picture.

pub mod app;
pub mod case;
pub mod cli;
pub mod control;
pub mod detect;
pub mod domain;
pub mod engine;
pub mod export;
pub mod features;
pub mod files;
pub mod ingest;
pub mod leads;
pub mod nn;
pub mod score;
pub mod synth;
pub mod ui;
