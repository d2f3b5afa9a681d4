//! Bytes to UTF-8: byte order marks, UTF-16, and bytes that are no text.

use std::borrow::Cow;
use std::fmt::Write;
use std::io::{ErrorKind, Read};

/// How a table's text is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ingest) enum Encoding {
    Utf8,
    Utf16 { big: bool },
}

/// The encoding and the length of the byte order mark.
pub(in crate::ingest) fn detect(head: &[u8]) -> (Encoding, usize) {
    match head {
        [0xef, 0xbb, 0xbf, ..] => return (Encoding::Utf8, 3),
        [0xff, 0xfe, ..] => return (Encoding::Utf16 { big: false }, 2),
        [0xfe, 0xff, ..] => return (Encoding::Utf16 { big: true }, 2),
        _ => {}
    }
    // Without a mark: Latin text in UTF-16 has a zero in every other byte.
    let sample = head.get(..head.len().min(1024)).unwrap_or_default();
    let zeros = |first: usize| sample.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), sample.len() / 2);
    match half {
        0..8 => (Encoding::Utf8, 0),
        _ if odd * 10 >= half * 9 && even == 0 => (Encoding::Utf16 { big: false }, 0),
        _ if even * 10 >= half * 9 && odd == 0 => (Encoding::Utf16 { big: true }, 0),
        _ => (Encoding::Utf8, 0),
    }
}

/// The text of bytes that ought to be UTF-8; what is not stands there escaped (`\xE9`).
pub(in crate::ingest) fn text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.into();
    }
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{byte:02X}");
        }
    }
    out.into()
}

/// The text of a source's first bytes behind their mark; none when they are no text.
pub(in crate::ingest) fn head_text(bytes: &[u8], encoding: Encoding) -> Option<Cow<'_, str>> {
    match encoding {
        // Some tools write a zero or two from names; in other files there are many, or some at once.
        Encoding::Utf8 if bytes.split(|byte| *byte == 0).count() * 20 > bytes.len() + 20 || bytes.iter().take(64).any(|byte| *byte == 0) => None,
        Encoding::Utf8 => Some(text(bytes)),
        Encoding::Utf16 { big } => {
            let mut text = String::new();
            Utf16::new(bytes, big).read_to_string(&mut text).ok()?;
            Some(text.into())
        }
    }
}

/// Reads UTF-16 as UTF-8; what is no character becomes U+FFFD.
pub(in crate::ingest) struct Utf16<R> {
    inner: R,
    big: bool,
    raw: Vec<u8>,
    out: Vec<u8>,
    at: usize,
}

impl<R: Read> Utf16<R> {
    pub(in crate::ingest) fn new(inner: R, big: bool) -> Self {
        Self { inner, big, raw: Vec::new(), out: Vec::new(), at: 0 }
    }

    /// Decodes the next block; `false` at the end.
    fn fill(&mut self) -> std::io::Result<bool> {
        let mut block = [0u8; 8 * 1024];
        let got = loop {
            match self.inner.read(&mut block) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.raw.extend_from_slice(block.get(..got).unwrap_or_default());
        let mut units: Vec<u16> = self
            .raw
            .chunks_exact(2)
            .map(|pair| match pair {
                [a, b] if self.big => u16::from_be_bytes([*a, *b]),
                [a, b] => u16::from_le_bytes([*a, *b]),
                _ => 0,
            })
            .collect();
        let mut used = units.len() * 2;
        // The first half of a pair waits for the second.
        if got > 0 && units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
            units.pop();
            used -= 2;
        }
        if got == 0 {
            used = self.raw.len();
        }
        self.raw.drain(..used);
        let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        self.out = text.into_bytes();
        self.at = 0;
        Ok(got > 0 || !self.out.is_empty())
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.at >= self.out.len() {
            if !self.fill()? {
                return Ok(0);
            }
        }
        let rest = self.out.get(self.at..).unwrap_or_default();
        let count = rest.len().min(into.len());
        for (to, from) in into.iter_mut().zip(rest) {
            *to = *from;
        }
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_zeros_tell_the_encoding() {
        assert_eq!(detect(b"\xef\xbb\xbfa"), (Encoding::Utf8, 3));
        assert_eq!(detect(b"\xff\xfea\0"), (Encoding::Utf16 { big: false }, 2));
        assert_eq!(detect(b"\0a\0b\0c\0d\0e\0f\0g\0h"), (Encoding::Utf16 { big: true }, 0));
        assert_eq!(detect(b"plain text, and more of it"), (Encoding::Utf8, 0));
    }

    #[test]
    fn utf16_becomes_utf8_even_in_small_pieces() {
        let text = "a,ü,\u{1f600}\r\n";
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        struct Drip<'a>(&'a [u8]);
        impl Read for Drip<'_> {
            fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
                self.0.read(&mut into[..1])
            }
        }
        let mut out = String::new();
        Utf16::new(Drip(&bytes), false).read_to_string(&mut out).unwrap();
        assert_eq!(out, text);
    }

    #[test]
    fn bytes_that_are_no_text_are_escaped() {
        assert_eq!(text(b"caf\xe9.txt"), "caf\\xE9.txt");
    }
}
