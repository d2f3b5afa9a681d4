//! Makes an estate of Windows hosts over days, with a planted intrusion, as real evidence files: EVTX and `truth.jsonl`.
//!
//! Border: knows nothing of detectors. Everything follows from the seed and the number of events; neither the clock nor the machine's zone takes part.
//! Hosts are made one by one, so that memory holds a few of them at a time whatever the size. Logs are as a forwarder collected them:
//! what the intruder clears had already left the host.

mod doings;
mod errands;
mod estate;
pub mod evtx_writer;
mod host;
mod house;
mod intrusion;
mod life;
mod output;
mod shape;
mod tables;
mod words;

use crate::control::{Control, RunError};
use estate::Estate;
use host::HostLog;
use intrusion::Intrusion;
use life::Life;
use output::Written;
use rayon::prelude::*;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use tables::{Tables, tables};

/// What kind of files is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Windows event logs, one per host and channel, in `DIR/evtx`.
    Evtx,
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "evtx" => Ok(Self::Evtx),
            _ => Err(format!("'{text}' is not a format that can be synthesised: use evtx")),
        }
    }
}

/// What to make.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of events, at least [`Options::FEWEST`].
    pub events: u64,
    /// Seeds every draw: the same seed and number give the same bytes.
    pub seed: u64,
    /// What to write; empty = EVTX.
    pub formats: Vec<Format>,
}

impl Options {
    /// Fewer do not hold an estate and an intrusion.
    pub const FEWEST: u64 = 1000;
}

/// What was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Events written.
    pub events: u64,
    /// Computers.
    pub hosts: usize,
    /// Days covered.
    pub days: i64,
    /// Files written, `truth.jsonl` not counted.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Records labelled `attack` in `truth.jsonl`.
    pub attack_records: u64,
    /// Processes labelled `attack` in `truth.jsonl`.
    pub attack_processes: u64,
}

/// Writes an estate into `out`: `evtx/*.evtx` and `truth.jsonl`. The folder is made if missing.
///
/// # Errors
/// When there are fewer than [`Options::FEWEST`] events, a file cannot be written, or the job is cancelled.
pub fn write(out: &Path, options: &Options, control: &Control) -> Result<Summary, RunError> {
    if options.events < Options::FEWEST {
        return Err(RunError::failed(format!("{} events do not hold an estate: ask for {} or more", options.events, Options::FEWEST)));
    }
    let tables = tables()?;
    let estate = Estate::new(tables, options.events, options.seed);
    let intrusion = Intrusion::plan(tables, &estate);
    let folder = out.join("evtx");
    std::fs::create_dir_all(&folder)?;
    let done = AtomicU64::new(0);
    let hosts = estate.hosts.len() as u64;
    let made: Vec<(Written, String, u64)> = (0..estate.hosts.len())
        .into_par_iter()
        .map(|index| {
            control.check()?;
            let rows = options.events / hosts + u64::from((index as u64) < options.events % hosts);
            let made = host(&folder, tables, &estate, &intrusion, index, rows as usize)?;
            let done = done.fetch_add(made.0.events, Ordering::Relaxed) + made.0.events;
            control.progress("writing", &estate.hosts[index].name, done, Some(options.events), "events");
            Ok(made)
        })
        .collect::<Result<_, RunError>>()?;
    let mut summary = Summary { hosts: estate.hosts.len(), days: estate.days, ..Summary::default() };
    let mut truth = tempfile::NamedTempFile::new_in(out)?;
    for (written, processes, count) in made {
        truth.write_all(written.truth.as_bytes())?;
        truth.write_all(processes.as_bytes())?;
        summary.events += written.events;
        summary.files += written.files;
        summary.bytes += written.bytes;
        summary.attack_records += written.attack_records;
        summary.attack_processes += count;
    }
    truth.persist(out.join("truth.jsonl")).map_err(|error| RunError::from(error.error))?;
    Ok(summary)
}

/// Writes the small estate of `residue demo`: always the same.
///
/// # Errors
/// As [`write`].
pub fn demo(out: &Path, control: &Control) -> Result<Summary, RunError> {
    write(out, &Options { events: 20_000, seed: 7, formats: vec![Format::Evtx] }, control)
}

/// Makes one host's days and writes them. Returns what was written, the truth of its processes, and how many those are.
fn host(folder: &Path, tables: &'static Tables, estate: &Estate, intrusion: &Intrusion, index: usize, rows: usize) -> anyhow::Result<(Written, String, u64)> {
    let mut log = HostLog::new(tables, estate, index);
    let busy = (index == intrusion.patient).then_some(intrusion.day);
    let mut life = Life::begin(&mut log, busy)?;
    intrusion.strike(&mut log, &mut life, index)?;
    house::fill(&mut log, &mut life, rows)?;
    let mut processes = String::new();
    let attackers = std::mem::take(&mut log.attackers);
    for guid in &attackers {
        let line = serde_json::json!({"computer": &*estate.hosts[index].computer, "process_guid": words::guid_text(*guid), "label": "attack"});
        processes += &line.to_string();
        processes.push('\n');
    }
    let rows = std::mem::take(&mut log.rows);
    Ok((output::write(folder, tables, estate, index, rows)?, processes, attackers.len() as u64))
}
