//! Labels of processes as CSV: columns by name, in any order.

use super::cell::neutralised;
use crate::domain::{Guid, ProcessLabel, Verdict, time};
use crate::files::{AtomicFile, OutputPath};
use anyhow::{Context, Result, bail};
use std::io::Write;
use std::path::Path;

/// Largest label file that is read.
const MOST: u64 = 256 << 20;

/// What a label file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelFile {
    /// Its labels, in its order.
    pub labels: Vec<ProcessLabel>,
    /// Rows whose label is neither (`ambiguous`).
    pub left_out: usize,
    /// Rows that name no process.
    pub nameless: usize,
}

/// A label of the case, with who gave it and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaidLabel {
    /// What is said of which process.
    pub label: ProcessLabel,
    /// Who says so.
    pub analyst: String,
    /// Why: the note.
    pub why: String,
}

/// Writes labels as CSV that [`read_labels`] reads. The file appears whole or not at all.
///
/// # Errors
/// It cannot be written.
pub fn write_labels(path: &OutputPath, labels: &[SaidLabel]) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["Host", "ProcessGuid", "ProcessId", "label", "analyst", "why"])?;
    for said in labels {
        let label = &said.label;
        let guid = label.guid.map_or(String::new(), |guid| guid.to_string());
        let pid = label.pid.map_or(String::new(), |pid| pid.to_string());
        writer.write_record([
            label.computer.as_str(),
            guid.as_str(),
            pid.as_str(),
            label.verdict.name(),
            &neutralised(&said.analyst),
            &neutralised(&said.why),
        ])?;
    }
    let mut file = AtomicFile::create(path)?;
    file.write_all(&writer.into_inner().map_err(|error| anyhow::anyhow!("{error}"))?)?;
    file.finish()?;
    Ok(())
}

/// Columns under their usual names, folded to lower-case letters.
const HOST: &[&str] = &["host", "computer", "hostname", "computername", "machine", "machinename"];
const GUID: &[&str] = &["processguid", "guid"];
const PID: &[&str] = &["processid", "pid"];
const START: &[&str] = &["start", "firstutc", "starttime", "utctime", "creationutctime", "firstseen"];
const LABEL: &[&str] = &["label", "verdict", "class"];
const GROUP: &[&str] = &["dataset", "group", "attack", "campaign", "case"];

/// Reads a label file.
///
/// # Errors
/// It cannot be read, or has no column for the label or none that names a process.
pub fn read_labels(path: &Path) -> Result<LabelFile> {
    let size = std::fs::metadata(path).with_context(|| format!("cannot read the labels {}", path.display()))?.len();
    if size > MOST {
        bail!("{size} bytes are too many for a label file (at most {MOST}): {}", path.display());
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read the labels {}", path.display()))?;
    parse(&String::from_utf8_lossy(&bytes)).with_context(|| format!("not a label file: {}", path.display()))
}

fn parse(text: &str) -> Result<LabelFile> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let header: Vec<String> = reader.headers()?.iter().map(fold).collect();
    let column = |names: &[&str]| names.iter().find_map(|name| header.iter().position(|column| column == name));
    let Some(label) = column(LABEL) else { bail!("it has no column named label") };
    let (host, guid, pid, start, group) = (column(HOST), column(GUID), column(PID), column(START), column(GROUP));
    if guid.is_none() && pid.is_none() {
        bail!("it has no column named ProcessGuid, and none named ProcessId");
    }
    let mut file = LabelFile::default();
    for (number, row) in reader.records().enumerate() {
        let row = row.with_context(|| format!("row {}", number + 1))?;
        let cell = |column: Option<usize>| column.and_then(|at| row.get(at)).map(str::trim).filter(|text| !text.is_empty());
        let Some(verdict) = cell(Some(label)).and_then(Verdict::parse) else {
            file.left_out += 1;
            continue;
        };
        let named = ProcessLabel {
            computer: cell(host).unwrap_or_default().to_owned(),
            guid: cell(guid).and_then(Guid::parse),
            pid: cell(pid).and_then(|text| text.parse().ok()),
            start: cell(start).and_then(time::parse),
            verdict,
            group: cell(group).map(str::to_owned),
        };
        if named.guid.is_none() && named.pid.is_none() {
            file.nameless += 1;
        } else {
            file.labels.push(named);
        }
    }
    Ok(file)
}

/// Letters and digits, in lower case.
fn fold(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name() {
        let guid = "{6a910b9d-498a-5ee0-c903-000000000400}";
        let text = format!("Label,x,Process_Guid,HOST,Dataset,pid\nattack,1,{guid},A,d,7\nambiguous,1,{guid},A,d,7\nbenign,1,,B,,8\nbenign,1,,B,,\n");
        let file = parse(&text).expect("a label file");
        assert_eq!((file.labels.len(), file.left_out, file.nameless), (2, 1, 1));
        let first = &file.labels[0];
        assert_eq!((first.computer.as_str(), first.guid, first.group.as_deref(), first.pid), ("A", Guid::parse(guid), Some("d"), Some(7)));
        assert_eq!((file.labels[1].verdict, file.labels[1].guid, file.labels[1].group.as_deref()), (Verdict::Benign, None, None));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let label = ProcessLabel {
            computer: "WS1".into(),
            guid: Guid::parse("6a910b9d-498a-5ee0-c903-000000000400"),
            pid: Some(7),
            start: None,
            verdict: Verdict::Malicious,
            group: None,
        };
        let said = SaidLabel { label: label.clone(), analyst: "kim".into(), why: "=HYPERLINK(1), \"x\"".into() };
        let path = folder.path().join("labels.csv");
        write_labels(&OutputPath::new(&path, &crate::files::Evidence::default()).expect("a place"), &[said]).expect("written");
        assert_eq!(read_labels(&path).expect("read").labels, [label]);
        assert!(std::fs::read_to_string(&path).expect("text").contains("'=HYPERLINK"));
    }

    #[test]
    fn what_is_no_label_file_is_said() {
        assert!(format!("{:#}", parse("a,b\n1,2\n").unwrap_err()).contains("label"));
        assert!(format!("{:#}", parse("label,b\n1,2\n").unwrap_err()).contains("ProcessGuid"));
    }
}
