//! Leads as files: one line a lead, and one row a step for Timesketch, tagged with its lead.

use super::cell::value as cell;
use super::row::origin;
use super::{Members, member};
use crate::control::{Control, RunError};
use crate::domain::{Lead, LeadState, LeadStep, Leads, Ledger, time};
use crate::files::{AtomicFile, OutputPath};
use anyhow::Context;
use serde_json::{Value, json};
use std::io::Write;

/// Columns of `leads.csv` and of the workbook's first sheet.
pub(super) const LEAD_COLUMNS: [&str; 20] = [
    "message",
    "datetime",
    "timestamp_desc",
    "tag",
    "rank",
    "score",
    "learned",
    "prior",
    "strength",
    "first_seen",
    "last_seen",
    "computers",
    "users",
    "techniques",
    "processes",
    "events",
    "story",
    "links",
    "state",
    "note",
];

/// Columns of `leads-steps.csv`.
const STEP_COLUMNS: [&str; 15] = [
    "message",
    "datetime",
    "timestamp_desc",
    "tag",
    "lead",
    "strength",
    "computer",
    "detector",
    "reason",
    "score",
    "technique",
    "image",
    "source_file",
    "record_id",
    "source_sha256",
];

/// What the analyst said of a lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadMark {
    /// What they think of it.
    pub state: LeadState,
    /// Their note.
    pub note: String,
    /// Their flag.
    pub flagged: bool,
}

/// What lines say beyond their leads.
pub struct LeadLookup<'a> {
    /// The case's sources, in key order.
    pub sources: &'a [Ledger],
    /// The case's events as members.
    pub members: &'a Members,
    /// What the analyst said of a lead.
    pub mark: &'a dyn Fn(&Lead) -> LeadMark,
}

/// Where leads go; each may be left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeadFiles<'a> {
    /// One row a lead.
    pub csv: Option<&'a OutputPath>,
    /// One object a lead, with its steps, processes and every event.
    pub jsonl: Option<&'a OutputPath>,
    /// One row a step.
    pub steps: Option<&'a OutputPath>,
}

/// Writes the leads at `which`, in that order; says how many.
///
/// # Errors
/// When a file cannot be written, or the job is cancelled; then no file appears.
pub fn write_leads(leads: &Leads, which: &[usize], lookup: &LeadLookup<'_>, files: LeadFiles<'_>, control: &Control) -> Result<u64, RunError> {
    let mut csv = files.csv.map(AtomicFile::create).transpose()?.map(csv::Writer::from_writer);
    let mut steps = files.steps.map(AtomicFile::create).transpose()?.map(csv::Writer::from_writer);
    let mut jsonl = files.jsonl.map(AtomicFile::create).transpose()?;
    if let Some(csv) = &mut csv {
        csv.write_record(LEAD_COLUMNS).context("cannot write the leads' header")?;
    }
    if let Some(steps) = &mut steps {
        steps.write_record(STEP_COLUMNS).context("cannot write the steps' header")?;
    }
    let mut rows = 0;
    for lead in which.iter().filter_map(|at| leads.list.get(*at)) {
        control.check()?;
        let mark = (lookup.mark)(lead);
        if let Some(csv) = &mut csv {
            csv.write_record(lead_row(lead, &mark).iter().map(cell)).context("cannot write a lead")?;
        }
        if let Some(steps) = &mut steps {
            for step in &lead.steps {
                steps.write_record(step_row(lead, step, lookup).iter().map(cell)).context("cannot write a lead's step")?;
            }
        }
        if let Some(jsonl) = &mut jsonl {
            serde_json::to_writer(&mut *jsonl, &lead_object(lead, &mark, lookup)).context("cannot write a lead")?;
            jsonl.write_all(b"\n").context("cannot write a lead")?;
        }
        rows += 1;
    }
    for file in [csv, steps].into_iter().flatten() {
        file.into_inner().map_err(csv::IntoInnerError::into_error).context("cannot finish the leads' file")?.finish()?;
    }
    if let Some(jsonl) = jsonl {
        jsonl.finish()?;
    }
    Ok(rows)
}

fn when(time: Option<i64>) -> Value {
    time.map_or(Value::Null, |ns| time::iso(ns).into())
}

fn names(list: &[std::sync::Arc<str>]) -> Value {
    list.iter().map(|name| Value::from(&**name)).collect()
}

/// `T1053.005 Scheduled Task`.
fn techniques(lead: &Lead) -> Vec<String> {
    lead.techniques.iter().map(|technique| format!("{} {}", technique.id, technique.name)).collect()
}

fn tags(lead: &Lead) -> Vec<String> {
    let own = [format!("lead-{}", lead.rank), lead.strength.words().replace(' ', "-")];
    own.into_iter().chain(lead.techniques.iter().map(|technique| technique.id.to_string())).collect()
}

/// A lead's values in the order of [`LEAD_COLUMNS`].
pub(super) fn lead_row(lead: &Lead, mark: &LeadMark) -> [Value; 20] {
    let story: Vec<String> = lead
        .steps
        .iter()
        .map(|step| format!("{} {}: {} ({})", step.time.map(time::iso).unwrap_or_default(), step.computer, step.message, step.reason))
        .collect();
    let links: Vec<&str> = lead.links.iter().map(|link| &*link.reason).collect();
    [
        Value::from(&*lead.headline),
        when(lead.first_seen),
        "First event of a lead".into(),
        tags(lead).into(),
        lead.rank.into(),
        json!(lead.score),
        json!(lead.learned),
        json!(lead.prior),
        lead.strength.words().into(),
        when(lead.first_seen),
        when(lead.last_seen),
        lead.computers.join(", ").into(),
        lead.users.join(", ").into(),
        techniques(lead).join(", ").into(),
        lead.processes.len().into(),
        lead.events.len().into(),
        story.join("\n").into(),
        links.join("\n").into(),
        mark.state.name().into(),
        mark.note.as_str().into(),
    ]
}

fn record(step: &LeadStep, lookup: &LeadLookup<'_>) -> Value {
    lookup.members.get(step.key).and_then(|member| member.record_id).unwrap_or(step.key.record).into()
}

fn step_row(lead: &Lead, step: &LeadStep, lookup: &LeadLookup<'_>) -> [Value; 15] {
    let [source_file, source_sha256] = origin(lookup.sources.get(step.key.source as usize));
    let image = step.process.and_then(|at| lead.processes.get(at as usize)).map_or("", |process| &*process.image);
    [
        Value::from(&*step.message),
        when(step.time),
        "Step of a lead".into(),
        tags(lead).into(),
        lead.rank.into(),
        lead.strength.words().into(),
        Value::from(&*step.computer),
        step.detector.name().into(),
        Value::from(&*step.reason),
        json!(step.score),
        step.technique.as_ref().map_or(Value::Null, |technique| Value::from(&*technique.id)),
        image.into(),
        source_file,
        record(step, lookup),
        source_sha256,
    ]
}

fn lead_object(lead: &Lead, mark: &LeadMark, lookup: &LeadLookup<'_>) -> Value {
    let steps = lead.steps.iter().map(|step| {
        let [source_file, _] = origin(lookup.sources.get(step.key.source as usize));
        json!({
            "time": when(step.time), "computer": &*step.computer, "message": &*step.message, "detector": step.detector.name(), "reason": &*step.reason,
            "score": step.score, "technique": step.technique.as_ref().map(|technique| &*technique.id), "process": step.process,
            "source_file": source_file, "record_id": record(step, lookup),
        })
    });
    let processes = lead.processes.iter().map(|process| {
        json!({
            "computer": &*process.computer, "process_guid": process.guid.map(|guid| guid.to_string()), "pid": process.pid, "image": &*process.image,
            "command_line": process.command_line.as_deref(), "start": when(process.start), "parent": process.parent, "score": process.score,
        })
    });
    json!({
        "rank": lead.rank, "score": lead.score, "learned": lead.learned, "prior": lead.prior, "strength": lead.strength.words(),
        "headline": &*lead.headline, "first_seen": when(lead.first_seen), "last_seen": when(lead.last_seen),
        "computers": names(&lead.computers), "users": names(&lead.users),
        "techniques": lead.techniques.iter().map(|technique| &*technique.id).collect::<Vec<_>>(),
        "state": mark.state.name(), "note": mark.note, "flagged": mark.flagged,
        "steps": steps.collect::<Vec<_>>(), "processes": processes.collect::<Vec<_>>(),
        "links": lead.links.iter().map(|link| json!({ "kind": link.kind, "reason": &*link.reason })).collect::<Vec<_>>(),
        "events": lead.events.iter().map(|&key| member(key, lookup.sources, lookup.members)).collect::<Vec<_>>(),
    })
}
