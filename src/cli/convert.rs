//! `residue convert`: the normalised events in one file.

use super::args::ConvertArgs;
use super::{Status, control};
use crate::control::{Control, RunError};
use crate::engine;
use crate::export::{AtomicFile, EventFormat, write_events};

pub(super) fn run(args: &ConvertArgs) -> Result<Status, RunError> {
    let format = match args.out.extension().and_then(|e| e.to_str()).map(str::to_lowercase).as_deref() {
        Some("parquet") => EventFormat::Parquet,
        Some("csv") => EventFormat::Csv,
        Some("jsonl") => EventFormat::Jsonl,
        _ => return Err(RunError::failed(format!("the output's name must end in .parquet, .csv or .jsonl: {}", args.out.display()))),
    };
    if args.out.exists() && !args.force {
        return Err(RunError::failed(format!("the output exists; choose another or add --force: {}", args.out.display())));
    }
    let (control, terminal) = control(args.progress);
    let result = convert(args, format, &control);
    terminal.clear();
    result
}

fn convert(args: &ConvertArgs, format: EventFormat, control: &Control) -> Result<Status, RunError> {
    let (case, _) = super::triage::open(&args.paths, &args.reading(), control)?;
    let snapshot = case.snapshot();
    if format == EventFormat::Parquet {
        let mut file = AtomicFile::create(&args.out)?;
        snapshot.write_parquet(&mut file, &args.out, control)?;
        file.finish()?;
    } else {
        write_events(snapshot.as_ref(), &args.out, format, control)?;
    }
    Ok(if engine::is_partial(&case.sources()) { Status::Partial } else { Status::Done })
}
