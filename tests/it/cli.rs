//! The command line's contract: files, columns, exit statuses, repeatability, and evidence left as it was.

use crate::support::{estate, residue, residue_in};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

const HEADER: &str = "message,datetime,timestamp_desc,tag,rank,score,loss,rarity,learned,prior,percentile,threshold,flagged,above,detector,subject,count,first_seen,last_seen,\
computer,user,channel,provider,event_id,record_id,image,command_line,reason_1,reason_2,reason_3,note,source_file,source_sha256,source_record,model_id,tags,flagged_at,analyst";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn status(args: &[&str]) -> i32 {
    residue(args).status.code().unwrap()
}

fn stderr(args: &[&str]) -> String {
    String::from_utf8(residue(args).stderr).unwrap()
}

fn lines(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// Every file below a folder with its hash.
fn hashes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .map(|p| (p.display().to_string(), Sha256::digest(std::fs::read(&p).unwrap()).to_vec()))
        .collect()
}

#[test]
fn misuse_is_two_and_says_what_to_do() {
    assert_eq!(status(&["triage"]), 2);
    assert_eq!(status(&["--nonsense"]), 2);
    assert_eq!(status(&["--help"]), 0);
    let out = tempfile::tempdir().unwrap();
    let run = |extra: &[&str]| {
        let mut args = vec!["triage", "/nowhere/at/all", "--out", text(out.path())];
        args.extend(extra);
        (status(&args), stderr(&args))
    };
    let (code, said) = run(&[]);
    assert!(code == 2 && said.contains("nothing is there: /nowhere/at/all"), "{said}");
    let (code, said) = run(&["--preset", "published", "--rank-by", "recommended"]);
    assert!(code == 2 && said.contains("--rank-by loss"), "{said}");
    assert_eq!(run(&["--threshold", "q1.5"]).0, 2);
    assert_eq!(run(&["--detector", "magic"]).0, 2);
    std::fs::write(out.path().join("mine.txt"), "x").unwrap();
    let (code, said) = run(&[]);
    assert!(code == 2 && said.contains("not empty"), "{said}");
}

#[test]
fn triage_writes_the_contracts_files() {
    let estate = estate();
    let out = tempfile::tempdir().unwrap();
    assert_eq!(status(&["triage", text(&estate.evtx), "--detector", "fields", "--out", text(out.path())]), 0);
    let mut names: Vec<String> = std::fs::read_dir(out.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["leads-steps.csv", "leads.csv", "leads.jsonl", "ledger.json", "manifest.json", "ranking-fields.csv", "ranking-fields.jsonl"]);

    let csv = std::fs::read_to_string(out.path().join("ranking-fields.csv")).unwrap();
    assert_eq!(csv.lines().next(), Some(HEADER));
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let subjects = lines(&out.path().join("ranking-fields.jsonl"));
    assert_eq!(rows.len(), subjects.len());
    for (index, (row, subject)) in rows.iter().zip(&subjects).enumerate() {
        assert_eq!(subject["rank"], index as u64 + 1);
        assert_eq!(row[4], (index + 1).to_string());
        let (learned, prior) = (subject["learned"].as_f64().unwrap(), subject["prior"].as_f64().unwrap_or(0.0));
        assert!((subject["score"].as_f64().unwrap() - learned - prior).abs() < 1e-9, "score is the sum of its parts");
        assert_eq!(subject["above"].as_bool().unwrap(), subject["score"].as_f64() >= subject["threshold"].as_f64());
        assert_eq!(subject["count"].as_u64().unwrap() as usize, subject["events"].as_array().unwrap().len());
        assert!(subject["datetime"].as_str().is_none_or(|t| t.ends_with("+00:00")));
    }
    let scores: Vec<f64> = subjects.iter().map(|s| s["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b));
    let ledger: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(out.path().join("ledger.json")).unwrap()).unwrap();
    let events: u64 = ledger.iter().map(|r| r["events"].as_u64().unwrap()).sum();
    let members: u64 = subjects.iter().map(|s| s["count"].as_u64().unwrap()).sum();
    assert_eq!(events, members, "every event is a member of one subject");
}

#[test]
fn equal_runs_give_equal_bytes_whatever_the_threads_zone_and_order() {
    let estate = estate();
    let mut files: Vec<_> = std::fs::read_dir(&estate.evtx).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.truncate(4);
    let run = |order: &[&Path], variables: &[(&str, &str)]| {
        let out = tempfile::tempdir().unwrap();
        let mut args = vec!["triage", "--detector", "fields", "--out", text(out.path())];
        args.extend(order.iter().map(|p| text(p)));
        let done = residue_in(&args, variables);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        ["ranking-fields.csv", "ranking-fields.jsonl"].map(|n| std::fs::read(out.path().join(n)).unwrap())
    };
    let forward: Vec<&Path> = files.iter().map(std::path::PathBuf::as_path).collect();
    let backward: Vec<&Path> = forward.iter().rev().copied().collect();
    let first = run(&forward, &[("TZ", "UTC")]);
    let second = run(&backward, &[("TZ", "Asia/Tokyo"), ("RAYON_NUM_THREADS", "1"), ("POLARS_MAX_THREADS", "1"), ("LC_ALL", "de_DE.UTF-8")]);
    assert!(first == second);
}

#[test]
fn what_lies_before_a_time_is_learned_from_and_not_scored() {
    let estate = estate();
    let out = tempfile::tempdir().unwrap();
    let times = |folder: &Path| -> Vec<String> {
        let text = std::fs::read_to_string(folder.join("ranking-fields.jsonl")).unwrap();
        let mut times: Vec<String> =
            text.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["first_seen"].as_str().unwrap_or("").into()).collect();
        times.retain(|t| !t.is_empty());
        times.sort();
        times
    };
    let (whole, part) = (out.path().join("whole"), out.path().join("part"));
    assert_eq!(status(&["triage", text(&estate.evtx), "--detector", "fields", "--out", text(&whole)]), 0);
    let middle = times(&whole)[times(&whole).len() / 2].clone();
    assert_eq!(status(&["triage", text(&estate.evtx), "--detector", "fields", "--known-good-before", &middle, "--out", text(&part)]), 0);
    let (all, later) = (times(&whole), times(&part));
    assert!(!later.is_empty() && later.iter().all(|t| *t >= middle), "{middle}: {:?}", later.first());
    assert_eq!(all.last(), later.last());
    let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(part.join("manifest.json")).unwrap()).unwrap();
    assert!(manifest["known_good_before"].is_i64() && !manifest["baseline"].as_array().unwrap().is_empty(), "{manifest}");
}

#[test]
fn evidence_is_left_as_it_was() {
    let estate = estate();
    let before = hashes(&estate.evtx);
    let out = tempfile::tempdir().unwrap();
    assert_eq!(status(&["triage", text(&estate.evtx), "--out", text(out.path())]), 0);
    assert_eq!(before, hashes(&estate.evtx));
}

#[test]
fn broken_evidence_is_partial_and_nothing_readable_is_failed() {
    let estate = estate();
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read_dir(&estate.evtx).unwrap().map(|e| e.unwrap().path()).max_by_key(|p| p.metadata().unwrap().len()).unwrap();
    let bytes = std::fs::read(whole).unwrap();
    std::fs::write(folder.path().join("cut.evtx"), &bytes[..bytes.len() * 2 / 3]).unwrap();
    let out = tempfile::tempdir().unwrap();
    let done = residue(&["triage", text(folder.path()), "--out", text(out.path())]);
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("cut.evtx"), "{said}");

    let nothing = tempfile::tempdir().unwrap();
    std::fs::write(nothing.path().join("empty.evtx"), "").unwrap();
    std::fs::write(nothing.path().join("words.evtx"), "not a log").unwrap();
    let out = tempfile::tempdir().unwrap();
    let done = residue(&["triage", text(nothing.path()), "--out", text(out.path())]);
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(out.path().join("ledger.json").exists(), "the ledger is there even when nothing could be read");
}

#[test]
fn a_detector_asked_for_that_cannot_run_is_partial() {
    let estate = estate();
    let out = tempfile::tempdir().unwrap();
    let done = residue(&["triage", text(&estate.evtx), "--detector", "fields,timeline", "--out", text(out.path())]);
    assert_eq!(done.status.code(), Some(1));
    assert!(String::from_utf8(done.stderr).unwrap().contains("Timeline"));
}

#[test]
fn a_saved_model_scores_the_same_evidence_alike() {
    let estate = estate();
    let (out, model) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = out.path().join("first");
    assert_eq!(status(&["triage", text(&estate.evtx), "--detector", "fields", "--save-model", text(model.path()), "--out", text(&first)]), 0);
    let second = out.path().join("second");
    assert_eq!(status(&["triage", text(&estate.evtx), "--detector", "fields", "--model", text(model.path()), "--out", text(&second)]), 0);
    let top = |folder: &Path| lines(&folder.join("ranking-fields.jsonl")).iter().take(20).map(|s| s["record_id"].clone()).collect::<Vec<_>>();
    // A saved model is a baseline: the case's own events join it at a low weight, so that neighbours may change places.
    let (first, second) = (top(&first), top(&second));
    assert_eq!(first[0], second[0]);
    assert!(first.iter().filter(|id| second.contains(id)).count() >= 18, "{first:?} {second:?}");
}

#[test]
fn evaluate_measures_the_ranking() {
    let estate = estate();
    let out = tempfile::tempdir().unwrap();
    assert_eq!(status(&["triage", text(&estate.evtx), "--detector", "fields", "--out", text(out.path())]), 0);
    let ranking = out.path().join("ranking-fields.jsonl");
    let done = residue(&["evaluate", text(&ranking), "--truth", text(&estate.truth), "--json"]);
    let figures: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert!(figures["attacks"].as_u64().unwrap() > 0);
    assert!(figures["roc_auc"].as_f64().unwrap() > 0.6, "{figures}");
    // The first true rank, found again by hand.
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let guid = |value: &Value| value.as_str().unwrap_or_default().trim_matches(['{', '}']).to_lowercase();
    let attacks: Vec<Value> = lines(&estate.truth).into_iter().filter(|l| l["label"] == "attack").collect();
    let is_true = |event: &Value| {
        attacks.iter().any(|attack| match attack["record_id"].as_u64() {
            Some(id) => {
                event["record_id"].as_u64() == Some(id) && base(attack["source_file"].as_str().unwrap()) == base(event["source_file"].as_str().unwrap())
            }
            None => guid(&event["process_guid"]) == guid(&attack["process_guid"]),
        })
    };
    let first = lines(&ranking).iter().position(|subject| subject["events"].as_array().unwrap().iter().any(is_true)).unwrap() + 1;
    assert_eq!(figures["first_true_rank"].as_u64().unwrap(), first as u64, "{figures}");
    let nothing = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(status(&["evaluate", text(&ranking), "--truth", text(nothing.path())]), 2);
}

#[test]
fn convert_keeps_every_event() {
    let estate = estate();
    let out = tempfile::tempdir().unwrap();
    let (jsonl, csv, parquet) = (out.path().join("e.jsonl"), out.path().join("e.csv"), out.path().join("e.parquet"));
    for path in [&jsonl, &csv, &parquet] {
        assert_eq!(status(&["convert", text(&estate.evtx), "--out", text(path)]), 0);
        assert_eq!(status(&["convert", text(&estate.evtx), "--out", text(path)]), 2, "never overwrites silently");
    }
    let events = lines(&jsonl);
    assert_eq!(events.len() as u64, estate.events);
    assert_eq!(csv::Reader::from_path(&csv).unwrap().records().count() as u64, estate.events);
    assert_eq!(&std::fs::read(&parquet).unwrap()[..4], b"PAR1");
    assert!(events.iter().all(|e| e["fields"].is_object()));
    assert_eq!(status(&["convert", text(&estate.evtx), "--out", text(&out.path().join("e.txt"))]), 2);
}

#[test]
fn inspect_prints_the_ledger_as_json() {
    let estate = estate();
    let done = residue(&["inspect", text(&estate.evtx), "--json"]);
    assert_eq!(done.status.code(), Some(0));
    let rows: Vec<Value> = serde_json::from_slice(&done.stdout).unwrap();
    assert!(rows.iter().all(|r| r["format"] == "EVTX" && r["status"] == "whole" && r["sha256"].as_str().unwrap().len() == 64));
    assert_eq!(rows.iter().map(|r| r["events"].as_u64().unwrap()).sum::<u64>(), estate.events);
}

#[test]
fn settings_print_and_read_back() {
    let estate = estate();
    let out = tempfile::tempdir().unwrap();
    let config = out.path().join("residue.toml");
    std::fs::write(&config, residue(&["config"]).stdout).unwrap();
    assert_eq!(status(&["triage", text(&estate.evtx), "--detector", "fields", "--config", text(&config), "--out", text(&out.path().join("a"))]), 0);
    std::fs::write(&config, "[fields]\nnonsense = 1\n").unwrap();
    let said = stderr(&["triage", text(&estate.evtx), "--config", text(&config), "--out", text(&out.path().join("b"))]);
    assert!(said.contains("nonsense") && said.contains("residue config"), "{said}");
}

#[test]
fn the_demo_runs_on_the_terminal_and_says_so() {
    let home = tempfile::tempdir().unwrap();
    let done = residue_in(&["demo"], &[("HOME", text(home.path())), ("XDG_CACHE_HOME", text(home.path())), ("DISPLAY", ""), ("WAYLAND_DISPLAY", "")]);
    if cfg!(any(windows, target_os = "macos")) {
        return;
    }
    let (said, shown) = (String::from_utf8(done.stderr).unwrap(), String::from_utf8(done.stdout).unwrap());
    assert!(done.status.success(), "{said}");
    assert!(said.contains("on the terminal: there is no display"), "{said}");
    assert!(shown.contains("Event fields: ") && shown.lines().count() > 10, "{shown}");
}

#[test]
fn doctor_names_the_device_and_why() {
    let done = residue(&["doctor"]);
    let shown = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success() && shown.contains("chosen device") && shown.contains("CPU") || shown.contains("GPU"), "{shown}");
}

#[test]
fn what_is_called_ordinary_leaves_the_ranking_and_is_counted() {
    let estate = estate();
    let out = tempfile::tempdir().unwrap();
    let run = |name: &str, extra: &[&str]| {
        let folder = out.path().join(name);
        let mut args = vec!["triage", text(&estate.evtx), "--detector", "fields", "--out", text(&folder)];
        args.extend(extra);
        assert_eq!(status(&args), 0);
        (lines(&folder.join("ranking-fields.jsonl")), serde_json::from_str::<Value>(&std::fs::read_to_string(folder.join("manifest.json")).unwrap()).unwrap())
    };
    let (all, manifest) = run("all", &[]);
    assert_eq!((manifest["detectors"][0]["suppressed"].as_u64(), manifest["suppression"].as_array().map(Vec::len)), (Some(0), Some(0)));
    let (channel, id) = (all[0]["channel"].as_str().unwrap(), all[0]["event_id"].as_u64().unwrap());
    let file = out.path().join("ordinary.toml");
    std::fs::write(&file, format!("version = 1\n[[rule]]\nreason = \"known\"\nlike = {{ event_id = {id}, channel = '{}' }}\n", channel.to_uppercase()))
        .unwrap();
    let (rest, manifest) = run("rest", &["--suppress", text(&file)]);
    let like = |s: &Value| s["channel"] == channel && s["event_id"] == id;
    let taken = all.iter().filter(|s| like(s)).count();
    assert!(taken > 0 && !rest.iter().any(like) && rest.len() + taken == all.len());
    assert_eq!(manifest["detectors"][0]["suppressed"], taken);
    assert_eq!(manifest["detectors"][0]["subjects"], rest.len());
    assert_eq!((&manifest["suppression"][0]["reason"], &manifest["suppression"][0]["subjects"]), (&Value::from("known"), &Value::from(taken)));
    // What is left keeps its scores and its order; ranks close the gap, and so does a threshold given as a quantile.
    let kept: Vec<&Value> = all.iter().filter(|s| !like(s)).map(|s| &s["score"]).collect();
    assert!(rest.iter().map(|s| &s["score"]).eq(kept) && rest.iter().enumerate().all(|(i, s)| s["rank"] == i + 1));
    assert_eq!(rest.iter().filter(|s| s["above"] == true).count(), manifest["detectors"][0]["above"].as_u64().unwrap() as usize);
    let explained = |s: &Value| s["reason_1"].as_str().unwrap().starts_with(s["contributions"][0]["name"].as_str().unwrap());
    assert!(rest.iter().all(explained), "contributions follow their subjects");
    std::fs::write(&file, "version = 1\n[[rule]]\n").unwrap();
    assert_eq!(status(&["triage", text(&estate.evtx), "--suppress", text(&file), "--out", text(&out.path().join("no"))]), 2);
}

#[test]
fn a_saved_baseline_teaches_without_the_evidence() {
    let estate = estate();
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).display().to_string();
    let (file, again) = (path("good.baseline"), path("again.baseline"));
    let make = |out: &str| status(&["baseline", text(&estate.evtx), "--truth", text(&estate.truth), "--description", "the estate", "--out", out]);
    assert_eq!((make(&file), make(&again), make(&file)), (0, 0, 2), "a second one is not written over the first");
    assert!(std::fs::read(&file).unwrap() == std::fs::read(&again).unwrap(), "equal evidence gives equal bytes");

    // What leaves is listed, and holds no computer, no person, and nothing that one alone has shown.
    let listed = String::from_utf8(residue(&["baseline", "--list", &file]).stdout).unwrap();
    assert!(listed.contains("fields/fields-words.json") && listed.contains("chains/") && listed.contains("groups/") && listed.contains("stayed behind"));
    let kept = home.path().join("kept.residue");
    let out = path("whole");
    assert_eq!(status(&["triage", text(&estate.evtx), "--detector", "fields", "--out", &out, "--save-case", text(&kept)]), 0);
    let subjects = lines(&Path::new(&out).join("ranking-fields.jsonl"));
    let mut names: Vec<String> = subjects.iter().filter_map(|s| s["computer"].as_str()).map(|c| c.split('.').next().unwrap().to_lowercase()).collect();
    names.sort();
    names.dedup();
    assert!(names.len() > 2);
    let lower = listed.to_lowercase();
    assert!(names.iter().all(|name| !lower.contains(name.as_str())), "{names:?}");

    let run = |name: &str, baseline: &str| {
        let out = path(name);
        let done = residue(&["triage", text(&estate.evtx), "--detector", "fields,chains,groups", "--baseline", baseline, "--out", &out]);
        (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned(), out)
    };
    let (code, said, out) = run("scored", &file);
    assert_eq!(code, Some(0), "{said}");
    let manifest: Value = serde_json::from_str(&std::fs::read_to_string(Path::new(&out).join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["baseline"][0]["format"], "saved baseline");
    assert_eq!(manifest["detectors"].as_array().map(Vec::len), Some(3));
    let (_, _, twice) = run("scored again", &again);
    for name in ["ranking-fields.jsonl", "ranking-chains.jsonl", "ranking-groups.jsonl"] {
        assert!(std::fs::read(Path::new(&out).join(name)).unwrap() == std::fs::read(Path::new(&twice).join(name)).unwrap(), "{name}");
    }

    // A damaged one is refused in words, one of a single computer is not made.
    let bytes = std::fs::read(&file).unwrap();
    let half = path("half.baseline");
    std::fs::write(&half, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(run("half", &half).0, Some(2));
    let one = std::fs::read_dir(&estate.evtx).unwrap().map(|e| e.unwrap().path()).min().unwrap();
    let said = stderr(&["baseline", text(&one), "--out", &path("one.baseline")]);
    assert!(said.contains("at least 2 computers"), "{said}");
}
