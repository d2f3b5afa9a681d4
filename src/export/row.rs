//! One subject as an export row: the contract's columns in their order, typed.

use crate::domain::{DetectorId, Ledger, Report, Subject, time};
use serde_json::{Map, Value, json};

/// The columns of a ranking, in the order of the contract.
pub const COLUMNS: [&str; 38] = [
    "message",
    "datetime",
    "timestamp_desc",
    "tag",
    "rank",
    "score",
    "loss",
    "rarity",
    "learned",
    "prior",
    "percentile",
    "threshold",
    "flagged",
    "above",
    "detector",
    "subject",
    "count",
    "first_seen",
    "last_seen",
    "computer",
    "user",
    "channel",
    "provider",
    "event_id",
    "record_id",
    "image",
    "command_line",
    "reason_1",
    "reason_2",
    "reason_3",
    "note",
    "source_file",
    "source_sha256",
    "source_record",
    "model_id",
    "tags",
    "flagged_at",
    "analyst",
];

/// What the analyst said of a subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The analyst's flag.
    pub flagged: bool,
    /// Free tags.
    pub tags: Vec<String>,
    /// The analyst's note.
    pub note: String,
    /// When it was flagged, ISO 8601.
    pub flagged_at: String,
    /// Who flagged it.
    pub analyst: String,
}

/// What the row's time says.
fn timestamp_desc(detector: DetectorId) -> &'static str {
    match detector {
        DetectorId::Groups => "Start of process group window",
        DetectorId::Chains => "First process chain seen",
        DetectorId::Fields => "First event seen",
        DetectorId::Process => "First event of process",
        DetectorId::Timeline => "Timeline row",
    }
}

/// Where a row comes from: the source's file and SHA-256; null where it is gone.
#[must_use]
pub fn origin(source: Option<&Ledger>) -> [Value; 2] {
    source.map_or([Value::Null, Value::Null], |source| [source.source_file.as_str().into(), source.sha256.as_str().into()])
}

/// The row's values in the order of [`COLUMNS`]; null = an empty cell.
pub(super) fn values(report: &Report, subject: &Subject, mark: &Mark, source: Option<&Ledger>) -> [Value; 38] {
    let text = |t: &Option<std::sync::Arc<str>>| t.as_deref().map_or(Value::Null, Value::from);
    let when = |t: Option<i64>| t.map_or(Value::Null, |ns| time::iso(ns).into());
    let tags = Value::from(mark.tags.clone());
    let [source_file, source_sha256] = origin(source);
    let [reason_1, reason_2, reason_3] = subject.reasons.each_ref().map(|r| Value::from(&**r));
    [
        Value::from(&*subject.title),
        when(subject.first_seen),
        timestamp_desc(report.detector).into(),
        tags.clone(),
        subject.rank.into(),
        json!(subject.score),
        json!(subject.loss),
        json!(subject.rarity),
        json!(subject.learned),
        json!(subject.prior),
        json!(subject.percentile),
        json!(report.threshold),
        mark.flagged.into(),
        (subject.score >= report.threshold).into(),
        report.detector.name().into(),
        Value::from(&*subject.subject),
        subject.count.into(),
        when(subject.first_seen),
        when(subject.last_seen),
        text(&subject.computer),
        text(&subject.user),
        text(&subject.channel),
        text(&subject.provider),
        subject.event_id.into(),
        subject.record_id.into(),
        text(&subject.image),
        text(&subject.command_line),
        reason_1,
        reason_2,
        reason_3,
        mark.note.as_str().into(),
        source_file,
        source_sha256,
        subject.key.record.into(),
        report.model_id.as_str().into(),
        tags,
        mark.flagged_at.as_str().into(),
        mark.analyst.as_str().into(),
    ]
}

/// A value as a CSV cell: numbers as they are, text neutralised with `'` where a spreadsheet would run it.
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => neutralise(text),
        Value::Array(items) if items.is_empty() => String::new(),
        Value::Array(_) => neutralise(&value.to_string()),
        other => other.to_string(),
    }
}

pub(super) fn neutralise(text: &str) -> String {
    // A terminal that shows the file must not obey it either.
    let obeyed = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    let text: String = text.chars().map(|c| if obeyed(c) { '\u{fffd}' } else { c }).collect();
    if is_risky(&text) { format!("'{text}") } else { text }
}

/// Cells as one line of tab-separated text for the clipboard: neutralised as in a CSV file, numbers as they are, and none breaks out of its cell.
#[must_use]
pub fn tab_row<T: AsRef<str>>(cells: &[T]) -> String {
    let cell = |text: &str| {
        let flat: String = text.chars().map(|c| if matches!(c, '\t' | '\n' | '\r') { ' ' } else { c }).collect();
        if flat.parse::<f64>().is_ok_and(f64::is_finite) { flat } else { neutralise(&flat) }
    };
    cells.iter().map(|text| cell(text.as_ref())).collect::<Vec<_>>().join("\t")
}

/// Whether a spreadsheet would run a text; one that looks neutralised already counts too, so that reading back takes away what was put before it.
pub(super) fn is_risky(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// What a cell was before it was neutralised.
pub(super) fn restore(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| is_risky(rest)).unwrap_or(cell)
}

/// The row as a JSON object without members and contributions.
pub(super) fn object(values: [Value; 38]) -> Map<String, Value> {
    COLUMNS.iter().map(|c| (*c).to_owned()).zip(values).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_in_a_cell() {
        assert_eq!(cell(&json!("a\u{1b}[31mb\u{9b}0m\0\nc")), "a\u{fffd}[31mb\u{fffd}0m\u{fffd}\nc");
    }

    #[test]
    fn cells_that_a_spreadsheet_would_run_are_neutralised_and_numbers_never() {
        for risky in ["=1+1", "+x", "-x", "@x", "\tx", "\rx"] {
            assert_eq!(cell(&json!(risky)), format!("'{risky}"));
        }
        for text in ["=1", "'=1", "''-", "'a", "a", "", "'"] {
            assert_eq!(restore(&neutralise(text)), text);
        }
        assert_eq!(cell(&json!("a=b")), "a=b");
        assert_eq!(cell(&json!(-1.5)), "-1.5");
        assert_eq!(cell(&json!(true)), "true");
        assert_eq!(cell(&json!(0.1 + 0.2)), "0.30000000000000004");
        assert_eq!(cell(&json!(["a", "b"])), r#"["a","b"]"#);
    }
}
