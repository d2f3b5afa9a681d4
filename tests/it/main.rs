//! The one integration binary. Groups run as `cargo test --release --test it NAME:: -- --nocapture`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod architecture;
mod archives;
mod case;
mod chains;
mod cli;
mod custody;
mod fields;
mod groups;
mod ingest;
mod leads;
mod memory;
mod nn;
mod process;
mod support;
mod synth;
mod tables;
mod timeline;
mod ui;
mod window;
