//! Archives read in place: ZIP collections (KAPE, Velociraptor), gzip, Zstandard. Told by content; every member is a source of its own.
//!
//! A member is called `a.zip!/b.evtx`, its SHA-256 is that of its unpacked bytes. What is evidence is unpacked into the user's cache while it is
//! read ([`room`]), never beside the evidence; the rest is only hashed. Names in archives are shown, never used as paths. Border: knows bytes, not
//! formats; `source` decides what is read.

mod kept;
mod packed;
mod room;
mod zipped;

pub(super) use crate::files::INSIDE;
pub(super) use kept::member;
pub(super) use room::{Room, sweep};

use super::error::{ReadError, Result, go_on};
use super::find::{Refused, plain};
use crate::control::Control;
use crate::files::{SourcePath, TempPath};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Unpacked bytes that are always allowed to one member,
const FREE: u64 = 1 << 30;
/// and to all members of an archive together;
const FREE_IN_ALL: u64 = 16 << 30;
/// beyond, they may be this many times what they take packed. Real logs and tables stay below 60.
const RATIO: u64 = 200;
const BLOCK: usize = 128 * 1024;

/// Kinds of archives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Zip,
    Gzip,
    Zstandard,
}

impl Kind {
    /// What `head` begins.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstandard),
            _ => None,
        }
    }

    /// Its name in the ledger.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Zip => "ZIP archive",
            Self::Gzip => "gzip file",
            Self::Zstandard => "Zstandard file",
        }
    }
}

/// An archive, open.
pub(super) struct Archive {
    file: PathBuf,
    kind: Kind,
    bytes: u64,
    zip: Option<zipped::Zip>,
    /// An archive inside another, unpacked; removed with its last member.
    _held: Option<TempPath>,
}

/// A member as listed.
pub(super) struct Listed {
    /// Behind the archive's name; `/`-separated, control characters escaped.
    pub(super) name: String,
    pub(super) index: usize,
    /// Unpacked size as stated; none where nothing states it for sure.
    pub(super) size: Option<u64>,
    /// Packed size.
    packed: u64,
    pub(super) refused: Option<Refused>,
    pub(super) remark: Option<String>,
}

/// What an archive holds.
pub(super) struct Listing {
    pub(super) members: Vec<Listed>,
    /// Something worth knowing of the whole.
    pub(super) remarks: Vec<String>,
}

impl Archive {
    /// Opens `file`, called `name`.
    ///
    /// # Errors
    /// In words, why nothing can be read of it.
    pub(super) fn open(kind: Kind, name: &str, file: &Path, held: Option<TempPath>) -> std::result::Result<(Self, Listing), String> {
        let bytes = file.metadata().map_err(|error| format!("cannot be opened ({error})"))?.len();
        let (zip, listing) = match kind {
            Kind::Zip => {
                let (zip, listing) = zipped::open(file)?;
                (Some(zip), listing)
            }
            Kind::Gzip | Kind::Zstandard => {
                let name = packed::inner_name(name);
                (None, Listing { members: vec![Listed { name, index: 0, size: None, packed: bytes, refused: None, remark: None }], remarks: Vec::new() })
            }
        };
        let mut archive = Self { file: file.to_path_buf(), kind, bytes, zip, _held: held };
        let listing = archive.bounded(listing);
        Ok((archive, listing))
    }

    /// Refuses members that unpack to more than any real ones do.
    fn bounded(&mut self, mut listing: Listing) -> Listing {
        let mut all = 0u64;
        for member in &mut listing.members {
            let size = member.size.unwrap_or(0);
            all = all.saturating_add(size);
            let too_much = size > allowed(FREE, member.packed) || all > allowed(FREE_IN_ALL, self.bytes);
            if too_much && member.refused.is_none() {
                member.refused = Some(Refused::Unreadable(bomb(size)));
            }
        }
        listing
    }

    /// Hands the member's bytes to `each`, block by block, until it says `false`.
    fn stream(&self, index: usize, each: &mut dyn FnMut(&[u8]) -> Result<bool>) -> Result<()> {
        let mut pump = |reader: &mut dyn Read| -> Result<()> {
            let mut block = vec![0; BLOCK];
            loop {
                let read = match reader.read(&mut block) {
                    Ok(0) => return Ok(()),
                    Ok(read) => read,
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error.into()),
                };
                if !each(block.get(..read).unwrap_or_default())? {
                    return Ok(());
                }
            }
        };
        // Decoders meet hostile bytes: a panic in one costs its member.
        catch_unwind(AssertUnwindSafe(|| match &self.zip {
            Some(zip) => zip.read(index, &mut pump),
            None => packed::read(self.kind, File::open(&self.file)?, &mut pump),
        }))
        .unwrap_or_else(|_| Err(ReadError::archive("the decompressor failed inside")))
    }
}

fn allowed(free: u64, packed: u64) -> u64 {
    packed.saturating_mul(RATIO).max(free)
}

fn bomb(size: u64) -> String {
    format!("unpacks to {size} bytes or more, over {RATIO} times what it takes packed, as bombs do and evidence does not: not read; unpack it to read it")
}

/// Where a source's bytes are.
#[derive(Clone)]
pub(super) enum Place {
    File(PathBuf),
    Member(Arc<Archive>, Member),
}

/// One member of an archive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) index: usize,
    pub(super) packed: u64,
}

impl From<&Listed> for Member {
    fn from(listed: &Listed) -> Self {
        Self { index: listed.index, packed: listed.packed }
    }
}

/// A member's bytes, unpacked.
pub(super) struct Unpacked {
    pub(super) file: TempPath,
    pub(super) size: u64,
    pub(super) sha256: String,
    /// What is wrong with them; then they may end early.
    pub(super) damage: Option<String>,
}

impl Place {
    /// Whether there are no bytes to read: a device, a folder, nothing at all.
    pub(super) fn is_special(&self) -> bool {
        matches!(self, Self::File(path) if !path.is_file())
    }

    /// Up to `length` bytes from the beginning; damage behind the first block is left to reading.
    pub(super) fn head(&self, length: usize) -> Result<Vec<u8>> {
        let mut head = Vec::new();
        match self {
            Self::File(path) => {
                File::open(path)?.take(length as u64).read_to_end(&mut head)?;
            }
            Self::Member(archive, member) => {
                let done = archive.stream(member.index, &mut |block| {
                    let rest = length.saturating_sub(head.len());
                    head.extend_from_slice(block.get(..rest.min(block.len())).unwrap_or_default());
                    Ok(head.len() < length)
                });
                if head.is_empty() {
                    done?;
                }
            }
        }
        Ok(head)
    }

    /// SHA-256 and number of the bytes; an error when they are damaged, too many, or the job is cancelled.
    pub(super) fn digest(&self, control: &Control) -> Result<(String, u64)> {
        match self {
            Self::File(path) => {
                let file = File::open(path)?;
                let size = file.metadata()?.len();
                Ok((crate::ingest::hash::sha256(file, control)?, size))
            }
            Self::Member(archive, member) => {
                let (mut hasher, mut size) = (Sha256::new(), 0u64);
                archive.stream(member.index, &mut |block| {
                    size = size.saturating_add(block.len() as u64);
                    member.check(size, control)?;
                    hasher.update(block);
                    Ok(true)
                })?;
                Ok((crate::ingest::hash::hex(hasher), size))
            }
        }
    }
}

impl Member {
    fn check(self, size: u64, control: &Control) -> Result<()> {
        go_on(&control.cancel)?;
        if size > allowed(FREE, self.packed) { Err(ReadError::TooBig(bomb(size))) } else { Ok(()) }
    }

    /// Unpacks into the room, hashing on the way; bytes before damage are kept.
    ///
    /// # Errors
    /// There is no room, it is a bomb, or the job is cancelled.
    pub(super) fn unpack(self, archive: &Archive, room: &Room, control: &Control) -> Result<Unpacked> {
        let mut file = room.file()?;
        let (mut hasher, mut size, mut failed) = (Sha256::new(), 0u64, None);
        let done = archive.stream(self.index, &mut |block| {
            size = size.saturating_add(block.len() as u64);
            self.check(size, control)?;
            hasher.update(block);
            if let Err(error) = file.write_all(block) {
                failed = Some(error);
                return Ok(false);
            }
            Ok(true)
        });
        if let Some(error) = failed {
            return Err(ReadError::archive(format!("cannot be unpacked into the cache ({error}): is the disk full?")));
        }
        let damage = match done {
            Err(stop @ (ReadError::Cancelled | ReadError::TooBig(_))) => return Err(stop),
            done => done.err(),
        };
        let damage = damage.map(|error| format!("damaged in the archive ({error}): what came before the damage was read, {size} bytes"));
        Ok(Unpacked { file: file.into_temp_path(), size, sha256: crate::ingest::hash::hex(hasher), damage })
    }
}

/// Makes a member of an archive a file for as long as it and its room live; none when `path` is a file itself.
///
/// # Errors
/// The archive is away or changed, or there is no room.
pub(super) fn at(path: &SourcePath, control: &Control) -> Result<Option<(Unpacked, Room)>> {
    let (file, Some(inside)) = (path.file(), path.member()) else { return Ok(None) };
    let room = Room::new(&[file.to_owned()]);
    let (mut place, mut name, mut wanted) = (Place::File(file.to_owned()), file.to_string_lossy().into_owned(), inside);
    let mut held: Option<TempPath> = None;
    // One archive, and one inside it.
    for _ in 0..2 {
        let Some(kind) = Kind::of(&place.head(8)?) else { break };
        let opened = held.as_deref().unwrap_or(file).to_path_buf();
        let (archive, listing) = Archive::open(kind, &name, &opened, held.take()).map_err(ReadError::Archive)?;
        let member = |name: &str| listing.members.iter().find(|member| member.name == name);
        let (found, rest) = if let Some(found) = member(wanted) {
            (found, "")
        } else {
            let split = wanted.match_indices(INSIDE).find_map(|(at, mark)| Some((member(wanted.get(..at)?)?, wanted.get(at + mark.len()..)?)));
            split.ok_or_else(|| ReadError::archive("the archive holds no such member any more"))?
        };
        let unpacked = Member::from(found).unpack(&archive, &room, control)?;
        if rest.is_empty() {
            return Ok(Some((unpacked, room)));
        }
        (name, wanted) = (found.name.clone(), rest);
        place = Place::File(unpacked.file.to_path_buf());
        held = Some(unpacked.file);
    }
    Err(ReadError::archive("the archive holds no such member any more"))
}

/// A member's name as shown.
fn shown(name: &str) -> String {
    plain(&name.replace('\\', "/"))
}
