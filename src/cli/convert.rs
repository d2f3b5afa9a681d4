//! `residue convert`: the normalised events in one file.

use super::args::ConvertArgs;
use super::{Given, Status, control, out_file};
use crate::control::{Control, RunError};
use crate::engine;
use crate::export::{EventFormat, write_events};
use crate::files::{AtomicFile, OutputPath};

pub(super) fn run(args: &ConvertArgs) -> Result<Status, RunError> {
    let format = match args.out.extension().and_then(|e| e.to_str()).map(str::to_lowercase).as_deref() {
        Some("parquet") => EventFormat::Parquet,
        Some("csv") => EventFormat::Csv,
        Some("jsonl") => EventFormat::Jsonl,
        _ => return Err(RunError::failed(format!("the output's name must end in .parquet, .csv or .jsonl: {}", args.out.display()))),
    };
    let given = Given::open(&args.paths)?;
    let out = out_file(&args.out, args.force, &given.evidence.clone().and_inputs(&args.map))?;
    let (control, terminal) = control(args.progress);
    let result = convert(args, given, &out, format, &control);
    terminal.clear();
    result
}

fn convert(args: &ConvertArgs, given: Given, out: &OutputPath, format: EventFormat, control: &Control) -> Result<Status, RunError> {
    let (case, _) = super::triage::open(given, &args.paths, &args.reading(), control)?;
    let snapshot = case.snapshot();
    if format == EventFormat::Parquet {
        let mut file = AtomicFile::create(out)?;
        snapshot.write_parquet(&mut file, out.path(), control)?;
        file.finish()?;
    } else {
        write_events(snapshot.as_ref(), out, format, control)?;
    }
    Ok(if engine::is_partial(&case.sources()) { Status::Partial } else { Status::Done })
}
