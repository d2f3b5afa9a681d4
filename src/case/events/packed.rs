//! Messages kept in memory, packed: unpacking a row group again is several times as fast as reading it from the case.

use super::{AT_ONCE, Events, stored};
use crate::case::search::{Column, Pattern};
use crate::control::{Control, RunError};
use foldhash::{HashMap, HashMapExt as _};
use lz4::block::{compress, decompress_to_buffer};
use polars::prelude::{DataFrame, PolarsResult, StaticArray};
use rayon::prelude::*;
use std::cell::RefCell;
use std::collections::hash_map::Entry;

/// Bytes of packed messages beyond which the rest stays on the disk.
const ROOM: usize = 1 << 30;

/// The messages of one row group, equal ones once.
pub(super) struct Packed {
    block: Box<[u8]>,
    /// Where each text ends among them, unpacked.
    ends: Vec<u32>,
    /// Of each row, which text.
    texts: Vec<u16>,
}

impl Events {
    /// Packs the messages of as many row groups as there is room for.
    pub(super) fn pack(&self, control: &Control) -> Result<(), RunError> {
        if self.packed.get().is_some() {
            return Ok(());
        }
        let (mut all, mut bytes) = (Vec::with_capacity(self.chunks.len()), 0);
        for chunks in self.chunks.chunks(AT_ONCE) {
            control.check()?;
            if bytes > ROOM {
                break;
            }
            let packed: Vec<Option<Packed>> = chunks.par_iter().map(|chunk| chunk.read(&[stored(Column::Message)], pack)).collect::<Result<_, _>>()?;
            bytes += packed.iter().flatten().map(Packed::bytes).sum::<usize>();
            all.extend(packed);
        }
        all.shrink_to_fit();
        let _ = self.packed.set(all);
        Ok(())
    }

    /// The messages of a chunk, if they are in memory.
    pub(super) fn packed(&self, chunk: usize) -> Option<&Packed> {
        self.packed.get()?.get(chunk)?.as_ref()
    }
}

impl Packed {
    fn bytes(&self) -> usize {
        self.block.len() + 4 * self.ends.len() + 2 * self.texts.len()
    }

    /// Unpacks the messages and hands them to `search`.
    ///
    /// # Errors
    /// Those of `search`; and when what was packed cannot be unpacked: the memory is damaged.
    pub(super) fn unpacked<T>(&self, search: impl FnOnce(Messages<'_>) -> Result<T, RunError>) -> Result<T, RunError> {
        thread_local! {
            static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        ROOM.with_borrow_mut(|room| {
            let whole = self.ends.last().copied().unwrap_or(0) as usize;
            if room.len() < whole {
                room.resize(whole, 0);
            }
            let unpacked = decompress_to_buffer(&self.block, i32::try_from(whole).ok(), room);
            let all = unpacked.ok().and_then(|length| std::str::from_utf8(room.get(..length)?).ok());
            let all = all.ok_or_else(|| RunError::failed("messages kept in memory cannot be unpacked; open the case again"))?;
            search(Messages { packed: self, all })
        })
    }
}

/// The messages of one row group, unpacked.
#[derive(Clone, Copy)]
pub(super) struct Messages<'a> {
    packed: &'a Packed,
    all: &'a str,
}

impl Messages<'_> {
    /// Marks the rows whose message has the pattern in it.
    pub(super) fn add(&self, pattern: &Pattern, hits: &mut [bool]) {
        let found = if pattern.is_whole() { self.one_by_one(pattern) } else { self.all_at_once(pattern) };
        for (row, text) in self.packed.texts.iter().enumerate() {
            hits[row] |= found[usize::from(*text)];
        }
    }

    fn text(&self, text: usize) -> &str {
        let ends = &self.packed.ends;
        let from = text.checked_sub(1).map_or(0, |before| ends[before]) as usize;
        self.all.get(from..ends[text] as usize).unwrap_or_default()
    }

    fn one_by_one(&self, pattern: &Pattern) -> Vec<bool> {
        (0..self.packed.ends.len()).map(|text| pattern.is_in(self.text(text))).collect()
    }

    /// Which texts have it, found in one go through all of them: beginning a search anew for each takes longer than the search.
    fn all_at_once(&self, pattern: &Pattern) -> Vec<bool> {
        let ends = &self.packed.ends;
        let mut found = vec![false; ends.len()];
        let mut from = 0;
        while let Some(place) = pattern.next(self.all, from) {
            let text = ends.partition_point(|end| *end as usize <= place.start);
            let Some(end) = ends.get(text) else { break };
            from = *end as usize;
            // What begins in one text and ends in another is in neither, but a shorter one may be.
            found[text] = place.end <= from || pattern.is_in(self.text(text));
        }
        found
    }
}

/// Packs a row group; `None` when it is too big for that.
fn pack(table: &DataFrame) -> PolarsResult<Option<Packed>> {
    let (mut all, mut ends, mut texts) = (Vec::new(), Vec::new(), Vec::with_capacity(table.height()));
    for column in table.columns() {
        for array in column.str()?.downcast_iter() {
            // Equal values of one page are stored once: where a value lies tells it.
            let mut known: HashMap<u128, u16> = HashMap::new();
            for (row, view) in array.views().iter().enumerate() {
                let text = match known.entry(view.as_u128()) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(place) => {
                        let Ok(text) = u16::try_from(ends.len()) else { return Ok(None) };
                        all.extend_from_slice(StaticArray::get(array, row).unwrap_or_default().as_bytes());
                        ends.push(all.len() as u32);
                        *place.insert(text)
                    }
                };
                texts.push(text);
            }
        }
    }
    // The packer measures in 31 bits.
    if i32::try_from(all.len()).is_err() {
        return Ok(None);
    }
    // The packer leaves room for the worst case.
    Ok(compress(&all, None, false).ok().map(|block| Packed { block: block.into_boxed_slice(), ends, texts }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::{Column as Series, IntoColumn as _, NamedFrom as _, Series as Values};

    fn hits_of(packed: &Packed, pattern: &Pattern, hits: &mut [bool]) {
        let add = |messages: Messages<'_>| {
            messages.add(pattern, hits);
            Ok(())
        };
        packed.unpacked(add).unwrap();
    }

    #[test]
    fn what_is_packed_is_found_as_it_would_be_in_each_text() {
        let texts = ["ab", "ba", "", "abba", "ab", "KEY=\u{e4}", "a", "b", "\u{212a}ey", "aab"];
        let column: Series = Values::new("message".into(), texts).into_column();
        let packed = pack(&DataFrame::new_infer_height(vec![column]).unwrap()).unwrap().unwrap();
        assert!(packed.ends.len() < texts.len(), "equal texts are kept once");
        for (word, pattern) in ["ab", "b", "bb", "ba", "bab", "key", "\u{e4}", "aa", "ab|a"].map(|word| (word, Pattern::contains(word).unwrap())) {
            let mut hits = vec![false; texts.len()];
            hits_of(&packed, &pattern, &mut hits);
            assert_eq!(hits, texts.map(|text| pattern.is_in(text)), "{word}");
        }
        let (either, whole) = (Pattern::any(&["bbaab".into(), "ba".into()]).unwrap(), Pattern::exactly("AB").unwrap());
        for pattern in [either, whole] {
            let mut hits = vec![false; texts.len()];
            hits_of(&packed, &pattern, &mut hits);
            assert_eq!(hits, texts.map(|text| pattern.is_in(text)));
        }
    }
}
