//! Rules' results beside the events: joined by computer, channel and record ID, never scored themselves.

use crate::support::{corpus, estate};
use residue::case::Case;
use residue::control::Control;
use residue::domain::{DetectorId, EventStore, Ledger, Plan};
use residue::engine::{Emit, Findings, Happening, Keep, Level, analyse, read_into};
use std::fmt::Write;
use std::path::Path;

struct Deaf;

impl Emit for Deaf {
    fn emit(&self, _: Happening) {}
}

/// Writes Hayabusa's standard CSV over `hits` events spread over a folder of logs, and one over an event that is not there.
pub(crate) fn hayabusa_of(evtx: &Path, to: &Path, hits: usize) {
    let case = Case::temporary().unwrap();
    read_into(&case, &[evtx.to_owned()], None, &Control::silent()).unwrap();
    let snapshot = case.snapshot();
    let step = (snapshot.events() as usize / hits).max(1);
    let mut csv =
        "\"Timestamp\",\"RuleTitle\",\"Level\",\"Computer\",\"Channel\",\"EventID\",\"RecordID\",\"Details\",\"ExtraFieldInfo\",\"RuleID\"\r\n".to_owned();
    let mut row = |n: usize, computer: &str, channel: &str, id: u32, record: u64| {
        let channel = match channel {
            "Security" => "Sec",
            "Microsoft-Windows-Sysmon/Operational" => "Sysmon",
            other => other,
        };
        let level = ["crit", "high", "med ", "low", "info"][n % 5];
        writeln!(csv, "\"2024-05-01 04:27:02.847 +09:00\",\"Rule {}\",\"{level}\",\"{computer}\",\"{channel}\",{id},{record},\"d\",\"\",\"x\"\r", n % 7)
            .unwrap();
    };
    let (mut seen, mut written) = (0, 0);
    snapshot
        .scan(false, &Control::silent(), &mut |batch| {
            for event in batch {
                if seen % step == 0 && written < hits {
                    row(written, event.computer.unwrap(), event.channel.unwrap(), event.event_id.unwrap(), event.record_id.unwrap());
                    written += 1;
                }
                seen += 1;
            }
            Ok(())
        })
        .unwrap();
    row(0, "nobody", "Security", 4624, 1);
    assert_eq!(written, hits);
    std::fs::write(to, csv).unwrap();
}

#[test]
fn results_meet_their_events_and_are_not_scored() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("hayabusa.csv");
    hayabusa_of(&estate().evtx, &rules, 60);
    let plan = Plan { detectors: vec![DetectorId::Fields], ..Plan::standard() };
    let run = |paths: &[std::path::PathBuf]| {
        let case = Case::temporary().unwrap();
        read_into(&case, paths, None, &Control::silent()).unwrap();
        let analysis = analyse(&case, &plan, Keep::Runs, &Control::silent(), &Deaf).unwrap();
        (case, analysis.rankings.into_iter().next().unwrap().report)
    };
    let (_, alone) = run(&[estate().evtx.clone()]);
    let (case, beside) = run(&[estate().evtx.clone(), rules]);
    let findings = Findings::read(&case.snapshot(), &Control::silent()).unwrap();
    assert_eq!((findings.results, findings.joined), (61, 60));
    let told = |r: &residue::domain::Report| r.subjects.iter().map(|s| (s.title.clone(), s.score.to_bits(), s.count)).collect::<Vec<_>>();
    assert!(told(&alone) == told(&beside), "results of rules change no score");
    let hit: Vec<_> = beside.subjects.iter().filter(|s| findings.highest(s).is_some()).collect();
    assert!(!hit.is_empty() && hit.len() < beside.subjects.len());
    for subject in hit {
        let found = findings.of(subject);
        assert!(found.is_sorted_by(|a, b| a.level >= b.level) && found[0].level == findings.highest(subject).unwrap() && found[0].rule.starts_with("Rule "));
    }
    assert!(beside.subjects.iter().any(|s| findings.highest(s) == Some(Level::Critical)));
    // A result file alone is evidence like any other.
    let sources: Vec<Ledger> = case.sources().iter().filter(|s| s.format == "Hayabusa CSV").cloned().collect();
    assert_eq!((sources.len(), sources[0].events), (1, 61));
}

#[test]
fn results_join_real_logs() {
    let Some(evidence) = corpus("cases/aptsim_server2022") else { return };
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("hayabusa.csv");
    hayabusa_of(&evidence, &rules, 100);
    let case = Case::temporary().unwrap();
    read_into(&case, &[evidence, rules], None, &Control::silent()).unwrap();
    let findings = Findings::read(&case.snapshot(), &Control::silent()).unwrap();
    assert_eq!((findings.results, findings.joined), (101, 100));
}

#[test]
fn an_export_names_the_rules_in_json_lines_alone() {
    use residue::engine::{Part, extract, write_extracts};
    use residue::export::{COLUMNS, Format};
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("hayabusa.csv");
    hayabusa_of(&estate().evtx, &rules, 60);
    let plan = Plan { detectors: vec![DetectorId::Fields], ..Plan::standard() };
    let written = |paths: &[std::path::PathBuf], name: &str| {
        let case = Case::temporary().unwrap();
        read_into(&case, paths, None, &Control::silent()).unwrap();
        let ranking = analyse(&case, &plan, Keep::Runs, &Control::silent(), &Deaf).unwrap().rankings.remove(0);
        let files = [Format::Csv, Format::Jsonl].map(|f| (f, folder.path().join(format!("{name}.{}", f.ending()))));
        let extract = extract(&ranking, Part::All, &residue::domain::Suppression::default(), &case.annotations(), &case.sources());
        write_extracts(&case, "x", "all", &[extract], None, &files, &Control::silent()).unwrap();
        files.map(|(_, path)| std::fs::read_to_string(path).unwrap())
    };
    let [csv, jsonl] = written(&[estate().evtx.clone(), rules], "with");
    assert_eq!(csv.lines().next().unwrap(), COLUMNS.join(","), "the columns are a contract");
    let rows: Vec<serde_json::Value> = jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let hit = rows.iter().filter(|row| !row["rules"].as_array().unwrap().is_empty()).count();
    assert!(hit > 0 && hit < rows.len());
    assert!(rows.iter().flat_map(|row| row["rules"].as_array().unwrap()).all(|r| r["rule"].as_str().unwrap().starts_with("Rule ") && r["level"].is_string()));
    let [_, jsonl] = written(&[estate().evtx.clone()], "without");
    assert!(!jsonl.contains("\"rules\":"));
}
