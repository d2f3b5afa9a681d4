//! The mapper of a format's rows, by its shape.

use super::bodyfile;
use super::generic::Generic;
use super::mft::Mft;
use super::plaso::{Dynamic, L2tcsv};
use super::row::{Header, Row, Slot, Wanted};
use super::spec::{Shape, Spec};
use super::times::Reading;
use super::winevent::WinEvent;
use crate::domain::Event;

/// Turns rows into events.
pub(super) struct Mapper {
    kind: Kind,
    /// Columns of which a row must reach one.
    times: Vec<Slot>,
}

enum Kind {
    Columns(Box<Generic>),
    L2tcsv(Box<L2tcsv>),
    Dynamic(Box<Dynamic>),
    Bodyfile,
    Mft(Box<Mft>),
    Windows(Box<WinEvent>),
}

impl Mapper {
    pub(super) fn new(spec: &Spec, name: &str, reading: Reading, wanted: &mut Wanted) -> Self {
        let times = wanted.slots(&spec.time.0);
        let kind = match spec.shape {
            Shape::Columns => Kind::Columns(Box::new(Generic::new(spec, name, reading, wanted))),
            Shape::L2tcsv => Kind::L2tcsv(Box::new(L2tcsv::new(wanted))),
            Shape::Dynamic => Kind::Dynamic(Box::new(Dynamic::new(wanted))),
            Shape::Bodyfile => Kind::Bodyfile,
            Shape::Mft => Kind::Mft(Box::new(Mft::new(spec, name, reading, wanted))),
            Shape::Evtxecmd | Shape::Sysmon | Shape::Winevent | Shape::EvtxDump | Shape::Winlogbeat | Shape::Nxlog => {
                Kind::Windows(Box::new(WinEvent::new(spec, name, reading, wanted)))
            }
        };
        Self { kind, times }
    }

    /// The row's events.
    ///
    /// # Errors
    /// In words, when the row gives none.
    pub(super) fn map(&mut self, row: &Row<'_>, out: &mut Vec<Event>) -> Result<(), String> {
        match &mut self.kind {
            Kind::Columns(mapper) => mapper.map(row, out),
            Kind::L2tcsv(mapper) => mapper.map(row, out),
            Kind::Dynamic(mapper) => mapper.map(row, out),
            Kind::Bodyfile => bodyfile::map(row, out),
            Kind::Mft(mapper) => mapper.map(row, out),
            Kind::Windows(mapper) => return mapper.map(row, out),
        }
        Ok(())
    }

    /// The cell that a row must reach to have a time.
    pub(super) fn least(&self, header: &Header) -> usize {
        self.times.iter().filter_map(|slot| header.place(*slot)).min().unwrap_or(0).max(1)
    }
}
