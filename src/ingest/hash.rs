//! SHA-256 of a file, by a sequential reader of its own.

use super::error::{Result, go_on};
use crate::control::Control;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs::File;
use std::io::{ErrorKind, Read};

const BLOCK: usize = 1 << 20;

/// Lower-case hex of the SHA-256 of everything in `file`; an error when cancelled.
pub(super) fn sha256(mut file: File, control: &Control) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut block = vec![0; BLOCK];
    loop {
        go_on(&control.cancel)?;
        let read = match file.read(&mut block) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        hasher.update(block.get(..read).unwrap_or_default());
    }
    Ok(hex(hasher))
}

/// Lower-case hex of what was hashed.
pub(super) fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_own_example() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        let hex = sha256(File::open(path).unwrap(), &Control::silent()).unwrap();
        assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
