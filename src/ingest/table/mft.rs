//! MFTECmd's table of the master file table: up to eight times a row, of which an empty `...0x30` means the same as `...0x10`.

use super::generic::{Generic, distinct};
use super::row::{Row, Slot, Wanted};
use super::spec::Spec;
use super::times::Reading;
use crate::domain::Event;

const STAMPS: [&str; 4] = ["Created", "LastModified", "LastRecordChange", "LastAccess"];

/// `$MFT`.
pub(super) struct Mft {
    generic: Generic,
    /// (name of 0x10, its column, name of 0x30, its column)
    stamps: Vec<(String, Slot, String, Slot)>,
    reading: Reading,
}

impl Mft {
    pub(super) fn new(spec: &Spec, name: &str, reading: Reading, wanted: &mut Wanted) -> Self {
        let stamps = STAMPS
            .iter()
            .map(|stamp| {
                let (standard, name) = (format!("{stamp}0x10"), format!("{stamp}0x30"));
                let (standard_slot, name_slot) = (wanted.slot(&standard), wanted.slot(&name));
                (standard, standard_slot, name, name_slot)
            })
            .collect();
        Self { generic: Generic::new(spec, name, reading.clone(), wanted), stamps, reading }
    }

    pub(super) fn map(&self, row: &Row<'_>, out: &mut Vec<Event>) {
        let mut base = self.generic.base(row);
        if let Some(path) = &base.image {
            base.message.clear();
            crate::ingest::message::plain(path, super::generic::MAX_MESSAGE, &mut base.message);
        }
        let stamps = self.stamps.iter().flat_map(|(standard, standard_slot, name, name_slot)| {
            let at = row.get(*standard_slot);
            let named = row.get(*name_slot);
            [(standard.as_str(), at), (name.as_str(), if named.trim().is_empty() { at } else { named })]
        });
        distinct(row, &base, stamps, &self.reading, out);
    }
}
