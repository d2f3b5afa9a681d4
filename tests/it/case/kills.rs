//! Kills at random moments: what was acknowledged is there, what was not leaves nothing behind.

use super::{Dice, awkward, ingest, keys, sha};
use residue::case::{Case, Change, Target, Unit};
use residue::domain::{EventKey, Ledger};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Says in the child's environment which case to work on.
const CASE: &str = "RESIDUE_TEST_CASE";
/// And with which numbers to begin.
const FIRST: &str = "RESIDUE_TEST_FIRST";

fn work() -> Option<(Case, u64)> {
    let dir = std::env::var_os(CASE)?;
    // Another test that starts a process right now lends it the parent's lock for the moment between fork and exec.
    let mut tries = (0..1_000).filter_map(|_| Case::open(Path::new(&dir)).map_err(|_| std::thread::park_timeout(Duration::from_millis(5))).ok());
    let case = tries.next().expect("the case can be opened");
    Some((case, std::env::var(FIRST).ok()?.parse().ok()?))
}

fn acknowledge(n: u64) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nacknowledged {n}").unwrap();
    out.flush().unwrap();
}

fn target(n: u64) -> Target {
    Target::new(Unit::Subject, &Ledger { sha256: sha(1), ..Ledger::default() }, EventKey { source: 0, part: 0, record: n })
}

#[test]
#[ignore = "the child of the kill tests"]
fn child_annotates() {
    let Some((case, first)) = work() else { return };
    for n in first.. {
        case.annotate(&[target(n)], &Change::flag(true)).unwrap();
        acknowledge(n);
    }
}

#[test]
#[ignore = "the child of the kill tests"]
fn child_ingests() {
    let Some((case, first)) = work() else { return };
    for n in first.. {
        let mut events = awkward(9_000, n);
        // Else some would be taken for another source's records.
        for e in &mut events {
            e.record_id = None;
        }
        ingest(&case, &format!("{n}.evtx"), &sha(n), &events);
        acknowledge(n);
    }
}

/// Runs a child until it has acknowledged something and a while longer; returns the last number acknowledged.
fn kill_one(child: &str, case: &Path, first: u64, after: Duration) -> u64 {
    let mut running = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", child, "--ignored", "--nocapture", "--test-threads=1"])
        .env(CASE, case)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    let number = |line: std::io::Result<String>| line.ok()?.strip_prefix("acknowledged ")?.parse::<u64>().ok();
    let mut last = lines.by_ref().find_map(number).expect("the child works");
    std::thread::sleep(after);
    running.kill().unwrap();
    running.wait().unwrap();
    // What was in the pipe when it died was acknowledged too.
    last = lines.filter_map(number).last().unwrap_or(last);
    last
}

#[test]
fn a_hundred_kills_lose_no_acknowledged_flag() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("a.residue");
    drop(Case::create(&dir).unwrap());
    let (mut dice, mut next) = (Dice(1), 0);
    for _ in 0..100 {
        let last = kill_one("case::kills::child_annotates", &dir, next, Duration::from_micros(dice.roll(15_000)));
        let case = Case::open(&dir).unwrap();
        let said = case.annotations();
        assert!((0..=last).all(|n| said.of(&target(n)).is_some_and(|a| a.flagged)), "a flag was lost below {last}");
        // At most the one being written when the kill came.
        assert!(said.len() as u64 <= last + 2);
        next = said.len() as u64;
    }
    assert!(next > 100);
}

#[test]
fn kills_while_reading_leave_whole_sources_and_no_rest() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("a.residue");
    drop(Case::create(&dir).unwrap());
    let (mut dice, mut next) = (Dice(2), 0);
    for _ in 0..25 {
        let last = kill_one("case::kills::child_ingests", &dir, next, Duration::from_micros(dice.roll(60_000)));
        let case = Case::open(&dir).unwrap();
        let sources = case.sources();
        assert!((0..=last).all(|n| sources.iter().any(|s| s.source_file == format!("{n}.evtx"))), "a source was lost below {last}");
        assert!(sources.iter().all(|s| s.events == 9_000));
        assert_eq!(keys(&case).len(), sources.len() * 9_000);
        assert_eq!(std::fs::read_dir(dir.join("events")).unwrap().count(), sources.len());
        next = sources.len() as u64;
    }
}
