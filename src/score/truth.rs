//! Ground truth as JSON lines, and how a subject's members are matched with it.

use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::HashMap;

/// What a truth line says of a record or process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// Says nothing against it; the same as not being listed.
    #[serde(alias = "ordinary")]
    Benign,
    /// Left out of evaluations.
    Ignore,
    /// True.
    Attack,
}

/// What is known of one member of a subject, for matching.
#[derive(Clone, Copy, Debug, Default)]
pub struct TruthMember<'a> {
    /// Path of its source, `/`-separated.
    pub source_file: &'a str,
    /// `EventRecordID` where there is one, else the position in the source.
    pub record_id: Option<u64>,
    /// Its computer.
    pub computer: Option<&'a str>,
    /// GUID of the acting or new process.
    pub process_guid: Option<&'a str>,
}

#[derive(Deserialize)]
struct Line {
    source_file: Option<String>,
    record_id: Option<u64>,
    computer: Option<String>,
    process_guid: Option<String>,
    label: Label,
}

/// Path segments from the base name upwards, and the label.
type Record = (Vec<String>, Label);

/// One or more truth files, indexed. The strongest label wins where lines disagree.
#[derive(Debug, Default)]
pub struct Truth {
    /// By base name and record ID.
    records: HashMap<(String, u64), Vec<Record>>,
    /// By folded GUID: computer, if named, and label.
    processes: HashMap<String, Vec<(Option<String>, Label)>>,
}

impl Truth {
    /// Reads JSON lines; blank lines are skipped.
    ///
    /// # Errors
    /// The first line that is not a truth line, by number.
    pub fn read(text: &str) -> Result<Self> {
        let mut truth = Self::default();
        truth.add(text)?;
        Ok(truth)
    }

    /// Adds another file's lines.
    ///
    /// # Errors
    /// The first line that is not a truth line, by number.
    pub fn add(&mut self, text: &str) -> Result<()> {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let line: Line = serde_json::from_str(line).with_context(|| format!("truth line {} is not a truth object", number + 1))?;
            match (line.source_file, line.record_id, line.process_guid) {
                (Some(file), Some(record), _) => {
                    let tail = segments(&file);
                    let base = tail.first().cloned().unwrap_or_default();
                    self.records.entry((base, record)).or_default().push((tail, line.label));
                }
                (_, _, Some(guid)) => self.processes.entry(fold(&guid)).or_default().push((line.computer.map(|c| c.to_lowercase()), line.label)),
                _ => anyhow::bail!("truth line {} names neither source_file and record_id nor process_guid", number + 1),
            }
        }
        Ok(())
    }

    /// The label of one member, `Benign` when nothing is said of it.
    #[must_use]
    pub fn label(&self, member: TruthMember<'_>) -> Label {
        self.record(member).max(self.process(member)).unwrap_or(Label::Benign)
    }

    /// The label of a subject: `Attack` if any member is, else `Ignore` if any is, else `Benign`; and whether members disagree.
    pub fn subject<'a>(&self, members: impl Iterator<Item = TruthMember<'a>>) -> (Label, bool) {
        let (mut worst, mut least) = (Label::Benign, Label::Attack);
        for member in members {
            let label = self.label(member);
            worst = worst.max(label);
            least = least.min(label);
        }
        (worst, worst > least)
    }

    fn record(&self, member: TruthMember<'_>) -> Option<Label> {
        let path = segments(member.source_file);
        let lines = self.records.get(&(path.first()?.clone(), member.record_id?))?;
        let agree = |tail: &[String]| tail.iter().zip(&path).take_while(|(a, b)| a == b).count();
        // Where names repeat, the line whose path agrees longest speaks.
        let best = lines.iter().map(|(tail, _)| agree(tail)).max()?;
        lines.iter().filter(|(tail, _)| agree(tail) == best).map(|&(_, label)| label).max()
    }

    fn process(&self, member: TruthMember<'_>) -> Option<Label> {
        let lines = self.processes.get(&fold(member.process_guid?))?;
        let computer = member.computer.map(str::to_lowercase);
        lines.iter().filter(|(named, _)| named.is_none() || computer.is_none() || *named == computer).map(|&(_, label)| label).max()
    }
}

/// Path segments from the base name upwards, lower case.
fn segments(path: &str) -> Vec<String> {
    path.rsplit(['/', '\\']).filter(|s| !s.is_empty()).map(str::to_lowercase).collect()
}

fn fold(guid: &str) -> String {
    guid.trim_matches(['{', '}', ' ']).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"{"source_file": "Security.evtx", "record_id": 7, "label": "attack"}
{"source_file": "a/Security.evtx", "record_id": 8, "label": "attack"}
{"source_file": "b/Security.evtx", "record_id": 8, "label": "ignore"}

{"computer": "WS1", "process_guid": "{ABCD}", "label": "ignore", "role": "noise"}"#;

    fn member(source_file: &str, record_id: u64) -> TruthMember<'_> {
        TruthMember { source_file, record_id: Some(record_id), ..TruthMember::default() }
    }

    #[test]
    fn records_match_by_base_name_and_longest_path() {
        let truth = Truth::read(LINES).unwrap();
        assert_eq!(truth.label(member("x/Security.evtx", 7)), Label::Attack);
        assert_eq!(truth.label(member("case/a/Security.evtx", 8)), Label::Attack);
        assert_eq!(truth.label(member("case/b/Security.evtx", 8)), Label::Ignore);
        assert_eq!(truth.label(member("System.evtx", 7)), Label::Benign);
    }

    #[test]
    fn guids_compare_without_braces_and_case() {
        let truth = Truth::read(LINES).unwrap();
        let of = |computer| truth.label(TruthMember { process_guid: Some("abcd"), computer, ..TruthMember::default() });
        assert_eq!(of(Some("ws1")), Label::Ignore);
        assert_eq!(of(None), Label::Ignore);
        assert_eq!(of(Some("ws2")), Label::Benign);
    }

    #[test]
    fn a_subject_takes_its_worst_label_and_says_when_members_disagree() {
        let truth = Truth::read(LINES).unwrap();
        assert_eq!(truth.subject([member("Security.evtx", 7), member("Security.evtx", 9)].into_iter()), (Label::Attack, true));
        assert_eq!(truth.subject([member("Security.evtx", 7)].into_iter()), (Label::Attack, false));
        assert_eq!(truth.subject([].into_iter()), (Label::Benign, false));
    }

    #[test]
    fn a_bad_line_is_named() {
        assert!(format!("{:#}", Truth::read("{}\n").unwrap_err()).contains("line 1"));
        assert!(format!("{:#}", Truth::read("\n{\"label\":\"attack\"}").unwrap_err()).contains("line 2"));
    }
}
