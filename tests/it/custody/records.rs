//! Fault 5: clicking an event of an archive unpacked its member each time, held the answer back, and could not be cancelled.

use super::{TASK, child, evidence, run};
use residue::case::Case;
use residue::control::{Control, RunError};
use residue::domain::EventKey;
use residue::engine::jobs::{Grove, Question, ask, render};
use residue::engine::{Emit, Happening, read_into};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

#[test]
#[cfg(target_os = "linux")]
fn fault_5_the_answer_comes_first_and_the_record_when_it_is_looked_at() {
    let home = tempfile::tempdir().unwrap();
    let done = child("custody::records::child_looks", "look", home.path());
    assert!(done.status.success(), "{} {}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
}

fn zipped(files: &Path, to: &Path) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(to).unwrap());
    for entry in std::fs::read_dir(files).unwrap().map(Result::unwrap) {
        zip.start_file(entry.file_name().to_string_lossy(), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&std::fs::read(entry.path()).unwrap()).unwrap();
    }
    zip.finish().unwrap();
}

/// What comes of a record.
fn xml(case: &Case, key: EventKey) -> Result<String, String> {
    let (done, heard) = run(render(case.clone(), key), &Control::silent());
    done.unwrap();
    match heard.into_iter().next() {
        Some(Happening::Rendered(of, xml)) if of == key => xml,
        _ => panic!("no record was told of"),
    }
}

#[test]
#[ignore = "the child of the test above"]
fn child_looks() {
    if std::env::var_os(TASK).is_none() {
        return;
    }
    let home = std::path::PathBuf::from(std::env::var_os("HOME").unwrap());
    let (logs, archive) = (home.join("logs"), home.join("kape.zip"));
    evidence(&logs, 3);
    zipped(&logs, &archive);
    let case = Case::scratch().unwrap();
    read_into(&case, std::slice::from_ref(&archive), None, &Control::silent()).unwrap();
    let source = case.sources().iter().position(|source| source.format == "EVTX" && source.events > 1).unwrap() as u32;
    let (first, second) = (EventKey { source, part: 0, record: 1 }, EventKey { source, part: 0, record: 2 });
    let members = home.join("cache/residue/members");

    // An answer needs nothing of the archive: here it is not even there.
    let away = home.join("away.zip");
    std::fs::rename(&archive, &away).unwrap();
    let question = Question { ranking: None, index: None, key: first, chains: None };
    let (done, heard) = run(ask(case.clone(), question, Arc::new(Grove::default())), &Control::silent());
    done.unwrap();
    let Some(Happening::Answered(answer)) = heard.into_iter().next() else { panic!("no answer") };
    assert!(answer.event.is_some_and(|event| event.record == 1) && !answer.around.is_empty());
    assert!(xml(&case, first).unwrap_err().contains("the source is away"));
    assert!(!members.exists(), "nothing was unpacked for an answer");
    std::fs::rename(&away, &archive).unwrap();

    // It can be cancelled, and leaves nothing half unpacked.
    let cancelled = Control::silent();
    cancelled.cancel.cancel();
    assert!(matches!(run(render(case.clone(), first), &cancelled).0, Err(RunError::Cancelled)));
    assert_eq!(std::fs::read_dir(&members).map_or(0, Iterator::count), 0);

    // Unpacked once, kept, and used again: the archive holds only garbage by then.
    let shown = xml(&case, first).unwrap();
    assert!(shown.contains("<Event"), "{shown}");
    let kept: Vec<_> = std::fs::read_dir(&members).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].file_name().unwrap().to_str().unwrap(), case.sources()[source as usize].sha256);
    std::fs::copy(&archive, &away).unwrap();
    std::fs::write(&archive, "no archive any more").unwrap();
    assert_eq!(xml(&case, first).unwrap(), shown);
    assert_ne!(xml(&case, second).unwrap(), shown);

    // What is kept is compared with its hash before it is used.
    let bytes = std::fs::read(&kept[0]).unwrap();
    std::fs::write(&kept[0], vec![b'x'; bytes.len()]).unwrap();
    assert!(xml(&case, first).unwrap_err().contains("the archive cannot be read any more"));
    assert!(!kept[0].exists());

    // Another member under the same name is not shown for the one that was read.
    let others = home.join("others");
    std::fs::create_dir(&others).unwrap();
    for entry in std::fs::read_dir(&logs).unwrap().map(Result::unwrap) {
        let mut bytes = std::fs::read(entry.path()).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(others.join(entry.file_name()), bytes).unwrap();
    }
    zipped(&others, &archive);
    assert!(xml(&case, first).unwrap_err().contains("another one now"));
    // The right archive again.
    std::fs::copy(&away, &archive).unwrap();
    assert_eq!(xml(&case, first).unwrap(), shown);

    // A question that is cancelled while the archive is being unpacked ends with the block it is at.
    let stopping = Stopping(Control::silent());
    std::fs::remove_dir_all(&members).unwrap();
    let control = stopping.0.clone();
    std::thread::scope(|threads| {
        let job = threads.spawn(|| render(case.clone(), first)(&control, &stopping));
        stopping.0.cancel.cancel();
        // Done before it was heard, or cancelled: never anything else.
        assert!(matches!(job.join().unwrap(), Ok(()) | Err(RunError::Cancelled)));
    });
    case.discard();
}

struct Stopping(Control);

impl Emit for Stopping {
    fn emit(&self, _: Happening) {}
}
