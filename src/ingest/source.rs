//! Reads sources side by side: hash beside the parsing, duplicates once, a ledger row for each.

use super::archive::{self, Archive, INSIDE, Place, Room, Unpacked};
use super::find::{Found, Refused};
use super::format::{Format, Head, Input};
use super::output::Output;
use super::sniff::{self, Kind};
use super::table::Chosen;
use super::{grouped, hash};
use crate::control::{Control, RunError};
use crate::domain::{EventSink, Ledger, SourceStatus};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// Sources read at a time; each also has its own parsing threads.
const AT_A_TIME: usize = 2;
/// Smaller sources are hashed before they are read instead of beside it: a thread costs more.
const HASH_ASIDE: u64 = 1 << 20;
/// What is not evidence is hashed up to this size.
const HASH_STRANGER: u64 = 1 << 30;
/// Archives are opened in archives this often.
const NESTED: usize = 1;

/// One source, sniffed.
pub(super) struct Source<'a> {
    name: String,
    /// As in the ledger.
    path: String,
    place: Place,
    kind: Kind,
    state: State,
    /// Worth knowing, from the archive it came from.
    remarks: Vec<String>,
    /// Known already when other sources have the same size.
    sha256: Option<String>,
    duplicate_of: Option<String>,
    chosen: &'a Chosen,
    room: &'a Room,
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

/// Looks at every source: what it is, what is packed in it, and which have the same bytes.
pub(super) fn open_all<'a>(found: Vec<Found>, chosen: &'a Chosen, room: &'a Room, control: &Control) -> Result<Vec<Source<'a>>, RunError> {
    let mut opener = Opener { chosen, room, control, sources: Vec::with_capacity(found.len()) };
    for item in found {
        let path = item.path.to_string_lossy().into_owned();
        opener.open(item.source_file, path, Place::File(item.path), item.refused, 0)?;
    }
    let mut sources = opener.sources;
    sources.sort_by(|a, b| (&a.name, &a.path).cmp(&(&b.name, &b.path)));
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
        Ok(source.and_then(|s| s.sha256.clone().or_else(|| Some(s.place.digest(control).ok()?.0))))
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

/// Opens sources, and the members of those that are archives.
struct Opener<'a, 'c> {
    chosen: &'a Chosen,
    room: &'a Room,
    control: &'c Control,
    sources: Vec<Source<'a>>,
}

impl Opener<'_, '_> {
    /// `depth` = number of archives around it.
    fn open(&mut self, name: String, path: String, place: Place, refused: Option<Refused>, depth: usize) -> Result<(), RunError> {
        self.control.check()?;
        let (chosen, room) = (self.chosen, self.room);
        let unreadable = |why: String| (Kind::Unreadable(why), State::default());
        let mut source = Source {
            name,
            path,
            place,
            kind: Kind::NotEvidence(String::new()),
            state: State::default(),
            remarks: Vec::new(),
            sha256: None,
            duplicate_of: None,
            chosen,
            room,
        };
        let (kind, state) = match refused {
            Some(Refused::Special(why)) => (Kind::NotEvidence(why), State::default()),
            Some(Refused::Unreadable(why)) => unreadable(why),
            None => match source.look() {
                Err(error) => unreadable(format!("cannot be opened ({error})")),
                Ok((head, state)) => match archive::Kind::of(&head) {
                    Some(kind) => return self.expand(source, kind, state, depth),
                    None => (sniff::sniff(&source.name, &Head { bytes: &head }, chosen), state),
                },
            },
        };
        (source.kind, source.state) = (kind, state);
        self.sources.push(source);
        Ok(())
    }

    /// Lists an archive's members as sources, behind a row of its own.
    fn expand(&mut self, mut source: Source<'_>, kind: archive::Kind, state: State, depth: usize) -> Result<(), RunError> {
        (source.kind, source.state) = (Kind::Archive(kind.name()), state);
        let opened = self.file_of(&source, depth).and_then(|(file, held)| Archive::open(kind, &source.name, &file, held));
        let (archive, listing) = match opened {
            Ok(opened) => opened,
            Err(why) => {
                source.kind = Kind::Unreadable(why);
                self.push(source);
                return Ok(());
            }
        };
        source.remarks.extend(listing.remarks);
        if !listing.members.is_empty() {
            source.remarks.push(format!("{} members: each is a source of its own, with the SHA-256 of its unpacked bytes", listing.members.len()));
        }
        let (archive, outer, path) = (Arc::new(archive), source.name.clone(), source.path.clone());
        self.push(source);
        for member in listing.members {
            let place = Place::Member(Arc::clone(&archive), (&member).into());
            let (name, path) = (format!("{outer}{INSIDE}{}", member.name), format!("{path}{INSIDE}{}", member.name));
            let first = self.sources.len();
            self.open(name, path, place, member.refused, depth.saturating_add(1))?;
            if let Some(source) = self.sources.get_mut(first) {
                source.remarks.extend(member.remark);
                source.measure(member.size, self.control);
            }
        }
        Ok(())
    }

    fn push(&mut self, source: Source<'_>) {
        self.sources.push(Source { chosen: self.chosen, room: self.room, ..source });
    }

    /// The file to read an archive from; one inside another is unpacked first.
    fn file_of(&self, source: &Source<'_>, depth: usize) -> Result<(std::path::PathBuf, Option<tempfile::TempPath>), String> {
        match &source.place {
            Place::File(path) => Ok((path.clone(), None)),
            Place::Member(..) if depth > NESTED => Err("an archive in an archive in an archive: not read; unpack the outer ones to read it".into()),
            Place::Member(archive, member) => {
                let unpacked = member.unpack(archive, self.room, self.control).map_err(|error| error.to_string())?;
                match unpacked.damage {
                    Some(damage) => Err(damage),
                    None => Ok((unpacked.file.to_path_buf(), Some(unpacked.file))),
                }
            }
        }
    }
}

impl Source<'_> {
    /// A member's bytes as a file; none for what is a file.
    fn unpack(&self, control: &Control) -> std::io::Result<Option<Unpacked>> {
        match &self.place {
            Place::File(_) => Ok(None),
            Place::Member(archive, member) => member.unpack(archive, self.room, control).map(Some),
        }
    }

    /// The first bytes, and what may not change.
    fn look(&self) -> std::io::Result<(Vec<u8>, State)> {
        let state = match &self.place {
            Place::File(path) => State::of(&File::open(path)?)?,
            Place::Member(..) => State::default(),
        };
        Ok((self.place.head(sniff::HEAD)?, state))
    }

    /// Learns a member's size; where the archive does not state it, by unpacking it once, which gives its hash too.
    fn measure(&mut self, stated: Option<u64>, control: &Control) {
        if let Some(size) = stated {
            self.state.size = size;
        } else if matches!(self.kind, Kind::Evidence(..)) {
            match self.place.digest(control) {
                Ok((sha256, size)) => (self.sha256, self.state.size) = (Some(sha256), size),
                Err(error) if error.kind() == std::io::ErrorKind::QuotaExceeded => self.kind = Kind::Unreadable(error.to_string()),
                // Damage: what can be read of it is read.
                Err(_) => {}
            }
        }
    }
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
        Err(error) => {
            control.check()?;
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
        Err(error) => {
            control.check()?;
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
        None => reopen().and_then(|file| hash::sha256(file, control)),
    };
    let (sha256, done) = std::thread::scope(|scope| {
        let aside = (known.is_none() && size > HASH_ASIDE).then(|| scope.spawn(sha256));
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
