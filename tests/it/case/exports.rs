//! What leaves the case: nothing of it is run or obeyed by whoever opens it, importers lose no row, and what the analyst said comes back.

use super::runs::report;
use super::{awkward, ingest, sha};
use crate::support::{corpus, estate, residue};
use residue::case::{Case, Change, Target, Unit};
use residue::control::Control;
use residue::domain::{DetectorId, RankBy, Report, Suppression};
use residue::engine::{Part, extract, import_annotations, stored_rankings, write_extracts};
use residue::export::{COLUMNS, Format};
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Texts that some program would run, obey, or be led astray by.
const HOSTILE: [&str; 14] = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1+1",
    "'=already neutralised",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "</title></svg><b>&amp;",
    "\u{1b}[2J\u{1b}]0;owned\u{7}",
    "../../../etc/passwd",
    "C:\\Windows\\..\\..\\x\u{202e}fdp.exe",
    "a,\"b\"\r\nc\u{0}d _x0041_ ]]>",
];

fn hostile_report(detector: DetectorId) -> Report {
    let mut report = report(detector, HOSTILE.len() as u64);
    for (subject, text) in report.subjects.iter_mut().zip(HOSTILE) {
        subject.title = text.into();
        subject.computer = Some(text.into());
        subject.user = Some(text.into());
        subject.image = Some(text.into());
        subject.command_line = Some(text.into());
        subject.reasons = [text.into(), text.into(), "".into()];
    }
    report.remarks = HOSTILE.iter().map(|t| (*t).to_owned()).collect();
    report
}

/// A case with hostile names, subjects, notes and tags, and two rankings.
fn hostile_case(home: &Path) -> Case {
    let case = Case::create(&home.join("a.residue")).unwrap();
    case.set_setting("analyst", HOSTILE[0]).unwrap();
    ingest(&case, HOSTILE[0], &sha(1), &awkward(50, 3));
    ingest(&case, HOSTILE[8], &sha(2), &awkward(50, 4));
    for detector in [DetectorId::Chains, DetectorId::Fields] {
        let report = hostile_report(detector);
        let why =
            |i: usize| vec![residue::domain::Contribution { name: HOSTILE[i].into(), share: 0.5, observed: HOSTILE[i].into(), expected: HOSTILE[i].into() }];
        case.store_run(&report, &mut { why }, &Control::silent()).unwrap();
    }
    let sources = case.sources();
    let subjects = hostile_report(DetectorId::Fields).subjects;
    for (subject, text) in subjects.iter().zip(HOSTILE) {
        let target = Target::new(Unit::Subject, &sources[subject.key.source as usize], subject.key);
        case.annotate(&[target], &Change { flag: Some(true), note: Some(text.into()), add_tags: vec![text.into()], ..Change::default() }).unwrap();
    }
    case
}

fn write(case: &Case, folder: &Path, part: Part) -> Vec<(Format, PathBuf)> {
    let files: Vec<(Format, PathBuf)> = Format::ALL.into_iter().map(|f| (f, folder.join(format!("out.{}", f.ending())))).collect();
    let rankings = stored_rankings(case, &Control::silent()).unwrap();
    let rules = Suppression::new(case.rules().unwrap());
    // The single-ranking formats hold the first: fields.
    let extracts: Vec<_> = rankings.iter().rev().map(|r| extract(r, part, &rules, &case.annotations(), &case.sources())).collect();
    let written = write_extracts(case, HOSTILE[7], part.words(), &extracts, None, &files, &Control::silent()).unwrap();
    assert_eq!(written.len(), files.len());
    files
}

fn unzip(path: &Path) -> Vec<(String, String)> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    (0..archive.len())
        .map(|i| {
            let mut file = archive.by_index(i).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            (file.name().unwrap().into_owned(), text)
        })
        .collect()
}

/// All texts between tags, unescaped, in order; panics when it is not well formed.
fn xml_texts(xml: &str) -> Vec<String> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(xml);
    let (mut texts, mut text) = (vec![], String::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Text(part) => text.push_str(&part.decode().unwrap()),
            Event::GeneralRef(part) => {
                let name = part.decode().unwrap();
                text.push_str(match &*name {
                    "amp" => "&",
                    "lt" => "<",
                    "gt" => ">",
                    "quot" => "\"",
                    "apos" => "'",
                    other => panic!("{other}"),
                });
            }
            Event::End(_) => texts.push(std::mem::take(&mut text)),
            Event::Eof => return texts,
            _ => {}
        }
    }
}

#[test]
fn nothing_in_an_export_is_run_or_obeyed() {
    let home = tempfile::tempdir().unwrap();
    let case = hostile_case(home.path());
    let folder = home.path().join("out");
    std::fs::create_dir(&folder).unwrap();
    let files = write(&case, &folder, Part::Flagged);
    let mut names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["out.csv", "out.html", "out.jsonl", "out.parquet", "out.xlsx"], "evidence names no files");
    let path = |format: Format| files.iter().find(|(f, _)| *f == format).unwrap().1.clone();

    let csv = std::fs::read_to_string(path(Format::Csv)).unwrap();
    assert!(!csv.contains(|c: char| c.is_control() && !matches!(c, '\t' | '\r' | '\n')), "no terminal obeys it");
    let mut rows = 0;
    for record in csv::Reader::from_reader(csv.as_bytes()).records() {
        let record = record.unwrap();
        assert_eq!(record.len(), COLUMNS.len());
        let risky = |cell: &str| cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
        assert!(!record.iter().any(risky), "{record:?}");
        rows += 1;
    }
    assert_eq!(rows, HOSTILE.len());

    let objects: Vec<Value> = std::fs::read_to_string(path(Format::Jsonl)).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    for (object, text) in objects.iter().zip(HOSTILE) {
        for name in ["message", "computer", "user", "image", "command_line", "reason_1", "note"] {
            assert_eq!(object[name], text, "JSONL is faithful");
        }
        assert_eq!(object["contributions"][0]["observed"], text);
    }
    assert!(!std::fs::read(path(Format::Jsonl)).unwrap().contains(&0x1b));

    let sheets = unzip(&path(Format::Xlsx));
    assert!(sheets.iter().filter(|(name, _)| name.starts_with("xl/worksheets/")).count() == 3, "two rankings and the manifest");
    for (name, xml) in &sheets {
        let texts = xml_texts(xml);
        assert!(!xml.contains("<f>") && !xml.contains("<f ") && !xml.contains("hyperlink"), "{name} holds a formula or a link");
        if name.ends_with("sharedStrings.xml") {
            let holds = |text: &str| texts.iter().any(|t| t == text);
            assert!(HOSTILE.iter().filter(|t| !t.contains(|c: char| c.is_control()) && !t.contains("_x")).all(|t| holds(t)), "{texts:?}");
            assert!(!xml.contains('\u{1b}'));
        }
    }

    let html = std::fs::read_to_string(path(Format::Html)).unwrap();
    for tag in ["<script", "<img", "<iframe", "<object", "<embed", "<form", "<base", "javascript:", "\u{1b}", "\u{202e}", "\u{0}"] {
        assert!(!html.to_lowercase().contains(tag), "{tag}");
    }
    let tags: Vec<&str> = html.split('<').skip(1).map(|t| t.split('>').next().unwrap()).collect();
    for attribute in [" src=", " href=", " on", " style="] {
        let leads = |tag: &&str| tag.split_once(attribute).is_some_and(|(_, value)| attribute != " href=" || !value.starts_with("\"#"));
        assert_eq!(tags.iter().find(|tag| leads(tag)), None, "{attribute} leads out of the page");
    }
    assert!(html.contains("default-src &#39;none&#39;") || html.contains("default-src 'none'"));
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && html.contains("[U+202E]") && html.contains("[U+001B]"));
    assert_eq!(html.matches("<svg").count(), html.matches("</svg>").count());
    assert_eq!(html.matches("<tr class=").count() + html.matches("<tr><td class=\"n\">").count(), 2 * HOSTILE.len(), "every flagged row of both rankings");
    // All of it is one well-formed document, whatever evidence put into it.
    let body = html.split_once("<body>").unwrap().1.replace("<br>", "<br/>").replace("&#9873;", "").replace("&#39;", "&apos;");
    xml_texts(&format!("<body>{}", body.trim_end().strip_suffix("</html>").unwrap()));
}

#[test]
fn parquet_holds_the_same_as_jsonl_typed() {
    use polars::prelude::SerReader;
    let home = tempfile::tempdir().unwrap();
    let case = hostile_case(home.path());
    let files = write(&case, home.path(), Part::All);
    let parquet = files.iter().find(|(f, _)| *f == Format::Parquet).unwrap().1.clone();
    let table = polars_io::parquet::read::ParquetReader::new(std::fs::File::open(parquet).unwrap()).finish().unwrap();
    let jsonl = std::fs::read_to_string(&files.iter().find(|(f, _)| *f == Format::Jsonl).unwrap().1).unwrap();
    let objects: Vec<Value> = jsonl.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!((table.height(), table.width()), (objects.len(), COLUMNS.len() + 2));
    for (at, object) in objects.iter().enumerate() {
        let text = |name: &str| table.column(name).unwrap().str().unwrap().get(at).map(str::to_owned);
        assert_eq!(text("message").as_deref(), object["message"].as_str());
        assert_eq!(text("datetime").as_deref(), object["datetime"].as_str());
        assert_eq!(serde_json::from_str::<Value>(&text("contributions").unwrap()).unwrap(), object["contributions"]);
        assert_eq!(serde_json::from_str::<Value>(&text("events").unwrap()).unwrap(), object["events"]);
        assert_eq!(table.column("score").unwrap().f64().unwrap().get(at), object["score"].as_f64());
        assert_eq!(table.column("rank").unwrap().u64().unwrap().get(at), object["rank"].as_u64());
        assert_eq!(table.column("flagged").unwrap().bool().unwrap().get(at), object["flagged"].as_bool());
    }
}

#[test]
fn equal_exports_give_equal_bytes() {
    let home = tempfile::tempdir().unwrap();
    let case = hostile_case(home.path());
    let read = |name: &str| {
        let folder = home.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        write(&case, &folder, Part::All).into_iter().map(|(_, path)| std::fs::read(path).unwrap()).collect::<Vec<_>>()
    };
    assert!(read("one") == read("two"));
}

#[test]
fn what_was_said_comes_back_from_csv_and_jsonl() {
    let home = tempfile::tempdir().unwrap();
    let case = hostile_case(home.path());
    let files = write(&case, home.path(), Part::Flagged);
    for format in [Format::Jsonl, Format::Csv] {
        let other = Case::create(&home.path().join(format!("{}.residue", format.ending()))).unwrap();
        ingest(&other, "elsewhere.evtx", &sha(1), &awkward(50, 3));
        ingest(&other, "and there.evtx", &sha(2), &awkward(50, 4));
        let file = &files.iter().find(|(f, _)| *f == format).unwrap().1;
        let done = import_annotations(&other, file).unwrap();
        assert_eq!((done.rows, done.unknown), (HOSTILE.len(), 0));
        // CSV shows controls as marks: there they are compared as shown.
        let shown = |text: &str| if format == Format::Csv { text.replace(['\u{1b}', '\u{7}', '\u{0}'], "\u{fffd}") } else { text.to_owned() };
        let mine: Vec<_> = case.annotations().all();
        let theirs: Vec<_> = other.annotations().all();
        assert_eq!(mine.len(), theirs.len());
        for ((target, a), (same, b)) in mine.iter().zip(&theirs) {
            assert_eq!(target, same);
            assert_eq!((a.flagged, &*a.analyst), (b.flagged, &*b.analyst));
            assert_eq!(shown(&a.note), b.note);
            assert_eq!(a.tags, b.tags);
            assert_eq!(a.flagged_at.map(|t| t / 100), b.flagged_at.map(|t| t / 100));
        }
        // A second time adds nothing.
        import_annotations(&other, file).unwrap();
        assert_eq!(other.annotations().all(), theirs);
        for (target, said) in &theirs {
            let nothing = Change { flag: Some(false), note: Some(String::new()), remove_tags: said.tags.clone(), ..Change::default() };
            other.annotate(std::slice::from_ref(target), &nothing).unwrap();
        }
        assert!(other.annotations().is_empty());
        // What is said here already is kept.
        let target = theirs[0].0.clone();
        other.annotate(std::slice::from_ref(&target), &Change { note: Some("mine".into()), add_tags: vec!["own".into()], ..Change::default() }).unwrap();
        import_annotations(&other, file).unwrap();
        let both = other.annotations().of(&target).cloned().unwrap();
        assert!(
            both.flagged && both.note == format!("mine\n{}", theirs[0].1.note) && both.tags.contains(&"own".into()) && both.tags.contains(&theirs[0].1.tags[0])
        );
    }
    // Evidence that is not here is counted, and a file that is no export is refused.
    let empty = Case::create(&home.path().join("empty.residue")).unwrap();
    let done = import_annotations(&empty, &files[0].1).unwrap();
    assert_eq!((done.rows, done.unknown), (HOSTILE.len(), HOSTILE.len()));
    let wrong = home.path().join("wrong.csv");
    std::fs::write(&wrong, "a,b\n1,2\n").unwrap();
    assert!(import_annotations(&empty, &wrong).unwrap_err().to_string().contains("source_record"));
}

/// Timesketch's documented rules for a CSV: mandatory columns, dates as pandas reads them, years 1700 to 9999. Returns the rows it would keep.
fn timesketch(csv: &str) -> Vec<csv::StringRecord> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().unwrap().clone();
    let at = |name: &str| header.iter().position(|h| h == name).unwrap_or_else(|| panic!("the mandatory column {name} is missing"));
    let (datetime, tag) = (at("datetime"), at("tag"));
    at("message");
    at("timestamp_desc");
    for name in ["_id", "_type", "_index", "_source", "__ts_timeline_id", "Line", "Tag"] {
        assert!(!header.iter().any(|h| h == name), "{name} would be taken away or written over");
    }
    let mut names: Vec<&str> = header.iter().collect();
    names.sort_unstable();
    names.dedup();
    assert!(names.len() == header.len() && header.len() < 1000 && header.iter().all(|h| h.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')));
    let kept = |row: &csv::StringRecord| {
        let tags = &row[tag];
        assert!(tags.is_empty() || tags == "-" || serde_json::from_str::<Vec<String>>(tags).is_ok(), "{tags}");
        let stamp = &row[datetime];
        stamp.ends_with("+00:00") && stamp.parse::<jiff::Timestamp>().is_ok_and(|t| (1700..=9999).contains(&t.to_zoned(jiff::tz::TimeZone::UTC).year()))
    };
    reader.records().map(Result::unwrap).filter(kept).collect()
}

#[test]
fn timesketch_drops_no_row() {
    let out = tempfile::tempdir().unwrap();
    let results = out.path().join("results");
    let run = |evidence: &Path, folder: &Path| {
        let done = residue(&["triage", evidence.to_str().unwrap(), "--detector", "fields", "--out", folder.to_str().unwrap(), "--force"]);
        assert!(done.status.code().is_some_and(|c| c < 2), "{}", String::from_utf8_lossy(&done.stderr));
        std::fs::read_to_string(folder.join("ranking-fields.csv")).unwrap()
    };
    let mut evidence = vec![estate().evtx.clone()];
    evidence.extend(corpus("cases/aptsim_server2022"));
    for evidence in evidence {
        let csv = run(&evidence, &results);
        let rows = csv::Reader::from_reader(csv.as_bytes()).records().count();
        assert_eq!(timesketch(&csv).len(), rows, "{}", evidence.display());
    }
    // Rows without a time cannot be kept by Timesketch: exactly those are left out, and the export says so.
    let home = tempfile::tempdir().unwrap();
    let case = hostile_case(home.path());
    let files = write(&case, home.path(), Part::All);
    let csv = std::fs::read_to_string(&files[0].1).unwrap();
    let timeless = hostile_report(DetectorId::Fields).subjects.iter().filter(|s| s.first_seen.is_none()).count();
    assert_eq!(timesketch(&csv).len(), HOSTILE.len() - timeless);
}

#[test]
fn a_case_is_kept_exported_and_annotated_headless() {
    let out = tempfile::tempdir().unwrap();
    let path = |name: &str| out.path().join(name).display().to_string();
    let run = |args: &[&str]| {
        let done = residue(args);
        (done.status.code(), String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
    };
    let evidence = estate().evtx.display().to_string();
    let case = path("kept.residue");
    assert_eq!(run(&["triage", &evidence, "--detector", "fields,chains", "--out", &path("r"), "--save-case", &case]).0, Some(0));
    assert_eq!(run(&["triage", &evidence, "--out", &path("r2"), "--save-case", &case]).0, Some(2), "a case is never written over");
    for name in ["report.html", "report.xlsx"] {
        let (code, said, wrong) = run(&["export", &case, "--which", "above", "--out", &path(name)]);
        assert!(code == Some(0) && said.contains(name), "{wrong}");
    }
    let (code, _, said) = run(&["export", &case, "--which", "all", "--out", &path("all.csv")]);
    assert!(code == Some(2) && said.contains("--detector"), "{said}");
    for format in ["csv", "jsonl", "parquet"] {
        assert_eq!(run(&["export", &case, "--which", "all", "--detector", "fields", "--out", &path(&format!("all.{format}"))]).0, Some(0));
    }
    // The same rows, the same bytes, whether triage or the case writes them.
    for format in ["csv", "jsonl"] {
        assert!(std::fs::read(path(&format!("r/ranking-fields.{format}"))).unwrap() == std::fs::read(path(&format!("all.{format}"))).unwrap());
    }
    assert_eq!(run(&["export", &case, "--which", "all", "--detector", "fields", "--out", &path("all.csv")]).0, Some(2), "nothing is replaced unasked");
    let flagged = std::fs::read_to_string(path("all.jsonl"))
        .unwrap()
        .lines()
        .take(3)
        .map(|line| line.replace("\"flagged\":false", "\"flagged\":true") + "\n")
        .collect::<String>();
    std::fs::write(path("said.jsonl"), flagged).unwrap();
    let (code, said, wrong) = run(&["import", &case, &path("said.jsonl")]);
    assert!(code == Some(0) && said.starts_with("3 annotations"), "{said}{wrong}");
    let (_, said, _) = run(&["export", &case, "--detector", "fields", "--out", &path("flagged.html")]);
    assert!(said.starts_with("3 rows"), "{said}");
    // All detectors in one list, in the order of the leads' scores, and Timesketch takes it whole.
    for name in ["one.csv", "one.jsonl"] {
        assert_eq!(run(&["export", &case, "--combined", "--out", &path(name)]).0, Some(0));
    }
    let csv = std::fs::read_to_string(path("one.csv")).unwrap();
    let rows: Vec<Value> = std::fs::read_to_string(path("one.jsonl")).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(!rows.is_empty() && timesketch(&csv).len() == rows.len());
    let mut both = 0;
    for (place, row) in rows.iter().enumerate() {
        let ranks: Vec<f64> = ["rank_groups", "rank_chains", "rank_fields", "rank_process", "rank_timeline"].iter().filter_map(|n| row[n].as_f64()).collect();
        assert!(row["rank"] == place + 1 && row["lead"].as_u64().is_none_or(|lead| lead > 0));
        both += usize::from(ranks.len() > 1);
    }
    assert!(both > 0, "some events are ranked by two detectors");
    assert!(rows.iter().map(|r| r["score"].as_f64().unwrap()).collect::<Vec<_>>().is_sorted_by(|a, b| a >= b));
}

#[test]
fn evidence_that_changed_is_named() {
    let out = tempfile::tempdir().unwrap();
    let path = |name: &str| out.path().join(name).display().to_string();
    std::fs::create_dir(out.path().join("evidence")).unwrap();
    for file in std::fs::read_dir(&estate().evtx).unwrap().map(|e| e.unwrap()).take(3) {
        std::fs::copy(file.path(), out.path().join("evidence").join(file.file_name())).unwrap();
    }
    let case = path("kept.residue");
    let triage = residue(&["triage", &path("evidence"), "--detector", "fields", "--out", &path("r"), "--save-case", &case]);
    assert!(triage.status.success(), "{}", String::from_utf8_lossy(&triage.stderr));
    let verify = || {
        let done = residue(&["verify", &case]);
        (done.status.code(), String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
    };
    let (code, said, _) = verify();
    assert!(code == Some(0) && said.starts_with("3 of 3"), "{said}");
    let files: Vec<PathBuf> = std::fs::read_dir(out.path().join("evidence")).unwrap().map(|e| e.unwrap().path()).collect();
    std::fs::write(&files[0], b"other").unwrap();
    std::fs::remove_file(&files[1]).unwrap();
    let (code, said, wrong) = verify();
    assert!(code == Some(1) && said.starts_with("1 of 3") && wrong.contains("has changed since") && wrong.contains("cannot be verified"), "{said}{wrong}");
}

#[test]
fn an_empty_ranking_is_exported_too() {
    let home = tempfile::tempdir().unwrap();
    let case = Case::create(&home.path().join("a.residue")).unwrap();
    let report = Report { subjects: vec![], rank_by: RankBy::Rarity, ..hostile_report(DetectorId::Fields) };
    case.store_run(&report, &mut |_| vec![], &Control::silent()).unwrap();
    for (format, path) in write(&case, home.path(), Part::All) {
        assert!(std::fs::metadata(&path).unwrap().len() > 0 || format == Format::Jsonl, "{}", path.display());
    }
}
