//! ZIP archives: the list of members, and the bytes of one.

use super::super::find::Refused;
use super::{Listed, Listing, shown};
use crate::ingest::error;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Result, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use zip::ZipArchive;
use zip::result::ZipError;

/// More members than any collection has; a crafted directory would fill the memory.
const MAX_MEMBERS: u64 = 500_000;
/// Length of the record at the end that counts the members, and of the longest comment behind it.
const END: u64 = 22 + 65_535;

/// An open archive; its members are read one at a time.
pub(super) struct Zip(Mutex<ZipArchive<BufReader<File>>>);

/// Reads the directory.
///
/// # Errors
/// In words, why there is none.
pub(super) fn open(path: &Path) -> std::result::Result<(Zip, Listing), String> {
    let failed = |error: &dyn std::fmt::Display| format!("not a ZIP archive that can be read ({error}); was it copied whole?");
    let mut file = File::open(path).map_err(|error| failed(&error))?;
    let count = counted(&mut file).map_err(|error| failed(&error))?;
    if count > MAX_MEMBERS {
        return Err(format!("the archive says it holds {count} members, more than {MAX_MEMBERS}: not read; unpack it to read it"));
    }
    let opened = std::panic::catch_unwind(|| ZipArchive::new(BufReader::new(file)));
    let mut zip = opened.map_err(|_| failed(&"the reader failed inside"))?.map_err(|error| failed(&error))?;
    let listing = list(&mut zip)?;
    Ok((Zip(Mutex::new(zip)), listing))
}

/// The number of members that the end of the file states; 0 where it states none.
fn counted(file: &mut File) -> Result<u64> {
    let size = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(size.saturating_sub(END)))?;
    let mut tail = Vec::new();
    file.take(END).read_to_end(&mut tail)?;
    let number = |at: usize, length: usize| {
        let bytes = tail.get(at..at.checked_add(length)?)?;
        Some(bytes.iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    let end = tail.windows(4).rposition(|window| window == b"PK\x05\x06").and_then(|at| number(at.checked_add(10)?, 2)).unwrap_or(0);
    let end64 = tail.windows(4).rposition(|window| window == b"PK\x06\x06").and_then(|at| number(at.checked_add(32)?, 8));
    file.seek(SeekFrom::Start(0))?;
    Ok(if end == 0xffff { end64.unwrap_or(end) } else { end })
}

fn list(zip: &mut ZipArchive<BufReader<File>>) -> std::result::Result<Listing, String> {
    let mut remarks = Vec::new();
    if zip.has_overlapping_entries().unwrap_or(false) {
        return Err("members of the archive share bytes, as only bombs do: not read; unpack it to read it".into());
    }
    if zip.has_duplicate_names() {
        remarks.push("the archive names some members twice: of each name the last is read".into());
    }
    let is_document = ["[Content_Types].xml", "META-INF/MANIFEST.MF", "AndroidManifest.xml"].iter().any(|name| zip.index_for_name(name).is_some());
    if is_document {
        return Ok(Listing { members: Vec::new(), remarks: vec!["a document or program packed as ZIP, not a collection of evidence: not unpacked".into()] });
    }
    let (mut members, mut names) = (Vec::new(), HashMap::<String, u64>::new());
    for index in 0..zip.len() {
        let entry = match zip.by_index_data(index) {
            Ok(entry) => entry,
            Err(error) => {
                let refused = Some(Refused::Unreadable(why(&error)));
                members.push(Listed { name: format!("member {}", index + 1), index, size: None, packed: 0, refused, remark: None });
                continue;
            }
        };
        if entry.is_dir() {
            continue;
        }
        let found = entry.name().map_or_else(|_| String::from_utf8_lossy(entry.name_raw()).into_owned(), std::borrow::Cow::into_owned);
        let mut name = shown(&found);
        let number = names.entry(name.clone()).or_insert(0);
        *number += 1;
        if *number > 1 {
            name = format!("{name} ({number})");
        }
        let outside = name.split('/').any(|part| part == "..") || name.starts_with('/') || name.get(1..2) == Some(":");
        let remark = outside.then(|| "its name in the archive leads out of the archive; it is shown and never used as a path".to_owned());
        let refused = if entry.encrypted() {
            Some(Refused::Unreadable("encrypted in the archive: unpack it with its password and open the result".into()))
        } else if entry.is_symlink() {
            Some(Refused::Special("a symbolic link in the archive, which is not followed".into()))
        } else {
            None
        };
        members.push(Listed { name, index, size: Some(entry.size()), packed: entry.compressed_size(), refused, remark });
    }
    Ok(Listing { members, remarks })
}

impl Zip {
    /// Reads a member; its CRC is compared at its end.
    pub(super) fn read(&self, index: usize, pump: &mut dyn FnMut(&mut dyn Read) -> error::Result<()>) -> error::Result<()> {
        let mut zip = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut member = zip.by_index(index).map_err(|error| error::ReadError::archive(why(&error)))?;
        pump(&mut member)
    }
}

fn why(error: &ZipError) -> String {
    match error {
        ZipError::CompressionMethodNotSupported(method) => format!("packed with method {method}, which is not read: unpack it to read it"),
        ZipError::UnsupportedArchive(text) if *text == ZipError::PASSWORD_REQUIRED => "encrypted in the archive: unpack it with its password".into(),
        other => other.to_string(),
    }
}
