//! Reads opened sources side by side: hash beside the parsing, duplicates once, a ledger row for each.

use super::archive::Place;
use super::error::ReadError;
use super::format::{Format, Input};
use super::hash;
use super::output::Output;
use super::parallel::in_parallel;
use super::sniff::Kind;
use super::source::{Source, State};
use crate::control::{Control, RunError};
use crate::domain::{EventSink, Ledger, SourceStatus};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Smaller sources are hashed before they are read instead of beside it: a thread costs more.
const HASH_ASIDE: u64 = 1 << 20;
/// What is not evidence is hashed up to this size.
const HASH_STRANGER: u64 = 1 << 30;

/// Reads all sources into `sink`, the largest first.
pub(super) fn read_all(sources: &[Source<'_>], sink: &dyn EventSink, control: &Control) -> Result<Vec<Ledger>, RunError> {
    let mut order: Vec<&Source<'_>> = sources.iter().collect();
    order.sort_by_key(|source| std::cmp::Reverse(source.state.size));
    let total: u64 = order.iter().map(|s| s.state.size).sum();
    let done = Mutex::new(0u64);
    let (order, again): (Vec<_>, Vec<_>) = order.into_iter().partition(|source| source.duplicate_of.is_none());
    let mut rows = in_parallel(order.len(), |at| {
        let Some(source) = order.get(at) else { return Err(RunError::failed("a source went missing from the list")) };
        let told = AtomicU64::new(0);
        let say = |bytes: u64| {
            // Never more than the source has, whatever a format says.
            let bytes = bytes.min(source.state.size.saturating_sub(told.load(Ordering::SeqCst)));
            told.fetch_add(bytes, Ordering::SeqCst);
            if let Ok(mut done) = done.lock() {
                *done = done.saturating_add(bytes);
                control.progress("reading", &source.name, *done, Some(total), "bytes");
            }
        };
        say(0);
        let row = read(source, sink, &say, control)?;
        say(u64::MAX);
        Ok(row)
    })?;
    for source in again {
        let row = duplicate(source, &rows);
        sink.note(row.clone())?;
        rows.push(row);
    }
    Ok(rows)
}

/// The row of a source whose bytes were read under another name: what was found in them is the same, but its events are the other's.
fn duplicate(source: &Source<'_>, rows: &[Ledger]) -> Ledger {
    let own = blank(source);
    let winner = source.duplicate_of.clone().unwrap_or_default();
    let read = rows.iter().find(|row| row.source_file == winner && row.sha256 == own.sha256);
    let mut ledger = Ledger {
        source_file: own.source_file.clone(),
        path: own.path.clone(),
        status: SourceStatus::Duplicate,
        events: 0,
        no_time: 0,
        first: None,
        last: None,
        seen: Vec::new(),
        ..read.cloned().unwrap_or(own)
    };
    ledger.remark(format!("same bytes as {winner}, which was read in its place"));
    ledger.duplicate_of = Some(winner);
    ledger
}

fn blank(source: &Source<'_>) -> Ledger {
    Ledger {
        source_file: source.name.clone(),
        path: source.path.clone(),
        sha256: source.sha256.clone().unwrap_or_default(),
        bytes: source.state.size,
        format: "unknown".into(),
        ..Ledger::default()
    }
}

fn read(source: &Source<'_>, sink: &dyn EventSink, progress: &(dyn Fn(u64) + Sync), control: &Control) -> Result<Ledger, RunError> {
    control.check()?;
    let mut ledger = blank(source);
    for remark in &source.remarks {
        ledger.remark(remark.clone());
    }
    let (status, why) = match &source.kind {
        Kind::Archive(name) => return read_archive(source, name, ledger, sink, control),
        Kind::Evidence(format, certainty) => {
            ledger.format = format.name().into();
            ledger.certainty = *certainty;
            ledger.zone = format.zone().into();
            return read_evidence(source, *format, ledger, sink, progress, control);
        }
        Kind::Unreadable(why) => (SourceStatus::Unreadable, why.clone()),
        Kind::NotEvidence(why) => (SourceStatus::NotEvidence, why.clone()),
    };
    ledger.status = status;
    let hashed = source.state.size <= HASH_STRANGER || status == SourceStatus::Unreadable;
    if ledger.sha256.is_empty() && hashed && !source.place.is_special() {
        ledger.sha256 = source.place.digest(control).map(|(sha256, _)| sha256).unwrap_or_default();
        control.check()?;
    }
    let why = if hashed { why } else { format!("{why}; larger than 1 GiB, not hashed") };
    if status == SourceStatus::Unreadable {
        ledger.defect(None, None, why);
    } else {
        ledger.remark(why);
    }
    sink.note(ledger.clone())?;
    Ok(ledger)
}

/// An archive's own row: hash and what it holds; its members have theirs.
fn read_archive(source: &Source<'_>, name: &str, mut ledger: Ledger, sink: &dyn EventSink, control: &Control) -> Result<Ledger, RunError> {
    (ledger.format, ledger.certainty, ledger.status) = (name.into(), 1.0, SourceStatus::Whole);
    match source.place.digest(control) {
        Ok((sha256, size)) => (ledger.sha256, ledger.bytes) = (sha256, size),
        Err(ReadError::Cancelled) => return Err(RunError::Cancelled),
        Err(error) => {
            ledger.status = SourceStatus::Partial;
            ledger.defect(None, None, format!("could not be hashed ({error})"));
        }
    }
    if let Place::File(path) = &source.place
        && File::open(path).and_then(|file| State::of(&file)).ok() != Some(source.state)
    {
        ledger.status = SourceStatus::Partial;
        ledger.defect(None, None, "changed while it was being read: members and hash may not agree; read a copy instead");
    }
    sink.note(ledger.clone())?;
    Ok(ledger)
}

fn read_evidence(
    source: &Source<'_>,
    format: &'static dyn Format,
    ledger: Ledger,
    sink: &dyn EventSink,
    progress: &(dyn Fn(u64) + Sync),
    control: &Control,
) -> Result<Ledger, RunError> {
    let mut output = Output::new(sink, control, ledger);
    let unpacked = match source.unpack(control) {
        Ok(unpacked) => unpacked,
        Err(ReadError::Cancelled) => return Err(RunError::Cancelled),
        Err(error) => {
            output.lost(None, None, error.to_string());
            return output.finish(|_, _| ());
        }
    };
    let (known, path, size) = match (&unpacked, &source.place) {
        (Some(unpacked), _) => (Some(&unpacked.sha256), &*unpacked.file, unpacked.size),
        (None, Place::File(path)) => (source.sha256.as_ref(), &**path, source.state.size),
        (None, Place::Member(..)) => (None, Path::new(""), 0),
    };
    if let Some(damage) = unpacked.as_ref().and_then(|unpacked| unpacked.damage.as_ref()) {
        output.lost(None, None, damage.clone());
    }
    let reopen = || File::open(path);
    let file = match reopen() {
        Ok(file) => file,
        Err(error) => {
            output.lost(None, None, format!("cannot be opened any more ({error})"));
            return output.finish(|_, _| ());
        }
    };
    let input = Input { open: &reopen, size, chosen: source.chosen, progress, control };
    let sha256 = || match known {
        Some(known) => Ok(known.clone()),
        None => reopen().map_err(ReadError::from).and_then(|file| hash::sha256(file, control)),
    };
    let (sha256, done) = std::thread::scope(|scope| {
        let aside = (known.is_none() && size > HASH_ASIDE).then(|| scope.spawn(sha256));
        // A parser's panic costs the rest of this source, nothing else.
        let done = catch_unwind(AssertUnwindSafe(|| format.read(&input, &mut output)));
        let sha256 = match aside {
            Some(thread) => thread.join().unwrap_or_else(|_| Err(std::io::Error::other("the hashing thread failed").into())),
            None => sha256(),
        };
        (sha256, done)
    });
    match done {
        Ok(done) => done?,
        Err(_) => output.lost(None, None, "the parser failed inside; what follows in this source was not read"),
    }
    control.check()?;
    let changed = unpacked.is_none() && State::of(&file).ok() != Some(source.state);
    output.finish(|ledger, lost| {
        ledger.bytes = size;
        match sha256 {
            Ok(sha256) => ledger.sha256 = sha256,
            Err(error) => {
                *lost = true;
                ledger.defect(None, None, format!("could not be hashed ({error})"));
            }
        }
        if changed {
            *lost = true;
            ledger.defect(None, None, "changed while it was being read: counts and hash may not agree; read a copy instead");
        }
    })
}
