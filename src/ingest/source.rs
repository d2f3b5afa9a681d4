//! Reads sources side by side: hash beside the parsing, duplicates once, a ledger row for each.

use super::find::{Found, Refused};
use super::format::{Format, Head, Input};
use super::output::Output;
use super::sniff::{self, Kind};
use super::table::Chosen;
use super::{grouped, hash};
use crate::control::{Control, RunError};
use crate::domain::{EventSink, Ledger, SourceStatus};
use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::SystemTime;

/// Sources read at a time; each also has its own parsing threads.
const AT_A_TIME: usize = 2;
/// Smaller sources are hashed before they are read instead of beside it: a thread costs more.
const HASH_ASIDE: u64 = 1 << 20;
/// What is not evidence is hashed up to this size.
const HASH_STRANGER: u64 = 1 << 30;

/// One source, sniffed.
pub(super) struct Source<'a> {
    name: String,
    path: PathBuf,
    kind: Kind,
    state: State,
    /// Known already when other sources have the same size.
    sha256: Option<String>,
    duplicate_of: Option<String>,
    chosen: &'a Chosen,
}

/// What may not change while a source is read.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct State {
    size: u64,
    modified: Option<SystemTime>,
}

impl State {
    fn of(file: &File) -> std::io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { size: metadata.len(), modified: metadata.modified().ok() })
    }
}

/// Looks at every source: what it is, and which have the same bytes.
pub(super) fn open_all<'a>(found: Vec<Found>, chosen: &'a Chosen, control: &Control) -> Result<Vec<Source<'a>>, RunError> {
    let mut sources = Vec::with_capacity(found.len());
    for item in found {
        control.check()?;
        sources.push(open(item, chosen));
    }
    let alike: Vec<usize> = grouped(sources.iter().enumerate().filter(|(_, s)| matches!(s.kind, Kind::Evidence(..))).map(|(at, _)| at), |&at| {
        sources.get(at).map_or(0, |s| s.state.size)
    })
    .into_values()
    .filter(|group| group.len() > 1)
    .flatten()
    .collect();
    let hashes = in_parallel(alike.len(), |at| {
        let source = alike.get(at).and_then(|&at| sources.get(at));
        // A source that cannot be hashed now says so when it is read.
        Ok(source.and_then(|s| hash::sha256(File::open(&s.path).ok()?, control).ok()))
    })?;
    control.check()?;
    for (&at, hash) in alike.iter().zip(hashes) {
        if let Some(source) = sources.get_mut(at) {
            source.sha256 = hash;
        }
    }
    let groups = grouped(alike.iter().filter_map(|&at| Some((sources.get(at)?.sha256.clone()?, at))), |(hash, _)| hash.clone());
    for group in groups.into_values() {
        // Sources are sorted by name: the first of a group is the one that is read.
        let mut members = group.into_iter().map(|(_, at)| at);
        let winner = members.next().and_then(|at| sources.get(at)).map(|s| s.name.clone());
        for at in members {
            if let Some(source) = sources.get_mut(at) {
                source.duplicate_of.clone_from(&winner);
            }
        }
    }
    Ok(sources)
}

fn open(found: Found, chosen: &Chosen) -> Source<'_> {
    let (kind, state) = match found.refused {
        Some(Refused::Special(why)) => (Kind::NotEvidence(why), State::default()),
        Some(Refused::Unreadable(why)) => (Kind::Unreadable(why), State::default()),
        None => look(&found, chosen).unwrap_or_else(|error| (Kind::Unreadable(format!("cannot be opened ({error})")), State::default())),
    };
    Source { name: found.source_file, path: found.path, kind, state, sha256: None, duplicate_of: None, chosen }
}

fn look(found: &Found, chosen: &Chosen) -> std::io::Result<(Kind, State)> {
    let file = File::open(&found.path)?;
    let state = State::of(&file)?;
    let mut bytes = Vec::new();
    file.take(sniff::HEAD as u64).read_to_end(&mut bytes)?;
    Ok((sniff::sniff(&found.source_file, &Head { bytes: &bytes }, chosen), state))
}

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
        path: source.path.to_string_lossy().into_owned(),
        sha256: source.sha256.clone().unwrap_or_default(),
        bytes: source.state.size,
        format: "unknown".into(),
        ..Ledger::default()
    }
}

fn read(source: &Source<'_>, sink: &dyn EventSink, progress: &(dyn Fn(u64) + Sync), control: &Control) -> Result<Ledger, RunError> {
    control.check()?;
    let mut ledger = blank(source);
    let (status, why) = match &source.kind {
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
    if ledger.sha256.is_empty() && hashed && source.path.is_file() {
        ledger.sha256 = File::open(&source.path).and_then(|file| hash::sha256(file, control)).unwrap_or_default();
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

fn read_evidence(
    source: &Source<'_>,
    format: &'static dyn Format,
    ledger: Ledger,
    sink: &dyn EventSink,
    progress: &(dyn Fn(u64) + Sync),
    control: &Control,
) -> Result<Ledger, RunError> {
    let reopen = || File::open(&source.path);
    let mut output = Output::new(sink, control, ledger);
    let file = match reopen() {
        Ok(file) => file,
        Err(error) => {
            output.lost(None, None, format!("cannot be opened any more ({error})"));
            return output.finish(|_, _| ());
        }
    };
    let input = Input { open: &reopen, size: source.state.size, chosen: source.chosen, progress, control };
    let sha256 = || match &source.sha256 {
        Some(known) => Ok(known.clone()),
        None => reopen().and_then(|file| hash::sha256(file, control)),
    };
    let (sha256, done) = std::thread::scope(|scope| {
        let aside = (source.sha256.is_none() && source.state.size > HASH_ASIDE).then(|| scope.spawn(sha256));
        // A parser's panic costs the rest of this source, nothing else.
        let done = catch_unwind(AssertUnwindSafe(|| format.read(&input, &mut output)));
        let sha256 = match aside {
            Some(thread) => thread.join().unwrap_or_else(|_| Err(std::io::Error::other("the hashing thread failed"))),
            None => sha256(),
        };
        (sha256, done)
    });
    match done {
        Ok(done) => done?,
        Err(_) => output.lost(None, None, "the parser failed inside; what follows in this source was not read"),
    }
    control.check()?;
    let now = State::of(&file).ok();
    output.finish(|ledger, lost| {
        match sha256 {
            Ok(sha256) => ledger.sha256 = sha256,
            Err(error) => {
                *lost = true;
                ledger.defect(None, None, format!("could not be hashed ({error})"));
            }
        }
        if now != Some(source.state) {
            *lost = true;
            ledger.defect(None, None, "changed while it was being read: counts and hash may not agree; read a copy instead");
        }
    })
}

/// Runs `job` for 0..`count` on a few threads; results in order, or the first error that came.
fn in_parallel<T: Send>(count: usize, job: impl Fn(usize) -> Result<T, RunError> + Sync) -> Result<Vec<T>, RunError> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::with_capacity(count));
    let failed: Mutex<Option<RunError>> = Mutex::new(None);
    let stop = |error: RunError| {
        next.store(count, Ordering::SeqCst);
        if let Ok(mut failed) = failed.lock() {
            failed.get_or_insert(error);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(count) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    if at >= count {
                        return;
                    }
                    match catch_unwind(AssertUnwindSafe(|| job(at))) {
                        Ok(Ok(value)) => {
                            if let Ok(mut results) = results.lock() {
                                results.push((at, value));
                            }
                        }
                        Ok(Err(error)) => return stop(error),
                        Err(_) => return stop(RunError::failed("reading failed inside, and the case was left as it was")),
                    }
                }
            });
        }
    });
    if let Some(error) = failed.into_inner().unwrap_or_default() {
        return Err(error);
    }
    let mut results = results.into_inner().unwrap_or_default();
    results.sort_by_key(|(at, _)| *at);
    Ok(results.into_iter().map(|(_, value)| value).collect())
}
