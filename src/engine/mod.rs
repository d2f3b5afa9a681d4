//! Runs a plan over a case: open evidence, choose a device, let each detector run, rank, keep the run, tell.
//!
//! Border: no screen and no command line; front ends hand in a [`crate::domain::Plan`] and hear what happens through a [`Control`].

mod worker;

pub use worker::{Answer, Emit, Happening, JobId, Outcome, Ranking, Work, Worker, WorkerEvent};
