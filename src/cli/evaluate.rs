//! `residue evaluate`: a ranking measured against ground truth.

use super::args::{EvaluateArgs, Unit};
use super::{Status, print};
use crate::control::RunError;
use crate::score::{Label, Metrics, Outcome, Truth, TruthMember, measure};
use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// What is read of a ranking's line.
#[derive(Deserialize)]
struct Line {
    #[serde(flatten)]
    values: BTreeMap<String, serde_json::Value>,
    events: Vec<MemberLine>,
}

#[derive(Deserialize)]
struct MemberLine {
    source_file: Option<String>,
    record_id: Option<u64>,
    computer: Option<String>,
    process_guid: Option<String>,
}

/// What is counted: its value, its label.
struct Row {
    unit: String,
    score: f64,
    label: Label,
}

pub(super) fn run(args: &EvaluateArgs) -> Result<Status, RunError> {
    if args.unit == Unit::Lead {
        return super::evaluate_leads::run(args);
    }
    let mut truth = Truth::default();
    for path in &args.truth {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the truth {}", path.display()))?;
        truth.add(&text).with_context(|| path.display().to_string())?;
    }
    let (mut rows, mixed) = read(&args.ranking, &truth, args.by.key(), args.unit)?;
    if args.unit == Unit::Path {
        rows = by_path(rows);
    }
    rows.sort_by(|a, b| b.score.total_cmp(&a.score));
    let ignored = rows.iter().filter(|r| r.label == Label::Ignore).count();
    let outcomes: Vec<Outcome> =
        rows.iter().filter(|r| r.label != Label::Ignore).map(|r| Outcome { score: r.score, attack: r.label == Label::Attack }).collect();
    let metrics = measure(&outcomes);
    if metrics.attacks == 0 {
        return Err(RunError::failed("no subject of the ranking is labelled attack: is this the truth of the same evidence?"));
    }
    print(&if args.json { as_json(&metrics, ignored, mixed, args)? } else { as_text(&metrics, ignored, mixed, args) })
}

fn read(path: &Path, truth: &Truth, key: &str, unit: Unit) -> Result<(Vec<Row>, usize), RunError> {
    let file = std::fs::File::open(path).with_context(|| format!("cannot read the ranking {}", path.display()))?;
    let (mut rows, mut mixed, mut valued) = (vec![], 0, false);
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.with_context(|| format!("cannot read line {} of {}", number + 1, path.display()))?;
        if line.trim().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_str(&line).with_context(|| format!("line {} is no ranking line: {}", number + 1, path.display()))?;
        let members = line.events.iter().map(|m| TruthMember {
            source_file: m.source_file.as_deref().unwrap_or_default(),
            record_id: m.record_id,
            computer: m.computer.as_deref(),
            process_guid: m.process_guid.as_deref(),
        });
        let (label, disagree) = truth.subject(members);
        mixed += usize::from(disagree && label == Label::Attack);
        let score = line.values.get(key).and_then(serde_json::Value::as_f64);
        valued |= score.is_some();
        let text = |k: &str| line.values.get(k).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        let unit = if unit == Unit::Path { Some(text("image")).filter(|t| !t.is_empty()).unwrap_or_else(|| text("message")) } else { String::new() };
        rows.push(Row { unit, score: score.unwrap_or(f64::NEG_INFINITY), label });
    }
    if !valued && !rows.is_empty() {
        return Err(RunError::failed(format!("no subject has a value '{key}': rank by something else ({})", path.display())));
    }
    Ok((rows, mixed))
}

/// One row a path, with its worst score and its worst label.
fn by_path(rows: Vec<Row>) -> Vec<Row> {
    let mut paths: BTreeMap<String, Row> = BTreeMap::new();
    for row in rows {
        match paths.get_mut(&row.unit) {
            None => {
                paths.insert(row.unit.clone(), row);
            }
            Some(known) => {
                known.score = known.score.max(row.score);
                known.label = known.label.max(row.label);
            }
        }
    }
    paths.into_values().collect()
}

fn as_json(m: &Metrics, ignored: usize, mixed: usize, args: &EvaluateArgs) -> Result<String> {
    let at = |k: usize| m.at.iter().find(|a| a.0 == k).map(|a| json!({"k": k, "precision": a.1, "recall": a.2}));
    let value = json!({
        "ranking": args.ranking.file_name().map(|n| n.to_string_lossy()), "by": args.by.key(),
        "unit": if args.unit == Unit::Path { "path" } else { "subject" },
        "subjects": m.subjects, "attacks": m.attacks, "ignored": ignored, "mixed": mixed,
        "roc_auc": m.roc_auc, "average_precision": m.average_precision,
        "at": m.at.iter().filter_map(|a| at(a.0)).collect::<Vec<_>>(), "first_true_rank": m.first,
    });
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

fn as_text(m: &Metrics, ignored: usize, mixed: usize, args: &EvaluateArgs) -> String {
    let mut text = String::new();
    let figure = |v: Option<f64>| v.map_or_else(|| "undefined".into(), |v| format!("{v:.4}"));
    let mut line = |name: &str, value: String| text += &format!("{name:<22}{value}\n");
    line("ranked by", args.by.key().into());
    line("subjects", format!("{} ({} true, {ignored} left out, {mixed} true ones with ordinary members)", m.subjects, m.attacks));
    line("ROC-AUC", figure(m.roc_auc));
    line("average precision", figure(m.average_precision));
    for &(k, precision, recall) in &m.at {
        line(&format!("at {k}"), format!("precision {precision:.3}, recall {recall:.3}"));
    }
    line("first true rank", m.first.map_or_else(|| "none".into(), |r| r.to_string()));
    text
}
