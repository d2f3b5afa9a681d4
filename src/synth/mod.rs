//! Makes an estate of Windows hosts over days, with a planted intrusion, as real evidence files: EVTX, timelines, and `truth.jsonl`.
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
mod timeline;
mod words;

use crate::control::{Control, RunError};
use estate::Estate;
use host::{HostLog, Label};
use intrusion::Intrusion;
use life::Life;
use rayon::prelude::*;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use tables::{Tables, tables};

/// What kind of files is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Windows event logs, one per host and channel, in `DIR/evtx`.
    Evtx,
    /// One timeline of the estate as plaso's l2tcsv.
    L2tCsv,
    /// One timeline of the estate as plaso's dynamic CSV.
    Dynamic,
    /// The file system of each host as a bodyfile.
    Bodyfile,
    /// The file system of each host as MFTECmd's CSV of $MFT.
    Mftecmd,
    /// One timeline of the estate as JSON lines that Timesketch takes.
    Jsonl,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 6] = [Self::Evtx, Self::L2tCsv, Self::Dynamic, Self::Bodyfile, Self::Mftecmd, Self::Jsonl];

    /// The name used on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Evtx => "evtx",
            Self::L2tCsv => "l2tcsv",
            Self::Dynamic => "dynamic",
            Self::Bodyfile => "bodyfile",
            Self::Mftecmd => "mftecmd",
            Self::Jsonl => "jsonl",
        }
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|format| format.name() == text);
        known.ok_or_else(|| format!("'{text}' is not a format that can be synthesised: use {}", Self::ALL.map(Self::name).join(", ")))
    }
}

/// What to make.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of events, at least [`Options::FEWEST`]; without EVTX, number of lines of each timeline.
    pub events: u64,
    /// Seeds every draw: the same seed and number give the same bytes.
    pub seed: u64,
    /// What to write; empty = EVTX.
    pub formats: Vec<Format>,
    /// Whether an intrusion is planted; without it everything is ordinary.
    pub intrusion: bool,
}

impl Options {
    /// Fewer do not hold an estate and an intrusion.
    pub const FEWEST: u64 = 1000;
}

impl Default for Options {
    fn default() -> Self {
        Self { events: 20_000, seed: 42, formats: Vec::new(), intrusion: true }
    }
}

/// What was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Events of the estate.
    pub events: u64,
    /// Lines of timelines written, all formats together.
    pub lines: u64,
    /// Computers.
    pub hosts: usize,
    /// Days covered.
    pub days: i64,
    /// Files written, `truth.jsonl` not counted.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Events of the intrusion.
    pub attack_records: u64,
    /// Processes of the intrusion.
    pub attack_processes: u64,
}

/// Writes an estate into `out`: `evtx/*.evtx`, `timeline/*`, as far as asked for, and `truth.jsonl`. The folder is made if missing.
///
/// # Errors
/// When there are fewer than [`Options::FEWEST`] events, a file cannot be written, or the job is cancelled.
pub fn write(out: &Path, options: &Options, control: &Control) -> Result<Summary, RunError> {
    if options.events < Options::FEWEST {
        return Err(RunError::failed(format!("{} events do not hold an estate: ask for {} or more", options.events, Options::FEWEST)));
    }
    let job = Job::new(out, options)?;
    let done = AtomicU64::new(0);
    let hosts = job.estate.hosts.len() as u64;
    let made: Vec<Made> = (0..job.estate.hosts.len())
        .into_par_iter()
        .map(|index| {
            control.check()?;
            let share = options.events / hosts + u64::from((index as u64) < options.events % hosts);
            let made = job.host(index, share as usize)?;
            let done = done.fetch_add(share, Ordering::Relaxed) + share;
            control.progress("writing", &job.estate.hosts[index].name, done, Some(options.events), "events");
            Ok(made)
        })
        .collect::<Result<_, RunError>>()?;
    let mut summary = Summary { hosts: job.estate.hosts.len(), days: job.estate.days, ..Summary::default() };
    let mut truth = crate::files::part(out, ".residue-", ".part")?;
    let mut runs: Vec<Vec<timeline::Run>> = job.merged().map(|_| Vec::new()).collect();
    for made in made {
        truth.write_all(made.truth.as_bytes())?;
        summary.events += made.summary.events;
        summary.lines += made.summary.lines;
        summary.files += made.summary.files;
        summary.bytes += made.summary.bytes;
        summary.attack_records += made.summary.attack_records;
        summary.attack_processes += made.summary.attack_processes;
        for (all, run) in runs.iter_mut().zip(made.runs) {
            all.push(run);
        }
    }
    for (format, runs) in job.merged().zip(runs) {
        let mut lines = String::new();
        let (rows, bytes) = timeline::merge(&job.timeline, format, runs, &mut lines, control)?;
        truth.write_all(lines.as_bytes())?;
        summary.lines += rows;
        summary.bytes += bytes;
        summary.files += 1;
    }
    truth.persist(out.join("truth.jsonl")).map_err(|error| RunError::from(error.error))?;
    Ok(summary)
}

/// Writes the small estate of `residue demo`: always the same.
///
/// # Errors
/// As [`write`].
pub fn demo(out: &Path, control: &Control) -> Result<Summary, RunError> {
    write(out, &Options { events: 20_000, seed: 7, formats: vec![Format::Evtx], intrusion: true }, control)
}

/// What all hosts share.
struct Job {
    tables: &'static Tables,
    estate: Estate,
    intrusion: Intrusion,
    planted: bool,
    formats: Vec<Format>,
    evtx: std::path::PathBuf,
    timeline: std::path::PathBuf,
}

/// What one host gave.
struct Made {
    summary: Summary,
    truth: String,
    /// One per merged format.
    runs: Vec<timeline::Run>,
}

impl Job {
    fn new(out: &Path, options: &Options) -> anyhow::Result<Self> {
        let tables = tables()?;
        let mut formats = if options.formats.is_empty() { vec![Format::Evtx] } else { options.formats.clone() };
        formats.sort_unstable();
        formats.dedup();
        let estate = Estate::new(tables, options.events, options.seed);
        let intrusion = Intrusion::plan(tables, &estate);
        let (evtx, timeline) = (out.join("evtx"), out.join("timeline"));
        std::fs::create_dir_all(out)?;
        if formats.contains(&Format::Evtx) {
            std::fs::create_dir_all(&evtx)?;
        }
        if formats.iter().any(|format| *format != Format::Evtx) {
            std::fs::create_dir_all(&timeline)?;
        }
        Ok(Self { tables, estate, intrusion, planted: options.intrusion, formats, evtx, timeline })
    }

    /// The formats that hold the whole estate in one file.
    fn merged(&self) -> impl Iterator<Item = Format> {
        self.formats.iter().copied().filter(|format| *format != Format::Evtx && !timeline::per_host(*format))
    }

    /// Makes one host's days and writes them: `share` events, or without EVTX `share` lines of each timeline.
    fn host(&self, index: usize, share: usize) -> anyhow::Result<Made> {
        let evtx = self.formats.contains(&Format::Evtx);
        let host = &self.estate.hosts[index];
        let mut log = HostLog::new(self.tables, &self.estate, index);
        let busy = (index == self.intrusion.patient).then_some(self.intrusion.day);
        let mut life = Life::begin(&mut log, busy)?;
        if self.planted {
            self.intrusion.strike(&mut log, &mut life, index)?;
        }
        house::fill(&mut log, &mut life, if evtx { share } else { share * 3 / 5 })?;
        let mut rows = std::mem::take(&mut log.rows);
        rows.sort_by_key(|row| row.time);
        let attack_records = rows.iter().filter(|row| row.label == Label::Attack).count() as u64;
        let summary = Summary { events: rows.len() as u64, attack_records, attack_processes: log.attackers.len() as u64, ..Summary::default() };
        let mut made = Made { summary, truth: String::new(), runs: Vec::new() };
        let numbered = output::number(self.tables, &self.estate, index, &rows);
        if evtx {
            (made.summary.files, made.summary.bytes) = output::write(&self.evtx, self.tables, host, &numbered, &mut made.truth)?;
            for guid in &log.attackers {
                let line = serde_json::json!({"computer": &*host.computer, "process_guid": words::guid_text(*guid), "label": "attack"});
                made.truth += &line.to_string();
                made.truth.push('\n');
            }
        }
        if self.formats.iter().all(|format| *format == Format::Evtx) {
            return Ok(made);
        }
        let files = timeline::files(&log, &rows, share / 3);
        for format in self.formats.iter().copied().filter(|format| timeline::per_host(*format)) {
            made.summary.bytes += timeline::file_system(&self.timeline, format, host, &files, &mut made.truth)?;
            made.summary.files += 1;
            made.summary.lines += files.len() as u64;
        }
        let limit = (!evtx).then_some(share);
        made.runs = self.merged().map(|format| timeline::run(&self.timeline, format, host, &numbered, &files, limit)).collect::<anyhow::Result<_>>()?;
        Ok(made)
    }
}
