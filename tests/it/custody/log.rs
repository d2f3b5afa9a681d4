//! Fault 6: panics were silenced. The log says where, and never holds evidence.

use super::{TASK, child, text};
use residue::control::panics;
use residue::engine::{Happening, Outcome, Worker};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const SECRET: &str = "Geheimrezept";

fn log_of(home: &Path) -> String {
    std::fs::read_to_string(home.join("cache/residue/log/residue.log")).unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn fault_6_a_panic_is_logged_with_its_place_and_without_evidence() {
    let home = tempfile::tempdir().unwrap();
    let done = child("custody::log::child_panics", "panic", home.path());
    assert!(done.status.success(), "{} {}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    let log = log_of(home.path());
    assert!(log.contains("panic in thread worker at tests/it/custody/log.rs:"), "{log}");
    assert!(log.contains("the worker fell over"), "a fixed text is not evidence: {log}");
    assert!(log.contains("out of bounds"), "{log}");
    assert!(!log.contains(SECRET), "{log}");
    assert_eq!(log.matches("panic in thread").count(), 3 + 10, "one place is not written without end: {log}");
}

#[test]
#[ignore = "the child of the test above"]
fn child_panics() {
    if std::env::var_os(TASK).is_none() {
        return;
    }
    residue::files::log::start();
    let worker = Worker::new(|| {}).unwrap();
    let outcome = |work: fn()| {
        worker.submit(Box::new(move |_, _| {
            work();
            Ok(())
        }));
        let begin = Instant::now();
        loop {
            for event in worker.drain(Duration::from_secs(1)) {
                if let Happening::Ended(Outcome::Failed(text)) = event.what {
                    return text;
                }
            }
            assert!(begin.elapsed() < Duration::from_secs(30));
            std::thread::yield_now();
        }
    };
    let said = outcome(|| panic!("the worker fell over"));
    assert!(said.contains("the case is unharmed") && said.contains("custody/log.rs:") && said.contains("residue/log/residue.log"), "{said}");
    let said = outcome(|| {
        let list = [SECRET];
        let beyond = list.iter().map(|text| text.len()).sum::<usize>();
        std::hint::black_box(list[beyond]);
    });
    assert!(said.contains("out of bounds") && said.contains("custody/log.rs:"), "{said}");
    let said = outcome(|| refused(format!("cannot read {SECRET}")).unwrap());
    assert!(said.contains(SECRET), "the notice may say it, the log may not: {said}");
    for _ in 0..100 {
        // Out of the standard library's own words, with evidence in the middle.
        let caught = std::panic::catch_unwind(|| std::hint::black_box(format!("{SECRET}é"))[..=SECRET.len()].len()).unwrap_err();
        assert!(panics::internal_error(caught.as_ref()).contains("please report it"));
    }
}

fn refused(why: String) -> Result<(), String> {
    Err(why)
}

/// Everything that evidence says is marked; names of files are not.
#[test]
#[cfg(target_os = "linux")]
fn fault_6_no_log_holds_evidence() {
    let home = tempfile::tempdir().unwrap();
    let given = home.path().join("F");
    std::fs::create_dir(&given).unwrap();
    let rows: Vec<String> = (0..50).map(|n| format!("2021-03-04T05:06:{:02}Z,HOST{SECRET},user{SECRET},what {SECRET} {n}\n", n % 60)).collect();
    let rows = rows.concat();
    std::fs::write(given.join("table.csv"), format!("datetime,computer,user,message\n{rows}")).unwrap();
    std::fs::write(given.join("broken.csv"), format!("datetime,computer,message\n{SECRET},{SECRET},{SECRET}\n\"2021-03-04T05:06:07Z,{SECRET}")).unwrap();
    std::fs::write(given.join("broken.jsonl"), format!("{{\"Event\": {{\"{SECRET}\": ")).unwrap();
    // A log whose chunks are damaged and whose texts are marked, in both widths.
    let mut evtx = std::fs::read(super::super::support::estate().evtx.read_dir().unwrap().next().unwrap().unwrap().path()).unwrap();
    let wide: Vec<u8> = SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for at in (4096 + 600..evtx.len().saturating_sub(64)).step_by(997) {
        evtx[at..at + wide.len()].copy_from_slice(&wide);
    }
    std::fs::write(given.join("damaged.evtx"), evtx).unwrap();
    std::fs::write(home.path().join("rules.toml"), format!("version = 1\n{SECRET} = 1\n")).unwrap();
    let residue = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_residue"));
        command.args(args).env("XDG_CACHE_HOME", home.path().join("cache")).env("HOME", home.path()).env_remove("RUST_BACKTRACE");
        command.output().unwrap()
    };
    let out = |name: &str| home.path().join(name);
    let case = out("a.residue");
    residue(&["triage", text(&given), "--out", text(&out("1")), "--save-case", text(&case), "--detector", "fields,timeline"]);
    residue(&["triage", text(&given), "--out", text(&out("2")), "--suppress", text(&out("rules.toml"))]);
    residue(&["inspect", text(&given)]);
    residue(&["convert", text(&given), "--out", text(&out("x.csv"))]);
    residue(&["export", text(&case), "--which", "all", "--out", text(&out("x.html"))]);
    residue(&["verify", text(&case)]);
    residue(&["audit", text(&case)]);
    assert!(std::fs::read_to_string(out("x.csv")).unwrap().contains(SECRET), "the evidence was read");
    let log = log_of(home.path());
    for command in ["triage", "inspect", "convert", "export", "verify", "audit"] {
        assert!(log.contains(&format!(": {command}")) && log.contains(&format!("{command} ended after")), "{command}: {log}");
    }
    assert!(!log.contains(SECRET) && !log.contains("HOST"), "{log}");
    let doctor = String::from_utf8(residue(&["doctor"]).stdout).unwrap();
    assert!(doctor.contains(text(&out("cache/residue/log/residue.log"))), "{doctor}");
}

/// Every place that writes to the log is known, so that what it writes was looked at.
#[test]
fn fault_6_every_line_of_the_log_has_a_known_place() {
    const KNOWN: [(&str, usize); 3] = [("cli/mod.rs", 2), ("control/panics.rs", 1), ("engine/worker.rs", 1)];
    let src = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut waiting = vec![src.clone()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let lines = ["error!", "warn!", "info!", "debug!", "trace!", "event!", "span!"]
                .iter()
                .map(|name| text.matches(&format!("tracing::{name}")).count())
                .sum::<usize>();
            assert!(!text.contains("use tracing::"), "{}: name the macro with its crate", path.display());
            if lines > 0 {
                found.push((path.strip_prefix(&src).unwrap().to_string_lossy().replace('\\', "/"), lines));
            }
        }
    }
    found.sort();
    assert_eq!(found.iter().map(|(path, lines)| (path.as_str(), *lines)).collect::<Vec<_>>(), KNOWN, "does a new line of the log hold evidence?");
}
