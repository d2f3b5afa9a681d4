//! One schema: the columns of files are a contract, a column is written once in the source, and files of an older schema are still read.

use crate::case::{awkward, ingest, sha};
use crate::support::{estate, residue};
use polars::prelude::{DataFrame, SerReader};
use polars_io::parquet::read::ParquetReader;
use polars_io::parquet::write::ParquetWriter;
use residue::case::Case;
use residue::case::events::{Events, Query};
use residue::case::search::{Column, Search};
use residue::control::Control;
use residue::domain::{Access, EVENT_COLUMNS, EventStore, Held};
use std::fs::File;
use std::path::{Path, PathBuf};

/// What the case's event files and `convert` hold, in their order.
const STORED: &str = "time,time_text,source,record,part,record_id,offset,recovered,computer,channel,provider,event_id,level,user,pid,ppid,process_guid,\
parent_guid,image,parent_image,command_line,message,fields,identity";
const CONVERTED: &str = "time,time_text,source,record,part,record_id,recovered,computer,channel,provider,event_id,level,user,pid,ppid,process_guid,\
parent_guid,image,parent_image,command_line,message,source_sha256,fields";
const LISTED: &str = "message,datetime,timestamp_desc,tag,flagged,note,computer,user,channel,provider,event_id,record_id,level,pid,image,parent_image,\
command_line,source_file,source_sha256,source_record";
const RUN: &str = "source,part,event_id,record,count,record_id,rank,first_seen,last_seen,learned,prior,loss,rarity,score,percentile,title,subject,computer,\
user,channel,provider,image,command_line,reason_1,reason_2,reason_3,members";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn table(path: &Path) -> DataFrame {
    ParquetReader::new(File::open(path).unwrap()).finish().unwrap()
}

fn names(table: &DataFrame) -> String {
    table.get_column_names().iter().map(|name| name.as_str()).collect::<Vec<_>>().join(",")
}

fn first_line(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap().lines().next().unwrap().to_owned()
}

/// The keys of a JSON object in their order.
fn keys(line: &str) -> String {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
    object.keys().cloned().collect::<Vec<_>>().join(",")
}

fn below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path, ending));
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn columns_and_their_order_are_what_others_rely_on() {
    let home = tempfile::tempdir().unwrap();
    let (kept, out) = (home.path().join("kept.residue"), home.path().join("out"));
    let done = residue(&["triage", text(&estate().evtx), "--out", text(&out), "--detector", "fields", "--compute", "cpu", "--save-case", text(&kept)]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    for file in below(&kept.join("events"), "parquet") {
        assert_eq!(names(&table(&file)), STORED, "{}", file.display());
    }
    assert_eq!(names(&table(&below(&kept.join("runs"), "parquet")[1])), RUN);
    for (ending, columns) in [("parquet", STORED), ("csv", CONVERTED), ("jsonl", CONVERTED)] {
        let to = home.path().join(format!("events.{ending}"));
        assert!(residue(&["convert", text(&kept), "--out", text(&to)]).status.success());
        match ending {
            "parquet" => assert_eq!(names(&table(&to)), columns),
            "csv" => assert_eq!(first_line(&to), columns),
            _ => assert_eq!(keys(&first_line(&to)), columns),
        }
    }
    let case = Case::open(&kept).unwrap();
    let (events, list) = (Events::new(case.snapshot()), home.path().join("list.csv"));
    assert_eq!(residue::engine::write_events(&case, &events, &[0, 1, 2], &list, &Control::silent()).unwrap(), 3);
    assert_eq!(first_line(&list), LISTED);
    let whole = residue::export::COLUMNS.join(",") + ",events,contributions";
    assert_eq!(keys(&first_line(&out.join("ranking-fields.jsonl"))), whole);
}

/// The code of some folders before its unit tests and without comments, file by file.
fn code(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = folders.iter().flat_map(|folder| if source.join(folder).is_file() { vec![source.join(folder)] } else { below(&source.join(folder), "rs") });
    let plain = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let body = text.split("#[cfg(test)]").next().unwrap_or_default();
        body.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    };
    files.map(|path| (path.clone(), plain(&path))).collect()
}

#[test]
fn a_column_of_events_is_written_once() {
    // What stores, reads, searches, lists and exports events. Rankings, rules and annotations have columns of their own, each in one table.
    let rooms = ["case", "export", "engine/listing.rs", "cli/convert.rs"];
    let own_tables = [
        "case/run_columns.rs",
        "export/row.rs",
        "export/leads.rs",
        "export/read_back.rs",
        "export/labels.rs",
        "export/ranking.rs",
        "export/html",
        "export/xlsx.rs",
    ];
    let own_tables = own_tables.map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name));
    // Columns that mean something to the case beside being carried: events are ordered by time, told apart by what they say, and counted by size.
    let meaningful = ["time", "record_id", "computer", "channel", "command_line", "message", "fields"];
    let mut written = Vec::new();
    for (path, text) in code(&rooms) {
        if own_tables.iter().any(|table| path.starts_with(table)) {
            continue;
        }
        for column in EVENT_COLUMNS.iter().filter(|column| !meaningful.contains(&column.name)) {
            for (number, line) in text.lines().enumerate() {
                let quoted = line.contains(&format!("\"{}\"", column.name));
                let field = line
                    .match_indices(&format!("event.{}", column.name))
                    .any(|(at, found)| !line[at + found.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_'));
                if quoted || field {
                    written.push(format!("{}: {} ({number}: {})", path.display(), column.name, line.trim()));
                }
            }
        }
    }
    // A text that stands for the time where there is none is the list's own business.
    written.retain(|line| !(line.contains("listing.rs") && line.contains("time_text")));
    assert!(written.is_empty(), "columns of events that are written again outside their table (src/domain/columns.rs):\n{}", written.join("\n"));
}

#[test]
fn a_column_of_rankings_is_written_once() {
    let mut places: Vec<(&str, usize)> = Vec::new();
    let files = code(&["export", "engine/export.rs"]);
    for column in residue::export::RANKING_COLUMNS {
        let quoted = format!("\"{}\"", column.name);
        let own = |path: &Path| !path.ends_with("export/leads.rs") && !path.ends_with("export/read_back.rs") && !path.starts_with("export/labels.rs");
        let count = files.iter().filter(|(path, _)| own(path)).map(|(_, text)| text.matches(&quoted).count()).sum();
        places.push((column.name, count));
    }
    // Names that only rankings have: the others are also columns of labels, leads and members.
    let alone = ["percentile", "above", "reason_2", "reason_3", "model_id", "flagged_at", "rarity", "loss", "subject"];
    for (name, count) in places.iter().filter(|(name, _)| alone.contains(name)) {
        assert_eq!(*count, 1, "{name} is written {count} times");
    }
    assert!(places.iter().all(|(_, count)| *count > 0));
}

#[test]
fn what_is_searched_sorted_and_grouped_follows_from_the_table() {
    for column in EVENT_COLUMNS {
        let Some((searched, held)) = column.search else { continue };
        assert_eq!(Column::named(column.name), Some(searched), "a column is searched by the name it has in files");
        assert_eq!(searched.name(), column.name);
        assert_eq!(Events::GROUPED.contains(&searched), held == Held::Names, "{}", column.name);
        assert_eq!(Events::SORTED.contains(&searched), matches!(held, Held::Names | Held::Numbers), "{}", column.name);
    }
    assert!(Events::GROUPED.contains(&Column::Source) && Events::SORTED.contains(&Column::Source));
    assert!(EVENT_COLUMNS.iter().any(|column| column.access == Access::Fetched));
}

#[test]
fn a_case_of_an_older_schema_is_read_and_its_missing_columns_are_empty() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("old.residue");
    // More than one row group, so that chunks of what is there meet what is not.
    let events = awkward(20_000, 5);
    {
        let case = Case::create(&dir).unwrap();
        ingest(&case, "a.evtx", &sha(1), &events);
    }
    let file = below(&dir.join("events"), "parquet").remove(0);
    for missing in ["level", "offset"] {
        let mut whole = table(&file).drop(missing).unwrap();
        ParquetWriter::new(File::create(&file).unwrap()).with_row_group_size(Some(8_192)).finish(&mut whole).unwrap();
    }
    let case = Case::open(&dir).unwrap();
    let snapshot = case.snapshot();
    let mut seen = 0;
    snapshot
        .scan(true, &Control::silent(), &mut |batch| {
            for event in batch {
                let whole = &events[event.key.record as usize - 1];
                let without = residue::domain::Event { level: None, offset: None, ..whole.clone() };
                assert_eq!(event.owned(), without);
                seen += 1;
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, events.len());
    let list = Events::new(case.snapshot());
    let found = |text: &str| list.find(&Query { search: Search::parse(text).unwrap(), ..Query::default() }, &Control::silent()).unwrap().len();
    assert_eq!(found("level:plain"), 0);
    let users = events.iter().filter(|event| event.user.as_deref() == Some("plain")).count();
    assert_eq!(found("user:=plain"), users);
    let tallies = list.group(&(0..events.len() as u32).collect::<Vec<_>>(), Column::Level, &Control::silent()).unwrap();
    assert_eq!(tallies.iter().map(|tally| (&*tally.value, tally.count)).collect::<Vec<_>>(), [("", events.len())]);
    let page = list.page(&[0, 19_999], &Control::silent()).unwrap();
    assert_eq!((page[1].event.user.as_deref(), page[1].event.level.as_deref()), (events[19_999].user.as_deref(), None));
    let to = home.path().join("all.parquet");
    snapshot.write_parquet(File::create(&to).unwrap(), &to, &Control::silent()).unwrap();
    assert_eq!((names(&table(&to)).as_str(), table(&to).height()), (STORED, events.len()));
}

#[test]
fn a_triage_stores_runs_only_where_the_case_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let (kept, out) = (home.path().join("kept.residue"), home.path().join("out"));
    let evidence = text(&estate().evtx).to_owned();
    assert!(residue(&["triage", &evidence, "--out", text(&out), "--detector", "fields", "--compute", "cpu", "--save-case", text(&kept)]).status.success());
    let runs = || Case::open(&kept).unwrap().runs().unwrap().len();
    assert_eq!(runs(), 1);
    let again = home.path().join("again");
    assert!(residue(&["triage", text(&kept), "--out", text(&again), "--detector", "fields", "--compute", "cpu"]).status.success());
    assert_eq!(runs(), 1, "what is not to be kept is not stored");
    assert_eq!(std::fs::read_dir(kept.join("runs")).unwrap().count(), 1, "and leaves nothing behind");
    // What was stored is what was written.
    let lines = |folder: &Path| std::fs::read_to_string(folder.join("ranking-fields.jsonl")).unwrap();
    let exported = home.path().join("all.jsonl");
    assert!(residue(&["export", text(&kept), "--which", "all", "--detector", "fields", "--out", text(&exported)]).status.success());
    assert_eq!(std::fs::read_to_string(&exported).unwrap(), lines(&out));
    assert_eq!(lines(&again), lines(&out));
}
