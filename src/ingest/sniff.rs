//! Tells a source's format by its first bytes; names do not count, but for saying that an `.evtx` ought to have been one.

use super::evtx::Evtx;
use super::format::{Format, Head};
use super::table::{self, Chosen};
use super::xml::EventXml;

/// Bytes looked at.
pub(super) const HEAD: usize = 64 * 1024;

/// Every format, in the order they are asked.
const FORMATS: &[&dyn Format] = &[&Evtx, &EventXml { dumped: false }, &EventXml { dumped: true }];

/// What a source is.
#[derive(Clone)]
pub(super) enum Kind {
    /// Evidence of this format, with the certainty.
    Evidence(&'static dyn Format, f32),
    /// Holds other sources; its name.
    Archive(&'static str),
    /// Ought to be evidence, but cannot be read; why.
    Unreadable(String),
    /// Not evidence; why.
    NotEvidence(String),
}

/// Tells what the source called `name` is; the surest format wins, the first of equals.
pub(super) fn sniff(name: &str, head: &Head<'_>, chosen: &Chosen) -> Kind {
    let mut best: Option<(&'static dyn Format, f32)> = None;
    for format in FORMATS {
        if let Some(certainty) = format.recognise(head)
            && best.is_none_or(|(_, old)| certainty > old)
        {
            best = Some((*format, certainty));
        }
    }
    if let Some((format, certainty)) = best {
        return Kind::Evidence(format, certainty);
    }
    let claims_evtx = std::path::Path::new(name).extension().is_some_and(|e| e.eq_ignore_ascii_case("evtx"));
    match (claims_evtx, head.bytes) {
        (true, []) => Kind::Unreadable("empty (0 bytes), though its name says EVTX".into()),
        (true, bytes) => {
            Kind::Unreadable(format!("not an EVTX file, though its name says so: it begins with {} instead of ElfFile and holds no chunk", begins(bytes)))
        }
        (false, []) => Kind::NotEvidence("empty (0 bytes)".into()),
        (false, _) => match table::recognise(head, chosen) {
            Ok((format, certainty)) => Kind::Evidence(format, certainty),
            Err(why) => Kind::NotEvidence(why),
        },
    }
}

/// The first eight bytes in words.
pub(super) fn begins(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.iter().take(8).flat_map(|b| b.escape_ascii()).map(char::from).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str, bytes: &[u8]) -> Kind {
        sniff(name, &Head { bytes }, &Chosen::new(&crate::ingest::Options::default()).unwrap())
    }

    #[test]
    fn content_decides_and_the_name_only_words_the_complaint() {
        assert!(matches!(kind("x.txt", b"ElfFile\0 and so on"), Kind::Evidence(f, _) if f.name() == "EVTX"));
        assert!(matches!(kind("x.EVTX", b""), Kind::Unreadable(why) if why.starts_with("empty")));
        assert!(matches!(kind("x.evtx", b"MZ\x90\0abc"), Kind::Unreadable(why) if why.contains("\"MZ\\x90\\x00abc\"")));
        assert!(matches!(kind("truth.jsonl", b"{}"), Kind::NotEvidence(_)));
        assert!(matches!(kind("x", b""), Kind::NotEvidence(_)));
    }
}
