//! A process as a subject: its line in words and its facts.

use super::column::Column;
use super::sequences::{Sequence, Sequences};
use crate::domain::Subject;
use std::collections::BTreeMap;

/// Kinds of events named in a title.
const NAMED: usize = 4;

/// The subject of a process, without its scores.
pub(super) fn subject(sequences: &Sequences, sequence: &Sequence) -> Subject {
    let times = || sequence.steps.iter().map(|step| step.time).filter(|time| *time != i64::MIN);
    let known = |text: &str| (!text.is_empty()).then(|| text.into());
    Subject {
        key: sequence.steps.first().map(|step| step.key).unwrap_or_default(),
        title: title(sequences, sequence).into(),
        subject: match sequence.guid {
            Some(guid) => format!("process {guid}").into(),
            None => "process, told by its ID".into(),
        },
        count: sequence.steps.len() as u64,
        first_seen: times().min(),
        last_seen: times().max(),
        computer: known(&sequence.computer),
        user: sequence.user.clone(),
        channel: sequence.channel.clone(),
        provider: sequence.provider.clone(),
        event_id: Some(sequence.event_id),
        record_id: sequence.record_id,
        image: sequence.image.clone(),
        command_line: sequence.command_line.clone(),
        members: sequence.steps.iter().map(|step| step.key).collect(),
        ..Subject::default()
    }
}

/// `powershell.exe (4120): 34 libraries loaded, 12 registry keys, 3 connections`
fn title(sequences: &Sequences, sequence: &Sequence) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for step in &sequence.steps {
        let code = sequences.rows.get(step.row as usize).map_or(0, |row| row[Column::Event as usize]);
        *counts.entry(kind(sequences.words[Column::Event as usize].name(code))).or_default() += 1;
    }
    let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let named: Vec<String> = counts.iter().take(NAMED).map(|(kind, count)| format!("{count} {kind}")).collect();
    let name = sequence.image.as_deref().map_or("unnamed process", |image| image.rsplit(['\\', '/']).next().unwrap_or(image));
    let pid = sequence.pid.map_or(String::new(), |pid| format!(" ({pid})"));
    format!("{name}{pid}: {}", named.join(", "))
}

/// What events with a Sysmon ID tell of, in the plural.
pub(super) fn kind(event_id: &str) -> &'static str {
    match event_id {
        "1" => "started",
        "2" => "file times changed",
        "3" => "connections",
        "7" => "libraries loaded",
        "8" => "remote threads",
        "9" => "raw disk reads",
        "10" => "processes opened",
        "11" | "15" | "29" => "files written",
        "12" | "13" | "14" => "registry events",
        "17" | "18" => "pipe events",
        "22" => "names looked up",
        "23" | "26" => "files deleted",
        _ => "other events",
    }
}
