//! `residue evaluate leads.jsonl --unit lead`: leads measured against ground truth.

use super::args::EvaluateArgs;
use super::{Status, print};
use crate::control::RunError;
use crate::score::{Label, LeadMetrics, LeadOutcome, Truth, TruthMember, measure_leads};
use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::json;
use std::io::{BufRead, BufReader};

#[derive(Deserialize)]
struct Line {
    strength: String,
    #[serde(default)]
    processes: Vec<ProcessLine>,
    #[serde(default)]
    events: Vec<EventLine>,
}

#[derive(Deserialize)]
struct ProcessLine {
    computer: Option<String>,
    process_guid: Option<String>,
}

#[derive(Deserialize)]
struct EventLine {
    source_file: Option<String>,
    record_id: Option<u64>,
    computer: Option<String>,
    process_guid: Option<String>,
}

pub(super) fn run(args: &EvaluateArgs) -> Result<Status, RunError> {
    let mut truth = Truth::default();
    for path in &args.truth {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the truth {}", path.display()))?;
        truth.add(&text).with_context(|| path.display().to_string())?;
    }
    let metrics = measure_leads(&read(args, &truth)?);
    if metrics.first.is_none() {
        return Err(RunError::failed("no lead holds anything that is labelled attack: is this the truth of the same evidence?"));
    }
    print(&if args.json { as_json(&metrics)? } else { as_text(&metrics) })
}

fn read(args: &EvaluateArgs, truth: &Truth) -> Result<Vec<LeadOutcome>, RunError> {
    let path = &args.ranking;
    let file = std::fs::File::open(path).with_context(|| format!("cannot read the leads {}", path.display()))?;
    let mut leads = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.with_context(|| format!("cannot read line {} of {}", number + 1, path.display()))?;
        if line.trim().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_str(&line).with_context(|| format!("line {} is no lead of leads.jsonl: {}", number + 1, path.display()))?;
        leads.push(outcome(&line, truth));
    }
    Ok(leads)
}

fn outcome(line: &Line, truth: &Truth) -> LeadOutcome {
    let mut found = LeadOutcome { above_weak: line.strength != "weak", ..LeadOutcome::default() };
    for process in &line.processes {
        let member = TruthMember { computer: process.computer.as_deref(), process_guid: process.process_guid.as_deref(), ..TruthMember::default() };
        if truth.label(member) == Label::Attack {
            let guid = process.process_guid.as_deref().unwrap_or_default();
            found.processes.insert(format!("{} {guid}", process.computer.as_deref().unwrap_or_default()).to_lowercase());
        }
    }
    for event in &line.events {
        let member = TruthMember {
            source_file: event.source_file.as_deref().unwrap_or_default(),
            record_id: event.record_id,
            computer: event.computer.as_deref(),
            process_guid: event.process_guid.as_deref(),
        };
        if truth.label(member) == Label::Attack {
            found.events.insert(format!("{} {}", event.source_file.as_deref().unwrap_or_default(), event.record_id.unwrap_or(0)));
        }
    }
    found.attack = !found.processes.is_empty() || !found.events.is_empty();
    found
}

fn as_json(m: &LeadMetrics) -> Result<String> {
    let value = json!({
        "unit": "lead", "leads": m.leads, "first_true_lead": m.first,
        "at": m.at.iter().map(|(k, found)| json!({ "k": k, "true": found })).collect::<Vec<_>>(),
        "true_processes_in_first_five": m.processes_in_five, "true_events_in_first_five": m.events_in_five,
        "true_events_in_first_three": m.events_in_three,
        "above_weak": m.above_weak.0, "true_above_weak": m.above_weak.1,
    });
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

fn as_text(m: &LeadMetrics) -> String {
    let mut text = String::new();
    let figure = |v: Option<f64>| v.map_or_else(|| "undefined".into(), |v| format!("{v:.3}"));
    let mut line = |name: &str, value: String| text += &format!("{name:<34}{value}\n");
    line("leads", m.leads.to_string());
    line("first true lead", m.first.map_or_else(|| "none".into(), |rank| rank.to_string()));
    for (k, found) in &m.at {
        line(&format!("true among the first {k}"), found.to_string());
    }
    line("true processes in the first five", figure(m.processes_in_five));
    line("true events in the first five", figure(m.events_in_five));
    line("true events in the first three", figure(m.events_in_three));
    line("leads above weak (true ones)", format!("{} ({})", m.above_weak.0, m.above_weak.1));
    text
}
