//! `residue inspect`: the ledger of what lies at the given paths. Nothing is kept.

use super::args::InspectArgs;
use super::{Status, control, print, printable};
use crate::control::RunError;
use crate::domain::{Event, EventSink, Ledger, SourceSink, SourceStatus, time};
use crate::engine;
use crate::ingest;
use anyhow::Context;

pub(super) fn run(args: &InspectArgs) -> Result<Status, RunError> {
    let (control, terminal) = control(args.progress);
    if let Some(path) = args.paths.iter().find(|p| !p.exists()) {
        return Err(RunError::failed(format!("nothing is there: {}", path.display())));
    }
    if args.coverage {
        let (case, _) = super::triage::open(super::Given::open(&args.paths)?, &args.paths, &args.reading(), &control)?;
        let covered = engine::coverage(case.snapshot().as_ref(), &control)?;
        terminal.clear();
        print(&logs(&covered))?;
        return Ok(if engine::is_partial(&case.sources()) { Status::Partial } else { Status::Done });
    }
    let ledger = ingest::ingest(&args.paths, &Nowhere, &args.reading(), &control)?;
    terminal.clear();
    let text = if args.json { serde_json::to_string_pretty(&ledger).context("cannot write the ledger")? + "\n" } else { table(&ledger) };
    print(&text)?;
    let read = ledger.iter().any(|row| matches!(row.status, SourceStatus::Whole | SourceStatus::Partial | SourceStatus::Duplicate));
    Ok(match (read, engine::is_partial(&ledger)) {
        (false, true) => Status::Failed,
        (_, true) => Status::Partial,
        (_, false) => Status::Done,
    })
}

/// A sink that keeps nothing: reading alone fills the ledger.
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

/// What the logs cover, for people: a line for each log, what stands out below it.
fn logs(covered: &engine::Coverage) -> String {
    let mut text = String::new();
    let when = |t: Option<i64>| t.map_or_else(|| "no time".to_owned(), time::iso);
    for log in &covered.logs {
        text.push_str(&printable(&format!("{}  {}  {} events, {} to {}", log.computer, log.channel, log.events, when(log.first), when(log.last))));
        text.push('\n');
        for remark in log.remarks() {
            text.push_str(&format!("    - {remark}\n"));
        }
        for cleared in &log.cleared {
            text.push_str(&format!("    - cleared at {}\n", time::iso(*cleared)));
        }
        for gap in log.gaps.iter().take(5) {
            text.push_str(&format!("    - {} record IDs missing between {} and {}\n", gap.missing, when(gap.after), when(gap.before)));
        }
    }
    text
}

/// The ledger for people: one block a source, defects below it.
fn table(ledger: &[Ledger]) -> String {
    let mut text = String::new();
    let mut line = |t: String| {
        text.push_str(&printable(&t));
        text.push('\n');
    };
    for row in ledger {
        let status = match row.status {
            SourceStatus::Whole => "read whole".to_owned(),
            SourceStatus::Partial => format!("read in part, {} defects", row.defects),
            SourceStatus::Unreadable => "could not be read".to_owned(),
            SourceStatus::NotEvidence => "not evidence".to_owned(),
            SourceStatus::Duplicate => format!("same bytes as {}", row.duplicate_of.as_deref().unwrap_or("another source")),
        };
        line(format!("{}  [{}, {} bytes]  {status}", row.source_file, row.format, row.bytes));
        if row.events > 0 {
            let span = [row.first, row.last].map(|t| t.map_or_else(|| "no time".to_owned(), time::iso)).join(" to ");
            let mut counts = format!("    {} events of {} records", row.events, row.records_ok + row.records_recovered + row.records_joined + row.records_bad);
            for (count, what) in [(row.records_recovered, "recovered"), (row.records_joined, "joined"), (row.records_bad, "bad"), (row.no_time, "without time")]
            {
                if count > 0 {
                    counts += &format!(", {count} {what}");
                }
            }
            line(format!("{counts}; {span}"));
        }
        if !row.sha256.is_empty() {
            line(format!("    SHA-256 {}", row.sha256));
        }
        for entry in row.entries.iter().take(5) {
            let place =
                [entry.offset.map(|o| format!("offset {o}")), entry.record.map(|r| format!("record {r}"))].into_iter().flatten().collect::<Vec<_>>().join(", ");
            line(format!("    - {}{}", entry.what, if place.is_empty() { String::new() } else { format!(" ({place})") }));
        }
        if row.entries.len() > 5 {
            line(format!("    - and {} more (--json prints them)", row.defects.saturating_sub(5)));
        }
    }
    text
}
