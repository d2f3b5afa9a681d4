//! Fault 1: a case could delete any folder. Every path that a case's database can hold, and every way to lead out of the case, is tried.

use super::{assert_same, copy, pristine, sentinel, state};
use crate::case::runs;
use residue::case::{Case, Leftover};
use residue::control::Control;
use residue::domain::DetectorId;
use residue::engine;
use rusqlite::Connection;
use std::path::Path;

/// The cells of a case's database that are names of files or paths, and the part of their JSON that is. What residue writes there alone is accepted
/// (`true`), or it is shown and never used as a path, or opened read-only as evidence.
const PATHS: [(&str, &str, Option<&str>, bool); 9] = [
    ("sources", "events", None, true),
    ("runs", "id", None, true),
    ("runs", "detector", None, true),
    ("sources", "source_file", None, false),
    ("sources", "sha256", None, false),
    ("sources", "ledger", Some("path"), false),
    ("sources", "ledger", Some("source_file"), false),
    ("sources", "ledger", Some("duplicate_of"), false),
    ("evidence", "sha256", None, false),
];

/// The other texts: no part of residue makes a path of them.
const TEXTS: [(&str, &str); 10] = [
    ("sources", "row_groups"),
    ("annotations", "tags"),
    ("annotations", "note"),
    ("annotations", "analyst"),
    ("settings", "key"),
    ("settings", "value"),
    ("runs", "stage"),
    ("audit", "analyst"),
    ("audit", "action"),
    ("audit", "changes"),
];

/// Ways to name something elsewhere.
fn hostile(sentinel: &Path) -> Vec<String> {
    let outside = sentinel.to_str().unwrap();
    let up = "../".repeat(12);
    [
        outside,
        &format!("{outside}/fields-1"),
        &format!("{up}{outside}"),
        "../sentinel",
        "../../sentinel",
        "fields-1/../../../sentinel",
        "..",
        ".",
        "",
        "/",
        "//",
    ]
    .into_iter()
    .chain([
        r"C:\Windows",
        r"C:sentinel",
        r"\\host\share\x",
        r"\\?\C:\sentinel",
        r"\\.\pipe\x",
        r"..\..\sentinel",
        "NUL",
        "CON",
        "NUL.parquet",
        "COM1-1",
        "a\0b",
    ])
    .chain(["fields-1 ", "fields-1.", "fields-1:stream", "FIELDS-1", "fields-01", "0123456789abcdef.parquet/..", "/dev/zero", "/dev/null", "~"])
    .map(str::to_owned)
    .collect()
}

/// Everything that is done to a case: opened, looked at, analysed until runs are pruned, swept, verified, saved, discarded.
fn live(dir: &Path, home: &Path) -> Result<(), String> {
    let words = |error: residue::control::RunError| error.to_string();
    let case = Case::open(dir).map_err(words)?;
    let rankings = engine::stored_rankings(&case, &Control::silent()).map_err(words)?;
    drop(rankings);
    for _ in 0..7 {
        case.store_run(&runs::report(DetectorId::Fields, 3), &mut |_| vec![], &Control::silent()).map_err(words)?;
    }
    let sources = case.sources();
    let control = Control::silent();
    engine::verify(&sources, &control).map_err(words)?;
    for source in sources.iter() {
        // Whether it can be read depends on the path; that nothing is written does not.
        let _shown = residue::ingest::raw_xml(source, 4096 + 512, &control);
    }
    let _saved = case.save_as(&home.join("saved.residue"), &control).map(drop);
    drop(case);
    drop(Case::open(dir).map_err(words)?);
    // And as an unsaved one, which is deleted when it is discarded.
    Case::recover(&Leftover { dir: dir.to_owned(), used: None }).map_err(words)?.discard();
    assert!(!dir.exists());
    Ok(())
}

fn set(db: &Connection, table: &str, column: &str, json: Option<&str>, value: &str) {
    let statement = match json {
        None => format!("UPDATE {table} SET {column} = ?1 WHERE rowid = (SELECT min(rowid) FROM {table})"),
        Some(part) => format!("UPDATE {table} SET {column} = json_set({column}, '$.{part}', ?1)"),
    };
    let without_rowid = statement.replace(
        &format!(" WHERE rowid = (SELECT min(rowid) FROM {table})"),
        &format!(" WHERE {column} = (SELECT {column} FROM {table} WHERE {column} IS NOT NULL LIMIT 1)"),
    );
    let done = db.execute(&statement, [value]).or_else(|_| db.execute(&without_rowid, [value]));
    assert!(done.unwrap() > 0, "{table}.{column}");
}

#[test]
fn fault_1_every_text_of_a_cases_database_is_listed_here() {
    let db = Connection::open_with_flags(pristine().1.join("case.sqlite"), rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let tables: Vec<String> = {
        let mut query = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    for table in tables {
        let mut query = db.prepare(&format!("SELECT name, type FROM pragma_table_info('{table}')")).unwrap();
        for column in query.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap().map(Result::unwrap) {
            if column.1 == "TEXT" {
                let known =
                    PATHS.iter().any(|(t, c, ..)| (*t, *c) == (table.as_str(), column.0.as_str())) || TEXTS.contains(&(table.as_str(), column.0.as_str()));
                assert!(known, "{table}.{} is new: say whether it is a path", column.0);
            }
        }
    }
}

#[test]
fn fault_1_no_path_in_a_cases_database_leads_elsewhere() {
    let base = tempfile::tempdir().unwrap();
    let outside = base.path().join("sentinel");
    sentinel(&outside);
    let before = state(&outside);
    let mut refused = 0;
    for (table, column, json, ours) in PATHS {
        for value in hostile(&outside) {
            let home = tempfile::tempdir_in(base.path()).unwrap();
            let dir = home.path().join("a.residue");
            copy(&pristine().1, &dir);
            set(&Connection::open(dir.join("case.sqlite")).unwrap(), table, column, json, &value);
            let what = format!("{table}.{column} {} = {value:?}", json.unwrap_or_default());
            let case = state(&dir);
            let lived = live(&dir, home.path());
            assert_same(&before, &outside, &what);
            if ours {
                let said = lived.expect_err(&what);
                assert!(said.contains("the case is damaged") && said.contains("case.sqlite"), "{what}: {said}");
                assert_same(&case, &dir, &what);
                refused += 1;
            }
        }
    }
    assert!(refused > 60, "{refused}");
}

#[cfg(unix)]
#[test]
fn fault_1_links_inside_a_case_lead_nowhere_else() {
    use std::os::unix::fs::symlink;
    let base = tempfile::tempdir().unwrap();
    let outside = base.path().join("sentinel");
    sentinel(&outside);
    let other = base.path().join("other.residue");
    copy(&pristine().1, &other);
    let (before, other_before) = (state(&outside), state(&other));
    let name = std::fs::read_dir(pristine().1.join("events")).unwrap().next().unwrap().unwrap().file_name();
    let event_file = format!("events/{}", name.to_str().unwrap());
    let links = [
        ("events", outside.clone()),
        ("runs", outside.clone()),
        ("case.sqlite", other.join("case.sqlite")),
        ("case.lock", outside.join("new")),
        ("case.lock", outside.join("notes.txt")),
        ("case.sqlite-wal", outside.join("notes.txt")),
        ("case.sqlite-shm", outside.join("new")),
        ("runs/fields-1", outside.clone()),
        ("runs/fields-1", other.join("runs/fields-1")),
        ("runs/fields-9", outside.clone()),
        ("runs/run-x.tmp", outside.clone()),
        ("runs/fields-1/report.json", other.join("runs/fields-1/report.json")),
        ("runs/fields-1/subjects.parquet", other.join("runs/fields-1/subjects.parquet")),
        ("runs/fields-1/contributions.parquet", other.join("runs/fields-1/contributions.parquet")),
        ("events/0123456789abcdef.parquet", outside.join("0123456789abcdef.parquet")),
        ("events/0123456789abcdef.parquet", outside.clone()),
        (&event_file, other.join(&event_file)),
    ];
    for (at, to) in links {
        let home = tempfile::tempdir_in(base.path()).unwrap();
        let dir = home.path().join("a.residue");
        copy(&pristine().1, &dir);
        let place = dir.join(at);
        if place.is_dir() {
            std::fs::remove_dir_all(&place).unwrap();
        } else if place.exists() {
            std::fs::remove_file(&place).unwrap();
        }
        symlink(&to, &place).unwrap();
        let what = format!("{at} -> {}", to.display());
        if at.matches('/').count() == 0 {
            let said = live(&dir, home.path()).expect_err(&what);
            assert!(said.contains("the case is damaged"), "{what}: {said}");
        } else if at == "runs/fields-1" || at.starts_with("runs/fields-1/") {
            // A run that leads elsewhere is not read.
            let case = Case::open(&dir).unwrap();
            assert!(engine::stored_rankings(&case, &Control::silent()).unwrap().is_empty(), "{what}");
            let said = case.save_as(&home.path().join("saved.residue"), &Control::silent()).err().map(|error| error.to_string());
            assert!(said.is_some_and(|said| said.contains("the case is damaged")), "{what}");
            drop(case);
            live(&dir, home.path()).unwrap();
        } else if at == event_file {
            let case = Case::open(&dir).unwrap();
            assert!(case.notices().iter().any(|notice| notice.text.contains("are missing")), "{what}");
            assert!(case.save_as(&home.path().join("saved.residue"), &Control::silent()).is_err(), "{what}");
        } else {
            live(&dir, home.path()).unwrap();
        }
        assert_same(&before, &outside, &what);
        assert_same(&other_before, &other, &what);
        assert!(!home.path().join("saved.residue/runs/fields-1/mine.txt").exists() && !home.path().join("saved.residue/runs/mine.txt").exists(), "{what}");
    }
}

#[test]
fn fault_1_a_cases_schema_acts_on_nothing() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("a.residue");
    copy(&pristine().1, &dir);
    let db = Connection::open(dir.join("case.sqlite")).unwrap();
    db.execute_batch("CREATE TRIGGER t AFTER INSERT ON audit BEGIN DELETE FROM annotations; END;").unwrap();
    drop(db);
    let before = state(&dir);
    let said = Case::open(&dir).err().unwrap().to_string();
    assert!(said.contains("views or triggers"), "{said}");
    assert_same(&before, &dir, "a trigger");
}
