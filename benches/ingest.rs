//! Reading EVTX into a case, beside `evtx_dump` and `sha256sum` on the same files (`cargo bench --bench ingest [FILE or FOLDER]`).
//!
//! Without an argument an estate of 200,000 events is made first (`RESIDUE_EVENTS` for another number). `evtx_dump` is the program of the
//! `evtx` crate: `cargo install evtx --version 0.15.1`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails by panicking")]

use residue::case::Case;
use residue::control::{Control, RunError};
use residue::domain::{Event, EventSink, Ledger, SourceSink};
use residue::ingest::{Options, ingest};
use residue::synth;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const ROUNDS: usize = 3;

/// Takes events and keeps none: what reading costs without writing.
struct Nowhere;

impl EventSink for Nowhere {
    fn begin(&self, _: &str) -> Result<Box<dyn SourceSink>, RunError> {
        Ok(Box::new(Self))
    }

    fn note(&self, _: Ledger) -> Result<(), RunError> {
        Ok(())
    }
}

impl SourceSink for Nowhere {
    fn write(&mut self, _: Vec<Event>) -> Result<(), RunError> {
        Ok(())
    }

    fn finish(self: Box<Self>, _: Ledger) -> Result<(), RunError> {
        Ok(())
    }
}

fn main() {
    let made = tempfile::tempdir().unwrap();
    let given = std::env::args_os().skip(1).find(|argument| !argument.to_string_lossy().starts_with("--")).map(PathBuf::from);
    let evidence = given.unwrap_or_else(|| {
        let events = std::env::var("RESIDUE_EVENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(200_000);
        let options = synth::Options { events, seed: 7, formats: Vec::new(), intrusion: true };
        synth::write(made.path(), &options, &Control::silent()).unwrap();
        made.path().join("evtx")
    });
    let rows = read(&evidence, &Nowhere);
    let logs: Vec<&Ledger> = rows.iter().filter(|row| row.format == "EVTX").collect();
    let (events, bytes): (u64, u64) = (logs.iter().map(|row| row.events).sum(), logs.iter().map(|row| row.bytes).sum());
    println!("{events} events in {} logs, {:.0} MB; best of {ROUNDS}", logs.len(), bytes as f64 / 1e6);
    let reading = best(|| drop(read(&evidence, &Nowhere)));
    let case = best(|| {
        let case = Case::temporary().unwrap();
        read(&evidence, &case);
        case.discard();
    });
    println!("read, hashed and normalised: {reading:.2} s; into a case: {case:.2} s; peak memory {}", peak());
    let paths: Vec<&Path> = logs.iter().map(|row| Path::new(&row.path)).collect();
    let rival = |program: &str, arguments: &[&str]| each(program, arguments, &paths);
    match (rival("evtx_dump", &["-t", "2", "-o", "jsonl"]), rival("sha256sum", &[])) {
        (Some(dump), Some(sum)) => println!("evtx_dump: {dump:.2} s; sha256sum: {sum:.2} s; the case takes {:.1} times both", case / (dump + sum)),
        _ => println!("evtx_dump or sha256sum is not here: nothing to compare with"),
    }
}

fn read(evidence: &Path, sink: &dyn EventSink) -> Vec<Ledger> {
    ingest(&[evidence.to_path_buf()], sink, &Options::default(), &Control::silent()).unwrap()
}

fn best(mut work: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    (0..ROUNDS).map(time).fold(f64::INFINITY, f64::min)
}

/// Seconds that `program` takes for each path in turn; `None` when it is not installed.
fn each(program: &str, arguments: &[&str], paths: &[&Path]) -> Option<f64> {
    let run = |path: &Path| Command::new(program).args(arguments).arg(path).stdout(Stdio::null()).stderr(Stdio::null()).status();
    run(paths.first()?).ok()?;
    Some(best(|| paths.iter().for_each(|path| drop(run(path)))))
}

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map_or_else(|| "not known here".into(), |text| text.trim().into())
}
