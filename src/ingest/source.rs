//! Looks at sources before they are read: what each is, what is packed in it, and which have the same bytes.

use super::archive::{self, Archive, INSIDE, Place, Room, Unpacked};
use super::error::ReadError;
use super::find::{Found, Refused};
use super::format::Head;
use super::grouped;
use super::parallel::in_parallel;
use super::sniff::{self, Kind};
use super::table::Chosen;
use crate::control::{Control, RunError};
use std::fs::File;
use std::sync::Arc;
use std::time::SystemTime;

/// Archives are opened in archives this often.
const NESTED: usize = 1;

/// One source, sniffed.
pub(super) struct Source<'a> {
    pub(super) name: String,
    /// As in the ledger.
    pub(super) path: String,
    pub(super) place: Place,
    pub(super) kind: Kind,
    pub(super) state: State,
    /// Worth knowing, from the archive it came from.
    pub(super) remarks: Vec<String>,
    /// Known already when other sources have the same size.
    pub(super) sha256: Option<String>,
    pub(super) duplicate_of: Option<String>,
    pub(super) chosen: &'a Chosen,
    room: &'a Room,
}

/// What may not change while a source is read.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct State {
    pub(super) size: u64,
    modified: Option<SystemTime>,
}

impl State {
    pub(super) fn of(file: &File) -> std::io::Result<Self> {
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
    fn file_of(&self, source: &Source<'_>, depth: usize) -> Result<(std::path::PathBuf, Option<crate::files::TempPath>), String> {
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
    pub(super) fn unpack(&self, control: &Control) -> Result<Option<Unpacked>, ReadError> {
        match &self.place {
            Place::File(_) => Ok(None),
            Place::Member(archive, member) => member.unpack(archive, self.room, control).map(Some),
        }
    }

    /// The first bytes, and what may not change.
    fn look(&self) -> Result<(Vec<u8>, State), ReadError> {
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
                Err(ReadError::TooBig(why)) => self.kind = Kind::Unreadable(why),
                // Damage: what can be read of it is read.
                Err(_) => {}
            }
        }
    }
}
