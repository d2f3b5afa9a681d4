//! Random hostile cases: any cell of a real small case's database says something else. Nothing panics, and nothing outside the case is touched.

use super::{Heard, assert_same, copy, pristine, run, sentinel, state};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use residue::case::{Case, Change, Target, Unit};
use residue::control::Control;
use residue::domain::{EventKey, EventStore, Plan};
use residue::engine::jobs::{Grove, Question};
use residue::engine::{self, Part, jobs};
use residue::export::Format;
use rusqlite::Connection;
use rusqlite::types::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// Cells of the database: table, column, and what picks the row.
fn cells(db: &Connection) -> Vec<(String, String)> {
    let tables: Vec<String> = {
        let mut query = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name").unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let mut cells = Vec::new();
    for table in tables {
        let mut query = db.prepare(&format!("SELECT name FROM pragma_table_info('{table}')")).unwrap();
        cells.extend(query.query_map([], |row| row.get::<_, String>(0)).unwrap().map(|column| (table.clone(), column.unwrap())));
    }
    cells
}

/// Something else than what a cell holds: bent a little, or from another world.
fn other(random: &mut ChaCha8Rng, now: &Value, outside: &Path) -> Value {
    let strange = [
        outside.to_str().unwrap().to_owned(),
        format!("{}/fields-1", outside.display()),
        "../../sentinel".into(),
        "0123456789abcdef.parquet".into(),
        "fields-999".into(),
        "null".into(),
        "[]".into(),
        "{}".into(),
        "[[[[[[[[".into(),
        "\u{0}".into(),
        "18446744073709551615".into(),
        "é🦀\u{202e}".repeat(50),
        String::new(),
    ];
    match random.random_range(0..6) {
        0 => Value::Text(strange[random.random_range(0..strange.len())].clone()),
        1 => Value::Integer([i64::MIN, -1, 0, 1, 255, i64::from(u32::MAX), i64::from(u32::MAX) + 1, i64::MAX][random.random_range(0..8)]),
        2 => Value::Blob(vec![0xff, 0xfe, 0]),
        _ => {
            let Value::Text(text) = now else { return Value::Real(f64::MAX) };
            let mut text: Vec<char> = text.chars().collect();
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..=text.len());
                match random.random_range(0..5) {
                    0 if at < text.len() => {
                        text.remove(at);
                    }
                    1 => text.truncate(at),
                    // A number becomes a larger one.
                    2 => {
                        let digits: Vec<usize> = text.iter().enumerate().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).collect();
                        if !digits.is_empty() {
                            let at = digits[random.random_range(0..digits.len())];
                            let more = ["9", "99999999", "999999999999999999", "-", "e9"][random.random_range(0..5)];
                            text.splice(at..at, more.chars());
                        }
                    }
                    3 => text.insert(at, ['"', '{', '}', ',', '/', '\\', '\0', 'x', '9'][random.random_range(0..9)]),
                    _ if at < text.len() => text[at] = char::from(random.random_range(32..127u8)),
                    _ => text.push('9'),
                }
            }
            Value::Text(text.into_iter().collect())
        }
    }
}

/// All that the program does with a case that opens.
fn live(dir: &Path, home: &Path) {
    let control = Control::silent();
    let Ok(case) = Case::open(dir) else { return };
    let snapshot = case.snapshot();
    let _scanned = snapshot.scan(true, &control, &mut |_| Ok(()));
    let sources = case.sources();
    let _covered = engine::coverage(snapshot.as_ref(), &control);
    let _found = engine::Findings::read(&snapshot, &control);
    let _verdicts = engine::verify(&sources, &control);
    for (at, source) in sources.iter().enumerate() {
        let key = EventKey { source: at as u32, part: 0, record: 1 };
        let question = Question { ranking: None, index: None, key, chains: None };
        drop(run(jobs::ask(case.clone(), question, Arc::new(Grove::default())), &control));
        drop(run(jobs::render(case.clone(), key), &control));
        let target = Target::new(Unit::Subject, source, key);
        let _said = case.annotate(&[target], &Change::flag(true));
        let _what = (engine::complaint(source), source.is_archive(), source.is_timeline());
    }
    let _rules = case.rules();
    let _labels = engine::said(&case);
    let _settings = (case.setting("window"), case.analyst());
    let _audit = case.read_audit(&mut |line| !line.words().is_empty() || !line.json().is_null());
    let rankings = engine::stored_rankings(&case, &control).unwrap_or_default();
    for ranking in &rankings {
        let extract = engine::extract(ranking, Part::All, &residue::domain::Suppression::default(), &case.annotations(), &sources);
        for explained in [0, ranking.report.subjects.len()] {
            let _why = ranking.explain.explain(explained);
        }
        let files = vec![(Format::Csv, home.join("x.csv")), (Format::Jsonl, home.join("x.jsonl")), (Format::Html, home.join("x.html"))];
        let _written = engine::write_extracts(&case, "t", "all", &[extract], None, &files, &control);
    }
    let _stored = case.store_run(&crate::case::runs::report(residue::domain::DetectorId::Fields, 2), &mut |_| vec![], &control);
    let _saved = case.save_as(&home.join("saved.residue"), &control).map(drop);
    let _fetched = engine::applies(&case);
    drop(case);
    drop(Case::open(dir));
}

#[test]
fn random_hostile_databases_end_in_words_and_touch_nothing_else() {
    let base = tempfile::tempdir().unwrap();
    let outside = base.path().join("sentinel");
    sentinel(&outside);
    let before = state(&outside);
    let logs = pristine().0.path().join("logs");
    let logs_before = state(&logs);
    let (mut opened, mut refused) = (0, 0);
    for seed in 0..400u64 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let home = tempfile::tempdir_in(base.path()).unwrap();
        let dir = home.path().join("a.residue");
        copy(&pristine().1, &dir);
        let db = Connection::open(dir.join("case.sqlite")).unwrap();
        db.pragma_update(None, "foreign_keys", "off").unwrap();
        let cells = cells(&db);
        let mut changed = Vec::new();
        // Every cell is met, alone first.
        for nth in 0..=random.random_range(0..3u64) {
            let (table, column) = &cells[(seed + nth * 7) as usize % cells.len()];
            let rows: Vec<Value> = {
                let mut query = db.prepare(&format!("SELECT {column} FROM {table}")).unwrap();
                query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
            };
            if rows.is_empty() {
                continue;
            }
            let now = &rows[random.random_range(0..rows.len())];
            let value = other(&mut random, now, &outside);
            // What the schema itself forbids cannot be in any database.
            if db.execute(&format!("UPDATE {table} SET {column} = ?1 WHERE {column} IS ?2"), [&value, now]).is_ok() {
                changed.push(format!("{table}.{column} = {value:?}"));
            }
        }
        drop(db);
        let done = catch_unwind(AssertUnwindSafe(|| live(&dir, home.path())));
        assert!(done.is_ok(), "seed {seed}: {changed:?}");
        if Case::open(&dir).is_ok() {
            opened += 1;
        } else {
            refused += 1;
        }
        assert_same(&before, &outside, &format!("seed {seed}: {changed:?}"));
    }
    assert_same(&logs_before, &logs, "the evidence");
    assert!(opened > 100 && refused > 60, "{opened} opened, {refused} refused");
}

#[test]
fn a_case_that_was_bent_nowhere_does_all_of_it() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("a.residue");
    copy(&pristine().1, &dir);
    live(&dir, home.path());
    for made in ["x.csv", "x.jsonl", "x.html", "saved.residue/case.sqlite"] {
        assert!(home.path().join(made).exists(), "{made}");
    }
    let plan = Plan { detectors: vec![residue::domain::DetectorId::Fields], ..Plan::standard() };
    let case = Case::open(&dir).unwrap();
    assert_eq!(engine::analyse(&case, &plan, engine::Keep::Runs, &Control::silent(), &Heard::default()).unwrap().rankings.len(), 1);
}
