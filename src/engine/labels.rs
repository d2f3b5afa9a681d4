//! The labels a classifier learns from: those of a file, and what the analyst called processes in the case.

use crate::case::{Case, Unit};
use crate::control::{Control, RunError};
use crate::domain::{EventKey, EventStore, Guid, Plan, ProcessLabel, Verdict};
use crate::export::{SaidLabel, read_labels, write_labels};
use crate::files::OutputPath;
use std::collections::HashMap;
use std::path::Path;

/// The plan with the labels of its file and the case's own.
///
/// # Errors
/// The label file or the case cannot be read.
pub(super) fn with_labels(case: &Case, plan: &Plan, control: &Control) -> Result<Plan, RunError> {
    let mut plan = plan.clone();
    plan.labelled.extend(said(case)?.into_iter().map(|said| said.label));
    if let Some(path) = &plan.labels {
        let file = read_labels(path)?;
        if file.left_out + file.nameless > 0 {
            control.info(format!("{} labels are neither malicious nor benign and {} name no process: left out", file.left_out, file.nameless));
        }
        plan.labelled.extend(file.labels);
    }
    Ok(plan)
}

/// The processes of the events and subjects that the analyst tagged malicious or benign, sorted by event. An event that names no process gives none.
///
/// # Errors
/// The case cannot be read.
pub fn said(case: &Case) -> Result<Vec<SaidLabel>, RunError> {
    let (sources, snapshot) = (case.sources(), case.snapshot());
    let mut index: HashMap<&str, u32> = HashMap::new();
    for (at, source) in sources.iter().enumerate().filter(|(_, source)| source.duplicate_of.is_none()) {
        index.entry(if source.sha256.is_empty() { &source.source_file } else { &source.sha256 }).or_insert(at as u32);
    }
    let mut said = Vec::new();
    for (target, annotation) in case.annotations().all() {
        let tagged = |verdict: Verdict| annotation.tags.iter().any(|tag| tag == verdict.name());
        let verdict = [Verdict::Malicious, Verdict::Benign].into_iter().find(|verdict| tagged(*verdict));
        let (Some(verdict), Some(&source), Unit::Subject) = (verdict, index.get(&*target.evidence), target.unit) else { continue };
        let key = EventKey { source, part: target.part, record: target.record };
        let Some(event) = snapshot.fetch(key)? else { continue };
        let guid = event.process_guid.as_deref().and_then(Guid::parse);
        if guid.is_none() && event.pid.is_none() {
            continue;
        }
        // An event in the middle of a process does not tell when that began; without a GUID the ID must be unique on its computer.
        let label = ProcessLabel { computer: event.computer.unwrap_or_default(), guid, pid: event.pid, start: None, verdict, group: None };
        said.push((key, SaidLabel { label, analyst: annotation.analyst.to_string(), why: annotation.note.clone() }));
    }
    said.sort_by_key(|(key, _)| *key);
    Ok(said.into_iter().map(|(_, said)| said).collect())
}

/// Writes the case's own labels as CSV, which `--labels` reads; gives their number.
///
/// # Errors
/// The case cannot be read, or the file not written.
pub fn export_labels(case: &Case, path: &Path) -> Result<usize, RunError> {
    let said = said(case)?;
    write_labels(&OutputPath::new(path, &case.evidence())?, &said)?;
    Ok(said.len())
}
