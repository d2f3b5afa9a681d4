//! Files that are one packed stream: gzip and Zstandard, of one part or several.

use super::{Kind, shown};
use crate::ingest::error::{ReadError, Result};
use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};

/// What the packed file is called inside.
pub(super) fn inner_name(outer: &str) -> String {
    let base = outer.rsplit('/').next().unwrap_or(outer);
    let lower = base.to_ascii_lowercase();
    for (ending, instead) in [(".gz", ""), (".gzip", ""), (".zst", ""), (".zstd", ""), (".tgz", ".tar")] {
        if lower.len() > ending.len() && lower.ends_with(ending) {
            return shown(&format!("{}{instead}", base.get(..base.len() - ending.len()).unwrap_or(base)));
        }
    }
    shown(base)
}

/// Reads the stream.
pub(super) fn read(kind: Kind, file: File, pump: &mut dyn FnMut(&mut dyn Read) -> Result<()>) -> Result<()> {
    let reader = BufReader::with_capacity(256 * 1024, file);
    if kind == Kind::Gzip { pump(&mut MultiGzDecoder::new(reader)) } else { frames(reader, pump) }
}

/// Zstandard: frame by frame; what is meant to be skipped is. Checksums are not compared: the decoder is built without its hash.
fn frames(mut reader: BufReader<File>, pump: &mut dyn FnMut(&mut dyn Read) -> Result<()>) -> Result<()> {
    while !reader.fill_buf()?.is_empty() {
        let mut decoder = match StreamingDecoder::new(&mut reader) {
            Ok(decoder) => decoder,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                std::io::copy(&mut (&mut reader).take(u64::from(length)), &mut std::io::sink())?;
                continue;
            }
            Err(error) => return Err(ReadError::archive(error.to_string())),
        };
        let mut stopped = Stopped { inner: &mut decoder, ended: false };
        pump(&mut stopped)?;
        if !stopped.ended {
            return Ok(());
        }
    }
    Ok(())
}

/// Tells whether the inner reader was read to its end.
struct Stopped<'a, R> {
    inner: &'a mut R,
    ended: bool,
}

impl<R: Read> Read for Stopped<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(into)?;
        self.ended |= read == 0;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_names_lose_the_packers_ending() {
        for (outer, inner) in [("case/t.csv.gz", "t.csv"), ("T.CSV.ZST", "T.CSV"), ("x.tgz", "x.tar"), ("case/noending", "noending"), (".gz", ".gz")] {
            assert_eq!(inner_name(outer), inner);
        }
    }
}
